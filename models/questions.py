"""From a filter to SQL: which index is walked, newest first, and what else must hold.

Every walk is bounded by position, so that the next page costs what the first did. The walks, the most
selective first: full text; one per topic, on the covering index of tags; one per source; one per language;
all articles.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Any

from models import search
from models.database import Database
from models.errors import QueryError
from models.fields import storable, to_micros
from models.labels import topic_id
from models.positions import HIGHEST, LOWEST, lowest_of
from models.records import ArticleFilter
from models.sources import ids_of
from models.tagging import marks

LARGEST_PAGE = 1_000
_WALKS = 16  # sources or languages that are walked each by itself; more are looked for in the walk over all
_MOST_NAMES = 200
_RARE = 10_000  # matching articles that are read and sorted sooner than the newest are looked through
_CURSOR = struct.Struct(">Bq")
_CHECK = 3  # bytes that tell a cursor from noise


@dataclass(slots=True)
class _Conditions:
    """Conditions on the article ``a``, with their parameters in order."""

    parts: list[str] = field(default_factory=list)
    parameters: list[Any] = field(default_factory=list)

    def add(self, condition: str, *parameters: Any) -> None:
        self.parts.append(condition)
        self.parameters += parameters

    def text(self) -> str:
        return " AND ".join(self.parts)


@dataclass(frozen=True, slots=True)
class Question:
    """A statement that gives (position, title, text), the newest first; marked, or both None."""

    sql: str
    parameters: tuple[Any, ...]


def question(database: Database, asked: ArticleFilter, limit: int) -> Question:
    """The statement for a filter. Raises QueryError for what cannot be asked, NotFound for unknown names."""
    _check(asked)
    bounds = _bounds(asked)
    topics = [topic_id(database, name) for name in dict.fromkeys(asked.topics)]
    sources = ids_of(asked.sources) if asked.sources else []
    conditions = _common(database, asked)
    if asked.match is not None:
        _add_topics(conditions, topics, asked.min_score)
        _add_sources(conditions, sources, asked)
        return _by_text(database, asked.match, conditions, bounds, limit)
    walks = []
    if topics:
        _add_sources(conditions, sources, asked)
        for topic in topics:
            score = "" if asked.min_score is None else " AND g.score >= ?"
            scored = () if asked.min_score is None else (asked.min_score,)
            walks.append(_Walk(
                "tag g JOIN article a ON a.id = g.article_id", f"g.topic_id = ? AND g.shown{score}",
                (topic, *scored), "g.position",
            ))  # fmt: skip
    elif 0 < len(sources) <= _WALKS:
        _add_topics(conditions, [], asked.min_score)
        walks = [_Walk("article a", "a.source_id = ?", (source,), "a.position") for source in sources]
    else:
        _add_topics(conditions, [], asked.min_score)
        _add_sources(conditions, sources, asked)
        languages = list(dict.fromkeys(map(storable, asked.languages)))
        if 0 < len(languages) <= _WALKS:
            walks = [_Walk("article a", "a.language = ?", (one,), "a.position") for one in languages]
        else:
            walks = [_Walk("article a", "", (), "a.position")]
    return _union([walk.question(conditions, bounds, limit) for walk in walks], limit)


@dataclass(frozen=True, slots=True)
class _Walk:
    """One index walked from new to old."""

    tables: str
    condition: str
    parameters: tuple[Any, ...]
    position: str

    def question(self, others: _Conditions, bounds: tuple[int, int], limit: int) -> Question:
        where = [f"{self.position} >= ?", f"{self.position} < ?"]
        if self.condition:
            where.insert(0, self.condition)
        where += others.parts
        return Question(
            f"SELECT {self.position} AS position FROM {self.tables} WHERE {' AND '.join(where)} "
            f"ORDER BY {self.position} DESC LIMIT ?",
            (*self.parameters, *bounds, *others.parameters, limit),
        )


def _union(questions: Sequence[Question], limit: int) -> Question:
    """The newest of several walks, each once."""
    if len(questions) == 1:
        one = questions[0]
        return Question(f"SELECT position, NULL, NULL FROM ({one.sql}) AS walk", one.parameters)
    parts = " UNION ".join(f"SELECT position FROM ({one.sql}) AS walk{n}" for n, one in enumerate(questions))
    parameters = tuple(value for one in questions for value in one.parameters)
    return Question(
        f"SELECT position, NULL, NULL FROM ({parts}) AS walks ORDER BY position DESC LIMIT ?",
        (*parameters, limit),
    )


def _by_text(
    database: Database, typed: str, conditions: _Conditions, bounds: tuple[int, int], limit: int
) -> Question:
    found = search.terms(typed)
    more = "".join(f" AND {part}" for part in conditions.parts)
    if database.sqlite:
        return Question(
            f"SELECT article_search.rowid, {search.SQLITE_MARKED} "
            "FROM article_search JOIN article a ON a.position = article_search.rowid "
            "WHERE article_search MATCH ? AND article_search.rowid >= ? AND article_search.rowid < ?"
            f"{more} ORDER BY article_search.rowid DESC LIMIT ?",
            (search.fts5(found), *bounds, *conditions.parameters, limit),
        )
    expression, words = search.tsquery(found)
    # OFFSET 0 keeps the planner from walking all articles in the hope of meeting a rare word soon.
    fence = "OFFSET 0" if _is_rare(database, expression, words) else ""
    # The marks are made outside, for the rows of the page only.
    return Question(
        f"SELECT position, {search.POSTGRESQL_MARKED} "
        f"FROM (SELECT position, title, text, {expression} AS query "
        f"FROM (SELECT a.position, a.title, a.text FROM article a WHERE a.search @@ {expression} "
        f"AND a.position >= ? AND a.position < ?{more} {fence}) AS hits "
        "ORDER BY position DESC LIMIT ?) AS page ORDER BY position DESC",
        (*words, *words, *bounds, *conditions.parameters, limit),
    )


def _is_rare(database: Database, expression: str, words: Sequence[str]) -> bool:
    """Whether few articles match, asked of PostgreSQL's index: its statistics know frequent words only."""
    database.execute("SET LOCAL enable_seqscan = off")
    hits = database.value(
        f"SELECT count(*) FROM (SELECT 1 FROM article WHERE search @@ {expression} LIMIT ?) AS hits",
        (*words, _RARE),
    )
    database.execute("SET LOCAL enable_seqscan = on")
    return int(hits) < _RARE


