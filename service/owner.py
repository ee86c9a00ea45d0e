"""Who holds a lease: a process of a machine, told from one that had its number before."""

from __future__ import annotations

import os
import socket


def owner_name() -> str:
    """The name of this process."""
    return f"{socket.gethostname()}:{os.getpid()}:{_started(os.getpid())}"


def owner_is_dead(owner: str) -> bool:
    """Whether an owner is a process of this machine that has ended; False when it cannot be told."""
    host, _, rest = owner.rpartition(":")[0].rpartition(":")
    started = owner.rpartition(":")[2]
    if host != socket.gethostname() or not rest.isdigit():
        return False
    return _started(int(rest)) != started


def owner_is_here(owner: str) -> bool:
    """Whether an owner is, or was, a process of this machine."""
    return owner.rpartition(":")[0].rpartition(":")[0] == socket.gethostname()


def _started(process: int) -> str:
    """A process's start in clock ticks since boot (field 22 of proc_pid_stat(5)), "" when there is none."""
    try:
        with open(f"/proc/{process}/stat", "rb") as file:  # noqa: PTH123 - read at once, no path arithmetic
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return ""
    # A zombie no longer works; its parent has merely not asked how it ended.
    return "" if fields[0] in (b"Z", b"X") else fields[19].decode("ascii")
