"""Containers taken apart in a process of their own, a batch at a time.

Reading an archive is decompression and splitting of whatever somebody made: it can hang, or ask for all the
memory there is. So one process with a memory limit holds the open container and gives out its pieces, each
batch within the deadline of a document; the pieces go to the `service.workers`. A process that overruns is
killed and replaced; the container is recorded with the reason, and what it gave before stands.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pebble import ProcessPool

from service.confinement import confine
from service.errors import ParseFailure
from service.fetch.folder_files import Patterns
from service.parse.container import Limits, Piece, Trouble, pieces
from service.values import Reason

MAX_BATCH = 100  # pieces
MAX_BATCH_BYTES = 2_000_000

State = tuple[int, int, int]  # a file's size, time and inode


@dataclass(frozen=True, slots=True)
class Batch:
    """Some of a container's pieces, in their order. The last one says how it ended."""

    items: tuple[Piece | Trouble, ...]
    ended: bool = False
    failure: ParseFailure | None = None  # why it ended early
    changed: bool = False  # the file is not what it was when it was found


@dataclass(slots=True)
class _Open:
    """The container that this process has open."""

    file: BinaryIO
    state: State
    pieces: Iterator[Piece | Trouble]


_open: _Open | None = None


def _begin(path: str, state: State, limits: Limits, exclude: tuple[str, ...]) -> Batch:
    global _open  # noqa: PLW0603 - a process has one container open
    _close()
    file = Path(path).open("rb")  # noqa: SIM115 - closed with its last batch
    patterns = Patterns((), exclude)
    _open = _Open(
        file,
        state,
        pieces(
            file,
            Path(path).name,
            limits=limits,
            size=state[0],
            wanted=lambda name: patterns.file(name, name),
        ),
    )
    return _next()


def _next() -> Batch:
    assert _open is not None
    items: list[Piece | Trouble] = []
    size = 0
    failure: ParseFailure | None = None
    try:
        for one in _open.pieces:
            items.append(one)
            size += one.size if isinstance(one, Piece) else 0
            if len(items) >= MAX_BATCH or size >= MAX_BATCH_BYTES:
                return Batch(tuple(items))
    except ParseFailure as error:
        failure = error
    found = os.fstat(_open.file.fileno())
    changed = (found.st_size, found.st_mtime_ns, found.st_ino) != _open.state
    _close()
    return Batch(tuple(items), ended=True, failure=failure, changed=changed)


def _close() -> None:
    global _open  # noqa: PLW0603
    if _open is not None:
        _open.file.close()
        _open = None


class Unpacker:
    """One process that takes containers apart, one after the other; started when it is first needed."""

    def __init__(self, *, deadline: float, memory_limit: int) -> None:
        self._deadline = deadline
        self._memory_limit = memory_limit
        self._starting = threading.Lock()
        self._one = threading.Lock()  # at a time
        self._pool: ProcessPool | None = None

    def unpack(
        self, path: str, state: State, *, limits: Limits, exclude: Sequence[str] = ()
    ) -> Iterator[Batch]:
        """The batches of a container; the next one is made while this one is used.

        Raises whatever ended the process (`service.workers.explain_failure` says what it means) and OSError.
        """
        with self._one:
            future = self._schedule(_begin, path, state, limits, tuple(exclude))
            while True:
                batch: Batch = future.result()
                if batch.ended:
                    yield batch
                    return
                future = self._schedule(_next)
                yield batch

    def close(self) -> None:
        """End the process at once."""
        with self._starting:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.stop()  # type: ignore[no-untyped-call]
            pool.join()

    def _schedule(self, work: Callable[..., Batch], *arguments: object) -> Future[Batch]:
        with self._starting:
            if self._pool is None:
                self._pool = ProcessPool(
                    max_workers=1,
                    max_tasks=0,  # it has the container open: a new one would not
                    initializer=confine,
                    initargs=(self._memory_limit,),
                    context=multiprocessing.get_context("spawn"),
                )
            return self._pool.schedule(work, args=arguments, timeout=self._deadline)


def gone(error: OSError) -> ParseFailure:
    """Why a container could not be opened in its place."""
    return ParseFailure(Reason.UNREADABLE, error.strerror or str(error))
