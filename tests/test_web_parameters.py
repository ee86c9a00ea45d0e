"""From a query string to a question, or to what is wrong with it."""

from __future__ import annotations

import contextlib
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.query import parse
from models.records import ArticleFilter
from service.web.parameters import BadParameter, read_filter, read_form, read_id, read_sources_query

NOW = datetime(2026, 3, 10, 15, 30, tzinfo=UTC)
TOPICS = ("arms", "sanctions")


def read(query: str) -> ArticleFilter:
    return read_filter(parse_qsl(query, keep_blank_values=True), now=NOW, known_topics=TOPICS)


def test_an_empty_form_asks_for_everything() -> None:
    assert read("") == ArticleFilter()
    assert read("q=&since=&until=&source=&min_score=") == ArticleFilter()


def test_every_field_is_read() -> None:
    asked = read(
        "topic=arms&topic=sanctions&q=+%22panel+of+experts%22+&since=2026-03-01&until=2026-03-09&source=Gazette"
        "&min_score=0.7&limit=20&cursor=abc&duplicates=1"
    )
    assert asked == ArticleFilter(
        topics=("arms", "sanctions"),
        query=parse('"panel of experts"'),
        since=datetime(2026, 3, 1, tzinfo=UTC),
        until=datetime(2026, 3, 10, tzinfo=UTC),  # the whole of the last day
        sources=("Gazette",),
        min_score=0.7,
        limit=20,
        cursor="abc",
        duplicates=True,
    )


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-01", datetime(2026, 3, 1, tzinfo=UTC)),
        ("2026-03-01T12:30", datetime(2026, 3, 1, 12, 30, tzinfo=UTC)),
        ("2026-03-01T12:30%2B02:00", datetime(2026, 3, 1, 10, 30, tzinfo=UTC)),
        ("7d", NOW - timedelta(days=7)),
        ("36h", NOW - timedelta(hours=36)),
        ("2w", NOW - timedelta(weeks=2)),
    ],
)
def test_the_ways_to_say_since(text: str, moment: datetime) -> None:
    assert read(f"since={text}").since == moment


@pytest.mark.parametrize(
    ("query", "name", "part"),
    [
        ("topics=arms", "topics", "is not a parameter"),
        ("limit=1&limit=2", "limit", "more than once"),
        ("topic=weather", "topic", "there is no topic “weather”; there are: arms, sanctions"),
        ("topic=" + "&topic=".join(f"t{n}" for n in range(60)), "topic", "at most 50"),
        ("since=yesterday", "since", "is not a date"),
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
    ],
)
def test_what_cannot_be_used_is_refused_with_its_reason(query: str, name: str, part: str) -> None:
    with pytest.raises(BadParameter, match=re.escape(part)) as caught:
        read(query)
    assert caught.value.name == name


@given(st.lists(st.tuples(st.sampled_from(("q", "topic", "since", "limit", "cursor", "x")), st.text())))
def test_nothing_else_is_ever_raised(pairs: list[tuple[str, str]]) -> None:
    with contextlib.suppress(BadParameter):
        assert 1 <= read_filter(pairs, now=NOW, known_topics=TOPICS).limit <= 200


def test_a_form_makes_the_links_around_it() -> None:
    form = read_form(parse_qsl("topic=arms&topic=sanctions&q=a+%26+b&cursor=old&limit=10"))
    assert form.without("topic", "arms") == "topic=sanctions&q=a+%26+b&limit=10"
    assert form.without("topic") == "q=a+%26+b&limit=10"
    assert form.without("q") == "topic=arms&topic=sanctions&limit=10"
    assert form.at("new") == "topic=arms&topic=sanctions&q=a+%26+b&limit=10&cursor=new"
    assert form.at(None) == "topic=arms&topic=sanctions&q=a+%26+b&limit=10"
    assert form.narrowed
    assert not read_form([("limit", "10"), ("cursor", "x")]).narrowed
    assert read_form([]).at("x") == "cursor=x"


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
