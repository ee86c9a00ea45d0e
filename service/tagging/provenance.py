"""Whether weights were learned from the very articles that are to measure them, and their figures then."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from service.tagging.evaluate import Band, Report, TopicReport
from service.tagging.gold import GoldRow, fingerprint
from service.tagging.learn import digest
from service.tagging.model import Model


def learned_from(model: Model | None, original: Sequence[GoldRow], rows: Sequence[GoldRow]) -> list[bool]:
    """For each row whether the model was learned from it, as far as its file can tell.

    Args:
        original: the rows as their file has them.
        rows: the same, cleaned.
    """
    if model is None:
        return [False] * len(rows)
    trained = model.file.trained
    if trained.get("data") in (digest(original), digest(rows)):
        return [True] * len(rows)
    known = set(trained.get("fingerprints", ()))
    return [
        fingerprint(one) in known or fingerprint(other) in known
        for one, other in zip(original, rows, strict=True)
    ]


def recorded(model: Model) -> Report | None:
    """The cross-validated figures that a weights file has of itself; without the single errors."""
    trained = model.file.trained
    measured: dict[str, Any] = trained.get("cross_validated", {})
    topics = {name: _topic(name, figures) for name, figures in measured.get("topics", {}).items()}
    if not topics:
        return None
    notes = [f"as recorded when the weights were learned ({measured.get('folds', '?')} folds)"]
    if "base" in trained:
        notes.append("they are those of the weights from which the ones learned here start")
    # Articles that only stood beside the others taught, too, but measured nothing.
    measuring = max(one.scored for one in topics.values())
    return Report(topics, measuring, cross_validated=True, notes=tuple(notes))


def _topic(name: str, figures: dict[str, Any]) -> TopicReport:
    confusion = figures["confusion"]
    return TopicReport(
        topic=name,
        scored=figures["articles"],
        true_positives=confusion["true_positives"],
        false_positives=confusion["false_positives"],
        false_negatives=confusion["false_negatives"],
        true_negatives=confusion["true_negatives"],
        average_precision=figures["average_precision"],
        main_f1=figures["main_f1"],
        brier=figures["brier"],
        calibration_error=figures["calibration_error"],
        reliability=tuple(
            Band(band["from"], band["to"], band["articles"], band["mean_score"], band["share_right"])
            for band in figures["reliability"]
        ),
        errors=(),
    )
