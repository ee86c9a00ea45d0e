"""Characters and lines: text without what cannot be seen, and plain text as lines of paragraphs."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

MAX_CHARACTERS = 2_000_000  # of one article; "War and Peace" has 3.2 million
TOO_LONG = f"what follows its first {MAX_CHARACTERS:,} characters"

# Line and paragraph separators, vertical tab, form feed and next line (Unicode Standard Annex 14, class BK).
# What colours a terminal (ECMA-48 section 5.4): without its control character its letters would stay.
_TERMINAL = re.compile("(?:\x1b\\[|\x9b)[0-9:;<=>?]{0,40}[ -/]{0,4}[@-~]")
_NEWLINES = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
# Spaces of every width; U+3000 is the space of Chinese and Japanese.
_SPACES = re.compile("[\t \xa0\u1680\u2000-\u200a\u202f\u205f\u3000\u2800\u3164\uffa0\u115f\u1160]+")
# What has no glyph and only misleads a reader or a search: controls, soft hyphens, zero-width spaces and
# joiners between words, marks and overrides of direction (CVE-2021-42574), tags, surrogates, non-characters.
_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u034f\u061c\u17b4\u17b5\u180e\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u206f\ufeff\ufff0-\ufffb\ufdd0-\ufdef\ufffe\uffff\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)
# Joiners are orthography in Persian and Indic scripts and glue in emoji; between other letters, noise.
_JOINED = "\u0600-\u08ff\u0900-\u0dff\u1000-\u109f\u1780-\u17ff\ufe0f\u2600-\u27bf\U0001f000-\U0001faff"
_STRAY_JOINER = re.compile(f"(?<![{_JOINED}])[\u200c\u200d]+")
# Normalising a long run of combining marks takes quadratic time, and no writing stacks so many.
_MARKS = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_STACKED_MARKS = re.compile(f"([{_MARKS}]{{4}})[{_MARKS}]+")
_BULLET = re.compile(r"(?:[•‣◦▪●∙·*–—-]|\(?\d{1,3}[.)])\s+\S")
_CJK = re.compile("[\u3001-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uff60]")

_MAX_WIDTH = 120  # columns; wider lines are paragraphs, not wrapped
_MIN_WIDTH = 40
_MIN_BREAKS = 3


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an article. Lines of one paragraph stand under each other, as in a list or an address."""

    text: str
    paragraph: int
    block: int  # what the source keeps together: lines without a blank one between, items of one list
    heading: bool = False  # marked as a heading by the source
    link: bool = False  # all of it is the text of links


def clean_characters(text: str) -> str:
    """Text with "\\n" as its only line end and without characters that have no glyph; spaces stay as many.

    Composed (NFC), so that one word has one spelling.
    """
    if not text.isascii() or not text.isprintable():
        text = _NEWLINES.sub("\n", _TERMINAL.sub("", text))
        text = _STACKED_MARKS.sub(r"\1", _STRAY_JOINER.sub("", _UNSEEN.sub("", text)))
    return unicodedata.normalize("NFC", text)


def one_line(text: str) -> str:
    """Text on one line, with single spaces."""
    text = " ".join(text.split())
    if text.isprintable():
        # Only spaces are between the words, and nothing that has no glyph: the common case.
        return text if text.isascii() else unicodedata.normalize("NFC", _STACKED_MARKS.sub(r"\1", text))
    return " ".join(_SPACES.sub(" ", clean_characters(text)).split())


def read_lines(text: str, unread: list[str] | None = None) -> list[Line]:
    """Plain text as lines, each a paragraph of its own but for the items of a list.

    What is left out of a text that is too long is named in ``unread``.

    Lines that a program broke at a fixed width are joined again: where most lines are as long as they can
    be before the next word, the breaks mean nothing.
    """
    if len(text) > MAX_CHARACTERS and unread is not None:
        unread.append(TOO_LONG)
    rows = [_SPACES.sub(" ", row).strip() for row in clean_characters(text[:MAX_CHARACTERS]).split("\n")]
    blocks = _blocks(rows)
    width = _wrapped_at(blocks)
    lines: list[Line] = []
    paragraph = 0
    for number, block in enumerate(blocks):
        joined = _joined(block, width) if width else block
        for index, row in enumerate(joined):
            if index == 0 or not (_BULLET.match(row) and _BULLET.match(joined[index - 1])):
                paragraph += 1
            lines.append(Line(row, paragraph, number))
    return lines


def write_text(lines: Iterable[Line]) -> str:
    """Lines as text: one blank line between paragraphs."""
    parts: list[str] = []
    before: int | None = None
    for line in lines:
        if before is not None:
            parts.append("\n" if line.paragraph == before else "\n\n")
        parts.append(line.text)
        before = line.paragraph
    return "".join(parts)


def shorten(text: str, limit: int) -> str:
    """At most ``limit`` characters of a text, ended at a word boundary with "…" when it is longer."""
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    boundary = cut.rfind(" ")
    if boundary > limit // 2 and not text[limit - 1].isspace():
        cut = cut[:boundary]
    return cut.rstrip(" ,;:.–—-([\"'“‘«") + "…"


def _blocks(rows: Sequence[str]) -> list[list[str]]:
    blocks: list[list[str]] = [[]]
    for row in rows:
        if row:
            blocks[-1].append(row)
        elif blocks[-1]:
            blocks.append([])
    return [block for block in blocks if block]


def unwrapped(text: str) -> str:
    """A text known to be wrapped, as messages are (RFC 5322 section 2.1.1), with its paragraphs whole."""
    rows = [row.rstrip() for row in clean_characters(text[:MAX_CHARACTERS]).split("\n")]
    blocks = _blocks(rows)
    width = _wrapped_at(blocks, least=1)
    return "\n\n".join("\n".join(_joined(block, width) if width else block) for block in blocks)


def weight(text: str) -> int:
    """How long a text is to a reader: a character of Chinese or Japanese is worth three letters."""
    return len(text) + 2 * len(_CJK.findall(text))


def _wrapped_at(blocks: Sequence[Sequence[str]], *, least: int = _MIN_BREAKS) -> int:
    """The width at which the text was wrapped, 0 when it was not: of ``least`` breaks most are soft."""
    width = max((len(row) for block in blocks for row in block), default=0)
    if not _MIN_WIDTH <= width <= _MAX_WIDTH:
        return 0
    # Bylines, links and the ends of paragraphs are short; how the full lines end is what tells.
    breaks = [
        (row, after) for block in blocks for row, after in pairwise(block) if len(row) * 10 >= width * 7
    ]
    soft = sum(_is_soft(row, after, width) for row, after in breaks)
    return width if len(breaks) >= least and soft * 4 >= len(breaks) * 3 else 0


def _is_soft(row: str, after: str, width: int) -> bool:
    """Whether the next word would not have fitted, so that the break is a program's."""
    if _BULLET.match(after):
        return False
    word = 1 if _CJK.match(after) else len(after.split(" ", 1)[0])  # Chinese may break after any character
    # Some programs wrap a little before the widest line's end.
    return len(row) + 1 + word > width - width // 10


def _joined(block: Sequence[str], width: int) -> list[str]:
    rows = [block[0]]
    last = block[0]
    for row in block[1:]:
        if _is_soft(last, row, width):
            glue = "" if _CJK.match(last[-1]) and _CJK.match(row[0]) else " "
            rows[-1] += glue + row
        else:
            rows.append(row)
        last = row
    return rows
