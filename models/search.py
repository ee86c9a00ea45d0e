r"""From what a person types to full text: words, "phrases", and the same answers from both engines.

Plain words must all be there, in title or text; words between double quotes stand next to each other in
this order, in one of the two. Case, diacritics of Latin letters and English endings do not matter
("Sanctioned" finds "sanctions"); there are no stop words; everything that is no letter or digit only
separates, so nothing typed is ever syntax of an engine.

SQLite: FTS5 with ``porter unicode61 remove_diacritics 2``. PostgreSQL: the stemmer ``english`` (Snowball)
without its stop words, over text that is folded and cut into words here, so that its parser of addresses,
hyphens and numbers has no say. The two stemmers differ in a few endings ("generously"); every phrase and
every word that is stemmed alike gives the same articles. PostgreSQL finds phrases in the first 16,383
words of an article, and words in its first `LONGEST` characters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import islice

from models.database import Database
from models.errors import QueryError

LONGEST = 400_000  # characters of a text that PostgreSQL indexes: a tsvector may have one megabyte
_MOST_CHARACTERS = 2_000
_MOST_TERMS = 64
_SEPARATORS = re.compile(r"[\W_]+")
_QUOTES = str.maketrans({"“": '"', "”": '"', "„": '"', "«": '"', "»": '"'})
START, END = "\x02", "\x03"  # around what matched, in snippets

# The position of a word that never occurs keeps a phrase from reaching out of the title into the text.
VECTOR = (
    "ts_delete(setweight(to_tsvector('wirewatch', ?), 'A') || '''|'':1'::tsvector "
    "|| to_tsvector('wirewatch', ?), '|')"
)
_EXCERPT = 220  # characters
_BEFORE = 60  # of them before what matched
_WEIGHED = 200  # places in one text that are compared
_LONGEST_MARKED = 200_000  # characters of a text in which an excerpt is looked for
_MARKED = re.compile(f"{START}[^{END}]*{END}")
_TOUCHING = re.compile(f"{END}(\\s+){START}")

# Title and text with marks. SQLite's own snippet() takes a time that grows with the square of the matches.
SQLITE_MARKED = (
    "highlight(article_search, 0, char(2), char(3)), "
    f"substr(highlight(article_search, 1, char(2), char(3)), 1, {_LONGEST_MARKED})"
)
# PostgreSQL's finds the place in the text by itself; over rows that have title, text and query.
_MARKS = "'StartSel=\x02, StopSel=\x03, MaxFragments=1, MaxWords=80, MinWords=60'"
POSTGRESQL_MARKED = (
    f"ts_headline('wirewatch', title, query, {_MARKS}), ts_headline('wirewatch', text, query, {_MARKS})"
)


def terms(typed: str) -> list[list[str]]:
    """The words and phrases typed, folded; each term is its list of words.

    Raises QueryError where there is no word in it, or there are too many.
    """
    if len(typed) > _MOST_CHARACTERS:
        raise QueryError(
            f"the text to find has {len(typed)} characters; at most {_MOST_CHARACTERS} are allowed"
        )
    found: list[list[str]] = []
    for number, part in enumerate(typed.translate(_QUOTES).split('"')):
        words = fold(part).split()
        if not words:
            continue
        if number % 2:
            found.append(words)
        else:
            # "S-400" typed without quotes means these two words together.
            found += [pieces for word in part.split() if (pieces := fold(word).split())]
    if not found:
        raise QueryError(f'there is no word to find in {typed!r}: give words, or a "phrase"')
    if sum(map(len, found)) > _MOST_TERMS:
        raise QueryError(f"more than {_MOST_TERMS} words to find: leave some out")
    return found


def fts5(found: Iterable[Sequence[str]]) -> str:
    """The terms as an FTS5 expression; the words are folded, so that they need no escaping."""
    return " AND ".join(f'"{" ".join(words)}"' for words in found)


def tsquery(found: Sequence[Sequence[str]]) -> tuple[str, list[str]]:
    """The terms as a PostgreSQL expression with ``?`` marks, and its parameters."""
    parts = " && ".join("phraseto_tsquery('wirewatch', ?)" for _ in found)
    return f"({parts})", [" ".join(words) for words in found]


def fold(text: str) -> str:
    """Lower case, Latin letters without diacritics, and a space for all that is no letter or digit."""
    lowered = text.lower()
    if not lowered.isascii():
        lowered = "".join(map(_folded, unicodedata.normalize("NFC", lowered)))
    return _SEPARATORS.sub(" ", lowered)


@lru_cache(maxsize=4096)
def _folded(char: str) -> str:
    if char.isascii():
        return char
    if unicodedata.combining(char):
        return ""
    base = unicodedata.normalize("NFD", char)[0]
    return base if base.isascii() and base.isalpha() else char


def excerpt(title: str, text: str) -> str:
    """One line around the place that matches best, from a title and a text with marks.

    That is where the most different words of the question stand close together; the first such place.
    """
    marked = text if START in text or START not in title else title
    # PostgreSQL marks the words of a phrase one by one, SQLite as one run.
    marked = _TOUCHING.sub(r"\1", " ".join(marked.split()))
    places = [(found.start(), found.group().lower()) for found in islice(_MARKED.finditer(marked), _WEIGHED)]
    best, most = 0, 0
    for number, (start, _) in enumerate(places):
        within = {word for place, word in islice(places, number, None) if place < start + _EXCERPT - _BEFORE}
        if len(within) > most:
            best, most = start, len(within)
    start = 0 if best <= _BEFORE else marked.find(" ", best - _BEFORE, best) + 1 or best
    end = start + _EXCERPT
    if end < len(marked):
        end = max(marked.rfind(" ", start, end), start + _EXCERPT // 2)
    cut = marked[start:end]
    if cut.rfind(START) > cut.rfind(END):
        cut += END
    return f"{'…' if start else ''}{cut}{'…' if end < len(marked) else ''}"


def vector_parameters(title: str, text: str) -> tuple[str, str]:
    """What `VECTOR` is filled with."""
    return fold(title[:LONGEST]), fold(text[:LONGEST])


def add_to_index(database: Database, rows: Iterable[tuple[int, str, str]]) -> None:
    """Index new (position, title, text) on SQLite; on PostgreSQL the article's own row carries its vector."""
    if database.sqlite:
        # FTS5 writes out what it has gathered whenever a row id is lower than the one before.
        database.executemany("INSERT INTO article_search (rowid, title, text) VALUES (?, ?, ?)", sorted(rows))


def take_from_index(database: Database, rows: Iterable[tuple[int, str, str]]) -> None:
    """Take (position, title, text) out again; they must be exactly what was indexed."""
    if database.sqlite:
        database.executemany(
            "INSERT INTO article_search (article_search, rowid, title, text) VALUES ('delete', ?, ?, ?)",
            sorted(rows),
        )
