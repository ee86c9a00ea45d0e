"""From the trees of rules to nodes over one automaton: the phrases of all rules of one language together."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, reduce
from itertools import product, takewhile
from math import exp, prod
from typing import TypeAlias

from service.tagging.inflect import ANY_TAIL, Form, Mark, forms
from service.tagging.leaves import Pattern
from service.tagging.nodes import AdjacentNode, AnyNode, Compiled, LeafNode, NearNode, WithNode
from service.tagging.tree import AnyOf, Chain, Expression, Near, Node, Phrases, RuleError, With, Word

MAX_FORMS = 20_000  # patterns that one rule may stand for

_EXPRESSION_FREQUENCY = 0.1  # as `frequency` guesses it of words
Maker: TypeAlias = Callable[[int], Compiled]
_Piece: TypeAlias = list[tuple[Pattern, ...]]  # the forms of each of its words


@dataclass(slots=True)
class Compiler:
    """Gathers the patterns of many rules; equal parts of rules become the same node."""

    language: str
    patterns: dict[Pattern, list[LeafNode]] = field(default_factory=dict)  # the leaves of each
    expressions: dict[str, LeafNode] = field(default_factory=dict)  # by regular expression
    _nodes: dict[Hashable, Compiled] = field(default_factory=dict)

    def compile(self, node: Node) -> Compiled:
        """The compiled form of a rule's tree. Raises `RuleError` where it stands for too much."""
        match node:
            case Phrases():
                return self._phrases(node, final=True)
            case Chain(parts):
                return self._chain(parts, final=True)
            case Expression(pattern):
                return self._expression(pattern)
            case AnyOf(parts):
                return self._any([self.compile(part) for part in parts])
            case Near(left, right, distance, order, negated):
                one, other = self.compile(left), self.compile(right)
                return self._intern(
                    ("near", one.key, other.key, distance, order, negated),
                    lambda key: NearNode(key, one, other, distance=distance, order=order, negated=negated),
                )
            case With(left, right, unit, negated):
                one, other = self.compile(left), self.compile(right)
                return self._intern(
                    ("with", one.key, other.key, unit, negated),
                    lambda key: WithNode(key, one, other, unit=unit, negated=negated),
                )

    def check(self, node: Node, *, final: bool = True) -> None:
        """Raises `RuleError` where `compile` would, without making the patterns."""
        match node:
            case Phrases():
                self._spelled(node, final=final or node.shared)
            case Chain(parts):
                last = len(parts) - 1
                for index, part in enumerate(parts):
                    self.check(part, final=final and index == last)
            case AnyOf(parts):
                for part in parts:
                    self.check(part, final=final)
            case Near(left, right) | With(left, right):
                self.check(left)
                self.check(right)

    def _spelled(self, phrases: Phrases, *, final: bool) -> list[list[_Piece]]:
        """The pieces of each phrase. Raises `RuleError` where they stand for too many forms."""
        spelled = [_pieces(sequence, self.language, final=final) for sequence in phrases.sequences]
        if sum(_product(piece) for pieces in spelled for piece in pieces) > MAX_FORMS:
            raise RuleError(f"the rule stands for more than {MAX_FORMS} forms of words")
        return spelled

    @property
    def nodes(self) -> int:
        """How many nodes there are; their keys are the numbers below it."""
        return len(self._nodes)

    def _part(self, node: Node, *, final: bool) -> Compiled:
        """A piece of a phrase; only the final one ends with a word that is inflected of itself."""
        match node:
            case Phrases():
                return self._phrases(node, final=final or node.shared)
            case Chain(parts):
                return self._chain(parts, final=final)
            case AnyOf(parts):
                return self._any([self._part(part, final=final) for part in parts])
        raise AssertionError(node)

    def _chain(self, parts: tuple[Node, ...], *, final: bool) -> Compiled:
        last = len(parts) - 1
        nodes = [self._part(part, final=final and index == last) for index, part in enumerate(parts)]
        chain = nodes[0]
        for part, node in zip(parts, nodes[1:], strict=False):
            chain = self._adjacent(chain, node, possessive=_shared(part))
        return chain

    def _intern(self, identity: Hashable, make: Maker) -> Compiled:
        node = self._nodes.get(identity)
        if node is None:
            node = self._nodes[identity] = make(len(self._nodes))
        return node

    def _any(self, parts: list[Compiled]) -> Compiled:
        if len(parts) == 1:
            return parts[0]
        identity = ("any", *sorted(part.key for part in parts))
        return self._intern(identity, lambda key: AnyNode(key, tuple(parts)))

    def _expression(self, pattern: str) -> Compiled:
        node = self.expressions.get(pattern)
        if node is None:
            made = self._intern(("expression", pattern), lambda key: LeafNode(key, _EXPRESSION_FREQUENCY))
            assert isinstance(made, LeafNode)
            node = self.expressions[pattern] = made
        return node

    def _phrases(self, phrases: Phrases, *, final: bool) -> Compiled:
        whole: set[Pattern] = set()  # of phrases that are one pattern
        pieced: list[Compiled] = []
        for spelled in self._spelled(phrases, final=final):
            pieces = list(map(_concatenated, spelled))
            if len(pieces) == 1:
                whole.update(pieces[0])
            else:
                pieced.append(reduce(self._adjacent, (self._leaf(frozenset(piece)) for piece in pieces)))
        parts = list(dict.fromkeys(pieced))
        if whole:
            parts.insert(0, self._leaf(frozenset(whole)))
        return self._any(parts)

    def _adjacent(self, left: Compiled, right: Compiled, *, possessive: bool = False) -> Compiled:
        return self._intern(
            ("adjacent", left.key, right.key, possessive),
            lambda key: AdjacentNode(key, left, right, possessive=possessive),
        )

    def _leaf(self, patterns: frozenset[Pattern]) -> Compiled:
        def make(key: int) -> LeafNode:
            node = LeafNode(key, frequency(patterns))
            for pattern in patterns:
                self.patterns.setdefault(pattern, []).append(node)
            return node

        return self._intern(patterns, make)


