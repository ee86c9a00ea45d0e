"""Topics, people's verdicts on tags, and labelling history again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from itertools import islice
from typing import Any

from models.changelog import record
from models.database import Database, Lock, current
from models.errors import NotFound
from models.fields import dump_json, from_micros, load_json, optional_moment, storable, to_micros
from models.reading import tag_record, tags_of
from models.records import (
    ArticleText,
    Retagged,
    TagRecord,
    TopicRecord,
    TopicSpec,
    VerdictRecord,
)
from models.tagging import CHUNK, Labelled, Summary, marks, shown_topics, taxonomy_ids
from models.tagging import replace_tags as write_replaced

_GIVE = "INSERT INTO verdict (article_id, topic_id, value, given_by, given_at) VALUES (?, ?, ?, ?, ?)"
_TAXONOMY = "taxonomy"  # the key in meta of the topics file in force


@dataclass(frozen=True, slots=True)
class TagState:
    """What is said of one topic on one article, without the reasons."""

    article_id: int
    topic: str
    shown: bool
    decided: bool  # by a person's verdict, which stands whatever the rules say


def sync_topics(specs: Sequence[TopicSpec], taxonomy: str, now: datetime) -> None:
    """Make the stored topics those of the topics file, whose hash is ``taxonomy``.

    A topic that is gone from the file becomes inactive; its tags stay until the articles are labelled again.
    """
    database = current()
    with database.transaction():
        database.lock(Lock.WRITE)
        database.executemany(
            "INSERT INTO topic (name, description, threshold, active, languages) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (name) DO UPDATE SET description = excluded.description, "
            "threshold = excluded.threshold, active = excluded.active, languages = excluded.languages",
            [
                (spec.name, spec.description, spec.threshold, True, dump_json(spec.languages))
                for spec in specs
            ],
        )
        names = {spec.name for spec in specs}
        gone = [name for (name,) in database.rows("SELECT name FROM topic WHERE active") if name not in names]
        database.executemany("UPDATE topic SET active = ? WHERE name = ?", [(False, name) for name in gone])
        taxonomy_ids(database, [taxonomy], now)
        database.execute(
            "INSERT INTO meta (key, value) VALUES (?, ?) "
            "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            (_TAXONOMY, taxonomy),
        )


def taxonomy_in_force() -> str | None:
    """The hash of the topics file that `sync_topics` saw last."""
    with current().session():
        found: str | None = current().value("SELECT value FROM meta WHERE key = ?", (_TAXONOMY,))
    return found


def topics(*, inactive: bool = False) -> list[TopicRecord]:
    """The topics by name, with how many articles carry each, duplicates left out."""
    with current().session():
        rows = current().rows(
            "SELECT name, description, threshold, active, languages, "
            "(SELECT COALESCE(sum(count), 0) FROM topic_day WHERE topic_id = topic.id) "
            "FROM topic ORDER BY name"
        )
    return [
        TopicRecord(
            name,
            description,
            threshold,
            int(count),
            active=bool(active),
            languages=tuple(load_json(languages)),
        )
        for name, description, threshold, active, languages, count in rows
        if active or inactive
    ]


def topic_id(database: Database, name: str) -> int:
    """The id of a topic. Raises NotFound, which lists the topics that there are."""
    found: int | None = database.value("SELECT id FROM topic WHERE name = ?", (storable(name),))
    if found is None:
        names = [row[0] for row in database.rows("SELECT name FROM topic WHERE active ORDER BY name")]
        known = f"the topics are {', '.join(names)}" if names else "no topics are stored yet"
        raise NotFound(f"there is no topic {name!r}: {known}")
    return found


def set_verdict(article_id: int, topic: str, value: int, by: str, now: datetime) -> TagRecord:
    """A person says yes (+1) or no (-1) to a topic of an article; it wins over the rules, now and later.

    An earlier verdict on the same is withdrawn and kept. Raises NotFound for an unknown article or topic.
    """
    if value not in {1, -1}:
        message = f"a verdict is +1 or -1, not {value!r}"
        raise ValueError(message)
    database = current()
    with database.transaction():
        database.lock(Lock.WRITE)
        topic_number = _of(database, article_id, topic)
        _withdraw(database, article_id, topic_number, by, now)
        database.execute(_GIVE, (article_id, topic_number, value, by, to_micros(now)))
        _lay_verdicts(database, article_id, now)
        return next(tag for tag in stored_tags(database, article_id) if tag.topic == topic)


def withdraw_verdict(article_id: int, topic: str, by: str, now: datetime) -> TagRecord | None:
    """Take a standing verdict back: the rules decide again; gives the tag that is left, if any.

    Raises NotFound where there is no standing verdict.
    """
    database = current()
    with database.transaction():
        database.lock(Lock.WRITE)
        if not _withdraw(database, article_id, _of(database, article_id, topic), by, now):
            raise NotFound(f"nobody's verdict on {topic!r} stands on article {article_id}")
        _lay_verdicts(database, article_id, now)
        return next((tag for tag in stored_tags(database, article_id) if tag.topic == topic), None)


def undo_verdict(article_id: int, topic: str, by: str, now: datetime) -> TagRecord | None:
    """Take the last change of a verdict back; gives the tag that is left, if any.

    What stood before stands again, in the name of who gave it: the verdict that the last one replaced, the
    one that was withdrawn, or none. Undone twice, all is as it was. Raises NotFound where there was none.
    """
    database = current()
    with database.transaction():
        database.lock(Lock.WRITE)
        topic_number = _of(database, article_id, topic)
        rows = database.rows(
            "SELECT value, given_by, given_at, withdrawn_at FROM verdict "
            "WHERE article_id = ? AND topic_id = ? ORDER BY id DESC LIMIT 2",
            (article_id, topic_number),
        )
        if not rows:
            raise NotFound(f"nobody has given a verdict on {topic!r} of article {article_id}")
        last = rows[0]
        before = last if last[3] is not None else None
        if before is None:
            _withdraw(database, article_id, topic_number, by, now)
            # The one that it replaced was withdrawn at the moment when it was given.
            before = next((row for row in rows[1:] if row[3] == last[2]), None)
        if before is not None:
            value, given_by, *_ = before
            database.execute(_GIVE, (article_id, topic_number, value, given_by, to_micros(now)))
        _lay_verdicts(database, article_id, now)
        return next((tag for tag in stored_tags(database, article_id) if tag.topic == topic), None)


def verdicts(
    *, article_id: int | None = None, withdrawn: bool = False, after_id: int = 0, limit: int = 10_000
) -> list[VerdictRecord]:
    """Verdicts by article, the oldest first: those that stand, or all of them; of one article, or of all
    articles after ``after_id``."""
    conditions, parameters = ["v.article_id > ?"], [after_id]
    if article_id is not None:
        conditions.append("v.article_id = ?")
        parameters.append(article_id)
    if not withdrawn:
        conditions.append("v.withdrawn_at IS NULL")
    with current().session():
        rows = current().rows(
            "SELECT v.article_id, t.name, v.value, v.given_by, v.given_at, v.withdrawn_by, v.withdrawn_at "
            f"FROM verdict v JOIN topic t ON t.id = v.topic_id WHERE {' AND '.join(conditions)} "
            "ORDER BY v.article_id, v.id LIMIT ?",
            (*parameters, limit),
        )
    return [
        VerdictRecord(article, topic, value, by, from_micros(at), withdrawn_by, optional_moment(withdrawn_at))
        for article, topic, value, by, at, withdrawn_by, withdrawn_at in rows
    ]


def to_retag(taxonomy: str, after_id: int = 0, limit: int = 500) -> list[ArticleText]:
    """Articles after ``after_id``, by id, that another version of the topics file looked at, or none."""
    database = current()
    with database.snapshot():
        versions = database.rows("SELECT id FROM taxonomy WHERE hash <> ?", (taxonomy,))
        found = [
            database.rows(
                "SELECT id, source_id, title, text, language, content_hash FROM article "
                f"WHERE taxonomy_id {comparison} AND id > ? ORDER BY id LIMIT ?",
                (*version, after_id, limit),
            )
            for comparison, version in [("IS NULL", ()), *(("= ?", version) for version in versions)]
        ]
    return [ArticleText(*row) for row in islice(merge(*found), limit)]


def texts(ids: Sequence[int]) -> list[ArticleText]:
    """The articles with these ids, by id; those that are gone are left out."""
    database = current()
    found: list[Any] = []
    wanted = sorted(set(ids))
    with database.snapshot():
        for start in range(0, len(wanted), CHUNK):
            chunk = wanted[start : start + CHUNK]
            found += database.rows(
                "SELECT id, source_id, title, text, language, content_hash FROM article "
                f"WHERE id IN ({marks(len(chunk))}) ORDER BY id",
                chunk,
            )
    return [ArticleText(*row) for row in found]


def unjudged(language: str, limit: int) -> list[ArticleText]:
    """The newest articles in a language that nobody gave a verdict on, duplicates left out."""
    with current().session():
        rows = current().rows(
            "SELECT id, source_id, title, text, language, content_hash FROM article a "
            "WHERE language = ? AND duplicate_of IS NULL AND NOT EXISTS "
            "(SELECT 1 FROM verdict v WHERE v.article_id = a.id AND v.withdrawn_at IS NULL) "
            "ORDER BY position DESC LIMIT ?",
            (language, limit),
        )
    return [ArticleText(*row) for row in rows]


def count_to_retag(taxonomy: str) -> int:
    """How many articles `to_retag` would give in all."""
    with current().session():
        counted: int = current().value(
            "SELECT count(*) FROM article WHERE taxonomy_id IS NULL OR taxonomy_id NOT IN "
            "(SELECT id FROM taxonomy WHERE hash = ?)",
            (taxonomy,),
        )
    return counted


def tag_states(ids: Sequence[int]) -> list[TagState]:
    """The stored tags of some articles: whether each is shown, and whether a person decided so."""
    database = current()
    found: list[TagState] = []
    with database.snapshot():
        for start in range(0, len(ids), CHUNK):
            chunk = ids[start : start + CHUNK]
            rows = database.rows(
                "SELECT g.article_id, t.name, g.shown, g.verdict "
                "FROM tag g JOIN topic t ON t.id = g.topic_id "
                f"WHERE g.article_id IN ({marks(len(chunk))}) ORDER BY g.article_id, t.name",
                chunk,
            )
            found += [
                TagState(article, topic, shown=bool(shown), decided=verdict is not None)
                for article, topic, shown, verdict in rows
            ]
    return found


def replace_tags(batch: Sequence[Retagged], *, taxonomy: str, now: datetime) -> int:
    """Give articles new tags, made by the topics file ``taxonomy``, in one transaction; gives how many.

    Articles whose text has changed in the meantime, or which are gone, are left as they are. Verdicts stay.
    """
    database = current()
    wanted = {one.article_id: one for one in batch}
    with database.transaction():
        database.lock(Lock.WRITE)
        version = taxonomy_ids(database, [taxonomy], now)[taxonomy]
        summary = Summary()
        rewritten = [
            Labelled(
                article_id,
                position,
                duplicate_of is None,
                wanted[article_id].tags,
                wanted[article_id].missed,
            )
            for article_id, position, duplicate_of, content_hash in _places(database, list(wanted))
            if content_hash == wanted[article_id].content_hash
        ]
        _rewrite(database, rewritten, summary)
        database.executemany(
            "UPDATE article SET taxonomy_id = ?, uncovered = ? WHERE id = ?",
            [(version, dump_json(wanted[one.article_id].uncovered), one.article_id) for one in rewritten],
        )
        summary.write(database)
        record(database, (one.article_id for one in rewritten), now)
    return len(rewritten)


def stored_tags(database: Database, article_id: int) -> list[TagRecord]:
    """All tags of an article with evidence, hidden ones (a person's no) too, the highest score first."""
    return tags_of(database, [article_id]).get(article_id, [])


def _of(database: Database, article_id: int, topic: str) -> int:
    found = topic_id(database, topic)
    if database.value("SELECT 1 FROM article WHERE id = ?", (article_id,)) is None:
        raise NotFound(f"there is no article {article_id}")
    return found


def _withdraw(database: Database, article_id: int, topic_number: int, by: str, now: datetime) -> bool:
    cursor = database.execute(
        "UPDATE verdict SET withdrawn_at = ?, withdrawn_by = ? "
        "WHERE article_id = ? AND topic_id = ? AND withdrawn_at IS NULL",
        (to_micros(now), by, article_id, topic_number),
    )
    return bool(cursor.rowcount)


def _places(database: Database, ids: Sequence[int]) -> list[tuple[int, int, int | None, str]]:
    found: list[Any] = []
    for start in range(0, len(ids), CHUNK):
        chunk = ids[start : start + CHUNK]
        found += database.rows(
            "SELECT id, position, duplicate_of, content_hash FROM article "
            f"WHERE id IN ({marks(len(chunk))}) ORDER BY id",
            chunk,
        )
    return found


def _rewrite(database: Database, articles: Sequence[Labelled], summary: Summary) -> None:
    before = shown_topics(database, [one.article_id for one in articles])
    for one in articles:
        if one.counted:
            summary.count(one.position, before.get(one.article_id, ()), -1)
    write_replaced(database, articles, summary)


def _lay_verdicts(database: Database, article_id: int, now: datetime) -> None:
    """Write an article's tags as the rules gave them, with the verdicts as they stand now."""
    rows = database.rows(
        "SELECT t.name, g.rule_score, g.threshold, g.main, g.taxonomy, g.evidence, NULL, NULL "
        "FROM tag g JOIN topic t ON t.id = g.topic_id WHERE g.article_id = ? AND g.rule_score IS NOT NULL",
        (article_id,),
    )
    summary = Summary()
    [(_, position, duplicate_of, _)] = _places(database, [article_id])
    tags = [tag_record(row) for row in rows]
    labelled = Labelled(article_id, position, duplicate_of is None, tags, missed=None)
    _rewrite(database, [labelled], summary)
    summary.write(database)
    record(database, [article_id], now)
