"""The statistical layer at run time: a linear model over traits, plain Python, every contribution named.

The weights (`model.json`, written by `learn.save`) are plain numbers: what a name, a rule or a word adds to
a topic's logit. The logit is calibrated by training, so ``logistic(logit)`` is the score. What the model
says of a sentence is shared by the phrases found in it, and becomes their evidence.
"""

from __future__ import annotations

import hashlib
import json
import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from heapq import nsmallest
from importlib.resources import files
from operator import itemgetter
from pathlib import Path
from typing import Any

import msgspec

from service.errors import TopicsError
from service.tagging.adjust import Adjusted, adjust
from service.tagging.features import MAX_COUNT, Known, Span, Traits, traits
from service.tagging.layer import Ruling
from service.tagging.matcher import Reading
from service.tagging.taxonomy import Rule, Topic
from service.values import Evidence

FORMAT = 1
MAX_FILE = 16 << 20  # bytes
LANGUAGE = "en"  # what the packaged weights were learned from; other languages are left to the rules
MAX_EVIDENCE = 40  # a topic
WORD_EVIDENCE = 6  # words a topic, those that say most
SHOWN_FROM = 0.05  # score; evidence for less is not worked out
_LEAST = 0.02  # logits; less is no evidence
STEPS = ("one", "log", "two", "three", "five")  # what a count of sentences is worth, see `steps`


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


class ModelFile(msgspec.Struct, forbid_unknown_fields=True):
    """`model.json`: weights of each topic, and where they come from."""

    format: int
    trained: dict[str, Any]  # command, data digest, counts, cross-validated figures
    known: dict[str, float]  # the rules it was trained with, by key, and their weight then
    topics: dict[str, Weights]
    adjusted: dict[str, Adjusted] = {}  # by "topic/language": where the rules alone decide


class Model:
    """A layer (see `layer.Layer`) of learned weights. It keeps nothing between articles."""

    def __init__(self, file: ModelFile) -> None:
        self.file = file
        self.version = _digest(file)
        self._known = Known(file.known)
        self._topics = tuple(file.topics)
        self._tables = _Tables(tuple(file.topics.values()))

    def traits(self, reading: Reading) -> Traits:
        """What the model looks at in an article."""
        return traits(reading, self._topics, self._known)

    def judge(self, reading: Reading, rulings: tuple[Ruling, ...]) -> tuple[Ruling, ...]:
        """The rulings with learned scores, thresholds and contributions."""
        if self.file.adjusted:
            rulings = tuple(self._adjusted(reading, ruling) for ruling in rulings)
        if reading.language != LANGUAGE or not self._topics:
            return rulings
        seen = self.traits(reading)
        logits = dict(zip(self._topics, self._tables.logits(seen), strict=True))
        return tuple(
            self._ruled(reading, seen, ruling, logits[ruling.topic.name])
            if ruling.topic.name in logits
            else ruling
            for ruling in rulings
        )

    def decides(self, topic: str, language: str) -> bool:
        """Whether learned weights decide on a topic in a language, and not the rules alone."""
        return language == LANGUAGE and topic in self.file.topics

    def _adjusted(self, reading: Reading, ruling: Ruling) -> Ruling:
        adjusted = self.file.adjusted.get(f"{ruling.topic.name}/{reading.language}")
        return adjust(reading, ruling, adjusted) if adjusted is not None else ruling

    def logit(self, topic: str, seen: Traits) -> float:
        """The calibrated logit of a topic without priors and without rules that the model does not know."""
        return self._tables.logits(seen)[self._topics.index(topic)]

    def _ruled(self, reading: Reading, seen: Traits, ruling: Ruling, logit: float) -> Ruling:
        others = self._others(reading, ruling)
        logit += ruling.prior + math.fsum(item.contribution for item in others)
        topic = ruling.topic.name
        weights = self.file.topics[topic]
        score = 1 / (1 + math.exp(-max(-700.0, min(700.0, logit))))
        evidence = (
            _evidence(
                reading,
                seen,
                topic,
                _Gains(seen, weights, self._tables.shares(seen, self._topics.index(topic))),
                self._known,
                holds=score >= weights.threshold,
            )
            if score >= SHOWN_FROM
            else []
        )
        return replace(
            ruling,
            logit=logit,
            score=score,
            threshold=weights.threshold,
            main=score >= max(weights.threshold, weights.main_threshold),
            evidence=tuple(sorted((*evidence, *others), key=_by_place)),
        )

    def _others(self, reading: Reading, ruling: Ruling) -> list[Evidence]:
        """Evidence of rules that are new or have another weight since: what the file says of them."""
        changed: dict[str, float] = {}
        for rule, _ in reading.found(ruling.topic.name):
            before = self._known.weight(rule)
            if before != rule.weight:
                changed[rule.text] = 1.0 if not rule.weight else (rule.weight - before) / rule.weight
        if not changed:
            return []
        return [
            replace(item, contribution=item.contribution * changed[item.rule])
            for item in ruling.evidence
            if item.rule in changed
        ]


