"""One pass over an article for all rules of a language: `Matcher.read` gives a `Reading`.

The phrases of every topic stand in one Aho-Corasick automaton, so the cost of a text hardly depends on how
many there are. Around it: the text is folded once (`normalise`), a hit counts where it is a whole word with
an ending that its rule knows, and only rules of which a leaf was hit are looked at.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from ahocorasick_rs import AhoCorasick, Implementation, MatchKind

from service.tagging.compiler import Compiler
from service.tagging.leaves import Expressions, Hits, Match, Pattern, Span, check_of, literal_of
from service.tagging.nodes import Compiled, Layout, Scene
from service.tagging.normalise import PARAGRAPH, Folded, fold, separated
from service.tagging.taxonomy import Mask, Place, Rule

# Literals beyond this size go into a contiguous NFA: a fifth of the memory, and faster once the tables of a
# DFA no longer fit the processor's cache.
_DFA_CHARACTERS = 40_000
_NONE: Final[frozenset[int]] = frozenset()
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

    __slots__ = (
        "_folded",
        "_found",
        "_layout",
        "_search",
        "_title_end",
        "language",
        "text",
        "text_at",
        "title",
    )

    def __init__(self, title: str, text: str, language: str) -> None:
        self.title = title
        self.text = text
        self.language = language  # whose rules were applied; "" when none were
        folded = fold(f"{PARAGRAPH}{title}{PARAGRAPH}{text}{PARAGRAPH}")
        self._folded = folded
        self._layout = Layout(folded.text, folded.cased)
        # In the folded text the title is the first paragraph that is not empty, if there is one.
        self._title_end = len(PARAGRAPH) + len(title)
        self.text_at = _text_at(folded, self._title_end)
        self._search: Search | None = None
        self._found: dict[str | None, Sequence[Found]] = {}

    def search_with(self, search: Search) -> None:
        """Used by the matcher that reads the article."""
        self._search = search

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
        found = self._found.get(topic)
        if found is None:
            found = self._found[topic] = self._search.found(topic) if self._search is not None else ()
        return found

    def words_of_text(self) -> int:
        """About how many words the text has (its white space is counted)."""
        text = self._folded.text
        return text.count(" ", self.text_at) + text.count(PARAGRAPH, self.text_at)

    def original(self, start: int, end: int) -> tuple[str, int, int]:
        """Field and span in the original of a span of the folded article."""
        if self._folded.maps:
            start, end = self._folded.original(start, end)
        if start < self._title_end:
            return "title", start - len(PARAGRAPH), end - len(PARAGRAPH)
        offset = self._title_end + len(PARAGRAPH)
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
    if not folded.maps:
        return title_end + len(PARAGRAPH)
    position = title_end
    for offsets in folded.maps:
        position = offsets.made(position)
    return folded.text.find(PARAGRAPH, position) + len(PARAGRAPH)


class Matcher:
    """The rules of one language, compiled together. It holds no state between articles."""

    def __init__(self, language: str, rules: Iterable[Rule], masks: Iterable[Mask]) -> None:
        self.language = language
        compiler = Compiler(language)
        self.rules = [(compiler.compile(rule.node), rule) for rule in rules]
        self.masks = [(compiler.compile(mask.node), mask.topic) for mask in masks]
        searched = {pattern: literal_of(pattern) for pattern in compiler.patterns}
        literals = sorted(set(searched.values()))
        self.literals = len(literals)  # how many strings the automaton looks for
        self._bind(compiler, searched, {literal: index for index, literal in enumerate(literals)})
        self.topics = [rule.topic for _, rule in self.rules]
        self.rules_of = self._anchored([node for node, _ in self.rules])
        self.masks_of = self._anchored([node for node, _ in self.masks])
        small = sum(map(len, literals)) <= _DFA_CHARACTERS
        self._automaton = AhoCorasick(
            literals,
            matchkind=MatchKind.Standard,
            store_patterns=False,
            implementation=Implementation.DFA if small else Implementation.ContiguousNFA,
        )

    def _bind(self, compiler: Compiler, searched: Mapping[Pattern, str], index: Mapping[str, int]) -> None:
        """Tells leaves and literals of each other; expressions have places after the automaton's literals."""
        keys: dict[int, set[int]] = defaultdict(set)
        for pattern, nodes in compiler.patterns.items():
            literal, check = index[searched[pattern]], check_of(pattern)
            for node in nodes:
                node.leaf.add(literal, check)
                keys[literal].add(node.key)
        places = {expression: len(index) + number for number, expression in enumerate(compiler.expressions)}
        for expression, node in compiler.expressions.items():
            node.leaf.add(places[expression], None)
            keys[places[expression]].add(node.key)
        self._expressions = Expressions(places)
        same: dict[frozenset[int], frozenset[int]] = {}  # the literals of a list have the same leaves
        leaves = [frozenset(keys[literal]) for literal in range(len(keys))]
        self.leaves_of = [same.setdefault(one, one) for one in leaves]  # keys, by literal

    def _anchored(self, nodes: Sequence[Compiled]) -> list[frozenset[int]]:
        """By literal: the nodes to look at when it is found."""
        by_leaf: dict[int, set[int]] = defaultdict(set)
        for index, node in enumerate(nodes):
            for key in node.anchors:
                by_leaf[key].add(index)
        made: dict[frozenset[int], frozenset[int]] = {}
        for leaves in self.leaves_of:
            if leaves not in made:
                made[leaves] = frozenset().union(*[by_leaf[key] for key in leaves if key in by_leaf])
        return [made[leaves] for leaves in self.leaves_of]

    def read(self, title: str, text: str, language: str) -> Reading:
        """An article with the places of every rule; linear in its length."""
        reading = Reading(title, text, language)
        folded = reading.folded
        found = self._automaton.find_matches_as_indexes(separated(folded.text), overlapping=True)
        found += self._expressions.scan(folded.cased, reading.text_at)
        if found:
            matches: dict[int, list[Match]] = defaultdict(list)
            for match in found:
                matches[match[0]].append(match)
            reading.search_with(Search(self, reading, matches))
        return reading


