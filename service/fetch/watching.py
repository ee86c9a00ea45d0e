"""Which watched folders something has happened in, told by the kernel (inotify(7)).

A word from here only makes a folder's next scan come soon; the scans stay the truth, because network mounts
send no events, queues overflow, and the number of watches is limited. The scan itself says which folders it
enters (`Arming.folder`), each before it is listed: so what comes after the listing is told, what came before
it was listed, patterns hold for watches, too, and a folder that was mounted again is watched again.
"""

from __future__ import annotations

import errno
import os
import select
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from inotify_simple import Event, INotify, flags, parse_events
from loguru import logger

from service.fetch.folder_files import Observer

# May a name in a folder count? (is it a folder, its name, its path below the watched one)
Counts = Callable[[bool, str, str], bool]

_MASK = (
    flags.CLOSE_WRITE | flags.MOVED_TO | flags.MOVED_FROM | flags.CREATE | flags.DELETE | flags.ATTRIB
    | flags.DELETE_SELF | flags.MOVE_SELF | flags.ONLYDIR | flags.EXCL_UNLINK
)  # fmt: skip
_AWAITING = flags.CREATE | flags.MOVED_TO | flags.ONLYDIR | flags.MASK_ADD
_OF_ITSELF = flags.DELETE_SELF | flags.MOVE_SELF | flags.UNMOUNT
_GATHER = 0.1  # seconds that events pile up in the kernel, which joins equal ones, before they are read
_BUFFER = 256 * 1024  # bytes read at once
_PATIENCE = 30.0  # seconds: a folder that is never still is scanned all the same
_SHARE = 9  # a folder is left alone nine times as long as walking through it takes
_MOUNTS = "/proc/self/mountinfo"  # polls as ready when file systems come and go (proc(5))


class _NoMoreWatches(Exception):
    """The kernel's limit is reached."""


@dataclass(slots=True)
class _Stirred:
    """A folder in which something happened, in seconds of the clock."""

    first: float
    last: float


class Watcher:
    """Watches the folders that scans walk through, for all sources together, in one thread.

    :param still_for: seconds without news from a folder after which it is worth a scan
    :param clock: seconds that only ever grow
    :raises OSError: the kernel gives no (further) inotify instance; scans alone must do
    """

    def __init__(self, *, still_for: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._inotify = INotify(nonblocking=True)
        self._still_for = still_for
        self._clock = clock
        self._lock = threading.RLock()
        self._news = threading.Condition(self._lock)
        self._places: dict[int, dict[int, _Place]] = defaultdict(dict)  # watch → source → what it is there
        self._watches: dict[int, set[int]] = defaultdict(set)  # source → watches
        self._stirred: dict[int, _Stirred] = {}
        self._rested: dict[int, float] = {}  # when a source may be scanned again
        self._told_limit = False
        self._closing, self._wake = os.pipe()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._thread.start()

    # -- what scans tell -----------------------------------------------------------------------------------

    def arm(self, source_id: int, root: str, counts: Counts) -> Arming:
        """For one scan of a source's folder: what it enters is watched from then on."""
        return Arming(self, source_id, root, counts)

    def rest(self, source_id: int, walking: float) -> None:
        """Leave a source alone for nine times as long as walking through it took, so that a large folder in
        which something happens all the time takes a tenth of a processor, not all of it."""
        with self._lock:
            self._rested[source_id] = self._clock() + _SHARE * walking

    def stir(self, source_ids: Iterable[int]) -> None:
        """Say that something may have happened in folders."""
        now = self._clock()
        with self._lock:
            for source_id in source_ids:
                self._stir(source_id, now)

    # -- what the poller asks ------------------------------------------------------------------------------

    def due(self) -> list[int]:
        """The sources that are worth a scan now; they stay so until they are `settled`."""
        now = self._clock()
        with self._lock:
            return [source_id for source_id, one in self._stirred.items() if self._due(source_id, one) <= now]

    def wait(self, timeout: float) -> list[int]:
        """Wait, so many seconds at most, until something happens in a folder; gives in whose, due or not."""
        with self._news:
            self._news.wait_for(lambda: self._stirred, timeout)
            return list(self._stirred)

    def settled(self, source_ids: Iterable[int]) -> None:
        """Sources whose scan is under way, or that need none."""
        with self._lock:
            for source_id in source_ids:
                self._stirred.pop(source_id, None)

    def forget(self, source_id: int) -> None:
        """Watch a source's folders no more."""
        with self._lock:
            self._drop(source_id, list(self._watches.pop(source_id, ())))
            self._stirred.pop(source_id, None)
            self._rested.pop(source_id, None)

    def watched(self, source_id: int) -> int:
        """How many folders of a source are watched."""
        with self._lock:
            return len(self._watches.get(source_id, ()))

    def close(self) -> None:
        """End the thread and give all watches back."""
        if self._wake < 0:
            return
        os.close(self._wake)
        self._wake = -1
        self._thread.join()
        self._inotify.close()
        os.close(self._closing)

    def _due(self, source_id: int, one: _Stirred) -> float:
        patience = max(_PATIENCE, 5 * self._still_for)
        still = min(one.last + self._still_for, one.first + patience)
        return max(still, self._rested.get(source_id, still))

    # -- watches -------------------------------------------------------------------------------------------

    def _add(self, path: str, mask: int) -> int | None:
        """The watch of a folder, None where it cannot have one. Raises _NoMoreWatches."""
        try:
            return int(self._inotify.add_watch(path, mask))
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.ENOMEM):
                self._tell_limit(path)
                raise _NoMoreWatches from error
            return None  # it went away meanwhile, or may not be read
        except ValueError:  # closed: a scan outlives the stop
            return None

    def _tell_limit(self, path: str) -> None:
        if not self._told_limit:
            self._told_limit = True
            logger.warning(
                "{}: no more folders can be watched (sysctl fs.inotify.max_user_watches is {}); what happens "
                "in this and further ones is found by the regular scans",
                path,
                _limit(),
            )

    def _keep(self, watch: int, source_id: int, place: _Place) -> None:
        with self._lock:
            self._places[watch][source_id] = place
            self._watches[source_id].add(watch)

    def _keep_only(self, source_id: int, watches: Collection[int]) -> None:
        """After a whole scan: folders that it did not enter are none of the source's any more."""
        with self._lock:
            old = self._watches[source_id] - set(watches)
            self._watches[source_id] -= old
            self._drop(source_id, old)

    def _drop(self, source_id: int, watches: Iterable[int]) -> None:
        for watch in watches:
            sharing = self._places.get(watch)
            if sharing is None:
                continue
            sharing.pop(source_id, None)
            if not sharing:
                del self._places[watch]
                with suppress(OSError):  # the folder went, and the watch with it
                    self._inotify.rm_watch(watch)

    # -- the thread ----------------------------------------------------------------------------------------

    def _run(self) -> None:
        poll = select.poll()
        poll.register(self._closing, select.POLLHUP)
        poll.register(self._inotify.fileno(), select.POLLIN)
        mounts = _open_mounts()
        if mounts is not None:
            poll.register(mounts, select.POLLPRI)
        gather = select.poll()
        gather.register(self._closing, select.POLLHUP)
        try:
            while True:
                ready = {handle for handle, _ in poll.poll()}
                if self._closing in ready:
                    return
                if mounts in ready:
                    self._stir_all()
                if self._inotify.fileno() in ready:
                    if gather.poll(_GATHER * 1000):
                        return
                    self._take(parse_events(os.read(self._inotify.fileno(), _BUFFER)))
        finally:
            if mounts is not None:
                os.close(mounts)

    def _take(self, events: Iterable[Event]) -> None:
        now = self._clock()
        with self._lock:
            for event in events:
                if event.mask & flags.Q_OVERFLOW:
                    for source_id in self._watches:
                        self._stir(source_id, now)
                places = self._places.get(event.wd, {})
                for source_id, place in places.items():
                    if event.mask & (_OF_ITSELF | flags.IGNORED) or place.concerns(event):
                        self._stir(source_id, now)
                if event.mask & flags.IGNORED:
                    for source_id in self._places.pop(event.wd, {}):
                        self._watches[source_id].discard(event.wd)

    def _stir_all(self) -> None:
        now = self._clock()
        with self._lock:
            for source_id in self._watches:
                self._stir(source_id, now)

    def _stir(self, source_id: int, now: float) -> None:
        one = self._stirred.setdefault(source_id, _Stirred(now, now))
        one.last = now
        self._news.notify_all()


