"""What the statistical layer looks at in an article: kinds of evidence by sentence, rules and words.

The labelling guide asks for about two sentences that inform, so everything is counted in *sentences*. A
sentence is described by names: the groups of the rules that hold in it (``arms.trade``), which of them meet
there and in what company (``A+cc``: weapons beside two countries). A name counts in title, lead and text.
Sentences without any rule say nothing, so that unrelated text cannot raise a score.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from service.tagging.matcher import Found, Reading
from service.tagging.taxonomy import Rule

LEAD_SENTENCES = 3
COUNTRY = "country"  # the group of signals of which each rule is one country or body
MAX_COUNT = 12  # sentences; more of the same say no more
_MAX_COUNTRIES = 3
_MAX_SEEN = 200_000
_WORD = re.compile(r"[^\W\d_]+(?:['.&][^\W_]+)*")

Span = tuple[int, int]


@dataclass(slots=True)
class Traits:
    """What is counted in one article. Sentences are numbered in the folded text; the title is among them."""

    counts: Counter[str] = field(default_factory=Counter)  # name -> sentences of the text
    title: set[str] = field(default_factory=set)  # names found in the title
    lead: set[str] = field(default_factory=set)  # names found in the first sentences
    names: dict[int, tuple[str, ...]] = field(default_factory=dict)  # sentence -> its names
    title_sentences: frozenset[int] = frozenset()
    lead_sentences: frozenset[int] = frozenset()
    rules: dict[str, int] = field(default_factory=dict)  # rule's key -> sentences of the text
    titled_rules: set[str] = field(default_factory=set)  # keys of rules found in the title
    places: list[tuple[int, Rule, Span]] = field(default_factory=list)  # (sentence, rule, folded span)
    words: set[str] = field(default_factory=set)  # of the described sentences, folded
    countries: int = 0  # different ones


class Known:
    """The rules that a model was trained with; others are left to the engine."""

    def __init__(self, weights: Mapping[str, float] | None) -> None:
        self._weights = weights  # by key; None: every rule is known
        self._seen: dict[int, tuple[Rule, str | None, float]] = {}

    def key(self, rule: Rule) -> str | None:
        """The rule's key, or None for a rule that the model does not know."""
        return self._entry(rule)[1]

    def weight(self, rule: Rule) -> float:
        """The weight that the rule had in training; 0 for one that was not there."""
        return self._entry(rule)[2]

    def _entry(self, rule: Rule) -> tuple[Rule, str | None, float]:
        # By identity: rules are large to hash, and live as long as their taxonomy.
        entry = self._seen.get(id(rule))
        if entry is None or entry[0] is not rule:
            if len(self._seen) > _MAX_SEEN:  # rules of taxonomies long gone
                self._seen.clear()
            key = rule.key
            if self._weights is None:
                entry = (rule, key, rule.weight)
            elif rule.topic is None or key in self._weights:
                entry = (rule, key, self._weights.get(key, 0.0))
            else:
                entry = (rule, None, 0.0)
            self._seen[id(rule)] = entry
        return entry


def traits(reading: Reading, topics: Sequence[str], known: Known) -> Traits:
    """What an article's sentences hold, in rules of ``topics`` and signals."""
    sentences = _Sentences(reading, known)
    for topic in (*topics, None):
        for found in reading.found(topic):
            sentences.note(found)
    return sentences.described()


class _Sentences:
    """Gathers which groups and countries stand in which sentence of an article."""

    def __init__(self, reading: Reading, known: Known) -> None:
        self._reading = reading
        self._known = known
        self._starts = reading.layout.sentences
        self._groups: dict[int, set[str]] = defaultdict(set)
        self._countries: dict[int, set[int]] = defaultdict(set)
        self._made = Traits()

    def note(self, found: Found) -> None:
        """Takes in the places of a rule that the model knows."""
        rule, spans = found
        key = self._known.key(rule)
        if key is None:
            return
        made, starts, text_at = self._made, self._starts, self._reading.text_at
        name = f"{rule.topic}.{rule.group}" if rule.topic else rule.group
        is_country = rule.topic is None and rule.group == COUNTRY
        sentences = set()
        for span in spans:
            sentence = bisect_right(starts, span[0]) - 1
            if sentence + 1 < len(starts) and span[1] > starts[sentence + 1]:
                continue  # from one sentence into the next: chance more often than meaning
            if is_country:
                self._countries[sentence].add(rule.index)
            else:
                self._groups[sentence].add(name)
                if rule.topic:
                    made.places.append((sentence, rule, span))
            if span[0] < text_at:
                made.titled_rules.add(key)
            else:
                sentences.add(sentence)
        if sentences:
            made.rules[key] = len(sentences)

    def described(self) -> Traits:
        """The traits of everything noted."""
        made, starts, text_at = self._made, self._starts, self._reading.text_at
        groups, countries = self._groups, self._countries
        first = bisect_right(starts, text_at - 1)  # the first sentence that begins in the text
        made.lead_sentences = frozenset(range(first, first + LEAD_SENTENCES))
        titles = []
        for sentence in sorted(groups.keys() | countries.keys()):
            several = min(_MAX_COUNTRIES, len(countries.get(sentence, ())))
            names = _names(frozenset(groups.get(sentence, ())), several)
            made.names[sentence] = names
            if starts[sentence] < text_at:
                titles.append(sentence)
                made.title.update(names)
            else:
                made.counts.update(names)
                if sentence in made.lead_sentences:
                    made.lead.update(names)
        made.words = self._words(sorted(made.names))
        made.title_sentences = frozenset(titles)
        made.countries = len(set().union(*countries.values())) if countries else 0
        return made

    def _words(self, sentences: Sequence[int]) -> set[str]:
        text, starts = self._reading.folded.text, self._starts
        last = len(starts) - 1
        words: set[str] = set()
        begin = end = 0
        for sentence in sentences:  # neighbours are read in one go
            if starts[sentence] != end:
                words.update(_WORD.findall(text, begin, end))
                begin = starts[sentence]
            end = starts[sentence + 1] if sentence < last else len(text)
        words.update(_WORD.findall(text, begin, end))
        return words


