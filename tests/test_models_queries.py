"""The query language asked of both engines: a table of queries with what they find, and any query at all
compared with looking at the articles one by one."""

# ruff: noqa: RUF001 - Cyrillic letters are what is looked for

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models import catalog, labels, query
from models.database import Database
from models.errors import NotFound, QueryError, QuerySyntaxError
from models.query import And, Field, Language, Not, Or, Query, Since, Source, Topic, Until, Words
from models.records import ArticleFilter, ArticleWrite, Order
from models.words import indexed
from tests.storage import NOW, add_source, add_topics, article, store, tag

DAY = timedelta(days=1)


def made(number: int, title: str, text: str, language: str, age: float, **scores: float) -> ArticleWrite:
    tags = tuple(replace(tag(topic, score), main=score > 0.85) for topic, score in scores.items())
    published = NOW - age * DAY
    return article(number, title=title, text=text, language=language, published_at=published, tags=tags)


# Number n has the id n. 1 to 4 are of Gazette, 5 to 7 of Yonhap News, 8 and 9 of "Daily «Star»".
GAZETTE = (
    made(1, "Sanctions on shipping", "The panel of experts named artillery.", "en", 0.2, sanctions=0.95),
    made(2, "Arms for sanctions", "Shells and rockets; experts doubt it.", "en", 2, arms=0.6, sanctions=0.55),
    made(3, "State visit", "The minister's visit ended. No panel met.", "en", 5, diplomacy=0.9),
    made(4, "Weather", "Sun and rain; a naïve forecast.", "en", 40),
)
YONHAP = (
    made(5, "대북 제재를 논의", "유엔 전문가 패널은 보고서를 발표했다.", "ko", 1, sanctions=0.8),
    made(6, "Visit of the panel", "Artillery shells seen on a visit.", "en", 6.9, arms=0.99),
    made(7, "Группа экспертов", "Доклад о санкциях и вооружениях.", "ru", 7.1, sanctions=0.7, arms=0.5),
)
STAR = (
    made(8, "制裁措施", "外交部表示遺憾。 panel", "zh", 20, diplomacy=0.6),
    made(9, "Experts on a panel", "A visit by the state.", "en", 400, diplomacy=0.7),
)
# 10 and 11 are copies of 1 and 6, in other sources. Verdicts: 4 is diplomacy (yes), 2 is not arms (no).
EVERY = {1, 2, 3, 4, 5, 6, 7, 8, 9}
QUERIES: dict[str, set[int]] = {
    "": EVERY,
    "panel": {1, 3, 6, 8, 9},
    "PANEL experts": {1, 9},
    '"panel of experts"': {1},
    '"experts panel"': set(),
    "-panel": {2, 4, 5, 7},
    "panel -visit": {1, 8},
    "visit OR artillery": {1, 3, 6, 9},
    "(visit OR artillery) panel": {1, 3, 6, 9},
    "(visit OR artillery) -(panel title:visit)": {1, 9},
    "-(visit OR panel)": {2, 4, 5, 7},
    "visit OR -panel": {2, 3, 4, 5, 6, 7, 9},
    "rocket*": {2},
    "sanct*": {1, 2},
    "sanctioned*": {1, 2},
    "art*": {1, 6},
    '"panel of exp*"': {1},
    '"panel of exper" OR rain': {4},
    "title:visit": {3, 6},
    "text:visit": {3, 6, 9},
    "title:visit text:panel": {3},
    'title:"state visit"': {3},
    'text:"state visit"': set(),
    "-title:visit visit": {9},
    "naive": {4},
    "제재": {5},
    '"전문가 패널"': {5},
    "제*": {5},
    "санкция": {7},
    "制裁": {8},
    "措": {8},
    "topic:sanctions": {1, 2, 5, 7},
    "topic:sanctions topic:arms": {7},
    "topic:arms": {6, 7},
    "topic:arms OR topic:diplomacy": {3, 4, 6, 7, 8, 9},
    "topic:sanctions -topic:arms": {1, 2, 5},
    "-topic:sanctions -topic:diplomacy": {6},
    "topic:*": {1, 2, 3, 4, 5, 6, 7, 8, 9},
    "-topic:*": set(),
    "topic:sanctions panel": {1},
    "topic:sanctions OR panel": {1, 2, 3, 5, 6, 7, 8, 9},
    "topic:sanctions (panel OR topic:arms)": {1, 7},
    "topic:diplomacy -panel": {4},
    "source:gazette": {1, 2, 3, 4},
    "source:yon*": {5, 6, 7, 10},
    "source:2 -panel": {5, 7},
    "source:2 -source:yon*": set(),
    "source:2 OR source:3": {5, 6, 7, 8, 9, 10, 11},
    'source:"daily «star»" panel': {8, 9, 11},
    "source:yon* OR topic:diplomacy": {3, 4, 5, 6, 7, 8, 9, 10},
    "lang:ko": {5},
    "lang:ko OR lang:ru": {5, 7},
    "lang:en -topic:* OR lang:zh": {8},
    "-lang:en": {5, 7, 8},
    "since:7d": {1, 2, 3, 5, 6},
    "until:7d": {4, 7, 8, 9},
    "since:20d until:7d": {7, 8},
    "-since:7d": {4, 7, 8, 9},
    "since:yesterday": {1, 5},
    "since:today": {1},
    "until:2025": {9},
    "since:2026-02-22 until:2026-02-22": {8},
    "since:2026-02 until:2026-02": {4, 8},
    "topic:sanctions since:7d -artillery": {2, 5},
    "(topic:arms since:7d) OR (panel until:2025)": {6, 9},
    "score>0.9": {1, 4, 6},
    "score>=0.9": {1, 3, 4, 6},
    "score<0.6": {2, 7},
    "score>0.6 score<0.8": {7, 9},
    "topic:arms score>0.9": {6},
    "topic:sanctions score>0.6": {1, 5, 7},
    "(topic:arms OR topic:diplomacy) score>0.8": {3, 4, 6},
    "(topic:arms score>0.8) OR topic:diplomacy": {3, 4, 6, 8, 9},
    "topic:sanctions (score>0.9 OR lang:ru)": {1, 7},
    "topic:sanctions -score>0.6": {2},
    "(topic:sanctions OR visit) score>0.85": {1},
    "panel score>0.9": {1, 6},
    "main:yes": {1, 3, 6},
    "main:no": {2, 4, 5, 7, 8, 9},
    "topic:sanctions main:yes": {1},
    "topic:sanctions main:no score<0.75": {2, 7},
    "(topic:sanctions OR topic:arms) main:yes": {1, 6},
    "topic:arms -main:yes": {7},
    "topic:arms main:yes main:no": set(),
    "visit topic:arms main:yes lang:en": {6},
    "verdict:yes": {4},
    "verdict:no": {2},
    "verdict:any": {2, 4},
    "verdict:none": {1, 3, 5, 6, 7, 8, 9},
    "-verdict:any": {1, 3, 5, 6, 7, 8, 9},
    "topic:arms verdict:no": {2},
    "topic:arms verdict:no score>0.5": {2},
    "topic:arms verdict:none": {6, 7},
    "topic:diplomacy verdict:yes": {4},
    "topic:diplomacy verdict:none": {3, 8, 9},
    "topic:diplomacy -verdict:yes": {3, 8, 9},
    "topic:sanctions verdict:any": set(),
    "panel verdict:any": set(),
    "verdict:any OR 制裁": {2, 4, 8},
    'topic:sanctions -topic:arms "panel of experts" (artillery OR shells) title:ship* source:gaz* since:7d '
    "until:2026-12-31 lang:en score>0.7 verdict:none": {1},
}


