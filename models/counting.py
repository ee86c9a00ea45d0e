"""Counting articles: by topic and day from summaries, and whatever else a question finds, within bounds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from models.conditions import listed
from models.database import Database, current
from models.labels import topic_id
from models.meaning import Meaning, Tagged, whole_days
from models.planning import Plan, plan, spread_out
from models.positions import BITS, SECONDS_OF_A_DAY, date_of, day_number, day_of
from models.questions import meaning_of_filter
from models.records import ArticleFilter, Count, DayCount, Histogram, Statistics, TopicCounts
from models.tagging import marks

MOST_COUNTED = 200_000  # articles that are counted one by one
_SPANS = (1, 7, 30)  # days, today among them, for which topics are counted
_FAR = 1_000_000  # days: makes numbers of days before 1970 round down as others do
_DAY = f"((position >> {BITS}) + {_FAR * SECONDS_OF_A_DAY}) / {SECONDS_OF_A_DAY} - {_FAR}"


def counts(*, since: date | None = None, until: date | None = None) -> dict[str, int]:
    """How many articles each active topic has, duplicates left out; by UTC days, ``until`` exclusive."""
    low, high = _days(since, until)
    with current().session():
        rows = current().rows(
            "SELECT t.name, (SELECT COALESCE(sum(d.count), 0) FROM topic_day d "
            "WHERE d.topic_id = t.id AND d.day >= ? AND d.day < ?) "
            "FROM topic t WHERE t.active ORDER BY t.name",
            (low, high),
        )
    return {name: int(count) for name, count in rows}


def timeline(
    topics: Sequence[str] = (), *, since: date | None = None, until: date | None = None
) -> list[DayCount]:
    """Articles by topic and UTC day, duplicates left out, days without any left out; ``until`` exclusive.

    No topics: all active ones. Raises NotFound for a topic that does not exist.
    """
    database = current()
    low, high = _days(since, until)
    with database.snapshot():
        ids = [topic_id(database, name) for name in dict.fromkeys(topics)]
        named = f"t.id IN ({marks(len(ids))})" if ids else "t.active"
        rows = database.rows(
            "SELECT t.name, d.day, d.count FROM topic t JOIN topic_day d ON d.topic_id = t.id "
            f"WHERE {named} AND d.day >= ? AND d.day < ? AND d.count > 0 ORDER BY d.day, t.name",
            (*ids, low, high),
        )
    return [DayCount(name, date_of(day), count) for name, day, count in rows]


def counted_days() -> int:
    """How many counts of a topic on a day there are: what `timeline` without bounds would read."""
    with current().session():
        return int(current().value("SELECT count(*) FROM topic_day"))


def count(asked: ArticleFilter, *, now: datetime, limit: int = MOST_COUNTED) -> Count:
    """How many articles a filter finds, whatever its cursor and the length of its pages.

    Counting ends at ``limit``. Raises QueryError and NotFound as `models.catalog.find` does.
    """
    database = current()
    with database.snapshot():
        meaning = meaning_of_filter(database, asked, now)
        sql = plan(database, meaning, duplicates=asked.duplicates).newest(limit + 1)
        counted = int(database.value(f"SELECT count(*) FROM ({sql.text}) AS found", sql.parameters))
    return Count(min(counted, limit), counted <= limit)


def histogram(asked: ArticleFilter, *, now: datetime, limit: int = MOST_COUNTED) -> Histogram:
    """The articles that a filter finds by UTC day, and by topic and day, whatever its cursor.

    Days are counted whole: those, too, within which the times asked for begin or end. Of more than ``limit``
    articles only the newest are counted, unless nothing but one topic and times is asked for, which summaries
    answer. Raises QueryError and NotFound as `models.catalog.find` does.
    """
    database = current()
    with database.snapshot():
        meaning = whole_days(meaning_of_filter(database, asked, now))
        found = plan(database, meaning, duplicates=asked.duplicates)
        others = spread_out(meaning)
        named = tuple(
            dict.fromkeys(topic for part in others if isinstance(part, Tagged) for topic in part.topics)
        )
        if not asked.duplicates and _is_summed(others):
            return _summed(database, named, found)
        return _counted(database, named, found, limit)


def statistics(now: datetime, *, most: int = 20) -> Statistics:
    """What is stored, in figures by topic, source, language and verdict; lists have at most ``most`` rows."""
    database = current()
    today = day_number(now.date())
    with database.snapshot():
        [(articles, tagged, first, last)] = database.rows(
            "SELECT COALESCE(sum(articles), 0), COALESCE(sum(tagged), 0), min(day), max(day) "
            "FROM article_day WHERE articles > 0"
        )
        spans = ", ".join("COALESCE(sum(CASE WHEN d.day > ? THEN d.count ELSE 0 END), 0)" for _ in _SPANS)
        topics = database.rows(
            f"SELECT t.name, {spans}, COALESCE(sum(d.count), 0) FROM topic t "
            "LEFT JOIN topic_day d ON d.topic_id = t.id WHERE t.active GROUP BY t.name ORDER BY t.name",
            [today - days for days in _SPANS],
        )
        sources = database.rows(
            "SELECT COALESCE(title, location), article_count FROM source WHERE article_count > 0 "
            "ORDER BY article_count DESC, id LIMIT ?",
            (most,),
        )
        languages = database.rows(
            "SELECT language, count(*) AS many FROM article GROUP BY language ORDER BY many DESC LIMIT ?",
            (most,),
        )
        verdicts = dict(
            database.rows("SELECT value, count(*) FROM verdict WHERE withdrawn_at IS NULL GROUP BY value")
        )
        duplicates = database.value("SELECT count(*) FROM article WHERE duplicate_of IS NOT NULL")
    return Statistics(
        articles=int(articles),
        tagged=int(tagged),
        duplicates=int(duplicates),
        first=None if first is None else date_of(first),
        last=None if last is None else date_of(last),
        topics=tuple(TopicCounts(name, *map(int, numbers)) for name, *numbers in topics),
        sources=tuple((name, int(number)) for name, number in sources),
        languages=tuple((code, int(number)) for code, number in languages),
        yes=int(verdicts.get(1, 0)),
        no=int(verdicts.get(-1, 0)),
    )


def _is_summed(parts: Sequence[Meaning]) -> bool:
    """Whether besides times nothing is asked for, or just a topic."""
    match parts:
        case []:
            return True
        case [Tagged((_,), (), None, None)]:
            return True
    return False


def _summed(database: Database, named: Sequence[int], found: Plan) -> Histogram:
    low, high = max(day_of(found.low), -_FAR), min(day_of(found.high), _FAR)
    topics = _by_topic(
        database,
        "SELECT d.topic_id, d.day, d.count FROM topic_day d JOIN topic t ON t.id = d.topic_id "
        f"WHERE {_which(named)} AND d.day >= ? AND d.day < ? AND d.count > 0",
        (low, high),
    )
    if named:
        return Histogram(tuple((one.day, one.articles) for one in topics), tuple(topics))
    days = database.rows(
        "SELECT day, articles FROM article_day WHERE day >= ? AND day < ? AND articles > 0 ORDER BY day",
        (low, high),
    )
    return Histogram(tuple((date_of(day), articles) for day, articles in days), tuple(topics))


def _counted(database: Database, named: Sequence[int], found: Plan, limit: int) -> Histogram:
    sql = found.newest(limit + 1)
    rows = database.rows(
        f"WITH found AS MATERIALIZED (SELECT id, {_DAY} AS day FROM ({sql.text}) AS places) "
        "SELECT NULL, day, count(*) FROM found GROUP BY day UNION ALL "
        "SELECT t.name, found.day, count(*) FROM found JOIN tag g ON g.article_id = found.id "
        f"JOIN topic t ON t.id = g.topic_id WHERE g.shown AND {_which(named)} GROUP BY t.name, found.day",
        sql.parameters,
    )
    days = sorted((date_of(day), articles) for name, day, articles in rows if name is None)
    topics = [DayCount(name, date_of(day), articles) for name, day, articles in rows if name is not None]
    return Histogram(
        tuple(days),
        tuple(sorted(topics, key=lambda one: (one.day, one.topic))),
        complete=sum(articles for _, articles in days) <= limit,
    )


def _by_topic(database: Database, sql: str, parameters: Sequence[int]) -> list[DayCount]:
    names = dict(database.rows("SELECT id, name FROM topic"))
    found = [
        DayCount(names[topic], date_of(day), count) for topic, day, count in database.rows(sql, parameters)
    ]
    return sorted(found, key=lambda one: (one.day, one.topic))


def _which(named: Sequence[int]) -> str:
    return f"t.id IN ({listed(named)})" if named else "t.active"


def _days(since: date | None, until: date | None) -> tuple[int, int]:
    low = -(1 << 31) if since is None else day_number(since)
    high = (1 << 31) - 1 if until is None else day_number(until)
    return low, high
