"""Logistic regression without a numerical library: dual coordinate descent over sparse rows.

Yu, Huang and Lin, "Dual coordinate descent methods for logistic regression and maximum entropy models",
Machine Learning 85 (2011), algorithm 5. Deterministic: the order of the rows comes from a fixed seed. A
thousand articles train in seconds, so that every installation can, whatever is installed there.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from itertools import compress
from operator import mul
from types import MappingProxyType
from typing import Final, NamedTuple

Row = tuple[Sequence[int], Sequence[float]]  # positions of the values that are not 0, and the values

_TINY = 1e-10
_NO_FLOORS: Final[Mapping[int, float]] = MappingProxyType({})
_NEWTON_STEPS = 30
_PRECISE = 1e-7


class Fit(NamedTuple):
    """A plane: ``bias + sum(weights[i] * values[i])`` is the logit."""

    weights: list[float]
    bias: float


def fit(
    rows: Sequence[Row],
    positive: Sequence[bool],
    costs: Sequence[float],
    size: int,
    *,
    offsets: Sequence[float] | None = None,
    floors: Mapping[int, float] = _NO_FLOORS,
    epochs: int = 40,
    tolerance: float = 2e-3,
    seed: int = 1,
) -> Fit:
    """Minimises ``|w|²/2 + Σ cost·log(1 + exp(-y(w·x + bias)))``; the bias is regularised like a weight.

    Args:
        rows: sparse rows with positions below ``size``.
        positive: whether each row is an example of what is sought.
        costs: what an error in each row costs; rows that cost nothing are left out.
        offsets: what a row's logit is before any weight, such as another model's; 0 where None.
        floors: the least that the weights at some positions may be; at most 0.
        epochs: at most so many passes over the rows.
        tolerance: passes end when no dual variable moves by more than this share of its cost.
    """
    # The bias is the last: a feature that is always 1. With floors the dual objective curves no more than
    # without in any of its variables, so that every step still goes down.
    weights = _Weights(size + 1, floors)
    used = [cost > 0 for cost in costs]
    examples = [
        ((*indices, size), (*values, 1.0), 1.0 if is_positive else -1.0, cost)
        for (indices, values), is_positive, cost in compress(zip(rows, positive, costs, strict=True), used)
    ]
    given = list(compress(offsets, used)) if offsets is not None else [0.0] * len(examples)
    norms = [sum(map(mul, values, values)) for _, values, _, _ in examples]
    duals = [min(0.001 * cost, _TINY * 1e6) for _, _, _, cost in examples]
    for (indices, values, sign, _), dual in zip(examples, duals, strict=True):
        weights.add(indices, values, sign * dual)
    order = list(range(len(examples)))
    shuffler = random.Random(seed)  # noqa: S311 - an order of rows, no secret
    for _ in range(epochs):
        shuffler.shuffle(order)
        moved = 0.0
        for number in order:
            indices, values, sign, cost = examples[number]
            margin = sign * (given[number] + sum(map(mul, values, map(weights.now.__getitem__, indices))))
            dual = _minimum(norms[number], margin, duals[number], cost)
            change = dual - duals[number]
            if abs(change) > _TINY:
                duals[number] = dual
                weights.add(indices, values, sign * change)
                moved = max(moved, abs(change) / cost)
        if moved < tolerance:
            break
    return Fit(weights.now[:size], weights.now[size])


class _Weights:
    """What the rows ask for, and the weights: that or their floor."""

    def __init__(self, size: int, floors: Mapping[int, float]) -> None:
        self.now = [0.0] * size
        self._asked = [0.0] * size
        self._least = [floors.get(index, -math.inf) for index in range(size)]

    def add(self, indices: Sequence[int], values: Sequence[float], factor: float) -> None:
        now, asked, least = self.now, self._asked, self._least
        for index, value in zip(indices, values, strict=True):
            wanted = asked[index] = asked[index] + factor * value
            floor = least[index]
            now[index] = wanted if wanted > floor else floor


def _minimum(norm: float, margin: float, dual: float, cost: float) -> float:
    """Where one dual variable is best: the root of ``norm(z - dual) + margin + log(z / (cost - z))``."""
    low, high = cost * 1e-12, cost * (1 - 1e-12)
    z = min(max(dual, low), high)
    for _ in range(_NEWTON_STEPS):
        slope = norm * (z - dual) + margin + math.log(z / (cost - z))
        if slope > 0:
            high = z
        else:
            low = z
        if abs(slope) < _PRECISE:
            break
        step = z - slope / (norm + cost / (z * (cost - z)))
        z = step if low < step < high else (low + high) / 2
    return z
