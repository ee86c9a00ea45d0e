"""The gate: the packaged topics and weights against the development gold, the traps and the seeds.

The floors are pinned. A floor may be raised at any time; lowering one is a decision of its own and takes
``WIREWATCH_LOWER_FLOORS=1``, which only skips the gate where somebody is about to change a floor.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from service.tagging import Tagger, load_topics
from service.tagging.evaluate import cross_validate, evaluate, tag_with
from service.tagging.gold import GoldRow, cleaned, read_gold
from service.tagging.learn import Recipe, digest
from service.tagging.model import Model
from service.values import Evidence
from tests.trap_table import answer, traps

TOPICS = ("sanctions", "arms", "diplomacy")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
# Measured on held-out folds when the packaged weights were trained, less what another split may cost.
CROSS_VALIDATED_F1 = {"sanctions": 0.87, "arms": 0.87, "diplomacy": 0.9}
CROSS_VALIDATED_AP = {"sanctions": 0.94, "arms": 0.945, "diplomacy": 0.965}
FITTED_F1 = {"sanctions": 0.95, "arms": 0.95, "diplomacy": 0.95}  # on the rows it was trained with
CALIBRATION_ERROR = 0.06

TRAPS = traps()


@pytest.fixture(scope="module")
def tagger() -> Tagger:
    return Tagger(load_topics())


@pytest.fixture(scope="module")
def original(shared: Path) -> list[GoldRow]:
    if os.environ.get("WIREWATCH_LOWER_FLOORS"):
        pytest.skip("a floor is about to be changed")
    return read_gold(shared / "gold" / "dev.jsonl")


@pytest.fixture(scope="module")
def gold(original: list[GoldRow]) -> list[GoldRow]:
    """The graded articles as intake stores and tags them: cleaned."""
    return [cleaned(row, at=NOW) for row in original]


def test_there_are_sixty_traps_and_more() -> None:
    assert len(TRAPS) >= 60
    assert sum(not trap["holds"] for trap in TRAPS) >= 40


@pytest.mark.parametrize("trap", TRAPS, ids=[trap["title"] for trap in TRAPS])
def test_a_trap_gets_its_right_answer(trap: dict[str, Any], tagger: Tagger) -> None:
    assert answer(tagger, trap) == set(trap["holds"])


def _seeds() -> Iterator[Any]:
    folder = files("seeds")
    for item in sorted(folder.iterdir(), key=lambda item: item.name):
        if item.name.endswith(".txt"):
            yield pytest.param(item.read_text(encoding="utf-8"), id=item.name)


@pytest.mark.parametrize("content", list(_seeds()))
def test_each_seed_has_all_three_topics_with_evidence(content: str, tagger: Tagger) -> None:
    title, _, text = content.strip().partition("\n")
    if len(title) > 200:
        title, text = "", content

    tags = {tag.topic: tag for tag in tagger.tag(title, text, language="en")}

    for topic in TOPICS:
        assert tags[topic].holds, (topic, tags[topic].score)
        speaking = [item for item in tags[topic].evidence if item.contribution > 0]
        assert len(speaking) >= 3
        for item in tags[topic].evidence:
            assert _source(item, title, text)[item.start : item.end] == item.phrase


def _source(item: Evidence, title: str, text: str) -> str:
    return title if item.field == "title" else text


def test_the_packaged_weights_say_where_they_come_from(tagger: Tagger) -> None:
    model = tagger.taxonomy.layer

    assert isinstance(model, Model)
    assert set(model.file.topics) == set(TOPICS)
    assert {"command", "data", "taxonomy", "rows", "recipe", "cross_validated"} <= set(model.file.trained)
    known = set(model.file.known)
    assert known == {rule.key for rule in tagger.taxonomy.rules if rule.topic and rule.language == "en"}


def test_the_fitted_figures_hold_their_floors(gold: list[GoldRow], tagger: Tagger) -> None:
    report = evaluate(gold, tag_with(tagger))

    for topic, floor in FITTED_F1.items():
        assert report.topics[topic].f1 >= floor
        assert report.topics[topic].calibration_error <= CALIBRATION_ERROR


def test_the_packaged_weights_were_trained_with_this_gold(original: list[GoldRow], tagger: Tagger) -> None:
    model = tagger.taxonomy.layer

    assert isinstance(model, Model)
    assert model.file.trained["data"] == digest(original)


def test_the_recorded_cross_validated_figures_hold_their_floors(tagger: Tagger) -> None:
    model = tagger.taxonomy.layer
    assert isinstance(model, Model)
    recorded = model.file.trained["cross_validated"]["topics"]

    for topic in TOPICS:
        assert recorded[topic]["f1"] >= CROSS_VALIDATED_F1[topic]
        assert recorded[topic]["average_precision"] >= CROSS_VALIDATED_AP[topic]


@pytest.mark.skipif(
    not os.environ.get("WIREWATCH_CROSS_VALIDATE"),
    reason="takes minutes; WIREWATCH_CROSS_VALIDATE=1 measures again what the weights file records",
)
def test_the_cross_validated_figures_hold_their_floors(gold: list[GoldRow], tagger: Tagger) -> None:
    report = cross_validate(tagger, gold, recipe=Recipe(), folds=5)

    for topic in TOPICS:
        assert report.topics[topic].f1 >= CROSS_VALIDATED_F1[topic]
        assert report.topics[topic].average_precision >= CROSS_VALIDATED_AP[topic]


UNRELATED = (
    "The bakery on the corner opens at six and sells bread, cakes and coffee to people on their way to work.",
    "Gardeners planted tulips along the river and a choir sang in the park on Sunday afternoon.",
    "The recipe needs two eggs, a cup of sugar and a pinch of salt; bake it for forty minutes.",
)


@pytest.mark.parametrize("trap", TRAPS, ids=[trap["title"] for trap in TRAPS])
def test_unrelated_text_around_it_never_lifts_a_score_over_the_threshold(
    trap: dict[str, Any], tagger: Tagger
) -> None:
    text = trap.get("text", "")
    alone = {tag.topic: tag for tag in tagger.tag(trap["title"], text, language="en")}
    unrelated = "\n\n".join(UNRELATED * 5)

    for padded in (f"{text}\n\n{unrelated}", f"{unrelated}\n\n{text}"):
        for tag in tagger.tag(trap["title"], padded.strip(), language="en"):
            assert alone[tag.topic].holds or not tag.holds
