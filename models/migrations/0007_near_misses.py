"""What topics scored below their thresholds, so that the effect of moving one can be told."""

from typing import Any

import peewee

# By article, so that the articles that came last are one stretch of it.
TABLE = """
    CREATE TABLE near_miss (
        article_id BIGINT NOT NULL REFERENCES article (id) ON DELETE CASCADE,
        topic_id BIGINT NOT NULL REFERENCES topic (id),
        score DOUBLE PRECISION NOT NULL,
        PRIMARY KEY (article_id, topic_id)
    ) {clustered}
"""


def up(migrator: Any, db: Any) -> None:
    db.execute_sql(TABLE.format(clustered="WITHOUT ROWID" if isinstance(db, peewee.SqliteDatabase) else ""))
    # What is stored is labelled again in the background, so that its near misses are kept, too.
    db.execute_sql("UPDATE article SET taxonomy_id = NULL")
