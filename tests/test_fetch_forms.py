"""Forms sent to a real server on loopback: what arrives, what is followed, what is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from service.fetch.forms import Form, Taken, send_form
from service.fetch.guard import Guard
from service.fetch.http import Fetcher, user_agent
from service.fetch.limits import Limits
from service.values import Failed, Reason
from tests.fetching import LOOPBACK, NOW, Names
from tests.server import Authority, Reply, Server, redirect

FIELDS = (("hub.mode", "subscribe"), ("hub.topic", "https://news.example/?a=b&c=ä"), ("hub.secret", "+ %"))


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


def send(form: Form | str, **settings: Any) -> Taken | Failed:
    """One form, by a fetcher of its own that may go to loopback."""

    async def run() -> Taken | Failed:
        async with Fetcher(**{"guard": LOOPBACK, **settings}) as fetcher:
            one = Form(form, FIELDS) if isinstance(form, str) else form
            return await send_form(fetcher, one, now=NOW)

    return asyncio.run(run())


def failure(result: Taken | Failed, reason: Reason) -> Failed:
    assert isinstance(result, Failed), result
    assert result.reason is reason, result
    return result


@pytest.mark.parametrize("status", [200, 202, 204])
def test_a_form_arrives_as_it_is_meant(server: Server, status: int) -> None:
    server.route("/hub", Reply(status, body=b"" if status == 204 else b"thanks"))
    assert send(server.url("/hub?x=1"), contact="me@example.org") == Taken(status, server.url("/hub?x=1"))
    (request,) = server.requests
    assert (request.method, request.target) == ("POST", "/hub?x=1")
    assert tuple(parse_qsl(request.body.decode("ascii"))) == FIELDS
    assert request.headers["content-type"].startswith("application/x-www-form-urlencoded")
    assert request.headers["user-agent"] == user_agent("me@example.org")
    assert not {"cookie", "authorization", "referer"} & set(request.headers)


@pytest.mark.parametrize("status", [307, 308])
def test_redirects_that_keep_the_method_are_followed(server: Server, status: int) -> None:
    server.route("/hub", redirect("/there", status))
    server.route("/there", Reply(202))
    assert send(server.url("/hub")) == Taken(202, server.url("/there"))
    first, second = server.requests
    assert (second.method, second.body) == ("POST", first.body)


@pytest.mark.parametrize(
    ("location", "status", "reason", "said"),
    [
        ("/hub", 307, Reason.REDIRECT, "more than 3 redirects"),
        ("", 308, Reason.REDIRECT, "308 without a Location"),
        ("file:///etc/passwd", 307, Reason.REDIRECT, "no web address"),
        ("http://127.0.0.2:{port}/x", 307, Reason.BLOCKED, "the guard refuses 127.0.0.2"),
        ("http://169.254.169.254/", 307, Reason.BLOCKED, "link-local"),
        ("/there", 302, Reason.HTTP_OTHER, "answered 302"),
        ("/there", 303, Reason.HTTP_OTHER, "answered 303"),
    ],
)
def test_redirects_that_are_not_followed(
    server: Server, location: str, status: int, reason: Reason, said: str
) -> None:
    server.route("/hub", redirect(location, status))
    server.route("/there", Reply(202))
    # The form's own host may be private; where it redirects to may not.
    form = Form(server.url("/hub"), FIELDS, allow_private=True)
    assert said in failure(send(form, guard=Guard()), reason).detail
    assert server.asked("/there") == []


def test_a_secret_is_never_sent_without_tls_after_it_was_sent_with(server: Server, tmp_path: Path) -> None:
    authority = Authority()
    with Server(tls=authority.for_host("hub.test")) as secure:
        secure.route("/hub", redirect(server.url("/there"), 307))
        settings = {"resolver": Names({"hub.test": "127.0.0.1"}), "ca_file": authority.file(tmp_path)}
        result = send(secure.url("/hub", host="hub.test"), **settings)
    assert "from https to http" in failure(result, Reason.REDIRECT).detail
    assert server.requests == []


@pytest.mark.parametrize(
    ("reply", "reason", "said"),
    [
        (
            Reply(422, b"no\x1b[31m such\n topic\xff", content_type="text/plain; charset=utf-8"),
            Reason.HTTP_4XX,
            "the server answered 422 Unprocessable Entity: no [31m such topic\ufffd",
        ),
        (
            Reply(400, b"<b>no</b>", content_type="text/html"),
            Reason.HTTP_4XX,
            "the server answered 400 Bad Request",
        ),
        (
            Reply(403, b"no", content_type="text/plain", coding="gzip"),
            Reason.UNAUTHORIZED,
            "answered 403 Forbidden",
        ),
        (
            Reply(500, endless=b"x" * 1000, content_type="text/plain"),
            Reason.HTTP_5XX,
            "the server answered 500 Internal Server Error: " + "x" * 300,
        ),
        (Reply(raw=b"nonsense\r\n\r\n"), Reason.BROKEN, "not HTTP"),
        (Reply(hang=True), Reason.TIMEOUT, "nothing arrived for 0.3 s"),
        (Reply(404, body=b"x" * 50, content_type="text/plain", drip=0.1), Reason.TIMEOUT, "within 1 s"),
    ],
)
def test_what_a_server_says_of_its_refusal(server: Server, reply: Reply, reason: Reason, said: str) -> None:
    server.route("/hub", reply)
    result = failure(send(server.url("/hub"), limits=Limits(read=0.3, total=1.0)), reason)
    assert said in result.detail


def test_a_wish_to_come_later_is_heard(server: Server) -> None:
    server.route("/hub", Reply(503, headers=[("Retry-After", "120")]))
    assert failure(send(server.url("/hub")), Reason.HTTP_5XX).hints.retry_after == 120


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1:1/", Reason.BLOCKED),
        ("http://0x7f.1/", Reason.BLOCKED),
        ("ftp://hub.example/", Reason.BLOCKED),
        ("", Reason.BLOCKED),
    ],
)
def test_where_a_form_may_not_go(url: str, reason: Reason) -> None:
    failure(send(url, guard=Guard()), reason)


def test_a_hub_that_is_away() -> None:
    with Server() as server:
        url = server.url("/")
    assert "connection refused" in failure(send(url), Reason.CONNECT).detail


def test_a_proxy_gets_what_it_needs_and_the_guard_still_speaks(server: Server) -> None:
    server.route("/hub", Reply(202))
    proxy = server.url("/").replace("://", "://me:pw@")
    through = Form("http://hub.example/hub", FIELDS, proxy=proxy)
    assert send(through, guard=Guard()) == Taken(202, "http://hub.example/hub")
    (request,) = server.requests
    assert request.target == "http://hub.example/hub"
    assert request.headers["proxy-authorization"].startswith("Basic ")
    private = Form("http://10.0.0.1/hub", FIELDS, proxy=proxy)
    assert "the guard refuses" in failure(send(private, guard=Guard()), Reason.BLOCKED).detail
    failure(send(Form("http://hub.example/", FIELDS, proxy="socks:x")), Reason.BLOCKED)
