"""Feeds as feedparser reads them: the reference, and the way for everything that is odd.

feedparser gets one normal form (UTF-8, checked by `service.parse.limits`) as a stream, never a string: it
opens files and addresses when a string looks like one. Its sanitiser and its URI resolver are off; both
cost more than the parse, and `service.clean` does their work on what is kept.
"""

from __future__ import annotations

import io
import warnings

import feedparser

from service.errors import ParseFailure
from service.parse.mapping import to_feed
from service.values import ParsedFeed, Reason

_HEADERS = {"content-type": "application/xml; charset=utf-8"}


def read(document: str, url: str) -> ParsedFeed:
    """Read a feed in normal form, from an address; no ``version`` and no entries mean that it is no feed.

    :raises ParseFailure: MALFORMED when feedparser itself stumbles
    """
    stream = io.BytesIO(document.encode("utf-8", "replace"))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = feedparser.parse(
                stream, response_headers=_HEADERS, sanitize_html=False, resolve_relative_uris=False
            )
    except Exception as error:  # its lenient parser raises whatever comes: ValueError, AssertionError, …
        raise ParseFailure(Reason.MALFORMED, f"cannot be read even leniently: {error}") from error
    return to_feed(result.feed, result.entries, url, version=result.get("version") or "", document=document)
