"""One database of `tests.benchmarks.kills`: what works on it, what kills that, and what must hold then."""

from __future__ import annotations

import os
import queue
import random
import signal
import sqlite3
import sys
import time
from collections import Counter
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from models import migrate
from models.database import Database, open_database
from service import backup_archive as archive
from service.application import Application
from service.backup import list_backups
from service.settings import load_settings
from tests.benchmarks.zygote import Zygote
from tests.daemon_process import environment
from tests.hub import PUBLIC, Hub, form_of, rss
from tests.postgres import Server as PostgresServer
from tests.server import Reply, Request, Server
from tests.storage import check_index, check_summaries

PHASES = ("daemon", "poll", "import", "retag", "backup", "migrate")
_WEIGHTS = (30, 20, 20, 12, 8, 10)
_FEEDS, _WINDOW, _AHEAD = 10, 30, 12
_EARLY = 0.4  # of the kills come at a time after the start, the others after so many commits
_PATIENCE = 10.0  # seconds for these
_SHOWN = 2_000  # items of the feed with a hub: what a kill takes with it is found by polling
_OLD = 2_000  # articles in the database that is migrated
_WORDS = ("sanctions", "embargo", "rifles", "ambassador", "summit", "export ban", "ceasefire", "harvest")
_TOPICS = """
format = 1
[[topic]]
name = "sanctions"
description = "Sanctions"
  [[topic.rules]]
  language = "en"
  weight = 6.0
  match = {words}
"""


