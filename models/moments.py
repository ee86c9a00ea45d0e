"""Times as people type them: "7d", "24h", "yesterday", "2024-06-18", "2024-06-18T14:00+02:00". Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

EXAMPLES = '"2024-06-18", "2024-06", "2024-06-18T14:00", "yesterday", "today", "24h" or "7d" (ago)'
LONGEST = 40  # characters of a time

_CALENDAR = re.compile(r"(\d{4})-(\d\d?)-(\d\d?)|(\d{4})-(\d\d?)|(\d{4})", re.ASCII)
_AGO = re.compile(r"(?:\d{1,7}(?:\.\d{1,6})?[smhdw])+", re.ASCII)
_PART = re.compile(r"([\d.]+)([smhdw])", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_DECEMBER = 12


def parse_moment(text: str, now: datetime, *, end: bool = False) -> datetime:
    """The moment that a text names, in UTC; of a day, month or year its beginning, or, with ``end``, the
    beginning of the next one. Raises ValueError."""
    text = text.strip().lower()
    try:
        return _parsed(text, now, end=end)
    except (ValueError, OverflowError) as error:
        message = f"{text[:LONGEST]!r} is no time that can be reached"
        raise ValueError(message) from error


def is_relative(text: str) -> bool:
    """Whether what a time means depends on now."""
    text = text.strip().lower()
    return text in {"now", "today", "yesterday"} or _AGO.fullmatch(text) is not None or text == "0"


def _parsed(text: str, now: datetime, *, end: bool) -> datetime:
    if text in {"now", "0"}:
        return now
    if text in {"today", "yesterday"}:
        day = now.astimezone(UTC).date() - timedelta(days=text == "yesterday")
        return _midnight(day + timedelta(days=end))
    if _AGO.fullmatch(text):
        return now - timedelta(
            seconds=sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text))
        )
    found = _CALENDAR.fullmatch(text)
    if found:
        return _calendar([int(part) for part in found.groups() if part], end=end)
    value = datetime.fromisoformat(text.upper()[: LONGEST + 1])
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _calendar(parts: Sequence[int], *, end: bool) -> datetime:
    year, month, day = (*parts, 1, 1)[:3]
    first = date(year, month, day)
    if not end:
        return _midnight(first)
    if len(parts) == 1:
        return _midnight(date(year + 1, 1, 1))
    if len(parts) == 2:  # noqa: PLR2004 - a year and a month
        return _midnight(date(year + month // _DECEMBER, month % _DECEMBER + 1, 1))
    return _midnight(first + timedelta(days=1))


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
