"""Claiming: each source to one process at a time, politely spread over hosts, at the same cost always."""

from __future__ import annotations

import json
import re
import sqlite3
from collections import Counter
from datetime import timedelta
from itertools import pairwise

import psycopg
import pytest

from models import sources
from models.database import Database, open_database
from models.records import SourceKind, SourceSpec
from tests.processes import finish, go, start
from tests.storage import NOW, add_source, poll, update
from tests.test_models_plans import Recorder

LEASE = timedelta(minutes=5)


def add_many(count: int, hosts: int, *, kind: SourceKind = SourceKind.FEED) -> list[int]:
    specs = [
        (SourceSpec(f"https://h{n % hosts}.example/{kind}/{n}", kind=kind), f"h{n % hosts}.example")
        for n in range(count)
    ]
    return [one.source.id for one in sources.add_all(specs, now=NOW)]


def claim(
    owner: str = "me", *, limit: int = 100, per_host: int = 100, after: timedelta = timedelta()
) -> list[int]:
    found = sources.claim(NOW + after, owner=owner, lease=LEASE, limit=limit, per_host=per_host)
    return [one.id for one in found]


def test_a_lease_is_renewed_by_its_owner_alone(database: Database) -> None:
    one = add_source()
    assert claim() == [one.id]
    assert sources.renew(one.id, "me", NOW + 3 * LEASE)
    assert not sources.renew(one.id, "other", NOW + 9 * LEASE)
    assert claim("other", after=2 * LEASE) == []
    assert claim("other", after=4 * LEASE) == [one.id]
    assert not sources.renew(one.id, "me", NOW + 9 * LEASE)


def claim_a_share(url: str, owner: str, share: int) -> list[int]:
    """What a polling process does; called in processes of its own."""
    database = open_database(url, busy_timeout=30)
    mine: list[int] = []
    while found := sources.claim(
        NOW, owner=owner, lease=LEASE, limit=min(7, share - len(mine)), per_host=100
    ):
        assert all(one.lease_owner == owner and one.lease_until == NOW + LEASE for one in found)
        mine += [one.id for one in found]
    database.close()
    return mine


def test_four_processes_share_two_hundred_sources(database: Database, database_url: str) -> None:
    ids = add_many(200, 50)
    # Shares that are smaller than what is there for three: no process, however quick, can take it all.
    arguments = [json.dumps([database_url, f"worker-{n}", 60]) for n in range(4)]
    processes = [start("tests.test_models_claims", "claim_a_share", one) for one in arguments]
    go(processes)
    claimed = [json.loads(line) for line in finish(processes)]
    assert Counter(one for mine in claimed for one in mine) == Counter(ids)


def test_the_longest_due_comes_first(database: Database) -> None:
    one, two, three = (add_source(name) for name in ("one", "two", "three"))
    due = {one.id: 3, two.id: 9, three.id: 6}
    sources.record_unchanged(
        [update(number, next_poll_at=NOW - timedelta(minutes=minutes)) for number, minutes in due.items()], []
    )
    assert claim(limit=2) == [two.id, three.id]
    assert claim() == [one.id]


def test_what_is_not_due_or_not_polled_is_left(database: Database) -> None:
    later, paused, removed = (add_source(name) for name in ("later", "paused", "removed"))
    add_source("seeds", kind=SourceKind.SEEDS)
    sources.record_unchanged([update(later.id, next_poll_at=NOW + timedelta(microseconds=1))], [])
    sources.pause(paused.id, "by hand", NOW)
    sources.remove(removed.id, NOW)
    assert claim() == []
    assert claim(after=timedelta(seconds=1)) == [later.id]


def test_kinds_can_be_chosen(database: Database) -> None:
    feeds, folders = add_many(3, 3), add_many(2, 2, kind=SourceKind.FOLDER)
    found = sources.claim(NOW, owner="me", lease=LEASE, limit=9, per_host=9, kinds=[SourceKind.FOLDER])
    assert [one.id for one in found] == folders
    assert claim() == feeds


