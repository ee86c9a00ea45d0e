"""How right the tags are, against graded articles: figures, every error, calibration, and two topics files
compared. `cross_validate` measures the statistical layer on articles that it was not trained with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from service.tagging.calibrate import average_precision
from service.tagging.gold import GoldRow, read_gold
from service.tagging.learn import (
    Example,
    Progress,
    Recipe,
    fit_topic,
    learnable,
    prepare,
    rule_priors,
    split,
    without,
)
from service.tagging.tagger import Tagger
from service.values import Tag

__all__ = [
    "Band",
    "Comparison",
    "Error",
    "Report",
    "TopicReport",
    "compare",
    "cross_validate",
    "evaluate",
    "read_gold",
]

TagFunction = Callable[[GoldRow], Sequence[Tag]]
BANDS = 10
FOLDS = 5


@dataclass(frozen=True, slots=True)
class Judged:
    """What was said of one topic on one article, and what is right."""

    row: GoldRow
    score: float
    holds: bool
    main: bool
    grade: int
    evidence: tuple[str, ...] = ()  # the phrases that said most


@dataclass(frozen=True, slots=True)
class Error:
    """A wrong tag, or one that is missing (``false_positive`` False)."""

    id: str
    title: str
    topic: str
    false_positive: bool
    score: float
    grade: int
    sure: bool
    why: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Band:
    """Scores between two bounds: how many, their mean, and the share that was right."""

    low: float
    high: float
    count: int
    mean_score: float
    share_right: float


@dataclass(frozen=True, slots=True)
class TopicReport:
    """The figures of one topic."""

    topic: str
    scored: int  # articles with a grade
    true_positives: int
    false_positives: int
    false_negatives: int
    true_negatives: int
    average_precision: float
    main_f1: float  # of "main subject" against grade 2
    brier: float  # mean squared error of the score
    calibration_error: float  # expected calibration error over the bands
    reliability: tuple[Band, ...]
    errors: tuple[Error, ...]  # the most confident mistake first

    @property
    def precision(self) -> float:
        """Share of the tags given that are right; 0 when none is given."""
        return _share(self.true_positives, self.true_positives + self.false_positives)

    @property
    def recall(self) -> float:
        """Share of the right tags that are given."""
        return _share(self.true_positives, self.true_positives + self.false_negatives)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return _share(
            2 * self.true_positives, 2 * self.true_positives + self.false_positives + self.false_negatives
        )

    def as_json(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "precision": round(self.precision, 4),
            "recall": round(self.recall, 4),
            "f1": round(self.f1, 4),
            "average_precision": round(self.average_precision, 4),
            "main_f1": round(self.main_f1, 4),
            "brier": round(self.brier, 4),
            "calibration_error": round(self.calibration_error, 4),
            "articles": self.scored,
            "positive": self.true_positives + self.false_negatives,
            "confusion": {
                "true_positives": self.true_positives,
                "false_positives": self.false_positives,
                "false_negatives": self.false_negatives,
                "true_negatives": self.true_negatives,
            },
            "reliability": [
                {
                    "from": band.low,
                    "to": band.high,
                    "articles": band.count,
                    "mean_score": round(band.mean_score, 4),
                    "share_right": round(band.share_right, 4),
                }
                for band in self.reliability
            ],
            "errors": [
                {
                    "id": error.id,
                    "title": error.title,
                    "kind": "false positive" if error.false_positive else "false negative",
                    "score": round(error.score, 4),
                    "grade": error.grade,
                    "sure": error.sure,
                    "why": error.why,
                    "evidence": list(error.evidence),
                }
                for error in self.errors
            ],
        }


@dataclass(frozen=True, slots=True)
class Report:
    """The figures of every topic that has grades."""

    topics: Mapping[str, TopicReport]
    articles: int
    cross_validated: bool = False  # measured on articles that the layer was not trained with
    notes: tuple[str, ...] = field(default=())

    def as_json(self) -> dict[str, Any]:
        """``{"topics": {"sanctions": {"precision": …, "recall": …, "f1": …, "average_precision": …}}}``."""
        return {
            "articles": self.articles,
            "cross_validated": self.cross_validated,
            "notes": list(self.notes),
            "topics": {name: report.as_json() for name, report in self.topics.items()},
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two topics files on the same articles: what each alone gets right."""

    before: Report
    after: Report
    mended: tuple[Error, ...]  # wrong before, right after
    broken: tuple[Error, ...]  # right before, wrong after


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


# -- measuring -----------------------------------------------------------------------------------------------


def evaluate(rows: Sequence[GoldRow], tag: TagFunction) -> Report:
    """Measures a way of tagging.

    Args:
        rows: graded articles.
        tag: gives every topic's tag of a row, such as ``tag_with(tagger)``.
    """
    judged: dict[str, list[Judged]] = {}
    for row in rows:
        tags = {found.topic: found for found in tag(row)}
        for topic, grade in row.grades.items():
            found = tags.get(topic) or Tag(topic, 0.0, 1.0)
            judged.setdefault(topic, []).append(
                Judged(row, found.score, found.holds, found.main and found.holds, grade, _phrases(found))
            )
    return Report({topic: _report(topic, items) for topic, items in judged.items()}, len(rows))