class Lane:
    """A database and everything around it; a context manager."""

    def __init__(self, home: Path, *, seed: int, postgres: PostgresServer | None) -> None:
        self.home, self.chance, self.postgres = home, random.Random(seed), postgres
        self.counted = Counter[str]()
        self.published = [_WINDOW] * _FEEDS  # how many items each feed has had
        self.files = 0
        self.turns = 0
        self.delivered: list[str] = []  # what a hub's delivery was accepted for
        self._asked: queue.SimpleQueue[dict[str, str]] = queue.SimpleQueue()
        self._pushed = ["first"]
        self._closing = ExitStack()

    def __enter__(self) -> Self:
        self.server = self._closing.enter_context(Server())
        self.zygote = Zygote()
        self._closing.callback(self.zygote.close)
        self.inbox, self.archive = self.home / "inbox", self.home / "archive"
        for folder in (self.inbox, self.archive, self.home / "old"):
            folder.mkdir()
        self.address = self.postgres.create() if self.postgres else str(self.home / "wirewatch.db")
        self.old_address = ""
        self._settings()
        settings = load_settings(
            None, {"HOME": str(self.home), "WIREWATCH_DATABASE": self.address}, self.home
        )
        with Application.open(settings) as application:
            application.synchronise()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.close()

    # -- the world -----------------------------------------------------------------------------------------

    def _settings(self) -> None:
        port = _free_port()
        self.page = f"http://127.0.0.1:{port}"
        sources = [
            f'[[sources]]\nurl = "{self.server.url(f"/{number}")}"\n'
            'schedule = "every 1s"\nallow_private = true\n'
            for number in range(_FEEDS)
        ]
        pushed = self.server.url("/pushed")
        sources.append(f'[[sources]]\nurl = "{pushed}"\nschedule = "every 1s"\nallow_private = true\n')
        sources.append(f'[[sources]]\npath = "{self.inbox}"\nschedule = "every 1s"\n')
        (self.home / "wirewatch.toml").write_text(
            f'[web]\nport = {port}\n[websub]\ncallback_url = "{PUBLIC}"\n'
            '[schedule]\nworkers = 1\ntick = "100ms"\nfloor = "1s"\nceiling = "1m"\n[http]\ngap = "0s"\n'
            f'[folders]\nstill_for = "0s"\n[topics]\nfile = "{self.home / "topics.toml"}"\n'
            f'[backup]\nfolder = "{self.home / "backups"}"\n' + "".join(sources),
            encoding="utf-8",
        )
        self._topics()
        for number in range(_FEEDS):
            self.server.route(f"/{number}", self._feed(number))
        self.server.route("/pushed", lambda _: Reply(body=self._pushed_feed()))
        self.server.route("/hub", self._hub)

    def _topics(self) -> None:
        chosen = self.chance.sample(_WORDS, 4)
        (self.home / "topics.toml").write_text(
            _TOPICS.format(words=str(chosen).replace('"', "'")), encoding="utf-8"
        )

    def _feed(self, number: int) -> Any:
        def answer(_: Request) -> Reply:
            count = self.published[number]
            items = "".join(
                f"<item><guid isPermaLink='false'>{number}-{at}</guid><title>News {at} of {number}</title>"
                f"<link>http://news.example/{number}/{at}</link>"
                f"<description>On {_WORDS[at % len(_WORDS)]}, said delegate {at} of {number}.</description>"
                "</item>"
                for at in range(count - _WINDOW, count)
            )
            body = f'<rss version="2.0"><channel><title>Feed {number}</title>{items}</channel></rss>'
            return Reply(body=body.encode(), etag=f'"{count}"')

        return answer

    def _pushed_feed(self) -> bytes:
        return rss(*self._pushed[-_SHOWN:], hub=self.server.url("/hub"), topic=self.server.url("/pushed"))

    def _hub(self, request: Request) -> Reply:
        self._asked.put(form_of(request))
        return Reply(202)

    def _stir(self, phase: str) -> None:
        """What there is for the next process to do."""
        with open_here(self.address) as database:
            for number in range(_FEEDS):
                if self.published[number] - _validator(database, self.server.url(f"/{number}")) < _AHEAD:
                    self.published[number] += self.chance.randrange(6)
        folder = self.archive if phase == "import" else self.inbox
        for _ in range(40 if phase == "import" else 4):
            self.files += 1
            self._write(folder / f"{self.files}.txt", self.files, "reported")
        if phase == "retag":
            self._topics()
        there = sorted(self.inbox.iterdir())
        for path in self.chance.sample(there, min(2, len(there))):
            self._write(path, int(path.stem), f"corrected for the {self.turns}th time")

    def _write(self, path: Path, number: int, verb: str) -> None:
        path.write_text(
            f"Report {number} on {_WORDS[number % len(_WORDS)]}\n\nThe panel {verb} delivery {number}.\n",
            encoding="utf-8",
        )

    # -- a turn --------------------------------------------------------------------------------------------

    def turn(self) -> None:
        """Begin something, kill it, look."""
        self.turns += 1
        (phase,) = self.chance.choices(PHASES, _WEIGHTS)
        self._stir(phase)
        address = self._make_old() if phase == "migrate" else self.address
        arguments = {"daemon": ["run"], "import": ["import", str(self.archive)]}.get(phase, [phase])
        environ = environment(self.home, {"WIREWATCH_DATABASE": address})
        environ["PYTHONPATH"] = str(Path(__file__).resolve().parents[2])
        log = self.home / "log"
        pid = self.zygote.start(arguments, cwd=self.home, environ=environ, log=log)
        self.counted[f"{phase} started"] += 1
        if phase == "daemon":
            self._deliver(time.monotonic() + self.chance.uniform(0.05, 3.0))
        elif self.chance.random() < _EARLY or phase == "migrate":
            time.sleep(self.chance.uniform(0.05, 3.0))
        self._wait_for_commits(address, pid)
        os.kill(pid, signal.SIGKILL)
        self._count(phase, self.zygote.wait(pid), log.read_text("utf-8", "replace"))
        self._end_orphans(pid)
        if phase == "migrate":
            self._look_at_old()
        self.look()

    def _wait_for_commits(self, address: str, pid: int) -> None:
        """Until the process has stored something so many times, or a while has passed, or it has ended."""
        if self.postgres:
            time.sleep(self.chance.uniform(0.0, 2.0))
            return
        wanted = self.chance.choice((0, 1, 2, 3, 5, 8, 13))
        until = time.monotonic() + _PATIENCE
        with closing(sqlite3.connect(f"file:{address}?mode=ro", uri=True)) as connection:
            last = connection.execute("PRAGMA data_version").fetchone()
            while wanted > 0 and time.monotonic() < until and _runs(pid):
                time.sleep(0.002)
                now = connection.execute("PRAGMA data_version").fetchone()
                wanted, last = wanted - (now != last), now
        time.sleep(self.chance.uniform(0.0, 0.02))

    def _count(self, phase: str, code: int, said: str) -> None:
        if code == -signal.SIGKILL:
            self.counted[f"{phase} killed"] += 1
        elif code == 0:
            self.counted[f"{phase} ended"] += 1
        else:
            self.counted[f"{phase} failed"] += 1
            print(f"{phase} ended with {code}:\n{said[-2000:]}", flush=True, file=sys.stderr)
        assert "Traceback" not in said, said[-4000:]

    def _end_orphans(self, pid: int) -> None:
        """Workers end by themselves when their daemon has gone; those that do not are counted."""
        until = time.monotonic() + 20
        while left := _session(pid):
            if time.monotonic() > until:
                self.counted["= processes that outlived their daemon"] += len(left)
                for one in left:
                    with suppress(ProcessLookupError):
                        os.kill(one, signal.SIGKILL)
                return
            time.sleep(0.02)

    def _deliver(self, until: float) -> None:
        """Be the hub until the time has come: confirm what is asked for, deliver news."""
        hub = Hub(self.server, self.page)
        hub.server.route("/hub", self._hub)
        with hub.client:
            while (left := until - time.monotonic()) > 0:
                try:
                    form = self._asked.get(timeout=min(left, 0.1))
                except queue.Empty:
                    form = None
                with suppress(httpx.HTTPError):
                    if form is not None and hub.verify(form).status_code == 200:
                        self.form = form
                    self._push(hub)

    def _push(self, hub: Hub) -> None:
        if not hasattr(self, "form"):
            return
        name = f"wire {self.turns}-{len(self._pushed)}"
        self._pushed.append(name)
        if hub.deliver(self.form, rss(name)).status_code == 202:
            self.delivered.append(name)

    # -- what must hold ------------------------------------------------------------------------------------

    def stored(self) -> int:
        """How many articles there are."""
        with open_here(self.address) as database:
            return int(database.value("SELECT count(*) FROM article"))

    def look(self) -> None:
        """What must hold after every kill."""
        with open_here(self.address) as database:
            if database.sqlite:
                assert database.rows("PRAGMA quick_check") == [("ok",)]
                with database.transaction():
                    database.execute("INSERT INTO article_search (article_search) VALUES ('integrity-check')")
                _count_indexed(database)
            twice = database.rows("SELECT source_id, guid FROM article WHERE guid IS NOT NULL "
                                  "GROUP BY 1, 2 HAVING count(*) > 1")  # fmt: skip
            assert twice == [], twice
            twice = database.rows("SELECT source_id, path FROM article WHERE path IS NOT NULL "
                                  "GROUP BY 1, 2 HAVING count(*) > 1")  # fmt: skip
            assert twice == [], twice
            off = database.rows(
                "SELECT id, article_count FROM source s WHERE article_count <> "
                "(SELECT count(*) FROM article a WHERE a.source_id = s.id)"
            )
            assert off == [], off
            self._look_at_validators(database)
            self._look_at_files(database)
        check_summaries_of(self.address)
        self.counted["= databases looked at, whole"] += 1

    def _look_at_validators(self, database: Database) -> None:
        for number in range(_FEEDS):
            location = self.server.url(f"/{number}")
            seen = _validator(database, location)
            guids = {
                guid
                for (guid,) in database.rows(
                    "SELECT guid FROM article a JOIN source s ON s.id = a.source_id WHERE location = ?",
                    (location,),
                )
            }
            missing = {f"{number}-{at}" for at in range(seen)} - guids
            assert not missing, (location, seen, missing)

    def _look_at_files(self, database: Database) -> None:
        rows = database.rows(
            "SELECT f.path FROM file f WHERE f.digest IS NOT NULL AND f.reason IS NULL AND NOT EXISTS "
            "(SELECT 1 FROM article a WHERE a.source_id = f.source_id AND a.path = f.path)"
        )
        assert rows == [], rows

    def look_deep(self) -> None:
        """What takes longer: the index word for word, the whole file, the backups."""
        with open_here(self.address) as database:
            check_index(database)
        for backup in list_backups(self.home / "backups"):
            self.counted["= backups in place"] += 1
            assert backup.manifest is not None, backup.trouble
            with archive.opened(backup.path) as opened:
                opened.verify()
        self.counted["= looked at word for word"] += 1

    def finish(self) -> None:
        """Everything looked at once more, and nobody killed: then all is there, once."""
        environ = environment(self.home, {"WIREWATCH_DATABASE": self.address})
        environ["PYTHONPATH"] = str(Path(__file__).resolve().parents[2])
        log = self.home / "log"
        with open_here(self.address) as database, database.transaction():
            # As ten minutes do, or the daemon at its start: what the killed had in hand is free again.
            database.execute("UPDATE source SET lease_owner = NULL, lease_until = NULL")
        pushed = self.server.url("/pushed")
        for arguments in (["poll"], ["poll", pushed, "--force"], ["import", str(self.archive)]):
            pid = self.zygote.start(arguments, cwd=self.home, environ=environ, log=log)
            code = self.zygote.wait(pid)
            assert code == 0, log.read_text("utf-8", "replace")
            self._end_orphans(pid)
        self.look()
        self.look_deep()
        with open_here(self.address) as database:
            guids = {row[0] for row in database.rows("SELECT guid FROM article")}
            paths = int(database.value("SELECT count(DISTINCT path) FROM article WHERE path IS NOT NULL"))
        lost = [f"{number}-{at}" for number in range(_FEEDS) for at in range(self.published[number])
                if f"{number}-{at}" not in guids]  # fmt: skip
        assert not lost, lost
        assert paths >= self.files, (paths, self.files)
        self.counted["= items published by feeds, all stored once"] += sum(self.published)
        self.counted["= files written, all stored once"] += self.files
        self.counted["= deliveries accepted from hubs, all stored once"] += len(self.delivered)
        lost = [name for name in self.delivered if name not in guids]
        assert not lost, lost

    # -- a database of the first schema --------------------------------------------------------------------

    def _make_old(self) -> str:
        if self.old_address and self.postgres:
            self.postgres.drop(self.old_address)
        self.old_address = (
            self.postgres.create(template="template0") if self.postgres else self._empty_place()
        )
        with open_here(self.old_address) as database:
            _fill_old(database)
        return self.old_address

    def _empty_place(self) -> str:
        for path in (self.home / "old").iterdir():
            path.unlink()
        return str(self.home / "old" / "old.db")

    def _look_at_old(self) -> None:
        """Of the first schema still, or of the newest (PostgreSQL: or between): with all articles."""
        with open_here(self.old_address) as database:
            version = migrate.schema_version(database)
            assert database.value("SELECT count(*) FROM article") == _OLD
            if database.sqlite:
                assert version in (migrate.known()[0], migrate.known()[-1]), version
                assert database.rows("PRAGMA integrity_check") == [("ok",)]
            else:
                # There each step is a transaction of its own; the next `migrate` goes on after the last.
                migrate.migrate(database)
            if version == migrate.known()[-1]:
                migrate.check(database)
                check_index(database)
                self.counted["= migrations found done"] += 1
            else:
                self.counted["= migrations found not begun"] += 1


