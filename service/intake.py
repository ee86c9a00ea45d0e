"""One feed through all the stages, in this order.

| stage  | what happens                                                          | where                   |
|--------|-----------------------------------------------------------------------|-------------------------|
| claim  | sources that are due, leased to this process                          | `service.poller`        |
| fetch  | one look: `Fetched`, `NotModified` or `Failed`                        | `service.fetch`         |
| parse  | bytes → entries                                                       | in a worker process     |
| clean  | entries → articles                                                    | (`service.workers`), by |
| tag    | articles → tags with evidence, unless they are known unchanged        | `service.reading`       |
| page   | where the feed has only a summary: its page's text, tagged again      | `service.full_text`     |
| decide | new, changed, same, duplicate                                         | `service.keeping`       |
| store  | articles, tags, the source's state: one transaction                   | `models.articles`       |

A look that fails is a value recorded on the source; nothing that a feed or a server does raises here.
Folders go the same way in `service.intake_folder`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from loguru import logger

from models import articles as article_store
from models import sources as source_store
from models import websub
from models.records import PageRecord, PollRecord, SourceRecord, SourceUpdate
from service import looks
from service.cadence import Cadence, Outcome, believe_move, needs_full_fetch, next_poll
from service.clean.full_text import FullText
from service.clean.urls import registrable_domain
from service.errors import FetchFailure, ParseFailure
from service.fetch.http import Fetcher
from service.fetch.politeness import Politeness
from service.full_text import Pages
from service.keeping import Kept, keep
from service.reading import Reading
from service.recurring import furniture_of
from service.rhythm import usual_gap
from service.seen import SeenEntries
from service.tagging import Tagger
from service.targets import feed_target, kept_validators, priors
from service.values import Failed, Fetched, FetchResult, Hints, NotModified, Reason, Validators
from service.websub.discovery import note_offer
from service.workers import Workers, explain_failure
from service.writer import Writer

# Articles of a source whose hashes are compared before tagging: more than nearly all feeds show at once.
RECENT = 2_000
# Seconds that a whole domain rests after a 429; each source's own Retry-After is kept in full.
_REST, _LONGEST_REST = 30, 120


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a source that has ended, before it is stored."""

    source: SourceRecord
    started_at: datetime
    ended_at: datetime
    result: FetchResult
    reading: Reading | None = None  # of a `Fetched`
    unreadable: bool = False  # a body came, and nothing could be made of it
    pages: tuple[PageRecord | None, ...] = ()  # what came of each entry's page, where any were wanted

    def record(
        self,
        outcome: str,
        *,
        status: int | None = None,
        detail: str | None = None,
        size: int = 0,
        problems: int = 0,
    ) -> PollRecord:
        """This look as the log of polls keeps it."""
        return looks.record(
            self.source,
            outcome,
            started_at=self.started_at,
            ended_at=self.ended_at,
            status=status,
            detail=detail,
            size=size,
            problems=problems,
        )


