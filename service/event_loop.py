"""asyncio beside threads: one loop for everything that waits for a network."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")

_BEAT = 0.5  # seconds
_BEATS_KEPT = 120  # a minute of them


class EventLoop:
    """An asyncio event loop in a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._late: deque[float] = deque([0.0], maxlen=_BEATS_KEPT)
        self._loop.call_later(_BEAT, self._beat, self._loop.time() + _BEAT)
        self._thread = threading.Thread(target=self._loop.run_forever, name="fetch", daemon=True)
        self._thread.start()

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Run a coroutine there."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def stall(self) -> float:
        """The longest time, in seconds, that something ready had to wait for its turn in the last minute.

        What holds the loop up (work that should be in a thread or a worker, a machine without any processor
        to spare) holds up every fetch.
        """
        return max(self._late.copy())

    def _beat(self, due: float) -> None:
        now = self._loop.time()
        self._late.append(now - due)
        self._loop.call_at(now + _BEAT, self._beat, now + _BEAT)

    def close(self) -> None:
        """End the loop; coroutines still running are cancelled."""
        self.submit(self._cancel_all()).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @staticmethod
    async def _cancel_all() -> None:
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
