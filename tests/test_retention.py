"""Retention: what is beyond the rule goes and stays gone, what a person said something of stays."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from models import articles, labels, retention
from models.database import Database, open_database
from models.retention import Rule
from service.cli.exits import Exit
from service.retention import Pruning
from tests.cli_home import Home, home, stored
from tests.daemon_process import DaemonProcess, ask
from tests.storage import (
    NOW,
    add_source,
    add_topics,
    article,
    check_index,
    check_summaries,
    store,
)

__all__ = ["home", "stored"]
DAY = timedelta(days=1)


@pytest.fixture
def filled(database: Database) -> Database:
    """Thirty articles, one first seen each day, the last one at NOW."""
    add_topics()
    one = add_source("one")
    for n in range(30):
        topics = ("sanctions",) if n == 7 else ("arms",)
        store(one, article(n, *topics, seen_at=NOW - (29 - n) * DAY))
    labels.set_verdict(3, "arms", -1, "ann", NOW)
    labels.set_verdict(4, "arms", 1, "ann", NOW)
    labels.withdraw_verdict(4, "arms", "ann", NOW)
    return database


def ids(database: Database) -> list[int]:
    """The articles that there are."""
    with database.session():
        return [number for (number,) in database.rows("SELECT id FROM article ORDER BY id")]


def test_age_and_topics_and_verdicts(filled: Database) -> None:
    rule = Rule(before=NOW - 20 * DAY, keep_topics=("sanctions", "diplomacy"))
    rehearsal = Pruning(rule)
    rehearsal.rehearse()
    assert ids(filled) == list(range(1, 31))
    pruning = Pruning(rule)
    while pruning.step(NOW):
        pass
    assert ids(filled) == [3, 4, 8, *range(10, 31)]
    assert pruning.done == rehearsal.done
    assert (pruning.done.deleted, pruning.done.kept) == (6, 3)
    check_index(filled)
    check_summaries(filled)
    # The feed shows them still: they stay deleted.
    known = articles.known(1, keys=["guid:0", "guid:2"])
    assert {(one.key, one.deleted) for one in known} == {("guid:0", True), ("guid:2", False)}
    again = Pruning(rule)
    assert not again.step(NOW)
    assert again.done.deleted == 0


def test_a_number_of_articles(filled: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.retention.BATCH", 4)
    rehearsal = Pruning(Rule(most=20))
    rehearsal.rehearse()
    pruning = Pruning(Rule(most=20))
    steps = 1
    while pruning.step(NOW):
        steps += 1
    assert steps > 2
    assert ids(filled) == [3, 4, *range(13, 31)]
    assert pruning.done == rehearsal.done
    check_summaries(filled)


def test_both_and_neither(filled: Database) -> None:
    none = Pruning(Rule())
    assert not none.step(NOW)
    assert len(ids(filled)) == 30
    both = Pruning(Rule(before=NOW - 25 * DAY, most=29))
    while both.step(NOW):
        pass
    assert ids(filled) == [3, 4, *range(5, 31)]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_batch_reads_a_stretch_of_ids(filled: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the plan: no table is read from end to end, however many articles there are."""
    asked: list[tuple[str, tuple[object, ...]]] = []
    rows: Callable[..., list[tuple[object, ...]]] = filled.rows

    def noted(sql: str, parameters: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
        asked.append((sql, tuple(parameters)))
        return rows(sql, parameters)

    monkeypatch.setattr(filled, "rows", noted)
    retention.examine(Rule(before=NOW, keep_topics=("arms",)), after_id=10, limit=5)
    ((sql, parameters),) = asked
    with filled.session():
        plan = [str(row[3]) for row in rows(f"EXPLAIN QUERY PLAN {sql}", parameters)]
    assert "SEARCH a USING INTEGER PRIMARY KEY (rowid>?)" in plan
    assert not [line for line in plan if line.startswith("SCAN")], plan


def test_prune_as_a_person_calls_it(stored: Home) -> None:
    nothing = stored.run("prune")
    assert nothing.code == Exit.USAGE
    assert "nothing says what is to be deleted" in nothing.complaint
    for arguments in (["--older-than", "soon"], ["--most", "1", "--keep-topic", "gardens"]):
        assert stored.run("prune", *arguments).code == Exit.USAGE
    assert stored.run("prune", "--most", "2", "--dry-run").out == "1 article would be deleted\n"
    assert stored.run("label", "1", "+arms").code == Exit.DONE
    assert stored.run("prune", "--older-than", "1d", "--keep-topic", "sanctions", "--json").json == {
        "dry_run": False,
        "deleted": 2,
        "kept": 1,
    }
    assert [one["id"] for one in stored.run("articles", "--json").json] == [1]


def test_the_daemon_does_it_by_itself(tmp_path: Path) -> None:
    text = "[web]\nenabled = false\n[schedule]\nworkers = 1\n[retention]\nmax_articles = 3\n"
    (tmp_path / "wirewatch.toml").write_text(text)
    with DaemonProcess(tmp_path) as daemon:
        daemon.wait_ready()
        daemon.wait_line("deleted 2 articles by the rules of retention")
        assert daemon.stop() == 0
    assert [one["id"] for one in ask("articles", "--order", "newest", home=tmp_path)] != []
    database = open_database(tmp_path / "data" / "wirewatch" / "wirewatch.db")
    assert ids(database) == [3, 4, 5]
    check_index(database)
    database.close()
