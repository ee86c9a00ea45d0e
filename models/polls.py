"""The log of polls, and what a poll changes on its source; written alone, or with articles by `save`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from models.database import Database, current
from models.fields import optional_micros, optional_storable, storable, to_micros
from models.records import PUSHED, PollRecord, SourceUpdate
from models.tables import Poll

_DETAIL = 2_000  # characters of a failure's detail that are kept
_SUCCESSES = ("ok", "not_modified")
_STATE = """
    UPDATE source SET
        next_poll_at = ?, etag = ?, last_modified = ?, body_hash = ?,
        full_fetch_at = COALESCE(?, full_fetch_at), not_before = ?,
        failures = ?, failing_since = ?, moved_to = ?, moved_count = ?,
        poll_interval = COALESCE(?, poll_interval), title = COALESCE(title, ?),
        entries = COALESCE(?, entries), undated = COALESCE(?, undated),
        newest_at = COALESCE(?, newest_at), usual_gap = COALESCE(?, usual_gap),
        state = CASE WHEN state = 'active' THEN COALESCE(?, state) ELSE state END,
        state_reason = CASE WHEN state = 'active' THEN COALESCE(?, state_reason) ELSE state_reason END
    WHERE id = ?
"""
_MOVE = """
    UPDATE source SET location = ?, host = COALESCE(?, host), moved_at = ?, moved_to = NULL, moved_count = 0,
        moved_from = CASE WHEN moved_from = ? THEN NULL ELSE COALESCE(moved_from, location) END
    WHERE id = ? AND NOT EXISTS (SELECT 1 FROM source AS other WHERE other.location = ?)
"""
_RELEASE = "UPDATE source SET lease_owner = NULL, lease_until = NULL WHERE id = ? AND lease_owner = ?"
# The last ten looks, each by a mark, so that a list of sources need not read the log.
_RECENT = "recent = CASE WHEN length(recent) >= 10 THEN substr(recent, 2) ELSE recent END || ?"
_SEEN = "last_polled_at = ?, last_success_at = ?, last_reason = NULL, last_detail = NULL"
_QUIET = f"UPDATE source SET {_SEEN} WHERE id = ?"
_SUCCESS = f"UPDATE source SET {_SEEN}, {_RECENT} WHERE id = ?"
_FAILURE = f"UPDATE source SET last_polled_at = ?, last_reason = ?, last_detail = ?, {_RECENT} WHERE id = ?"
_NEWS = f"UPDATE source SET {_RECENT} WHERE id = ?"
_LOG = """
    INSERT INTO poll (source_id, started_at, duration_ms, outcome, status, detail, bytes, seen, new, changed,
                      duplicates, problems)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""


def record_unchanged(updates: Sequence[SourceUpdate], polls: Sequence[PollRecord]) -> None:
    """Write what polls without articles changed (304s, failures): one transaction for all of them."""
    database = current()
    with database.transaction():
        write_updates(database, updates)
        write_polls(database, polls)


def polls(source_id: int, limit: int = 20) -> list[PollRecord]:
    """The newest polls of a source, the newest first."""
    with current().session():
        query = Poll.select().where(Poll.source == source_id).order_by(Poll.id.desc()).limit(limit)
        return [poll_record(row) for row in query]


def recent_polls(limit: int = 10) -> list[PollRecord]:
    """The newest polls of all sources, the newest first."""
    with current().session():
        return [poll_record(row) for row in Poll.select().order_by(Poll.id.desc()).limit(limit)]


def forget_polls(before: datetime, *, limit: int = 10_000) -> int:
    """Drop polls that started before a time, the oldest first; gives how many. Call again until it is 0."""
    with current().transaction():
        cursor = current().execute(
            "DELETE FROM poll WHERE id IN "
            "(SELECT id FROM poll WHERE started_at < ? ORDER BY started_at LIMIT ?)",
            (to_micros(before), limit),
        )
        return int(cursor.rowcount)


