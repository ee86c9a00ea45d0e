"""Looking at real folders: what changed, what is gone, what cannot be read, and nothing touched."""

from __future__ import annotations

import os
import socket
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from models.records import FileRecord
from service.fetch import folder
from service.fetch.folder import (
    FileFailed,
    FileRead,
    FileSeen,
    FileTouched,
    FileVanished,
    ScanEnded,
    scan,
)
from service.fetch.folder_again import count_files
from service.fetch.folder_files import Observer, digest
from service.values import Failed, Reason

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
OLD = int((NOW - timedelta(hours=1)).timestamp() * 1_000_000_000)


class Watched:
    """A folder, and what is remembered of it between scans."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.known: dict[str, FileRecord] = {}

    def write(self, name: str, text: str | bytes = "text", *, at: int = OLD) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        os.utime(path, ns=(at, at))
        return path

    def look(self, *, now: datetime = NOW, **options: object) -> list[FileSeen]:
        seen = list(scan(self.root, self.known, now=now, **options))  # type: ignore[arg-type]
        for one in seen:
            if isinstance(one, FileRead | FileTouched | FileFailed | FileVanished):
                self.known[one.path] = one.record
        return seen

    def told(self, **options: object) -> list[tuple[str, str]]:
        """What a look said, as kind and name below the folder."""
        return [
            (type(one).__name__, os.path.relpath(one.path, self.root))
            for one in self.look(**options)  # type: ignore[arg-type]
            if isinstance(one, FileRead | FileTouched | FileFailed | FileVanished)
        ]

    def ended(self, **options: object) -> ScanEnded:
        last = self.look(**options)[-1]  # type: ignore[arg-type]
        assert isinstance(last, ScanEnded)
        return last


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    root = tmp_path / "watched"
    root.mkdir()
    return Watched(root)


# -- what changed --------------------------------------------------------------------------------------


def test_new_files_are_read_in_order_of_their_names(watched: Watched) -> None:
    for name in ("b.txt", "a.txt", "sub/deep/c.txt"):
        watched.write(name, name)
    seen = watched.look()

    reads = [one for one in seen if isinstance(one, FileRead)]
    assert [(one.below, one.body) for one in reads] == [
        ("a.txt", b"a.txt"),
        ("b.txt", b"b.txt"),
        ("sub/deep/c.txt", b"sub/deep/c.txt"),
    ]
    first = reads[0].record
    status = (watched.root / "a.txt").stat()
    assert first == FileRecord(
        str(watched.root / "a.txt"), 5, OLD, digest(b"a.txt"), device=status.st_dev, inode=status.st_ino
    )
    assert seen[-1] == ScanEnded(seen=3)


def test_a_second_look_opens_nothing(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(20):
        watched.write(f"{number}.txt")
    watched.look()
    opened: list[object] = []
    monkeypatch.setattr(os, "open", lambda *given: opened.append(given))

    assert watched.look() == [ScanEnded(seen=20, unchanged=20)]
    assert opened == []


def test_an_edited_file_is_read_again(watched: Watched) -> None:
    watched.write("a.txt", "one")
    watched.look()
    watched.write("a.txt", "two", at=OLD + 1)
    assert watched.told() == [("FileRead", "a.txt")]


def test_an_edit_that_keeps_the_time_is_seen_by_size_or_inode(watched: Watched) -> None:
    watched.write("size.txt", "one")
    watched.write("inode.txt", "one")
    watched.look()
    watched.write("size.txt", "three")
    watched.write("new", "two").replace(watched.root / "inode.txt")
    assert watched.told() == [("FileRead", "inode.txt"), ("FileRead", "size.txt")]


def test_a_touched_file_with_the_same_content_is_not_given_again(watched: Watched) -> None:
    watched.write("a.txt")
    watched.look()
    watched.write("a.txt", at=OLD + 5)

    assert watched.told() == [("FileTouched", "a.txt")]
    assert watched.told() == []


def test_a_file_is_left_alone_until_it_has_been_still(watched: Watched) -> None:
    at = int(NOW.timestamp() * 1_000_000_000)
    watched.write("a.txt", at=at)

    assert watched.ended(now=NOW + timedelta(seconds=1)) == ScanEnded(seen=1, waiting=1)
    watched.write("a.txt", "longer", at=at + 2_000_000_000)
    assert watched.told(now=NOW + timedelta(seconds=3)) == []
    assert watched.told(now=NOW + timedelta(seconds=4)) == [("FileRead", "a.txt")]


def test_how_long_still_is_can_be_said(watched: Watched) -> None:
    watched.write("a.txt", at=int(NOW.timestamp() * 1_000_000_000))
    minute = timedelta(minutes=1)
    assert watched.told(now=NOW + timedelta(seconds=59), still_for=minute) == []
    assert watched.told(now=NOW + minute, still_for=minute) == [("FileRead", "a.txt")]


def test_a_time_far_in_the_future_is_no_reason_to_wait_for_ever(watched: Watched) -> None:
    watched.write("a.txt", at=int((datetime.now(UTC) + timedelta(days=4000)).timestamp()) * 1_000_000_000)
    assert watched.told(now=datetime.now(UTC) + timedelta(seconds=10)) == [("FileRead", "a.txt")]


def test_a_file_that_grows_while_it_is_read_waits(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    path = watched.write("a.txt", b"x" * 100)
    read = os.read

    def read_and_grow(handle: int, count: int) -> bytes:
        part = read(handle, count)
        with path.open("ab") as file:
            file.write(b"more")
        return part

    with monkeypatch.context() as growing:
        growing.setattr("service.fetch.folder_files.os.read", read_and_grow)
        assert watched.ended() == ScanEnded(seen=1, waiting=1)
    os.utime(path, ns=(OLD, OLD))
    assert watched.told() == [("FileRead", "a.txt")]


def test_a_file_that_is_rewritten_in_place_while_it_is_read_waits(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = watched.write("a.txt", b"x" * 100)
    read = os.read

    def read_and_rewrite(handle: int, count: int) -> bytes:
        part = read(handle, count)
        path.write_bytes(b"y" * 100)
        return part

    monkeypatch.setattr("service.fetch.folder_files.os.read", read_and_rewrite)
    assert watched.ended() == ScanEnded(seen=1, waiting=1)


# -- what is gone --------------------------------------------------------------------------------------


def test_what_is_gone_is_told_before_what_came(watched: Watched) -> None:
    watched.write("m.txt")
    watched.write("stays.txt", "stays")
    watched.look()
    (watched.root / "m.txt").rename(watched.root / "a.txt")

    assert watched.told() == [("FileVanished", "m.txt"), ("FileRead", "a.txt")]
    assert watched.known[str(watched.root / "m.txt")].vanished_at == NOW
    assert watched.told() == []


def test_what_comes_back_unchanged_is_told_without_being_read(watched: Watched, tmp_path: Path) -> None:
    path = watched.write("a.txt")
    watched.look()
    path.rename(tmp_path / "away")
    assert watched.told() == [("FileVanished", "a.txt")]
    (tmp_path / "away").rename(path)

    assert watched.told() == [("FileTouched", "a.txt")]
    assert watched.known[str(path)].vanished_at is None


def test_a_folder_that_is_gone_has_lost_no_file(watched: Watched, tmp_path: Path) -> None:
    watched.write("a.txt")
    watched.look()
    watched.root.rename(tmp_path / "away")
    (failed,) = watched.look()

    assert isinstance(failed, Failed)
    assert (failed.reason, failed.url) == (Reason.MISSING, str(watched.root))
    (tmp_path / "away").rename(watched.root)
    assert watched.told() == []


def test_a_folder_that_goes_while_it_is_scanned_has_lost_no_file(watched: Watched, tmp_path: Path) -> None:
    for number in range(3):
        watched.write(f"{number}/a.txt")
    watched.look()
    away = tmp_path / "away"
    listed = os.scandir

    def list_and_move(path: str) -> Any:
        if path.endswith("/1"):
            watched.root.rename(away)
        return listed(path)

    with pytest.MonkeyPatch.context() as moving:
        moving.setattr(os, "scandir", list_and_move)
        (failed,) = watched.look()
    assert isinstance(failed, Failed)
    assert failed.reason is Reason.MISSING


def test_an_unmounted_folder_has_lost_no_file(watched: Watched) -> None:
    """The empty mount point is on another device than the files were."""
    for name in ("a.txt", "b.txt"):
        watched.write(name)
    watched.look()
    watched.known = {path: _on_device(record, record.device + 1) for path, record in watched.known.items()}
    for name in ("a.txt", "b.txt"):
        (watched.root / name).unlink()
    assert watched.look() == [ScanEnded()]


def test_a_device_that_got_another_number_reads_nothing_and_loses_nothing(watched: Watched) -> None:
    watched.write("a.txt", "a")
    watched.write("b.txt", "b")
    watched.look()
    watched.known = {path: _on_device(record, record.device + 1) for path, record in watched.known.items()}
    (watched.root / "b.txt").unlink()

    # That the first file is where it was shows that the device is there, so the second one is gone.
    assert watched.told() == [("FileVanished", "b.txt"), ("FileTouched", "a.txt")]
    assert watched.told() == []


def _on_device(record: FileRecord, device: int) -> FileRecord:
    return FileRecord(
        record.path, record.size, record.mtime_ns, record.digest, device=device, inode=record.inode
    )


# -- what cannot be read -------------------------------------------------------------------------------


@pytest.mark.parametrize("given", ["absent", "a file below a file/x"])
def test_a_root_that_is_not_there(tmp_path: Path, given: str) -> None:
    (tmp_path / "a file below a file").write_text("x")
    (failed,) = scan(tmp_path / given, {}, now=NOW)
    assert isinstance(failed, Failed)
    assert failed.reason is Reason.MISSING
    assert "cannot be looked into" in failed.detail


def test_a_file_too_large_is_not_read_into_memory(watched: Watched) -> None:
    path = watched.write("big.txt", b"")
    os.truncate(path, 100 << 20)  # sparse
    os.utime(path, ns=(OLD, OLD))
    tracemalloc.start()
    (failed, _) = watched.look()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert isinstance(failed, FileFailed)
    assert failed.reason is Reason.TOO_LARGE
    assert "104,857,600 bytes; at most 67,108,864" in failed.detail
    assert peak < 5 << 20
    assert watched.told() == []


def test_a_file_too_large_is_read_once_the_limit_allows_it(watched: Watched) -> None:
    watched.write("big.txt", b"x" * 2000)
    assert watched.told(max_bytes=1999) == [("FileFailed", "big.txt")]
    assert watched.told(max_bytes=1999) == []
    assert watched.told(max_bytes=2000) == [("FileRead", "big.txt")]


@pytest.fixture
def unreadable(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file that may not be opened, also where the tests run as root."""
    path = watched.write("secret.txt")
    path.chmod(0)
    opened = os.open

    def refuse(given: str, flags: int) -> int:
        if given == str(path) and not path.stat().st_mode & 0o400:
            raise PermissionError(13, "Permission denied", given)
        return opened(given, flags)

    if os.geteuid() == 0:
        monkeypatch.setattr(os, "open", refuse)
    yield path
    path.chmod(0o600)


