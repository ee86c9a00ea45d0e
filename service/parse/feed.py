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
from urllib.parse import urljoin, urlsplit

from service.errors import ParseFailure
from service.parse import fast, jsonfeed
from service.parse.encoding import decode
from service.parse.envelope import Root, find_root, refuse_binary, refuse_page, refuse_unknown, unpack
from service.parse.limits import prepare
from service.values import Entry, Fetched, ParsedFeed, Reason

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
    text = decoded.text
    feed = jsonfeed.read(text) if jsonfeed.looks_like_json(text) else _read_xml(text)
    return _finished(feed, fetched, decoded.warnings)


def _read_xml(text: str) -> ParsedFeed:
    root = find_root(text)
    if root is None:
        words = " ".join(text[:200].split())[:60]
        raise ParseFailure(Reason.NOT_A_FEED, f'no feed, but a text that begins "{words}"')
    refuse_page(text, root)
    feed = None if root.doctype else fast.read(text[root.start :])
    return feed or _read_odd(text, root)


def _read_odd(text: str, root: Root) -> ParsedFeed:
    """Read with feedparser, within the limits and after mending."""
    prepared = prepare(text, root)
    if len(prepared.text) > MAX_FALLBACK_CHARACTERS:
        size = f"{len(prepared.text):,} characters"
        raise ParseFailure(Reason.TOO_LARGE, f"{size} that only the slow reader can read")
    from service.parse import reference  # noqa: PLC0415 - feedparser costs 60 ms to import

    feed = reference.read(prepared.text)
    if not feed.version and not feed.entries:
        raise refuse_unknown(root)
    version = "rss091n" if "netscape" in root.doctype.lower() else feed.version
    return dataclasses.replace(feed, version=version, warnings=prepared.warnings)


def _finished(feed: ParsedFeed, fetched: Fetched, warnings: tuple[str, ...]) -> ParsedFeed:
    """With addresses of the feed made absolute and every entry knowing its base."""
    site = _absolute(feed.site_url, fetched.final_url)
    base = _base(site, fetched.final_url, atom=feed.version.startswith("atom"))
    return dataclasses.replace(
        feed,
        entries=tuple(_based(entry, base) for entry in feed.entries),
        title=_plain(feed.title),
        site_url=site,
        hub=_absolute(feed.hub, fetched.final_url),
        self_url=_absolute(feed.self_url, fetched.final_url),
        warnings=warnings + feed.warnings,
    )


def _base(site: str | None, feed_url: str, *, atom: bool) -> str:
    """What relative links are relative to: the feed's address (RFC 4287, RFC 3986 section 5.1.3).

    RSS has no rule. Served from another host than its site's (FeedBurner), its links mean the site.
    """
    if atom or site is None or urlsplit(site).hostname == urlsplit(feed_url).hostname:
        return feed_url
    return site


def _based(entry: Entry, base: str) -> Entry:
    own = _absolute(entry.base_url, base) if entry.base_url else None
    return dataclasses.replace(entry, base_url=own or base or None)


def _absolute(link: str | None, base: str) -> str | None:
    """An http address, resolved; None for anything else."""
    if not link:
        return None
    try:
        resolved = urljoin(base, link.strip())
        parts = urlsplit(resolved)
    except ValueError:
        return None
    return resolved if parts.scheme in ("http", "https") and parts.netloc else None


def _plain(title: str | None) -> str | None:
    if title is None:
        return None
    return " ".join(html.unescape(_TAG.sub("", title[: 4 * _MAX_TITLE])).split())[:_MAX_TITLE] or None
