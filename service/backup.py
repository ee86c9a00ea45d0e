"""Making a backup while the daemon goes on: copied, compressed, read back, and only then given its name.

Everything is written in a folder of its own beside the backups. A backup that fails or is interrupted leaves
nothing under a backup's name, and no older one is removed before the new one has been found to be whole.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from models import backup as store
from models.backup import Facts
from models.database import Database
from models.figures import note_backup
from models.restoring import sync_folder
from service import backup_archive as archive
from service.backup_archive import Manifest, Member
from service.backup_rotation import Keep, Kept, expendable
from service.errors import BackupError

Progress = Callable[[str, float], None]  # told what is done now, and its share, 0 to 1
_NAME = re.compile(r"wirewatch-(\d{8}T\d{6}Z)(?:-\d+)?(-before-migration)?\.tar")
_WORK = ".wirewatch-backup-"  # folders of backups that are being made
_LOCK = ".wirewatch-backup.lock"


@dataclass(frozen=True, slots=True)
class Besides:
    """What a backup holds besides the database: files and the folder of what was learned, where there are."""

    learned: Path | None = None
    topics: Path | None = None
    weights: Path | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that was made and found to be whole."""

    path: Path
    size: int  # bytes
    manifest: Manifest
    removed: tuple[Path, ...] = ()  # older ones that need not be kept any more


@dataclass(frozen=True, slots=True)
class Found:
    """A file that is called as a backup is."""

    path: Path
    size: int
    manifest: Manifest | None  # None where it is none, or broken
    trouble: str = field(default="", compare=False)


def back_up(
    database: Database,
    folder: Path,
    *,
    besides: Besides,
    keep: Keep | None,
    now: datetime,
    before_migration: bool = False,
    progress: Progress = lambda *_: None,
) -> Made:
    """Make a backup in ``folder``, and remove those that ``keep`` no longer wants (None: none).

    :raises BackupError: it cannot be made; nothing was removed, and nothing half-made is left
    :raises models.errors.StorageError: the database cannot be read, or is damaged
    """
    _make_folder(folder)
    with _alone(folder), _working(folder) as work:
        try:
            facts, members = _stage_database(database, work, progress)
            members += _stage_besides(besides, work)
            manifest = _manifest(facts, members, now, before_migration=before_migration)
            fresh = work / "backup.tar"
            archive.assemble(fresh, manifest, work)
            progress("reading it back", 0.0)
            with archive.opened(fresh) as made:
                made.verify()
            path = _free_name(folder, now, before_migration=before_migration)
            size = fresh.stat().st_size
            fresh.rename(path)
            sync_folder(folder)
        except OSError as error:
            raise _refused(error, folder) from error
        note_backup(now)
        removed = _rotate(folder, manifest, keep) if keep is not None else ()
    return Made(path, size, manifest, removed)


def list_backups(folder: Path) -> list[Found]:
    """What lies in a folder of backups, the newest first; their members are not looked at."""
    found = []
    try:
        names = sorted((one.name for one in folder.iterdir() if _NAME.fullmatch(one.name)), reverse=True)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise BackupError(f"{folder} cannot be read: {error.strerror}") from error
    for name in names:
        path = folder / name
        try:
            with archive.opened(path) as one:
                found.append(Found(path, path.stat().st_size, one.manifest))
        except BackupError as error:
            found.append(Found(path, path.stat().st_size, None, str(error)))
    return found


