"""``wirewatch status``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service.cli.output import ago, count, moment, print_json, print_table, say, size
from service.cli.poll_words import print_polls
from service.cli.source_words import in_words
from service.cli.state import State, define, json_option
from service.masking import mask
from service.source_json import health_json, poll_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from models.records import FileRecord, SourceHealth, Status

_MOST_FILES, _SHOWN_FILES = 100, 10  # unreadable ones, for programs and for people
_MOST = 100  # failing sources: 'wirewatch sources list --failing' has them all


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
        from models import catalog, health  # noqa: PLC0415
        from models.files import unreadable  # noqa: PLC0415
        from models.records import Health  # noqa: PLC0415

        status = catalog.status(now)
        names = health.names({poll.source_id for poll in status.recent})
        failing = list(health.read(health.ids(now, states=[Health.FAILING], limit=_MOST), now))
        place = database.url
        files = unreadable(_MOST_FILES) if status.unreadable_files else []
    if as_json:
        print_json({**_as_json(status, failing, place), "unreadable": [_file_json(one) for one in files]})
    else:
        _print(status, failing, names, place, now, files=files)


def _as_json(status: Status, failing: Sequence[SourceHealth], place: str) -> dict[str, Any]:
    return {
        "articles": status.articles,
        "tagged": status.tagged,
        "not_covered": status.uncovered,
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
        "failing_sources": [health_json(one) for one in failing],
    }


def _file_json(file: FileRecord) -> dict[str, Any]:
    return {"path": file.path, "reason": file.reason, "detail": file.detail}


def _print_files(files: Sequence[FileRecord]) -> None:
    """Documents that could not be read; they are tried again when they change."""
    if files:
        say("")
        print_table(
            [("UNREADABLE DOCUMENT", "wrap"), "REASON", ("DETAIL", "wrap")],
            [[one.path, one.reason or "", one.detail or ""] for one in files[:_SHOWN_FILES]],
        )


def _print(
    status: Status,
    failing: Sequence[SourceHealth],
    names: Mapping[int, str],
    place: str,
    now: datetime,
    *,
    files: Sequence[FileRecord],
) -> None:
    late = f", the oldest since {ago(status.oldest_due, now).removesuffix(' ago')}" if status.backlog else ""
    uncovered = f", {status.uncovered:,} in languages without rules" if status.uncovered else ""
    unreadable = f", {count(status.unreadable_files, 'unreadable file')}" if status.unreadable_files else ""
    print_table(
        ["", ""],
        [
            ["articles", f"{status.articles:,}, {status.tagged:,} of them with a topic{uncovered}"],
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
                [
                    str(one.source.id),
                    mask(one.source.name),
                    in_words(one, now),
                    mask(one.source.last_detail or ""),
                ]
                for one in failing[:20]
            ],
        )
    _print_files(files)
    if status.recent:
        say("")
        print_polls(status.recent, names, now)
