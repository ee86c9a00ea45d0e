"""The figures for monitors, on both engines, against what was put in."""

from __future__ import annotations

from datetime import timedelta

import pytest

from models import sources
from models.database import Database
from models.errors import DatabaseLocked
from models.figures import figures, note_backup
from models.records import SourceKind
from tests.storage import NOW, add_source, add_topics, article, held, poll, store, update


def test_an_empty_database_has_figures_too(database: Database) -> None:
    found = figures(NOW)
    assert (found.engine, found.articles, found.topics) == (database.engine, {}, {})
    assert found.sources == {"active": 0, "paused": 0}
    assert (found.failing, found.due, found.oldest_due, found.recent_polls) == (0, 0, None, {})
    assert found.bytes > 0
    assert (found.free_bytes is None) is not database.sqlite


def test_figures_are_what_was_put_in(database: Database) -> None:
    add_topics()
    one, two = add_source("one"), add_source("two", kind=SourceKind.FOLDER)
    three = add_source("three")
    store(one, article(1, "arms"), article(2, "arms", "sanctions"))
    store(two, article(3))
    sources.pause(three.id, "why", NOW)
    sources.record_unchanged(
        [update(one.id, next_poll_at=NOW - timedelta(minutes=3), failures=2, failing_since=NOW)],
        [poll(one.id, "timeout"), poll(two.id), poll(two.id, started_at=NOW - timedelta(hours=2))],
    )
    found = figures(NOW)
    assert found.articles == {"feed": 2, "folder": 1}
    assert found.topics == {"arms": 2, "diplomacy": 0, "sanctions": 1}
    assert found.sources == {"active": 2, "paused": 1}
    assert found.failing == 1
    assert found.due == 2  # the one that was put off into the past, and the folder that was never looked at
    assert found.oldest_due == NOW - timedelta(minutes=3)
    assert found.recent_polls == {"ok": 1, "timeout": 1}


def test_what_is_in_somebodys_hands_is_not_due(database: Database) -> None:
    source = add_source()
    assert figures(NOW).due == 1
    sources.claim_these([source.id], NOW, owner="me", lease=timedelta(minutes=1))
    assert figures(NOW).due == 0


def test_the_last_backup_is_known_from_when_it_was_noted(database: Database, database_url: str) -> None:
    assert figures(NOW).last_backup is None
    note_backup(NOW - timedelta(days=1))
    with database.session():
        database.execute("PRAGMA busy_timeout = 50" if database.sqlite else "SET lock_timeout = 50")
        with held(database, database_url), pytest.raises(DatabaseLocked):
            note_backup(NOW)
    assert figures(NOW).last_backup == NOW - timedelta(days=1)
    note_backup(NOW)
    assert figures(NOW).last_backup == NOW
