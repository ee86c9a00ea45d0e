"""Learning from the people of an installation: their verdicts move the weights (`phrases` proposes rules).

What comes with the program stays the starting point: only the difference that the verdicts ask for is
learned (logistic regression around the model in force), so that fifty verdicts are enough and nothing else
is forgotten. It is adopted only when verdicts that were held back come out better and graded articles, where
there are some, not worse.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from service.tagging.evaluate import FOLDS, Report, cross_validate
from service.tagging.gold import GoldRow
from service.tagging.learn import Example, Feature, Progress, Recipe, Space, digest, prepare, split, train
from service.tagging.model import Model, ModelFile, Weights
from service.tagging.solver import fit
from service.tagging.tagger import Tagger, logistic

LEAST_VERDICTS = 8  # of a topic; fewer teach nothing that lasts
COSTS = (0.05, 0.2, 0.8)  # how hard the verdicts pull; chosen on those held back
GOLD_SHARE = 0.2  # what a graded article weighs beside a verdict
TOLERANCE = 0.003  # F1 on graded articles that may be lost to noise
_FOLDS = 5
Logit = Callable[[Mapping[Feature, float]], float]


@dataclass(frozen=True, slots=True)
class TopicOutcome:
    """What learning did for one topic; accuracies are shares of verdicts that come out as said."""

    topic: str
    verdicts: int
    accuracy_before: float
    accuracy_after: float  # on verdicts held back
    gold_f1_before: float | None  # None without graded articles
    gold_f1_after: float | None
    adopted: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """The model to use from now on, and why."""

    model: Model
    topics: tuple[TopicOutcome, ...]

    @property
    def adopted(self) -> bool:
        """Whether anything changed."""
        return any(topic.adopted for topic in self.topics)


@dataclass(frozen=True, slots=True)
class _Delta:
    weights: Mapping[Feature, float]
    bias: float

    def logit(self, values: Mapping[Feature, float]) -> float:
        weights = self.weights
        return self.bias + math.fsum(
            weights[feature] * value for feature, value in values.items() if feature in weights
        )


def train_measured(
    tagger: Tagger, rows: Sequence[GoldRow], *, recipe: Recipe | None = None, progress: Progress | None = None
) -> tuple[Model, Report]:
    """A model learned anew from graded articles, and its cross-validated figures, which it also records.

    This is how the packaged weights were made: the same rows, topics file and recipe give the same file.
    """
    recipe = recipe or Recipe()
    examples = prepare(tagger, rows, recipe)
    report = cross_validate(tagger, rows, recipe=recipe, examples=examples, progress=progress)
    figures = {
        name: {key: value for key, value in one.as_json().items() if key != "errors"}
        for name, one in report.topics.items()
    }
    note = {"cross_validated": {"folds": FOLDS, "topics": figures}}
    return train(tagger, rows, recipe=recipe, examples=examples, note=note, progress=progress), report


def improve(
    tagger: Tagger,
    model: Model,
    verdicts: Sequence[GoldRow],
    gold: Sequence[GoldRow] = (),
    *,
    recipe: Recipe | None = None,
) -> Outcome:
    """Learns the difference that verdicts ask for.

    Args:
        tagger: with the taxonomy in force.
        model: the weights in force.
        verdicts: a row an article; grades 1 for "yes", 0 for "no", only of topics with a verdict.
        gold: graded articles that must not come out worse.
    """
    recipe = recipe or Recipe(least_word=3, least_rule=1)
    said = prepare(tagger, verdicts, recipe)
    graded = prepare(tagger, gold, recipe) if gold else []
    topics = dict(model.file.topics)
    outcomes = []
    for topic, weights in model.file.topics.items():
        outcome, changed = _improved(topic, weights, said, graded, recipe)
        outcomes.append(outcome)
        if changed is not None:
            topics[topic] = changed
    note: dict[str, Any] = {**model.file.trained, "verdicts": len(verdicts), "verdict_data": digest(verdicts)}
    file = ModelFile(model.file.format, note, model.file.known, topics)
    return Outcome(Model(file) if topics != model.file.topics else model, tuple(outcomes))


def _improved(
    topic: str, weights: Weights, said: Sequence[Example], graded: Sequence[Example], recipe: Recipe
) -> tuple[TopicOutcome, Weights | None]:
    own = [example for example in said if topic in example.grades]
    base = _Base(weights)
    right_before = _accuracy(own, topic, weights.threshold, base.logit)
    gold_before = _f1(graded, topic, weights.threshold, base.logit) if graded else None
    outcome = TopicOutcome(
        topic, len(own), right_before, right_before, gold_before, gold_before, adopted=False, reason=""
    )
    if len(own) < LEAST_VERDICTS:
        return replace(outcome, reason=f"{len(own)} verdicts, at least {LEAST_VERDICTS} are needed"), None
    best: tuple[float, float | None, float] | None = None
    for cost in COSTS:
        right, f1 = _held_back(topic, base, own, graded, replace(recipe, cost=cost))
        kept = f1 is None or gold_before is None or f1 >= gold_before - TOLERANCE
        if kept and (best is None or right > best[0]):
            best = (right, f1, cost)
    if best is None:
        return replace(outcome, reason="graded articles would come out worse"), None
    outcome = replace(outcome, accuracy_after=best[0], gold_f1_after=best[1])
    if best[0] <= right_before:
        return replace(outcome, reason="verdicts held back do not come out better"), None
    delta = _delta(topic, base, own, graded, replace(recipe, cost=best[2]))
    return replace(outcome, adopted=True, reason="verdicts held back come out better"), _moved(weights, delta)


class _Base:
    """A topic's weights as a function of named values, as `learn.vector` gives them."""

    def __init__(self, weights: Weights) -> None:
        self.threshold = weights.threshold
        self._bias = weights.bias
        self._weights: dict[Feature, float] = {("countries", ""): weights.countries}
        for name, row in weights.names.items():
            self._weights.update({(f"name{step}", name): weight for step, weight in enumerate(row)})
        for kind, table in (
            ("title", weights.titles),
            ("lead", weights.leads),
            ("rule", weights.rules),
            ("titled", weights.titled_rules),
            ("word", weights.words),
        ):
            self._weights.update({(kind, name): weight for name, weight in table.items()})

    def logit(self, values: Mapping[Feature, float]) -> float:
        """The calibrated logit."""
        weights = self._weights
        return self._bias + math.fsum(weights.get(feature, 0.0) * value for feature, value in values.items())


