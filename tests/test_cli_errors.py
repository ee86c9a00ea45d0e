"""What goes wrong: one line on standard error that says what to do, an exit code, never a traceback."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

import service.cli.topics
from service.cli.exits import REPORT, Exit
from tests.cli_home import Home, home, stored

__all__ = ["home", "stored"]

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["artciles"], "no such command 'artciles' (did you mean 'articles'?); see 'wirewatch --help'"),
        (["--frobnicate"], "no such option '--frobnicate'"),
        (["show"], "missing argument 'ID'; see 'wirewatch show --help'"),
        (["show", "x"], "'x' is not a valid integer range; see 'wirewatch show --help'"),
        (["completion", "tcsh"], "'tcsh' is not one of 'bash', 'zsh', 'fish'"),
    ],
)
def test_a_wrong_command_line(home: Home, arguments: list[str], said: str) -> None:
    result = home.run(*arguments)
    assert result.code == Exit.USAGE
    assert said in result.complaint


def test_wrong_settings_are_said_a_line_each(home: Home) -> None:
    (home.folder / "wirewatch.toml").write_text("[web]\nport = 'x'\nhots = 'y'\n", encoding="utf-8")
    result = home.run("articles")
    assert result.code == Exit.USAGE
    assert [line.startswith("wirewatch: ") for line in result.err.splitlines()] == [True, True]


def test_a_named_file_that_is_not_there(home: Home) -> None:
    for arguments in (["--config", "absent.toml", "config"], ["config", "--config", "absent.toml"]):
        result = home.run(*arguments)
        assert result.code == Exit.USAGE
        assert "absent.toml: cannot be read: No such file" in result.complaint


def test_what_is_no_database(home: Home) -> None:
    (home.folder / "notes.txt").write_text("these are notes, and no database\n" * 100, encoding="utf-8")
    home.set(WIREWATCH_DATABASE="notes.txt")
    for arguments in (["articles"], ["migrate"]):
        result = home.run(*arguments)
        assert result.code == Exit.DATABASE
        assert "notes.txt is not a SQLite database" in result.complaint


def test_a_database_that_cannot_be_reached(home: Home) -> None:
    home.set(WIREWATCH_DATABASE="postgresql://me:hunter2@127.0.0.1:9/wire")
    result = home.run("status")
    assert result.code == Exit.DATABASE
    assert "nothing listens there" in result.complaint
    assert "hunter2" not in result.err


def test_a_database_without_schema_or_with_a_newer_one(home: Home) -> None:
    home.set(WIREWATCH_DATABASE="x.db")
    sqlite3.connect("x.db").close()
    Path("x.db").touch()
    empty = home.run("articles")
    assert empty.code == Exit.DATABASE
    assert "run 'wirewatch migrate'" in empty.complaint

    assert home.run("migrate").code == Exit.DONE
    with sqlite3.connect("x.db") as connection:
        connection.execute(
            "UPDATE schema_migration SET name = '9999_future' "
            "WHERE name = (SELECT max(name) FROM schema_migration)"
        )
    connection.close()
    newer = home.run("articles")
    assert newer.code == Exit.DATABASE
    assert "was written by a newer Wirewatch" in newer.complaint


def test_a_locked_database(home: Home) -> None:
    home.set(WIREWATCH_DATABASE="x.db", WIREWATCH_STORAGE_BUSY_TIMEOUT="100ms")
    home.run("migrate")
    with sqlite3.connect("x.db") as connection:
        connection.execute("BEGIN EXCLUSIVE")
        result = home.run("sources", "add", "--no-check", "https://example.org/")
        connection.rollback()
    connection.close()
    assert result.code == Exit.DATABASE
    assert "is locked" in result.complaint


def test_a_fault_of_ours_is_written_down_and_not_shown(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise RuntimeError("at postgresql://me:hunter2@db/x\nsecond line")

    monkeypatch.setattr(service.cli.topics, "_counts", fail)
    result = home.run("topics")
    report = home.database.parent / REPORT

    assert result.code == Exit.INTERNAL
    assert "an unexpected fault: RuntimeError: at postgresql://me:***@db/x second line" in result.complaint
    assert str(report) in result.complaint
    assert "Traceback" in report.read_text(encoding="utf-8")
    assert "hunter2" not in report.read_text(encoding="utf-8")
    assert report.stat().st_mode & 0o777 == 0o600


def test_ctrl_c(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(service.cli.topics, "_counts", interrupt)
    result = home.run("topics")
    assert result.code == Exit.INTERRUPTED
    assert result.err.strip().splitlines()[-1] == "wirewatch: interrupted"


def _command(home: Home, *arguments: str, stdout: int) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "service.cli", *arguments],
        cwd=home.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=stdout,
        stderr=subprocess.PIPE,
        check=False,
    )


def test_a_reader_that_goes_away_is_no_fault(home: Home) -> None:
    read, write = os.pipe()
    fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 4096)
    os.close(read)
    done = _command(home, "config", "--example", stdout=write)
    os.close(write)
    assert done.returncode in {Exit.PIPE, Exit.FAILED}
    assert b"Traceback" not in done.stderr
    assert b"Exception" not in done.stderr


def test_output_that_cannot_be_written(home: Home) -> None:
    with open("/dev/full", "wb") as full:  # noqa: PTH123 - a device
        done = _command(home, "config", stdout=full.fileno())
    assert done.returncode == Exit.FAILED
    assert b"No space left on device" in done.stderr
    assert b"Traceback" not in done.stderr


def test_a_terminal_without_unicode_still_shows_everything(stored: Home) -> None:
    for arguments, said in (
        (["articles"], b"\\u0421\\u0430\\u0434\\u044b"),
        (["articles", "--json"], b"\\u0421"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "service.cli", *arguments],
            cwd=stored.folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "ascii"},
            capture_output=True,
            check=True,
        )
        assert said in done.stdout
