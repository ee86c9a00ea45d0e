"""A folder in which nothing happened is looked at every half minute: that is no news, and costs no row."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from loguru import logger

from models import catalog, sources
from models.database import Database
from models.records import Health, PollRecord, SourceKind, SourceSpec
from tests.polling import START, Bench, polling
from tests.test_models_health import stands


@pytest.fixture
def log() -> Iterator[StringIO]:
    """What is logged at INFO and above."""
    written = StringIO()
    logger.remove()
    logger.add(written, level="INFO", format="{level} {message}")
    yield written
    logger.remove()
    logger.add(sys.stderr)


def looks(bench: Bench, source: int, count: int) -> list[PollRecord]:
    """So many looks, half a minute apart."""
    found = []
    for _ in range(count):
        bench.at(bench.clock() + timedelta(seconds=30))
        found.append(bench.look(source))
    return found


def test_only_what_happens_is_logged(database: Database, tmp_path: Path, log: StringIO) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    with polling(database, tmp_path, settings={"WIREWATCH_FOLDERS_STILL_FOR": "0s"}) as bench:
        spec = SourceSpec(str(folder), SourceKind.FOLDER)
        source = bench.application.add_source(spec).source.id

        assert [one.outcome for one in looks(bench, source, 3)] == ["ok"] * 3
        assert len(sources.polls(source)) == 1  # the first, which says that it works
        assert log.getvalue().count("\n") == 1
        kept = sources.get(source)
        assert kept.last_polled_at == kept.last_success_at == bench.clock()
        assert kept.next_poll_at is not None
        assert kept.next_poll_at > bench.clock()
        assert kept.lease_owner is None
        assert catalog.status(bench.clock()).last_poll_at == bench.clock()

        (folder / "a.txt").write_text(
            "Sanctions were widened on Tuesday.\n\nSo it was said.", encoding="utf-8"
        )
        (brought, again) = looks(bench, source, 2)
        assert (brought.new, again.new) == (1, 0)
        assert [one.new for one in sources.polls(source)] == [1, 0]
        assert sources.get(source).recent == ".+"

        folder.rename(tmp_path / "away")
        looks(bench, source, 2)
        (tmp_path / "away").rename(folder)
        looks(bench, source, 2)  # that it works again is news, and then no more
        outcomes = [one.outcome for one in sources.polls(source)]
        assert outcomes == ["ok", "missing", "missing", "ok", "ok"]
        assert sources.get(source).recent == ".+xx."
    assert stands(source).health is Health.OK
    assert bench.clock() - START < timedelta(hours=1)
