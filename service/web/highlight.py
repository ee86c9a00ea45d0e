"""Evidence in place: a text and its overlapping spans → paragraphs of pieces, each with its marks.

Pure. Spans may overlap, nest, touch, cross a paragraph or lie about the text; what does not fit the text
is left unmarked (the "why" table still lists it), never an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise

MAX_SPANS = 2_000  # a text with more is marked at its strongest evidence; the table counts the rest
_MAX_RULES_IN_TIP = 3
_PARAGRAPH_BREAK = re.compile(r"\n[ \t\r]*(?:\n[ \t\r]*)+")


@dataclass(frozen=True, slots=True)
class Span:
    """One matched phrase: ``text[start:end] == phrase``, in code points."""

    start: int
    end: int
    phrase: str
    topic: str
    rule: str
    contribution: float
    weak: bool = False  # the article does not carry the topic


@dataclass(frozen=True, slots=True)
class Mark:
    """One topic on one piece of text."""

    topic: str
    tip: str  # why, in a few words
    against: bool  # everything that matched here speaks against the topic
    weak: bool = False  # the article does not carry the topic


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text under the same marks, the outermost first."""

    text: str
    marks: tuple[Mark, ...] = ()
    anchor: str | None = None  # set on the piece where some evidence begins


@dataclass(frozen=True, slots=True)
class Highlighted:
    """A text in paragraphs, and where each span begins (by its place in the given spans)."""

    paragraphs: tuple[tuple[Piece, ...], ...]
    anchors: dict[int, str]


def highlight(text: str, spans: Sequence[Span], *, prefix: str) -> Highlighted:
    """Mark ``spans`` in ``text``.

    ``prefix`` begins the anchors' names and keeps those of a title and a text apart. Paragraphs are what
    blank lines separate; runs of blank lines are one separator. Time: n log n in the spans, and linear in
    the text.
    """
    chosen = _fitting(text, spans)
    paragraphs = list(_paragraphs(text))
    cuts = _boundaries(chosen, spans, paragraphs)
    starting = _by_place(chosen, (spans[i].start for i in chosen))
    ending = _by_place(chosen, (spans[i].end for i in chosen))

    active: dict[str, dict[int, None]] = {}
    anchors: dict[int, str] = {}
    pieces: dict[int, Piece] = {}
    for left, right in pairwise(cuts):
        for i in ending.get(left, ()):
            active[spans[i].topic].pop(i, None)
        begun = starting.get(left, ())
        for i in begun:
            active.setdefault(spans[i].topic, {})[i] = None
        anchor = f"{prefix}{len(anchors)}" if begun else None
        for i in begun:
            anchors[i] = anchor or ""
        pieces[left] = Piece(text[left:right], _marks(active, spans), anchor)
    return Highlighted(tuple(_assemble(paragraphs, cuts, pieces)), anchors)


def _fitting(text: str, spans: Sequence[Span]) -> list[int]:
    """The places of the spans that say the truth about the text, the strongest when there are too many."""
    fitting = [
        i
        for i, span in enumerate(spans)
        if 0 <= span.start < span.end <= len(text) and text[span.start : span.end] == span.phrase
    ]
    if len(fitting) > MAX_SPANS:
        fitting.sort(key=lambda i: (-abs(spans[i].contribution), spans[i].start))
        del fitting[MAX_SPANS:]
    return fitting


def _paragraphs(text: str) -> Iterable[tuple[int, int]]:
    start = 0
    for gap in _PARAGRAPH_BREAK.finditer(text):
        if gap.start() > start:
            yield start, gap.start()
        start = gap.end()
    if start < len(text):
        yield start, len(text)


def _boundaries(
    chosen: Iterable[int], spans: Sequence[Span], paragraphs: Iterable[tuple[int, int]]
) -> list[int]:
    cuts = {place for paragraph in paragraphs for place in paragraph}
    for i in chosen:
        cuts.update((spans[i].start, spans[i].end))
    return sorted(cuts)


def _by_place(chosen: Iterable[int], places: Iterable[int]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for i, place in zip(chosen, places, strict=True):
        found.setdefault(place, []).append(i)
    return found


def _marks(active: dict[str, dict[int, None]], spans: Sequence[Span]) -> tuple[Mark, ...]:
    marks = []
    for topic, present in active.items():
        if not present:
            continue
        shown = [spans[i] for i in islice(present, _MAX_RULES_IN_TIP)]
        reasons = ", ".join(f"{span.rule} ({span.contribution:+.2f})" for span in shown)
        against = all(span.contribution < 0 for span in shown)
        marks.append(Mark(topic, f"{topic}: {reasons}", against, shown[0].weak))
    return tuple(marks)


def _assemble(
    paragraphs: Iterable[tuple[int, int]], cuts: Sequence[int], pieces: dict[int, Piece]
) -> Iterable[tuple[Piece, ...]]:
    """Pieces by paragraph; those between two paragraphs are blank and fall away."""
    places = iter(cuts)
    place = next(places, None)
    for start, end in paragraphs:
        found = []
        while place is not None and place < end:
            if place >= start:
                found.append(pieces[place])
            place = next(places, None)
        yield tuple(found)
