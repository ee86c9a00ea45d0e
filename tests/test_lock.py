"""A second daemon on the same file is refused, and a dead one is in nobody's way."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from service.errors import DaemonError
from service.lock import DaemonLock

HOLD = (
    "import sys, pathlib; from service.lock import DaemonLock;"
    "DaemonLock(pathlib.Path(sys.argv[1])).acquire(); print('held', flush=True); sys.stdin.read()"
)


def test_a_second_holder_is_refused_and_told_who_holds(tmp_path: Path) -> None:
    database = tmp_path / "wirewatch.db"
    first = DaemonLock(database)
    first.acquire()
    with pytest.raises(DaemonError, match=f"process {os.getpid()}.*wirewatch.db"):
        DaemonLock(database).acquire()
    first.release()
    second = DaemonLock(database)
    second.acquire()
    second.release()


def test_a_killed_holder_leaves_the_lock_free(tmp_path: Path) -> None:
    database = tmp_path / "wirewatch.db"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(database)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(DaemonError, match=str(holder.pid)):
            DaemonLock(database).acquire()
        holder.kill()
    lock = DaemonLock(database)
    lock.acquire()
    lock.release()


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DaemonError, match="cannot make the lock file"):
        DaemonLock(tmp_path / "file" / "wirewatch.db").acquire()
