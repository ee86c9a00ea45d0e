"""What goes wrong on machines, done to a real daemon: ``python -m tests.benchmarks.conditions [NAME…]``.

A disk that fills up, a file system that the kernel makes read-only, a clock set a day forward and back, a
database that somebody else locks for a minute, sixty-four descriptors. Prints for each what was expected and
what happened. Needs root for the mounts (tmpfs; ext4 on a loop device), and libfaketime for the clock; what
cannot be done here says why.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import resource
import sqlite3
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests import daemon_process
from tests.daemon_process import DaemonProcess, wirewatch
from tests.server import Reply, Server
from tests.test_daemon import declared_feed, feed, settings

_FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")
_DAY = 86_400
Said = Callable[[str], None]


class Impossible(Exception):
    """It cannot be done on this machine."""


class Case:
    """A daemon with one feed that publishes an item whenever it is told to."""

    def __init__(self, home: Path, server: Server, daemon: DaemonProcess, extra: Mapping[str, str]) -> None:
        self.home, self.server, self.daemon, self.extra = home, server, daemon, extra
        self.page = daemon.wait_line("serving the page on").split()[-1]
        daemon.wait_ready()
        self.items = 1

    def found(self, within: float = 30.0) -> str:
        """Publish an item, and say how long it took until it was stored."""
        self.items += 1
        self.server.route("/feed.xml", Reply(body=feed(self.items)))
        began = time.monotonic()
        while time.monotonic() - began < within:
            with contextlib.suppress(OSError, KeyError, ValueError):
                _, report = self.ask("readyz")
                if json.loads(report)["articles"] >= self.items:
                    return f"found after {time.monotonic() - began:.1f} s"
            time.sleep(0.1)
        return f"NOT FOUND within {within:.0f} s"

    def ask(self, path: str = "") -> tuple[int, str]:
        """A page; status and body."""
        try:
            with urllib.request.urlopen(self.page + path, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def answers(self) -> str:
        """Which pages answer how, and in what time."""
        told = []
        for path in ("", "api/v1/articles", "metrics", "healthz", "readyz"):
            began = time.monotonic()
            status, body = self.ask(path)
            reasons = json.loads(body)["reasons"] if path == "readyz" else []
            told.append(
                f"/{path} {status} in {time.monotonic() - began:.2f} s"
                + "".join(f" ({one})" for one in reasons)
            )
        return "; ".join(told)

    def doctor(self) -> str:
        """Its exit code, and what it says is to do."""
        done = wirewatch("doctor", "--quick", "--json", home=self.home, extra=self.extra)
        try:
            found = [one["text"] for one in json.loads(done.stdout)["findings"] if one["level"] == "to do"]
        except ValueError:
            found = [done.stderr.strip()]
        return f"doctor: exit {done.returncode}" + "".join(f"; {one}" for one in found)

    def log(self, pattern: str) -> str:
        """The lines of the log that match: how many, and the first."""
        lines = [line for line in self.daemon.lines if re.search(pattern, line)]
        return (
            f"log: {len(lines)} times {lines[0].partition('  ')[2].strip()[:230]}"
            if lines
            else f"log: no {pattern!r}"
        )


@contextmanager
def running(home: Path, *, extra: Mapping[str, str] | None = None, more: str = "") -> Iterator[Case]:
    """A daemon on loopback; what it says wrongly is printed at the end."""
    with Server() as server:
        server.route("/feed.xml", Reply(body=feed(1)))
        settings(home, declared_feed(server), extra="[seeds]\nimport = false\n" + more)
        with DaemonProcess(home, extra=extra) as daemon:
            case = Case(home, server, daemon, extra or {})
            daemon.wait_line(r"feed\.xml: ok, 1 new")
            yield case
            code = daemon.stop()
            faults = sum("Traceback" in line for line in daemon.lines)
            print(f"    stopped with exit code {code}; tracebacks in the log: {faults}")


# -- the conditions --------------------------------------------------------------------------------------


def full_disk(home: Path, say: Said) -> None:
    """Polling stops, everything else answers, it is said once, and goes on by itself when there is room."""
    disk = _mounted(home, ["-t", "tmpfs", "-o", "size=60m", "tmpfs"])
    try:
        place = {"WIREWATCH_DATABASE": str(disk / "wirewatch.db")}
        with running(home, extra=place, more='[storage]\nreserve = "10MB"\n') as case:
            filler = disk / "filler"
            with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
                while file.write(b"x" * 65536):
                    pass
            case.daemon.wait_line("nothing is polled")
            say(case.answers())
            say(case.doctor())
            before = len(case.server.requests)
            time.sleep(5)
            say(f"requests to the feed in five seconds: {len(case.server.requests) - before}")
            filler.unlink()
            case.daemon.wait_line("there is room again")
            say(f"with room again, a new item: {case.found()}")
            say(case.log("nothing is polled"))
    finally:
        _unmount(disk)


def read_only(home: Path, say: Said) -> None:
    """Nothing can be stored, which is said once; pages answer; after the remount it goes on by itself."""
    image = home / "image"
    with image.open("wb") as file:
        file.truncate(64 << 20)
    _run(["mkfs.ext4", "-q", str(image)])
    disk = _mounted(home, ["-o", "loop", str(image)])
    try:
        place = {"WIREWATCH_DATABASE": str(disk / "wirewatch.db")}
        with running(home, extra=place, more='[storage]\nreserve = "1MB"\n') as case:
            # What the kernel does after an error of the disk (errors=remount-ro): also open files refuse.
            _run(["mount", "-o", "remount,abort", str(disk)])
            case.daemon.wait_line("job tick cannot go on")
            say(case.answers())
            say(case.doctor())
            time.sleep(5)
            say(case.log("job tick cannot go on"))
        _unmount(disk)
        _run(["mount", "-o", "loop", str(image), str(disk)])
        with DaemonProcess(home, extra=place) as again:
            say(f"mounted anew and started again: {again.wait_ready().strip()}")
            again.stop()
    finally:
        _unmount(disk)


def clock(home: Path, say: Said) -> None:
    """Forward: what became due is done once. Back: neither jobs nor sources wait for a day."""
    if not _FAKETIME.exists():
        raise Impossible("needs libfaketime (apt-get install libfaketime)")
    shown = home / "time"
    shown.write_text("+0", encoding="ascii")
    extra = {
        "LD_PRELOAD": str(_FAKETIME),
        "FAKETIME_TIMESTAMP_FILE": str(shown),
        "FAKETIME_CACHE_DURATION": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }
    with running(home, extra=extra) as case:
        for jump, name in (("+1d", "a day forward"), ("+0", "and a day back"), ("-1d", "one more day back")):
            shown.write_text(jump, encoding="ascii")
            say(f"{name}: a new item is {case.found(60)}; /readyz {case.ask('readyz')[0]}")
            case.daemon.wait_line(r"the clock was set (back|forward)")
        say(case.log("the clock was set back"))
        say(case.log("last looked at in the future"))


def locked(home: Path, say: Said) -> None:
    """Pages answer, looks wait; it is said once, and goes on by itself."""
    with running(home) as case:
        database = home / "data" / "wirewatch" / "wirewatch.db"
        with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            began, slowest = time.monotonic(), 0.0
            while (passed := time.monotonic() - began) < 60:
                asked = time.monotonic()
                case.ask()
                slowest = max(slowest, time.monotonic() - asked)
                if 40 < passed < 41:
                    say(f"after 40 s: {case.answers()}")
                time.sleep(0.5)
            other.execute("ROLLBACK")
        say(f"the page meanwhile took {slowest:.2f} s at most")
        say(f"unlocked, a new item is {case.found()}")
        say(case.log("is locked"))
        say(case.log("works again"))


def descriptors(home: Path, say: Said) -> None:
    """It says what is too small and what to do, and works within it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    try:
        with contextlib.ExitStack() as stack:
            server = stack.enter_context(Server())
            sources = []
            for number in range(40):
                server.route(f"/{number}.xml", Reply(body=feed(2, name=f"n{number}")))
                sources.append(declared_feed(server).replace("feed.xml", f"{number}.xml"))
            settings(home, *sources, extra="[seeds]\nimport = false\n")
            daemon = stack.enter_context(DaemonProcess(home))
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE, (64, 64))
            page = daemon.wait_line("serving the page on").split()[-1]
            say(f"ready: {daemon.wait_ready().strip()}")
            time.sleep(20)
            with urllib.request.urlopen(page + "readyz") as answer:
                say(f"/readyz {answer.status}: {json.load(answer)}")
            most = len(list(Path(f"/proc/{daemon.process.pid}/fd").iterdir()))
            limit = resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE)
            say(f"{most} descriptors open, {limit[0]} allowed")
            for pattern in ("may open", "Too many open files", "Traceback"):
                lines = [line for line in daemon.lines if re.search(pattern, line)]
                say(f"log: {len(lines)} times {pattern!r}" + (f": {lines[0].strip()[:240]}" if lines else ""))
            say(f"stopped with exit code {daemon.stop()}")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


