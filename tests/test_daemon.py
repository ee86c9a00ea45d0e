"""The daemon as a user meets it: a real process, real signals, a real feed server, a real folder."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.daemon_process import DaemonProcess, ask, wirewatch
from tests.postgres import Server as PostgresServer
from tests.server import Reply, Server

pytestmark = pytest.mark.long

ENTRIES, FEEDS = 1_000, 20
REPORT = """Council Extends Arms Embargo Against Both Parties

The Security Council on Tuesday extended the embargo on arms for another year, after a day of talks.

The panel of experts that watches over it had reported more than forty deliveries of weapons.
"""


def feed(count: int, *, name: str = "item") -> bytes:
    """A feed of so many items, their guids beginning with ``name``."""
    items = "".join(
        f"<item><guid isPermaLink='false'>{name}-{n}</guid><title>Item number {n}</title>"
        f"<link>http://news.example/{name}/{n}</link>"
        f"<pubDate>Tue, 18 Jun 2024 {n // 60 % 24:02}:{n % 60:02}:00 GMT"
        f"</pubDate><description>The council renewed the sanctions, said delegate {n}.</description></item>"
        for n in range(count)
    )
    channel = f"<title>A feed</title><link>http://news.example/</link>{items}"
    return f'<?xml version="1.0"?><rss version="2.0"><channel>{channel}</channel></rss>'.encode()


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


def settings(home: Path, *sources: str, extra: str = "") -> None:
    """Write ``wirewatch.toml`` with quick turns and without the page's usual port."""
    home.mkdir(parents=True, exist_ok=True)
    text = (
        '[web]\nport = 0\n[schedule]\ntick = "100ms"\nworkers = 1\n[http]\ngap = "0s"\n'
        '[folders]\nstill_for = "0s"\n' + extra + "".join(f"\n[[sources]]\n{source}\n" for source in sources)
    )
    (home / "wirewatch.toml").write_text(text, encoding="utf-8")


def declared_feed(server: Server) -> str:
    return f'url = "{server.url("/feed.xml")}"\nschedule = "every 1s"\nallow_private = true'


def test_the_first_start_gives_five_tagged_seeds_and_a_page(tmp_path: Path) -> None:
    settings(tmp_path)
    with DaemonProcess(tmp_path) as daemon:
        page = daemon.wait_line("serving the page on").split()[-1]
        assert "5 articles" in daemon.wait_ready()
        articles = ask("articles", home=tmp_path)
        assert len(articles) == 5
        for article in articles:
            assert {tag["topic"] for tag in article["tags"]} == {"sanctions", "arms", "diplomacy"}
        with urllib.request.urlopen(page) as answer:
            assert "Bonding Over Shared Love of Sanctions" in answer.read().decode()
        with urllib.request.urlopen(page + "readyz") as answer:
            assert answer.status == 200
        assert daemon.stop() == 0
    with DaemonProcess(tmp_path) as again:
        assert "5 articles" in again.wait_ready()
        again.signal(signal.SIGINT)
        assert again.wait() == 0


def test_a_second_daemon_on_the_same_file_is_refused(tmp_path: Path) -> None:
    settings(tmp_path)
    with DaemonProcess(tmp_path) as daemon:
        daemon.wait_ready()
        second = wirewatch("run", home=tmp_path)
        assert second.returncode == 5
        assert f"another wirewatch daemon (process {daemon.process.pid})" in second.stderr
        assert "Traceback" not in second.stderr
        assert daemon.stop() == 0


def test_a_new_item_and_a_new_file_are_found_within_one_interval(tmp_path: Path, server: Server) -> None:
    folder = tmp_path / "inbox"
    folder.mkdir()
    server.route("/feed.xml", Reply(body=feed(3)))
    settings(tmp_path, declared_feed(server), f'path = "{folder}"\nschedule = "every 1s"')
    with DaemonProcess(tmp_path) as daemon:
        daemon.wait_ready()
        daemon.wait_line(r"feed\.xml: ok, 3 new")
        server.route("/feed.xml", Reply(body=feed(4)))
        daemon.wait_line(r"feed\.xml: ok, 1 new")
        (folder / "report.txt").write_text(REPORT)
        daemon.wait_line(r"inbox: ok, 1 new")
        titles = {article["title"] for article in ask("articles", home=tmp_path)}
        assert {"Item number 3", "Council Extends Arms Embargo Against Both Parties"} <= titles
        (folder / "report.txt").write_text(REPORT.replace("extended the embargo", "lifted the embargo"))
        daemon.wait_line(r"inbox: ok, 0 new, 1 changed")
        assert daemon.stop() == 0
    assert len(ask("articles", "--source", "*inbox", home=tmp_path)) == 1
    with sqlite3.connect(_database(tmp_path)) as connection:
        polls = connection.execute(
            "SELECT kind, sum(new), sum(changed) FROM poll JOIN source ON source.id = source_id GROUP BY kind"
        ).fetchall()
    assert sorted(polls) == [("feed", 4, 0), ("folder", 1, 1)]  # the log of polls says what came