def _common(database: Database, asked: ArticleFilter) -> _Conditions:
    conditions = _Conditions()
    for name in dict.fromkeys(asked.not_topics):
        conditions.add(
            "NOT EXISTS (SELECT 1 FROM tag n WHERE n.article_id = a.id AND n.topic_id = ? AND n.shown)",
            topic_id(database, name),
        )
    for moment, comparison in ((asked.since, ">="), (asked.until, "<")):
        if moment is not None and moment.microsecond:
            conditions.add(f"COALESCE(a.published_at, a.seen_at) {comparison} ?", to_micros(moment))
    if asked.languages:
        conditions.add(f"a.language IN ({marks(len(asked.languages))})", *map(storable, asked.languages))
    if not asked.duplicates and not asked.sources:
        conditions.add("a.duplicate_of IS NULL")
    return conditions


def _add_topics(conditions: _Conditions, topics: Sequence[int], min_score: float | None) -> None:
    """Any of the topics, or any topic at all where only a score is asked for."""
    if not topics and min_score is None:
        return
    named = f" AND g.topic_id IN ({marks(len(topics))})" if topics else ""
    scored = "" if min_score is None else " AND g.score >= ?"
    conditions.add(
        f"EXISTS (SELECT 1 FROM tag g WHERE g.article_id = a.id AND g.shown{named}{scored})",
        *topics,
        *(() if min_score is None else (min_score,)),
    )


def _add_sources(conditions: _Conditions, sources: Sequence[int], asked: ArticleFilter) -> None:
    if asked.sources:
        conditions.add(f"a.source_id IN ({', '.join(map(str, sources))})")  # ids, and perhaps many of them


def _bounds(asked: ArticleFilter) -> tuple[int, int]:
    """The positions asked for: the first inclusive, the second exclusive."""
    low, high = LOWEST, HIGHEST
    if asked.since is not None:
        low = lowest_of(_aware(asked.since))
    if asked.until is not None:
        high = lowest_of(_aware(asked.until)) + (1 << 20 if asked.until.microsecond else 0)
    if asked.cursor is not None:
        high = min(high, read_cursor(asked.cursor))
    return low, high


def _aware(moment: datetime) -> datetime:
    to_micros(moment)  # refuses naive times
    return moment


def _check(asked: ArticleFilter) -> None:
    if not 1 <= asked.limit <= LARGEST_PAGE:
        raise QueryError(f"a page has 1 to {LARGEST_PAGE} articles, not {asked.limit}")
    if asked.min_score is not None and not 0 <= asked.min_score <= 1:
        raise QueryError(f"a score is between 0 and 1, not {asked.min_score}")
    for what, names in (
        ("topics", asked.topics), ("topics", asked.not_topics), ("sources", asked.sources),
        ("languages", asked.languages),
    ):  # fmt: skip
        if len(names) > _MOST_NAMES:
            raise QueryError(f"{len(names)} {what} in one question; at most {_MOST_NAMES} are allowed")


def write_cursor(position: int) -> str:
    """Where the next page starts, as an opaque string that is safe in a URL."""
    packed = _CURSOR.pack(1, position)
    return base64.urlsafe_b64encode(packed + _checksum(packed)).decode()


def read_cursor(cursor: str) -> int:
    """The position of `write_cursor`. Raises QueryError for anything else."""
    wrong = "this cursor was not given by Wirewatch, or was cut: start again without one"
    try:
        raw = base64.b64decode(cursor.encode("ascii"), altchars=b"-_", validate=True)
    except ValueError as error:
        raise QueryError(wrong) from error
    packed, check = raw[: _CURSOR.size], raw[_CURSOR.size :]
    if len(packed) != _CURSOR.size or check != _checksum(packed) or packed[0] != 1:
        raise QueryError(wrong)
    position: int = _CURSOR.unpack(packed)[1]
    return position


def _checksum(packed: bytes) -> bytes:
    return blake2b(packed, digest_size=_CHECK).digest()
