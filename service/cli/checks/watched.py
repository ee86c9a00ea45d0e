"""What is watched: sources that are not well, their secrets, and documents that cannot be read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from models import health, upkeep
from models.records import Health, SourceRecord
from models.upkeep import FailingGroup
from service.advice import NETWORK, PATIENT, STATE_MENDS, for_file, for_source
from service.cli.checks.bench import Bench, Finding, Level
from service.cli.output import ago, count
from service.masking import mask

_PATIENCE = timedelta(days=1)  # for what passes by itself more often than not
_NAMED = 5
_MANY = 5  # failing feeds of which one may suspect the network
_ASIDE = (Health.PAUSED, Health.GONE, Health.IMPORTED, Health.REMOVED, Health.NEW)  # not looked at now
_TOLD = (Health.GONE, Health.EMPTY, Health.SILENT, Health.UNDATED, Health.MOVED)


def failing(bench: Bench) -> Iterator[Finding]:
    """Sources whose last look failed, by reason, each with its mend."""
    groups = upkeep.failing(bench.now, patience=_PATIENCE, examples=_NAMED)
    if not groups:
        yield Finding(Level.OK, "no source fails")
        return
    unreached = sum(group.count for group in groups if group.reason in NETWORK)
    counts = health.counts(bench.now)
    looked_at = sum(number for one, number in counts.items() if one not in _ASIDE)
    if unreached >= _MANY and 2 * unreached > looked_at:
        yield Finding(
            Level.TODO,
            f"{unreached:,} of {looked_at:,} sources cannot be reached: this machine's own network",
            "look at its connection, name servers, proxy and firewall before the sources",
        )
    for group in groups:
        yield _failing(bench, group)


def _failing(bench: Bench, group: FailingGroup) -> Finding:
    passing = group.reason in PATIENT and not group.long
    since = f", the first {ago(group.since, bench.now)}" if group.since else ""
    detail = group.examples[0].last_detail if group.examples else None
    said = f" ({mask(detail)})" if detail else ""
    return Finding(
        Level.NOTE if passing else Level.TODO,
        f"{_fail(group.count)}: {group.reason}{said}{since}",
        for_source(Health.FAILING, group.reason),
        tuple(map(_name, group.examples)),
    )


def _fail(number: int) -> str:
    return "1 source fails" if number == 1 else f"{number:,} sources fail"


def sources(bench: Bench) -> Iterator[Finding]:
    """How many stand how; those that answer, but not as they should."""
    counts = health.counts(bench.now)
    listed = ", ".join(f"{number:,} {one}" for one, number in counts.items() if one is not Health.REMOVED)
    if not listed:
        yield Finding(
            Level.TODO,
            "nothing is watched yet",
            "'wirewatch sources add URL|PATH', or 'sources import --starter'",
        )
        return
    yield Finding(Level.OK, listed)
    for state in _TOLD:
        number = counts.get(state, 0)
        if number:
            some = health.read(health.ids(bench.now, states=[state], limit=_NAMED), bench.now)
            yield Finding(
                Level.TODO if state is Health.GONE else Level.NOTE,
                f"{count(number, 'source')} {state}",
                STATE_MENDS[state],
                tuple(_name(one.source) for one in some),
            )


def secrets(bench: Bench) -> Iterator[Finding]:
    """Whether the files with sources' passwords can be read, by Wirewatch and by nobody else."""
    kept = upkeep.with_option("password_file")
    fine = True
    for source in kept:
        path = Path(str(source.options["password_file"]))
        if not os.access(path, os.R_OK):
            fine = False
            why = "may not be read" if path.exists() else "is not there"
            yield Finding(
                Level.TODO,
                f"the password file {path} {why}",
                "put it there, readable by the user",
                (_name(source),),
            )
        elif path.stat().st_mode & 0o004:
            fine = False
            yield Finding(
                Level.TODO,
                f"the password file {path} may be read by every user of this machine",
                f"chmod 600 {path}",
                (_name(source),),
            )
    if fine:
        yield Finding(Level.OK, count(len(kept), "password file"))


def documents(bench: Bench) -> Iterator[Finding]:
    """Documents that could not be read, by reason, each with its mend."""
    groups = upkeep.unreadable_groups(examples=_NAMED)
    for group in groups:
        detail = group.examples[0].detail if group.examples else None
        said = f" ({detail})" if detail else ""
        yield Finding(
            Level.TODO,
            f"{count(group.count, 'document')} cannot be read: {group.reason}{said}",
            for_file(group.reason),
            tuple(one.path.encode("utf-8", "replace").decode() for one in group.examples),
        )
    if not groups:
        yield Finding(Level.OK, "every document was read")


def _name(source: SourceRecord) -> str:
    return f"{source.id} {mask(source.name)}"
