"""Dates, numbers, links and colours as people read them. Pure; English; every time is UTC."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from urllib.parse import urlsplit

PALETTE = 8  # the topic colours of style.css: .topic-0 to .topic-7
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_ORIGINS = {
    "feed": "as the feed says",
    "text": "as the text says",
    "metadata": "from the page's metadata",
    "email": "from the message's Date header",
    "column": "from the record's own field",
}
_PRECISIONS = {
    "day": "the hour is not known",
    "month": "the day is not known",
    "year": "the month is not known",
}
_REASONS = {
    "dns": "Its host name was not found",
    "connect": "Its server cannot be reached",
    "tls": "Its secure connection is not valid",
    "timeout": "Its server does not answer in time",
    "broken": "The connection broke in the middle",
    "blocked": "Its address is one that may not be fetched",
    "robots": "Its robots.txt asks programs to stay away",
    "redirect": "It redirects in a circle, too often, or to no web address",
    "too_large": "It is larger than the limit",
    "unauthorized": "Its server wants a login, or refuses us",
    "not_found": "Nothing is there (404)",
    "gone": "It is gone for good (410)",
    "rate_limited": "Its server asks for fewer requests (429)",
    "http_4xx": "Its server refuses the request",
    "http_5xx": "Its server has a fault",
    "http_other": "Its server gave an unexpected answer",
    "empty": "It is empty",
    "not_a_feed": "What is there is no feed",
    "not_text": "What is there is no text",
    "malformed": "It is broken beyond repair",
    "too_complex": "It is nested or long beyond the limits",
    "shortened": "It is too long to be read whole",
    "parse_timeout": "Reading it took too long",
    "parse_crash": "Reading it failed badly",
    "missing": "It is no longer there",
    "unreadable": "It may not be read",
    "unsupported": "Nothing here reads this kind of document",
    "storage": "The database could not take it",
    "internal": "A fault of Wirewatch, see its log",
}
_CUTS = {
    "teaser": "a teaser for another article",
    "donation": "an appeal for donations",
    "subscription": "newsletters, apps, “follow us”",
    "sharing": "buttons for sharing",
    "reading_time": "the reading time",
    "dateline": "the date, kept as the date",
    "byline": "the author, kept as the author",
    "repeated_title": "the title once more",
    "references": "references",
    "cookies": "a notice about cookies",
    "furniture": "furniture of the page",
    "unread": "not read",
}
_LANGUAGE = re.compile(r"[a-z]{2,3}", re.ASCII)
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_FEW_DAYS = 60


@dataclass(frozen=True, slots=True)
class Link:
    """A web address that is safe to link, and the host to show for it."""

    href: str
    host: str


@dataclass(frozen=True, slots=True)
class Time:
    """A moment in three forms: for a person, for a machine, and how long ago."""

    text: str
    machine: str
    ago: str


def web_link(url: str | None) -> Link | None:
    """``url`` when it is an absolute http or https address, else None: no other scheme is ever linked."""
    if not url or any(character <= " " or character == "\x7f" for character in url):
        return None
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not host:
        return None
    return Link(url, host.removeprefix("www."))


def day_of(moment: datetime | date) -> str:
    """18 June 2024."""
    return f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}"


def short_day(day: date) -> str:
    """18 Jun 2024."""
    return f"{day.day} {_MONTHS[day.month - 1][:3]} {day.year}"


def month_of(day: date) -> str:
    """June 2024."""
    return f"{_MONTHS[day.month - 1]} {day.year}"


def moment_of(moment: datetime, precision: str | None = None) -> str:
    """A time no more exact than it is known: 18 June 2024, 14:05 UTC · 18 June 2024 · June 2024 · 2024."""
    if precision == "year":
        return str(moment.year)
    if precision == "month":
        return month_of(moment)
    if precision == "day":
        return day_of(moment)
    return f"{day_of(moment)}, {clock_of(moment)}"


def clock_of(moment: datetime) -> str:
    """14:05 UTC."""
    return f"{moment:%H:%M} UTC"


def machine_time(moment: datetime, precision: str | None = None) -> str:
    """The ``datetime`` attribute of a ``time`` element, as exact as the time is known (HTML 4.5.14)."""
    if precision == "year":
        return f"{moment.year:04d}"
    if precision == "month":
        return f"{moment.year:04d}-{moment.month:02d}"
    if precision == "day":
        return moment.date().isoformat()
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def date_note(precision: str | None, origin: str | None) -> str:
    """How a publication date is known: "as the text says; the hour is not known"."""
    notes = (_ORIGINS.get(origin or ""), _PRECISIONS.get(precision or ""))
    return "; ".join(note for note in notes if note)


def time_of(moment: datetime | None, now: datetime, precision: str | None = None) -> Time | None:
    """The three forms of a moment, None of None."""
    if moment is None:
        return None
    return Time(moment_of(moment, precision), machine_time(moment, precision), ago(moment, now))


def exactly(moment: datetime, now: datetime, precision: str | None = None) -> Time:
    """The three forms of a moment that is known."""
    return Time(moment_of(moment, precision), machine_time(moment, precision), ago(moment, now))


def vague_of(precision: str | None) -> str:
    """What is not known of a date under the heading of its day: time, day or month not given."""
    return {"month": "day not given", "year": "month not given"}.get(precision or "", "time not given")


def ago(moment: datetime, now: datetime) -> str:
    """How long ago, or how soon, in the largest unit that says it: 5 min ago, in 3 h, 12 days ago."""
    seconds = (now - moment).total_seconds()
    amount = _amount(abs(seconds))
    if amount is None:
        return "just now" if seconds >= 0 else "at once"
    return f"{amount} ago" if seconds >= 0 else f"in {amount}"


def _amount(seconds: float) -> str | None:
    if seconds < _MINUTE:
        return None
    if seconds < _HOUR:
        return f"{int(seconds // _MINUTE)} min"
    if seconds < 2 * _DAY:
        return f"{int(seconds // _HOUR)} h"
    days = int(seconds // _DAY)
    return f"{days} days" if days <= _FEW_DAYS else f"{days // 30} months"


def reason_in_words(reason: str | None) -> str | None:
    """A reason of failure as a sentence; one that is not known stays as it is."""
    return _REASONS.get(reason, reason) if reason else None


def cut_in_words(kind: str) -> str:
    """What a passage that was left out is; a kind that is not known stays as it is."""
    return _CUTS.get(kind, kind)


def relative_day(day: date, today: date) -> str | None:
    """Today or Yesterday, else None."""
    if day == today:
        return "Today"
    return "Yesterday" if today - day == timedelta(days=1) else None


def number_of(value: int) -> str:
    """12,345."""
    return f"{value:,}"


def count_of(value: int, one: str, many: str | None = None) -> str:
    """1 article, 12,345 articles."""
    return f"{value:,} {one if value == 1 else many or one + 's'}"


def score_of(value: float) -> str:
    """0.92; never rounded up to a threshold that it does not reach, nor up to 1.00."""
    return f"{int(value * 100 + 1e-9) / 100:.2f}"


def signed(value: float) -> str:
    """With its sign, and a real minus sign for less than nothing: +1.32."""
    return f"{value:+.2f}".replace("-", "\N{MINUS SIGN}")


def language_of(code: str | None) -> str | None:
    """A code that may stand in a ``lang`` attribute, or None where the language cannot be told."""
    return code if code and code != "und" and _LANGUAGE.fullmatch(code) else None


def split_snippet(snippet: str) -> list[tuple[str, bool]]:
    """Text and whether it matched, from a snippet with its matches between \\x02 and \\x03."""
    found: list[tuple[str, bool]] = []
    for index, part in enumerate(snippet.split("\x02")):
        matched, closed, rest = part.partition("\x03")
        if index == 0:
            found.append((matched + rest, False))
        else:
            found += [(matched, bool(closed)), (rest, False)]
    return [(text, matched) for text, matched in found if text]


def colours(topics: Iterable[str]) -> Mapping[str, int]:
    """A place in the palette for each topic: apart while the palette lasts, in the order of their names."""
    return {topic: place % PALETTE for place, topic in enumerate(sorted(set(topics)))}
