"""Scans of large folders: ``python -m tests.benchmarks.folder [FILES]`` (100,000 unless said otherwise).

Small files in folders of 500. Told are the seconds and the memory of a first scan, which reads all of them,
of a scan with nothing changed, which opens none, of one in a hundred changed, and what watching adds; and of
what the database remembers of the files. Ratios hold from machine to machine, times do not.

24 November 2026, seconds of CPU on a machine that was busy with other things, files in memory (tmpfs),
CPython 3.11:

=========================================  =============  ===============
what                                       100,000 files  1,000,000 files
=========================================  =============  ===============
a first scan, every file read                       5.68            57.30
a rescan, nothing changed, nothing read             1.15             9.32
one in a hundred changed                            1.08            10.66
a rescan that arms inotify                          1.26             9.84
folders watched                                      203            2,021
reading what is remembered, as each scan            0.65             7.53
memory of what is remembered, while scanning       50 MB           480 MB
memory of a rescan beside that, at its highest   13.7 MB         136.8 MB
=========================================  =============  ===============
"""

from __future__ import annotations

import argparse
import gc
import os
import resource
import tempfile
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from models import articles, files, migrate, open_database, sources
from models.records import FileRecord, SourceKind, SourceSpec
from service.fetch.folder import FileRead, FileTouched, ScanEnded, scan
from service.fetch.folder_files import Patterns
from service.fetch.watching import Watcher

T = TypeVar("T")
IN_A_FOLDER = 500


def timed(what: str, work: Callable[[], T]) -> T:
    """Run it, and print how long it took, by the clock and of the processor."""
    begun, used = time.perf_counter(), time.process_time()
    done = work()
    took, cpu = time.perf_counter() - begun, time.process_time() - used
    print(f"{what:<40} {took:8.2f} s, {cpu:8.2f} s of CPU", flush=True)
    return done


def fill(root: Path, count: int) -> None:
    """So many small files that have been still for an hour."""
    old = time.time() - 3600
    for number in range(count):
        folder = root / f"{number // IN_A_FOLDER // 100:03}" / f"{number // IN_A_FOLDER:05}"
        if number % IN_A_FOLDER == 0:
            folder.mkdir(parents=True)
        path = f"{folder}/{number}.txt"
        with open(path, "w") as file:  # noqa: PTH123 - a million of them
            file.write(f"Report {number}\n")
        os.utime(path, (old, old))


def first(root: Path) -> dict[str, FileRecord]:
    """Every file read."""
    found = scan(root, {}, now=now(), max_files=10**9)
    return {one.path: one.record for one in found if isinstance(one, FileRead)}


def again(root: Path, known: dict[str, FileRecord], watcher: Watcher | None = None) -> ScanEnded:
    """A further scan."""
    kinds: Counter[str] = Counter()
    observer = watcher.arm(1, str(root), Patterns((), ()).counts) if watcher else None
    for one in scan(root, known, now=now(), max_files=10**9, observer=observer):
        kinds[type(one).__name__] += 1
        if isinstance(one, FileRead | FileTouched):
            known[one.path] = one.record
        if isinstance(one, ScanEnded):
            print(f"{'':<8}{dict(kinds)}, {one.unchanged:,} unchanged", flush=True)
            return one
    raise AssertionError("a scan ends")


def now() -> datetime:
    """The time."""
    return datetime.now(UTC)


def change(root: Path, count: int) -> None:
    """Write to one file in a hundred."""
    old = time.time() - 1800
    for number in range(0, count, 100):
        path = root / f"{number // IN_A_FOLDER // 100:03}" / f"{number // IN_A_FOLDER:05}" / f"{number}.txt"
        path.write_text("changed\n")
        os.utime(path, (old, old))


def remember(folder: Path, known: dict[str, FileRecord]) -> None:
    """Write the records, and read them as each poll does."""
    database = open_database(folder / "wirewatch.db")
    migrate.migrate(database)
    source = sources.add(SourceSpec("/in", SourceKind.FOLDER), host="", now=now())
    records = list(known.values())

    def write() -> None:
        for start in range(0, len(records), 1000):
            articles.save(None, None, (), records[start : start + 1000], source_id=source.id, now=now())

    timed("writing what is remembered", write)
    known.clear()
    gc.collect()
    before = resident()
    found = timed("reading what is remembered", lambda: files.files(source.id))
    assert len(found) == len(records)
    print(f"{'':<8}{resident() - before:,.0f} MB for it; this process at its highest {highest():,.0f} MB")
    database.close()


def resident() -> float:
    """Memory of this process, MB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def highest() -> float:
    """The most memory that this process has had, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def main() -> None:
    """Measure, and print as it goes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=int, nargs="?", default=100_000)
    parser.add_argument("--in", dest="place", type=Path, help="where to put the files, for a while")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.place) as name:
        root = Path(name) / "in"
        root.mkdir()
        timed(f"making {chosen.files:,} files", lambda: fill(root, chosen.files))
        known = timed("a first scan, every file read", lambda: first(root))
        assert len(known) == chosen.files
        print(f"{'':<8}this process has {resident():,.0f} MB, at its highest {highest():,.0f} MB")
        timed("a rescan, nothing changed", lambda: again(root, known))
        change(root, chosen.files)
        timed("a rescan, one in a hundred changed", lambda: again(root, known))
        watcher = Watcher(still_for=timedelta(seconds=2).total_seconds())
        timed("a rescan that arms inotify", lambda: again(root, known, watcher))
        timed("another one", lambda: again(root, known, watcher))
        print(f"{'':<8}{watcher.watched(1):,} folders watched")
        watcher.close()
        tracemalloc.start()
        again(root, known)
        print(f"memory of a rescan, at its highest: {tracemalloc.get_traced_memory()[1] / 1e6:.1f} MB")
        tracemalloc.stop()
        remember(Path(name), known)


if __name__ == "__main__":
    main()
