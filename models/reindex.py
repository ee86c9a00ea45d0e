"""Making the full-text index anew, where what is indexed of a text is no longer what it was.

The database remembers which `models.words.VERSION` its index was made with. An index of another version
would miss words, and could not be kept: a changed article's old words must be taken out exactly as they were
put in.
"""

from __future__ import annotations

from models.database import Database, Lock
from models.search import VECTOR, add_to_index, vector
from models.words import VERSION

_KEY = "search"  # in meta
_CHUNK = 500  # articles that are in memory at a time


def is_stale(database: Database) -> bool:
    """Whether the index was made by another version; inside a session."""
    return bool(database.value("SELECT value FROM meta WHERE key = ?", (_KEY,)) != VERSION)


def reindex(database: Database) -> int:
    """Index all articles anew, in one transaction; gives how many."""
    with database.transaction():
        database.lock(Lock.WRITE)
        count = _fill_sqlite(database) if database.sqlite else _fill_postgresql(database)
        database.execute(
            "INSERT INTO meta (key, value) VALUES (?, ?) "
            "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            (_KEY, VERSION),
        )
    return count


def _fill_sqlite(database: Database) -> int:
    database.execute("INSERT INTO article_search (article_search) VALUES ('delete-all')")
    count, rows = (
        0,
        database.rows(f"SELECT position, title, text FROM article ORDER BY position LIMIT {_CHUNK}"),
    )
    while rows:
        add_to_index(database, rows)
        count += len(rows)
        rows = database.rows(
            "SELECT position, title, text FROM article WHERE position > ? ORDER BY position LIMIT ?",
            (rows[-1][0], _CHUNK),
        )
    return count


def _fill_postgresql(database: Database) -> int:
    database.execute(
        "DROP INDEX IF EXISTS article_search"
    )  # to make it at the end costs less than to keep it
    count, last = 0, 0
    while rows := database.rows(
        "SELECT id, title, text FROM article WHERE id > ? ORDER BY id LIMIT ?", (last, _CHUNK)
    ):
        database.executemany(
            f"UPDATE article SET search = {VECTOR} WHERE id = ?",
            [(vector(title, text), article_id) for article_id, title, text in rows],
        )
        count += len(rows)
        last = rows[-1][0]
    database.execute("CREATE INDEX article_search ON article USING gin (search)")
    return count