@pytest.fixture
def asked(database: Database) -> Database:
    add_topics()
    gazette, yonhap, star = (add_source(name) for name in ("gazette", "yonhap", "star"))
    store(gazette, *GAZETTE)
    store(yonhap, *YONHAP)
    store(star, *STAR)
    copies = [
        made(10, "Sanctions on shipping", "The panel of experts named artillery.", "en", 0.1, sanctions=0.9),
        made(11, "Visit of the panel", "Artillery shells seen on a visit.", "en", 6.5, arms=0.9),
    ]
    store(yonhap, replace(copies[0], duplicate_of=1))
    store(star, replace(copies[1], duplicate_of=6))
    labels.set_verdict(4, "diplomacy", 1, "ann", NOW)
    labels.set_verdict(2, "arms", -1, "ann", NOW)
    with database.transaction():
        database.execute("UPDATE source SET title = 'Daily «Star»' WHERE id = ?", (star.id,))
    return database


def found(text: str | Query, **more: object) -> list[int]:
    asked = ArticleFilter(query=text, **more)  # type: ignore[arg-type]
    return [one.id for one in catalog.find(asked, now=NOW).articles]


def test_the_shared_queries(asked: Database) -> None:
    wrong = {}
    for text, expected in QUERIES.items():
        ids = found(text)
        if set(ids) != expected or len(ids) != len(expected):
            wrong[text] = ids
    assert wrong == {}


