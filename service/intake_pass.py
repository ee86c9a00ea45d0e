"""One pass over what a scan of a folder yields: read in the workers, stored in batches."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from loguru import logger

from models import articles as article_store
from models import sources as source_store
from models.records import FileRecord, SourceRecord
from service.clean.text import one_line, shorten
from service.fetch.folder import (
    FileContainer,
    FileFailed,
    FileRead,
    FileSeen,
    FileTouched,
    FileVanished,
    ScanEnded,
)
from service.intake_container import Container
from service.keeping import Kept, keep
from service.parse.container import Limits, Piece
from service.reading import Finished, Reading
from service.recurring import furniture_of
from service.tagging import Tagger
from service.targets import priors
from service.values import Failed, Reason
from service.workers import Workers, explain_failure
from service.writer import Writer

# What is in the workers' hands at a time, and what one transaction takes: bounded in number and in bytes.
MAX_IN_FLIGHT, MAX_BYTES_IN_FLIGHT = 32, 64 << 20
BATCH = 100
MAX_GROUP = 200  # characters

Problem = tuple[str, Reason, str]  # path, reason, detail


@dataclass(frozen=True, slots=True)
class FolderRules:
    """How folders are read where the source says nothing else."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    still_for: timedelta = timedelta(seconds=2)
    max_bytes: int = 20_000_000
    max_files: int = 10_000
    max_container_bytes: int = 2_000_000_000
    max_unpacked_bytes: int = 4_000_000_000
    max_entries: int = 1_000_000
    day_first: bool | None = None
    timeout: float = 60.0  # seconds that a file system may leave a step of a scan without an answer


@dataclass(slots=True)
class Taken:
    """What one pass over files came to."""

    kept: Kept = field(default_factory=Kept)
    files: int = 0  # read
    unchanged: int = 0  # left unread
    vanished: int = 0
    size: int = 0  # bytes read
    problems: list[Problem] = field(default_factory=list)
    failed: Failed | None = None  # the folder itself
    more: bool = False  # some files wait for the next pass
    settling: bool = False  # some were still being written
    walking: float = 0.0  # seconds that walking through the folder took, as far as that is known

    @property
    def quiet(self) -> bool:
        """Whether all was as it had been."""
        return not (self.failed or self.files or self.vanished or self.problems or self.kept.seen)


@dataclass(frozen=True, slots=True)
class Means:
    """What every pass of a process works with."""

    workers: Workers
    writer: Writer
    tagger: Callable[[], Tagger]
    clock: Callable[[], datetime]
    stopping: threading.Event


class _Lease:
    """The pass's hold on its source: a large archive takes longer than a lease."""

    def __init__(self, source: SourceRecord, now: datetime) -> None:
        self._source = source
        self._length = source.lease_until - now if source.lease_until is not None else None
        self._renewed_at = now

    def renew(self, now: datetime) -> None:
        """Hold it for as long again, where a third of that is over; in the writer's transaction."""
        if self._length is None or self._source.lease_owner is None:
            return
        if now - self._renewed_at >= self._length / 3:
            source_store.renew(self._source.id, self._source.lease_owner, now + self._length)
            self._renewed_at = now


@dataclass(frozen=True, slots=True)
class _Flight:
    """Something that is being read, and what is to be done with what comes of it."""

    size: int  # bytes
    future: Future[Reading]
    collect: Callable[[Future[Reading]], None]


