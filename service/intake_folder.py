"""A folder, or files given by hand, through the same stages as a feed (`service.intake`).

The scan opens only what changed; files go to the worker processes a few at a time, and what came back is
stored in batches, each with the records of its files: killed at any point, a file is either stored and
remembered, or neither.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from loguru import logger

from models import articles as article_store
from models.records import FileRecord, SourceRecord, SourceUpdate
from models.records import PollRecord as Poll
from service import looks
from service.cadence import Cadence, Outcome, ScheduleKind, next_poll
from service.clean.text import one_line, shorten
from service.fetch.folder import (
    FileFailed,
    FileRead,
    FileSeen,
    FileTouched,
    FileVanished,
    ScanEnded,
    scan,
)
from service.fetch.folder_files import Observer, Patterns
from service.fetch.folder_thread import ScanThread
from service.keeping import Kept, keep
from service.reading import Finished, Reading
from service.tagging import Tagger
from service.targets import patterns, priors
from service.values import Failed, Reason
from service.workers import Workers, explain_failure
from service.writer import Writer

if TYPE_CHECKING:
    from service.fetch.watching import Watcher

# What is in the workers' hands at a time, and what one transaction takes: bounded in number and in bytes.
MAX_IN_FLIGHT, MAX_BYTES_IN_FLIGHT = 32, 64 << 20
BATCH = 100
MAX_GROUP = 200  # characters
# Looking for a folder that is missing, or hangs, asks nothing of anybody else's server.
_LONGEST_WAIT = timedelta(minutes=5)
_SHARE = 9  # a folder that settles is left alone nine times as long as walking through it takes

Problem = tuple[str, Reason, str]  # path, reason, detail


@dataclass(frozen=True, slots=True)
class FolderRules:
    """How folders are read where the source says nothing else."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    still_for: timedelta = timedelta(seconds=2)
    max_bytes: int = 20_000_000
    max_files: int = 10_000
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


