"""``wirewatch timeline``: how many articles came, by topic and day, drawn as lines of bars."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import click

from service.article_json import days_json
from service.cli.asking import QueryCommand, filter_of, names_a_time, query_options
from service.cli.output import count, hint, print_json, print_table, say
from service.cli.state import State, define, json_option

if TYPE_CHECKING:
    from models.records import ArticleFilter, Histogram

_DAYS = 30  # shown where nothing says since when
_NARROWEST, _WIDEST = 10, 120  # columns of a line of bars
_PIPE = 60
_MOST_ROWS = 200
_BESIDE = 34  # columns for the topic, its count and its peak
_BARS = " ▁▂▃▄▅▆▇█"
_PLAIN = " .:-=+*#%"
_STEPS = ("day", "week", "month", "year")
_WEEK = timedelta(days=7)
_DAY = timedelta(days=1)
_LONGEST = timedelta(days=3 * 366)  # that is drawn without articles at its ends
_TOTAL = "all"


@define(
    "timeline",
    cls=QueryCommand,
    examples="""
    wirewatch timeline
    wirewatch timeline topic:sanctions OR topic:arms since:2026-01-01
    wirewatch timeline '"panel of experts" since:365d' --by month
    wirewatch timeline since:90d --json | jq '.topics[] | select(.topic == "arms")'
    """,
)
@query_options
@click.option(
    "--by", type=click.Choice(_STEPS), help="Count by day, week, month or year; else as the width allows."
)
@json_option
def command(state: State, by: str | None, as_json: bool, **asked: Any) -> None:
    """Draw how many articles came, by topic and day.

    Of the last 30 days, unless the query says since when. Days are those of UTC, counted whole; duplicates
    are left out. Each line is drawn to its own peak.
    """
    now = state.now
    wanted = filter_of(asked)
    if not names_a_time(wanted):
        wanted = replace(wanted, since=_midnight(now) - (_DAYS - 1) * _DAY)
    with state.database():
        from models import catalog  # noqa: PLC0415

        found = catalog.histogram(wanted, now=now)
    first, last = _range(found, wanted, now)
    if as_json:
        print_json({"first": first.isoformat(), "last": last.isoformat(), **days_json(found)})
        return
    if not found.articles:
        hint("no article fits; 'wirewatch status' says what there is")
        return
    _draw(found, Scale.fitting(first, last, by))
    if not found.complete:
        hint("only the newest articles were counted; a shorter time or a topic counts all of them")


def _range(found: Histogram, asked: ArticleFilter, now: datetime) -> tuple[date, date]:
    """The first and the last day that are shown: those asked for, else those that have articles."""
    days = [day for day, _ in found.articles]
    last = max([now.date(), *days])
    if asked.until is not None:
        last = (asked.until - timedelta(microseconds=1)).date()
    elif names_a_time(asked, end=True) and days:
        last = max(days)
    last = min(last, now.date() + _LONGEST)
    first = min(days, default=last)
    if asked.since is not None and timedelta() <= last - asked.since.date() <= _LONGEST:
        first = asked.since.date()
    return first, max(first, last)


@dataclass(frozen=True, slots=True)
class Scale:
    """Stretches of time, each a column: where they begin, and where the last one ends."""

    step: str
    starts: tuple[date, ...]
    end: date

    @classmethod
    def fitting(cls, first: date, last: date, by: str | None) -> Scale:
        """By days, weeks or months: the finest that the terminal has room for, or the one asked for."""
        room = _room()
        for step in _STEPS if by is None else (by,):
            starts = tuple(_starts(first, last, step))
            if by is not None or len(starts) <= room or step == _STEPS[-1]:
                break
        return cls(step, starts, last + _DAY)

    def counts(self, days: Mapping[date, int]) -> list[int]:
        """How many in each stretch."""
        bounds = [*self.starts, self.end]
        ordered = sorted(days.items())
        found = []
        at = 0
        for _, end in pairwise(bounds):
            total = 0
            while at < len(ordered) and ordered[at][0] < end:
                total += ordered[at][1]
                at += 1
            found.append(total)
        return found


def _starts(first: date, last: date, step: str) -> list[date]:
    starts = []
    day = first
    while day <= last:
        starts.append(day)
        if step == "day":
            day += _DAY
        elif step == "week":
            day += _WEEK - timedelta(days=day.weekday())
        elif step == "month":
            day = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
        else:
            day = day.replace(year=day.year + 1, month=1, day=1)
    return starts


def _room() -> int:
    if not sys.stdout.isatty():
        return _PIPE
    return max(_NARROWEST, min(_WIDEST, shutil.get_terminal_size().columns - _BESIDE))


def _draw(found: Histogram, scale: Scale) -> None:
    topics: dict[str, dict[date, int]] = {}
    for one in found.topics:
        topics.setdefault(one.topic, {})[one.day] = one.articles
    lines = sorted(topics.items(), key=lambda item: (-sum(item[1].values()), item[0]))[:_MOST_ROWS]
    if len(lines) != 1 or dict(found.articles) != lines[0][1]:
        lines.append((_TOTAL, dict(found.articles)))
    rows = []
    for name, days in lines:
        counts = scale.counts(days)
        peak = max(range(len(counts)), key=lambda n: (counts[n], n))
        rows.append([name, f"{sum(counts):,}", bars(counts), f"{counts[peak]:,} {_called(scale, peak)}"])
    print_table(["TOPIC", ("ARTICLES", "right"), f"BY {scale.step.upper()}", "PEAK"], rows)
    say(f"{scale.starts[0]} to {scale.end - _DAY}, {count(len(scale.starts), scale.step)}")


def _called(scale: Scale, number: int) -> str:
    start = scale.starts[number]
    if scale.step in {"month", "year"}:
        return f"in {start:%Y-%m}" if scale.step == "month" else f"in {start.year}"
    return f"on {start}" if scale.step == "day" else f"in the week of {start}"


def bars(counts: Sequence[int]) -> str:
    """Numbers as a line of bars, the highest full; whatever is not 0 is seen."""
    encoding = (getattr(sys.stdout, "encoding", "") or "").lower()
    signs = _BARS if encoding.startswith("utf") else _PLAIN
    peak = max(counts, default=0) or 1
    # Rounded up, so that one article beside a thousand is still a bar.
    return "".join(signs[-(-number * (len(signs) - 1) // peak)] for number in counts)


def _midnight(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0)
