"""What folder sources remember of their files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from models.changelog import record
from models.database import Database, current
from models.fields import (
    decode_path,
    encode_path,
    optional_micros,
    optional_moment,
    optional_storable,
    signed64,
    unsigned64,
)
from models.members import reappear, vanished
from models.records import FileRecord

FILE_COLUMNS = "path, size, mtime_ns, digest, reason, detail, vanished_at, device, inode"
_PIECE = 20_000  # rows read at once
_WRITE = """
    INSERT INTO file (source_id, path, size, mtime_ns, digest, reason, detail, vanished_at, device, inode)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (source_id, path) DO UPDATE SET
        size = excluded.size, mtime_ns = excluded.mtime_ns, digest = excluded.digest,
        reason = excluded.reason, detail = excluded.detail, vanished_at = excluded.vanished_at,
        device = excluded.device, inode = excluded.inode
"""


def files(source_id: int) -> dict[str, FileRecord]:
    """The files that a folder source knows, by path."""
    found: dict[str, FileRecord] = {}
    after = encode_path("")
    with current().session():
        # In pieces: of a million files the rows alone would take as much memory as what is made of them.
        while rows := current().rows(
            f"SELECT {FILE_COLUMNS} FROM file WHERE source_id = ? AND path > ? ORDER BY path LIMIT ?",
            (source_id, after, _PIECE),
        ):
            found.update((record.path, record) for record in map(file_record, rows))
            after = rows[-1][0]
    return found


def unreadable(limit: int = 100, *, source_id: int | None = None) -> list[FileRecord]:
    """Files that could not be read, of all sources or of one, with their reasons."""
    of_one, which = ("", ()) if source_id is None else ("source_id = ? AND ", (source_id,))
    with current().session():
        rows = current().rows(
            f"SELECT {FILE_COLUMNS} FROM file WHERE {of_one}reason IS NOT NULL AND vanished_at IS NULL "
            "ORDER BY source_id, path LIMIT ?",
            (*which, limit),
        )
    return [file_record(row) for row in rows]


def write_files(database: Database, source_id: int, records: Iterable[FileRecord], now: datetime) -> None:
    """Remember files as they are now; the article of a file that is there has not vanished."""
    records = list(records)
    gone = reappear(database, source_id, [record.path for record in records if record.vanished_at is None])
    rows = [_row(source_id, record) for record in records]
    database.executemany(_WRITE, rows)
    database.executemany(
        "UPDATE article SET vanished_at = NULL WHERE source_id = ? AND path = ? AND vanished_at IS NOT NULL",
        [(row[0], row[1]) for row in rows if row[7] is None],
    )
    if gone:
        record(database, gone - vanished(database, source_id), now)


def _row(source_id: int, record: FileRecord) -> tuple[Any, ...]:
    return (
        source_id,
        encode_path(record.path),
        record.size,
        record.mtime_ns,
        record.digest,
        record.reason,
        optional_storable(record.detail),
        optional_micros(record.vanished_at),
        signed64(record.device),
        signed64(record.inode),
    )


def file_record(row: Sequence[Any]) -> FileRecord:
    """The frozen record of the columns `FILE_COLUMNS`."""
    return FileRecord(
        path=decode_path(row[0]),
        size=row[1],
        mtime_ns=row[2],
        digest=row[3],
        reason=row[4],
        detail=row[5],
        vanished_at=optional_moment(row[6]),
        device=unsigned64(row[7]),
        inode=unsigned64(row[8]),
    )