class FeedIntake:
    """Takes single feeds through all the stages; one object serves the whole process."""

    def __init__(
        self,
        *,
        fetcher: Fetcher,
        politeness: Politeness,
        workers: Workers,
        writer: Writer,
        tagger: Callable[[], Tagger],
        cadence: Cadence,
        clock: Callable[[], datetime],
        owner: str,
        full_text: FullText = FullText.OFF,
        hubs: bool = False,
    ) -> None:
        """Put together; ``hubs``: whether hubs can reach us, so that what feeds say of theirs matters."""
        self._fetcher = fetcher
        self._politeness = politeness
        self._workers = workers
        self._writer = writer
        self._tagger = tagger
        self._cadence = cadence
        self._clock = clock
        self._owner = owner
        self._pages = Pages(
            fetcher=fetcher, politeness=politeness, workers=workers, clock=clock, mode=full_text
        )
        self._hubs = hubs
        self._seen = SeenEntries()

    async def poll(self, source: SourceRecord, *, force: bool = False) -> PollRecord:
        """Look once at a claimed source, store what came of it, and give the poll as it was recorded.

        :raises models.errors.StorageError: the database could not take it; nothing was stored
        """
        with self._writer.announced():
            look = await self._look(source, force=force)
        # No longer announced when it is queued: the last one of many is to wait for nobody.
        if isinstance(look.result, Fetched):
            stored = self._writer.submit(partial(self._keep, look, look.result), patient=True)
        else:
            stored = self._writer.submit_together(self._store_without_articles, look)
        poll = await asyncio.wrap_future(stored)
        self._remember(look)
        looks.log(source, poll)
        return poll

    async def _look(self, source: SourceRecord, *, force: bool) -> Look:
        started = self._clock()
        result = await self._fetch(source, started, force=force)
        reading = None
        came = isinstance(result, Fetched)
        if isinstance(result, Fetched):
            result, reading = await self._read(source, result)
        pages: tuple[PageRecord | None, ...] = ()
        if reading is not None and isinstance(result, Fetched):
            completed = await self._pages.complete(source, reading, whole=not result.delta)
            reading, pages = completed.reading, completed.pages
        unreadable = came and reading is None
        return Look(source, started, self._clock(), result, reading, unreadable, pages)

    async def _fetch(self, source: SourceRecord, now: datetime, *, force: bool) -> FetchResult:
        full = force or needs_full_fetch(
            source.full_fetch_at, now, interval=source.interval or 0.0, cadence=self._cadence
        )
        # Pages that wait for another try are those of entries that only a whole document shows.
        full = full or await self._pages.are_due(source)
        try:
            target = feed_target(source, force=full)
        except FetchFailure as failure:
            return Failed(source.location, failure.reason, failure.detail)
        async with self._politeness.turn(source.host) as turn:
            result = await self._fetcher.fetch(target, now=now, turn=turn)
            if isinstance(result, Failed) and result.reason is Reason.RATE_LIMITED:
                # One feed was refused: the others of its domain had better not ask right now, either.
                wait = min(result.hints.retry_after or _REST, _LONGEST_REST)
                self._politeness.rest(turn.domain, wait)
        if isinstance(result, Fetched) and not full and self._seen.nothing_new(source, result):
            return NotModified(
                result.url,
                result.validators,
                result.hints,
                result.status,
                permanent_url=result.permanent_url,
                same_entries=True,
            )
        return result

    def _remember(self, look: Look) -> None:
        """After the commit: what of a document need not be read again, if all of it could be."""
        match look.result:
            case Fetched(delta=False) as fetched if look.reading is not None and not look.reading.failed:
                self._seen.remember(look.source.id, fetched)
            case NotModified(same_entries=True) as unchanged:
                self._seen.again(look.source.id, unchanged.validators.body_hash)
            case Fetched():
                self._seen.forget(look.source.id)

    async def _read(self, source: SourceRecord, fetched: Fetched) -> tuple[FetchResult, Reading | None]:
        try:
            return fetched, await read(self._workers, source, fetched, fetched_at=self._clock())
        except ParseFailure as failure:
            failed = Failed(source.location, failure.reason, failure.detail, fetched.status, fetched.hints)
            return failed, None

    def _after_failure(self, look: Look, failed: Failed) -> SourceUpdate:
        update = looks.after_failure(
            look.source,
            failed,
            started_at=look.started_at,
            ended_at=look.ended_at,
            cadence=self._cadence,
            owner=self._owner,
        )
        if not look.unreadable:
            return update
        # A page where a feed was: a captive network's, a login's. What it redirected to is not believed.
        move = believe_move(
            look.source.location,
            None,
            moved_to=look.source.moved_to,
            moved_count=look.source.moved_count,
            is_feed=False,
        )
        return replace(update, moved_to=move.to, moved_count=move.count)

    # -- in the writer's thread ----------------------------------------------------------------------------

    def _store_without_articles(self, ended: Sequence[Look]) -> list[PollRecord]:
        """Looks that met nothing new, or failed: one statement of each kind for all of them."""
        updates, polls = [], []
        for look in ended:
            match look.result:
                case Failed() as failed:
                    updates.append(self._after_failure(look, failed))
                    polls.append(look.record(failed.reason, status=failed.status, detail=failed.detail))
                case NotModified() as unchanged:
                    update, poll = self._after_nothing_new(look, unchanged)
                    updates.append(update)
                    polls.append(poll)
                case Fetched():
                    raise AssertionError("a document is stored with its articles")
        source_store.record_unchanged(updates, polls)
        return polls

    def _after_nothing_new(self, look: Look, unchanged: NotModified) -> tuple[SourceUpdate, PollRecord]:
        came = unchanged.same_body or unchanged.same_entries
        outcome = Outcome.SAME if came else Outcome.NOT_MODIFIED
        update = self._after_success(
            look, outcome, unchanged.validators, permanent_url=unchanged.permanent_url
        )
        same = "the same body as last time" if unchanged.same_body else "the same entries as last time"
        detail = same if came else None
        return update, look.record("not_modified", status=unchanged.status, detail=detail)

    def _keep(self, look: Look, fetched: Fetched) -> PollRecord:
        reading = look.reading
        assert reading is not None

        def update(kept: Kept) -> SourceUpdate:
            if self._hubs and (kept.new or kept.duplicates):
                websub.missed(look.source.id, look.ended_at)
            update = self._after_success(
                look,
                Outcome.NEW if kept.new or kept.duplicates else Outcome.SAME,
                fetched.validators,
                permanent_url=fetched.permanent_url,
                overflow=kept.seen > 0 and kept.new == kept.seen and look.source.last_success_at is not None,
                full=not fetched.delta,
                again=reading.failed > 0 and not _is_second_try(look.source),
            )
            if fetched.delta:
                return update  # it shows a part of what the feed has
            dates = _dates(reading)
            return replace(
                update,
                entries=len(reading.finished),
                undated=len(reading.finished) - len(dates),
                newest_at=max(dates, default=None),
                usual_gap=usual_gap(dates, look.ended_at),
            )

        record = look.record(
            "ok",
            status=fetched.status,
            detail="; ".join((*reading.warnings, *reading.shortened)) or None,
            size=len(fetched.body),
            problems=len(reading.warnings),
        )
        _, poll = keep(
            look.source.id,
            reading.finished,
            tagger=self._tagger(),
            now=look.ended_at,
            priors=priors(look.source),
            update=update,
            poll=record,
            pages=look.pages,
        )
        assert poll is not None
        if self._hubs and not fetched.delta:
            note_offer(
                look.source,
                fetched.final_url,
                hubs=reading.hubs,
                self_url=reading.self_url,
                now=look.ended_at,
            )
        return poll

    def _after_success(
        self,
        look: Look,
        outcome: Outcome,
        validators: Validators,
        *,
        permanent_url: str | None,
        overflow: bool = False,
        full: bool = False,
        again: bool = False,
    ) -> SourceUpdate:
        """The source's next state; ``again``: its next look is to bring the same document once more."""
        source, reading = look.source, look.reading
        if again:
            validators, source = Validators(), replace(source, body_hash=None)
        history = _dates(reading) if reading else []
        validators = kept_validators(source, validators, news=outcome is Outcome.NEW)
        hints = _merged(look.result.hints, reading.hints) if reading else look.result.hints
        following = next_poll(
            looks.schedule_of(source),
            look.ended_at,
            outcome=outcome,
            history=history,
            last_new_at=look.ended_at if outcome is Outcome.NEW else source.last_new_at,
            interval=source.interval,
            overflow=overflow,
            pushed=self._hubs and websub.pushes(source.id, look.ended_at),
            hints=hints,
            cadence=self._cadence,
            seed=looks.seed(source, look.ended_at),
        )
        move = believe_move(
            source.location,
            permanent_url,
            moved_to=source.moved_to,
            moved_count=source.moved_count,
            is_feed=True,  # it parsed as one, or is what did
        )
        return SourceUpdate(
            source.id,
            following.at,
            etag=validators.etag,
            last_modified=validators.last_modified,
            body_hash=validators.body_hash or source.body_hash,
            full_fetch_at=look.started_at if full else None,
            not_before=following.not_before,
            moved_to=move.to,
            moved_count=move.count,
            interval=following.interval,
            title=reading.title if reading else None,
            location=move.to if move.believed else None,
            host=registrable_domain(move.to) if move.believed and move.to else None,
            moved_at=look.ended_at if move.believed else None,
            lease_owner=self._owner,
        )


