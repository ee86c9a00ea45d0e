"""Sources and looks at them as plain values for programs: what ``--json`` and the HTTP API give. Pure.

Nothing of them tells a secret: passwords in addresses are masked, and headers and proxies altogether.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from service.article_json import moment
from service.masking import MASK, mask

if TYPE_CHECKING:
    from models.records import PollRecord, SourceHealth, SourceRecord


def source_json(source: SourceRecord) -> dict[str, Any]:
    """A source for programs."""
    return {
        "id": source.id,
        "location": mask(source.location),
        "kind": str(source.kind),
        "title": source.title,
        "group": source.group,
        "schedule": source.schedule,
        "options": masked_options(source.options),
        "declared": source.declared,
        "state": str(source.state),
        "state_reason": source.state_reason,
        "next_poll_at": moment(source.next_poll_at),
        "not_before": moment(source.not_before),
        "failures": source.failures,
        "failing_since": moment(source.failing_since),
        "last_reason": source.last_reason,
        "last_detail": None if source.last_detail is None else mask(source.last_detail),
        "last_polled_at": moment(source.last_polled_at),
        "last_success_at": moment(source.last_success_at),
        "last_new_at": moment(source.last_new_at),
        "articles": source.article_count,
        "recent": source.recent,
        "entries": source.entries,
        "undated": source.undated,
        "newest_at": moment(source.newest_at),
        "moved_to": None if source.moved_to is None else mask(source.moved_to),
        "moved_from": None if source.moved_from is None else mask(source.moved_from),
        "moved_at": moment(source.moved_at),
    }


def health_json(one: SourceHealth) -> dict[str, Any]:
    """A source for programs, with how it stands."""
    return {**source_json(one.source), "health": str(one.health), "quiet_since": moment(one.quiet_since)}


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


def masked_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """A source's options without what a header or a proxy's address keeps secret."""
    return {
        name: MASK if name.startswith("header.") else mask(value) if isinstance(value, str) else value
        for name, value in options.items()
    }
