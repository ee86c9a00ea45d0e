"""Feeds as Atom (RFC 4287) and as RSS 2.0 (rssboard.org, with its best practices). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from html import escape as html_escape
from xml.sax.saxutils import escape, quoteattr

from service.web.feeds_items import GENERATOR, Channel, Item
from service.web.feeds_names import FORMATS

_DECLARATION = '<?xml version="1.0" encoding="utf-8"?>\n'
_ATOM = "http://www.w3.org/2005/Atom"
_CONTENT = "http://purl.org/rss/1.0/modules/content/"
_DC = "http://purl.org/dc/elements/1.1/"
_TOPICS = "urn:wirewatch:topic"  # tells a topic of ours from a category of the source
# A reader that takes titles for HTML, as most do, would take these for markup.
_LIKE_MARKUP = re.compile(r"<[A-Za-z/!?]|&#?\w+;")
_UNKNOWN_TYPE = "application/octet-stream"


def atom(channel: Channel) -> str:
    """The feed as Atom."""
    parts = [
        _DECLARATION,
        f'<feed xmlns="{_ATOM}">\n',
        _element("id", channel.id),
        _element("title", channel.title),
        _element("subtitle", channel.description),
        _element("updated", rfc3339(channel.updated)),
        f"<author>{_element('name', GENERATOR)}</author>\n",
        _element("generator", GENERATOR),
        _empty("link", rel="self", type=FORMATS["atom"], href=channel.self_url),
        _empty("link", rel="alternate", type="text/html", href=channel.page),
    ]
    parts += [text for item in channel.items for text in _atom_entry(item)]
    return "".join([*parts, "</feed>\n"])


def _atom_entry(item: Item) -> Iterator[str]:
    yield f"<entry{_attributes({'xml:lang': item.language})}>\n"
    yield _element("id", item.id)
    yield _element("title", html_escape(item.title, quote=False), type="html")
    yield _empty("link", rel="alternate", type="text/html", href=item.link)
    if item.page != item.link:
        yield _empty("link", rel="related", type="text/html", title="In Wirewatch", href=item.page)
    for one in item.enclosures:
        length = str(one.length) if one.length else None
        yield _empty("link", rel="enclosure", type=one.type, length=length, href=one.url)
    if item.published is not None:
        yield _element("published", rfc3339(item.published))
    yield _element("updated", rfc3339(item.updated))
    if item.author:
        yield f"<author>{_element('name', item.author)}</author>\n"
    for topic in item.topics:
        yield _empty("category", term=topic, scheme=_TOPICS)
    for category in item.categories:
        yield _empty("category", term=category)
    yield f"<source>{_element('id', item.source_id)}{_element('title', item.source)}"
    yield f"{_element('updated', rfc3339(item.updated))}</source>\n"
    yield _element("content", item.html, type="html")
    yield "</entry>\n"


def rss(channel: Channel) -> str:
    """The feed as RSS 2.0."""
    parts = [
        _DECLARATION,
        f'<rss version="2.0" xmlns:atom="{_ATOM}" xmlns:content="{_CONTENT}" xmlns:dc="{_DC}">\n<channel>\n',
        _element("title", channel.title),
        _element("link", channel.page),
        _element("description", channel.description),
        _element("generator", GENERATOR),
        _element("lastBuildDate", rfc822(channel.updated)),
        _empty("atom:link", rel="self", type=FORMATS["rss"], href=channel.self_url),
    ]
    parts += [text for item in channel.items for text in _rss_item(item)]
    return "".join([*parts, "</channel>\n</rss>\n"])


def _rss_item(item: Item) -> Iterator[str]:
    title = item.title
    yield "<item>\n"
    # RSS does not say whether a title is HTML. What cannot be mistaken is sent as it is.
    yield _element("title", html_escape(title, quote=False) if _LIKE_MARKUP.search(title) else title)
    yield _element("link", item.link)
    yield _element("guid", item.id, isPermaLink="false")
    if item.published is not None:
        yield _element("pubDate", rfc822(item.published))
    if item.author:
        yield _element("dc:creator", item.author)
    yield _element("dc:publisher", item.source)
    for topic in item.topics:
        yield _element("category", topic, domain=_TOPICS)
    for category in item.categories:
        yield _element("category", category)
    for one in item.enclosures[:1]:  # more than one is read differently by each reader
        yield _empty("enclosure", url=one.url, length=str(one.length or 0), type=one.type or _UNKNOWN_TYPE)
    yield _element("description", item.html)
    yield "</item>\n"


def rfc3339(moment: datetime) -> str:
    """A date of Atom and JSON Feed, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ").zfill(20)


def rfc822(moment: datetime) -> str:
    """A date of RSS, with a year of four digits (RFC 2822), in any locale."""
    return format_datetime(moment.astimezone(UTC).replace(microsecond=0), usegmt=True)


def _element(name: str, text: str, **attributes: str | None) -> str:
    # A carriage return that is not written as a reference is read as a line feed (XML 1.0 section 2.11).
    inside = escape(text, {"\r": "&#13;"})
    return f"<{name}{_attributes(attributes)}>{inside}</{name}>\n"


def _empty(name: str, **attributes: str | None) -> str:
    return f"<{name}{_attributes(attributes)}/>\n"


def _attributes(values: dict[str, str | None]) -> str:
    return "".join(f" {name}={quoteattr(value)}" for name, value in values.items() if value is not None)
