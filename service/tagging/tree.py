"""The tree of a rule, and how its phrases are put together.

A phrase with alternatives inside is spelled out, because a long pattern costs the automaton less than checks
by hand, up to `MAX_FLAT` forms. Beyond, and where a named list stands in it, it stays in pieces (`Chain`)
that are found one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from math import exp, prod
from typing import NamedTuple, TypeAlias

from service.tagging.inflect import Mark

MAX_FLAT = 200  # phrases spelled out together
MAX_WORDS = 20  # in a phrase
MAX_VARIANTS = 16  # ways to leave out optional groups that cannot be spelled out


class RuleError(ValueError):
    """A rule that cannot be used: the text is the reason."""


class Word(NamedTuple):
    """One word of a phrase, folded (a hyphenated word has spaces)."""

    text: str
    mark: Mark | None  # None: as its language does with a word at this place
    cased: str | None  # the case it must have
    capital: bool  # written with an initial capital: a name
    open_left: bool
    open_right: bool


class Order(StrEnum):
    """On which side of the left operand the right one may stand."""

    NEAR = "near"
    BEFORE = "before"
    AFTER = "after"


class Unit(StrEnum):
    """The part of an article that two operands must share."""

    SENTENCE = "sentence"
    PARAGRAPH = "paragraph"
    ARTICLE = "article"


@dataclass(frozen=True, slots=True)
class Phrases:
    """Any of some phrases. Those of a named list are ``shared``: one set of hits serves all its uses."""

    sequences: tuple[tuple[Word, ...], ...]
    shared: bool = False


@dataclass(frozen=True, slots=True)
class Chain:
    """Phrases in pieces, one word after the other, where spelling them all out would be too many."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Expression:
    """A regular expression in RE2's syntax, case already decided by a flag."""

    pattern: str


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Any of some rules."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Near:
    """``left`` with (or without) a ``right`` at most ``distance`` words away in the same paragraph."""

    left: Node
    right: Node
    distance: int
    order: Order
    negated: bool


@dataclass(frozen=True, slots=True)
class With:
    """``left`` with (or without) a ``right`` in the same unit of the article."""

    left: Node
    right: Node
    unit: Unit
    negated: bool


Node: TypeAlias = Phrases | Chain | Expression | AnyOf | Near | With
Lists: TypeAlias = Callable[[str], Phrases]


class Item(NamedTuple):
    """A word, quotation, list or group of a phrase; an optional one may be left out."""

    node: Node
    optional: bool = False


def is_phrase(node: Node) -> bool:
    """Whether a node is words one after the other, and so may be part of a phrase."""
    return isinstance(node, Phrases | Chain) or (isinstance(node, AnyOf) and all(map(is_phrase, node.parts)))


def any_of(parts: Sequence[Node]) -> Node:
    """Any of some nodes; what is spelled out is put together."""
    spelled = [part for part in parts if isinstance(part, Phrases) and not part.shared]
    merged = tuple(dict.fromkeys(sequence for part in spelled for sequence in part.sequences))
    rest = [part for part in dict.fromkeys(parts) if part not in spelled]
    nodes = [Phrases(merged), *rest] if merged else rest
    return nodes[0] if len(nodes) == 1 else AnyOf(tuple(nodes))


def phrase_of(items: Sequence[Item]) -> Node:
    """The phrase that a row of items is. Raises `RuleError`."""
    if len(items) == 1 and not items[0].optional and _is_word(items[0].node):
        return items[0].node
    pieces: list[Item] = []
    run: list[tuple[tuple[Word, ...], ...]] = []
    for item in items:
        if isinstance(item.node, Phrases) and not item.node.shared:
            run.append((*item.node.sequences, ()) if item.optional else item.node.sequences)
        else:
            pieces += [*_spelled(run), item]
            run = []
    pieces += _spelled(run)
    nodes = [_chain(variant) for variant in _variants(pieces)]
    return any_of(nodes)


def _is_word(node: Node) -> bool:
    return isinstance(node, Phrases) and len(node.sequences) == 1 and len(node.sequences[0]) == 1


def _spelled(run: list[tuple[tuple[Word, ...], ...]]) -> list[Item]:
    """A row of alternatives as one piece, or as several where their product is too large."""
    if not run:
        return []
    if len(run) > 1 and prod(map(len, run)) > MAX_FLAT:
        at = min(range(1, len(run)), key=lambda index: _cost(run[:index]) + _cost(run[index:]))
        return _spelled(run[:at]) + _spelled(run[at:])
    sequences = dict.fromkeys(sum(parts, ()) for parts in product(*run))
    optional = () in sequences
    sequences.pop((), None)
    if not sequences:
        raise RuleError("everything in the phrase is optional")
    return [Item(Phrases(tuple(sequences)), optional)]


def _cost(run: list[tuple[tuple[Word, ...], ...]]) -> float:
    """How dear a piece is: its number of forms, and how often texts will have it."""
    count = prod(map(len, run))
    frequency = 1.0  # a guess: short words are frequent
    for item in run:
        frequency *= sum(exp(-0.5 * sum(len(word.text) for word in sequence)) for sequence in item)
    return count + 1_000 * frequency


def _variants(pieces: Sequence[Item]) -> Iterator[tuple[Node, ...]]:
    """Every way to leave out the optional pieces."""
    choices = [(None, piece.node) if piece.optional else (piece.node,) for piece in pieces]
    if prod(map(len, choices)) > MAX_VARIANTS:
        raise RuleError("too many optional groups in one phrase")
    for choice in product(*choices):
        nodes = tuple(node for node in choice if node is not None)
        if not nodes:
            raise RuleError("everything in the phrase is optional")
        yield nodes


def _chain(parts: tuple[Node, ...]) -> Node:
    words = max_words(parts)
    if words > MAX_WORDS:
        raise RuleError(f"a phrase has {words} words, at most {MAX_WORDS} are allowed")
    for index, part in enumerate(parts):
        for sequence in _sequences(part):
            if any(word.open_left for word in sequence[1:]) or (index and sequence[0].open_left):
                raise RuleError("a wildcard in front may only stand at the first word of a phrase")
    return parts[0] if len(parts) == 1 else Chain(parts)


def max_words(parts: Sequence[Node]) -> int:
    """How many words phrases one after the other have at most."""
    return sum(max(_lengths(part), default=0) for part in parts)


def _lengths(node: Node) -> Iterator[int]:
    match node:
        case Phrases():
            yield from map(len, node.sequences)
        case Chain():
            yield max_words(node.parts)
        case AnyOf():
            for part in node.parts:
                yield from _lengths(part)


def _sequences(node: Node) -> Iterator[tuple[Word, ...]]:
    """What a node spells out, without the insides of its chains, which were checked before."""
    match node:
        case Phrases():
            yield from node.sequences
        case AnyOf():
            for part in node.parts:
                yield from _sequences(part)
        case Chain():
            yield from _sequences(node.parts[0])
