"""What sites ask of programs that fetch their pages: robots.txt, fetched once a day and kept in memory.

RFC 9309: the rules hold for one origin; an answer of 400 to 499 means that there are none; a server that
fails or cannot be reached means that nothing may be fetched, until it answers. Feeds themselves are not asked
for here: who publishes one wants it to be fetched.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus

from protego import Protego
from yarl import URL

from service.fetch.addresses import BadAddress, web_address
from service.values import Failed, FeedTarget, Fetched, FetchResult, Reason

TOKEN = "Wirewatch"  # noqa: S105 - the product token of the User-Agent, which rules are matched with
MAX_BYTES = 500 * 1024  # RFC 9309 section 2.5: at least as much is read
MAX_ORIGINS = 2_000
MAX_KEPT = 20 * 1024 * 1024  # bytes of rules in memory, as they were sent
LONGEST_DELAY = 60.0  # seconds: no site gets us to wait longer between two pages
_KEPT = timedelta(hours=24)  # RFC 9309 section 2.4
_KEPT_FAILURE = timedelta(hours=1)
_CLIENT_ERRORS = range(HTTPStatus.BAD_REQUEST, HTTPStatus.INTERNAL_SERVER_ERROR)

Fetch = Callable[[FeedTarget, datetime], Awaitable[FetchResult]]


@dataclass(frozen=True, slots=True)
class Permission:
    """Whether a page may be fetched, why not, and the pause (seconds) that its site asks for between two."""

    allowed: bool
    why: str = ""
    delay: float = 0.0
    reason: Reason = Reason.ROBOTS  # of a refusal: what failed, where the rules cannot be had


@dataclass(frozen=True, slots=True)
class _Rules:
    parsed: Protego | None  # None: nothing is known, so nothing is allowed
    why: str
    until: datetime
    size: int = 0
    reason: Reason = Reason.ROBOTS


class Robots:
    """The rules of the sites that pages are fetched from; used from inside one event loop.

    :param fetch: one polite look at an address; what it gives is a value, never an exception
    """

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._known: OrderedDict[str, _Rules] = OrderedDict()
        self._size = 0
        self._asking: dict[str, asyncio.Lock] = {}

    async def ask(self, target: FeedTarget, *, now: datetime) -> Permission:
        """Whether the target's address may be fetched."""
        try:
            url = web_address(target.url).url
        except BadAddress as error:
            return Permission(False, str(error), reason=Reason.BLOCKED)
        rules = await self._rules(url, target, now)
        if rules.parsed is None:
            return Permission(False, rules.why, reason=rules.reason)
        if not rules.parsed.can_fetch(str(url), TOKEN):
            return Permission(False, "the site's robots.txt asks programs not to fetch it")
        delay = rules.parsed.crawl_delay(TOKEN) or 0.0
        return Permission(True, delay=min(max(float(delay), 0.0), LONGEST_DELAY))

    async def _rules(self, url: URL, target: FeedTarget, now: datetime) -> _Rules:
        origin = f"{url.scheme}://{url.raw_authority}"
        # Several pages of one site at a time ask for its rules once.
        lock = self._asking.setdefault(origin, asyncio.Lock())
        try:
            async with lock:
                known = self._known.get(origin)
                if known is None or known.until <= now:
                    place = FeedTarget(
                        f"{origin}/robots.txt",
                        proxy=target.proxy,
                        allow_private=target.allow_private,
                        accept="text/plain, */*;q=0.5",
                    )
                    result = await self._fetch(place, now)
                    known = await asyncio.to_thread(_read, result, now)  # a hostile one takes seconds
                    self._keep(origin, known)
                else:
                    self._known.move_to_end(origin)
                return known
        finally:
            if not lock.locked():
                self._asking.pop(origin, None)

    def _keep(self, origin: str, rules: _Rules) -> None:
        before = self._known.pop(origin, None)
        self._known[origin] = rules
        self._size += rules.size - (before.size if before else 0)
        while len(self._known) > MAX_ORIGINS or (self._size > MAX_KEPT and len(self._known) > 1):
            self._size -= self._known.popitem(last=False)[1].size


def _read(result: FetchResult, now: datetime) -> _Rules:
    match result:
        case Fetched():
            text = result.body[:MAX_BYTES].decode("utf-8-sig", "replace")
            return _Rules(Protego.parse(text), "", now + _KEPT, len(result.body))
        case Failed() if result.reason is Reason.EMPTY or _is_refused(result.status):
            return _Rules(Protego.parse(""), "", now + _KEPT)
        case Failed():
            why = f"its site's robots.txt cannot be had ({result.detail}), so it is left alone"
            return _Rules(None, why, now + _KEPT_FAILURE, reason=result.reason)
        case _:  # a 304 to a request without conditions
            return _Rules(None, "its site's robots.txt cannot be had", now + _KEPT_FAILURE)


def _is_refused(status: int | None) -> bool:
    """Whether there are no rules; 429 says that there may be some."""
    return status is not None and status in _CLIENT_ERRORS and status != HTTPStatus.TOO_MANY_REQUESTS
