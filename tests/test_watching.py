"""A word from the kernel when something happens in a watched folder; real folders, real events."""

from __future__ import annotations

import errno
import os
import shutil
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from inotify_simple import INotify
from loguru import logger

from models import open_database
from service.application import Application
from service.fetch.folder import scan
from service.fetch.folder_files import Patterns
from service.fetch.watching import Watcher
from service.settings import load_settings

NOW = datetime.now(UTC) + timedelta(hours=1)
SOURCE, OTHER = 7, 8
DEADLINE = 20.0  # seconds; only a broken watcher takes so long


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Watched:
    """A folder that is scanned for a watcher, as the daemon does."""

    def __init__(self, root: Path, clock: Clock) -> None:
        self.root = root
        self.clock = clock
        self.watcher = Watcher(still_for=2.0, clock=clock)

    def look(self, source_id: int = SOURCE, root: Path | None = None, **patterns: list[str]) -> None:
        """Scan as a source; what stirred until now is settled by it."""
        self.watcher.settled([source_id])
        place = root or self.root
        allowed = Patterns(patterns.get("include", []), patterns.get("exclude", []))
        observer = self.watcher.arm(source_id, str(place), allowed.counts)
        list(scan(place, {}, now=NOW, observer=observer, **patterns))  # type: ignore[arg-type]

    def stirred(self) -> bool:
        """Whether the watcher says that something happened, waiting for it."""
        return SOURCE in self.watcher.wait(DEADLINE)

    def quiet(self) -> bool:
        """Whether what was done until now left the watcher silent: a later event comes after its events."""
        sentinel = self.root.parent / "sentinel"
        sentinel.mkdir(exist_ok=True)
        self.look(99, sentinel)
        (sentinel / f"{self.clock.now}.txt").write_text("x")
        return self.watcher.wait(DEADLINE) == [99]


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    root = tmp_path / "watched"
    (root / "sub" / "deep").mkdir(parents=True)
    (root / "a.txt").write_text("a")
    one = Watched(root, Clock())
    yield one
    one.watcher.close()


# -- what is told --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "new.txt").write_text("x"),
        lambda root: (root / "sub" / "deep" / "new.txt").write_text("x"),
        lambda root: (root / "a.txt").write_text("b"),
        lambda root: (root / "a.txt").rename(root / "b.txt"),
        lambda root: (root / "a.txt").rename(root.parent / "b.txt"),
        lambda root: (root / "a.txt").unlink(),
        lambda root: (root / "a.txt").chmod(0o600),
        lambda root: os.utime(root / "a.txt", (1, 1)),
        lambda root: (root / "more").mkdir(),
        lambda root: (root / "sub" / "deep").rmdir(),
        lambda root: (root / "link.txt").symlink_to("a.txt"),
        lambda root: root.rename(root.with_name("away")),
    ],
    ids=[
        "new", "new below", "rewritten", "renamed", "moved away", "deleted", "permission", "touched",
        "folder", "folder gone", "link", "the root itself",
    ],
)  # fmt: skip
def test_what_happens_is_told(watched: Watched, change: object) -> None:
    watched.look()
    assert callable(change)
    change(watched.root)
    assert watched.stirred()


def test_reading_is_nothing_that_happens(watched: Watched) -> None:
    watched.look()
    (watched.root / "a.txt").read_text()
    list(watched.root.rglob("*"))
    watched.look()
    assert watched.quiet()


@pytest.mark.parametrize("name", [".hidden.txt", "a.txt.part", "~$a.docx", "x.log", ".git/", "drafts/"])
def test_what_does_not_count_is_not_told(watched: Watched, name: str) -> None:
    watched.look(exclude=["*.log", "drafts"])
    if name.endswith("/"):
        (watched.root / name).mkdir()
    else:
        (watched.root / name).write_text("x")
    assert watched.quiet()


def test_excluded_folders_are_not_watched(watched: Watched) -> None:
    watched.look(exclude=["deep"])
    assert watched.watcher.watched(SOURCE) == 2
    (watched.root / "sub" / "deep" / "x.txt").write_text("x")
    assert watched.quiet()


def test_a_new_folder_is_watched_from_its_first_scan(watched: Watched) -> None:
    watched.look()
    (watched.root / "new").mkdir()
    assert watched.stirred()
    watched.look()
    (watched.root / "new" / "x.txt").write_text("x")
    assert watched.stirred()


def test_a_file_between_the_watch_and_the_listing_is_told(watched: Watched) -> None:
    """A folder is watched before it is listed: nothing can come in between unseen."""
    observer = watched.watcher.arm(SOURCE, str(watched.root), Patterns([], []).counts)
    observer.folder(str(watched.root), "")
    (watched.root / "between.txt").write_text("x")
    assert watched.stirred()


def test_a_folder_of_two_sources_is_told_to_both(watched: Watched) -> None:
    watched.look()
    watched.look(OTHER, watched.root / "sub")
    (watched.root / "sub" / "x.txt").write_text("x")
    assert set(watched.watcher.wait(DEADLINE)) == {SOURCE, OTHER}
    watched.watcher.forget(SOURCE)
    watched.watcher.settled([OTHER])
    (watched.root / "sub" / "y.txt").write_text("x")
    assert watched.watcher.wait(DEADLINE) == [OTHER]


# -- when it is worth a scan ---------------------------------------------------------------------------


