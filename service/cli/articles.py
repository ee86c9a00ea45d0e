"""``wirewatch articles``: the question that everything is stored for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from service.cli.completing import source_names, topic_names
from service.cli.moments import Moment
from service.cli.output import count, date_of, hint, moment, print_json, print_table
from service.cli.state import State, define, json_option

if TYPE_CHECKING:
    from models.records import ArticleFilter, ArticleSummary, TagRecord

_PAGE = 500


@define(
    "articles",
    examples="""
    wirewatch articles --topic sanctions --since 7d
    wirewatch articles --topic sanctions --match '"panel of experts"'
    wirewatch articles --topic arms --topic diplomacy --min-score 0.9 --source 'Reuters*'
    wirewatch articles --since 2024-06-01 --until 2024-06-30 --limit 500 --json > june.json
    """,
)
@click.option(
    "--topic",
    "topics",
    multiple=True,
    shell_complete=topic_names,
    help="Carrying this topic; several: any of them.",
)
@click.option(
    "--not-topic", "not_topics", multiple=True, shell_complete=topic_names, help="Not carrying this topic."
)
@click.option("--since", type=Moment(), help="Published from then on: 2024-06-18, yesterday, 24h, 7d.")
@click.option("--until", type=Moment(end=True), help="Published until then; a day counts to its end.")
@click.option(
    "--source",
    "sources",
    multiple=True,
    shell_complete=source_names,
    help="From this source: an id, a location, a title, or a pattern with *.",
)
@click.option("--match", metavar="TEXT", help='With these words in title or text; "quoted" ones as a phrase.')
@click.option(
    "--min-score", type=click.FloatRange(0, 1), metavar="0..1", help="With a topic's score at least so high."
)
@click.option("--language", "languages", multiple=True, metavar="CODE", help="In this language: en, ru, ko …")
@click.option("--duplicates", is_flag=True, help="Also what another source brought before.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="At most so many.")
@json_option
def command(state: State, limit: int, as_json: bool, **asked: Any) -> None:
    """List articles by topic, time, source and words.

    The newest come first. What has no date counts as published when it was first seen. All times are UTC.
    """
    from models.records import ArticleFilter  # noqa: PLC0415

    asked["min_score"] = None if asked["min_score"] is None else float(asked["min_score"])
    wanted = ArticleFilter(**{name: _typed(value) for name, value in asked.items()})
    with state.database():
        found = list(_pages(wanted, limit))
    if as_json:
        print_json([article_json(one) for one in found])
    elif not found:
        hint("no article fits; 'wirewatch status' says what there is")
    else:
        print_table(
            [("ID", "right"), "DATE", "TOPICS", ("TITLE", "wrap"), ("SOURCE", "wrap")],
            [_row(one) for one in found],
        )
        if len(found) == limit:
            hint(f"the newest {count(limit, 'article')}; --limit shows more")


def _typed(value: object) -> Any:
    return tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else value


def _pages(wanted: ArticleFilter, limit: int) -> Iterator[ArticleSummary]:
    from models import catalog  # noqa: PLC0415

    left = limit
    cursor = None
    while left:
        page = catalog.find(replace(wanted, limit=min(left, _PAGE), cursor=cursor))
        yield from page.articles
        left -= len(page.articles)
        cursor = page.next_cursor
        if cursor is None:
            return


def _row(article: ArticleSummary) -> list[Any]:
    return [
        str(article.id),
        date_of(article.published_at, article.precision),
        topics_of(article.tags),
        article.title if article.vanished_at is None else f"{article.title} (its file is gone)",
        article.source,
    ]


def topics_of(tags: Iterable[TagRecord]) -> str:
    """ "sanctions 0.98, arms 0.71"; a person's yes is marked."""
    return ", ".join(f"{tag.topic} {tag.score:.2f}{'✓' if tag.verdict else ''}" for tag in tags) or "-"


def article_json(article: ArticleSummary) -> dict[str, Any]:
    """An article of a list for programs."""
    snippet = article.snippet
    return {
        "id": article.id,
        "title": article.title,
        "title_made": article.title_made,
        "url": article.url,
        "published_at": moment(article.published_at),
        "precision": article.precision,
        "seen_at": moment(article.seen_at),
        "source": article.source,
        "source_id": article.source_id,
        "language": article.language,
        "not_covered": list(article.uncovered),
        "path": article.path,
        "duplicate_of": article.duplicate_of,
        "duplicates": article.duplicates,
        "vanished_at": moment(article.vanished_at),
        "snippet": None if snippet is None else snippet.replace("\x02", "").replace("\x03", ""),
        "tags": [
            {"topic": tag.topic, "score": round(tag.score, 4), "main": tag.main, "verdict": tag.verdict}
            for tag in article.tags
        ],
    }
