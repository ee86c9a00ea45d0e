"""One daemon on one SQLite file: an advisory lock that ends with its process, however that ends."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from service.errors import DaemonError


class DaemonLock:
    """Holds ``<database>.daemon`` locked; a second daemon on the same file is refused.

    The file stays when the daemon ends: removing it would let two daemons lock two files of one name. It is
    empty after an orderly stop; what else it holds was left by a process that was killed, or by a power cut.
    """

    def __init__(self, database: Path) -> None:
        self._path = database.with_name(database.name + ".daemon")
        self._descriptor: int | None = None
        self.unclean = False  # once it is held: whether the holder before did not stop in order

    def acquire(self) -> None:
        """Take the lock.

        :raises DaemonError: another daemon holds it, or the file cannot be made
        """
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise DaemonError(f"cannot make the lock file {self._path}: {error.strerror}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.read(descriptor, 32).decode("ascii", "replace").strip() or "unknown"
            os.close(descriptor)
            raise DaemonError(
                f"another wirewatch daemon (process {holder}) already works on {self._path.with_suffix('')}; "
                "stop it first, or give this one a database of its own (WIREWATCH_DATABASE)"
            ) from error
        self.unclean = bool(os.pread(descriptor, 1, 0))
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        os.fsync(descriptor)  # also a power cut is to be told from a stop
        self._descriptor = descriptor

    @staticmethod
    def holder(database: Path) -> int | None:
        """The process of the daemon that works on this file, None where there is none.

        Read from proc_locks(5): trying the lock would refuse a daemon that starts at this moment.
        """
        path = database.with_name(database.name + ".daemon")
        try:
            found = path.stat()
            place = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"
            locks = Path("/proc/locks").read_text(encoding="ascii")
            for line in locks.splitlines():
                words = line.split()
                if "FLOCK" in words and place in words:
                    return int(path.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return None
        return None

    def release(self, *, clean: bool = True) -> None:
        """Give the lock back; with ``clean`` false, the next holder finds that this one failed."""
        if self._descriptor is not None:
            if clean:
                with suppress(OSError):  # a disk that became read-only: the next start looks at the database
                    os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None
