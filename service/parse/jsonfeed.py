"""JSON Feed 1.0 and 1.1 (jsonfeed.org/version/1.1), read as leniently as their writers need."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec

from service.errors import ParseFailure
from service.parse.addresses import absolute
from service.parse.limits import CAPPED, MAX_ENTRIES
from service.parse.mapping import MAX_CATEGORIES, MAX_ENCLOSURES, enclosure
from service.values import MAX_HUBS, Enclosure, Entry, ParsedFeed, Reason

_VERSION = "jsonfeed.org/version/"
_WEBSUB = ("websub", "pubsubhubbub")
_FEED_KEYS = frozenset(("title", "home_page_url", "feed_url"))


def looks_like_json(text: str) -> bool:
    """Whether a text begins as a JSON object or array does."""
    return text[:200].lstrip("\ufeff \t\r\n").startswith(("{", "["))


def read(text: str, url: str) -> ParsedFeed:
    """Read a JSON Feed from an address.

    :raises ParseFailure: MALFORMED for broken JSON, NOT_A_FEED for other JSON, TOO_COMPLEX for deep nesting
    """
    warnings: list[str] = []
    document = _load(text, warnings)
    version = document.get("version") if isinstance(document, dict) else None
    items = document.get("items") if isinstance(document, dict) else None
    declared = isinstance(version, str) and _VERSION in version
    if not isinstance(document, dict) or not (declared or _resembles_feed(document)):
        raise ParseFailure(Reason.NOT_A_FEED, "JSON, but no JSON Feed")
    if not declared:
        warnings.append("a JSON Feed that does not state its version")
    if items is not None and not isinstance(items, list):
        raise ParseFailure(Reason.MALFORMED, 'a JSON Feed whose "items" is no list')
    items = items or []
    if len(items) > MAX_ENTRIES:
        warnings.append(CAPPED)
    language = _string(document, "language")
    own_authors = _authors(document)
    site = absolute(_string(document, "home_page_url"), url)
    return ParsedFeed(
        entries=tuple(
            _entry(item, language, own_authors, url) for item in items[:MAX_ENTRIES] if isinstance(item, dict)
        ),
        title=_string(document, "title"),
        site_url=site,
        language=language,
        hubs=tuple(_hubs(document)),
        self_url=_string(document, "feed_url"),
        version="json1" if declared and str(version).rstrip("/").endswith(("/1", "/1.0")) else "json11",
        warnings=tuple(warnings),
    )


def _load(text: str, warnings: list[str]) -> Any:
    text = text.lstrip("\ufeff \t\r\n")
    try:
        return msgspec.json.decode(text)
    except RecursionError as error:
        raise ParseFailure(Reason.TOO_COMPLEX, "JSON nested too deeply") from error
    except msgspec.DecodeError as error:
        kept = _whole_items(text)
        if kept is None:
            raise ParseFailure(Reason.MALFORMED, f"broken JSON: {error}") from error
        warnings.append(f"broken JSON ({error}); the {len(kept['items'])} whole entries before were kept")
        return kept


def _whole_items(text: str) -> dict[str, Any] | None:
    """The head and the whole items of a JSON Feed that breaks off, or None when there are none."""
    start = text.find('"items"')
    if start < 0 or _VERSION not in text.replace("\\/", "/"):
        return None
    items = list(_items_from(text, text.find("[", start) + 1))
    if not items:
        return None
    head: dict[str, Any] = {}
    decoder = json.JSONDecoder()
    for key in ("version", "title", "home_page_url", "feed_url", "language"):
        place = text.find(f'"{key}"', 0, start)
        colon = text.find(":", place + len(key) + 2, start) if place >= 0 else -1
        if colon >= 0:
            try:
                head[key] = decoder.raw_decode(text, colon + 1 + _spaces(text, colon + 1))[0]
            except (ValueError, RecursionError):
                continue
    return {**head, "items": items}


def _items_from(text: str, position: int) -> Iterator[Any]:
    decoder = json.JSONDecoder()
    for _ in range(MAX_ENTRIES):
        position += _spaces(text, position)
        try:
            item, position = decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            return
        yield item
        position += _spaces(text, position)
        if not text.startswith(",", position):
            return
        position += 1


def _spaces(text: str, position: int) -> int:
    start = position
    while position < len(text) and text[position] in " \t\r\n":
        position += 1
    return position - start


def _resembles_feed(document: dict[str, Any]) -> bool:
    items = document.get("items")
    return (
        isinstance(items, list)
        and bool(items)
        and not _FEED_KEYS.isdisjoint(document)
        and all(isinstance(item, dict) and ("id" in item or "url" in item) for item in items[:10])
    )


def _entry(item: dict[str, Any], feed_language: str | None, feed_authors: str | None, base: str) -> Entry:
    markup, plain = _string(item, "content_html"), _string(item, "content_text")
    return Entry(
        guid=_string(item, "id"),
        link=_string(item, "url") or _string(item, "external_url"),
        title=_string(item, "title"),
        content=markup or plain,
        content_is_html=markup is not None,
        summary=_string(item, "summary"),
        summary_is_html=False,
        published=_string(item, "date_published"),
        updated=_string(item, "date_modified"),
        author=_authors(item) or feed_authors,
        categories=_tags(item),
        enclosures=_attachments(item),
        language=_string(item, "language") or feed_language,
        base_url=base or None,
    )


def _string(holder: Any, key: str) -> str | None:
    """A string, or a number where a string belongs (ids often are), stripped; None when empty."""
    value = holder.get(key)
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        value = str(value)
    return value.strip() or None if isinstance(value, str) else None


def _authors(holder: dict[str, Any]) -> str | None:
    given = holder.get("authors")
    people = given if isinstance(given, list) else [holder.get("author")]  # 1.0 had one "author"
    names = []
    for person in people[:20]:
        name = _string(person, "name") if isinstance(person, dict) else person
        if isinstance(name, str) and name.strip():
            names.append(name.strip())
    return ", ".join(dict.fromkeys(names)) or None


def _tags(item: dict[str, Any]) -> tuple[str, ...]:
    tags = item.get("tags")
    if not isinstance(tags, list):
        return ()
    named = dict.fromkeys(tag.strip() for tag in tags if isinstance(tag, str) and tag.strip())
    return tuple(named)[:MAX_CATEGORIES]


def _attachments(item: dict[str, Any]) -> tuple[Enclosure, ...]:
    attachments = item.get("attachments")
    if not isinstance(attachments, list):
        return ()
    return tuple(
        enclosure(url, attachment.get("mime_type"), attachment.get("size_in_bytes"))
        for attachment in attachments[:MAX_ENCLOSURES]
        if isinstance(attachment, dict) and (url := _string(attachment, "url"))
    )


def _hubs(document: dict[str, Any]) -> Iterator[str]:
    """The hubs that speak WebSub (once PubSubHubbub); there are others, rssCloud among them."""
    hubs = document.get("hubs")
    for hub in hubs[:MAX_HUBS] if isinstance(hubs, list) else ():
        if not isinstance(hub, dict) or (_string(hub, "type") or "websub").lower() not in _WEBSUB:
            continue
        if url := _string(hub, "url"):
            yield url
