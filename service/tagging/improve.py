"""Learning from the people of an installation: their verdicts move the weights (`phrases` proposes rules).

What comes with the program stays the starting point: only the difference that the verdicts ask for is
learned (logistic regression around what the tagger says by now), so that fifty verdicts are enough and
nothing else is forgotten. It is adopted only when verdicts that were held back come out better, beyond
chance, and graded articles that were held back not worse. Where there are none, the stored articles that
nobody judged stand in for them, as they are labelled today (`lessons`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from service.tagging.adjust import Adjusted, units
from service.tagging.evaluate import FOLDS, Report, cross_validate
from service.tagging.gold import GoldRow, fingerprint, groups
from service.tagging.learn import LEAD, Example, Feature, Progress, Recipe, digest, prepare, train, vector
from service.tagging.lessons import VERDICT_SHARE, Change, Learning, Lesson, Lessons, TopicOutcome
from service.tagging.model import FORMAT, LANGUAGE, Model, ModelFile
from service.tagging.tables import Weights
from service.tagging.tagger import Tagger
from service.tagging.taxonomy import Topic

GOLD_SHARE = 0.2  # what a graded article weighs beside a verdict
OTHER_SHARE = 0.05  # … and a stored one that nobody judged
RULE = "rule"  # the kind of feature of which each is a rule's hits
Priors = Mapping[str, Mapping[str, float]]  # by a row's id: logits by topic


@dataclass(frozen=True, slots=True)
class Outcome:
    """The model to use from now on, and why."""

    model: Model
    topics: tuple[TopicOutcome, ...]

    @property
    def adopted(self) -> bool:
        """Whether anything changed."""
        return any(topic.adopted for topic in self.topics)


def train_measured(
    tagger: Tagger,
    rows: Sequence[GoldRow],
    *,
    recipe: Recipe | None = None,
    note: Mapping[str, Any] = MappingProxyType({}),
    progress: Progress | None = None,
) -> tuple[Model, Report]:
    """A model learned anew from graded articles, and its cross-validated figures, which it also records.

    This is how the packaged weights were made: the same rows, topics file and recipe give the same file.
    ``note`` is what to record beside.
    """
    recipe = recipe or Recipe()
    examples = prepare(tagger, rows, recipe)
    report = cross_validate(tagger, rows, recipe=recipe, examples=examples, progress=progress)
    figures = {
        name: {key: value for key, value in one.as_json().items() if key != "errors"}
        for name, one in report.topics.items()
    }
    recorded = {
        "cross_validated": {"folds": FOLDS, "topics": figures},
        "fingerprints": sorted(map(fingerprint, rows)),
        **note,
    }
    return train(tagger, rows, recipe=recipe, examples=examples, note=recorded, progress=progress), report


def nothing_learned() -> Model:
    """The weights to start from where none know a topic of the file."""
    return Model(ModelFile(FORMAT, {}, {}, {}))


def improve(
    tagger: Tagger,
    model: Model,
    verdicts: Sequence[GoldRow],
    gold: Sequence[GoldRow] = (),
    *,
    others: Sequence[GoldRow] = (),
    priors: Priors = MappingProxyType({}),
    recipe: Recipe | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """Learns the difference that verdicts ask for, topic by topic and language by language.

    Args:
        tagger: with the taxonomy in force; its layer is not looked at.
        model: the weights to start from.
        verdicts: a row an article; grades 1 for "yes", 0 for "no", only of topics with a verdict.
        gold: graded articles that must not come out worse.
        others: articles that nobody judged; their grades are not looked at.
        priors: what the sources of the verdicts and others make likelier.
    """
    recipe = recipe or Recipe(least_word=3, least_rule=1)
    reader = _Reader(tagger, model, priors)
    topics, adjusted = dict(model.file.topics), dict(model.file.adjusted)
    outcomes = []
    for language, (said, graded, rest) in sorted(_by_language(verdicts, gold, others).items()):
        lessons = reader.lessons(language, said, graded, rest)
        for topic in tagger.taxonomy.topics:
            if not topic.covers(language) or not any(topic.name in row.grades for row in said):
                continue
            if progress:
                progress(f"{topic.name} ({language})")
            outcome, change = _learned(topic, language, model, lessons, recipe)
            outcomes.append(outcome)
            if change is not None and model.decides(topic.name, language):
                topics[topic.name] = _moved(topics[topic.name], change)
            elif change is not None:
                adjusted[f"{topic.name}/{language}"] = _adjusted(topic, adjusted, language, change)
    changed = any(outcome.adopted for outcome in outcomes)
    trained = _note(model, verdicts, gold)
    file = ModelFile(FORMAT, trained, model.file.known, topics, adjusted)
    return Outcome(Model(file) if changed else model, tuple(outcomes))


def _by_language(
    verdicts: Sequence[GoldRow], gold: Sequence[GoldRow], others: Sequence[GoldRow]
) -> dict[str, tuple[list[GoldRow], list[GoldRow], list[GoldRow]]]:
    """Verdicts, graded articles and others of each language in which there is a verdict."""
    made: dict[str, tuple[list[GoldRow], list[GoldRow], list[GoldRow]]] = defaultdict(lambda: ([], [], []))
    for kind, rows in enumerate((verdicts, gold, others)):
        for row in rows:
            made[row.language or LANGUAGE][kind].append(row)
    return {language: kinds for language, kinds in made.items() if kinds[0]}


def _note(model: Model, verdicts: Sequence[GoldRow], gold: Sequence[GoldRow]) -> dict[str, Any]:
    """Where the learned weights come from."""
    trained = model.file.trained
    return {
        **trained,
        "base": model.version,
        "verdicts": len(verdicts),
        "verdict_data": digest(verdicts),
        "fingerprints": sorted({*trained.get("fingerprints", ()), *map(fingerprint, gold)}),
    }


class _Reader:
    """Reads rows as the tagger does, with the weights to start from."""

    def __init__(self, tagger: Tagger, model: Model, priors: Priors) -> None:
        self._tagger = Tagger(tagger.taxonomy, layer=model)
        self._model = model
        self._priors = priors

    def lessons(
        self, language: str, said: Sequence[GoldRow], gold: Sequence[GoldRow], others: Sequence[GoldRow]
    ) -> dict[str, Lessons]:
        """Each topic's verdicts, graded articles and others. Near-copies share a group across all three."""
        group = iter(groups([*said, *gold, *others]))
        kinds = [
            [self._lessons(row, language, next(group), share, judged=judged) for row in rows]
            for rows, share, judged in (
                (said, VERDICT_SHARE, True), (gold, GOLD_SHARE, True), (others, OTHER_SHARE, False)
            )
        ]  # fmt: skip
        return {
            topic.name: tuple([one[topic.name] for one in kind if topic.name in one] for kind in kinds)  # type: ignore[misc]
            for topic in self._tagger.taxonomy.topics
        }

    def _lessons(
        self, row: GoldRow, language: str, group: int, share: float, *, judged: bool
    ) -> dict[str, Lesson]:
        """A row as a lesson of each topic that covers its language and has a grade."""
        reading = self._tagger.read(row.title, row.text, language=language)
        priors = self._priors.get(row.id, {})
        plain = {ruling.topic.name: ruling for ruling in self._tagger.rule(reading, priors)}
        seen: Mapping[Feature, float] | None = None
        made = {}
        for ruling in self._tagger.judge(reading, priors):
            topic = ruling.topic.name
            if judged and topic not in row.grades:
                continue
            if self._model.decides(topic, language):
                seen = seen if seen is not None else vector(self._model.traits(reading))
                values = seen
            else:
                values = {(RULE, rule): count for rule, count in units(reading, plain[topic]).items()}
            grade = row.grades[topic] if judged else int(ruling.score >= ruling.threshold)
            example = Example(values, {topic: grade}, 1.0, group)
            made[topic] = Lesson(example, grade > 0, ruling.logit, share)
        return made


