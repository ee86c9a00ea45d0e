"""A record of a list of articles – an object of JSON, a row of a table – → one entry.

What a column means is told by its name, whatever its case and punctuation: ``COLUMNS`` is the table, and
``service/parse/README.md`` shows it. The first name that has a value counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from service.errors import ParseFailure
from service.values import DateOrigin, Entry, Reason

COLUMNS: dict[str, tuple[str, ...]] = {
    "title": ("title", "headline", "subject", "name"),
    "text": (
        "text",
        "body",
        "content",
        "article",
        "article_text",
        "article_body",
        "full_text",
        "main_text",
        "maintext",
        "content_text",
        "story",
        "raw_text",
    ),
    "html": ("html", "content_html", "body_html", "article_html"),
    "summary": ("summary", "description", "abstract", "lead", "excerpt", "snippet", "teaser", "trail_text"),
    "published": (
        "published",
        "published_at",
        "date_published",
        "publication_date",
        "publish_date",
        "pub_date",
        "pubdate",
        "published_date",
        "web_publication_date",
        "date",
        "datetime",
        "timestamp",
        "time",
        "created_at",
    ),
    "updated": ("updated", "updated_at", "modified", "modified_at", "date_modified", "last_modified"),
    "url": ("url", "link", "web_url", "article_url", "source_url", "permalink", "uri", "href"),
    "author": ("author", "authors", "byline", "creator", "writer"),
    "id": ("id", "guid", "uuid", "article_id", "external_id", "doc_id", "document_id", "identifier"),
    "language": ("language", "lang", "language_code"),
    "categories": ("categories", "category", "tags", "keywords", "section", "sections", "topics", "subjects"),
}
_MEANINGS = {name: meaning for meaning, names in COLUMNS.items() for name in names}
_RANKS = {name: rank for names in COLUMNS.values() for rank, name in enumerate(names)}
_TEXTS = ("title", "text", "html", "summary")

MAX_ID = 200  # characters
_MAX_COLUMNS = 1_000  # that are looked at
_MAX_CATEGORIES = 200
_MAX_LISTED = 40  # columns that a message names
# Camel case, and whatever stands between words.
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_BETWEEN = re.compile(r"[^a-z0-9]+")
_MARKUP = re.compile(
    r"</(?:p|div|a|em|b|i|strong|span|li|h[1-6]|blockquote)\s*>|<br\s*/?>|<p[\s>]", re.IGNORECASE
)
_BY = re.compile(r"^(?:by|von|par|por|автор:)\s+(?=\w)", re.IGNORECASE)  # what a byline begins with
_LISTED = re.compile(r"[;|]|,\s*")
# What no two sources give to different articles: an address, a URN, a UUID, a digest.
_WORLDWIDE = re.compile(
    r"(?:https?|urn|tag|mid|doi|info|ark|hdl):\S{3,}|\{?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\}?|[0-9a-f]{32,64}",
    re.IGNORECASE,
)
_SEARCH_HIT = ("_source", "fields", "document", "doc")  # what search engines wrap a record in


@dataclass(frozen=True, slots=True)
class Record:
    """A record before it is read: its columns by name, in their order."""

    values: Mapping[str, Any]
    number: int = 0  # within its list, from 1; 0 for one that is a file by itself


def column(name: str) -> str:
    """A column's name as the table has it: "pubDate" → "pub_date"."""
    return _BETWEEN.sub("_", _HUMP.sub("_", name.strip()[:100]).lower()).strip("_")


def known_columns(names: Iterable[str]) -> set[str]:
    """What the columns of these names mean, as far as they mean anything."""
    return {_MEANINGS[known] for known in map(column, names) if known in _MEANINGS}


def holds_articles(names: Iterable[str]) -> bool:
    """Whether records with columns of these names can be articles."""
    return not known_columns(names).isdisjoint(_TEXTS)


