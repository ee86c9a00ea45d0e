"""``wirewatch status``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service.cli.output import ago, count, moment, print_json, print_table, say, size
from service.cli.source_json import source_json
from service.cli.sources import health
from service.cli.state import State, define, json_option
from service.masking import mask

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from models.records import PollRecord, SourceRecord, Status

_WELL = ("ok", "not_modified", "waiting", "busy")


@define(
    "status",
    examples="""
    wirewatch status
    wirewatch status --json | jq .backlog
    """,
)
@json_option
def command(state: State, as_json: bool) -> None:
    """Show how the whole stands.

    Sources, the last polls, what fails, what waits, and the database. 'wirewatch sources list' goes on.
    """
    now = state.now
    with state.database() as database:
        from models import catalog  # noqa: PLC0415
        from models.sources import list_sources  # noqa: PLC0415

        status = catalog.status(now)
        sources = {one.id: one for one in list_sources()}
        place = database.url
    failing = [one for one in sources.values() if one.failures and one.state == "active"]
    if as_json:
        print_json(_as_json(status, failing, place))
    else:
        _print(status, failing, sources, place, now)


def _as_json(status: Status, failing: Sequence[SourceRecord], place: str) -> dict[str, Any]:
    return {
        "articles": status.articles,
        "tagged": status.tagged,
        "sources": status.sources,
        "active": status.active,
        "paused": status.paused,
        "failing": status.failing,
        "backlog": status.backlog,
        "oldest_due": moment(status.oldest_due),
        "last_poll_at": moment(status.last_poll_at),
        "polls_24h": status.polls_24h,
        "failures_24h": status.failures_24h,
        "unreadable_files": status.unreadable_files,
        "database": place,
        "engine": status.engine,
        "schema": status.schema,
        "database_bytes": status.database_bytes,
        "recent": [poll_json(poll) for poll in status.recent],
        "failing_sources": [source_json(one) for one in failing],
    }


def poll_json(poll: PollRecord) -> dict[str, Any]:
    """A look at a source for programs."""
    return {
        "source_id": poll.source_id,
        "started_at": moment(poll.started_at),
        "duration_ms": poll.duration_ms,
        "outcome": poll.outcome,
        "status": poll.status,
        "detail": None if poll.detail is None else mask(poll.detail),
        "bytes": poll.bytes,
        "seen": poll.seen,
        "new": poll.new,
        "changed": poll.changed,
        "duplicates": poll.duplicates,
        "problems": poll.problems,
    }


def _print(
    status: Status,
    failing: Sequence[SourceRecord],
    sources: dict[int, SourceRecord],
    place: str,
    now: datetime,
) -> None:
    late = f", the oldest since {ago(status.oldest_due, now).removesuffix(' ago')}" if status.backlog else ""
    unreadable = f", {count(status.unreadable_files, 'unreadable file')}" if status.unreadable_files else ""
    print_table(
        ["", ""],
        [
            ["articles", f"{status.articles:,}, {status.tagged:,} of them with a topic"],
            [
                "sources",
                f"{status.active:,} active, {status.paused:,} paused, {status.failing:,} failing{unreadable}",
            ],
            ["waiting", f"{count(status.backlog, 'source')} due{late}"],
            [
                "polls",
                f"{status.polls_24h:,} in 24 h, {status.failures_24h:,} failed; "
                f"the last {ago(status.last_poll_at, now)}",
            ],
            ["database", f"{place} ({status.engine}, {size(status.database_bytes)}, schema {status.schema})"],
        ],
    )
    if failing:
        say("")
        print_table(
            ["ID", ("FAILING SOURCE", "wrap"), ("STATE", "wrap"), ("DETAIL", "wrap")],
            [
                [str(one.id), mask(one.name), health(one, now), mask(one.last_detail or "")]
                for one in failing[:20]
            ],
        )
    if status.recent:
        say("")
        print_polls(status.recent, sources, now)


def print_polls(polls: Sequence[PollRecord], sources: dict[int, SourceRecord], now: datetime) -> None:
    """A table of looks at sources."""
    print_table(
        ["POLL", "OUTCOME", ("NEW", "right"), ("CHANGED", "right"), ("SOURCE", "wrap"), ("DETAIL", "wrap")],
        [
            [
                ago(poll.started_at, now),
                poll.outcome,
                str(poll.new),
                str(poll.changed),
                mask(sources[poll.source_id].name) if poll.source_id in sources else str(poll.source_id),
                mask(poll.detail or ""),
            ]
            for poll in polls
        ],
    )


def failed(poll: PollRecord) -> bool:
    """Whether a look went wrong; one that was put off ("waiting", "busy") did not."""
    return poll.outcome not in _WELL