def test_what_fails_is_recorded_and_the_rest_goes_on(tmp_path: Path, server: Server) -> None:
    server.route("/feed.xml", Reply(body=feed(2)))
    server.route(
        "/page", Reply(body=b"<!doctype html><title>Log in</title><p>Hello", content_type="text/html")
    )
    server.route("/cut", Reply(body=b"<?xml version='1.0'?><rss><channel><item><tit"))
    sources = [declared_feed(server)]
    sources += [declared_feed(server).replace("feed.xml", name) for name in ("page", "cut", "nothing")]
    settings(tmp_path, *sources, f'path = "{tmp_path / "gone"}"\nschedule = "every 1s"')
    with DaemonProcess(tmp_path) as daemon:
        daemon.wait_ready()
        expected = {"ok, 2 new", "not_a_feed", "malformed", "not_found", "missing"}
        while expected:
            line = daemon.wait_line("|".join(expected))
            expected -= {word for word in expected if word in line}
        assert daemon.stop() == 0
    states = {
        source["location"].rpartition("/")[2]: source["last_reason"]
        for source in ask("sources", "list", home=tmp_path)
    }
    assert states["feed.xml"] is None
    assert states["page"] == "not_a_feed"
    assert states["cut"] == "malformed"
    assert states["nothing"] == "not_found"
    assert states["gone"] == "missing"


def test_a_reload_takes_over_sources_and_keeps_all_where_the_file_is_wrong(
    tmp_path: Path, server: Server
) -> None:
    server.route("/feed.xml", Reply(body=feed(1)))
    settings(tmp_path)
    with DaemonProcess(tmp_path) as daemon:
        daemon.wait_ready()
        settings(tmp_path, declared_feed(server))
        daemon.signal(signal.SIGHUP)
        daemon.wait_line(r"feed\.xml: ok, 1 new")
        (tmp_path / "wirewatch.toml").write_text("[web]\nprt = 1\n", encoding="utf-8")
        daemon.signal(signal.SIGHUP)
        assert "prt" in daemon.wait_line("not reloaded")
        # `systemctl status` says so, too.
        while "the last reload was refused: " not in daemon.wait_ready():
            pass
        settings(tmp_path)
        daemon.signal(signal.SIGHUP)
        daemon.wait_line("declared source paused")
        daemon.wait_line("reloaded")
        assert "refused" not in daemon.wait_ready()
        assert daemon.stop() == 0
    (source,) = [one for one in ask("sources", "list", home=tmp_path) if "feed.xml" in one["location"]]
    assert source["state"] == "paused"
    assert len(ask("articles", "--source", "*feed.xml", home=tmp_path)) == 1


def test_a_topics_file_that_breaks_leaves_the_last_good_one_in_force(tmp_path: Path) -> None:
    topics = tmp_path / "topics.toml"
    rain = (
        'format = 1\n[[topic]]\nname = "rain"\ndescription = "Rain."\n'
        '[[topic.rules]]\nweight = 5.0\nmatch = ["rain"]\n'
    )
    topics.write_text(rain, encoding="utf-8")
    folder = tmp_path / "inbox"
    folder.mkdir()
    settings(
        tmp_path,
        f'path = "{folder}"\nschedule = "every 1s"',
        extra=f'[seeds]\nimport = false\n[topics]\nfile = "{topics}"\n',
    )
    with DaemonProcess(tmp_path) as daemon:
        daemon.wait_ready()
        topics.write_text(rain.replace('rain"]', '(rain"]'), encoding="utf-8")
        daemon.signal(signal.SIGHUP)
        assert "topics.toml" in daemon.wait_line("not reloaded")
        (folder / "weather.txt").write_text(
            "Rain in the North, and More Rain to Come\n\nIt will rain until May.\n"
        )
        daemon.wait_line("inbox: ok, 1 new")
        assert daemon.stop() == 0
    done = wirewatch("articles", "--json", home=tmp_path)
    assert [tag["topic"] for tag in json.loads(done.stdout)[0]["tags"]] == ["rain"]


