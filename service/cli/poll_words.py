"""Looks at sources, as commands print them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.cli.output import ago, print_table
from service.masking import mask

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from models.records import PollRecord

_WELL = ("ok", "not_modified", "pushed", "waiting", "busy")


def failed(poll: PollRecord) -> bool:
    """Whether a look went wrong; one that was put off ("waiting", "busy") did not."""
    return poll.outcome not in _WELL


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
