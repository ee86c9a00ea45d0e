"""Compiled rules: what is left of a rule's tree once its phrases are patterns of the automaton.

A node answers with the spans in the folded text where it holds, in order. It asks a
`Scene` (one article, seen with some masks) for the hits of its leaves; every answer is kept, so a part that
many rules share is worked out once an article.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from service.tagging.normalise import PARAGRAPH
from service.tagging.rules import Order, Unit

Span: TypeAlias = tuple[int, int]

_WORD = re.compile(r"[^\W_]+(?:['.][^\W_]+)*")
_LONGEST_WORD = 40  # characters a word takes at most when a distance is bounded before it is counted
# A sentence ends at . ! or ? (with closing quotes) before something that may begin one, or with its
# paragraph.
_SENTENCE_END = re.compile(
    r"[.!?。！？][\"')\]]*[ ](?=[\"'(\[]*[A-ZА-ЯЁ0-9가-힣À-ÖØ-Þ])|\n\n|[。！？](?=[^\s.!?])"
)
_ABBREVIATION = re.compile(
    r"(?:^|[\s(\"'])(?:[A-Z]|[A-Za-z](?:\.[A-Za-z])+|Mr|Mrs|Ms|Dr|Prof|Gen|Lt|Col|Maj|Capt|Sgt|Adm|Sen|Rep|Gov|"
    r"Pres|St|No|Nos|vs|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sep|Sept|Oct|Nov|Dec|Inc|Co|Corp|Ltd|Brig|Cmdr|Rev|Hon|"
    r"им|г|гг|ст|тыс|млн|млрд|руб|см|др)\.$"
)


class Layout:
    """Where the sentences and paragraphs of a folded article begin; worked out when first asked for."""

    __slots__ = ("_cased", "_paragraphs", "_sentences", "text")

    def __init__(self, text: str, cased: str) -> None:
        self.text = text
        self._cased = cased
        self._sentences: list[int] | None = None
        self._paragraphs: list[int] | None = None

    @property
    def sentences(self) -> list[int]:
        """Positions at which a sentence begins, in order."""
        if self._sentences is None:
            cased = self._cased
            self._sentences = [0]
            for match in _SENTENCE_END.finditer(cased):
                at = match.start()
                if cased[at] == "." and _ABBREVIATION.search(cased, max(0, at - 12), at + 1):
                    continue
                self._sentences.append(match.end())
        return self._sentences

    @property
    def paragraphs(self) -> list[int]:
        """Positions at which a paragraph begins, in order."""
        if self._paragraphs is None:
            self._paragraphs = [0]
            at = self.text.find(PARAGRAPH)
            while at >= 0:
                self._paragraphs.append(at + len(PARAGRAPH))
                at = self.text.find(PARAGRAPH, at + len(PARAGRAPH))
        return self._paragraphs

    def starts(self, unit: Unit) -> list[int]:
        """Where the units begin; the whole article is one."""
        if unit is Unit.SENTENCE:
            return self.sentences
        return self.paragraphs if unit is Unit.PARAGRAPH else [0]


class Scene:
    """An article's hits as a rule may see them: without those that a mask hides."""

    __slots__ = ("_answers", "_hidden", "_hits", "layout")

    def __init__(
        self, hits: Mapping[int, Sequence[Span]], layout: Layout, hidden: Sequence[Span] = ()
    ) -> None:
        self._hits = hits
        self._hidden = hidden
        self._answers: dict[int, Sequence[Span]] = {}
        self.layout = layout

    def masked(self, hidden: Sequence[Span]) -> Scene:
        """The same article with more of it hidden."""
        return Scene(self._hits, self.layout, disjoint([*self._hidden, *hidden], keep_longest=True))

    def leaf(self, key: int) -> Sequence[Span]:
        """The spans of a leaf, longest first where they overlap."""
        spans = self._hits.get(key)
        if not spans:
            return ()
        if self._hidden:
            spans = outside(spans, self._hidden)
        return disjoint(spans) if len(spans) > 1 else spans

    def spans(self, node: Compiled) -> Sequence[Span]:
        """Where a node holds."""
        answer = self._answers.get(node.key)
        if answer is None:
            answer = self._answers[node.key] = node.find(self)
        return answer


def disjoint(spans: Sequence[Span], *, keep_longest: bool = False) -> list[Span]:
    """Spans in order; of those that overlap the first stays, and of equal starts the longest.

    With ``keep_longest`` overlapping spans are joined instead.
    """
    kept: list[Span] = []
    reached = -1
    for start, end in sorted(spans, key=_by_start_longest):
        if start >= reached:
            kept.append((start, end))
            reached = end
        elif keep_longest and end > reached:
            kept[-1] = (kept[-1][0], end)
            reached = end
    return kept


def _by_start_longest(span: Span) -> tuple[int, int]:
    return span[0], -span[1]


def outside(spans: Sequence[Span], hidden: Sequence[Span]) -> list[Span]:
    """The spans that lie in none of the hidden ones, which are in order and disjoint."""
    starts = [start for start, _ in hidden]
    kept = []
    for start, end in spans:
        index = bisect_right(starts, start) - 1
        if index < 0 or hidden[index][1] < end:
            kept.append((start, end))
    return kept


