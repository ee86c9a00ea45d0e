"""Full text: what an engine is given to index, and what it is asked.

Both engines get finished words (`models.words`) and add nothing of their own. SQLite: an FTS5 table without
content, whose tokenizer only cuts at spaces; its row ids are positions, so their order is time's. PostgreSQL:
a tsvector in the article's row, written as such. The vector has bounds: phrases are found as long as their
words stand among the first `LAST_PLACE` of an article and each among the first 255 of its kind, and of a text
with more than a megabyte of different words only the first ones are found. SQLite has no such bounds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from models.database import Database
from models.errors import QueryError
from models.query import And, Field, Not, Or, Query, Words
from models.words import Sought, indexed, sought

VECTOR = "CAST(? AS tsvector)"  # of `vector`
LAST_PLACE = 16_000  # words of an article whose places PostgreSQL keeps; the type ends at 16,383
_BEYOND = LAST_PLACE + 300  # where the words after it stand: next to none
_LONG = 100_000  # characters of a text whose vector might become too large
_LARGEST = 1_000_000  # bytes of a vector; the type ends at 1,048,575
_BESIDES = 12  # bytes that a vector has for a word besides its letters, and for two places
_WEIGHTS = {Field.ANYWHERE: "", Field.TITLE: "A", Field.TEXT: "D"}
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
            wanted = _sought(query)
            found = [f'{column}"{" ".join(wanted.whole)}"'] if wanted.whole else []
            found += [f'{column}"{" ".join(wanted.begun)}" *'] if wanted.begun else []
            return f"({' OR '.join(found)})"
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
            wanted, weight = _sought(query), _WEIGHTS[field]
            found = [_lexemes(wanted.whole, f":{weight}" if weight else "")] if wanted.whole else []
            if wanted.begun:
                ending = f":*{weight}"
                words = _lexemes(wanted.begun, f":{weight}" if weight else "", ending)
                found.append(words)
            return f"({' | '.join(found)})"
        case Not(part):
            return f"!{tsquery(part)}"
        case And(parts):
            return f"({' & '.join(map(tsquery, parts))})"
        case Or(parts):
            return f"({' | '.join(map(tsquery, parts))})"
    raise QueryError(_NO_WORDS)


def _sought(words: Words) -> Sought:
    found = sought(words.text, prefix=words.prefix)
    if found is None:
        raise QueryError(f"there is no word to find in {words.text!r}")
    return found


def _lexemes(words: Sequence[str], weight: str, last: str | None = None) -> str:
    marked = [f"'{word}'{weight}" for word in words[:-1]]
    marked.append(f"'{words[-1]}'{weight if last is None else last}")
    return f"({' <-> '.join(marked)})"


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
    if database.sqlite:
        # FTS5 writes out what it has gathered whenever a row id is lower than the one before.
        database.executemany(
            "INSERT INTO article_search (rowid, title, text) VALUES (?, ?, ?)", map(_indexed, sorted(rows))
        )


def take_from_index(database: Database, rows: Iterable[tuple[int, str, str]]) -> None:
    """Take (position, title, text) out again; they must be exactly what was indexed."""
    if database.sqlite:
        database.executemany(
            "INSERT INTO article_search (article_search, rowid, title, text) VALUES ('delete', ?, ?, ?)",
            map(_indexed, sorted(rows)),
        )


def _indexed(row: tuple[int, str, str]) -> tuple[int, str, str]:
    return row[0], indexed(row[1]), indexed(row[2])


__all__ = [
    "VECTOR", "add_to_index", "fts5", "is_text", "take_from_index", "tsquery",
    "vector",
]  # fmt: skip
