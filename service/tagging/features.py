"""What the statistical layer looks at in an article: kinds of evidence by sentence, rules and words.

The labelling guide asks for about two sentences that inform, so everything is counted in *sentences*. A
sentence is described by names: the groups of the rules that hold in it (``arms.trade``), which of them meet
there and in what company (``A+cc``: weapons beside two countries). A name counts in title, lead and text.
Sentences without any rule say nothing, so that unrelated text cannot raise a score.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from service.tagging.matcher import Reading
from service.tagging.taxonomy import Rule

LEAD_SENTENCES = 3
COUNTRY = "country"  # the group of signals of which each rule is one country or body
MAX_COUNT = 12  # sentences; more of the same say no more
_MAX_COUNTRIES = 3
_MAX_SEEN = 200_000
_WORD = re.compile(r"[^\W\d_]+(?:['.&][^\W_]+)*")
_ASCII_PARTS = bytes(
    code if chr(code).isalnum() or chr(code) in "'.&" else 0x20 for code in range(0x80)
).ljust(0x100)

Span: TypeAlias = tuple[int, int]
Place: TypeAlias = "tuple[int, Spoken, Span]"  # sentence, rule, span in the folded article


@dataclass(slots=True)
class Traits:
    """What is counted in one article. Sentences are numbered in the folded text; the title is among them."""

    counts: Mapping[str, int] = field(default_factory=dict)  # name -> sentences of the text
    title: set[str] = field(default_factory=set)  # names found in the title
    lead: set[str] = field(default_factory=set)  # names found in the first sentences
    names: dict[int, tuple[str, ...]] = field(default_factory=dict)  # sentence -> its names
    title_sentences: frozenset[int] = frozenset()
    lead_sentences: range = range(0)
    rules: dict[str, int] = field(default_factory=dict)  # rule's key -> sentences of the text
    titled_rules: set[str] = field(default_factory=set)  # keys of rules found in the title
    places: list[Place] = field(default_factory=list)
    words: set[str] = field(default_factory=set)  # of the described sentences, folded
    countries: int = 0  # different ones


class Spoken(NamedTuple):
    """What a model knows of a rule."""

    rule: Rule
    key: str | None  # None: the model does not know the rule
    weight: float  # that the rule had in training; 0 for one that was not there
    name: str  # in a sentence: its topic and group
    is_country: bool


class Known:
    """The rules that a model was trained with; others are left to the engine."""

    def __init__(self, weights: Mapping[str, float] | None) -> None:
        self._weights = weights  # by key; None: every rule is known
        self._seen: dict[int, Spoken] = {}

    def of(self, rule: Rule) -> Spoken:
        """What is known of a rule."""
        # By identity: rules are large to hash, and live as long as their taxonomy.
        spoken = self._seen.get(id(rule))
        if spoken is None or spoken.rule is not rule:
            if len(self._seen) > _MAX_SEEN:  # rules of taxonomies long gone
                self._seen.clear()
            spoken = self._seen[id(rule)] = self._looked_up(rule)
        return spoken

    def _looked_up(self, rule: Rule) -> Spoken:
        key: str | None = rule.key
        weight = rule.weight
        if self._weights is not None:
            weight = self._weights.get(rule.key, 0.0)
            if rule.topic is not None and key not in self._weights:
                key = None
        name = f"{rule.topic}.{rule.group}" if rule.topic else rule.group
        return Spoken(rule, key, weight, name, rule.topic is None and rule.group == COUNTRY)


def traits(reading: Reading, topics: Sequence[str], known: Known) -> Traits:
    """What an article's sentences hold, in rules of ``topics`` and signals."""
    made = Traits()
    groups: dict[int, set[str]] = {}
    countries: dict[int, set[int]] = {}
    for topic in (*topics, None):
        for found in reading.found(topic):
            spoken = known.of(found.rule)
            if spoken.key is None:
                continue
            sentences = _noted(made, reading, spoken, spoken.key, found.spans)
            if spoken.is_country:
                for sentence in sentences:
                    countries.setdefault(sentence, set()).add(found.rule.index)
            else:
                for sentence in sentences:
                    groups.setdefault(sentence, set()).add(spoken.name)
    _describe(made, reading, groups, countries)
    return made


def _noted(made: Traits, reading: Reading, spoken: Spoken, key: str, spans: Sequence[Span]) -> list[int]:
    """The sentences in which a rule holds; its places are in order."""
    starts, text_at = reading.layout.sentences, reading.text_at
    last = len(starts) - 1
    sentences: list[int] = []
    places = made.places if spoken.rule.topic and not spoken.is_country else None
    before = -1
    in_text = 0
    for span in spans:
        start, end = span
        sentence = bisect_right(starts, start) - 1
        if sentence < last and end > starts[sentence + 1]:
            continue  # from one sentence into the next: chance more often than meaning
        if places is not None:
            places.append((sentence, spoken, span))
        if start < text_at:
            made.titled_rules.add(key)
            sentences.append(sentence)
        elif sentence != before:
            before = sentence
            sentences.append(sentence)
            in_text += 1
    if in_text:
        made.rules[key] = in_text
    return sentences


def _describe(
    made: Traits,
    reading: Reading,
    groups: Mapping[int, set[str]],
    countries: Mapping[int, set[int]],
) -> None:
    """The traits of everything noted, by sentence."""
    starts, text_at = reading.layout.sentences, reading.text_at
    first = bisect_right(starts, text_at - 1)  # the first sentence that begins in the text
    made.lead_sentences = range(first, first + LEAD_SENTENCES)
    titles: list[int] = []
    in_text: list[str] = []
    for sentence in sorted(groups.keys() | countries.keys()):
        several = min(_MAX_COUNTRIES, len(countries.get(sentence, ())))
        names = made.names[sentence] = _names(frozenset(groups.get(sentence, ())), several)
        if starts[sentence] < text_at:
            titles.append(sentence)
            made.title.update(names)
        else:
            in_text += names
            if sentence in made.lead_sentences:
                made.lead.update(names)
    made.counts = Counter(in_text)
    made.title_sentences = frozenset(titles)
    made.countries = len(set().union(*countries.values())) if countries else 0
    made.words = words_of(_text_of(reading.folded.text, starts, made.names))


def _text_of(text: str, starts: Sequence[int], sentences: Iterable[int]) -> str:
    """The text of some sentences, which are in order; neighbours are taken in one go."""
    pieces = []
    last = len(starts) - 1
    begin = end = 0
    for sentence in sentences:
        if starts[sentence] != end:
            pieces.append(text[begin:end])
            begin = starts[sentence]
        end = starts[sentence + 1] if sentence < last else len(text)
    pieces.append(text[begin:end])
    return "\n".join(pieces)


def words_of(text: str) -> set[str]:
    """The different words of a folded text: ``set(_WORD.findall(text))``, most of them found without it."""
    words: set[str] = set()
    if not text.isascii():
        pieces = set(text.split())
        foreign = [piece for piece in pieces if not piece.isascii()]
        words.update(_WORD.findall(" ".join(foreign)))
        text = " ".join(pieces.difference(foreign))
    # What may join two parts of a word stays, everything else that is no letter or digit becomes a space.
    parts = set(text.encode("ascii").translate(_ASCII_PARTS).decode("ascii").replace(". ", " ").split())
    odd = [part for part in parts if not part.isalpha()]
    parts.difference_update(odd)
    words.update(parts, _WORD.findall(" ".join(odd)))
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
