"""What need not be kept: articles beyond an age or a number, but for those that somebody judged.

Ids are given in the order in which articles were first seen, so both follow them: a batch costs the same
however many articles there are. Age counts from then and not from publication, so that an archive that was
imported yesterday is not gone today.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from models import articles
from models.database import Database, Lock, current
from models.fields import to_micros
from models.tagging import marks

# What a person said stands in `verdict`, also after it was withdrawn; what a watch found, in `delivery`.
_KEPT = (
    "EXISTS (SELECT 1 FROM verdict v WHERE v.article_id = a.id) "
    "OR EXISTS (SELECT 1 FROM delivery d WHERE d.article_id = a.id)"
)


@dataclass(frozen=True, slots=True)
class Rule:
    """What is to be deleted: articles first seen before a time, and the first seen beyond a number."""

    before: datetime | None = None
    most: int | None = None
    keep_topics: tuple[str, ...] = ()  # articles that carry one of these stay


@dataclass(frozen=True, slots=True)
class Batch:
    """A stretch of articles, by id, that was looked at."""

    expendable: tuple[int, ...]
    kept: int  # beyond the rule, but a verdict, a watch or a topic keeps them
    last_id: int  # the next stretch begins behind it
    ended: bool  # there is no more behind it


def examine(rule: Rule, *, after_id: int, limit: int, deleted: int = 0) -> Batch:
    """Look at the next ``limit`` articles behind an id; nothing is deleted.

    :param deleted: how many of those that are still counted are as good as gone, where nothing is deleted
    """
    database = current()
    with database.snapshot():
        excess = _excess(database, rule, deleted)
        found = database.rows(
            f"SELECT a.id, a.seen_at, CASE WHEN {_KEPT} OR {_carries(rule)} THEN 1 ELSE 0 END "
            "FROM article a WHERE a.id > ? ORDER BY a.id LIMIT ?",
            (*rule.keep_topics, after_id, limit),
        )
    before = None if rule.before is None else to_micros(rule.before)
    gone: list[int] = []
    kept = 0
    last = after_id
    for article_id, seen_at, protected in found:
        beyond = (before is not None and seen_at < before) or len(gone) < excess
        if not beyond:
            return Batch(tuple(gone), kept, last, ended=True)
        last = article_id
        if protected:
            kept += 1
        else:
            gone.append(article_id)
    return Batch(tuple(gone), kept, last, ended=len(found) < limit)


def prune(rule: Rule, now: datetime, *, after_id: int, limit: int) -> Batch:
    """`examine`, and delete what need not be kept, in one transaction; it stays deleted."""
    with current().transaction():
        current().lock(Lock.WRITE)  # so that no verdict is given in between
        batch = examine(rule, after_id=after_id, limit=limit)
        articles.delete(batch.expendable, now)
    return batch


def _excess(database: Database, rule: Rule, deleted: int) -> int:
    if rule.most is None:
        return 0
    stored = int(database.value("SELECT COALESCE(sum(article_count), 0) FROM source"))
    return max(0, stored - deleted - rule.most)


def _carries(rule: Rule) -> str:
    if not rule.keep_topics:
        return "1 = 0"
    return (
        "EXISTS (SELECT 1 FROM tag g JOIN topic t ON t.id = g.topic_id WHERE g.article_id = a.id AND g.shown "
        f"AND t.name IN ({marks(len(rule.keep_topics))}))"
    )


def unknown_topics(names: Sequence[str]) -> list[str]:
    """Those of some topics that the database does not know."""
    with current().session():
        known = {name for (name,) in current().rows("SELECT name FROM topic")}
    return [name for name in names if name not in known]
