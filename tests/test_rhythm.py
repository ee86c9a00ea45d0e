"""The usual time between articles: what a silence is measured against."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from service.rhythm import usual_gap

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("ages", "days"),
    [
        ((0, 30, 60, 90), 30.0),  # a monthly one, beyond what the cadence remembers
        ((400, 430, 460), 30.0),  # and one that has ended
        ((1, 2, 3, 40), 1.0),  # one holiday is no rhythm
        ((1, 2), None),
        ((1, 1, 1, 2), None),  # three in one go are one event
        ((), None),
        ((-1, -2, -3), None),  # announcements of what is to come
        ((*(n / 24 for n in range(10)), *range(100, 200)), 1 / 24),  # what it does lately
    ],
)
def test_the_usual_gap(ages: tuple[float, ...], days: float | None) -> None:
    found = usual_gap([NOW - age * DAY for age in ages], NOW)
    assert found == (None if days is None else pytest.approx(days * 86_400))
