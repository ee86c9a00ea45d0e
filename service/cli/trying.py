"""``wirewatch sources test URL``: what a feed would bring, and how it would be labelled."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import click

from service.cli.exits import Exit, complain
from service.cli.output import count, date_of, hint, moment, print_json, print_table
from service.cli.source_specs import refuse_private, spec_of
from service.cli.state import State, define, json_option
from service.masking import mask

if TYPE_CHECKING:
    from service.reading import Finished, Reading
    from service.settings import Settings
    from service.values import FeedTarget, FetchResult


@define(
    "test",
    examples="""
    wirewatch sources test https://example.org/feed.xml
    wirewatch sources test https://example.org/feed.xml --json | jq '.articles[].topics'
    """,
)
@click.argument("url", metavar="URL")
@click.option("--allow-private", is_flag=True, help="It may be at a private or loopback address.")
@json_option
def test(state: State, url: str, allow_private: bool, as_json: bool) -> Exit:
    """Show what a feed would bring and how it would be labelled.

    It is asked once, and nothing is stored. Exit code 1 says that it cannot be read, and why.
    """
    if "://" not in url:
        raise click.UsageError(f"{url!r} is no http:// or https:// address")
    spec = spec_of(state, url, {"allow_private": allow_private, "day_first": None})
    refuse_private(state, spec)
    from service.errors import ParseFailure  # noqa: PLC0415
    from service.reading import read_feed  # noqa: PLC0415
    from service.tagging import Tagger  # noqa: PLC0415
    from service.targets import target_of  # noqa: PLC0415
    from service.values import Fetched  # noqa: PLC0415

    tagger = Tagger(state.taxonomy())
    result = asyncio.run(_fetch(state.settings, target_of(spec.location, spec.options)))
    if not isinstance(result, Fetched):
        complain(f"{mask(url)}: {getattr(result, 'reason', '')}: {getattr(result, 'detail', '')}")
        return Exit.FAILED
    try:
        reading = read_feed(result, tagger=tagger, fetched_at=state.now)
    except ParseFailure as failure:
        complain(f"{mask(url)}: {failure.reason}: {failure.detail}")
        return Exit.FAILED
    if as_json:
        print_json(_as_json(reading))
    else:
        _print(reading)
    return Exit.DONE


async def _fetch(settings: Settings, target: FeedTarget) -> FetchResult:
    from service.application import wall_clock  # noqa: PLC0415 - it brings everything
    from service.outgoing import fetcher_of  # noqa: PLC0415

    fetcher = await fetcher_of(settings)
    try:
        return await fetcher.fetch(target, now=wall_clock())
    finally:
        await fetcher.close()


def _topics(one: Finished) -> list[str]:
    return [tag.topic for tag in one.tags or () if tag.holds]


def _as_json(reading: Reading) -> dict[str, Any]:
    articles = [
        {
            "title": one.article.title,
            "url": one.article.url,
            "published_at": moment(one.article.published_at),
            "topics": _topics(one),
            "scores": {tag.topic: round(tag.score, 4) for tag in one.tags or ()},
        }
        for one in reading.finished
    ]
    return {"title": reading.title, "articles": articles, "warnings": list(reading.warnings)}


def _print(reading: Reading) -> None:
    print_table(
        ["PUBLISHED", "TOPICS", ("TITLE", "wrap")],
        [
            [
                date_of(one.article.published_at, one.article.precision),
                ", ".join(_topics(one)) or "-",
                one.article.title,
            ]
            for one in reading.finished
        ],
    )
    for warning in reading.warnings:
        hint(f"note: {warning}")
    labelled = sum(bool(_topics(one)) for one in reading.finished)
    hint(
        f"{reading.title or 'without a title'}: {count(len(reading.finished), 'article')}, "
        f"{labelled:,} with a topic; nothing was stored"
    )
