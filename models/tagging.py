"""Writing tags, and the counts by day that follow them, for many articles at a time.

A person's standing verdict is laid over what the rules gave whenever tags are written: a yes shows the
topic with score 1, a no hides it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from models.database import Database
from models.fields import dump_json, storable, to_micros
from models.positions import day_of
from models.records import TagRecord

CHUNK = 400
LEAST = 0.05  # a score below it is as good as none
_INSERT = """
    INSERT INTO tag (article_id, topic_id, position, score, shown, rule_score, threshold, main, verdict,
                     verdict_by, taxonomy, evidence)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""


@dataclass(frozen=True, slots=True)
class Labelled:
    """An article with the tags it is to have. Duplicates are not ``counted`` in the summaries."""

    article_id: int
    position: int
    counted: bool
    tags: Sequence[TagRecord]
    missed: Sequence[tuple[str, float]] | None = ()  # topics that scored too little; None: as they are


@dataclass(slots=True)
class Summary:
    """Changes of `topic_day` and `article_day`, gathered and written once."""

    topics: Counter[tuple[int, int]] = field(default_factory=Counter)
    articles: Counter[int] = field(default_factory=Counter)
    tagged: Counter[int] = field(default_factory=Counter)

    def count(self, position: int, topics: Iterable[int], by: int = 1) -> None:
        """Count an article with its shown topics; ``by`` -1 takes it out."""
        day = day_of(position)
        shown = set(topics)
        self.articles[day] += by
        if shown:
            self.tagged[day] += by
        for topic in shown:
            self.topics[topic, day] += by

    def write(self, database: Database) -> None:
        """Add the changes to the stored counts."""
        database.executemany(
            "INSERT INTO topic_day (topic_id, day, count) VALUES (?, ?, ?) ON CONFLICT (topic_id, day) "
            "DO UPDATE SET count = topic_day.count + excluded.count",
            [(topic, day, by) for (topic, day), by in sorted(self.topics.items()) if by],
        )
        days = sorted(self.articles.keys() | self.tagged.keys())
        database.executemany(
            "INSERT INTO article_day (day, articles, tagged) VALUES (?, ?, ?) "
            "ON CONFLICT (day) DO UPDATE SET articles = article_day.articles + excluded.articles, "
            "tagged = article_day.tagged + excluded.tagged",
            [
                (day, self.articles[day], self.tagged[day])
                for day in days
                if self.articles[day] or self.tagged[day]
            ],
        )


def marks(count: int) -> str:
    """``?, ?, ?`` for that many parameters."""
    return ", ".join("?" * count)


def topic_ids(database: Database, tags: Iterable[TagRecord]) -> dict[str, int]:
    """Ids of all topics by name; one that the tags name and the database does not know is made.

    `models.labels.sync_topics` describes topics. That it was not called must not lose an article.
    """
    ids: dict[str, int] = dict(database.rows("SELECT name, id FROM topic"))
    missing = {storable(tag.topic): tag.threshold for tag in tags if storable(tag.topic) not in ids}
    if missing:
        database.executemany(
            "INSERT INTO topic (name, description, threshold, active) VALUES (?, '', ?, ?) "
            "ON CONFLICT (name) DO NOTHING",
            [(name, threshold, True) for name, threshold in sorted(missing.items())],
        )
        ids = dict(database.rows("SELECT name, id FROM topic"))
    return ids


def taxonomy_ids(database: Database, hashes: Iterable[str], now: datetime) -> dict[str, int]:
    """Ids of the versions of the topics file by hash; unknown ones are made. "" has none."""
    ids: dict[str, int] = dict(database.rows("SELECT hash, id FROM taxonomy"))
    missing = sorted({one for one in hashes if one and one not in ids})
    if missing:
        database.executemany(
            "INSERT INTO taxonomy (hash, since) VALUES (?, ?) ON CONFLICT (hash) DO NOTHING",
            [(one, to_micros(now)) for one in missing],
        )
        ids = dict(database.rows("SELECT hash, id FROM taxonomy"))
    return ids


def write_new_tags(database: Database, articles: Sequence[Labelled], summary: Summary) -> None:
    """Tags of articles that were just inserted: nothing stored yet, nobody's verdict."""
    topics = topic_ids(database, (tag for article in articles for tag in article.tags))
    rows = []
    for article in articles:
        given = {storable(tag.topic): tag for tag in article.tags if tag.score >= tag.threshold}
        rows += [_row(article, topics[name], tag, None, None) for name, tag in given.items()]
        if article.counted:
            summary.count(article.position, (topics[name] for name in given))
    database.executemany(_INSERT, rows)
    _write_missed(database, articles, topics)


