"""A model's weights as an article is added up with them: looked up once for all topics."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

import msgspec

from service.tagging.features import MAX_COUNT, Traits

STEPS = ("one", "log", "two", "three", "five")  # what a count of sentences is worth, see `steps`
_FEWEST_WORDS: Final = 10

_Row: TypeAlias = tuple[float, ...]  # a weight for each topic


def steps(count: int) -> tuple[float, float, float, float, float]:
    """A count of sentences as the model sees it: any, its logarithm, at least two, three, five."""
    count = min(count, MAX_COUNT)
    return (1.0, math.log2(1 + count) / 2, float(count > 1), float(count > 2), float(count > 4))  # noqa: PLR2004


class Weights(msgspec.Struct, forbid_unknown_fields=True):
    """One topic's weights, in logits. Keys are names, rules' keys and words."""

    bias: float
    threshold: float  # score from which the topic holds
    main_threshold: float
    names: dict[str, tuple[float, float, float, float, float]]  # by STEPS
    titles: dict[str, float]
    leads: dict[str, float]
    rules: dict[str, float]  # times log2(1 + sentences)
    titled_rules: dict[str, float]
    words: dict[str, float]  # over the root of the number of words
    countries: float  # times log(1 + different countries)


def word_scale(words: int) -> float:
    """What one word weighs among so many different ones of the described sentences."""
    return 1 / math.sqrt(max(_FEWEST_WORDS, words))


class Tables:
    """The weights of all topics side by side."""

    def __init__(self, topics: Sequence[Weights]) -> None:
        self._biases = [weights.bias for weights in topics]
        self._countries = [weights.countries for weights in topics]
        self._titles = _side_by_side([weights.titles for weights in topics])
        self._leads = _side_by_side([weights.leads for weights in topics])
        self._rules = _side_by_side([weights.rules for weights in topics])
        self._titled = _side_by_side([weights.titled_rules for weights in topics])
        self._names: dict[str, tuple[_Row, ...]] = {
            name: tuple(zip(*(_by_count(weights.names.get(name)) for weights in topics), strict=True))
            for name in set().union(*(weights.names for weights in topics))
        }
        self._vocabulary = frozenset().union(*(weights.words for weights in topics))
        self._words = [
            {word: weights.words.get(word, 0.0) for word in self._vocabulary} for weights in topics
        ]
        self._none = [(0.0,) * len(topics)]

    def logits(self, seen: Traits) -> list[float]:
        """Every topic's calibrated logit, in order."""
        names, titles, leads, titled, rules = (
            self._names,
            self._titles,
            self._leads,
            self._titled,
            self._rules,
        )
        rows = [
            names[name][count - 1 if count < MAX_COUNT else MAX_COUNT - 1]
            for name, count in seen.counts.items()
            if name in names
        ]
        rows += [titles[name] for name in seen.title if name in titles]
        rows += [leads[name] for name in seen.lead if name in leads]
        rows += [titled[key] for key in seen.titled_rules if key in titled]
        for key, sentences in seen.rules.items():
            row = rules.get(key)
            if row:
                factor = math.log2(1 + sentences)
                rows.append(tuple([weight * factor for weight in row]))
        spoken = self._vocabulary & seen.words
        scale = word_scale(len(seen.words))
        countries = math.log1p(seen.countries)
        # Exact sums: the order of names and words must not show, not even in the last bit.
        return [
            bias + many * countries + math.fsum(column) + scale * math.fsum(map(words.__getitem__, spoken))
            for bias, many, column, words in zip(
                self._biases,
                self._countries,
                zip(*(rows or self._none), strict=True),
                self._words,
                strict=True,
            )
        ]

    def shares(self, topic: int, counts: Mapping[str, int]) -> dict[str, float]:
        """What each name adds to the logit of a topic, by its number, in one sentence of the text."""
        table = self._names
        return {
            name: table[name][count - 1 if count < MAX_COUNT else MAX_COUNT - 1][topic] / count
            for name, count in counts.items()
            if name in table
        }


def _side_by_side(tables: Sequence[Mapping[str, float]]) -> dict[str, _Row]:
    keys = sorted(set().union(*tables))
    return {key: tuple([table.get(key, 0.0) for table in tables]) for key in keys}


_STEPS_BY_COUNT = [steps(count) for count in range(1, MAX_COUNT + 1)]
_NOTHING = (0.0,) * MAX_COUNT


def _by_count(row: Sequence[float] | None) -> Sequence[float]:
    """What a name adds in one sentence, in two …"""
    if row is None:
        return _NOTHING
    one, log, two, three, five = row
    return [one * a + log * b + two * c + three * d + five * e for a, b, c, d, e in _STEPS_BY_COUNT]
