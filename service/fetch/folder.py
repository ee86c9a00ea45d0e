"""One look at a folder: which files changed, with their content; which are gone; which cannot be read.

A file whose size, time and inode are as remembered is not opened. One that changed is read when it has been
still for a while, and only kept when it did not change while it was read, so that nothing half-written gets
in. Nothing is ever written, moved or deleted, and no link is followed out of the folder.

The order of what `scan` yields matters: first everything that is gone, then the files. A moved file is then
known to be gone from its old place before it is met at its new one.
"""

# Paths are str: they hold any bytes, and pathlib takes five times as long over 100,000 files.
# ruff: noqa: PTH113, PTH116, PTH119, PTH120, PTH206
from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

from models.records import FileRecord
from service.fetch.folder_files import (
    Containers,
    Observer,
    Patterns,
    device_of,
    digest,
    digest_of,
    explain,
    is_gone,
    read_whole,
)
from service.members import file_of
from service.values import Failed, Reason

MAX_BYTES = 64 * 1024 * 1024  # of one file
MAX_FILES = 10_000  # read in one scan; the rest comes with the next one
MAX_DEPTH = 64  # folders within each other
MAX_UNLISTED = 100
STILL_FOR = timedelta(seconds=2)
_AHEAD = timedelta(hours=1)  # of our clock: how fast a file server's may be
_SORTED = 20_000  # names of a folder that are put in order together


@dataclass(frozen=True, slots=True)
class FileRead:
    """A new or changed file, read whole. ``record.digest`` is that of ``body``."""

    path: str  # absolute; bytes that are no UTF-8 as surrogate escapes
    record: FileRecord
    body: bytes = field(repr=False)
    below: str = ""  # its path below the folder


@dataclass(frozen=True, slots=True)
class FileContainer:
    """A new or changed file that may hold many articles: left where it is. ``record.digest`` is its own."""

    path: str
    record: FileRecord
    below: str = ""


@dataclass(frozen=True, slots=True)
class FileTouched:
    """A file whose time or inode changed and whose content did not: only its record is to be stored."""

    path: str
    record: FileRecord


@dataclass(frozen=True, slots=True)
class FileFailed:
    """A file that cannot be read; ``record`` holds the reason, so that it is tried again when it changes."""

    path: str
    record: FileRecord
    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True)
class FileVanished:
    """A file that was known and is gone."""

    path: str
    record: FileRecord


@dataclass(frozen=True, slots=True)
class ScanEnded:
    """What a whole scan came to; the last value of every scan that was not `Failed`."""

    seen: int = 0  # files that the patterns allow
    unchanged: int = 0
    waiting: int = 0  # changed too recently: the next scan reads them
    postponed: int = 0  # over ``max_files``: the next scan reads them
    unlisted: tuple[tuple[str, Reason, str], ...] = ()  # folders that could not be listed
    walking: float = field(default=0.0, compare=False)  # seconds, where nothing was read in between


FileSeen = FileRead | FileContainer | FileTouched | FileFailed | FileVanished | ScanEnded | Failed


def scan(
    root: str | Path,
    known: Mapping[str, FileRecord],
    *,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    now: datetime,
    still_for: timedelta = STILL_FOR,
    max_bytes: int = MAX_BYTES,
    max_files: int = MAX_FILES,
    recursive: bool = True,
    observer: Observer | None = None,
    containers: Containers | None = None,
) -> Iterator[FileSeen]:
    """Look through a folder (or at one file) and yield what is not as ``known`` has it.

    ``known`` maps absolute paths to records. ``include`` and ``exclude`` are shell patterns: one with a
    slash is matched against the path below the folder, any other against the file's name, or a folder's;
    what is excluded is not entered. Without ``include`` every file counts but hidden and temporary ones.

    When the folder itself is gone or cannot be listed, the only value is a `Failed` (MISSING, UNREADABLE):
    nothing is said to have vanished, because a mount that is gone is no deletion.
    """
    base = os.path.abspath(os.fspath(root))  # noqa: PTH100 - symbolic links stay as they were given
    patterns = Patterns(include, exclude)
    limits = _Limits(now, still_for, max_bytes, max_files, recursive, containers or Containers())
    return _Scanner(base, known, patterns, limits, observer or Observer()).run()


@dataclass(frozen=True, slots=True)
class _Limits:
    """What a scan may read."""

    now: datetime
    still_for: timedelta
    max_bytes: int
    max_files: int
    recursive: bool
    containers: Containers

    def is_still(self, status: os.stat_result) -> bool:
        """Whether a file has not been written to for long enough."""
        now = int(self.now.timestamp() * 1_000_000_000)
        ahead = now + int(_AHEAD.total_seconds()) * 1_000_000_000
        # A time far in the future was set by hand; when the file was last touched is the next best.
        changed = status.st_mtime_ns if status.st_mtime_ns < ahead else status.st_ctime_ns
        still_since = now - int(self.still_for.total_seconds() * 1_000_000_000)
        return changed <= still_since or changed >= ahead


