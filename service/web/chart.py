"""Counts by topic and day → the timeline above the list, ready to draw. Pure: days and links come in."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from models.records import DayCount, Histogram
from service.web.presentation import count_of, day_of, month_of, number_of, short_day
from service.web.views import Colours

ROW = 30  # the height of a row in the chart's view box
STEP = 10  # the width of a bin in it
MOST_BINS = 62
MOST_TOPICS = 6  # rows, those with most articles
_LEAST = 1.5  # the height of one article beside very many
_OUTLIERS = 0.02  # of the articles lie so far back that a chart that shows them shows nothing else
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Bin:
    """A day, week, month or year of the chart."""

    first: date
    last: date
    label: str
    href: str  # the query string that asks for its articles alone


@dataclass(frozen=True, slots=True)
class Row:
    """All articles, or those of one topic: a bar for each bin."""

    name: str
    topic: bool
    colour: int
    total: str
    heights: tuple[float, ...]
    top: int  # its place in the view box


@dataclass(frozen=True, slots=True)
class Chart:
    """The timeline of a question."""

    unit: str  # "day", "week", "month" or "year"
    bins: tuple[Bin, ...]
    rows: tuple[Row, ...]
    marks: tuple[str, ...]  # the first, middle and last of its days
    summary: str
    total: int
    complete: bool  # otherwise only the newest articles are counted
    highest: str
    of_topics: str  # the highest bar of a topic: they have a scale of their own

    @property
    def width(self) -> int:
        """Of the view box."""
        return STEP * len(self.bins)

    @property
    def height(self) -> int:
        """Of the view box."""
        return ROW * len(self.rows)


def chart(
    found: Histogram,
    since: date | None,
    until: date | None,
    *,
    today: date,
    colours: Colours,
    link: Callable[[date, date], str],
) -> Chart | None:
    """The chart of the days from ``since`` to ``until``, both inclusive; None leaves it to what was found.

    None where there is nothing to compare: no article, or a single day.
    """
    if not found.articles:
        return None
    newest = found.articles[-1][0]
    last = until or (max(today, newest) if since else newest)
    first = since or window(found.articles)
    unit, spans = bins(min(first, last), last)
    if len(spans) < 2:  # noqa: PLR2004 - one bar compares nothing
        return None
    everything = _sums(found.articles, spans)
    topics = _of_topics(found.topics, spans)
    shown = (
        [] if list(topics.values()) == [everything] else [("all articles", everything)]
    )  # that topic alone
    highest, of_topics = (
        max((max(sums) for sums in group), default=0) for group in ([everything], topics.values())
    )
    rows = [(name, False, sums, highest) for name, sums in shown]
    rows += [(name, True, sums, of_topics) for name, sums in topics.items()]
    return Chart(
        unit=unit,
        bins=tuple(_bins(unit, spans, everything, topics, link)),
        rows=tuple(
            Row(
                name,
                is_topic,
                colours.get(name, 0),
                number_of(sum(sums)),
                tuple(_height(value, scale) for value in sums),
                ROW * number,
            )
            for number, (name, is_topic, sums, scale) in enumerate(rows)
        ),
        marks=tuple(short_day(day) for day in (spans[0][0], spans[len(spans) // 2][0], spans[-1][1])),
        summary=f"{count_of(sum(everything), 'article')} from {day_of(spans[0][0])} "
        f"to {day_of(spans[-1][1])}, at most {number_of(highest)} a {unit}",
        total=sum(everything),
        complete=found.complete,
        highest=number_of(highest),
        of_topics=number_of(of_topics),
    )


def _bins(
    unit: str,
    spans: Sequence[tuple[date, date]],
    everything: Sequence[int],
    topics: Mapping[str, Sequence[int]],
    link: Callable[[date, date], str],
) -> Iterator[Bin]:
    for n, (first, last) in enumerate(spans):
        told = [(name, sums[n]) for name, sums in topics.items()]
        yield Bin(first, last, _label(unit, first, last, everything[n], told), link(first, last))


def _of_topics(counts: Iterable[DayCount], spans: Sequence[tuple[date, date]]) -> dict[str, list[int]]:
    """The topics with most articles, by name."""
    by_topic: dict[str, list[tuple[date, int]]] = {}
    for one in counts:
        by_topic.setdefault(one.topic, []).append((one.day, one.articles))
    sums = {name: _sums(days, spans) for name, days in by_topic.items()}
    largest = sorted(sums, key=lambda name: (-sum(sums[name]), name))[:MOST_TOPICS]
    return {name: sums[name] for name in sorted(largest)}


def window(articles: Sequence[tuple[date, int]]) -> date:
    """The first day to show: that of the oldest article, without the few that lie far before all others."""
    first, last = articles[0][0], articles[-1][0]
    total, before = sum(count for _, count in articles), 0
    for day, count in articles:
        if before > _OUTLIERS * total:
            break
        if (last - day) * 2 < last - first:
            first = day
            break
        before += count
    return first


def bins(first: date, last: date) -> tuple[str, list[tuple[date, date]]]:
    """Days, or weeks, months or years where there would be too many; the outer ones are cut to the span."""
    days = (last - first).days + 1
    for unit, length in (("day", 1), ("week", 7), ("month", 28), ("year", 365)):
        if days <= (MOST_BINS - (unit != "day")) * length:  # a cut week at each end
            break
    if unit == "year":
        first = max(first, date(max(last.year - MOST_BINS + 1, 1), 1, 1))
    spans = [(first, min(_end(unit, first), last))]
    while spans[-1][1] < last:
        start = spans[-1][1] + _DAY
        spans.append((start, min(_end(unit, start), last)))
    return unit, spans


def _end(unit: str, start: date) -> date:
    if unit == "day":
        return start
    if unit == "week":  # ISO 8601: from Monday
        return start + (6 - start.weekday()) * _DAY
    if unit == "month":
        return (start.replace(day=1) + 31 * _DAY).replace(day=1) - _DAY
    return date(start.year, 12, 31)


def _sums(days: Iterable[tuple[date, int]], spans: Sequence[tuple[date, date]]) -> list[int]:
    starts = [first for first, _ in spans]
    sums = [0] * len(spans)
    for day, articles in days:
        place = bisect_right(starts, day) - 1
        if place >= 0 and day <= spans[place][1]:
            sums[place] += articles
    return sums


def _height(value: int, highest: int) -> float:
    return round(max(_LEAST, (ROW - 4) * value / highest), 1) if value else 0.0


def _label(unit: str, first: date, last: date, count: int, topics: Sequence[tuple[str, int]]) -> str:
    if unit == "month" and first.day == 1:
        when = month_of(first)
    elif unit == "year" and (first.month, first.day) == (1, 1):
        when = str(first.year)
    else:
        when = day_of(first) if first == last else f"{day_of(first)} to {day_of(last)}"
    told = ", ".join(f"{name} {number_of(value)}" for name, value in topics if value)
    return f"{when}: {count_of(count, 'article')}{'; ' if told else ''}{told}"
