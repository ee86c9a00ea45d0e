"""``wirewatch sources list`` and ``show``: how every source stands, and one in full."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from service.cli.completing import source_names
from service.cli.hub_words import hub_in_words, hub_json, hubs_of
from service.cli.output import ago, count, hint, moment, print_json, print_table, say, span, stream_json
from service.cli.poll_words import print_polls
from service.cli.source_words import STATES, in_words
from service.cli.state import State, define, json_option
from service.masking import mask
from service.source_json import health_json, poll_json

if TYPE_CHECKING:
    from datetime import datetime

    from models.records import SourceHealth
    from models.websub import Subscription

_ON_A_SCREEN = 200  # sources, where nobody said how many


@define(
    "list",
    examples="""
    wirewatch sources list
    wirewatch sources list --state failing --state silent
    wirewatch sources list --json | jq '.[] | select(.failures > 3) | .location'
    """,
)
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice(STATES),
    help="Only those that stand so; repeatable.",
)
@click.option("--failing", is_flag=True, help="Only those whose last poll failed: --state failing.")
@click.option("--removed", is_flag=True, help="Also those that were removed.")
@click.option(
    "--limit",
    type=click.IntRange(1),
    help=f"At most so many; unset: {_ON_A_SCREEN} on a terminal, else all.",
)
@json_option
def list_command(
    state: State, states: tuple[str, ...], limit: int | None, *, failing: bool, removed: bool, as_json: bool
) -> None:
    """List the sources with their state, their last polls and number of articles.

    POLLS has a mark for each of the last looks, the newest last: + brought news, . none, x failed. A source
    that is pushed has a hub that delivers its news, besides.
    'wirewatch doctor' says what to do about those that are not well.
    """
    if limit is None and sys.stdout.isatty() and not as_json:
        limit = _ON_A_SCREEN
    chosen = [*states, *(["failing"] if failing else [])]
    now = state.now
    with state.database():
        from models import health  # noqa: PLC0415
        from models.records import Health  # noqa: PLC0415

        ids = health.ids(
            now,
            states=[Health(one) for one in chosen],
            removed=removed,
            limit=None if limit is None else limit + 1,
        )
        found = health.read(ids[:limit], now)
        hubs = hubs_of(ids[:limit])
        if as_json:
            stream_json(_as_json(one, hubs.get(one.source.id), now) for one in found)
        elif ids:
            _print(found, hubs, now)
    if as_json:
        return
    if not ids:
        said = f"no source is {' or '.join(chosen)}" if chosen else "there are no sources yet"
        hint(said if chosen else f"{said}: 'wirewatch sources add URL|PATH'")
    elif limit is not None and len(ids) > limit:
        hint(f"the first {count(limit, 'source')}; --limit shows more, --state those that stand so")


def _print(found: Iterable[SourceHealth], hubs: Mapping[int, Subscription], now: datetime) -> None:
    print_table(
        [
            "ID", "KIND", ("STATE", "wrap"), "POLLS", "SCHEDULE", "LAST POLL", "NEXT", ("ARTICLES", "right"),
            ("NAME", "wrap"),
        ],
        [_row(one, hubs.get(one.source.id), now) for one in found],
    )  # fmt: skip


def _row(one: SourceHealth, hub: Subscription | None, now: datetime) -> list[str]:
    source = one.source
    pushed = ", pushed" if hub is not None and hub.runs(now) else ""
    named = f"{source.group}/{source.name}" if source.group else source.name
    return [
        str(source.id),
        source.kind,
        in_words(one, now) + pushed,
        source.recent or "-",
        source.schedule if source.next_poll_at else "-",
        ago(source.last_polled_at, now),
        _upcoming(one, now),
        f"{source.article_count:,}",
        mask(named),
    ]


def _as_json(one: SourceHealth, hub: Subscription | None, now: datetime) -> dict[str, Any]:
    return {**health_json(one), "hub": hub_json(hub, now)}


def _upcoming(one: SourceHealth, now: datetime) -> str:
    due = one.source.next_poll_at if one.source.state == "active" else None
    return "-" if due is None else "due" if due <= now else ago(due, now)


@define(
    "show",
    examples="""
    wirewatch sources show 3
    wirewatch sources show 'Example' --polls 50
    wirewatch sources show 3 --json | jq '.polls[].outcome'
    """,
)
@click.argument("source", metavar="SOURCE", shell_complete=source_names)
@click.option(
    "--polls", type=click.IntRange(0, 1000), default=10, show_default=True, help="So many of its last polls."
)
@json_option
def show(state: State, source: str, polls: int, as_json: bool) -> None:
    """Show a source: how it stands, what to do about it, and its last polls.

    SOURCE is an id, a location, a title, or a pattern with * that names one.
    """
    now = state.now
    with state.database():
        from models import health  # noqa: PLC0415
        from models import sources as store  # noqa: PLC0415

        (one,) = health.read([store.get(source).id], now)
        looks = store.polls(one.source.id, polls) if polls else []
        hub = hubs_of([one.source.id]).get(one.source.id)
    from service.advice import for_source  # noqa: PLC0415 - it brings models

    mend = for_source(one.health, one.source.last_reason)
    if as_json:
        print_json({**_as_json(one, hub, now), "mend": mend, "polls": [poll_json(look) for look in looks]})
        return
    facts = [*_facts(one, mend, now), ("hub", "" if hub is None else hub_in_words(hub, now))]
    print_table(["", ("", "wrap")], [[name, text] for name, text in facts if text])
    if looks:
        say("")
        print_polls(looks, {one.source.id: one.source.name}, now)


def _facts(one: SourceHealth, mend: str | None, now: datetime) -> list[tuple[str, str]]:
    source = one.source
    place = f" {mask(source.location)}" if source.location != source.name else ""
    facts = [
        ("source", f"{source.id}: {mask(source.name)}"),
        ("where", f"{source.kind}{place}"),
        ("added as", mask(source.moved_from or "")),
        ("group", source.group or ""),
        ("state", in_words(one, now)),
        ("detail", mask(source.last_detail or "") if source.failures else ""),
        ("what to do", mend or ""),
        ("articles", f"{source.article_count:,}"),
    ]
    if source.next_poll_at is None:
        return facts
    waits = source.not_before is not None and source.not_before > now
    return [
        *facts,
        ("last news", ago(one.quiet_since, now)),
        ("it shows", _shown(one, now)),
        ("schedule", source.schedule),
        ("last poll", ago(source.last_polled_at, now)),
        ("next poll", _upcoming(one, now)),
        ("not before", moment(source.not_before) or "" if waits else ""),
    ]


def _shown(one: SourceHealth, now: datetime) -> str:
    """What a feed's last whole document held."""
    source = one.source
    if source.entries is None:
        return ""
    newest = f", the newest {ago(source.newest_at, now)}" if source.newest_at else ""
    gap = f", one every {span(timedelta(seconds=source.usual_gap))}" if source.usual_gap else ""
    return f"{count(source.entries, 'entry', 'entries')}{newest}{gap}"
