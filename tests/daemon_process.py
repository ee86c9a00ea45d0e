"""A real daemon process for tests: started, listened to, signalled, killed. Nothing here sleeps.

What the daemon says through its notify socket and its log is waited for with a deadline; so a test goes on
the moment something has happened.
"""

from __future__ import annotations

import json
import os
import queue
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

DEADLINE = 30.0  # seconds; only a broken daemon takes so long


def environment(home: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """An environment that knows nothing of this machine's own Wirewatch."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WIREWATCH_")}
    for name in ("STATE_DIRECTORY", "CREDENTIALS_DIRECTORY", "JOURNAL_STREAM", "NOTIFY_SOCKET"):
        kept.pop(name, None)
    kept |= {"HOME": str(home), "XDG_DATA_HOME": str(home / "data"), "NO_COLOR": "1"}
    return kept | dict(extra or {})


def wirewatch(
    *arguments: str, home: Path, extra: Mapping[str, str] | None = None, stdin: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "service.cli", *arguments],
        cwd=home,
        env=environment(home, extra) | {"PYTHONPATH": str(Path(__file__).resolve().parent.parent)},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )


def ask(*arguments: str, home: Path, extra: Mapping[str, str] | None = None) -> Any:
    """Run one command that must succeed with ``--json``, and give what it printed."""
    done = wirewatch(*arguments, "--json", home=home, extra=extra)
    assert done.returncode == 0, f"{arguments}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return json.loads(done.stdout)


class DaemonProcess:
    """``wirewatch run`` (or ``command``) as a child process in ``home``."""

    def __init__(
        self,
        home: Path,
        *,
        command: str = "run",
        arguments: Sequence[str] = (),
        extra: Mapping[str, str] | None = None,
    ) -> None:
        self.home = home
        home.mkdir(parents=True, exist_ok=True)
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        address = f"\0wirewatch-test-{os.getpid()}-{id(self)}"
        self._notify.bind(address)
        self._notify.settimeout(DEADLINE)
        environ = environment(home, extra)
        environ["PYTHONPATH"] = str(Path(__file__).resolve().parent.parent)
        environ["NOTIFY_SOCKET"] = "@" + address[1:]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "service.cli", command, *arguments],
            cwd=home,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.lines: list[str] = []
        self._said: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            self._said.put(line)
        self._said.put(None)

    def wait_ready(self) -> str:
        """Wait for READY=1; gives the status text with it."""
        while True:
            try:
                message = self._notify.recv(65536).decode()
            except TimeoutError as error:
                raise AssertionError("never ready; it said:\n" + "".join(self.lines)) from error
            if "READY=1" in message:
                return message.partition("STATUS=")[2]
            if self.process.poll() is not None:
                raise AssertionError("ended before it was ready; it said:\n" + "".join(self.lines))

    def told_status(self) -> str:
        """The next status text that the service manager is told."""
        while True:
            found = self._notify.recv(65536).decode().partition("STATUS=")[2]
            if found:
                return found

    def wait_line(self, pattern: str) -> str:
        """Wait for a log line that matches, among those not yet waited for."""
        until = time.monotonic() + DEADLINE
        while True:
            try:
                line = self._said.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                line = None
            if line is None:
                raise AssertionError(f"never said {pattern!r}; it said:\n" + "".join(self.lines))
            if re.search(pattern, line):
                return line

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        return self._ended()

    def kill(self) -> None:
        """SIGKILL to the daemon alone: what it leaves behind must find out by itself."""
        self.process.kill()
        self._ended()

    def wait(self) -> int:
        """Wait for it to end by itself."""
        return self._ended()

    def _ended(self) -> int:
        try:
            code = self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            raise AssertionError("did not end; it said:\n" + "".join(self.lines)) from None
        self._notify.close()
        return code

    def __enter__(self) -> DaemonProcess:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self._reader.join(5)
        if self.process.stdout is not None:
            self.process.stdout.close()
        self._notify.close()
