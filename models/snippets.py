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

from models.query import And, Field, Or, Query, Words
from models.words import Form, chunks, indexed, located, sought

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
    in_text = [want for want in wants if want.field is not Field.TITLE]
    line, shown = text, in_text
    hits = _hits(text[:LONGEST], in_text)
    if not hits:
        in_title = [want for want in wants if want.field is not Field.TEXT]
        in_its_place = _hits(title, in_title)
        if in_its_place:
            line, shown, hits = title, in_title, in_its_place
    start, end = _window(line, hits)
    marked = _marked(line[start:end], shown if hits else ())
    return f"{'…' if start else ''}{marked}{'…' if end < len(line) else ''}"


def _hits(text: str, wants: Sequence[Wanted]) -> list[tuple[int, frozenset[int]]]:
    """Where what stands between two spaces begins wants, and which of them."""
    if not wants:
        return []
    made = chunks(text)
    numbers = []
    longest = max(len(form.words) for want in wants for form in want.forms)
    for n in _Firsts(wants).among(made):
        here = made[n].split()
        words = here + " ".join(made[n + 1 : n + longest]).split()
        met = frozenset(
            number
            for number, want in enumerate(wants)
            if any(want.matches(words, at) for at in range(len(here)))
        )
        if met:
            numbers.append((n, met))
            if len(numbers) == _MOST_PLACES:
                break
    if not numbers:
        return []
    starts = [found.start() for found in _CHUNK.finditer(text)]
    return [(starts[n], met) for n, met in numbers]


def _window(line: str, hits: Sequence[tuple[int, frozenset[int]]]) -> tuple[int, int]:
    """Where the excerpt begins and ends, between words."""
    best, most = 0, 0
    for n, (start, _) in enumerate(hits):
        within: set[int] = set()
        for place, met in hits[n : n + EXCERPT]:
            if place >= start + EXCERPT - _BEFORE:
                break
            within |= met
        if len(within) > most:
            best, most = start, len(within)
    start = line.rfind(" ", best - _BEFORE, best) + 1 or best if best > _BEFORE else 0
    end = start + EXCERPT
    if end < len(line):
        end = max(line.rfind(" ", start, end), start + EXCERPT // 2)
    return start, min(end, len(line))


def _marked(line: str, wants: Sequence[Wanted]) -> str:
    """A short text in one line, with marks around all that is wanted."""
    words = list(located(line))
    names = [word.text for word in words]
    firsts = _Firsts(wants)
    parts: list[str] = []
    last = n = 0
    while n < len(words):
        length = max((want.matches(names, n) for want in wants), default=0) if firsts.has(names[n]) else 0
        if length:
            start, end = words[n].start, max(word.end for word in words[n : n + length])
            start = max(start, last)  # pairs of letters reach into each other
            parts += [_plain(line[last:start]), START, _plain(line[start:end]), END]
            last = max(end, last)
        n += max(length, 1)
    parts.append(_plain(line[last:]))
    return " ".join("".join(parts).replace(f"{START}{END}", "").split())


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
    firsts = _Firsts(wants)
    for field, weight, line in ((Field.TITLE, _TITLE, title), (Field.TEXT, 1.0, text)):
        words = indexed(line).split()
        places = firsts.among(words)
        for number, want in enumerate(wants):
            if places and want.field in {Field.ANYWHERE, field}:
                many = sum(bool(want.matches(words, n)) for n in places)
                if many:
                    counts[number] = counts.get(number, 0.0) + many * weight
    return counts
