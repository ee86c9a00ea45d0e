"""Claims by the number of sources, and how a restart spreads them: ``python -m tests.benchmarks.claims``.

Every source is on a host of its own but for a tenth, which share fifty; ten are claimed and given back.
Counted are milliseconds and, on SQLite, steps of its machine. Then everything is overdue, as after a stop of
hours, and spread as the daemon does when it starts.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import psycopg

from models import migrate, sources
from models.database import Database, open_database
from models.records import SourceSpec, SourceUpdate
from service.cadence import spread
from tests import postgres
from tests.storage import NOW

LEASE = timedelta(minutes=10)
SIZES = (100, 1_000, 10_000, 100_000)
ROUNDS = 50


def fill(count: int, *, due: int | None) -> None:
    """So many sources, some of them due (None: all)."""
    specs = [
        (SourceSpec(f"https://h{n}.example/feed"), f"h{n % 50 if n % 10 == 0 else n}.example")
        for n in range(count)
    ]
    added = sources.add_all(specs, now=NOW)
    if due is not None:
        later = [SourceUpdate(one.source.id, NOW + timedelta(hours=1)) for one in added[due:]]
        for start in range(0, len(later), 5_000):
            sources.record_unchanged(later[start : start + 5_000], [])


def vacuum(address: str) -> None:
    """What PostgreSQL does by itself within a minute: else claims step over the rows that `fill` replaced."""
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE source")


def measure(database: Database) -> tuple[float, int]:
    """Milliseconds a claim of ten, the median of many; and steps of SQLite's machine."""
    times = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        found = sources.claim(NOW, owner="me", lease=LEASE, limit=10, per_host=2)
        times.append((time.perf_counter() - begun) * 1000)
        assert len(found) == 10
        sources.release("me")
    return statistics.median(times), _steps(database)


def _steps(database: Database) -> int:
    if not database.sqlite:
        return 0
    count = 0

    def step() -> int:
        nonlocal count
        count += 1
        return 0

    with database.session():
        database.backend.connection().set_progress_handler(step, 10)
        sources.claim(NOW, owner="me", lease=LEASE, limit=10, per_host=2)
        database.backend.connection().set_progress_handler(None, 0)
    sources.release("me")
    return 10 * count


def restart(count: int) -> None:
    """Everything overdue is spread; prints how many are due in each half minute."""
    waiting = sources.overdue(NOW)
    window = min(900.0, 600.0, len(waiting) / 32 * 5)
    begun = time.perf_counter()
    sources.reschedule(spread(waiting, NOW, window), now=NOW)
    took = (time.perf_counter() - begun) * 1000
    bins_of = {
        one.id: int(((one.next_poll_at or NOW) - NOW).total_seconds() // 30) for one in sources.list_sources()
    }
    bins = Counter(bins_of.values())
    hosts = Counter((host, bins_of[number]) for number, host in waiting)
    print(
        f"\nrestart with {count:,} overdue: spread over {window:.0f} s in {took:.0f} ms; due by half minute:"
    )
    for number in range(max(bins) + 1):
        print(f"  {number * 30:>4} s {bins[number]:>6,} {'#' * (60 * bins[number] // max(bins.values()))}")
    print(f"  most of one host in one half minute: {max(hosts.values())}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--largest", type=int, default=10_000)
    options = parser.parse_args()
    print(f"{'engine':12}{'sources':>9}{'due':>9}{'ms a claim':>12}{'steps':>9}")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(postgres.server())
        for engine in ("sqlite", "postgresql"):
            for count in (size for size in SIZES if size <= options.largest):
                for due in (100, None):
                    address = str(folder / f"{count}-{due}.db") if engine == "sqlite" else server.create()
                    database = open_database(address)
                    migrate.migrate(database)
                    fill(count, due=due)
                    if engine == "postgresql":
                        vacuum(address)
                    took, steps = measure(database)
                    shown = f"{due or count:,}"
                    print(f"{engine:12}{count:>9,}{shown:>9}{took:>12.2f}{steps or '-':>9}", flush=True)
                    if engine == "sqlite" and due is None and count == options.largest:
                        restart(count)
                    database.close()


if __name__ == "__main__":
    main()
