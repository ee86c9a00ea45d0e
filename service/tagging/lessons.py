"""One topic's lessons: what may be learned from them, tried on those that are held back, fold by fold.

Everything here works on named values and today's logits, wherever they come from: the statistical layer's
traits (`improve`), or the rules' own hits where no layer decides (`adjust`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise

from service.tagging.learn import Example, Feature, Recipe, Space, split
from service.tagging.solver import fit
from service.tagging.tagger import logistic

LEAST_VERDICTS = 8  # of a topic; fewer teach nothing that lasts
COSTS = (0.05, 0.2, 0.8)  # how hard the verdicts pull; chosen on those held back
VERDICT_SHARE = 1.0
TOLERANCE = 0.003  # F1 on graded articles that may be lost to noise
CHANCE = 0.125  # one in eight: how likely an improvement may be if nothing was learned
MOST_CHANGED = 0.1  # of the articles that nobody judged; more takes graded ones to be believed
_FEW = 30  # articles that nobody judged, of which a share says nothing
_FOLDS = 5
_DIGITS = 4
_EMPTY = (
    10.0  # verdicts that an article weighs in which nothing is found: most of what comes in is of that kind
)
_LEAST_THRESHOLD = 0.01
_TINY = 1e-9


@dataclass(frozen=True, slots=True)
class TopicOutcome:
    """What learning did for one topic. "After" is always measured on articles that were held back."""

    topic: str
    language: str
    verdicts: int
    right_before: int = 0  # verdicts that come out as said
    right_after: int = 0
    mended: int = 0  # wrong before, right after
    broken: int = 0
    graded: int = 0  # graded articles
    gold_f1_before: float | None = None  # None without graded articles
    gold_f1_after: float | None = None
    others: int = 0  # stored articles that nobody judged
    others_changed: int = 0  # … that would be labelled otherwise
    unseen: int = 0  # verdicts that come out wrong, on articles in which nothing is found to learn from
    threshold_before: float = 0.0
    threshold_after: float = 0.0
    adopted: bool = False
    reason: str = ""

    @property
    def accuracy_before(self) -> float:
        """Share of the verdicts that come out as said."""
        return self.right_before / self.verdicts if self.verdicts else 0.0

    @property
    def accuracy_after(self) -> float:
        """Share of the held-back verdicts that come out as said."""
        return self.right_after / self.verdicts if self.verdicts else 0.0


@dataclass(frozen=True, slots=True)
class Lesson:
    """An article with what is said of it by now."""

    example: Example  # with the grade of one topic
    positive: bool
    logit: float  # calibrated
    share: float  # what it weighs beside a verdict

    @property
    def speaks(self) -> bool:
        """Whether anything is found in it that could be learned from."""
        return any(self.example.values.values())


@dataclass(frozen=True, slots=True)
class Change:
    """What was learned for one topic: what is added to its logit, and the threshold from now on."""

    weights: Mapping[Feature, float]
    bias: float
    threshold: float

    def holds(self, lesson: Lesson) -> bool:
        """Whether the article is to carry the topic."""
        weights, values = self.weights, lesson.example.values
        more = math.fsum(weights[feature] * value for feature, value in values.items() if feature in weights)
        return logistic(lesson.logit + self.bias + more) >= self.threshold


Lessons = tuple[Sequence[Lesson], Sequence[Lesson], Sequence[Lesson]]  # verdicts, graded articles, others
_Learn = Callable[[Sequence[Lesson]], Change]


class Learning:
    """One topic in one language: what may be learned, and whether it is worth it."""

    def __init__(
        self,
        topic: str,
        lessons: Lessons,
        *,
        language: str,
        threshold: float,
        empty: float,
        leads: Mapping[str, float],
        recipe: Recipe,
    ) -> None:
        """``empty`` is the logit of an article in which nothing is found, ``leads`` the lead's weights."""
        self._topic = topic
        self._empty = Lesson(Example({}, {topic: 0}, 1.0, -1), False, empty, _EMPTY)
        self._language = language
        self._leads = leads
        self._recipe = recipe
        self._before = Change({}, 0.0, threshold)
        self._kinds = lessons
        self._all = [lesson for kind in lessons for lesson in kind]

    def outcome(self) -> tuple[TopicOutcome, Change | None]:
        """What came of it, and the change where it is adopted."""
        own = self._kinds[0]
        before = [self._before.holds(lesson) for lesson in self._all]
        now = self._outcome(before, before)
        if len(own) < LEAST_VERDICTS:
            few = f"{len(own)} verdicts, at least {LEAST_VERDICTS} are needed"
            return replace(now, reason=few), None
        if now.right_before == len(own):
            return replace(now, reason="every verdict comes out as said already"), None
        tried = []
        for learn in self._candidates():
            held_back, change = self._outcome(before, self._held_back(learn)), learn(self._all)
            reason = _objection(held_back)
            if change.holds(self._empty) and not self._before.holds(self._empty):
                reason = "articles in which nothing is found would be given the topic"
            tried.append((replace(held_back, reason=reason), change))
        # Of equals the first: the smallest change.
        best, change = max(tried, key=lambda one: (not one[0].reason, one[0].right_after))
        if best.reason:
            return best, None
        reason = "verdicts held back come out better"
        return replace(best, adopted=True, reason=reason, threshold_after=change.threshold), change

    def _outcome(self, before: Sequence[bool], after: Sequence[bool]) -> TopicOutcome:
        """The figures of two sets of answers to all articles."""
        own, graded, others = self._kinds
        first, second = len(own), len(own) + len(graded)
        pairs = [
            (one == lesson.positive, other == lesson.positive)
            for one, other, lesson in zip(before, after, own, strict=False)
        ]
        threshold = self._before.threshold
        return TopicOutcome(
            self._topic,
            self._language,
            len(own),
            right_before=sum(one for one, _ in pairs),
            right_after=sum(other for _, other in pairs),
            mended=pairs.count((False, True)),
            broken=pairs.count((True, False)),
            graded=len(graded),
            gold_f1_before=_f1(before[first:second], graded),
            gold_f1_after=_f1(after[first:second], graded),
            others=len(others),
            others_changed=sum(
                one != other for one, other in zip(before[second:], after[second:], strict=True)
            ),
            unseen=sum(not one and not lesson.speaks for (one, _), lesson in zip(pairs, own, strict=True)),
            threshold_before=threshold,
            threshold_after=threshold,
        )

    def _held_back(self, learn: _Learn) -> list[bool]:
        """The answers to all articles, each by what was learned without it."""
        answers = [False] * len(self._all)
        folds = self._folds()
        for fold in set(folds):
            change = learn([lesson for lesson, other in zip(self._all, folds, strict=True) if other != fold])
            for number, (lesson, other) in enumerate(zip(self._all, folds, strict=True)):
                if other == fold:
                    answers[number] = change.holds(lesson)
        return answers

    def _folds(self) -> list[int]:
        """Each article's fold. Copies share one, so that no held-back verdict is learned from its copy."""
        place: dict[int, int] = {}
        for kind in self._kinds:
            free = [lesson.example for lesson in kind if lesson.example.group not in place]
            for fold, numbers in enumerate(split(free, self._topic, _FOLDS, self._recipe.seed)):
                place.update((free[number].group, fold) for number in numbers)
        return [place[lesson.example.group] for lesson in self._all]

    def _candidates(self) -> list[_Learn]:
        return [self._threshold, *(partial(self._weights, cost=cost) for cost in COSTS)]

    # -- ways of learning ------------------------------------------------------------------------------

    def _threshold(self, lessons: Sequence[Lesson]) -> Change:
        """Another threshold: the one by which most comes out right, the nearest to today's of equals."""
        judged = sorted((logistic(one.logit), one.share if one.positive else -one.share) for one in lessons)
        gain = math.fsum(worth for _, worth in judged)  # of giving the topic to all
        cuts = [(gain, _LEAST_THRESHOLD)]
        for (score, worth), (following, _) in pairwise([*judged, (1.0, 0.0)]):
            gain -= worth
            if following > score:
                cuts.append((gain, (score + following) / 2))
        best = max(gain for gain, _ in cuts)
        near = [cut for gain, cut in cuts if gain >= best - _TINY]
        nearest: float = min(near, key=lambda cut: abs(cut - self._before.threshold))
        chosen = round(nearest, _DIGITS)
        return replace(self._before, threshold=min(1 - _LEAST_THRESHOLD, max(_LEAST_THRESHOLD, chosen)))

    def _weights(self, lessons: Sequence[Lesson], *, cost: float) -> Change:
        """Other weights, of what stands in articles with a verdict.

        Where nothing is found there is nothing to learn but that every article is of the kind.
        """
        lessons = [*(one for one in lessons if one.speaks), self._empty]
        space = Space([one.example for one in lessons], self._recipe)
        held = set().union(*(one.example.values for one in lessons if one.share == VERDICT_SHARE))
        space.scales = {feature: scale for feature, scale in space.scales.items() if feature in held}
        space.index = {feature: number for number, feature in enumerate(space.scales)}
        found = fit(
            [space.row(one.example.values) for one in lessons],
            [one.positive for one in lessons],
            [cost * one.share for one in lessons],
            len(space.index),
            offsets=[one.logit for one in lessons],
            floors=space.floors(self._leads),
            seed=self._recipe.seed,
        )
        weights = {
            feature: round(found.weights[number] * space.scales[feature], _DIGITS)
            for feature, number in space.index.items()
        }
        moved = {feature: weight for feature, weight in weights.items() if weight}
        return Change(moved, round(found.bias, _DIGITS), self._before.threshold)