_Row = tuple[float, ...]  # a weight for each topic


class _Tables:
    """The weights of all topics side by side, so that an article is added up once."""

    def __init__(self, topics: Sequence[Weights]) -> None:
        self._biases = [weights.bias for weights in topics]
        self._countries = [weights.countries for weights in topics]
        self._titles = _side_by_side([weights.titles for weights in topics])
        self._leads = _side_by_side([weights.leads for weights in topics])
        self._rules = _side_by_side([weights.rules for weights in topics])
        self._titled = _side_by_side([weights.titled_rules for weights in topics])
        self._words = _side_by_side([weights.words for weights in topics])
        names = sorted(set().union(*(weights.names for weights in topics)))
        self._names: dict[str, tuple[_Row, ...]] = {
            name: tuple(
                tuple(counted(weights, name, count) for weights in topics)
                for count in range(1, MAX_COUNT + 1)
            )
            for name in names
        }

    def logits(self, seen: Traits) -> list[float]:
        """Every topic's calibrated logit, in order."""
        names, titles, leads, titled = self._names, self._titles, self._leads, self._titled
        rows = [
            names[name][count - 1 if count < MAX_COUNT else MAX_COUNT - 1]
            for name, count in seen.counts.items()
            if name in names
        ]
        rows += [titles[name] for name in seen.title if name in titles]
        rows += [leads[name] for name in seen.lead if name in leads]
        rows += [titled[key] for key in seen.titled_rules if key in titled]
        for key, sentences in seen.rules.items():
            row = self._rules.get(key)
            if row:
                factor = math.log2(1 + sentences)
                rows.append(tuple([weight * factor for weight in row]))
        words = self._words
        spoken = [words[word] for word in seen.words if word in words]
        scale = word_scale(len(seen.words))
        countries = math.log1p(seen.countries)
        none = [(0.0,) * len(self._biases)]
        # Exact sums: the order of names and words must not show, not even in the last bit.
        return [
            bias + many * countries + math.fsum(column) + scale * math.fsum(said)
            for bias, many, column, said in zip(
                self._biases,
                self._countries,
                zip(*(rows or none), strict=True),
                zip(*(spoken or none), strict=True),
                strict=True,
            )
        ]

    def shares(self, seen: Traits, topic: int) -> dict[str, float]:
        """What each name adds to a topic's logit in one sentence of the text."""
        names = self._names
        return {
            name: names[name][min(count, MAX_COUNT) - 1][topic] / count
            for name, count in seen.counts.items()
            if name in names
        }


def _side_by_side(tables: Sequence[Mapping[str, float]]) -> dict[str, _Row]:
    keys = sorted(set().union(*tables))
    return {key: tuple(table.get(key, 0.0) for table in tables) for key in keys}


def counted(weights: Weights, name: str, count: int) -> float:
    """What a name in so many sentences of the text adds."""
    row = weights.names.get(name)
    return sum(weight * step for weight, step in zip(row, steps(count), strict=True)) if row else 0.0


def word_scale(words: int) -> float:
    """What one word weighs among so many different ones of the described sentences."""
    return 1 / math.sqrt(max(10, words))


# -- evidence ------------------------------------------------------------------------------------------------


class _Gains:
    """What the parts of an article add to one topic's logit."""

    def __init__(self, seen: Traits, weights: Weights, shares: Mapping[str, float]) -> None:
        self._seen = seen
        self._weights = weights
        self._shares = shares
        self.rules = {
            key: weights.rules[key] * math.log2(1 + sentences)
            for key, sentences in seen.rules.items()
            if key in weights.rules
        }
        for key in seen.titled_rules:
            if key in weights.titled_rules:
                self.rules[key] = self.rules.get(key, 0.0) + weights.titled_rules[key]

    def sentence(self, number: int) -> float:
        """The share that a sentence has in what its names add."""
        seen = self._seen
        names = seen.names[number]
        if number in seen.title_sentences:
            return _sum(self._weights.titles, names) / len(seen.title_sentences)
        gain = _sum(self._shares, names)
        if number in seen.lead_sentences:
            gain += _sum(self._weights.leads, names) / len(seen.lead_sentences)
        return gain

    def words(self) -> list[tuple[float, str]]:
        """The words that say most."""
        scale = word_scale(len(self._seen.words))
        table = self._weights.words
        gains = [(table[word] * scale, word) for word in self._seen.words if word in table]
        gains = [item for item in gains if abs(item[0]) >= _LEAST]
        return nsmallest(WORD_EVIDENCE, gains, key=lambda item: (-abs(item[0]), item[1]))


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


