"""Paragraphs that begin or end a source's articles, by their hashes, with how many articles have them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from models.database import Lock, current
from models.fields import to_micros

_ARTICLES = 0  # the hash under which the articles themselves are counted
_WRITE = """
    INSERT INTO furniture (source_id, hash, count, seen_at) VALUES (?, ?, ?, ?)
    ON CONFLICT (source_id, hash) DO UPDATE SET count = excluded.count, seen_at = excluded.seen_at
"""


@dataclass(frozen=True, slots=True)
class FurnitureRecord:
    """What was counted of the first and last paragraphs of a source's articles, by their hashes."""

    articles: int  # that were looked at
    counts: Mapping[int, int]  # articles that have a paragraph
    seen: Mapping[int, int]  # when it was last met: microseconds since 1970


def counted(source_id: int) -> FurnitureRecord:
    """What was counted of a source's articles until now."""
    with current().session():
        rows = current().rows("SELECT hash, count, seen_at FROM furniture WHERE source_id = ?", (source_id,))
    counts = {one: count for one, count, _ in rows}
    articles = counts.pop(_ARTICLES, 0)
    return FurnitureRecord(articles, counts, {one: seen for one, _, seen in rows if one != _ARTICLES})


def write(source_id: int, record: FurnitureRecord, now: datetime) -> None:
    """Replace what was counted of a source."""
    database = current()
    with database.transaction():
        database.lock(Lock.WRITE)
        before = counted(source_id)
        rows = [
            (source_id, one, count, record.seen[one])
            for one, count in record.counts.items()
            if (before.counts.get(one), before.seen.get(one)) != (count, record.seen[one])
        ]
        database.executemany(_WRITE, [(source_id, _ARTICLES, record.articles, to_micros(now)), *rows])
        database.executemany(
            "DELETE FROM furniture WHERE source_id = ? AND hash = ?",
            [(source_id, one) for one in before.counts if one not in record.counts],
        )


def forget(before: datetime) -> int:
    """Forget paragraphs that no article has had since then; gives how many."""
    database = current()
    with database.transaction():
        database.lock(Lock.WRITE)
        cursor = database.execute("DELETE FROM furniture WHERE seen_at < ?", (to_micros(before),))
        return int(cursor.rowcount)
