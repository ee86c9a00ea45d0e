"""What a source's state is told from without reading its polls or articles, and the order of its list."""

from typing import Any

import peewee

COLUMNS = (
    "entries INTEGER",  # in the last document that was read whole
    "undated INTEGER",  # those of them that say no date
    "newest_at BIGINT",  # the latest date of publication in it
    "usual_gap DOUBLE PRECISION",  # seconds between its articles, as their dates have it
    "recent TEXT NOT NULL DEFAULT ''",  # a mark for each of the last looks, the newest last
    "moved_from TEXT",  # the address that it was added with, where it has another now
    "moved_at BIGINT",
)
# Both engines sort by bytes: what a page of the list begins with must not depend on a locale.
LISTED = (
    "CREATE INDEX source_listed ON source ((COALESCE(folder, '')){bytes}, "
    "(lower(COALESCE(title, location))){bytes}, id) WHERE state <> 'removed'"
)
MOVED = "CREATE INDEX source_moved ON source (moved_from) WHERE moved_from IS NOT NULL"


def up(migrator: Any, db: Any) -> None:
    for column in COLUMNS:
        db.execute_sql(f"ALTER TABLE source ADD COLUMN {column}")
    sqlite = isinstance(db, peewee.SqliteDatabase)
    db.execute_sql(LISTED.format(bytes="" if sqlite else ' COLLATE "C"'))
    db.execute_sql(MOVED)
