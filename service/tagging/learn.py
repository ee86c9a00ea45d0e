"""Training of the statistical layer from graded articles: reproducible, plain Python, the same everywhere.

::

    rows → traits (once) → sparse values → one logistic regression a topic → calibrated logit, threshold

Calibration (Platt) and thresholds come from scores that a row's own training never saw. The features, their
scaling and the vocabulary are those of the training rows alone, so that `cross_validate` is honest.
"""

from __future__ import annotations

import hashlib
import json
import math
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec

from service.tagging.calibrate import best_threshold, platt
from service.tagging.features import Known, Traits, traits
from service.tagging.gold import GoldRow, groups
from service.tagging.model import FORMAT, LANGUAGE, Model, ModelFile, decode
from service.tagging.solver import Row, fit
from service.tagging.tables import Weights, steps, word_scale
from service.tagging.tagger import Tagger, logistic
from service.tagging.taxonomy import Taxonomy

_LEAST = 0.0005  # logits: half the last digit that could show
_LEAST_WORD = 0.1
# Half of the F1 to be reached (Lipton et al., ECML 2014), less because middling scores come true more often.
_USUAL_THRESHOLD = 0.4
LEAD = "lead"  # the kind of feature of which each is a name in the first sentences
Feature = tuple[str, str]  # (kind, name)
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How training is done; the figures were chosen by cross-validation on the development gold."""

    prior: float = 0.3  # share of a rule's weight in the topics file that it starts with
    cost: float = 0.15  # of an error, before weighting; smaller means smoother weights
    rule_scale: float = 0.3
    word_scale: float = 3.0
    least_rule: int = 2  # articles that must hold a rule …
    least_word: int = 4  # … or a word
    most_word: float = 0.5  # share of articles above which a word says nothing
    unsure: float = 0.7  # weight of a row whose reader was not sure
    main: float = 1.2  # weight of a row of grade 2
    short: float = 0.5  # weight of a row cut to its title and lead
    beside: float = 0.6  # weight of a row that only teaches
    empty: float = 10.0  # weight of an article in which no rule holds: most of what comes in is of that kind
    lead_characters: int = 300
    folds: int = 5  # of the inner cross-validation
    epochs: int = 30
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Example:
    """A graded article as the solver sees it."""

    values: Mapping[Feature, float]
    grades: Mapping[str, int]  # topics without a grade are left out
    weight: float
    group: int  # rows of one group are never split between training and test
    short: Mapping[Feature, float] | None = None  # the same article cut to title and lead
    measured: bool = True  # False: it teaches only


def prepare(tagger: Tagger, rows: Sequence[GoldRow], recipe: Recipe | None = None) -> list[Example]:
    """What every row holds; the slow part, done once for any number of trainings."""
    recipe = recipe or Recipe()
    topics = [topic.name for topic in tagger.taxonomy.topics if _gradable(rows, topic.name, recipe.folds)]
    everything = Known(None)

    def values(title: str, text: str) -> dict[Feature, float]:
        return vector(traits(tagger.read(title, text, language=LANGUAGE), topics, everything))

    examples = []
    for row, group in zip(rows, groups(rows), strict=True):
        short = row.text[: recipe.lead_characters].rpartition(" ")[0] if row.title else ""
        examples.append(
            Example(
                values(row.title, row.text),
                row.grades,
                (1.0 if row.sure else recipe.unsure) * (1.0 if row.measured else recipe.beside),
                group,
                values(row.title, short) if row.title and len(row.text) > 2 * len(short) else None,
                row.measured,
            )
        )
    return examples


def vector(seen: Traits) -> dict[Feature, float]:
    """Traits as named values; what `model.Model` computes must stay the same sum."""
    made: dict[Feature, float] = {}
    for name, count in seen.counts.items():
        for step, value in enumerate(steps(count)):
            if value:
                made[f"name{step}", name] = value
    made.update({("title", name): 1.0 for name in seen.title})
    made.update({(LEAD, name): 1.0 for name in seen.lead})
    for key, sentences in seen.rules.items():
        made["rule", key] = math.log2(1 + sentences)
    made.update({("titled", key): 1.0 for key in seen.titled_rules})
    scale = word_scale(len(seen.words))
    made.update({("word", word): scale for word in seen.words})
    made["countries", ""] = math.log1p(seen.countries)
    return made


# -- fitting -------------------------------------------------------------------------------------------------


class Space:
    """The features of some examples and how they are scaled."""

    def __init__(self, examples: Sequence[Example], recipe: Recipe) -> None:
        holding = Counter(feature for example in examples for feature in example.values)
        total = len(examples)
        self.scales: dict[Feature, float] = {}
        for feature in sorted(holding):
            kind, _ = feature
            held = holding[feature]
            rarity = math.log(total / held) + 0.5
            if kind in ("rule", "titled"):
                if held >= recipe.least_rule:
                    self.scales[feature] = recipe.rule_scale * rarity
            elif kind == "word":
                if recipe.least_word <= held <= recipe.most_word * total:
                    self.scales[feature] = recipe.word_scale * rarity
            elif held > 1:
                self.scales[feature] = 1.0
        self.index = {feature: number for number, feature in enumerate(self.scales)}

    def floors(self, now: Mapping[str, float] = MappingProxyType({})) -> dict[int, float]:
        """The least that may be added to a weight, by number; ``now`` has the weights of the lead's names.

        What stands in the lead never speaks against a topic: else text about something else, put before an
        article, would push it out of the lead and raise the score.
        """
        scales = self.scales
        return {
            number: -max(0.0, now.get(name, 0.0)) / scales[kind, name]
            for (kind, name), number in self.index.items()
            if kind == LEAD
        }

    def row(self, values: Mapping[Feature, float]) -> Row:
        """Scaled values by number."""
        index, scales = self.index, self.scales
        found = [
            (index[feature], value * scales[feature]) for feature, value in values.items() if feature in index
        ]
        found.sort()
        return [number for number, _ in found], [value for _, value in found]


@dataclass(frozen=True, slots=True)
class Plane:
    """A topic's raw weights over named features."""

    weights: Mapping[Feature, float]
    bias: float

    def logit(self, values: Mapping[Feature, float]) -> float:
        """Before calibration."""
        weights = self.weights
        return self.bias + math.fsum(
            weights[feature] * value for feature, value in values.items() if feature in weights
        )


