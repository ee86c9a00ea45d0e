"""What is remembered of entries' pages: with the article, beside it, and until it is given up."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from models import articles, pages
from models.database import Database
from models.records import PageRecord
from tests.storage import NOW, add_source, article, store

SAID = PageRecord("1:said", taken=True, tried_at=NOW, url="https://example.org/final")
FAILED = replace(SAID, taken=False, url=None, reason="timeout", detail="late", attempts=1, next_try_at=NOW)


def test_a_page_is_stored_with_its_article_and_told_of_it(database: Database) -> None:
    source = add_source()
    one, two = store(source, article(1, page=SAID), article(2))
    assert pages.get(one) == SAID
    assert pages.get(two) is None
    known = {one.article_id: one for one in articles.known(source.id, keys=["guid:1", "guid:2"])}
    assert (known[one].page, known[one].said_hash) == (SAID, "1:said")
    assert (known[two].page, known[two].said_hash) == (None, None)
    assert articles.recent_hashes(source.id, 10) == ["1:said", "1:2"]  # what the feed says


def test_a_failed_page_says_nothing_of_the_text(database: Database) -> None:
    source = add_source()
    (one,) = store(source, article(1, page=FAILED))
    (known,) = articles.known(source.id, keys=["guid:1"])
    assert known.page == FAILED
    assert known.said_hash is None
    assert articles.recent_hashes(source.id, 10) == ["1:1"]
    assert pages.get(one) == FAILED


def test_a_revision_has_the_page_that_it_comes_with_or_none(database: Database) -> None:
    source = add_source()
    (one,) = store(source, article(1, page=SAID))
    again = replace(SAID, said_hash="1:other", tried_at=NOW + timedelta(hours=1))
    store(source, article(1, article_id=one, text="Two.", content_hash="1:b", page=again))
    assert pages.get(one) == again
    store(source, article(1, article_id=one, text="Three.", content_hash="1:c"))
    assert pages.get(one) is None


def test_pages_of_articles_that_stay_are_written_alone(database: Database) -> None:
    source = add_source()
    one, two = store(source, article(1, page=FAILED), article(2))
    later = replace(FAILED, attempts=2, detail="x" * 5000, next_try_at=None)
    pages.write(source.id, {one: later, two: SAID})
    assert pages.get(one) == replace(later, detail="x" * 1000)
    assert pages.get(two) == SAID


def test_what_is_due_is_told_by_source_until_it_is_given_up(database: Database) -> None:
    first, second = add_source("one"), add_source("two")
    one, two, three = store(
        first,
        article(1, page=FAILED),
        article(2, page=replace(FAILED, next_try_at=NOW + timedelta(hours=1))),
        article(3, page=SAID),
    )
    (other,) = store(second, article(4, page=FAILED))
    assert pages.due(first.id, NOW) == [one]
    assert pages.due(first.id, NOW + timedelta(hours=1)) == [one, two]
    assert pages.due(second.id, NOW) == [other]
    pages.give_up([one, three])
    assert pages.due(first.id, NOW) == []
    assert pages.get(one) == replace(FAILED, next_try_at=None)


def test_a_deleted_article_takes_its_page_along(database: Database) -> None:
    (one,) = store(add_source(), article(1, page=SAID))
    articles.delete([one], NOW)
    assert pages.get(one) is None
    with database.session():
        assert database.value("SELECT count(*) FROM article_page") == 0


def test_what_neither_engine_holds_is_replaced(database: Database) -> None:
    page = replace(SAID, url="https://example.org/\ud800", detail="a\x00b")
    (one,) = store(add_source(), article(1, page=page))
    assert pages.get(one) == replace(page, url="https://example.org/\ufffd", detail="a\ufffdb")


@pytest.mark.parametrize("count", [0, 1200])
def test_many_are_read_in_a_few_questions(database: Database, count: int) -> None:
    source = add_source()
    ids = store(source, *(article(n, page=SAID) for n in range(count)))
    with database.session():
        assert len(pages.read_pages(database, ids)) == count