def _objection(outcome: TopicOutcome) -> str:
    """Why what was learned is not to be adopted; "" where it is."""
    if outcome.right_after <= outcome.right_before:
        return "verdicts held back do not come out better"
    if chance_of(outcome.mended, outcome.broken) > CHANCE:
        return "verdicts held back come out better by no more than chance may bring"
    before, after = outcome.gold_f1_before, outcome.gold_f1_after
    if before is not None and after is not None:
        return "graded articles would come out worse" if after < before - TOLERANCE else ""
    if outcome.others >= _FEW and outcome.others_changed > MOST_CHANGED * outcome.others:
        return "too many articles that nobody judged would change; graded ones (--gold) could speak for it"
    return ""


def chance_of(mended: int, broken: int) -> float:
    """How likely at least so many of the answers that changed are for the better, were it all chance.

    The sign test.
    """
    changed = mended + broken
    ways = sum(math.comb(changed, number) for number in range(mended, changed + 1))
    return ways / (1 << changed)


def _f1(given: Sequence[bool], lessons: Sequence[Lesson]) -> float | None:
    if not lessons:
        return None
    right = [lesson.positive for lesson in lessons]
    hits = sum(one and other for one, other in zip(given, right, strict=True))
    return 2 * hits / (sum(given) + sum(right)) if any(given) or any(right) else 1.0
