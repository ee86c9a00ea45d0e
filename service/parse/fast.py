"""A strict reader for well-formed RSS and Atom, several times as fast as feedparser.

It makes the very dictionaries that feedparser would make (of the keys that `service.parse.mapping` reads),
following feedparser's rules as they are, odd ones included, and gives up on the first thing that it does
not know: broken XML, ``xml:base``, markup inside a text, an element where none belongs. What it gives up on
goes to feedparser, so it never has to be clever. tests/test_parse_fast.py compares the two on every sample.

This file says which element is read where; what each means stands in `service.parse.fast_elements`.
"""

from __future__ import annotations

import dataclasses
import re
from functools import partial
from xml.parsers import expat

from service.parse import fast_elements as elements
from service.parse.fast_names import RDF, SKIPPED_WITH, Unusual
from service.parse.fast_reader import Attributes, End, Handler, Reader, plain_attributes
from service.parse.limits import CAPPED, MAX_ENTRIES
from service.parse.mapping import to_feed
from service.values import ParsedFeed

_RSS_VERSIONS = {"0.91": "rss091u", "0.92": "rss092", "0.93": "rss093", "0.94": "rss094"}
# By its namespace or, as feedparser does it, by its prefix alone.
_ABOUT = re.compile(rf"{re.escape(RDF)} about(?: \S*)?|\S+ about rdf", re.IGNORECASE)


class _Enough(Exception):
    """The last entry that is allowed has ended."""


def read(document: str, url: str) -> ParsedFeed | None:
    """Read a feed from an address, its text beginning at the first element; None when it needs feedparser.

    :raises ParseFailure: TOO_COMPLEX when elements are nested too deeply
    """
    if "xml:base" in document:
        return None
    reader = Reader(_IN_DOCUMENT)
    warnings: tuple[str, ...] = ()
    try:
        reader.parser.Parse(document.encode("utf-8"), True)
    except _Enough:
        warnings = (CAPPED,)
    except (expat.ExpatError, Unusual, UnicodeEncodeError):
        return None
    feed = to_feed(reader.feed, reader.entries, url, version=reader.namer.version, document=document)
    return dataclasses.replace(feed, warnings=warnings)


# -- structure -----------------------------------------------------------------------------------------


def _rss(reader: Reader, attributes: Attributes) -> End:
    if not reader.namer.version.startswith("rss"):
        version = plain_attributes(attributes).get("version", "")
        reader.namer.version = _RSS_VERSIONS.get(version) or ("rss20" if version.startswith("2.") else "rss")
    reader.handlers = _IN_ROOT
    return None


def _rdf(reader: Reader, _attributes: Attributes) -> End:
    reader.handlers = _IN_ROOT
    return None


def _channel(reader: Reader, attributes: Attributes) -> End:
    _refuse_cdf(attributes)
    reader.handlers = _IN_FEED

    def end() -> None:
        reader.handlers = _IN_ROOT

    return end


def _feed(reader: Reader, _attributes: Attributes) -> End:
    if reader.namer.version != "atom10":
        raise Unusual  # the drafts before Atom 1.0 had modes and other dates
    reader.handlers = _IN_FEED
    return None


def _item(reader: Reader, attributes: Attributes) -> End:
    if len(reader.entries) >= MAX_ENTRIES:
        raise _Enough
    _refuse_cdf(attributes)
    reader.entry = {}
    about = next((value for key, value in attributes.items() if _ABOUT.fullmatch(key)), "")
    if about:
        reader.entry["id"] = about
    reader.entries.append(reader.entry)
    reader.depths = {}
    reader.title_depth, reader.title_in_doubt = -1, False
    around, reader.handlers = reader.handlers, _IN_ENTRY

    def end() -> None:
        reader.entry, reader.has_content, reader.handlers = None, False, around

    return end


