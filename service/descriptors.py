"""Open files: how many the process may have, and what can be done with fewer than the settings need."""

from __future__ import annotations

import resource
from dataclasses import dataclass, replace

from loguru import logger

from service.settings_schema import Settings

BESIDES = 200  # open files besides the fetches: the database, workers, the page, kept connections, the log
_LEAST = 52  # what the daemon has open while it fetches nothing and a few pages are read
_PER_FETCH = 2  # the connection, and a name that is looked up or a database connection
_ENOUGH = 16_384  # what the units give


@dataclass(frozen=True, slots=True)
class Bearable:
    """What the limit allows."""

    fetches: int  # at a time
    keep: bool  # whether connections may be kept for the next request
    trouble: str | None = None  # why that is less than the settings say, and what to do


def within_limit(settings: Settings) -> tuple[Settings, bool]:
    """The settings with as many fetches as this process can open files for, and whether connections may be
    kept; says what is too small, and what to do."""
    bearable = make_room(settings.schedule.fetches)
    if bearable.trouble is not None:
        logger.warning("{}", bearable.trouble)
    return replace(settings, schedule=replace(settings.schedule, fetches=bearable.fetches)), bearable.keep


def make_room(fetches: int) -> Bearable:
    """Raise this process's limit as far as it may and needs be; what can be done with what it is then."""
    needed = fetches + BESIDES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _ENOUGH if hard == resource.RLIM_INFINITY else min(hard, _ENOUGH)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return Bearable(fetches, keep=True)
    fewer = max(1, min(fetches, (soft - _LEAST) // _PER_FETCH))
    return Bearable(
        fewer,
        keep=False,
        trouble=f"a process may open {soft:,} files here, schedule.fetches = {fetches} needs about {needed}: "
        f"{fewer} fetches at a time, and no connection is kept for the next; "
        f"ulimit -n {needed} before the start, or LimitNOFILE={needed} in the unit",
    )
