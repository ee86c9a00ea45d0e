"""Asking: filters that combine, pages by cursor, counts that agree with lists."""

from __future__ import annotations

import base64
from datetime import UTC, date, datetime, timedelta
from itertools import product

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from models import articles, catalog, labels, sources
from models.database import Database
from models.errors import NotFound, QueryError
from models.records import ArticleFilter, DayCount, FileRecord, SourceKind
from tests.storage import NOW, TOPICS, add_source, add_topics, article, poll, store, tag, update


def found(**asked: object) -> list[int]:
    return [one.id for one in catalog.find(ArticleFilter(**asked)).articles]  # type: ignore[arg-type]


@pytest.fixture
def filled(database: Database) -> Database:
    """Sixty articles of three sources: number n is n minutes old and has the topics of its bits."""
    add_topics()
    made = [add_source(name) for name in ("alpha", "beta", "gamma")]
    for source_number, source in enumerate(made):
        writes = []
        for n in range(source_number, 60, 3):
            topics = [topic for bit, topic in enumerate(TOPICS) if n >> bit & 1]
            writes.append(
                article(
                    n,
                    text=f"The panel met. Number {n}.",
                    language="en" if n % 4 else "ru",
                    tags=tuple(tag(topic, 0.5 + n / 200) for topic in topics),
                )
            )
        store(source, *writes)
    return database


def numbers(page_ids: list[int]) -> list[int]:
    """The article numbers of ids, which were given source by source."""
    order = [n for source in range(3) for n in range(source, 60, 3)]
    return [order[one - 1] for one in page_ids]


def has(number: int, topic: str) -> bool:
    return bool(number >> TOPICS.index(topic) & 1)


def test_filters_combine(filled: Database) -> None:
    texts: tuple[str | None, ...] = (None, "panel", '"panel met" number')
    topic_sets: tuple[tuple[str, ...], ...] = ((), ("arms",), ("arms", "sanctions"))
    for match, topics, without, source, language, score in product(
        texts, topic_sets, ((), ("diplomacy",)), ((), ("Beta", "gamma*")), ((), ("ru",)), (None, 0.6)
    ):
        expected = [
            n
            for n in range(60)
            if (not topics or any(has(n, topic) for topic in topics))
            and not any(has(n, topic) for topic in without)
            and (not source or n % 3 in {1, 2})
            and (not language or n % 4 == 0)
            and (score is None or (0.5 + n / 200 >= score and (bool(topics) or n & 7)))
        ][:50]
        asked = {
            "match": match, "topics": topics, "not_topics": without, "sources": source, "languages": language,
            "min_score": score,
        }  # fmt: skip
        assert numbers(found(**asked)) == expected, asked


def test_since_is_inclusive_and_until_exclusive(filled: Database) -> None:
    since, until = NOW - timedelta(minutes=9), NOW - timedelta(minutes=5)
    for match in (None, "panel"):
        assert numbers(found(since=since, until=until, match=match)) == [6, 7, 8, 9]
        assert numbers(found(since=since, until=until, match=match, topics=("arms",))) == [7, 9]


def test_since_and_until_are_exact_to_the_microsecond(database: Database) -> None:
    moment = datetime(2026, 3, 1, 12, 0, 0, 500, tzinfo=UTC)
    [number] = store(add_source(), article(1, published_at=moment))
    step = timedelta(microseconds=1)
    assert found(since=moment) == found(until=moment + step) == [number]
    assert found(since=moment + step) == found(until=moment) == []
    assert found(since=moment.replace(microsecond=0)) == [number]
    assert found(until=moment.replace(microsecond=0)) == []


@pytest.mark.parametrize("match", [None, "panel"])
@pytest.mark.parametrize("topics", [(), ("arms",), TOPICS])
@pytest.mark.parametrize("named", [(), ("Alpha", "Beta")])
def test_pages_give_each_article_once(
    filled: Database, match: str | None, topics: tuple[str, ...], named: tuple[str, ...]
) -> None:
    asked = ArticleFilter(match=match, topics=topics, sources=named, limit=7)
    seen: list[int] = []
    page = catalog.find(asked)
    while True:
        assert len(page.articles) == 7 or page.next_cursor is None
        seen += [one.id for one in page.articles]
        if page.next_cursor is None:
            break
        page = catalog.find(
            ArticleFilter(match=match, topics=topics, sources=named, limit=7, cursor=page.next_cursor)
        )
    assert seen == found(match=match, topics=topics, sources=named, limit=1000)
    assert len(seen) == len(set(seen)) > 7


