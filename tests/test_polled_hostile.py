"""Bad input through all the stages: each ends within the limits, with its reason, and touches nobody else."""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from models import health, migrate, sources
from models.database import open_database
from models.records import Health, PollRecord
from service.application import Application
from service.reading import Reading
from service.values import Reason
from service.workers import Workers
from tests.polling import START, Bench, polling
from tests.server import Authority, Reply, Server, redirect

GOOD = (
    b'<rss version="2.0"><channel><title>Good</title><item><guid>1</guid><title>All is well</title>'
    b"<link>https://good.example/1</link></item></channel></rss>"
)
LAUGHS = '<!ENTITY a0 "ha">' + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
ITEM = "<item><guid>1</guid><title>{}</title></item>"


def rss(items: str, doctype: str = "") -> bytes:
    """A feed around some items."""
    return f'<?xml version="1.0"?>{doctype}<rss version="2.0"><channel>{items}</channel></rss>'.encode()


@dataclass(frozen=True)
class Bad:
    """What a server does, and how a look at it has to end."""

    reply: Reply
    outcome: str
    said: str = ""


BAD = {
    "entity-bomb": Bad(Reply(body=rss(ITEM.format("&a9;"), f"<!DOCTYPE rss [{LAUGHS}]>")), "too_complex"),
    "external-entity": Bad(
        Reply(body=rss(ITEM.format("&x;"), '<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]>')), "ok"
    ),
    "deep-nesting": Bad(Reply(body=rss("<a>" * 5_000 + "</a>" * 5_000)), "too_complex"),
    "deep-json": Bad(Reply(body=b'{"a":' * 100_000, content_type="application/json"), "too_complex"),
    "gzip-bomb": Bad(Reply(body=bytes(9_000_000), coding="gzip"), "too_large", "unpacks to more"),
    "gzip-in-gzip": Bad(Reply(body=bytes(9_000_000), coding="gzip, gzip"), "too_large"),
    "zstd-bomb": Bad(Reply(body=bytes(9_000_000), coding="zstd"), "too_large"),
    "endless": Bad(Reply(endless=b"<item/>" * 40_000, chunked=True), "too_large"),
    "endless-head": Bad(Reply(body=GOOD, headers=[("X", "x" * 40_000)]), "too_large"),
    "slow-drip": Bad(Reply(body=GOOD * 20, drip=0.2), "timeout"),
    "hang": Bad(Reply(hang=True), "timeout"),
    "cut": Bad(Reply(body=GOOD, cut=40), "broken"),
    "closes": Bad(Reply(raw=b""), "broken"),
    "another-protocol": Bad(Reply(raw=b"SSH-2.0-OpenSSH\r\n\r\n"), "broken"),
    "claims-much": Bad(Reply(body=b"x", claim=10**12), "too_large"),
    "circle": Bad(redirect("/circle"), "redirect", "circle"),
    "to-file": Bad(redirect("file:///etc/passwd"), "redirect"),
    "to-private": Bad(redirect("http://10.0.0.1/feed"), "blocked", "the guard refuses"),
    "to-metadata": Bad(redirect("http://169.254.169.254/"), "blocked"),
    "login-page": Bad(Reply(body=b"<!doctype html><p>Log in", content_type="text/html"), "not_a_feed"),
    "picture": Bad(Reply(body=b"\x89PNG\r\n\x1a\n" + bytes(999), content_type="image/png"), "not_a_feed"),
    "noise": Bad(Reply(body=random.Random(1).randbytes(5_000)), "not_a_feed"),
    "nothing": Bad(Reply(body=b""), "empty"),
    "white-space": Bad(Reply(body=b" \n" * 500), "empty"),
    "half-a-feed": Bad(Reply(body=rss(ITEM.format("x") * 50)[:500]), "ok"),
    "no-entries": Bad(Reply(body=rss("")), "ok"),
    "not-found": Bad(Reply(404), "not_found"),
    "teapot": Bad(Reply(418), "http_4xx"),
    "down": Bad(Reply(503), "http_5xx"),
    "unknown-status": Bad(Reply(999), "http_other"),
    "slow-patterns": Bad(
        Reply(body=rss(f"<item><author>{'a' * 1_000_000}</author></item>", "<!DOCTYPE rss>")), "parse_timeout"
    ),
}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """One program with tight limits, so that each of these ends soon."""
    folder = tmp_path_factory.mktemp("hostile")
    database = open_database(folder / "hostile.db")
    migrate.migrate(database)
    limits = {
        "WIREWATCH_HTTP_TIMEOUT": "5s",
        "WIREWATCH_HTTP_READ_TIMEOUT": "2s",
        "WIREWATCH_HTTP_MAX_SIZE": "2MB",
        "WIREWATCH_SCHEDULE_PARSE_DEADLINE": "5s",
        "WIREWATCH_HTTP_PER_HOST": "64",
        "WIREWATCH_SCHEDULE_FETCHES": "64",
    }
    with polling(database, folder, settings=limits) as running:
        yield running
    database.close()