class FolderPass:
    """One pass over what a scan yields: read in the workers, stored in batches."""

    def __init__(
        self, means: Means, source: SourceRecord, rules: FolderRules, progress: Callable[[int], None]
    ) -> None:
        self._means = means
        self._source = source
        self.source_id = source.id
        self._rules = rules
        self._progress = progress
        self._priors = priors(source)
        self._furniture = furniture_of(source)
        self._in_flight: deque[_Flight] = deque()
        self._bytes_in_flight = 0
        self._finished: list[Finished] = []
        self._records: list[FileRecord] = []
        self._vanished: list[str] = []
        self._forgotten: list[str] = []
        self._lease = _Lease(source, means.clock())
        self.taken = Taken()

    def run(self, seen: Iterable[FileSeen]) -> Taken:
        for one in seen:
            match one:
                case FileRead():
                    self._begin(one)
                case FileContainer():
                    self._open(one)
                case FileVanished():
                    self._vanished.append(one.path)
                    self.taken.vanished += 1
                case FileTouched():
                    self._records.append(one.record)
                    self.taken.unchanged += 1
                    self._done(1)
                case FileFailed():
                    self.problem(one.record, one.reason, one.detail)
                case ScanEnded():
                    self._end(one)
                case Failed():
                    self.taken.failed = one
            if self._means.stopping.is_set():
                break
        self.land()
        self._store()
        return self.taken

    def _begin(self, read: FileRead) -> None:
        self.fly(
            len(read.body),
            lambda: self._means.workers.read_document(
                read.body,
                Path(read.path).name,
                fetched_at=self._means.clock(),
                path=read.path,
                priors=self._priors,
                day_first=self._rules.day_first,
                furniture=self._furniture,
            ),
            lambda future: self._collect(read, future),
        )

    def _open(self, one: FileContainer) -> None:
        self.taken.size += one.record.size
        self.taken.files += 1
        Container(
            self,
            one,
            workers=self._means.workers,
            limits=Limits(
                document=self._rules.max_bytes,
                unpacked=self._rules.max_unpacked_bytes,
                entries=self._rules.max_entries,
            ),
            exclude=self._rules.exclude,
            read=lambda pieces: self._read_pieces(one.path, pieces),
        ).run()

    def _read_pieces(self, path: str, pieces: Sequence[Piece]) -> Future[Reading]:
        return self._means.workers.read_pieces(
            pieces,
            Path(path).name,
            fetched_at=self._means.clock(),
            path=path,
            priors=self._priors,
            day_first=self._rules.day_first,
            furniture=self._furniture,
        )

    # -- what a container asks for (`service.intake_container.Pass`) -----------------------------------

    def fly(
        self, size: int, start: Callable[[], Future[Reading]], collect: Callable[[Future[Reading]], None]
    ) -> None:
        # What vanished is stored first: a moved file must be met as gone from its old place.
        if self._vanished:
            self._store()
        while self._in_flight and (
            len(self._in_flight) >= MAX_IN_FLIGHT or self._bytes_in_flight + size > MAX_BYTES_IN_FLIGHT
        ):
            self._next()
        self._in_flight.append(_Flight(size, start(), collect))
        self._bytes_in_flight += size

    def land(self) -> None:
        while self._in_flight:
            self._next()

    def _next(self) -> None:
        flight = self._in_flight.popleft()
        self._bytes_in_flight -= flight.size
        flight.collect(flight.future)

    def found(self, finished: Sequence[Finished], below: str) -> None:
        self._finished += (_grouped(one, below) for one in finished)
        if len(self._finished) >= BATCH:
            self._store()

    def record(self, record: FileRecord) -> None:
        self._records.append(record)
        self._done(1)

    def problem(self, record: FileRecord, reason: Reason, detail: str, *, part: bool = False) -> None:
        logger.warning("{}: {}: {}", record.path, reason, detail)
        self.taken.problems.append((record.path, reason, detail))
        self._records.append(record)
        self._done(0 if part else 1)  # a part of a file is no file done with

    def forget(self, path: str) -> None:
        self._forgotten.append(path)

    def vanish(self, paths: Sequence[str]) -> None:
        self._vanished += paths

    def settle(self) -> None:
        self.taken.settling = True

    @property
    def stopping(self) -> bool:
        return self._means.stopping.is_set()

    # -- what came back --------------------------------------------------------------------------------

    def _collect(self, read: FileRead, future: Future[Reading]) -> None:
        self.taken.size += len(read.body)
        try:
            reading = future.result()
        except Exception as error:  # noqa: BLE001 - whatever ended a worker is a reason to record
            failure = explain_failure(error, self._means.workers.deadline)
            if failure.reason is Reason.INTERNAL:
                logger.opt(exception=error).error("reading {} failed in a way nobody foresaw", read.path)
            record = replace(read.record, reason=str(failure.reason), detail=failure.detail)
            self.problem(record, failure.reason, failure.detail)
            return
        self._finished += (_grouped(one, read.below) for one in reading.finished)
        self.taken.files += 1
        if reading.warnings or reading.shortened:
            # What could be read is kept; the rest is recorded, and tried again when the file changes.
            reason = Reason.INTERNAL if reading.warnings else Reason.SHORTENED
            told = "; ".join(reading.warnings or reading.shortened)[:1000]
            self.problem(replace(read.record, reason=str(reason), detail=told), reason, told)
            return
        self._records.append(read.record)
        self._done(1)

    def _done(self, count: int) -> None:
        if count:
            self._progress(count)
        if len(self._finished) >= BATCH or len(self._records) >= BATCH:
            self._store()

    def _end(self, ended: ScanEnded) -> None:
        self.taken.unchanged += ended.unchanged
        self.taken.more = ended.postponed > 0
        self.taken.settling = self.taken.settling or ended.waiting > 0
        self.taken.walking = ended.walking
        self.taken.problems += ended.unlisted
        for path, reason, detail in ended.unlisted:
            logger.warning("{}: {}: {}", path, reason, detail)

    def _store(self) -> None:
        """Write what has come back, in one transaction."""
        if not (self._finished or self._records or self._vanished):
            return
        finished, records, vanished = self._finished, self._records, self._vanished
        forgotten = self._forgotten
        self._finished, self._records, self._vanished, self._forgotten = [], [], [], []
        tagger, now, source_id = self._means.tagger(), self._means.clock(), self._source.id
        own = self._priors

        def write() -> Kept:
            self._lease.renew(now)
            if vanished:
                article_store.mark_vanished(source_id, vanished, now)
            if forgotten:
                article_store.forget_unreadable(source_id, forgotten)
            return keep(source_id, finished, tagger=tagger, now=now, priors=own, files=records)[0]

        self.taken.kept += self._means.writer.submit(write).result()
        self._furniture = furniture_of(self._source)


def _grouped(finished: Finished, below: str) -> Finished:
    """An article with the subfolder that its file is in as its first category: "press/agencies"."""
    group = shorten(one_line(below.rpartition("/")[0]), MAX_GROUP)
    if not group:
        return finished
    article = finished.article
    return replace(finished, article=replace(article, categories=(group, *article.categories)))
