"""Large values for new processes, past the pipe that they are told through what to run.

``multiprocessing`` (spawn) writes what a process is to run into a pipe whose reading end it keeps open itself
(CPython's ``popen_spawn_posix``). Where the process dies before it has read all of it, and it is more than
the pipe holds (64 KiB on Linux), the writer waits for ever: a worker that is killed while it starts, for want
of memory or by Ctrl-C, would hold up the daemon for good. So what is large lies in a file without a name,
of which the process inherits a descriptor.
"""

from __future__ import annotations

import os
import pickle
import tempfile
from multiprocessing.reduction import DupFd
from typing import Any


class Handover:
    """A value for processes that are started by spawning; in them, it is the value itself."""

    def __init__(self, value: object) -> None:
        self._descriptor = _unnamed()
        with os.fdopen(os.dup(self._descriptor), "wb") as file:
            pickle.dump(value, file, protocol=pickle.HIGHEST_PROTOCOL)

    def __reduce__(self) -> tuple[Any, ...]:
        return _taken, (DupFd(self._descriptor),)

    def __del__(self) -> None:
        os.close(self._descriptor)


def _unnamed() -> int:
    """A descriptor of an empty file; in memory where the system has such."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("wirewatch", os.MFD_CLOEXEC)
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _taken(inherited: Any) -> object:
    descriptor = inherited.detach()
    try:
        # From its start, wherever the others who share the file's position have read to.
        return pickle.loads(os.pread(descriptor, os.fstat(descriptor).st_size, 0))  # noqa: S301 - our own
    finally:
        os.close(descriptor)
