"""One file that holds many articles – an archive, a mailbox, a list – on its way through a pass.

::

    unpack (a process of its own) → pieces, some at a time → workers → articles, stored in the pass's batches

The file itself is remembered when the last of it has been stored: killed before, it is read again, and what
is stored already is met as the same. Of a part that cannot be read a record of its own is kept, under the
file's path and the part's name (``archive.zip!/a.pdf``), and the rest goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Protocol

from loguru import logger

from models import articles as article_store
from models.records import FileRecord
from service.fetch.folder import FileContainer
from service.members import member_path
from service.parse.container import Form, Limits, Piece, Trouble
from service.reading import Finished, Reading
from service.unpacking import gone
from service.values import Reason
from service.workers import Workers, explain_failure

MAX_TOGETHER, MAX_TOGETHER_BYTES = 25, 500_000  # of the pieces that one worker reads with one deadline
MAX_UNREADABLE = 1_000  # parts of one file that are recorded by themselves
MAX_WATCHED = 200_000  # members of one file whose going is noticed


class Pass(Protocol):
    """What of a pass over a folder a container needs (`service.intake_folder`)."""

    source_id: int

    def fly(
        self, size: int, start: Callable[[], Future[Reading]], collect: Callable[[Future[Reading]], None]
    ) -> None:
        """Have something read when there is room for it, and what came of it collected in its turn."""

    def land(self) -> None:
        """Collect all that is being read."""

    def found(self, finished: Sequence[Finished], below: str) -> None:
        """Take articles in."""

    def record(self, record: FileRecord) -> None:
        """Remember a file, or a part of one."""

    def problem(self, record: FileRecord, reason: Reason, detail: str, *, part: bool = False) -> None:
        """Remember a file, or a part of one, with why it could not be read."""

    def forget(self, path: str) -> None:
        """Forget what of a file could not be read before, with the next that is stored."""

    def vanish(self, paths: Sequence[str]) -> None:
        """Note that members of a file are in it no longer."""

    def settle(self) -> None:
        """Have the next scan come soon: something is still being written."""

    @property
    def stopping(self) -> bool:
        """Whether the pass is to end."""


class Container:
    """Takes one container through a pass."""

    def __init__(
        self,
        way: Pass,
        one: FileContainer,
        *,
        workers: Workers,
        limits: Limits,
        exclude: Sequence[str],
        read: Callable[[Sequence[Piece]], Future[Reading]],
    ) -> None:
        """``read`` has the workers read pieces of it."""
        self._way = way
        self._one = one
        self._workers = workers
        self._limits = limits
        self._exclude = exclude
        self._read = read
        self._seen: set[str] = set()  # paths of members that gave articles
        self._unreadable = 0
        self._own: tuple[Reason, str] | None = None  # why the file itself cannot be read
        self._first: tuple[Reason, str] | None = None
        self._articles = 0

    def run(self) -> None:
        """Read all of it, and remember it."""
        record = self._one.record
        self._way.forget(record.path)
        state = (record.size, record.mtime_ns, record.inode)
        whole = changed = False
        try:
            for batch in self._workers.unpacker.unpack(
                record.path, state, limits=self._limits, exclude=self._exclude
            ):
                self._take(batch.items)
                if batch.ended:
                    whole, changed = True, batch.changed
                    if batch.failure is not None:
                        self._own = batch.failure.reason, batch.failure.detail
                if self._way.stopping:
                    break
        except OSError as error:
            whole, failure = True, gone(error)
            self._own = failure.reason, failure.detail
        except Exception as error:  # noqa: BLE001 - whatever ended the process is a reason to record
            whole, failure = True, explain_failure(error, self._workers.deadline)
            if failure.reason is Reason.INTERNAL:
                logger.opt(exception=error).error("unpacking {} failed in a way nobody foresaw", record.path)
            self._own = failure.reason, failure.detail
        self._way.land()
        if changed:
            self._way.settle()
        elif whole:
            self._end()

    def _take(self, items: Sequence[Piece | Trouble]) -> None:
        together: list[Piece] = []
        size = 0
        for one in items:
            if isinstance(one, Trouble):
                self._refuse(one)
                continue
            together.append(one)
            size += one.size
            # A document may take a second, a record takes milliseconds.
            if len(together) >= (MAX_TOGETHER if one.form is not Form.DOCUMENT else 5) or (
                size >= MAX_TOGETHER_BYTES
            ):
                self._begin(together)
                together, size = [], 0
        if together:
            self._begin(together)

    def _begin(self, pieces: Sequence[Piece]) -> None:
        self._way.fly(
            sum(one.size for one in pieces),
            lambda: self._read(pieces),
            lambda future: self._collect(pieces, future),
        )

    def _collect(self, pieces: Sequence[Piece], future: Future[Reading]) -> None:
        try:
            reading = future.result()
        except Exception as error:  # noqa: BLE001 - whatever ended a worker is a reason to record
            failure = explain_failure(error, self._workers.deadline)
            if len(pieces) > 1:
                # One of them did it: the others are read without it.
                middle = len(pieces) // 2
                self._begin(pieces[:middle])
                self._begin(pieces[middle:])
                return
            if failure.reason is Reason.INTERNAL:
                logger.opt(exception=error).error(
                    "reading {} of {} failed in a way nobody foresaw", pieces[0].name, self._one.path
                )
            self._refuse(Trouble(pieces[0].name, failure.reason, failure.detail))
            return
        self._articles += len(reading.finished)
        for finished in reading.finished:
            path = finished.article.path
            if path is not None and path != self._one.path and len(self._seen) <= MAX_WATCHED:
                self._seen.add(path)
        self._way.found(reading.finished, self._one.below)
        for trouble in reading.refused:
            self._refuse(trouble)

    def _refuse(self, trouble: Trouble) -> None:
        """Record why a part cannot be read; what is said of no part is said of the file."""
        if not trouble.name:
            self._own = trouble.reason, trouble.detail
            return
        self._first = self._first or (trouble.reason, trouble.detail)
        self._unreadable += 1
        if self._unreadable > MAX_UNREADABLE:
            return
        record = replace(
            self._one.record,
            path=member_path(self._one.path, trouble.name),
            size=0,
            reason=str(trouble.reason),
            detail=trouble.detail,
        )
        self._way.problem(record, trouble.reason, trouble.detail, part=True)

    def _end(self) -> None:
        record = self._one.record
        if self._own is None and self._first is not None and self._unreadable > MAX_UNREADABLE:
            self._own = (
                self._first[0],
                f"{self._unreadable:,} parts of it cannot be read; the first {MAX_UNREADABLE:,} are listed",
            )
        if self._own is None and not self._articles and not self._unreadable:
            self._own = Reason.EMPTY, "it holds no article"
        if self._own is not None:
            reason, detail = self._own
            # Too large once it is unpacked, which its size on disk does not tell.
            reason = Reason.TOO_COMPLEX if reason is Reason.TOO_LARGE else reason
            self._way.problem(replace(record, reason=str(reason), detail=detail), reason, detail)
            return
        if len(self._seen) <= MAX_WATCHED:
            stored = article_store.articles_within(self._way.source_id, record.path)
            self._way.vanish(sorted(stored - self._seen))
        self._way.record(record)
