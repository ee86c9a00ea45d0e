"""The daemon labels history again by itself: a real process, a changed topics file, SIGHUP."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from models import labels
from models.database import Database
from service.relabel import Relabeller, Relabelling
from service.writer import Writer
from tests.daemon_process import DaemonProcess, ask
from tests.storage import NOW, check_summaries
from tests.test_daemon import settings
from tests.test_relabel import WORDS, fill, put_in_force, shown, tagger, topics_file

OLD = topics_file(arms="missile*", sanctions="trombone")
NEW = topics_file(arms="missile*", sanctions="sanctions")


@pytest.fixture
def writer(database: Database) -> Iterator[Writer]:
    one = Writer(database)
    yield one
    one.close()


def test_one_batch_a_step_until_nothing_is_left(database: Database, writer: Writer) -> None:
    old, new = tagger(arms="missile*"), tagger(arms="artillery")
    put_in_force(old)
    ids = fill(old, *(WORDS["arms"] for _ in range(150)))
    labels.set_verdict(ids[0], "arms", -1, "ann", NOW)
    put_in_force(new)
    work = Relabelling(Relabeller(new), writer, lambda: NOW)
    assert work.step()
    assert labels.count_to_retag(new.taxonomy.hash) == 50
    assert work.step()
    assert not work.step()
    assert (work.done.written, work.done.kept) == (150, 1)
    assert shown("arms") == set(ids[1:])
    check_summaries(database)


def test_it_does_not_fight_with_another_process(database: Database, writer: Writer) -> None:
    old, new = tagger(arms="missile*"), tagger(arms="artillery")
    put_in_force(new)
    fill(new, WORDS["arms"])
    assert not Relabelling(Relabeller(old), writer, lambda: NOW).step()
    assert labels.count_to_retag(new.taxonomy.hash) == 0


def found(home: Path) -> int:
    return len(ask("articles", "--topic", "sanctions", home=home))


def test_a_daemon_labels_history_again_after_a_change(tmp_path: Path) -> None:
    topics = tmp_path / "topics.toml"
    topics.write_text(OLD, encoding="utf-8")
    settings(tmp_path, extra='[topics]\nfile = "topics.toml"\nrelabel = false\n')
    with DaemonProcess(tmp_path) as daemon:
        daemon.wait_ready()
        assert found(tmp_path) == 0
        ask("label", "2", "-sanctions", home=tmp_path)
        topics.write_text(NEW, encoding="utf-8")
        daemon.signal(signal.SIGHUP)
        daemon.wait_line("reloaded")
        settings(tmp_path, extra='[topics]\nfile = "topics.toml"\n')
        daemon.signal(signal.SIGHUP)
        daemon.wait_line("labelled 5 articles again; 4 carry other topics now")
        assert found(tmp_path) == 4
        assert daemon.stop() == 0
    topics.write_text(OLD, encoding="utf-8")
    with DaemonProcess(tmp_path) as daemon:  # what changed while it was off
        daemon.wait_line("labelled 5 articles again; 4 carry other topics now")
        assert daemon.stop() == 0
    assert found(tmp_path) == 0
    (verdict,) = ask("label", "2", home=tmp_path)["verdicts"]
    assert verdict["verdict"] == -1
