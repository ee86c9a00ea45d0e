"""What a process counts, from many threads, and what its workers tell of their time."""

from __future__ import annotations

import os
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from models.records import PollRecord, SourceKind
from service.errors import ParseFailure
from service.tagging import load_topics
from service.tally import Histogram, Tally
from service.workers import Workers

NOW = datetime(2026, 3, 14, 12, tzinfo=UTC)


def poll(outcome: str = "ok", **more: int) -> PollRecord:
    counts = {"bytes": 0, "new": 0, "changed": 0, "duplicates": 0, **more}
    return PollRecord(1, NOW, counts.pop("duration_ms", 40), outcome, **counts)  # type: ignore[arg-type]


def test_values_are_counted_by_size_with_their_bounds_inside() -> None:
    histogram = Histogram((1.0, 2.0))
    for value in (0.5, 1.0, 1.5, 2.0, 9.0, -3.0):
        histogram.observe(value)
    spread = histogram.spread()
    assert spread.bounds == (1.0, 2.0)
    assert spread.cumulative == (3, 5)  # what is negative counts as 0
    assert spread.count == 6
    assert spread.total == pytest.approx(14.0)


def test_looks_are_counted_by_kind_and_outcome() -> None:
    tally = Tally()
    tally.polled(SourceKind.FEED, poll(new=3, duplicates=1, bytes=900))
    tally.polled(SourceKind.FEED, poll("timeout", duration_ms=60_000))
    tally.polled(SourceKind.FOLDER, poll(changed=2))
    tally.failed(SourceKind.FEED, "storage")
    tally.claimed([0.2, 7.0])
    counted = tally.counted()
    assert counted.polls == {
        (SourceKind.FEED, "ok"): 1,
        (SourceKind.FEED, "timeout"): 1,
        (SourceKind.FOLDER, "ok"): 1,
        (SourceKind.FEED, "storage"): 1,
    }
    assert counted.articles[SourceKind.FEED, "new"] == 3
    assert counted.articles[SourceKind.FEED, "duplicate"] == 1
    assert counted.articles[SourceKind.FOLDER, "changed"] == 2
    assert counted.received[SourceKind.FEED] == 900
    assert counted.looks[SourceKind.FEED].count == 2
    assert counted.looks[SourceKind.FEED].total == pytest.approx(60.04)
    assert counted.late is not None
    assert counted.late.count == 2
    assert counted.late.total == pytest.approx(7.2)


def test_no_count_is_lost_between_threads() -> None:
    tally = Tally()

    def work() -> None:
        for _ in range(2_000):
            tally.polled(SourceKind.FEED, poll(new=1))
            tally.read(0.01, (0.001, 0.001))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counted = tally.counted()
    assert counted.polls[SourceKind.FEED, "ok"] == 8_000
    assert counted.articles[SourceKind.FEED, "new"] == 8_000
    assert counted.read is not None
    assert counted.tagged is not None
    assert (counted.read.count, counted.tagged.count) == (8_000, 16_000)


def test_workers_tell_how_long_they_took_and_go_first_where_memory_runs_out() -> None:
    tally = Tally()
    own = Path("/proc/self/oom_score_adj").read_text()
    with Workers(load_topics(), processes=1, tally=tally) as workers:
        body = b"Council Extends Arms Embargo\n\nThe panel of experts reported more deliveries of weapons.\n"
        future = workers.read_document(body, "report.txt", fetched_at=NOW)
        assert workers.depth() == 1
        reading = future.result()
        assert len(reading.finished) == 1
        assert reading.timing is not None
        assert 0 < sum(reading.timing.tagging) < reading.timing.whole
        with pytest.raises(ParseFailure):
            workers.read_document(b"", "nothing.txt", fetched_at=NOW).result()
        [worker] = _children()
        assert int(Path(f"/proc/{worker}/oom_score_adj").read_text()) >= 500
    assert Path("/proc/self/oom_score_adj").read_text() == own
    assert workers.depth() == 0
    counted = tally.counted()
    assert counted.read is not None
    assert counted.tagged is not None
    assert (counted.read.count, counted.tagged.count) == (1, 1)  # what could not be read took no tagging


def _children() -> list[int]:
    """Our worker processes; Python's own resource tracker is none."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            command = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if parent == os.getpid() and b"spawn_main" in command:
            found.append(int(entry.name))
    return found
