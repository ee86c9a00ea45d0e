"""The reading side: find articles, show one, count them by topic and day, and how the whole stands."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from models.database import Database, current
from models.errors import NotFound
from models.fields import decode_path, from_micros, load_json, optional_moment, to_micros
from models.labels import stored_tags, topic_id
from models.migrate import schema_version
from models.polls import recent_polls
from models.positions import date_of, day_number
from models.questions import question, write_cursor
from models.records import (
    ArticleFilter,
    ArticleRecord,
    ArticleSummary,
    CutRecord,
    DayCount,
    EnclosureRecord,
    Page,
    RevisionRecord,
    Status,
    TagRecord,
)
from models.search import excerpt
from models.tagging import CHUNK, marks

_SUMMARY = """
    a.id, a.title, a.title_made, a.url, a.published_at, a.precision, a.seen_at, a.source_id,
    COALESCE(s.title, s.location), a.language, a.path, a.duplicate_of,
    (SELECT count(*) FROM article d WHERE d.duplicate_of = a.id), a.position
"""
_DETAIL = """
    a.text, a.author, a.guid, a.key, a.content_hash, a.date_origin, a.categories, a.enclosures, a.cuts,
    a.updated_at, a.vanished_at
"""
_FROM = "FROM article a JOIN source s ON s.id = a.source_id"
_WIDTH = 14  # columns of _SUMMARY
_SUCCESSES = "('ok', 'not_modified')"


def find(asked: ArticleFilter) -> Page:
    """The articles that a filter asks for, the newest first, a page at a time.

    Time is that of publication, else when the article was first seen. Topics are as a person's verdicts
    left them. Duplicates are left out unless asked for, or sources are. Raises QueryError for a filter that
    cannot be asked (its text, its limit, its cursor), NotFound for a topic or source that does not exist.
    """
    database = current()
    with database.snapshot():
        wanted = question(database, asked, asked.limit + 1)
        rows = database.rows(wanted.sql, wanted.parameters)
        page = rows[: asked.limit]
        articles = _summaries(database, [row[0] for row in page])
    if asked.match is not None:
        snippets = {position: excerpt(title, text) for position, title, text in page}
        articles = {position: replace(one, snippet=snippets[position]) for position, one in articles.items()}
    more = len(rows) > asked.limit
    return Page(tuple(articles.values()), write_cursor(page[-1][0]) if more else None)


def get(article_id: int) -> ArticleRecord:
    """One article with all that is kept of it, and all its tags: also those that a person said no to.

    Raises NotFound, which says so when the article was deleted.
    """
    database = current()
    with database.snapshot():
        found = database.rows(f"SELECT {_SUMMARY}, {_DETAIL} {_FROM} WHERE a.id = ?", (article_id,))
        if not found:
            raise NotFound(_missing(database, article_id))
        row = found[0]
        tags = stored_tags(database, article_id)
        revisions = database.rows(
            "SELECT number, title, text, replaced_at FROM revision WHERE article_id = ? ORDER BY number",
            (article_id,),
        )
    shown = [replace(tag, evidence=()) for tag in tags if tag.verdict != -1]
    detail = row[_WIDTH:]
    return ArticleRecord(
        summary=_summary(row[:_WIDTH], shown),
        text=detail[0],
        author=detail[1],
        guid=detail[2],
        key=detail[3],
        content_hash=detail[4],
        date_origin=detail[5],
        categories=tuple(load_json(detail[6])),
        enclosures=tuple(EnclosureRecord(**one) for one in load_json(detail[7])),
        cuts=tuple(CutRecord(**one) for one in load_json(detail[8])),
        revisions=tuple(
            RevisionRecord(number, title, text, from_micros(replaced))
            for number, title, text, replaced in revisions
        ),
        tags=tuple(tags),
        updated_at=optional_moment(detail[9]),
        vanished_at=optional_moment(detail[10]),
    )


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
            last_poll_at=optional_moment(database.value("SELECT max(started_at) FROM poll")),
            polls_24h=int(polls),
            failures_24h=int(failed),
            unreadable_files=int(
                database.value("SELECT count(*) FROM file WHERE reason IS NOT NULL AND vanished_at IS NULL")
            ),
            schema=schema_version(database),
            engine=database.engine,
            database_bytes=database_bytes(database),
            recent=tuple(recent_polls(recent)),
        )


def _summaries(database: Database, positions: Sequence[int]) -> dict[int, ArticleSummary]:
    """Summaries by position, in the order given."""
    rows: dict[int, tuple[Any, ...]] = {}
    for start in range(0, len(positions), CHUNK):
        chunk = positions[start : start + CHUNK]
        found = database.rows(f"SELECT {_SUMMARY} {_FROM} WHERE a.position IN ({marks(len(chunk))})", chunk)
        rows.update((row[-1], row) for row in found)
    tags = _shown_tags(database, [row[0] for row in rows.values()])
    return {
        position: _summary(rows[position], tags.get(rows[position][0], []))
        for position in positions
        if position in rows
    }


def _shown_tags(database: Database, ids: Sequence[int]) -> dict[int, list[TagRecord]]:
    found: dict[int, list[TagRecord]] = defaultdict(list)
    for start in range(0, len(ids), CHUNK):
        chunk = ids[start : start + CHUNK]
        rows = database.rows(
            "SELECT g.article_id, t.name, g.score, g.threshold, g.main, g.taxonomy, g.verdict, g.verdict_by "
            "FROM tag g JOIN topic t ON t.id = g.topic_id "
            f"WHERE g.article_id IN ({marks(len(chunk))}) AND g.shown ORDER BY g.score DESC, t.name",
            chunk,
        )
        for article_id, name, score, threshold, main, taxonomy, verdict, by in rows:
            tag = TagRecord(
                name, score, threshold, bool(main), taxonomy=taxonomy, verdict=verdict, verdict_by=by
            )
            found[article_id].append(tag)
    return found


def _summary(row: Sequence[Any], tags: Sequence[TagRecord]) -> ArticleSummary:
    return ArticleSummary(
        id=row[0],
        title=row[1],
        title_made=bool(row[2]),
        url=row[3],
        published_at=optional_moment(row[4]),
        precision=row[5],
        seen_at=from_micros(row[6]),
        source_id=row[7],
        source=row[8],
        language=row[9],
        tags=tuple(tags),
        path=None if row[10] is None else decode_path(row[10]),
        duplicate_of=row[11],
        duplicates=row[12],
    )


def _missing(database: Database, article_id: int) -> str:
    deleted = database.value("SELECT deleted_at FROM tombstone WHERE article_id = ?", (article_id,))
    if deleted is None:
        return f"there is no article {article_id}"
    return f"article {article_id} was deleted on {from_micros(deleted):%Y-%m-%d}"


def _days(since: date | None, until: date | None) -> tuple[int, int]:
    low = -(1 << 31) if since is None else day_number(since)
    high = (1 << 31) - 1 if until is None else day_number(until)
    return low, high


def database_bytes(database: Database) -> int:
    """How large the database is, inside a session; what a write-ahead log holds besides is not counted."""
    if database.sqlite:
        return int(database.value("PRAGMA page_count")) * int(database.value("PRAGMA page_size"))
    return int(database.value("SELECT pg_database_size(current_database())"))
