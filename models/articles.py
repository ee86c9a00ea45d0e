"""Articles: what is known of them, storing what a look at a source gave, deleting, vanished files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from models.changelog import record
from models.database import Database, Lock, current
from models.fields import decode_path, encode_path, storable, to_micros
from models.files import files, unreadable, write_files
from models.members import articles_within, forget_unreadable, vanish
from models.pages import read_pages, write_pages
from models.polls import count_articles, write_polls, write_updates
from models.records import ArticleWrite, FileRecord, Known, PollRecord, SourceSave, SourceUpdate, Stored
from models.search import take_from_index
from models.storing import Fate, Kind, store_articles
from models.tagging import CHUNK, Summary, marks, shown_topics

__all__ = [
    "articles_within",
    "delete",
    "files",
    "forget_unreadable",
    "known",
    "mark_vanished",
    "recent_hashes",
    "save",
    "save_all",
    "unreadable",
]

_PER_VALUE = 8  # articles of one address or one text that are worth comparing with
_COLUMNS = "id, source_id, key, guid, url, content_hash, title, path, revisions, vanished_at"


def known(
    source_id: int,
    *,
    keys: Sequence[str] = (),
    guids: Sequence[str] = (),
    urls: Sequence[str] = (),
    hashes: Sequence[str] = (),
) -> list[Known]:
    """What is known of articles just read, in a few questions however many there are.

    The source's own articles by key, guid, address or text; those of other sources by address or text, the
    oldest first; and the source's deleted ones, which say so. At most `_PER_VALUE` for one address or text,
    the source's own before others.
    """
    database = current()
    found: dict[int, Known] = {}
    with database.snapshot():
        for column, values in (("key", keys), ("guid", guids)):
            for chunk in _chunks(values):
                rows = database.rows(
                    f"SELECT {_COLUMNS} FROM article WHERE source_id = ? "
                    f"AND {column} IN ({marks(len(chunk))}) ORDER BY id",
                    (source_id, *chunk),
                )
                found.update((row[0], _known(row)) for row in rows)
        for column, values in (("url", urls), ("content_hash", hashes)):
            for chunk in _chunks(values):
                rows = database.rows(
                    f"SELECT {_COLUMNS} FROM (SELECT {_COLUMNS}, row_number() OVER (PARTITION BY {column} "
                    "ORDER BY CASE WHEN source_id = ? THEN 0 ELSE 1 END, id) AS nth FROM article "
                    f"WHERE {column} IN ({marks(len(chunk))})) AS matching WHERE nth <= ? ORDER BY id",
                    (source_id, *chunk, _PER_VALUE),
                )
                found.update((row[0], _known(row)) for row in rows)
        pages = read_pages(database, [one.article_id for one in found.values() if one.source_id == source_id])
        found.update((number, replace(found[number], page=page)) for number, page in pages.items())
        deleted = list(_deleted(database, source_id, keys=keys, guids=guids, urls=urls, hashes=hashes))
    return [*found.values(), *deleted]


def recent_hashes(source_id: int, limit: int) -> list[str]:
    """The content hashes of a source's newest articles, as it says them: what need not be labelled again."""
    database = current()
    with database.session():
        found = database.rows(
            "SELECT a.content_hash, p.said_hash FROM article a "
            "LEFT JOIN article_page p ON p.article_id = a.id AND p.taken "
            "WHERE a.source_id = ? ORDER BY a.position DESC LIMIT ?",
            (source_id, limit),
        )
    return [said or stored for stored, said in found]


def save(
    update: SourceUpdate | None,
    poll: PollRecord | None,
    articles: Sequence[ArticleWrite],
    files: Sequence[FileRecord] = (),
    *,
    now: datetime,
    source_id: int | None = None,
) -> Stored:
    """Store what one look at a source gave, whole or not at all.

    Articles and their tags, earlier wordings of changed ones, full text, counts, the poll, the source's
    validators and next due time, its files, and the end of its lease: ONE transaction. The source is told by
    ``source_id``, else by the update or the poll. ``Stored.lost`` counts articles that someone else had
    stored first, that a person deleted, or whose key comes twice. Raises StorageError and its kinds.
    """
    whole = SourceSave(source_id, update, poll, tuple(articles), tuple(files))
    return save_all([whole], now=now)[0]


def save_all(saves: Sequence[SourceSave], *, now: datetime) -> list[Stored]:
    """`save` for several sources in one transaction, which is cheaper than one after the other.

    The full-text index is flushed once: at 30 articles a source this more than halves what storing costs.
    """
    sources = [_source_of(one) for one in saves]
    writes = [(source, write) for source, one in zip(sources, saves, strict=True) for write in one.articles]
    database = current()
    with database.transaction():
        fates: list[Fate] = []
        if writes or any(one.files for one in saves):
            database.lock(Lock.WRITE)
        if writes:
            fates = store_articles(database, writes, now)
            added = Counter(
                source for (source, _), fate in zip(writes, fates, strict=True) if fate.kind is Kind.NEW
            )
            count_articles(database, added, now)
        write_pages(
            database,
            (
                (source, fate.article_id, write.page)
                for (source, write), fate in zip(writes, fates, strict=True)
                if fate.article_id is not None and (write.page is not None or fate.kind is Kind.CHANGED)
            ),
        )
        for source, one in zip(sources, saves, strict=True):
            write_files(database, source, one.files, now)
        each = iter(fates)
        shares = [[next(each) for _ in one.articles] for one in saves]
        write_updates(database, (one.update for one in saves if one.update is not None))
        write_polls(
            database,
            (
                _counted(one.poll, share)
                for one, share in zip(saves, shares, strict=True)
                if one.poll is not None
            ),
        )
    return [_stored(share) for share in shares]


