"""Rows of glyphs on pages → headings, paragraphs, notes, and what stands outside the text. Pure geometry.

A PDF knows no paragraphs, only glyphs at places. What a reader sees as one is told by how far rows are
apart, where they begin and end, and how large they are; what recurs at the edges of pages is furniture.
"""

from __future__ import annotations

import html
import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

_EDGE = 0.12  # of a page's height, in which running heads and feet stand
_EDGE_ROWS = 4
_MIN_RECURRING = 2
_HEADING = 1.15  # times the size of the body
_TITLE = 1.2
_OTHER_SIZE = 0.15
_NOTE = 0.88
_MAX_TITLE = 300  # characters
_LEADING = 1.3  # times the usual distance of rows: the next paragraph
_INDENT = 0.8  # of a row's size
_GAP = 0.15  # of a row's size: a space
_SHORT = 0.85  # of the column's width: a row that ends a sentence before was not wrapped
_VERY_SHORT = 0.6  # one that ends before was not wrapped
_NUMBER = re.compile(r"\d+")
_PAGE_NUMBER = re.compile(
    r"[\s–—\-|•(\[]*(?:(?:page|seite|pagina|página|стр(?:аница)?|p)\.? ?)?\d{1,4}"
    r"(?: ?(?:of|von|de|sur|di|из|/) ?\d{1,4})?[\s–—\-|•)\]]*",
    re.IGNORECASE,
)
_ENDED = re.compile(r"[.!?。！？؟:;…][\"'”’»)\]\d]*$")
_BULLET = re.compile(r"(?:[•‣◦▪●∙·*–—-]|\(?\d{1,3}[.)]|\(?[a-z][.)])\s+\S")
_WORD = re.compile(r"[^\W\d_]+")
_TRAILING_WORD = re.compile(r"([^\W\d_]+)[-\xad\u2010]$")
_LEADING_WORD = re.compile(r"[^\W\d_]+")
_COMPOUND = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)+")
_CJK = re.compile("[\u3001-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uff60]")


@dataclass(frozen=True, slots=True)
class Row:
    """One row of glyphs on a page; places and sizes in points, from the lower left corner."""

    text: str
    left: float
    right: float
    bottom: float  # its base line
    size: float  # of its font
    height: float  # of its page


@dataclass(frozen=True, slots=True)
class LaidOut:
    """A document's text as simple HTML, the title that its first page shows, and its furniture."""

    html: str
    title: str | None = None
    margins: tuple[str, ...] = ()


@dataclass(slots=True)
class _Block:
    rows: list[Row] = field(default_factory=list)

    @property
    def size(self) -> float:
        return max(row.size for row in self.rows)


def lay_out(pages: Sequence[Sequence[Row]]) -> LaidOut:
    """Put the rows of a document's pages together."""
    pages, margins = _without_margins([_merged(page) for page in pages])
    rows = [row for page in pages for row in page]
    if not rows:
        return LaidOut("", margins=margins)
    body = _body_size(rows)
    compounds = set(_COMPOUND.findall("\n".join(row.text for row in rows).casefold()))
    bodies, notes = zip(*(_split_notes(page, body) for page in pages), strict=True)
    blocks = _blocks(bodies, body) + _blocks(notes, body)
    title = _title([block for block in blocks if block.rows[0] in set(pages[0])], body)
    written = []
    for block in blocks:
        tag = "h2" if block.size > body * _HEADING and len(block.rows) < _EDGE_ROWS else "p"
        written.append(f"<{tag}>{html.escape(_joined(block.rows, compounds), quote=False)}</{tag}>")
    return LaidOut("\n".join(written), _joined(title.rows, compounds) if title else None, margins)


def _merged(page: Sequence[Row]) -> list[Row]:
    """Rows that stand beside each other, as cells and raised numbers do, as one."""
    merged: list[Row] = []
    for row in page:
        last = merged[-1] if merged else None
        if last is None or abs(last.bottom - row.bottom) >= max(last.size, row.size) / 2:
            merged.append(row)
            continue
        if last.text.endswith("\xad") or row.left < last.left:
            merged.append(row)
            continue
        larger = max(last, row, key=lambda one: (one.size, len(one.text)))
        gap = "" if row.left - last.right < _GAP * row.size else " "
        merged[-1] = replace(
            larger,
            text=last.text + gap + row.text,
            left=last.left,
            right=max(last.right, row.right),
        )
    return merged


# -- furniture -----------------------------------------------------------------------------------------


