"""From scores to probabilities and decisions: Platt's calibration, thresholds, average precision."""

from __future__ import annotations

import math
from collections.abc import Sequence

_STEPS = 100
_PRECISE = 1e-9


def platt(logits: Sequence[float], positive: Sequence[bool]) -> tuple[float, float]:
    """Slope and offset that make ``logistic(slope·logit + offset)`` a probability.

    Newton's method with Platt's smoothed targets (Lin, Lin and Weng, "A note on Platt's probabilistic outputs
    for support vector machines", Machine Learning 68, 2007). The slope is never negative.
    """
    found = sum(positive)
    high, low = (found + 1) / (found + 2), 1 / (len(positive) - found + 2)
    targets = [high if is_positive else low for is_positive in positive]
    slope, offset = 1.0, 0.0

    def loss(slope: float, offset: float) -> float:
        total = 0.0
        for logit, target in zip(logits, targets, strict=True):
            z = slope * logit + offset
            total += max(z, 0.0) - z * target + math.log1p(math.exp(-abs(z)))
        return total

    current = loss(slope, offset)
    for _ in range(_STEPS):
        g_slope = g_offset = 0.0
        h_slope = h_offset = 1e-9
        h_both = 0.0
        for logit, target in zip(logits, targets, strict=True):
            p = 1 / (1 + math.exp(-max(-500.0, min(500.0, slope * logit + offset))))
            error, curve = p - target, p * (1 - p)
            g_slope += error * logit
            g_offset += error
            h_slope += curve * logit * logit
            h_offset += curve
            h_both += curve * logit
        determinant = h_slope * h_offset - h_both * h_both
        if determinant <= 0 or (abs(g_slope) < _PRECISE and abs(g_offset) < _PRECISE):
            break
        d_slope = (h_offset * g_slope - h_both * g_offset) / determinant
        d_offset = (h_slope * g_offset - h_both * g_slope) / determinant
        step = 1.0
        while step > _PRECISE:
            tried = loss(slope - step * d_slope, offset - step * d_offset)
            if tried < current:
                slope, offset, current = slope - step * d_slope, offset - step * d_offset, tried
                break
            step /= 2
        else:
            break
    return max(slope, 1e-3), offset


def best_threshold(scores: Sequence[float], positive: Sequence[bool]) -> float:
    """The score from which F1 is best, in the middle between two scores; smoothed against chance.

    The best single cut of a few hundred scores is a lucky one. Taken is the middle of all cuts whose F1
    comes within half a point of the best, weighed by how close they come.
    """
    order = sorted(zip(scores, positive, strict=True), reverse=True)
    total = sum(positive)
    if not total:
        return 1.0
    cuts: list[tuple[float, float]] = []
    hits = 0
    for number, (score, is_positive) in enumerate(order, 1):
        hits += is_positive
        after = order[number][0] if number < len(order) else 0.0
        if after < score:
            cuts.append((2 * hits / (number + total), (score + after) / 2))
    best = max(f1 for f1, _ in cuts)
    near = [(f1 - best + 0.005, cut) for f1, cut in cuts if f1 >= best - 0.005]
    weight = math.fsum(closeness for closeness, _ in near)
    return math.fsum(closeness * cut for closeness, cut in near) / weight


def average_precision(scores: Sequence[float], positive: Sequence[bool]) -> float:
    """The mean of the precision at each positive, best score first; equal scores are taken together."""
    order = sorted(zip(scores, positive, strict=True), key=lambda item: -item[0])
    total = sum(positive)
    if not total:
        return 0.0
    area, hits, number = 0.0, 0, 0
    while number < len(order):
        end = number
        gained = 0
        while end < len(order) and order[end][0] == order[number][0]:
            gained += order[end][1]
            end += 1
        hits += gained
        area += gained / total * hits / end
        number = end
    return area