def test_bad_servers_beside_good_ones(bench: Bench) -> None:
    """All in one tick: every bad one ends with its reason, every good one brings its article."""
    with Server() as server, Server() as busy, Server(tls=Authority().for_host("127.0.0.1")) as secure:
        wanted = {}
        for name, bad in BAD.items():
            own = busy if bad.reply.endless else server  # it has no time for anybody else
            own.route(f"/{name}", bad.reply)
            wanted[bench.add(own.url(f"/{name}"))] = name
        untrusted = bench.add(secure.url("/feed"))
        unknown = bench.add("http://nowhere.invalid/feed")
        good = []
        for number in range(5):
            body = GOOD.replace(b"good.example", b"good%d.example" % number)
            server.route(f"/good-{number}", Reply(body=body))
            good.append(bench.add(server.url(f"/good-{number}")))
        begun = time.monotonic()
        ended = {source: future.result() for source, future in bench.application.poller.begin_due().items()}
        took = time.monotonic() - begun

    assert set(ended) == {*wanted, untrusted, unknown, *good}
    assert {name: _outcome(ended[source]) for source, name in wanted.items()} == {
        name: bad.outcome for name, bad in BAD.items()
    }
    for source, name in wanted.items():
        poll = ended[source]
        assert poll is not None
        assert BAD[name].said in (poll.detail or ""), (name, poll.detail)
        assert poll.outcome in {"ok", *Reason}
    assert (_outcome(ended[untrusted]), _outcome(ended[unknown])) == ("tls", "dns")
    assert [_outcome(ended[one]) for one in good] == ["ok"] * 5
    assert [sources.get(one).article_count for one in good] == [1] * 5
    assert took < 60  # five seconds a server, five a document, and a busy machine
    counts = health.counts(bench.clock())
    failing = sum(bad.outcome != "ok" for bad in BAD.values()) + 2
    assert counts[Health.FAILING] == failing
    for source in wanted:
        kept = sources.get(source)
        assert kept.lease_owner is None
        assert kept.next_poll_at is not None
        assert kept.next_poll_at > bench.clock()


def _outcome(poll: PollRecord | None) -> str:
    return poll.outcome if poll else "nothing"


def test_nothing_of_the_machine_comes_in_with_a_feed(bench: Bench) -> None:
    with bench.application.database.session():
        told = bench.application.database.rows("SELECT title, text FROM article")
    assert not [row for row in told if "root:" in str(row)]


def test_a_feed_that_rewrites_everything_at_every_poll_is_capped_and_says_so(bench: Bench) -> None:
    """`test_replay` holds the cap; here: the other sources are polled as before, and the list tells of it."""
    with Server(address="127.0.0.9") as server:
        turn = iter(range(1_000))

        def rewritten(_: object) -> Reply:
            told = f"<description>For the {next(turn)}th time.</description>"
            return Reply(body=rss(f"<item><guid>1</guid><title>t</title>{told}</item>"))

        server.route("/feed", rewritten)
        source = bench.add(server.url("/feed"))
        for _ in range(25):
            bench.at(bench.clock() + timedelta(minutes=20))
            bench.look(source)
    polls = sources.polls(source, 25)
    assert sum(one.changed for one in polls) == 20
    assert "only counted now" in (polls[0].detail or "")


