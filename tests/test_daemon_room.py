"""A disk that fills up under a daemon: it stops to poll, goes on answering, and recovers by itself."""

from __future__ import annotations

import json
import subprocess
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest

from service.room import Room
from tests.daemon_process import DaemonProcess, wirewatch
from tests.mounts import memory, mount, unmount
from tests.server import Reply, Server
from tests.test_daemon import declared_feed, feed, settings

pytestmark = pytest.mark.long

MEGABYTE = 1_000_000


def fill(place: Path) -> Path:
    """A file that leaves no byte free."""
    path = place / "filler"
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(b"x" * 65536):
            pass
    return path


def ready(page: str) -> tuple[int, dict[str, object]]:
    """What /readyz says."""
    try:
        with urllib.request.urlopen(page + "readyz") as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_a_full_disk_stops_polling_and_nothing_else(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount("tmpfs", disk, "size=60m")
    try:
        with Server() as server:
            server.route("/feed.xml", Reply(body=feed(1)))
            settings(tmp_path, declared_feed(server), extra='[storage]\nreserve = "10MB"\n')
            place = {"WIREWATCH_DATABASE": str(disk / "wirewatch.db")}
            with DaemonProcess(tmp_path, extra=place) as daemon:
                page = daemon.wait_line("serving the page on").split()[-1]
                daemon.wait_ready()
                daemon.wait_line(r"feed\.xml: ok, 1 new")
                filler = fill(disk)
                daemon.wait_line(r"ERROR.*less than storage\.reserve \(10\.0 MB\): nothing is polled")
                _held(page, tmp_path, place, daemon, server)
                filler.unlink()
                daemon.wait_line("there is room again")
                server.route("/feed.xml", Reply(body=feed(2)))
                daemon.wait_line(r"feed\.xml: ok, 1 new")
                assert ready(page)[0] == 200
                assert daemon.stop() == 0
            said = "".join(daemon.lines)
            assert said.count("nothing is polled until there is room") == 1
            assert "Traceback" not in said
    finally:
        unmount(disk)


def _held(page: str, home: Path, place: dict[str, str], daemon: DaemonProcess, server: Server) -> None:
    """With not a byte free: all answers as ever, the reason everywhere, and nobody is asked for news."""
    status, report = ready(page)
    assert status == 503
    assert "storage.reserve" in str(report["reasons"])
    assert report["articles"] == 6
    for path in ("", "metrics", "api/v1/articles"):
        with urllib.request.urlopen(page + path) as answer:
            assert answer.status == 200, path
    doctor = wirewatch("doctor", "--quick", home=home, extra=place)
    assert doctor.returncode == 1
    assert "storage.reserve" in doctor.stdout
    while "nothing is polled until there is room" not in daemon.told_status():
        pass
    # Looks that were under way have ended by now; a second more of ticks brings none.
    before = len(server.requests)
    with suppress(subprocess.TimeoutExpired):
        daemon.process.wait(1.2)
    assert len(server.requests) == before


def test_room_is_counted_with_a_little_to_spare(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    with memory(disk):
        free = Room(disk / "wirewatch.db", 1)
        assert free.look() is None
        assert Room(None, 10**15).look() is None
        assert Room(disk / "wirewatch.db", 0).look() is None
        held = Room(disk / "wirewatch.db", 10**15)
        assert "storage.reserve" in (held.look() or "")
        assert held.lack == held.look()