def test_a_folder_is_due_once_it_has_been_still(watched: Watched) -> None:
    watched.watcher.stir([SOURCE])
    watched.clock.now += 1.9
    assert watched.watcher.due() == []
    watched.watcher.stir([SOURCE])
    watched.clock.now += 1.9
    assert watched.watcher.due() == []
    watched.clock.now += 0.1
    assert watched.watcher.due() == [SOURCE]
    assert watched.watcher.due() == [SOURCE]
    watched.watcher.settled([SOURCE])
    assert watched.watcher.due() == []


def test_a_folder_that_is_never_still_is_due_all_the_same(watched: Watched) -> None:
    waited = 0
    while not watched.watcher.due():
        watched.watcher.stir([SOURCE])
        watched.clock.now += 1
        waited += 1
    assert waited == 30


def test_a_large_folder_takes_a_tenth_of_the_time(watched: Watched) -> None:
    watched.watcher.rest(SOURCE, 10.0)
    watched.watcher.stir([SOURCE])
    watched.clock.now += 89
    assert watched.watcher.due() == []
    watched.clock.now += 1
    assert watched.watcher.due() == [SOURCE]


# -- folders that come and go --------------------------------------------------------------------------


def test_a_folder_that_is_not_there_is_awaited(watched: Watched) -> None:
    late = watched.root / "x" / "late"
    watched.look(root=late)
    (watched.root / "else").mkdir()
    assert watched.quiet()
    watched.watcher.settled([99])
    (watched.root / "x").mkdir()
    assert watched.stirred()
    watched.look(root=late)
    late.mkdir()
    assert watched.stirred()
    watched.look(root=late)
    (late / "a.txt").write_text("x")
    assert watched.stirred()


def test_a_folder_moved_out_is_watched_no_more(watched: Watched) -> None:
    watched.look()
    assert watched.watcher.watched(SOURCE) == 3
    (watched.root / "sub").rename(watched.root.parent / "out")
    assert watched.stirred()
    watched.look()
    assert watched.watcher.watched(SOURCE) == 1
    (watched.root.parent / "out" / "x.txt").write_text("x")
    assert watched.quiet()


def test_a_folder_deleted_and_made_again_is_watched_again(watched: Watched) -> None:
    deep = watched.root / "sub" / "deep"
    watched.look()
    deep.rmdir()
    deep.mkdir()
    assert watched.stirred()
    watched.look()
    (deep / "x.txt").write_text("x")
    assert watched.stirred()


# -- limits --------------------------------------------------------------------------------------------


def test_the_limit_of_watches_is_said_once(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    add = INotify.add_watch

    def limited(self: INotify, path: str, mask: int) -> int:
        if path.endswith("deep"):
            raise OSError(errno.ENOSPC, "No space left on device")
        return int(add(self, path, mask))

    monkeypatch.setattr(INotify, "add_watch", limited)
    said: list[str] = []
    sink = logger.add(said.append, format="{message}")
    watched.look()
    watched.look()
    logger.remove(sink)

    assert len(said) == 1
    assert "deep: no more folders can be watched (sysctl fs.inotify.max_user_watches is " in said[0]
    (watched.root / "sub" / "x.txt").write_text("x")
    assert watched.stirred()


def test_an_overflow_is_news_from_everywhere(watched: Watched) -> None:
    watched.look()
    watched.look(OTHER, watched.root.parent)
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    # Two names in turn: equal events one after the other are joined by the kernel.
    names = [watched.root.parent / "x.txt", watched.root.parent / "y.txt"]
    for name in names:
        name.touch()
    with watched.watcher._lock:  # nobody takes the events meanwhile
        for number in range(limit + 20_000):
            os.utime(names[number % 2])
    while SOURCE not in (told := watched.watcher.wait(DEADLINE)):
        assert told
        watched.watcher.settled(told)


def test_without_inotify_folders_are_scanned_all_the_same(
    migrated_sqlite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: INotify, **_: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(INotify, "__init__", refuse)
    shutil.copyfile(migrated_sqlite, tmp_path / "wirewatch.db")
    database = open_database(tmp_path / "wirewatch.db")
    settings = load_settings(None, {"HOME": str(tmp_path)}, tmp_path)
    said: list[str] = []
    sink = logger.add(said.append, format="{message}")
    application = Application(settings, database)
    application.watch_folders()
    logger.remove(sink)
    application.close()
    database.close()
    assert said == ["folders are not watched but only scanned: inotify: Too many open files\n"]
    assert application.folders.watcher is None


def test_no_thread_and_no_handle_is_left(tmp_path: Path) -> None:
    before = (threading.active_count(), len(list(Path("/proc/self/fd").iterdir())))
    watcher = Watcher(still_for=1.0)
    observer = watcher.arm(SOURCE, str(tmp_path), Patterns([], []).counts)
    observer.folder(str(tmp_path), "")
    watcher.close()
    watcher.close()
    observer.folder(str(tmp_path), "")  # a scan that outlives the stop
    assert (threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))) == before


def test_an_idle_watcher_waits_for_the_kernel_without_end(watched: Watched) -> None:
    watched.look()
    assert watched.quiet()
    (thread,) = [one for one in threading.enumerate() if one.name == "watch"]
    place = Path(f"/proc/self/task/{thread.native_id}/syscall")  # number, arguments … (proc(5))
    while (call := place.read_text()).startswith("running"):
        pass
    assert int(call.split()[3], 16) & 0xFFFF_FFFF == 0xFFFF_FFFF, "poll(2) with a time limit"
