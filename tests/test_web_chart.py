"""The timeline's bins, bars and links."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest

from models.records import DayCount, Histogram
from service.web.chart import MOST_BINS, ROW, Chart, bins, chart, window

DAY = timedelta(days=1)
FIRST = date(2026, 3, 1)


def drawn(days: dict[int, int], since: date | None = None, until: date | None = None) -> Chart | None:
    """The chart of so many articles on days after `FIRST`, every second of them on arms."""
    articles = tuple((FIRST + n * DAY, count) for n, count in sorted(days.items()))
    topics = tuple(DayCount("arms", day, count // 2) for day, count in articles)
    found = Histogram(articles, topics)
    today = FIRST + 20 * DAY
    return chart(
        found, since, until, today=today, colours={"arms": 3}, link=lambda first, last: f"{first}..{last}"
    )


def test_days_are_drawn_with_all_articles_above_those_of_each_topic() -> None:
    found = drawn({0: 4, 2: 8})
    assert found is not None
    assert (found.unit, len(found.bins), found.width, found.height) == ("day", 3, 30, 2 * ROW)
    everything, arms = found.rows
    assert (everything.name, everything.total, everything.heights) == (
        "all articles",
        "12",
        (13.0, 0.0, 26.0),
    )
    assert (arms.colour, arms.total, arms.heights) == (3, "6", (13.0, 0.0, 26.0))
    assert found.bins[0].label == "1 March 2026: 4 articles; arms 2"
    assert found.bins[1].label == "2 March 2026: 0 articles"
    assert found.bins[2].href == "2026-03-03..2026-03-03"
    assert found.marks == ("1 Mar 2026", "2 Mar 2026", "3 Mar 2026")
    assert found.summary == "12 articles from 1 March 2026 to 3 March 2026, at most 8 a day"


def test_where_one_topic_is_all_there_is_it_is_drawn_once() -> None:
    day = (FIRST, 3), (FIRST + DAY, 2)
    found = Histogram(day, tuple(DayCount("arms", one, count) for one, count in day))
    drawn = chart(
        found, None, None, today=FIRST, colours={"arms": 3}, link=lambda first, last: f"{first}{last}"
    )
    assert drawn is not None
    assert [(row.name, row.topic) for row in drawn.rows] == [("arms", True)]


def test_the_days_asked_for_are_shown_whole_also_where_nothing_is() -> None:
    found = drawn({5: 1}, FIRST, FIRST + 9 * DAY)
    assert found is not None
    assert [one.first for one in found.bins] == [FIRST + n * DAY for n in range(10)]
    since = drawn({5: 1}, FIRST)
    assert since is not None
    assert since.bins[-1].last == FIRST + 20 * DAY  # until today


def test_nothing_is_drawn_where_nothing_can_be_compared() -> None:
    assert drawn({}) is None
    assert drawn({3: 5}) is None
    assert drawn({3: 5}, FIRST, FIRST) is None


@pytest.mark.parametrize(
    ("days", "unit", "count"),
    [
        (1, "day", 1),
        (62, "day", 62),
        (63, "week", 10),
        (427, "week", 62),
        (428, "month", 15),
        (2_000, "year", 6),
    ],
)
def test_long_times_are_told_in_larger_units(days: int, unit: str, count: int) -> None:
    found, spans = bins(FIRST, FIRST + (days - 1) * DAY)
    assert found == unit
    assert len(spans) == count <= MOST_BINS
    assert spans[0][0] == FIRST
    assert spans[-1][1] == FIRST + (days - 1) * DAY
    assert all(one[1] + DAY == other[0] for one, other in pairwise(spans))


def test_a_thousand_years_are_no_more_bins() -> None:
    assert len(bins(date(1, 1, 1), date(2026, 1, 1))[1]) == MOST_BINS
    assert bins(date(1, 1, 1), date(30, 1, 1))[1][0][0] == date(1, 1, 1)


def test_a_few_articles_of_long_ago_do_not_flatten_the_chart() -> None:
    recent = [(FIRST + n * DAY, 10) for n in range(50)]
    assert window([(date(1970, 1, 1), 1), *recent]) == FIRST
    assert window([(date(1970, 1, 1), 40), *recent]) == date(1970, 1, 1)
    assert window(recent) == FIRST