def poll_record(row: Any) -> PollRecord:
    """The frozen record of a row of `models.tables.Poll`."""
    return PollRecord(
        source_id=row.source_id,
        started_at=row.started_at,
        duration_ms=row.duration_ms,
        outcome=row.outcome,
        status=row.status,
        detail=row.detail,
        bytes=row.bytes,
        seen=row.seen,
        new=row.new,
        changed=row.changed,
        duplicates=row.duplicates,
        problems=row.problems,
        id=row.id,
    )


def write_updates(database: Database, updates: Iterable[SourceUpdate]) -> None:
    """Source states, moves and releases; sources in the order of their ids, so that no two writers cross."""
    ordered = sorted(updates, key=lambda update: update.source_id)
    database.executemany(_STATE, [_state(update) for update in ordered])
    database.executemany(
        _MOVE,
        [
            (
                update.location,
                update.host,
                optional_micros(update.moved_at),
                update.location,
                update.source_id,
                update.location,
            )
            for update in ordered
            if update.location
        ],
    )
    database.executemany(
        _QUIET,
        [
            (to_micros(update.looked_at), to_micros(update.looked_at), update.source_id)
            for update in ordered
            if update.looked_at
        ],
    )
    database.executemany(
        _RELEASE, [(update.source_id, update.lease_owner) for update in ordered if update.lease_owner]
    )


def write_polls(database: Database, records: Iterable[PollRecord]) -> None:
    """The log, and when each source was last looked at; what a hub delivered says nothing of that."""
    ordered = sorted(records, key=lambda record: record.source_id)
    database.executemany(_LOG, [_logged(record) for record in ordered])
    delivered = [record for record in ordered if record.outcome == PUSHED]
    ordered = [record for record in ordered if record.outcome != PUSHED]
    database.executemany(_NEWS, [("+", record.source_id) for record in delivered if _mark(record) == "+"])
    database.executemany(
        _SUCCESS,
        [
            (
                to_micros(record.started_at),
                to_micros(record.started_at),
                _mark(record),
                record.source_id,
            )
            for record in ordered
            if record.outcome in _SUCCESSES
        ],
    )
    database.executemany(
        _FAILURE,
        [
            (to_micros(record.started_at), record.outcome, _detail(record.detail), "x", record.source_id)
            for record in ordered
            if record.outcome not in _SUCCESSES
        ],
    )


def count_articles(database: Database, added: Mapping[int, int], now: datetime) -> None:
    """Add to the sources' numbers of articles, and note when something new came."""
    moment = to_micros(now)
    rows = [(count, count, moment, source_id) for source_id, count in sorted(added.items()) if count]
    database.executemany(
        "UPDATE source SET article_count = article_count + ?, "
        "last_new_at = CASE WHEN ? > 0 THEN ? ELSE last_new_at END WHERE id = ?",
        rows,
    )


def _state(update: SourceUpdate) -> tuple[Any, ...]:
    return (
        optional_micros(update.next_poll_at),
        optional_storable(update.etag),
        optional_storable(update.last_modified),
        update.body_hash,
        optional_micros(update.full_fetch_at),
        optional_micros(update.not_before),
        update.failures,
        optional_micros(update.failing_since),
        optional_storable(update.moved_to),
        update.moved_count,
        update.interval,
        optional_storable(update.title),
        update.entries,
        update.undated,
        optional_micros(update.newest_at),
        update.usual_gap,
        None if update.state is None else str(update.state),
        optional_storable(update.state_reason),
        update.source_id,
    )


def _logged(record: PollRecord) -> tuple[Any, ...]:
    return (
        record.source_id,
        to_micros(record.started_at),
        record.duration_ms,
        record.outcome,
        record.status,
        _detail(record.detail),
        record.bytes,
        record.seen,
        record.new,
        record.changed,
        record.duplicates,
        record.problems,
    )


def _mark(record: PollRecord) -> str:
    return "+" if record.new or record.changed or record.duplicates else "."


def _detail(text: str | None) -> str | None:
    return None if text is None else storable(text[:_DETAIL])
