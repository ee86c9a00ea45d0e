"""A restart with many overdue sources: they are spread, few are left alone; on both engines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from models import sources
from models.database import Database
from models.records import SourceKind, SourceSpec
from service.application import Application
from service.cadence import spread
from service.settings import load_settings
from tests.server import Reply, Server
from tests.storage import NOW, add_source, poll, update

LATER = NOW + timedelta(hours=5)
FETCHES = 32


def add_many(count: int) -> list[int]:
    """Overdue feeds on a fifth as many hosts."""
    specs = [
        (SourceSpec(f"https://h{n % (count // 5)}.example/{n}"), f"h{n % (count // 5)}.example")
        for n in range(count)
    ]
    return [one.source.id for one in sources.add_all(specs, now=NOW)]


@contextmanager
def application(database: Database, folder: Path) -> Iterator[Application]:
    """The parts on this database, five hours later."""
    settings = load_settings(None, {"WIREWATCH_SCHEDULE_WORKERS": "1", "HOME": str(folder)}, folder)
    parts = Application(settings, database, clock=lambda: LATER)
    try:
        yield parts
    finally:
        parts.close()


def test_what_is_overdue_is_told_and_put_off_in_one_write(database: Database) -> None:
    one, two, later, folder = (
        add_source("one"),
        add_source("two"),
        add_source("later"),
        add_source("folder", kind=SourceKind.FOLDER),
    )
    sources.record_unchanged(
        [
            update(one.id, next_poll_at=NOW),
            update(two.id, next_poll_at=NOW - timedelta(hours=1)),
            update(later.id, next_poll_at=LATER + timedelta(seconds=1)),
            update(folder.id, next_poll_at=NOW),
        ],
        [],
    )
    assert sources.overdue(LATER) == [(two.id, "two.example"), (one.id, "one.example")]
    sources.claim_these([two.id], LATER, owner="me", lease=timedelta(minutes=5))
    wanted = LATER + timedelta(minutes=3)
    sources.reschedule(dict.fromkeys((one.id, two.id, later.id), wanted), now=LATER)
    assert sources.get(one.id).next_poll_at == wanted
    assert sources.get(two.id).next_poll_at == NOW - timedelta(hours=1)
    assert sources.get(later.id).next_poll_at == LATER + timedelta(seconds=1)
    assert sources.overdue(LATER) == []


def test_many_are_spread_evenly(database: Database, tmp_path: Path) -> None:
    ids = add_many(2_000)
    with application(database, tmp_path) as parts:
        assert parts.poller.spread_overdue() == len(ids)
    due = [one.next_poll_at for one in sources.list_sources()]
    seconds = [(time - LATER).total_seconds() for time in due if time]
    assert len(seconds) == len(ids)
    window = len(ids) / FETCHES * 5
    assert 0 <= min(seconds) < 1
    assert max(seconds) <= window
    histogram = Counter(int(second // 10) for second in seconds)
    assert max(histogram.values()) <= 2 * len(ids) / (window / 10)


def test_ten_thousand_are_spread_over_ten_minutes_or_the_floor() -> None:
    items = [(number, f"h{number % 700}.example") for number in range(10_000)]
    times = spread(items, NOW, 600.0)
    minutes = Counter(int((time - NOW).total_seconds() // 60) for time in times.values())
    assert sorted(minutes) == list(range(10))
    assert max(minutes.values()) <= 1_001


def test_few_are_left_alone(database: Database, tmp_path: Path) -> None:
    add_many(FETCHES - FETCHES % 5)
    with application(database, tmp_path) as parts:
        assert parts.poller.spread_overdue() == 0
    assert {one.next_poll_at for one in sources.list_sources()} == {NOW}


def test_a_list_added_while_the_daemon_runs_begins_at_once_and_is_spread(
    database: Database, tmp_path: Path
) -> None:
    """Addresses that the guard refuses: a look at one ends at once, and asks nobody."""
    old = add_source("old")
    sources.record_unchanged([update(old.id, next_poll_at=NOW)], [poll(old.id)])
    with application(database, tmp_path) as parts:
        assert parts.poller.tick() == 1
        specs = [(SourceSpec(f"http://10.0.{n // 200}.{n % 200 + 1}/"), f"10.0.{n}") for n in range(1_000)]
        sources.add_all(specs, now=LATER)
        begun = parts.poller.tick()
        assert FETCHES - 1 <= begun <= FETCHES
        waiting = [one for one in sources.list_sources() if not one.last_polled_at and not one.lease_owner]
        due = sorted((one.next_poll_at - LATER).total_seconds() for one in waiting if one.next_poll_at)
    assert len(due) == 1_000 - begun
    window = len(due) / FETCHES * 5
    assert due[0] < 1
    assert 0.9 * window < due[-1] <= window
    assert max(Counter(int(seconds // 10) for seconds in due).values()) <= 2 * len(due) / (window / 10)


def test_a_few_that_are_added_are_due_at_once(database: Database, tmp_path: Path) -> None:
    with application(database, tmp_path) as parts:
        specs = [(SourceSpec(f"http://10.0.0.{n + 1}/"), f"10.0.0.{n}") for n in range(FETCHES + 8)]
        sources.add_all(specs, now=LATER)
        parts.poller.tick()
        assert all(one.next_poll_at == LATER for one in sources.list_sources() if not one.last_polled_at)


def test_hosts_that_nobody_asks_are_forgotten(database: Database, tmp_path: Path) -> None:
    with application(database, tmp_path) as parts:
        parts.tidy()  # nothing has gone out: there is nothing to forget, and nothing is started for it
        assert "network" not in vars(parts)
        parts.network.politeness.rest("busy.example", 3600.0)
        parts.network.politeness.rest("idle.example", 0.0)
        assert parts.network.forget_idle() == 1


def test_a_page_where_a_feed_was_resets_the_counted_move(database: Database, tmp_path: Path) -> None:
    with Server() as server, application(database, tmp_path) as parts:
        server.route("/old", Reply(301, headers=[("Location", server.url("/new"))]))
        server.route("/new", Reply(body=b"<html><body>Log in</body></html>", content_type="text/html"))
        spec = SourceSpec(server.url("/old"), options={"allow_private": True})
        source = sources.add(spec, host="127.0.0.1", now=NOW)
        sources.record_unchanged(
            [update(source.id, moved_to=server.url("/new"), moved_count=2, next_poll_at=NOW)], []
        )
        (looked,) = parts.poll([str(source.id)])
    assert looked.outcome == "not_a_feed"
    after = sources.get(source.id)
    assert (after.location, after.moved_to, after.moved_count) == (server.url("/old"), None, 0)