def test_collected_hostile_files_through_all_the_stages(bench: Bench, shared: Path) -> None:
    """A part of them by default, all with WIREWATCH_EVERY_FILE=1: each is read or refused with a reason."""
    files = sorted(path for path in (shared / "feeds" / "hostile").rglob("*") if path.is_file())
    if not os.environ.get("WIREWATCH_EVERY_FILE"):
        files = files[:: max(1, len(files) // 60)]
    bench.at(START)
    outcomes: Counter[str] = Counter()
    with Server(address="127.0.0.10") as server:
        for number, path in enumerate(files):
            server.route(f"/{number}", Reply(body=path.read_bytes(), content_type="application/xml"))
            poll = bench.look(bench.add(server.url(f"/{number}")))
            outcomes[poll.outcome] += 1
    print(dict(outcomes))
    assert set(outcomes) <= {"ok", *map(str, Reason)} - {"internal", "parse_crash", "storage"}
    assert outcomes["ok"] > 0


class _Recorded(Workers):
    """Worker processes that remember who gave them something to read."""

    def _schedule(self, *arguments: Any, **more: Any) -> Future[Reading]:
        _ASKED.append(threading.current_thread().name)
        return super()._schedule(*arguments, **more)


class _Recording(Application):
    @cached_property
    def workers(self) -> Workers:
        made = _Recorded(self.taxonomy, tally=self.tally)
        self._closing.callback(made.close, wait=False)
        return made


_ASKED: list[str] = []


def test_the_start_of_worker_processes_holds_up_no_fetch(tmp_path: Path) -> None:
    """It takes seconds on a busy machine: in the event loop, every deadline of every fetch would run out."""
    database = open_database(tmp_path / "loop.db")
    migrate.migrate(database)
    with polling(database, tmp_path, kind=_Recording) as bench, Server() as server:
        server.route("/feed", Reply(body=GOOD))
        assert bench.look(bench.add(server.url("/feed"))).new == 1
    database.close()
    assert len(_ASKED) == 1
    assert "fetch" not in _ASKED  # the event loop's thread


class _Faulty(Workers):
    """Worker processes in which the first entry of a document meets a fault of ours, so many times."""

    faults = 0

    def read_feed(self, *arguments: Any, **more: Any) -> Future[Reading]:
        reading = super().read_feed(*arguments, **more).result()
        if self.faults:
            self.faults -= 1
            told = "entry 1 (All is well): ValueError: a fault of ours"
            reading = replace(reading, finished=reading.finished[1:], warnings=(told,), failed=1)
        future: Future[Reading] = Future()
        future.set_result(reading)
        return future


class _Failing(Application):
    @cached_property
    def workers(self) -> _Faulty:
        made = _Faulty(self.taxonomy, tally=self.tally)
        self._closing.callback(made.close, wait=False)
        return made


@pytest.mark.parametrize(
    ("faults", "ended"),
    [(1, [("ok", 0, 1), ("ok", 1, 0), ("not_modified", 0, 0)]),
     (9, [("ok", 0, 1), ("ok", 0, 1), ("not_modified", 0, 0), ("ok", 0, 1)])],
)  # fmt: skip
def test_an_entry_that_a_fault_of_ours_cost_is_read_again_soon_and_then_daily(
    tmp_path: Path, faults: int, ended: list[tuple[str, int, int]]
) -> None:
    database = open_database(tmp_path / "fault.db")
    migrate.migrate(database)
    found = []
    with polling(database, tmp_path, kind=_Failing) as bench, Server() as server:
        bench.application.workers.faults = faults  # type: ignore[attr-defined]
        server.route("/feed", Reply(body=GOOD, etag='"1"'))
        source = bench.add(server.url("/feed"))
        for hours in (0, 1, 2, 30)[: len(ended)]:
            bench.at(START + timedelta(hours=hours))
            poll = bench.look(source)
            found.append((poll.outcome, poll.new, poll.problems))
    database.close()
    assert found == ended
