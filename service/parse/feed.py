"""A feed document → its entries, whatever format it is in and however it is broken.

::

    unpack → empty? → binary? → decode → JSON → jsonfeed
                                       → XML  → fast (strict, most feeds)
                                                → prepare (limits, mending) → reference (feedparser)
"""

from __future__ import annotations

import dataclasses
import html
import re

from service.errors import ParseFailure
from service.parse import fast, jsonfeed
from service.parse.addresses import absolute
from service.parse.encoding import decode
from service.parse.envelope import Root, find_root, refuse_binary, refuse_page, refuse_unknown, unpack
from service.parse.limits import prepare
from service.values import Fetched, ParsedFeed, Reason

# Feedparser needs up to 14 times a document's size in memory and 0.3 ms a kilobyte.
MAX_FALLBACK_CHARACTERS = 12 * 1024 * 1024
_TAG = re.compile(r"<[^<>]*>")
_MAX_TITLE = 500


def parse_feed(fetched: Fetched) -> ParsedFeed:
    """Read a feed: RSS 0.9 to 2.0, RDF, Atom, CDF and JSON Feed; the Content-Type is only a hint.

    Links and ids are as written (``xml:base`` applied, as feedparser does), dates are raw strings, and
    every entry's ``base_url`` is what its relative links are relative to.

    :raises ParseFailure: EMPTY, NOT_A_FEED, MALFORMED, TOO_COMPLEX or TOO_LARGE, with a detail for a person
    """
    body = unpack(fetched.body)
    if not body.strip(b" \t\r\n\x00\xef\xbb\xbf\xfe\xff"):
        raise ParseFailure(Reason.EMPTY, "the body is empty")
    refuse_binary(body)
    decoded = decode(body, fetched.content_type)
    read = jsonfeed.read if jsonfeed.looks_like_json(decoded.text) else _read_xml
    feed = read(decoded.text, fetched.final_url)
    return _finished(feed, fetched, decoded.warnings)


def _read_xml(text: str, url: str) -> ParsedFeed:
    root = find_root(text)
    if root is None:
        words = " ".join(text[:200].split())[:60]
        raise ParseFailure(Reason.NOT_A_FEED, f'no feed, but a text that begins "{words}"')
    refuse_page(text, root)
    feed = None if root.doctype else fast.read(text[root.start :], url)
    return feed or _read_odd(text, root, url)


def _read_odd(text: str, root: Root, url: str) -> ParsedFeed:
    """Read with feedparser, within the limits and after mending."""
    prepared = prepare(text, root)
    if len(prepared.text) > MAX_FALLBACK_CHARACTERS:
        size = f"{len(prepared.text):,} characters"
        raise ParseFailure(Reason.TOO_LARGE, f"{size} that only the slow reader can read")
    from service.parse import reference  # noqa: PLC0415 - feedparser costs 60 ms to import

    feed = reference.read(prepared.text, url)
    if not feed.version and not feed.entries:
        raise refuse_unknown(root)
    version = "rss091n" if "netscape" in root.doctype.lower() else feed.version
    return dataclasses.replace(feed, version=version, warnings=prepared.warnings)


def _finished(feed: ParsedFeed, fetched: Fetched, warnings: tuple[str, ...]) -> ParsedFeed:
    """With the feed's own title as plain text, and what was mended on the way."""
    return dataclasses.replace(
        feed,
        title=_plain(feed.title),
        hubs=tuple(hub for hub in (absolute(one, fetched.final_url) for one in feed.hubs) if hub),
        self_url=absolute(feed.self_url, fetched.final_url),
        warnings=warnings + feed.warnings,
    )


def _plain(title: str | None) -> str | None:
    if title is None:
        return None
    return " ".join(html.unescape(_TAG.sub("", title[: 4 * _MAX_TITLE])).split())[:_MAX_TITLE] or None