def shown_topics(database: Database, ids: Sequence[int]) -> dict[int, list[int]]:
    """The topics that are shown on each of some articles."""
    found: dict[int, list[int]] = defaultdict(list)
    for start in range(0, len(ids), CHUNK):
        chunk = ids[start : start + CHUNK]
        rows = database.rows(
            f"SELECT article_id, topic_id FROM tag WHERE article_id IN ({marks(len(chunk))}) AND shown", chunk
        )
        for article_id, topic_id in rows:
            found[article_id].append(topic_id)
    return found


def replace_tags(database: Database, articles: Sequence[Labelled], summary: Summary) -> None:
    """Write the tags of articles anew, verdicts laid over them.

    The caller has taken the articles out of the summary as they were (`shown_topics`); here they are
    counted as they are now.
    """
    topics = topic_ids(database, (tag for article in articles for tag in article.tags))
    for start in range(0, len(articles), CHUNK):
        chunk = articles[start : start + CHUNK]
        ids = [article.article_id for article in chunk]
        verdicts = _standing(database, ids)
        database.execute(f"DELETE FROM tag WHERE article_id IN ({marks(len(ids))})", ids)
        rows = []
        for article in chunk:
            made = _with_verdicts(article, topics, verdicts[article.article_id])
            rows += made
            if article.counted:
                summary.count(article.position, (row[1] for row in made if row[4]))
        database.executemany(_INSERT, rows)
        again = [article for article in chunk if article.missed is not None]
        gone = [(article.article_id,) for article in again]
        database.executemany("DELETE FROM near_miss WHERE article_id = ?", gone)
        _write_missed(database, again, topics)


def _write_missed(database: Database, articles: Sequence[Labelled], topics: Mapping[str, int]) -> None:
    """Keep what topics scored below their thresholds, from `LEAST` on, without evidence."""
    database.executemany(
        "INSERT INTO near_miss (article_id, topic_id, score) VALUES (?, ?, ?)",
        [
            (article.article_id, topics[storable(name)], score)
            for article in articles
            for name, score in dict(article.missed or ()).items()
            if score >= LEAST and storable(name) in topics
        ],
    )


def _standing(database: Database, ids: Sequence[int]) -> dict[int, dict[int, tuple[int, str, float]]]:
    """Standing verdicts: article → topic → (value, who, the topic's threshold)."""
    found: dict[int, dict[int, tuple[int, str, float]]] = defaultdict(dict)
    rows = database.rows(
        "SELECT v.article_id, v.topic_id, v.value, v.given_by, t.threshold FROM verdict v "
        "JOIN topic t ON t.id = v.topic_id "
        f"WHERE v.article_id IN ({marks(len(ids))}) AND v.withdrawn_at IS NULL",
        ids,
    )
    for article_id, topic_id, *verdict in rows:
        found[article_id][topic_id] = (verdict[0], verdict[1], verdict[2])
    return found


def _with_verdicts(
    article: Labelled, topics: dict[str, int], verdicts: dict[int, tuple[int, str, float]]
) -> list[tuple[Any, ...]]:
    given = {topics[storable(tag.topic)]: tag for tag in article.tags if tag.score >= tag.threshold}
    rows = []
    for topic_id, tag in given.items():
        value, by, _ = verdicts.get(topic_id, (None, None, 0.0))
        rows.append(_row(article, topic_id, tag, value, by))
    for topic_id, (value, by, threshold) in verdicts.items():
        if topic_id not in given:
            rows.append(_row(article, topic_id, TagRecord("", 0.0, threshold), value, by, by_rules=False))
    return rows


def _row(
    article: Labelled,
    topic_id: int,
    tag: TagRecord,
    verdict: int | None,
    by: str | None,
    *,
    by_rules: bool = True,
) -> tuple[Any, ...]:
    return (
        article.article_id,
        topic_id,
        article.position,
        tag.score if verdict is None else float(verdict > 0),
        verdict is None or verdict > 0,
        tag.score if by_rules else None,
        tag.threshold,
        tag.main,
        verdict,
        by,
        tag.taxonomy,
        dump_json(tag.evidence),
    )
