"""Where in an article a query's words stand: a line around the best place, with marks, and how well it fits.

Made here and not by the engines: theirs differ, and take a time that grows with the square of the matches
(SQLite) or with the length of the text (PostgreSQL). Pure.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from models.query import And, Field, Or, Query, Words
from models.words import Form, Word, chunks, located, sought

START, END = "\x02", "\x03"  # around what matched
EXCERPT = 220  # characters
LONGEST = 40_000  # characters of a text in which a place is looked for
_BEFORE = 60  # characters shown before what matched
_MOST_PLACES = 200  # that are compared
_SATURATION, _LENGTH = 1.2, 0.75  # k1 and b of BM25 (Robertson & Zaragoza 2009, section 3.4)
_TITLE = 3.0  # how much more a word in the title says
_CHUNK = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A word or phrase that a query wants to be found, and where."""

    forms: tuple[Form, ...]
    field: Field = Field.ANYWHERE

    def matches(self, words: Sequence[str], start: int) -> int:
        """How many words match from a place on; 0 where it does not."""
        for form in self.forms:
            length = len(form.words)
            found = tuple(words[start : start + length])
            if found == form.words:
                return length
            if (
                form.goes_on
                and len(found) == length
                and found[:-1] == form.words[:-1]
                and found[-1].startswith(form.words[-1])
            ):
                return length
        return 0


class _Firsts:
    """What the first word of any want may be, to pass over all other words quickly."""

    def __init__(self, wants: Sequence[Wanted]) -> None:
        forms = [form for want in wants for form in want.forms]
        alone = [form for form in forms if form.goes_on and len(form.words) == 1]
        self._exact = frozenset(form.words[0] for form in forms)
        self._begun = tuple(form.words[0] for form in alone)

    def has(self, word: str) -> bool:
        """Whether a want may begin with this word."""
        return word in self._exact or (bool(self._begun) and word.startswith(self._begun))

    def among(self, made: Sequence[str]) -> list[int]:
        """The chunks that have such a word in them."""
        exact, begun = self._exact, self._begun
        found = []
        for n, words in enumerate(made):
            if (
                words in exact
                or (" " in words and any(map(self.has, words.split())))
                or (begun and words.startswith(begun))
            ):
                found.append(n)
        return found


def wanted(query: Query) -> tuple[Wanted, ...]:
    """The words and phrases that a query wants to be found, each once; not those that are to be absent."""
    return tuple(dict.fromkeys(_wanted(query)))


def _wanted(query: Query) -> Iterator[Wanted]:
    if isinstance(query, Words):
        forms = sought(query.text, prefix=query.prefix)
        if forms:
            yield Wanted(forms, query.field)
    elif isinstance(query, And | Or):
        for part in query.parts:
            yield from _wanted(part)


def snippet(title: str, text: str, wants: Sequence[Wanted]) -> str:
    """One line from a text, or from the title where only that has it, with marks around what was wanted.

    It stands where the most different wants are close together; the first such place. Without any, it is the
    beginning of the text.
    """
    line = text
    hits = _hits(text[:LONGEST], [want for want in wants if want.field is not Field.TITLE])
    if not hits:
        titled = _hits(title, [want for want in wants if want.field is not Field.TEXT])
        if titled:
            line, hits = title, titled
    start, end = _window(line, hits)
    marked = _marked(line, hits, start, end)
    return f"{'…' if start else ''}{marked}{'…' if end < len(line) else ''}"


@dataclass(frozen=True, slots=True)
class _Hit:
    """A place at which wants are met, and which."""

    start: int
    end: int
    wants: frozenset[int]


def _hits(text: str, wants: Sequence[Wanted]) -> list[_Hit]:
    if not wants:
        return []
    made = chunks(text)
    longest = max(len(form.words) for want in wants for form in want.forms)
    likely = [n for n in _Firsts(wants).among(made) if _met(made, n, longest, wants)][:_MOST_PLACES]
    if not likely:
        return []
    wanted_chunks = set(likely)
    hits: list[_Hit] = []
    for n, found in enumerate(_CHUNK.finditer(text)):
        if n in wanted_chunks:
            hits += _hits_between(text, found.start(), found.end(), longest, wants)
            if n == likely[-1] or len(hits) >= _MOST_PLACES:
                break
    return hits


