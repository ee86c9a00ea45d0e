"""A question that was asked: checked, understood, and answered with places of articles, page by page."""

from __future__ import annotations

import base64
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

from models.database import Database
from models.errors import QueryError
from models.meaning import Every, Meaning, meaning_of, query_of, within
from models.planning import Plan, plan
from models.positions import HIGHEST
from models.records import ArticleFilter, Order
from models.snippets import Wanted, ranked, wanted
from models.tagging import CHUNK, marks

LARGEST_PAGE = 1_000
COMPARED = 300  # of the newest articles that fit, where the most relevant are asked for
_LONGEST_COMPARED = 10_000  # characters of a text
_MOST_NAMES = 200
_NEWEST = struct.Struct(">Bq")
_RELEVANT = struct.Struct(">Bqqd")
_KINDS = {1: _NEWEST, 2: _RELEVANT}
_CHECK = 3  # bytes that tell a cursor from noise


@dataclass(frozen=True, slots=True)
class Question:
    """How a filter is answered, and the words that it wants to be found."""

    plan: Plan
    wants: tuple[Wanted, ...]


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page ended: the position, and by relevance the score there and the newest that was compared."""

    position: int
    newest: int = HIGHEST
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Places:
    """The positions of a page's articles in order, the cursor of the next page, and how many were compared
    where not all were."""

    positions: tuple[int, ...]
    next_cursor: str | None
    compared: int | None = None


def question(database: Database, asked: ArticleFilter, now: datetime) -> Question:
    """How to answer a filter, inside a session; its cursor and limit do not matter.

    Raises QueryError for what cannot be asked, NotFound for names that do not exist.
    """
    meaning = meaning_of_filter(database, asked, now)
    return Question(plan(database, meaning, duplicates=asked.duplicates), wanted(query_of(asked)))


def meaning_of_filter(database: Database, asked: ArticleFilter, now: datetime) -> Meaning:
    """What a filter means, inside a session. Raises QueryError and NotFound."""
    _check(asked)
    times = within(asked.since, asked.until)
    return Every((meaning_of(database, query_of(asked), now), times))


def places(database: Database, asked: ArticleFilter, found: Question) -> Places:
    """The places of one page."""
    cursor = None if asked.cursor is None else read_cursor(asked.cursor)
    by_score = asked.order == Order.RELEVANCE and bool(found.wants)
    if cursor is not None and by_score != (cursor.score is not None):
        raise QueryError("this cursor is of a list in another order: start again without one")
    if by_score:
        return _most_relevant(database, asked.limit, found, cursor)
    below = found.plan if cursor is None else found.plan.below(cursor.position)
    sql = below.newest(asked.limit + 1)
    positions = [row[0] for row in database.rows(sql.text, sql.parameters)]
    page = tuple(positions[: asked.limit])
    more = len(positions) > asked.limit
    return Places(page, write_cursor(Cursor(page[-1])) if more else None)


def _most_relevant(database: Database, limit: int, found: Question, cursor: Cursor | None) -> Places:
    """Of the newest that fit, those that fit best. All pages compare the same articles."""
    newest = cursor.newest if cursor else HIGHEST
    sql = found.plan.below(newest).newest(COMPARED + 1)
    positions = [row[0] for row in database.rows(sql.text, sql.parameters)]
    compared = positions[:COMPARED]
    texts = texts_of(database, compared, _LONGEST_COMPARED)
    compared = [position for position in compared if position in texts]
    scores = ranked([texts[position] for position in compared], found.wants)
    order = sorted(zip(scores, compared, strict=True), reverse=True)
    if cursor is not None and cursor.score is not None:
        order = [one for one in order if one < (cursor.score, cursor.position)]
    page = order[:limit]
    after = None
    if len(order) > limit:
        score, position = page[-1]
        top = newest if cursor else compared[0] + 1
        after = write_cursor(Cursor(position, top, score))
    return Places(
        tuple(position for _, position in page), after, COMPARED if len(positions) > COMPARED else None
    )


def texts_of(database: Database, positions: Sequence[int], longest: int) -> dict[int, tuple[str, str]]:
    """Titles and the beginnings of texts, by position."""
    found: dict[int, tuple[str, str]] = {}
    for start in range(0, len(positions), CHUNK):
        chunk = positions[start : start + CHUNK]
        rows = database.rows(
            f"SELECT position, title, substr(text, 1, {longest}) FROM article "
            f"WHERE position IN ({marks(len(chunk))})",
            chunk,
        )
        found.update((position, (title, text)) for position, title, text in rows)
    return found


def _check(asked: ArticleFilter) -> None:
    if not 1 <= asked.limit <= LARGEST_PAGE:
        raise QueryError(f"a page has 1 to {LARGEST_PAGE} articles, not {asked.limit}")
    if asked.min_score is not None and not 0 <= asked.min_score <= 1:
        raise QueryError(f"a score is between 0 and 1, not {asked.min_score}")
    for what, names in (
        ("topics", asked.topics), ("topics", asked.not_topics), ("sources", asked.sources),
        ("languages", asked.languages),
    ):  # fmt: skip
        if len(names) > _MOST_NAMES:
            raise QueryError(f"{len(names)} {what} in one question; at most {_MOST_NAMES} are allowed")


def write_cursor(cursor: Cursor) -> str:
    """Where the next page starts, as an opaque string that is safe in a URL."""
    if cursor.score is None:
        packed = _NEWEST.pack(1, cursor.position)
    else:
        packed = _RELEVANT.pack(2, cursor.position, cursor.newest, cursor.score)
    return base64.urlsafe_b64encode(packed + checksum(packed)).decode()


def read_cursor(text: str) -> Cursor:
    """The place of `write_cursor`. Raises QueryError for anything else."""
    wrong = "this cursor was not given by Wirewatch, or was cut: start again without one"
    try:
        raw = base64.b64decode(text.encode("ascii"), altchars=b"-_", validate=True)
    except ValueError as error:
        raise QueryError(wrong) from error
    packed, check = raw[:-_CHECK], raw[-_CHECK:]
    kind = _KINDS.get(packed[0]) if packed else None
    if kind is None or len(packed) != kind.size or check != checksum(packed):
        raise QueryError(wrong)
    return Cursor(*kind.unpack(packed)[1:])


def checksum(packed: bytes) -> bytes:
    """What tells a cursor from noise."""
    return blake2b(packed, digest_size=_CHECK).digest()
