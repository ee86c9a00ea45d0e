"""``wirewatch show ID``."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from service.article_json import article_json, moment
from service.cli.evidence import not_covered, print_marked, print_reasons
from service.cli.output import count, date_of, print_json, say
from service.cli.paging import paged
from service.cli.state import State, define, json_option
from service.masking import mask
from service.values import CutKind

if TYPE_CHECKING:
    from models.records import ArticleRecord, PageRecord


@define(
    "show",
    examples="""
    wirewatch show 3
    wirewatch show 3 --json | jq '.tags[].evidence[].phrase'
    """,
)
@click.argument("article_id", type=click.IntRange(1), metavar="ID")
@json_option
def command(state: State, article_id: int, as_json: bool) -> None:
    """Show an article, and why it carries its topics.

    The evidence is marked in the text; below, every topic's phrases with their rule and contribution (in
    logits: they add up to the score).
    """
    with state.database():
        from models import catalog  # noqa: PLC0415
        from models.pages import get as page_of  # noqa: PLC0415

        article = catalog.get(article_id)
        page = page_of(article_id)
    if as_json:
        print_json(_as_json(article, page))
        return
    summary = article.summary
    with paged():
        print_marked(summary.title, article.text, article.tags)
        for label, value in _facts(article, page):
            say(f"{label:<10} {value}")
        say("")
        if article.tags:
            print_reasons(article.tags)
        elif not summary.uncovered:
            say("It carries no topic.")
        if summary.uncovered:
            say(not_covered(summary.uncovered, summary.language))


def _facts(article: ArticleRecord, page: PageRecord | None) -> list[tuple[str, str]]:
    summary = article.summary
    published = date_of(summary.published_at, summary.precision)
    said = f" (found in its {article.date_origin})" if article.date_origin else ""
    cuts = Counter(cut.kind for cut in article.cuts if cut.kind != CutKind.UNREAD)
    unread = "; ".join(cut.text for cut in article.cuts if cut.kind == CutKind.UNREAD)
    facts = [
        ("article", str(summary.id) + (" (its title was made from the text)" if summary.title_made else "")),
        ("source", f"{mask(summary.source)} ({summary.source_id})"),
        ("published", "not said" if summary.published_at is None else f"{published}{said}"),
        ("seen", f"{summary.seen_at:%Y-%m-%d %H:%M}"),
        ("url", summary.url or ""),
        ("file", summary.path or ""),
        ("text", _origin(page)),
        ("author", article.author or ""),
        ("language", summary.language or ""),
        ("categories", ", ".join(article.categories)),
        ("left out", ", ".join(f"{number} {kind.replace('_', ' ')}" for kind, number in cuts.items())),
        ("not read", unread),
        ("revised", count(len(article.revisions), "time") if article.revisions else ""),
        ("same as", f"article {summary.duplicate_of}" if summary.duplicate_of else ""),
        ("file gone", "" if article.vanished_at is None else f"{article.vanished_at:%Y-%m-%d %H:%M}"),
    ]
    return [(label, value) for label, value in facts if value]


def _origin(page: PageRecord | None) -> str:
    """Where the text came from, where the feed has only a summary."""
    if page is None:
        return ""
    if page.taken:
        return f"of its page, read {page.tried_at:%Y-%m-%d %H:%M}"
    if page.reason is None:
        return "the feed's; its page is still to be read"
    again = "" if page.next_try_at is None else f"; tried again from {page.next_try_at:%Y-%m-%d %H:%M} on"
    return f"the feed's; its page gave none: {page.reason}: {mask(page.detail or '')}{again}"


def _as_json(article: ArticleRecord, page: PageRecord | None) -> dict[str, Any]:
    return {**article_json(article), "page": None if page is None else _page_json(page)}


def _page_json(page: PageRecord) -> dict[str, Any]:
    return {
        "taken": page.taken,
        "url": None if page.url is None else mask(page.url),
        "reason": page.reason,
        "detail": None if page.detail is None else mask(page.detail),
        "attempts": page.attempts,
        "tried_at": moment(page.tried_at),
        "next_try_at": moment(page.next_try_at),
    }
