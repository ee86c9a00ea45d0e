"""Looks at sources, as commands print them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service.cli.output import ago, moment, print_table
from service.masking import mask

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from models.records import PollRecord

_WELL = ("ok", "not_modified", "pushed", "waiting", "busy")


def failed(poll: PollRecord) -> bool:
    """Whether a look went wrong; one that was put off ("waiting", "busy") did not."""
    return poll.outcome not in _WELL


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


def print_polls(polls: Sequence[PollRecord], names: Mapping[int, str], now: datetime) -> None:
    """A table of looks at sources."""
    print_table(
        ["POLL", "OUTCOME", ("NEW", "right"), ("CHANGED", "right"), ("SOURCE", "wrap"), ("DETAIL", "wrap")],
        [
            [
                ago(poll.started_at, now),
                poll.outcome,
                str(poll.new),
                str(poll.changed),
                mask(names[poll.source_id]) if poll.source_id in names else str(poll.source_id),
                mask(poll.detail or ""),
            ]
            for poll in polls
        ],
    )