def rule_priors(taxonomy: Taxonomy, topic: str, recipe: Recipe) -> dict[Feature, float]:
    """What the topics file says of its rules, to start from: what is rare in the graded articles keeps it."""
    made: dict[Feature, float] = {}
    for rule in taxonomy.rules:
        if rule.topic == topic and rule.language in (LANGUAGE, "any"):
            made["rule", rule.key] = made["titled", rule.key] = recipe.prior * rule.weight
    return made


def fit_plane(
    examples: Sequence[Example],
    topic: str,
    recipe: Recipe,
    priors: Mapping[Feature, float] = MappingProxyType({}),
) -> Plane:
    """The plane that separates the articles of a topic from the others, classes weighing the same.

    What is learned is the difference from ``priors``: regularisation pulls towards them, not to nothing.
    """
    graded = [example for example in examples if topic in example.grades]
    space = Space(graded, recipe)
    start = Plane(priors, 0.0)
    rows: list[Row] = []
    offsets: list[float] = []
    positive: list[bool] = []
    costs: list[float] = []
    holding = sum(example.grades[topic] > 0 for example in graded)
    share = {
        True: len(graded) / (2 * max(1, holding)),
        False: len(graded) / (2 * max(1, len(graded) - holding)),
    }
    for example in graded:
        grade = example.grades[topic]
        weight = recipe.main if grade > 1 and example.measured else example.weight
        cost = recipe.cost * share[grade > 0] * weight
        rows.append(space.row(example.values))
        offsets.append(start.logit(example.values))
        positive.append(grade > 0)
        costs.append(cost)
        # A headline and its first lines carry a main subject; whether they carry a lesser one is not known.
        if example.short is not None and grade != 1:
            rows.append(space.row(example.short))
            offsets.append(start.logit(example.short))
            positive.append(grade > 0)
            costs.append(cost * recipe.short)
    rows.append(((), ()))
    offsets.append(0.0)
    positive.append(False)
    costs.append(recipe.cost * share[False] * recipe.empty)
    found = fit(
        rows,
        positive,
        costs,
        len(space.index),
        offsets=offsets,
        floors=space.floors(),
        epochs=recipe.epochs,
        seed=recipe.seed,
    )
    weights = dict(priors)
    for feature, number in space.index.items():
        weights[feature] = weights.get(feature, 0.0) + found.weights[number] * space.scales[feature]
    return Plane(weights, found.bias)


