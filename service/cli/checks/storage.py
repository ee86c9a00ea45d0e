"""The database: its file, its schema, its disk; who works on it, and what waits."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from models import catalog, upkeep
from models.errors import SchemaMismatch
from service.cli.checks.bench import Bench, Finding, Level
from service.cli.output import ago, count, size
from service.lock import DaemonLock
from service.owner import owner_is_dead

_LITTLE_ROOM = 200_000_000  # bytes
_LONG_LOG = 1_000_000_000
_LATE = timedelta(minutes=15)


def database(bench: Bench) -> Iterator[Finding]:
    """Whether it can be opened and written, and has the schema of this program."""
    path = bench.settings.sqlite_path
    if bench.database is None:
        mend = None
        if path is not None and not path.exists():
            mend = "'wirewatch run' makes it; another one is named by WIREWATCH_DATABASE or the settings"
        elif isinstance(bench.trouble, SchemaMismatch):
            mend = "what else is in the database was not looked at"
        yield Finding(Level.TODO, str(bench.trouble), mend)
        return
    status = catalog.status(bench.now, recent=0)
    yield Finding(
        Level.OK,
        f"{bench.database.url}: {status.engine}, {size(status.database_bytes)}, schema {status.schema}, "
        f"{count(status.articles, 'article')}",
    )
    if path is not None:
        yield from _file(path)


def _file(path: Path) -> Iterator[Finding]:
    for place in (path, path.parent):
        if not os.access(place, os.W_OK):
            owner = place.stat().st_uid
            yield Finding(
                Level.TODO,
                f"{place} may not be written by this user",
                f"run Wirewatch as the user that it belongs to (number {owner}), or give it to this one",
            )
    if path.stat().st_mode & (stat.S_IROTH | stat.S_IWOTH):
        yield Finding(
            Level.TODO,
            f"{path} may be read by every user of this machine; addresses in it can hold passwords",
            f"chmod 600 {path}",
        )
    log = path.with_name(path.name + "-wal")
    if log.exists() and log.stat().st_size > _LONG_LOG:
        yield Finding(
            Level.NOTE,
            f"{log} has grown to {size(log.stat().st_size)}: a program reads the database without end",
            "close notebooks and other programs that hold it open",
        )


def integrity(bench: Bench) -> Iterator[Finding]:
    """Whether the database is whole."""
    broken = upkeep.damage()
    if broken:
        yield Finding(
            Level.TODO,
            f"the database is damaged: {broken[0]}",
            "stop the daemon and restore the last backup ('wirewatch backup --list', 'wirewatch restore'); "
            "the damaged file is kept, and much of it can be read",
            tuple(broken[1:]),
        )
    else:
        yield Finding(Level.OK, "the database is whole")


def disk(bench: Bench) -> Iterator[Finding]:
    """Whether there is room for more."""
    path = bench.settings.sqlite_path
    if path is None:
        yield Finding(Level.OK, "the database is on a server: its own monitoring watches its disk")
        return
    place = next((one for one in path.parents if one.exists()), Path("/"))
    free = shutil.disk_usage(place).free
    used = path.stat().st_size if path.exists() else 0
    reserve = bench.settings.storage.reserve
    if free < reserve:
        yield Finding(
            Level.TODO,
            f"only {size(free)} are free at {place}, less than storage.reserve ({size(reserve)}): nothing is "
            "polled until there is room",
            "make room, or move the database; what is stored can be asked meanwhile",
        )
    elif free < _LITTLE_ROOM:
        yield Finding(
            Level.TODO,
            f"only {size(free)} are free at {place}",
            "make room, or move the database; a full disk stops all storing until there is some",
        )
    elif free < used:
        yield Finding(
            Level.NOTE,
            f"{size(free)} are free at {place}: a copy of the database ({size(used)}) would not fit",
        )
    else:
        yield Finding(Level.OK, f"{size(free)} are free at {place}")


def daemon(bench: Bench) -> Iterator[Finding]:
    """Whether one works on this database."""
    path = bench.settings.sqlite_path
    newest = upkeep.newest_look()
    if path is None:
        said = f"the last poll of any was {ago(newest, bench.now)}"
        yield Finding(Level.OK, f"{said}; several may work on this database")
        return
    holder = DaemonLock.holder(path)
    if holder is not None:
        yield Finding(Level.OK, f"process {holder}; the last poll was {ago(newest, bench.now)}")
        return
    yield Finding(
        Level.NOTE,
        f"none works on this database; the last poll was {ago(newest, bench.now)}",
        "'wirewatch run' (or systemctl start wirewatch) polls, labels and serves the page",
    )


def leases(bench: Bench) -> Iterator[Finding]:
    """Whether processes that have ended still have sources in hand."""
    held = upkeep.leases()
    dead = [one for one in held if owner_is_dead(one.owner)]
    for one in dead:
        when = f"free {ago(one.until, bench.now)}" if one.until > bench.now else "free already"
        yield Finding(
            Level.NOTE,
            f"a process that has ended ({one.owner}) had {count(one.count, 'source')} in hand; {when}",
            "a daemon that starts takes them back; else they are free when their lease ends",
        )
    if not dead:
        number = sum(one.count for one in held if one.until > bench.now)
        yield Finding(
            Level.OK, f"{count(number, 'source')} in hand of {count(len(held), 'process', 'processes')}"
        )


def backlog(bench: Bench) -> Iterator[Finding]:
    """Whether sources are looked at when they should be."""
    status = catalog.status(bench.now, recent=0)
    late = bench.now - status.oldest_due if status.oldest_due else timedelta()
    if late <= max(_LATE, 10 * bench.settings.schedule.tick):
        yield Finding(Level.OK, f"{count(status.backlog, 'source')} due")
        return
    path = bench.settings.sqlite_path
    idle = path is not None and DaemonLock.holder(path) is None
    yield Finding(
        Level.TODO,
        f"{count(status.backlog, 'source')} due, the oldest {ago(status.oldest_due, bench.now)}",
        "start the daemon: 'wirewatch run', or 'systemctl start wirewatch'"
        if idle
        else "more schedule.fetches, slower schedules, or with PostgreSQL another daemon; its log says more",
    )
