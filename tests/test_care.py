"""After a stop that was not orderly: the file is looked at, and a damaged one is left alone."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from loguru import logger

from models.errors import DatabaseDamaged
from service import care
from service.cli.exits import Exit
from service.lock import DaemonLock
from service.settings import load_settings
from tests.cli_home import Home, home
from tests.test_lock import HOLD

__all__ = ["home"]


@pytest.fixture
def damaged(home: Home, migrated_sqlite: Path) -> Path:
    """A database whose daemon was killed, and whose file is broken in the middle."""
    home.database.parent.mkdir(parents=True)
    shutil.copyfile(migrated_sqlite, home.database)
    kill_a_holder(home.database)
    with home.database.open("rb+") as file:
        file.seek(4096 * 20)
        file.write(b"\xff" * 4096 * 20)
    return home.database


def kill_a_holder(database: Path) -> None:
    """A process that holds the daemon's lock, killed."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(database)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        holder.kill()


def test_an_orderly_stop_is_told_from_another(tmp_path: Path) -> None:
    database = tmp_path / "wirewatch.db"
    lock = DaemonLock(database)
    for clean, expected in ((True, False), (False, False), (True, True), (True, False)):
        lock.acquire()
        assert lock.unclean is expected
        lock.release(clean=clean)
    kill_a_holder(database)
    lock.acquire()
    assert lock.unclean
    lock.release()


def test_a_damaged_database_is_left_alone_with_the_way_back(home: Home, damaged: Path) -> None:
    before = damaged.read_bytes()
    refused = home.run("run")
    assert refused.code == Exit.DAMAGED, refused.err
    assert "is damaged" in refused.err
    assert "There is no backup in" in refused.err
    assert damaged.read_bytes() == before
    assert not list(damaged.parent.glob("*.replaced-*"))
    again = home.run("run")  # a refused start is no orderly stop
    assert again.code == Exit.DAMAGED


def test_the_backup_to_put_back_is_named_and_can_be(home: Home, migrated_sqlite: Path, damaged: Path) -> None:
    broken = damaged.read_bytes()
    shutil.copyfile(migrated_sqlite, damaged)
    path = home.run("backup", "--json").json["path"]
    damaged.write_bytes(broken)
    settings = load_settings(None, {"XDG_DATA_HOME": str(home.folder / "data")}, home.folder)
    with pytest.raises(DatabaseDamaged, match=f"wirewatch restore {path}"):
        care.check_after(settings, unclean=True)
    care.check_after(settings, unclean=False)
    done = home.run("restore", path, "--yes", "--json")
    assert done.code == Exit.DONE, done.err
    assert Path(done.json["replaced"]).read_bytes() == broken
    care.check_after(settings, unclean=True)


def test_a_database_too_large_to_look_at_in_time_is_taken(
    home: Home, migrated_sqlite: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.database.parent.mkdir(parents=True)
    shutil.copyfile(migrated_sqlite, home.database)
    monkeypatch.setattr(care, "_LONGEST_CHECK", 0.0)
    monkeypatch.setattr("models.database._STEPS", 1)
    settings = load_settings(None, {"XDG_DATA_HOME": str(home.folder / "data")}, home.folder)
    told: list[str] = []
    logger.add(told.append)
    care.check_after(settings, unclean=True)
    assert ["too large to be looked at" in one for one in told] == [True]