def test_new_articles_do_not_disturb_a_page_being_read(filled: Database) -> None:
    first = catalog.find(ArticleFilter(limit=5))
    store(add_source("late"), article(900, published_at=NOW + timedelta(minutes=1)))
    second = catalog.find(ArticleFilter(limit=5, cursor=first.next_cursor))
    assert numbers([one.id for one in (*first.articles, *second.articles)]) == list(range(10))


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "AQAAAAAAAAAA",
        "é",
        "A" * 5_000,
        "'; DROP TABLE article; --",
        base64.b64encode(b"1" * 12).decode(),
    ],
)
def test_a_broken_cursor_is_refused(filled: Database, cursor: str) -> None:
    with pytest.raises(QueryError, match="was not given by Wirewatch"):
        found(cursor=cursor)


def test_a_cut_cursor_is_refused(filled: Database) -> None:
    cursor = catalog.find(ArticleFilter(limit=5)).next_cursor
    assert cursor is not None
    for broken in (cursor[:-1], cursor[1:], cursor[:-4], cursor[::-1], f"{cursor}A"):
        with pytest.raises(QueryError):
            found(cursor=broken)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"limit": 0}, "1 to 1000 articles, not 0"),
        ({"limit": 1_001}, "not 1001"),
        ({"min_score": 1.5}, "between 0 and 1"),
        ({"min_score": float("nan")}, "between 0 and 1"),
        ({"languages": ("en",) * 500}, "500 languages in one question"),
        ({"match": " ?! "}, "no word to find"),
        ({"match": "word " * 65}, "more than 64 words"),
        ({"match": "x" * 2_001}, "at most 2000"),
    ],
)
def test_what_cannot_be_asked_is_refused(filled: Database, asked: dict[str, object], said: str) -> None:
    with pytest.raises(QueryError, match=said):
        found(**asked)


def test_unknown_names_are_said_with_the_known_ones(filled: Database) -> None:
    for name in ("topics", "not_topics"):
        with pytest.raises(NotFound, match="no topic 'arm': the topics are arms, diplomacy, sanctions"):
            found(**{name: ("arm",)})
    with pytest.raises(NotFound, match=r"no source is called 'Alpa'.*did you mean 'Alpha'"):
        found(sources=("Alpa",))
    with pytest.raises(NotFound, match="there is no article 999"):
        catalog.get(999)
    with pytest.raises(ValueError, match="without its zone"):
        found(since=datetime(2026, 1, 1))  # noqa: DTZ001


def test_sources_by_id_location_title_and_pattern(filled: Database) -> None:
    beta = sources.get("Beta")
    expected = found(sources=("Beta",))
    assert {n % 3 for n in numbers(expected)} == {1}
    for name in (str(beta.id), beta.location, "beta", "b*", "*beta.example*"):
        assert found(sources=(name,)) == expected
    sources.remove(beta.id, NOW)
    assert found(sources=("Beta",)) == expected


def test_many_sources_are_asked_at_once(database: Database) -> None:
    ids = [store(add_source(f"s{n}"), article(n))[0] for n in range(40)]
    assert found(sources=("*",)) == ids
    assert found(sources=("*",), match="panel") == ids


def test_duplicates_are_left_out_unless_asked_for(database: Database) -> None:
    add_topics()
    one, two = add_source("one"), add_source("two")
    [original] = store(one, article(1, "arms"))
    [copy] = store(two, article(2, "arms", duplicate_of=original))
    for more in ({}, {"topics": ("arms",)}, {"match": "panel"}):
        assert found(**more) == [original]
        assert found(duplicates=True, **more) == [original, copy]
        assert found(sources=("Two",), **more) == [copy]
    assert catalog.find(ArticleFilter()).articles[0].duplicates == 1


def test_a_list_shows_what_it_needs(filled: Database) -> None:
    newest = catalog.find(ArticleFilter(topics=("sanctions",), limit=1)).articles[0]
    assert (newest.title, newest.source, newest.language) == ("Word 4", "Beta", "ru")
    assert newest.snippet is None
    assert [(one.topic, one.score, one.evidence) for one in newest.tags] == [("sanctions", 0.52, ())]


