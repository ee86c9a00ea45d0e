"""What this process has done since it started, counted for whoever asks (``/metrics``).

Plain numbers behind one lock, no library: a daemon without a page pays nothing for the format that monitors
read (`service.web.metrics` writes that). Every label comes from a closed list, so that the number of series
does not grow with sources, hosts or articles.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from models.records import PollRecord, SourceKind

# Seconds, upper bounds. A look waits for the network, a tag for nobody.
LOOK_BUCKETS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 60.0, 300.0)
LATE_BUCKETS = (0.5, 1.0, 2.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 21600.0)
READ_BUCKETS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
TAG_BUCKETS = (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)


@dataclass(frozen=True, slots=True)
class Spread:
    """How values were spread: how many were at most each bound, how many there were, and their sum."""

    bounds: tuple[float, ...]
    cumulative: tuple[int, ...]  # by bound
    count: int
    total: float


class Histogram:
    """Counts values by size; not safe for several threads by itself."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = tuple(bounds)
        self._counts = [0] * (len(bounds) + 1)
        self._total = 0.0

    def observe(self, value: float) -> None:
        """Count one value; what a clock that was put back makes negative counts as 0."""
        value = max(0.0, value)
        self._counts[bisect_left(self._bounds, value)] += 1
        self._total += value

    def spread(self) -> Spread:
        """All that was counted so far."""
        *cumulative, count = accumulate(self._counts)
        return Spread(self._bounds, tuple(cumulative), count, self._total)


@dataclass(frozen=True, slots=True)
class Counted:
    """A tally at one moment."""

    polls: Mapping[tuple[SourceKind, str], int] = field(default_factory=dict)  # by outcome
    articles: Mapping[tuple[SourceKind, str], int] = field(default_factory=dict)  # new, changed, duplicate
    received: Mapping[SourceKind, int] = field(default_factory=dict)  # bytes
    looks: Mapping[SourceKind, Spread] = field(default_factory=dict)  # how long each took
    late: Spread | None = None  # how long after its due time a source was claimed
    read: Spread | None = None  # a document in a worker: parsed, cleaned and tagged
    tagged: Spread | None = None  # one article


class Tally:
    """Counts for one process; every method may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._polls = Counter[tuple[SourceKind, str]]()
        self._articles = Counter[tuple[SourceKind, str]]()
        self._received = Counter[SourceKind]()
        self._looks = {kind: Histogram(LOOK_BUCKETS) for kind in (SourceKind.FEED, SourceKind.FOLDER)}
        self._late = Histogram(LATE_BUCKETS)
        self._read = Histogram(READ_BUCKETS)
        self._tagged = Histogram(TAG_BUCKETS)

    def polled(self, kind: SourceKind, poll: PollRecord) -> None:
        """One look at a source has ended, well or not."""
        with self._lock:
            self._count(kind, poll)
            if kind in self._looks:
                self._looks[kind].observe(poll.duration_ms / 1000)

    def pushed(self, poll: PollRecord) -> None:
        """A hub has delivered something of a feed, which was read."""
        with self._lock:
            self._count(SourceKind.FEED, poll)

    def failed(self, kind: SourceKind, outcome: str) -> None:
        """One look ended without a record: nothing could be stored."""
        with self._lock:
            self._polls[kind, outcome] += 1

    def claimed(self, late: Sequence[float]) -> None:
        """Sources were claimed, so many seconds after they were due."""
        with self._lock:
            for seconds in late:
                self._late.observe(seconds)

    def read(self, seconds: float, tagging: Sequence[float]) -> None:
        """A worker has read a document, and tagged its articles, in so many seconds each."""
        with self._lock:
            self._read.observe(seconds)
            for one in tagging:
                self._tagged.observe(one)

    def _count(self, kind: SourceKind, poll: PollRecord) -> None:
        self._polls[kind, poll.outcome] += 1
        self._received[kind] += poll.bytes
        for change, count in (("new", poll.new), ("changed", poll.changed), ("duplicate", poll.duplicates)):
            self._articles[kind, change] += count

    def counted(self) -> Counted:
        """All of it, at one moment."""
        with self._lock:
            return Counted(
                polls=dict(self._polls),
                articles=dict(self._articles),
                received=dict(self._received),
                looks={kind: histogram.spread() for kind, histogram in self._looks.items()},
                late=self._late.spread(),
                read=self._read.spread(),
                tagged=self._tagged.spread(),
            )
