"""uvicorn in its own thread: bound when started, gone when stopped, and clear about why not."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from service.errors import DaemonError
from service.web.server import WebServer


class Application:
    """One page that answers at once, and one that waits until it is let go."""

    def __init__(self, *, broken: bool = False) -> None:
        self.entered = threading.Event()
        self.release = threading.Event()
        self.stopped = threading.Event()

        @asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            if broken:
                message = "it does not start"
                raise RuntimeError(message)
            yield
            self.stopped.set()

        self.asgi = Starlette(routes=[Route("/", self.quick), Route("/slow", self.slow)], lifespan=lifespan)

    def quick(self, _: Request) -> PlainTextResponse:
        return PlainTextResponse("here")

    def slow(self, _: Request) -> PlainTextResponse:
        self.entered.set()
        self.release.wait(20)
        return PlainTextResponse("done")


@pytest.fixture
def application() -> Iterator[Application]:
    made = Application()
    yield made
    made.release.set()


def test_it_answers_as_soon_as_start_returns_and_frees_its_port_when_stopped(
    application: Application,
) -> None:
    server = WebServer(application.asgi, "127.0.0.1", 0)
    server.start()
    assert httpx.get(server.url, trust_env=False).text == "here"
    server.stop(5)
    assert not server.running
    assert application.stopped.is_set()

    again = WebServer(application.asgi, "127.0.0.1", server.port)
    again.start()
    assert httpx.get(again.url, trust_env=False).text == "here"
    again.stop(5)
    again.stop(5)  # twice is once


def test_a_port_in_use_is_said_clearly(application: Application) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        server = WebServer(application.asgi, "127.0.0.1", port)
        with pytest.raises(DaemonError, match=rf"127\.0\.0\.1 port {port}: another program.*another port"):
            server.start()
        assert not server.running


@pytest.mark.parametrize(
    ("host", "message"),
    [
        ("192.0.2.1", "no such address"),
        ("no such host", "cannot be served"),
        ("a..b", "cannot be served"),
        ("x" * 300, "cannot be served"),
    ],
)
def test_an_address_that_is_not_ours_is_said_clearly(
    application: Application, host: str, message: str
) -> None:
    with pytest.raises(DaemonError, match=message):
        WebServer(application.asgi, host, 0).start()


def test_an_application_that_does_not_start_is_said_and_frees_the_port() -> None:
    server = WebServer(Application(broken=True).asgi, "127.0.0.1", 0)
    with pytest.raises(DaemonError, match="did not start"):
        server.start()
    with socket.socket() as free:
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free.bind(("127.0.0.1", server.port))


def test_a_request_in_hand_is_finished(application: Application) -> None:
    server = WebServer(application.asgi, "127.0.0.1", 0)
    server.start()
    answers: list[str] = []
    visitor = threading.Thread(
        target=lambda: answers.append(httpx.get(server.url + "slow", trust_env=False, timeout=30).text)
    )
    visitor.start()
    assert application.entered.wait(10)
    stopping = threading.Thread(target=server.stop, args=(20,))
    stopping.start()
    application.release.set()
    visitor.join(20)
    stopping.join(20)
    assert answers == ["done"]
    assert not server.running


def test_a_request_that_never_ends_does_not_hold_the_stop_beyond_its_deadline(
    application: Application,
) -> None:
    server = WebServer(application.asgi, "127.0.0.1", 0)
    server.start()
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        assert application.entered.wait(10)
        stopping = threading.Thread(target=server.stop, args=(1.0,))
        stopping.start()
        stopping.join(10)
        assert not stopping.is_alive()
    application.release.set()


def test_it_listens_on_every_address_of_a_name(application: Application) -> None:
    server = WebServer(application.asgi, "localhost", 0)
    server.start()
    try:
        found = socket.getaddrinfo("localhost", server.port, type=socket.SOCK_STREAM)
        hosts = {str(address[0]) for *_, address in found}
        for host in hosts if socket.has_dualstack_ipv6() else hosts & {"127.0.0.1"}:
            name = f"[{host}]" if ":" in host else host
            assert httpx.get(f"http://{name}:{server.port}/", trust_env=False).text == "here"
    finally:
        server.stop(5)


def test_a_kept_connection_does_not_wait_for_delayed_acknowledgements(application: Application) -> None:
    server = WebServer(application.asgi, "127.0.0.1", 0)
    server.start()
    try:
        with httpx.Client(base_url=server.url, trust_env=False) as client:
            took = []
            for _ in range(20):
                began = time.perf_counter()
                client.get("/")
                took.append(time.perf_counter() - began)
        assert min(took) < 0.035  # with Nagle's algorithm on, every answer takes 40 ms
    finally:
        server.stop(5)
