"""Dates as sources write them → an instant in UTC and how exactly it is known.

Strict fast paths (RFC 822, ISO 8601, Unix time) read nearly all feeds; whatever else comes is taken apart by
`service.clean.date_text`. A doubtful text gives no date, because a wrong one is worse than none.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from service.clean.date_names import DATE_LABELS, MONTHS, PLACES, ZONES, fold
from service.clean.date_text import Clock, Day, take_apart
from service.values import Precision

MAX_LENGTH = 120  # characters of the longest text that is one date
MIN_YEAR, MAX_YEAR = 1900, 2200  # before and after lie unset clocks, other calendars and slips

Dated = tuple[datetime, Precision]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_UNIX_YEAR = 1973  # nine digits
_MAX_OFFSET = 15 * 3600
_LEAP_SECOND = 60
_NOON = 12

_RFC822 = re.compile(
    r"(?:[A-Za-z]{3,9},? +)?(\d{1,2}) ([A-Za-z]{3,9}) (\d{4}) (\d{1,2}):(\d{2})(?::(\d{2}))? "
    r"(GMT|UTC|UT|Z|[+-]\d{4})"
)
_ISO = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})"
    r"(?:[T ](\d{2}):?(\d{2})(?::?(\d{2})(?:[.,]\d{1,9})?)? ?(Z|UTC|GMT|[+-]\d{2}:?\d{2}|[+-]\d{2})?)?"
)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})T?(\d{2})(\d{2})(\d{2})?(Z|[+-]\d{4})?")
_UNIX = re.compile(r"(?:/Date\()?(-?\d{9,10}(?:\.\d{1,9})?|-?\d{13})(?:[+-]\d{4})?(?:\)/)?")
_OFFSET = re.compile(r"(?:gmt|utc?|z)?([+-])(\d{1,2})(?::?(\d{2}))?")
_LABELS = "|".join(map(re.escape, sorted(DATE_LABELS, key=len, reverse=True)))
_LABEL = re.compile(rf"(?:{_LABELS})(?![^\W_])[\s:\u2013\u2014-]*")
_PART_ENDS = re.compile(r"\s*[|•·]\s*|\s+[\u2013\u2014/-]\s+(?=[^\W\d_])")


def parse_date(text: str, *, day_first: bool | None = None) -> Dated | None:
    """The instant that a text names, in UTC; None when it names none, or more than one.

    ``day_first`` says how to read 5/3/2019: True is 5 March, False is May 3; with None such a text is only
    read when a number over 12 or a weekday decides. A time without a zone is taken as UTC, as feeds mean
    it; a time in a zone that nobody knows is known to the day.
    """
    text = text.strip()
    if not text or len(text) > MAX_LENGTH:
        return None
    try:
        match = _RFC822.fullmatch(text)
        if match and match[2].lower() in MONTHS:
            day, month, year, hour, minute, second, zone = match.groups()
            return _instant(
                Day(int(year), MONTHS[month.lower()], int(day)), Clock(hour, minute, second), _offset(zone)
            )
        match = _ISO.fullmatch(text) or _COMPACT.fullmatch(text)
        if match:
            year, month, day, hour, minute, second, zone = match.groups()
            return _instant(
                Day(int(year), int(month), int(day)), Clock(hour, minute, second), _offset(zone or "Z")
            )
        match = _UNIX.fullmatch(text)
        if match:
            return _from_unix(match[1])
        stated = take_apart(text, day_first)
        if stated is None:
            return None
        return _instant(stated.day, stated.clock, _offset_at(stated.zone, stated.day, stated.clock))
    except (ValueError, OverflowError):
        return None  # 31 February, minute 71, year 99999


def labelled_date(line: str, *, day_first: bool | None = None) -> Dated | None:
    """The date of a line that is a label and a date and nothing else: "Published: 18th June 2024".

    Of several ("Published 18 June 2024 | Updated 19 June 2024") the first.
    """
    line = line.strip()
    if not line or len(line) > 2 * MAX_LENGTH:
        return None
    whole = _after_label(line, day_first)
    if whole is not None:
        return whole
    dates = [_after_label(part, day_first) for part in _PART_ENDS.split(line)]
    return dates[0] if len(dates) > 1 and all(dates) else None


def _after_label(text: str, day_first: bool | None) -> Dated | None:
    folded = fold(text).strip("()[] ")
    label = _LABEL.match(folded)
    if label is None or _UNIX.fullmatch(folded, label.end()):
        return None
    dated = parse_date(folded[label.end() :].strip(" ."), day_first=day_first)
    # "Data 2024" and "Released 2024" are headings.
    return dated if dated and dated[1] is not Precision.YEAR else None


def _instant(day: Day, clock: Clock, offset: int | None) -> Dated | None:
    """The instant of a date and a time at so many seconds east of UTC (None: unknown)."""
    if not MIN_YEAR <= day.year <= MAX_YEAR:
        return None
    moment = datetime(day.year, day.month or 1, day.day or 1, tzinfo=UTC)
    if clock.hour is None or day.day is None:
        return moment, Precision.DAY if day.day else Precision.MONTH if day.month else Precision.YEAR
    hour, minute, second = int(clock.hour), int(clock.minute or 0), int(clock.second or 0)
    if clock.half and 1 <= hour <= _NOON:  # "15:30 PM" is written, and means what its hour says
        hour = hour % _NOON + (_NOON if clock.half == "p" else 0)
    if (hour, minute, second) == (24, 0, 0):
        moment, hour = moment + timedelta(days=1), 0  # ISO 8601: the end of that day
    if second == _LEAP_SECOND:
        second -= 1
    moment = moment.replace(hour=hour, minute=minute, second=second)
    if offset is None:
        return moment, Precision.DAY
    moment -= timedelta(seconds=offset)
    if moment == _EPOCH:
        return None  # what an unset clock says
    return moment, Precision.MINUTE if clock.second is None else Precision.SECOND


def _from_unix(text: str) -> Dated | None:
    seconds = float(text)
    if len(text.partition(".")[0].lstrip("-")) > 10:  # noqa: PLR2004 - more digits are milliseconds
        seconds /= 1000
    moment = _EPOCH + timedelta(seconds=int(seconds))
    return (moment, Precision.SECOND) if moment.year >= _FIRST_UNIX_YEAR else None


def _offset(zone: str) -> int | None:
    """Seconds east of UTC of ``+0900``, ``GMT+9``, ``KST``; None when nobody knows.

    "GMT+9" is nine hours east, as everyone but POSIX writes it.
    """
    zone = zone.lower()
    if zone in ZONES:
        return ZONES[zone]
    match = _OFFSET.fullmatch(zone)
    if match is None:
        return None
    seconds = int(match[2]) * 3600 + int(match[3] or 0) * 60
    if seconds > _MAX_OFFSET:
        return None
    return -seconds if match[1] == "-" else seconds


def _offset_at(zone: str, day: Day, clock: Clock) -> int | None:
    """Seconds east of UTC of a zone at a local time; UTC for none, None when the zone is unknown."""
    known = _offset(zone.replace(" ", "") or "utc")
    if known is not None:
        return known
    words = zone.split()
    if "standard" in words or "daylight" in words:  # "eastern daylight time" → "edt"
        return ZONES.get("".join(word[0] for word in words))
    area = zone if "/" in zone else PLACES.get(words[0])
    return _offset_of_area(area, day, clock) if area else None


def _offset_of_area(area: str, day: Day, clock: Clock) -> int | None:
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - rare, and reads files

    name = "/".join("_".join(word.capitalize() for word in part.split("_")) for part in area.split("/"))
    try:
        place = ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None
    local = datetime(day.year, day.month or 1, day.day or 1, int(clock.hour or 0) % 24, tzinfo=place)
    offset = local.utcoffset()
    return int(offset.total_seconds()) if offset is not None else None