# -- the folder ---------------------------------------------------------------------------------------------


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise BackupError(f"the folder {folder} cannot be made: {error.strerror}") from error


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    try:
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise BackupError(f"{folder} cannot be written: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        raise BackupError(f"another backup is being made in {folder}") from error
    try:
        yield
    finally:
        os.close(lock)


@contextmanager
def _working(folder: Path) -> Iterator[Path]:
    """A folder to work in; those of backups that were killed are removed. Only with the lock."""
    for left in folder.glob(f"{_WORK}*/"):
        shutil.rmtree(left, ignore_errors=True)
    try:
        made = tempfile.TemporaryDirectory(prefix=_WORK, dir=folder)
    except OSError as error:
        raise _refused(error, folder) from error
    with made as work:
        yield Path(work)


def _refused(error: OSError, folder: Path) -> BackupError:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return BackupError(f"there is no room for a backup in {folder}; nothing was left there or removed")
    return BackupError(f"the backup could not be written in {folder}: {error.strerror or error}")


def _free_name(folder: Path, now: datetime, *, before_migration: bool) -> Path:
    stem, end = f"wirewatch-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}", "-before-migration" * before_migration
    names = (f"{stem}{again}{end}.tar" for again in ("", *(f"-{number}" for number in range(2, 1000))))
    return next(folder / name for name in names if not (folder / name).exists())


def _rotate(folder: Path, manifest: Manifest, keep: Keep) -> tuple[Path, ...]:
    """Remove the older backups of this very database that are not to be kept."""
    ours = {
        one.path.name: one.manifest
        for one in list_backups(folder)
        if one.manifest is not None
        and one.manifest.engine == manifest.engine
        and (one.manifest.instance or manifest.instance) == (manifest.instance or one.manifest.instance)
    }
    kept = [Kept(name, one.taken_at, one.reason == "migration") for name, one in ours.items()]
    removed = []
    for one in expendable(kept, keep):
        (folder / one.name).unlink(missing_ok=True)
        removed.append(folder / one.name)
    return tuple(removed)


# -- what goes into it --------------------------------------------------------------------------------------


def _stage_database(database: Database, work: Path, progress: Progress) -> tuple[Facts, list[Member]]:
    if not database.sqlite:
        with store.reading(database) as facts:
            members = []
            for number, table in enumerate(facts.rows):
                progress(f"copying {table}", number / len(facts.rows))
                rows = store.copy_out(database, facts, table)
                members.append(archive.stage(rows, work, archive.TABLE + table))
        return facts, members
    needed, free = store.file_size(database), shutil.disk_usage(work).free
    if needed > free:
        raise BackupError(
            f"there is no room for a backup in {work.parent}: {free / 1e6:,.0f} MB are free, and while it is "
            f"made it takes up to {needed * 1.6 / 1e6:,.0f} MB; nothing was removed"
        )
    copy = work / archive.DATABASE
    store.copy_file(database, copy, lambda share: progress("copying", share))
    progress("checking the copy", 0.0)
    facts = store.examine_file(copy)
    progress("compressing", 0.0)
    member = archive.stage(archive.read_file(copy), work, archive.DATABASE)
    copy.unlink()
    return facts, [member]


def _stage_besides(besides: Besides, work: Path) -> list[Member]:
    files = [(archive.TOPICS, besides.topics), (archive.WEIGHTS, besides.weights)]
    if besides.learned is not None and besides.learned.is_dir():
        inside = sorted(path for path in besides.learned.iterdir() if path.is_file())
        files += [(archive.LEARNED + path.name, path) for path in inside if path.suffix != ".new"]
    return [
        archive.stage(archive.read_file(path), work, name)
        for name, path in files
        if path is not None and path.is_file()
    ]


def _manifest(facts: Facts, members: list[Member], now: datetime, *, before_migration: bool) -> Manifest:
    return Manifest(
        format=archive.FORMAT,
        version=program_version(),
        taken_at=now,
        reason="migration" if before_migration else "asked",
        engine=facts.engine,
        schema=facts.schema,
        instance=facts.instance,
        rows=dict(facts.rows),
        columns={name: list(columns) for name, columns in facts.columns.items()},
        sequences=dict(facts.sequences),
        members=members,
    )


def program_version() -> str:
    """The version of the program, "" for a checkout that is not installed."""
    try:
        return version("wirewatch")
    except PackageNotFoundError:
        return ""
