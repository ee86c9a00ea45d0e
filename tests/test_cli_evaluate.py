"""``wirewatch evaluate``, on graded articles and a topics file of the test's own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from service.cli.exits import Exit
from tests.cli_home import Home, home

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


def test_what_does_not_go_together(graded: Home) -> None:
    result = graded.run("evaluate", "--gold", "gold.jsonl", "--compare", "ferry.toml", "--cross-validate")
    assert result.code == Exit.USAGE
    assert "do not go together" in result.complaint
