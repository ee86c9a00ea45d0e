"""What verdicts change where the rules alone decide: topics that no weights were learned for, and languages.

A rule's weight moves, and with it what each of its hits contributes, the bias and the threshold; the
evidence still adds up to the logit.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

import msgspec

from service.tagging.layer import Ruling
from service.tagging.matcher import Reading


class Adjusted(msgspec.Struct, forbid_unknown_fields=True):
    """One topic in one language."""

    bias: float  # logits, added to the topic's
    threshold: float  # instead of the topic's
    main_threshold: float
    rules: dict[str, float]  # by a rule as it is written: logits added to its weight


def units(reading: Reading, ruling: Ruling) -> dict[str, float]:
    """What each rule's hits count together, by the rule as it is written; ``ruling`` is the rules' own."""
    weights = _weights(reading, ruling)
    found: dict[str, float] = defaultdict(float)
    for item in ruling.evidence:
        if weights.get(item.rule):
            found[item.rule] += item.contribution / weights[item.rule]
    return dict(found)


def adjust(reading: Reading, ruling: Ruling, adjusted: Adjusted) -> Ruling:
    """The rules' ruling with what was learned of their weights."""
    weights = _weights(reading, ruling)
    evidence = tuple(
        replace(item, contribution=item.contribution * (1 + adjusted.rules[item.rule] / weights[item.rule]))
        if item.rule in adjusted.rules and weights.get(item.rule)
        else item
        for item in ruling.evidence
    )
    more = math.fsum(
        after.contribution - before.contribution
        for after, before in zip(evidence, ruling.evidence, strict=True)
    )
    logit = ruling.logit + adjusted.bias + more
    score = 1 / (1 + math.exp(-max(-700.0, min(700.0, logit))))
    return replace(
        ruling,
        logit=logit,
        score=score,
        threshold=adjusted.threshold,
        main=score >= max(adjusted.threshold, adjusted.main_threshold),
        evidence=evidence,
    )


def _weights(reading: Reading, ruling: Ruling) -> Mapping[str, float]:
    return {rule.text: rule.weight for rule, _ in reading.found(ruling.topic.name)}
