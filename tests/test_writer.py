"""Stores share transactions: one that fails takes nothing else with it; a result means committed."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest

from models import sources
from models.database import Database
from models.errors import NotFound
from models.records import SourceSpec
from service.writer import Writer

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


def test_closing_carries_out_what_is_queued_and_takes_no_more(database: Database) -> None:
    writer = Writer(database)
    future = writer.submit(lambda: _add("last"))
    writer.close()
    assert future.result(0) > 0
    with pytest.raises(RuntimeError, match="closed"):
        writer.submit(lambda: _add("late"))
    writer.close()
