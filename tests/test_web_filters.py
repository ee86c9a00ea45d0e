"""The filter form and the query say the same, whichever of them was changed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from models.query import EVERYTHING, Query, format, parse
from service.web.filters import Fields, added, conditions, fields_of, rewritten
from tests.test_query import trees

EVERY = Fields(("arms", "sanctions"), "7d", "", "2026-03-09", "Gazette", "en", "yes", "none", "0.7")
TEXT = (
    "(topic:arms OR topic:sanctions) since:7d until:2026-03-09 source:Gazette lang:en main:yes verdict:none "
    "score>=0.7"
)


def test_all_fields_are_written_and_read_back() -> None:
    assert format(added(EVERYTHING, EVERY)) == TEXT
    assert fields_of(parse(TEXT)) == EVERY
    assert format(rewritten(parse("ferry"), Fields(), EVERY)) == f"ferry {TEXT}"
    assert rewritten(parse(TEXT), EVERY, Fields()) == EVERYTHING


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("-topic:arms topic:* score>0.7 since:2026-03-01t10:00", Fields()),
        ("topic:arms topic:sanctions lang:en", Fields(language="en")),  # both: no field says so
        ("(topic:arms OR lang:en) since:2026-03-01", Fields(since="2026-03-01")),
        ("topic:arms OR topic:sanctions", Fields(("arms", "sanctions"))),
    ],
)
def test_what_has_no_field_is_left_alone(query: str, fields: Fields) -> None:
    assert fields_of(parse(query)) == fields
    changed = rewritten(parse(query), fields, replace(fields, source="Gazette"))
    assert format(changed) in {f"{query} source:Gazette", f"({query}) source:Gazette"}


def test_only_what_was_changed_in_the_form_is_rewritten() -> None:
    was = fields_of(parse("topic:arms since:7d"))
    edited = parse("topic:sanctions visit since:7d")  # in the box, since the form was shown
    assert format(rewritten(edited, was, replace(was, language="ko"))) == f"{format(edited)} lang:ko"
    assert format(rewritten(edited, was, replace(was, topics=("diplomacy",)))) == (
        "topic:diplomacy visit since:7d"
    )


def test_of_two_ways_to_say_when_the_new_one_counts() -> None:
    query = parse("since:7d visit")
    was = fields_of(query)
    assert format(rewritten(query, was, replace(was, since="2026-03-01"))) == "visit since:2026-03-01"
    query = parse("since:2026-03-01 until:2026-03-02 visit")
    was = fields_of(query)
    assert format(rewritten(query, was, replace(was, period="30d"))) == "visit since:30d"


def test_conditions_are_taken_back_one_by_one() -> None:
    found = conditions(
        parse('"state visit" -rain ' + TEXT + " -topic:trade score<0.9 verdict:yes main:no story:3")
    )
    assert [(one.label, one.value) for one in found] == [
        ("words", '"state visit" -rain'),
        ("topic", "arms or sanctions"),
        ("from", "7d"),
        ("to", "2026-03-09"),
        ("source", "Gazette"),
        ("language", "en"),
        ("topic is", "a main subject"),
        ("verdict", "nobody has judged it"),
        ("score", "at least 0.7"),
        ("and", "-topic:trade"),
        ("score", "below 0.9"),
        ("verdict", "somebody said yes"),
        ("topic is", "no main subject"),
        ("story", "3"),
    ]
    assert format(found[0].without).startswith("(topic:arms")
    assert "topic:arms" not in format(found[1].without)
    assert conditions(EVERYTHING) == []


@given(trees)
def test_any_query_survives_the_form(query: Query) -> None:
    fields = fields_of(query)
    assert rewritten(query, fields, fields) == query
    cleared = rewritten(query, fields, Fields())
    assert fields_of(cleared) == Fields()
    assert parse(format(cleared)) == cleared
    for one in conditions(query):
        assert parse(format(one.without)) == one.without
