"""Putting a backup back: unpacked and looked at beside the database, brought up to date, then swapped in.

Until the last step nothing of the database has been touched; what it replaces stays beside it.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from models import backup as store
from models import migrate, restoring
from models.backup import Facts
from models.database import Database, open_database
from models.errors import DatabaseUnavailable, SchemaMismatch
from service import backup_archive as archive
from service.backup_archive import Archive, Manifest
from service.errors import BackupError
from service.lock import DaemonLock


@dataclass(frozen=True, slots=True)
class Places:
    """Where the parts of a backup go. Files that are there already stay, under other names."""

    database: str  # a path, or a PostgreSQL address
    learned: Path
    topics: Path | None = None
    weights: Path | None = None


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put back, and where what was there before has gone."""

    manifest: Manifest
    database: str  # without a password
    replaced: str | None  # a file, or a schema of the PostgreSQL database
    written: tuple[Path, ...]  # files besides the database
    migrated: bool  # it was of an older schema


def look(path: Path) -> Manifest:
    """Read all of a backup, without putting it anywhere.

    :raises BackupError: it is none, or not whole
    """
    with archive.opened(path) as opened:
        opened.verify()
        return opened.manifest


def restore(
    path: Path, places: Places, *, now: datetime, fresh: bool, busy_timeout: float = 30.0
) -> Restored:
    """Put a backup into ``places``.

    :param fresh: there may be no database there yet; else the one there is replaced, and kept aside
    :raises BackupError: the file is no whole backup, or does not fit there; nothing was changed
    :raises DaemonError: a daemon works on the database
    :raises models.errors.StorageError: the database cannot take it; nothing was changed
    """
    postgresql = "://" in places.database
    with archive.opened(path) as opened:
        manifest = opened.manifest
        _check_fit(path, manifest, postgresql=postgresql)
        if postgresql:
            shown, replaced = _load(opened, places.database, now, busy_timeout, fresh=fresh)
        else:
            shown, replaced = _put_file(opened, Path(places.database), now, fresh=fresh)
        written = tuple(_besides(opened, places, now))
    return Restored(manifest, shown, replaced, written, manifest.schema != migrate.known()[-1])


def _check_fit(path: Path, manifest: Manifest, *, postgresql: bool) -> None:
    if (manifest.engine == "postgresql") != postgresql:
        there = "a PostgreSQL address" if postgresql else "a file of SQLite"
        wanted = "a PostgreSQL address" if manifest.engine == "postgresql" else "a path"
        raise BackupError(
            f"{path} holds a database of {manifest.engine}, and {there} is to take it: name {wanted} "
            "with --into or WIREWATCH_DATABASE"
        )
    if manifest.schema not in migrate.known():
        raise SchemaMismatch(
            f"{path} was made by a newer Wirewatch ({manifest.version or 'unknown'}, schema "
            f"{manifest.schema}; this program ends at {migrate.known()[-1]}): install that version first"
        )


# -- SQLite -------------------------------------------------------------------------------------------------


def _put_file(opened: Archive, path: Path, now: datetime, *, fresh: bool) -> tuple[str, str | None]:
    if fresh and path.exists():
        raise BackupError(f"{path} is there already: --into wants a new place")
    lock = DaemonLock(path)
    lock.acquire()
    orderly = not lock.unclean
    try:
        with _unpacked(opened, path) as staged:
            _bring_up_to_date(opened, staged)
            aside = _free(path, now)
            there = path.exists()
            if there:
                restoring.retire_file(path)
            restoring.put_in_place(staged, path, aside)
            orderly = True
    finally:
        lock.release(clean=orderly)
    return str(path), str(aside) if there else None


@contextmanager
def _unpacked(opened: Archive, path: Path) -> Iterator[Path]:
    """The database of a backup as a file beside ``path``, which is removed if it stays there."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(prefix=".wirewatch-restore-", dir=path.parent) as work:
            staged = Path(work) / path.name
            _write(staged, opened.content(archive.DATABASE))
            yield staged
    except OSError as error:
        raise BackupError(f"{path.parent} cannot be written: {error.strerror or error}") from error


def _bring_up_to_date(opened: Archive, staged: Path) -> None:
    """See that the file holds what the manifest says, then migrate it."""
    facts = store.examine_file(staged)
    told = opened.manifest
    if (facts.schema, facts.instance, facts.rows) != (told.schema, told.instance, told.rows):
        raise BackupError(f"{opened.path} does not hold what its manifest says")
    database = open_database(staged)
    try:
        migrate.migrate(database)
        migrate.check(database)
    finally:
        database.close()
    restoring.retire_file(staged)  # one file again
    with staged.open("rb+") as file:
        os.fsync(file.fileno())


def _free(path: Path, now: datetime) -> Path:
    """A name beside ``path`` for what is replaced."""
    stem = f"{path.name}.replaced-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    names = (stem, *(f"{stem}-{number}" for number in range(2, 1000)))
    return next(path.with_name(name) for name in names if not os.path.lexists(path.with_name(name)))


# -- PostgreSQL ---------------------------------------------------------------------------------------------


def _load(
    opened: Archive, address: str, now: datetime, busy_timeout: float, *, fresh: bool
) -> tuple[str, str | None]:
    told = opened.manifest
    facts = Facts("postgresql", told.schema, told.instance, told.rows, told.columns, told.sequences)
    database = open_database(address, busy_timeout=busy_timeout)
    try:
        _refuse_others(database)
        there = bool(migrate.schema_version(database))
        aside = None if fresh else f"wirewatch_replaced_{now.astimezone(UTC):%Y%m%dt%H%M%Sz}"

        def rows(table: str) -> Iterable[bytes]:
            return opened.content(archive.TABLE + table)

        restoring.load(database, facts, rows, aside=aside)
        return database.url, aside if there else None
    finally:
        database.close()


def _refuse_others(database: Database) -> None:
    others = restoring.others(database)
    if others:
        raise DatabaseUnavailable(
            f"{others} other connections of Wirewatch are open on {database.url}: stop its daemons and pages "
            "first"
        )


# -- what lies beside ---------------------------------------------------------------------------------------


def _besides(opened: Archive, places: Places, now: datetime) -> Iterator[Path]:
    """Write the other members; a file that is there with other content goes to another name first."""
    for name in opened.names():
        if name.startswith(archive.LEARNED):
            target: Path | None = places.learned / Path(name).name
        else:
            target = {archive.TOPICS: places.topics, archive.WEIGHTS: places.weights}.get(name)
        if target is None:
            continue
        content = b"".join(opened.content(name))
        try:
            if target.exists():
                if target.read_bytes() == content:
                    continue
                target.rename(_free(target, now))
            target.parent.mkdir(parents=True, exist_ok=True)
            fresh = target.with_name(f"{target.name}.new")
            fresh.unlink(missing_ok=True)
            _write(fresh, [content])
            fresh.replace(target)
        except OSError as error:
            raise BackupError(
                f"the database is restored, but {target} cannot be written: {error.strerror or error}"
            ) from error
        yield target


def _write(path: Path, pieces: Iterable[bytes]) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
        for piece in pieces:
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
