"""From a query string to a question, or to what is wrong with it."""

from __future__ import annotations

import contextlib
import re
from datetime import UTC, datetime
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.query import EVERYTHING, format, parse
from models.records import ArticleFilter, Order
from service.web.parameters import (
    NAMES,
    Asked,
    BadParameter,
    read_form,
    read_id,
    read_question,
    read_sources_query,
    read_threshold_query,
)

NOW = datetime(2026, 3, 10, 15, 30, tzinfo=UTC)
TOPICS = ("arms", "sanctions")


def read(query: str) -> Asked:
    return read_question(parse_qsl(query, keep_blank_values=True), now=NOW, known_topics=TOPICS)


def test_an_empty_form_asks_for_everything() -> None:
    assert read("") == Asked()
    assert read("q=&since=&until=&source=&min_score=&order=") == Asked()
    assert read("").filter == ArticleFilter()


def test_every_field_is_written_into_the_query() -> None:
    asked = read(
        "topic=arms&topic=sanctions&q=+%22panel+of+experts%22+&since=2026-03-01&until=2026-03-09&source=Gazette"
        "&min_score=0.7&limit=20&cursor=abc&duplicates=1&order=relevance&language=EN&main=yes&verdict=none"
    )
    text = (
        '"panel of experts" (topic:arms OR topic:sanctions) since:2026-03-01 until:2026-03-09 source:Gazette '
        "lang:en main:yes verdict:none score>=0.7"
    )
    assert asked == Asked(parse(text), text, Order.RELEVANCE, duplicates=True, limit=20, cursor="abc")
    assert asked.filter == ArticleFilter(
        query=parse(text), order=Order.RELEVANCE, limit=20, cursor="abc", duplicates=True
    )


def test_what_was_typed_stays_as_it_was_typed() -> None:
    assert read("q=Topic:arms+AND+visit").text == "Topic:arms AND visit"
    assert read("q=Topic:arms+AND+visit&period=7d").text == "topic:arms visit since:7d"


def test_of_a_form_only_what_was_changed_counts() -> None:
    shown = "was=topic:arms+since:7d"  # which it showed as a ticked box and a period
    assert read(f"{shown}&q=topic:arms+since:7d&topic=arms&period=7d").text == "topic:arms since:7d"
    assert read(f"{shown}&q=topic:arms+since:7d&period=7d").text == "since:7d"
    assert read(f"{shown}&q=since:7d+visit&topic=arms&period=7d").text == "since:7d visit"
    assert read(f"{shown}&q=topic:arms+since:7d&topic=arms&topic=sanctions&period=30d").text == (
        "(topic:arms OR topic:sanctions) since:30d"
    )
    assert read("was=&q=visit&topic=arms").text == "visit topic:arms"
    assert read(f"{shown}&q=").query == EVERYTHING


@pytest.mark.parametrize(
    "text", ["2026-03-01", "2026-03-01T12:30", "2026-03-01T12:30%2B02:00", "7d", "36h", "2w", "yesterday"]
)
def test_the_ways_to_say_since(text: str) -> None:
    said = text.replace("%2B", "+").lower()
    assert read(f"since={text}").query == parse(f"since:{said}")


