"""Looks at a real server on loopback: bodies, validators, and what is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from service.fetch.http import Fetcher, body_hash, user_agent
from service.fetch.limits import Limits
from service.values import FeedTarget, Hints, NotModified, Reason, Validators
from tests.fetching import LOOPBACK, NOW, RSS, failed, fetched, look, looks, not_modified
from tests.server import Reply, Request, Server

DATE = "Tue, 24 Nov 2026 08:00:00 GMT"


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


# -- bodies --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("coding", ["", "gzip", "deflate", "raw-deflate", "br", "zstd", "gzip, br"])
def test_a_body_arrives_whole_in_every_coding(server: Server, coding: str, chunked: bool) -> None:
    server.route("/feed", Reply(body=RSS * 1000, coding=coding, chunked=chunked))

    result = fetched(look(server.url("/feed")))

    assert result.body == RSS * 1000
    assert result.content_type == "application/rss+xml"
    assert result.validators == Validators(body_hash=body_hash(RSS * 1000))
    assert (result.bytes_on_wire == len(RSS) * 1000) is (coding == "")
    assert (result.url, result.final_url) == (server.url("/feed"), server.url("/feed"))


def test_who_asks_says_so_and_how_to_reach_him(server: Server) -> None:
    server.route("/feed", Reply(body=RSS))

    look(server.url("/feed"), contact="https://example.org/feeds")
    look(server.url("/feed"))

    asked, plain = (request.headers for request in server.requests)
    assert asked["user-agent"].startswith("Wirewatch/")
    assert asked["user-agent"].endswith(" (+https://example.org/feeds)")
    assert plain["user-agent"] == user_agent(None)
    assert asked["accept-encoding"] == "gzip, deflate, br, zstd"
    assert "application/atom+xml" in asked["accept"]
    assert not {"if-none-match", "if-modified-since", "a-im", "cookie", "authorization"} & set(asked)


@pytest.mark.parametrize(
    ("header", "hub"),
    [
        ('<https://hub.test/>; rel="hub"', "https://hub.test/"),
        (
            '<https://a.test/>; rel=self, <https://hub.test/>; title="a, b"; rel="hub alternate"',
            "https://hub.test/",
        ),
        ("</hub>; rel=HUB", "http://127.0.0.1:{port}/hub"),
        ("<ftp://hub.test/>; rel=hub", None),
        ("<https://hub.test/>; rel=self", None),
        ("<<<>;;;,,, rel=hub", None),
    ],
)
def test_the_hub_of_the_link_header(server: Server, header: str, hub: str | None) -> None:
    server.route("/feed", Reply(body=RSS, headers=[("Link", header)]))

    expected = hub.replace("{port}", str(server.port)) if hub else None
    assert fetched(look(server.url("/feed"))).hubs == ((expected,) if expected else ())


@pytest.mark.parametrize(
    ("header", "named"),
    [
        ('<https://Hub.test>; rel="hub", <HTTP://A.test/%7efeed?b>; rel="self"', "http://A.test/%7efeed?b"),
        ("<feed.xml>; rel=self", "http://127.0.0.1:{port}/feed.xml"),
        ("<https://a.test/>; rel=hub", None),
        ("<javascript:alert(1)>; rel=self", None),
    ],
)
def test_the_feeds_own_address_of_the_link_header(server: Server, header: str, named: str | None) -> None:
    server.route("/feed", Reply(body=RSS, headers=[("Link", header)]))

    expected = named.replace("{port}", str(server.port)) if named else None
    assert fetched(look(server.url("/feed"))).self_url == expected


def test_cookies_are_never_kept(server: Server) -> None:
    server.route("/feed", Reply(body=RSS, headers=[("Set-Cookie", "session=1; Path=/")]))

    looks([server.url("/feed")] * 2)

    assert all("cookie" not in request.headers for request in server.requests)


def test_connections_are_kept(server: Server) -> None:
    server.route("/feed", Reply(body=RSS))

    looks([server.url("/feed"), server.url("/none"), server.url("/feed")])

    assert {request.connection for request in server.requests} == {1}


def test_a_kept_connection_that_the_server_has_closed_costs_nothing(server: Server) -> None:
    server.route("/feed", Reply(body=RSS, cut=len(RSS)))  # closes behind the body, without saying so

    for result in looks([server.url("/feed")] * 5):
        fetched(result)


@pytest.mark.parametrize("address", ["::1", "127.0.0.2"])
def test_any_address_will_do(address: str) -> None:
    with Server(address=address) as server:
        server.route("/feed", Reply(body=RSS))
        fetched(look(server.url("/feed")))


def test_names_are_the_systems_own(server: Server) -> None:
    server.route("/feed", Reply(body=RSS))

    fetched(look(server.url("/feed", host="localhost")))


def test_the_environment_has_no_say(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    server.route("/feed", Reply(body=RSS))

    fetched(look(server.url("/feed")))


# -- nothing new ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("etag", ['"1"', 'W/"a b"', "unquoted", '"käse"', None])
@pytest.mark.parametrize("modified", [DATE, "2026-11-24 08:00", None])
def test_the_second_look_asks_with_the_servers_own_words(
    server: Server, etag: str | None, modified: str | None
) -> None:
    server.route("/feed", Reply(body=RSS, etag=etag, last_modified=modified))

    first = fetched(look(server.url("/feed")))
    second = not_modified(look(FeedTarget(server.url("/feed"), first.validators)))

    assert first.validators == Validators(etag, modified, body_hash(RSS))
    assert second.validators == first.validators
    assert second.same_body is (etag is None and modified is None)
    asked = server.requests[1].headers
    assert (asked.get("if-none-match"), asked.get("if-modified-since")) == (etag, modified)


def test_a_304_renews_the_validators_it_names(server: Server) -> None:
    server.route("/feed", Reply(304, etag='"2"', headers=[("Cache-Control", "max-age=600")]))

    result = look(FeedTarget(server.url("/feed"), Validators('"1"', DATE, "abc")))

    assert result == NotModified(server.url("/feed"), Validators('"2"', DATE, "abc"), Hints(max_age=600))


def test_the_same_body_is_nothing_new_though_the_server_says_so(server: Server) -> None:
    def volatile(request: Request) -> Reply:
        return Reply(body=RSS, etag=f'"{len(server.requests)}"')

    server.route("/feed", volatile)

    first = fetched(look(server.url("/feed")))
    second = not_modified(look(FeedTarget(server.url("/feed"), first.validators)))

    assert (second.status, second.same_body) == (200, True)
    assert second.validators == Validators('"2"', None, body_hash(RSS))


def test_force_asks_for_the_whole_and_gets_it(server: Server) -> None:
    server.route("/feed", Reply(body=RSS, etag='"1"', last_modified=DATE))
    known = Validators('"1"', DATE, body_hash(RSS))

    assert fetched(look(FeedTarget(server.url("/feed"), known, force=True))).body == RSS

    assert not {"if-none-match", "if-modified-since", "a-im"} & set(server.requests[0].headers)


def test_a_304_that_nobody_asked_for_is_a_failure(server: Server) -> None:
    server.route("/feed", Reply(304))

    assert "asked for the whole" in failed(look(server.url("/feed")), Reason.HTTP_OTHER).detail
    forced = FeedTarget(server.url("/feed"), Validators('"1"'), force=True)
    failed(look(forced), Reason.HTTP_OTHER)


def test_a_delta_holds_only_what_is_new(server: Server) -> None:
    server.route("/feed", Reply(body=RSS, etag='"2"', delta=b"<rss>new</rss>"))
    whole = body_hash(b"the whole")

    delta = fetched(look(FeedTarget(server.url("/feed"), Validators('"1"', body_hash=whole))))

    assert (delta.status, delta.delta, delta.body) == (226, True, b"<rss>new</rss>")
    assert delta.validators == Validators('"2"', None, whole)
    assert server.requests[0].headers["a-im"] == "feed"


@pytest.mark.parametrize("etag", ['"' + "x" * 5000 + '"', '"\udcff"'])
def test_a_validator_that_cannot_be_kept_is_not(server: Server, etag: str) -> None:
    server.route("/feed", Reply(body=RSS, etag=etag))

    assert fetched(look(server.url("/feed"))).validators == Validators(body_hash=body_hash(RSS))


def test_a_stored_validator_cannot_smuggle_a_header(server: Server) -> None:
    server.route("/feed", Reply(body=RSS))

    fetched(look(FeedTarget(server.url("/feed"), Validators('"1"\r\nX-Evil: 1', "a\nb"))))

    assert not {"x-evil", "if-none-match", "if-modified-since"} & set(server.requests[0].headers)


# -- a process that goes on ------------------------------------------------------------------------------


def test_a_look_can_be_given_up(server: Server) -> None:
    server.route("/feed", Reply(hang=True))

    async def run() -> None:
        async with Fetcher(guard=LOOPBACK) as fetcher:
            task = asyncio.create_task(fetcher.fetch(FeedTarget(server.url("/feed")), now=NOW))
            while not server.requests:
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(run())


def test_one_slow_server_holds_up_nobody(server: Server) -> None:
    server.route("/hang", Reply(hang=True))
    server.route("/feed", Reply(body=RSS))
    patient = Limits(read=60.0, total=60.0)

    async def run() -> None:
        async with Fetcher(guard=LOOPBACK, limits=patient, connections=200) as fetcher:
            slow = [
                asyncio.create_task(fetcher.fetch(FeedTarget(server.url("/hang")), now=NOW))
                for _ in range(100)
            ]
            async with asyncio.timeout(5):
                for _ in range(20):
                    fetched(await fetcher.fetch(FeedTarget(server.url("/feed")), now=NOW))
            for task in slow:
                task.cancel()
            await asyncio.gather(*slow, return_exceptions=True)

    asyncio.run(run())
