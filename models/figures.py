"""The figures that a monitor asks for every few seconds: all bounded in number, all read off summaries.

Nothing here counts articles or walks the whole log of polls: what it costs follows the number of topics, days
and sources, not of articles.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from models.catalog import database_bytes
from models.database import Database, current
from models.fields import optional_moment, to_micros
from models.migrate import schema_version

RECENT = timedelta(hours=1)  # over which the outcomes of polls are counted
_BACKUP = "last_backup"  # the key in meta of when the last backup was found to be whole, in microseconds


@dataclass(frozen=True, slots=True)
class Figures:
    """How the database stands at one moment. Times are aware UTC, sizes bytes."""

    engine: str
    schema: str
    bytes: int
    free_bytes: int | None = None  # where the file of SQLite lies
    articles: Mapping[str, int] = field(default_factory=dict)  # by the kind of their source
    topics: Mapping[str, int] = field(default_factory=dict)  # articles by active topic, duplicates left out
    sources: Mapping[str, int] = field(default_factory=dict)  # by state, the removed ones left out
    failing: int = 0
    due: int = 0  # sources that should have been looked at by now and are in nobody's hands
    oldest_due: datetime | None = None
    recent_polls: Mapping[str, int] = field(default_factory=dict)  # by outcome, of the last hour
    unreadable_files: int = 0
    last_backup: datetime | None = None  # None until `note_backup` has said so


def figures(now: datetime) -> Figures:
    """Read them, all from one moment of the database.

    :raises models.errors.StorageError: it does not answer
    """
    database = current()
    moment = to_micros(now)
    with database.snapshot():
        sources = dict(database.rows("SELECT state, count(*) FROM source GROUP BY state"))
        [(due, oldest)] = database.rows(
            "SELECT count(*), min(next_poll_at) FROM source WHERE state = 'active' "
            "AND next_poll_at IS NOT NULL AND next_poll_at <= ? "
            "AND (lease_until IS NULL OR lease_until <= ?)",
            (moment, moment),
        )
        return Figures(
            engine=database.engine,
            schema=schema_version(database),
            bytes=database_bytes(database),
            free_bytes=_free(database),
            articles=_counts("SELECT kind, sum(article_count) FROM source GROUP BY kind"),
            topics=_counts(
                "SELECT t.name, (SELECT COALESCE(sum(d.count), 0) FROM topic_day d WHERE d.topic_id = t.id) "
                "FROM topic t WHERE t.active ORDER BY t.name"
            ),
            sources={state: sources.get(state, 0) for state in ("active", "paused")},
            failing=int(
                database.value("SELECT count(*) FROM source WHERE state = 'active' AND failures > 0")
            ),
            due=int(due),
            oldest_due=optional_moment(oldest),
            recent_polls=_counts(
                "SELECT outcome, count(*) FROM poll WHERE started_at >= ? GROUP BY outcome",
                to_micros(now - RECENT),
            ),
            unreadable_files=int(
                database.value("SELECT count(*) FROM file WHERE reason IS NOT NULL AND vanished_at IS NULL")
            ),
            last_backup=_last_backup(database),
        )


def note_backup(at: datetime) -> None:
    """Keep when a backup was made and found to be whole, for those who watch over it.

    :raises models.errors.StorageError: the database could not take it
    """
    with current().transaction():
        current().execute(
            "INSERT INTO meta (key, value) VALUES (?, ?) "
            "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            (_BACKUP, str(to_micros(at))),
        )


def last_backup() -> datetime | None:
    """When the last backup was found to be whole; None until there is one."""
    with current().session():
        return _last_backup(current())


def _last_backup(database: Database) -> datetime | None:
    found = database.value("SELECT value FROM meta WHERE key = ?", (_BACKUP,))
    return None if found is None else optional_moment(int(found))


def _counts(sql: str, *parameters: int) -> dict[str, int]:
    return {str(name): int(count or 0) for name, count in current().rows(sql, parameters)}


def _free(database: Database) -> int | None:
    if database.path is None:
        return None
    try:
        return shutil.disk_usage(database.path.parent).free
    except OSError:
        return None
