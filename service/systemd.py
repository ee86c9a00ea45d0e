"""What the service manager is told: readiness, status, watchdog, reload and stop (``sd_notify(3)``).

The protocol is one datagram to an AF_UNIX socket, so no library is needed; outside systemd every call
does nothing. A socket that nobody reads fills up after some ten datagrams: what may be said again later is
dropped then, and what the manager waits for is tried for a second, so that no listener holds up the daemon.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping

_MICROSECONDS = 1_000_000
_FIRST_SOCKET = 3  # SD_LISTEN_FDS_START
_PATIENCE = 1.0  # seconds for a word that is said once


class Notifier:
    """Speaks to the service manager named by ``NOTIFY_SOCKET``, or to nobody."""

    def __init__(self, environ: Mapping[str, str] | None = None, *, patience: float = _PATIENCE) -> None:
        self._patience = patience
        environ = os.environ if environ is None else environ
        address = environ.get("NOTIFY_SOCKET", "")
        # An abstract socket is written with "@", and has a leading NUL for the kernel (unix(7)).
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._watchdog = _watchdog_seconds(environ)

    @property
    def watchdog(self) -> float | None:
        """Seconds within which a ping is expected (``WatchdogSec``), or None when none is."""
        return self._watchdog

    def ready(self, status: str) -> None:
        """The schema is right and the scheduler turns."""
        self._send(f"READY=1\nSTATUS={_one_line(status)}")

    def status(self, status: str) -> None:
        """One line for ``systemctl status``."""
        self._send(f"STATUS={_one_line(status)}", patience=0)

    def reloading(self) -> None:
        """A reload has begun; ``ready`` ends it (Type=notify-reload wants the monotonic time)."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self, within: float) -> None:
        """The orderly stop has begun, and takes up to so many seconds, whatever ``TimeoutStopSec`` says."""
        usec = int(within * _MICROSECONDS)
        self._send(f"STOPPING=1\nEXTEND_TIMEOUT_USEC={usec}\nSTATUS=finishing what is in hand")

    def extend_timeout(self, seconds: float) -> None:
        """Ask for more time, as a long migration needs at the start."""
        self._send(f"EXTEND_TIMEOUT_USEC={int(seconds * _MICROSECONDS)}")

    def ping(self) -> None:
        """Still making progress; sent only while that is true."""
        self._send("WATCHDOG=1")

    def _send(self, message: str, *, patience: float | None = None) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
                channel.settimeout(self._patience if patience is None else patience)
                channel.connect(self._address)
                channel.sendall(message.encode())
        except OSError:
            # The manager has gone, refuses or does not read: no work depends on being heard.
            return


def inherited_sockets(environ: Mapping[str, str]) -> list[socket.socket]:
    """The listening sockets that the service manager opened for this process (sd_listen_fds(3))."""
    if environ.get("LISTEN_PID") != str(os.getpid()):
        return []
    try:
        count = int(environ.get("LISTEN_FDS", "0"))
    except ValueError:
        return []
    descriptors = range(_FIRST_SOCKET, _FIRST_SOCKET + count)
    for descriptor in descriptors:
        os.set_inheritable(descriptor, False)
    return [socket.socket(fileno=descriptor) for descriptor in descriptors]


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _watchdog_seconds(environ: Mapping[str, str]) -> float | None:
    """``WATCHDOG_USEC`` where it is meant for this process (``WATCHDOG_PID``), in seconds."""
    if environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    try:
        microseconds = int(environ.get("WATCHDOG_USEC", "0"))
    except ValueError:
        return None
    return microseconds / _MICROSECONDS if microseconds > 0 else None