def split(examples: Sequence[Example], topic: str, folds: int, seed: int) -> list[list[int]]:
    """Row numbers of each fold: stratified by whether the topic holds, groups kept together.

    Rows that only teach are in no fold.
    """
    members: dict[int, list[int]] = defaultdict(list)
    for number, example in enumerate(examples):
        if topic in example.grades and example.measured:
            members[example.group].append(number)
    strata: dict[bool, list[int]] = {True: [], False: []}
    for group, numbers in sorted(members.items()):
        strata[any(examples[number].grades[topic] > 0 for number in numbers)].append(group)
    shuffler = random.Random(seed)  # noqa: S311 - an order of rows, no secret
    made: list[list[int]] = [[] for _ in range(folds)]
    turn = 0
    for stratum in (strata[True], strata[False]):
        shuffler.shuffle(stratum)
        for group in stratum:
            made[turn % folds].extend(members[group])
            turn += 1
    return [sorted(fold) for fold in made]


def without(examples: Sequence[Example], fold: Sequence[int]) -> list[Example]:
    """The examples to train with when a fold is held out: no near-copy of one of its rows among them."""
    groups_out = {examples[number].group for number in fold}
    return [example for example in examples if example.group not in groups_out]


@dataclass(frozen=True, slots=True)
class Fitted:
    """A plane with what makes its logit a score and a decision."""

    plane: Plane
    slope: float
    offset: float
    threshold: float
    main_threshold: float

    def score(self, values: Mapping[Feature, float]) -> float:
        """Calibrated, 0 to 1."""
        return logistic(self.slope * self.plane.logit(values) + self.offset)


def fit_topic(
    examples: Sequence[Example],
    topic: str,
    recipe: Recipe,
    priors: Mapping[Feature, float] = MappingProxyType({}),
) -> Fitted:
    """Trains a topic; calibration and thresholds are taken on scores of rows held out."""
    held_out: dict[int, float] = {}
    for fold in split(examples, topic, recipe.folds, recipe.seed):
        plane = fit_plane(without(examples, fold), topic, recipe, priors)
        held_out.update((number, plane.logit(examples[number].values)) for number in fold)
    numbers = sorted(held_out)
    logits = [held_out[number] for number in numbers]
    grades = [examples[number].grades[topic] for number in numbers]
    slope, offset = platt(logits, [grade > 0 for grade in grades])
    scores = [logistic(slope * logit + offset) for logit in logits]
    # What a thousand scores say is best is half chance: taken is the middle between it and the usual one.
    threshold = (best_threshold(scores, [grade > 0 for grade in grades]) + _USUAL_THRESHOLD) / 2
    main = max(threshold, best_threshold(scores, [grade > 1 for grade in grades]))
    return Fitted(fit_plane(examples, topic, recipe, priors), slope, offset, threshold, main)


# -- a whole model -------------------------------------------------------------------------------------------


