"""Looks that fail: each a value with its reason and words for a person, within its limits."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from service.fetch.limits import Limits
from service.values import Hints, Reason
from tests.fetching import RSS, Names, failed, fetched, look, looks
from tests.server import Reply, Server

CAPS = Limits(wire_bytes=64 * 1024, body_bytes=256 * 1024)
QUICK = Limits(connect=0.3, read=0.1, total=0.3)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (400, Reason.HTTP_4XX),
        (401, Reason.UNAUTHORIZED),
        (403, Reason.UNAUTHORIZED),
        (404, Reason.NOT_FOUND),
        (407, Reason.UNAUTHORIZED),
        (410, Reason.GONE),
        (418, Reason.HTTP_4XX),
        (429, Reason.RATE_LIMITED),
        (451, Reason.HTTP_4XX),
        (500, Reason.HTTP_5XX),
        (503, Reason.HTTP_5XX),
        (522, Reason.HTTP_5XX),
        (204, Reason.HTTP_OTHER),
        (206, Reason.HTTP_OTHER),
        (300, Reason.HTTP_OTHER),
        (999, Reason.HTTP_OTHER),
    ],
)
def test_each_status_has_its_reason(server: Server, status: int, reason: Reason) -> None:
    server.route("/feed", Reply(status))

    result = failed(look(server.url("/feed")), reason)

    assert result.status == status
    assert str(status) in result.detail


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(403, headers=[("cf-mitigated", "challenge")]), "robots"),
        (Reply(401, headers=[("WWW-Authenticate", 'Basic realm="x"')]), "Basic credentials"),
    ],
)
def test_a_refusal_says_what_it_is_for(server: Server, reply: Reply, words: str) -> None:
    server.route("/feed", reply)

    assert words in failed(look(server.url("/feed")), Reason.UNAUTHORIZED).detail


@pytest.mark.parametrize("status", [429, 503, 403])
@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ([("Retry-After", "120")], 120),
        ([("Retry-After", "Tue, 24 Nov 2026 12:10:00 GMT")], 600),
        ([("Retry-After", "Tue, 24 Nov 2026 12:10:00 GMT"), ("Date", "Tue, 24 Nov 2026 12:05:00 GMT")], 300),
        ([("Retry-After", "Tue, 24 Nov 2020 12:10:00 GMT")], 0),
        ([("Retry-After", "soon")], None),
        ([("Retry-After", "-5")], None),
        ([], None),
    ],
)
def test_retry_after_in_both_forms(
    server: Server, status: int, headers: list[tuple[str, str]], seconds: int | None
) -> None:
    server.route("/feed", Reply(status, headers=headers))

    result = look(server.url("/feed"))

    assert result.hints.retry_after == seconds


def test_a_success_cannot_ask_to_come_later(server: Server) -> None:
    server.route("/feed", Reply(body=RSS, headers=[("Retry-After", "120"), ("Cache-Control", "max-age=60")]))

    assert fetched(look(server.url("/feed"))).hints == Hints(max_age=60)


@pytest.mark.parametrize(
    ("reply", "reason", "words"),
    [
        pytest.param(Reply(hang=True), Reason.TIMEOUT, "nothing arrived for 0.1 s", id="hang"),
        pytest.param(Reply(body=RSS, drip=0.02), Reason.TIMEOUT, "not finished within 0.3 s", id="slow drip"),
        pytest.param(
            Reply(body=RSS, drip=0.02, chunked=True, coding="gzip"),
            Reason.TIMEOUT,
            "0.3 s",
            id="slow gzip drip",
        ),
        pytest.param(
            Reply(endless=b"x" * 4096, chunked=True), Reason.TOO_LARGE, "65,536", id="endless chunks"
        ),
        pytest.param(Reply(endless=b"x" * 4096), Reason.TOO_LARGE, "65,536", id="endless until closed"),
        pytest.param(Reply(body=b"x", claim=10**12), Reason.TOO_LARGE, "1,000,000,000,000", id="claims much"),
        pytest.param(Reply(body=RSS, cut=10), Reason.BROKEN, "ends before its end", id="cut"),
        pytest.param(
            Reply(body=RSS, cut=10, chunked=True), Reason.BROKEN, "ends before its end", id="cut chunks"
        ),
        pytest.param(
            Reply(body=RSS * 9, coding="gzip", cut=30, claim=30), Reason.BROKEN, "unpacked", id="cut gzip"
        ),
        pytest.param(
            Reply(body=RSS, headers=[("Content-Encoding", "zstd")]), Reason.BROKEN, "zstd", id="no zstd"
        ),
        pytest.param(
            Reply(body=RSS, headers=[("Content-Encoding", "lzma")]), Reason.BROKEN, "lzma", id="unknown"
        ),
        pytest.param(Reply(raw=b""), Reason.BROKEN, "without an answer", id="closes"),
        pytest.param(Reply(raw=b"SSH-2.0-OpenSSH\r\n\r\n"), Reason.BROKEN, "not HTTP", id="another protocol"),
        pytest.param(
            Reply(raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
            Reason.BROKEN,
            "chunk size",
            id="no chunk",
        ),
        pytest.param(
            Reply(body=RSS, headers=[("X", "x" * 40_000)]), Reason.TOO_LARGE, "headers", id="a header bomb"
        ),
        pytest.param(
            Reply(body=RSS, headers=[("X", "x")] * 500), Reason.TOO_LARGE, "headers", id="many headers"
        ),
        pytest.param(Reply(body=b""), Reason.EMPTY, "empty body", id="empty"),
        pytest.param(Reply(body=b"", coding="gzip"), Reason.EMPTY, "empty body", id="empty gzip"),
    ],
)
def test_a_failure_is_a_value_with_its_reason(
    server: Server, reply: Reply, reason: Reason, words: str
) -> None:
    server.route("/feed", reply)

    limits = QUICK if reason is Reason.TIMEOUT else CAPS
    result = failed(look(server.url("/feed"), limits=limits), reason)

    assert words in result.detail
    assert result.cause


@pytest.mark.parametrize("coding", ["gzip", "deflate", "raw-deflate", "br", "zstd", "gzip, gzip"])
def test_a_bomb_is_stopped_at_the_cap(server: Server, coding: str) -> None:
    server.route("/feed", Reply(body=bytes(8_000_000), coding=coding))

    result = failed(look(server.url("/feed"), limits=CAPS), Reason.TOO_LARGE)

    assert "unpacks to more than 262,144 bytes" in result.detail


def test_the_caps_are_exact(server: Server) -> None:
    server.route("/fits", Reply(body=b"x" * CAPS.wire_bytes, chunked=True))
    server.route("/over", Reply(body=b"x" * (CAPS.wire_bytes + 1), chunked=True))
    server.route("/unpacked", Reply(body=b"x" * CAPS.body_bytes, coding="gzip"))
    server.route("/beyond", Reply(body=b"x" * (CAPS.body_bytes + 1), coding="gzip"))

    fits, over, unpacked, beyond = looks(
        [server.url(path) for path in ("/fits", "/over", "/unpacked", "/beyond")], limits=CAPS
    )

    fetched(fits)
    failed(over, Reason.TOO_LARGE)
    fetched(unpacked)
    failed(beyond, Reason.TOO_LARGE)


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]

    result = failed(look(f"http://127.0.0.1:{port}/"), Reason.CONNECT)

    assert "connection refused" in result.detail


def test_a_connection_that_is_never_taken() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        port = full.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):  # the only one that the kernel holds
            result = failed(look(f"http://127.0.0.1:{port}/", limits=QUICK), Reason.TIMEOUT)

    assert "0.3 s" in result.detail


def test_a_name_server_that_never_answers() -> None:
    class Silent(Names):
        async def resolve(
            self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
        ) -> list:  # type: ignore[type-arg]
            await asyncio.Event().wait()
            return []

    result = look("http://feeds.test/", resolver=Silent({}), limits=QUICK)

    assert "not finished within 0.3 s" in failed(result, Reason.TIMEOUT).detail


def test_a_lookup_that_hangs_keeps_no_process_alive() -> None:
    program = (
        "import asyncio, socket, threading\n"
        "socket.getaddrinfo = lambda *_, **__: threading.Event().wait()\n"
        "from service.fetch.limits import Limits\n"
        "from tests.fetching import look\n"
        "print(look('http://feeds.test/', limits=Limits(total=0.1)).detail)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )

    assert done.stdout == "not finished within 0.1 s\n"


@pytest.mark.parametrize("host", ["nowhere.test", "nowhere.invalid"])
def test_no_such_name(host: str) -> None:
    result = failed(look(f"http://{host}/", resolver=Names({})), Reason.DNS)

    assert f"no host named {host}" in result.detail
    assert "no host named nowhere.invalid" in failed(look("http://nowhere.invalid/"), Reason.DNS).detail


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("ftp://feeds.test/", "ftp: is not http or https"),
        ("file:///etc/passwd", "file: is not http or https"),
        ("feeds.test/rss", "does not begin with http"),
        ("", "empty"),
        ("http://", "names no host"),
        ("http://127.0.0.1:99999/", "not a web address"),
        ("http://[::1/", "not a web address"),
        ("http://2130706433/", "is a number"),
        ("http://0x7f.1/", "is a number"),
        ("http://0177.0.0.1/", "is a number"),
        ("http://a..b/", "no host name"),
        ("http://" + "a" * 64 + ".test/", "too long"),
        ("http://feeds.test/" + "a" * 9000, "longer than"),
    ],
)
def test_what_is_no_web_address_is_never_asked(address: str, words: str) -> None:
    assert words in failed(look(address), Reason.BLOCKED).detail


def test_whatever_else_happens_is_a_value_with_its_traceback() -> None:
    class Broken(Names):
        async def resolve(
            self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
        ) -> list:  # type: ignore[type-arg]
            raise ZeroDivisionError("a fault of ours")

    result = failed(look("http://feeds.test/", resolver=Broken({})), Reason.INTERNAL)

    assert result.detail == "ZeroDivisionError: a fault of ours"
    assert "Traceback" in result.cause