def test_every_way_to_ask_finds_the_same(asked: Database) -> None:
    for text, expected in QUERIES.items():
        wanted = ArticleFilter(query=text, limit=2)
        assert {one.summary.id for one in catalog.stream(wanted, now=NOW)} == expected, text
        assert {one.id for one in catalog.arrivals(wanted, after_id=0, now=NOW)} == expected, text
        assert catalog.count(wanted, now=NOW).articles == len(expected), text
        assert set(found(text, order=Order.RELEVANCE)) == expected, text
        for order in Order:
            assert sorted(pages(text, order)) == sorted(expected), text


def pages(text: str, order: Order) -> list[int]:
    """The ids of all pages of two."""
    ids: list[int] = []
    cursor = None
    while True:
        page = catalog.find(ArticleFilter(query=text, limit=2, order=order, cursor=cursor), now=NOW)
        ids += [one.id for one in page.articles]
        cursor = page.next_cursor
        if cursor is None:
            return ids


def test_options_narrow_a_query(asked: Database) -> None:
    assert found("panel", topics=("diplomacy",)) == [3, 8, 9]
    assert found("panel OR artillery", topics=("arms", "sanctions"), min_score=0.9) == [1, 6]
    assert found("panel", sources=("Gazette",), match="visit") == [3]
    assert found("panel", since=NOW - 6 * DAY, until=NOW) == [1, 3]
    assert found("topic:arms", not_topics=("sanctions",), languages=("en",)) == [6]
    assert found("artillery", duplicates=True) == [10, 1, 11, 6]


# -- any query -----------------------------------------------------------------------------------------

SOURCES = {"gazette": GAZETTE, "yonhap": YONHAP, "daily*": STAR}
RECORDS = {write.article_id or n: write for n, write in enumerate((*GAZETTE, *YONHAP, *STAR), 1)}
TAGS = {n: {one.topic for one in write.tags} for n, write in RECORDS.items()}
TAGS[4].add("diplomacy")
TAGS[2].remove("arms")


def holds(tree: Query, number: int) -> bool:
    """Whether a query finds an article, told by looking at it."""
    write = RECORDS[number]
    match tree:
        case And(parts):
            return all(holds(part, number) for part in parts)
        case Or(parts):
            return any(holds(part, number) for part in parts)
        case Not(part):
            return not holds(part, number)
        case Words(text, _, field):
            fields = {Field.TITLE: (write.title,), Field.TEXT: (write.text,)}.get(
                field, (write.title, write.text)
            )
            return any(f" {indexed(text)} " in f" {' '.join(indexed(one).split())} " for one in fields)
        case Topic(name):
            return name in TAGS[number]
        case Source(name):
            return write in SOURCES[name]
        case Language(code):
            return write.language == code
        case Since(time) | Until(time):
            assert write.published_at is not None
            since = write.published_at >= NOW - int(time.removesuffix("d")) * DAY
            return since == isinstance(tree, Since)
    raise AssertionError(tree)


