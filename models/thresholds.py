"""What moving a topic's threshold would do, told from the scores of the articles that came last.

Scores that reach the threshold are the tags'; those below it are kept beside them, without evidence, from
`models.tagging.LEAST` on. What a person has said stands at any threshold, and counts for neither.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from models.database import current

LAST = 5_000  # articles that are looked at, in the order in which they came


@dataclass(frozen=True, slots=True)
class Scores:
    """What a topic scored on the last articles: those that carry it and those that miss it, sorted."""

    topic: str
    threshold: float
    carried: tuple[float, ...]
    missed: tuple[float, ...]

    def gained(self, threshold: float) -> int:
        """How many articles more would carry the topic at another threshold."""
        return len(self.missed) - bisect_left(self.missed, threshold)

    def lost(self, threshold: float) -> int:
        """How many fewer."""
        return bisect_left(self.carried, threshold)


def scores(*, last: int = LAST) -> tuple[int, list[Scores]]:
    """How many articles came last (at most ``last``), and what each active topic scored on them."""
    database = current()
    with database.snapshot():
        newest = int(database.value("SELECT COALESCE(max(id), 0) FROM article"))
        after = newest - last
        looked_at = int(database.value("SELECT count(*) FROM article WHERE id > ?", (after,)))
        topics = database.rows("SELECT id, name, threshold FROM topic WHERE active ORDER BY name")
        carried = _by_topic(
            database.rows(
                "SELECT topic_id, score FROM tag WHERE article_id > ? AND shown AND verdict IS NULL", (after,)
            )
        )
        missed = _by_topic(
            database.rows(
                "SELECT n.topic_id, n.score FROM near_miss n WHERE n.article_id > ? AND NOT EXISTS "
                "(SELECT 1 FROM verdict v WHERE v.article_id = n.article_id AND v.topic_id = n.topic_id "
                "AND v.withdrawn_at IS NULL)",
                (after,),
            )
        )
    return looked_at, [
        Scores(name, threshold, carried.get(number, ()), missed.get(number, ()))
        for number, name, threshold in topics
    ]


def _by_topic(rows: Sequence[tuple[int, float]]) -> dict[int, tuple[float, ...]]:
    found: dict[int, list[float]] = {}
    for topic, score in rows:
        found.setdefault(topic, []).append(score)
    return {topic: tuple(sorted(values)) for topic, values in found.items()}
