r"""From text to the words that are indexed and looked for: made here, so that both engines index the same.

An engine gets finished words with spaces between them and adds nothing of its own: no stemmer, no list of
stop words, no parser of addresses or numbers. A word is a run of letters, digits and marks; whatever else
there is only separates. It is folded (small letters, compatibility forms resolved, without the diacritics of
Latin, Greek, Arabic and Hebrew letters, "ё" as "е"), and then

* cut down to its stem where it is in plain Latin letters (Snowball's English) or in Cyrillic ones (its
  Russian), a possessive "'s" taken off before;
* or, in scripts that write without spaces (Han, Kana, Hangul, Thai …), indexed as pairs of neighbouring
  letters, the last letter of a run by itself: so every letter begins one word, and any stretch of a text is
  found by the run of pairs that it is. Hangul is among them for its particles: "제재" finds "제재를".

What is indexed depends on `VERSION`; an index that was made with another one is made anew (`models.migrate`).
Pure.
"""

# ruff: noqa: RUF001, RUF002 - letters that look alike are what this is about

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import Stemmer

VERSION = f"1 {Stemmer.version()}"
LONGEST = 2_000_000  # characters of a text that are indexed
LONGEST_WORD = 64  # characters of a word that count

_REMEMBERED = 50_000  # what stands between two spaces, with its words: some 10 MB
_LONGEST_REMEMBERED = 40
_SHORTEST_STEM = 3
# Marks that are parts of words: accents, points of Hebrew and Arabic, the vowel signs of Indic scripts and
# South-East Asia. Python counts them among what is no letter.
_MARKS = (
    "\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f"
    "\u0670\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed\u0711\u0730-\u074a\u0900-\u0963\u0971-\u0dff\u0e31"
    "\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1-\u0ebc\u0ec8-\u0ecd\u0f71-\u0f84\u0f8d-\u0fbc\u102b-\u103e"
    "\u1056-\u109d\u17b4-\u17d3\u180b-\u180d\u3099\u309a"
)
_WORD = re.compile(rf"([\w{_MARKS}]+)(?:['’][sS](?![\w{_MARKS}]))?")
_INNER = re.compile(rf"[\w{_MARKS}]+")
_UNSPACED = (
    "\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ecd\u0edc-\u0edf\u1000-\u103f\u104e-\u109f\u1100-\u11ff"
    "\u1780-\u17d3\u3005-\u3007\u3021-\u3029\u3040-\u30ff\u3105-\u312f\u3131-\u318e\u31a0-\u31bf"
    "\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97c\uac00-\ud7fb\uf900-\ufaff\uff66-\uff9f\uffa1-\uffdc"
    "\U00020000-\U0003ffff"
)
_PART = re.compile(f"[{_UNSPACED}]+|[^{_UNSPACED}]+")
_IN_PAIRS = re.compile(f"[{_UNSPACED}]")
_LATIN = re.compile("[a-z]+")
_CYRILLIC = re.compile("[а-я]+")
_WITHOUT_MARKS = ("LATIN", "GREEK", "ARABIC", "HEBREW")
# Letters that no decomposition takes apart.
_PLAIN = {
    "ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ħ": "h", "ŧ": "t", "ŋ": "n",
    "ı": "i", "ё": "е", "ـ": "",
}  # fmt: skip
_ACCENTS = range(200, 241)  # canonical combining classes of what stands above or below a letter
_POINTS = range(10, 36)  # of the vowel points of Hebrew and Arabic


