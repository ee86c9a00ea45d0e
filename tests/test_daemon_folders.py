"""The daemon and real folders: what is written slowly, renamed, replaced, deleted, unmounted, or hangs.

The rescan is an hour away in these tests, so whatever is found in time was told by the kernel.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from tests.daemon_process import DaemonProcess, ask
from tests.mounts import Hanging, memory, unmount
from tests.test_daemon import settings

pytestmark = pytest.mark.long

STILL = 'still_for = "300ms"\n'
LONG_STILL = 'still_for = "1s"\n'  # longer than a busy machine keeps a writer waiting in the middle


def document(number: int, more: str = "") -> str:
    return (
        f"Council Report Number {number} on the Embargo\n\nThe Council heard report {number} on Tuesday.\n"
        f"\nIt was told of {number} shipments.{more}\n"
    )


def watched_settings(
    home: Path, *folders: Path, schedule: str = "every 1h", extra: str = "", still: str = STILL
) -> None:
    settings(
        home,
        *(f'path = "{folder}"\nschedule = "{schedule}"' for folder in folders),
        extra=still + extra + "[seeds]\nimport = false\n",
    )
    # `settings` writes still_for = "0s" itself; the later line is ours.
    file = home / "wirewatch.toml"
    file.write_text(file.read_text(encoding="utf-8").replace('still_for = "0s"\n', ""), encoding="utf-8")


def stored(home: Path) -> list[tuple[str, bool, int]]:
    """(title, whether its file is gone, revisions) of every article."""
    with sqlite3.connect(home / "data" / "wirewatch" / "wirewatch.db") as connection:
        return connection.execute(
            "SELECT title, vanished_at IS NOT NULL, revisions FROM article ORDER BY title"
        ).fetchall()


def test_what_happens_in_a_watched_folder_is_found_at_once(tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    (inbox / "below").mkdir(parents=True)
    (inbox / "before.txt").write_text(document(1))
    watched_settings(tmp_path, inbox, still=LONG_STILL)
    with DaemonProcess(tmp_path) as daemon:
        daemon.wait_ready()
        daemon.wait_line(r"inbox: ok, 1 new")

        # Written slowly: in the middle of it nothing is taken.
        text = document(2, more=" And so on." * 50)
        with (inbox / "slow.txt").open("w") as file:
            for start in range(0, len(text), 60):
                file.write(text[start : start + 60])
                file.flush()
                with suppress(subprocess.TimeoutExpired):
                    daemon.process.wait(0.08)
        daemon.wait_line(r"inbox: ok, 1 new")

        # In a folder that did not exist, and below one that did.
        (inbox / "fresh" / "deeper").mkdir(parents=True)
        (inbox / "fresh" / "deeper" / "three.txt").write_text(document(3))
        daemon.wait_line(r"inbox: ok, 1 new")
        (inbox / "below" / "four.txt").write_text(document(4))
        daemon.wait_line(r"inbox: ok, 1 new")

        # Renamed, and moved into another folder: the same articles.
        (inbox / "before.txt").rename(inbox / "after.txt")
        daemon.wait_line(r"inbox: ok, 0 new, 0 changed")
        (inbox / "fresh").rename(inbox / "below" / "moved")
        daemon.wait_line(r"inbox: ok, 0 new, 0 changed")

        # Replaced by mv, as careful programs write: a revision.
        (tmp_path / "prepared").write_text(document(4, more=" It was told of more on Friday."))
        subprocess.run(["mv", tmp_path / "prepared", inbox / "below" / "four.txt"], check=True)
        daemon.wait_line(r"inbox: ok, 0 new, 1 changed")

        # Deleted: the article stays.
        (inbox / "slow.txt").unlink()
        assert "1 files are gone" in _detail(daemon, tmp_path)
        assert daemon.stop() == 0
    assert stored(tmp_path) == [
        ("Council Report Number 1 on the Embargo", 0, 0),
        ("Council Report Number 2 on the Embargo", 1, 0),
        ("Council Report Number 3 on the Embargo", 0, 0),
        ("Council Report Number 4 on the Embargo", 0, 1),
    ]
    paths = {title: (number, path, text) for title, number, path, text in _articles(tmp_path)}
    assert paths["Council Report Number 1 on the Embargo"][1] == str(inbox / "after.txt")
    assert paths["Council Report Number 3 on the Embargo"][1] == str(inbox / "below/moved/deeper/three.txt")
    number, _, text = paths["Council Report Number 2 on the Embargo"]
    assert text.count("And so on.") == 50  # whole, although it was written in pieces
    listed = {one["id"]: one["vanished_at"] for one in ask("articles", home=tmp_path)}
    assert [one for one, vanished in listed.items() if vanished] == [number]
    shown = ask("show", str(number), home=tmp_path)
    assert shown["vanished_at"] is not None
    assert shown["categories"] == []
    assert ask("show", str(paths["Council Report Number 3 on the Embargo"][0]), home=tmp_path)[
        "categories"
    ] == ["below/moved/deeper"]


def _articles(home: Path) -> list[tuple[str, int, str, str]]:
    with sqlite3.connect(home / "data" / "wirewatch" / "wirewatch.db") as connection:
        return connection.execute("SELECT title, id, path, text FROM article").fetchall()


def _detail(daemon: DaemonProcess, home: Path) -> str:
    """What the next poll of the folder has to say."""
    daemon.wait_line(r"inbox: ok, 0 new, 0 changed")
    with sqlite3.connect(home / "data" / "wirewatch" / "wirewatch.db") as connection:
        return str(connection.execute("SELECT detail FROM poll ORDER BY id DESC LIMIT 1").fetchone()[0])


def test_a_folder_that_is_unmounted_has_lost_nothing_and_is_taken_up_again(tmp_path: Path) -> None:
    share = tmp_path / "share"
    share.mkdir()
    watched_settings(tmp_path, share)
    with memory(share):
        (share / "one.txt").write_text(document(1))
        with DaemonProcess(tmp_path) as daemon:
            daemon.wait_ready()
            daemon.wait_line(r"share: ok, 1 new")
            unmount(share)  # the kernel tells that mounts changed
            daemon.wait_line(r"share: ok, 0 new, 0 changed of 0")
            (source,) = ask("sources", "list", home=tmp_path)
            newest = ask("sources", "show", str(source["id"]), home=tmp_path)["polls"][0]
            assert "is a file system not mounted?" in newest["detail"]
            with memory(share):
                (share / "one.txt").write_text(document(1))
                (share / "two.txt").write_text(document(2))
                daemon.wait_line(r"share: ok, 1 new, 0 changed of 2")
                (share / "three.txt").write_text(document(3))
                daemon.wait_line(r"share: ok, 1 new")
                assert daemon.stop() == 0
    assert stored(tmp_path) == [(f"Council Report Number {n} on the Embargo", 0, 0) for n in (1, 2, 3)]


def test_a_folder_that_comes_later_is_taken_up(tmp_path: Path) -> None:
    late = tmp_path / "some" / "where" / "late"
    watched_settings(tmp_path, late)
    with DaemonProcess(tmp_path) as daemon:
        daemon.wait_ready()
        daemon.wait_line(r"late: missing: the folder cannot be looked into: it is not there")
        (tmp_path / "prepared" / "late").mkdir(parents=True)
        (tmp_path / "prepared" / "late" / "one.txt").write_text(document(1))
        (tmp_path / "some").mkdir()
        (tmp_path / "prepared").rename(tmp_path / "some" / "where")
        daemon.wait_line(r"late: ok, 1 new")
        assert daemon.stop() == 0


def test_a_mount_that_hangs_holds_up_neither_the_others_nor_the_stop(tmp_path: Path) -> None:
    dead, inbox = [tmp_path / f"dead{n}" for n in range(3)], tmp_path / "inbox"
    for folder in (*dead, inbox):
        folder.mkdir()
    watched_settings(tmp_path, *dead, inbox, schedule="every 1s", extra='timeout = "1s"\n')
    with Hanging(dead[0]), Hanging(dead[1]), Hanging(dead[2]), DaemonProcess(tmp_path) as daemon:
        daemon.wait_ready()
        for _ in dead:
            daemon.wait_line(r"dead\d: timeout: the file system has not answered for 1 s")
        (inbox / "one.txt").write_text(document(1))
        daemon.wait_line(r"inbox: ok, 1 new")
        again = daemon.wait_line(r"dead\d: timeout")  # put off, but tried again, without a second thread
        assert "still leaves an earlier scan without an answer" in again
        assert daemon.stop() == 0
    assert "did not end in time" not in "".join(daemon.lines)


def test_without_watching_the_rescan_finds_what_happened(tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    watched_settings(tmp_path, inbox, schedule="every 1s", extra="watch = false\n")
    with DaemonProcess(tmp_path) as daemon:
        daemon.wait_ready()
        (inbox / "one.txt").write_text(document(1))
        daemon.wait_line(r"inbox: ok, 1 new")
        assert daemon.stop() == 0


def test_a_folder_with_a_cron_schedule_is_scanned_at_its_minute_only(tmp_path: Path) -> None:
    inbox, other = tmp_path / "inbox", tmp_path / "other"
    inbox.mkdir()
    other.mkdir()
    settings(
        tmp_path,
        f'path = "{inbox}"\nschedule = "0 0 29 2 *"',
        f'path = "{other}"\nschedule = "every 1h"',
        extra="[seeds]\nimport = false\n",
    )
    with DaemonProcess(tmp_path) as daemon:
        daemon.wait_ready()
        daemon.wait_line(r"(inbox|other): ok")
        daemon.wait_line(r"(inbox|other): ok")
        (inbox / "one.txt").write_text(document(1))
        (other / "two.txt").write_text(document(2))
        daemon.wait_line(r"other: ok, 1 new")
        assert daemon.stop() == 0
    assert [title for title, *_ in stored(tmp_path)] == ["Council Report Number 2 on the Embargo"]


def test_names_that_are_no_utf8_are_found_renamed_and_told(tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    watched_settings(tmp_path, inbox)
    names = [b"caf\xe9.txt", b"\xff\xfe.txt", "ünïcode \u202e.txt".encode()]
    with DaemonProcess(tmp_path) as daemon:
        daemon.wait_ready()
        daemon.wait_line(r"inbox: ok, 0 new")
        for number, name in enumerate(names):
            path = os.path.join(os.fsencode(inbox), name)  # noqa: PTH118 - bytes
            with open(path, "w") as file:  # noqa: PTH123 - bytes
                file.write(document(number))
            daemon.wait_line(r"inbox: ok, 1 new")
            os.rename(path, path + b".txt")  # noqa: PTH104 - bytes
            daemon.wait_line(r"inbox: ok, 0 new, 0 changed")
        assert daemon.stop() == 0
    assert stored(tmp_path) == [(f"Council Report Number {n} on the Embargo", 0, 0) for n in range(3)]
    assert not any("Traceback" in line for line in daemon.lines)
