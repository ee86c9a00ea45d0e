"""``wirewatch articles``: the question that everything is stored for."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn

import click

from service.article_json import summary_json as article_json
from service.cli.asking import QueryCommand, filter_of, query_options
from service.cli.output import count, date_of, hint, print_json, print_table, say
from service.cli.paging import paged
from service.cli.state import State, define, json_option
from service.masking import mask

if TYPE_CHECKING:
    from models.records import ArticleFilter, ArticleSummary, TagRecord

__all__ = ["article_json", "command", "topics_of"]

_PAGE = 500
_LIMIT = 50
_LAST = 10  # articles that --watch begins with
_PAUSE = 1.0  # seconds between two looks for new ones
_ORDERS = ("newest", "relevance")


@define(
    "articles",
    cls=QueryCommand,
    examples="""
    wirewatch articles topic:sanctions since:7d
    wirewatch articles 'topic:sanctions "panel of experts"'
    wirewatch articles '(artillery OR shells) -topic:arms lang:en' --order relevance
    wirewatch articles --topic arms --topic diplomacy --min-score 0.9 --source 'Reuters*'
    wirewatch articles since:2024-06-01 until:2024-06-30 --limit 500 --json > june.json
    wirewatch articles topic:arms --watch
    """,
)
@query_options
@click.option(
    "--order", type=click.Choice(_ORDERS), default=_ORDERS[0], show_default=True, help="What comes first."
)
@click.option("--watch", is_flag=True, help="Go on, and list new ones as they are stored, until Ctrl-C.")
@click.option("--limit", type=click.IntRange(1), help=f"At most so many; {_LIMIT}, or {_LAST} with --watch.")
@json_option
def command(state: State, order: str, watch: bool, limit: int | None, as_json: bool, **asked: Any) -> None:
    """List articles by topic, time, source and words.

    The newest come first. What has no date counts as published when it was first seen. All times are UTC.
    """
    from models.records import Order  # noqa: PLC0415 - Peewee is what importing models costs

    if watch and order != _ORDERS[0]:
        raise click.UsageError("--watch lists articles as they come; it has no --order")
    wanted = filter_of(asked, order=Order(order))
    if watch:
        _watch(state, wanted, limit or _LAST, as_json=as_json)
    limit = limit or _LIMIT
    with state.database():
        found = list(_pages(wanted, limit, state))
    if as_json:
        print_json([article_json(one) for one in found])
    elif not found:
        hint("no article fits; 'wirewatch status' says what there is")
    else:
        with paged():
            print_table(
                [("ID", "right"), "DATE", "TOPICS", ("TITLE", "wrap"), ("SOURCE", "wrap")],
                [_row(one) for one in found],
            )
        if len(found) == limit:
            first = "newest" if order == _ORDERS[0] else "most relevant"
            hint(f"the {first} {count(limit, 'article')}; --limit shows more")


def _pages(wanted: ArticleFilter, limit: int, state: State) -> Iterator[ArticleSummary]:
    from models import catalog  # noqa: PLC0415

    left = limit
    cursor = None
    now = state.now
    while left:
        page = catalog.find(replace(wanted, limit=min(left, _PAGE), cursor=cursor), now=now)
        yield from page.articles
        left -= len(page.articles)
        cursor = page.next_cursor
        if cursor is None:
            if page.compared is not None and left:
                hint(f"compared were the newest {page.compared} that fit; since: or a topic narrows it")
            return


def _watch(state: State, wanted: ArticleFilter, limit: int, *, as_json: bool) -> NoReturn:
    """The last ones, the newest at the end, and then what comes; one line each."""
    from models import catalog  # noqa: PLC0415

    with state.database():
        last = catalog.newest_id()
        for one in reversed(list(_pages(wanted, limit, state))):
            if one.id <= last:
                _print_line(one, as_json=as_json)
        while True:
            newest = catalog.newest_id()
            arrived = catalog.arrivals(wanted, after_id=last, limit=_PAGE, now=state.now)
            for one in arrived:
                _print_line(one, as_json=as_json)
            sys.stdout.flush()
            if len(arrived) == _PAGE:
                last = arrived[-1].id
            else:
                last = max([last, newest, *(one.id for one in arrived)])
                time.sleep(_PAUSE)


def _print_line(article: ArticleSummary, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(article_json(article)))  # noqa: T201 - ASCII, so that nothing steers a terminal
    else:
        say("  ".join(_row(article)))


def _row(article: ArticleSummary) -> list[str]:
    return [
        str(article.id),
        date_of(article.published_at, article.precision),
        topics_of(article.tags),
        article.title if article.vanished_at is None else f"{article.title} (its file is gone)",
        mask(article.source),
    ]


def topics_of(tags: Iterable[TagRecord]) -> str:
    """ "sanctions 0.98, arms 0.71"; a person's yes is marked."""
    return ", ".join(f"{tag.topic} {tag.score:.2f}{'✓' if tag.verdict else ''}" for tag in tags) or "-"
