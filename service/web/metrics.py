"""``/metrics``: how the daemon and its database stand, for Prometheus (text format 0.0.4 or OpenMetrics).

Own collectors in an own registry: the library's global one would be shared with whatever else imports it.
Labels come from closed lists; the one that is not (topics) is cut at `MAX_TOPICS`. What has to be asked of
the database is asked once in `KEEP` seconds, however often and by how many the page is read.
"""

from __future__ import annotations

import os
import platform
import resource
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from loguru import logger
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response

from models.errors import StorageError
from models.figures import Figures, figures
from models.records import PUSHED, SourceKind
from service.tally import Counted, Spread
from service.values import Reason

KEEP = 10.0  # seconds that the database's figures are given out again
MAX_TOPICS = 100
OTHER = "other"  # the rest of the topics together; and any word that is on no list
OUTCOMES = ("ok", "not_modified", PUSHED, *map(str, Reason))


@dataclass(frozen=True, slots=True)
class Standing:
    """How this process stands at the moment."""

    ready: bool  # as far as it knows without asking the database
    last_tick: datetime | None = None  # when the scheduler last made progress; None where there is none
    jobs: Mapping[str, bool] = field(default_factory=dict)  # recurring jobs: whether the last run failed
    in_hand: int = 0  # looks under way
    writer_queue: int = 0
    workers_queue: int = 0
    stall: float = 0.0  # seconds that the loop of all fetches was held up at most in the last minute
    deliveries: int = 0  # of hubs, that are being received, wait or are being read
    counted: Counted | None = None  # None where nothing is polled


class MetricsPage:
    """Answers ``GET /metrics``; in the thread pool, because it may ask the database."""

    def __init__(
        self,
        standing: Callable[[], Standing],
        *,
        started_at: datetime,
        clock: Callable[[], datetime],
    ) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(_Process(started_at))
        self._registry.register(_Own(standing))
        self._registry.register(_Stored(clock))

    def answer(self, request: Request) -> Response:
        """In the format that the scraper prefers."""
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(self._registry), media_type=content_type)


class _Process(Collector):
    """The names that every dashboard knows, read from ``/proc/self`` alone (the unit hides the rest)."""

    def __init__(self, started_at: datetime) -> None:
        self._started_at = started_at

    def collect(self) -> Iterator[Metric]:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        yield _counter(
            "process_cpu_seconds", "CPU time of this process, seconds", usage.ru_utime + usage.ru_stime
        )
        yield _gauge("process_start_time_seconds", "Start, seconds since 1970", self._started_at.timestamp())
        try:
            pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
            descriptors = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - names alone
        except OSError:
            return
        size = pages * os.sysconf("SC_PAGE_SIZE")
        yield _gauge("process_resident_memory_bytes", "Memory of this process, without its workers", size)
        yield _gauge("process_open_fds", "Open file descriptors", descriptors)
        yield _gauge(
            "process_max_fds", "File descriptors allowed", resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        )


class _Own(Collector):
    """What this process knows of itself."""

    def __init__(self, standing: Callable[[], Standing]) -> None:
        self._standing = standing

    def collect(self) -> Iterator[Metric]:
        now = self._standing()
        build = {"version": _version(), "python": platform.python_version()}
        yield _labelled("wirewatch_build_info", "Always 1; its labels say what runs", build, 1)
        yield _gauge(
            "wirewatch_ready", "1 while the process does its work; see wirewatch_database_up", now.ready
        )
        if now.counted is None:
            return
        if now.last_tick is not None:
            yield _gauge(
                "wirewatch_last_tick_timestamp_seconds",
                "When the scheduler last made progress, seconds since 1970",
                now.last_tick.timestamp(),
            )
        yield _by("wirewatch_job_failing", "1 while a recurring job fails", "name", sorted(now.jobs.items()))
        yield _gauge("wirewatch_polls_in_hand", "Looks at sources under way", now.in_hand)
        yield _gauge(
            "wirewatch_event_loop_stall_seconds",
            "For how long the loop of all fetches was held up at most, in the last minute",
            now.stall,
        )
        yield _by(
            "wirewatch_queue_depth",
            "Pieces of work that wait or are being done",
            "queue",
            [("writer", now.writer_queue), ("workers", now.workers_queue), ("hubs", now.deliveries)],
        )
        yield from _counted(now.counted)


def _counted(counted: Counted) -> Iterator[Metric]:
    polls = CounterMetricFamily(
        "wirewatch_polls",
        "Looks at sources that have ended, and deliveries of hubs (pushed)",
        labels=("kind", "outcome"),
    )
    ended = Counter[tuple[str, str]]()
    for (kind, outcome), count in counted.polls.items():
        ended[kind, outcome if outcome in OUTCOMES else OTHER] += count
    for labels, count in sorted(ended.items()):
        polls.add_metric(labels, count)
    yield polls
    articles = CounterMetricFamily(
        "wirewatch_articles", "Articles that looks at sources brought", labels=("kind", "change")
    )
    for (kind, change), count in sorted(counted.articles.items()):
        articles.add_metric((kind, change), count)
    yield articles
    received = CounterMetricFamily(
        "wirewatch_received_bytes", "Bytes of documents that were read", labels=("kind",)
    )
    for kind, count in sorted(counted.received.items()):
        received.add_metric((kind,), count)
    yield received
    looks = HistogramMetricFamily(
        "wirewatch_poll_duration_seconds", "How long looks at sources took", labels=("kind",)
    )
    for kind, spread in sorted(counted.looks.items()):
        looks.add_metric((kind,), _buckets(spread), spread.total)
    yield looks
    yield _histogram(
        "wirewatch_poll_lateness_seconds", "How long after its due time a source was claimed", counted.late
    )
    yield _histogram(
        "wirewatch_read_duration_seconds", "A document parsed, cleaned and tagged by a worker", counted.read
    )
    yield _histogram("wirewatch_tag_duration_seconds", "One article tagged by a worker", counted.tagged)