class Search:
    """The rules to look at in one article. Each topic's are looked at when it is asked for."""

    __slots__ = ("_everywhere", "_matcher", "_pending", "_scenes", "_text_at")

    def __init__(self, matcher: Matcher, reading: Reading, matches: Mapping[int, list[Match]]) -> None:
        self._matcher = matcher
        self._text_at = reading.text_at
        literals = frozenset(matches)
        leaves = _NONE.union(*map(matcher.leaves_of.__getitem__, literals))
        masks = _NONE.union(*map(matcher.masks_of.__getitem__, literals))
        scene = Scene(Hits(reading.folded, matches, literals, leaves), reading.layout)
        self._scenes = self._masked(scene, masks) if masks else {}
        self._everywhere = self._scenes.get(None, scene)
        self._pending: dict[str | None, list[int]] = defaultdict(list)
        topics = matcher.topics
        for index in _NONE.union(*map(matcher.rules_of.__getitem__, literals)):
            self._pending[topics[index]].append(index)

    def _masked(self, scene: Scene, masks: Iterable[int]) -> dict[str | None, Scene]:
        """The scenes of topics (None: all others) that see less; a mask itself looks at the plain one."""
        hidden: dict[str | None, list[Span]] = defaultdict(list)
        for index in masks:
            node, topic = self._matcher.masks[index]
            if spans := scene.spans(node):
                hidden[topic] += spans
        common = hidden.get(None, [])
        return {topic: scene.masked([*common, *spans] if topic else spans) for topic, spans in hidden.items()}

    def found(self, topic: str | None) -> list[Found]:
        """The rules of a topic that hold somewhere, in the order of the file."""
        scene, rules, anywhere = self._scenes.get(topic, self._everywhere), self._matcher.rules, Place.ANY
        found = []
        for index in sorted(self._pending.get(topic, ())):
            node, rule = rules[index]
            spans = scene.spans(node)
            if spans and rule.place is not anywhere:
                spans = [span for span in spans if _stands(span, rule, self._text_at)]
            if spans:
                found.append(Found(rule, spans))
        return found


def _stands(span: Span, rule: Rule, text_at: int) -> bool:
    """Whether a place is one where its rule wants to be found."""
    if span[0] < text_at:
        return rule.place in (Place.TITLE, Place.TITLE_AND_LEAD)
    lead = span[0] < text_at + rule.lead
    return rule.place is Place.TEXT or (lead and rule.place in (Place.LEAD, Place.TITLE_AND_LEAD))
