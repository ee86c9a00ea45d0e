"""The statistical layer at run time: a linear model over traits, plain Python, every contribution named.

The weights (`model.json`, written by `learn.save`) are plain numbers: what a name, a rule or a word adds to
a topic's logit. The logit is calibrated by training, so ``logistic(logit)`` is the score. What the model
says of a sentence is shared by the phrases found in it, and becomes their evidence.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec

from service.errors import TopicsError
from service.tagging.adjust import Adjusted, adjust
from service.tagging.evidence import Explainer, by_place
from service.tagging.features import Known, Traits, traits
from service.tagging.layer import Asked, Ruling
from service.tagging.matcher import Reading
from service.tagging.tables import Tables, Weights
from service.tagging.taxonomy import Topic
from service.values import Evidence

FORMAT = 1
MAX_FILE = 16 << 20  # bytes
LANGUAGE = "en"  # what the packaged weights were learned from; other languages are left to the rules
SHOWN_FROM = 0.05  # score; evidence for less is not worked out


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
        self._tables = Tables(tuple(file.topics.values()))
        self._explainers = {
            topic: Explainer(topic, number, weights, self._tables)
            for number, (topic, weights) in enumerate(file.topics.items())
        }

    def traits(self, reading: Reading) -> Traits:
        """What the model looks at in an article."""
        return traits(reading, self._topics, self._known)

    def judge(self, reading: Reading, asked: Sequence[Asked]) -> tuple[Ruling, ...]:
        """The topics with learned scores, thresholds and contributions; the rules' ruling of any other."""
        if not any(self.decides(one.topic.name, reading.language) for one in asked):
            return tuple(self._adjusted(reading, one.rule()) for one in asked)
        seen = self.traits(reading)
        logits = dict(zip(self._topics, self._tables.logits(seen), strict=True))
        return tuple(
            self._ruled(reading, seen, one, logits[one.topic.name])
            if one.topic.name in logits
            else self._adjusted(reading, one.rule())
            for one in asked
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

    def _ruled(self, reading: Reading, seen: Traits, asked: Asked, logit: float) -> Ruling:
        topic = asked.topic
        evidence = self._others(reading, asked)
        logit += asked.prior + math.fsum([item.contribution for item in evidence])
        weights = self.file.topics[topic.name]
        score = 1 / (1 + math.exp(-max(-700.0, min(700.0, logit))))
        if score >= SHOWN_FROM:
            explainer = self._explainers[topic.name]
            evidence += explainer.evidence(reading, seen, holds=score >= weights.threshold)
            evidence.sort(key=by_place)
        return Ruling(
            topic=topic,
            logit=logit,
            prior=asked.prior,
            score=score,
            threshold=weights.threshold,
            main=score >= max(weights.threshold, weights.main_threshold),
            evidence=tuple(evidence),
        )

    def _others(self, reading: Reading, asked: Asked) -> list[Evidence]:
        """Evidence of rules that are new or have another weight since: what the file says of them."""
        changed: dict[str, float] = {}
        for rule, _ in reading.found(asked.topic.name):
            before = self._known.of(rule).weight
            if before != rule.weight:
                changed[rule.text] = 1.0 if not rule.weight else (rule.weight - before) / rule.weight
        if not changed:
            return []
        return [
            replace(item, contribution=item.contribution * changed[item.rule])
            for item in asked.rule().evidence
            if item.rule in changed
        ]


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
    decisive = msgspec.json.encode([file.topics, file.known, file.adjusted], order="sorted")
    return f"{FORMAT}-{hashlib.blake2b(decisive, digest_size=8).hexdigest()}"