def delete(ids: Sequence[int], now: datetime) -> int:
    """Delete articles, so that they stay deleted when their source brings them again; gives how many.

    Where an original goes, the oldest of its duplicates takes its place.
    """
    database = current()
    count = 0
    with database.transaction():
        database.lock(Lock.WRITE)
        summary = Summary()
        for chunk in _chunks(ids):
            rows = database.rows(
                "SELECT id, source_id, key, guid, url, content_hash, title, position, text, duplicate_of "
                f"FROM article WHERE id IN ({marks(len(chunk))})",
                chunk,
            )
            found = [row[0] for row in rows]
            topics = shown_topics(database, found)
            for row in rows:
                if row[9] is None:
                    summary.count(row[7], topics.get(row[0], ()), -1)
            database.executemany(
                "INSERT INTO tombstone (article_id, source_id, key, guid, url, content_hash, title, "
                "deleted_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [(*row[:7], to_micros(now)) for row in rows],
            )
            take_from_index(database, [(row[7], row[6], row[8]) for row in rows])
            heirs = _promote_duplicates(database, found, summary)
            database.executemany("DELETE FROM article WHERE id = ?", [(one,) for one in found])
            database.executemany(
                "UPDATE source SET article_count = article_count - ? WHERE id = ?",
                [(many, source) for source, many in sorted(Counter(row[1] for row in rows).items())],
            )
            record(database, [*found, *heirs], now)
            count += len(found)
        summary.write(database)
    return count


def mark_vanished(source_id: int, paths: Sequence[str], now: datetime) -> None:
    """Note that files of a folder are gone; their articles stay, and say so."""
    rows = [(to_micros(now), source_id, encode_path(path)) for path in paths]
    database = current()
    with database.transaction():
        database.lock(Lock.WRITE)
        for table in ("file", "article"):
            database.executemany(
                f"UPDATE {table} SET vanished_at = ? "
                "WHERE source_id = ? AND path = ? AND vanished_at IS NULL",
                rows,
            )
        vanish(database, source_id, paths, to_micros(now))
        gone = database.rows(
            "SELECT id FROM article WHERE source_id = ? AND vanished_at = ?", (source_id, to_micros(now))
        )
        record(database, (row[0] for row in gone), now)


def _promote_duplicates(database: Database, ids: Sequence[int], summary: Summary) -> list[int]:
    """The oldest duplicate of an article that goes becomes an original, and the others its duplicates; gives
    those that became something else."""
    rows = database.rows(
        "SELECT duplicate_of, id, position FROM article "
        f"WHERE duplicate_of IN ({marks(len(ids))}) AND id NOT IN ({marks(len(ids))}) ORDER BY id",
        (*ids, *ids),
    )
    heirs: dict[int, int] = {}
    updates = []
    for original, article_id, position in rows:
        heir = heirs.setdefault(original, article_id)
        updates.append((None if heir == article_id else heir, article_id))
        if heir == article_id:
            topics = shown_topics(database, [article_id])
            summary.count(position, topics.get(article_id, ()))
    database.executemany("UPDATE article SET duplicate_of = ? WHERE id = ?", updates)
    return [article_id for _, article_id in updates]


def _deleted(database: Database, source_id: int, **asked: Sequence[str]) -> Iterator[Known]:
    found: dict[int, Known] = {}
    columns = {"keys": "key", "guids": "guid", "urls": "url", "hashes": "content_hash"}
    for name, values in asked.items():
        for chunk in _chunks(values):
            rows = database.rows(
                "SELECT article_id, source_id, key, guid, url, content_hash, title FROM tombstone "
                f"WHERE source_id = ? AND {columns[name]} IN ({marks(len(chunk))}) ORDER BY article_id",
                (source_id, *chunk),
            )
            found.update((row[0], replace(_known((*row, None, 0, None)), deleted=True)) for row in rows)
    yield from found.values()


def _known(row: Sequence[Any]) -> Known:
    return Known(
        article_id=row[0],
        source_id=row[1],
        key=row[2],
        guid=row[3],
        url=row[4],
        content_hash=row[5],
        title=row[6],
        path=None if row[7] is None else decode_path(row[7]),
        revisions=row[8],
        vanished=row[9] is not None,
    )


def _chunks(values: Iterable[Any]) -> Iterator[list[Any]]:
    """Distinct values in chunks below SQLite's limit on parameters."""
    distinct = [storable(value) if isinstance(value, str) else value for value in dict.fromkeys(values)]
    for start in range(0, len(distinct), CHUNK):
        yield distinct[start : start + CHUNK]


def _source_of(one: SourceSave) -> int:
    told = {one.source_id} if one.source_id is not None else set()
    told |= {part.source_id for part in (one.update, one.poll) if part is not None}
    if len(told) != 1:
        message = f"what is to be saved must name one source, not {len(told)}"
        raise ValueError(message)
    return told.pop()


def _stored(fates: Sequence[Fate]) -> Stored:
    return Stored(
        new=tuple(fate.article_id for fate in fates if fate.kind is Kind.NEW and fate.article_id is not None),
        changed=tuple(
            fate.article_id for fate in fates if fate.kind is Kind.CHANGED and fate.article_id is not None
        ),
        lost=sum(fate.kind is Kind.LOST for fate in fates),
    )


def _counted(poll: PollRecord, fates: Sequence[Fate]) -> PollRecord:
    """The poll as it really went: what was stored, not what was meant to be."""
    if not fates:
        return poll
    return replace(
        poll,
        new=sum(fate.kind is Kind.NEW and not fate.duplicate for fate in fates),
        changed=sum(fate.kind is Kind.CHANGED for fate in fates),
        duplicates=sum(fate.kind is Kind.NEW and fate.duplicate for fate in fates),
    )
