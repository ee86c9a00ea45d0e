"""``wirewatch import``: taken in once, gone on with after a kill, tried again where it could not be read."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
import sys
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest

from tests.cli_home import Home, home
from tests.daemon_process import DEADLINE, environment

pytestmark = pytest.mark.long

__all__ = ["home"]

COUNT = 400
TEXT = (
    "Council Report Number {n} on the Embargo\n\nThe Council heard report {n} on Tuesday.\n\n"
    "It was told of {n} shipments, and of what was found in them.\n"
)


def fill(folder: Path, count: int) -> None:
    for number in range(count):
        path = folder / str(number % 7) / f"{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(TEXT.format(n=number))


def stored(database: Path) -> list[tuple[str, int]]:
    with sqlite3.connect(database) as connection:
        return connection.execute("SELECT path, count(*) FROM article GROUP BY path").fetchall()


def test_an_import_that_was_killed_goes_on_where_it_was(tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    fill(archive, COUNT)
    database = tmp_path / "data" / "wirewatch" / "wirewatch.db"
    environ = environment(tmp_path) | {"PYTHONPATH": str(Path(__file__).resolve().parent.parent)}
    command = [sys.executable, "-m", "service.cli", "import", str(archive), "--json", "-vv"]
    counts = []
    for turn in range(2):
        process = subprocess.Popen(
            command, cwd=tmp_path, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        wanted = (turn + 1) * COUNT // 6
        while process.poll() is None and _count(database) < wanted:
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.02)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(DEADLINE)
        counts.append(_count(database))
    done = subprocess.run(
        command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=120, check=True
    )
    print("stored after each kill:", counts)
    assert 0 < counts[0] <= counts[1] < COUNT
    assert f'"unchanged": {counts[1]}' in done.stdout
    assert f'"files": {COUNT - counts[1]}' in done.stdout
    found = stored(database)
    assert len(found) == COUNT
    assert {count for _, count in found} == {1}


def test_a_terminal_sees_how_far_an_import_is(tmp_path: Path) -> None:
    fill(tmp_path / "archive", 60)
    environ = environment(tmp_path) | {"PYTHONPATH": str(Path(__file__).resolve().parent.parent)}
    environ |= {"TERM": "xterm", "COLUMNS": "120", "WIREWATCH_SCHEDULE_WORKERS": "1"}
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "service.cli", "import", str(tmp_path / "archive")],
        cwd=tmp_path, env=environ, stdout=subprocess.PIPE, stderr=theirs, text=True,
    )  # fmt: skip
    os.close(theirs)
    shown = bytearray()
    with suppress(OSError):  # EIO: the other side is closed
        while piece := os.read(ours, 65_536):
            shown += piece
    os.close(ours)
    out, _ = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0
    assert out.startswith("60 files read")
    assert b"60/60" in shown
    assert re.search(rb"\d(\.\d)?/s", shown), shown[-500:]


def _count(database: Path) -> int:
    if not database.exists():
        return 0
    with sqlite3.connect(database) as connection, suppress(sqlite3.OperationalError):
        return int(connection.execute("SELECT count(*) FROM article").fetchone()[0])
    return 0


@pytest.fixture
def troubled(home: Home) -> Path:
    """A folder of which one file is fine, one too large for the settings, one no text, one empty."""
    folder = home.folder / "folder"
    (folder / "below").mkdir(parents=True)
    (folder / "fine.txt").write_text(TEXT.format(n=1))
    (folder / "below" / "large.txt").write_text(TEXT.format(n=2) * 50)
    (folder / "picture.txt").write_bytes(b"\x89PNG\r\n\x1a\n" + b"\x00" * 100)
    (folder / "empty.txt").write_bytes(b"")
    home.set(WIREWATCH_FOLDERS_MAX_FILE_SIZE="2KB", WIREWATCH_SCHEDULE_WORKERS="1")
    return folder


def test_what_cannot_be_read_is_listed_and_read_again_on_demand(home: Home, troubled: Path) -> None:
    done = home.run("import", str(troubled))
    assert done.code == 1
    assert done.out.startswith("1 file read, 0 known already: 1 new article")
    assert done.out.endswith("3 failures\n")
    status = home.run("status")
    assert "3 unreadable files" in status.out
    lines = [line.split() for line in status.out.splitlines() if str(troubled) in line]
    assert {Path(line[0]).name: line[1] for line in lines if line[0].startswith("/")} == {
        "large.txt": "too_large", "picture.txt": "not_text", "empty.txt": "empty",
    }  # fmt: skip
    unreadable = home.run("status", "--json").json["unreadable"]
    assert {Path(one["path"]).name for one in unreadable} == {"large.txt", "picture.txt", "empty.txt"}
    assert all(one["detail"] for one in unreadable)

    # Again: what has changed is read, the rest is left alone.
    (troubled / "picture.txt").write_text(TEXT.format(n=3))
    again = home.run("import", str(troubled), "--json").json
    assert (again["files"], again["new"], again["unchanged"], again["failed"]) == (1, 1, 3, [])

    # A larger limit, and a try below a folder: what can be read now is, in the group of that folder.
    home.set(WIREWATCH_FOLDERS_MAX_FILE_SIZE="1MB")
    tried = home.run("import", "--retry", str(troubled / "below"), "--json")
    assert tried.code == 0
    assert (tried.json["new"], tried.json["unchanged"]) == (1, 0)
    (number,) = tried.json["ids"]
    assert home.run("show", str(number), "--json").json["categories"] == ["below"]
    assert [Path(one["path"]).name for one in home.run("status", "--json").json["unreadable"]] == [
        "empty.txt"
    ]

    # What is still empty says so again; what is gone by now is no failure.
    still = home.run("import", "--retry", "--json")
    assert still.code == 1
    assert [one["reason"] for one in still.json["failed"]] == ["empty"]
    (troubled / "empty.txt").unlink()
    assert home.run("import", "--retry").code == 0
    assert home.run("status", "--json").json["unreadable"] == []


def test_what_is_too_long_to_be_read_whole_is_stored_and_said(home: Home, tmp_path: Path) -> None:
    folder = tmp_path / "long"
    folder.mkdir()
    text = "\n\n".join(TEXT.format(n=number) for number in range(3_000))
    (folder / "long.txt").write_text(text * (2_100_000 // len(text) + 1))
    with zipfile.ZipFile(folder / "all.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(folder / "long.txt", "inside.txt")
        archive.writestr("short.txt", TEXT.format(n=7))
    home.set(WIREWATCH_SCHEDULE_WORKERS="1")
    done = home.run("import", str(folder), "--json")
    assert done.code == 1
    assert done.json["new"] + done.json["duplicates"] == 3
    said = "what follows its first 2,000,000 characters"
    told = {(Path(one["path"]).name, one["reason"]): one["detail"] for one in done.json["failed"]}
    assert set(told) == {("long.txt", "shortened"), ("inside.txt", "shortened")}
    assert all(said in detail for detail in told.values())
    (long, *_) = done.json["ids"]
    assert said in home.run("show", str(long)).out
    (document,) = (
        one for one in home.run("doctor", "--json").json["findings"] if one["check"] == "documents"
    )
    assert "shortened" in document["text"]


def test_nothing_to_retry_is_no_failure(home: Home) -> None:
    done = home.run("import", "--retry")
    assert done.code == 0
    assert done.out.startswith("0 files read")


def test_what_does_not_fit_together_is_refused(home: Home) -> None:
    assert home.run("import").code == 2
    assert "--retry" in home.run("import").complaint
    assert home.run("import", "--retry", "--seeds").code == 2
