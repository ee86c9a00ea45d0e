"""One pass over an article for all rules of a language: `Matcher.read` gives a `Reading`.

The phrases of every topic stand in one Aho-Corasick automaton, so the cost of a text hardly depends on how
many there are. Around it: the text is folded once (`normalise`), a hit counts where it is a whole word with
an ending that its rule knows, and only rules of which a leaf was hit are looked at.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

import re2
from ahocorasick_rs import AhoCorasick, Implementation, MatchKind

from service.tagging.compiler import Compiler, Pattern
from service.tagging.inflect import MAX_TAIL
from service.tagging.nodes import Compiled, Layout, Scene, Span, disjoint
from service.tagging.normalise import PARAGRAPH, Folded, fold
from service.tagging.rules import compile_expression, regex_options
from service.tagging.taxonomy import Mask, Place, Rule

MAX_EXPRESSION_HITS = 1_000  # of one regular expression in one article
# Literals beyond this size go into a contiguous NFA: a tenth of the memory at two thirds of the speed.
_DFA_CHARACTERS = 160_000
_TAIL = re.compile(rf"[^\W_]{{0,{MAX_TAIL + 1}}}")
_WORDS = re.compile(r"[^\W_]+(?:['.&][^\W_]+)*")


class Hit(NamedTuple):
    """One place where a rule holds, in the article as it was given."""

    rule: Rule
    field: str  # "title" or "text"
    start: int  # code points, inclusive
    end: int  # code points, exclusive
    lead: bool  # in the first characters of the text (as many as the topic's ``lead``)


class Word(NamedTuple):
    """A word of an article, folded, with its span in the original field."""

    folded: str
    start: int
    end: int


class Found(NamedTuple):
    """The places of one rule, as spans of the folded article."""

    rule: Rule
    spans: Sequence[Span]


class Reading:
    """An article as its rules found it. Spans are worked out in the original only when they are asked for."""

    __slots__ = ("_folded", "_found", "_layout", "_title_end", "language", "text", "text_at", "title")

    def __init__(self, title: str, text: str, language: str) -> None:
        self.title = title
        self.text = text
        self.language = language  # whose rules were applied; "" when none were
        folded = fold(f"{PARAGRAPH}{title}{PARAGRAPH}{text}{PARAGRAPH}")
        self._folded = folded
        self._layout = Layout(folded.text, folded.cased)
        # In the folded text the title is the first paragraph that is not empty, if there is one.
        self.text_at = _text_at(folded, len(PARAGRAPH) + len(title))
        self._found: dict[str | None, list[Found]] = {}

    @property
    def layout(self) -> Layout:
        """Where sentences and paragraphs begin in the folded text."""
        return self._layout

    @property
    def folded(self) -> Folded:
        """Title and text as they were matched: title, a blank line, text, with a blank line around both."""
        return self._folded

    def found(self, topic: str | None) -> Sequence[Found]:
        """The rules of a topic (None: the signals) that hold somewhere, with spans in the folded text."""
        return self._found.get(topic, ())

    def add(self, topic: str | None, found: Found) -> None:
        """Used by the matcher while it reads."""
        self._found.setdefault(topic, []).append(found)

    def words_of_text(self) -> int:
        """About how many words the text has (its white space is counted)."""
        text = self._folded.text
        return text.count(" ", self.text_at) + text.count(PARAGRAPH, self.text_at)

    def original(self, start: int, end: int) -> tuple[str, int, int]:
        """Field and span in the original of a span of the folded article."""
        start, end = self._folded.original(start, end)
        offset = len(PARAGRAPH)
        if start < offset + len(self.title):
            return "title", start - offset, end - offset
        offset += len(self.title) + len(PARAGRAPH)
        return "text", start - offset, end - offset

    def hits(self, topic: str | None) -> list[Hit]:
        """The places of a topic's rules (None: of the signals) in order."""
        hits = []
        for rule, spans in self.found(topic):
            for start, end in spans:
                field, begin, finish = self.original(start, end)
                lead = field == "text" and start < self.text_at + rule.lead
                hits.append(Hit(rule, field, begin, finish, lead))
        hits.sort(key=_by_place)
        return hits

    def words(self, field: str) -> list[Word]:
        """The words of "title" or "text" in order."""
        text = self._folded.text
        begin, end = self._bounds(field)
        if not self._folded.maps:  # the positions differ by what stands before the field
            before = len(PARAGRAPH) if field == "title" else 2 * len(PARAGRAPH) + len(self.title)
            return [
                Word(match.group(), match.start() - before, match.end() - before)
                for match in _WORDS.finditer(text, begin, end)
            ]
        return [
            Word(match.group(), *self.original(*match.span())[1:])
            for match in _WORDS.finditer(text, begin, end)
        ]

    def sentences(self, field: str) -> list[Span]:
        """Spans of the sentences of a field, in the original."""
        return self._units(self._layout.sentences, field)

    def paragraphs(self, field: str) -> list[Span]:
        """Spans of the paragraphs of a field, in the original."""
        return self._units(self._layout.paragraphs, field)

    def _bounds(self, field: str) -> Span:
        return (0, self.text_at) if field == "title" else (self.text_at, len(self._folded.text))

    def _units(self, starts: Sequence[int], field: str) -> list[Span]:
        text = self._folded.text
        begin, end = self._bounds(field)
        units = []
        for start, stop in zip(starts, [*starts[1:], len(text)], strict=True):
            piece = text[start:stop]
            first = start + len(piece) - len(piece.lstrip())
            last = start + len(piece.rstrip())
            if first < last and begin <= first < end:
                units.append(self.original(first, last)[1:])
        return units


