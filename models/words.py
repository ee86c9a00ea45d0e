r"""From text to the words that are indexed and looked for: the same on both engines.

A word is a run of letters, digits and marks; whatever else there is only separates. It is folded (small
letters, compatibility forms resolved, without the diacritics of Latin, Greek, Arabic and Hebrew letters, "ё"
as "е"), and then

* cut down to its stem where it is in plain Latin letters (Porter's) or in Cyrillic ones (Snowball's Russian),
  a possessive "'s" taken off before;
* or, in scripts that write without spaces (Han, Kana, Hangul, Thai …), indexed as pairs of neighbouring
  letters, the last letter of a run by itself: so every letter begins one word, and any stretch of a text is
  found by the run of pairs that it is. Hangul is among them for its particles: "제재" finds "제재를".

`indexed` makes finished words; that is what PostgreSQL is given. SQLite cuts English stems itself, in C and
exactly as `models.porter` does, so it is given what `prepared` makes: most of a text in plain Latin letters
as it is, which costs next to nothing.

What is indexed depends on `VERSION`; an index that was made with another one is made anew (`models.migrate`).
Pure.
"""

# ruff: noqa: RUF001, RUF002 - letters that look alike are what this is about

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from sys import intern

import Stemmer

from models import porter

VERSION = f"1 {Stemmer.version()}"  # of the rules here, and of Snowball
LONGEST = 2_000_000  # characters of a text that are indexed
LONGEST_WORD = 255  # characters; longer ones are not found

_REMEMBERED = 100_000  # what stands between two spaces, with its words: some 15 MB
_LONGEST_REMEMBERED = 40
# Marks that are parts of words: accents, points of Hebrew and Arabic, the vowel signs of Indic scripts and
# South-East Asia. Python counts them among what is no letter.
_MARKS = (
    "\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f"
    "\u0670\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed\u0711\u0730-\u074a\u0900-\u0963\u0971-\u0dff\u0e31"
    "\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1-\u0ebc\u0ec8-\u0ecd\u0f71-\u0f84\u0f8d-\u0fbc\u102b-\u103e"
    "\u1056-\u109d\u17b4-\u17d3\u180b-\u180d\u3099\u309a"
)
_WORD = re.compile(rf"([\w{_MARKS}]+)(?:['’][sS](?![\w{_MARKS}]))*")
_POSSESSIVE = re.compile(r"(?<=[0-9A-Za-z])'[sS](?![0-9A-Za-z])")
_INNER = re.compile(rf"[0-9a-z]+|(?:(?![0-9a-z_])[\w{_MARKS}])+")
_UNSPACED = (
    "\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ecd\u0edc-\u0edf\u1000-\u103f\u104e-\u109f\u1100-\u11ff"
    "\u1780-\u17d3\u3005-\u3007\u3021-\u3029\u3040-\u30ff\u3105-\u312f\u3131-\u318e\u31a0-\u31bf"
    "\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97c\uac00-\ud7fb\uf900-\ufaff\uff66-\uff9f\uffa1-\uffdc"
    "\U00020000-\U0003ffff"
)
_PART = re.compile(f"[{_UNSPACED}]+|[^{_UNSPACED}]+")
IN_PAIRS = re.compile(f"[{_UNSPACED}]")
_CYRILLIC = re.compile("[а-я]+")
_ENDINGS = ("", "ness", "ed", "iveness", "ful")  # that stemming takes off, and no more
# What most often keeps an English text from being plain ASCII.
_SIGNS = tuple({"’": "'", **dict.fromkeys("‘“”–—…•\xa0", " ")}.items())
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
class Form:
    """Words that stand next to each other, in this order; with ``goes_on`` the last of them may go on.

    ``typed`` is what SQLite makes the same words of.
    """

    words: tuple[str, ...]
    typed: tuple[str, ...]
    goes_on: bool = False


def indexed(text: str) -> str:
    """The words of a text as they are indexed, spaces between them."""
    # What stands between two spaces mostly comes again: looking it up costs a tenth of taking it apart.
    return " ".join(map(_finished.__getitem__, text[:LONGEST].split()))


def chunks(text: str) -> list[str]:
    """What stands between spaces, each as its indexed words."""
    return list(map(_finished.__getitem__, text.split()))


def prepared(text: str) -> str:
    """A text of which SQLite makes the words that `indexed` gives: it folds and stems what is ASCII."""
    text = text[:LONGEST]
    if not text.isascii():
        for sign, plain in _SIGNS:
            text = text.replace(sign, plain)
        if not text.isascii():
            text = " ".join([part if part.isascii() else _folded[part] for part in text.split()])
    return _POSSESSIVE.sub(" ", text) if "'" in text else text


def located(text: str) -> Iterator[Word]:
    """The words of a text as they are indexed, with their places."""
    for word in _pieces(text):
        yield Word(_stem(word.text), word.start, word.end)


