"""A week of two thousand feeds in an hour: ``python -m tests.benchmarks.soak [--feeds 2000] [--minutes 60]``.

A real daemon polls the feeds of `tests.world` over HTTP on loopback. Time is compressed, not simulated: what
takes a week in the world takes ``--minutes``, and each feed has an interval as much shorter than that of its
rhythm, so that it is looked at as often as in a week. They publish, edit, fail, refuse, move and die; a
folder gets files, changes and losses; the page and the metrics are asked. Samples memory (of the daemon and
its workers), descriptors, threads, the sizes of database and write-ahead log, how late looks are and for how
long the event loop stood still; writes them as JSON and as charts, and prints the quarters side by side.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sqlite3
import statistics
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from models import migrate, sources
from models.database import Database, open_database
from models.records import SourceSpec
from tests.benchmarks.plot import Line, write_charts
from tests.daemon_process import DaemonProcess
from tests.polling import Clock
from tests.server import Server
from tests.simulation import Outcome, outcome
from tests.world import DAY, Feed, World, make_world

Sample = dict[str, float]
_MEASURES = (
    ("daemon_mb", "memory of the daemon", "MB"),
    ("workers_mb", "memory of its workers", "MB"),
    ("processes", "processes", ""),
    ("descriptors", "descriptors of the daemon", ""),
    ("threads", "threads of the daemon", ""),
    ("database_mb", "database", "MB"),
    ("wal_mb", "write-ahead log", "MB"),
    ("articles", "articles stored", ""),
    ("polls", "looks that have ended", ""),
    ("polls_per_second", "looks a second", ""),
    ("cpu_percent", "processor, of one core (daemon and workers)", "%"),
    ("lag_s", "the longest due one has been so for", "s"),
    ("late_s", "a look after its due time, mean", "s"),
    ("stall_s", "event loop stood still, longest in a minute", "s"),
    ("page_s", "the page", "s"),
    ("load", "load of the machine", ""),
)
_FLOOR, _CEILING = 900.0, DAY  # seconds; the daemon's defaults, to be compressed
_FILES = 400  # in the folder at most: then the oldest go


class WallClock(Clock):
    """The time as it is."""

    def __call__(self) -> datetime:
        return datetime.now(UTC)


@dataclass
class Polled:
    """What `tests.simulation.outcome` compares."""

    world: World
    database: Database
    most_at_a_time: int = 0


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--feeds", type=int, default=2000)
    parser.add_argument("--days", type=float, default=7.0)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--every", type=float, default=10.0, help="seconds between two samples")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--out", type=Path, default=Path("soak"), help="soak.json and soak.svg")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        soak = Soak(Path(home), options)
        soak.run()
        report(soak.samples, options.out, options)
        soak.check()


def compressed(world: World, factor: float, start: datetime) -> World:
    """The same feeds, living so many times faster, from a moment on."""
    return World([_faster(one, factor, start) for one in world.feeds], WallClock(), start=start)


def _faster(feed: Feed, factor: float, start: datetime) -> Feed:
    return replace(
        feed,
        published=[at / factor for at in feed.published],
        edits={index: at / factor for index, at in feed.edits.items()},
        troubles=tuple(replace(one, begin=one.begin / factor, end=one.end / factor) for one in feed.troubles),
        moves=(feed.moves[0] / factor, feed.moves[1], feed.moves[2] / factor) if feed.moves else None,
        gone=feed.gone / factor if feed.gone is not None else None,
        start=start,
    )


class Soak:
    """The daemon, its world, and who looks at it."""

    def __init__(self, home: Path, options: argparse.Namespace) -> None:
        self.home, self.options = home, options
        self.seconds = options.minutes * 60
        self.factor = options.days * DAY / self.seconds
        self.folder = home / "inbox"
        self.folder.mkdir()
        self.database = home / "data" / "wirewatch" / "wirewatch.db"
        self.database.parent.mkdir(parents=True)
        self.samples: list[Sample] = []
        self.files = 0

    def run(self) -> None:
        """From the start of the daemon to its stop."""
        usual = make_world(self.options.feeds, self.options.days, Clock(), seed=self.options.seed)
        self.world = compressed(usual, self.factor, datetime.now(UTC))
        with Server(address="0.0.0.0") as server:
            self.world.serve(server)
            self._add(server)
            self._settings()
            with DaemonProcess(self.home) as daemon:
                self.page = daemon.wait_line("serving the page on").split()[-1]
                daemon.wait_ready()
                self._watch(daemon, server)
                began = time.monotonic()
                code = daemon.stop()
                said = [line for line in daemon.lines if re.search(r"WARNING|ERROR|Traceback", line)]
        print(f"\nstopped in {time.monotonic() - began:.1f} s with exit code {code}")
        print(f"warnings and errors in the log: {len(said):,}")
        kind = r".*?(WARNING|ERROR) +(\S+/feeds/\d+: )?([^:(]*).*"
        for one, number in Counter(re.sub(kind, r"\1 \3", line).strip() for line in said).most_common(12):
            print(f"  {number:>7,} {one[:90]}")

    def _add(self, server: Server) -> None:
        database = open_database(self.database)
        migrate.migrate(database)
        specs = [
            SourceSpec(server.url(one.path, host=one.host), schedule=self._schedule(one))
            for one in self.world.feeds
        ]
        hosts = [one.host for one in self.world.feeds]
        sources.add_all(list(zip(specs, hosts, strict=True)), now=datetime.now(UTC))
        database.close()

    def _schedule(self, feed: Feed) -> str:
        """Half of the time between two articles, as the adaptive cadence has it in the end.

        Its own rules count in hours and days, which nothing compresses.
        """
        gap = self.seconds / max(1, sum(1 for at in feed.published if at > 0))
        floor, ceiling = _FLOOR / self.factor, _CEILING / self.factor
        return f"every {max(1, round(min(max(gap / 2, floor), ceiling)))}s"

    def _settings(self) -> None:
        floor, ceiling = max(1.0, _FLOOR / self.factor), max(60.0, _CEILING / self.factor)
        (self.home / "wirewatch.toml").write_text(
            '[web]\nport = 0\n[http]\nallow_private_networks = ["127.0.0.0/8"]\n'
            f'gap = "{max(1, round(1000 / self.factor))}ms"\n'
            '[schedule]\ntick = "250ms"\n'
            f'floor = "{floor:.0f}s"\nceiling = "{ceiling:.0f}s"\n'
            f'[folders]\nstill_for = "1s"\n[[sources]]\npath = "{self.folder}"\nschedule = "every 5s"\n',
            encoding="utf-8",
        )

    def _watch(self, daemon: DaemonProcess, server: Server) -> None:
        began = time.monotonic()
        lines = self.options.out.with_suffix(".jsonl").open("w", encoding="utf-8")
        with lines:
            while (at := time.monotonic() - began) < self.seconds:
                self._stir()
                server.requests.clear()
                sample = self._sample(daemon.process.pid, at)
                self.samples.append(sample)
                print(json.dumps(sample), file=lines, flush=True)
                if daemon.process.poll() is not None:
                    raise RuntimeError("the daemon ended: " + "".join(daemon.lines[-20:]))
                time.sleep(max(0.0, began + len(self.samples) * self.options.every - time.monotonic()))

    def _stir(self) -> None:
        """New files, one that changes, and from some number on the oldest go."""
        for _ in range(2):
            self.files += 1
            self._write(self.files, "reported")
        if self.files > 10:
            self._write(self.files - 9, "corrected")
        for number in range(self.files - _FILES - 1, self.files - _FILES + 1):
            (self.folder / f"{number}.txt").unlink(missing_ok=True)

    def _write(self, number: int, verb: str) -> None:
        (self.folder / f"{number}.txt").write_text(
            f"Arms embargo report {number}\n\nThe panel {verb} delivery {number} of rifles to the port.\n",
            encoding="utf-8",
        )

    def _sample(self, pid: int, at: float) -> Sample:
        workers = descendants(pid)
        sample: Sample = {
            "minute": round(at / 60, 3),
            "daemon_mb": memory(pid) / 1e6,
            "workers_mb": sum(map(memory, workers)) / 1e6,
            "processes": 1 + len(workers),
            "descriptors": len(list(Path(f"/proc/{pid}/fd").iterdir())),
            "threads": len(list(Path(f"/proc/{pid}/task").iterdir())),
            "database_mb": size(self.database) / 1e6,
            "wal_mb": size(self.database.with_name(self.database.name + "-wal")) / 1e6,
            "cpu_s": sum(map(processor, [pid, *workers])),
            "load": os.getloadavg()[0],
        }
        began = time.monotonic()
        self._ask("")
        sample["page_s"] = time.monotonic() - began
        sample |= self._metrics()
        before = self.samples[-1] if self.samples else None
        passed = (sample["minute"] - before["minute"]) * 60 if before else 0.0
        for name, source, scale in (("polls_per_second", "polls", 1.0), ("cpu_percent", "cpu_s", 100.0)):
            sample[name] = (
                max(0.0, scale * (sample[source] - before[source]) / passed) if before and passed else 0.0
            )
        sample["late_s"] = mean_since(before, sample)
        return {name: round(value, 4) for name, value in sample.items()}

    def _metrics(self) -> Sample:
        found = {"polls": 0.0, "articles": 0.0}
        names = {
            "wirewatch_schedule_lag_seconds": "lag_s",
            "wirewatch_event_loop_stall_seconds": "stall_s",
            "wirewatch_poll_lateness_seconds_sum": "late_sum",
            "wirewatch_poll_lateness_seconds_count": "late_count",
        }
        for line in self._ask("metrics").splitlines():
            name, _, value = line.partition(" ")
            plain = name.partition("{")[0]
            if plain == "wirewatch_polls_total":
                found["polls"] += float(value.rpartition(" ")[2])
            elif plain == "wirewatch_stored_articles":
                found["articles"] += float(value.rpartition(" ")[2])
            elif plain in names:
                found[names[plain]] = float(value)
        return found

    def _ask(self, path: str) -> str:
        with urllib.request.urlopen(self.page + path, timeout=60) as answer:
            return str(answer.read().decode())

    def check(self) -> None:
        """What came of it: every item once, the database whole."""
        database = open_database(self.database)
        result = outcome(Polled(self.world, database))
        database.close()
        _print_outcome(result, self.factor, len(self.world.asked))
        with sqlite3.connect(self.database) as connection:
            print("integrity_check:", connection.execute("PRAGMA integrity_check").fetchone()[0])
            rows = connection.execute(
                "SELECT outcome, count(*), sum(new), sum(changed) FROM poll GROUP BY 1 ORDER BY 2 DESC"
            ).fetchall()
        for row in rows:
            print(f"  {row[0]:16}{row[1]:>10,} looks {row[2] or 0:>10,} new {row[3] or 0:>8,} changed")


def _print_outcome(found: Outcome, factor: float, requests: int) -> None:
    longest = max((one.shown for one in found.missed), default=0.0) * factor / 3600
    for name, value in (
        ("requests", requests),
        ("items published", found.published),
        ("stored", found.stored),
        ("stored twice", found.twice),
        ("still shown, not stored yet", found.waiting),
        ("never shown by a server that answered", found.never_shown),
        ("missed", len(found.missed)),
        ("requests in spite of Retry-After", found.too_soon),
    ):
        print(f"  {name:42}{value:>10,}")
    print(f"  {'longest that a missed one was shown':42}{longest:>8.2f} h of the week")


def report(samples: Sequence[Sample], out: Path, options: argparse.Namespace) -> None:
    """Write ``.json`` and ``.svg``, print the table of quarters."""
    about = {"feeds": options.feeds, "days": options.days, "minutes": options.minutes, "seed": options.seed}
    out.with_suffix(".json").write_text(json.dumps({"about": about, "samples": samples}), encoding="utf-8")
    title = f"{options.feeds:,} feeds, {options.days:g} days in {options.minutes:g} minutes"
    lines = [
        Line(label, unit, [(one["minute"], one[name]) for one in samples if name in one])
        for name, label, unit in _MEASURES
    ]
    write_charts(out.with_suffix(".svg"), title, lines)
    quarters = _quarters(samples)
    print(f"{title}: medians of each quarter (largest value)")
    for name, label, unit in _MEASURES:
        cells = [_cell([one[name] for one in quarter if name in one]) for quarter in quarters]
        print(f"{(label + (', ' + unit if unit else ''))[:48]:48}" + "".join(f"{cell:>20}" for cell in cells))


def _quarters(samples: Sequence[Sample]) -> list[Sequence[Sample]]:
    step = max(1, len(samples) // 4)
    return [samples[at * step : (at + 1) * step if at < 3 else None] for at in range(4)]


def _cell(values: Sequence[float]) -> str:
    if not values:
        return "-"
    middle, largest = statistics.median(values), max(values)
    show: Callable[[float], str] = lambda value: f"{value:,.0f}" if value >= 100 else f"{value:.2f}"  # noqa: E731
    return f"{show(middle)} ({show(largest)})"


# -- looking at processes --------------------------------------------------------------------------------


def descendants(pid: int) -> list[int]:
    """All processes below one."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            children = [int(word) for word in (task / "children").read_text().split()]
        except OSError:
            continue
        for child in children:
            found += [child, *descendants(child)]
    return found


def memory(pid: int) -> float:
    """Resident bytes; 0 where it has ended."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0.0


def processor(pid: int) -> float:
    """Seconds of processor; 0 where it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def size(path: Path) -> int:
    """Bytes of a file; 0 where there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def mean_since(before: Mapping[str, float] | None, now: Mapping[str, float]) -> float:
    """The mean lateness of the looks between two samples."""
    past = before or {}
    count = now.get("late_count", 0.0) - past.get("late_count", 0.0)
    return max(0.0, (now.get("late_sum", 0.0) - past.get("late_sum", 0.0)) / count) if count else 0.0


if __name__ == "__main__":
    main()