words = st.sampled_from(
    ["panel", "panel of experts", "visit", "artillery", "sanction", "expert", "state visit"]
)
leaves = st.one_of(
    st.builds(Words, words, field=st.sampled_from(Field)),
    st.builds(Topic, st.sampled_from(["arms", "sanctions", "diplomacy"])),
    st.builds(Source, st.sampled_from(list(SOURCES))),
    st.builds(Language, st.sampled_from(["en", "ko", "fr"])),
    st.builds(Since, st.sampled_from(["2d", "7d", "30d"])),
    st.builds(Until, st.sampled_from(["3d", "7d", "30d"])),
)
trees = st.recursive(
    leaves,
    lambda parts: st.one_of(
        st.lists(parts, min_size=2, max_size=4).map(lambda some: query.all_of(*some)),
        st.lists(parts, min_size=2, max_size=3).map(lambda some: query.any_of(*some)),
        parts.map(query.negated),
    ),
    max_leaves=10,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=trees)
def test_any_query_finds_what_looking_at_each_article_finds(asked: Database, tree: Query) -> None:
    expected = [number for number in RECORDS if holds(tree, number)]
    # Copies are found where their source is asked for by name; here only what is found among originals.
    ids = [one for one in found(tree) if one in RECORDS]
    assert sorted(ids) == expected
    assert ids == sorted(ids, key=lambda one: RECORDS[one].published_at or NOW, reverse=True)


# -- what cannot be asked ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("topic:arm", NotFound, "there is no topic 'arm': the topics are arms"),
        ("panel OR -topic:arm", NotFound, "there is no topic 'arm'"),
        ("source:nobody", NotFound, "no source is called 'nobody'"),
        ("story:12", NotFound, "there is no story 12"),
        ("panel (", QuerySyntaxError, "column 8"),
        ("since:105699w", QueryError, "is no time that can be reached"),
    ],
)
def test_what_cannot_be_asked_is_said(asked: Database, text: str, error: type[Exception], said: str) -> None:
    for ask in (catalog.find, catalog.count, catalog.histogram):
        with pytest.raises(error, match=said):
            ask(ArticleFilter(query=text), now=NOW)


HOSTILE = [
    "'; DROP TABLE article; --", '" OR 1=1 --', "article_search MATCH x", "NEAR(a b, 5)", "^panel", "a + b",
    "{title text} : x", "col : x", "rowid:1", "panel*) OR (x", "'a' & !b | c <-> d", "x:*AB", "\'", "%s ? $1",
    "\x00 panel", "\ud800", "<script>alert(1)</script>", "=cmd|'/c calc'!A1", "\u202e", "panel\x02\x03",
    "AND", "NOT NOT", "((((", "*", "**", "-", "--", '"""', "a" * 2_000, "topic:" + "\x00", "source:%",
    "source:_*",
]  # fmt: skip


def test_nothing_typed_is_ever_an_error_of_the_engine(asked: Database) -> None:
    for text in HOSTILE:
        for ask in (found, lambda text: found(query.literal(text)), lambda text: found("", match=text)):
            with suppress(QueryError, NotFound):
                ask(text)


# -- relevance -----------------------------------------------------------------------------------------


def test_the_most_relevant_come_first(asked: Database) -> None:
    # In the title, more often, in shorter texts.
    assert found("visit", order=Order.RELEVANCE) == [6, 3, 9]
    assert found("visit") == [3, 6, 9]
    assert found("title:panel", order=Order.RELEVANCE) == [9, 6]
    # Without words there is nothing to compare.
    assert found("topic:diplomacy", order=Order.RELEVANCE) == [3, 8, 4, 9]


