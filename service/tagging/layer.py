"""Where a statistical layer plugs in: what the rules say of an article, and what may be made of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from service.tagging.matcher import Reading
from service.tagging.taxonomy import Topic
from service.values import Evidence


@dataclass(frozen=True, slots=True)
class Ruling:
    """What is said of one topic on one article, by the rules or by a layer."""

    topic: Topic
    logit: float  # bias + prior + the rules' contributions
    prior: float  # of the article's source, in logits
    score: float  # 0 to 1
    threshold: float
    main: bool
    evidence: tuple[Evidence, ...]


class Asked(NamedTuple):
    """A topic that an article is to be judged on."""

    topic: Topic  # covers the article's language
    prior: float  # of the article's source, in logits
    rule: Callable[[], Ruling]  # what the rules alone say, worked out when it is asked for


class Layer(Protocol):
    """Learned from labelled articles: turns the rules' rulings into calibrated ones."""

    @property
    def version(self) -> str:
        """Changes whenever the weights do; part of a taxonomy's hash."""

    def judge(self, reading: Reading, asked: Sequence[Asked]) -> tuple[Ruling, ...]:
        """What is to be said of each topic, in order; every piece of evidence points at its phrase.

        A topic that the layer was not trained on is answered with what its rules say.
        """