def _delta(
    topic: str, base: _Base, own: Sequence[Example], graded: Sequence[Example], recipe: Recipe
) -> _Delta:
    anchors = [example for example in graded if topic in example.grades]
    space = Space([*own, *anchors], recipe)
    used = [*own, *anchors]
    costs = [recipe.cost] * len(own) + [recipe.cost * GOLD_SHARE] * len(anchors)
    found = fit(
        [space.row(example.values) for example in used],
        [example.grades[topic] > 0 for example in used],
        costs,
        len(space.index),
        offsets=[base.logit(example.values) for example in used],
        seed=recipe.seed,
    )
    weights = {
        feature: found.weights[number] * space.scales[feature] for feature, number in space.index.items()
    }
    return _Delta(weights, found.bias)


def _held_back(
    topic: str,
    base: _Base,
    own: Sequence[Example],
    graded: Sequence[Example],
    recipe: Recipe,
) -> tuple[float, float | None]:
    """Share of held-back verdicts that come out as said, and the mean F1 on the graded articles."""
    right = 0.0
    f1s = []
    for fold in split(own, topic, _FOLDS, recipe.seed):
        if not fold:
            continue
        out = set(fold)
        delta = _delta(
            topic, base, [example for place, example in enumerate(own) if place not in out], graded, recipe
        )

        def logit(values: Mapping[Feature, float], delta: _Delta = delta) -> float:
            return base.logit(values) + delta.logit(values)

        right += len(fold) * _accuracy([own[place] for place in fold], topic, base.threshold, logit)
        if graded:
            f1s.append(_f1(graded, topic, base.threshold, logit))
    return right / len(own), (math.fsum(f1s) / len(f1s) if f1s else None)


def _accuracy(examples: Sequence[Example], topic: str, threshold: float, logit: Logit) -> float:
    if not examples:
        return 0.0
    right = sum(
        (logistic(logit(example.values)) >= threshold) == (example.grades[topic] > 0) for example in examples
    )
    return right / len(examples)


def _f1(examples: Sequence[Example], topic: str, threshold: float, logit: Logit) -> float:
    hits = given = there = 0
    for example in examples:
        if topic in example.grades:
            holds = logistic(logit(example.values)) >= threshold
            is_right = example.grades[topic] > 0
            hits += holds and is_right
            given += holds
            there += is_right
    return 2 * hits / (given + there) if given + there else 0.0


def _moved(weights: Weights, delta: _Delta) -> Weights:
    """Weights with the difference added."""
    tables: dict[str, dict[str, float]] = {
        "title": dict(weights.titles),
        "lead": dict(weights.leads),
        "rule": dict(weights.rules),
        "titled": dict(weights.titled_rules),
        "word": dict(weights.words),
    }
    names = {name: list(row) for name, row in weights.names.items()}
    countries = weights.countries
    for (kind, name), change in delta.weights.items():
        change = round(change, 4)  # noqa: PLW2901
        if not change:
            continue
        if kind in tables:
            tables[kind][name] = tables[kind].get(name, 0.0) + change
        elif kind == "countries":
            countries += change
        else:
            names.setdefault(name, [0.0] * 5)[int(kind[-1])] += change
    return Weights(
        bias=weights.bias + delta.bias,
        threshold=weights.threshold,
        main_threshold=weights.main_threshold,
        names={name: (row[0], row[1], row[2], row[3], row[4]) for name, row in names.items()},
        titles=tables["title"],
        leads=tables["lead"],
        rules=tables["rule"],
        titled_rules=tables["titled"],
        words=tables["word"],
        countries=countries,
    )
