"""What a feed wishes about polling: ``ttl``, ``skipHours``, ``skipDays`` of RSS, and the ``sy:`` module."""

from __future__ import annotations

import re

from service.values import Hints

MAX_SECONDS = 31 * 86_400  # a wish beyond a month is a slip of the pen

_PERIODS = {"hourly": 3600, "daily": 86_400, "weekly": 604_800, "monthly": 2_592_000, "yearly": 31_536_000}
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SKIP = re.compile(r"<skip(hours|days)>(.{0,2000}?)</skip\1>", re.IGNORECASE | re.DOTALL)
_VALUE = re.compile(r"<(?:hour|day)>\s{0,20}([A-Za-z0-9]{1,12})\s{0,20}</", re.IGNORECASE)
_HEAD = 20_000  # characters in which a channel's own elements stand
_HOURS = 24


def feed_hints(
    *, ttl: str | None = None, period: str | None = None, frequency: str | None = None, text: str = ""
) -> Hints:
    """Hints from the raw strings of a feed; ``text`` is the document, searched for skipHours and skipDays."""
    hours, days = _skipped(text)
    return Hints(ttl=_ttl(ttl) or _update_period(period, frequency), skip_hours=hours, skip_days=days)


def _ttl(minutes: str | None) -> int | None:
    number = _number(minutes)
    return min(int(number * 60), MAX_SECONDS) if number else None


def _update_period(period: str | None, frequency: str | None) -> int | None:
    if not period and not frequency:
        return None
    # The module's defaults: daily, once.
    seconds = _PERIODS.get((period or "daily").strip().lower())
    times = _number(frequency) if frequency else 1
    return min(int(seconds / times), MAX_SECONDS) if seconds and times else None


def _number(text: str | None) -> float | None:
    try:
        number = float((text or "").strip()[:20])
    except ValueError:
        return None
    return number if 0 < number < float("inf") else None


def _skipped(text: str) -> tuple[frozenset[int], frozenset[int]]:
    hours: set[int] = set()
    days: set[int] = set()
    for kind, inside in _SKIP.findall(_channel_parts(text)):
        for value in _VALUE.findall(inside):
            if kind.lower() == "hours" and value.isdecimal() and int(value) <= _HOURS:
                hours.add(int(value) % _HOURS)  # RSS 0.91 counts to 24
            elif kind.lower() == "days" and value.lower() in _DAYS:
                days.add(_DAYS.index(value.lower()))
    # All hours or all days skipped would mean never: such a wish is none.
    return (
        frozenset(hours) if len(hours) < _HOURS else frozenset(),
        frozenset(days) if len(days) < len(_DAYS) else frozenset(),
    )


def _channel_parts(text: str) -> str:
    return text if len(text) <= 2 * _HEAD else text[:_HEAD] + text[-_HEAD:]
