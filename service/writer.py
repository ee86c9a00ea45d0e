"""One writer for the whole process: stores are queued and committed together, in short transactions.

SQLite has one writer at a time anyway, and a commit costs more than the rows of a feed. What waits in the
queue goes into one transaction, each piece of work in a savepoint of its own, so that one that fails takes
nothing else with it. While more is announced, the writer waits a little for it: thirty looks that end within
a moment are one transaction. A result is given out only after the commit: what a caller sees is kept.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from models.database import Database, Lock
from models.errors import DatabaseUnavailable
from models.search import indexed_together

P = TypeVar("P")
T = TypeVar("T")

# A transaction holds the database: other processes wait for it, so it stays short.
MAX_BATCH = 64
# Seconds that the first of a batch waits for others that were announced; no transaction is open meanwhile.
LINGER = 0.2

_Handler = Callable[[Sequence[Any]], Sequence[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class _Work:
    future: Future[Any]
    alone: Callable[[], Any]
    patient: bool = False  # it may wait for others
    together: _Handler | None = None
    piece: Any = None


class Writer:
    """A thread that carries out pieces of work in the order they were given, in shared transactions."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queue: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._closed = False
        self._announced = 0
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[], T], *, patient: bool = False) -> Future[T]:
        """Queue a piece of work; its result arrives after the commit, its error after the roll-back.

        :param patient: it may wait a moment for others that were announced
        :raises RuntimeError: the writer is closed
        """
        return self._put(_Work(Future(), work, patient))

    def submit_together(self, handle: Callable[[Sequence[P]], Sequence[T]], piece: P) -> Future[T]:
        """As `submit`, for work that is cheaper done for many pieces at once.

        ``handle`` gets all pieces of a transaction that were queued for it, after the other work, and gives
        one result for each. Where it fails, it is asked again for each alone. The pieces are patient.

        :raises RuntimeError: the writer is closed
        """
        return self._put(_Work(Future(), lambda: handle([piece])[0], True, handle, piece))

    @contextmanager
    def announced(self) -> Iterator[None]:
        """Within, a piece of work is being prepared that will be queued soon."""
        with self._lock:
            self._announced += 1
        try:
            yield
        finally:
            with self._lock:
                self._announced -= 1

    def depth(self) -> int:
        """How many pieces of work wait."""
        return self._queue.qsize()

    def close(self) -> None:
        """Carry out what is queued, then end."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join()

    def _put(self, work: _Work) -> Future[Any]:
        with self._lock:
            if self._closed:
                raise RuntimeError("the writer is closed")
            self._queue.put(work)
        return work.future

    def _run(self) -> None:
        ending = False
        while not ending:
            batch, ending = self._gather()
            if batch:
                self._carry_out(batch)

    def _gather(self) -> tuple[list[_Work], bool]:
        """What is to share a transaction, and whether nothing comes after it."""
        batch: list[_Work] = []
        item = self._queue.get()
        end = time.monotonic() + LINGER
        while item is not None:
            batch.append(item)
            if len(batch) >= MAX_BATCH:
                return batch, False
            left = end - time.monotonic()
            try:
                if item.patient and self._announced and left > 0:
                    item = self._queue.get(timeout=left)
                else:
                    item = self._queue.get_nowait()
            except queue.Empty:
                return batch, False
        return batch, True

    def _carry_out(self, batch: list[_Work]) -> None:
        done: list[tuple[Future[Any], Any]] = []
        try:
            with self._database.session(), self._database.transaction():
                # First of all locks: a batch that already holds a source's row would else wait for a process
                # that has this one and waits for the row (what a hub delivers is stored under no lease).
                self._database.lock(Lock.WRITE)
                with indexed_together(self._database):
                    wanted = [one for one in batch if one.future.set_running_or_notify_cancel()]
                    for work in wanted:
                        if work.together is None:
                            done += self._alone(work)
                    for handle in dict.fromkeys(one.together for one in wanted if one.together):
                        done += self._together(handle, [one for one in wanted if one.together == handle])
        except Exception as error:  # noqa: BLE001 - nothing of the batch is kept
            for work in batch:
                if not work.future.done():
                    work.future.set_exception(error)
            return
        for future, result in done:
            future.set_result(result)

    def _alone(self, work: _Work) -> list[tuple[Future[Any], Any]]:
        try:
            with self._database.transaction():
                return [(work.future, work.alone())]
        except DatabaseUnavailable:
            raise  # a full disk has taken the whole transaction with it
        except Exception as error:  # noqa: BLE001 - it belongs to whoever asked
            work.future.set_exception(error)
            return []

    def _together(self, handle: _Handler, works: Sequence[_Work]) -> list[tuple[Future[Any], Any]]:
        try:
            with self._database.transaction():
                results = handle([one.piece for one in works])
            return [(one.future, result) for one, result in zip(works, results, strict=True)]
        except DatabaseUnavailable:
            raise
        except Exception:  # noqa: BLE001 - whose it is shows when each is done alone
            return [done for one in works for done in self._alone(one)]