def _without_margins(pages: Sequence[Sequence[Row]]) -> tuple[list[list[Row]], tuple[str, ...]]:
    """Pages without running heads, feet and page numbers, and those."""
    edges = [_edge(page) for page in pages]
    recurring = Counter(mask for edge in edges for mask in {_mask(row.text) for row in edge})
    least = max(_MIN_RECURRING, len([page for page in pages if page]) // 3)
    kept = []
    margins: dict[str, str] = {}
    numbers: list[str] = []
    for page, edge in zip(pages, edges, strict=True):
        out = {
            row
            for row in edge
            if recurring[_mask(row.text)] >= least or _PAGE_NUMBER.fullmatch(row.text.strip())
        }
        if len(out) == len(page):
            out = {row for row in out if _PAGE_NUMBER.fullmatch(row.text.strip())}
        kept.append([row for row in page if row not in out])
        for row in page:
            if row in out and _PAGE_NUMBER.fullmatch(row.text.strip()):
                numbers.append(row.text.strip())
            elif row in out:
                margins.setdefault(_mask(row.text), row.text)
    return kept, (*margins.values(), *([" · ".join(dict.fromkeys(numbers))] if numbers else ()))


def _edge(page: Sequence[Row]) -> list[Row]:
    """The rows at a page's upper and lower edge that a gap sets apart from the text."""
    leading = _leading(page)
    down = sorted(page, key=lambda row: row.bottom)
    low = [row.bottom < row.height * _EDGE for row in down]
    high = [row.bottom + row.size > row.height * (1 - _EDGE) for row in down]
    edge = down[: _apart(down, low, leading)]
    down.reverse()
    return edge + [row for row in down[: _apart(down, high[::-1], leading)] if row not in edge]


def _apart(rows: Sequence[Row], near: Sequence[bool], leading: float) -> int:
    """How many of the first rows are near the edge and apart from what comes behind them."""
    for index in range(min(_EDGE_ROWS, len(rows))):
        if not near[index]:
            break
        gap = abs(rows[index].bottom - rows[index + 1].bottom) if index + 1 < len(rows) else math.inf
        if gap > _LEADING * leading:
            return index + 1
    return 0


def _mask(text: str) -> str:
    return _NUMBER.sub("#", " ".join(text.split())).casefold()


def _split_notes(page: Sequence[Row], body: float) -> tuple[list[Row], list[Row]]:
    """The rows of a page, and the footnotes that end it."""
    end = len(page)
    while end and page[end - 1].size < body * _NOTE:
        end -= 1
    if end == 0 or (end < len(page) and page[end].bottom > page[end].height / 2):
        return list(page), []
    return list(page[:end]), list(page[end:])


# -- paragraphs ----------------------------------------------------------------------------------------


def _body_size(rows: Iterable[Row]) -> float:
    """The size in which most of the text is set."""
    sizes: Counter[float] = Counter()
    for row in rows:
        sizes[round(row.size, 0)] += len(row.text)
    return max(1.0, sizes.most_common(1)[0][0])


def _blocks(pages: Iterable[Sequence[Row]], body: float) -> list[_Block]:
    blocks: list[_Block] = []
    for page in pages:
        leading = _leading(page)
        right = max((row.right for row in page), default=0.0)
        for index, row in enumerate(page):
            last = blocks[-1].rows[-1] if blocks else None
            if last is None:
                begins = True
            elif index == 0:
                begins = not _goes_on(last, row)
            else:
                begins = _begins(last, row, blocks[-1], leading=leading, right=right, body=body)
            if begins:
                blocks.append(_Block())
            blocks[-1].rows.append(row)
    return blocks


def _leading(page: Sequence[Row]) -> float:
    """The usual distance from one row of a paragraph to the next."""
    distances = sorted(
        one.bottom - other.bottom
        for one, other in pairwise(page)
        if 0.8 * one.size < one.bottom - other.bottom < 3 * max(one.size, other.size)
    )
    # The gaps between paragraphs are the larger ones, and may be the more frequent.
    return distances[len(distances) // 4] if distances else 0.0


def _begins(last: Row, row: Row, block: _Block, *, leading: float, right: float, body: float) -> bool:
    """Whether a row begins a paragraph of its own after the one before it."""
    distance = last.bottom - row.bottom
    if abs(row.size - last.size) > _OTHER_SIZE * max(row.size, last.size):
        return True
    if distance < 0 or distance > 4 * max(leading, row.size):
        return not _goes_on(last, row)  # the next column
    if row.size > body * _HEADING:
        return distance > 1.6 * row.size  # rows of a title are often centred, and as short as they may be
    if distance > _LEADING * max(leading, row.size * 0.9) or _BULLET.match(row.text):
        return True
    left = min(one.left for one in block.rows)
    if row.left > left + _INDENT * row.size and len(block.rows) > 1:
        return True
    width = right - left
    if last.right < left + _VERY_SHORT * width and not row.text[:1].islower():
        return True
    return last.right < left + _SHORT * width and _ENDED.search(last.text) is not None


def _goes_on(last: Row, row: Row) -> bool:
    """Whether a paragraph goes on over the end of a page or column."""
    if abs(row.size - last.size) > _OTHER_SIZE * max(row.size, last.size):
        return False
    if _ENDED.search(last.text):
        return False
    first = row.text.lstrip("\"'“„«(")[:1]
    return first.islower() or last.text.endswith(("-", "\xad", ",")) or bool(_CJK.match(first))


def _title(first_page: Sequence[_Block], body: float) -> _Block | None:
    """The largest block of the first page, where it stands out and reads like a title."""
    largest = max(first_page, key=lambda block: block.size, default=None)
    if largest is None or largest.size < body * _TITLE:
        return None
    row = largest.rows[0]
    length = sum(len(one.text) for one in largest.rows)
    words = sum(len(_WORD.findall(one.text)) for one in largest.rows)
    if length > _MAX_TITLE or words < 2 or row.bottom < row.height * 0.3:  # noqa: PLR2004
        return None
    return largest


def _joined(rows: Sequence[Row], compounds: set[str]) -> str:
    """The rows of a paragraph as one text, words that were broken at line ends whole again."""
    text = rows[0].text
    for row in rows[1:]:
        start, following = _TRAILING_WORD.search(text), _LEADING_WORD.match(row.text)
        if start and following:
            broken = f"{start[1]}-{following[0]}".casefold()
            # "arms-" and "control": a hyphen of its own where the document has one elsewhere, too.
            keeps = broken in compounds or not following[0][0].islower()
            text = (text[:-1] + "-" if keeps else text[:-1]) + row.text
        elif _CJK.match(text[-1:]) and _CJK.match(row.text):
            text += row.text
        else:
            text = f"{text} {row.text}"
    return text.replace("\xad", "-") if "\xad" in text else text