def open_here(address: str) -> Any:
    """A database for a ``with``, closed at its end."""
    stack = ExitStack()
    database = open_database(address, busy_timeout=30)
    stack.callback(database.close)
    stack.enter_context(database.session())

    class _Opened:
        def __enter__(self) -> Database:
            return database

        def __exit__(self, *_: object) -> None:
            stack.close()

    return _Opened()


def check_summaries_of(address: str) -> None:
    """As `tests.storage.check_summaries`, on a database of its own."""
    with open_here(address) as database:
        check_summaries(database)


def _count_indexed(database: Database) -> None:
    """As many documents in the full-text index as there are articles: each has words here."""
    database.execute("CREATE VIRTUAL TABLE temp.found USING fts5vocab('main', 'article_search', 'instance')")
    indexed = database.value("SELECT count(DISTINCT doc) FROM temp.found")
    database.execute("DROP TABLE temp.found")
    assert indexed == database.value("SELECT count(*) FROM article"), indexed


def _validator(database: Database, location: str) -> int:
    found = database.value("SELECT etag FROM source WHERE location = ?", (location,))
    return int(found.strip('"')) if found else 0


def _fill_old(database: Database) -> None:
    with database.transaction():
        migrate.make(database, migrate.known()[0])
        vector = "" if database.sqlite else ", search"
        value = "" if database.sqlite else ", to_tsvector('wirewatch', 'panel')"
        database.execute(
            "INSERT INTO source (location, kind, schedule, options, declared, state, host, created_at) "
            "VALUES ('x', 'feed', 'adaptive', '{}', FALSE, 'active', '', 0)"
        )
        database.executemany(
            "INSERT INTO article (source_id, position, key, title, title_made, seen_at, content_hash, "
            f"categories, enclosures, cuts, text{vector}) VALUES (1, ?, ?, 'Panels', FALSE, 0, ?, "
            f"'[]', '[]', '[]', 'The panel met.'{value})",
            [(number << 20, f"k{number}", f"h{number}") for number in range(1, _OLD + 1)],
        )
        if database.sqlite:
            database.executemany(
                "INSERT INTO article_search (rowid, title, text) VALUES (?, 'Panels', 'The panel met.')",
                [(number << 20,) for number in range(1, _OLD + 1)],
            )


def _free_port() -> int:
    import socket  # noqa: PLC0415

    with socket.socket() as channel:
        channel.bind(("127.0.0.1", 0))
        return int(channel.getsockname()[1])


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _session(pid: int) -> list[int]:
    """The processes of a session that still run."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            words = path.read_text().rpartition(")")[2].split()
            if int(words[3]) == pid and words[0] != "Z":
                found.append(int(path.parent.name))
    return found
