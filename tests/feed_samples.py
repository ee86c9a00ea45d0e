"""Feeds made for tests: the folder of samples, and strategies that put elements together at random."""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from hypothesis import strategies as st

FEEDS = Path(__file__).parent / "feeds"

_NAMESPACES = (
    ' xmlns:atom="http://www.w3.org/2005/Atom" xmlns:media="http://search.yahoo.com/mrss/"'
    ' xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/"'
    ' xmlns:dcterms="http://purl.org/dc/terms/" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"'
    ' xmlns:x="urn:x" xmlns:sy="http://purl.org/rss/1.0/modules/syndication/"'
)
_LEAVES = """
    title link guid id description summary content pubDate published updated author category keywords source
    enclosure language ttl image name email uri comments generator cloud unknown body info created modified
    atom:link atom:title atom:summary atom:content atom:id atom:author atom:updated atom:source
    dc:title dc:creator dc:date dc:subject dc:description dc:language dcterms:created dcterms:issued
    content:encoded media:title media:description media:content media:group media:keywords media:category
    media:thumbnail itunes:summary itunes:subtitle itunes:author itunes:keywords itunes:category itunes:owner
    x:title x:unknown sy:updatePeriod
"""
_ATTRIBUTES = "href url rel type term scheme domain label isPermaLink length lang xml:lang x:href src mode"
_VALUES = (
    "",
    "alternate",
    "Self",
    "text",
    "html",
    "text/html",
    "false",
    "true",
    "http:///a",
    "5",
    "fr_CA",
    "a&b",
)
_TEXTS = (
    "",
    " ",
    "plain",
    "<b>bold</b>",
    "a & b",
    "&amp;",
    "&nbsp;",
    "x@y.org (Z)",
    "Ã¼",
    "http:///h",
    "a,b",
    "\x93q",
)


def _element(name: str, attributes: dict[str, str], inside: list[str]) -> str:
    written = "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items())
    return f"<{name}{written}>{''.join(inside)}</{name}>"


def _elements(inside: st.SearchStrategy[str], names: list[str]) -> st.SearchStrategy[str]:
    attributes = st.dictionaries(st.sampled_from(_ATTRIBUTES.split()), st.sampled_from(_VALUES), max_size=3)
    return st.builds(_element, st.sampled_from(names), attributes, st.lists(inside, max_size=3))


def documents() -> st.SearchStrategy[str]:
    """Well-formed RSS and Atom documents of known and unknown elements in any place, as text."""
    text = st.sampled_from(_TEXTS).map(escape)
    node = st.recursive(text, lambda inside: _elements(inside, _LEAVES.split()), max_leaves=6)
    leaf = _elements(text, _LEAVES.split())
    item = st.lists(leaf | node, max_size=6)
    rss = st.builds(
        lambda head, items: (
            f'<rss version="2.0"{_NAMESPACES}><channel>{"".join(head)}'
            + "".join(f"<item>{''.join(parts)}</item>" for parts in items)
            + "</channel></rss>"
        ),
        item,
        st.lists(item, max_size=3),
    )
    atom = st.builds(
        lambda head, entries: (
            f'<feed xmlns="http://www.w3.org/2005/Atom"{_NAMESPACES}>{"".join(head)}'
            + "".join(f"<entry>{''.join(parts)}</entry>" for parts in entries)
            + "</feed>"
        ),
        item,
        st.lists(item, max_size=3),
    )
    return rss | atom