def test_a_host_has_only_so_many_places(database: Database) -> None:
    add_many(12, 3)
    first = sources.claim(NOW, owner="me", lease=LEASE, limit=100, per_host=2)
    assert Counter(one.host for one in first) == {f"h{n}.example": 2 for n in range(3)}
    assert claim("other", per_host=2) == []
    sources.release("me", ids=[first[0].id])
    again = sources.claim(NOW, owner="other", lease=LEASE, limit=100, per_host=2)
    assert [one.host for one in again] == [first[0].host]


def test_a_full_host_does_not_starve_the_others(database: Database) -> None:
    add_many(500, 1)
    last = add_source("last")
    sources.record_unchanged([update(last.id, next_poll_at=NOW)], [])
    found = sources.claim(NOW, owner="me", lease=LEASE, limit=10, per_host=2)
    assert len(found) == 3
    assert found[-1].id == last.id


def test_folders_have_no_host_and_no_limit(database: Database) -> None:
    specs = [(SourceSpec(f"/in/{n}", kind=SourceKind.FOLDER), "") for n in range(5)]
    sources.add_all(specs, now=NOW)
    assert len(claim(per_host=1)) == 5


def test_a_lease_that_ran_out_can_be_taken(database: Database) -> None:
    ids = add_many(2, 1)
    assert claim("first", per_host=2) == ids
    assert claim("second", per_host=2, after=LEASE - timedelta(microseconds=1)) == []
    assert claim("second", per_host=2, after=LEASE) == ids
    # What the first one still writes must not end the second one's lease.
    sources.record_unchanged([update(number, next_poll_at=NOW, lease_owner="first") for number in ids], [])
    assert {one.lease_owner for one in sources.list_sources()} == {"second"}
    sources.record_unchanged([update(number, next_poll_at=NOW, lease_owner="second") for number in ids], [])
    assert {one.lease_owner for one in sources.list_sources()} == {None}


def test_releasing_gives_back_what_an_owner_holds(database: Database) -> None:
    ids = add_many(6, 6)
    assert claim("one", limit=4) == ids[:4]
    assert claim("two") == ids[4:]
    assert sorted(sources.lease_owners()) == ["one", "two"]
    assert sources.release("one") == 4
    assert sources.release("one") == 0
    assert claim("three") == ids[:4]


def test_claiming_named_sources(database: Database) -> None:
    ids = add_many(4, 2)
    sources.pause(ids[0], "by hand", NOW)
    sources.remove(ids[1], NOW)
    sources.record_unchanged([update(ids[2])], [])
    assert claim("other") == [ids[3]]
    found = sources.claim_these([*ids, 99_999], NOW, owner="me", lease=LEASE)
    assert [one.id for one in found] == [ids[0], ids[2]]
    assert sources.claim_these(ids, NOW, owner="third", lease=LEASE) == []