def sought(typed: str, *, prefix: bool = False) -> tuple[Form, ...]:
    """What a typed word or phrase looks for: any of these; nothing where there is no word in it.

    With ``prefix`` the last word may go on. It is compared with stems, so that "sanctio*" finds "sanctioned";
    since its own stem is looked for as well, "sanctioned*" does so, too.
    """
    words = list(_pieces(typed))
    if not words or any(len(word.text) > LONGEST_WORD for word in words):
        return ()
    texts = tuple(word.text for word in words)
    stems = tuple(map(_stem, texts))
    last = words[-1]
    if IN_PAIRS.match(last.text):
        pair = len(words) > 1 and len(words[-2].text) > 1 and words[-2].end == last.end
        # A pair says all of the letter after it; one letter alone begins every pair that it stands in.
        return (Form(stems[:-1], texts[:-1]),) if pair else (Form(stems, texts, goes_on=True),)
    whole = Form(stems, texts)
    if not prefix:
        return (whole,)
    begins, made_of = _beginning(last.text, typed[last.start : last.end])
    begun = Form((*stems[:-1], begins), (*texts[:-1], made_of), goes_on=True)
    return (begun,) if stems[-1].startswith(begins) else (whole, begun)


def _beginning(word: str, typed: str) -> tuple[str, str]:
    """What stems begin with that go on with a word, and a word that SQLite makes it of.

    SQLite stems what it is asked for, too: "conting*" would be "cont*". It is therefore asked for a word
    whose stem is what was typed. For one in two hundred, as for "controll", there is none; its stem must do.
    """
    if not word.isascii():
        plain = fold(typed)
        return (plain, plain) if _russian(plain) == word else (word, word)
    made_of = next((word + ending for ending in _ENDINGS if porter.stem(word + ending) == word), word)
    return porter.stem(made_of), made_of


def fold(word: str) -> str:
    """A word in small letters, compatibility forms resolved, and without diacritics where that is usual."""
    if word.isascii():
        return word.lower()
    return "".join(map(_letter, unicodedata.normalize("NFKC", word).casefold()))


class _Remembered(dict[str, str]):
    """What stands between two spaces → its words, spaces between them.

    When it is full, what was asked for since it last was stays.
    """

    def __init__(self, make: Callable[[str], str]) -> None:
        super().__init__()
        self._make = make
        self._before: dict[str, str] = {}

    def __missing__(self, chunk: str) -> str:
        words = self._before.get(chunk)
        if words is None:
            words = self._make(chunk)
            words = chunk if words == chunk else intern(words)
        # Sentences without spaces do not come again, and must not drive out what does.
        if len(chunk) <= _LONGEST_REMEMBERED and (chunk.isascii() or not IN_PAIRS.search(chunk)):
            if len(self) >= _REMEMBERED // 2:
                self._before = dict(self)
                self.clear()
            self[chunk] = words
        return words


def _fold_chunk(chunk: str) -> str:
    """The words of `located` before English ones are cut down, without their places."""
    return " ".join(
        word
        for run in _WORD.findall(chunk.replace("_", " "))
        for part in _PART.findall(run)
        for word in _words(part)
    )


def _finish_chunk(chunk: str) -> str:
    """The words of `located`, without their places."""
    word = chunk.rstrip(",.")
    if word.isascii() and word.isalpha():  # nine of ten
        return _stem(word.lower()[: LONGEST_WORD + 1])
    return " ".join(map(_stem, _fold_chunk(chunk).split()))


_folded = _Remembered(_fold_chunk)
_finished = _Remembered(_finish_chunk)


def _pieces(text: str) -> Iterator[Word]:
    """The words of a text, folded, with their places; English ones are not cut down yet."""
    for run in _WORD.finditer(text.replace("_", " ")):
        for found in _PART.finditer(run[1]):
            part, start = found[0], run.start(1) + found.start()
            words = _words(part)
            if len(words) == len(part) and IN_PAIRS.match(part):
                last = len(part) - 1
                for n, word in enumerate(words):
                    yield Word(word, start + n, start + n + (2 if n < last else 1))
            else:
                # Where a letter was resolved to several, all that came of it stands for the whole.
                for word in words:
                    yield Word(word, start, start + len(part))


def _words(part: str) -> list[str]:
    """The words of letters and digits that are all of a script with spaces, or all of one without."""
    if part.isascii():
        return [part.lower()[: LONGEST_WORD + 1]]
    if IN_PAIRS.match(part):
        letters = unicodedata.normalize("NFKC", part)
        pairs: list[str] = [first + second for first, second in pairwise(letters)]
        return [*pairs, letters[-1]]
    # Letters of another alphabet and Latin ones in one word are two words: SQLite stems only what is ASCII.
    return [_russian(word[: LONGEST_WORD + 1]) for word in _INNER.findall(fold(part))]


@lru_cache(maxsize=65_536)
def _stem(word: str) -> str:
    """The stem of a folded word in plain Latin letters; others are finished."""
    return porter.stem(word) if word.isascii() else word


class _Stemmer(threading.local):
    """Snowball's; one of them may be used by one thread at a time."""

    def __init__(self) -> None:
        self.of = Stemmer.Stemmer("russian", 0)


_snowball = _Stemmer()


def _russian(word: str) -> str:
    """The stem of a word in Russian letters, other words as they are."""
    return str(_snowball.of.stemWord(word)) if _CYRILLIC.fullmatch(word) else word


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
