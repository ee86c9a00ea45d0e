"""Full text of the same words on both engines (`models.words`); `models.reindex` fills it afterwards."""

from typing import Any

import peewee

SQLITE = (
    "DROP TABLE article_search",
    "CREATE VIRTUAL TABLE article_search USING fts5 "
    "(title, text, content = '', columnsize = 0, tokenize = 'porter ascii')",
)
POSTGRESQL = (
    "DROP TEXT SEARCH CONFIGURATION wirewatch",
    "DROP TEXT SEARCH DICTIONARY wirewatch_stem",
)


def up(migrator: Any, db: Any) -> None:
    for statement in SQLITE if isinstance(db, peewee.SqliteDatabase) else POSTGRESQL:
        db.execute_sql(statement)
