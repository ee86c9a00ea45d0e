"""Rows into records: the border that nothing lazy crosses."""

from __future__ import annotations

from typing import Any

from models.records import SourceKind, SourceRecord, SourceState


def source_record(row: Any) -> SourceRecord:
    """The frozen record of a row of `models.tables.Source`."""
    return SourceRecord(
        id=row.id,
        location=row.location,
        kind=SourceKind(row.kind),
        title=row.title,
        group=row.folder,
        schedule=row.schedule,
        options=row.options,
        declared=bool(row.declared),
        state=SourceState(row.state),
        state_reason=row.state_reason,
        host=row.host,
        etag=row.etag,
        last_modified=row.last_modified,
        body_hash=row.body_hash,
        full_fetch_at=row.full_fetch_at,
        next_poll_at=row.next_poll_at,
        not_before=row.not_before,
        failures=row.failures,
        failing_since=row.failing_since,
        last_reason=row.last_reason,
        last_detail=row.last_detail,
        last_polled_at=row.last_polled_at,
        last_success_at=row.last_success_at,
        last_new_at=row.last_new_at,
        moved_to=row.moved_to,
        moved_count=row.moved_count,
        interval=row.poll_interval,
        article_count=row.article_count,
        created_at=row.created_at,
        lease_owner=row.lease_owner,
        lease_until=row.lease_until,
        entries=row.entries,
        undated=row.undated,
        recent=row.recent,
        moved_from=row.moved_from,
        moved_at=row.moved_at,
    )
