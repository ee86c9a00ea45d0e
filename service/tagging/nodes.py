"""Compiled rules: what is left of a rule's tree once its phrases are patterns of the automaton.

A node answers with the spans in the folded text where it holds, in order. It asks a
`Scene` (one article, seen with some masks) for the hits of its leaves; every answer is kept, so a part that
many rules share is worked out once an article.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from service.tagging.leaves import Hits, Leaf, Span
from service.tagging.normalise import BREAK, PARAGRAPH
from service.tagging.tree import Order, Unit

_DASH = f" {BREAK}"  # a dash between words is none itself
_LONGEST_WORD = 40  # characters a word takes at most when a distance is bounded before it is counted
# A sentence ends at . ! or ? (with closing quotes) before something that may begin one, or with its
# paragraph. Both expressions begin with one class of characters, which `re` looks for several times as fast
# as for alternatives.
_SENTENCE_END = re.compile(
    r"[.!?。！？\n](?:(?<!\n)[\"')\]]*[ ](?=[\"'(\[]*[A-ZА-ЯЁ0-9가-힣À-ÖØ-Þ])|(?<=\n)\n|"
    r"(?<=[。！？])(?=[^\s.!?]))"
)
_ASCII_SENTENCE_END = re.compile(r"[.!?\n](?:(?<!\n)[\"')\]]*[ ](?=[\"'(\[]*[A-Z0-9])|(?<=\n)\n)")
_LONGEST_ABBREVIATION = 4  # letters without a full stop among them
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
            ends = _ASCII_SENTENCE_END if cased.isascii() else _SENTENCE_END
            for match in ends.finditer(cased):
                at = match.start()
                if cased[at] != "." or not _is_abbreviated(cased, at):
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


def _is_abbreviated(cased: str, at: int) -> bool:
    """Whether the full stop at a position ends an abbreviation."""
    before = at - _LONGEST_ABBREVIATION - 1
    if before >= 0 and cased[before:at].isalpha():
        return False
    return _ABBREVIATION.search(cased, max(0, at - 12), at + 1) is not None


class Scene:
    """An article's hits as a rule may see them: without those that a mask hides."""

    __slots__ = ("_answers", "hidden", "hits", "layout", "leaves")

    def __init__(self, hits: Hits, layout: Layout, hidden: Sequence[Span] = ()) -> None:
        self._answers: dict[int, Sequence[Span]] = {}
        self.hits = hits
        self.hidden = hidden  # in order and disjoint
        self.leaves = hits.leaves
        self.layout = layout

    def masked(self, hidden: Sequence[Span]) -> Scene:
        """The same article with places hidden."""
        return Scene(self.hits, self.layout, joined(hidden))

    def spans(self, node: Compiled) -> Sequence[Span]:
        """Where a node holds."""
        answer = self._answers.get(node.key)
        if answer is None:
            answer = () if node.anchors.isdisjoint(self.leaves) else node.find(self)
            self._answers[node.key] = answer
        return answer


def disjoint(spans: Sequence[Span]) -> Sequence[Span]:
    """Spans in order; of those that overlap the first stays, and of equal starts the longest."""
    reached = -1
    for start, end in spans:
        if start < reached:
            break
        reached = end
    else:  # as the automaton gives them most often
        return spans
    kept: list[Span] = []
    reached = -1
    for start, end in sorted(spans, key=_by_start_longest):
        if start >= reached:
            kept.append((start, end))
            reached = end
    return kept


def joined(spans: Sequence[Span]) -> list[Span]:
    """Spans in order, those that overlap made one."""
    kept: list[Span] = []
    for start, end in sorted(spans):
        if kept and start <= kept[-1][1]:
            kept[-1] = (kept[-1][0], max(end, kept[-1][1]))
        else:
            kept.append((start, end))
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

    __slots__ = ("anchors", "frequency", "key")

    def __init__(self, key: int, anchors: frozenset[int], frequency: float) -> None:
        self.key = key
        self.anchors = anchors  # leaves of which one must be hit for the node to hold
        self.frequency = frequency  # a guess at how often the anchors are hit, to choose the rarer ones

    @abstractmethod
    def find(self, scene: Scene) -> Sequence[Span]:
        """Where the node holds, in order; of overlapping places the longest."""

    def every(self, scene: Scene) -> Sequence[Span]:
        """Where the node holds, overlapping places and all: of a phrase's piece any may be the right one."""
        return scene.spans(self)


