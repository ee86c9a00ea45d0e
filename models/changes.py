"""In what order articles changed: what a follower asks "what is new since then?" without any clock.

Each article has one row, numbered by a sequence. Storing, rewording, labelling again, a verdict, a vanished
file and deleting give its row the next number. Whoever does so holds the write lock (`Lock.WRITE`, SQLite's
own) until the transaction ends, so that numbers become visible in their order: a follower who has seen a
number has seen, or will see again further on, all that lies before it. An article that changes often is read
once, as it is by then.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from models import reading
from models.database import Database, current
from models.errors import QueryError
from models.fields import from_micros
from models.questions import LARGEST_PAGE, checksum
from models.records import ArticleRecord, ArticleSummary
from models.tagging import CHUNK, marks

_CURSOR = struct.Struct(">B8sqq")
_KIND = 3  # the kinds of `models.questions` are 1 and 2
_INSTANCE = "instance"  # the key in meta of this database's id
_SLACK = 60_000_000  # microseconds by which clocks and long transactions may differ
_WRONG = "this cursor was not given by Wirewatch, or was cut: start again without one"


@dataclass(frozen=True, slots=True)
class Change:
    """That an article is not what it was. ``article`` is None where it was deleted."""

    article_id: int
    changed_at: datetime
    article: ArticleSummary | ArticleRecord | None


@dataclass(frozen=True, slots=True)
class Changes:
    """Changes in their order, the cursor behind the last of them, and whether there are more by now."""

    changes: tuple[Change, ...]
    cursor: str
    more: bool


def since(cursor: str | None, *, limit: int = 200, whole: bool = False) -> Changes:
    """What changed behind a cursor, the oldest first; without one, every article there is.

    Deleted articles are told, too. Raises QueryError for a cursor that is not of this database as it is: of
    another one, or of one that was restored from an older backup.
    """
    if not 1 <= limit <= LARGEST_PAGE:
        raise QueryError(f"a page has 1 to {LARGEST_PAGE} changes, not {limit}")
    database = current()
    with database.snapshot():
        after, moment = (0, 0) if cursor is None else _read(database, cursor)
        rows = database.rows(
            "SELECT seq, article_id, changed_at FROM article_change WHERE seq > ? ORDER BY seq LIMIT ?",
            (after, limit + 1),
        )
        page = rows[:limit]
        found = _articles(database, [row[1] for row in page], whole=whole)
        changes = tuple(Change(number, from_micros(at), found.get(number)) for _, number, at in page)
        behind = _write(database, *((page[-1][0], page[-1][2]) if page else (after, moment)))
    return Changes(changes, behind, len(rows) > limit)


def latest() -> str:
    """The cursor behind everything that has changed so far."""
    database = current()
    with database.snapshot():
        return _write(database, *_last(database))


def last_changed(ids: Sequence[int]) -> datetime | None:
    """When any of some articles changed last."""
    database = current()
    newest = 0
    with database.session():
        for start in range(0, len(ids), CHUNK):
            chunk = ids[start : start + CHUNK]
            found = database.value(
                f"SELECT max(changed_at) FROM article_change WHERE article_id IN ({marks(len(chunk))})", chunk
            )
            newest = max(newest, found or 0)
    return from_micros(newest) if newest else None


def instance() -> str:
    """The id of this database, 32 hexadecimal digits: it stays through backups, upgrades and moves."""
    with current().session():
        return str(current().value("SELECT value FROM meta WHERE key = ?", (_INSTANCE,)))


def _articles(
    database: Database, ids: Sequence[int], *, whole: bool
) -> dict[int, ArticleSummary | ArticleRecord]:
    if whole:
        return {one.summary.id: one for one in reading.whole(database, ids)}
    return {one.id: one for one in reading.summaries(database, "id", ids)}


def _last(database: Database) -> tuple[int, int]:
    """The number that was given last, and when; no row is ever taken away but to get the next number."""
    rows = database.rows("SELECT seq, changed_at FROM article_change ORDER BY seq DESC LIMIT 1")
    return rows[0] if rows else (0, 0)


def _write(database: Database, seq: int, moment: int) -> str:
    packed = _CURSOR.pack(_KIND, _stamp(database), seq, moment)
    return base64.urlsafe_b64encode(packed + checksum(packed)).decode().rstrip("=")


def _read(database: Database, text: str) -> tuple[int, int]:
    """The number and the moment of a cursor."""
    try:
        raw = base64.b64decode((text + "=" * (-len(text) % 4)).encode("ascii"), altchars=b"-_", validate=True)
    except ValueError as error:
        raise QueryError(_WRONG) from error
    packed, check = raw[: _CURSOR.size], raw[_CURSOR.size :]
    if len(packed) != _CURSOR.size or check != checksum(packed):
        raise QueryError(_WRONG)
    kind, stamp, seq, moment = _CURSOR.unpack(packed)
    if kind != _KIND:
        raise QueryError(_WRONG)
    if stamp != _stamp(database) or seq < 0 or _given_again(database, seq, moment):
        raise QueryError(
            "this cursor is of another database, or of this one before an older backup was restored: "
            "start again without one"
        )
    return seq, moment


def _given_again(database: Database, seq: int, moment: int) -> bool:
    """Whether a number was given after a cursor had passed it, as it is where a backup was restored since.

    Then the newest change up to it is later than the cursor, or the number has not been given again yet.
    """
    if seq > _last(database)[0]:
        return True
    newest = database.value(
        "SELECT changed_at FROM article_change WHERE seq <= ? ORDER BY seq DESC LIMIT 1", (seq,)
    )
    return newest is not None and newest > moment + _SLACK


def _stamp(database: Database) -> bytes:
    return bytes.fromhex(database.value("SELECT value FROM meta WHERE key = ?", (_INSTANCE,)))[:8]
