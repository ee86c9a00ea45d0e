"""Who polls the farm: Wirewatch as a daemon and as one command, and the programs it is measured beside.

A peer looks at every feed once and keeps what it finds, with what it comes with and as its documentation
says. What is counted is its CPU, user and system, with all its children: of a whole process from its start,
and of a running daemon from the moment on which everything is due until everything was looked at.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from models import migrate, sources
from models.database import open_database
from models.records import SourceSpec
from service.clean.urls import registrable_domain

TIMEOUT = 1800.0  # seconds that one round of one peer may take


@dataclass(frozen=True, slots=True)
class Run:
    """One look at every feed: seconds of CPU and of the clock, and MB of the largest process."""

    cpu: float
    wall: float
    peak: float


class Peer:
    """A whole process a round. Subclasses say what to run and what it kept."""

    name = ""

    def __init__(self, folder: Path, urls: Sequence[str], bundle: Path) -> None:
        self.folder = folder
        self.urls = urls
        self.environ = {
            **os.environ,
            "SSL_CERT_FILE": str(bundle),
            "CURL_CA_BUNDLE": str(bundle),
            "REQUESTS_CA_BUNDLE": str(bundle),
            "HOME": str(folder),
        }
        folder.mkdir(parents=True, exist_ok=True)
        self.prepare()

    def prepare(self) -> None:
        """Make what is there before the first round."""

    def command(self) -> list[str]:
        """What looks at every feed once."""
        raise NotImplementedError

    def stored(self) -> int:
        """How many entries it keeps."""
        raise NotImplementedError

    def run(self) -> Run:
        """One round."""
        return _whole(self.command(), self.environ, self.folder)

    def close(self) -> None:
        """End what still runs."""


class Wirewatch(Peer):
    """One command, ``wirewatch poll``: its start is counted."""

    name = "wirewatch poll"

    def prepare(self) -> None:
        self.database = self.folder / "wirewatch.db"
        self.config = self.folder / "wirewatch.toml"
        self.config.write_text(
            f'database = "{self.database}"\n'
            "[http]\nallow_private_networks = true\nper_host = 64\ngap = '0s'\n"
            "[schedule]\ntick = '50ms'\nfetches = 64\n"
            "[web]\nenabled = false\n[seeds]\nimport = false\n[log]\nlevel = 'WARNING'\n"
        )
        database = open_database(self.database)
        migrate.migrate(database)
        specs = [(SourceSpec(url), registrable_domain(url)) for url in self.urls]
        sources.add_all(specs, now=_long_ago())
        database.close()

    def command(self) -> list[str]:
        return [sys.executable, "-m", "service.cli", "--config", str(self.config), "poll"]

    def run(self) -> Run:
        self._all_due()
        return super().run()

    def stored(self) -> int:
        return _count(self.database, "SELECT count(*) FROM article")

    def _all_due(self) -> float:
        """Have everything due; gives the moment as the database keeps it."""
        now = time.time()
        with sqlite3.connect(self.database, timeout=60) as connection:
            connection.execute("UPDATE source SET next_poll_at = 0, not_before = NULL")
        connection.close()
        return now


class Daemon(Wirewatch):
    """The daemon, already standing when everything comes due; the first import is one command's."""

    name = "wirewatch run"

    def prepare(self) -> None:
        super().prepare()
        self._process: subprocess.Popen[bytes] | None = None
        self._first = True

    def run(self) -> Run:
        if self._first:  # a daemon spreads new feeds over minutes
            self._first = False
            return super().run()
        if self._process is None:
            command = [*self.command()[:-1], "run"]
            log = (self.folder / "log").open("w")
            self._process = subprocess.Popen(command, env=self.environ, stdout=log, stderr=log)
            _until(self._sleeping)
            self._warm_up()
        process = self._process
        before, begun = _spent(process.pid), time.monotonic()
        due = self._all_due()
        _until(lambda: self._looked_since(due))
        wall = time.monotonic() - begun
        _until(self._sleeping)
        after = _spent(process.pid)
        return Run(after[0] - before[0], wall, after[1])

    def _warm_up(self) -> None:
        """Have a few bodies read before anything is counted, so that the workers have started."""
        due = time.time()
        with sqlite3.connect(self.database, timeout=60) as connection:
            connection.execute(
                "UPDATE source SET next_poll_at = 0, etag = NULL, last_modified = NULL, body_hash = NULL "
                "WHERE id <= 8"
            )
        connection.close()
        question = f"SELECT count(*) FROM source WHERE id <= 8 AND last_polled_at < {due * 1e6:.0f}"
        _until(lambda: _count(self.database, question) == 0)
        _until(self._sleeping)

    def _looked_since(self, moment: float) -> bool:
        question = (
            f"SELECT count(*) FROM source WHERE next_poll_at = 0 OR last_polled_at < {moment * 1e6:.0f}"
        )
        return _count(self.database, question) == 0

    def _sleeping(self) -> bool:
        """Whether it has next to nothing to do: it turns, and writes down what it has met."""
        process = self._process
        if process is None or process.poll() is not None:
            raise RuntimeError("the daemon has ended: see its log")
        before = _spent(process.pid)[0]
        time.sleep(0.5)
        return _spent(process.pid)[0] - before < 0.05  # seconds of CPU

    def close(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(60)
            self._process = None


class Script(Peer):
    """A peer that is a few lines of Python, run by the interpreter that has its libraries."""

    text = ""
    database = "peer.db"
    question = ""

    def command(self) -> list[str]:
        (self.folder / "urls").write_text("\n".join(self.urls))
        script = self.folder / "peer.py"
        script.write_text(self.text)
        return [os.environ.get("WIREWATCH_PEERS_PYTHON", sys.executable), str(script)]

    def stored(self) -> int:
        return _count(self.folder / self.database, self.question)


class Reader(Script):
    """lemon24/reader, with eight threads."""

    name = "reader"
    question = "SELECT count(*) FROM entries"
    text = """
import sys
from reader import make_reader
reader = make_reader("peer.db")
for url in open("urls").read().split():
    reader.add_feed(url, exist_ok=True)
reader.update_feeds(workers=8, scheduled=False)
"""


class Naive(Script):
    """What one would write in an hour: requests, feedparser and sqlite3."""

    name = "naive script"
    question = "SELECT count(*) FROM entry"
    text = """
import sqlite3, feedparser, requests
base = sqlite3.connect("peer.db")
base.execute("create table if not exists feed (url text primary key, etag text, modified text)")
base.execute("create table if not exists entry (feed text, id text, title text, link text, date text, "
             "body text, primary key (feed, id))")
session = requests.Session()
for url in open("urls").read().split():
    known = base.execute("select etag, modified from feed where url = ?", (url,)).fetchone() or (None, None)
    headers = {}
    if known[0]: headers["If-None-Match"] = known[0]
    if known[1]: headers["If-Modified-Since"] = known[1]
    answer = session.get(url, headers=headers, timeout=30)
    if answer.status_code == 304:
        continue
    parsed = feedparser.parse(answer.content)
    for one in parsed.entries:
        body = one.content[0].value if "content" in one else one.get("summary", "")
        base.execute("insert or ignore into entry values (?, ?, ?, ?, ?, ?)", (url, one.get("id") or
                     one.get("link"), one.get("title"), one.get("link"), one.get("published"), body))
    base.execute("replace into feed values (?, ?, ?)", (url, answer.headers.get("ETag"),
                 answer.headers.get("Last-Modified")))
    base.commit()
"""


class Newsboat(Peer):
    """newsboat, with its own database."""

    name = "newsboat"

    def prepare(self) -> None:
        (self.folder / "urls").write_text("\n".join(self.urls))
        (self.folder / "config").write_text(
            "reload-threads 8\nmax-items 0\nssl-verifyhost no\nssl-verifypeer no\n"
        )

    def command(self) -> list[str]:
        return ["newsboat", "-u", "urls", "-c", "peer.db", "-C", "config", "-x", "reload"]

    def stored(self) -> int:
        return _count(self.folder / "peer.db", "SELECT count(*) FROM rss_item")


class Sfeed(Peer):
    """sfeed with curl, and the ETags that its README tells to keep."""

    name = "sfeed + ETag"

    def prepare(self) -> None:
        feeds = "\n".join(f'  feed "f{number}" "{url}"' for number, url in enumerate(self.urls))
        (self.folder / "etags").mkdir(exist_ok=True)
        (self.folder / "sfeedrc").write_text(
            f'sfeedpath="{self.folder}/feeds"\nmaxjobs=8\n'
            'fetch() {\n  e="etags/$(basename "$1")"\n'
            '  curl -L -f -s --compressed -m 15 --etag-save "$e.new" --etag-compare "$e" "$2" && '
            'if [ -s "$e.new" ]; then mv "$e.new" "$e"; fi\n}\n'
            f"feeds() {{\n{feeds}\n}}\n"
        )

    def command(self) -> list[str]:
        return ["sfeed_update", "sfeedrc"]

    def stored(self) -> int:
        return sum(len(path.read_bytes().splitlines()) for path in (self.folder / "feeds").glob("f*"))


PEERS: tuple[type[Peer], ...] = (Daemon, Wirewatch, Newsboat, Sfeed, Reader, Naive)


def installed(peer: type[Peer]) -> bool:
    """Whether it can run here."""
    programs: Mapping[type[Peer], str] = {Newsboat: "newsboat", Sfeed: "sfeed_update"}
    if peer in programs:
        return shutil.which(programs[peer]) is not None
    if not issubclass(peer, Script):
        return True
    wanted = "import reader" if peer is Reader else "import requests, feedparser"
    python = os.environ.get("WIREWATCH_PEERS_PYTHON", sys.executable)
    return subprocess.run([python, "-c", wanted], capture_output=True, check=False).returncode == 0


def _whole(command: Sequence[str], environ: Mapping[str, str], folder: Path) -> Run:
    """Run a process to its end, and read the kernel's own account of it and its children."""
    cwd = Path.cwd() if "service.cli" in command else folder
    begun, peak = time.monotonic(), 0.0
    with (folder / "log").open("a") as log:
        process = subprocess.Popen(command, env=environ, cwd=cwd, stdout=log, stderr=log)
    while True:
        # The kernel's own maximum would count what this process had in memory when it forked.
        peak = max(peak, _largest(process.pid))
        ended, status, used = os.wait4(process.pid, os.WNOHANG)
        if ended:
            break
        time.sleep(0.05)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        tail = (folder / "log").read_text()[-500:]
        raise RuntimeError(f"{' '.join(command[:3])} ended with {process.returncode}: {tail}")
    return Run(used.ru_utime + used.ru_stime, time.monotonic() - begun, peak)


def _family(pid: int) -> list[Path]:
    """The folders of a process and all below it in ``/proc``."""
    found = [Path(f"/proc/{pid}")]
    for folder in found:
        with suppress(OSError):
            for thread in (folder / "task").iterdir():
                found += [Path(f"/proc/{child}") for child in (thread / "children").read_text().split()]
    return found


def _largest(pid: int) -> float:
    """MB of the largest process, the most it ever had."""
    peak = 0.0
    for folder in _family(pid):
        with suppress(OSError):
            found = re.search(r"VmHWM:\s+(\d+)", (folder / "status").read_text())
            peak = max(peak, int(found[1]) / 1024 if found else 0.0)
    return peak


def _spent(pid: int) -> tuple[float, float]:
    """Seconds of CPU of a process with all its children, the ended ones, too; MB of the largest."""
    ticks = 0
    for folder in _family(pid):
        with suppress(OSError):
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            ticks += sum(map(int, fields[11:15]))  # utime, stime, cutime, cstime: proc(5)
    return ticks / os.sysconf("SC_CLK_TCK"), _largest(pid)


def _until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + TIMEOUT
    while not done():
        if time.monotonic() > end:
            raise RuntimeError(f"it takes longer than {TIMEOUT:.0f} s")
        time.sleep(0.1)


def _count(path: Path, question: str) -> int:
    if not path.exists():
        return 0
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=60)
    try:
        return int(connection.execute(question).fetchone()[0])
    finally:
        connection.close()


def _long_ago() -> datetime:

    return datetime(2026, 1, 1, tzinfo=UTC)