def test_killed_at_any_moment_every_article_is_there_once(tmp_path: Path, server: Server) -> None:
    """Ten kills in the import of a thousand items of twenty feeds; nothing lost, nothing doubled."""
    sources = []
    for number in range(FEEDS):
        server.route(f"/{number}.xml", Reply(body=feed(ENTRIES // FEEDS, name=f"feed-{number}")))
        sources.append(declared_feed(server).replace("feed.xml", f"{number}.xml"))
    settings(tmp_path, *sources, extra="[seeds]\nimport = false\n")
    chance = random.Random(20240618)
    counts = []
    for turn in range(10):
        with DaemonProcess(tmp_path) as daemon:
            daemon.wait_ready()
            for _ in range(min(turn, 1) + chance.randrange(2)):
                daemon.wait_line(r"\.xml: (ok|not_modified)")
            # Somewhere in what comes next: the moment of a kill is a matter of time by nature.
            with suppress(subprocess.TimeoutExpired):
                daemon.process.wait(chance.uniform(0.0, 0.08))
            daemon.kill()
        counts.append(_stored(tmp_path))
    with DaemonProcess(tmp_path) as daemon:
        daemon.wait_ready()
        waiting = {f"/{number}.xml: " for number in range(FEEDS)}
        while waiting:
            line = daemon.wait_line(r"\.xml: (ok|not_modified)")
            waiting = {name for name in waiting if name not in line}
        assert daemon.stop() == 0
    print("stored after each kill:", counts)
    assert counts == sorted(counts)
    with sqlite3.connect(_database(tmp_path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows = connection.execute("SELECT source_id, guid, count(*) FROM article GROUP BY 1, 2").fetchall()
        found = connection.execute(
            "SELECT count(*) FROM article_search WHERE article_search MATCH 'delegate'"
        ).fetchone()
    assert len(rows) == ENTRIES
    assert {row[2] for row in rows} == {1}
    assert found == (ENTRIES,)


def test_a_locked_database_is_said_once_and_polling_goes_on_after(tmp_path: Path, server: Server) -> None:
    server.route("/feed.xml", Reply(body=feed(1)))
    settings(tmp_path, declared_feed(server), extra='[storage]\nbusy_timeout = "100ms"\n')
    with DaemonProcess(tmp_path) as daemon:
        daemon.wait_ready()
        daemon.wait_line(r"feed\.xml: ok, 1 new")
        with sqlite3.connect(_database(tmp_path), isolation_level=None) as other:
            other.execute("BEGIN IMMEDIATE")
            daemon.wait_line("job tick cannot go on.*locked")
            # Long enough for the tick to fail again and again, and be silent about it.
            with suppress(subprocess.TimeoutExpired):
                daemon.process.wait(1.5)
            other.execute("ROLLBACK")
        daemon.wait_line("job tick works again")
        server.route("/feed.xml", Reply(body=feed(2)))
        assert daemon.stop() == 0
    said = [line for line in daemon.lines if "job tick cannot go on" in line]
    assert len(said) == 1
    assert not any("Traceback" in line for line in daemon.lines), "".join(daemon.lines)


def test_a_database_that_goes_away_ends_neither_reload_nor_stop_badly(
    tmp_path: Path, postgres_server: PostgresServer
) -> None:
    settings(tmp_path)
    address = postgres_server.create()
    with DaemonProcess(tmp_path, extra={"WIREWATCH_DATABASE": address}) as daemon:
        assert "5 articles" in daemon.wait_ready()
        postgres_server.drop(address)
        daemon.signal(signal.SIGHUP)
        daemon.wait_line("not reloaded")
        daemon.signal(signal.SIGUSR1)
        daemon.wait_line("state: the database does not answer")
        assert daemon.stop() == 0


def _database(home: Path) -> Path:
    return home / "data" / "wirewatch" / "wirewatch.db"


def _stored(home: Path) -> int:
    with sqlite3.connect(_database(home)) as connection:
        return int(connection.execute("SELECT count(*) FROM article").fetchone()[0])


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"this is no database" * 100, "is not a SQLite database"), (None, "")],
    ids=["no database", "no permission"],
)
def test_a_database_that_cannot_be_used_is_said_in_one_line(
    tmp_path: Path, content: bytes | None, said: str
) -> None:
    database = tmp_path / "wirewatch.db"
    if content is None:
        database.mkdir()
    else:
        database.write_bytes(content)
    done = wirewatch("run", home=tmp_path, extra={"WIREWATCH_DATABASE": str(database)})
    assert done.returncode == 4
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert os.fspath(database) in done.stderr
