"""The gold format, the figures, and honest figures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from service.errors import UsageError
from service.tagging import Tagger, read_topics
from service.tagging.evaluate import compare, cross_validate, evaluate, tag_with
from service.tagging.gold import GoldRow, groups, read_gold
from service.tagging.learn import Recipe
from service.values import Evidence, Tag
from tests.graded_samples import TOPICS, rows


def write(path: Path, *lines: str | dict[str, object]) -> Path:
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    path.write_text(text + "\n", encoding="utf-8")
    return path


GOOD: dict[str, object] = {"id": "a", "title": "T", "text": "x", "grades": {"ships": 1, "trees": None}}


def test_gold_is_read_with_its_grades(tmp_path: Path) -> None:
    path = write(tmp_path / "gold.jsonl", GOOD, "", {"title": "U", "grades": {"ships": 0}, "sure": False})

    first, second = read_gold(path)

    assert (first.id, first.grades, first.sure) == ("a", {"ships": 1}, True)
    assert (second.id, second.text, second.sure) == ("3", "", False)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "line 2: not JSON"),
        ("[1]", "line 2: not a JSON object"),
        ('{"title": 4, "grades": {}}', "line 2: title and text must be strings"),
        ('{"title": "x"}', 'line 2: "grades" must be an object'),
        ('{"grades": {"ships": 3}}', "line 2: grade 3 of 'ships'"),
        ('{"grades": {"ships": true}}', "line 2: grade True of 'ships'"),
        ('{"grades": {"ships": "1"}}', "line 2: grade '1' of 'ships'"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, line: str, reason: str) -> None:
    path = write(tmp_path / "gold.jsonl", GOOD, line)

    with pytest.raises(UsageError, match=reason):
        read_gold(path)


def test_a_missing_or_empty_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_gold(tmp_path / "none.jsonl")
    with pytest.raises(UsageError, match="no graded articles"):
        read_gold(write(tmp_path / "empty.jsonl", ""))


def test_copies_share_a_group() -> None:
    text = " ".join(f"word{number}" for number in range(200))
    sample = [
        GoldRow("1", "One title", text, {}),
        GoldRow("2", "Another", text + " and more at the end", {}),
        GoldRow("3", "Third", " ".join(f"other{number}" for number in range(200)), {}),
        GoldRow("4", "A title of five words", "short", {}),
        GoldRow("5", "A title, of five words!", "else", {}),
        GoldRow("6", "Press Review", "monday", {}),
        GoldRow("7", "Press Review", "tuesday", {}),
    ]

    one, two, three, four, five, six, seven = groups(sample)

    assert one == two != three
    assert four == five
    assert six != seven


SCORES = {"a": 0.95, "b": 0.7, "c": 0.3, "d": 0.05, "e": 0.65}
GRADES = {"a": 2, "b": 0, "c": 1, "d": 0, "e": 1}


def told(row: GoldRow) -> list[Tag]:
    evidence = (Evidence("title", 0, 1, row.title[0], "rule", 1.5),)
    return [Tag("ships", SCORES[row.id], 0.5, main=SCORES[row.id] > 0.9, evidence=evidence)]


def test_figures_of_known_answers() -> None:
    sample = [GoldRow(key, f"{key} title", "", {"ships": grade}, why="w") for key, grade in GRADES.items()]

    report = evaluate(sample, told)

    ships = report.topics["ships"]
    confusion = (ships.true_positives, ships.false_positives, ships.false_negatives, ships.true_negatives)
    assert confusion == (2, 1, 1, 1)
    assert ships.precision == ships.recall == ships.f1 == pytest.approx(2 / 3)
    assert ships.average_precision == pytest.approx((1 + 2 / 3 + 3 / 4) / 3)
    assert ships.main_f1 == 1.0
    assert ships.brier == pytest.approx((0.05**2 + 0.7**2 + 0.7**2 + 0.05**2 + 0.35**2) / 5)
    assert [(error.id, error.false_positive) for error in ships.errors] == [("b", True), ("c", False)]
    assert sum(band.count for band in ships.reliability) == 5
    as_json = report.as_json()
    assert as_json["topics"]["ships"]["f1"] == 0.6667
    assert as_json["topics"]["ships"]["errors"][0]["evidence"] == ["b (+1.50)"]
    assert json.loads(json.dumps(as_json)) == as_json


def test_topics_without_a_grade_are_not_scored() -> None:
    report = evaluate([GoldRow("a", "t", "", {})], told)

    assert report.topics == {}


def test_two_ways_of_tagging_are_compared() -> None:
    sample = [GoldRow(key, f"{key} title", "", {"ships": grade}) for key, grade in GRADES.items()]

    comparison = compare(
        sample, told, lambda row: [Tag("ships", SCORES[row.id], 0.5 if row.id != "b" else 0.9)]
    )

    assert [error.id for error in comparison.mended] == ["b"]
    assert comparison.broken == ()


def test_cross_validation_judges_every_row_once_and_says_so() -> None:
    tagger = Tagger(read_topics(TOPICS), layer=None)
    sample = rows(60)

    report = cross_validate(tagger, sample, recipe=Recipe(folds=3, least_word=2), folds=3)

    assert report.cross_validated
    assert report.topics["ships"].scored == 60
    assert report.topics["ships"].f1 > 0.9
    again = cross_validate(tagger, sample, recipe=Recipe(folds=3, least_word=2), folds=3)
    assert again == report


def test_a_tagger_is_measured() -> None:
    tagger = Tagger(read_topics(TOPICS), layer=None)

    report = evaluate(rows(20), tag_with(tagger))

    assert report.topics["ships"].scored == 20
    assert report.topics["ships"].recall > 0.5
