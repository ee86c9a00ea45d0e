"""A scan in a thread of its own: a mount that hangs holds up that thread, and nothing else.

A call into a network file system whose server is gone does not come back, and cannot be interrupted from
inside the process. So nobody waits for one: the scan runs ahead in a thread that the process does not wait
for at its end, and whoever wants its values waits for the next one as long as the scan gets on.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator

from service.fetch.folder import FileSeen
from service.fetch.folder_files import Observer
from service.values import Failed, Reason

Scan = Callable[[Observer], Iterator[FileSeen]]

_AHEAD = 2  # values: each may hold a file
_LOOK = 0.25  # seconds between two looks at whether the scan gets on, while it gives nothing


class ScanThread(Iterator[FileSeen]):
    """The values of a scan, one after the other. Ends early, with a `Failed` (TIMEOUT), when it hangs.

    :param scan: makes the scan, given whom to tell of its way
    :param patience: seconds that one step (an entry of a folder, a mebibyte of a file) may take
    :param stopping: whether to end without the rest
    :param observer: is told of the scan's way, too
    """

    def __init__(
        self,
        name: str,
        scan: Scan,
        *,
        patience: float,
        stopping: Callable[[], bool] = lambda: False,
        observer: Observer | None = None,
    ) -> None:
        self._name = name
        self._patience = patience
        self._stopping = stopping
        self._values: queue.SimpleQueue[FileSeen | BaseException | None] = queue.SimpleQueue()
        self._room = threading.Semaphore(_AHEAD)
        self._way = _Way(observer or Observer())
        self._over = False
        self._thread = threading.Thread(target=self._run, args=(scan,), name=f"scan {name}", daemon=True)
        self._thread.start()

    @property
    def hangs(self) -> bool:
        """Whether the thread is still somewhere in a file system although nobody waits for it."""
        return self._over and self._thread.is_alive()

    def __next__(self) -> FileSeen:
        waited, steps = 0.0, self._way.steps
        while not self._over:
            if self._stopping():
                break
            try:
                value = self._values.get(timeout=min(_LOOK, self._patience))
            except queue.Empty:
                waited += min(_LOOK, self._patience)
                if self._way.steps != steps:
                    waited, steps = 0.0, self._way.steps
                elif waited >= self._patience:
                    self.close()
                    return self._timed_out()
                continue
            self._room.release()
            if value is None:
                break
            if isinstance(value, BaseException):
                self.close()
                raise value
            return value
        self.close()
        raise StopIteration

    def close(self) -> None:
        """Let the thread end at its next step; it is not waited for."""
        self._over = True
        self._way.abandoned = True
        self._room.release()

    def _timed_out(self) -> Failed:
        detail = f"the file system has not answered for {self._patience:g} s; is a server or a device gone?"
        return Failed(self._name, Reason.TIMEOUT, detail)

    # -- in the thread -------------------------------------------------------------------------------------

    def _run(self, scan: Scan) -> None:
        try:
            for value in scan(self._way):
                self._room.acquire()
                if self._way.abandoned:
                    return
                self._values.put(value)
        except _Abandoned:
            return
        except BaseException as error:  # noqa: BLE001 - it belongs to whoever reads the values
            self._values.put(error)
        else:
            self._values.put(None)


class _Abandoned(Exception):
    """Nobody wants the rest."""


class _Way(Observer):
    """Counts steps, passes on where the scan is, and ends it where nobody wants the rest."""

    def __init__(self, observer: Observer) -> None:
        self.steps = 0
        self.abandoned = False
        self._observer = observer

    def step(self) -> None:
        if self.abandoned:
            raise _Abandoned
        self.steps += 1
        self._observer.step()

    def unchanged(self) -> None:
        self._observer.unchanged()

    def folder(self, path: str, below: str) -> None:
        self._observer.folder(path, below)
        self.step()

    def whole(self) -> None:
        self._observer.whole()

    def missing(self) -> None:
        self._observer.missing()