def _shared(part: Node) -> bool:
    """Whether a part is, or may be, an entry of a named list."""
    match part:
        case Phrases():
            return part.shared
        case AnyOf(parts):
            return any(map(_shared, parts))
        case Chain(parts):
            return _shared(parts[-1])
    return False


def frequency(patterns: Iterable[Pattern]) -> float:
    """A guess at how often one of some patterns is hit, to tell rare words from frequent ones."""
    return sum(exp(-len(pattern.literal) / 2) for pattern in patterns)


def _pieces(sequence: tuple[Word, ...], language: str, *, final: bool) -> list[_Piece]:
    """A phrase in pieces; one ends after a word of which only the stem is spelled out.

    The last word of a phrase is inflected where it is the ``final`` one, too.
    """
    pieces: list[_Piece] = []
    words: _Piece = []
    last = len(sequence) - 1
    for index, word in enumerate(sequence):
        spelled = _word_patterns(word, language, last=final and index == last)
        words.append(spelled)
        if any(pattern.tail is not None for pattern in spelled):
            pieces.append(words)
            words = []
    if words:
        pieces.append(words)
    return pieces


def _product(words: _Piece) -> int:
    """How many forms a piece stands for."""
    count = prod(map(len, words))
    if count > MAX_FORMS:
        raise RuleError(f"a phrase stands for {count} forms, at most {MAX_FORMS} are allowed")
    return count


def _concatenated(words: _Piece) -> Sequence[Pattern]:
    return [_phrase(parts) for parts in product(*words)] if len(words) > 1 else words[0]


def _phrase(parts: tuple[Pattern, ...]) -> Pattern:
    cased, at = [], 0
    for part in parts:
        cased += [(at + offset, written) for offset, written in part.cased]
        at += len(part.literal) + 1
    return Pattern(" ".join(part.literal for part in parts), parts[0].open_left, parts[-1].tail, tuple(cased))


@lru_cache(maxsize=20_000)  # rules share most of their words
def _word_patterns(word: Word, language: str, *, last: bool) -> tuple[Pattern, ...]:
    mark = word.mark
    if mark is None:
        mark = Mark.NOUN if last or language == "ru" else Mark.EXACT
    found = list(forms(word.text, mark, language))
    if word.open_right:
        found = [Form(word.text, ANY_TAIL)]
    if language == "en" and word.capital and not last and not word.text.endswith("'s"):
        found += [Form(form.literal + ("'" if form.literal.endswith("s") else "'s")) for form in found]
    return tuple(
        Pattern(form.literal, word.open_left, form.tail, _with_case(word, form.literal)) for form in found
    )


def _with_case(word: Word, form: str) -> tuple[tuple[int, str], ...]:
    """A form of a word in the case that its rule asks for."""
    if word.cased is None:
        return ()
    pairs = zip(word.text, form, strict=False)
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    return ((0, word.cased[:same] + form[same:]),)
