"""Pages of feeds' entries that were fetched for their text: what came of it, and which are tried again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from models.database import Database, current
from models.fields import optional_micros, optional_moment, optional_storable, storable, to_micros
from models.records import PageRecord
from models.tagging import CHUNK, marks

_COLUMNS = "said_hash, taken, url, reason, detail, attempts, tried_at, next_try_at"
_WRITE = f"""
    INSERT INTO article_page (article_id, source_id, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (article_id) DO UPDATE SET
        said_hash = excluded.said_hash, taken = excluded.taken, url = excluded.url, reason = excluded.reason,
        detail = excluded.detail, attempts = excluded.attempts, tried_at = excluded.tried_at,
        next_try_at = excluded.next_try_at
"""
_LONGEST = 1_000  # characters of a detail


def get(article_id: int) -> PageRecord | None:
    """What is known of an article's page; None where none was ever wanted."""
    with current().session():
        return read_pages(current(), [article_id]).get(article_id)


def due(source_id: int, now: datetime) -> list[int]:
    """The articles of a source whose page is to be tried (again) by now."""
    with current().session():
        rows = current().rows(
            "SELECT article_id FROM article_page WHERE source_id = ? AND next_try_at <= ? "
            "ORDER BY article_id",
            (source_id, to_micros(now)),
        )
    return [row[0] for row in rows]


def write(source_id: int, pages: Mapping[int, PageRecord]) -> None:
    """Remember what came of the pages of articles that stay as they are, by article."""
    database = current()
    with database.transaction():
        write_pages(database, ((source_id, article_id, page) for article_id, page in pages.items()))


def give_up(article_ids: Sequence[int]) -> None:
    """Try the pages of these articles no more: their feed no longer shows them."""
    database = current()
    with database.transaction():
        database.executemany(
            "UPDATE article_page SET next_try_at = NULL WHERE article_id = ?", [(one,) for one in article_ids]
        )


def read_pages(database: Database, article_ids: Sequence[int]) -> dict[int, PageRecord]:
    """The pages of articles, for those that have one."""
    found: dict[int, PageRecord] = {}
    for start in range(0, len(article_ids), CHUNK):
        chunk = article_ids[start : start + CHUNK]
        rows = database.rows(
            f"SELECT article_id, {_COLUMNS} FROM article_page WHERE article_id IN ({marks(len(chunk))})",
            chunk,
        )
        found.update((row[0], _record(row[1:])) for row in rows)
    return found


def write_pages(database: Database, pages: Iterable[tuple[int, int, PageRecord | None]]) -> None:
    """Write the pages of articles as (source, article, page); without a page, an article's old one is none of
    its present text and goes."""
    rows, gone = [], []
    for source_id, article_id, page in pages:
        if page is None:
            gone.append((article_id,))
        else:
            rows.append((article_id, source_id, *_row(page)))
    database.executemany(_WRITE, rows)
    database.executemany("DELETE FROM article_page WHERE article_id = ?", gone)


def _row(page: PageRecord) -> tuple[Any, ...]:
    return (
        storable(page.said_hash),
        page.taken,
        optional_storable(page.url),
        page.reason,
        optional_storable(page.detail[:_LONGEST] if page.detail else None),
        page.attempts,
        to_micros(page.tried_at),
        optional_micros(page.next_try_at),
    )


def _record(row: Sequence[Any]) -> PageRecord:
    tried_at = optional_moment(row[6])
    assert tried_at is not None
    return PageRecord(
        said_hash=row[0],
        taken=bool(row[1]),
        url=row[2],
        reason=row[3],
        detail=row[4],
        attempts=row[5],
        tried_at=tried_at,
        next_try_at=optional_moment(row[7]),
    )
