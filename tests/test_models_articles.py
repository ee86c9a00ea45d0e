"""Articles: stored whole with all that belongs to them, each once, deleted for good."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from models import articles, catalog, sources
from models.database import Database, open_database
from models.errors import StorageError
from models.records import (
    ArticleFilter,
    CutRecord,
    EnclosureRecord,
    FileRecord,
    SourceSave,
    Stored,
)
from tests.processes import finish, go, start
from tests.storage import (
    NOW,
    add_source,
    add_topics,
    article,
    check_index,
    check_summaries,
    contents,
    poll,
    store,
    update,
)

LATER = NOW + timedelta(hours=3)


def titles(match: str) -> list[str]:
    return [one.title for one in catalog.find(ArticleFilter(match=match, duplicates=True)).articles]


def test_everything_of_an_article_is_kept(database: Database) -> None:
    source = add_source()
    write = article(
        1,
        "arms",
        title_made=True,
        precision="minute",
        date_origin="feed",
        author="Ann Author",
        categories=("War", "Мир"),
        enclosures=(EnclosureRecord("https://e.example/a.mp3", "audio/mpeg", 1234), EnclosureRecord("x")),
        cuts=(CutRecord("teaser", "Read: more"),),
        path="/in/a.txt",
        published_at=datetime(2026, 3, 1, 4, 5, 6, 789, tzinfo=UTC),
    )
    [number] = store(source, write)
    kept = catalog.get(number)
    summary = kept.summary
    assert (summary.id, summary.title, summary.title_made, summary.url) == (
        number,
        write.title,
        True,
        write.url,
    )
    assert (summary.published_at, summary.precision) == (write.published_at, "minute")
    assert (summary.seen_at, summary.source_id, summary.source) == (NOW, source.id, "One")
    assert (summary.language, summary.path, summary.duplicate_of, summary.duplicates) == (
        "en", "/in/a.txt", None, 0,
    )  # fmt: skip
    assert (kept.text, kept.author, kept.guid, kept.key) == (write.text, "Ann Author", "1", "guid:1")
    assert (kept.content_hash, kept.date_origin) == ("1:1", "feed")
    assert (kept.categories, kept.enclosures, kept.cuts) == (write.categories, write.enclosures, write.cuts)
    assert kept.tags == write.tags
    assert [one.evidence for one in summary.tags] == [()]
    assert (kept.revisions, kept.updated_at, kept.vanished_at) == ((), None, None)


def test_one_look_at_a_source_is_one_transaction(database: Database) -> None:
    source = add_source()
    [claimed] = sources.claim(NOW, owner="me", lease=timedelta(minutes=1), limit=1, per_host=1)
    file = FileRecord("/in/a.txt", 10, 20, digest="d")
    stored = articles.save(
        update(source.id, etag='"new"', lease_owner="me"),
        poll(source.id, seen=3),
        [article(1, "arms"), article(2)],
        [file],
        now=NOW,
    )
    assert claimed.lease_owner == "me"
    assert stored == Stored(new=(1, 2))
    after = sources.get(source.id)
    assert (after.etag, after.lease_owner, after.article_count, after.last_new_at) == ('"new"', None, 2, NOW)
    [logged] = sources.polls(source.id)
    assert (logged.outcome, logged.seen, logged.new, logged.changed) == ("ok", 3, 2, 0)
    assert articles.files(source.id) == {"/in/a.txt": file}
    assert titles("panel") == ["Word 1", "Word 2"]
    check_index(database)
    check_summaries(database)


def test_an_error_leaves_nothing_half_written(database: Database) -> None:
    source = add_source()
    store(source, article(1, "arms"))
    before = contents(database)
    with pytest.raises(StorageError):
        articles.save(
            update(source.id, etag="x"), None, [article(2, "new topic"), article(3, language=5j)], now=NOW
        )
    assert contents(database) == before
    with pytest.raises(StorageError):
        articles.save(None, None, [article(2)], source_id=99, now=NOW)
    assert contents(database) == before
    check_index(database)


def test_the_source_must_be_told_and_be_one(database: Database) -> None:
    one, two = add_source("one"), add_source("two")
    with pytest.raises(ValueError, match="must name one source, not 0"):
        articles.save(None, None, [article(1)], now=NOW)
    with pytest.raises(ValueError, match="must name one source, not 2"):
        articles.save(update(one.id), poll(two.id), [], now=NOW)


def test_several_sources_in_one_transaction(database: Database) -> None:
    one, two, three = (add_source(name) for name in ("one", "two", "three"))
    add_topics()
    stored = articles.save_all(
        [
            SourceSave(update=update(one.id), poll=poll(one.id), articles=(article(1, "arms"), article(2))),
            SourceSave(update=update(two.id), poll=poll(two.id, "not_modified")),
            SourceSave(source_id=three.id, articles=(article(1, "arms"),)),
        ],
        now=NOW,
    )
    assert stored == [Stored(new=(1, 2)), Stored(), Stored(new=(3,))]
    assert [one.article_count for one in sources.list_sources()] == [2, 1, 0]
    check_summaries(database)


def test_what_is_stored_already_is_counted_as_lost(database: Database) -> None:
    source = add_source()
    store(source, article(1, "arms"))
    again = articles.save(
        None, poll(source.id), [article(1, "sanctions", text="Other words"), article(2), article(2)],
        now=NOW, source_id=source.id,
    )  # fmt: skip
    assert (len(again.new), again.changed, again.lost) == (1, (), 2)
    assert [one.topic for one in catalog.get(1).tags] == ["arms"]
    assert sources.polls(source.id)[0].new == 1
    assert titles("other") == []
    check_index(database)
    check_summaries(database)


def test_the_same_key_of_two_sources_is_two_articles(database: Database) -> None:
    assert store(add_source("one"), article(1)) + store(add_source("two"), article(1)) == (1, 2)


def save_the_same(url: str, source_id: int, worker: int) -> list[int]:
    """What one of several processes does with the same entries; called in processes of its own."""
    database = open_database(url, busy_timeout=60)
    new: list[int] = []
    for start_at in range(0, 200, 20):
        batch = [article(n, "arms", "sanctions") for n in range(start_at, start_at + 20)]
        if worker % 2:
            batch.reverse()
        stored = articles.save(update(source_id), poll(source_id), batch, now=NOW)
        assert len(stored.new) + stored.lost == 20
        new += stored.new
    database.close()
    return new


def test_four_processes_storing_the_same_entries(database: Database, database_url: str) -> None:
    source = add_source()
    add_topics()
    arguments = [json.dumps([database_url, source.id, worker]) for worker in range(4)]
    processes = [start("tests.test_models_articles", "save_the_same", one) for one in arguments]
    go(processes)
    new = [number for line in finish(processes) for number in json.loads(line)]
    assert len(new) == len(set(new)) == 200
    assert sources.get(source.id).article_count == 200
    with database.session():
        assert database.value("SELECT count(DISTINCT key) FROM article") == 200
        assert database.value("SELECT sum(new) FROM poll") == 200
    check_index(database)
    check_summaries(database)


def test_positions_follow_time_whatever_the_order_of_coming(database: Database) -> None:
    source = add_source()
    moments = [
        NOW,
        NOW - timedelta(days=4_000),
        datetime(1950, 6, 25, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC),
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(9999, 12, 31, tzinfo=UTC),
        NOW - timedelta(seconds=1),
    ]
    writes = [article(n, "arms", published_at=moment) for n, moment in enumerate(moments)]
    assert store(source, *writes[:3]) == (1, 2, 3)
    store(source, *writes[3:])
    newest_first = [f"Word {n}" for n, _ in sorted(enumerate(moments), key=lambda one: one[1], reverse=True)]
    assert [one.title for one in catalog.find(ArticleFilter()).articles] == newest_first
    assert [one.title for one in catalog.find(ArticleFilter(topics=("arms",))).articles] == newest_first
    assert titles('"panel of experts"') == newest_first
    days = {one.day for one in catalog.timeline(["arms"])}
    assert days == {moment.date() for moment in moments}


def test_many_articles_of_one_second(database: Database) -> None:
    source = add_source()
    day = datetime(2026, 3, 1, tzinfo=UTC)
    for start_at in range(0, 900, 300):
        store(source, *(article(n, published_at=day) for n in range(start_at, start_at + 300)))
    seen: list[int] = []
    page = catalog.find(ArticleFilter(limit=100))
    while True:
        seen += [one.id for one in page.articles]
        if page.next_cursor is None:
            break
        page = catalog.find(ArticleFilter(limit=100, cursor=page.next_cursor))
    assert seen == list(range(900, 0, -1))


def test_a_full_second_spills_into_the_next(database: Database) -> None:
    source = add_source()
    [first] = store(source, article(1))
    full = int(NOW.timestamp() - 60) << 20 | (1 << 20) - 1
    with database.transaction():
        database.execute("UPDATE article SET position = ? WHERE id = ?", (full, first))
    [second] = store(source, article(2, published_at=NOW - timedelta(minutes=1)))
    with database.session():
        assert database.value("SELECT position FROM article WHERE id = ?", (second,)) == full + 1


def test_undated_articles_are_placed_by_when_they_were_seen(database: Database) -> None:
    source = add_source()
    store(
        source,
        article(5),
        replace(article(6), published_at=None, seen_at=NOW - timedelta(minutes=6)),
        article(7),
    )
    assert [one.title for one in catalog.find(ArticleFilter()).articles] == ["Word 5", "Word 6", "Word 7"]


def test_a_changed_article_keeps_its_earlier_wordings(database: Database) -> None:
    source = add_source()
    add_topics()
    [number] = store(source, article(1, "arms", text="First words about shells"))
    for n, words in enumerate(("Second words about rockets", "Third words about drones"), 1):
        write = article(1, "sanctions", article_id=number, text=words, content_hash=f"1:v{n}")
        stored = articles.save(
            None, poll(source.id), [write], now=NOW + timedelta(hours=n), source_id=source.id
        )
        assert stored == Stored(changed=(number,))
    kept = catalog.get(number)
    assert (kept.text, kept.content_hash, kept.updated_at) == (
        "Third words about drones", "1:v2", NOW + timedelta(hours=2),
    )  # fmt: skip
    assert [(one.number, one.text) for one in kept.revisions] == [
        (1, "First words about shells"),
        (2, "Second words about rockets"),
    ]
    assert [one.replaced_at for one in kept.revisions] == [NOW + timedelta(hours=n) for n in (1, 2)]
    assert [one.topic for one in kept.tags] == ["sanctions"]
    assert kept.summary.seen_at == NOW
    assert titles("shells") == titles("rockets") == []
    assert titles("drones") == ["Word 1"]
    assert articles.known(source.id, keys=["guid:1"])[0].revisions == 2
    assert sources.polls(source.id)[0].changed == 1
    check_index(database)
    check_summaries(database)


def test_a_corrected_date_moves_the_article(database: Database) -> None:
    source = add_source()
    add_topics()
    first, second = store(source, article(1, "arms"), article(2, "arms"))
    moved = article(1, "arms", article_id=first, published_at=NOW - timedelta(days=9))
    articles.save(None, None, [moved], now=LATER, source_id=source.id)
    for asked in (ArticleFilter(), ArticleFilter(topics=("arms",)), ArticleFilter(match="panel")):
        assert [one.id for one in catalog.find(asked).articles] == [second, first]
    assert catalog.get(first).revisions == ()
    check_index(database)
    check_summaries(database)


def test_a_new_key_is_taken_unless_it_is_someone_elses(database: Database) -> None:
    source = add_source()
    first, second = store(source, article(1), article(2))
    change = article(1, article_id=first, key="guid:new", guid="new", text="More")
    articles.save(None, None, [change], now=LATER, source_id=source.id)
    assert catalog.get(first).key == "guid:new"
    change = article(1, article_id=first, key="guid:2", text="Yet more")
    articles.save(None, None, [change], now=LATER, source_id=source.id)
    assert catalog.get(first).key == "guid:new"
    assert catalog.get(second).key == "guid:2"


def test_changing_what_is_gone_is_lost(database: Database) -> None:
    source = add_source()
    [number] = store(source, article(1))
    articles.delete([number], NOW)
    change = article(1, article_id=number, text="Other")
    assert articles.save(None, None, [change], now=LATER, source_id=source.id) == Stored(lost=1)


def test_the_same_article_changed_twice_in_one_batch(database: Database) -> None:
    source = add_source()
    [number] = store(source, article(1))
    changes = [article(1, article_id=number, text=text) for text in ("Second", "Third")]
    assert articles.save(None, None, changes, now=LATER, source_id=source.id).changed == (number, number)
    assert catalog.get(number).text == "Third"
    assert len(catalog.get(number).revisions) == 1
    check_index(database)
