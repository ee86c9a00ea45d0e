"""Bring the schema up to date, under a lock, and refuse one that this program does not know.

Several processes may start at once: SQLite's own write lock (all pending migrations are one transaction)
or a PostgreSQL advisory lock (a transaction each) lets one of them work while the others wait, and find
nothing left to do.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

from playhouse.migrations import Runner

from models.database import Database, Lock
from models.errors import SchemaMismatch, StorageError
from models.reindex import is_stale, reindex
from models.tables import ALL

HISTORY = "schema_migration"


def migrate(database: Database) -> list[str]:
    """Apply what is pending, in order; gives the names applied. Raises SchemaMismatch on a newer schema.

    A full-text index of another version is made anew.
    """
    with database.session():
        if not _status(database)[1]:
            _refuse_newer(database)
            if not is_stale(database):
                return []
        with _alone(database):
            _refuse_newer(database)
            applied = list(_runner(database).up())
            if is_stale(database):
                reindex(database)
            _verify(database)
            return applied


def check(database: Database) -> None:
    """Raise SchemaMismatch unless schema and full-text index are exactly those that this program knows."""
    with database.session():
        _refuse_newer(database)
        _, pending = _status(database)
    if pending:
        made = "has no schema yet" if len(pending) == len(known()) else f"lacks {', '.join(pending)}"
        raise SchemaMismatch(f"{database.url} {made}: run 'wirewatch migrate' (after a backup)")
    with database.session():
        if is_stale(database):
            raise SchemaMismatch(
                f"{database.url} has a full-text index of another version: run 'wirewatch migrate'"
            )


def pending(database: Database) -> list[str]:
    """What `migrate` would apply, in order; reads only. Raises SchemaMismatch on a newer schema."""
    with database.session():
        _refuse_newer(database)
        return _status(database)[1]


def make(database: Database, version: str) -> None:
    """Make the schema of a certain version where there is none; inside the caller's transaction."""
    _runner(database).up(version)


def tables() -> list[str]:
    """The names of all tables of the newest schema, in the order of their references."""
    return [str(cast("Any", table)._meta.table_name) for table in ALL]


def schema_version(database: Database) -> str:
    """The name of the newest migration applied, "" where there is none."""
    with database.session():
        applied, _ = _status(database)
    return applied[-1] if applied else ""


def known() -> list[str]:
    """The names of all migrations of this program, in order."""
    return sorted(path.stem for path in _directory().glob("[0-9]*.py"))


def _directory() -> Path:
    return Path(str(files("models") / "migrations"))


def _runner(database: Database) -> Runner:
    return Runner(database.backend, str(_directory()), table_name=HISTORY)


def _status(database: Database) -> tuple[list[str], list[str]]:
    """What is applied and what is pending."""
    if not database.backend.table_exists(HISTORY):
        return [], known()
    applied = [name for (name,) in database.rows(f"SELECT name FROM {HISTORY} ORDER BY name")]
    return applied, [name for name in known() if name not in set(applied)]


def _refuse_newer(database: Database) -> None:
    applied, _ = _status(database)
    unknown = sorted(set(applied) - set(known()))
    if unknown:
        raise SchemaMismatch(
            f"{database.url} was written by a newer Wirewatch (it has {', '.join(unknown)}; this program "
            f"ends at {known()[-1]}): install that version again, or restore a backup made before it"
        )


@contextmanager
def _alone(database: Database) -> Iterator[None]:
    if database.sqlite:
        # Rebuilding a table drops the old one, which would cascade; the check comes at the end.
        database.execute("PRAGMA foreign_keys = 0")
        try:
            with database.transaction():
                yield
        finally:
            database.execute("PRAGMA foreign_keys = 1")
        return
    database.execute("SELECT pg_advisory_lock(?)", (int(Lock.MIGRATE),))
    try:
        yield
    finally:
        database.execute("SELECT pg_advisory_unlock(?)", (int(Lock.MIGRATE),))


def _verify(database: Database) -> None:
    if not database.sqlite:
        return
    broken = database.rows("PRAGMA foreign_key_check")
    if broken:
        raise StorageError(
            f"{database.url}: the migration would leave {len(broken)} rows without what they refer to "
            f"(the first in {broken[0][0]}); nothing was changed"
        )
