"""What every process that reads other people's files gives up before it does."""

from __future__ import annotations

import os
import resource
import signal
from pathlib import Path

# Where memory runs out (the unit's MemoryMax, or the machine's), a worker goes first: it can be replaced.
_KILL_FIRST = 500


def confine(memory_limit: int) -> None:
    """Bind this process to so many bytes of memory, and leave its end to the process that started it."""
    # A terminal's Ctrl-C reaches the whole group; the daemon decides when its workers end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_AS, (memory_limit, memory_limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _offer_to_the_killer()


def _offer_to_the_killer() -> None:
    """Raise this process's score (proc_pid_oom_score_adj(5)): needs no privilege, and is no condition."""
    place = Path(f"/proc/{os.getpid()}/oom_score_adj")
    try:
        if int(place.read_text(encoding="ascii")) < _KILL_FIRST:
            place.write_text(str(_KILL_FIRST), encoding="ascii")
    except (OSError, ValueError):
        return
