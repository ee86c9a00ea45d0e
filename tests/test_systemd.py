"""The daemon's words to its service manager, read from a real socket."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from service.systemd import Notifier


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(address)
        channel.settimeout(5)
        yield channel, address


def test_ready_and_status_arrive(manager: tuple[socket.socket, str]) -> None:
    channel, address = manager
    notifier = Notifier({"NOTIFY_SOCKET": address})

    notifier.ready("5 articles,\n 2 sources")
    assert channel.recv(4096) == b"READY=1\nSTATUS=5 articles, 2 sources"
    notifier.ping()
    assert channel.recv(4096) == b"WATCHDOG=1"
    notifier.reloading()
    assert channel.recv(4096).startswith(b"RELOADING=1\nMONOTONIC_USEC=")
    notifier.stopping(20)
    assert channel.recv(4096).startswith(b"STOPPING=1\nEXTEND_TIMEOUT_USEC=20000000\nSTATUS=")
    notifier.extend_timeout(1.5)
    assert channel.recv(4096) == b"EXTEND_TIMEOUT_USEC=1500000"


def test_an_abstract_socket_is_reached() -> None:
    name = f"wirewatch-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind("\0" + name)
        channel.settimeout(5)
        Notifier({"NOTIFY_SOCKET": "@" + name}).status("fine")
        assert channel.recv(4096) == b"STATUS=fine"


def test_without_a_manager_nothing_happens(tmp_path: Path) -> None:
    Notifier({}).ready("fine")
    Notifier({"NOTIFY_SOCKET": str(tmp_path / "nobody")}).ready("fine")


def test_a_manager_that_does_not_read_holds_up_nobody(
    manager: tuple[socket.socket, str],
) -> None:
    """The kernel queues some ten datagrams (net.unix.max_dgram_qlen), then a blocking send waits for ever."""
    channel, address = manager
    notifier = Notifier({"NOTIFY_SOCKET": address}, patience=0.01)
    for number in range(1_000):
        notifier.status(f"report {number}")
    notifier.ready("fine")
    notifier.stopping(20)
    assert channel.recv(4096) == b"STATUS=report 0"

    channel.setblocking(False)
    with suppress(BlockingIOError):
        while channel.recv(4096):
            pass
    notifier.ready("fine")
    assert channel.recv(4096) == b"READY=1\nSTATUS=fine"


@pytest.mark.parametrize(
    ("environ", "seconds"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "many"}, None),
        ({}, None),
    ],
)
def test_the_watchdog_interval(environ: dict[str, str], seconds: float | None) -> None:
    assert Notifier(environ).watchdog == seconds
