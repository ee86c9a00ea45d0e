"""Stores share transactions: one that fails takes nothing else with it; a result means committed."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from models import articles, migrate, sources
from models.database import Database, open_database
from models.errors import DatabaseFull, NotFound
from models.records import SourceSpec
from service.writer import Writer
from tests.storage import article, update

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def _add(name: str) -> int:
    return sources.add(SourceSpec(f"https://example.org/{name}"), host="example.org", now=NOW).id


def test_work_is_done_in_order_and_committed_before_its_result(database: Database) -> None:
    writer = Writer(database)
    futures = [writer.submit(lambda number=number: _add(str(number))) for number in range(200)]  # type: ignore[misc]
    ids = [future.result(30) for future in futures]
    assert ids == sorted(ids)
    with database.session():
        assert len(sources.list_sources()) == 200
    writer.close()


def test_a_failing_piece_is_rolled_back_alone(database: Database) -> None:
    writer = Writer(database)
    gate = threading.Event()
    first = writer.submit(gate.wait)  # keeps the writer busy, so that the next three share a transaction

    def half() -> int:
        _add("half")
        raise NotFound("on purpose")

    before, failing, after = (
        writer.submit(lambda: _add("before")),
        writer.submit(half),
        writer.submit(lambda: _add("after")),
    )
    gate.set()
    assert first.result(30)
    with pytest.raises(NotFound, match="on purpose"):
        failing.result(30)
    before.result(30), after.result(30)
    writer.close()
    with database.session():
        names = {one.location.rpartition("/")[2] for one in sources.list_sources()}
        assert names == {"before", "after"}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 1.5 MB that really fills up."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1500k", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("needs the right to mount a small file system")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)  # also where a failed test left it in use


def test_a_full_disk_is_named_and_takes_nothing_that_was_stored(small_disk: Path) -> None:
    database = open_database(small_disk / "wirewatch.db", busy_timeout=0.5)
    migrate.migrate(database)
    writer = Writer(database)
    source = writer.submit(lambda: _add("first")).result(30)
    gate = threading.Event()
    writer.submit(gate.wait)  # so that what follows shares a transaction
    large = [article(number, text=f"word{number} " * 2_000) for number in range(100)]
    failing = writer.submit(lambda: articles.save(None, None, large, source_id=source, now=NOW))
    after = writer.submit(lambda: _add("after"))
    gate.set()
    for future in (failing, after):
        with pytest.raises(DatabaseFull, match="free some room"):
            future.result(30)
    with database.session():
        assert [one.id for one in sources.list_sources()] == [source]
        assert database.value("SELECT count(*) FROM article") == 0
    subprocess.run(["mount", "-o", "remount,size=60m", str(small_disk)], check=True)
    stored = writer.submit(lambda: articles.save(None, None, large, source_id=source, now=NOW)).result(30)
    assert len(stored.new) == 100
    writer.close()
    with database.session():
        assert database.value("PRAGMA integrity_check") == "ok"
    database.close()


def test_closing_carries_out_what_is_queued_and_takes_no_more(database: Database) -> None:
    writer = Writer(database)
    future = writer.submit(lambda: _add("last"))
    writer.close()
    assert future.result(0) > 0
    with pytest.raises(RuntimeError, match="closed"):
        writer.submit(lambda: _add("late"))
    writer.close()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_two_writers_never_wait_for_each_other(database: Database) -> None:
    """One has polled a source without news, the other stores what a hub delivered for it."""
    source, other = _add("one"), _add("two")
    begin, polled, go_on = threading.Event(), threading.Event(), threading.Event()

    def poll_without_news() -> None:
        sources.record_unchanged([update(source, etag="x")], [])
        polled.set()
        assert go_on.wait(10)

    first, second = Writer(database), Writer(database)
    try:
        first.submit(lambda: begin.wait(10))
        batch: list[Future[Any]] = [
            first.submit(poll_without_news),
            first.submit(lambda: articles.save(None, None, [article(1)], source_id=other, now=NOW)),
        ]
        begin.set()
        assert polled.wait(10)
        pushed = second.submit(lambda: articles.save(None, None, [article(2)], source_id=source, now=NOW))
        with database.session():
            while not database.value("SELECT count(*) FROM pg_locks WHERE NOT granted"):
                pass
        go_on.set()
        pushed.result(10)
        for future in batch:
            future.result(10)
    finally:
        first.close()
        second.close()