def _evidence(
    reading: Reading, seen: Traits, topic: str, gains: _Gains, known: Known, *, holds: bool
) -> list[Evidence]:
    """The phrases of the topic's rules with their share of their sentence, then the words that say most.

    Words stand alone only where they, as verdicts taught them, are enough for the topic to hold.
    """
    by_sentence, places = _by_sentence(seen, topic, gains, known)
    shown = {sentence: _outermost(found) for sentence, found in by_sentence.items()}
    totals: dict[Span, float] = {}
    for sentence, found in shown.items():
        totals.update(dict.fromkeys(found, gains.sentence(sentence) / len(found)))
    order = {sentence: list(found) for sentence, found in shown.items()}
    for key, spans in sorted(places.items()):
        for sentence, span in spans:
            around = bisect_left(order[sentence], span[1], key=itemgetter(1))  # their ends grow, too
            totals[order[sentence][around]] += gains.rules[key] / len(spans)
    rules = {span: rule for found in shown.values() for span, rule in found.items()}
    best = nsmallest(MAX_EVIDENCE, totals.items(), key=lambda item: (-abs(item[1]), item[0]))
    made = [_item(reading, span, rules[span].text, gain) for span, gain in best if abs(gain) >= _LEAST]
    for gain, word in gains.words() if made or holds else ():
        if place := _first(reading.folded.text, word):
            made.append(_item(reading, place, f'model: word "{word}"', gain))
    return made


def _by_sentence(
    seen: Traits, topic: str, gains: _Gains, known: Known
) -> tuple[dict[int, dict[Span, Rule]], dict[str, list[tuple[int, Span]]]]:
    """Which rule of a topic stands where in each sentence, and where those with a gain of their own stand."""
    by_sentence: dict[int, dict[Span, Rule]] = defaultdict(dict)
    places: dict[str, list[tuple[int, Span]]] = defaultdict(list)
    for sentence, rule, span in seen.places:
        if rule.topic == topic:
            other = by_sentence[sentence].get(span)
            # Of two that find the same the first by name, not by their order in the file.
            if other is None or rule.text < other.text:
                by_sentence[sentence][span] = rule
            key = known.key(rule)
            if key in gains.rules:
                places[key].append((sentence, span))
    return by_sentence, places


def _outermost(found: Mapping[Span, Rule]) -> dict[Span, Rule]:
    """The spans that stand behind one another, the longest of those that begin together."""
    kept: dict[Span, Rule] = {}
    end = -1
    for span in sorted(found, key=lambda span: (span[0], -span[1])):
        if span[1] > end:
            kept[span] = found[span]
            end = span[1]
    return kept


def _item(reading: Reading, span: Span, rule: str, gain: float) -> Evidence:
    name, start, end = reading.original(*span)
    source = reading.title if name == "title" else reading.text
    return Evidence(name, start, end, source[start:end], rule, gain)


def _by_place(item: Evidence) -> tuple[bool, int, int, str]:
    return item.field == "text", item.start, item.end, item.rule


# -- the file ------------------------------------------------------------------------------------------------


def load_layer(path: Path | None, topics: Sequence[Topic]) -> Model | None:
    """The layer of a weights file; without a path of the one that comes with the program.

    Args:
        path: None: the packaged file, and None is returned where there is none.
        topics: of the taxonomy; a layer that knows none of them is no use and None is returned.

    Raises:
        TopicsError: the file cannot be read, or is of another format.
    """
    if path is None:
        source = files("service.tagging").joinpath("model.json")
        if not source.is_file():
            return None
        model = _packaged()
    else:
        model = read_model(path)
    known = {*model.file.topics, *(key.partition("/")[0] for key in model.file.adjusted)}
    return model if any(topic.name in known for topic in topics) else None


@lru_cache(maxsize=1)
def _packaged() -> Model:
    content = files("service.tagging").joinpath("model.json").read_bytes()
    return Model(decode(content, "model.json (packaged)"))


def read_model(path: Path) -> Model:
    """The model of a weights file; raises `TopicsError`."""
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_FILE + 1)
    except OSError as error:
        raise TopicsError(f"{path}: cannot be read: {error.strerror or error}") from error
    if len(content) > MAX_FILE:
        raise TopicsError(f"{path}: larger than {MAX_FILE >> 20} MB")
    return Model(decode(content, str(path)))


def decode(content: bytes, origin: str) -> ModelFile:
    """Checks a weights file's content; raises `TopicsError`."""
    try:
        file = msgspec.json.decode(content, type=ModelFile)
    except msgspec.DecodeError as error:
        raise TopicsError(f"{origin}: no weights file: {error}") from error
    if file.format != FORMAT:
        raise TopicsError(
            f"{origin}: weights of format {file.format}, this program reads {FORMAT}: train again"
        )
    return file


def _digest(file: ModelFile) -> str:
    """Of what decides; not of where the weights come from."""
    parts = [file.topics, file.known, *([file.adjusted] if file.adjusted else [])]
    decisive = json.dumps(msgspec.to_builtins(parts), sort_keys=True, separators=(",", ":"))
    return f"{FORMAT}-{hashlib.blake2b(decisive.encode(), digest_size=8).hexdigest()}"
