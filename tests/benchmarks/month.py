"""A simulated month of a thousand feeds: ``python -m tests.benchmarks.month [--feeds 1000] [--days 30]``.

The feeds of `tests.world` publish, edit, fail, move, refuse and die; the program polls them through HTTP on
loopback into a database, stops for five hours in the middle, and starts again. Time is simulated, the rest is
real. Prints the table of polls, what became of every item, how the hosts were treated. A thousand feeds for
a month are some hundred thousand polls: an hour or two.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import time
from collections import Counter, defaultdict
from datetime import timedelta
from pathlib import Path

from loguru import logger

from models import health, migrate, sources
from models.database import Database, open_database
from models.records import Health
from tests.polling import START, Clock
from tests.server import Server
from tests.simulation import Outcome, Simulation, outcome
from tests.world import DAY, World, make_world

_PAUSE = 5 / 24  # days without the program


def main() -> None:
    """Simulate and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--feeds", type=int, default=1000)
    parser.add_argument("--days", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tick", type=float, default=30.0, help="seconds between two claims")
    parser.add_argument("--folder", type=Path, help="where the database is made, such as /dev/shm")
    options = parser.parse_args()
    logger.remove()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        database = open_database(Path(folder) / "month.db")
        migrate.migrate(database)
        world = make_world(options.feeds, options.days, Clock(), seed=options.seed)
        simulation = Simulation(database, Path(folder), world, tick=options.tick)
        with Server(address="0.0.0.0") as server:
            world.serve(server)
            simulation.add(server)
            middle = options.days / 2
            with simulation.running() as application:
                _days(simulation, application, 0, middle, began)
            simulation.clock.now = START + timedelta(days=middle + _PAUSE)
            overdue = _overdue(database, simulation)
            with simulation.running() as application:
                _histogram(database, simulation, overdue)
                _days(simulation, application, middle + _PAUSE, options.days, began)
        _report(database, world, outcome(simulation), options.days)
        database.close()
    print(f"\n{time.monotonic() - began:,.0f} s")


def _days(simulation: Simulation, application: object, begin: float, end: float, began: float) -> None:
    day = begin
    while day < end:
        day = min(end, int(day) + 1.0)
        simulation.until(application, day * DAY)  # type: ignore[arg-type]
        print(
            f"day {day:5.2f}: {len(simulation.world.asked):>9,} requests, {time.monotonic() - began:6,.0f} s",
            flush=True,
        )


def _overdue(database: Database, simulation: Simulation) -> int:
    return len(sources.overdue(simulation.clock.now))


def _histogram(database: Database, simulation: Simulation, overdue: int) -> None:
    """When those that were overdue at the restart come to their turn."""
    print(f"\nrestart after five hours: {overdue:,} feeds were overdue; due by minute:")
    base = int(simulation.clock.now.timestamp() * 1_000_000)
    with database.session():
        rows = database.rows(
            "SELECT CASE WHEN next_poll_at < ? THEN 0 ELSE (next_poll_at - ?) / 60000000 END, count(*) "
            "FROM source WHERE state = 'active' AND next_poll_at < ? GROUP BY 1 ORDER BY 1",
            (base, base, base + 11 * 60_000_000),
        )
    for minute, number in rows:
        print(f"  {minute:>3} {number:>5} {'#' * (number // 2)}")


def _report(database: Database, world: World, found: Outcome, days: float) -> None:
    _table_of_polls(database, world, days)
    _outcomes(database)
    print("\nitems")
    longest = max((one.shown for one in found.missed), default=0.0) / 3600
    for name, value in (
        ("published", found.published),
        ("stored", found.stored),
        ("stored twice", found.twice),
        ("still shown, not stored yet", found.waiting),
        ("never shown by a server that answered", found.never_shown),
        ("missed", len(found.missed)),
    ):
        print(f"  {name:40}{value:>10,}")
    print(f"  {'longest that a missed one was shown':40}{longest:>9.2f} h")
    _missed(world, found)
    print(f"  {'edits shown for a day, and missed':40}{found.edits:>10,} {found.edits_missed:,}")
    _hosts(world, found)
    now = START + timedelta(seconds=world.now)
    counts = health.counts(now)
    print("\nsources at the end: " + ", ".join(f"{number:,} {one}" for one, number in counts.items()))
    moved = sum(1 for one in world.feeds if one.moves)
    gone = sum(1 for one in world.feeds if one.gone is not None)
    with database.session():
        adopted = database.value("SELECT count(*) FROM source WHERE moved_from IS NOT NULL")
    print(f"moves: {moved} moved, {adopted} followed; gone: {gone}, paused {counts.get(Health.GONE, 0)}")


def _missed(world: World, found: Outcome) -> None:
    """What was missed, by what its server is and what befell it."""
    groups: dict[str, list[float]] = defaultdict(list)
    for one in found.missed:
        feed = world.feeds[one.feed]
        kind = "a server says 304 for ever" if feed.validators == "lies" else "a server is honest"
        if feed.troubles or feed.moves or feed.gone:
            kind += ", with outages or moves"
        groups[kind].append(one.shown / 3600)
    for kind, shown in sorted(groups.items()):
        middle = sorted(shown)[len(shown) // 2]
        print(f"    {kind:48}{len(shown):>6,}, shown for {middle:.2f} h (median), {max(shown):.2f} h at most")


def _table_of_polls(database: Database, world: World, days: float) -> None:
    """Polls by how much feeds publish."""
    classes = [(0.2, "under 0.2"), (0.6, "0.2-0.6"), (1.5, "0.6-1.5"), (3, "1.5-3"), (6, "3-6"), (12, "6-12"),
               (24, "12-24"), (1e9, "over 24")]  # fmt: skip
    with database.session():
        rows = database.rows(
            "SELECT s.location, p.outcome, count(*), sum(p.new), sum(p.bytes) FROM poll p "
            "JOIN source s ON s.id = p.source_id GROUP BY s.location, p.outcome"
        )
    by_number = {one.number: sum(1 for at in one.published if at > 0) / days for one in world.feeds}
    feeds = Counter(next(name for most, name in classes if rate <= most) for rate in by_number.values())
    counted: dict[str, Counter[str]] = defaultdict(Counter)
    for location, result, polls, new, size in rows:
        rate = by_number[int(location.rsplit("/", 1)[1])]
        row = counted[next(name for most, name in classes if rate <= most)]
        row["polls"] += polls
        row["new"] += new
        row["bytes"] += size
        row[result if result in {"ok", "not_modified"} else "failed"] += polls
    heading = ("items a day", "feeds", "polls", "a feed, day", "304", "read", "failed", "new", "MB")
    print("\n" + "".join(f"{name:>13}" for name in heading))
    for _, name in classes:
        row = counted[name]
        if row["polls"]:
            cells = (
                name, feeds[name], row["polls"], f"{row['polls'] / feeds[name] / days:.1f}",
                row["not_modified"], row["ok"], row["failed"], row["new"], f"{row['bytes'] / 1e6:.0f}",
            )  # fmt: skip
            print("".join(f"{cell:>13,}" if isinstance(cell, int) else f"{cell:>13}" for cell in cells))


def _outcomes(database: Database) -> None:
    with database.session():
        rows = database.rows(
            "SELECT outcome, count(*), sum(new), sum(changed) FROM poll GROUP BY outcome ORDER BY 2 DESC"
        )
    print("\n" + "".join(f"{name:>16}" for name in ("outcome", "polls", "new", "edits")))
    for result, polls, new, changed in rows:
        print(f"{result:>16}{polls:>16,}{new:>16,}{changed:>16,}")


def _hosts(world: World, found: Outcome) -> None:
    by_host: dict[str, list[float]] = defaultdict(list)
    for one in world.asked:
        by_host[one.host].append(one.at)
    busiest = sorted(by_host, key=lambda host: -len(by_host[host]))[:5]
    print(f"\nhosts: {len(by_host):,}; requests: {len(world.asked):,}")
    print(f"  smallest time between two requests to one host: {found.smallest_gap:.2f} s")
    print(f"  most at a time at one host: {found.most_at_a_time}")
    print(f"  requests in spite of Retry-After: {found.too_soon}")
    for host in busiest:
        times = by_host[host]
        minutes = Counter(int(at // 60) for at in times)
        gap = min((later - earlier for earlier, later in itertools.pairwise(times)), default=0.0)
        feeds = len({one.number for one in world.asked if one.host == host})
        print(
            f"  {host:14} {feeds:>4} feeds {len(times):>8,} requests, "
            f"most in a minute {max(minutes.values()):>3}, smallest gap {gap:.2f} s"
        )


if __name__ == "__main__":
    main()