class FolderIntake:
    """Takes folders and files through all the stages; one object serves the whole process."""

    def __init__(
        self,
        *,
        workers: Workers,
        writer: Writer,
        tagger: Callable[[], Tagger],
        cadence: Cadence,
        rules: FolderRules,
        clock: Callable[[], datetime],
        owner: str,
    ) -> None:
        self._workers = workers
        self._writer = writer
        self._tagger = tagger
        self._cadence = cadence
        self.rules = rules
        self._clock = clock
        self._owner = owner
        self._stopping = threading.Event()
        self._hanging: dict[int, ScanThread] = {}
        self.watcher: Watcher | None = None  # where the daemon watches folders

    def stop(self) -> None:
        """Let passes end after the batch that they have in hand."""
        self._stopping.set()

    def poll(self, source: SourceRecord, *, force: bool = False) -> Poll:
        """Scan a claimed folder once, store what changed, and give the poll as it was recorded.

        :raises models.errors.StorageError: the database could not take it; what was stored before stays
        """
        started = self._clock()
        known = {} if force else article_store.files(source.id)
        rules = replace(
            self.rules,
            include=patterns(source, "include") or self.rules.include,
            exclude=patterns(source, "exclude") or self.rules.exclude,
        )
        taken = self.take(
            source, Path(source.location), known, rules=rules, observer=self._arming(source, rules)
        )
        ended = self._clock()
        if self.watcher is not None:
            self.watcher.rest(source.id, taken.walking)
        if taken.failed is not None:
            update = looks.after_failure(
                source,
                taken.failed,
                started_at=started,
                ended_at=ended,
                cadence=self._cadence,
                owner=self._owner,
            )
            if update.next_poll_at is not None:
                update = replace(update, next_poll_at=min(update.next_poll_at, ended + _LONGEST_WAIT))
            outcome: str = taken.failed.reason
            detail: str | None = taken.failed.detail
        else:
            update = self._after_success(source, taken, ended)
            outcome, detail = "ok", _told(taken)
        poll = replace(
            looks.record(
                source,
                outcome,
                started_at=started,
                ended_at=ended,
                detail=detail,
                size=taken.size,
                problems=len(taken.problems),
            ),
            seen=taken.files + taken.unchanged,
            new=taken.kept.new,
            changed=taken.kept.changed,
            duplicates=taken.kept.duplicates,
        )
        tagger = self._tagger()
        self._writer.submit(
            lambda: keep(source.id, (), tagger=tagger, now=ended, update=lambda _: update, poll=poll)
        ).result()
        looks.log(source, poll)
        return poll

    def take(
        self,
        source: SourceRecord,
        root: Path,
        known: Mapping[str, FileRecord],
        *,
        rules: FolderRules,
        progress: Callable[[int], None] | None = None,
        observer: Observer | None = None,
    ) -> Taken:
        """Read what changed below ``root`` and store it under ``source``, batch by batch.

        ``progress`` is told of each file that was done with, by how many at once; ``observer`` of the scan's
        way, in the scan's thread.
        """
        before = self._hanging.pop(source.id, None)
        if before is not None and before.hangs:
            self._hanging[source.id] = before
            failed = Failed(
                str(root), Reason.TIMEOUT, "the file system still leaves an earlier scan without an answer"
            )
            return Taken(failed=failed)
        seen = ScanThread(
            str(root),
            lambda way: scan(
                root,
                known,
                include=rules.include,
                exclude=rules.exclude,
                now=self._clock(),
                still_for=rules.still_for,
                max_bytes=rules.max_bytes,
                max_files=rules.max_files,
                observer=way,
            ),
            patience=rules.timeout,
            stopping=self._stopping.is_set,
            observer=observer,
        )
        try:
            return _Pass(self, source, rules, progress or (lambda _: None)).run(seen)
        finally:
            seen.close()
            if seen.hangs:
                self._hanging[source.id] = seen

    def _arming(self, source: SourceRecord, rules: FolderRules) -> Observer | None:
        """What has the scan's folders watched; nothing where a person chose the minute of each scan."""
        if self.watcher is None or looks.schedule_of(source).kind is ScheduleKind.CRON:
            return None
        counts = Patterns(rules.include, rules.exclude).counts
        return self.watcher.arm(source.id, source.location, counts)

    def _after_success(self, source: SourceRecord, taken: Taken, now: datetime) -> SourceUpdate:
        following = next_poll(
            looks.schedule_of(source),
            now,
            outcome=Outcome.NEW if taken.kept.new else Outcome.SAME,
            last_new_at=now if taken.kept.new else source.last_new_at,
            interval=source.interval,
            cadence=self._cadence,
            seed=looks.seed(source, now),
        )
        at = following.at
        if taken.more or self._stopping.is_set():
            at = now
        elif taken.settling:
            rest = timedelta(seconds=max(0.1, _SHARE * taken.walking))
            at = min(at, now + max(self.rules.still_for, rest))
        return SourceUpdate(source.id, at, interval=following.interval, lease_owner=self._owner)


