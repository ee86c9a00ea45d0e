"""Rows of articles into records, many at a time: summaries for lists, whole articles with their evidence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from models.database import Database
from models.errors import NotFound
from models.fields import decode_path, from_micros, load_json, optional_moment
from models.records import (
    ArticleRecord,
    ArticleSummary,
    CutRecord,
    EnclosureRecord,
    EvidenceRecord,
    RevisionRecord,
    TagRecord,
)
from models.tagging import CHUNK, marks

_SUMMARY = """
    a.id, a.title, a.title_made, a.url, a.published_at, a.precision, a.seen_at, a.source_id,
    COALESCE(s.title, s.location), a.language, a.path, a.duplicate_of,
    (SELECT count(*) FROM article d WHERE d.duplicate_of = a.id), a.uncovered, a.vanished_at, a.position
"""
_DETAIL = """
    a.text, a.author, a.guid, a.key, a.content_hash, a.date_origin, a.categories, a.enclosures, a.cuts,
    a.updated_at
"""
_FROM = "FROM article a JOIN source s ON s.id = a.source_id"
_WIDTH = 16  # columns of _SUMMARY


def summaries(database: Database, column: str, values: Sequence[int]) -> list[ArticleSummary]:
    """Summaries in the order of the values given: of "position", or of "id"; those that are gone left out."""
    rows: dict[int, tuple[Any, ...]] = {}
    place = {"id": 0, "position": _WIDTH - 1}[column]
    for start in range(0, len(values), CHUNK):
        chunk = values[start : start + CHUNK]
        found = database.rows(f"SELECT {_SUMMARY} {_FROM} WHERE a.{column} IN ({marks(len(chunk))})", chunk)
        rows.update((row[place], row) for row in found)
    tags = _shown_tags(database, [row[0] for row in rows.values()])
    return [_summary(rows[one], tags.get(rows[one][0], [])) for one in values if one in rows]


def whole(database: Database, ids: Sequence[int]) -> list[ArticleRecord]:
    """Articles with all that is kept of them, in the order of the ids; those that are gone left out."""
    found: dict[int, ArticleRecord] = {}
    for start in range(0, len(ids), CHUNK):
        chunk = list(ids[start : start + CHUNK])
        rows = database.rows(
            f"SELECT {_SUMMARY}, {_DETAIL} {_FROM} WHERE a.id IN ({marks(len(chunk))})", chunk
        )
        tags = tags_of(database, chunk)
        revisions = _revisions(database, chunk)
        for row in rows:
            found[row[0]] = _record(row, tags.get(row[0], []), revisions.get(row[0], []))
    return [found[one] for one in ids if one in found]


def one(database: Database, article_id: int) -> ArticleRecord:
    """One article. Raises NotFound, which says so when it was deleted."""
    found = whole(database, [article_id])
    if not found:
        raise NotFound(_missing(database, article_id))
    return found[0]


def beginnings(database: Database, ids: Sequence[int], length: int) -> dict[int, str]:
    """So many characters of articles' texts, by id."""
    found: dict[int, str] = {}
    with database.session():
        for start in range(0, len(ids), CHUNK):
            chunk = ids[start : start + CHUNK]
            found |= dict(
                database.rows(
                    f"SELECT id, substr(text, 1, {int(length)}) FROM article "
                    f"WHERE id IN ({marks(len(chunk))})",
                    chunk,
                )
            )
    return found


def _record(
    row: Sequence[Any], tags: Sequence[TagRecord], revisions: Sequence[RevisionRecord]
) -> ArticleRecord:
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
        revisions=tuple(revisions),
        tags=tuple(tags),
        updated_at=optional_moment(detail[9]),
        vanished_at=optional_moment(row[14]),
    )


def _revisions(database: Database, ids: Sequence[int]) -> dict[int, list[RevisionRecord]]:
    found: dict[int, list[RevisionRecord]] = defaultdict(list)
    rows = database.rows(
        "SELECT article_id, number, title, text, replaced_at FROM revision "
        f"WHERE article_id IN ({marks(len(ids))}) ORDER BY article_id, number",
        ids,
    )
    for article_id, number, title, text, replaced in rows:
        found[article_id].append(RevisionRecord(number, title, text, from_micros(replaced)))
    return found


def tags_of(database: Database, ids: Sequence[int]) -> dict[int, list[TagRecord]]:
    """All tags of some articles with evidence, hidden ones (a person's no) too, the highest score first."""
    found: dict[int, list[TagRecord]] = defaultdict(list)
    for start in range(0, len(ids), CHUNK):
        chunk = ids[start : start + CHUNK]
        rows = database.rows(
            "SELECT g.article_id, t.name, g.score, g.threshold, g.main, g.taxonomy, g.evidence, g.verdict, "
            "g.verdict_by FROM tag g JOIN topic t ON t.id = g.topic_id "
            f"WHERE g.article_id IN ({marks(len(chunk))}) ORDER BY g.score DESC, t.name",
            chunk,
        )
        for article_id, *row in rows:
            found[article_id].append(tag_record(row))
    return found


def tag_record(row: Sequence[Any]) -> TagRecord:
    """A tag from name, score, threshold, main, taxonomy, evidence, verdict, who gave it."""
    return TagRecord(
        topic=row[0],
        score=row[1],
        threshold=row[2],
        main=bool(row[3]),
        taxonomy=row[4],
        evidence=tuple(EvidenceRecord(**one) for one in load_json(row[5])),
        verdict=row[6],
        verdict_by=row[7],
    )


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
        uncovered=tuple(load_json(row[13])),
        vanished_at=optional_moment(row[14]),
    )


def _missing(database: Database, article_id: int) -> str:
    deleted = database.value("SELECT deleted_at FROM tombstone WHERE article_id = ?", (article_id,))
    if deleted is None:
        return f"there is no article {article_id}"
    return f"article {article_id} was deleted on {from_micros(deleted):%Y-%m-%d}"
