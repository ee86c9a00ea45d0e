"""Putting a database back: rows into PostgreSQL in one transaction, a file of SQLite in the place of another.

Nobody ever sees half of it: PostgreSQL makes tables and moves those of before in the same transaction, and a
file is put in place by one rename.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from pathlib import Path

from models import migrate
from models.backup import Facts, identity_column
from models.database import Database
from models.errors import AlreadyThere, DatabaseLocked, DatabaseUnavailable, SchemaMismatch, StorageError
from models.failures import translate

Read = Callable[[str], Iterable[bytes]]  # a table's rows, as `models.backup.copy_out` gave them
_LOGS = ("-wal", "-shm")


def load(database: Database, facts: Facts, read: Read, *, aside: str | None) -> None:
    """Make a PostgreSQL database what ``facts`` says, then bring it up to this program's schema.

    What is there of Wirewatch is moved, untouched, into the schema ``aside``; with None there may be nothing.
    One transaction. Raises AlreadyThere, SchemaMismatch where the backup is of a newer program, StorageError
    where other rows arrive than ``facts`` counts.
    """
    if facts.schema not in migrate.known():
        raise SchemaMismatch(
            f"the backup was made by a newer Wirewatch (schema {facts.schema}; this program ends at "
            f"{migrate.known()[-1]}): install that version first"
        )
    with database.transaction():
        there = [name for name in database.backend.get_tables() if name in {*facts.rows, migrate.HISTORY}]
        if there and aside is None:
            raise AlreadyThere(f"{database.url} holds a database of Wirewatch already")
        if there and aside is not None:
            _move_aside(database, aside)
        migrate.make(database, facts.schema)
        database.execute(f"TRUNCATE {', '.join(facts.rows)}")
        for table, columns in facts.columns.items():
            names = ", ".join(f'"{name}"' for name in columns)
            with (
                database.backend.cursor() as cursor,
                cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy,
            ):
                for piece in read(table):
                    copy.write(piece)
        for table, last in facts.sequences.items():
            if last:
                column = identity_column(database, table)
                database.execute("SELECT setval(pg_get_serial_sequence(?, ?), ?)", (table, column, last))
        for table, count in facts.rows.items():
            arrived = int(database.value(f"SELECT count(*) FROM {table}"))
            if arrived != count:
                raise StorageError(f"{arrived:,} rows of {table} arrived, not {count:,}; nothing was changed")
        migrate.migrate(database)
        migrate.check(database)


def _move_aside(database: Database, schema: str) -> None:
    """Move every table and what belongs to it; indexes and sequences go with their tables."""
    database.execute(f'CREATE SCHEMA "{schema}"')
    ours = {*migrate.tables(), migrate.HISTORY}
    for name in database.backend.get_tables():
        if name in ours:
            database.execute(f'ALTER TABLE "{name}" SET SCHEMA "{schema}"')
    # Those of schemas before 0004.
    for kind, table, column in (
        ("CONFIGURATION", "pg_ts_config", "cfg"),
        ("DICTIONARY", "pg_ts_dict", "dict"),
    ):
        rows = database.rows(
            f"SELECT {column}name FROM {table} JOIN pg_namespace n ON n.oid = {column}namespace "
            f"WHERE n.nspname = current_schema() AND {column}name LIKE 'wirewatch%%'"
        )
        for (name,) in rows:
            database.execute(f'ALTER TEXT SEARCH {kind} "{name}" SET SCHEMA "{schema}"')


def others(database: Database) -> int:
    """How many other processes of Wirewatch are connected to a PostgreSQL database."""
    with database.session():
        return int(
            database.value(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                "AND application_name = 'wirewatch' AND pid <> pg_backend_pid()"
            )
        )


def retire_file(path: Path) -> None:
    """Make a SQLite database one file that nobody uses, so that it can be moved.

    A damaged one, and one that is none, is left as it is. Raises DatabaseLocked where another program has it
    open: it would, when it ends, remove the log of the database that comes in its place.
    """
    try:
        with closing(sqlite3.connect(path, timeout=1.0, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode = DELETE").fetchone()
            connection.execute("BEGIN EXCLUSIVE")
            connection.execute("ROLLBACK")
    except sqlite3.Error as error:
        translated = translate(error, str(path))
        if isinstance(translated, DatabaseLocked):
            raise DatabaseLocked(
                f"{path} is in use by another program (a page alone, a notebook, a command): end it first"
            ) from error


def put_in_place(fresh: Path, path: Path, aside: Path) -> None:
    """Put a file in the place of a database, which goes to ``aside`` with its log; there always is one.

    Both are in one folder. Raises DatabaseUnavailable.
    """
    try:
        if path.exists():
            with suppress(OSError):  # where there are no hard links, the rename below does it
                os.link(path, aside)
            for suffix in _LOGS:
                log = path.with_name(path.name + suffix)
                if log.exists():
                    log.replace(aside.with_name(aside.name + suffix))
            if not aside.exists():
                path.replace(aside)
        fresh.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise DatabaseUnavailable(f"{path} cannot be replaced: {error.strerror}") from error


def sync_folder(folder: Path) -> None:
    """Have the names in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