def train(
    tagger: Tagger,
    rows: Sequence[GoldRow],
    *,
    recipe: Recipe | None = None,
    examples: Sequence[Example] | None = None,
    note: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> Model:
    """A model of every topic of the taxonomy that has graded rows of both kinds.

    Args:
        tagger: whose rules describe the articles (its layer is not used).
        rows: graded articles, see `gold.read_gold`.
        examples: ``prepare(tagger, rows)`` if it is at hand.
        note: what to record beside the command and the digest, such as cross-validated figures.
    """
    recipe = recipe or Recipe()
    examples = examples if examples is not None else prepare(tagger, rows, recipe)
    topics: dict[str, Weights] = {}
    for topic in tagger.taxonomy.topics:
        if learnable(examples, topic.name, recipe.folds):
            if progress:
                progress(topic.name)
            topics[topic.name] = _weights(
                fit_topic(examples, topic.name, recipe, rule_priors(tagger.taxonomy, topic.name, recipe))
            )
    known = {
        rule.key: rule.weight
        for rule in tagger.taxonomy.rules
        if rule.topic in topics and rule.language in (LANGUAGE, "any")
    }
    trained: dict[str, Any] = {
        "command": "wirewatch train",
        "recipe": msgspec.to_builtins(recipe),
        "rows": len(rows),
        "data": digest(rows),
        "taxonomy": tagger.taxonomy.hash,
        **(note or {}),
    }
    return Model(ModelFile(FORMAT, trained, dict(sorted(known.items())), topics))


def learnable(examples: Iterable[Example], topic: str, folds: int) -> bool:
    """Whether a topic has graded rows enough of both kinds to be learned and held out."""
    return _gradable(examples, topic, folds)


def _gradable(graded: Iterable[GoldRow | Example], topic: str, folds: int) -> bool:
    kinds = Counter(item.grades[topic] > 0 for item in graded if topic in item.grades and item.measured)
    return min(kinds[True], kinds[False]) >= 2 * folds


def _weights(fitted: Fitted) -> Weights:
    """Weights of the calibrated logit, rounded; what rounds to nothing is left out."""
    kinds: dict[str, dict[str, float]] = defaultdict(dict)
    for (kind, name), weight in fitted.plane.weights.items():
        rounded = round(weight * fitted.slope, 4)
        # A word's weight is divided by the root of the number of words, ten at least.
        if abs(rounded) >= (_LEAST_WORD if kind == "word" else _LEAST):
            kinds[kind][name] = rounded
    names = sorted({name for step in range(5) for name in kinds[f"name{step}"]})
    return Weights(
        bias=round(fitted.plane.bias * fitted.slope + fitted.offset, 4),
        threshold=round(fitted.threshold, 4),
        main_threshold=round(fitted.main_threshold, 4),
        names={
            name: tuple(kinds[f"name{step}"].get(name, 0.0) for step in range(5))  # type: ignore[misc]
            for name in names
        },
        titles=kinds["title"],
        leads=kinds[LEAD],
        rules=kinds["rule"],
        titled_rules=kinds["titled"],
        words=kinds["word"],
        countries=kinds["countries"].get("", 0.0),
    )


def digest(rows: Iterable[GoldRow]) -> str:
    """Of the rows' content, whatever their order."""
    lines = sorted(json.dumps([row.title, row.text, sorted(row.grades.items()), row.sure]) for row in rows)
    return hashlib.blake2b("\n".join(lines).encode(), digest_size=16).hexdigest()


def save(model: Model, path: Path) -> None:
    """Writes a weights file whole or not at all; the one before is kept beside it as ``….previous``."""
    content = msgspec.json.format(msgspec.json.encode(model.file), indent=1)
    decode(content, str(path))
    fresh = path.with_name(path.name + ".new")
    fresh.write_bytes(content + b"\n")
    if path.exists():
        path.replace(path.with_name(path.name + ".previous"))
    fresh.replace(path)


def revert(path: Path) -> bool:
    """Takes back the last `save`: the weights before become the weights; False where there are none."""
    before = path.with_name(path.name + ".previous")
    if not before.exists():
        return False
    before.replace(path)
    return True