def test_relevance_compares_the_newest_only_and_says_so(
    asked: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.questions.COMPARED", 2)
    page = catalog.find(ArticleFilter(query="visit", order=Order.RELEVANCE), now=NOW)
    assert ([one.id for one in page.articles], page.compared) == ([6, 3], 2)
    assert catalog.find(ArticleFilter(query="artillery", order=Order.RELEVANCE), now=NOW).compared is None


def test_pages_by_relevance_compare_the_same_articles(asked: Database) -> None:
    first = catalog.find(ArticleFilter(query="visit", order=Order.RELEVANCE, limit=1), now=NOW)
    store(add_source("late"), article(50, title="visit visit visit", text="visit", published_at=NOW + DAY))
    later = ArticleFilter(query="visit", order=Order.RELEVANCE, cursor=first.next_cursor)
    assert [one.id for one in catalog.find(later, now=NOW).articles] == [3, 9]
    with pytest.raises(QueryError, match="in another order"):
        found("visit", cursor=first.next_cursor)
    newest = catalog.find(ArticleFilter(query="visit", limit=1), now=NOW).next_cursor
    with pytest.raises(QueryError, match="in another order"):
        found("visit", order=Order.RELEVANCE, cursor=newest)


# -- counting ------------------------------------------------------------------------------------------


def test_days_are_counted_for_any_query(asked: Database) -> None:
    everything = catalog.histogram(ArticleFilter(), now=NOW)
    assert sum(many for _, many in everything.articles) == 9
    assert everything.articles[0] == (date(2025, 2, 7), 1)
    for text in ("topic:arms", "panel", "topic:arms OR topic:sanctions", "topic:sanctions -panel", "lang:ko"):
        for limit in (200_000, 1):
            counted = catalog.histogram(ArticleFilter(query=text), now=NOW, limit=limit)
            days = [(RECORDS[one].published_at or NOW).date() for one in expected_of(text)]
            complete = limit > 1 or text in ("topic:arms", "lang:ko")
            assert counted.complete == complete, (text, limit)
            if complete:
                assert counted.articles == tuple((day, days.count(day)) for day in sorted(set(days))), text
    topics = catalog.histogram(ArticleFilter(query="panel since:7d"), now=NOW).topics
    assert [(one.topic, one.day.day, one.articles) for one in topics] == [
        ("arms", 7, 1), ("diplomacy", 9, 1), ("sanctions", 14, 1),
    ]  # fmt: skip
    named = catalog.histogram(ArticleFilter(query="topic:sanctions topic:arms"), now=NOW).topics
    assert [(one.topic, one.articles) for one in named] == [("arms", 1), ("sanctions", 1)]


def expected_of(text: str) -> list[int]:
    return sorted(QUERIES.get(text) or {n for n in RECORDS if holds(query.parse(text), n)})


def test_days_are_counted_whole(asked: Database) -> None:
    """Article 6 was published on the 7th before noon: a span of seven days from noon begins after it."""
    assert found("topic:arms since:6.8d") == []
    counted = catalog.histogram(ArticleFilter(query="topic:arms since:6.8d"), now=NOW)
    assert counted.articles == ((date(2026, 3, 7), 2),)


def test_counting_ends_somewhere(asked: Database) -> None:
    assert (catalog.count(ArticleFilter(query="panel"), now=NOW, limit=3).articles) == 3
    assert not catalog.count(ArticleFilter(query="panel"), now=NOW, limit=3).complete
    assert catalog.count(ArticleFilter(query="panel"), now=NOW, limit=5).complete


def test_arrivals_come_in_order_whatever_their_dates(asked: Database) -> None:
    assert catalog.newest_id() == 11
    new = store(add_source("late"), article(60, published_at=NOW - 900 * DAY), article(61, published_at=NOW))
    arrived = catalog.arrivals(ArticleFilter(query="panel"), after_id=8, now=NOW)
    assert [one.id for one in arrived] == [9, *new]
    assert [one.id for one in catalog.arrivals(ArticleFilter(), after_id=8, limit=1)] == [9]
