"""One entry → one finished article: title, plain text, date, address, language, and what was cut."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from service.clean.boilerplate import Body, cut_boilerplate
from service.clean.dates import parse_date
from service.clean.headline import Headline, find_headline, make_title, property_title, source_title
from service.clean.html import html_lines
from service.clean.language import choose_language
from service.clean.text import Line, one_line, read_lines, shorten, write_text
from service.clean.urls import canonical_url
from service.members import member_path
from service.values import Article, Cut, CutKind, DateOrigin, Enclosure, Entry, Precision

HASH_VERSION = "1"
CLOCK_TOLERANCE = timedelta(days=1)  # of clocks and time zones; what lies further ahead is no publication
MAX_AUTHOR = 300
MAX_CATEGORIES = 50
MAX_ENCLOSURES = 20
MAX_GUID = 1000  # bytes
MAX_BEFORE = 5  # lines before a headline: a number, a date, a byline

_SPACES = re.compile(r"\s+")
_DIGEST = 16  # bytes


@dataclass(frozen=True, slots=True)
class _Dated:
    at: datetime | None = None
    precision: Precision | None = None
    origin: DateOrigin | None = None


def clean(
    entry: Entry,
    *,
    fetched_at: datetime,
    source_language: str | None = None,
    day_first: bool | None = None,
    path: str | None = None,
) -> Article:
    """Make an article of an entry.

    ``day_first`` says how the source writes 5/3/2019; ``source_language`` is what the source as a whole
    declares; ``path`` the file that the entry was read from. Dates are the entry's, else those said in the
    text, else the file's own properties'; never the time of the file or of the fetch.
    """
    title = source_title(entry.title, is_html=entry.title_is_html)
    lines, unread = _lines(entry)
    headline = None if title else _headline(lines)
    if not title and headline is None:
        title = property_title(entry.properties.title)
    taken: Sequence[Line] = lines
    if headline is not None:
        title = headline.title
        taken = lines[headline.taken :]
    body = cut_boilerplate(taken, title=title, day_first=day_first, not_after=fetched_at + CLOCK_TOLERANCE)
    text = write_text(body.lines)
    made = not title
    if made:
        title = _made_title(text, body, entry)
    dated = _date(entry, body, fetched_at=fetched_at, day_first=day_first)
    return Article(
        title=title,
        text=text,
        content_hash=content_hash(title, text),
        guid=_guid(entry.guid),
        url=canonical_url(entry.link, entry.base_url) if entry.link else None,
        title_made=made,
        published_at=dated.at,
        precision=dated.precision,
        date_origin=dated.origin,
        author=_author(entry.author or body.byline or entry.properties.author),
        language=choose_language(f"{title}\n{text}", entry.language, source_language),
        categories=_categories(entry.categories),
        enclosures=_enclosures(entry.enclosures, entry.base_url),
        cuts=(
            *body.cuts,
            *(Cut(CutKind.FURNITURE, text) for text in _margins(entry.margins)),
            *(Cut(CutKind.UNREAD, text) for text in (*entry.unread[:MAX_CATEGORIES], *unread)),
        ),
        path=member_path(path, entry.member) if path is not None and entry.member else path,
        listed=entry.listed and not entry.member,
    )


def content_hash(title: str, text: str) -> str:
    """What tells one wording from another: versioned, blind to spaces and compatibility forms."""
    normal = unicodedata.normalize("NFKC", f"{title}\n{text}")
    words = _SPACES.sub(" ", normal).strip().encode("utf-8", "replace")
    return f"{HASH_VERSION}:{hashlib.blake2b(words, digest_size=_DIGEST).hexdigest()}"


def _lines(entry: Entry) -> tuple[list[Line], tuple[str, ...]]:
    """The lines of the fullest text of an entry, and what of it was too long to be read."""
    candidates = []
    if entry.content:
        candidates.append((entry.content, entry.content_is_html))
    if entry.summary and entry.summary != entry.content:
        candidates.append((entry.summary, entry.summary_is_html))
    best: list[Line] = []
    best_unread: tuple[str, ...] = ()
    for text, is_html in candidates:
        unread: list[str] = []
        lines = html_lines(text, unread) if is_html else read_lines(text, unread)
        # A content element may hold a picture only, and the summary the words.
        if sum(len(line.text) for line in lines) > sum(len(line.text) for line in best) * (2 if best else 1):
            best, best_unread = lines, tuple(unread)
    return best, best_unread


def _headline(lines: Sequence[Line]) -> Headline | None:
    """The text's own headline, looked for behind stray lines such as a number or a date."""
    for index, line in enumerate(lines[:MAX_BEFORE]):
        if not line.heading and not cut_boilerplate([line]).lines:
            continue  # it stays where it is, and is cut with the rest
        found = find_headline(lines[index:])
        return found if found is None or index == 0 else replace(found, taken=0)
    return None


def _made_title(text: str, body: Body, entry: Entry) -> str:
    made = make_title(text)
    if not made and body.cuts:
        made = make_title(body.cuts[0].text)
    return made or one_line(entry.link or entry.guid or "")[:200] or "Untitled"


def _date(entry: Entry, body: Body, *, fetched_at: datetime, day_first: bool | None) -> _Dated:
    """The entry's date, else the one its text states; a date ahead of the fetch is no publication.

    Within the tolerance, a clock that is fast or a time zone that was left out is the likely reason, so the
    article was published by now: it gets the time of the fetch. Beyond it the date is an event's or a slip.
    """
    for written in (entry.published, entry.updated):
        found = parse_date(written, day_first=day_first) if written else None
        if found is not None and found[0] <= fetched_at + CLOCK_TOLERANCE:
            return _Dated(min(found[0], fetched_at), found[1], entry.date_origin)
    if body.dated is not None:
        return _Dated(min(body.dated[0], fetched_at), body.dated[1], DateOrigin.TEXT)
    # When a file was made is the last resort: a report of March may have been saved again in May.
    created = parse_date(entry.properties.created, day_first=day_first) if entry.properties.created else None
    if created is not None and created[0] <= fetched_at + CLOCK_TOLERANCE:
        return _Dated(min(created[0], fetched_at), created[1], DateOrigin.METADATA)
    return _Dated()


def _guid(guid: str | None) -> str | None:
    if guid is None:
        return None
    plain = one_line(guid)
    raw = plain.encode("utf-8", "replace")
    if len(raw) > MAX_GUID:
        plain = f"blake2b-{hashlib.blake2b(raw, digest_size=_DIGEST).hexdigest()}"
    return plain or None


def _author(author: str | None) -> str | None:
    return shorten(one_line(author), MAX_AUTHOR) or None if author else None


def _margins(margins: Sequence[str]) -> list[str]:
    plain = (shorten(one_line(text), MAX_AUTHOR) for text in margins[:MAX_CATEGORIES])
    return [text for text in dict.fromkeys(plain) if text]


def _categories(categories: Sequence[str]) -> tuple[str, ...]:
    plain = (shorten(one_line(category), 100) for category in categories[: MAX_CATEGORIES * 4])
    return tuple(dict.fromkeys(category for category in plain if category))[:MAX_CATEGORIES]


def _enclosures(enclosures: Sequence[Enclosure], base: str | None) -> tuple[Enclosure, ...]:
    kept = []
    for enclosure in enclosures[:MAX_ENCLOSURES]:
        url = canonical_url(enclosure.url, base)
        if url is not None:
            kept.append(replace(enclosure, url=url))
    return tuple(kept)
