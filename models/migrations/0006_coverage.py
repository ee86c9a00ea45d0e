"""Which languages each topic has rules for, and which topics could not judge an article for want of such."""

from typing import Any

STATEMENTS = (
    "ALTER TABLE article ADD COLUMN uncovered TEXT NOT NULL DEFAULT '[]'",
    "ALTER TABLE topic ADD COLUMN languages TEXT NOT NULL DEFAULT '[]'",
    "CREATE INDEX article_uncovered ON article (position) WHERE uncovered <> '[]'",
    # Nobody has said so of what is stored: these are labelled again.
    "UPDATE article SET taxonomy_id = NULL WHERE language IS NULL OR language <> 'en'",
)


def up(migrator: Any, db: Any) -> None:
    for statement in STATEMENTS:
        db.execute_sql(statement)
