"""Times as people type them: "7d", "24h", "yesterday", "2024-06-18", "2024-06-18T14:00+02:00"."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import click

from service.cli.state import State

if TYPE_CHECKING:
    from collections.abc import Sequence

    _DatetimeType = click.ParamType[datetime]
else:
    _DatetimeType = click.ParamType  # generic since click 8.4 only

_ISO = re.compile(r"(\d{4})-(\d\d?)-(\d\d?)|(\d{4})-(\d\d?)|(\d{4})", re.ASCII)
_EXAMPLES = '"2024-06-18", "2024-06", "2024-06-18T14:00", "yesterday", "today", "24h" or "7d" (ago)'
_DECEMBER = 12


def parse_moment(text: str, now: datetime, *, end: bool = False) -> datetime:
    """The moment that a text names, in UTC; of a day, month or year its beginning, or, with ``end``, the
    beginning of the next one. Raises ValueError."""
    text = text.strip().lower()
    if text == "now":
        return now
    if text in {"today", "yesterday"}:
        day = now.astimezone(UTC).date() - timedelta(days=text == "yesterday")
        return _midnight(day + timedelta(days=end))
    found = _ISO.fullmatch(text)
    if found:
        return _calendar([int(part) for part in found.groups() if part], end=end)
    try:
        from service.settings_units import parse_duration  # noqa: PLC0415

        return now - parse_duration(text)
    except (ValueError, OverflowError):
        value = datetime.fromisoformat(text.upper())
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


class Moment(_DatetimeType):
    """A time on the command line."""

    name = "time"

    def __init__(self, *, end: bool = False) -> None:
        self._end = end

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Parse, or refuse with examples."""
        if isinstance(value, datetime):
            return value
        now = ctx.ensure_object(State).now if ctx else datetime.now(UTC)
        try:
            return parse_moment(str(value), now, end=self._end)
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is no time: write {_EXAMPLES}", param, ctx)
