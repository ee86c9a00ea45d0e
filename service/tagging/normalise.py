"""The form in which texts and rules are compared, and the way back to the text as it was.

Folding removes what makes no difference to a reader: case, soft hyphens and zero-width characters inside
words, typographic quotes and dashes, compatibility forms (Unicode NFKC, UAX #15), runs of white space, and
letters of a look-alike alphabet inside a word (UTS #39). What stays is one lower-case string whose words are
separated by one space, its paragraphs by ``PARAGRAPH``. An `OffsetMap` leads from it back to the original,
so that a span found in the folded text is exact in the text as the reader sees it.

Most texts need none of the costly work. `fold` finds that out with one linear scan and then answers with a
plain translation of the same length.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from string import ascii_lowercase, ascii_uppercase

import re2

PARAGRAPH = "\n\n"
BREAK = "\x1f"  # a dash between words: it ends a phrase, as a comma does

# Characters that are another way of writing one ASCII character; all are replaced one for one.
_TYPOGRAPHIC = {
    "’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": BREAK, "…": ".", "\xa0": " ", "«": '"', "»": '"',
    "‑": "-", "•": BREAK,
}  # fmt: skip
_SELDOM = {
    "„": '"', "‐": "-", "−": "-", "―": BREAK, "′": "'", "ʼ": "'", "´": "'", "‛": "'", "″": '"', "‟": '"',
    "‚": "'", "`": "'", "·": BREAK, "™": " ", "®": " ", "©": " ", "‹": '"', "›": '"', "‒": "-", "⁃": "-",
    "﹣": "-", "－": "-", "\u2028": "\n", "\u2029": "\n",
}  # fmt: skip
# NFKC would glue a footnote's number to its word.
_SELDOM |= dict.fromkeys("¹²³⁰⁴⁵⁶⁷⁸⁹", BREAK)
_SELDOM |= {chr(code): " " for code in (0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000)}
_CONTROLS = {chr(code): " " for code in (*range(0x0A), *range(0x0B, 0x1F), *range(0x7F, 0xA0))}
_ONE_FOR_ONE = str.maketrans({**_TYPOGRAPHIC, **_SELDOM, **_CONTROLS})
_SELDOM_CLASS = "".join(f"\\x{{{ord(character):x}}}" for character in {**_SELDOM, **_CONTROLS})
_SELDOM_ONE = re2.compile(f"[{_SELDOM_CLASS}]")

_ASCII_BLANKS = bytes(code for code in range(0x80) if chr(code) in _CONTROLS)
_ASCII_FOLD = bytes.maketrans(
    ascii_uppercase.encode() + b"`" + _ASCII_BLANKS,
    ascii_lowercase.encode() + b"'" + b" " * len(_ASCII_BLANKS),
)
_ASCII_BLANKED = bytes.maketrans(_ASCII_BLANKS, b" " * len(_ASCII_BLANKS))
_ASCII_SEPARATE = bytes(code if chr(code).isalnum() else 0x20 for code in range(0x80)).ljust(0x100)

# Invisible inside a word: soft hyphen, combining grapheme joiner, zero-width and bidirectional marks,
# variation selectors, byte-order mark.
_INVISIBLE = "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064"
_INVISIBLE += "\u2066-\u206f\ufe00-\ufe0f\ufeff"
_MIXED = "[a-z][\u0370-\u052f]|[\u0370-\u052f][a-z]"
# What the plain translation would get wrong: runs of white space, invisible or combining characters, those
# that are seldom and not worth a look in every text, words of two alphabets.
_ODD = re2.compile(f"[ \n] | \n|\n\n\n|[{_INVISIBLE}\u0300-\u036f{_SELDOM_CLASS}]|{_MIXED}")
_INVISIBLE_ONE = re.compile(f"[{_INVISIBLE}]")
_RUN = re.compile(r" [ \n]+|\n[ \n]*")
# Longer runs are cut, so that a text without spaces costs no more than one with them.
_WORD = re.compile(r"\S{1,64}")
_LETTER = r"[^\W\d_]"
# Anchored at the beginning of a word, because it would be quadratic in a text without spaces otherwise.
_MIXED_WORD = re.compile(f"(?<!{_LETTER}){_LETTER}*?(?:{_MIXED}){_LETTER}*", re.IGNORECASE)
_MAX_CLUSTER = 32  # the stream-safe limit of UAX #15 is 30 marks
_TWO_ALPHABETS = re2.compile(f"(?i:{_MIXED})")
_SURROGATE = re.compile("[\ud800-\udfff]")

# Cyrillic and Greek letters that look like a Latin one (the part of UTS #39's table that news texts show).
_TO_LATIN = dict(
    zip(
        "АВЕЅІЈКМНОРСТУХаеѕіјорсухԁһԛԝΑΒΕΖΗΙΚΜΝΟΡΤΥΧοναі",
        "ABESIJKMHOPCTYXaesijopcyxdhqwABEZHIKMNOPTYXovai",
        strict=True,
    )
)
_TO_CYRILLIC = dict(zip("ABEKMHOPCTYXaeopcyx", "АВЕКМНОРСТУХаеорсух", strict=True))


class OffsetMap:
    """Positions of a text that was made from another one, as pieces of both.

    A piece of equal length maps character by character; any other maps as a whole.
    """

    __slots__ = ("_at", "_ends", "_length", "_linear", "_starts")

    def __init__(self) -> None:
        self._at: list[int] = []
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._linear: list[bool] = []
        self._length = 0

    def add(self, at: int, start: int, end: int, length: int) -> None:
        """A piece: ``length`` characters from ``at`` on stand for the original's ``start`` to ``end``."""
        if length:
            self._at.append(at)
            self._starts.append(start)
            self._ends.append(end)
            self._linear.append(length == end - start)
            self._length = at + length

    def start(self, position: int) -> int:
        """Where the character at ``position`` begins in the original; the end of the text maps to its end."""
        index = bisect_right(self._at, position) - 1
        if index < 0:
            return 0
        offset = position - self._at[index]
        if self._linear[index]:
            return min(self._starts[index] + offset, self._ends[index])
        return self._starts[index]

    def made(self, position: int) -> int:
        """The other way: what became of the original's character at ``position``."""
        index = bisect_right(self._starts, position) - 1
        if index < 0:
            return 0
        if position < self._ends[index]:
            return self._at[index] + (position - self._starts[index] if self._linear[index] else 0)
        return self._at[index + 1] if index + 1 < len(self._at) else self._length

    def end(self, position: int) -> int:
        """Where the character before ``position`` ends in the original."""
        index = bisect_right(self._at, position - 1) - 1
        if index < 0:
            return 0
        if self._linear[index]:
            return self._starts[index] + position - self._at[index]
        return self._ends[index]


