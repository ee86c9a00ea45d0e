"""Full text of words that are made in Python, the same on both engines; `models.reindex` fills it then."""

from typing import Any

import peewee

SQLITE = (
    "DROP TABLE article_search",
    "CREATE VIRTUAL TABLE article_search USING fts5 "
    "(title, text, content = '', columnsize = 0, tokenize = 'ascii')",
)
POSTGRESQL = (
    "DROP TEXT SEARCH CONFIGURATION wirewatch",
    "DROP TEXT SEARCH DICTIONARY wirewatch_stem",
)


def up(migrator: Any, db: Any) -> None:
    for statement in SQLITE if isinstance(db, peewee.SqliteDatabase) else POSTGRESQL:
        db.execute_sql(statement)
