"""What hubs deliver, between its arrival and its reading: a bounded place to wait in.

A hub wants its answer at once, and reading takes as long as it takes. What waits is bounded in number, in
number for one subscription, and in bytes; who finds no room is asked to come again (503), as hubs do. What is
lost with the process was no article's only way: polling goes on.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from loguru import logger

from models.errors import StorageError
from models.websub import Subscription
from service.event_loop import EventLoop


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery whose signature was right."""

    subscription: Subscription
    body: bytes = field(repr=False)  # as it was sent
    content_type: str
    content_encoding: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much may wait, what is being read included."""

    places: int = 64
    of_one: int = 8  # subscription
    size: int = 64_000_000  # bytes, of all together
    at_once: int = 2  # read at a time


@dataclass(slots=True)
class _Turn:
    """Of a source: one delivery after the other."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0


class Inbox:
    """Holds deliveries until ``take`` has read them, those of one source in the order of their arrival."""

    def __init__(
        self, take: Callable[[Delivery], Coroutine[Any, Any, object]], *, loop: EventLoop, bounds: Bounds
    ) -> None:
        self._take = take
        self._loop = loop
        self._bounds = bounds
        self._lock = threading.Lock()
        self._places = Counter[int]()
        self._size = 0
        self._waiting: set[Future[None]] = set()
        self._stopping = False
        self.held = False  # nothing is taken in for now: there is no room to store it
        # Used inside the loop alone.
        self._slots = asyncio.Semaphore(bounds.at_once)
        self._turns: dict[int, _Turn] = {}

    def enter(self, subscription_id: int) -> Place | None:
        """A place for a delivery that is about to be received; None where there is no room."""
        with self._lock:
            full = self._places.total() >= self._bounds.places
            if self._stopping or self.held or full or self._places[subscription_id] >= self._bounds.of_one:
                return None
            self._places[subscription_id] += 1
        return Place(self, subscription_id)

    def put(self, place: Place, delivery: Delivery) -> Future[None]:
        """Have a delivery read; its place is free again when that is done."""
        future = self._loop.submit(self._guarded(delivery))
        with self._lock:
            self._waiting.add(future)

        def done(_: Future[None]) -> None:
            place.leave()
            with self._lock:
                self._waiting.discard(future)

        future.add_done_callback(done)
        return future

    def depth(self) -> int:
        """How many deliveries are being received, wait or are being read."""
        with self._lock:
            return self._places.total()

    def settle(self, deadline: float) -> int:
        """Wait up to so many seconds for what is in it now; gives how many deliveries were left."""
        with self._lock:
            waiting = set(self._waiting)
        return len(wait(waiting, timeout=deadline).not_done)

    def stop(self, deadline: float) -> int:
        """Take nothing more in, and settle."""
        with self._lock:
            self._stopping = True
        return self.settle(deadline)

    def _grow(self, size: int) -> bool:
        with self._lock:
            if self._size + size > self._bounds.size:
                return False
            self._size += size
            return True

    def _leave(self, subscription_id: int, size: int) -> None:
        with self._lock:
            self._size -= size
            self._places[subscription_id] -= 1
            if not self._places[subscription_id]:
                del self._places[subscription_id]

    async def _guarded(self, delivery: Delivery) -> None:
        source_id, hub = delivery.subscription.source_id, delivery.subscription.hub
        turn = self._turns.setdefault(source_id, _Turn())
        turn.users += 1
        try:
            async with turn.lock, self._slots:
                await self._take(delivery)
        except StorageError as error:
            logger.error("a delivery of the hub {} was read, but could not be stored: {}", hub, error)
        except Exception:  # noqa: BLE001 - one delivery must not cost the others
            logger.exception("reading a delivery of the hub {} failed in a way nobody foresaw", hub)
        finally:
            turn.users -= 1
            if not turn.users:
                del self._turns[source_id]


class Place:
    """Room for one delivery, growing with what of it has arrived."""

    def __init__(self, inbox: Inbox, subscription_id: int) -> None:
        self._inbox = inbox
        self._subscription_id = subscription_id
        self._size = 0
        self._left = False

    def grow(self, size: int) -> bool:
        """Make room for so many bytes more; False where there is none."""
        if not self._inbox._grow(size):
            return False
        self._size += size
        return True

    def leave(self) -> None:
        """Give the room back; a second time does nothing."""
        if not self._left:
            self._left = True
            self._inbox._leave(self._subscription_id, self._size)