async def read(workers: Workers, source: SourceRecord, fetched: Fetched, *, fetched_at: datetime) -> Reading:
    """Have a document of a source read by a worker process.

    :raises ParseFailure: whatever ended the worker is a reason to record
    """

    def begin() -> Future[Reading]:
        return workers.read_feed(
            fetched,
            fetched_at=fetched_at,
            skip=article_store.recent_hashes(source.id, RECENT),
            priors=priors(source),
            furniture=furniture_of(source),
        )

    # Not in the loop: it asks the database, and the first one waits until the processes have started.
    future = await asyncio.to_thread(begin)
    try:
        return await asyncio.wrap_future(future)
    except ParseFailure:
        raise
    except Exception as error:
        failure = explain_failure(error, workers.deadline)
        if failure.reason is Reason.INTERNAL:
            logger.opt(exception=error).error("reading {} failed in a way nobody foresaw", source.location)
        raise failure from error


def _is_second_try(source: SourceRecord) -> bool:
    """Whether a document was forgotten when it was read last, to be read again, as it is now."""
    return source.last_success_at is not None and source.etag is None and source.body_hash is None


def _dates(reading: Reading) -> list[datetime]:
    """When the articles of a document were published, as far as they say so."""
    found = (one.article.published_at for one in reading.finished)
    return [moment for moment in found if moment is not None]


def _merged(server: Hints, feed: Hints) -> Hints:
    """The server's wishes and the feed's own together."""
    return Hints(
        retry_after=server.retry_after,
        max_age=server.max_age,
        ttl=feed.ttl,
        skip_hours=feed.skip_hours,
        skip_days=feed.skip_days,
    )
