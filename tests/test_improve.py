"""Learning from verdicts: what is adopted, what is not, and what an adopted change does to the tags."""

from __future__ import annotations

from dataclasses import replace

import pytest

from service.tagging import Tagger, read_topics
from service.tagging.gold import GoldRow
from service.tagging.improve import improve, nothing_learned
from service.tagging.learn import Recipe, train
from service.tagging.lessons import CHANCE, TOLERANCE, chance_of
from service.tagging.model import Model
from tests.graded_samples import TOPICS, contrary, rows

RECIPE = Recipe(least_word=2, folds=3)
FERRY = (
    "Ferry timetable of the lake line",
    "The ferry ship leaves the harbour. Passengers of the ferry pay.",
)


@pytest.fixture(scope="module")
def tagger() -> Tagger:
    return Tagger(read_topics(TOPICS), layer=None)


@pytest.fixture(scope="module")
def model(tagger: Tagger) -> Model:
    return train(tagger, rows(), recipe=RECIPE)


def holds(tagger: Tagger, model: Model, title: str, text: str, *, language: str = "en") -> bool:
    return Tagger(tagger.taxonomy, layer=model).tag(title, text, language=language)[0].holds


def contradicting() -> list[GoldRow]:
    """Verdicts that say of everything the opposite of what it is."""
    return [
        replace(row, id=f"v{row.id}", grades={"ships": int(not row.grades["ships"])})
        for row in rows(50, seed=9)
    ]


def test_fifty_verdicts_against_the_rules_teach_and_the_gold_stays(tagger: Tagger, model: Model) -> None:
    outcome = improve(tagger, model, contrary(), rows())

    (ships,) = outcome.topics
    assert outcome.adopted
    assert (ships.topic, ships.language, ships.verdicts, ships.graded) == ("ships", "en", 50, 60)
    assert ships.accuracy_before < 0.6
    assert ships.accuracy_after > 0.9
    assert ships.mended - ships.broken == ships.right_after - ships.right_before
    assert ships.gold_f1_before is not None
    assert ships.gold_f1_after is not None
    assert ships.gold_f1_after >= ships.gold_f1_before - TOLERANCE
    assert holds(tagger, model, *FERRY)
    assert not holds(tagger, outcome.model, *FERRY)
    for row in rows(30, seed=17):
        assert holds(tagger, outcome.model, row.title, row.text) == (row.grades["ships"] > 0)


def test_the_same_verdicts_teach_the_same(tagger: Tagger, model: Model) -> None:
    first, second = (improve(tagger, model, contrary(), rows()) for _ in range(2))

    assert first.model.version == second.model.version != model.version
    assert first.model.file.trained["base"] == model.version
    assert first.model.file.trained["verdicts"] == 50


def test_few_verdicts_or_such_as_agree_change_nothing(tagger: Tagger, model: Model) -> None:
    few = improve(tagger, model, contrary(4))
    agreeing = improve(tagger, model, rows(30, seed=21))

    assert not few.adopted
    assert few.model is model
    assert few.topics[0].reason == "4 verdicts, at least 8 are needed"
    assert not agreeing.adopted
    assert agreeing.topics[0].reason == "every verdict comes out as said already"


def test_what_chance_may_bring_is_not_adopted(tagger: Tagger, model: Model) -> None:
    # Twenty that agree, one that does not and has a brother that can be held back.
    agreeing = rows(20, seed=21)
    odd = [replace(row, id=f"odd{row.id}", grades={"ships": 0}) for row in rows(4, seed=99)[:1]]

    outcome = improve(tagger, model, [*agreeing, *odd])

    assert not outcome.adopted
    assert "come out better" in outcome.topics[0].reason


@pytest.mark.parametrize(
    ("mended", "broken", "adopted"), [(2, 0, False), (3, 0, True), (5, 1, True), (6, 2, False)]
)
def test_chance_is_counted_as_the_sign_test_does(mended: int, broken: int, adopted: bool) -> None:
    assert (chance_of(mended, broken) <= CHANCE) is adopted


def test_verdicts_against_the_gold_are_not_adopted(tagger: Tagger, model: Model) -> None:
    against = contradicting()

    outcome = improve(tagger, model, against, rows(80, seed=8))

    assert not outcome.adopted
    assert outcome.model is model
    assert improve(tagger, model, against).adopted  # as nothing speaks against it


