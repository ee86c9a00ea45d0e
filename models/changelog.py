"""Noting that articles changed, for those who follow; `models.changes` says in which order they read it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from models.database import Database
from models.fields import to_micros
from models.tagging import CHUNK, marks


def record(database: Database, ids: Iterable[int], now: datetime) -> None:
    """Note that articles changed; inside the caller's transaction and write lock."""
    moment, changed = to_micros(now), sorted(set(ids))
    for start in range(0, len(changed), CHUNK):
        chunk = changed[start : start + CHUNK]
        database.execute(f"DELETE FROM article_change WHERE article_id IN ({marks(len(chunk))})", chunk)
        database.executemany(
            "INSERT INTO article_change (article_id, changed_at) VALUES (?, ?)",
            [(one, moment) for one in chunk],
        )
