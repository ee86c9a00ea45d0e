"""Looks at a real server on loopback: bodies, validators, redirects, failures."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from service.fetch.guard import Guard
from service.fetch.http import Fetcher, body_hash
from service.fetch.limits import Limits
from service.values import Failed, FeedTarget, Fetched, FetchResult, NotModified, Reason
from tests.server import Reply, Server, redirect

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
RSS = b"<rss><channel><title>News</title></channel></rss>"
LOOPBACK = Guard.of(allow=["127.0.0.0/8"])


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


def look(target: FeedTarget | str, **settings: Any) -> FetchResult:
    """One look, with a fetcher of its own that may go to loopback."""
    target = FeedTarget(target) if isinstance(target, str) else target

    async def once() -> FetchResult:
        async with Fetcher(**{"guard": LOOPBACK, **settings}) as fetcher:
            return await fetcher.fetch(target, now=NOW)

    return asyncio.run(once())


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("coding", ["", "gzip", "deflate", "raw-deflate", "br", "zstd", "gzip, br"])
def test_a_body_arrives_whole_in_every_coding(server: Server, coding: str, chunked: bool) -> None:
    server.route("/feed", Reply(body=RSS * 1000, coding=coding, chunked=chunked))

    fetched = look(server.url("/feed"))

    assert isinstance(fetched, Fetched)
    assert fetched.body == RSS * 1000
    assert fetched.content_type == "application/rss+xml"
    assert fetched.validators.body_hash == body_hash(RSS * 1000)
    assert (fetched.bytes_on_wire == len(RSS) * 1000) is (coding == "")


def test_the_second_look_asks_with_the_servers_own_validators(server: Server) -> None:
    server.route("/feed", Reply(body=RSS, etag='W/"a b"', last_modified="Tue, 24 Nov 2026 08:00:00 GMT"))

    first = look(server.url("/feed"))
    assert isinstance(first, Fetched)
    second = look(FeedTarget(server.url("/feed"), first.validators))

    assert second == NotModified(server.url("/feed"), first.validators)
    asked = server.requests[1].headers
    assert asked["if-none-match"] == 'W/"a b"'
    assert asked["if-modified-since"] == "Tue, 24 Nov 2026 08:00:00 GMT"
    assert asked["a-im"] == "feed"


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(404), Reason.NOT_FOUND),
        (Reply(410), Reason.GONE),
        (Reply(429), Reason.RATE_LIMITED),
        (Reply(503), Reason.HTTP_5XX),
        (redirect("/feed"), Reason.REDIRECT),
        (redirect("file:///etc/passwd"), Reason.REDIRECT),
        (Reply(hang=True), Reason.TIMEOUT),
        (Reply(body=RSS, cut=10), Reason.BROKEN),
        (Reply(endless=b"x" * 4096, chunked=True), Reason.TOO_LARGE),
        (Reply(body=b""), Reason.EMPTY),
    ],
)
def test_a_failure_is_a_value(server: Server, reply: Reply, reason: Reason) -> None:
    server.route("/feed", reply)

    failed = look(server.url("/feed"), limits=Limits(read=0.05, wire_bytes=65536))

    assert isinstance(failed, Failed)
    assert failed.reason is reason


def test_a_private_address_is_refused(server: Server) -> None:
    server.route("/feed", Reply(body=RSS))

    refused = look(server.url("/feed"), guard=Guard())

    assert isinstance(refused, Failed)
    assert refused.reason is Reason.BLOCKED
    assert server.requests == []
    assert isinstance(look(FeedTarget(server.url("/feed"), allow_private=True), guard=Guard()), Fetched)
