"""Storing articles, new and changed, many at a time and inside the caller's transaction and write lock.

Everything about one article moves together: its row, its full-text entry, its tags, its earlier wording,
and the counts of its day. Statements are run for all rows at once, never one by one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum, auto
from typing import Any

from models.changelog import record
from models.database import Database
from models.fields import (
    dump_json,
    encode_path,
    from_micros,
    optional_micros,
    optional_storable,
    storable,
    to_micros,
)
from models.positions import allocate, seconds_of
from models.records import ArticleWrite
from models.search import VECTOR, add_to_index, take_from_index, vector
from models.tagging import (
    CHUNK,
    Labelled,
    Summary,
    marks,
    replace_tags,
    shown_topics,
    taxonomy_ids,
    write_new_tags,
)

# What a new and a changed article have in common; `_shared` gives the values.
_SHARED = (
    "title", "title_made", "url", "published_at", "precision", "date_origin", "language", "author", "path",
    "guid", "content_hash", "duplicate_of", "taxonomy_id", "categories", "enclosures", "cuts", "text",
    "uncovered",
)  # fmt: skip
_INSERTED = ("id", "source_id", "position", "key", "seen_at", *_SHARED)
_UPDATED = ("position", "key", "updated_at", *_SHARED)
_OLD = (
    "id, source_id, position, key, title, text, content_hash, revisions, duplicate_of, published_at, seen_at"
)
_REVISION = """
    INSERT INTO revision (article_id, number, replaced_at, content_hash, title, text)
    VALUES (?, ?, ?, ?, ?, ?)
"""


class Kind(Enum):
    """What became of an article that was to be stored."""

    NEW = auto()
    CHANGED = auto()
    LOST = auto()  # someone else stored it first, or a person deleted it


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of one article."""

    kind: Kind
    article_id: int | None = None
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class _Stored:
    """What is stored of an article that is to be changed."""

    id: int
    source_id: int
    position: int
    key: str
    title: str
    text: str
    content_hash: str
    revisions: int
    duplicate_of: int | None
    published_at: int | None
    seen_at: int

    @property
    def moment(self) -> datetime:
        return from_micros(self.seen_at if self.published_at is None else self.published_at)


@dataclass(frozen=True, slots=True)
class _Batch:
    """What storing a batch needs everywhere."""

    database: Database
    now: datetime
    originals: dict[int, int]
    taxonomies: dict[str, int]
    summary: Summary = field(default_factory=Summary)

    def original(self, write: ArticleWrite) -> int | None:
        """The article that this one is a duplicate of, if that is still there."""
        if write.duplicate_of is None:
            return None
        original = self.originals.get(write.duplicate_of)
        return None if original == write.article_id else original

    def shared(self, write: ArticleWrite) -> dict[str, Any]:
        """The columns `_SHARED`."""
        return {
            "title": write.title,
            "title_made": write.title_made,
            "url": optional_storable(write.url),
            "published_at": optional_micros(write.published_at),
            "precision": write.precision,
            "date_origin": write.date_origin,
            "language": write.language,
            "author": optional_storable(write.author),
            "path": None if write.path is None else encode_path(write.path),
            "guid": optional_storable(write.guid),
            "content_hash": write.content_hash,
            "duplicate_of": self.original(write),
            "taxonomy_id": self.taxonomies.get(_taxonomy(write)),
            "categories": dump_json(write.categories),
            "enclosures": dump_json(write.enclosures),
            "cuts": dump_json(write.cuts),
            "text": write.text,
            "uncovered": dump_json(write.uncovered),
        }


def store_articles(
    database: Database, writes: Sequence[tuple[int, ArticleWrite]], now: datetime
) -> list[Fate]:
    """Store articles, each with the id of its source; gives what became of each, in order."""
    cleaned = [(source, _cleaned(write)) for source, write in writes]
    batch = _Batch(
        database,
        now,
        _originals(database, [write for _, write in cleaned]),
        taxonomy_ids(database, (_taxonomy(write) for _, write in cleaned), now),
    )
    fates = [Fate(Kind.LOST)] * len(cleaned)
    fresh = {n: one for n, one in enumerate(cleaned) if one[1].article_id is None}
    known = {n: one[1] for n, one in enumerate(cleaned) if one[1].article_id is not None}
    for n, fate in (_insert(batch, fresh) | _revise(batch, known)).items():
        fates[n] = fate
    batch.summary.write(database)
    record(database, (fate.article_id for fate in fates if fate.article_id is not None), now)
    return fates


