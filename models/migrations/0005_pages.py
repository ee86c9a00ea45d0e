"""Pages that were fetched for the text of feeds' entries, and paragraphs that recur in a source."""

from typing import Any

import peewee

TABLES = (
    # said_hash: of what the feed said, so that an edit of the feed is told although the text is the page's.
    """
    CREATE TABLE article_page (
        article_id BIGINT NOT NULL PRIMARY KEY REFERENCES article (id) ON DELETE CASCADE,
        source_id BIGINT NOT NULL,
        said_hash TEXT NOT NULL,
        taken BOOLEAN NOT NULL,
        url TEXT,
        reason TEXT,
        detail TEXT,
        attempts INTEGER NOT NULL,
        tried_at BIGINT NOT NULL,
        next_try_at BIGINT
    )
    """,
    # One row a paragraph, by its hash; hash 0 counts the articles that were looked at.
    """
    CREATE TABLE furniture (
        source_id BIGINT NOT NULL REFERENCES source (id) ON DELETE CASCADE,
        hash BIGINT NOT NULL,
        count INTEGER NOT NULL,
        seen_at BIGINT NOT NULL,
        PRIMARY KEY (source_id, hash)
    ) {clustered}
    """,
)
INDEXES = (
    "CREATE INDEX article_page_due ON article_page (source_id, next_try_at) WHERE next_try_at IS NOT NULL",
    "CREATE INDEX furniture_seen ON furniture (seen_at)",
)


def up(migrator: Any, db: Any) -> None:
    clustered = "WITHOUT ROWID" if isinstance(db, peewee.SqliteDatabase) else ""
    for statement in (*(table.format(clustered=clustered) for table in TABLES), *INDEXES):
        db.execute_sql(statement)