class LeafNode(Compiled):
    """Patterns of the automaton, or one regular expression."""

    __slots__ = ("leaf",)

    def __init__(self, key: int, frequency: float) -> None:
        super().__init__(key, frozenset({key}), frequency)
        self.leaf = Leaf()

    def find(self, scene: Scene) -> Sequence[Span]:
        spans: Sequence[Span] = self.leaf.spans(scene.hits)
        if scene.hidden:
            spans = outside(spans, scene.hidden)
        return disjoint(spans) if len(spans) > 1 else spans

    def every(self, scene: Scene) -> Sequence[Span]:
        spans = self.leaf.spans(scene.hits)
        return outside(spans, scene.hidden) if scene.hidden else spans


class AnyNode(Compiled):
    """Any of some nodes."""

    __slots__ = ("_parts",)

    def __init__(self, key: int, parts: tuple[Compiled, ...]) -> None:
        anchors = frozenset(anchor for part in parts for anchor in part.anchors)
        super().__init__(key, anchors, sum(part.frequency for part in parts))
        self._parts: dict[int, list[Compiled]] = {}  # by anchor
        for part in parts:
            for anchor in part.anchors:
                self._parts.setdefault(anchor, []).append(part)

    def _candidates(self, scene: Scene) -> Sequence[Compiled]:
        """The parts that may hold."""
        hit = self.anchors & scene.leaves
        if len(hit) == 1:
            (anchor,) = hit
            return self._parts[anchor]
        return list(dict.fromkeys([part for anchor in hit for part in self._parts[anchor]]))

    def find(self, scene: Scene) -> Sequence[Span]:
        parts = self._candidates(scene)
        if len(parts) == 1:
            return scene.spans(parts[0])
        spans = [span for part in parts for span in scene.spans(part)]
        return disjoint(spans) if len(spans) > 1 else spans

    def every(self, scene: Scene) -> Sequence[Span]:
        return [span for part in self._candidates(scene) for span in part.every(scene)]


class _Pair(Compiled):
    """Two nodes, of which the left one's hits are kept or dropped for the right one's."""

    __slots__ = ("left", "negated", "right")

    def __init__(self, key: int, left: Compiled, right: Compiled, *, negated: bool = False) -> None:
        rarer = left if negated or left.frequency <= right.frequency else right
        super().__init__(key, rarer.anchors, rarer.frequency)
        self.left = left
        self.right = right
        self.negated = negated

    def find(self, scene: Scene) -> Sequence[Span]:
        if not self.negated and self.right.anchors.isdisjoint(scene.leaves):
            return ()
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


class AdjacentNode(Compiled):
    """A phrase in two pieces: the right one begins one space after the left one ends.

    With ``possessive`` the left one's may end in an apostrophe, with or without an s.
    """

    __slots__ = ("left", "possessive", "right")

    def __init__(self, key: int, left: Compiled, right: Compiled, *, possessive: bool) -> None:
        rarer = left if left.frequency <= right.frequency else right
        super().__init__(key, rarer.anchors, rarer.frequency)
        self.left = left
        self.right = right
        self.possessive = possessive

    def find(self, scene: Scene) -> Sequence[Span]:
        spans = self.every(scene)
        return disjoint(spans) if len(spans) > 1 else spans

    def every(self, scene: Scene) -> Sequence[Span]:
        if self.left.anchors.isdisjoint(scene.leaves) or self.right.anchors.isdisjoint(scene.leaves):
            return ()
        ends: dict[int, list[int]] = {}
        for start, end in self.right.every(scene):
            ends.setdefault(start, []).append(end)
        if not ends:
            return ()
        text = scene.layout.text
        gaps = (" ", "'s ", "' ") if self.possessive else (" ",)
        return [
            (start, finish)
            for start, end in self.left.every(scene)
            for gap in gaps
            if end + len(gap) in ends and text.startswith(gap, end)
            for finish in ends[end + len(gap)]
        ]


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
        starts, ends = zip(*right, strict=True)
        found: list[Span] = []
        for start, end in left:
            words, span = self.distance + 1, (start, end)
            if self.order is not Order.AFTER:
                index = bisect_left(starts, end)
                if index < len(right):
                    words, span = self._words(layout.text, end, starts[index]), (start, ends[index])
            if self.order is not Order.BEFORE:
                index = bisect_right(ends, start) - 1
                if index >= 0:
                    before = self._words(layout.text, ends[index], start)
                    if before < words:
                        words, span = before, (starts[index], end)
            if (words <= self.distance) is not self.negated:
                found.append((start, end) if self.negated else span)
        return found if self.order is Order.BEFORE else sorted(found)

    def _words(self, text: str, start: int, end: int) -> int:
        """How many words stand between; more than the distance when too far or in another paragraph."""
        too_far = self.distance + 1
        if end - start > too_far * _LONGEST_WORD or text.find(PARAGRAPH, start, end) >= 0:
            return too_far
        return max(0, text.count(" ", start, end) - text.count(_DASH, start, end) - 1)


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
