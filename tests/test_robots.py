"""What sites ask of programs, by real answers of a real server: rules, refusals, failures, and the memory."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from service.fetch import robots
from service.fetch.http import Fetcher
from service.fetch.robots import MAX_BYTES, Permission, Robots
from service.values import FeedTarget, FetchResult, Reason
from tests.fetching import LOOPBACK, NOW, Names
from tests.server import Reply, Server, redirect

RULES = b"User-agent: *\nDisallow: /private\n\nUser-agent: Wirewatch\nDisallow: /mine\nCrawl-delay: 7\n"


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


def ask(server: Server, *paths: str, times: tuple[datetime, ...] = ()) -> list[Permission]:
    """One look after the other, by the same memory."""

    async def run() -> list[Permission]:
        async with Fetcher(guard=LOOPBACK) as fetcher:

            async def fetch(target: FeedTarget, now: datetime) -> FetchResult:
                return await fetcher.fetch(target, now=now)

            rules = Robots(fetch)
            return [
                await rules.ask(FeedTarget(server.url(path)), now=now)
                for path, now in zip(paths, times or (NOW,) * len(paths), strict=True)
            ]

    return asyncio.run(run())


def text(body: bytes, **more: object) -> Reply:
    return Reply(body=body, content_type="text/plain", **more)  # type: ignore[arg-type]


def test_the_rules_for_our_name_hold_before_those_for_all(server: Server) -> None:
    server.route("/robots.txt", text(RULES))
    mine, private, other = ask(server, "/mine/1", "/private/1", "/news?id=1")
    assert (mine.allowed, private.allowed, other.allowed) == (False, True, True)
    assert mine.reason is Reason.ROBOTS
    assert mine.why == "the site's robots.txt asks programs not to fetch it"
    assert other.delay == 7.0
    assert [request.path for request in server.requests] == ["/robots.txt"]
    assert server.requests[0].headers["user-agent"].startswith("Wirewatch/")
    assert server.requests[0].headers["accept"].startswith("text/plain")


@pytest.mark.parametrize(
    ("body", "path", "allowed"),
    [
        (b"User-agent: *\nDisallow: /\nAllow: /news/", "/news/1", True),
        (b"User-agent: *\nDisallow: /\nAllow: /news/", "/other", False),
        (b"User-agent: *\nDisallow: /*.pdf$", "/a/b.pdf", False),
        (b"User-agent: *\nDisallow: /*.pdf$", "/a/b.pdf?x", True),
        (b"User-agent: *\nDisallow:", "/a", True),
        (b"\xef\xbb\xbfUser-agent: *\nDisallow: /", "/a", False),
        (b"\xff\xfe\x00 no text at all", "/a", True),
        (b"<!doctype html><p>Not here", "/a", True),
        (b"User-agent: GPTBot\nDisallow: /", "/a", True),
    ],
)
def test_rules(server: Server, body: bytes, path: str, allowed: bool) -> None:
    server.route("/robots.txt", text(body))
    assert ask(server, path)[0].allowed is allowed


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_a_refusal_means_that_there_are_no_rules(server: Server, status: int) -> None:
    server.route("/robots.txt", Reply(status))
    assert ask(server, "/a") == [Permission(True)]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_that_fails_is_left_alone_for_an_hour(server: Server, status: int) -> None:
    server.route("/robots.txt", Reply(status), text(b""))
    hour = timedelta(hours=1)
    permissions = ask(server, "/a", "/a", "/a", times=(NOW, NOW + hour / 2, NOW + hour))
    assert [one.allowed for one in permissions] == [False, False, True]
    assert "robots.txt cannot be had" in permissions[0].why
    assert permissions[0].reason == (Reason.RATE_LIMITED if status == 429 else Reason.HTTP_5XX)
    assert str(status) in permissions[0].why


def test_rules_are_asked_for_once_a_day(server: Server) -> None:
    server.route("/robots.txt", text(b""), text(b"User-agent: *\nDisallow: /"))
    day = timedelta(hours=24)
    times = (NOW, NOW + day - timedelta(seconds=1), NOW + day)
    assert [one.allowed for one in ask(server, "/a", "/b", "/c", times=times)] == [True, True, False]
    assert len(server.requests) == 2


def test_redirects_are_followed(server: Server) -> None:
    server.route("/robots.txt", redirect("/there"))
    server.route("/there", text(b"User-agent: *\nDisallow: /a"))
    assert not ask(server, "/a")[0].allowed


def test_rules_without_end_are_read_to_a_limit(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(robots, "MAX_BYTES", 1000)
    assert MAX_BYTES == 500 * 1024
    late = b"User-agent: *\nDisallow: /early\n" + b"#\n" * 1000 + b"Disallow: /late\n"
    server.route("/robots.txt", text(late))
    assert [one.allowed for one in ask(server, "/early", "/late")] == [False, True]


def test_a_delay_without_reason_is_capped(server: Server) -> None:
    server.route("/robots.txt", text(b"User-agent: *\nCrawl-delay: 86400\n"))
    assert ask(server, "/a")[0].delay == robots.LONGEST_DELAY


def test_what_is_no_web_address_is_not_asked_for() -> None:
    async def never(_: FeedTarget, __: datetime) -> FetchResult:
        raise AssertionError

    permission = asyncio.run(Robots(never).ask(FeedTarget("mailto:a@example.org"), now=NOW))
    assert not permission.allowed
    assert "mailto" in permission.why


def test_several_pages_at_a_time_ask_once(server: Server) -> None:
    server.route("/robots.txt", text(b"User-agent: *\nDisallow: /a"))

    async def run() -> list[Permission]:
        async with Fetcher(guard=LOOPBACK) as fetcher:
            rules = Robots(lambda target, now: fetcher.fetch(target, now=now))
            targets = [FeedTarget(server.url(path)) for path in ("/a", "/b", "/c", "/d")]
            return list(await asyncio.gather(*(rules.ask(target, now=NOW) for target in targets)))

    assert [one.allowed for one in asyncio.run(run())] == [False, True, True, True]
    assert len(server.requests) == 1


def test_the_memory_is_bounded(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(robots, "MAX_ORIGINS", 2)
    monkeypatch.setattr(robots, "MAX_KEPT", 100)
    server.route("/robots.txt", text(b"# " + b"x" * 60))

    async def run() -> Robots:
        hosts = ("one.test", "two.test", "three.test")
        async with Fetcher(guard=LOOPBACK, resolver=Names(dict.fromkeys(hosts, "127.0.0.1"))) as fetcher:
            rules = Robots(lambda target, now: fetcher.fetch(target, now=now))
            for host in hosts:
                address = server.url("/a", host=host)
                await rules.ask(FeedTarget(address), now=NOW)
            return rules

    rules = asyncio.run(run())
    assert len(rules._known) == 1
    assert rules._size == 62