def _skipped(reader: Reader, _attributes: Attributes, *, inside: str = "") -> End:
    if inside in ("image", "textinput", "source"):
        reader.title_depth = -1
    reader.skip(SKIPPED_WITH.get(inside, frozenset()))
    return None


def _nothing(_reader: Reader, _attributes: Attributes) -> End:
    return None  # what is inside counts as the parent's


def _refuse_cdf(attributes: Attributes) -> None:
    """CDF's channels and items carry their link and date as attributes."""
    if any(key.lower() in ("lastmod", "href") for key in attributes):
        raise Unusual


# -- which element is read where -----------------------------------------------------------------------


def _skip(inside: str = "") -> Handler:
    return partial(_skipped, inside=inside)


def _date(name: str) -> Handler:
    return partial(elements.plain_text, name=name)


_IN_DOCUMENT: dict[str, Handler] = {
    "rss": _rss,
    "rdf_rdf": _rdf,
    "feed": _feed,
}
_IN_ROOT: dict[str, Handler] = {
    "channel": _channel,
    "item": _item,
    "image": _skip("image"),
    "textinput": _skip("textinput"),
}
_IN_FEED: dict[str, Handler] = {
    "item": _item,
    "entry": _item,
    "title": elements.title,
    "dc_title": elements.title,
    "link": elements.link,
    "guid": elements.guid,
    "id": elements.guid,
    "description": elements.description,
    "dc_description": elements.description,
    "summary": elements.summary,
    "itunes_summary": elements.summary,
    "language": partial(elements.plain_text, name="language"),
    "dc_language": partial(elements.plain_text, name="language"),
    **{
        name: partial(elements.bare_value, name=name)
        for name in ("ttl", "sy_updateperiod", "sy_updatefrequency")
    },
    **{name: _skip(name) for name in ("image", "textinput", "author", "contributor", "itunes_owner")},
    **{
        name: _skip()
        for name in (
            *("pubdate", "lastbuilddate", "updated", "published", "modified", "issued", "created", "items"),
            *("dc_date", "dc_creator", "dc_subject", "managingeditor", "itunes_author", "itunes_keywords"),
            *("category", "media_keywords", "dcterms_modified", "dcterms_issued", "dcterms_created"),
        )
    },
    "itunes_category": _skip("itunes_category"),
}
_IN_ENTRY: dict[str, Handler] = {
    "title": elements.title,
    "dc_title": elements.title,
    "media_title": partial(elements.title, bars_others=False),
    "link": elements.link,
    "guid": elements.guid,
    "id": elements.guid,
    "description": elements.description,
    "dc_description": elements.description,
    "media_description": elements.description,
    "summary": elements.summary,
    "itunes_summary": elements.summary,
    "content": elements.content,
    "content_encoded": partial(elements.content, default="text/html"),
    **dict.fromkeys(("pubdate", "published", "issued", "dcterms_issued"), _date("published")),
    **dict.fromkeys(
        ("updated", "modified", "lastbuilddate", "dc_date", "dcterms_modified"), _date("updated")
    ),
    **dict.fromkeys(("created", "dcterms_created"), _date("created")),
    **dict.fromkeys(
        ("author", "managingeditor", "dc_creator", "dc_author", "itunes_author"), elements.author
    ),
    "name": partial(elements.author_part, key="name"),
    "email": partial(elements.author_part, key="email"),
    **dict.fromkeys(("uri", "url", "homepage"), partial(elements.author_part, key="href")),
    **dict.fromkeys(("category", "keywords", "dc_subject"), elements.category),
    "media_category": partial(elements.category, scheme="http://search.yahoo.com/mrss/category_schema"),
    "media_keywords": elements.keywords,
    "itunes_keywords": partial(elements.keywords, scheme="http://www.itunes.com/"),
    "enclosure": elements.enclosure,
    "media_content": elements.media_content,
    "media_group": _nothing,
    "source": _skip("source"),
    "contributor": _skip("contributor"),
    "language": _skip(),
    "dc_language": _skip(),
}