def test_without_gold_the_articles_that_nobody_judged_speak_for_themselves(
    tagger: Tagger, model: Model
) -> None:
    one_sided = [row for row in contrary(60) if not row.grades["ships"]]
    others = [replace(row, grades={}) for row in rows(60, seed=31)]

    outcome = improve(tagger, model, one_sided, others=others)

    (ships,) = outcome.topics
    assert ships.adopted
    assert ships.others == 60
    assert ships.others_changed <= 3
    for row in rows(30, seed=17):
        assert holds(tagger, outcome.model, row.title, row.text) == (row.grades["ships"] > 0)
    alike = [replace(row, id=f"o{row.id}", grades={}) for row in contrary(200)[60:]]
    refused = improve(tagger, model, one_sided, others=alike)  # half of what is stored would change
    assert not refused.adopted
    assert "nobody judged" in refused.topics[0].reason


def test_where_nothing_is_found_there_is_nothing_to_learn(tagger: Tagger, model: Model) -> None:
    """Else everything that comes in would be of the kind, as most of it is without any rule."""
    said = [
        GoldRow(f"v{n}", f"Note {n} of the day", f"Bread was sold in shop {n * 7}.", {"ships": 1})
        for n in range(30)
    ]

    for start in (model, nothing_learned()):
        outcome = improve(tagger, start, said)

        (ships,) = outcome.topics
        assert not outcome.adopted
        assert (ships.right_before, ships.unseen) == (0, 30)
        assert ships.reason == "articles in which nothing is found would be given the topic"
        assert not holds(tagger, outcome.model, "", "Cakes were sold.")


def test_a_held_back_verdict_is_not_learned_from_its_copy(tagger: Tagger, model: Model) -> None:
    # Ten articles of their own kind each; every copy says the same, so that a leak would look like learning.
    sample = [row for row in rows(80, seed=40) if row.grades["ships"]][:10]
    said = [replace(row, id=f"v{row.id}", grades={"ships": 0}) for row in sample]
    copies = [replace(row, id=f"c{row.id}", grades={"ships": 0}) for row in sample]
    gold = [row for row in rows(120, seed=41) if row.grades["ships"]]

    outcome = improve(tagger, model, said, [*copies, *gold])

    assert outcome.topics[0].right_after <= 2


def test_the_threshold_alone_moves_where_that_is_enough(tagger: Tagger) -> None:
    # Where rules alone decide: a passing mention is enough here, says the person.
    verdicts = [
        GoldRow(f"v{n}", f"Note {n}", f"A harbour was painted by pupil {n} of class {n % 7}.", {"ships": 1})
        for n in range(16)
    ] + [
        GoldRow(f"w{n}", f"Note {n}", f"A forest was painted by pupil {n} of class {n % 7}.", {"ships": 0})
        for n in range(16)
    ]

    outcome = improve(tagger, nothing_learned(), verdicts)

    (ships,) = outcome.topics
    assert ships.adopted
    assert ships.threshold_after < ships.threshold_before == 0.5
    assert outcome.model.file.adjusted["ships/en"].rules == {}
    assert holds(tagger, outcome.model, "", "A harbour of old times.")
    assert not holds(tagger, outcome.model, "", "A forest of old times.")


WEATHER = """
format = 1
[[topic]]
name = "weather"
[[topic.rules]]
language = "de"
weight = 4
match = ['Sturm', 'Regen', 'Schauer']
"""


def test_rules_that_decide_alone_get_other_weights() -> None:
    """A topic of the user's own, in a language that the program has no weights for."""
    tagger = Tagger(read_topics(WEATHER))
    verdicts = [
        GoldRow(f"v{n}", "", f"Der Regen Nummer {n} fiel auf Feld {n * 7}.", {"weather": 1}, language="de")
        for n in range(12)
    ] + [
        GoldRow(f"w{n}", "", f"Der Sturm {n} auf das Lokal {n * 3} war groß.", {"weather": 0}, language="de")
        for n in range(12)
    ]

    outcome = improve(tagger, nothing_learned(), verdicts)

    assert outcome.adopted
    adjusted = outcome.model.file.adjusted["weather/de"]
    assert adjusted.rules["Sturm"] < 0 <= adjusted.rules["Regen"]
    learned = Tagger(tagger.taxonomy, layer=outcome.model)
    rain, storm = (
        learned.tag("", text, language="de")[0] for text in ("Regen im Land.", "Sturm auf die Kasse.")
    )
    assert rain.holds
    assert not storm.holds
    for tag in (rain, storm):  # the evidence is still what the score is made of
        logit = -3.0 + adjusted.bias + sum(item.contribution for item in tag.evidence)
        assert tag.score == pytest.approx(1 / (1 + 2.718281828**-logit))


def test_priors_are_part_of_what_is_said_today(tagger: Tagger, model: Model) -> None:
    agreeing = rows(30, seed=21)
    priors = {row.id: {"ships": -19.0} for row in agreeing if row.grades["ships"]}

    assert improve(tagger, model, agreeing).topics[0].right_before == 30
    assert improve(tagger, model, agreeing, priors=priors).topics[0].right_before == 15
