"""A scan in a thread of its own: its values in order, its errors, its end; and mounts that hang."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from service.fetch.folder import FileRead, FileSeen, ScanEnded, scan
from service.fetch.folder_files import Observer
from service.fetch.folder_thread import ScanThread
from service.values import Failed, Reason
from tests.mounts import Hanging

NOW = datetime.now(UTC) + timedelta(hours=1)


def scanning(root: Path) -> Callable[[Observer], Iterator[FileSeen]]:
    return lambda observer: scan(root, {}, now=NOW, observer=observer)


def threads() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name.startswith("scan ")]


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    yield
    for one in threads():
        one.join(20)
    assert threads() == []


def test_the_values_are_those_of_the_scan(tmp_path: Path) -> None:
    for number in range(30):
        (tmp_path / f"{number}.txt").write_text(str(number))
    values = list(ScanThread("x", scanning(tmp_path), patience=20))
    assert values == list(scan(tmp_path, {}, now=NOW))
    assert len([one for one in values if isinstance(one, FileRead)]) == 30


def test_the_observer_is_told(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    told: list[str] = []

    class Told(Observer):
        def folder(self, path: str, below: str) -> None:
            told.append(below)

        def whole(self) -> None:
            told.append("whole")

    list(ScanThread("x", scanning(tmp_path), patience=20, observer=Told()))
    assert told == ["", "sub", "whole"]


def test_a_fault_of_the_scan_is_raised_to_who_reads_it() -> None:
    def broken(_: Observer) -> Iterator[FileSeen]:
        yield ScanEnded(seen=1)
        raise ZeroDivisionError("on purpose")

    values = ScanThread("x", broken, patience=20)
    assert next(values) == ScanEnded(seen=1)
    with pytest.raises(ZeroDivisionError, match="on purpose"):
        next(values)
    assert list(values) == []


def test_who_stops_reading_ends_the_thread(tmp_path: Path) -> None:
    for number in range(50):
        (tmp_path / f"{number}.txt").write_text("x")
    values = ScanThread("x", scanning(tmp_path), patience=20)
    next(values)
    values.close()
    assert list(values) == []


def test_a_scan_that_does_not_get_on_is_given_up() -> None:
    go_on = threading.Event()

    def stuck(observer: Observer) -> Iterator[FileSeen]:
        observer.step()
        go_on.wait(20)
        yield ScanEnded()

    values = ScanThread("/mnt/archive", stuck, patience=0.05)
    (failed,) = values
    assert failed == Failed(
        "/mnt/archive",
        Reason.TIMEOUT,
        "the file system has not answered for 0.05 s; is a server or a device gone?",
    )
    assert values.hangs
    go_on.set()
    threads()[0].join(20)
    assert not values.hangs


def test_a_scan_that_gets_on_slowly_is_waited_for() -> None:
    """As long as there are steps, there is no need for a value."""
    observed = threading.Event()
    turns = 5

    def slow(observer: Observer) -> Iterator[FileSeen]:
        for _ in range(turns):
            observer.step()
            observed.wait(0.03)  # nobody sets it: as a slow disk would
        yield ScanEnded(seen=turns)

    assert list(ScanThread("x", slow, patience=0.1)) == [ScanEnded(seen=turns)]


def test_a_stop_does_not_wait_for_a_scan() -> None:
    stop, begun, go_on = threading.Event(), threading.Event(), threading.Event()

    def stuck(_: Observer) -> Iterator[FileSeen]:
        begun.set()
        go_on.wait(20)
        yield ScanEnded()

    values = ScanThread("x", stuck, patience=3600, stopping=stop.is_set)
    begun.wait(20)
    stop.set()
    assert list(values) == []
    assert values.hangs
    go_on.set()


@pytest.mark.parametrize("below", ["", "sub"])
def test_a_mount_that_hangs_is_given_up_and_the_rest_goes_on(tmp_path: Path, below: str) -> None:
    root = tmp_path / "root"
    (root / below).mkdir(parents=True, exist_ok=True)
    other = tmp_path / "other"
    other.mkdir()
    (other / "a.txt").write_text("a")
    with Hanging(root / below):
        values = ScanThread(str(root), scanning(root), patience=0.3)
        seen = list(values)
        assert isinstance(seen[-1], Failed)
        assert seen[-1].reason is Reason.TIMEOUT
        assert values.hangs
        # The thread in the kernel holds nothing that others need.
        assert len(list(ScanThread("x", scanning(other), patience=20))) == 2
        assert not os.path.ismount(other)


def test_a_mount_whose_server_ends_is_missing(tmp_path: Path) -> None:
    with Hanging(tmp_path) as server:
        server.end()
        (failed,) = ScanThread("x", scanning(tmp_path), patience=20)
    assert isinstance(failed, Failed)
    assert failed.reason is Reason.MISSING
    assert "the mount does not answer" in failed.detail
