"""Positions: one integer an article that sorts as time does and is unique.

``seconds << 20 | counter``: the seconds since 1970 of publication (else of when it was first seen), and a
counter among the articles of one second. Whoever allocates holds the write lock.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from models.database import Database
from models.fields import EPOCH

BITS = 20
SECONDS_OF_A_DAY = 86_400
_CHUNK = 400
_FIRST_DAY = date(1970, 1, 1)
LOWEST = -(1 << 62)
HIGHEST = 1 << 62


def seconds_of(moment: datetime) -> int:
    """Whole seconds since 1970, rounded down."""
    since = moment - EPOCH
    return since.days * SECONDS_OF_A_DAY + since.seconds


def lowest_of(moment: datetime) -> int:
    """The lowest position of the second that ``moment`` is in."""
    return seconds_of(moment) << BITS


def day_of(position: int) -> int:
    """The UTC day of a position, counted from 1970-01-01."""
    return (position >> BITS) // SECONDS_OF_A_DAY


def day_number(day: date) -> int:
    """A date as `day_of` counts."""
    return (day - _FIRST_DAY).days


def date_of(number: int) -> date:
    """The date of a day number."""
    return date.fromordinal(_FIRST_DAY.toordinal() + number)


def allocate(database: Database, moments: Sequence[datetime]) -> list[int]:
    """A free position for each time, in order. A second that is full spills into the next."""
    taken = _highest(database, {seconds_of(moment) for moment in moments})
    positions = []
    for moment in moments:
        second = seconds_of(moment)
        while taken[second] - (second << BITS) >= (1 << BITS) - 1:
            second += 1
            if second not in taken:
                taken |= _highest(database, {second})
        taken[second] += 1
        positions.append(taken[second])
    return positions


def _highest(database: Database, seconds: set[int]) -> dict[int, int]:
    """The highest position given in each second; one below its first where there is none."""
    found: dict[int, int] = {}
    ordered = sorted(seconds)
    for start in range(0, len(ordered), _CHUNK):
        chunk = ordered[start : start + _CHUNK]
        marks = ", ".join("(CAST(? AS BIGINT))" for _ in chunk)
        rows = database.rows(
            f"WITH asked(low) AS (VALUES {marks}) SELECT low, (SELECT max(position) FROM article "
            f"WHERE position >= asked.low AND position < asked.low + {1 << BITS}) FROM asked",
            [second << BITS for second in chunk],
        )
        found.update((low >> BITS, low - 1 if high is None else high) for low, high in rows)
    return found
