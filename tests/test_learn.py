"""Training, and the layer at run time."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from random import Random

import msgspec
import pytest

from service.errors import TopicsError
from service.tagging import Tagger, read_topics
from service.tagging.calibrate import average_precision, best_threshold, platt
from service.tagging.improve import train_measured
from service.tagging.learn import Recipe, prepare, revert, save, split, train, vector, without
from service.tagging.model import Model, decode, read_model
from service.tagging.solver import fit
from service.tagging.tagger import logistic
from tests.graded_samples import TOPICS, rows

RECIPE = Recipe(least_word=2, folds=3)


@pytest.fixture(scope="module")
def tagger() -> Tagger:
    return Tagger(read_topics(TOPICS), layer=None)


@pytest.fixture(scope="module")
def model(tagger: Tagger) -> Model:
    return train(tagger, rows(), recipe=RECIPE)


# -- the solver ----------------------------------------------------------------------------------------------


def test_the_solver_finds_the_minimum_of_its_objective() -> None:
    points = [([0], [1.0]), ([0, 1], [0.5, 1.0]), ([1], [-1.0]), ([0], [-2.0]), ([0, 1], [0.2, 0.3])]
    positive = [True, True, False, False, True]
    costs = [1.0, 0.5, 1.0, 2.0, 1.0]

    found = fit(points, positive, costs, 2, epochs=500, tolerance=1e-9)

    # At the minimum the gradient of |w|²/2 + Σ cost·log(1 + exp(-y·f)) is nothing.
    gradient = [*found.weights, found.bias]
    for (indices, values), is_positive, cost in zip(points, positive, costs, strict=True):
        logit = found.bias + sum(found.weights[i] * v for i, v in zip(indices, values, strict=True))
        error = cost * (logistic(logit) - is_positive)
        for index, value in zip((*indices, 2), (*values, 1.0), strict=True):
            gradient[index] += error * value
    assert all(abs(part) < 1e-4 for part in gradient)


def test_the_solver_keeps_weights_above_their_floors_and_finds_the_minimum_there() -> None:
    random = Random(4)
    points = [([0, 1, 2], [random.gauss(0, 1) for _ in range(3)]) for _ in range(40)]
    positive = [values[0] - 2 * values[1] - values[2] + random.gauss(0, 1) > 0 for _, values in points]
    floors = {1: 0.0, 2: -0.25}

    free = fit(points, positive, [1.0] * 40, 3, epochs=500, tolerance=1e-9)
    found = fit(points, positive, [1.0] * 40, 3, floors=floors, epochs=500, tolerance=1e-9)

    assert free.weights[1] < 0
    assert free.weights[2] < -0.25
    assert found.weights[1:] == [0.0, -0.25]
    gradient = [*found.weights, found.bias]
    for (_, values), is_positive in zip(points, positive, strict=True):
        logit = found.bias + sum(weight * value for weight, value in zip(found.weights, values, strict=True))
        error = logistic(logit) - is_positive
        for index, value in enumerate((*values, 1.0)):
            gradient[index] += error * value
    # It would go further down only below the floors (the conditions of Karush, Kuhn and Tucker).
    assert abs(gradient[0]) < 1e-4
    assert abs(gradient[3]) < 1e-4
    assert min(gradient[1:3]) > 0


def test_no_name_in_the_lead_speaks_against_a_topic(model: Model) -> None:
    leads = model.file.topics["ships"].leads

    assert leads
    assert min(leads.values()) >= 0


def test_a_row_that_costs_nothing_changes_nothing() -> None:
    points = [([0], [1.0]), ([0], [-1.0])]

    plain = fit(points, [True, False], [1.0, 1.0], 1)
    more = fit([*points, ([0], [5.0])], [True, False, False], [1.0, 1.0, 0.0], 1)

    assert more == plain


def test_offsets_are_part_of_the_logit() -> None:
    points = [([0], [1.0]), ([0], [-1.0])]

    content = fit(points, [True, False], [1.0, 1.0], 1, offsets=[9.0, -9.0])
    contradicted = fit(points, [True, False], [1.0, 1.0], 1, offsets=[-9.0, 9.0])

    assert abs(content.weights[0]) < 0.01
    assert contradicted.weights[0] > 1


# -- calibration ---------------------------------------------------------------------------------------------


def test_platt_mends_scores_that_are_too_sure() -> None:
    logits = [value / 10 for value in range(-50, 51)]
    positive = [logistic(0.5 * logit) > (number * 37 % 101) / 101 for number, logit in enumerate(logits)]

    slope, offset = platt(logits, positive)

    assert 0.3 < slope < 0.8
    assert abs(offset) < 0.6
    assert math.isclose(sum(logistic(slope * z + offset) for z in logits), sum(positive), abs_tol=1.5)


def test_average_precision_and_threshold_of_known_scores() -> None:
    scores = [0.9, 0.8, 0.7, 0.6]

    assert average_precision(scores, [True, False, True, False]) == pytest.approx((1 + 2 / 3) / 2)
    assert average_precision([0.5] * 4, [True, False, True, False]) == 0.5
    assert 0.7 < best_threshold(scores, [True, True, False, False]) < 0.8
    assert best_threshold(scores, [False] * 4) == 1.0


# -- training ------------------------------------------------------------------------------------------------


def test_training_twice_gives_the_same_weights(tagger: Tagger, model: Model) -> None:
    again = train(tagger, list(reversed(rows()))[::-1], recipe=RECIPE)

    assert again.file == model.file
    assert again.version == model.version


def test_a_measured_model_records_its_figures(tagger: Tagger) -> None:
    measured, report = train_measured(tagger, rows(), recipe=RECIPE)

    recorded = measured.file.trained["cross_validated"]["topics"]["ships"]
    assert recorded["f1"] == round(report.topics["ships"].f1, 4) > 0.9
    assert report.cross_validated


def test_rows_that_teach_beside_measure_nothing_and_no_near_copy_teaches(tagger: Tagger) -> None:
    measured = rows()
    beside = [replace(row, id=f"beside-{row.id}", measured=False) for row in [*rows(40, seed=3), measured[0]]]

    examples = prepare(tagger, [*measured, *beside], RECIPE)
    folds = split(examples, "ships", RECIPE.folds, seed=1)

    assert sorted(number for fold in folds for number in fold) == list(range(len(measured)))
    with_first = next(fold for fold in folds if 0 in fold)
    taught = without(examples, with_first)
    assert examples[-1].group == examples[0].group not in {example.group for example in taught}
    assert any(not example.measured for example in taught)
    assert train_measured(tagger, [*measured, *beside], recipe=RECIPE)[1].articles == len(measured)


def test_an_article_in_which_no_rule_holds_scores_next_to_nothing(tagger: Tagger, model: Model) -> None:
    (tag,) = Tagger(tagger.taxonomy, layer=model).tag("Bread", "A loaf is baked at dawn.", language="en")

    assert tag.score < 0.1


def test_what_is_rare_in_the_gold_keeps_what_the_topics_file_says() -> None:
    rare = TOPICS.replace("'sail~']", "'sail~', 'galleon']")
    learned = train(Tagger(read_topics(rare), layer=None), rows(), recipe=replace(RECIPE, prior=0.5))

    assert learned.file.topics["ships"].rules["ships/en/any/galleon"] > 0


def test_the_model_tells_apart_what_it_learned(tagger: Tagger, model: Model) -> None:
    learned = Tagger(tagger.taxonomy, layer=model)

    right = sum(
        learned.tag(row.title, row.text, language="en")[0].holds == (row.grades["ships"] > 0)
        for row in rows(60, seed=11)
    )

    assert right >= 58


def test_the_logit_is_the_sum_that_training_saw(tagger: Tagger, model: Model) -> None:
    for row in rows(12, seed=5):
        seen = model.traits(tagger.read(row.title, row.text, language="en"))
        weights = model.file.topics["ships"]
        tables = {
            "title": weights.titles, "lead": weights.leads, "rule": weights.rules,
            "titled": weights.titled_rules, "word": weights.words,
        }  # fmt: skip
        logit = weights.bias
        for (kind, name), value in vector(seen).items():
            if kind in tables:
                logit += tables[kind].get(name, 0.0) * value
            elif kind == "countries":
                logit += weights.countries * value
            elif name in weights.names:
                logit += weights.names[name][int(kind[-1])] * value

        assert model.logit("ships", seen) == pytest.approx(logit)


def test_evidence_points_at_its_phrases_and_names_words(tagger: Tagger, model: Model) -> None:
    row = rows(2)[0]

    tag = Tagger(tagger.taxonomy, layer=model).tag(row.title, row.text, language="en")[0]

    assert tag.holds
    assert any(item.rule == "ship" for item in tag.evidence)
    for item in tag.evidence:
        source = row.title if item.field == "title" else row.text
        assert source[item.start : item.end] == item.phrase
        assert item.contribution != 0


def test_copies_are_never_split_between_folds(tagger: Tagger) -> None:
    sample = rows(20)
    doubled = [*sample, *(replace(row, id=row.id + "copy") for row in sample)]
    examples = prepare(tagger, doubled, RECIPE)

    folds = split(examples, "ships", 4, seed=1)

    place = {number: fold for fold, numbers in enumerate(folds) for number in numbers}
    assert sorted(place) == list(range(40))
    assert all(place[number] == place[number + 20] for number in range(20))


def test_a_rule_that_came_after_training_counts_as_the_file_says(model: Model) -> None:
    changed = read_topics(TOPICS.replace("'sail~']", "'sail~', 'lighthouse']"))
    text = "The lighthouse burned. The lighthouse was old. Another lighthouse stands in the forest."

    before = Tagger(changed, layer=None).tag("", text, language="en")[0]
    plain = Tagger(read_topics(TOPICS), layer=model).tag("", text, language="en")[0]
    after = Tagger(changed, layer=model).tag("", text, language="en")[0]

    assert before.score > 0
    assert after.score > plain.score
    assert [item.phrase for item in after.evidence if item.rule == "lighthouse"] == ["lighthouse"] * 3


def test_other_languages_and_unknown_topics_are_left_to_the_rules(model: Model) -> None:
    taxonomy = read_topics(TOPICS + '\n[[topic]]\nname = "trees"\n[[topic.rules]]\nmatch = ["oak"]\n')

    with_layer = Tagger(taxonomy, layer=model).tag("", "An oak stood there.", language="en")
    without = Tagger(taxonomy, layer=None).tag("", "An oak stood there.", language="en")

    assert [tag for tag in with_layer if tag.topic == "trees"] == [
        tag for tag in without if tag.topic == "trees"
    ]


# -- the file ------------------------------------------------------------------------------------------------


def test_weights_survive_their_file_and_a_save_can_be_taken_back(model: Model, tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    save(model, path)
    assert read_model(path).version == model.version
    weights = model.file.topics["ships"]
    moved = msgspec.structs.replace(weights, bias=weights.bias + 1)
    other = Model(msgspec.structs.replace(model.file, topics={"ships": moved}))

    save(other, path)
    assert read_model(path).version == other.version != model.version
    assert revert(path)
    assert read_model(path).version == model.version
    assert not revert(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no weights file"),
        (b"[]", "no weights file"),
        (b'{"format": 1}', "no weights file"),
        (b'{"format": 99, "trained": {}, "known": {}, "topics": {}}', "format 99"),
    ],
)
def test_a_file_that_holds_no_weights_is_refused(content: bytes, reason: str) -> None:
    with pytest.raises(TopicsError, match=reason):
        decode(content, "weights.json")
