"""A text taken apart into the date, the time and the zone that it states, or refused.

The time is found first, then its zone; what is left must be a complete date and nothing more. A text that
could mean two days, or holds a word that belongs to no date, is none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from service.clean.date_names import FILLERS, MONTHS, WEEKDAYS, ZONES, fold

_BUDDHIST = 543  # years that the Thai calendar is ahead


class Day(NamedTuple):
    """A date as far as it is stated."""

    year: int
    month: int | None = None
    day: int | None = None


class Clock(NamedTuple):
    """A time as far as it is stated; ``half`` is "a" or "p" of a.m. and p.m."""

    hour: str | None = None
    minute: str | None = None
    second: str | None = None
    half: str = ""


class Stated(NamedTuple):
    """What a text states; ``zone`` as written, "" when there is none."""

    day: Day
    clock: Clock
    zone: str


_HALF = r"(?P<half>[ap])\.? ?m\b\.?"
_CLOCKS = tuple(
    re.compile(pattern)
    for pattern in (
        # 16:42 · 4:35:5 · 02:02:33.5 PM
        r"(?<![\d.:])(?P<hour>\d{1,2}):(?P<minute>\d{1,2})(?::(?P<second>\d{1,2})(?:[.,]\d{1,9})?)?(?!\d)"
        rf"(?: ?{_HALF})?",
        # 4 pm · 4.42 p.m.
        rf"(?<![\d.:])(?P<hour>\d{{1,2}})(?:\.(?P<minute>\d{{2}}))? ?{_HALF}",
        # 16h42 · 16 h
        r"(?<![\d.:/-])(?P<hour>\d{1,2}) ?h(?: ?(?P<minute>\d{2})\b)?(?=\W|$)",
        # 18 June 2024 16.42
        r"(?:(?<=\d{4})|(?<=\d{4},)),? (?P<hour>\d{1,2})\.(?P<minute>\d{2})(?:\.(?P<second>\d{2}))?(?![.\d])",
    )
)
_ZONE = re.compile(
    r"[ ,]*(?:(?P<numeric>(?:gmt|utc?|z) ?[+-]\d{1,2}(?::?\d{2})?|[+-]\d{2}:?\d{2}|[+-]\d{2})(?![\d:/-])"
    r"|(?P<area>[a-z]+/[a-z_]+(?:/[a-z_]+)?)"
    r"|(?P<place>eastern|central|mountain|pacific|et|ct|mt|pt)(?: (?:standard |daylight )?time)?(?![^\W\d])"
    r"|(?P<name>[a-z]{1,5})(?![^\W\d]|\.[a-z]))"
)
_COMMENT = re.compile(r"\(([^()]{0,60})\)")
# 2026년 5월 1일 · 2026年5月1日 · 오후 3시 20분 · 下午3点20分 → 2026-5-1 and p.m. 3:20
_FAR_EAST = (
    (re.compile(r"(\d{4})\s?[년年]\s?(\d{1,2})\s?[월月]\s?(\d{1,2})\s?[일日号號]"), r" \1-\2-\3 "),
    (re.compile(r"(\d{4})\s?[년年]\s?(\d{1,2})\s?[월月]"), r" \1-\2 "),
    (re.compile(r"(\d{1,2})\s?[시時时点點]\s?(\d{1,2})\s?[분分]\s?(\d{1,2})\s?[초秒]"), r" \1:\2:\3 "),
    (re.compile(r"(\d{1,2})\s?[시時时点點]\s?(\d{1,2})\s?[분分]?"), r" \1:\2 "),
    (re.compile(r"(\d{1,2})\s?[시時时点點]"), r" \1:00 "),
    (re.compile(r"[월화수목금토일]요일|(?:星期|周|週)[一二三四五六日天]|[月火水木金土日]曜日?"), " "),
)
_HALVES = re.compile(r"(오전|午前|上午|凌晨|早上)|(오후|午後|下午|晚上)")
_VIETNAMESE_MONTH = re.compile(r"\bthang (\d{1,2})\b")
_ENGLISH = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_ORDINAL = re.compile(r"(?<=\d)(?:st|nd|rd|th|ste|er|ere|re|eme|º|ª|o|a|e|-?го|-?е)(?=[\s,.]|$)")
# A number, a word (with the vowel signs of Hindi and Thai), a space, or any one character.
_TOKEN = re.compile(r"\d+|[^\W\d_](?:[^\W_]|['’ʼ׳॰\u0900-\u097f\u0e00-\u0e7f])*|\s+|.", re.DOTALL)


def take_apart(text: str, day_first: bool | None) -> Stated | None:
    """What a text states, or None when it is not one whole date with or without a time.

    :raises ValueError: a number is out of every range
    """
    text, half = _westernised(fold(text))
    comments = [comment.strip() for comment in _COMMENT.findall(text)]
    text = " ".join(_COMMENT.sub(" ", text).split())
    clock, zone = Clock(), ""
    match = next(filter(None, (pattern.search(text) for pattern in _CLOCKS)), None)
    if match:
        found = match.groupdict()
        clock = Clock(match["hour"], match["minute"], found.get("second"), found.get("half") or half)
        zone, rest = _leading_zone(text[match.end() :])
        text = f"{text[: match.start()]} {rest}"
        zone = zone or next((comment for comment in comments if _is_zone(comment)), "")
    day = _date(text, day_first)
    return None if day is None else Stated(day, clock, zone)


def _westernised(text: str) -> tuple[str, str]:
    """Chinese, Japanese, Korean and Vietnamese dates with their numbers the western way; half of the day."""
    halves = _HALVES.search(text)
    half = "" if halves is None else "a" if halves[1] else "p"
    text = _HALVES.sub(" ", text)
    for pattern, form in _FAR_EAST:
        text = pattern.sub(form, text)
    return _VIETNAMESE_MONTH.sub(_month_name, text), half


def _month_name(match: re.Match[str]) -> str:
    number = int(match[1])
    return _ENGLISH[number - 1] if 1 <= number <= len(_ENGLISH) else match[0]


def _leading_zone(text: str) -> tuple[str, str]:
    """The zone at the start of what follows a time, and the rest; "" and everything when there is none."""
    match = _ZONE.match(text)
    if match is None:
        return "", text
    name = match["name"]
    if name and name not in ZONES and (name in MONTHS or name in WEEKDAYS or name in FILLERS):
        return "", text  # "10:20 Sat 18 June"
    return match[0].strip(" ,"), text[match.end() :]


def _is_zone(comment: str) -> bool:
    return comment in ZONES or (_ZONE.fullmatch(comment) is not None and comment not in WEEKDAYS)


# -- the date itself -----------------------------------------------------------------------------------


@dataclass(slots=True)
class _Parts:
    numbers: list[str] = field(default_factory=list)
    separators: list[str] = field(default_factory=list)  # what stands between the numbers, without spaces
    months: list[int] = field(default_factory=list)
    weekdays: list[int] = field(default_factory=list)


def _date(text: str, day_first: bool | None) -> Day | None:
    """The date that a text without its time is."""
    parts = _parts(_ORDINAL.sub("", text))
    if parts is None or not parts.numbers or len(parts.months) > 1:
        return None
    if parts.months:
        return _named(parts.numbers, parts.months[0])
    if len(parts.numbers) == 1:
        return _single(parts.numbers[0])
    if len(set(parts.separators)) != 1 or parts.separators[0] not in ("/", "-", ".", ",", " "):
        return None
    if len(parts.numbers) == 2:
        return _month_and_year(*parts.numbers)
    if len(parts.numbers) == 3:
        weekday = parts.weekdays[0] if parts.weekdays else None
        return _numeric(parts.numbers, parts.separators[0], weekday, day_first)
    return None


def _parts(text: str) -> _Parts | None:
    """The numbers and names of a text; None when a word belongs to no date."""
    parts = _Parts()
    words: list[str] = []
    between = ""
    for token in _TOKEN.findall(text):
        if token.isdecimal():
            if parts.numbers:
                parts.separators.append(between or " ")
            parts.numbers.append(token)
            between = ""
        elif token[0].isalpha():
            words.append(token)
        else:
            between += token.strip()
    # A word like "mar" names a month in one language and a weekday in another: those that do not, go first.
    for word in sorted(words, key=lambda word: word in MONTHS and word in WEEKDAYS):
        if word in WEEKDAYS and (word not in MONTHS or parts.months or len(parts.numbers) == 3):
            parts.weekdays.append(WEEKDAYS[word])
        elif word in MONTHS:
            parts.months.append(MONTHS[word])
        elif word not in FILLERS:
            return None
    return parts


def _named(numbers: list[str], month: int) -> Day | None:
    """A date whose month is a name: "18 June 2024", "June 18, 2024", "2024 June 18", "June 2024"."""
    if len(numbers) == 1:
        return Day(_year(numbers[0]), month) if len(numbers[0]) == 4 else None
    if len(numbers) != 2:
        return None
    first, second = numbers
    if len(first) == 4:
        first, second = second, first
    if len(first) > 2 or len(second) not in (2, 4):
        return None
    return Day(_year(second), month, int(first))


def _year(digits: str) -> int:
    """RFC 2822 section 4.3 for two digits; Buddhist years are turned into common ones."""
    year = int(digits)
    if len(digits) <= 2:
        return year + (2000 if year < 50 else 1900)
    return year - _BUDDHIST if 2400 < year < 2700 else year


def _single(digits: str) -> Day | None:
    if len(digits) == 4:
        return Day(int(digits))
    return Day(int(digits[:4]), int(digits[4:6]), int(digits[6:])) if len(digits) == 8 else None


def _month_and_year(first: str, second: str) -> Day | None:
    if len(first) == 4 and len(second) <= 2:
        return Day(int(first), int(second))
    return Day(int(second), int(first)) if len(second) == 4 and len(first) <= 2 else None


def _numeric(digits: list[str], separator: str, weekday: int | None, day_first: bool | None) -> Day | None:
    """A date of three numbers: year first is certain, dots are day first, else something must decide."""
    first, second, third = map(int, digits)
    lengths = tuple(map(len, digits))
    if lengths[0] == 4 and max(lengths[1:]) <= 2:
        return Day(_year(digits[0]), second, third)
    # Two digits for the year between hyphens have three readings: 03-12-31.
    if max(lengths[:2]) > 2 or lengths[2] not in (2, 4) or (lengths[2] == 2 and separator == "-"):
        return None
    year = _year(digits[2])
    readings = [day for day in (Day(year, second, first), Day(year, first, second)) if _exists(day)]
    if weekday is not None and sum(_weekday(day) == weekday for day in readings) == 1:
        readings = [day for day in readings if _weekday(day) == weekday]
    if len(readings) < 2 or readings[0] == readings[1]:
        return readings[0] if readings else None
    if day_first is None and separator != ".":
        return None
    return readings[1] if day_first is False else readings[0]


def _exists(day: Day) -> bool:
    try:
        _weekday(day)
    except ValueError:
        return False
    return True


def _weekday(day: Day) -> int:
    return datetime(day.year, day.month or 1, day.day or 1, tzinfo=UTC).weekday()
