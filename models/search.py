"""Full text: what an engine is given to index, and what it is asked.

Both engines index the words of `models.words`, and nothing of their own. SQLite: an FTS5 table without
content, which cuts what it is given at everything that is no letter or digit, and stems what is ASCII; its
row ids are positions, so their order is time's. PostgreSQL: a tsvector in the article's row, written as such.

The vector has bounds: phrases are found as long as their words stand among the first `LAST_PLACE` of an
article and each among the first 255 of its kind, and of a text with more than a megabyte of different words
only the first ones are found. SQLite has no such bounds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from operator import itemgetter

from models.database import Database
from models.errors import QueryError
from models.query import And, Field, Not, Or, Query, Words
from models.words import Form, indexed, prepared, sought

VECTOR = "CAST(? AS tsvector)"  # of `vector`
LAST_PLACE = 16_000  # words of an article whose places PostgreSQL keeps; the type ends at 16,383
_BEYOND = LAST_PLACE + 300  # where the words after it stand: next to none
_LONG = 100_000  # characters of a text whose vector might become too large
_LARGEST = 1_000_000  # bytes of a vector; the type ends at 1,048,575
_BESIDES = 12  # bytes that a vector has for a word besides its letters, and for two places
_WEIGHTS = {Field.ANYWHERE: "", Field.TITLE: "A", Field.TEXT: "D"}
_ADD = "INSERT INTO article_search (rowid, title, text) VALUES (?, ?, ?)"
_TAKE = "INSERT INTO article_search (article_search, rowid, title, text) VALUES ('delete', ?, ?, ?)"
_NO_WORDS = "no words of the query can be looked for"


def is_text(query: Query) -> bool:
    """Whether a query asks for words alone."""
    match query:
        case Words():
            return True
        case Not(part):
            return is_text(part)
        case And(parts) | Or(parts):
            return bool(parts) and all(map(is_text, parts))
    return False


def fts5(query: Query) -> str | None:
    """A query for words alone in the language of FTS5; None where that cannot say it: it must find something.

    The words are letters and digits, so that they need no escaping.
    """
    match query:
        case Words(_, _, field):
            column = f"{field} : " if field else ""
            forms = [f'{column}"{" ".join(form.typed)}"{" *" * form.goes_on}' for form in _forms(query)]
            return f"({' OR '.join(forms)})"
        case Or(parts):
            alternatives = [fts5(part) for part in parts]
            return None if None in alternatives else f"({' OR '.join(map(str, alternatives))})"
        case And(parts):
            there = [fts5(part) for part in parts if not isinstance(part, Not)]
            absent = [fts5(part.part) for part in parts if isinstance(part, Not)]
            if not there or None in there or None in absent:
                return None
            expression = f"({' AND '.join(map(str, there))})"
            for one in absent:
                expression = f"({expression} NOT {one})"
            return expression
    return None


def tsquery(query: Query) -> str:
    """A query for words alone in the language of PostgreSQL's tsquery."""
    match query:
        case Words(_, _, field):
            return f"({' | '.join(_lexemes(form, _WEIGHTS[field]) for form in _forms(query))})"
        case Not(part):
            return f"!{tsquery(part)}"
        case And(parts):
            return f"({' & '.join(map(tsquery, parts))})"
        case Or(parts):
            return f"({' | '.join(map(tsquery, parts))})"
    raise QueryError(_NO_WORDS)


def _forms(words: Words) -> tuple[Form, ...]:
    forms = sought(words.text, prefix=words.prefix)
    if not forms:
        raise QueryError(f"there is no word to find in {words.text!r}")
    return forms


def _lexemes(form: Form, weight: str) -> str:
    *before, last = form.words
    weighed = f":{weight}" if weight else ""
    found = [f"'{word}'{weighed}" for word in before]
    found.append(f"'{last}':*{weight}" if form.goes_on else f"'{last}'{weighed}")
    return f"({' <-> '.join(found)})"


def vector(title: str, text: str) -> str:
    """An article as PostgreSQL indexes it: the words of the title are marked A.

    A place is left free between the two, so that no phrase reaches out of the title into the text.
    """
    titled = indexed(title).split()[:1000]
    words = indexed(text).split()
    start = len(titled) + 2
    if len(words) + start > LAST_PLACE or len(text) > _LONG:
        placed = _bounded(words, start)
    else:
        placed = [f"'{word}':{place}" for place, word in enumerate(words, start)]
    return " ".join([*(f"'{word}':{place}A" for place, word in enumerate(titled, 1)), *placed])


def _bounded(words: Sequence[str], start: int) -> list[str]:
    """The words of a long text with their places, as far as a vector has room for them."""
    seen: set[str] = set()
    placed = []
    size = 0
    for place, word in enumerate(words, start):
        if word not in seen:
            seen.add(word)
            size += len(word.encode()) + _BESIDES
        elif place > LAST_PLACE:
            continue
        else:
            size += 2
        if size > _LARGEST:
            break
        placed.append(f"'{word}':{min(place, _BEYOND)}")
    return placed


def add_to_index(database: Database, rows: Iterable[tuple[int, str, str]]) -> None:
    """Index new (position, title, text) on SQLite; on PostgreSQL the article's own row carries its vector."""
    _index(database, _ADD, rows)


def take_from_index(database: Database, rows: Iterable[tuple[int, str, str]]) -> None:
    """Take (position, title, text) out again; they must be exactly what was indexed."""
    _index(database, _TAKE, rows)


@contextmanager
def indexed_together(database: Database) -> Iterator[None]:
    """Within a transaction: what is indexed is written at the end of the block, in few statements.

    FTS5 writes out what it has gathered at every savepoint, and whenever a row id is lower than the one
    before; with a savepoint for each feed that costs more than the rest of storing it. What a savepoint
    takes back is not written either (`Database.transaction` sees to it). Until the end of the block, no
    search finds it.
    """
    if not database.sqlite or database.held is not None:
        yield
        return
    database.held = []
    try:
        yield
        for statement, runs in groupby(database.held, key=itemgetter(0)):
            _write(database, statement, [row for _, rows in runs for row in rows])
    finally:
        database.held = None


def _index(database: Database, statement: str, rows: Iterable[tuple[int, str, str]]) -> None:
    found = list(rows)
    if not database.sqlite or not found:
        return
    if database.held is not None:
        database.held.append((statement, found))
    else:
        _write(database, statement, found)


def _write(database: Database, statement: str, rows: list[tuple[int, str, str]]) -> None:
    # FTS5 writes out what it has gathered whenever a row id is lower than the one before.
    database.executemany(statement, map(_prepared, sorted(rows)))


def _prepared(row: tuple[int, str, str]) -> tuple[int, str, str]:
    return row[0], prepared(row[1]), prepared(row[2])


__all__ = [
    "VECTOR", "add_to_index", "fts5", "indexed_together", "is_text", "take_from_index", "tsquery", "vector",
]  # fmt: skip