@dataclass(frozen=True, slots=True)
class Word:
    """An indexed word, and the characters of the text that it stands for."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Sought:
    """What a typed word or phrase looks for: ``whole``, or ``begun``, whose last word may go on; or both.

    The words stand next to each other, in this order.
    """

    whole: tuple[str, ...] = ()
    begun: tuple[str, ...] = ()


def indexed(text: str) -> str:
    """The words of a text as they are indexed, spaces between them."""
    # What stands between two spaces mostly comes again: looking it up costs a tenth of taking it apart.
    return " ".join(map(_remembered.__getitem__, text[:LONGEST].split()))


def located(text: str) -> Iterator[Word]:
    """The words of a text as they are indexed, with their places."""
    for found in _WORD.finditer(text.replace("_", " ")):
        yield from _pieces(found[1], found.start(1))


def sought(typed: str, *, prefix: bool = False) -> Sought | None:
    """What a typed word or phrase looks for; None where there is no word in it.

    With ``prefix`` the last word may go on. It is compared with stems, so that "sanctio*" finds
    "sanctioned"; since its own stem is looked for as well, "sanctioned*" does so, too.
    """
    words = list(located(typed))
    if not words:
        return None
    whole = tuple(word.text for word in words)
    last = typed[words[-1].start : words[-1].end]
    if _IN_PAIRS.match(last):
        pair = len(words) > 1 and words[-2].end == words[-1].end
        # A pair says all of the letter after it; one letter alone begins every pair that it stands in.
        return Sought(whole=whole[:-1]) if pair else Sought(begun=whole)
    if prefix:
        return Sought(whole, (*whole[:-1], fold(last)[:LONGEST_WORD]))
    return Sought(whole)


def fold(word: str) -> str:
    """A word in small letters, compatibility forms resolved, and without diacritics where that is usual."""
    if word.isascii():
        return word.lower()
    return "".join(map(_letter, unicodedata.normalize("NFKC", word).casefold()))


class _Remembered(dict[str, str]):
    """What stands between two spaces → its indexed words, spaces between them."""

    def __missing__(self, chunk: str) -> str:
        words = " ".join(word.text for word in located(chunk))
        # Sentences without spaces do not come again, and must not drive out what does.
        if len(chunk) <= _LONGEST_REMEMBERED and (chunk.isascii() or not _IN_PAIRS.search(chunk)):
            if len(self) >= _REMEMBERED:
                self.clear()
            self[chunk] = words
        return words


_remembered = _Remembered()


def _pieces(word: str, start: int) -> Iterator[Word]:
    """The indexed words of a run of letters and digits that begins at ``start``."""
    if word.isascii():
        yield Word(_stem(word.lower()[:LONGEST_WORD]), start, start + len(word))
        return
    for found in _PART.finditer(word):
        part, begin = found[0], start + found.start()
        folded = fold(part)
        if _IN_PAIRS.match(part):
            yield from _pairs(folded, begin, len(part))
        else:
            # A ligature may be folded to several words: all of them stand where it does.
            for inner in _INNER.findall(folded):
                yield Word(_stem(inner[:LONGEST_WORD]), begin, begin + len(part))


def _pairs(run: str, start: int, length: int) -> Iterator[Word]:
    """Neighbouring letters two by two, and the last one alone."""
    exact = len(run) == length  # else, where forms were resolved, all of them stand for the whole run
    for n, (first, second) in enumerate(pairwise(run)):
        yield Word(first + second, start + n * exact, start + (n + 2 if exact else length))
    if run:
        yield Word(run[-1], start + (length - 1 if exact else 0), start + length)


class _Stemmers(threading.local):
    """A stemmer may be used by one thread at a time."""

    def __init__(self) -> None:
        self.english = Stemmer.Stemmer("english", 0)
        self.russian = Stemmer.Stemmer("russian", 0)


_stemmers = _Stemmers()


def _stem(word: str) -> str:
    if len(word) < _SHORTEST_STEM:
        return word
    if _LATIN.fullmatch(word):
        return str(_stemmers.english.stemWord(word))
    if _CYRILLIC.fullmatch(word):
        return str(_stemmers.russian.stemWord(word))
    return word


@lru_cache(maxsize=8192)
def _letter(char: str) -> str:
    if char.isascii():
        return char
    combining = unicodedata.combining(char)
    if combining in _ACCENTS or combining in _POINTS:
        return ""
    if char in _PLAIN:
        return _PLAIN[char]
    base = unicodedata.normalize("NFD", char)[0]
    if base != char and unicodedata.name(base, "").startswith(_WITHOUT_MARKS):
        return _PLAIN.get(base, base)
    return char