@dataclass(slots=True)
class _Counts:
    seen: int = 0
    unchanged: int = 0
    waiting: int = 0
    read: int = 0
    postponed: int = 0
    unlisted: list[tuple[str, Reason, str]] = field(default_factory=list)


class _Scanner:
    """One scan of one folder."""

    def __init__(
        self,
        base: str,
        known: Mapping[str, FileRecord],
        patterns: Patterns,
        limits: _Limits,
        observer: Observer,
    ) -> None:
        self._base = base
        self._known = known
        self._patterns = patterns
        self._limits = limits
        self._observer = observer
        self._counts = _Counts()
        self._real_base = base
        self._present: set[str] = set()  # known files that were met
        self._devices: dict[int, int] = {}  # a remembered device's number and its number now
        self._walking = 0.0

    def run(self) -> Iterator[FileSeen]:
        """All that `scan` yields."""
        try:
            before = os.stat(self._base)
            self._real_base = os.path.realpath(self._base)
            is_folder = stat.S_ISDIR(before.st_mode)
            if is_folder:
                os.scandir(self._base).close()
        except OSError as error:
            yield self._root_failed(error)
            return
        if not is_folder:
            self._counts.seen += 1
            yield from self._look(self._base, os.path.basename(self._base), before)
        elif not self._known:
            # Nothing can have vanished, so nothing has to be gathered first: a first scan streams.
            for path, below, status in self._files():
                yield from self._look(path, below, status)
        else:
            began = time.perf_counter()
            changed = list(self._changed())
            self._walking = time.perf_counter() - began
            try:
                after = os.stat(self._base)
                if (before.st_dev, before.st_ino) != (after.st_dev, after.st_ino):
                    raise FileNotFoundError(errno.ENOENT, "replaced")
            except OSError as error:
                yield self._root_failed(error)
                return
            yield from self._vanished()
            for path, below, status in changed:
                yield from self._look(path, below, status)
        self._observer.whole()
        counts = self._counts
        yield ScanEnded(
            counts.seen,
            counts.unchanged,
            counts.waiting,
            counts.postponed,
            tuple(counts.unlisted),
            self._walking,
        )

    def _root_failed(self, error: OSError) -> Failed:
        reason, why = explain(error)
        if reason is Reason.MISSING:
            self._observer.missing()
        return Failed(self._base, reason, f"the folder cannot be looked into: {why}")

    # -- walking ---------------------------------------------------------------------------------------

    def _changed(self) -> Iterator[tuple[str, str, os.stat_result]]:
        """The files that have to be looked at; of those that are as remembered only the place is noted."""
        for path, below, status in self._files():
            record = self._known.get(path)
            if record is not None:
                self._present.add(path)
                self._devices[record.device] = status.st_dev
                if self._is_unchanged(record, status):
                    self._counts.unchanged += 1
                    self._observer.unchanged()
                    continue
            if self._counts.read >= self._limits.max_files:
                self._counts.postponed += 1
                continue
            self._counts.read += 1
            yield path, below, status
        self._counts.read = 0

    def _files(self) -> Iterator[tuple[str, str, os.stat_result]]:
        """Every file that counts: path, path below the folder, and state."""
        waiting = [(self._base, "", 0)]
        while waiting:
            folder, below, depth = waiting.pop()
            subfolders = []
            self._observer.folder(folder, below)
            try:
                with os.scandir(folder) as entries:
                    while batch := sorted(islice(entries, _SORTED), key=lambda entry: entry.name):
                        for entry in batch:
                            self._observer.step()
                            inside = f"{below}/{entry.name}" if below else entry.name
                            kind, status = self._kind(entry, inside)
                            if kind == "file" and status is not None:
                                self._counts.seen += 1
                                yield entry.path, inside, status
                            elif kind == "folder" and depth < MAX_DEPTH:
                                subfolders.append((entry.path, inside, depth + 1))
            except OSError as error:
                if len(self._counts.unlisted) < MAX_UNLISTED:
                    self._counts.unlisted.append((folder, *explain(error)))
            if self._limits.recursive:
                waiting.extend(reversed(subfolders))

    def _kind(self, entry: os.DirEntry[str], below: str) -> tuple[str, os.stat_result | None]:
        """Whether an entry is a "file" or a "folder" that counts, or neither ("")."""
        try:
            if entry.is_symlink() and not self._may_follow(entry.path):
                return "", None
            if entry.is_dir():
                return ("folder" if self._patterns.folder(entry.name, below) else ""), None
            if not self._patterns.file(entry.name, below):
                return "", None
            status = entry.stat()
        except OSError:
            return "", None  # it went away meanwhile, or is a link to nothing
        return ("file", status) if stat.S_ISREG(status.st_mode) else ("", None)

    def _may_follow(self, path: str) -> bool:
        """Whether a symbolic link leads to a place inside the folder that is not met anyway."""
        target = os.path.realpath(path)
        inside = os.path.relpath(target, self._real_base)
        if inside == "." or inside.split(os.sep, 1)[0] == "..":
            return False
        parts = inside.split(os.sep)
        met = all(
            self._patterns.folder(part, "/".join(parts[: number + 1]))
            for number, part in enumerate(parts[:-1])
        )
        return not (met and self._patterns.file(parts[-1], inside)) if os.path.isfile(target) else not met

    # -- files -----------------------------------------------------------------------------------------

    def _is_unchanged(self, record: FileRecord, status: os.stat_result) -> bool:
        """Whether a file is as remembered, and there is no reason to try it again."""
        if record.vanished_at is not None or record.device != status.st_dev:
            return False
        if record.reason == Reason.UNREADABLE:
            return False  # permissions change without a trace in size and time
        if record.reason == Reason.TOO_LARGE and status.st_size <= self._limits.max_bytes:
            return False
        return _same(record, status)

    def _look(self, path: str, below: str, status: os.stat_result) -> Iterator[FileSeen]:
        known = self._known.get(path)
        if known is not None and self._is_unchanged(known, status):
            self._counts.unchanged += 1
            return
        if known is not None and _same(known, status) and known.digest and known.reason != Reason.TOO_LARGE:
            # It came back, or its device has another number since the last start: no reason to read it.
            yield FileTouched(path, replace(known, vanished_at=None, device=status.st_dev))
            return
        if not self._limits.is_still(status):
            self._counts.waiting += 1
            return
        if self._counts.read >= self._limits.max_files:
            self._counts.postponed += 1
            return
        self._counts.read += 1
        seen = self._read(path, below, status)
        if seen is None:
            self._counts.waiting += 1
        elif isinstance(seen, FileFailed) and known is not None and _as_before(known, seen.record):
            self._counts.unchanged += 1
        else:
            yield seen

    def _read(
        self, path: str, below: str, status: os.stat_result
    ) -> FileRead | FileContainer | FileTouched | FileFailed | None:
        """A file's content, or why not; None when it changed while it was read."""
        record = _record(path, status)
        containers = self._limits.containers
        body: bytes | None = None
        try:
            # Not blocking: between the look and the opening it may have become a pipe.
            handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(handle, "rb", buffering=0) as file:
                apart = containers.is_one(os.pread(handle, containers.head, 0), os.path.basename(path))
                limit = containers.max_bytes if apart else self._limits.max_bytes
                if status.st_size > limit:
                    return _failed(
                        record, Reason.TOO_LARGE, f"{status.st_size:,} bytes; at most {limit:,} are read"
                    )
                if apart:
                    found = digest_of(file.fileno(), status, self._observer.step)
                else:
                    body = read_whole(file.fileno(), status, self._observer.step)
                    found = None if body is None else digest(body)
        except OSError as error:
            return _failed(record, *explain(error))
        if found is None:
            return None
        record = replace(record, digest=found)
        known = self._known.get(path)
        if known is not None and known.digest == record.digest and known.reason != Reason.UNREADABLE:
            return FileTouched(path, replace(record, reason=known.reason, detail=known.detail))
        return FileContainer(path, record, below) if body is None else FileRead(path, record, body, below)

    # -- what is gone ----------------------------------------------------------------------------------

    def _vanished(self) -> Iterator[FileVanished]:
        devices: dict[str, int] = {}
        for path, record in self._known.items():
            if path in self._present or record.vanished_at is not None or self._is_member(path, record):
                continue
            self._observer.step()
            if is_gone(path) and self._is_mounted(path, record, devices):
                yield FileVanished(path, replace(record, vanished_at=self._limits.now))

    def _is_member(self, path: str, record: FileRecord) -> bool:
        """Whether a record is of a part of a file: that has the file's digest, and goes with it."""
        file = file_of(path, self._known)
        return file != path and self._known[file].digest == record.digest

    def _is_mounted(self, path: str, record: FileRecord, devices: dict[str, int]) -> bool:
        """Whether the file system that a file was on is there: an unmounted one has lost nothing."""
        if not record.device:
            return True
        folder = os.path.dirname(path)
        if folder not in devices:
            devices[folder] = device_of(folder)
        return devices[folder] == self._devices.get(record.device, record.device)


def _same(record: FileRecord, status: os.stat_result) -> bool:
    return (record.size, record.mtime_ns, record.inode) == (status.st_size, status.st_mtime_ns, status.st_ino)


def _as_before(known: FileRecord, record: FileRecord) -> bool:
    return known.vanished_at is None and replace(record, digest=known.digest) == known


def _record(path: str, status: os.stat_result) -> FileRecord:
    return FileRecord(path, status.st_size, status.st_mtime_ns, device=status.st_dev, inode=status.st_ino)


def _failed(record: FileRecord, reason: Reason, detail: str) -> FileFailed:
    return FileFailed(record.path, replace(record, reason=reason, detail=detail), reason, detail)
