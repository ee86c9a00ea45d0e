"""``wirewatch sources add``: feeds, folders, and sites whose feeds are found."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from service.cli.output import hint, print_json, say
from service.cli.source_specs import access_options, host_of, refuse_private, spec_of
from service.cli.state import State, define, json_option
from service.masking import mask, plain
from service.source_json import source_json

if TYPE_CHECKING:
    from models.records import SourceSpec
    from service.finding import Finding
    from service.parse.discovery import FeedLink
    from service.settings import Settings
    from service.values import FeedTarget


@define(
    "add",
    examples="""
    wirewatch sources add https://example.org/feed.xml
    wirewatch sources add https://example.org/ --first
    wirewatch sources add ~/reports --include '*.txt' --schedule 'every 1m' --title Reports
    wirewatch sources add http://192.168.1.5/feed --allow-private --group intranet
    wirewatch sources add https://example.org/feed --username me --password-file ~/.example-password
    """,
)
@click.argument("locations", nargs=-1, required=True, metavar="URL|PATH...")
@click.option("--title", help="What to call it; unset: what the feed calls itself.")
@click.option("--group", help="Where lists show it, as parent/child.")
@click.option("--schedule", help='When to look: "adaptive", "every 15m", or a cron expression in UTC.')
@access_options
@click.option("--include", multiple=True, metavar="PATTERN", help="In a folder: only files like this.")
@click.option("--exclude", multiple=True, metavar="PATTERN", help="In a folder: no files like this.")
@click.option(
    "--day-first/--month-first", default=None, help="How to read 03/04/2024; unset: by the text's language."
)
@click.option(
    "--full-text",
    type=click.Choice(("auto", "on", "off")),
    help="Whether the pages of a feed's entries are fetched for their text; auto: where it has summaries.",
)
@click.option(
    "--keep-recurring", is_flag=True, help="Paragraphs that recur in its articles stay in their texts."
)
@click.option("--first", is_flag=True, help="Where a site has several feeds, take the likeliest.")
@click.option("--no-check", is_flag=True, help="Add the addresses as they are, without looking at them.")
@json_option
def add(
    state: State, locations: tuple[str, ...], first: bool, no_check: bool, as_json: bool, **options: Any
) -> None:
    """Add feeds (by URL) and folders (by PATH) to be watched.

    Of a site's address its feeds are found. The running daemon takes up what is added at once. An address
    that does not answer now is added all the same, with a warning.
    """
    specs = [spec_of(state, location, options) for location in locations]
    if options["title"] and len(specs) > 1:
        raise click.UsageError("--title names one source, and several are added")
    for spec in specs:
        refuse_private(state, spec)
    if not no_check:
        specs = _checked(state, specs, options, first=first)
    with state.database(create=True):
        from models.sources import add_all  # noqa: PLC0415

        added = add_all([(spec, host_of(spec)) for spec in specs], now=state.now)
    if as_json:
        print_json([{**source_json(one.source), "new": one.new, "revived": one.revived} for one in added])
        return
    for one in added:
        source = one.source
        what = "added" if one.new else "is listed again" if one.revived else "is known already, unchanged"
        say(f"{source.kind} {source.id}: {mask(source.name)} {what}")


def _checked(
    state: State, specs: Sequence[SourceSpec], options: Mapping[str, Any], *, first: bool
) -> list[SourceSpec]:
    """The sources, each site's address replaced by that of its feed. Raises click.UsageError."""
    feeds = [spec for spec in specs if spec.kind == "feed"]
    if not feeds:
        return list(specs)
    from service.errors import FetchFailure  # noqa: PLC0415
    from service.targets import target_of  # noqa: PLC0415

    try:
        targets = [target_of(spec.location, spec.options) for spec in feeds]
    except FetchFailure as failure:
        raise click.UsageError(failure.detail) from failure
    findings = asyncio.run(_look(state.settings, targets))
    found = {one.url: _address(one, first=first) for one in findings}
    checked = []
    for spec in specs:
        address = found.get(spec.location, spec.location)
        if address != spec.location:
            # What a page names has to pass what a person types has to pass.
            spec = replace(spec, location=spec_of(state, address, options).location)  # noqa: PLW2901
            refuse_private(state, spec)
        checked.append(spec)
    return checked


async def _look(settings: Settings, targets: Sequence[FeedTarget]) -> list[Finding]:
    from service.application import wall_clock  # noqa: PLC0415 - it brings everything
    from service.finding import find_at  # noqa: PLC0415
    from service.outgoing import fetcher_of  # noqa: PLC0415

    fetcher = await fetcher_of(settings)
    try:
        return await asyncio.gather(*(find_at(fetcher, one, now=wall_clock()) for one in targets))
    finally:
        await fetcher.close()


def _address(finding: Finding, *, first: bool) -> str:
    """The address to watch, of what is at the one that was typed."""
    shown = mask(finding.url)
    failure = finding.failure
    if finding.fetched is not None:
        return finding.url
    if failure is not None:
        if failure.reason == "blocked":
            raise click.UsageError(
                f"{shown}: {failure.detail}; if it is meant, --allow-private allows private addresses, and "
                "--no-check adds it all the same"
            )
        hint(f"{shown} is added, but it does not answer now: {failure.reason}: {mask(failure.detail)}")
        return finding.url
    if not finding.links:
        raise click.UsageError(
            f"no feed was found at {shown} ({mask(finding.why)}); --no-check adds it all the same"
        )
    return chosen_link(finding, first=first).url


def chosen_link(finding: Finding, *, first: bool) -> FeedLink:
    """The feed of a page, asked for where it has several. Raises click.UsageError."""
    shown = mask(finding.url)
    chosen = finding.links[0] if first or len(finding.links) == 1 else _choice(shown, finding.links)
    hint(f"the feed of {shown} is {mask(chosen.url)}")
    return chosen


def _choice(page: str, links: Sequence[FeedLink]) -> FeedLink:
    hint(f"{page} has several feeds:")
    for number, link in enumerate(links, 1):
        hint(f"  {number}  {mask(link.url)}" + (f"  ({link.title})" if link.title else ""))
    if not sys.stdin.isatty():
        raise click.UsageError(f"{page} has {len(links)} feeds: name one of them, or --first the likeliest")
    number = click.prompt(plain("Which one"), type=click.IntRange(1, len(links)), default=1, err=True)
    return links[number - 1]
