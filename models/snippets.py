"""Where in an article a query's words stand: a line around the best place, with marks, and how well it fits.

Made here and not by the engines: theirs differ, and take a time that grows with the square of the matches
(SQLite) or with the length of the text (PostgreSQL). Pure.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from models.query import And, Field, Or, Query, Words
from models.words import Sought, Word, indexed, located, sought

START, END = "\x02", "\x03"  # around what matched
EXCERPT = 220  # characters
LONGEST = 40_000  # characters of a text in which a place is looked for
_BEFORE = 60  # characters shown before what matched
_MOST_PLACES = 200  # that are compared
_SATURATION, _LENGTH = 1.2, 0.75  # k1 and b of BM25 (Robertson & Zaragoza 2009, section 3.4)
_TITLE = 3.0  # how much more a word in the title says


@dataclass(frozen=True, slots=True)
class Wanted:
    """A word or phrase that a query wants to be found, and where."""

    sought: Sought
    field: Field = Field.ANYWHERE

    def matches(self, words: Sequence[str], start: int) -> int:
        """How many words match from a place on; 0 where it does not."""
        whole, begun = self.sought.whole, self.sought.begun
        if whole and tuple(words[start : start + len(whole)]) == whole:
            return len(whole)
        if begun:
            found = words[start : start + len(begun)]
            if (
                len(found) == len(begun)
                and tuple(found[:-1]) == begun[:-1]
                and found[-1].startswith(begun[-1])
            ):
                return len(begun)
        return 0

    @property
    def begins(self) -> tuple[set[str], tuple[str, ...]]:
        """What its first word may be, and what it may begin with."""
        whole = {self.sought.whole[0]} if self.sought.whole else set()
        if len(self.sought.begun) == 1:
            return whole, self.sought.begun
        return whole | set(self.sought.begun[:1]), ()


def wanted(query: Query) -> tuple[Wanted, ...]:
    """The words and phrases that a query wants to be found, each once; not those that are to be absent."""
    return tuple(dict.fromkeys(_wanted(query)))


def _wanted(query: Query) -> Iterator[Wanted]:
    if isinstance(query, Words):
        found = sought(query.text, prefix=query.prefix)
        if found is not None:
            yield Wanted(found, query.field)
    elif isinstance(query, And | Or):
        for part in query.parts:
            yield from _wanted(part)


def snippet(title: str, text: str, wants: Sequence[Wanted]) -> str:
    """One line from a text, or from the title where only that has it, with marks around what was wanted.

    It stands where the most different wants are close together; the first such place. Without any, it is the
    beginning of the text.
    """
    places = _places(text[:LONGEST], [one for one in wants if one.field is not Field.TITLE])
    line = text
    if not places:
        titled = _places(title, [one for one in wants if one.field is not Field.TEXT])
        if titled:
            places, line = titled, title
    start, end = _window(line, places)
    return ("…" if start else "") + _marked(line, places, start, end) + ("…" if end < len(line) else "")


@dataclass(frozen=True, slots=True)
class _Place:
    start: int
    end: int
    want: int  # its number


def _places(text: str, wants: Sequence[Wanted]) -> list[_Place]:
    """Where wants are met, in order, none within another."""
    if not wants:
        return []
    found: list[_Place] = []
    words = list(located(text))
    names = [word.text for word in words]
    last = -1
    for n, number in _candidates(words, wants):
        length = wants[number].matches(names, n)
        if length and n > last:
            last = n + length - 1
            found.append(_Place(words[n].start, max(word.end for word in words[n : last + 1]), number))
            if len(found) == _MOST_PLACES:
                break
    return found


def _candidates(words: Sequence[Word], wants: Sequence[Wanted]) -> Iterator[tuple[int, int]]:
    """(place of a word, number of a want) where a want might begin, the longest wants first."""
    order = sorted(
        range(len(wants)), key=lambda n: -max(map(len, (wants[n].sought.whole, wants[n].sought.begun)))
    )
    exact: dict[str, list[int]] = {}
    prefixes: list[tuple[str, int]] = []
    for number in order:
        whole, begun = wants[number].begins
        for word in whole:
            exact.setdefault(word, []).append(number)
        prefixes += [(word, number) for word in begun]
    starts = tuple(word for word, _ in prefixes)
    for n, found in enumerate(words):
        for number in exact.get(found.text, ()):
            yield n, number
        if starts and found.text.startswith(starts):
            yield from ((n, number) for begun, number in prefixes if found.text.startswith(begun))


def _window(line: str, places: Sequence[_Place]) -> tuple[int, int]:
    """Where the excerpt begins and ends, at words."""
    best, most = 0, 0
    for n, place in enumerate(places):
        within = {one.want for one in places[n : n + _BEFORE] if one.end < place.start + EXCERPT - _BEFORE}
        if len(within) > most:
            best, most = place.start, len(within)
    start = 0
    if best > _BEFORE:
        start = line.rfind(" ", best - _BEFORE, best - _BEFORE // 3) + 1 or best - _BEFORE // 3
    end = start + EXCERPT
    if end < len(line):
        end = max(line.rfind(" ", start, end), start + EXCERPT // 2)
    return start, min(end, len(line))


def _marked(line: str, places: Iterable[_Place], start: int, end: int) -> str:
    parts = []
    last = start
    for place in places:
        if place.start >= last and place.end <= end:
            parts += [_plain(line[last : place.start]), START, _plain(line[place.start : place.end]), END]
            last = place.end
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
    fields = ((Field.TITLE, _TITLE, indexed(title).split()), (Field.TEXT, 1.0, indexed(text).split()))
    for field, weight, words in fields:
        for number, want in enumerate(wants):
            if want.field in {Field.ANYWHERE, field}:
                many = _met(words, want)
                if many:
                    counts[number] = counts.get(number, 0.0) + many * weight
    return counts


def _met(words: list[str], want: Wanted) -> int:
    if not want.sought.begun and len(want.sought.whole) == 1:
        return words.count(want.sought.whole[0])  # most wants are words, and most articles are long
    whole, begun = want.begins
    return sum(
        bool(want.matches(words, n))
        for n, word in enumerate(words)
        if word in whole or (begun and word.startswith(begun))
    )