def test_an_unreadable_file_is_recorded_once_and_tried_again(watched: Watched, unreadable: Path) -> None:
    watched.write("other.txt")
    first = watched.look()

    assert [type(one).__name__ for one in first] == ["FileRead", "FileFailed", "ScanEnded"]
    failed = first[1]
    assert isinstance(failed, FileFailed)
    assert (failed.reason, failed.detail) == (Reason.UNREADABLE, "permission denied")
    assert failed.record.reason == "unreadable"
    assert watched.told() == []  # as before: said once
    unreadable.chmod(0o600)  # leaves size and time as they were
    assert watched.told() == [("FileRead", "secret.txt")]


def test_a_subfolder_that_cannot_be_listed_has_lost_no_file(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched.write("sub/a.txt")
    watched.write("b.txt")
    watched.look()
    listed = os.scandir

    def refuse(path: str) -> Any:
        if path.endswith("/sub"):
            raise PermissionError(13, "Permission denied", path)
        return listed(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert watched.look() == [
        ScanEnded(
            seen=1,
            unchanged=1,
            unlisted=((str(watched.root / "sub"), Reason.UNREADABLE, "permission denied"),),
        )
    ]


# -- what does not count -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        ".hidden.txt", ".git/a.txt", "a.txt~", "~$a.docx", "#a.txt#", "a.txt.part", "a.pdf.crdownload",
        "a.tmp",
        "A.TMP", ".a.txt.swp",
        "Thumbs.db", ".~lock.a.odt#", "lost+found/a.txt",
    ],
)  # fmt: skip
def test_hidden_and_temporary_files_do_not_count(watched: Watched, name: str) -> None:
    watched.write(name)
    assert watched.look() == [ScanEnded()]


