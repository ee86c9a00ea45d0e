"""The file system as a scan needs it: which names count, what an error means, content that held still."""

# Paths are str: they hold any bytes, and pathlib takes five times as long over 100,000 files.
# ruff: noqa: PTH116, PTH120
from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import translate

from service.values import Reason

_DIGEST = 16  # bytes
# What editors, browsers and copy programs leave while they work.
_PARTIAL = (
    ".part",
    ".partial",
    ".tmp",
    ".temp",
    ".crdownload",
    ".download",
    ".swp",
    ".swx",
    ".filepart",
    ".!ut",
)
_LEFT_BY_PROGRAMS = frozenset(
    ("thumbs.db", "desktop.ini", "$recycle.bin", "system volume information", "lost+found")
)
_WHY: dict[int, tuple[Reason, str]] = {
    errno.EACCES: (Reason.UNREADABLE, "permission denied"),
    errno.EPERM: (Reason.UNREADABLE, "permission denied"),
    errno.ENOENT: (Reason.MISSING, "it is not there"),
    errno.ENOTDIR: (Reason.MISSING, "it is no folder"),
    errno.ESTALE: (Reason.MISSING, "the network file system lost it"),
    errno.ENOTCONN: (Reason.MISSING, "the mount does not answer"),
    errno.ELOOP: (Reason.UNREADABLE, "a circle of symbolic links"),
    errno.ENAMETOOLONG: (Reason.UNREADABLE, "the path is too long"),
}


class Observer:
    """Is told where a scan is; this one does nothing with it. Called in the scan's thread."""

    def step(self) -> None:
        """One entry, or one part of a file, is done with."""

    def unchanged(self) -> None:
        """A file is as it was remembered."""

    def folder(self, path: str, below: str) -> None:
        """A folder is about to be listed."""

    def whole(self) -> None:
        """All folders have been listed."""

    def missing(self) -> None:
        """What was to be scanned is not there."""


class Patterns:
    """Which names count."""

    def __init__(self, include: Sequence[str], exclude: Sequence[str]) -> None:
        self._include = _Any(include)
        self._exclude = _Any(exclude)

    def file(self, name: str, below: str) -> bool:
        if _is_hidden(name) or name.lower().endswith(_PARTIAL) or name.lower() in _LEFT_BY_PROGRAMS:
            return False
        if self._exclude.match(name, below):
            return False
        return not self._include.given or self._include.match(name, below)

    def counts(self, is_folder: bool, name: str, below: str) -> bool:
        """`folder` or `file`."""
        return self.folder(name, below) if is_folder else self.file(name, below)

    def folder(self, name: str, below: str) -> bool:
        hidden = _is_hidden(name) or name.lower() in _LEFT_BY_PROGRAMS
        return not hidden and not self._exclude.match(name, below)


def _is_hidden(name: str) -> bool:
    return name.startswith((".", "~", "#")) or name.endswith("~")


class _Any:
    """Shell patterns as two expressions: one for names, one for paths below the folder."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self.given = bool(patterns)
        self._name = _joined([one for one in patterns if "/" not in one])
        self._below = _joined([one.strip("/") for one in patterns if "/" in one])

    def match(self, name: str, below: str) -> bool:
        return bool((self._name and self._name(name)) or (self._below and self._below(below)))


def _joined(patterns: Sequence[str]) -> Callable[[str], object] | None:
    return re.compile("|".join(map(translate, patterns)), re.IGNORECASE).match if patterns else None


def read_whole(handle: int, status: os.stat_result, step: Callable[[], None]) -> bytes | None:
    """All of an open file, None when it is not, or does not stay, what ``status`` says.

    ``step`` is called after each part of it.
    """
    if not _unmoved(status, os.fstat(handle)):
        return None
    parts = []
    left = status.st_size + 1
    while left > 0 and (part := os.read(handle, min(left, 1 << 20))):
        parts.append(part)
        left -= len(part)
        step()
    body = b"".join(parts)
    if len(body) != status.st_size or not _unmoved(status, os.fstat(handle)):
        return None
    return body


@dataclass(frozen=True, slots=True)
class Containers:
    """Which files are not read whole but from their place, and up to what size."""

    is_one: Callable[[bytes, str], bool] = lambda _head, _name: False
    max_bytes: int = 0
    head: int = 64 * 1024  # bytes that they are told by


def digest(body: bytes) -> str:
    """What a file's content is recognised by: BLAKE2b-128, hexadecimal."""
    return hashlib.blake2b(body, digest_size=_DIGEST).hexdigest()


def digest_of(handle: int, status: os.stat_result, step: Callable[[], None]) -> str | None:
    """The `digest` of an open file that is not held, None when it does not stay what ``status`` says."""
    if not _unmoved(status, os.fstat(handle)):
        return None
    hashed = hashlib.blake2b(digest_size=_DIGEST)
    left = status.st_size + 1
    while left > 0 and (part := os.read(handle, min(left, 1 << 20))):
        hashed.update(part)
        left -= len(part)
        step()
    return hashed.hexdigest() if left == 1 and _unmoved(status, os.fstat(handle)) else None


def _unmoved(one: os.stat_result, other: os.stat_result) -> bool:
    return stat.S_ISREG(other.st_mode) and (one.st_size, one.st_mtime_ns, one.st_ino) == (
        other.st_size,
        other.st_mtime_ns,
        other.st_ino,
    )


def explain(error: OSError) -> tuple[Reason, str]:
    number = error.errno or 0
    reason, why = _WHY.get(number, (Reason.UNREADABLE, os.strerror(number) if number else str(error)))
    return reason, why


def is_gone(path: str) -> bool:
    try:
        os.lstat(path)
    except OSError as error:
        return error.errno in (errno.ENOENT, errno.ENOTDIR)
    return False


def device_of(folder: str) -> int:
    """The device of a folder, or of the nearest one above it that is there."""
    while True:
        try:
            return os.stat(folder).st_dev
        except OSError:
            above = os.path.dirname(folder)
            if above == folder:
                return 0
            folder = above
