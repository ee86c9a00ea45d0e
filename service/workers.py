"""The pure middle in processes of its own: hostile input can cost a worker, never the daemon.

A parse can take seconds and gigabytes, and a fault in a C library takes its process with it. So parsing,
cleaning and tagging run in workers with a memory limit and a deadline; a worker that overruns is killed
and replaced, and the document is recorded with the reason.
"""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import replace
from datetime import datetime
from time import perf_counter
from types import TracebackType
from typing import Any, Self

from pebble import ProcessExpired, ProcessPool

from service.confinement import confine
from service.errors import ParseFailure
from service.handover import Handover
from service.parse.container import Piece
from service.reading import Reading, Timing, read_document, read_feed, read_pieces
from service.reading_page import read_page
from service.tagging import Tagger, Taxonomy
from service.tally import Tally
from service.unpacking import Unpacker
from service.values import Article, Fetched, Reason, Tag

# A parse of the largest body allowed (feedparser takes 6 to 14 times the document) fits well below this.
MEMORY_LIMIT = 3 << 30


class _Clocked(Tagger):
    """Keeps how long each article took."""

    def __init__(self, taxonomy: Taxonomy) -> None:
        super().__init__(taxonomy)
        self.seconds: list[float] = []

    def tag(
        self, title: str, text: str, *, language: str | None = None, priors: Mapping[str, float] | None = None
    ) -> tuple[Tag, ...]:
        begun = perf_counter()
        try:
            return super().tag(title, text, language=language, priors=priors)
        finally:
            self.seconds.append(perf_counter() - begun)


_tagger: _Clocked | None = None  # of this worker process, made once by its initialiser


def _start(taxonomy: Taxonomy, memory_limit: int) -> None:
    global _tagger  # noqa: PLW0603 - a worker process serves one taxonomy for its whole life
    confine(memory_limit)
    _tagger = _Clocked(taxonomy)


def _timed(read: Callable[[Tagger], Reading]) -> Reading:
    assert _tagger is not None
    _tagger.seconds.clear()
    begun = perf_counter()
    reading = read(_tagger)
    return replace(reading, timing=Timing(perf_counter() - begun, tuple(_tagger.seconds)))


def _feed(fetched: Fetched, **known: Any) -> Reading:
    return _timed(lambda tagger: read_feed(fetched, tagger=tagger, **known))


def _document(
    body: bytes,
    name: str,
    *,
    fetched_at: datetime,
    path: str | None,
    skip: frozenset[str],
    priors: Mapping[str, float],
    day_first: bool | None,
    furniture: frozenset[int] | None,
) -> Reading:
    return _timed(
        lambda tagger: read_document(
            body,
            name,
            tagger=tagger,
            fetched_at=fetched_at,
            path=path,
            skip=skip,
            priors=priors,
            day_first=day_first,
            furniture=furniture,
        )
    )


def _pieces(
    pieces: tuple[Piece, ...],
    name: str,
    *,
    fetched_at: datetime,
    path: str | None,
    priors: Mapping[str, float],
    day_first: bool | None,
    furniture: frozenset[int] | None,
) -> Reading:
    return _timed(
        lambda tagger: read_pieces(
            pieces,
            name=name,
            tagger=tagger,
            fetched_at=fetched_at,
            path=path,
            priors=priors,
            day_first=day_first,
            furniture=furniture,
        )
    )


def _page(article: Article, page: Fetched, **known: Any) -> Reading:
    return _timed(lambda tagger: read_page(article, page, tagger=tagger, **known))


