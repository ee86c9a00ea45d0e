"""Real mounts for tests that may mount: a file system in memory, and one whose server never answers."""

from __future__ import annotations

import ctypes
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_LIBC = ctypes.CDLL(None, use_errno=True)
_MNT_DETACH = 2


def mount(kind: str, place: Path, options: str = "") -> None:
    """mount(2); skips the test where that is not allowed."""
    done = _LIBC.mount(kind.encode(), os.fsencode(place), kind.encode(), 0, options.encode())
    if done:
        pytest.skip(f"may not mount {kind} here: {os.strerror(ctypes.get_errno())}")


def unmount(place: Path) -> None:
    """umount2(2), whoever uses it."""
    if _LIBC.umount2(os.fsencode(place), _MNT_DETACH):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(place))


@contextmanager
def memory(place: Path) -> Iterator[Path]:
    """A tmpfs on a folder; it may be unmounted inside."""
    mount("tmpfs", place)
    try:
        yield place
    finally:
        if os.path.ismount(place):
            unmount(place)


class Hanging:
    """A mount that never answers: FUSE without anybody who serves it, as NFS is when its server is gone."""

    def __init__(self, place: Path) -> None:
        try:
            self._device = os.open("/dev/fuse", os.O_RDWR)
        except OSError as error:
            pytest.skip(f"no FUSE here: {error.strerror}")
        options = f"fd={self._device},rootmode={stat.S_IFDIR:o},user_id=0,group_id=0"
        mount("fuse", place, options)
        self._place = place

    def end(self) -> None:
        """From now on, whoever asks or waits gets ENOTCONN."""
        if self._device >= 0:
            os.close(self._device)
            self._device = -1

    def __enter__(self) -> Hanging:
        return self

    def __exit__(self, *_: object) -> None:
        unmount(self._place)
        self.end()
