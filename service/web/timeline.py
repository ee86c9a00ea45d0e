"""The timeline of a question: which days it shows, and how many articles are counted for it at most."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

from models import catalog
from models.errors import QueryTimeout
from models.records import Histogram
from service.web.chart import Chart, chart
from service.web.filters import on_days, times_of
from service.web.parameters import Asked
from service.web.views import Colours

PATIENCE = 2.0  # seconds that counting may take
MOST_COUNTED = 3_000  # articles one by one; what summaries answer has no such bound
FULL_DAYS = 430  # that are looked at where nobody says when and there are many
_MANY = 8_000  # counts of a topic on a day


def timeline(asked: Asked, now: datetime, colours: Colours) -> tuple[Chart | None, int | None]:
    """The chart of a question, where there is something to draw, and how many articles it finds, where they
    were all counted. To be called inside a session."""
    since, until = times_of(asked.query, now)
    cut = since is None and until is None and catalog.counted_days() > _MANY
    question = replace(asked.filter, cursor=None)
    if cut:
        question = replace(question, since=_midnight(now) - timedelta(days=FULL_DAYS))
    try:
        found = catalog.histogram(question, now=now, limit=MOST_COUNTED, patience=PATIENCE)
    except QueryTimeout:
        return None, None
    if cut and not found.articles:
        return None, None

    def link(first: date, last: date) -> str:
        return asked.with_query(on_days(asked.query, first, last))

    first = since.date() if since and found.complete else None
    last = (until - timedelta(microseconds=1)).date() if until else None
    drawn = chart(found, first, last, today=now.date(), colours=colours, link=link)
    exact = found.complete and not cut and _is_midnight(since) and _is_midnight(until)
    return drawn, _total(found) if exact else None


def _total(found: Histogram) -> int:
    return sum(count for _, count in found.articles)


def _is_midnight(moment: datetime | None) -> bool:
    return moment is None or moment.timetz() == time(tzinfo=UTC)


def _midnight(moment: datetime) -> datetime:
    return datetime.combine(moment.date(), time(), UTC)
