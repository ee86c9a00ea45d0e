"""Asks hubs: for what is wanted, for longer leases, and to stop.

One step claims what is due and begins to ask; it never waits for an answer. Each request ends with its next
time stored; where that cannot be, the claim runs out and the hub is asked again. What a hub answers is only
that it took the request: that it believes us it says later, at our callback (`service.web.hubs`).
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass
from datetime import datetime, timedelta

from loguru import logger

from models import sources as source_store
from models import websub
from models.errors import StorageError
from models.records import SourceRecord
from models.websub import Subscription
from service.clean.urls import registrable_domain
from service.event_loop import EventLoop
from service.fetch.forms import Form, Taken, send_form
from service.fetch.http import Fetcher
from service.fetch.politeness import Politeness
from service.values import Failed, Reason
from service.websub import lease
from service.writer import Writer

IN_HAND = 8  # requests at a time
_HOLD = timedelta(minutes=10)  # longer than a request and its turn at the hub can take
_RECONCILE_EVERY = timedelta(seconds=5)
_REST, _LONGEST_REST = 30, 120  # seconds that a hub's domain rests after a 429


@dataclass(frozen=True, slots=True)
class Callback:
    """Where hubs reach us: the address before the token, and the lease that is asked for."""

    base: str  # ends in a slash
    lease: timedelta

    def url(self, subscription: Subscription) -> str:
        """The callback of a subscription, as its hub knows it."""
        return (subscription.callback or self.base) + subscription.token


class Subscriber:
    """Sends requests to hubs, a few at a time."""

    def __init__(
        self,
        *,
        fetcher: Fetcher,
        politeness: Politeness,
        loop: EventLoop,
        writer: Writer,
        callback: Callback,
        clock: Callable[[], datetime],
    ) -> None:
        self._fetcher = fetcher
        self._politeness = politeness
        self._loop = loop
        self._writer = writer
        self._callback = callback
        self._clock = clock
        self._lock = threading.Lock()
        self._in_hand: set[Future[None]] = set()
        self._stopping = threading.Event()
        self._reconciled: datetime | None = None

    def step(self) -> list[Future[None]]:
        """Begin to ask what is due; gives the requests that were begun.

        :raises models.errors.StorageError: the database does not answer; the next step tries again
        """
        now = self._clock()
        if self._reconciled is None or abs(now - self._reconciled) >= _RECONCILE_EVERY:
            websub.reconcile(self._callback.base, now)
            self._reconciled = now
        with self._lock:
            room = IN_HAND - len(self._in_hand)
        if room <= 0 or self._stopping.is_set():
            return []
        claimed = websub.claim(self._callback.base, now, hold=_HOLD, limit=room)
        return [self._begin(subscription) for subscription in claimed]

    def stop(self, deadline: float) -> int:
        """Begin nothing more, and wait up to so many seconds; gives how many requests were left."""
        self._stopping.set()
        with self._lock:
            waiting = set(self._in_hand)
        return len(wait(waiting, timeout=deadline).not_done)

    def _begin(self, subscription: Subscription) -> Future[None]:
        future = self._loop.submit(self._guarded(subscription))
        with self._lock:
            self._in_hand.add(future)
        future.add_done_callback(self._ended)
        return future

    def _ended(self, future: Future[None]) -> None:
        with self._lock:
            self._in_hand.discard(future)

    async def _guarded(self, subscription: Subscription) -> None:
        try:
            await self._ask(subscription)
        except StorageError as error:
            logger.error("the hub {} was asked, but that could not be stored: {}", subscription.hub, error)
        except Exception:  # noqa: BLE001 - one hub must not cost the others; it is asked again later
            logger.exception("asking the hub {} failed in a way nobody foresaw", subscription.hub)

    async def _ask(self, subscription: Subscription) -> None:
        source = await asyncio.to_thread(_source_of, subscription)
        form = Form(
            subscription.hub,
            self._fields(subscription),
            allow_private=_may_be_private(source, subscription.hub),
            proxy=str(source.options["proxy"]) if "proxy" in source.options else None,
        )
        domain = registrable_domain(subscription.hub)
        async with self._politeness.turn(domain):
            result = await send_form(self._fetcher, form, now=self._clock())
        if isinstance(result, Failed) and result.reason is Reason.RATE_LIMITED:
            self._politeness.rest(domain, min(result.hints.retry_after or _REST, _LONGEST_REST))
        now = self._clock()
        await asyncio.wrap_future(self._writer.submit(lambda: _note(subscription, result, now)))
        if isinstance(result, Failed):
            logger.warning(
                "{}: the hub {} did not take the request to {}: {}: {}",
                source.location,
                subscription.hub,
                subscription.pending,
                result.reason,
                result.detail,
            )
        else:
            logger.debug(
                "{}: the hub {} took the request to {}",
                source.location,
                subscription.hub,
                subscription.pending,
            )

    def _fields(self, subscription: Subscription) -> tuple[tuple[str, str], ...]:
        """What is sent (section 5.1). The secret goes to hubs without TLS as well, for want of a better way:
        who can read the request can read the callback, too, and without a secret that alone would do."""
        mode = subscription.pending or "subscribe"
        fields = [
            ("hub.mode", mode),
            ("hub.topic", subscription.topic),
            ("hub.callback", self._callback.url(subscription)),
            ("hub.verify", "async"),  # hubs of the time before the Recommendation insist on it
        ]
        if mode == "subscribe":
            fields += [
                ("hub.lease_seconds", str(int(self._callback.lease.total_seconds()))),
                ("hub.secret", subscription.secret),
            ]
        return tuple(fields)


def _source_of(subscription: Subscription) -> SourceRecord:
    (source,) = source_store.find([str(subscription.source_id)], removed=True)
    return source


def _may_be_private(source: SourceRecord, hub: str) -> bool:
    """A source that may be at a private address may have its hub there: on the same host, no other."""
    return bool(source.options.get("allow_private")) and registrable_domain(hub) == source.host


def _note(subscription: Subscription, result: Taken | Failed, now: datetime) -> None:
    if isinstance(result, Taken):
        websub.accepted(subscription.id, next_at=lease.unverified(now, subscription.attempts))
        return
    websub.failed(
        subscription.id,
        f"{result.reason}: {result.detail}",
        next_at=lease.after_failure(now, result, subscription.attempts, seed=f"{subscription.id} {now}"),
        now=now,
    )