def test_patterns(watched: Watched) -> None:
    for name in ("a.txt", "b.HTML", "c.pdf", "drafts/d.txt", "x/drafts/e.txt", "x/f.txt"):
        watched.write(name)

    def names(**options: object) -> list[str]:
        return [name for _, name in Watched(watched.root).told(**options)]

    assert names(include=["*.txt", "*.html"]) == [
        "a.txt", "b.HTML", "drafts/d.txt", "x/f.txt", "x/drafts/e.txt",
    ]  # fmt: skip
    assert names(exclude=["drafts"]) == ["a.txt", "b.HTML", "c.pdf", "x/f.txt"]
    assert names(exclude=["x/*"]) == ["a.txt", "b.HTML", "c.pdf", "drafts/d.txt"]
    assert names(include=["x/*"], exclude=["*.pdf"]) == ["x/f.txt", "x/drafts/e.txt"]
    assert names(recursive=False) == ["a.txt", "b.HTML", "c.pdf"]


def test_links_out_of_the_folder_are_not_followed(watched: Watched, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.txt").write_text("secret")
    (watched.root / "file.txt").symlink_to(outside / "secret.txt")
    (watched.root / "folder").symlink_to(outside)
    (watched.root / "up").symlink_to("..")
    (watched.root / "self").symlink_to(".")
    (watched.root / "dangling.txt").symlink_to("nowhere")
    (watched.root / "loop").symlink_to("loop")

    assert watched.look() == [ScanEnded()]


def test_links_inside_the_folder_show_no_file_twice(watched: Watched) -> None:
    watched.write("sub/a.txt")
    watched.write(".data/b.txt")
    (watched.root / "link.txt").symlink_to("sub/a.txt")
    (watched.root / "link").symlink_to("sub")
    (watched.root / "shown.txt").symlink_to(".data/b.txt")

    assert watched.told() == [("FileRead", "shown.txt"), ("FileRead", "sub/a.txt")]


def test_a_folder_given_by_a_link_is_watched(watched: Watched, tmp_path: Path) -> None:
    watched.write("a.txt")
    link = tmp_path / "link"
    link.symlink_to(watched.root)
    assert Watched(link).told() == [("FileRead", "a.txt")]


def test_pipes_and_sockets_do_not_count(watched: Watched) -> None:
    os.mkfifo(watched.root / "pipe.txt")
    with socket.socket(socket.AF_UNIX) as server:
        # A socket's address is short; the folder's path may not be.
        here = Path.cwd()
        try:
            os.chdir(watched.root)
            server.bind("socket.txt")
        finally:
            os.chdir(here)
        assert watched.look() == [ScanEnded()]


def test_a_name_that_is_no_utf_8(watched: Watched) -> None:
    path = os.fsencode(watched.root) + b"/caf\xe9.txt"
    Path(os.fsdecode(path)).write_bytes(b"text")
    os.utime(path, ns=(OLD, OLD))
    (read, _) = watched.look()

    assert isinstance(read, FileRead)
    assert os.fsencode(read.path) == path
    assert watched.told() == []


def test_one_file_can_be_looked_at(watched: Watched) -> None:
    path = watched.write(".given.tmp")
    seen = list(scan(path, {}, now=NOW))
    assert [type(one).__name__ for one in seen] == ["FileRead", "ScanEnded"]


def test_folders_within_each_other_without_end(watched: Watched) -> None:
    watched.write("/".join(["d"] * (folder.MAX_DEPTH + 1)) + "/deep.txt")
    watched.write("/".join(["d"] * folder.MAX_DEPTH) + "/found.txt")
    assert [Path(name).name for _, name in watched.told()] == ["found.txt"]


# -- bounds --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("remembered", [False, True])
def test_a_scan_reads_only_so_many_files_and_the_next_the_rest(watched: Watched, remembered: bool) -> None:
    if remembered:
        watched.write("0.txt")
        watched.look()
    for number in range(1, 8):
        watched.write(f"{number}.txt")

    assert [len(watched.told(max_files=3)) for _ in range(4)] == [3, 3, 1, 0]
    watched.write("9.txt")
    watched.write("8.txt")
    assert watched.ended(max_files=1).postponed == 1


def test_a_first_scan_holds_one_file_at_a_time(watched: Watched) -> None:
    for number in range(40):
        watched.write(f"{number}.txt", b"x" * 500_000)
    tracemalloc.start()
    count = sum(isinstance(one, FileRead) for one in scan(watched.root, {}, now=NOW))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert count == 40
    assert peak < 5_000_000


def test_a_count_is_about_what_a_scan_meets(watched: Watched) -> None:
    for name in ("a.txt", "sub/b.txt", "sub/deep/c.txt", ".hidden/d.txt", "drafts/e.txt", "f.tmp", "g.log"):
        watched.write(name)
    (watched.root / "link.txt").symlink_to("a.txt")
    options = {"exclude": ("*.log", "drafts")}
    assert count_files(str(watched.root), go_on=lambda: True, **options) == 3
    assert watched.ended(**options).seen == 3
    assert count_files(str(watched.root / "a.txt"), go_on=lambda: True) == 1
    assert count_files(str(watched.root / "none"), go_on=lambda: True) == 0
    assert count_files(str(watched.root), go_on=lambda: False) == 0


def test_what_is_as_it_was_is_told_while_the_scan_goes_on(watched: Watched) -> None:
    told: list[int] = []

    class Told(Observer):
        def unchanged(self) -> None:
            told.append(1)

    for name in ("a.txt", "b.txt"):
        watched.write(name)
    watched.look(observer=Told())
    assert told == []
    watched.write("c.txt")
    watched.look(observer=Told())
    assert told == [1, 1]


def test_nothing_in_the_folder_is_changed(watched: Watched) -> None:
    for name in ("a.txt", "sub/b.txt", "c.tmp"):
        watched.write(name)

    def state() -> dict[str, tuple[int, int, int]]:
        return {
            str(path): (path.stat().st_mtime_ns, path.stat().st_ctime_ns, path.stat().st_mode)
            for path in watched.root.rglob("*")
        }

    before = state()
    watched.look()
    watched.look()
    assert state() == before
