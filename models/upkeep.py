"""What `wirewatch doctor` asks of the database: is it whole, what fails, who holds what, what cannot be read.

Every answer is bounded: groups with their counts, and a few of each as examples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from models.database import Database, current
from models.fields import from_micros, optional_moment, to_micros
from models.files import FILE_COLUMNS, file_record
from models.records import FileRecord, SourceRecord
from models.rows import SOURCE_COLUMNS, stored_source

_FAILING = "state = 'active' AND kind IN ('feed', 'folder') AND failures > 0"
_UNREADABLE = "reason IS NOT NULL AND vanished_at IS NULL"


@dataclass(frozen=True, slots=True)
class FailingGroup:
    """Sources that fail for one reason."""

    reason: str
    count: int
    long: int  # of these, those that have failed for longer than was asked
    since: datetime | None  # when the first of them began to
    examples: tuple[SourceRecord, ...]  # those that have failed the longest


@dataclass(frozen=True, slots=True)
class UnreadableGroup:
    """Documents that cannot be read for one reason."""

    reason: str
    count: int
    examples: tuple[FileRecord, ...]


@dataclass(frozen=True, slots=True)
class Lease:
    """What one process has in hand."""

    owner: str
    count: int
    until: datetime  # when the last of it runs out


def damage(limit: int = 10, *, patience: float | None = None) -> list[str]:
    """What is broken in the database's file, in the engine's own words; nothing where it is whole.

    SQLite reads its whole file for it (``quick_check``), and the references between tables; PostgreSQL
    answers for its indexes. Raises QueryTimeout after ``patience`` seconds.
    """
    database = current()
    with database.snapshot(), database.deadline(patience):
        if not database.sqlite:
            rows = database.rows(
                "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
                "JOIN pg_namespace n ON n.oid = c.relnamespace "
                "WHERE NOT i.indisvalid AND n.nspname = current_schema() LIMIT ?",
                (limit,),
            )
            return [f"the index {name} is not valid: REINDEX INDEX {name}" for (name,) in rows]
        told = [str(row[0]) for row in database.rows(f"PRAGMA quick_check({limit})")]
        if told == ["ok"]:
            told = []
        # Read one by one: a broken file can have millions.
        cursor = database.execute("PRAGMA foreign_key_check")
        for table, row, parent, _ in cursor.fetchmany(max(0, limit - len(told))):
            told.append(f"row {row} of {table} refers to a row of {parent} that is not there")
        cursor.close()
        return told


def server_time() -> datetime | None:
    """What the database's own machine takes the time to be; None for a file on this one."""
    database = current()
    if database.sqlite:
        return None
    with database.session():
        stored = database.value("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
    return from_micros(int(stored))


def newest_look() -> datetime | None:
    """When any source was last looked at."""
    with current().session():
        return optional_moment(current().value("SELECT max(last_polled_at) FROM source"))


def failing(now: datetime, *, patience: timedelta, examples: int = 5) -> list[FailingGroup]:
    """The sources that fail, by reason, most first; ``long`` are those since before ``now - patience``."""
    database = current()
    with database.snapshot():
        groups = database.rows(
            "SELECT COALESCE(last_reason, 'internal'), count(*), min(failing_since), "
            "sum(CASE WHEN failing_since <= ? THEN 1 ELSE 0 END) "
            f"FROM source WHERE {_FAILING} GROUP BY 1 ORDER BY 2 DESC, 1",
            (to_micros(now - patience),),
        )
        return [
            FailingGroup(
                reason,
                int(count),
                int(long),
                optional_moment(since),
                _sources(
                    database,
                    f"{_FAILING} AND COALESCE(last_reason, 'internal') = ? ORDER BY failing_since, id",
                    reason,
                    examples,
                ),
            )
            for reason, count, since, long in groups
        ]


def unreadable_groups(*, examples: int = 5) -> list[UnreadableGroup]:
    """The documents that cannot be read, by reason, most first."""
    database = current()
    with database.snapshot():
        groups = database.rows(
            f"SELECT reason, count(*) FROM file WHERE {_UNREADABLE} GROUP BY reason ORDER BY 2 DESC, 1"
        )
        found = []
        for reason, count in groups:
            rows = database.rows(
                f"SELECT {FILE_COLUMNS} FROM file WHERE {_UNREADABLE} AND reason = ? "
                "ORDER BY source_id, path LIMIT ?",
                (reason, examples),
            )
            found.append(UnreadableGroup(reason, int(count), tuple(map(file_record, rows))))
    return found


def leases() -> list[Lease]:
    """Who has sources in hand, those included whose lease ran out."""
    database = current()
    with database.session():
        rows = database.rows(
            "SELECT lease_owner, count(*), max(lease_until) FROM source WHERE lease_owner IS NOT NULL "
            "GROUP BY lease_owner ORDER BY lease_owner"
        )
    return [Lease(owner, int(count), from_micros(until)) for owner, count, until in rows]


def with_option(name: str, limit: int = 1_000) -> list[SourceRecord]:
    """Active sources that have an option, such as ``password_file``."""
    database = current()
    with database.session():
        # Only ever asked for names that stand in JSON as they are.
        return list(
            _sources(database, "state = 'active' AND options LIKE ? ORDER BY id", f'%"{name}":%', limit)
        )


def _sources(database: Database, condition: str, value: str, limit: int) -> tuple[SourceRecord, ...]:
    rows: Sequence[tuple[object, ...]] = database.rows(
        f"SELECT {SOURCE_COLUMNS} FROM source WHERE {condition} LIMIT ?", (value, limit)
    )
    return tuple(map(stored_source, rows))