def _by_place(hit: Hit) -> tuple[bool, int, int, str]:
    return hit.field == "text", hit.start, hit.end, hit.rule.key


def _text_at(folded: Folded, title_end: int) -> int:
    """Where the text begins in the folded article; ``title_end`` is the title's end in the joined source."""
    position = title_end
    for offsets in folded.maps:
        position = offsets.made(position)
    return folded.text.find(PARAGRAPH, position) + len(PARAGRAPH)


class Matcher:
    """The rules of one language, compiled together. It holds no state between articles."""

    def __init__(self, language: str, rules: Iterable[Rule], masks: Iterable[Mask]) -> None:
        self.language = language
        compiler = Compiler(language)
        self._entries: list[tuple[Compiled, Rule]] = []
        self._anchored: dict[int, list[int]] = defaultdict(list)  # entries to look at when a leaf is hit
        for rule in rules:
            node = compiler.compile(rule.node)
            for leaf in node.anchors:
                self._anchored[leaf].append(len(self._entries))
            self._entries.append((node, rule))
        self._masks: dict[str | None, list[Compiled]] = defaultdict(list)
        for mask in masks:
            self._masks[mask.topic].append(compiler.compile(mask.node))
        self._expressions = _Expressions(compiler.expressions)
        self._prepare(compiler.patterns)

    def _prepare(self, patterns: Mapping[Pattern, Iterable[int]]) -> None:
        by_literal: dict[str, list[Pattern]] = defaultdict(list)
        for pattern in patterns:
            by_literal[pattern.literal].append(pattern)
        literals = sorted(by_literal)
        self.literals = len(literals)
        # Leaves that any whole-word hit of a literal counts for, and patterns that ask for more.
        self._strict: list[tuple[int, ...]] = []
        self._loose: list[tuple[tuple[Pattern, tuple[int, ...]], ...]] = []
        for literal in literals:
            plain = [pattern for pattern in by_literal[literal] if _is_strict(pattern)]
            self._strict.append(tuple(sorted(leaf for pattern in plain for leaf in patterns[pattern])))
            self._loose.append(
                tuple(
                    (pattern, tuple(sorted(patterns[pattern])))
                    for pattern in by_literal[literal]
                    if not _is_strict(pattern)
                )
            )
        small = sum(map(len, literals)) <= _DFA_CHARACTERS
        self._automaton = AhoCorasick(
            literals,
            matchkind=MatchKind.Standard,
            store_patterns=False,
            implementation=Implementation.DFA if small else Implementation.ContiguousNFA,
        )

    def read(self, title: str, text: str, language: str) -> Reading:
        """An article with the places of every rule; linear in its length."""
        reading = Reading(title, text, language)
        hits = self._scan(reading.folded, reading.text_at)
        if hits:
            self._apply(reading, hits)
        return reading

    def _scan(self, folded: Folded, text_at: int) -> dict[int, list[Span]]:
        text = folded.text
        strict, loose = self._strict, self._loose
        hits: dict[int, list[Span]] = defaultdict(list)
        for index, start, end in self._automaton.find_matches_as_indexes(text, overlapping=True):
            if not text[end].isalnum() and not text[start - 1].isalnum():
                for leaf in strict[index]:
                    hits[leaf].append((start, end))
            if loose[index]:
                for pattern, leaves in loose[index]:
                    span = _checked(pattern, folded, start, end)
                    if span is not None:
                        for leaf in leaves:
                            hits[leaf].append(span)
        self._expressions.scan(folded.cased, text_at, hits)
        return hits

    def _apply(self, reading: Reading, hits: Mapping[int, list[Span]]) -> None:
        plain = Scene(hits, reading.layout)
        scene = _behind(self._masks.get(None, ()), plain, plain)
        scenes: dict[str | None, Scene] = {
            topic: _behind(masks, plain, scene) for topic, masks in self._masks.items() if topic is not None
        }
        for index in sorted({entry for leaf in hits for entry in self._anchored.get(leaf, ())}):
            node, rule = self._entries[index]
            spans = scenes.get(rule.topic, scene).spans(node)
            if spans and rule.place is not Place.ANY:
                spans = [span for span in spans if _stands(span, rule, reading.text_at)]
            if spans:
                reading.add(rule.topic, Found(rule, spans))


