"""Claims what is due and looks at it: fetches in one event loop, folders in a few threads.

One tick claims as many sources as there is room for; it never waits for a look to end. Every look ends
with its source's next due time stored and its lease given back; where the database cannot take that, the
lease runs out and the source is claimed again.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from loguru import logger

from models import sources as source_store
from models.errors import StorageError
from models.records import PollRecord, SourceKind, SourceRecord, SourceState
from service.cadence import ScheduleKind, spread
from service.event_loop import EventLoop
from service.intake import FeedIntake
from service.intake_folder import FolderIntake
from service.looks import schedule_of
from service.tally import Tally
from service.values import Reason

if TYPE_CHECKING:
    from service.fetch.watching import Watcher

_FOLDER_THREADS = 4  # most of their time they wait for a disk or for the workers


@dataclass(frozen=True, slots=True)
class Capacity:
    """How much is looked at, at a time."""

    fetches: int = 32  # looks at feeds in flight
    per_host: int = 2  # of one registrable domain
    lease: timedelta = timedelta(minutes=10)
    floor: timedelta = timedelta(minutes=15)  # the shortest interval of a feed


# Seconds: over how long overdue feeds are spread at most, and for as many as are fetched at a time.
_LONGEST_SPREAD, _SPREAD_STEP = 600.0, 5.0


class Poller:
    """Looks at claimed sources, many at a time."""

    def __init__(
        self,
        *,
        feeds: FeedIntake,
        folders: FolderIntake,
        loop: EventLoop,
        owner: str,
        capacity: Capacity,
        clock: Callable[[], datetime],
        tally: Tally | None = None,
    ) -> None:
        self._tally = tally or Tally()
        self._feeds = feeds
        self._folders = folders
        self._loop = loop
        self._owner = owner
        self._capacity = capacity
        self._clock = clock
        self._threads = ThreadPoolExecutor(_FOLDER_THREADS, thread_name_prefix="folder")
        self._lock = threading.Lock()
        self._in_hand: dict[int, Future[PollRecord | None]] = {}
        self._stopping = threading.Event()
        self._watcher: Watcher | None = None

    def watch(self, watcher: Watcher) -> None:
        """Have folders due when the watcher says so; and all now, for what happened while nobody watched.

        :raises models.errors.StorageError: the database could not take it
        """
        folders = source_store.list_sources(states=(SourceState.ACTIVE,), kinds=(SourceKind.FOLDER,))
        chosen = [one.id for one in folders if schedule_of(one).kind is not ScheduleKind.CRON]
        source_store.hasten(chosen, self._clock())
        self._watcher = watcher

    def spread_overdue(self, *, new: bool = False) -> int:
        """Spread the feeds that are overdue over a while, where they are more than can be fetched at once.

        After a stop of hours everything is due: asked in one go, it would stay in one go for ever. The while
        grows with their number, up to the shortest interval or ten minutes. Gives how many were put off.

        :param new: only those that nobody has looked at yet
        :raises models.errors.StorageError: the database could not take it; they are due as they were
        """
        now, at_a_time = self._clock(), self._capacity.fetches
        waiting = source_store.overdue(now, new=new)
        if len(waiting) <= at_a_time:
            return 0
        floor = self._capacity.floor.total_seconds()
        window = min(floor, _LONGEST_SPREAD, len(waiting) / at_a_time * _SPREAD_STEP)
        source_store.reschedule(spread(waiting, now, window), now=now)
        kind = "new" if new else "overdue"
        logger.info("{} feeds are {}; they are spread over {:.0f} s", len(waiting), kind, window)
        return len(waiting)

    def tick(self) -> int:
        """Claim what is due and begin to look at it; gives how many were claimed.

        Where a list of feeds was added in the meantime, a few are looked at now and the others are spread.

        :raises models.errors.StorageError: the database does not answer; the next tick tries again
        """
        room = self._capacity.fetches - self.in_hand()
        begun = len(self.begin_due())
        if begun and begun >= room:
            self.spread_overdue(new=True)
        return begun

    def begin_due(self) -> dict[int, Future[PollRecord | None]]:
        """As `tick`; gives the looks that were begun, by source."""
        self._hasten()
        with self._lock:
            room = self._capacity.fetches - len(self._in_hand)
        if room <= 0 or self._stopping.is_set():
            return {}
        now = self._clock()
        claimed = source_store.claim(
            now,
            owner=self._owner,
            lease=self._capacity.lease,
            limit=room,
            per_host=self._capacity.per_host,
        )
        due = (source.next_poll_at for source in claimed)
        self._tally.claimed([(now - at).total_seconds() for at in due if at is not None])
        return {source.id: self._begin(source, force=False) for source in claimed}

    def poll(self, sources: Sequence[SourceRecord], *, force: bool) -> dict[int, Future[PollRecord | None]]:
        """Look at certain sources now, due or not; those that another process has in hand are left out."""
        claimed = source_store.claim_these(
            [source.id for source in sources],
            self._clock(),
            owner=self._owner,
            lease=self._capacity.lease,
        )
        return {source.id: self._begin(source, force=force) for source in claimed}

    def in_hand(self) -> int:
        """How many looks are under way."""
        with self._lock:
            return len(self._in_hand)

    def stop(self, deadline: float) -> int:
        """Begin nothing more, wait for what is in hand, and give the rest back; gives how many were left."""
        self._stopping.set()
        self._folders.stop()
        with self._lock:
            waiting = list(self._in_hand.values())
        wait(waiting, timeout=deadline)
        left = self.in_hand()
        self._threads.shutdown(wait=left == 0, cancel_futures=True)
        return left

    def _hasten(self) -> None:
        """Have the folders due in which something happened."""
        watcher = self._watcher
        stirred = watcher.due() if watcher is not None else []
        if watcher is None or not stirred:
            return
        hastened = source_store.hasten(stirred, self._clock())
        watcher.settled(hastened.due)
        for source_id in hastened.idle:
            watcher.forget(source_id)

    def _begin(self, source: SourceRecord, *, force: bool) -> Future[PollRecord | None]:
        future: Future[PollRecord | None]
        if source.kind is SourceKind.FEED:
            future = self._loop.submit(self._guarded(source, force=force))
        else:
            future = self._threads.submit(self._folder, source, force)
        with self._lock:
            self._in_hand[source.id] = future
        future.add_done_callback(lambda ended: self._ended(source, ended))
        return future

    def _ended(self, source: SourceRecord, future: Future[PollRecord | None]) -> None:
        with self._lock:
            self._in_hand.pop(source.id, None)
        if future.cancelled() or future.exception() is not None:
            return  # the process stops; the source is claimed again
        poll = future.result()
        if poll is None:
            self._tally.failed(source.kind, Reason.STORAGE)
        else:
            self._tally.polled(source.kind, poll)

    async def _guarded(self, source: SourceRecord, *, force: bool) -> PollRecord | None:
        with _named(source):
            try:
                return await self._feeds.poll(source, force=force)
            except StorageError as error:
                _not_stored(source, error)
            except Exception:  # noqa: BLE001 - one source must not cost the others; it is claimed again later
                logger.exception("looking at {} failed in a way nobody foresaw", source.location)
            return None

    def _folder(self, source: SourceRecord, force: bool) -> PollRecord | None:
        with _named(source):
            try:
                return self._folders.poll(source, force=force)
            except StorageError as error:
                _not_stored(source, error)
            except Exception:  # noqa: BLE001 - as above
                logger.exception("scanning {} failed in a way nobody foresaw", source.location)
            return None


@contextmanager
def _named(source: SourceRecord) -> Iterator[None]:
    """Give every line that is logged during a look its source and one word, to find them together by."""
    with logger.contextualize(source_id=source.id, poll=secrets.token_hex(4)):
        yield


def _not_stored(source: SourceRecord, error: StorageError) -> None:
    logger.error(
        "{} was looked at, but nothing could be stored: {}; it is looked at again when its lease ends",
        source.location,
        error,
    )