# -- the names of a sentence ---------------------------------------------------------------------------------

# Groups that say the same thing in other words count once in a sentence.
_FAMILIES = {
    "sanctions.word": "sanctions.mention",
    "sanctions.kind": "sanctions.mention",
    "sanctions.act": "sanctions.mention",
    "sanctions.sanctioned": "sanctions.mention",
}
_HARDWARE = frozenset(
    f"arms.{group}"
    for group in (
        "generic",
        "missile",
        "air-defence",
        "naval",
        "aircraft",
        "drone",
        "drone-kind",
        "bomb",
        "land",
        "strike",
    )
)
_SOFT_SANCTIONS = frozenset({"sanctions.singular", "sanctions.relief", "sanctions.aid-cut"})
_SOFT_ARMS = frozenset(
    f"arms.{group}" for group in ("deploy", "nuclear-programme", "nuclear-deal", "strike", "drone")
)
_SOFT_DIPLOMACY = frozenset(
    f"diplomacy.{group}" for group in ("statement", "un", "ally", "place", "rhetoric", "policy")
)


@lru_cache(maxsize=100_000)
def _names(groups: frozenset[str], countries: int) -> tuple[str, ...]:
    """What a sentence is called: its groups, and which of them meet in it.

    S, A, D: sanctions, arms, diplomacy (h, d: without their weaker kinds); a digit: at least so many kinds;
    +c, +cc: with one, with several countries.
    """
    groups = frozenset(_FAMILIES.get(group, group) for group in groups)
    sanctions = [g for g in groups if g.startswith("sanctions.") and g not in _SOFT_SANCTIONS]
    arms = [g for g in groups if g.startswith("arms.")]
    diplomacy = [g for g in groups if g.startswith("diplomacy.")]
    firm = [g for g in diplomacy if g not in _SOFT_DIPLOMACY]
    hard = [g for g in arms if g not in _SOFT_ARMS]
    hardware = len(groups & _HARDWARE)
    kinds_of_arms = len(arms) - max(0, hardware - 1)
    names = set(groups)
    names.update(_among("H", hardware, countries))
    names.update(_among("K", kinds_of_arms, countries))
    for letter, kinds in (("S", sanctions), ("A", arms), ("h", hard), ("D", diplomacy), ("d", firm)):
        names.update(_among(letter, len(kinds), countries))
    if countries:
        names.update(_among_countries(groups, firm, countries))
    names.update(_company(groups, sanctions, arms, diplomacy, countries))
    return tuple(sorted(names))


def _among(letter: str, kinds: int, countries: int) -> Iterable[str]:
    for least in range(1, min(3, kinds) + 1):
        yield f"{letter}{least}"
        if countries:
            yield f"{letter}{least}+c"
        if countries > 1:
            yield f"{letter}{least}+cc"


def _among_countries(groups: frozenset[str], firm: Sequence[str], countries: int) -> Iterable[str]:
    yield from ("c", "cc", "ccc")[:countries]
    for group in firm:
        yield f"{group}+{'cc' if countries > 1 else 'c'}"
    if not groups.isdisjoint(_SOFT_SANCTIONS):
        yield "s+c"
    if countries > 1 and "leader" in groups:
        yield "leader+cc"


def _company(
    groups: frozenset[str],
    sanctions: Sequence[str],
    arms: Sequence[str],
    diplomacy: Sequence[str],
    countries: int,
) -> Iterable[str]:
    """In what other matters a sentence's evidence stands: fighting, courts, sport, business."""
    if "war" in groups:
        if not arms:
            yield "war-A"
        else:
            yield "A+war"
            if len(arms) == 1:
                yield "A1+war"
    if "domestic" in groups and countries == 1 and not diplomacy:
        yield "domestic+c"
    if arms and "gun" in groups:
        yield "A+gun"
    if sanctions or arms:
        if "court" in groups:
            yield "SA+court"
        if "sport" in groups:
            yield "SA+sport"
    if diplomacy and not groups.isdisjoint(("company", "sport", "culture")):
        yield "D+business"
