"""What the storage tests share: plain articles and sources, and the way to break a database."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from models import articles, labels, search, sources, words
from models.database import Database
from models.records import (
    ArticleWrite,
    EvidenceRecord,
    PollRecord,
    SourceKind,
    SourceRecord,
    SourceSpec,
    SourceUpdate,
    TagRecord,
    TopicSpec,
)

NOW = datetime(2026, 3, 14, 12, tzinfo=UTC)
TAXONOMY = "rules-1"
TOPICS = ("arms", "diplomacy", "sanctions")
TABLES = (
    "article_page", "furniture", "near_miss",
    "article_change", "token",
    "article_day", "article", "delivery", "file", "meta", "poll", "revision", "source", "story", "tag",
    "taxonomy", "tombstone", "topic_day", "topic", "verdict", "watch", "websub_subscription",
)  # fmt: skip


def add_source(name: str = "one", *, kind: SourceKind = SourceKind.FEED, **more: Any) -> SourceRecord:
    """A source with its own host."""
    spec = SourceSpec(f"https://{name}.example/feed", kind=kind, title=name.title(), **more)
    return sources.add(spec, host=f"{name}.example", now=NOW)


def add_topics() -> None:
    """The three topics."""
    labels.sync_topics([TopicSpec(name, f"About {name}", 0.5) for name in TOPICS], TAXONOMY, NOW)


def tag(topic: str, score: float = 0.9) -> TagRecord:
    """A tag with one piece of evidence."""
    evidence = (EvidenceRecord("title", 0, 4, "Word", "word", 1.5),)
    return TagRecord(topic, score, 0.5, taxonomy=TAXONOMY, evidence=evidence)


def article(number: int, *topics: str, text: str | None = None, **more: Any) -> ArticleWrite:
    """An article that was published ``number`` minutes before NOW."""
    write = ArticleWrite(
        key=f"guid:{number}",
        title=f"Word {number}",
        text=f"The panel of experts met for the {number}th time." if text is None else text,
        content_hash=f"1:{number}",
        seen_at=NOW,
        guid=str(number),
        url=f"https://example.org/{number}",
        language="en",
        published_at=NOW - timedelta(minutes=number),
        tags=tuple(tag(topic) for topic in topics),
        taxonomy=TAXONOMY,
    )
    return replace(write, **more)


def store(source: SourceRecord, *writes: ArticleWrite) -> tuple[int, ...]:
    """Store articles of a source; gives their ids."""
    return articles.save(None, None, writes, source_id=source.id, now=NOW).new


def update(source_id: int, **more: Any) -> SourceUpdate:
    """A successful poll's update."""
    return replace(SourceUpdate(source_id, NOW + timedelta(hours=1)), **more)


def poll(source_id: int, outcome: str = "ok", **more: Any) -> PollRecord:
    """A poll of the log."""
    return replace(PollRecord(source_id, NOW, 12, outcome), **more)


def contents(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, to compare before with after."""
    with database.session():
        return {table: sorted(database.rows(f"SELECT * FROM {table}"), key=repr) for table in TABLES}


_CUT = words.LONGEST_WORD  # characters of a word that can be found


def check_index(database: Database) -> None:
    """The full-text index holds the words of the articles and nothing else, and a file of SQLite is whole."""
    with database.session():
        stored = database.rows("SELECT position, title, text FROM article ORDER BY position")
        if not database.sqlite:
            for position, title, text in stored:
                made = database.value(
                    f"SELECT search = {search.VECTOR} FROM article WHERE position = ?",
                    (search.vector(title, text), position),
                )
                assert made, title
            return
        expected = Counter(
            (word[:_CUT], position, column)
            for position, *fields in stored
            for column, field in zip(("title", "text"), fields, strict=True)
            for word in words.indexed(field).split()
        )
        database.execute(
            "CREATE VIRTUAL TABLE temp.kept USING fts5vocab('main', 'article_search', 'instance')"
        )
        kept = Counter(database.rows(f"SELECT substr(term, 1, {_CUT}), doc, col FROM temp.kept"))
        database.execute("DROP TABLE temp.kept")
        assert kept == expected
        database.execute("INSERT INTO article_search (article_search) VALUES ('integrity-check')")
        assert database.rows("PRAGMA integrity_check") == [("ok",)]
        assert database.rows("PRAGMA foreign_key_check") == []


def check_summaries(database: Database) -> None:
    """The counts by day are what counting the articles gives."""
    day = "(a.position / 1048576) / 86400"
    with database.session():
        counted = database.rows(
            f"SELECT g.topic_id, {day}, count(*) FROM tag g JOIN article a ON a.id = g.article_id "
            f"WHERE g.shown AND a.duplicate_of IS NULL GROUP BY g.topic_id, {day} ORDER BY 1, 2"
        )
        assert database.rows(
            "SELECT topic_id, day, count FROM topic_day WHERE count <> 0 ORDER BY topic_id, day"
        ) == [tuple(map(int, row)) for row in counted]
        by_day = database.rows(
            f"SELECT {day}, count(*), sum(CASE WHEN EXISTS (SELECT 1 FROM tag g WHERE g.article_id = a.id "
            "AND g.shown) THEN 1 ELSE 0 END) FROM article a WHERE a.duplicate_of IS NULL "
            f"GROUP BY {day} ORDER BY 1"
        )
        assert database.rows(
            "SELECT day, articles, tagged FROM article_day WHERE articles <> 0 ORDER BY day"
        ) == [tuple(map(int, row)) for row in by_day]
        wrong = database.rows(
            "SELECT a.id FROM article a JOIN tag g ON g.article_id = a.id WHERE g.position <> a.position"
        )
        assert wrong == []
        per_source = database.rows(
            "SELECT s.id FROM source s WHERE s.article_count <> "
            "(SELECT count(*) FROM article a WHERE a.source_id = s.id)"
        )
        assert per_source == []


def fail_inside(database: Database, work: Callable[[], object], error: Exception) -> None:
    """Do something in a transaction, then fail with an error of one's own."""
    with database.transaction():
        work()
        raise error


@contextmanager
def held(database: Database, address: str, tables: Sequence[str] = TABLES) -> Iterator[None]:
    """Another program that holds the database for writing, as long as the block lasts."""
    if database.sqlite:
        other = sqlite3.connect(address, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
    else:
        other = psycopg.connect(address)  # type: ignore[assignment]
        other.execute(f"LOCK TABLE {', '.join(tables)} IN EXCLUSIVE MODE")
    try:
        yield
    finally:
        other.rollback()
        other.close()
