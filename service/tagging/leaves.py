"""The leaves of compiled rules: which literals they look for, and what else must be true at a hit.

A leaf reads its places out of an article's `Hits` when a rule asks for them, not before: most words that are
found belong to rules of which another word is missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import NamedTuple, TypeAlias

import re2

from service.tagging.inflect import MAX_TAIL
from service.tagging.normalise import Folded, separated
from service.tagging.rules import compile_expression, regex_options

MAX_EXPRESSION_HITS = 1_000  # of one regular expression in one article
_TAIL = re.compile(rf"[^\W_]{{0,{MAX_TAIL + 1}}}")

Span: TypeAlias = tuple[int, int]
# A hit as the automaton gives it: the literal's index, and its span in the separated text.
Match: TypeAlias = tuple[int, int, int]


class Pattern(NamedTuple):
    """A literal of the automaton with what is still to be checked at its hits."""

    literal: str
    open_left: bool = False  # letters may stand before it
    tail: frozenset[str] | None = None  # endings that may follow; `inflect.ANY_TAIL` for any
    cased: tuple[tuple[int, str], ...] = ()  # what must stand in this case, with its offset in the literal


class Hits(NamedTuple):
    """What the automaton and the expressions found in one article."""

    folded: Folded
    matches: Mapping[int, list[Match]]  # by literal
    literals: frozenset[int]  # that were found
    leaves: frozenset[int]  # the keys of the leaves that have some of them


class Leaf:
    """The patterns that one node of a rule stands for."""

    __slots__ = ("_literals", "_others", "_texts")

    def __init__(self) -> None:
        self._literals: set[int] = set()
        self._texts: dict[int, str] = {}  # by literal: what a hit must be in the text itself
        # By literal: patterns that ask for more, and None for the places of a regular expression.
        self._others: dict[int, list[Pattern | None]] = {}

    def add(self, literal: int, check: str | Pattern | None) -> None:
        """A literal and what is to be checked at its hits, as `check_of` gives it."""
        self._literals.add(literal)
        if isinstance(check, str):
            self._texts[literal] = check
        else:
            self._others.setdefault(literal, []).append(check)

    def spans(self, hits: Hits) -> list[Span]:
        """Where any of the patterns stands, in no order."""
        spans: list[Span] = []
        text, others = hits.folded.text, self._others
        # Loops, not comprehensions: most have one turn, and this is the busiest place of all.
        for literal in self._literals & hits.literals:
            written = self._texts.get(literal)
            if written is not None:
                for _, start, end in hits.matches[literal]:
                    if not written or text.startswith(written, start + 1):
                        spans.append((start + 1, end - 1))  # without the spaces around
            if others:
                for pattern in others.get(literal, ()):
                    for _, start, end in hits.matches[literal]:
                        place = _place(pattern, hits.folded, start) if pattern is not None else (start, end)
                        if place is not None:
                            spans.append(place)
        return spans


def literal_of(pattern: Pattern) -> str:
    """What the automaton looks for: the literal with a space on each side where its word must end."""
    literal = separated(pattern.literal)
    return ("" if pattern.open_left else " ") + literal + ("" if pattern.tail is not None else " ")


def check_of(pattern: Pattern) -> str | Pattern:
    """What is to be checked where the automaton found a pattern's literal.

    Most often nothing, because spaces stand around it. What separates the words of a phrase may be something
    else than a space in the text itself, and is compared.
    """
    literal = pattern.literal
    if pattern.open_left or pattern.tail is not None or pattern.cased or literal != separated(literal):
        return pattern
    return literal if " " in literal else ""


def _place(pattern: Pattern, folded: Folded, start: int) -> Span | None:
    """The span of the whole word or phrase at a hit; None where the pattern wants something else there."""
    if not pattern.open_left:
        start += 1
    end = start + len(pattern.literal)
    if not folded.text.startswith(pattern.literal, start):
        return None
    for offset, written in pattern.cased:
        there = folded.cased[start + offset : start + offset + len(written)]
        if there != written and there.replace("-", " ") != written:
            return None
    begin = _beginning(folded.text, start) if pattern.open_left else start
    finish = _ending(pattern.tail, folded.text, end) if pattern.tail is not None else end
    return (begin, finish) if begin >= 0 and finish >= 0 else None


def _beginning(text: str, start: int) -> int:
    """Where the word around a position begins; -1 where it begins too far away."""
    begin = start
    while text[begin - 1].isalnum():
        if start - begin == MAX_TAIL:
            return -1
        begin -= 1
    return begin


def _ending(endings: frozenset[str], text: str, end: int) -> int:
    """Where the word of a hit ends; -1 where it has none of some endings (no endings stand for any)."""
    tail = _TAIL.match(text, end)
    assert tail is not None
    ending = tail.group()
    if len(ending) > MAX_TAIL or (endings and ending not in endings):
        return -1
    return tail.end()


class Expressions:
    """All regular expressions: one pass tells which match at all, only those are searched for places."""

    def __init__(self, literals: Mapping[str, int]) -> None:
        self._compiled = [(compile_expression(pattern), literal) for pattern, literal in literals.items()]
        options = regex_options()
        options.max_mem = 32 << 20  # shared by all; a set has no slower engine to fall back on
        self._set = re2.Set.SearchSet(options)
        for pattern in literals:
            self._set.Add(pattern)
        if self._compiled:
            self._set.Compile()

    def scan(self, text: str, text_at: int) -> Iterator[Match]:
        """The places of every expression, none of which reaches from the title into the text."""
        if not self._compiled:
            return
        for index in self._set.Match(text) or ():
            expression, literal = self._compiled[index]
            for match in islice(expression.finditer(text), MAX_EXPRESSION_HITS):
                start, end = _trimmed(text, *match.span())
                if start < end and (end <= text_at or start >= text_at):
                    yield literal, start, end


def _trimmed(text: str, start: int, end: int) -> Span:
    """A span without white space at its ends: there is none around the article's fields in the original."""
    piece = text[start:end]
    start += len(piece) - len(piece.lstrip())
    return start, start + len(piece.strip())