def _insert(batch: _Batch, fresh: dict[int, tuple[int, ArticleWrite]]) -> dict[int, Fate]:
    database = batch.database
    wanted = _without_deleted(database, _first_of_each_key(fresh))
    if not wanted:
        return {}
    ids = _reserve_ids(database, len(wanted))
    positions = allocate(database, [_moment(write) for _, write in wanted.values()])
    placed = [
        (n, article_id, position, source, write)
        for (n, (source, write)), article_id, position in zip(wanted.items(), ids, positions, strict=True)
    ]
    rows = []
    for _, article_id, position, source, write in placed:
        values = batch.shared(write) | {
            "id": article_id,
            "source_id": source,
            "position": position,
            "key": write.key,
            "seen_at": to_micros(write.seen_at),
        }
        rows.append((*(values[name] for name in _INSERTED), *_vector(database, write)))
    won = _insert_rows(database, rows, ids)
    placed = [one for one in placed if one[1] in won]
    add_to_index(database, [(position, write.title, write.text) for _, _, position, _, write in placed])
    fates = {
        n: Fate(Kind.NEW, article_id, duplicate=batch.original(write) is not None)
        for n, article_id, _, _, write in placed
    }
    labelled = [
        Labelled(article_id, position, not fates[n].duplicate, write.tags, write.missed)
        for n, article_id, position, _, write in placed
    ]
    write_new_tags(database, labelled, batch.summary)
    return fates


def _revise(batch: _Batch, known: dict[int, ArticleWrite]) -> dict[int, Fate]:
    database = batch.database
    # The same article twice in one batch: the last wording is stored, and counts for both.
    writes = {write.article_id: write for write in known.values() if write.article_id is not None}
    changes = [(old, writes[old.id]) for old in _read_stored(database, list(writes))]
    if not changes:
        return {}
    before = shown_topics(database, [old.id for old, _ in changes])
    keys = _new_keys(database, changes)
    positions = _moved(database, changes)
    revisions, updates, labelled, reworded = [], [], [], []
    for old, write in changes:
        position = positions.get(old.id, old.position)
        duplicate_of = batch.original(write) or old.duplicate_of
        worded = (old.title, old.text) != (write.title, write.text)
        if worded:
            number = old.revisions + 1
            revisions.append((old.id, number, to_micros(batch.now), old.content_hash, old.title, old.text))
        if worded or position != old.position:
            reworded.append((old, position, write))
        values = batch.shared(write) | {
            "position": position,
            "key": keys.get(old.id, old.key),
            "updated_at": to_micros(batch.now),
            "duplicate_of": duplicate_of,
        }
        row = (*(values[name] for name in _UPDATED), int(worded), *_vector(database, write), old.id)
        updates.append(row)
        if old.duplicate_of is None:
            batch.summary.count(old.position, before.get(old.id, ()), -1)
        labelled.append(Labelled(old.id, position, duplicate_of is None, write.tags, write.missed))
    take_from_index(database, [(old.position, old.title, old.text) for old, _, _ in reworded])
    database.executemany(_REVISION, revisions)
    _update_rows(database, updates)
    add_to_index(database, [(position, write.title, write.text) for _, position, write in reworded])
    replace_tags(database, labelled, batch.summary)
    there = {old.id for old, _ in changes}
    return {
        n: Fate(Kind.CHANGED, write.article_id) for n, write in known.items() if write.article_id in there
    }


def _vector(database: Database, write: ArticleWrite) -> tuple[str, ...]:
    return () if database.sqlite else (vector(write.title, write.text),)


def _insert_rows(database: Database, rows: Sequence[tuple[Any, ...]], ids: Sequence[int]) -> set[int]:
    """Insert; gives the ids that were stored. The unique index arbitrates: a key that is there wins."""
    search, vector = ("", "") if database.sqlite else (", search", f", {VECTOR}")
    count = database.executemany(
        f"INSERT INTO article ({', '.join(_INSERTED)}{search}) VALUES ({marks(len(_INSERTED))}{vector}) "
        "ON CONFLICT (source_id, key) DO NOTHING",
        rows,
    )
    if count == len(rows):
        return set(ids)
    won: set[int] = set()
    for start in range(0, len(ids), CHUNK):
        chunk = ids[start : start + CHUNK]
        found = database.rows(f"SELECT id FROM article WHERE id IN ({marks(len(chunk))})", chunk)
        won.update(row[0] for row in found)
    return won


def _update_rows(database: Database, rows: Sequence[tuple[Any, ...]]) -> None:
    settings = ", ".join(f"{name} = ?" for name in _UPDATED)
    vector = "" if database.sqlite else f", search = {VECTOR}"
    database.executemany(
        f"UPDATE article SET {settings}, vanished_at = NULL, revisions = revisions + ?{vector} WHERE id = ?",
        rows,
    )