_CASES: dict[str, Callable[[Path, Said], None]] = {
    "full disk": full_disk,
    "read-only": read_only,
    "clock": clock,
    "locked": locked,
    "descriptors": descriptors,
}


def main() -> None:
    """Do them, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help=", ".join(_CASES))
    names = parser.parse_args().names or list(_CASES)
    daemon_process.DEADLINE = 300.0  # also where others work on the machine
    for name in names:
        work = _CASES[name]
        print(f"{name}\n    expected: {work.__doc__}", flush=True)
        with tempfile.TemporaryDirectory() as home:
            try:
                work(Path(home), lambda text: print(f"    {text}", flush=True))
            except Impossible as error:
                print(f"    not done: {error}")


# -- mounts ----------------------------------------------------------------------------------------------


def _mounted(home: Path, arguments: list[str]) -> Path:
    disk = home / "disk"
    disk.mkdir()
    _run(["mount", *arguments, str(disk)])
    return disk


def _unmount(disk: Path) -> None:
    subprocess.run(["umount", "-l", str(disk)], check=False, capture_output=True)


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True)
    except OSError as error:
        raise Impossible(f"{command[0]}: {error.strerror}") from error
    if done.returncode:
        raise Impossible(f"{' '.join(command)}: {done.stderr.strip()}")


if __name__ == "__main__":
    main()
