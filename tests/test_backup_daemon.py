"""Show 5: a backup is taken while a real daemon imports, and restored elsewhere it is that very moment."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from models import labels, migrate
from models.database import Database, open_database
from service.restore import Places, restore
from tests.daemon_process import DaemonProcess, ask
from tests.polling import TOPICS
from tests.postgres import Server as PostgresServer
from tests.server import Reply, Request, Server
from tests.storage import NOW, check_index, check_summaries, contents

FEEDS, STEP, SHOWN, FILES = 3, 15, 60, 200
ENTRY = (
    "<item><guid isPermaLink='false'>{0}</guid><title>Delegate {0} on sanctions</title>"
    "<description>The council renewed the sanctions on arms, said delegate {0}.</description></item>"
)


class Growing:
    """A feed that has some entries more whenever it is asked; its validator says how many there are."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, request: Request) -> Reply:
        self.count += STEP
        entries = "".join(ENTRY.format(n) for n in range(max(0, self.count - SHOWN), self.count))
        body = f"<rss version='2.0'><channel><title>Growing</title>{entries}</channel></rss>"
        return Reply(body=body.encode(), etag=f'"{self.count}"')


@dataclass(frozen=True)
class Databases:
    """The databases of one engine: the daemon's, and those to restore to."""

    url: str
    elsewhere: tuple[str, str]


@pytest.fixture(params=["sqlite", "postgresql"])
def databases(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Databases]:
    if request.param == "sqlite":
        yield Databases(str(tmp_path / "wirewatch.db"), (str(tmp_path / "1.db"), str(tmp_path / "2.db")))
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    made = [server.create(template="template0") for _ in range(3)]
    yield Databases(made[0], (made[1], made[2]))
    for address in made:
        server.drop(address)


def prepare(home: Path, server: Server) -> None:
    """Feeds that grow at each look, and a folder of many files."""
    inbox = home / "inbox"
    inbox.mkdir(parents=True)
    for n in range(FILES):
        (inbox / f"{n}.txt").write_text(f"Report {n} on sanctions\n\nThe sanctions were renewed {n} times.\n")
    (home / "topics.toml").write_text(TOPICS)
    text = (
        '[web]\nenabled = false\n[schedule]\ntick = "100ms"\nworkers = 1\n[http]\ngap = "0s"\nper_host = 8\n'
        f'[folders]\nstill_for = "0s"\n[topics]\nfile = "{home}/topics.toml"\n'
        f'[[sources]]\npath = "{inbox}"\n'
    )
    for n in range(FEEDS):
        server.route(f"/{n}.xml", Growing())
        text += (
            f'[[sources]]\nurl = "{server.url(f"/{n}.xml")}"\nschedule = "every 1s"\nallow_private = true\n'
        )
    (home / "wirewatch.toml").write_text(text)


def test_a_backup_is_one_moment_of_an_import(tmp_path: Path, databases: Databases) -> None:
    home = tmp_path / "home"
    extra = {"WIREWATCH_DATABASE": databases.url}
    with Server() as server:
        prepare(home, server)
        made = []
        with DaemonProcess(home, extra=extra) as daemon:
            daemon.wait_ready()
            live = open_database(databases.url)
            for value in (-1, 1):
                for _ in range(3):
                    daemon.wait_line(r"\.xml: ok, \d+ new")
                labels.set_verdict(2, "sanctions", value, "ann", NOW)
                folder = str(tmp_path / "kept")
                made.append(ask("backup", "--to", folder, "--no-rotate", home=home, extra=extra))
                labels.set_verdict(3, "sanctions", value, "ann", NOW)
            daemon.wait_line(r"\.xml: ok, \d+ new")
            daemon.wait_line(r"\.xml: ok, \d+ new")
            assert daemon.stop() == 0
            assert not [line for line in daemon.lines if "ERROR" in line or "locked" in line]
    last = contents(live)
    live.close()
    numbers: list[int] = []
    for backup, place in zip(made, databases.elsewhere, strict=True):
        restore(Path(backup["path"]), Places(place, tmp_path / f"l{len(numbers)}"), now=NOW, fresh=True)
        again = open_database(place)
        try:
            migrate.check(again)
            check_index(again)
            check_summaries(again)
            rows = contents(again)
            check_moment(again, rows, last)
            assert {name: len(found) for name, found in rows.items()} == backup["rows"]
        finally:
            again.close()
        numbers.append(len(rows["article"]))
    assert 3 * STEP <= numbers[0] < numbers[1] < len(last["article"])


def check_moment(database: Database, rows: dict[str, list[Any]], last: dict[str, list[Any]]) -> None:
    """What came by then is there as it still is, nothing of what came later, and the sources' state fits."""
    newest = max(row[0] for row in rows["article"])
    for table in ("article", "tag", "near_miss"):
        by_rules = {*range(1, newest + 1)} - ({2, 3} if table == "tag" else set())
        found = [row for row in rows[table] if row[0] in by_rules]
        assert found == [row for row in last[table] if row[0] in by_rules], table
    # Of each pair of verdicts, the one before the backup is in it, and the one after is not.
    given = [row for row in rows["verdict"] if row[1] == 2]
    assert len(rows["verdict"]) == 2 * len(given) - 1
    with database.session():
        sources = database.rows("SELECT id, kind, etag, article_count FROM source")
        keys = defaultdict(set)
        for source, key in database.rows("SELECT source_id, key FROM article"):
            keys[source].add(key)
        news = dict(database.rows("SELECT source_id, sum(new) FROM poll GROUP BY source_id"))
        read = database.rows("SELECT count(*) FROM file WHERE digest IS NOT NULL AND reason IS NULL")
        held = database.rows(
            "SELECT count(*) FROM file f JOIN article a ON a.source_id = f.source_id AND a.path = f.path"
        )
    assert read == held
    for source, kind, etag, count in sources:
        assert count == len(keys[source])
        if kind == "feed":
            seen = json.loads(etag or '"0"')
            assert len(keys[source]) == int(seen) == int(news.get(source, 0))