@dataclass(frozen=True, slots=True)
class Folded:
    """A text in the form for matching. ``text`` and ``cased`` have the same length."""

    text: str  # lower case, hyphens inside words are spaces
    cased: str  # case and hyphens kept
    maps: tuple[OffsetMap, ...] = ()  # in the order in which they were applied

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The span of the source that ``text[start:end]`` (not empty) stands for."""
        for offsets in reversed(self.maps):
            start, end = offsets.start(start), offsets.end(end)
        return start, end


def fold(source: str) -> Folded:
    """A text as it is matched; linear in its length."""
    cased = source
    if not cased.isascii():
        for character, plain in _TYPOGRAPHIC.items():
            cased = cased.replace(character, plain)
    if cased.isascii():
        compatible = True
        raw = cased.encode("ascii")
        if len(raw.translate(None, _ASCII_BLANKS)) < len(raw):  # tabs and the like: rarely any
            cased = raw.translate(_ASCII_BLANKED).decode("ascii")
    else:
        compatible = unicodedata.is_normalized("NFKC", cased)
        try:
            cased.encode()
        except UnicodeEncodeError:  # half a surrogate pair, from a broken decoder
            return fold(_SURROGATE.sub("\ufffd", source))
    if "\n" in cased and cased.count("\n") != 2 * cased.count(PARAGRAPH):
        # Single line breaks are spaces. Of three or more the scan below has something to say.
        cased = cased.replace(PARAGRAPH, "\x1e\x1e").replace("\n", " ").replace("\x1e\x1e", PARAGRAPH)
    if compatible:
        text = _lowered(_dashed(cased))
        if not _is_odd(text):
            return Folded(text, cased)
    return _fold_thoroughly(cased)


def separated(text: str) -> str:
    """A folded text with a space for everything that is no letter or digit; as long as before."""
    if text.isascii():
        return text.encode("ascii").translate(_ASCII_SEPARATE).decode("ascii")
    for character in set(text):
        if not character.isalnum() and character != " ":
            text = text.replace(character, " ")
    return text


def _is_odd(text: str) -> bool:
    if text.isascii():  # nothing but white space can be
        return "  " in text or any(part != part.strip(" \n") for part in text.split(PARAGRAPH))
    return _ODD.search(text) is not None


def _lowered(cased: str) -> str:
    """Lower case; as long as before."""
    if cased.isascii():
        return cased.encode("ascii").translate(_ASCII_FOLD).decode("ascii")
    return cased.lower().replace("ё", "е")


def _dashed(cased: str) -> str:
    """A space for every hyphen inside a word, a dash for any other; as long as before."""
    if "-" not in cased:
        return cased
    parts = cased.split("-")
    text = [parts[0]]
    for before, after in pairwise(parts):
        text += (" " if before[-1:].isalnum() and after[:1].isalnum() else BREAK, after)
    return "".join(text)


def _fold_thoroughly(cased: str) -> Folded:
    """The rest of `fold` for a text that has something odd in it, with the offset maps that this needs."""
    maps = []
    if _SELDOM_ONE.search(cased):
        cased = cased.translate(_ONE_FOR_ONE)
    if not cased.isascii():
        if "İ" in cased or _INVISIBLE_ONE.search(cased) or not unicodedata.is_normalized("NFKC", cased):
            cased, offsets = _apply(_compatible(cased))
            maps.append(offsets)
        if _TWO_ALPHABETS.search(cased):
            cased = _MIXED_WORD.sub(_one_alphabet, cased)
    cased, offsets = _apply(_spaced(cased))
    maps.append(offsets)
    return Folded(_lowered(_dashed(cased)), cased, tuple(maps))


# What is to stand in the place of the original's ``start`` to ``end``.
_Piece = tuple[int, int, str]


def _apply(pieces: Iterator[_Piece]) -> tuple[str, OffsetMap]:
    offsets, parts, at = OffsetMap(), [], 0
    for start, end, replacement in pieces:
        offsets.add(at, start, end, len(replacement))
        parts.append(replacement)
        at += len(replacement)
    return "".join(parts), offsets


def _spaced(text: str) -> Iterator[_Piece]:
    """Runs of white space made one space, or one blank line where they hold one."""
    done = 0
    for run in _RUN.finditer(text):
        start, end = run.span()
        yield done, start, text[done:start]
        yield start, end, PARAGRAPH if text.count("\n", start, end) > 1 else " "
        done = end
    yield done, len(text), text[done:]


def _compatible(text: str) -> Iterator[_Piece]:
    """NFKC without invisible characters; what is already so stays in long pieces."""
    done = 0
    for word in _WORD.finditer(text):
        written = word.group()
        if written.isascii() or not _needs_care(written):
            continue
        start, end = word.span()
        yield done, start, text[done:start]
        yield from _clusters(text, start, end)
        done = end
    yield done, len(text), text[done:]


def _needs_care(word: str) -> bool:
    return (
        "İ" in word or _INVISIBLE_ONE.search(word) is not None or not unicodedata.is_normalized("NFKC", word)
    )


def _clusters(text: str, start: int, end: int) -> Iterator[_Piece]:
    """A word, piece by piece: each base character with the marks that compose with it."""
    while start < end:
        stop = start + 1
        while stop < end and stop < start + _MAX_CLUSTER and _extends(text[stop]):
            stop += 1
        composed = unicodedata.normalize("NFKC", _INVISIBLE_ONE.sub("", text[start:stop]))
        yield start, stop, composed.replace("İ", "I")
        start = stop


def _extends(character: str) -> bool:
    """Whether a character composes with the one before: a combining mark, or a vowel or final of Hangul."""
    return unicodedata.combining(character) != 0 or "\u1161" <= character <= "\u11ff"


def _one_alphabet(match: re.Match[str]) -> str:
    """A word of two alphabets in the one that all its letters can pass for; as it is when there is none."""
    word = match.group()
    for table, first, last in ((_TO_LATIN, "\u0370", "\u052f"), (_TO_CYRILLIC, "A", "z")):
        foreign = [letter for letter in word if first <= letter <= last]
        if all(letter in table for letter in foreign):
            return "".join(table.get(letter, letter) for letter in word)
    return word
