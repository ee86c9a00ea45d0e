"""How a source stands, in words for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.cli.output import ago, span
from service.masking import mask

if TYPE_CHECKING:
    from datetime import datetime

    from models.records import SourceHealth

# Every state of `models.records.Health`: importing that would cost more than all else that --help does.
STATES = (
    "failing", "gone", "empty", "silent", "undated", "moved", "paused", "new", "ok", "imported", "removed",
)  # fmt: skip


def in_words(one: SourceHealth, now: datetime) -> str:
    """A source's state in a few words, with the reason where it is not well."""
    source, state = one.source, str(one.health)
    match state:
        case "failing":
            since = (
                f" for {ago(source.failing_since, now).removesuffix(' ago')}" if source.failing_since else ""
            )
            return f"failing{since}: {source.last_reason}"
        case "gone" | "paused" | "removed":
            return f"{state}: {source.state_reason}" if source.state_reason else state
        case "silent":
            return f"silent for {span(now - one.quiet_since)}" if one.quiet_since else state
        case "empty":
            return "empty: no entries"
        case "undated":
            return "undated: no entry says when"
        case "moved" if source.moved_to:
            return f"moving to {mask(source.moved_to)}"
        case "moved":
            return f"moved {ago(source.moved_at, now)}, from {mask(source.moved_from or '')}"
    return state