class _Pass:
    """One pass over what a scan yields: read in the workers, stored in batches."""

    def __init__(
        self, intake: FolderIntake, source: SourceRecord, rules: FolderRules, progress: Callable[[int], None]
    ) -> None:
        self._intake = intake
        self._source = source
        self._rules = rules
        self._progress = progress
        self._priors = priors(source)
        self._in_flight: deque[tuple[FileRead, Future[Reading]]] = deque()
        self._bytes_in_flight = 0
        self._finished: list[Finished] = []
        self._records: list[FileRecord] = []
        self._vanished: list[str] = []
        self.taken = Taken()

    def run(self, seen: Iterable[FileSeen]) -> Taken:
        for one in seen:
            match one:
                case FileRead():
                    self._begin(one)
                case FileVanished():
                    self._vanished.append(one.path)
                    self.taken.vanished += 1
                case FileTouched():
                    self._records.append(one.record)
                    self.taken.unchanged += 1
                    self._done(1)
                case FileFailed():
                    self._problem(one.path, one.record, one.reason, one.detail)
                case ScanEnded():
                    self._end(one)
                case Failed():
                    self.taken.failed = one
            if self._intake._stopping.is_set():
                break
        while self._in_flight:
            self._collect()
        self._store()
        return self.taken

    def _begin(self, read: FileRead) -> None:
        # What vanished is stored first: a moved file must be met as gone from its old place.
        if self._vanished:
            self._store()
        while self._in_flight and (
            len(self._in_flight) >= MAX_IN_FLIGHT
            or self._bytes_in_flight + len(read.body) > MAX_BYTES_IN_FLIGHT
        ):
            self._collect()
        future = self._intake._workers.read_document(
            read.body,
            Path(read.path).name,
            fetched_at=self._intake._clock(),
            path=read.path,
            priors=self._priors,
            day_first=self._rules.day_first,
        )
        self._in_flight.append((read, future))
        self._bytes_in_flight += len(read.body)

    def _collect(self) -> None:
        read, future = self._in_flight.popleft()
        self._bytes_in_flight -= len(read.body)
        self.taken.size += len(read.body)
        try:
            reading = future.result()
        except Exception as error:  # noqa: BLE001 - whatever ended a worker is a reason to record
            failure = explain_failure(error, self._intake._workers.deadline)
            if failure.reason is Reason.INTERNAL:
                logger.opt(exception=error).error("reading {} failed in a way nobody foresaw", read.path)
            record = replace(read.record, reason=str(failure.reason), detail=failure.detail)
            self._problem(read.path, record, failure.reason, failure.detail)
            return
        self._finished += (_grouped(one, read.below) for one in reading.finished)
        self.taken.files += 1
        if reading.warnings:
            # What could be read is kept; the rest is recorded, and tried again when the file changes.
            told = "; ".join(reading.warnings)[:1000]
            record = replace(read.record, reason=str(Reason.INTERNAL), detail=told)
            self._problem(read.path, record, Reason.INTERNAL, told)
            return
        self._records.append(read.record)
        self._done(1)

    def _problem(self, path: str, record: FileRecord, reason: Reason, detail: str) -> None:
        logger.warning("{}: {}: {}", path, reason, detail)
        self.taken.problems.append((path, reason, detail))
        self._records.append(record)
        self._done(1)

    def _done(self, count: int) -> None:
        self._progress(count)
        if len(self._finished) >= BATCH or len(self._records) >= BATCH:
            self._store()

    def _end(self, ended: ScanEnded) -> None:
        self.taken.unchanged += ended.unchanged
        self.taken.more = ended.postponed > 0
        self.taken.settling = ended.waiting > 0
        self.taken.walking = ended.walking
        self.taken.problems += ended.unlisted
        for path, reason, detail in ended.unlisted:
            logger.warning("{}: {}: {}", path, reason, detail)

    def _store(self) -> None:
        """Write what has come back, in one transaction."""
        if not (self._finished or self._records or self._vanished):
            return
        finished, records, vanished = self._finished, self._records, self._vanished
        self._finished, self._records, self._vanished = [], [], []
        tagger, now, source_id = self._intake._tagger(), self._intake._clock(), self._source.id
        own = self._priors

        def write() -> Kept:
            if vanished:
                article_store.mark_vanished(source_id, vanished, now)
            return keep(source_id, finished, tagger=tagger, now=now, priors=own, files=records)[0]

        self.taken.kept += self._intake._writer.submit(write).result()


def _grouped(finished: Finished, below: str) -> Finished:
    """An article with the subfolder that its file is in as its first category: "press/agencies"."""
    group = shorten(one_line(below.rpartition("/")[0]), MAX_GROUP)
    if not group:
        return finished
    article = finished.article
    return replace(finished, article=replace(article, categories=(group, *article.categories)))


def _told(taken: Taken) -> str | None:
    """What a person should know of a pass that went well."""
    parts = [f"{path}: {reason}: {detail}" for path, reason, detail in taken.problems[:5]]
    if taken.vanished:
        parts.append(f"{taken.vanished} files are gone; their articles stay")
    return "; ".join(parts) or None
