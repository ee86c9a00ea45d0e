"""Feeds as feedparser reads them: the reference, and the way for everything that is odd.

feedparser gets one normal form (UTF-8, checked by `service.parse.limits`) as a stream, never a string: it
opens files and addresses when a string looks like one. Its sanitiser and its URI resolver are off; both
cost more than the parse, and `service.clean` does their work on what is kept.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator
from typing import Any

import feedparser

from service.errors import ParseFailure
from service.parse.mapping import to_feed
from service.values import ParsedFeed, Reason

# Prefixes and namespaces of coordinates (GeoRSS, GML, W3C geo) and chapters (Podlove).
_TRIPPING = re.compile(
    r"(?<=[<\s/:\"'])(georss|gml|geo|psc)(?=[:=])|(?<=[\"'])http://(?:www\.georss\.org/georss"
    r"|www\.opengis\.net/gml|www\.w3\.org/2003/01/geo/wgs84_pos#|podlove\.org/simple-chapters)(?=[\"'])",
    re.IGNORECASE,
)
# A namespace with a space in it, which Python's SAX driver takes for two.
_SPACED = re.compile(
    r"""xmlns(?::[\w.-]{1,80})?=(?:"[^"<> ]{0,500} [^"<>]{0,500}"|'[^'<> ]{0,500} [^'<>]{0,500}')"""
)
_HEADERS = {"content-type": "application/xml; charset=utf-8"}


def read(document: str, url: str) -> ParsedFeed:
    """Read a feed in normal form, from an address; no ``version`` and no entries mean that it is no feed.

    :raises ParseFailure: MALFORMED when feedparser itself stumbles
    """
    failure: Exception | None = None
    for attempt in _attempts(document):
        try:
            result = run_feedparser(attempt)
        except Exception as error:  # noqa: BLE001 - TypeError, AssertionError, whatever its handlers raise
            failure = error
        else:
            return to_feed(
                result.feed, result.entries, url, version=result.get("version") or "", document=document
            )
    raise ParseFailure(Reason.MALFORMED, f"cannot be read even leniently: {failure}") from failure


def _attempts(document: str) -> Iterator[str]:
    """The document as it is; without what most often trips feedparser's handlers; for its lenient parser.

    The last is what it turns to when a document begins with an error.
    """
    yield document
    calmed = _TRIPPING.sub(r"passed-over-\1", document)
    calmed = _SPACED.sub(lambda match: match[0].replace(" ", ""), calmed)
    yield calmed
    yield f"&\n{calmed}"


def run_feedparser(document: str) -> Any:
    """Feedparser's own result for a document, as it stands."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return feedparser.parse(
            io.BytesIO(document.encode("utf-8", "replace")),
            response_headers=_HEADERS,
            sanitize_html=False,
            resolve_relative_uris=False,
        )