def _from(made: Sequence[str], n: int, longest: int) -> tuple[list[str], int]:
    """The words from a chunk on, as many as a want may have, and how many of them are the chunk's own."""
    here = made[n].split()
    return here + " ".join(made[n + 1 : n + longest]).split(), len(here)


def _met(made: Sequence[str], n: int, longest: int, wants: Sequence[Wanted]) -> bool:
    """Whether a want begins in a chunk."""
    words, own = _from(made, n, longest)
    return any(want.matches(words, at) for at in range(own) for want in wants)


def _hits_between(text: str, start: int, end: int, longest: int, wants: Sequence[Wanted]) -> Iterator[_Hit]:
    """What begins in the chunk between two places."""
    last = end
    for found in islice(_CHUNK.finditer(text, end), longest - 1):
        last = found.end()
    words = [Word(word.text, word.start + start, word.end + start) for word in located(text[start:last])]
    names = [word.text for word in words]
    for n, word in enumerate(words):
        if word.start >= end:
            return
        lengths = [want.matches(names, n) for want in wants]
        if most := max(lengths):
            met = frozenset(number for number, length in enumerate(lengths) if length)
            yield _Hit(word.start, max(one.end for one in words[n : n + most]), met)


def _window(line: str, hits: Sequence[_Hit]) -> tuple[int, int]:
    """Where the excerpt begins and ends, between words."""
    best, most = 0, 0
    for n, hit in enumerate(hits):
        within: set[int] = set()
        for other in islice(hits, n, None):
            if other.start >= hit.start + EXCERPT - _BEFORE:
                break
            within |= other.wants
        if len(within) > most:
            best, most = hit.start, len(within)
    start = 0
    if best > _BEFORE:
        start = line.rfind(" ", best - _BEFORE, best) + 1 or best - _BEFORE // 3
    end = start + EXCERPT
    if end < len(line):
        end = max(line.rfind(" ", start, end), start + EXCERPT // 2)
    return start, min(end, len(line))


def _marked(line: str, hits: Sequence[_Hit], start: int, end: int) -> str:
    """A stretch in one line, with marks around what was wanted."""
    parts: list[str] = []
    last = start
    for hit in hits:
        first, until = max(hit.start, last), min(hit.end, end)  # pairs of letters reach into each other
        if first < until:
            glued = bool(parts) and first == last and parts[-1] == END
            parts += [_plain(line[last:first]), START, _plain(line[first:until]), END]
            if glued:
                del parts[-5:-2]
            last = until
    parts.append(_plain(line[last:end]))
    return " ".join("".join(parts).split())


def _plain(text: str) -> str:
    """Text without the characters that are marks here."""
    return text.replace(START, " ").replace(END, " ")


def ranked(texts: Sequence[tuple[str, str]], wants: Sequence[Wanted]) -> list[float]:
    """How well each (title, text) fits, by BM25 over these texts alone; a word in the title says more.

    The weights of words are those that they have among the texts: where all must be found, they weigh alike.
    """
    found = [(_counted(title, text, wants), max(1, len(text))) for title, text in texts]
    if not found:
        return []
    average = sum(length for _, length in found) / len(found)
    having = Counter(number for counts, _ in found for number in counts)
    weight = {number: 1 + math.log(len(found) / many) for number, many in having.items()}
    return [
        sum(
            weight[number] * many * (_SATURATION + 1)
            / (many + _SATURATION * (1 - _LENGTH + _LENGTH * length / average))
            for number, many in counts.items()
        )
        for counts, length in found
    ]  # fmt: skip


def _counted(title: str, text: str, wants: Sequence[Wanted]) -> dict[int, float]:
    """How often each want is met, by its number."""
    counts: dict[int, float] = {}
    longest = max((len(form.words) for want in wants for form in want.forms), default=1)
    firsts = _Firsts(wants)
    for field, weight, line in ((Field.TITLE, _TITLE, title), (Field.TEXT, 1.0, text)):
        made = chunks(line)
        for n in firsts.among(made):
            words, own = _from(made, n, longest)
            for number, want in enumerate(wants):
                if want.field in {Field.ANYWHERE, field}:
                    many = sum(bool(want.matches(words, at)) for at in range(own))
                    if many:
                        counts[number] = counts.get(number, 0.0) + many * weight
    return counts