def _reserve_ids(database: Database, count: int) -> list[int]:
    """Ids for new articles, following the last one given; the write lock keeps others from taking them."""
    if database.sqlite:
        last = database.value("SELECT seq FROM sqlite_sequence WHERE name = 'article'") or 0
        return list(range(last + 1, last + 1 + count))
    sequence = "nextval(pg_get_serial_sequence('article', 'id'))"
    return [row[0] for row in database.rows(f"SELECT {sequence} FROM generate_series(1, ?)", (count,))]


def _first_of_each_key(
    fresh: dict[int, tuple[int, ArticleWrite]],
) -> dict[int, tuple[int, ArticleWrite]]:
    taken: set[tuple[int, str]] = set()
    kept = {}
    for n, (source, write) in fresh.items():
        if (source, write.key) not in taken:
            taken.add((source, write.key))
            kept[n] = (source, write)
    return kept


def _without_deleted(
    database: Database, wanted: dict[int, tuple[int, ArticleWrite]]
) -> dict[int, tuple[int, ArticleWrite]]:
    """Leave out what a person deleted after it was compared with what is known."""
    deleted: set[tuple[int, str]] = set()
    by_source: dict[int, list[str]] = defaultdict(list)
    for source, write in wanted.values():
        by_source[source].append(write.key)
    for source, keys in by_source.items():
        for start in range(0, len(keys), CHUNK):
            chunk = keys[start : start + CHUNK]
            rows = database.rows(
                f"SELECT key FROM tombstone WHERE source_id = ? AND key IN ({marks(len(chunk))})",
                (source, *chunk),
            )
            deleted.update((source, key) for (key,) in rows)
    return {n: one for n, one in wanted.items() if (one[0], one[1].key) not in deleted}


def _originals(database: Database, writes: Sequence[ArticleWrite]) -> dict[int, int]:
    """The articles that others are duplicates of and that are still there; the original of an original."""
    asked = sorted({write.duplicate_of for write in writes if write.duplicate_of is not None})
    found: dict[int, int] = {}
    for start in range(0, len(asked), CHUNK):
        chunk = asked[start : start + CHUNK]
        rows = database.rows(
            f"SELECT id, COALESCE(duplicate_of, id) FROM article WHERE id IN ({marks(len(chunk))})", chunk
        )
        found.update((article_id, original) for article_id, original in rows)
    return found


def _read_stored(database: Database, ids: Sequence[int]) -> Iterator[_Stored]:
    for start in range(0, len(ids), CHUNK):
        chunk = ids[start : start + CHUNK]
        for row in database.rows(f"SELECT {_OLD} FROM article WHERE id IN ({marks(len(chunk))})", chunk):
            yield _Stored(*row)


def _new_keys(database: Database, changes: Sequence[tuple[_Stored, ArticleWrite]]) -> dict[int, str]:
    """New keys of known articles, unless another article of the source has the key already."""
    wanted = [(old, write.key) for old, write in changes if write.key != old.key]
    taken: set[tuple[int, str]] = set()
    for start in range(0, len(wanted), CHUNK):
        chunk = wanted[start : start + CHUNK]
        pairs = " OR ".join("(source_id = ? AND key = ?)" for _ in chunk)
        parameters = [value for old, key in chunk for value in (old.source_id, key)]
        taken.update(database.rows(f"SELECT source_id, key FROM article WHERE {pairs}", parameters))
    keys = {}
    for old, key in wanted:
        if (old.source_id, key) not in taken:
            taken.add((old.source_id, key))
            keys[old.id] = key
    return keys


def _moved(database: Database, changes: Sequence[tuple[_Stored, ArticleWrite]]) -> dict[int, int]:
    """New positions of the articles whose time changed."""
    moved = []
    for old, write in changes:
        moment = from_micros(old.seen_at) if write.published_at is None else write.published_at
        if seconds_of(moment) != seconds_of(old.moment):
            moved.append((old.id, moment))
    positions = allocate(database, [moment for _, moment in moved])
    return {article_id: position for (article_id, _), position in zip(moved, positions, strict=True)}


def _moment(write: ArticleWrite) -> datetime:
    return write.seen_at if write.published_at is None else write.published_at


def _taxonomy(write: ArticleWrite) -> str:
    return write.taxonomy or next((tag.taxonomy for tag in write.tags), "")


def _cleaned(write: ArticleWrite) -> ArticleWrite:
    """The article with what neither engine can hold replaced in key, title and text."""
    title, text, key = storable(write.title), storable(write.text), storable(write.key)
    if (title, text, key) == (write.title, write.text, write.key):
        return write
    return replace(write, title=title, text=text, key=key)
