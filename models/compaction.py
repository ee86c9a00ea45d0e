"""Giving room back: SQLite's file written anew without its gaps; PostgreSQL does that by itself."""

from __future__ import annotations

from models.catalog import database_bytes
from models.database import current


def compact() -> tuple[int, int]:
    """Write the database anew as small as it can be; gives its bytes before and after.

    SQLite: full-text segments merged into one, ``VACUUM``, and the log cut off; nobody else may write
    meanwhile, and as much room is needed again. PostgreSQL, whose autovacuum gives room back, only counts its
    rows anew (``ANALYZE``). Raises DatabaseLocked, DatabaseFull; nothing is lost then.
    """
    database = current()
    with database.session():
        before = database_bytes(database)
        if database.sqlite:
            database.execute("INSERT INTO article_search (article_search) VALUES ('optimize')")
            database.execute("VACUUM")
            database.value("PRAGMA wal_checkpoint(TRUNCATE)")
        else:
            database.execute("ANALYZE")
        return before, database_bytes(database)
