"""``wirewatch sources test URL``: what a feed would bring, and how it would be labelled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from service.cli.adding import chosen_link
from service.cli.exits import Exit, complain
from service.cli.output import count, date_of, hint, moment, print_json, print_table
from service.cli.source_specs import access_options, refuse_private, spec_of
from service.cli.state import State, define, json_option
from service.masking import mask

if TYPE_CHECKING:
    from service.finding import Finding
    from service.reading import Finished, Reading
    from service.settings import Settings
    from service.values import FeedTarget, Fetched


@define(
    "test",
    examples="""
    wirewatch sources test https://example.org/feed.xml
    wirewatch sources test https://example.org/ --first          the feed of a site
    wirewatch sources test https://example.org/feed --header 'X-Key: 42'
    wirewatch sources test https://example.org/feed.xml --json | jq '.articles[].topics'
    """,
)
@click.argument("url", metavar="URL")
@access_options
@click.option("--first", is_flag=True, help="Where a site has several feeds, take the likeliest.")
@json_option
def test(state: State, url: str, first: bool, as_json: bool, **options: Any) -> Exit:
    """Show what a feed would bring and how it would be labelled.

    Of a site's address the feed is found, as 'sources add' does. Nothing is stored. Exit code 1 says that it
    cannot be read, and why.
    """
    if "://" not in url:
        raise click.UsageError(f"{url!r} is no http:// or https:// address")
    options["day_first"] = None
    spec = spec_of(state, url, options)
    refuse_private(state, spec)
    from service.errors import FetchFailure, ParseFailure  # noqa: PLC0415
    from service.reading import read_feed  # noqa: PLC0415
    from service.tagging import Tagger  # noqa: PLC0415
    from service.targets import target_of  # noqa: PLC0415

    def follow(finding: Finding) -> FeedTarget:
        # What a page names has to pass what a person types has to pass.
        found = spec_of(state, chosen_link(finding, first=first).url, options)
        refuse_private(state, found)
        return target_of(found.location, found.options)

    tagger = Tagger(state.taxonomy())
    try:
        fetched = asyncio.run(_bring(state.settings, target_of(spec.location, spec.options), follow))
        reading = read_feed(fetched, tagger=tagger, fetched_at=state.now)
    except (FetchFailure, ParseFailure) as failure:
        complain(f"{mask(url)}: {failure.reason}: {failure.detail}")
        return Exit.FAILED
    if as_json:
        print_json({"location": mask(fetched.url), **_as_json(reading)})
    else:
        _print(reading)
    return Exit.DONE


async def _bring(settings: Settings, target: FeedTarget, follow: Callable[[Finding], FeedTarget]) -> Fetched:
    """The feed at an address, or that of the site that is there.

    :raises FetchFailure: there is none, or it cannot be had
    """
    from service.application import wall_clock  # noqa: PLC0415 - it brings everything
    from service.errors import FetchFailure  # noqa: PLC0415
    from service.finding import find_at  # noqa: PLC0415
    from service.outgoing import fetcher_of  # noqa: PLC0415
    from service.values import Fetched, Reason  # noqa: PLC0415

    fetcher = await fetcher_of(settings)
    try:
        finding = await find_at(fetcher, target, now=wall_clock())
        if finding.fetched is not None:
            return finding.fetched
        if finding.failure is not None:
            raise FetchFailure(finding.failure.reason, finding.failure.detail)
        if not finding.links:
            raise FetchFailure(Reason.NOT_A_FEED, finding.why)
        result = await fetcher.fetch(follow(finding), now=wall_clock())
    finally:
        await fetcher.close()
    if isinstance(result, Fetched):
        return result
    raise FetchFailure(getattr(result, "reason", Reason.INTERNAL), getattr(result, "detail", ""))


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
    return {"title": reading.title, "articles": articles, "warnings": [*reading.warnings, *reading.shortened]}


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
    for warning in (*reading.warnings, *reading.shortened):
        hint(f"note: {warning}")
    labelled = sum(bool(_topics(one)) for one in reading.finished)
    hint(
        f"{reading.title or 'without a title'}: {count(len(reading.finished), 'article')}, "
        f"{labelled:,} with a topic; nothing was stored"
    )