def tag_with(tagger: Tagger) -> TagFunction:
    """Tags rows with a tagger; a row without a language is taken for English."""
    return lambda row: tagger.tag(row.title, row.text, language=row.language or "en")


def _phrases(tag: Tag) -> tuple[str, ...]:
    ranked = sorted(tag.evidence, key=lambda item: -abs(item.contribution))
    return tuple(f"{item.phrase} ({item.contribution:+.2f})" for item in ranked[:6])


def _report(topic: str, items: Sequence[Judged]) -> TopicReport:
    positive = [item.grade > 0 for item in items]
    scores = [item.score for item in items]
    holds = [item.holds for item in items]
    errors = [
        Error(
            item.row.id,
            item.row.title,
            topic,
            item.holds,
            item.score,
            item.grade,
            item.row.sure,
            item.row.why,
            item.evidence,
        )
        for item, right in zip(items, positive, strict=True)
        if item.holds != right
    ]
    errors.sort(key=lambda error: (-error.score if error.false_positive else error.score - 1, error.id))
    bands = _bands(scores, positive)
    main_hits = sum(item.main and item.grade > 1 for item in items)
    count = len(items)
    pairs = list(zip(holds, positive, strict=True))
    return TopicReport(
        topic=topic,
        scored=count,
        true_positives=pairs.count((True, True)),
        false_positives=pairs.count((True, False)),
        false_negatives=pairs.count((False, True)),
        true_negatives=pairs.count((False, False)),
        average_precision=average_precision(scores, positive),
        main_f1=_share(
            2 * main_hits, sum(item.main for item in items) + sum(item.grade > 1 for item in items)
        ),
        brier=_share(sum((score - right) ** 2 for score, right in zip(scores, positive, strict=True)), count),
        calibration_error=_share(
            sum(band.count * abs(band.mean_score - band.share_right) for band in bands), count
        ),
        reliability=bands,
        errors=tuple(errors),
    )


def _bands(scores: Sequence[float], positive: Sequence[bool]) -> tuple[Band, ...]:
    made = []
    for number in range(BANDS):
        inside = [
            (score, right)
            for score, right in zip(scores, positive, strict=True)
            if min(BANDS - 1, int(score * BANDS)) == number
        ]
        if inside:
            count = len(inside)
            made.append(
                Band(
                    number / BANDS,
                    (number + 1) / BANDS,
                    count,
                    sum(score for score, _ in inside) / count,
                    sum(right for _, right in inside) / count,
                )
            )
    return tuple(made)


def compare(rows: Sequence[GoldRow], before: TagFunction, after: TagFunction) -> Comparison:
    """Two ways of tagging on the same articles."""
    old, new = evaluate(rows, before), evaluate(rows, after)
    was = {(error.topic, error.id): error for report in old.topics.values() for error in report.errors}
    now = {(error.topic, error.id): error for report in new.topics.values() for error in report.errors}
    return Comparison(
        old,
        new,
        mended=tuple(error for key, error in was.items() if key not in now),
        broken=tuple(error for key, error in now.items() if key not in was),
    )


# -- on articles that the layer has not seen -----------------------------------------------------------------


def cross_validate(
    tagger: Tagger,
    rows: Sequence[GoldRow],
    *,
    recipe: Recipe | None = None,
    folds: int = FOLDS,
    repeats: int = 1,
    seed: int = 7,
    examples: Sequence[Example] | None = None,
    topics: Iterable[str] | None = None,
    progress: Progress | None = None,
) -> Report:
    """Figures of the layer on rows that its training did not see.

    In every fold the vocabulary, the scaling, the weights, the calibration and the threshold are taken from
    the other folds alone; near-copies stay together. With repeats a row's scores are judged once each.
    """
    recipe = recipe or Recipe()
    examples = examples if examples is not None else prepare(tagger, rows, recipe)
    names = list(topics) if topics is not None else [topic.name for topic in tagger.taxonomy.topics]
    reports = {}
    for topic in names:
        if not learnable(examples, topic, max(folds, recipe.folds)):
            continue
        judged: list[Judged] = []
        for repeat in range(repeats):
            for number, fold in enumerate(split(examples, topic, folds, seed + repeat)):
                if progress:
                    progress(f"{topic} {repeat * folds + number + 1}/{repeats * folds}")
                fitted = fit_topic(
                    without(examples, fold),
                    topic,
                    recipe,
                    rule_priors(tagger.taxonomy, topic, recipe),
                )
                for place in fold:
                    score = fitted.score(examples[place].values)
                    judged.append(
                        Judged(
                            rows[place],
                            score,
                            score >= fitted.threshold,
                            score >= fitted.main_threshold,
                            examples[place].grades[topic],
                        )
                    )
        reports[topic] = _report(topic, judged)
    return Report(
        reports,
        sum(row.measured for row in rows),
        cross_validated=True,
        notes=(f"{folds} folds, {repeats} times, near-copies kept together, everything refitted a fold",),
    )
