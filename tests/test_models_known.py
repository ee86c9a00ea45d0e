"""What is known of articles: by any identity, duplicates, deleted for good, verdicts and files."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from models import articles, catalog, labels, sources
from models.database import Database
from models.errors import NotFound
from models.records import (
    ArticleFilter,
    ArticleWrite,
    FileRecord,
    Known,
    SourceKind,
    Stored,
)
from tests.storage import (
    NOW,
    add_source,
    add_topics,
    article,
    check_index,
    check_summaries,
    poll,
    store,
    tag,
)

LATER = NOW + timedelta(hours=3)


def titles(match: str) -> list[str]:
    return [one.title for one in catalog.find(ArticleFilter(match=match, duplicates=True)).articles]


def test_known_by_any_identity(database: Database) -> None:
    one, two = add_source("one"), add_source("two")
    store(one, article(1), article(2), article(3), article(4), article(5))
    store(two, article(3, key="k", guid="g"), article(9))
    found = articles.known(
        one.id, keys=["guid:1", "nothing"], guids=["2"], urls=[article(3).url or ""], hashes=["1:4"]
    )
    assert sorted((known.source_id, known.key) for known in found) == [
        (one.id, "guid:1"), (one.id, "guid:2"), (one.id, "guid:3"), (one.id, "guid:4"), (two.id, "k"),
    ]  # fmt: skip
    expected = Known(1, one.id, "guid:1", "1", article(1).url, "1:1", "Word 1")
    assert expected in found
    assert articles.known(two.id, keys=["guid:1"], guids=["1"]) == []
    assert articles.known(one.id) == []


def test_known_for_ten_thousand_identities(database: Database) -> None:
    source = add_source()
    store(source, *(article(n) for n in range(3_000)))
    keys = [f"guid:{n}" for n in range(10_000)]
    assert len(articles.known(source.id, keys=keys, hashes=[f"1:{n}" for n in range(10_000)])) == 3_000


def test_the_newest_texts_of_a_source(database: Database) -> None:
    one, two = add_source("one"), add_source("two")
    store(one, article(3), article(1), article(2))
    store(two, article(0))
    assert articles.recent_hashes(one.id, 2) == ["1:1", "1:2"]


def test_an_address_that_everything_shares_gives_a_few(database: Database) -> None:
    one, two = add_source("one"), add_source("two")
    store(one, *(article(n, url="https://example.org/") for n in range(50)))
    [own] = store(two, article(99, url="https://example.org/"))
    found = articles.known(two.id, urls=["https://example.org/"])
    assert len(found) == 8
    assert own in [known.article_id for known in found]


def test_duplicates_point_to_the_original(database: Database) -> None:
    one, two = add_source("one"), add_source("two")
    add_topics()
    [original] = store(one, article(1, "arms"))
    stored = articles.save(
        None, poll(two.id), [article(1, "arms", duplicate_of=original), article(2, "arms")],
        now=NOW, source_id=two.id,
    )  # fmt: skip
    copy, fresh = stored.new
    assert (catalog.get(copy).summary.duplicate_of, catalog.get(original).summary.duplicates) == (original, 1)
    logged = sources.polls(two.id)[0]
    assert (logged.new, logged.duplicates) == (1, 1)
    [third] = store(add_source("three"), article(1, duplicate_of=copy))
    assert catalog.get(third).summary.duplicate_of == original
    [orphan] = store(two, article(7, duplicate_of=12_345))
    assert catalog.get(orphan).summary.duplicate_of is None
    assert catalog.counts() == {"arms": 2, "diplomacy": 0, "sanctions": 0}
    assert fresh
    check_summaries(database)


def test_a_deleted_article_stays_deleted(database: Database) -> None:
    source = add_source()
    add_topics()
    first, second = store(source, article(1, "arms"), article(2, "arms"))
    assert articles.delete([first, 999], LATER) == 1
    with pytest.raises(NotFound, match=r"article 1 was deleted on 2026-03-14"):
        catalog.get(first)
    for identity in (
        {"keys": ["guid:1"]},
        {"guids": ["1"]},
        {"urls": [article(1).url or ""]},
        {"hashes": ["1:1"]},
    ):
        [known] = articles.known(source.id, **identity)
        assert (known.article_id, known.deleted, known.title) == (first, True, "Word 1")
    assert articles.save(None, None, [article(1)], now=LATER, source_id=source.id) == Stored(lost=1)
    assert store(source, article(3)) == (3,)
    assert titles("panel") == ["Word 2", "Word 3"]
    assert sources.get(source.id).article_count == 2
    assert articles.delete([second], LATER) == 1
    check_index(database)
    check_summaries(database)


def test_ids_are_never_given_again(database: Database) -> None:
    source = add_source()
    assert store(source, article(1), article(2)) == (1, 2)
    articles.delete([2, 1], NOW)
    assert store(source, article(3)) == (3,)


def test_deleting_an_original_lets_its_oldest_duplicate_take_its_place(database: Database) -> None:
    add_topics()
    [original] = store(add_source("one"), article(1, "arms"))
    copies = [
        store(add_source(name), article(1, "sanctions", duplicate_of=original))[0]
        for name in ("two", "three", "four")
    ]
    articles.delete([original, copies[0]], NOW)
    assert catalog.get(copies[1]).summary.duplicate_of is None
    assert catalog.get(copies[2]).summary.duplicate_of == copies[1]
    assert catalog.counts() == {"arms": 0, "diplomacy": 0, "sanctions": 1}
    check_index(database)
    check_summaries(database)


def test_a_verdict_survives_every_change(database: Database) -> None:
    source = add_source()
    add_topics()
    [number] = store(source, article(1, "arms"))
    labels.set_verdict(number, "arms", -1, "ann", NOW)
    labels.set_verdict(number, "sanctions", 1, "ann", NOW)
    for n in range(3):
        change = article(1, "arms", "diplomacy", article_id=number, text=f"Words {n}")
        articles.save(None, None, [change], now=LATER, source_id=source.id)
        assert [one.topic for one in catalog.get(number).summary.tags] == ["sanctions", "diplomacy"]
    check_summaries(database)


def test_only_tags_that_hold_are_stored(database: Database) -> None:
    [number] = store(add_source(), article(1, tags=(tag("arms", 0.5), tag("sanctions", 0.49))))
    assert [one.topic for one in catalog.get(number).tags] == ["arms"]


def test_files_and_what_became_of_them(database: Database) -> None:
    source = add_source("folder", kind=SourceKind.FOLDER)
    here = FileRecord("/in/a.txt", 1, 2, digest="d", device=3, inode=2**64 - 1)
    bad = FileRecord("/in/b.bin", 5, 6, reason="not_text", detail="binary")
    writes: list[ArticleWrite] = [article(1, path="/in/a.txt")]
    articles.save(None, None, writes, [here, bad], now=NOW, source_id=source.id)
    assert articles.files(source.id) == {one.path: one for one in (here, bad)}
    assert articles.unreadable() == [bad]
    articles.mark_vanished(source.id, ["/in/a.txt", "/in/b.bin"], LATER)
    assert {one.vanished_at for one in articles.files(source.id).values()} == {LATER}
    assert catalog.get(1).vanished_at == LATER
    assert articles.known(source.id, keys=["guid:1"])[0].vanished
    assert articles.unreadable() == []
    articles.save(None, None, [], [replace(here, size=9)], now=LATER, source_id=source.id)
    assert articles.files(source.id)["/in/a.txt"].size == 9
    assert catalog.get(1).vanished_at is None


def test_storing_an_unknown_topic_makes_it(database: Database) -> None:
    [number] = store(add_source(), article(1, "unheard of"))
    assert [one.topic for one in catalog.get(number).tags] == ["unheard of"]
    assert [one.name for one in labels.topics()] == ["unheard of"]