def _behind(masks: Sequence[Compiled], plain: Scene, scene: Scene) -> Scene:
    """A scene without what masks hide; the masks themselves look at the plain one."""
    hidden = [span for mask in masks for span in plain.spans(mask)]
    return scene.masked(hidden) if hidden else scene


def _stands(span: Span, rule: Rule, text_at: int) -> bool:
    """Whether a place is one where its rule wants to be found."""
    if span[0] < text_at:
        return rule.place in (Place.TITLE, Place.TITLE_AND_LEAD)
    lead = span[0] < text_at + rule.lead
    return rule.place is Place.TEXT or (lead and rule.place in (Place.LEAD, Place.TITLE_AND_LEAD))


def _is_strict(pattern: Pattern) -> bool:
    return not pattern.open_left and pattern.tail is None and not pattern.cased


def _checked(pattern: Pattern, folded: Folded, start: int, end: int) -> Span | None:
    """The span of the whole word or phrase at a hit; None where the pattern wants something else there."""
    for offset, written in pattern.cased:
        there = folded.cased[start + offset : start + offset + len(written)]
        if there != written and there.replace("-", " ") != written:
            return None
    begin = _beginning(pattern, folded.text, start)
    finish = _ending(pattern, folded.text, end)
    return (begin, finish) if begin >= 0 and finish >= 0 else None


def _beginning(pattern: Pattern, text: str, start: int) -> int:
    """Where the word of a hit begins; -1 where it may not begin there."""
    begin = start
    while text[begin - 1].isalnum():
        if not pattern.open_left or start - begin == MAX_TAIL:
            return -1
        begin -= 1
    return begin


def _ending(pattern: Pattern, text: str, end: int) -> int:
    """Where the word of a hit ends; -1 where its pattern has no such ending."""
    tail = _TAIL.match(text, end)
    assert tail is not None
    ending = tail.group()
    if pattern.tail is None:
        return -1 if ending else end
    # An empty set of endings stands for any.
    if len(ending) > MAX_TAIL or (pattern.tail and ending not in pattern.tail):
        return -1
    return tail.end()


class _Expressions:
    """All regular expressions: one pass tells which match at all, only those are searched for places."""

    def __init__(self, expressions: Mapping[str, int]) -> None:
        self._compiled = [(compile_expression(pattern), leaf) for pattern, leaf in expressions.items()]
        options = regex_options()
        options.max_mem = 32 << 20  # shared by all; a set has no slower engine to fall back on
        self._set = re2.Set.SearchSet(options)
        for pattern in expressions:
            self._set.Add(pattern)
        if self._compiled:
            self._set.Compile()

    def scan(self, text: str, text_at: int, hits: dict[int, list[Span]]) -> None:
        """Adds the places of every expression to the hits of its leaf."""
        if not self._compiled:
            return
        for index in self._set.Match(text) or ():
            expression, leaf = self._compiled[index]
            places = (_trimmed(text, *match.span()) for match in expression.finditer(text))
            spans = [
                (start, end)
                for start, end in islice(places, MAX_EXPRESSION_HITS)
                if start < end and (end <= text_at or start >= text_at)  # not from the title into the text
            ]
            if spans:
                hits[leaf] = disjoint(spans)


def _trimmed(text: str, start: int, end: int) -> Span:
    """A span without white space at its ends: there is none around the article's fields in the original."""
    piece = text[start:end]
    start += len(piece) - len(piece.lstrip())
    return start, start + len(piece.strip())
