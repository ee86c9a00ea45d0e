"""``retag``: real processes on a real database, beside a daemon that polls."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.daemon_process import DaemonProcess, ask, wirewatch
from tests.server import Reply, Server
from tests.test_daemon import declared_feed, feed, settings
from tests.test_relabel import WORDS, topics_file

OLD = topics_file(sanctions="sanctions", arms="missile*")
NEW = topics_file(sanctions="council", arms="artillery")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Four documents that were labelled by the old topics; the new ones are in their place now."""
    (tmp_path / "wirewatch.toml").write_text('[topics]\nfile = "topics.toml"\n', encoding="utf-8")
    (tmp_path / "topics.toml").write_text(OLD, encoding="utf-8")
    reports = tmp_path / "reports"
    reports.mkdir()
    for name, text in WORDS.items():
        (reports / f"{name}.txt").write_text(f"Report {name}\n\n{text}\n", encoding="utf-8")
    assert ask("import", "reports", home=tmp_path)["new"] == 4
    (tmp_path / "topics.toml").write_text(NEW, encoding="utf-8")
    return tmp_path


def found(home: Path, topic: str) -> set[int]:
    return {one["id"] for one in ask("articles", "--topic", topic, home=home)}


def test_dry_run_then_retag_then_nothing_to_do(home: Path) -> None:
    dry = wirewatch("retag", "--dry-run", home=home)
    assert dry.returncode == 0, dry.stderr
    lines = [line.split() for line in dry.stdout.splitlines()]
    assert lines[1:3] == [["arms", "+2", "-0"], ["sanctions", "+0", "-1"]]
    assert lines[3] == ["+arms"]
    assert len([line for line in lines if "Report" in line]) == 3  # an example of each
    assert "4 articles looked at, 2 would be given other topics" in dry.stdout
    assert "nothing was written" in dry.stderr
    assert found(home, "arms") == set()

    answer = ask("retag", "--pause", "0", home=home)
    assert (answer["dry_run"], answer["written"], answer["changed"], answer["left"]) == (False, 4, 2, 0)
    assert {one["id"] for one in answer["topics"]["arms"]["gained_samples"]} == found(home, "arms")
    assert len(found(home, "arms")) == 2
    assert "there is nothing to do" in wirewatch("retag", home=home).stdout


def test_what_was_just_imported_needs_no_retag(home: Path) -> None:
    (home / "topics.toml").write_text(OLD, encoding="utf-8")
    assert ask("retag", "--dry-run", home=home)["articles"] == 0  # also those that carry no topic


def test_a_limit_leaves_the_rest_to_the_next_run(home: Path) -> None:
    first = wirewatch("retag", "--limit", "3", home=home)
    assert "3 articles looked at" in first.stdout
    assert "1 article" in first.stderr
    assert ask("retag", home=home)["written"] == 1


@pytest.mark.parametrize(
    ("arguments", "topics", "code", "said"),
    [
        (("--limit", "0"), NEW, 2, "'--limit'"),
        (("--pause", "-1"), NEW, 2, "'--pause'"),
        ((), "format = 1\n[[topic]]\nnam = 1\n", 2, "topics.toml: line"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_written(
    home: Path, arguments: tuple[str, ...], topics: str, code: int, said: str
) -> None:
    (home / "topics.toml").write_text(topics, encoding="utf-8")
    done = wirewatch("retag", *arguments, home=home)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    (home / "topics.toml").write_text(OLD, encoding="utf-8")
    assert ask("retag", "--dry-run", home=home)["articles"] == 0


def test_without_a_database_it_says_so(tmp_path: Path) -> None:
    done = wirewatch("retag", home=tmp_path)
    assert done.returncode == 4
    assert "there is no database" in done.stderr


def test_it_works_while_the_daemon_polls(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(topics_file(delegates="delegate"), encoding="utf-8")
    with Server() as server:
        server.route("/feed.xml", Reply(body=feed(300)))
        settings(tmp_path, declared_feed(server), extra="[seeds]\nimport = false\n")
        with DaemonProcess(tmp_path) as daemon:
            daemon.wait_ready()
            daemon.wait_line(r"feed\.xml: ok, 300 new")
            answer = ask("retag", "--pause", "0", home=tmp_path, extra={"WIREWATCH_TOPICS_FILE": str(own)})
            assert (answer["written"], answer["topics"]["delegates"]["gained"]) == (300, 300)
            server.route("/feed.xml", Reply(body=feed(305)))
            daemon.wait_line(r"feed\.xml: ok, 5 new")
            assert daemon.stop() == 0
    assert len(ask("articles", "--topic", "delegates", "--limit", "400", home=tmp_path)) == 300