@pytest.mark.parametrize(
    ("query", "name", "part"),
    [
        ("topics=arms", "topics", "is not a parameter"),
        ("limit=1&limit=2", "limit", "more than once"),
        ("topic=weather", "topic", "there is no topic “weather”; there are: arms, sanctions"),
        ("topic=" + "&topic=".join(f"t{n}" for n in range(60)), "topic", "at most 50"),
        ("since=soon", "since", "is not a date"),
        ("since=2026-02-30", "since", "is not a date"),
        ("since=999999d", "since", "is not a date"),
        ("until=9999-12-31", "until", "is not a date"),
        ("since=0001-01-01T00:00%2B14:00", "since", "is not a date"),
        ("since=2026-03-09&until=2026-03-01", "until", "ends before"),
        ("min_score=nan", "min_score", "not a number from 0 to 1"),
        ("min_score=1.5", "min_score", "not a number from 0 to 1"),
        ("min_score=-1e999", "min_score", "not a number from 0 to 1"),
        ("min_score=high", "min_score", "not a number from 0 to 1"),
        ("limit=0", "limit", "from 1 to 200"),
        ("limit=-5", "limit", "from 1 to 200"),
        ("limit=1000000000000000000000000", "limit", "from 1 to 200"),
        ("limit=%D9%A3", "limit", "from 1 to 200"),  # an Arabic digit
        ("q=a%00b", "q", "control character"),
        ("q=topic:", "q", 'column 7: "topic:" has no value'),
        ("q=a+OR", "q", "column 5: the query ends here"),
        ("source=a%1Bb", "source", "control character"),
        ("cursor=a%0Ab", "cursor", "control character"),
        ("source=9999999999999999999", "source", "there is no source"),
        ("source=" + "x" * 3000, "source", "at most 2,000"),
        ("q=" + "x" * 3000, "q", "at most 1,000"),
        ("q=" + "+".join("ab" for _ in range(100)), "q", "at most 64 words and conditions"),
        ("duplicates=yes", "duplicates", "neither 1 nor 0"),
        ("order=oldest", "order", "none of newest, relevance"),
        ("main=maybe", "main", "none of yes, no"),
        ("verdict=maybe", "verdict", "none of none, yes, no, any"),
        ("period=9d", "period", "none of 24h, 7d"),
        ("language=en%22", "language", "is no code of a language"),
        ("source=" + "x" * 600, "source", "at most 500"),
        ("was=topic:&q=x", "was", "has no value"),
        ("q=" + "+".join(["abcdefghijklmno"] * 62) + "&topic=arms&topic=sanctions", "q", "at most 1,000"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_reason(query: str, name: str, part: str) -> None:
    with pytest.raises(BadParameter, match=re.escape(part)) as caught:
        read(query)
    assert caught.value.name == name


@given(st.lists(st.tuples(st.sampled_from((*NAMES, "x")), st.text())))
def test_nothing_else_is_ever_raised(pairs: list[tuple[str, str]]) -> None:
    with contextlib.suppress(BadParameter):
        asked = read_question(pairs, now=NOW, known_topics=TOPICS)
        assert 1 <= asked.limit <= 200
        assert parse(format(asked.query)) == asked.query


def test_a_question_makes_the_links_around_it() -> None:
    asked = read("topic=arms&q=a+%26+b&cursor=old&limit=10&order=relevance&duplicates=1")
    assert asked.at("new") == ("q=a+b+topic%3Aarms&order=relevance&duplicates=1&limit=10&cursor=new")
    assert asked.at(None) == "q=a+b+topic%3Aarms&order=relevance&duplicates=1&limit=10"
    assert asked.without_duplicates() == "q=a+b+topic%3Aarms&order=relevance&limit=10"
    assert asked.with_query(parse("visit")) == "q=visit&order=relevance&duplicates=1&limit=10"
    assert asked.narrowed
    assert not read("limit=10&order=relevance").narrowed
    assert read("q=visit&order=relevance").by_relevance
    assert not read("q=topic:arms&order=relevance").by_relevance
    assert read("").at(None) == ""
    assert read("").at("x") == "cursor=x"


def test_a_form_is_read_without_judging_it() -> None:
    form = read_form(parse_qsl("topic=x&topic=y&topic=x&since=+soon+&q="))
    assert (form.topics, form.get("since"), form.get("q")) == (("x", "y"), "soon", "")
    assert (form.fields.topics, form.fields.since) == (("x", "y"), "soon")


def test_a_threshold_is_tried_out_on_a_topic() -> None:
    assert read_threshold_query([], TOPICS) == (None, None)
    assert read_threshold_query([("topic", "arms"), ("threshold", "0.4")], TOPICS) == ("arms", 0.4)
    for pairs in ([("topic", "x")], [("threshold", "2")], [("q", "1")], [("topic", "arms")] * 2):
        with pytest.raises(BadParameter):
            read_threshold_query(pairs, TOPICS)


@pytest.mark.parametrize("text", ["0", "-1", "", "1.5", "x", "9223372036854775808", "1" * 30, "٣"])
def test_what_is_no_id(text: str) -> None:
    assert read_id(text) is None


def test_ids() -> None:
    assert read_id("1") == 1
    assert read_id("9223372036854775807") == 2**63 - 1


def test_the_list_of_sources_is_asked_for_by_state_and_page() -> None:
    assert read_sources_query([]) == (None, 1)
    assert read_sources_query([("state", "failing"), ("page", "3")]) == ("failing", 3)
    for pairs in ([("state", "x")], [("page", "0")], [("page", "x")], [("q", "1")], [("page", "1")] * 2):
        with pytest.raises(BadParameter):
            read_sources_query(pairs)