class Workers:
    """Worker processes that read documents; every result is a `Reading` or a `ParseFailure`."""

    def __init__(
        self,
        taxonomy: Taxonomy,
        *,
        processes: int = 1,
        deadline: float = 30.0,
        memory_limit: int = MEMORY_LIMIT,
        tally: Tally | None = None,
    ) -> None:
        """Prepare ``processes`` workers; each document has ``deadline`` seconds and ``memory_limit`` bytes.

        ``taxonomy`` is handed over as it is: a topics file that is broken later harms no worker. ``tally``
        counts what they read.
        """
        self._tally = tally
        self._lock = threading.Lock()
        self._in_hand = 0
        self.deadline = deadline
        self._processes = processes
        self._memory_limit = memory_limit
        self._pool = self._new_pool(taxonomy)
        self.unpacker = Unpacker(deadline=deadline, memory_limit=memory_limit)

    def _new_pool(self, taxonomy: Taxonomy) -> ProcessPool:
        return ProcessPool(
            max_workers=self._processes,
            # Memory that a library leaks is given back by a new process now and then.
            max_tasks=2000,
            initializer=_start,
            initargs=(Handover(taxonomy), self._memory_limit),
            # Forking a process that has threads and an event loop copies their locks in any state.
            context=multiprocessing.get_context("spawn"),
        )

    def replace(self, taxonomy: Taxonomy) -> None:
        """Tag by another taxonomy from the next document on; what the old workers have, they finish."""
        old, self._pool = self._pool, self._new_pool(taxonomy)
        old.close()  # type: ignore[no-untyped-call]

    def read_feed(
        self,
        fetched: Fetched,
        *,
        fetched_at: datetime,
        skip: Collection[str] = (),
        priors: Mapping[str, float] | None = None,
        furniture: frozenset[int] | None = frozenset(),
    ) -> Future[Reading]:
        """Begin to read a feed document (see `service.reading.read_feed`)."""
        return self._schedule(
            _feed,
            (fetched,),
            {
                "fetched_at": fetched_at,
                "skip": frozenset(skip),
                "priors": dict(priors or {}),
                "furniture": furniture,
            },
        )

    def read_page(
        self,
        article: Article,
        page: Fetched,
        *,
        fetched_at: datetime,
        priors: Mapping[str, float] | None = None,
        furniture: frozenset[int] | None = frozenset(),
    ) -> Future[Reading]:
        """Begin to read an entry's page (see `service.reading_page.read_page`)."""
        known = {"fetched_at": fetched_at, "priors": dict(priors or {}), "furniture": furniture}
        return self._schedule(_page, (article, page), known)

    def read_document(
        self,
        body: bytes,
        name: str,
        *,
        fetched_at: datetime,
        path: str | None = None,
        skip: Collection[str] = (),
        priors: Mapping[str, float] | None = None,
        day_first: bool | None = None,
        furniture: frozenset[int] | None = frozenset(),
    ) -> Future[Reading]:
        """Begin to read a file (see `service.reading.read_document`)."""
        return self._schedule(
            _document,
            (body, name),
            {
                "fetched_at": fetched_at,
                "path": path,
                "skip": frozenset(skip),
                "priors": dict(priors or {}),
                "day_first": day_first,
                "furniture": furniture,
            },
        )

    def read_pieces(
        self,
        pieces: Sequence[Piece],
        name: str,
        *,
        fetched_at: datetime,
        path: str | None = None,
        priors: Mapping[str, float] | None = None,
        day_first: bool | None = None,
        furniture: frozenset[int] | None = frozenset(),
    ) -> Future[Reading]:
        """Begin to read pieces of a container (see `service.reading.read_pieces`)."""
        return self._schedule(
            _pieces,
            (tuple(pieces), name),
            {
                "fetched_at": fetched_at,
                "path": path,
                "priors": dict(priors or {}),
                "day_first": day_first,
                "furniture": furniture,
            },
        )

    def depth(self) -> int:
        """How many documents wait for a worker or are being read."""
        with self._lock:
            return self._in_hand

    def _schedule(
        self, work: Callable[..., Reading], arguments: tuple[Any, ...], named: dict[str, Any]
    ) -> Future[Reading]:
        future: Future[Reading] = self._pool.schedule(
            work, args=arguments, kwargs=named, timeout=self.deadline
        )
        with self._lock:
            self._in_hand += 1
        future.add_done_callback(self._ended)
        return future

    def _ended(self, future: Future[Reading]) -> None:
        with self._lock:
            self._in_hand -= 1
        if self._tally is None or future.cancelled() or future.exception() is not None:
            return
        timing = future.result().timing
        if timing is not None:
            self._tally.read(timing.whole, timing.tagging)

    def close(self, *, wait: bool = True) -> None:
        """End the workers: after what they have in hand, or at once."""
        self.unpacker.close()
        if wait:
            self._pool.close()  # type: ignore[no-untyped-call]
        else:
            self._pool.stop()  # type: ignore[no-untyped-call]
        self._pool.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(wait=error is None)


def explain_failure(error: BaseException, deadline: float) -> ParseFailure:
    """What a worker's end means, as a failure to record on the source.

    :raises BaseException: the error itself where it is no matter of the document (a cancelled task)
    """
    match error:
        case ParseFailure():
            return error
        case FutureTimeout():
            return ParseFailure(Reason.PARSE_TIMEOUT, f"not read within {deadline:g} s; the worker was ended")
        case ProcessExpired():
            return ParseFailure(
                Reason.PARSE_CRASH, f"the worker process died (exit code {error.exitcode}) while reading it"
            )
        case MemoryError():
            return ParseFailure(Reason.TOO_COMPLEX, "reading it takes more memory than a worker may have")
        case RecursionError():
            return ParseFailure(Reason.TOO_COMPLEX, "it is nested too deeply to be read")
        case Exception():
            failure = ParseFailure(Reason.INTERNAL, f"{type(error).__name__}: {error}"[:500])
            failure.__cause__ = error
            return failure
    raise error
