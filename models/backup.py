"""Taking a database out as it is at one moment, while others go on writing; finding out what a copy holds.

SQLite: its backup API in steps, inside of a read transaction. The transaction holds one moment of the
database, so that no write of another process makes the copy begin anew (without it a busy database is never
copied: measured, not done after ten times the time that it takes), and WAL lets the writers go on; only the
log cannot be taken back meanwhile. ``VACUUM INTO`` takes twice as long and cannot pause.

PostgreSQL: ``COPY`` of every table in one REPEATABLE READ transaction, in its text format, which every
version reads; `models.restoring` puts it back. It needs none of the server's client programs.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from models.database import Database
from models.errors import DatabaseDamaged, DatabaseUnavailable, SchemaMismatch
from models.failures import translate
from models.migrate import HISTORY, schema_version, tables

_PAGES = 1_000  # of one step; 4 MB
_PAUSE = 0.001  # seconds between two steps: the disk is not ours alone

Progress = Callable[[float], None]  # told the share that is done, 0 to 1


@dataclass(frozen=True, slots=True)
class Facts:
    """What a database holds at one moment; two are equal where nothing was lost between them."""

    engine: str  # "sqlite" or "postgresql"
    schema: str  # the newest migration applied
    instance: str | None  # the database's id, None in schemas before 0008
    rows: Mapping[str, int]  # by table, in the order of references
    columns: Mapping[str, Sequence[str]] = field(default_factory=dict)  # by table, on PostgreSQL
    sequences: Mapping[str, int] = field(default_factory=dict)  # the last id given, by table, on PostgreSQL


def copy_file(database: Database, target: Path, progress: Progress = lambda _: None) -> None:
    """Copy a SQLite database as it is at one moment into a new file, readable by its owner alone, and synced.

    Raises DatabaseFull where there is no room for it, and other kinds of DatabaseUnavailable; what was
    written of the copy is left to the caller.
    """
    assert database.path is not None
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    try:
        with (
            closing(sqlite3.connect(database.path, isolation_level=None)) as source,
            closing(sqlite3.connect(target, isolation_level=None)) as copy,
        ):
            source.execute("BEGIN")
            source.execute("SELECT count(*) FROM sqlite_master").fetchone()  # from here on it is one moment
            source.backup(
                copy,
                pages=_PAGES,
                sleep=_PAUSE,
                progress=lambda _, left, total: progress(1 - left / max(1, total)),
            )
            source.execute("ROLLBACK")
            copy.execute("PRAGMA journal_mode = DELETE")  # one file, that can be moved
    except sqlite3.Error as error:
        raise translate(error, _place(error, database.path, target)) from error
    with target.open("rb+") as file:
        os.fsync(file.fileno())


def _place(error: sqlite3.Error, source: Path, target: Path) -> str:
    """Which of the two files an error speaks of: only the copy can be full."""
    return str(target if getattr(error, "sqlite_errorname", "") == "SQLITE_FULL" else source)


def examine_file(path: Path) -> Facts:
    """Read a SQLite file that nobody else uses from end to end, and say what it holds.

    Raises DatabaseDamaged where it is not whole, DatabaseUnavailable where it is no database, SchemaMismatch
    where it is none of ours.
    """
    try:
        with closing(sqlite3.connect(f"file:{_uri(path)}?immutable=1", uri=True)) as connection:
            told = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(10)")]
            if told != ["ok"]:
                raise DatabaseDamaged(f"{path} is damaged: {told[0]}")
            orphans = connection.execute("PRAGMA foreign_key_check").fetchone()
            if orphans is not None:
                raise DatabaseDamaged(f"{path} is damaged: rows of {orphans[0]} refer to what is not there")
            there = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
            if HISTORY not in there:
                raise SchemaMismatch(f"{path} is no database of Wirewatch")
            return Facts(
                engine="sqlite",
                schema=connection.execute(f"SELECT max(name) FROM {HISTORY}").fetchone()[0] or "",
                instance=_first(connection.execute("SELECT value FROM meta WHERE key = 'instance'")),
                rows={
                    name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0]
                    for name in tables()
                    if name in there
                },
            )
    except sqlite3.Error as error:
        raise translate(error, str(path)) from error


def _uri(path: Path) -> str:
    return str(path.absolute()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")


def _first(cursor: Any) -> str | None:
    row = cursor.fetchone()
    return None if row is None else str(row[0])


@contextmanager
def reading(database: Database) -> Iterator[Facts]:
    """What a PostgreSQL database holds at one moment, which `copy_out` reads from as long as this lasts.

    Raises SchemaMismatch where it is none of ours.
    """
    with database.session():
        version = schema_version(database)
    if not version:
        raise SchemaMismatch(f"{database.url} is no database of Wirewatch")
    with database.snapshot():
        database.execute("SET TRANSACTION READ ONLY")
        there = set(database.backend.get_tables())
        names = [name for name in tables() if name in there]
        yield Facts(
            engine="postgresql",
            schema=version,
            instance=_first(database.execute("SELECT value FROM meta WHERE key = 'instance'")),
            rows={name: int(database.value(f"SELECT count(*) FROM {name}")) for name in names},
            columns={name: _columns(database, name) for name in names},
            sequences=_sequences(database, names),
        )


def _columns(database: Database, table: str) -> list[str]:
    rows = database.rows(
        "SELECT attname FROM pg_attribute WHERE attrelid = CAST(? AS regclass) AND attnum > 0 "
        "AND NOT attisdropped AND attgenerated = '' ORDER BY attnum",
        (table,),
    )
    return [name for (name,) in rows]


def _sequences(database: Database, names: Sequence[str]) -> dict[str, int]:
    """The last number that each table gave: ids are never given twice, also where the last rows are gone."""
    found = {}
    for table in names:
        column = identity_column(database, table)
        if column is not None:
            sequence = database.value("SELECT pg_get_serial_sequence(?, ?)", (table, column))
            found[table] = int(
                database.value(f"SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {sequence}")
            )
    return found


def identity_column(database: Database, table: str) -> str | None:
    """The column of a PostgreSQL table that the server numbers."""
    found = database.value(
        "SELECT attname FROM pg_attribute WHERE attrelid = CAST(? AS regclass) AND attidentity <> ''",
        (table,),
    )
    return None if found is None else str(found)


def copy_out(database: Database, facts: Facts, table: str) -> Iterator[bytes]:
    """The rows of a table in PostgreSQL's text format, a line each; inside `reading`."""
    with (
        database.backend.cursor() as cursor,
        cursor.copy(f"COPY {table} ({_listed(facts.columns[table])}) TO STDOUT") as copy,
    ):
        for piece in copy:
            yield bytes(piece)


def _listed(columns: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in columns)


def file_size(database: Database) -> int:
    """Bytes of a SQLite database, with its log. Raises DatabaseUnavailable where it is gone."""
    assert database.path is not None
    log = database.path.with_name(database.path.name + "-wal")
    try:
        return database.path.stat().st_size + (log.stat().st_size if log.exists() else 0)
    except OSError as error:
        raise DatabaseUnavailable(f"{database.path} cannot be read: {error.strerror}") from error