@dataclass(frozen=True, slots=True)
class _Place:
    """What a watched folder is to a source."""

    below: str  # its path below the source's folder
    counts: Counts | None = None  # None: it is above the source's folder, which is not there
    awaited: str = ""  # and this is the next part of the way to it

    def concerns(self, event: Event) -> bool:
        """Whether an event says that a scan would find something."""
        if self.counts is None:
            return bool(event.name == self.awaited)
        if not event.name:
            return False  # the folder's own attributes
        inside = f"{self.below}/{event.name}" if self.below else event.name
        return self.counts(bool(event.mask & flags.ISDIR), event.name, inside)


class Arming(Observer):
    """One scan's way through a folder; used in the scan's thread alone."""

    def __init__(self, watcher: Watcher, source_id: int, root: str, counts: Counts) -> None:
        self._watcher = watcher
        self._source_id = source_id
        self._root = root
        self._counts = counts
        self._entered: set[int] = set()
        self._full = False

    def folder(self, path: str, below: str) -> None:
        """The scan is about to list a folder. Past the limit of watches it goes on without."""
        if self._full:
            return
        try:
            watch = self._watcher._add(path, _MASK)
        except _NoMoreWatches:
            self._full = True
            return
        if watch is not None:
            self._entered.add(watch)
            self._watcher._keep(watch, self._source_id, _Place(below, self._counts))

    def whole(self) -> None:
        """The scan saw everything."""
        if not self._full:
            self._watcher._keep_only(self._source_id, self._entered)

    def missing(self) -> None:
        """The source's folder is not there: wait for it at the nearest one above it that is."""
        path = Path(self._root)
        for above in path.parents:
            try:
                watch = self._watcher._add(str(above), _AWAITING)
            except _NoMoreWatches:
                return
            if watch is not None:
                awaited = path.relative_to(above).parts[0]
                self._watcher._keep(watch, self._source_id, _Place("", None, awaited))
                self._watcher._keep_only(self._source_id, {watch})
                if (above / awaited).exists():
                    self._watcher.stir([self._source_id])  # it came between the look and the watch
                return


def _limit() -> str:
    try:
        return Path("/proc/sys/fs/inotify/max_user_watches").read_text(encoding="ascii").strip()
    except OSError:
        return "unknown"


def _open_mounts() -> int | None:
    try:
        return os.open(_MOUNTS, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
