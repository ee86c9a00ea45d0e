"""The query language: what a text means, what is wrong with it and where, and that it is written as read."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from models import query
from models.errors import QueryError, QuerySyntaxError
from models.moments import is_relative, parse_moment
from models.query import (
    And,
    Field,
    Language,
    Main,
    Not,
    Or,
    Query,
    Ruling,
    Score,
    Since,
    Source,
    Story,
    Topic,
    Until,
    Verdict,
    Words,
)
from models.words import sought

A, B, C = Words("a1"), Words("b1"), Words("c1")
READ: dict[str, Query] = {
    "": And(),
    " \n": And(),
    "visit": Words("visit"),
    '"visit"': Words("visit"),
    "sanct*": Words("sanct", prefix=True),
    '"panel of expert*"': Words("panel of expert", prefix=True),
    "“panel of  experts”": Words("panel of experts"),
    "«Группа экспертов»": Words("Группа экспертов"),
    '"say \\"no\\" \\\\ now"': Words('say "no" \\ now'),
    "S-400": Words("S-400"),
    "o'brien": Words("o'brien"),
    '"M*A*S*H x"': Words("M*A*S*H x"),
    "a1 b1": And((A, B)),
    "a1 AND b1": And((A, B)),
    "a1 or b1": And((A, Words("or"), B)),
    "a1 OR b1 c1": Or((A, And((B, C)))),
    "(a1 OR b1) c1": And((Or((A, B)), C)),
    "a1 (b1 (c1))": And((A, B, C)),
    "a1 OR (b1 OR c1)": Or((A, B, C)),
    "a1 & b1 - c1": And((A, B, C)),
    "-a1": Not(A),
    "NOT a1": Not(A),
    "--a1": A,
    "-(a1 b1)": Not(And((A, B))),
    "a1-b1": Words("a1-b1"),
    'a1"b1 c1"': And((A, Words("b1 c1"))),
    "title:visit": Words("visit", field=Field.TITLE),
    'title:"state visit"': Words("state visit", field=Field.TITLE),
    "text:vis*": Words("vis", prefix=True, field=Field.TEXT),
    "topic:sanctions": Topic("sanctions"),
    'Topic:"arms control"': Topic("arms control"),
    "topic:*": Topic("*"),
    "-topic:arms": Not(Topic("arms")),
    "source:yonhap*": Source("yonhap*"),
    "source:https://example.org/feed?x=1": Source("https://example.org/feed?x=1"),
    "since:7d": Since("7d"),
    "since:YESTERDAY": Since("yesterday"),
    "until:2024-06-18T14:00+02:00": Until("2024-06-18t14:00+02:00"),
    "lang:EN": Language("en"),
    "language:zh-hant": Language("zh-hant"),
    "score>0.7": Score(">", 0.7),
    "score:>=.5": Score(">=", 0.5),
    "score:1": Score(">=", 1.0),
    "main:YES": Main(True),
    "verdict:None": Verdict(Ruling.NONE),
    "story:12": Story(12),
    "http://example.org/?a=b": Words("http://example.org/?a=b"),
    "Note: a1": And((Words("Note:"), A)),
    "3:15 x<y": And((Words("3:15"), Words("x<y"))),
    'topic:sanctions -topic:arms "panel of experts" (artillery OR shells) title:visit source:yonhap* '
    "since:7d until:2026-01-01 lang:en score>0.7 story:12 verdict:none": And(
        (
            Topic("sanctions"),
            Not(Topic("arms")),
            Words("panel of experts"),
            Or((Words("artillery"), Words("shells"))),
            Words("visit", field=Field.TITLE),
            Source("yonhap*"),
            Since("7d"),
            Until("2026-01-01"),
            Language("en"),
            Score(">", 0.7),
            Story(12),
            Verdict(Ruling.NONE),
        )
    ),
}
WRONG = [
    ("!!!", 1, "no word to find"),
    ('a1 ""', 4, "no word to find"),
    ("a1 -!!", 5, "something to leave out"),
    ("topic: arms", 7, "without a space"),
    ("tpoic:x", 1, '"topic:"'),
    ("foo:bar", 1, "one of topic, title"),
    ('foo:"bar"', 1, "quotes around it"),
    ("topic>5", 6, "is not compared"),
    ("(a1", 1, 'a ")" for it'),
    ("a1 (b1 (c1)", 4, 'a ")" for it'),
    ("a1)", 3, "never opened"),
    ("()", 2, "nothing before this parenthesis"),
    ("OR a1", 1, "OR has nothing before it"),
    ("a1 OR OR b1", 7, "OR has nothing before it"),
    ("a1 AND", 7, "the query ends here"),
    ("a1 NOT", 7, "the query ends here"),
    ('a1 "b1 c1', 4, "quote is not closed"),
    ("«a1", 1, "a » at the end"),
    ("a*b", 2, "may only end a word"),
    ("x*", 1, "two letters or more"),
    ('"x y*"', 1, "two letters or more"),
    ("score>2", 7, "from 0 to 1"),
    ("score:high", 7, "from 0 to 1"),
    ("score>1e-3", 7, "from 0 to 1"),
    ("score>", 7, "has no value"),
    ("since:soon", 7, "is no time"),
    ("since:2024-13", 7, "is no time"),
    ("until:9999", 7, "is no time"),
    ("since:9999999w", 7, "is no time"),
    ("lang:english!", 6, "lang:en"),
    ("verdict:maybe", 9, "verdict:none"),
    ("main:maybe", 6, "main:yes or main:no"),
    ("story:x", 7, "story:12"),
    ("story:" + "9" * 30, 7, "story:12"),
    ("topic:" + "x" * 600, 7, "600 characters"),
    ("a1 " * 3_000, 2_001, "9,000 characters"),
    ("a1 " * 200, 193, "at most 64"),
    ("(" * 20 + "a1" + ")" * 20, 17, "at most 16 levels"),
    ("-" * 200 + "a1", 17, "at most 16 levels"),
    ("制裁" * 150, 1, "at most 256"),
]


@pytest.mark.parametrize("text", READ)
def test_reading(text: str) -> None:
    assert query.parse(text) == READ[text]
    assert query.parse(query.format(READ[text])) == READ[text]


@pytest.mark.parametrize(("text", "column", "said"), WRONG)
def test_a_wrong_query_says_where_and_what_was_expected(text: str, column: int, said: str) -> None:
    with pytest.raises(QuerySyntaxError, match=re.escape(said)) as caught:
        query.parse(text)
    error = caught.value
    assert (error.column, error.query) == (column, text)
    assert str(error).startswith(f"column {column}: {error.problem}; expected {error.expected}")
    assert len(str(error)) < 300


def test_the_pointer_stands_below_the_place() -> None:
    for text, column in (("a1 (b1", 4), (f"{'words' * 30} (b1 {'more' * 40}", 152), ("制裁 (b1", 4)):
        with pytest.raises(QuerySyntaxError) as caught:
            query.parse(text)
        assert caught.value.column == column
        line, caret = caught.value.pointer.split("\n")
        assert len(line) < 90
        wide = sum(char in "制裁" for char in line)
        assert line[len(caret) - 1 - wide :].startswith("(b1")


def test_queries_are_put_together_as_they_are_read() -> None:
    assert query.all_of(A, query.all_of(B, C), query.EVERYTHING) == And((A, B, C))
    assert query.all_of(A) == A
    assert query.all_of() == query.EVERYTHING
    assert query.any_of(A, query.any_of(B, C)) == Or((A, B, C))
    assert query.any_of(A, query.EVERYTHING) == query.EVERYTHING
    assert query.negated(query.negated(A)) == A
    with pytest.raises(ValueError, match="nothing cannot be asked for"):
        query.negated(query.EVERYTHING)


def test_plain_text_means_nothing_but_its_words() -> None:
    typed = 'topic:arms OR -x* "panel of experts'
    assert query.literal(typed) == And(
        (Words("topic:arms"), Words("OR"), Words("-x*"), Words("panel of experts"))
    )
    for wrong in ("", " ?! ", '"'):
        with pytest.raises(QueryError, match="no word to find"):
            query.literal(wrong)
    for wrong in ("word " * 65, "x" * 2_001, "制" * 300):
        with pytest.raises(QueryError, match=r"64|2000"):
            query.literal(wrong)


# -- properties ----------------------------------------------------------------------------------------

texts = st.text(max_size=30).map(lambda text: " ".join(text.split()))
phrases = texts.filter(lambda text: sought(text) and not text.endswith("*"))
prefixes = phrases.filter(lambda text: text[-2:].isalnum() and text[-2:].isascii() and len(text) > 1)
names = texts.filter(bool)
times = st.sampled_from(["7d", "1h30m", "2024", "2024-06", "2024-06-18", "2024-06-18t14:00z", "today", "now"])
plain_leaves = st.one_of(
    st.builds(Words, phrases, field=st.sampled_from(Field)),
    st.builds(Words, prefixes, st.just(True), st.sampled_from(Field)),
    st.builds(Topic, names),
    st.builds(Source, names),
    st.builds(Since, times),
    st.builds(Until, times),
    st.builds(Language, st.sampled_from(["en", "ru", "zh-hant"])),
    st.builds(Score, st.sampled_from(query.COMPARISONS), st.integers(0, 1000).map(lambda n: n / 1000)),
    st.builds(Main, st.booleans()),
    st.builds(Verdict, st.sampled_from(Ruling)),
    st.builds(Story, st.integers(0, 10**18 - 1)),
)
trees = st.recursive(
    plain_leaves,
    lambda parts: st.one_of(
        st.lists(parts, min_size=2, max_size=4).map(lambda found: query.all_of(*found)),
        st.lists(parts, min_size=2, max_size=4).map(lambda found: query.any_of(*found)),
        parts.map(query.negated),
    ),
    max_leaves=12,
)
signs = ["a1", "-", "(", ")", '"', "OR", "NOT", "topic:", "x:", "score>", ".5", "*", "制裁", "\\", "“", "»"]
pieces = ["a1", "-b1", "(", ")", '"c1 d1"', "OR", "AND", "NOT", "topic:x", "score>.5", "e1*"]
soup = st.one_of(
    st.lists(st.sampled_from(signs), max_size=20).map("".join),
    st.lists(st.sampled_from(pieces), max_size=20).map(" ".join),
)


@given(trees)
@example(Words("OR"))
@example(Words("-x"))
@example(Words("a\\"))
@example(Topic('"'))
@example(Not(Or((A, And((B, Not(C)))))))
def test_what_is_written_is_read_back(tree: Query) -> None:
    text = query.format(tree)
    if len(text) <= 2_000:
        assert query.parse(text) == tree, text


@given(st.text(max_size=60) | soup)
def test_any_text_is_read_or_refused_with_its_place(text: str) -> None:
    wrong = None
    try:
        found = query.parse(text)
    except QuerySyntaxError as error:
        wrong = error
    if wrong is None:
        assert query.parse(query.format(found)) == found
    else:
        assert 1 <= wrong.column <= len(text) + 1
        assert wrong.pointer.endswith("^")


# -- times ---------------------------------------------------------------------------------------------


def test_what_depends_on_now() -> None:
    now, later = datetime(2024, 3, 1, tzinfo=UTC), datetime(2024, 4, 2, tzinfo=UTC)
    for text in ("now", "Today", "yesterday", "7d", "1h30m", "0", "2024", "2024-06-18T14:00", "2024-06"):
        moves = parse_moment(text, now) != parse_moment(text, later)
        assert is_relative(text) == moves, text
