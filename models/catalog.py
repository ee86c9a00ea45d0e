"""The reading side: find articles, show one, follow new ones, count them, and how the whole stands.

Every function works on the open database of the process. ``now`` is what times as "since:7d" count from; left
out, it is the present. ``patience`` is how many seconds an answer may take before QueryTimeout is raised: for
those who answer strangers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from models import counting, reading
from models.counting import counted_days, counts, statistics, timeline
from models.database import Database, current
from models.fields import optional_moment, to_micros
from models.migrate import schema_version
from models.planning import arrivals as in_order_of_arrival
from models.polls import recent_polls
from models.positions import HIGHEST
from models.questions import meaning_of_filter, places, question, texts_of
from models.records import (
    ArticleFilter,
    ArticleRecord,
    ArticleSummary,
    Count,
    Histogram,
    Order,
    Page,
    Status,
)
from models.snippets import LONGEST, snippet

__all__ = [
    "arrivals", "count", "counted_days", "counts", "database_bytes", "find", "get", "histogram", "newest_id",
    "read", "search", "statistics", "status", "stream", "timeline",
]  # fmt: skip

_SUCCESSES = "('ok', 'not_modified', 'pushed')"
_BATCH = 200  # whole articles that are in memory at a time


def find(asked: ArticleFilter, *, now: datetime | None = None, patience: float | None = None) -> Page:
    """The articles that a filter asks for, a page at a time: the newest or the most relevant first.

    Time is that of publication, else when the article was first seen. Topics are as a person's verdicts
    left them. Duplicates are left out unless they are asked for, or their source is. Relevance compares the
    newest `models.questions.COMPARED` articles that fit; ``Page.compared`` says where there are more.
    Raises QuerySyntaxError for a query that cannot be read, QueryError for what else cannot be asked (its
    limit, its cursor), NotFound for a topic, source or story that does not exist.
    """
    database = current()
    with database.snapshot(), database.deadline(patience):
        understood = question(database, asked, _present(now))
        page = places(database, asked, understood)
        articles = reading.summaries(database, "position", page.positions)
        if understood.wants:
            texts = texts_of(database, page.positions, LONGEST)
            articles = [
                replace(one, snippet=snippet(*text, understood.wants))
                for one, text in zip(articles, (texts[place] for place in page.positions), strict=True)
            ]
    return Page(tuple(articles), page.next_cursor, page.compared)


def search(
    query: str,
    *,
    limit: int = 50,
    order: Order | str = Order.NEWEST,
    cursor: str | None = None,
    now: datetime | None = None,
) -> Page:
    """`find` by a query alone: ``catalog.search('topic:sanctions "panel of experts" since:30d')``."""
    return find(ArticleFilter(query=query, limit=limit, order=Order(order), cursor=cursor), now=now)


def get(article_id: int) -> ArticleRecord:
    """One article with all that is kept of it, and all its tags: also those that a person said no to.

    Raises NotFound, which says so when the article was deleted.
    """
    database = current()
    with database.snapshot():
        return reading.one(database, article_id)


def read(article_ids: Sequence[int]) -> list[ArticleRecord]:
    """Articles whole, in the order of the ids; those that are gone are left out."""
    database = current()
    with database.snapshot():
        return reading.whole(database, article_ids)


def stream(asked: ArticleFilter, *, now: datetime | None = None) -> Iterator[ArticleRecord]:
    """All articles that a filter finds, whole, the newest first, however many: few are in memory at a time.

    ``limit`` is how many are read at a time, at most `_BATCH`; its order does not matter. Articles that come
    while it runs may be missed, none is given twice. Raises as `find` does, at the first article.
    """
    database, moment = current(), _present(now)
    size = min(asked.limit, _BATCH)
    below = HIGHEST
    while True:
        with database.snapshot():
            sql = question(database, asked, moment).plan.below(below).newest(size)
            rows = database.rows(sql.text, sql.parameters)
            found = reading.whole(database, [row[1] for row in rows])
        yield from found
        if len(rows) < size:
            return
        below = rows[-1][0]


def arrivals(
    asked: ArticleFilter,
    *,
    after_id: int,
    limit: int = 200,
    now: datetime | None = None,
    patience: float | None = None,
) -> tuple[ArticleSummary, ...]:
    """What a filter finds among the articles stored after one, in the order in which they were stored.

    Ids are given in that order whatever the articles' dates, so that following them misses none.
    """
    database = current()
    with database.snapshot(), database.deadline(patience):
        meaning = meaning_of_filter(database, asked, _present(now))
        walk = in_order_of_arrival(database, meaning, duplicates=asked.duplicates)
        sql = walk.everything(after_id + 1, HIGHEST)
        rows = database.rows(f"{sql.text} ORDER BY a.id LIMIT ?", (*sql.parameters, limit))
        return tuple(reading.summaries(database, "id", [row[1] for row in rows]))


def newest_id() -> int:
    """The id that was given last; 0 where there is no article."""
    with current().session():
        return int(current().value("SELECT COALESCE(max(id), 0) FROM article"))


def count(
    asked: ArticleFilter,
    *,
    now: datetime | None = None,
    limit: int = counting.MOST_COUNTED,
    patience: float | None = None,
) -> Count:
    """How many articles a filter finds; see `models.counting.count`."""
    with current().snapshot(), current().deadline(patience):
        return counting.count(asked, now=_present(now), limit=limit)


def histogram(
    asked: ArticleFilter,
    *,
    now: datetime | None = None,
    limit: int = counting.MOST_COUNTED,
    patience: float | None = None,
) -> Histogram:
    """What a filter finds by day and by topic; see `models.counting.histogram`."""
    with current().snapshot(), current().deadline(patience):
        return counting.histogram(asked, now=_present(now), limit=limit)


def status(now: datetime, *, recent: int = 10) -> Status:
    """How the whole stands at a time."""
    database = current()
    moment, yesterday = to_micros(now), to_micros(now - timedelta(days=1))
    with database.snapshot():
        states: dict[str, int] = dict(database.rows("SELECT state, count(*) FROM source GROUP BY state"))
        [(articles, tagged)] = database.rows(
            "SELECT (SELECT COALESCE(sum(article_count), 0) FROM source), "
            "(SELECT COALESCE(sum(tagged), 0) FROM article_day)"
        )
        [(backlog, oldest)] = database.rows(
            "SELECT count(*), min(next_poll_at) FROM source WHERE state = 'active' "
            "AND next_poll_at IS NOT NULL AND next_poll_at <= ? "
            "AND (lease_until IS NULL OR lease_until <= ?)",
            (moment, moment),
        )
        [(polls, failed)] = database.rows(
            f"SELECT count(*), COALESCE(sum(CASE WHEN outcome IN {_SUCCESSES} THEN 0 ELSE 1 END), 0) "
            "FROM poll WHERE started_at >= ?",
            (yesterday,),
        )
        return Status(
            articles=int(articles),
            tagged=int(tagged),
            sources=states.get("active", 0) + states.get("paused", 0),
            active=states.get("active", 0),
            paused=states.get("paused", 0),
            failing=int(
                database.value("SELECT count(*) FROM source WHERE state = 'active' AND failures > 0")
            ),
            backlog=int(backlog),
            oldest_due=optional_moment(oldest),
            last_poll_at=optional_moment(database.value("SELECT max(last_polled_at) FROM source")),
            polls_24h=int(polls),
            failures_24h=int(failed),
            unreadable_files=int(
                database.value("SELECT count(*) FROM file WHERE reason IS NOT NULL AND vanished_at IS NULL")
            ),
            schema=schema_version(database),
            engine=database.engine,
            database_bytes=database_bytes(database),
            recent=tuple(recent_polls(recent)),
            uncovered=int(database.value("SELECT count(*) FROM article WHERE uncovered <> '[]'")),
        )


def database_bytes(database: Database) -> int:
    """How large the database is, inside a session; what a write-ahead log holds besides is not counted."""
    if database.sqlite:
        return int(database.value("PRAGMA page_count")) * int(database.value("PRAGMA page_size"))
    return int(database.value("SELECT pg_database_size(current_database())"))


def _present(now: datetime | None) -> datetime:
    return datetime.now(UTC) if now is None else now
