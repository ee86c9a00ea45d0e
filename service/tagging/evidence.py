"""Why a model says what it says of a topic: each phrase with its share of its sentence, then the words."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from heapq import nsmallest
from operator import itemgetter
from typing import Final

from service.tagging.features import Span, Traits
from service.tagging.matcher import Reading
from service.tagging.tables import Tables, Weights, word_scale
from service.tagging.taxonomy import Rule
from service.values import Evidence

MAX_EVIDENCE: Final = 40  # a topic
WORD_EVIDENCE: Final = 6  # words a topic, those that say most
_LEAST: Final = 0.02  # logits; less is no evidence

_end_of = itemgetter(1)


class Explainer:
    """Finds the evidence of one topic of a model."""

    def __init__(self, topic: str, number: int, weights: Weights, tables: Tables) -> None:
        self._topic = topic
        self._number = number  # among the model's topics
        self._weights = weights
        self._tables = tables
        # Words, those that say most first; their places in that order compare faster than they do themselves.
        self._ranked = sorted(weights.words, key=lambda word: (-abs(weights.words[word]), word))
        self._ranks = {word: rank for rank, word in enumerate(self._ranked)}

    def evidence(self, reading: Reading, seen: Traits, *, holds: bool) -> list[Evidence]:
        """The phrases of the topic's rules with what they add, then the words that say most, in no order.

        Words stand alone only where they, as verdicts taught them, are enough for the topic to hold.
        """
        rules = self._of_rules(seen)
        by_sentence, places = self._places(seen, rules)
        shares = self._tables.shares(self._number, seen.counts) if by_sentence else {}
        totals: dict[Span, float] = {}
        found_by: dict[Span, Rule] = {}
        order: dict[int, list[Span]] = {}
        for sentence, found in by_sentence.items():
            spans = order[sentence] = _outermost(found)
            share = self._of_sentence(seen, sentence, shares) / len(spans)
            for span in spans:
                totals[span] = share
                found_by[span] = found[span]
        for key, spots in sorted(places.items()):
            share = rules[key] / len(spots)
            for sentence, span in spots:
                around = bisect_left(order[sentence], span[1], key=_end_of)  # their ends grow, too
                totals[order[sentence][around]] += share
        best = list(totals.items())
        if len(best) > MAX_EVIDENCE:
            best = nsmallest(MAX_EVIDENCE, best, key=lambda item: (-abs(item[1]), item[0]))
        made = [_item(reading, span, found_by[span].text, gain) for span, gain in best if abs(gain) >= _LEAST]
        if made or holds:
            made += self._of_words(reading, seen)
        return made

    def _of_rules(self, seen: Traits) -> dict[str, float]:
        """What rules add beside the names of their sentences, by key."""
        weights, titled = self._weights.rules, self._weights.titled_rules
        rules = {
            key: weights[key] * math.log2(1 + sentences)
            for key, sentences in seen.rules.items()
            if key in weights
        }
        for key in seen.titled_rules:
            if key in titled:
                rules[key] = rules.get(key, 0.0) + titled[key]
        return rules

    def _of_sentence(self, seen: Traits, sentence: int, shares: Mapping[str, float]) -> float:
        """The share that a sentence has in what its names add."""
        names = seen.names[sentence]
        if sentence in seen.title_sentences:
            return _sum(self._weights.titles, names) / len(seen.title_sentences)
        gain = _sum(shares, names)
        if sentence in seen.lead_sentences:
            gain += _sum(self._weights.leads, names) / len(seen.lead_sentences)
        return gain

    def _places(
        self, seen: Traits, rules: Mapping[str, float]
    ) -> tuple[dict[int, dict[Span, Rule]], dict[str, list[tuple[int, Span]]]]:
        """Which rule of the topic stands where in each sentence, and where those that add of their own do."""
        by_sentence: dict[int, dict[Span, Rule]] = defaultdict(dict)
        places: dict[str, list[tuple[int, Span]]] = defaultdict(list)
        for sentence, spoken, span in seen.places:
            rule = spoken.rule
            if rule.topic == self._topic:
                here = by_sentence[sentence]
                # Of two that find the same the first by name, not by their order in the file.
                if span not in here or rule.text < here[span].text:
                    here[span] = rule
                key = spoken.key
                if key is not None and key in rules:
                    places[key].append((sentence, span))
        return by_sentence, places

    def _of_words(self, reading: Reading, seen: Traits) -> list[Evidence]:
        weights, ranks = self._weights.words, self._ranks
        scale = word_scale(len(seen.words))
        said = sorted(map(ranks.__getitem__, ranks.keys() & seen.words))[:WORD_EVIDENCE]
        made = []
        for word in map(self._ranked.__getitem__, said):
            gain = weights[word] * scale
            if abs(gain) < _LEAST:
                break
            if place := _first(reading.folded.text, word):
                made.append(_item(reading, place, f'model: word "{word}"', gain))
        return made


def _sum(table: Mapping[str, float], names: Sequence[str]) -> float:
    return sum([table[name] for name in names if name in table])


def _first(text: str, word: str) -> Span | None:
    """Where a word stands first as a word."""
    start = text.find(word)
    while start >= 0:
        end = start + len(word)
        if not text[start - 1].isalnum() and not text[end].isalnum():
            return start, end
        start = text.find(word, start + 1)
    return None


def _outermost(found: Mapping[Span, Rule]) -> list[Span]:
    """The spans that stand behind one another, the longest of those that begin together."""
    if len(found) == 1:
        return list(found)
    kept: list[Span] = []
    reached = -1
    for span in sorted(found, key=_by_start_longest):
        if span[1] > reached:
            kept.append(span)
            reached = span[1]
    return kept


def _by_start_longest(span: Span) -> Span:
    return span[0], -span[1]


def _item(reading: Reading, span: Span, rule: str, gain: float) -> Evidence:
    name, start, end = reading.original(*span)
    source = reading.title if name == "title" else reading.text
    return Evidence(name, start, end, source[start:end], rule, gain)


def by_place(item: Evidence) -> tuple[bool, int, int, str]:
    """The order in which evidence is shown."""
    return item.field == "text", item.start, item.end, item.rule
