"""``wirewatch evaluate``, on graded articles and a topics file of the test's own."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from service.cli.exits import Exit
from service.tagging import Tagger, read_topics
from service.tagging.gold import GoldRow
from service.tagging.improve import improve
from service.tagging.model import read_model
from service.training import adopt
from tests.cli_home import Home, home
from tests.graded_samples import TOPICS as SHIPS
from tests.graded_samples import contrary, rows

__all__ = ["home"]

TOPICS = """
format = 1

[[topic]]
name = "ships"
description = "Ships"

  [[topic.rules]]
  language = "en"
  weight = 6.0
  match = ['{0}']
"""
GOLD = [
    ("a", "A tanker sailed", 2),
    ("b", "The tanker's crew", 1),
    ("c", "A ferry sailed", 1),
    ("d", "A tanker truck", 0),
    ("e", "Gardens in spring", 0),
    ("f", "Not scored: a tanker", None),
]


@pytest.fixture
def graded(home: Home) -> Home:
    """A home with graded articles and two topics files."""
    lines = [
        json.dumps(
            {
                "id": name,
                "title": title,
                "text": f"{title}.",
                "grades": {"ships": grade},
                "why": f"because {name}",
            }
        )
        for name, title, grade in GOLD
    ]
    (home.folder / "gold.jsonl").write_text("\n".join(lines), encoding="utf-8")
    for word in ("tanker", "ferry"):
        (home.folder / f"{word}.toml").write_text(TOPICS.format(word), encoding="utf-8")
    return home


def test_figures_are_those_of_the_definition(graded: Home) -> None:
    result = graded.run("evaluate", "--gold", "gold.jsonl", "--topics", "tanker.toml", "--json")
    ships = result.json["topics"]["ships"]

    assert result.code == Exit.DONE
    # Of a, b, c one (c) is missed; d is given in error; f is not scored.
    assert (ships["precision"], ships["recall"], ships["f1"]) == (0.6667, 0.6667, 0.6667)
    assert 0 <= ships["average_precision"] <= 1
    assert {(one["id"], one["kind"]) for one in ships["errors"]} == {
        ("d", "false positive"),
        ("c", "false negative"),
    }


def test_people_see_every_error_with_its_evidence(graded: Home) -> None:
    out = graded.run("evaluate", "--gold", "gold.jsonl", "--topics", "tanker.toml").out

    assert "6 graded articles" in out
    assert "ships: 2 right, 1 given in error, 1 missed, 1 rightly not given" in out
    (given,) = [line for line in out.splitlines() if line.startswith("given")]
    assert "A tanker truck" in given
    assert "because d" in given
    assert "tanker (+" in given
    none = graded.run("evaluate", "--gold", "gold.jsonl", "--topics", "tanker.toml", "--errors", "0").out
    assert "because" not in none


def test_two_topics_files_are_compared(graded: Home) -> None:
    arguments = ["evaluate", "--gold", "gold.jsonl", "--topics", "ferry.toml", "--compare", "tanker.toml"]
    compared = graded.run(*arguments, "--json").json

    assert {one["id"] for one in compared["mended"]} == {"c", "d"}
    assert {one["id"] for one in compared["broken"]} == {"a", "b"}
    assert compared["before"]["topics"]["ships"]["recall"] == 0.6667
    out = graded.run(*arguments).out
    assert "mended: 2 answers" in out
    assert "broken: 2 answers" in out


def test_scripts_can_ask_for_a_floor(graded: Home) -> None:
    arguments = ["evaluate", "--gold", "gold.jsonl", "--topics", "tanker.toml", "--json"]
    assert graded.run(*arguments, "--fail-under", "0.6").code == Exit.DONE
    failed = graded.run(*arguments, "--fail-under", "0.7")
    assert failed.code == Exit.FAILED
    assert "F1 is below 0.7 for ships" in failed.err


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (None, "gold.jsonl: cannot be read"),
        ("", "holds no graded articles"),
        ("{", "line 1: not JSON"),
        ('{"title": "x", "text": "y", "grades": {"ships": 3}}', "line 1: grade 3 of 'ships'"),
    ],
)
def test_what_is_no_gold(home: Home, line: str | None, said: str) -> None:
    if line is not None:
        Path("gold.jsonl").write_text(line, encoding="utf-8")
    result = home.run("evaluate", "--gold", "gold.jsonl")
    assert result.code == Exit.USAGE
    assert said in result.complaint


@pytest.mark.parametrize(
    "options",
    [
        ("--compare", "ferry.toml", "--cross-validate"),
        ("--compare", "ferry.toml", "--fitted"),
        ("--cross-validate", "--fitted"),
    ],
)
def test_what_does_not_go_together(graded: Home, options: tuple[str, ...]) -> None:
    result = graded.run("evaluate", "--gold", "gold.jsonl", *options)
    assert result.code == Exit.USAGE
    assert "do not go together" in result.complaint


def test_articles_are_cleaned_as_when_they_come_in(graded: Home) -> None:
    """Teasers and single line breaks are what the texts of a gold file are full of."""
    body = "The harbour opens in spring.\nRead also: A tanker sailed\nGardens are open\non all days."
    row = {"id": "x", "title": "Harbour news", "text": body, "grades": {"ships": 0}}
    Path("gold.jsonl").write_text(json.dumps(row), encoding="utf-8")

    ships = graded.run("evaluate", "--gold", "gold.jsonl", "--topics", "tanker.toml", "--json").json

    assert ships["topics"]["ships"]["confusion"]["true_negatives"] == 1
    raw = body.replace("Read also: ", "")
    Path("gold.jsonl").write_text(json.dumps(row | {"text": raw}), encoding="utf-8")
    ships = graded.run("evaluate", "--gold", "gold.jsonl", "--topics", "tanker.toml", "--json").json
    assert ships["topics"]["ships"]["confusion"]["false_positives"] == 1


def test_a_row_in_another_language_is_judged_by_its_rules(graded: Home) -> None:
    text = "Правительство ввело новые санкции против банков. Танкер вышел из порта, сообщили власти страны."
    row = {"id": "x", "title": "Новые санкции", "text": text, "grades": {"ships": 0, "sanctions": 2}}
    Path("gold.jsonl").write_text(json.dumps(row), encoding="utf-8")

    figures = graded.run("evaluate", "--gold", "gold.jsonl", "--json").json["topics"]

    assert figures["sanctions"]["confusion"]["true_positives"] == 1


# -- weights that were learned from the very articles --------------------------------------------------------


@pytest.fixture
def taught(home: Home) -> Home:
    """A home whose weights were learned from its gold file."""
    home.set(WIREWATCH_TOPICS_FILE="topics.toml")
    (home.folder / "topics.toml").write_text(SHIPS, encoding="utf-8")
    write_gold(home.folder / "gold.jsonl", rows())
    done = home.run("train", "--anew", "--gold", "gold.jsonl", "--output", "weights.json")
    assert done.code == Exit.DONE, done.err
    home.set(WIREWATCH_TOPICS_WEIGHTS="weights.json")
    return home


def write_gold(path: Path, graded: list[GoldRow]) -> None:
    keys = ("id", "title", "text", "grades", "sure", "why")
    lines = [json.dumps({key: getattr(row, key) for key in keys}) for row in graded]
    path.write_text("\n".join(lines), encoding="utf-8")


def test_on_what_taught_the_weights_the_figures_are_those_held_out(taught: Home) -> None:
    recorded = json.loads(Path("weights.json").read_text(encoding="utf-8"))["trained"]["cross_validated"]

    told = taught.run("evaluate", "--gold", "gold.jsonl", "--json").json

    assert told["cross_validated"]
    assert told["notes"][0] == "the weights were learned from 60 of these 60 articles"
    ships = told["topics"]["ships"]
    assert {key: ships[key] for key in ships if key != "errors"} == recorded["topics"]["ships"]
    assert told["fitted"]["topics"]["ships"]["f1"] >= ships["f1"]
    out = taught.run("evaluate", "--gold", "gold.jsonl").out
    assert "60 graded articles, cross-validated" in out
    assert "they taught it" in out
    fitted = taught.run("evaluate", "--gold", "gold.jsonl", "--fitted").out
    assert "as they are tagged now" in fitted
    assert "learned from 60 of these 60 articles: on them the figures are far too good" in fitted


def test_articles_among_others_that_taught_the_weights_are_left_out(taught: Home) -> None:
    fresh = [replace(row, id=f"n{row.id}", title=f"New {row.title}") for row in rows(20, seed=77)]
    write_gold(Path("mixed.jsonl"), [*rows()[:10], *fresh])

    told = taught.run("evaluate", "--gold", "mixed.jsonl", "--json").json

    assert told["articles"] == told["topics"]["ships"]["articles"] == 20
    assert told["notes"] == ["the weights were learned from 10 of these 30 articles; those are left out here"]
    every = taught.run("evaluate", "--gold", "mixed.jsonl", "--fitted", "--json").json
    assert every["articles"] == 30
    write_gold(Path("fresh.jsonl"), fresh)
    assert taught.run("evaluate", "--gold", "fresh.jsonl", "--json").json["notes"] == []


def test_cross_validation_measures_anew_tells_how_far_it_is_and_shows_the_errors(taught: Home) -> None:
    done = taught.run("evaluate", "--gold", "gold.jsonl", "--cross-validate", "--json")

    assert done.json["cross_validated"]
    assert done.json["topics"]["ships"]["articles"] == 60
    assert [line for line in done.err.splitlines() if line.startswith("cross-validating")] == [
        f"cross-validating ships {number}/5" for number in range(1, 6)
    ]
    recorded = taught.run("evaluate", "--gold", "gold.jsonl", "--json").json["topics"]["ships"]
    assert done.json["topics"]["ships"]["f1"] == recorded["f1"]


def test_graded_articles_that_stood_beside_verdicts_are_known_too(taught: Home) -> None:
    """What `train --gold` held beside verdicts is no measure of what came of it."""
    model = read_model(Path("weights.json"))
    learned = improve(Tagger(read_topics(SHIPS)), model, contrary(), rows(20, seed=91))
    assert learned.adopted
    adopt(learned.model, Path("learned"))
    taught.set(WIREWATCH_TOPICS_LEARNED="learned")
    write_gold(Path("beside.jsonl"), rows(20, seed=91))

    told = taught.run("evaluate", "--gold", "beside.jsonl", "--json").json

    assert told["notes"][0] == "the weights were learned from 20 of these 20 articles"
    assert any(
        "those of the weights from which the ones learned here start" in note for note in told["notes"]
    )
