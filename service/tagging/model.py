"""The statistical layer at run time: a linear model over traits, plain Python, every contribution named.

The weights (`model.json`, written by `learn.save`) are plain numbers: what a name, a rule or a word adds to
a topic's logit. The logit is calibrated by training, so ``logistic(logit)`` is the score. What the model
says of a sentence is shared by the phrases found in it, and becomes their evidence.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec

from service.errors import TopicsError
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


@dataclass(slots=True)
class _Gains:
    """What every part of an article adds to one topic's logit."""

    total: float = 0.0
    sentences: dict[int, float] = field(default_factory=lambda: defaultdict(float))
    rules: dict[str, float] = field(default_factory=dict)  # by key, text and title together
    words: list[tuple[float, str]] = field(default_factory=list)


class Model:
    """A layer (see `layer.Layer`) of learned weights. It keeps nothing between articles."""

    def __init__(self, file: ModelFile) -> None:
        self.file = file
        self.version = _digest(file)
        self._known = Known(file.known)
        self._topics = tuple(file.topics)
        self._counted = {name: _Counted(weights) for name, weights in file.topics.items()}

    def traits(self, reading: Reading) -> Traits:
        """What the model looks at in an article."""
        return traits(reading, self._topics, self._known)

    def judge(self, reading: Reading, rulings: tuple[Ruling, ...]) -> tuple[Ruling, ...]:
        """The rulings with learned scores, thresholds and contributions."""
        if reading.language != LANGUAGE:
            return rulings
        seen = self.traits(reading)
        return tuple(
            self._ruled(reading, seen, ruling, self._counted[ruling.topic.name])
            if ruling.topic.name in self._counted
            else ruling
            for ruling in rulings
        )

    def logit(self, topic: str, seen: Traits) -> float:
        """The calibrated logit of a topic without priors and without rules that the model does not know."""
        return self._counted[topic].gains(seen).total

    def _ruled(self, reading: Reading, seen: Traits, ruling: Ruling, counted: _Counted) -> Ruling:
        gains = counted.gains(seen)
        others = self._others(reading, ruling)
        logit = gains.total + ruling.prior + math.fsum(item.contribution for item in others)
        weights = counted.weights
        score = 1 / (1 + math.exp(-max(-700.0, min(700.0, logit))))
        evidence = _evidence(reading, seen, ruling.topic.name, gains, self._known)
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
            before = self.file.known.get(rule.key, 0.0)
            if before != rule.weight:
                changed[rule.text] = 1.0 if not rule.weight else (rule.weight - before) / rule.weight
        if not changed:
            return []
        return [
            replace(item, contribution=item.contribution * changed[item.rule])
            for item in ruling.evidence
            if item.rule in changed
        ]


class _Counted:
    """A topic's weights, made ready: what a name found in so many sentences adds."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights
        self._by_count = {
            name: tuple(
                sum(weight * step for weight, step in zip(row, steps(count), strict=True))
                for count in range(1, MAX_COUNT + 1)
            )
            for name, row in weights.names.items()
        }

    def gains(self, seen: Traits) -> _Gains:
        """Every contribution, by the sentence, rule or word that makes it."""
        weights = self.weights
        made = _Gains()
        per_sentence = self._names(seen, made)
        for key, sentences in seen.rules.items():
            gain = weights.rules.get(key)
            if gain:
                made.rules[key] = gain * math.log2(1 + sentences)
        for key in seen.titled_rules:
            gain = weights.titled_rules.get(key)
            if gain:
                made.rules[key] = made.rules.get(key, 0.0) + gain
        words = 0.0
        if seen.words:
            scale = word_scale(len(seen.words))
            for word in weights.words.keys() & seen.words.keys():
                gain = weights.words[word] * scale
                words += gain
                made.words.append((gain, word))
        rest = weights.countries * math.log1p(seen.countries)
        made.total = math.fsum((weights.bias, per_sentence, rest, words, *made.rules.values()))
        return made

    def _names(self, seen: Traits, made: _Gains) -> float:
        weights, by_count = self.weights, self._by_count
        shares: dict[str, float] = {}
        total = 0.0
        for name, count in seen.counts.items():
            row = by_count.get(name)
            if row:
                gain = row[min(count, MAX_COUNT) - 1]
                total += gain
                shares[name] = gain / count
        titles = {name: weights.titles[name] for name in seen.title if name in weights.titles}
        leads = {name: weights.leads[name] for name in seen.lead if name in weights.leads}
        total += math.fsum(titles.values()) + math.fsum(leads.values())
        made.total = total
        for sentence, names in seen.names.items():
            if sentence in seen.title_sentences:
                gain = sum(titles.get(name, 0.0) for name in names) / len(seen.title_sentences)
            else:
                gain = sum(shares.get(name, 0.0) for name in names)
                if sentence in seen.lead_sentences and leads:
                    gain += sum(leads.get(name, 0.0) for name in names) / len(seen.lead_sentences)
            made.sentences[sentence] = gain
        return total


def word_scale(words: int) -> float:
    """What one word weighs among so many different ones of the described sentences."""
    return 1 / math.sqrt(max(10, words))


# -- evidence ------------------------------------------------------------------------------------------------


def _evidence(reading: Reading, seen: Traits, topic: str, gains: _Gains, known: Known) -> list[Evidence]:
    """The phrases of the topic's rules with their share of their sentence, then the words that say most."""
    by_sentence: dict[int, dict[Span, Rule]] = defaultdict(dict)
    places: dict[str, list[tuple[int, Span]]] = defaultdict(list)
    for sentence, rule, span in seen.places:
        if rule.topic == topic:
            by_sentence[sentence].setdefault(span, rule)
            key = known.key(rule)
            if key in gains.rules:
                places[key].append((sentence, span))
    shown = {sentence: _outermost(found) for sentence, found in by_sentence.items()}
    totals = {
        span: gains.sentences.get(sentence, 0.0) / len(found)
        for sentence, found in shown.items()
        for span in found
    }
    for key, spans in places.items():
        for sentence, span in spans:
            totals[_around(shown[sentence], span)] += gains.rules[key] / len(spans)
    rules = {span: rule for found in shown.values() for span, rule in found.items()}
    best = sorted(totals.items(), key=lambda item: -abs(item[1]))[:MAX_EVIDENCE]
    made = [_item(reading, span, rules[span].text, gain) for span, gain in best if abs(gain) >= _LEAST]
    if made:
        for gain, word in sorted(gains.words, key=lambda item: -abs(item[0]))[:WORD_EVIDENCE]:
            if abs(gain) >= _LEAST:
                made.append(_item(reading, seen.words[word], f'model: word "{word}"', gain))
    return made


def _around(shown: Mapping[Span, Rule], span: Span) -> Span:
    """The shown span that has the most of a span."""
    return max(shown, key=lambda outer: min(outer[1], span[1]) - max(outer[0], span[0]))


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
    return model if any(topic.name in model.file.topics for topic in topics) else None


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
    decisive = json.dumps(
        [msgspec.to_builtins(file.topics), file.known], sort_keys=True, separators=(",", ":")
    )
    return f"{FORMAT}-{hashlib.blake2b(decisive.encode(), digest_size=8).hexdigest()}"
