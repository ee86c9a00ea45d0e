"""Feedparser's dictionaries → our values: one mapping for both readers, so that they cannot differ in it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from service.parse.addresses import absolute, base_of
from service.parse.body import Text, choose
from service.parse.hints import feed_hints
from service.values import MAX_HUBS, Enclosure, Entry, ParsedFeed

MAX_ENCLOSURES = 100
MAX_CATEGORIES = 100
_SOUND_AND_FILM = ("audio", "video")
_MAX_DIGITS = 15
_MAX_MAILBOX = 300
# "ann@example.org (Ann)" and "Ann <ann@example.org>" (RSS 2.0 has the first, RFC 5322 the second).
_MAILBOX = re.compile(r"[^\s()<>@]+@[^\s()<>@]+ \(([^()]+)\)|([^<>@]+)<[^\s<>@]+@[^\s<>@]+>")


def to_feed(feed: Any, entries: Iterable[Any], url: str, *, version: str, document: str) -> ParsedFeed:
    """A feed from what feedparser calls ``feed`` and ``entries``; ``url`` is where it came
    from, ``document`` is searched for skipHours."""
    language = _text(feed, "language")
    site = absolute(_text(feed, "link"), url)
    base = base_of(url, site, atom=version.startswith("atom"))
    return ParsedFeed(
        entries=tuple(_entry(entry, language, base) for entry in entries),
        title=_text(feed, "title"),
        site_url=site,
        language=language,
        hints=feed_hints(
            ttl=_text(feed, "ttl"),
            period=_text(feed, "sy_updateperiod"),
            frequency=_text(feed, "sy_updatefrequency"),
            text=document,
        ),
        hubs=_linked(feed, "hub"),
        self_url=next(iter(_linked(feed, "self")), None),
        version=version,
    )


def _entry(entry: Any, feed_language: str | None, base: str) -> Entry:
    title = _text(entry, "title")
    content, summary = choose(
        _detailed(entry, "summary"),
        [_as_text(part) for part in dict.get(entry, "content") or () if isinstance(part, dict)],
    )
    titled = _detailed(entry, "title")
    spoken = content or summary or titled
    published, updated = _text(entry, "published"), _text(entry, "updated")
    return Entry(
        guid=_text(entry, "id"),
        link=_text(entry, "link") or _alternate(entry),
        title=title,
        title_is_html=titled is not None and titled.is_html,
        content=content.value if content else None,
        content_is_html=content.is_html if content else True,
        summary=summary.value if summary else None,
        summary_is_html=summary.is_html if summary else True,
        published=published or (_text(entry, "created") if not updated else None),
        updated=updated,
        author=_author(entry),
        categories=_categories(entry),
        enclosures=_enclosures(entry),
        language=(spoken.language if spoken else None) or feed_language,
        base_url=(absolute(spoken.base, base) if spoken and spoken.base else None) or base or None,
    )


def _text(holder: Any, key: str) -> str | None:
    # dict.get: FeedParserDict's own look-up invents "updated" from "published", with a warning.
    value = dict.get(holder, key)
    return value or None if isinstance(value, str) else None


def _as_text(detail: Any) -> Text:
    return Text(
        value=_text(detail, "value") or "",
        type=_media_type(_text(detail, "type") or "text/html"),
        language=_text(detail, "language"),
        base=_text(detail, "base"),
    )


def _media_type(declared: str) -> str:
    name = declared.partition(";")[0].strip().lower()
    return {"html": "text/html", "xhtml": "application/xhtml+xml", "text": "text/plain"}.get(name, name)


def _detailed(entry: Any, key: str) -> Text | None:
    """A text with its details; they belong to another element of the same name when the values differ."""
    value = _text(entry, key)
    if value is None:
        return None
    detail = dict.get(entry, key + "_detail")
    if isinstance(detail, dict) and detail.get("value") == value:
        return _as_text(detail)
    looks_like_html = "</" in value or ("&" in value and ";" in value)
    return Text(value, "text/html" if looks_like_html else "text/plain")


def _links(holder: Any) -> list[Any]:
    return [link for link in dict.get(holder, "links") or () if isinstance(link, dict)]


def _linked(holder: Any, rel: str) -> tuple[str, ...]:
    found = (link.get("href") for link in _links(holder) if link.get("rel") == rel)
    return tuple(dict.fromkeys(href for href in found if href))[:MAX_HUBS]


def _alternate(entry: Any) -> str | None:
    """An alternate of another type than HTML, which feedparser's own choice leaves out."""
    return next(iter(_linked(entry, "alternate")), None)


def _author(entry: Any) -> str | None:
    authors = [author for author in dict.get(entry, "authors") or () if isinstance(author, dict)]
    written = _text(entry, "author")
    mailbox = _MAILBOX.fullmatch(written[:_MAX_MAILBOX]) if written and "@" in written else None
    if mailbox and len(authors) <= 1:
        # feedparser knows no top-level domain of more than four letters, and cuts the name instead.
        return (mailbox[1] or mailbox[2]).strip()
    names = dict.fromkeys(author["name"] for author in authors if author.get("name"))
    return ", ".join(names) or written


def _categories(entry: Any) -> tuple[str, ...]:
    tags = [tag for tag in dict.get(entry, "tags") or () if isinstance(tag, dict)]
    named = dict.fromkeys(tag.get("label") or tag.get("term") for tag in tags)
    return tuple(name.strip() for name in named if isinstance(name, str) and name.strip())[:MAX_CATEGORIES]


def _enclosures(entry: Any) -> tuple[Enclosure, ...]:
    found: dict[str, Enclosure] = {}
    for link in _links(entry):
        if link.get("rel") == "enclosure" and link.get("href"):
            found.setdefault(link["href"], enclosure(link["href"], link.get("type"), link.get("length")))
    for media in dict.get(entry, "media_content") or ():
        if not isinstance(media, dict) or not media.get("url"):
            continue
        kind = (media.get("type") or media.get("medium") or "").lower()
        if kind.startswith(_SOUND_AND_FILM):
            found.setdefault(media["url"], enclosure(media["url"], media.get("type"), media.get("filesize")))
    return tuple(found.values())[:MAX_ENCLOSURES]


def enclosure(url: str, type_: object = None, length: object = None) -> Enclosure:
    """An enclosure from what a feed says, its length only when it is a sensible number."""
    size = str(length).strip() if length is not None else ""
    return Enclosure(
        url=url,
        type=type_ if isinstance(type_, str) and type_ else None,
        length=int(size) if size.isascii() and size.isdecimal() and len(size) <= _MAX_DIGITS else None,
    )