class Compiled(ABC):
    """A node of a compiled rule. Nodes of one ``key`` are the same question."""

    __slots__ = ("anchors", "key", "size")

    def __init__(self, key: int, anchors: frozenset[int], size: int) -> None:
        self.key = key
        self.anchors = anchors  # leaves of which one must be hit for the node to hold
        self.size = size  # patterns behind the anchors: how often they may be hit

    @abstractmethod
    def find(self, scene: Scene) -> Sequence[Span]:
        """Where the node holds, in order."""


class LeafNode(Compiled):
    """Patterns of the automaton, or one regular expression."""

    __slots__ = ()

    def __init__(self, key: int, size: int) -> None:
        super().__init__(key, frozenset({key}), size)

    def find(self, scene: Scene) -> Sequence[Span]:
        return scene.leaf(self.key)


class AnyNode(Compiled):
    """Any of some nodes."""

    __slots__ = ("parts",)

    def __init__(self, key: int, parts: tuple[Compiled, ...]) -> None:
        anchors = frozenset(anchor for part in parts for anchor in part.anchors)
        super().__init__(key, anchors, sum(part.size for part in parts))
        self.parts = parts

    def find(self, scene: Scene) -> Sequence[Span]:
        return disjoint([span for part in self.parts for span in scene.spans(part)])


class _Pair(Compiled):
    """Two nodes, of which the left one's hits are kept or dropped for the right one's."""

    __slots__ = ("left", "negated", "right")

    def __init__(self, key: int, left: Compiled, right: Compiled, *, negated: bool = False) -> None:
        rarer = left if negated or left.size <= right.size else right
        super().__init__(key, rarer.anchors, rarer.size)
        self.left = left
        self.right = right
        self.negated = negated

    def find(self, scene: Scene) -> Sequence[Span]:
        left = scene.spans(self.left)
        if not left:
            return ()
        right = scene.spans(self.right)
        if not right:
            return left if self.negated else ()
        return self.join(scene.layout, left, disjoint(right) if len(right) > 1 else right)

    @abstractmethod
    def join(self, layout: Layout, left: Sequence[Span], right: Sequence[Span]) -> Sequence[Span]:
        """The answer from the operands' spans, neither of them empty."""


class AdjacentNode(_Pair):
    """A phrase in two pieces: the right one begins one space after the left one ends."""

    __slots__ = ()

    def join(self, layout: Layout, left: Sequence[Span], right: Sequence[Span]) -> Sequence[Span]:
        ends = dict(right)
        text = layout.text
        return [(start, ends[end + 1]) for start, end in left if end + 1 in ends and text[end] == " "]


class NearNode(_Pair):
    """Two nodes at most ``distance`` words apart within a paragraph."""

    __slots__ = ("distance", "order")

    def __init__(
        self, key: int, left: Compiled, right: Compiled, *, distance: int, order: Order, negated: bool
    ) -> None:
        super().__init__(key, left, right, negated=negated)
        self.distance = distance
        self.order = order

    def join(self, layout: Layout, left: Sequence[Span], right: Sequence[Span]) -> Sequence[Span]:
        starts = [start for start, _ in right]
        ends = [end for _, end in right]
        found: list[Span] = []
        for start, end in left:
            gaps = []
            if self.order is not Order.AFTER:
                index = bisect_left(starts, end)
                if index < len(right):
                    gaps.append((self._words(layout.text, end, starts[index]), (start, ends[index])))
            if self.order is not Order.BEFORE:
                index = bisect_right(ends, start) - 1
                if index >= 0:
                    gaps.append((self._words(layout.text, ends[index], start), (starts[index], end)))
            words, span = min(gaps, default=(self.distance + 1, (start, end)))
            if (words <= self.distance) is not self.negated:
                found.append((start, end) if self.negated else span)
        return found if self.order is Order.BEFORE else sorted(found)

    def _words(self, text: str, start: int, end: int) -> int:
        """How many words stand between; more than the distance when too far or in another paragraph."""
        too_far = self.distance + 1
        if end - start > too_far * _LONGEST_WORD or text.find(PARAGRAPH, start, end) >= 0:
            return too_far
        return min(too_far, len(_WORD.findall(text, start, end)))


class WithNode(_Pair):
    """Two nodes in one sentence, paragraph or article."""

    __slots__ = ("unit",)

    def __init__(self, key: int, left: Compiled, right: Compiled, *, unit: Unit, negated: bool) -> None:
        super().__init__(key, left, right, negated=negated)
        self.unit = unit

    def join(self, layout: Layout, left: Sequence[Span], right: Sequence[Span]) -> Sequence[Span]:
        bounds = layout.starts(self.unit)
        partners: dict[int, list[Span]] = {}
        for span in right:
            partners.setdefault(bisect_right(bounds, span[0]), []).append(span)
        found = []
        for start, end in left:
            there = partners.get(bisect_right(bounds, start), ())
            if any(other <= start or begin >= end for begin, other in there) is not self.negated:
                found.append((start, end))
        return found