def _learned(
    topic: Topic, language: str, model: Model, lessons: Mapping[str, Lessons], recipe: Recipe
) -> tuple[TopicOutcome, Change | None]:
    threshold, empty, leads = topic.threshold, topic.bias, dict[str, float]()
    adjusted = model.file.adjusted.get(f"{topic.name}/{language}")
    if model.decides(topic.name, language):
        weights = model.file.topics[topic.name]
        threshold, empty, leads = weights.threshold, weights.bias, weights.leads
    elif adjusted is not None:
        threshold, empty = adjusted.threshold, topic.bias + adjusted.bias
    return Learning(
        topic.name,
        lessons[topic.name],
        language=language,
        threshold=threshold,
        empty=empty,
        leads=leads,
        recipe=recipe,
    ).outcome()


def _adjusted(topic: Topic, before: Mapping[str, Adjusted], language: str, change: Change) -> Adjusted:
    """What is adjusted of a topic's rules, with a change added."""
    now = before.get(f"{topic.name}/{language}") or Adjusted(0.0, topic.threshold, topic.main_threshold, {})
    rules = dict(now.rules)
    for (_, rule), more in change.weights.items():
        rules[rule] = rules.get(rule, 0.0) + more
    main = max(now.main_threshold, change.threshold)
    return Adjusted(now.bias + change.bias, change.threshold, main, rules)


def _moved(weights: Weights, change: Change) -> Weights:
    """Weights with what was learned added."""
    tables: dict[str, dict[str, float]] = {
        "title": dict(weights.titles),
        LEAD: dict(weights.leads),
        "rule": dict(weights.rules),
        "titled": dict(weights.titled_rules),
        "word": dict(weights.words),
    }
    names = {name: list(row) for name, row in weights.names.items()}
    countries = weights.countries
    for (kind, name), more in change.weights.items():
        if kind in tables:
            tables[kind][name] = tables[kind].get(name, 0.0) + more
        elif kind == "countries":
            countries += more
        else:
            names.setdefault(name, [0.0] * 5)[int(kind[-1])] += more
    return Weights(
        bias=weights.bias + change.bias,
        threshold=change.threshold,
        main_threshold=max(weights.main_threshold, change.threshold),
        names={name: (row[0], row[1], row[2], row[3], row[4]) for name, row in names.items()},
        titles=tables["title"],
        leads=tables[LEAD],
        rules=tables["rule"],
        titled_rules=tables["titled"],
        words=tables["word"],
        countries=countries,
    )