def test_claiming_named_sources_within_the_hosts_limit(database: Database) -> None:
    ids = add_many(4, 1)
    assert claim("other", limit=1) == ids[:1]
    found = sources.claim_these(ids, NOW, owner="me", lease=LEASE, per_host=2)
    assert [one.id for one in found] == ids[1:2]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_nothing_due_takes_no_lock(database: Database, database_url: str) -> None:
    other = sqlite3.connect(database_url, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert claim() == []
    other.rollback()
    other.close()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_source_that_is_being_written_is_skipped(database: Database, database_url: str) -> None:
    ids = add_many(3, 3)
    with psycopg.connect(database_url) as other:
        other.execute("UPDATE source SET title = 'busy' WHERE id = %s", (ids[1],))
        assert claim() == [ids[0], ids[2]]
    assert claim() == [ids[1]]


def test_the_cost_does_not_follow_the_number_of_sources(database: Database) -> None:
    """Ten thousand against a hundred: in steps of the engine where it counts them, and in its plans."""
    add_many(100, 100)
    small = _steps(database)
    specs = [(SourceSpec(f"https://x{n}.example/"), f"x{n}.example") for n in range(9_900)]
    later = sources.add_all(specs, now=NOW)
    sources.record_unchanged([update(one.source.id) for one in later], [])
    with database.session():
        database.execute("ANALYZE source")
    large = _steps(database)
    if database.sqlite:
        assert large < 1.5 * small, (small, large)
    _walks_its_index(database)


def test_nor_does_it_where_all_of_them_are_due(database: Database) -> None:
    """After a stop of hours, when the daemon has not spread them yet."""
    add_many(100, 100)
    small = _steps(database)
    specs = [(SourceSpec(f"https://x{n}.example/"), f"x{n % 700}.example") for n in range(9_900)]
    sources.add_all(specs, now=NOW)
    with database.session():
        database.execute("ANALYZE source")
    large = _steps(database)
    if database.sqlite:
        assert large < 1.5 * small, (small, large)
    _walks_its_index(database)


def _walks_its_index(database: Database) -> None:
    """No statement of a claim reads the table of sources, or sorts what is due."""
    recorder = Recorder(database)
    with database.session():
        database.backend.query_hooks.append(recorder)
        claim(limit=10, per_host=1)
        database.backend.query_hooks.remove(recorder)
        explain = "EXPLAIN QUERY PLAN" if database.sqlite else "EXPLAIN"
        plans = [
            (sql, str(database.backend.execute_sql(f"{explain} {sql}", parameters).fetchall()))
            for sql, parameters in recorder.statements
            if re.match(r"\s*(SELECT|UPDATE)", sql) and "source" in sql
        ]
    assert len(plans) == 4
    for sql, plan in plans:
        if sql.startswith("SELECT 1"):
            continue  # it ends at the first row, wherever that is met
        assert not re.search(r"SCAN source\b(?! USING (COVERING )?INDEX)|Seq Scan on source", plan), (
            sql,
            plan,
        )
    (walk,) = [plan for sql, plan in plans if "ORDER BY next_poll_at" in sql]
    assert "source_due" in walk
    assert "TEMP B-TREE" not in walk
    assert "Sort" not in walk


def _steps(database: Database) -> int:
    """How many hundred steps SQLite's machine takes for a claim of ten, which is given back."""
    count = 0

    def step() -> int:
        nonlocal count
        count += 1
        return 0

    with database.session():
        if database.sqlite:
            database.backend.connection().set_progress_handler(step, 100)
        assert len(claim(limit=10, per_host=1)) == 10
        if database.sqlite:
            database.backend.connection().set_progress_handler(None, 0)
        sources.release("me")
    return count


def test_ties_are_broken_by_id_and_chunks_do_not_repeat(database: Database) -> None:
    ids = add_many(300, 300)
    found = [number for _ in range(30) for number in claim(limit=10)]
    assert found == ids
    assert all(one < other for one, other in pairwise(found))


def test_due_times_come_back_with_a_clock_that_was_put_back(database: Database) -> None:
    """Looked at while the clock was a day ahead: due in its own interval from now, not a day later."""
    ahead, hour = NOW + timedelta(days=1), timedelta(hours=1)
    early, right = add_many(2, 2)
    for source_id, looked in ((early, ahead), (right, NOW)):
        sources.record_unchanged(
            [update(source_id, next_poll_at=looked + hour, not_before=looked + hour)],
            [poll(source_id, started_at=looked)],
        )
    assert claim(after=2 * hour) == [right]
    sources.release("me")
    assert sources.bring_back(NOW) == 1
    assert sources.bring_back(NOW) == 0
    mended = sources.get(early)
    assert (mended.last_polled_at, mended.next_poll_at, mended.not_before) == (NOW, NOW + hour, NOW + hour)
    assert sorted(claim(after=2 * hour)) == sorted([early, right])
