"""``wirewatch doctor``: every check finds what it is there for, says what to do, and ends no other."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from models import articles, migrate, sources, upkeep
from models.database import Database, open_database
from models.errors import DatabaseUnavailable
from models.figures import note_backup
from models.records import FileRecord, PollRecord, SourceKind, SourceSpec, SourceState, SourceUpdate
from service import advice
from service.cli.checks import CHECKS, Bench, Check, Finding, Level, examine
from service.cli.exits import Exit
from service.lock import DaemonLock
from service.settings import load_settings
from service.values import Reason
from tests.cli_home import Home, home

__all__ = ["home"]

NOW = datetime.now(UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TOPICS = """
format = 1
[[topic]]
name = "sanctions"
description = "Sanctions"
  [[topic.rules]]
  language = "en"
  weight = 6.0
  match = ['sanctions']
"""
HOLD = (
    "import sys, pathlib; from service.lock import DaemonLock;"
    "DaemonLock(pathlib.Path(sys.argv[1])).acquire(); print('held', flush=True); sys.stdin.read()"
)


def findings(home: Home, *arguments: str) -> dict[str, list[dict[str, Any]]]:
    """What the doctor finds, by check; the exit code fits."""
    result = home.run("doctor", *arguments, "--json")
    found: dict[str, list[dict[str, Any]]] = {}
    for one in result.json["findings"]:
        found.setdefault(one["check"], []).append(one)
    to_do = sum(one["level"] == "to do" for all_of_it in found.values() for one in all_of_it)
    assert result.json["to_do"] == to_do
    assert result.code == (Exit.FAILED if to_do else Exit.DONE)
    return found


@contextmanager
def again() -> Iterator[Database]:
    """The database open once more: a command closes its own, and is then asked no more."""
    opened = open_database(os.environ["WIREWATCH_DATABASE"])
    try:
        yield opened
    finally:
        opened.close()


def only(found: list[dict[str, Any]], level: str) -> dict[str, Any]:
    """The one finding of a level."""
    (one,) = [one for one in found if one["level"] == level]
    return one


@pytest.fixture(autouse=True)
def quick(home: Home) -> None:
    """Few topics: reading all of them takes longer than all that is done here."""
    (home.folder / "few.toml").write_text(TOPICS, encoding="utf-8")
    home.set(WIREWATCH_TOPICS_FILE="few.toml")


@pytest.fixture
def made(home: Home, database_url: str) -> Iterator[Home]:
    """A home with a database on either engine, and one source that is well."""
    home.set(WIREWATCH_DATABASE=database_url, WIREWATCH_HTTP_CONTACT="desk@example.org")
    if "://" not in database_url:
        Path(database_url).chmod(0o600)
    opened = open_database(database_url)
    migrate.migrate(opened)
    source = sources.add(SourceSpec("https://well.example/", title="Well"), host="h", now=NOW)
    sources.record_unchanged([SourceUpdate(source.id, NOW + DAY)], [PollRecord(source.id, NOW, 90, "ok")])
    note_backup(NOW)
    yield home
    opened.close()


def fails(name: str, reason: str, since: timedelta, detail: str = "so it was") -> int:
    """A source that has failed for so long."""
    source = sources.add(SourceSpec(f"https://{name}.example/", title=name), host=name, now=NOW)
    update = SourceUpdate(source.id, NOW + DAY, failures=2, failing_since=NOW - since)
    sources.record_unchanged([update], [PollRecord(source.id, NOW - HOUR, 90, reason, detail=detail)])
    return source.id


def test_all_is_well(made: Home) -> None:
    result = made.run("doctor")
    assert result.code == Exit.DONE
    assert "nothing need be done" in result.err
    assert [line.split()[1] for line in result.out.splitlines() if line.startswith("ok")] == [
        check.name for check in CHECKS if check.name != "daemon" or "postgresql" in result.out
    ]


def test_an_old_backup_is_told_and_a_topic_that_is_not_there(made: Home) -> None:
    note_backup(NOW - 3 * DAY)
    made.set(WIREWATCH_RETENTION_MAX_AGE="730d", WIREWATCH_RETENTION_KEEP_TOPICS="gardens")
    found = findings(made)
    assert "the last backup was made 3 d ago" in only(found["backups"], "to do")["text"]
    assert "'gardens', and there is no such topic" in only(found["retention"], "to do")["text"]
    made.set(WIREWATCH_RETENTION_KEEP_TOPICS="")
    assert "deleted is what is older than 730d" in only(findings(made)["retention"], "ok")["text"]


def test_nothing_at_all_is_there(home: Home) -> None:
    found = findings(home)
    assert "there is no database" in only(found["database"], "to do")["text"]
    assert "'wirewatch run' makes it" in only(found["database"], "to do")["mend"]
    assert "backlog" not in found
    assert not home.database.exists()
    home.run("migrate")
    assert "sources add" in only(findings(home)["sources"], "to do")["mend"]
    assert "no backup" in only(findings(home)["backups"], "note")["text"]


def test_settings_that_are_wrong_are_said_and_end_it(home: Home) -> None:
    (home.folder / "wirewatch.toml").write_text("[http]\nprot = 3\n", encoding="utf-8")
    found = findings(home)
    assert list(found) == ["settings"]
    assert "http.prot" in only(found["settings"], "to do")["text"]


def test_secrets_that_everybody_may_read(made: Home) -> None:
    path = made.folder / "wirewatch.toml"
    path.write_text('[http]\nproxy = "http://me:hunter2@proxy.example:3128"\n', encoding="utf-8")
    path.chmod(0o644)
    word = made.folder / "word"
    word.write_text("hunter2", encoding="utf-8")
    word.chmod(0o644)
    options: dict[str, str | int | float | bool] = {"username": "me", "password_file": str(word)}
    sources.add(SourceSpec("https://a.example/", title="A", options=options), host="a", now=NOW + HOUR)
    found = findings(made)
    assert "holds secrets" in only(found["settings"], "to do")["text"]
    assert f"chmod 600 {word}" in only(found["secrets"], "to do")["mend"]
    path.chmod(0o600)
    word.unlink()
    found = findings(made)
    assert [one["level"] for one in found["settings"]] == ["ok"]
    assert "is not there" in only(found["secrets"], "to do")["text"]
    assert "hunter2" not in json.dumps(found)


def test_topics_that_cannot_be_read(made: Home) -> None:
    (made.folder / "topics.toml").write_text("format = 99\n", encoding="utf-8")
    made.set(WIREWATCH_TOPICS_FILE="topics.toml")
    assert "topics.toml" in only(findings(made)["topics"], "to do")["text"]


def test_failing_sources_by_reason_with_the_mend(made: Home) -> None:
    for name in ("one", "two", "three"):
        fails(name, "not_found", HOUR)
    fails("slow", "timeout", HOUR)
    found = findings(made)["failing"]
    gone, slow = found
    assert gone["text"].startswith("3 sources fail: not_found (so it was), the first 1 h ago")
    assert gone["mend"] == advice.SOURCE_MENDS[Reason.NOT_FOUND]
    assert [one.split()[1] for one in gone["about"]] == ["one", "two", "three"]
    assert (gone["level"], slow["level"]) == ("to do", "note")  # a timeout passes by itself, within a day
    with again():
        fails("dead", "timeout", 2 * DAY)
    assert {one["level"] for one in findings(made)["failing"]} == {"to do"}


def test_when_most_cannot_be_reached_it_is_the_network(made: Home) -> None:
    for number in range(6):
        fails(f"s{number}", "dns" if number % 2 else "connect", HOUR)
    found = findings(made)["failing"]
    assert "6 of 7 sources cannot be reached" in only(found, "to do")["text"]
    assert len(found) == 3


def test_sources_that_answer_but_not_as_they_should(made: Home) -> None:
    gone = fails("gone", "gone", HOUR)
    sources.record_unchanged(
        [SourceUpdate(gone, None, failures=1, state=SourceState.PAUSED, state_reason="410")], []
    )
    empty = sources.add(SourceSpec("https://empty.example/"), host="e", now=NOW + DAY)
    sources.record_unchanged(
        [SourceUpdate(empty.id, NOW + DAY, entries=0)], [PollRecord(empty.id, NOW, 9, "ok")]
    )
    found = findings(made)
    assert only(found["failing"], "ok")
    assert only(found["sources"], "to do")["about"] == [f"{gone} gone"]
    assert only(found["sources"], "note")["about"] == [f"{empty.id} https://empty.example/"]
    assert only(found["sources"], "ok")["text"] == "1 gone, 1 empty, 1 ok"


def test_documents_that_cannot_be_read(made: Home) -> None:
    folder = sources.add(SourceSpec("/in", SourceKind.FOLDER), host="", now=NOW + DAY)
    files = [FileRecord(f"/in/{n}.xls", 1, 1, reason="unsupported", detail="a table") for n in range(7)]
    files.append(FileRecord("/in/gone", 1, 1, reason="unreadable", vanished_at=NOW))
    articles.save(None, None, [], files, source_id=folder.id, now=NOW)
    one = only(findings(made)["documents"], "to do")
    assert one["text"] == "7 documents cannot be read: unsupported (a table)"
    assert one["mend"] == advice.FILE_MENDS[Reason.UNSUPPORTED]
    assert one["about"] == [f"/in/{n}.xls" for n in range(5)]


def test_what_waits_too_long(made: Home) -> None:
    sources.add(SourceSpec("https://late.example/"), host="l", now=NOW - HOUR)
    one = only(findings(made)["backlog"], "to do")
    assert one["text"].startswith("1 source due, the oldest 1 h ago")


def test_a_clock_that_went_back(made: Home) -> None:
    sources.record_unchanged([], [PollRecord(1, NOW + 3 * HOUR, 9, "ok")])
    assert "in the future" in only(findings(made)["clock"], "to do")["text"]


def test_leases_of_the_dead(made: Home) -> None:
    dead = f"{os.uname().nodename}:4194303:17"
    sources.claim_these([1], NOW, owner=dead, lease=HOUR)
    one = only(findings(made)["leases"], "note")
    assert dead in one["text"]
    with again():
        assert upkeep.leases() == [upkeep.Lease(dead, 1, NOW + HOUR)]
        sources.release(dead)
    assert only(findings(made)["leases"], "ok")


def test_the_daemon_is_seen_without_touching_its_lock(home: Home) -> None:
    home.run("migrate")
    assert "none works on this database" in only(findings(home)["daemon"], "note")["text"]
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(home.database)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert DaemonLock.holder(home.database) == holder.pid
        assert f"process {holder.pid}" in only(findings(home)["daemon"], "ok")["text"]
        holder.kill()
    assert DaemonLock.holder(home.database) is None


def test_a_file_that_is_no_longer_whole(home: Home) -> None:
    home.run("migrate")
    with sqlite3.connect(home.database) as other:
        other.execute("PRAGMA foreign_keys = 0")
        other.execute("INSERT INTO file (source_id, path, size, mtime_ns) VALUES (77, 'x', 1, 1)")
    one = only(findings(home)["integrity"], "to do")
    assert "row None of file refers to a row of source" in one["text"]
    assert "restore the last backup" in one["mend"]
    assert "left out" in only(findings(home, "--quick")["integrity"], "note")["text"]


def test_pages_that_were_overwritten(home: Home) -> None:
    home.run("migrate")
    with sqlite3.connect(home.database) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (page,) = other.execute("SELECT rootpage FROM sqlite_master WHERE name = 'poll_source'").fetchone()
        (size,) = other.execute("PRAGMA page_size").fetchone()
    other.close()
    with home.database.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)
    assert only(findings(home)["integrity"], "to do")


def test_another_schema(made: Home, database_url: str) -> None:
    opened = open_database(database_url)
    with opened.transaction():
        opened.execute(
            "INSERT INTO schema_migration (name, applied) VALUES ('9999_future', '2030-01-01 00:00:00')"
        )
    found = findings(made)
    assert "newer Wirewatch" in only(found["database"], "to do")["text"]
    assert set(found) == {"settings", "topics", "limits", "database", "disk"}
    opened.close()


def test_a_file_that_everybody_may_read(home: Home) -> None:
    home.run("migrate")
    home.database.chmod(0o644)
    assert "chmod 600" in only(findings(home)["database"], "to do")["mend"]


def test_a_check_that_breaks_ends_no_other(tmp_path: Path) -> None:
    def breaks(_: Bench) -> Iterator[Finding]:
        yield Finding(Level.OK, "half")
        raise DatabaseUnavailable("it is away")

    def works(_: Bench) -> Iterator[Finding]:
        yield Finding(Level.OK, "fine")

    bench = Bench(NOW, load_settings(None, {"HOME": str(tmp_path)}, tmp_path))
    checks = [Check("breaks", breaks), Check("skipped", works, needs_database=True), Check("works", works)]
    found = list(examine(bench, checks))
    assert [(name, one.level) for name, one in found] == [("breaks", Level.TODO), ("works", Level.OK)]
    assert found[0][1].text == "could not be looked at: it is away"


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_an_index_that_was_never_finished(made: Home) -> None:
    with again() as opened, opened.transaction():
        opened.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'poll_source'::regclass")
    assert "REINDEX INDEX poll_source" in only(findings(made)["integrity"], "to do")["text"]
