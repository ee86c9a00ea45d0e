"""``backup`` and ``restore`` as a person calls them."""

from __future__ import annotations

from pathlib import Path

import pytest

from models import migrate
from service.cli.exits import Exit
from service.lock import DaemonLock
from tests.cli_home import Home, home, stored

__all__ = ["home", "stored"]


def test_a_backup_is_made_listed_checked_and_put_back(stored: Home) -> None:
    made = stored.run("backup", "--to", "kept", "--json")
    assert made.code == Exit.DONE, made.err
    path = Path(made.json["path"])
    assert path.parent == stored.folder / "kept"
    assert (made.json["rows"]["article"], made.json["removed"]) == (3, [])
    (listed,) = stored.run("backup", "--list", "--to", "kept", "--json").json
    assert (listed["path"], listed["articles"], listed["reason"]) == (str(path), 3, "asked")
    assert "whole; 3 articles of" in stored.run("restore", str(path), "--check").out

    assert stored.run("label", "1", "-sanctions").code == Exit.DONE
    asked = stored.run("restore", str(path), stdin=b"n\n")
    assert asked.code == Exit.INTERRUPTED
    assert "Replace the database by one of 3 articles of" in asked.err
    assert stored.run("articles", "topic:sanctions", "--json").json == []
    done = stored.run("restore", str(path), "--yes", "--json")
    assert done.code == Exit.DONE, done.err
    assert done.json["replaced"]
    assert [one["id"] for one in stored.run("articles", "topic:sanctions", "--json").json] == [1]


def test_backups_lie_beside_the_database_and_are_rotated(home: Home) -> None:
    assert home.run("migrate").code == Exit.DONE
    folder = home.database.with_name("wirewatch.db.backups")
    first = home.run("backup").out
    assert first.startswith(f"{folder}/wirewatch-")
    assert "0 articles" in first
    again = home.run("backup", "--keep", "1")
    assert again.out.count("\n") == 2
    assert f"removed {first.partition(':')[0]}" in again.out
    assert len(home.run("backup", "--list").out.splitlines()) == 2
    home.set(BACKUPS_DIRECTORY=str(home.folder / "other"))
    assert home.run("backup", "--list").err == f"there is no backup in {home.folder / 'other'}\n"


def test_into_a_new_place(home: Home) -> None:
    home.run("migrate")
    path = home.run("backup", "--json").json["path"]
    done = home.run("restore", path, "--into", "look.db")
    assert done.code == Exit.DONE
    assert done.out.startswith(f"{home.folder / 'look.db'}: 0 articles of ")
    assert "already" in home.run("restore", path, "--into", "look.db").complaint


def test_what_cannot_be_done_says_why(home: Home) -> None:
    assert "there is no database" in home.run("backup").complaint
    home.run("migrate")
    path = home.run("backup", "--json").json["path"]
    refused = home.run("restore", path, "--json")
    assert (refused.code, "say --yes" in refused.complaint) == (Exit.USAGE, True)
    lock = DaemonLock(home.database)
    lock.acquire()
    refused = home.run("restore", path, "--yes")
    lock.release()
    assert refused.code == Exit.DAEMON
    assert "stop it first" in refused.complaint
    assert home.run("restore", "none.tar", "--check").complaint == "there is no file none.tar"
    (home.folder / "file").write_text("")
    refused = home.run("backup", "--to", "file/below")
    assert (refused.code, "cannot be made" in refused.complaint) == (Exit.FAILED, True)


@pytest.mark.parametrize("command", ["backup", "restore"])
def test_a_newer_database_is_not_touched(home: Home, command: str) -> None:
    home.run("migrate")
    path = home.run("backup", "--json").json["path"]
    import sqlite3  # noqa: PLC0415 - as another program would

    with sqlite3.connect(home.database) as connection:
        connection.execute(
            f"INSERT INTO schema_migration (name, applied) VALUES ('{migrate.known()[-1]}x', '')"
        )
    connection.close()
    if command == "backup":
        assert "newer Wirewatch" in home.run("backup").complaint
    else:
        assert home.run("restore", path, "--yes").code == Exit.DONE  # it is what mends this
