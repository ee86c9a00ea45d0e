"""One writer for the whole process: stores are queued and committed together, in short transactions.

SQLite has one writer at a time anyway, and a commit costs more than the rows of a feed. What waits in the
queue goes into one transaction, each piece of work in a savepoint of its own, so that one that fails takes
nothing else with it. A result is given out only after the commit: what a caller sees is kept.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from models.database import Database, Lock
from models.errors import DatabaseUnavailable

T = TypeVar("T")

# A transaction holds the database: other processes wait for it, so it stays short.
MAX_BATCH = 64

_Work = tuple[Callable[[], Any], "Future[Any]"]


class Writer:
    """A thread that carries out pieces of work in the order they were given, in shared transactions."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queue: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._closing = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[], T]) -> Future[T]:
        """Queue a piece of work; its result arrives after the commit, its error after the roll-back.

        :raises RuntimeError: the writer is closed
        """
        future: Future[T] = Future()
        with self._closing:
            if self._closed:
                raise RuntimeError("the writer is closed")
            self._queue.put((work, future))
        return future

    def depth(self) -> int:
        """How many pieces of work wait."""
        return self._queue.qsize()

    def close(self) -> None:
        """Carry out what is queued, then end."""
        with self._closing:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        ending = False
        while not ending:
            batch: list[_Work] = []
            item = self._queue.get()
            while item is not None:
                batch.append(item)
                if len(batch) >= MAX_BATCH:
                    break
                try:
                    item = self._queue.get_nowait()
                except queue.Empty:
                    break
            else:
                ending = True
            if batch:
                self._carry_out(batch)

    def _carry_out(self, batch: list[_Work]) -> None:
        done: list[tuple[Future[Any], Any]] = []
        try:
            with self._database.session(), self._database.transaction():
                # First of all locks: a batch that already holds a source's row would else wait for a process
                # that has this one and waits for the row (what a hub delivers is stored under no lease).
                self._database.lock(Lock.WRITE)
                for work, future in batch:
                    if not future.set_running_or_notify_cancel():
                        continue
                    try:
                        with self._database.transaction():
                            done.append((future, work()))
                    except DatabaseUnavailable:
                        raise  # a full disk has taken the whole transaction with it
                    except Exception as error:  # noqa: BLE001 - it belongs to whoever asked
                        future.set_exception(error)
        except Exception as error:  # noqa: BLE001 - nothing of the batch is kept
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        for future, result in done:
            future.set_result(result)
