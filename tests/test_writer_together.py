"""What shares a transaction is also done together: looks without news in one call, the index in one go."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from models import articles, catalog, sources
from models.database import Database
from models.errors import NotFound
from models.records import SourceSpec, Stored
from service.writer import Writer
from tests.storage import NOW, article


def _source(name: str) -> int:
    return sources.add(SourceSpec(f"https://example.org/{name}"), host="example.org", now=NOW).id


def _found(word: str) -> list[str]:
    return [one.title for one in catalog.search(word, now=NOW).articles]


def test_pieces_of_one_kind_are_handed_over_at_once_and_each_gets_its_own_result(database: Database) -> None:
    writer, calls = Writer(database), []

    def double(numbers: Sequence[int]) -> list[int]:
        calls.append(list(numbers))
        return [2 * number for number in numbers]

    gate = threading.Event()
    writer.submit(gate.wait)  # so that what follows shares a transaction
    futures = [writer.submit_together(double, number) for number in range(5)]
    gate.set()
    assert [future.result(30) for future in futures] == [0, 2, 4, 6, 8]
    assert sorted(number for call in calls for number in call) == [0, 1, 2, 3, 4]
    assert len(calls) <= 2  # the first may have come alone
    writer.close()


def test_where_one_of_many_fails_the_others_are_done_alone(database: Database) -> None:
    writer = Writer(database)

    def add(names: Sequence[str]) -> list[int]:
        made = [_source(name) for name in names]
        if "bad" in names:
            raise NotFound("on purpose")
        return made

    gate = threading.Event()
    writer.submit(gate.wait)
    good, bad, other = (writer.submit_together(add, name) for name in ("good", "bad", "other"))
    gate.set()
    assert good.result(30)
    assert other.result(30)
    with pytest.raises(NotFound, match="on purpose"):
        bad.result(30)
    writer.close()
    with database.session():
        assert {one.location.rpartition("/")[2] for one in sources.list_sources()} == {"good", "other"}


def test_a_batch_waits_for_what_is_announced_and_for_nothing_else(database: Database) -> None:
    writer = Writer(database)
    sizes: list[int] = []

    def count(pieces: Sequence[int]) -> list[int]:
        sizes.append(len(pieces))
        return list(pieces)

    with writer.announced():
        first = writer.submit_together(count, 1)
        second = writer.submit_together(count, 2)
        assert (first.result(30), second.result(30)) == (1, 2)
    assert sizes == [2]
    writer.close()


def test_what_a_batch_stores_is_found_and_what_was_rolled_back_is_not(database: Database) -> None:
    writer = Writer(database)
    source = writer.submit(lambda: _source("one")).result(30)

    def store(number: int, text: str) -> Stored:
        return articles.save(None, None, [article(number, text=text)], source_id=source, now=NOW)

    def fail() -> None:
        store(2, "an abandoned heron")
        raise NotFound("on purpose")

    def reword() -> None:
        (known,) = articles.known(source, keys=["guid:1"])
        changed = article(1, text="a reworded bittern", article_id=known.article_id, content_hash="1:new")
        articles.save(None, None, [changed], source_id=source, now=NOW)

    gate = threading.Event()
    writer.submit(gate.wait)
    kept = writer.submit(lambda: store(1, "a first crane"))
    failed = writer.submit(fail)
    again = writer.submit(reword)  # of an article that the same transaction has made
    gate.set()
    kept.result(30), again.result(30)
    with pytest.raises(NotFound):
        failed.result(30)
    writer.close()
    assert _found("bittern") == ["Word 1"]
    assert _found("crane") == [] == _found("heron")
    with database.session():
        if database.sqlite:
            database.execute("INSERT INTO article_search (article_search) VALUES ('integrity-check')")
