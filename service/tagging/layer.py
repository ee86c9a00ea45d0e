"""Where a statistical layer plugs in: what the rules say of an article, and what may be made of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from service.tagging.matcher import Reading
from service.tagging.taxonomy import Topic
from service.values import Evidence


@dataclass(frozen=True, slots=True)
class Ruling:
    """What is said of one topic on one article, first by the rules and then by a layer."""

    topic: Topic
    logit: float  # bias + prior + the rules' contributions
    prior: float  # of the article's source, in logits
    score: float  # 0 to 1
    threshold: float
    main: bool
    evidence: tuple[Evidence, ...]


class Layer(Protocol):
    """Learned from labelled articles: turns the rules' rulings into calibrated ones."""

    @property
    def version(self) -> str:
        """Changes whenever the weights do; part of a taxonomy's hash."""

    def judge(self, reading: Reading, rulings: tuple[Ruling, ...]) -> tuple[Ruling, ...]:
        """The same topics in the same order; every piece of evidence still points at its phrase.

        A topic that the layer was not trained on is returned as it is.
        """
