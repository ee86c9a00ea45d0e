"""``/metrics`` over real HTTP, read by Prometheus's own parser: what it says, and how few its labels are."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families

from models import labels, sources
from models.database import Database
from models.figures import note_backup
from models.records import PollRecord, SourceKind, TopicSpec
from service.tally import Tally
from service.web.app import create_app
from service.web.metrics import KEEP, MAX_TOPICS, Standing
from service.web.server import WebServer
from tests.daemon_process import DaemonProcess
from tests.storage import NOW, add_source, add_topics, article, poll, store, update
from tests.web_site import Clock, ready

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def samples(text: str) -> Samples:
    """Every sample by name and labels; the parser refuses what is malformed."""
    families: list[Metric] = list(text_string_to_metric_families(text))
    names = [family.name for family in families]
    assert len(names) == len(set(names))
    return {
        (one.name, tuple(sorted(one.labels.items()))): one.value
        for family in families
        for one in family.samples
    }


def value(found: Samples, name: str, /, **wanted: str) -> float:
    return found[name, tuple(sorted(wanted.items()))]


@contextmanager
def serving(database: Database, standing: Callable[[], Standing]) -> Iterator[tuple[httpx.Client, Clock]]:
    clock = Clock(NOW)
    app = create_app(database, allowed_hosts=(), started_at=NOW, health=ready, metrics=standing, clock=clock)
    server = WebServer(app, "127.0.0.1", 0)
    server.start()
    try:
        with httpx.Client(base_url=server.url, trust_env=False, timeout=30) as client:
            yield client, clock
    finally:
        server.stop(5)


@pytest.fixture
def tally() -> Tally:
    made = Tally()
    made.polled(SourceKind.FEED, PollRecord(1, NOW, 120, "ok", bytes=700, new=2, duplicates=1))
    made.polled(SourceKind.FEED, PollRecord(1, NOW, 4_000, "timeout"))
    made.pushed(PollRecord(1, NOW, 90, "pushed", bytes=300, new=3))
    made.polled(SourceKind.FOLDER, PollRecord(2, NOW, 9, "a word of tomorrow"))
    made.polled(SourceKind.FOLDER, PollRecord(2, NOW, 9, "another one"))
    made.claimed([0.4, 90.0])
    made.read(0.02, (0.002, 0.0002))
    return made


def test_it_says_what_the_process_did_and_what_the_database_holds(database: Database, tally: Tally) -> None:
    add_topics()
    source, folder = add_source("one"), add_source("two", kind=SourceKind.FOLDER)
    store(source, article(1, "arms"), article(2, "arms", "sanctions"))
    sources.record_unchanged(
        [update(source.id, next_poll_at=NOW - timedelta(minutes=5), failures=1), update(folder.id)],
        [poll(source.id, "timeout"), poll(folder.id), poll(folder.id, "word of yesterday")],
    )
    note_backup(NOW - timedelta(hours=5))
    standing = Standing(
        ready=True,
        last_tick=NOW - timedelta(seconds=2),
        jobs={"tick": False, "tidy": True},
        in_hand=3,
        writer_queue=7,
        workers_queue=11,
        deliveries=2,
        counted=tally.counted(),
    )
    with serving(database, lambda: standing) as (client, _):
        answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    found = samples(answer.text)
    assert value(found, "wirewatch_polls_total", kind="feed", outcome="ok") == 1
    assert value(found, "wirewatch_polls_total", kind="folder", outcome="other") == 2
    assert value(found, "wirewatch_polls_total", kind="feed", outcome="pushed") == 1
    assert value(found, "wirewatch_articles_total", kind="feed", change="new") == 5
    assert value(found, "wirewatch_received_bytes_total", kind="feed") == 1_000
    assert value(found, "wirewatch_poll_duration_seconds_bucket", kind="feed", le="0.3") == 1
    assert value(found, "wirewatch_poll_duration_seconds_count", kind="feed") == 2
    assert value(found, "wirewatch_poll_lateness_seconds_sum") == pytest.approx(90.4)
    assert value(found, "wirewatch_tag_duration_seconds_count") == 2
    assert value(found, "wirewatch_tag_duration_seconds_bucket", le="0.001") == 1
    assert value(found, "wirewatch_queue_depth", queue="writer") == 7
    assert value(found, "wirewatch_queue_depth", queue="workers") == 11
    assert value(found, "wirewatch_queue_depth", queue="hubs") == 2
    assert value(found, "wirewatch_polls_in_hand") == 3
    assert value(found, "wirewatch_job_failing", name="tidy") == 1
    assert value(found, "wirewatch_job_failing", name="tick") == 0
    assert value(found, "wirewatch_ready") == 1
    assert value(found, "wirewatch_last_tick_timestamp_seconds") == NOW.timestamp() - 2
    assert value(found, "wirewatch_last_backup_timestamp_seconds") == NOW.timestamp() - 5 * 3600
    assert value(found, "wirewatch_database_up") == 1
    assert value(found, "wirewatch_stored_articles", kind="feed") == 2
    assert value(found, "wirewatch_stored_articles", kind="import") == 0
    assert value(found, "wirewatch_topic_articles", topic="arms") == 2
    assert value(found, "wirewatch_sources", state="active") == 2
    assert value(found, "wirewatch_sources_failing") == 1
    assert value(found, "wirewatch_sources_due") == 1
    assert value(found, "wirewatch_schedule_lag_seconds") == 300
    assert value(found, "wirewatch_recent_polls", outcome="timeout") == 1
    assert value(found, "wirewatch_recent_polls", outcome="other") == 1
    assert value(found, "wirewatch_database_bytes") > 0
    assert value(found, "process_open_fds") > 3
    assert value(found, "process_resident_memory_bytes") > 1 << 20
    [engine] = [dict(names)["engine"] for name, names in found if name == "wirewatch_database_info"]
    assert engine == database.engine


def test_a_scraper_that_wants_openmetrics_gets_it(database: Database, tally: Tally) -> None:
    with serving(database, lambda: Standing(ready=False, counted=tally.counted())) as (client, _):
        answer = client.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    families = {family.name: family for family in open_metrics(answer.text)}  # type: ignore[no-untyped-call]
    assert families["wirewatch_polls"].type == "counter"
    assert families["wirewatch_ready"].samples[0].value == 0


def test_a_process_that_polls_nothing_says_nothing_of_polls(database: Database) -> None:
    with serving(database, lambda: Standing(ready=True)) as (client, _):
        found = samples(client.get("/metrics").text)
    names = {name for name, _ in found}
    assert "wirewatch_database_bytes" in names
    assert not names & {"wirewatch_polls_in_hand", "wirewatch_job_failing", "wirewatch_polls_total"}
    assert "wirewatch_last_backup_timestamp_seconds" not in names


def test_the_database_is_asked_once_in_a_while_however_often_it_is_read(database: Database) -> None:
    add_source("one")
    with serving(database, lambda: Standing(ready=True)) as (client, clock):
        before = value(samples(client.get("/metrics").text), "wirewatch_sources", state="active")
        add_source("two")
        clock.now = NOW + timedelta(seconds=KEEP - 1)
        again = value(samples(client.get("/metrics").text), "wirewatch_sources", state="active")
        clock.now = NOW + timedelta(seconds=KEEP)
        later = value(samples(client.get("/metrics").text), "wirewatch_sources", state="active")
        add_source("three")
        clock.now = NOW - timedelta(days=1)  # a clock that was put back keeps nothing for a day
        back = value(samples(client.get("/metrics").text), "wirewatch_sources", state="active")
    assert (before, again, later, back) == (1, 1, 2, 3)


def test_many_topics_do_not_become_many_series(database: Database) -> None:
    names = [f"topic-{number:03}" for number in range(MAX_TOPICS + 20)]
    labels.sync_topics([TopicSpec(name, "", 0.5) for name in names], "many", NOW)
    source = add_source()
    store(source, article(1, *names))
    store(source, article(2, "topic-119"))
    with serving(database, lambda: Standing(ready=True)) as (client, _):
        found = samples(client.get("/metrics").text)
    topics = {
        dict(names)["topic"]: count for (name, names), count in found.items() if "topic_articles" in name
    }
    assert len(topics) == MAX_TOPICS + 1
    assert topics["topic-119"] == 2
    assert topics["other"] == 20


def test_a_database_that_is_away_leaves_the_rest_of_the_page(tmp_path: Path, database: Database) -> None:
    with database.session():
        for table in ("topic_day", "poll"):
            database.execute(f"DROP TABLE {table}")
    with serving(database, lambda: Standing(ready=True)) as (client, _):
        found = samples(client.get("/metrics").text)
    assert value(found, "wirewatch_database_up") == 0
    assert value(found, "wirewatch_ready") == 1
    assert "wirewatch_database_bytes" not in {name for name, _ in found}


def test_the_daemon_gives_its_own_figures(tmp_path: Path) -> None:
    folder = tmp_path / "inbox"
    folder.mkdir()
    (folder / "report.txt").write_text("Rain in the North\n\nIt will rain until the end of the week.\n")
    (tmp_path / "wirewatch.toml").write_text(
        '[web]\nport = 0\n[schedule]\ntick = "100ms"\nworkers = 1\n[folders]\nstill_for = "0s"\n'
        f'[[sources]]\npath = {json.dumps(str(folder))}\nschedule = "every 1h"\n'
    )
    with DaemonProcess(tmp_path) as daemon:
        page = daemon.wait_line("serving the page on").split()[-1]
        daemon.wait_ready()
        daemon.wait_line("inbox: ok, 1 new")
        with urllib.request.urlopen(page + "metrics") as answer:
            found = samples(answer.read().decode())
        assert daemon.stop() == 0
    assert value(found, "wirewatch_polls_total", kind="folder", outcome="ok") == 1
    assert value(found, "wirewatch_articles_total", kind="folder", change="new") == 1
    assert value(found, "wirewatch_stored_articles", kind="seeds") == 5
    assert value(found, "wirewatch_tag_duration_seconds_count") == 6  # the seeds were read by a worker, too
    assert value(found, "wirewatch_ready") == 1
    assert value(found, "wirewatch_job_failing", name="tick") == 0
    assert value(found, "wirewatch_last_tick_timestamp_seconds") > 1_700_000_000