class _Stored(Collector):
    """What the database knows, kept for a while."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._lock = threading.Lock()  # several scrapers at once ask once
        self._asked_at: datetime | None = None
        self._known: Figures | None = None

    def collect(self) -> Iterator[Metric]:
        with self._lock:
            now = self._clock()
            if self._asked_at is None or not 0 <= (now - self._asked_at).total_seconds() < KEEP:
                self._known, self._asked_at = _figures(now), now
            known = self._known
        yield _gauge("wirewatch_database_up", "1 while the database answers", known is not None)
        if known is not None:
            yield from _stored(known, now)


def _figures(now: datetime) -> Figures | None:
    try:
        return figures(now)
    except StorageError as error:
        logger.warning("the metrics have no figures of the database: {}", error)
        return None


def _stored(known: Figures, now: datetime) -> Iterator[Metric]:
    labels = {"engine": known.engine, "schema": known.schema}
    yield _labelled("wirewatch_database_info", "Always 1; its labels say which database", labels, 1)
    yield _gauge("wirewatch_database_bytes", "Size of the database", known.bytes)
    if known.free_bytes is not None:
        yield _gauge("wirewatch_disk_free_bytes", "Room where the SQLite file lies", known.free_bytes)
    kinds = [(kind, known.articles.get(kind, 0)) for kind in map(str, SourceKind)]
    yield _by("wirewatch_stored_articles", "Articles stored, by the kind of their source", "kind", kinds)
    yield _by(
        "wirewatch_topic_articles",
        "Articles stored that carry a topic, duplicates left out",
        "topic",
        _largest(known.topics),
    )
    yield _by("wirewatch_sources", "Sources", "state", sorted(known.sources.items()))
    yield _gauge("wirewatch_sources_failing", "Active sources whose last look failed", known.failing)
    yield _gauge("wirewatch_sources_due", "Sources that are due and in nobody's hands", known.due)
    lag = max(0.0, (now - known.oldest_due).total_seconds()) if known.oldest_due is not None else 0.0
    yield _gauge("wirewatch_schedule_lag_seconds", "For how long the longest due one has been so", lag)
    recent = dict.fromkeys(OUTCOMES, 0) | {OTHER: 0}
    for outcome, count in known.recent_polls.items():
        recent[outcome if outcome in recent else OTHER] += count
    yield _by(
        "wirewatch_recent_polls",
        "Looks of the last hour by all processes on this database",
        "outcome",
        recent.items(),
    )
    yield _gauge("wirewatch_unreadable_files", "Files in folders that cannot be read", known.unreadable_files)
    if known.last_backup is not None:
        yield _gauge(
            "wirewatch_last_backup_timestamp_seconds",
            "When the last backup was found to be whole, seconds since 1970",
            known.last_backup.timestamp(),
        )


def _largest(topics: Mapping[str, int]) -> list[tuple[str, int]]:
    """The topics with most articles, and the rest together."""
    ordered = sorted(topics.items(), key=lambda item: (-item[1], item[0]))
    kept, rest = ordered[:MAX_TOPICS], ordered[MAX_TOPICS:]
    return [*sorted(kept), *([(OTHER, sum(count for _, count in rest))] if rest else [])]


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(name, meaning, value=float(value))


def _counter(name: str, meaning: str, value: float) -> Metric:
    return CounterMetricFamily(name, meaning, value=value)


def _by(name: str, meaning: str, label: str, values: Iterable[tuple[str, float]]) -> Metric:
    family = GaugeMetricFamily(name, meaning, labels=(label,))
    for one, value in values:
        family.add_metric((one,), float(value))
    return family


def _labelled(name: str, meaning: str, labels: Mapping[str, str], value: float) -> Metric:
    family = GaugeMetricFamily(name, meaning, labels=tuple(labels))
    family.add_metric(tuple(labels.values()), value)
    return family


def _histogram(name: str, meaning: str, spread: Spread | None) -> Metric:
    family = HistogramMetricFamily(name, meaning)
    if spread is not None:
        family.add_metric((), _buckets(spread), spread.total)
    return family


def _buckets(spread: Spread) -> list[tuple[str, float]]:
    counts = zip(map(str, spread.bounds), map(float, spread.cumulative), strict=True)
    return [*counts, ("+Inf", float(spread.count))]


def _version() -> str:
    try:
        return version("wirewatch")
    except PackageNotFoundError:
        return "checkout"
