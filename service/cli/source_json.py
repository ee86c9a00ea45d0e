"""A source for programs: what ``--json`` prints of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service.cli.config import masked_options
from service.cli.output import moment
from service.masking import mask

if TYPE_CHECKING:
    from models.records import SourceHealth, SourceRecord


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
