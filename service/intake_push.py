"""One delivery of a hub through the same stages as a look at its feed, from the parsing on.

It is never trusted more than the feed itself: the same limits, the same worker processes, the same decisions
and the same transaction; and of the source's state it changes nothing but what new articles change. What the
feed wishes, where it has moved and which hub it has is learned from looks alone. A delivery that says nothing
readable is a hint that there is news: the feed is looked at soon.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from loguru import logger

from models import sources as source_store
from models import websub
from models.records import PUSHED, PollRecord, SourceRecord, SourceState
from service import looks
from service.errors import ParseFailure
from service.fetch.decoding import BodyReader, DecodingError, Oversized
from service.fetch.http import MAX_CONTENT_TYPE
from service.full_text import Completed, Pages
from service.intake import read
from service.keeping import Kept, keep
from service.tagging import Tagger
from service.tally import Tally
from service.targets import priors
from service.values import Fetched, Reason
from service.websub.inbox import Delivery
from service.workers import Workers
from service.writer import Writer


class PushIntake:
    """Takes deliveries in; one object serves the whole process.

    :param max_bytes: of a delivery once unpacked
    :param floor: the shortest time between two looks at a feed that deliveries without news cause
    """

    def __init__(
        self,
        *,
        workers: Workers,
        writer: Writer,
        tagger: Callable[[], Tagger],
        pages: Pages,
        clock: Callable[[], datetime],
        max_bytes: int,
        floor: timedelta,
        tally: Tally,
    ) -> None:
        self._workers = workers
        self._writer = writer
        self._tagger = tagger
        self._pages = pages
        self._clock = clock
        self._max_bytes = max_bytes
        self._floor = floor
        self._tally = tally

    async def take(self, delivery: Delivery) -> Kept | None:
        """Store what a delivery brings; None where it cannot be read, or its source is no longer polled.

        :raises models.errors.StorageError: the database could not take it; nothing was stored
        """
        source = await asyncio.to_thread(_source_of, delivery)
        if source is None:
            return None
        try:
            fetched = await asyncio.to_thread(self._unpacked, delivery)
            reading = await read(self._workers, source, fetched, fetched_at=self._clock())
        except ParseFailure as failure:
            poll = self._record(source, delivery, f"a delivery cannot be read: {failure}")
            await asyncio.wrap_future(self._writer.submit(lambda: _note_unread(delivery, poll)))
            self._tally.pushed(poll)
            logger.warning("{}: {}", source.location, poll.detail)
            await self._look_soon(source)
            return None
        completed = await self._pages.complete(source, reading, whole=False)
        kept, poll = await asyncio.wrap_future(
            self._writer.submit(lambda: self._store(source, delivery, completed))
        )
        self._tally.pushed(poll)
        looks.log(source, poll)
        return kept

    def _unpacked(self, delivery: Delivery) -> Fetched:
        try:
            reader = BodyReader(delivery.content_encoding, cap=self._max_bytes)
            reader.feed(delivery.body)
            body = reader.finish()
        except Oversized as error:
            detail = f"it unpacks to more than {self._max_bytes:,} bytes"
            raise ParseFailure(Reason.TOO_LARGE, detail) from error
        except DecodingError as error:
            raise ParseFailure(Reason.MALFORMED, f"it cannot be unpacked: {error}") from error
        known = delivery.subscription
        return Fetched(
            url=known.topic,
            final_url=known.feed_url,  # what relative links meant when the feed was looked at
            body=body,
            content_type=delivery.content_type[:MAX_CONTENT_TYPE],
            bytes_on_wire=len(delivery.body),
            delta=True,
        )

    async def _look_soon(self, source: SourceRecord) -> None:
        now = self._clock()
        if source.last_polled_at is None or now - source.last_polled_at >= self._floor:
            await asyncio.to_thread(source_store.hasten, [source.id], now)

    # -- in the writer's thread ----------------------------------------------------------------------------

    def _store(
        self, source: SourceRecord, delivery: Delivery, completed: Completed
    ) -> tuple[Kept, PollRecord]:
        warnings = completed.reading.warnings
        kept, poll = keep(
            source.id,
            completed.reading.finished,
            tagger=self._tagger(),
            now=self._clock(),
            priors=priors(source),
            poll=self._record(source, delivery, "; ".join(warnings), problems=len(warnings)),
            pages=completed.pages,
        )
        assert poll is not None
        brought = kept.new + kept.duplicates + kept.changed
        websub.delivered(delivery.subscription.id, brought, delivery.received_at)
        return kept, poll

    def _record(
        self, source: SourceRecord, delivery: Delivery, detail: str, *, problems: int = 1
    ) -> PollRecord:
        """A delivery as the log of polls keeps it."""
        return looks.record(
            source,
            PUSHED,
            started_at=delivery.received_at,
            ended_at=self._clock(),
            detail=detail,
            size=len(delivery.body),
            problems=problems,
        )


def _note_unread(delivery: Delivery, poll: PollRecord) -> None:
    websub.unread(delivery.subscription.id, poll.detail or "", delivery.received_at)
    source_store.record_unchanged((), (poll,))


def _source_of(delivery: Delivery) -> SourceRecord | None:
    """The source as it is now, if it is polled and the subscription still stands."""
    if websub.receiver(delivery.subscription.token) is None:
        return None
    (source,) = source_store.find([str(delivery.subscription.source_id)], removed=True)
    return source if source.state is SourceState.ACTIVE else None
