"""What is asked of HTTP, the guard and the cadence, each line over a real server and through all the stages:
fetch, parse in a worker process, decide, store, and when to look again."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from models import articles, health, migrate, sources
from models.database import open_database
from models.records import Health, SourceState
from tests.polling import START, Bench, polling
from tests.server import Reply, Request, Server, redirect

HOUR = timedelta(hours=1)
JITTER = 1.1


class _Sites:
    """Each test has a site of its own: what two sources bring alike is a duplicate."""

    number = 0


def rss(*names: str, head: str = "") -> bytes:
    """A feed with an item of each name, an hour apart."""
    site = f"news{_Sites.number}.example"
    items = "".join(
        f"<item><guid>{name}</guid><title>News of {name}</title><link>https://{site}/{name}</link>"
        f"<pubDate>{format_datetime(START - number * HOUR)}</pubDate>"
        f"<description>About {name} at {site}.</description></item>"
        for number, name in enumerate(names, 1)
    )
    return f'<rss version="2.0"><channel><title>Wire</title>{head}{items}</channel></rss>'.encode()


def ordinary(**more: Any) -> Reply:
    """A feed with three articles."""
    return Reply(body=rss("a", "b", "c"), **more)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """One program for all that follows: a worker process takes longer to start than any of it."""
    folder = tmp_path_factory.mktemp("polled")
    database = open_database(folder / "polled.db")
    migrate.migrate(database)
    settings = {"WIREWATCH_HTTP_CONTACT": "desk@example.org", "WIREWATCH_SCHEDULE_CEILING": "24h"}
    with polling(database, folder, settings=settings) as running:
        yield running
    database.close()


@pytest.fixture
def server(bench: Bench) -> Iterator[Server]:
    bench.at(START)
    _Sites.number += 1
    # A host of its own: one that answered 429 rests for a while, in real time.
    with Server(address=f"127.0.3.{_Sites.number % 250 + 1}") as running:
        yield running


def titles(source: int) -> int:
    """How many articles a source has."""
    return sources.get(source).article_count


def after(bench: Bench, source: int) -> float:
    """Hours from now to the next look."""
    due = sources.get(source).next_poll_at
    assert due is not None
    return (due - bench.clock()) / HOUR


# -- HTTP ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("coding", ["", "gzip", "deflate", "br", "zstd"])
@pytest.mark.parametrize("known_by", ["etag", "last_modified", "body"])
def test_what_has_not_changed_is_told_by_validators_or_by_the_body(
    bench: Bench, server: Server, coding: str, known_by: str
) -> None:
    validators = {"etag": '"1"', "last_modified": "Mon, 02 Mar 2026 00:00:00 GMT"}
    kept = {name: value for name, value in validators.items() if name == known_by}
    server.route("/feed", ordinary(coding=coding, **kept))
    source = bench.add(server.url("/feed"))

    assert (bench.look(source).new, titles(source)) == (3, 3)
    second = bench.look(source)
    assert (second.outcome, second.status) == ("not_modified", 200 if known_by == "body" else 304)
    assert second.detail == ("the same body as last time" if known_by == "body" else None)


def test_a_server_that_says_304_for_ever_is_asked_for_the_whole_once_a_day(
    bench: Bench, server: Server
) -> None:
    def lies(request: Request) -> Reply:
        conditional = "if-none-match" in request.headers
        return (
            Reply(304, etag='"1"')
            if conditional
            else Reply(body=rss(*"abcd"[: len(server.requests)]), etag='"1"')
        )

    server.route("/feed", lies)
    source = bench.add(server.url("/feed"))
    for hours in (0, 6, 12, 18, 25):
        bench.at(START + hours * HOUR)
        bench.look(source)

    assert [one.outcome for one in sources.polls(source)] == ["ok", *["not_modified"] * 3, "ok"]
    assert titles(source) == 4


def test_validators_that_lied_are_not_sent_again_until_the_server_gives_others(
    bench: Bench, server: Server
) -> None:
    shown, tag = ["a"], ['"1"']

    def lies(request: Request) -> Reply:
        if request.headers.get("if-none-match") == tag[0]:
            return Reply(304, etag=tag[0])
        return Reply(body=rss(*shown), etag=tag[0])

    server.route("/feed", lies)
    source = bench.add(server.url("/feed"))

    def look(hours: int, *names: str) -> tuple[str, int, bool]:
        bench.at(START + hours * HOUR)
        shown[:0] = names
        poll = bench.look(source)
        return poll.outcome, poll.new, "if-none-match" in server.requests[-1].headers

    assert look(0) == ("ok", 1, False)
    assert look(1, "b") == ("not_modified", 0, True)
    assert look(25, "c") == ("ok", 2, False)  # the whole, once a day: it has lied
    assert look(26, "d") == ("ok", 1, False)
    assert look(27) == ("not_modified", 0, False)  # told by the body
    assert look(28, "e") == ("ok", 1, False)
    tag[0] = '"2"'
    assert look(29, "f") == ("ok", 1, False)
    assert look(30) == ("not_modified", 0, True)  # trusted again


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("by_date", [False, True])
def test_retry_after_binds_also_a_look_by_hand_unless_forced(
    bench: Bench, server: Server, status: int, by_date: bool
) -> None:
    until = START + 3 * HOUR
    value = format_datetime(until, usegmt=True) if by_date else "10800"
    server.route("/feed", Reply(status, headers=[("Retry-After", value)]), ordinary())
    source = bench.add(server.url("/feed"))

    assert bench.look(source).outcome == ("rate_limited" if status == 429 else "http_5xx")
    asked = sources.get(source)
    assert asked.not_before == until
    assert asked.next_poll_at is not None
    assert asked.next_poll_at >= until
    bench.at(START + HOUR)
    waiting = bench.look(source)
    assert (waiting.outcome, len(server.requests)) == ("waiting", 1)
    assert "no visit before 2026-03-02 03:00 UTC" in (waiting.detail or "")
    if status == 503:  # else the whole host rests, which nobody has the time for here
        assert bench.look(source, force=True).new == 3
        assert sources.get(source).not_before is None


WISHES = [
    pytest.param([("Cache-Control", "max-age=10800")], "", 3.0, id="max-age"),
    pytest.param([("Cache-Control", "no-cache, max-age=10800")], "", 0.5, id="no-cache"),
    pytest.param([("Expires", format_datetime(START + 3 * HOUR, usegmt=True))], "", 3.0, id="expires"),
    pytest.param([], "<ttl>180</ttl>", 3.0, id="ttl"),
    pytest.param(
        [],
        '<sy:updatePeriod xmlns:sy="http://purl.org/rss/1.0/modules/syndication/">daily</sy:updatePeriod>'
        '<sy:updateFrequency xmlns:sy="http://purl.org/rss/1.0/modules/syndication/">8</sy:updateFrequency>',
        3.0,
        id="sy:updatePeriod",
    ),
    pytest.param([("Cache-Control", "max-age=9999999")], "<ttl>99999</ttl>", 4.0, id="capped"),
    pytest.param([("Cache-Control", "max-age=1")], "<ttl>1</ttl>", 0.5, id="never sooner"),
    pytest.param(
        [], "<skipHours><hour>0</hour><hour>1</hour><hour>2</hour></skipHours>", 3.0, id="skipHours"
    ),
    pytest.param([], "<skipDays><day>Monday</day></skipDays>", 24.0, id="skipDays"),
    pytest.param(
        [],
        "<skipDays>" + "".join(
            f"<day>{day}</day>"
            for day in ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
        ) + "</skipDays>",
        0.5,
        id="skipDays: whoever never wants to be asked says nothing",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("headers", "head", "hours"), WISHES)
def test_what_servers_and_feeds_wish_for_only_delays_and_is_capped(
    bench: Bench, server: Server, headers: list[tuple[str, str]], head: str, hours: float
) -> None:
    """An article an hour: without a wish it is looked at every half an hour. START is a Monday, midnight."""
    server.route("/feed", Reply(body=rss("a", "b", "c", head=head), headers=headers))
    source = bench.add(server.url("/feed"))

    assert bench.look(source).outcome == "ok"
    assert hours <= after(bench, source) <= hours * JITTER + 0.6


def test_a_permanent_move_is_stored_after_three_identical_answers(bench: Bench, server: Server) -> None:
    server.route("/old", redirect("/new", 301))
    server.route("/new", ordinary(etag='"1"'))
    source = bench.add(server.url("/old"))
    for number in (1, 2):
        bench.look(source)
        moving = sources.get(source)
        assert (moving.location, moving.moved_to) == (server.url("/old"), server.url("/new"))
        assert moving.moved_count == number
        assert next(health.read([source], START)).health is Health.MOVED
    bench.look(source)
    moved = sources.get(source)
    assert (moved.location, moved.moved_from) == (server.url("/new"), server.url("/old"))
    bench.look(source)
    assert len(server.asked("/old")) == 3
    assert (titles(source), moved.etag) == (3, '"1"')


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param([redirect("/new", 302)] * 4, id="only for now"),
        pytest.param([redirect("/new", 308), redirect("/other", 308)] * 2, id="never the same"),
        pytest.param([redirect("/new", 301), Reply(body=rss("a"))] * 2, id="not in a row"),
        pytest.param([redirect("/page", 301)] * 4, id="to a page: a hotel's network"),
        pytest.param([redirect("http://[::1]:{port}/new", 301)] * 4, id="into a forbidden zone"),
    ],
)
def test_other_moves_are_not_believed(bench: Bench, server: Server, answers: list[Reply]) -> None:
    server.route("/old", *answers)
    server.route("/new", ordinary())
    server.route("/other", ordinary())
    server.route(
        "/page", Reply(body=b"<!doctype html><html><body>Log in</body></html>", content_type="text/html")
    )
    source = bench.add(server.url("/old"))
    for _ in answers:
        bench.look(source)
    assert (sources.get(source).location, sources.get(source).moved_from) == (server.url("/old"), None)


def test_a_move_to_where_another_source_is_stays_told(bench: Bench, server: Server) -> None:
    server.route("/old", redirect("/new", 301))
    server.route("/new", ordinary())
    bench.add(server.url("/new"))
    source = bench.add(server.url("/old"))
    for _ in range(5):
        bench.look(source)
    stuck = sources.get(source)
    assert (stuck.location, stuck.moved_to) == (server.url("/old"), server.url("/new"))
    assert next(health.read([source], START)).health is Health.MOVED


def test_gone_pauses_with_its_reason(bench: Bench, server: Server) -> None:
    server.route("/feed", ordinary(), Reply(410), ordinary())
    source = bench.add(server.url("/feed"))
    assert [bench.look(source).outcome for _ in range(2)] == ["ok", "gone"]
    gone = sources.get(source)
    assert (gone.state, gone.state_reason) == (
        SourceState.PAUSED, "the server says it is gone for good (410)",
    )  # fmt: skip
    bench.at(START + 365 * 24 * HOUR)
    assert source not in bench.application.poller.begin_due()
    assert titles(source) == 3
    sources.resume(source, bench.clock())
    assert bench.look(source).outcome == "ok"


def test_a_delta_brings_what_is_new_and_says_nothing_of_the_rest(bench: Bench, server: Server) -> None:
    server.route(
        "/feed",
        Reply(body=rss("a", "b", "c"), etag='"1"'),
        Reply(body=rss("d", "a", "b"), etag='"2"', delta=rss("d")),
        Reply(body=rss("d", "a", "b"), etag='"2"'),
    )
    source = bench.add(server.url("/feed"))
    bench.look(source)
    delta = bench.look(source)
    assert (delta.outcome, delta.status, delta.new, delta.seen) == ("ok", 226, 1, 1)
    assert sources.get(source).entries == 3  # a part says nothing of the whole
    assert bench.look(source).outcome == "not_modified"
    assert titles(source) == 4


def test_logins_headers_and_who_asks(bench: Bench, server: Server, tmp_path: Path) -> None:
    word = tmp_path / "word"
    word.write_text("swordfish\n", encoding="utf-8")
    server.route("/feed", ordinary(headers=[("Set-Cookie", "session=1")]))
    options = {"username": "me", "password_file": str(word), "header.X-Key": "42"}
    source = bench.add(server.url("/feed"), options=options)
    bench.look(source)
    word.write_text("hunter2\n", encoding="utf-8")  # a rotated secret is used without a restart
    bench.look(source)
    one, two = (request.headers for request in server.requests)
    logins = ("Basic " + b64encode(f"me:{word}".encode()).decode() for word in ("swordfish", "hunter2"))
    assert (one["authorization"], two["authorization"]) == tuple(logins)
    assert (one["x-key"], one["user-agent"].endswith(" (+desk@example.org)")) == ("42", True)
    assert "cookie" not in two
    word.unlink()
    failed = bench.look(source)
    assert failed.outcome == "unauthorized"
    assert "password file" in (failed.detail or "")
    stored = bench.application.database.path
    assert stored is not None
    assert b"hunter2" not in stored.read_bytes()


def test_a_source_has_a_proxy_of_its_own(bench: Bench, server: Server) -> None:
    with Server() as proxy:
        proxy.route("/feed", ordinary())
        source = bench.add("http://feeds.example/feed", options={"proxy": proxy.url()})
        assert bench.look(source).new == 3
        assert [request.target for request in proxy.requests] == ["http://feeds.example/feed"]


# -- the guard -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "location",
    [
        "http://10.0.0.1/feed", "http://192.168.1.1/feed", "http://169.254.169.254/latest/meta-data",
        "http://100.64.0.1/feed", "http://[fe80::1]/feed", "http://[::ffff:10.0.0.1]/feed",
        "http://[64:ff9b::a00:1]/feed", "http://[2002:a00:1::]/feed", "http://224.0.0.1/feed", "http://0.0.0.0/feed",
        "http://93.184.216.34:25/feed",
    ],
)  # fmt: skip
def test_private_places_and_other_ports_are_never_asked(bench: Bench, location: str) -> None:
    source = bench.add(location)
    poll = bench.look(source)
    assert (poll.outcome, poll.status) == ("blocked", None)
    assert "the guard refuses" in (poll.detail or "")


def test_a_source_may_be_allowed_what_others_are_not(bench: Bench) -> None:
    """The settings of this bench allow 127.0.0.0/8 to all, and nothing else."""
    with Server(address="::1") as inside:
        inside.route("/feed", ordinary())
        refused = bench.add(inside.url("/feed"))
        assert bench.look(refused).outcome == "blocked"
        assert inside.requests == []
        allowed = bench.add(inside.url("/feed?2"), options={"allow_private": True})
        assert bench.look(allowed).outcome == "ok"
        assert len(inside.requests) == 1


@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "http://[::1]:8123/", "ftp://example.org/", "gopher:x"]
)
def test_a_redirect_leads_nowhere_that_is_forbidden(bench: Bench, server: Server, location: str) -> None:
    server.route("/feed", redirect(location, 302))
    source = bench.add(server.url("/feed"))
    assert bench.look(source).outcome in {"redirect", "blocked"}
    assert titles(source) == 0


# -- the cadence ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schedule", "least", "most"),
    [
        ("adaptive", 0.5, 0.55),  # half an hour: an article an hour
        ("every 15m", 0.25, 0.28),
        ("every 2h", 2.0, 2.02),
        ("0 6 * * *", 6.0, 6.01),
        ("TZ=Europe/Berlin 0 6 * * *", 5.0, 5.01),
    ],
)
def test_schedules(bench: Bench, server: Server, schedule: str, least: float, most: float) -> None:
    server.route("/feed", ordinary())
    source = bench.add(server.url("/feed"), schedule=schedule)
    bench.look(source)
    assert least <= after(bench, source) <= most


def test_failures_are_put_off_longer_and_longer_and_never_given_up(bench: Bench, server: Server) -> None:
    server.route("/feed", *[Reply(503)] * 40, ordinary())
    source = bench.add(server.url("/feed"))
    waits = []
    for _ in range(40):
        bench.look(source)
        waits.append(after(bench, source))
        bench.at(bench.clock() + timedelta(hours=waits[-1]))
    failing = sources.get(source)
    assert (failing.state, failing.failures, failing.failing_since) == (SourceState.ACTIVE, 40, START)
    assert waits[0] < 1.2
    assert waits[0] < waits[4] < waits[5] < waits[6]
    assert 11 < max(waits) <= 12 * JITTER
    assert bench.look(source).new == 3
    assert (sources.get(source).failures, sources.get(source).failing_since) == (0, None)


def test_a_million_entries_are_cut_and_the_cut_is_said(bench: Bench, server: Server) -> None:
    one = rss("a").decode().replace("<channel>", "<channel>" + "<item/>" * 1_000_000)
    server.route("/feed", Reply(body=one.encode()))
    source = bench.add(server.url("/feed"))
    poll = bench.look(source)
    assert (poll.outcome, poll.seen) == ("ok", 10_000)
    assert "more than 10,000 entries; the first 10,000 were read" in (poll.detail or "")
    assert titles(source) == 1  # all alike, and the one that differs comes too late


def test_a_reading_of_the_articles_is_what_came(bench: Bench, server: Server) -> None:
    server.route("/feed", Reply(body=rss("x", "y")))
    source = bench.add(server.url("/feed"))
    bench.look(source)
    known = articles.known(source, keys=["guid:x", "guid:y"], guids=[], urls=[], hashes=[])
    assert sorted(one.title for one in known) == ["News of x", "News of y"]