def read_record(record: Record) -> tuple[Entry, ...]:
    """One entry for a record.

    An id that is one anywhere in the world is the entry's guid; any other is only its name within its list
    (``member``), because another list counts from 1, too.

    :raises ParseFailure: UNSUPPORTED when no column has a title or text, EMPTY when all that do are empty
    """
    values = _unwrapped(record.values)
    found = _by_meaning(values)
    if not _TEXTS_SET & found.keys():
        if holds_articles(values):
            raise ParseFailure(Reason.EMPTY, "a record with neither a title nor a text")
        raise ParseFailure(Reason.UNSUPPORTED, without_articles(values))
    text = _text(found.get("text"))
    markup = _text(found.get("html"))
    summary = _text(found.get("summary"))
    if not (text or markup or summary or _text(found.get("title"))):
        raise ParseFailure(Reason.EMPTY, "a record with neither a title nor a text")
    name = _text(found.get("id"))[:MAX_ID] or None
    worldwide = bool(name and _WORLDWIDE.fullmatch(name))
    content = markup if len(markup) > len(text) else text
    return (
        Entry(
            guid=name if worldwide else None,
            link=_text(found.get("url")) or None,
            title=_text(found.get("title")) or None,
            title_is_html="&" in _text(found.get("title")),
            content=content or None,
            content_is_html=content is markup or _is_markup(content),
            summary=summary or None,
            summary_is_html=_is_markup(summary),
            published=_text(found.get("published")) or None,
            updated=_text(found.get("updated")) or None,
            date_origin=DateOrigin.COLUMN,
            author=", ".join(_BY.sub("", name) for name in _names(found.get("author"))) or None,
            categories=tuple(_categories(found.get("categories"))),
            language=_text(found.get("language")) or None,
            member=None if worldwide else name,
            listed=record.number > 0,
        ),
    )


_TEXTS_SET = set(_TEXTS)


def without_articles(names: Iterable[str]) -> str:
    """The message for columns of which none has a title or a text."""
    listed = ", ".join(name[:40] for name, _ in zip(map(str, names), range(_MAX_LISTED), strict=False))
    return f"no column is known to hold a title or a text ({listed or 'there are none'})"


def _unwrapped(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """A record without what a search engine put around it."""
    for wrapper in _SEARCH_HIT:
        inside = values.get(wrapper)
        if isinstance(inside, Mapping) and not holds_articles(values):
            identity = {key: values[key] for key in ("_id", "id") if key in values}
            return {**identity, **inside}
    return values


def _by_meaning(values: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, tuple[int, Any]] = {}
    for name, value in zip(values, values.values(), strict=True):
        known = column(str(name))
        meaning = _MEANINGS.get(known)
        if meaning is None or value in (None, "", [], {}):
            continue
        rank = _RANKS[known]
        if meaning not in found or rank < found[meaning][0]:
            found[meaning] = rank, value
        if len(found) > _MAX_COLUMNS:
            break
    return {meaning: value for meaning, (_, value) in found.items()}


def _text(value: Any) -> str:
    """A value as text: numbers as they are written, lists of paragraphs as such, nothing of anything else."""
    match value:
        case str():
            return value.strip()
        case bool() | None:
            return ""
        case int() | float():
            return str(int(value)) if float(value).is_integer() else str(value)
        case list():
            return "\n\n".join(part.strip() for part in value if isinstance(part, str))
        case dict():  # {"rendered": …} of WordPress, {"#text": …} of converted XML, {"name": …}
            inside = (value.get(key) for key in ("rendered", "#text", "value", "text", "name", "title"))
            return next((one.strip() for one in inside if isinstance(one, str)), "")
    return ""


def _names(value: Any) -> list[str]:
    if isinstance(value, list):
        return [name for name in map(_text, value[:_MAX_CATEGORIES]) if name]
    text = _text(value)
    return [text] if text else []


def _categories(value: Any) -> list[str]:
    if isinstance(value, str):
        value = _LISTED.split(value[:10_000].strip(" []"))[:_MAX_CATEGORIES]
    return [name.strip(" '\"") for name in _names(value) if name.strip(" '\"")]


def _is_markup(text: str) -> bool:
    return "<" in text and _MARKUP.search(text) is not None
