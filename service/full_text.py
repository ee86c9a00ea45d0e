"""Feeds that carry only a summary: the pages of what is new are fetched between deciding and storing.

Asked politely, as feeds are: through the guard, in the same turns of a domain, by robots.txt, a bounded
number a poll. A page that gives nothing is recorded with its reason, and tried again a few times where that
may help; the entry is stored with the feed's own text in any case.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import datetime

from models import pages as page_store
from models.records import PageRecord, SourceRecord
from service.clean.full_text import FullText
from service.clean.urls import registrable_domain
from service.errors import FetchFailure
from service.fetch.addresses import BadAddress, web_address
from service.fetch.http import Fetcher
from service.fetch.politeness import Politeness
from service.fetch.robots import Robots
from service.full_text_plan import Got, Step, outcome, steps_for
from service.keeping import decisions_on
from service.reading import Reading
from service.recurring import furniture_of
from service.targets import priors, target_of
from service.values import Article, Failed, FeedTarget, Fetched, FetchResult, Reason
from service.workers import Workers, explain_failure

MAX_PAGES = 30  # a poll; the rest comes with the next ones
MAX_TIME = 120.0  # seconds a poll, after which no further page is begun
_AT_A_TIME = 4
_MISSES = 3  # failures of a domain in one poll, after which its other pages wait for the next one
_REST = 30.0  # seconds that a domain rests after a 429 without Retry-After
_LONGEST_REST = 120.0
_ACCEPT = "text/html, application/xhtml+xml, application/pdf;q=0.9, text/plain;q=0.8, */*;q=0.5"
_OF_THE_HOST = frozenset((Reason.DNS, Reason.CONNECT, Reason.TLS, Reason.TIMEOUT, Reason.HTTP_5XX))


@dataclass(frozen=True, slots=True)
class Completed:
    """A reading whose articles have their pages' texts, and what came of each one's page."""

    reading: Reading
    pages: tuple[PageRecord | None, ...] = ()


class Pages:
    """Fetches the pages of new entries; one object serves the whole process, inside the fetches' event loop.

    :param mode: what holds for sources that say nothing else
    """

    def __init__(
        self,
        *,
        fetcher: Fetcher,
        politeness: Politeness,
        workers: Workers,
        clock: Callable[[], datetime],
        mode: FullText,
    ) -> None:
        self._fetcher = fetcher
        self._politeness = politeness
        self._workers = workers
        self._clock = clock
        self._mode = mode
        self._robots = Robots(self._politely)

    def mode(self, source: SourceRecord) -> FullText:
        """Whether pages of a source are fetched."""
        return FullText(str(source.options.get("full_text", self._mode)))

    async def are_due(self, source: SourceRecord) -> bool:
        """Whether pages of a source wait for another try, so that the whole feed is wanted again."""
        if self.mode(source) is FullText.OFF:
            return False
        return bool(await asyncio.to_thread(page_store.due, source.id, self._clock()))

    async def complete(self, source: SourceRecord, reading: Reading, *, whole: bool) -> Completed:
        """Give what is new in a reading the text of its page, as far as that can be had now.

        ``whole`` says that the reading is all that the feed shows: what it no longer shows is given up.

        :raises models.errors.StorageError: the database does not answer
        """
        mode = self.mode(source)
        if mode is FullText.OFF or not reading.finished:
            return Completed(reading)
        now = self._clock()
        decisions, known = await asyncio.to_thread(decisions_on, source.id, reading.finished)
        own = {one.article_id: one for one in known if one.source_id == source.id and not one.deleted}
        if whole:
            await self._give_up(source, now, {one.article_id for one in decisions})
        before = [own.get(one.article_id) if one.article_id is not None else None for one in decisions]
        steps = steps_for(mode, reading.finished, decisions, before, now)
        chosen = [index for index, step in enumerate(steps) if step is Step.TRY][:MAX_PAGES]
        got = await self._fetch_all(source, {index: reading.finished[index].article for index in chosen})
        results = [
            outcome(one, step, known_one, got.get(index), now)
            for index, (one, step, known_one) in enumerate(zip(reading.finished, steps, before, strict=True))
        ]
        finished = tuple(one for one, _ in results)
        warnings = (*reading.warnings, *_warnings(reading, got))
        return Completed(
            replace(reading, finished=finished, warnings=warnings), tuple(page for _, page in results)
        )

    async def _give_up(self, source: SourceRecord, now: datetime, shown: set[int | None]) -> None:
        due = await asyncio.to_thread(page_store.due, source.id, now)
        gone = [article_id for article_id in due if article_id not in shown]
        if gone:
            await asyncio.to_thread(page_store.give_up, gone)

    # -- fetching ------------------------------------------------------------------------------------------

    async def _fetch_all(self, source: SourceRecord, articles: Mapping[int, Article]) -> dict[int, Got]:
        """What the pages gave; those that were not begun in time are left out."""
        loop = asyncio.get_running_loop()
        until = loop.time() + MAX_TIME
        places = asyncio.Semaphore(_AT_A_TIME)
        misses: Counter[str] = Counter()

        async def one(article: Article) -> Got | None:
            assert article.url is not None
            host = registrable_domain(article.url)
            async with places:
                if loop.time() > until or misses[host] >= _MISSES:
                    return None
                got = await self._page(source, article, article.url)
                if got.reason is Reason.RATE_LIMITED:
                    misses[host] = _MISSES
                elif got.reason in _OF_THE_HOST:
                    misses[host] += 1
                return got

        found = await asyncio.gather(*(one(article) for article in articles.values()))
        return {index: got for index, got in zip(articles, found, strict=True) if got is not None}

    async def _page(self, source: SourceRecord, article: Article, url: str) -> Got:
        now = self._clock()
        try:
            target = _target(source, url)
        except FetchFailure as failure:
            return Got(reason=failure.reason, detail=failure.detail)
        permission = await self._robots.ask(target, now=now)
        if not permission.allowed:
            return Got(reason=permission.reason, detail=permission.why)
        result = await self._politely(target, now)
        if permission.delay:
            self._politeness.rest(registrable_domain(url), permission.delay)
        if isinstance(result, Failed):
            return Got(reason=result.reason, detail=result.detail)
        assert isinstance(result, Fetched), "a page is asked for without conditions"
        return await self._read(source, article, result)

    async def _politely(self, target: FeedTarget, now: datetime) -> FetchResult:
        host = registrable_domain(target.url)
        async with self._politeness.turn(host):
            result = await self._fetcher.fetch(target, now=now)
        if isinstance(result, Failed) and result.reason is Reason.RATE_LIMITED:
            self._politeness.rest(host, min(result.hints.retry_after or _REST, _LONGEST_REST))
        return result

    async def _read(self, source: SourceRecord, article: Article, page: Fetched) -> Got:
        def begin() -> Future[Reading]:
            return self._workers.read_page(
                article,
                page,
                fetched_at=self._clock(),
                priors=priors(source),
                furniture=furniture_of(source),
            )

        future = await asyncio.to_thread(begin)
        try:
            reading = await asyncio.wrap_future(future)
        except Exception as error:  # noqa: BLE001 - whatever ended a worker is a reason to record
            failure = explain_failure(error, self._workers.deadline)
            return Got(reason=failure.reason, detail=failure.detail)
        return Got(reading.finished[0], page.final_url)


def _target(source: SourceRecord, url: str) -> FeedTarget:
    """A page as it is asked for; what unlocks the feed goes to the feed's own origin only.

    :raises FetchFailure: a secret's file cannot be read
    """
    own = target_of(source.location, source.options)
    try:
        feed, page = web_address(source.location), web_address(url)
    except BadAddress as error:
        raise FetchFailure(Reason.BLOCKED, str(error)) from error
    if not feed.trusts(page):
        return FeedTarget(url, proxy=own.proxy, allow_private=own.allow_private, accept=_ACCEPT)
    username = own.username if own.username is not None else feed.username
    password = own.password if own.username is not None else feed.password
    return replace(own, url=url, username=username, password=password, accept=_ACCEPT)


def _warnings(reading: Reading, got: Mapping[int, Got]) -> list[str]:
    """One line on the pages that gave nothing."""
    failed = [(index, one) for index, one in sorted(got.items()) if one.finished is None]
    if not failed:
        return []
    index, first = failed[0]
    url = reading.finished[index].article.url
    return [f"{len(failed)} of {len(got)} pages gave no text: {url}: {first.reason}: {first.detail}"[:500]]
