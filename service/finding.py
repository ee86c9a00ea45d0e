"""Finding the feeds behind an address that a person typed: the address itself, what its page names, then the
places where sites usually keep them. Every request passes the guard of the fetcher."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlsplit

from service.errors import ParseFailure
from service.fetch.http import Fetcher
from service.parse.discovery import FeedLink, find_feeds, of_comments, well_known
from service.parse.feed import parse_feed
from service.values import Failed, FeedTarget, Fetched, NotModified, Validators

MAX_ASKED = 12  # requests beyond the first: a site is not searched, only asked
_PAGE = re.compile(rb"<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_PAGE_WITHIN = 4096  # bytes


@dataclass(frozen=True, slots=True)
class Finding:
    """What is at an address. Exactly one of the three says something; none of them: no feed was found."""

    url: str
    fetched: Fetched | None = None  # the feed that it is
    links: tuple[FeedLink, ...] = ()  # of a page, likeliest first
    failure: Failed | None = None  # the address itself could not be looked at
    why: str = ""  # it is no feed


async def find_at(fetcher: Fetcher, target: FeedTarget, *, now: datetime) -> Finding:
    """Look at an address once, and where it is a page, find its feeds.

    Feeds that the page declares are believed; places that are only guessed are asked, a few, one after the
    other. Where the target has credentials, only feeds of its own origin count: they go nowhere else.
    """
    target = replace(target, validators=Validators(), force=True)
    result = await fetcher.fetch(target, now=now)
    if not isinstance(result, Fetched):
        assert not isinstance(result, NotModified)  # nothing was asked conditionally
        return Finding(target.url, failure=result)
    why = _objection(result)
    if why is None:
        return Finding(target.url, fetched=result)
    if not _is_page(result):
        return Finding(target.url, why=why)
    links = [one for one in find_feeds(result.body, result.final_url) if _may_be_told(target, one.url)]
    declared = _without_comments([one for one in links if one.declared])
    if declared:
        return Finding(target.url, links=tuple(declared))
    guessed = _without_comments(links)[: MAX_ASKED // 2]
    found = [one for one in guessed if await _answers(fetcher, target, one.url, now)]
    if not found:
        found = await _first_known(fetcher, target, result.final_url, MAX_ASKED - len(guessed), now)
    return Finding(target.url, links=tuple(found), why="" if found else why)


async def _first_known(
    fetcher: Fetcher, target: FeedTarget, page: str, most: int, now: datetime
) -> list[FeedLink]:
    for url in well_known(page)[:most]:
        if _may_be_told(target, url) and await _answers(fetcher, target, url, now):
            return [FeedLink(url, declared=False)]
    return []


async def _answers(fetcher: Fetcher, target: FeedTarget, url: str, now: datetime) -> bool:
    """Whether there is a feed at a guessed address."""
    result = await fetcher.fetch(replace(target, url=url), now=now)
    return isinstance(result, Fetched) and _objection(result) is None


def _objection(fetched: Fetched) -> str | None:
    """Why a body is no feed, or None where it is one."""
    try:
        parse_feed(fetched)
    except ParseFailure as failure:
        return failure.detail
    return None


def _is_page(fetched: Fetched) -> bool:
    return "html" in fetched.content_type.lower() or bool(_PAGE.search(fetched.body[:_PAGE_WITHIN]))


def _without_comments(links: list[FeedLink]) -> list[FeedLink]:
    """The feeds of articles, or those of comments where there is nothing else."""
    return [one for one in links if not of_comments(one)] or links


def _may_be_told(target: FeedTarget, url: str) -> bool:
    """Whether a source with the target's credentials may be at this address."""
    if not (target.headers or target.username or target.password or urlsplit(target.url).username):
        return True
    asked, found = urlsplit(target.url), urlsplit(url)
    return (asked.scheme, asked.hostname, asked.port) == (found.scheme, found.hostname, found.port)