def test_counts_and_timeline_agree_with_lists(database: Database) -> None:
    add_topics()
    source = add_source()
    day = datetime(2026, 2, 27, 23, 30, tzinfo=UTC)
    store(
        source,
        *(article(n, "arms", published_at=day + timedelta(hours=n)) for n in range(30)),
        *(article(100 + n, "sanctions", published_at=day) for n in range(2)),
    )
    assert catalog.counts() == {"arms": 30, "diplomacy": 0, "sanctions": 2}
    assert catalog.counts(since=date(2026, 2, 28), until=date(2026, 3, 1)) == {
        "arms": 24, "diplomacy": 0, "sanctions": 0,
    }  # fmt: skip
    assert catalog.timeline() == [
        DayCount("arms", date(2026, 2, 27), 1),
        DayCount("sanctions", date(2026, 2, 27), 2),
        DayCount("arms", date(2026, 2, 28), 24),
        DayCount("arms", date(2026, 3, 1), 5),
    ]
    assert catalog.timeline(["sanctions"], since=date(2026, 2, 28)) == []
    assert catalog.timeline(["arms"], since=date(2026, 2, 28), until=date(2026, 3, 1)) == [
        DayCount("arms", date(2026, 2, 28), 24)
    ]
    with pytest.raises(NotFound, match="no topic 'x'"):
        catalog.timeline(["x"])


def test_status_says_how_the_whole_stands(database: Database) -> None:
    empty = catalog.status(NOW)
    assert (empty.articles, empty.sources, empty.backlog, empty.oldest_due, empty.last_poll_at) == (
        0,
        0,
        0,
        None,
        None,
    )
    add_topics()
    one, two, three, four, five = (add_source(name) for name in ("one", "two", "three", "four", "five"))
    folder = add_source("folder", kind=SourceKind.FOLDER)
    sources.claim_these([two.id], NOW, owner="me", lease=timedelta(minutes=1))
    sources.pause(three.id, "by hand", NOW)
    sources.remove(five.id, NOW)
    bad = FileRecord("/in/x", 1, 1, reason="not_text")
    articles.save(None, None, [article(1, "arms"), article(2)], [bad], now=NOW, source_id=folder.id)
    sources.record_unchanged(
        [update(four.id, failures=2)],
        [
            poll(four.id, "timeout"),
            poll(one.id, "not_modified", started_at=NOW - timedelta(hours=23)),
            poll(one.id, "dns", started_at=NOW - timedelta(hours=25)),
        ],
    )
    status = catalog.status(NOW, recent=2)
    assert (status.articles, status.tagged) == (2, 1)
    assert (status.sources, status.active, status.paused, status.failing) == (5, 4, 1, 1)
    assert (status.backlog, status.oldest_due) == (2, NOW)
    assert (status.last_poll_at, status.polls_24h, status.failures_24h) == (NOW, 2, 1)
    assert (status.unreadable_files, status.engine) == (1, database.engine)
    assert status.database_bytes > 10_000
    assert status.schema.startswith("0")
    assert len(status.recent) == 2


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.text(max_size=60) | st.text(alphabet="\"ab *-+():^{}[]~|&!<>\\'%_?,;.:NEARORANDNOT", max_size=60),
    topic=st.text(max_size=10),
    cursor=st.text(max_size=30),
)
@example(text="nul \x00 half \ud800", topic="\x00\ud800", cursor="\x00\ud800")
def test_nothing_typed_is_ever_an_error_of_the_engine(
    filled: Database, text: str, topic: str, cursor: str
) -> None:
    for asked in (
        {"match": text},
        {"topics": (topic,)},
        {"sources": (text,)},
        {"cursor": cursor},
        {"languages": (text,)},
    ):
        try:
            found(**asked)
        except (QueryError, NotFound):
            continue


def test_verdicts_shape_every_answer(filled: Database) -> None:
    before = numbers(found(topics=("arms",), limit=1000))
    ids = found(limit=1000)
    by_number = dict(zip(numbers(ids), ids, strict=True))
    labels.set_verdict(by_number[1], "arms", -1, "ann", NOW)
    labels.set_verdict(by_number[2], "arms", 1, "ann", NOW)
    after = numbers(found(topics=("arms",), limit=1000))
    assert set(before) ^ set(after) == {1, 2}
    assert numbers(found(topics=("arms",), match="panel", limit=1000)) == after
    assert 1 in numbers(found(not_topics=("arms",), limit=1000))
