"""Settings, topics, the machine's limits and its clock."""

from __future__ import annotations

import resource
import stat
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlsplit

from models import upkeep
from service.cli.checks.bench import Bench, Finding, Level
from service.cli.output import span
from service.descriptors import BESIDES
from service.errors import TopicsError
from service.settings import Settings

_SKEW = timedelta(seconds=30)  # between two machines that share a database
_BACKWARDS = timedelta(minutes=2)  # a look "in the future" that no rounding explains


def settings(bench: Bench) -> Iterator[Finding]:
    """Which file is in force, and what in it is amiss though it is allowed."""
    settings = bench.settings
    place = str(settings.path) if settings.path else "no file: the defaults and the environment"
    yield Finding(Level.OK, place)
    if settings.path is not None and _has_secrets(settings) and settings.path.stat().st_mode & stat.S_IROTH:
        yield Finding(
            Level.TODO,
            f"{settings.path} holds secrets, and every user of this machine may read it",
            f"chmod 640 {settings.path}, or keep the secrets in files of their own (NAME_file)",
        )
    if settings.http.contact is None:
        yield Finding(
            Level.NOTE,
            "http.contact is not set: publishers cannot tell who asks, and block sooner",
            "set it to a mail or web address of yours",
        )


def _has_secrets(settings: Settings) -> bool:
    """Whether the file itself holds passwords, not only the names of files that do."""
    written = {"database": settings.database, "http.proxy": settings.http.proxy}
    in_file = f"{settings.path}, line"
    return any(
        value and urlsplit(value).password and settings.origins[key].startswith(in_file)
        for key, value in written.items()
    ) or any(source.headers or urlsplit(source.proxy or "").password for source in settings.sources)


def topics(bench: Bench) -> Iterator[Finding]:
    """Whether the topics can be read, with what was learned here."""
    from service.application import topics_of  # noqa: PLC0415 - it brings everything

    try:
        taxonomy = topics_of(bench.settings)
    except TopicsError as error:
        yield Finding(
            Level.TODO, str(error), "mend the file; a daemon that runs goes on with the topics that it has"
        )
        return
    yield Finding(
        Level.OK,
        f"{len(taxonomy.topics)} topics, of {bench.settings.topics.file or 'the program'}: "
        + ", ".join(topic.name for topic in taxonomy.topics[:10]),
    )


def limits(bench: Bench) -> Iterator[Finding]:
    """Whether a process may open as many files as the settings need."""
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = bench.settings.schedule.fetches + BESIDES
    if allowed != resource.RLIM_INFINITY and allowed < needed:
        yield Finding(
            Level.TODO,
            f"a process may open {allowed:,} files here; schedule.fetches needs about {needed:,}",
            f"ulimit -n {needed} before the start, LimitNOFILE={needed} in the unit, or fewer fetches",
        )
        return
    yield Finding(Level.OK, f"{allowed:,} open files a process, about {needed:,} needed")


def clock(bench: Bench) -> Iterator[Finding]:
    """Whether this machine's time fits what was written before, and that of the database's machine."""
    mend = "set this machine's clock (timedatectl set-ntp true): due times, leases and dates depend on it"
    fine = True
    newest = upkeep.newest_look()
    if newest is not None and newest - bench.now > _BACKWARDS:
        fine = False
        yield Finding(
            Level.TODO,
            f"the newest poll lies {span(newest - bench.now)} in the future: the clock went back",
            mend,
        )
    other = upkeep.server_time()
    if other is not None and abs(other - bench.now) > _SKEW:
        fine = False
        yield Finding(
            Level.TODO, f"the database's machine has another time, by {span(abs(other - bench.now))}", mend
        )
    if fine:
        yield Finding(Level.OK, f"{bench.now:%Y-%m-%d %H:%M:%S} UTC")
