"""TLS with a certificate authority of one's own, good and bad; and proxies."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.fetch.guard import Guard
from service.fetch.limits import Limits
from service.values import FeedTarget, FetchResult, Reason
from tests.fetching import LOOPBACK, RSS, Names, failed, fetched, look, looks
from tests.server import Authority, Reply, Server, redirect

NAMES = {"feeds.test": "127.0.0.1", "other.test": "127.0.0.1"}


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def server(authority: Authority) -> Iterator[Server]:
    with Server(tls=authority.for_host("feeds.test")) as running:
        running.route("/feed", Reply(body=RSS))
        yield running


@pytest.fixture
def ca_file(authority: Authority, tmp_path: Path) -> Path:
    return authority.file(tmp_path)


def trusting(target: FeedTarget | str, ca_file: Path, **settings: Any) -> FetchResult:
    return look(target, ca_file=ca_file, resolver=Names(NAMES), **settings)


def test_a_certificate_of_a_trusted_authority(server: Server, ca_file: Path) -> None:
    assert fetched(trusting(server.url("/feed", host="feeds.test"), ca_file)).body == RSS


def test_a_connection_is_kept_over_looks(server: Server, ca_file: Path) -> None:
    looks([server.url("/feed", host="feeds.test")] * 3, ca_file=ca_file, resolver=Names(NAMES))

    assert {request.connection for request in server.requests} == {1}


def test_an_unknown_authority(server: Server) -> None:
    result = failed(look(server.url("/feed", host="feeds.test"), resolver=Names(NAMES)), Reason.TLS)

    assert "certificate of feeds.test is not trusted" in result.detail
    assert "unable to get local issuer" in result.detail or "self-signed" in result.detail


def test_a_certificate_of_another_host(server: Server, ca_file: Path) -> None:
    result = failed(trusting(server.url("/feed", host="other.test"), ca_file), Reason.TLS)

    assert "not valid for 'other.test'" in result.detail


def test_an_expired_certificate(authority: Authority, ca_file: Path) -> None:
    with Server(tls=authority.for_host("feeds.test", expired=True)) as server:
        result = failed(trusting(server.url("/feed", host="feeds.test"), ca_file), Reason.TLS)

    assert "expired" in result.detail


def test_a_server_without_tls(ca_file: Path) -> None:
    with Server() as plain:
        result = failed(trusting(f"https://feeds.test:{plain.port}/feed", ca_file), Reason.TLS)

    assert "no TLS with feeds.test" in result.detail


def test_a_server_that_hangs_up_in_the_handshake(ca_file: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as rude:

        def hang_up() -> None:
            connection, _ = rude.accept()
            connection.recv(4096)
            connection.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        result = trusting(f"https://feeds.test:{rude.getsockname()[1]}/", ca_file)
        thread.join()

    assert "closed in the handshake" in failed(result, Reason.TLS).detail


def test_a_server_that_never_shakes_hands(ca_file: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        result = trusting(f"https://feeds.test:{port}/", ca_file, limits=Limits(connect=0.05))

    assert "no connection within 0.05 s" in failed(result, Reason.TIMEOUT).detail


def test_a_permanent_move_down_to_http_is_not_offered(server: Server, ca_file: Path) -> None:
    with Server() as plain:
        plain.route("/feed", Reply(body=RSS))
        plain.route("/up", redirect(server.url("/feed", host="feeds.test"), 301))
        server.route("/down", redirect(plain.url("/feed", host="feeds.test"), 301))

        down = fetched(trusting(server.url("/down", host="feeds.test"), ca_file))
        up = fetched(trusting(plain.url("/up", host="feeds.test"), ca_file))

    assert down.permanent_url is None
    assert up.permanent_url == server.url("/feed", host="feeds.test")


# -- proxies -------------------------------------------------------------------------------------------


@pytest.fixture
def proxy() -> Iterator[Server]:
    with Server() as running:
        running.route("/feed", Reply(body=RSS))
        yield running


def test_a_plain_look_through_a_proxy(proxy: Server) -> None:
    target = FeedTarget("http://feeds.test/feed", proxy=proxy.url("").replace("http://", "http://me:pw@"))

    assert fetched(look(target, guard=Guard(), resolver=Names({}))).body == RSS  # nobody asks for the name

    asked = proxy.requests[0]
    assert asked.target == "http://feeds.test/feed"
    assert asked.headers["proxy-authorization"] == "Basic bWU6cHc="
    assert "authorization" not in asked.headers


def test_a_look_over_tls_through_a_tunnel(server: Server, proxy: Server, ca_file: Path) -> None:
    address = server.url("/feed", host="feeds.test")
    guard = Guard.of(ports=f"443, {server.port}")
    tunnel = proxy.url("").replace("http://", "http://me:pw@")

    assert fetched(look(address, guard=guard, proxy=tunnel, ca_file=ca_file)).body == RSS

    asked = proxy.requests[0]
    assert (asked.method, asked.target) == ("CONNECT", f"feeds.test:{server.port}")
    assert asked.headers["proxy-authorization"] == "Basic bWU6cHc="
    assert "proxy-authorization" not in server.requests[0].headers


def test_a_proxy_that_refuses(server: Server, proxy: Server, ca_file: Path) -> None:
    proxy.route("/", Reply(407))
    guard = Guard.of(ports="any")

    plain = failed(
        look(FeedTarget("http://feeds.test/", proxy=proxy.url()), guard=guard), Reason.UNAUTHORIZED
    )
    assert plain.status == 407
    dead = failed(look(FeedTarget("http://feeds.test/", proxy="http://127.0.0.1:1")), Reason.CONNECT)
    assert "the proxy 127.0.0.1:1" in dead.detail


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1/feed",
        "http://10.0.0.1/feed",
        "http://[::1]/feed",
        "http://[::ffff:127.0.0.1]/feed",
        "http://169.254.169.254/latest",
        "http://localhost/feed",
        "http://app.localhost/feed",
        "http://feeds.test:22/feed",
    ],
)
def test_a_proxy_is_not_asked_for_what_the_guard_can_see_to_be_forbidden(proxy: Server, address: str) -> None:
    failed(look(FeedTarget(address, proxy=proxy.url()), guard=Guard()), Reason.BLOCKED)

    assert proxy.requests == []


def test_a_redirect_through_a_proxy_meets_the_guard(proxy: Server) -> None:
    proxy.route("/moved", redirect("http://127.0.0.1/feed"))

    failed(look(FeedTarget("http://feeds.test/moved", proxy=proxy.url()), guard=Guard()), Reason.BLOCKED)

    assert len(proxy.requests) == 1


@pytest.mark.parametrize("proxy_address", ["socks5://127.0.0.1:9050", "nonsense"])
def test_a_proxy_that_cannot_be_used(proxy_address: str) -> None:
    result = failed(look(FeedTarget("http://feeds.test/", proxy=proxy_address)), Reason.BLOCKED)

    assert "the proxy cannot be used" in result.detail


def test_what_goes_through_a_proxy_shares_no_connection_with_what_does_not(proxy: Server) -> None:
    results = looks(
        [FeedTarget(proxy.url("/feed"), proxy=proxy.url()), proxy.url("/feed")],
        guard=LOOPBACK,
    )

    assert [fetched(result).body for result in results] == [RSS, RSS]
    assert {request.connection for request in proxy.requests} == {1, 2}
