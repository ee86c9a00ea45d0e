"""uvicorn in a thread of its own, beside the daemon's other work."""

from __future__ import annotations

import asyncio
import errno
import math
import socket
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

import uvicorn
from loguru import logger

from service.errors import DaemonError

if TYPE_CHECKING:
    from starlette.types import ASGIApp

_MAX_CONNECTIONS = 512
_MAX_HEAD_BYTES = 262_144  # larger than `security.MAX_QUERY_BYTES`, so that a long query gets its page
_START_SECONDS = 30.0
_BACKLOG = 256
# A name may have an IPv6 address that the machine lacks: the other one is then enough.
_ABSENT = frozenset((errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT))


class WebServer:
    """Serves one ASGI application on one address until it is stopped.

    ``port`` 0 takes any free port; ``WebServer.port`` tells which.
    """

    def __init__(self, app: ASGIApp, host: str, port: int, *, sockets: Sequence[socket.socket] = ()) -> None:
        """``sockets`` that listen already are served instead of ``host`` and ``port``; stop closes them."""
        self.host = host
        self.port = port
        self._given = list(sockets)
        self._app = app
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where a browser finds it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}/"

    def turns(self, within: float) -> bool:
        """Whether the event loop comes round in so many seconds: what a watchdog wants to know."""
        server = self._server
        if server is None or server.loop is None or not self.running:
            return False
        came = threading.Event()
        try:
            server.loop.call_soon_threadsafe(came.set)
        except RuntimeError:  # it is closed
            return False
        return came.wait(within)

    @property
    def running(self) -> bool:
        """Whether it serves."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Bind and serve; returns once requests are answered. Raises `DaemonError` when it cannot."""
        if self.running:
            raise DaemonError(f"The page is already being served on {self.url}")
        sockets = self._given or _bind(self.host, self.port)
        if sockets[0].family != socket.AF_UNIX:
            self.port = sockets[0].getsockname()[1]
        server = _Server(_config(self._app))
        thread = threading.Thread(target=server.serve_here, args=(sockets,), name="web", daemon=True)
        thread.start()
        if not server.settled.wait(_START_SECONDS) or not server.started:
            server.should_exit = True
            for bound in sockets:
                bound.close()
            raise DaemonError(f"The page cannot be served on {self.url}: the web server did not start")
        self._server, self._thread = server, thread
        logger.info("serving the page on {}", self.url)

    def stop(self, deadline: float) -> None:
        """Answer what was asked, for at most ``deadline`` seconds, and free the port."""
        server, thread = self._server, self._thread
        if server is None or thread is None:
            return
        server.config.timeout_graceful_shutdown = max(1, math.floor(deadline))
        server.should_exit = True
        thread.join(deadline)
        if thread.is_alive():
            server.force_exit = True
            thread.join(1.0)
        if thread.is_alive():
            # A database call that does not come back; the threads are daemons and end with the process.
            logger.warning("the page's last requests were still running at the deadline of {:g} s", deadline)
        self._server = self._thread = None


class _Server(uvicorn.Server):
    """Tells another thread when it has started, or has given up."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.settled = threading.Event()
        self.loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self.loop = asyncio.get_running_loop()
        await super().startup(sockets=sockets)
        self.settled.set()

    def serve_here(self, sockets: list[socket.socket]) -> None:
        try:
            self.run(sockets=sockets)
        except SystemExit:  # uvicorn's way to say that the application's lifespan failed; it logged why
            logger.error("the web server stopped: the application did not start")
        except Exception:  # noqa: BLE001 - the thread has nobody above it to tell
            logger.exception("the web server stopped")
        finally:
            self.settled.set()


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        loop="asyncio",
        http="h11",
        ws="none",
        lifespan="on",
        log_config=None,  # its warnings go where all logging goes (service.logs)
        log_level="warning",
        access_log=False,  # who reads what is nobody's business
        workers=1,  # not WEB_CONCURRENCY
        proxy_headers=False,  # nothing here trusts an address, so nobody need be believed about one
        server_header=False,
        limit_concurrency=_MAX_CONNECTIONS,
        h11_max_incomplete_event_size=_MAX_HEAD_BYTES,
    )


def _bind(host: str, port: int) -> list[socket.socket]:
    """Listening sockets on every address of ``host``, all on one port."""
    where = f"{host} port {port}"
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise DaemonError(f"The page cannot be served on {where}: {error}") from error
    bound: list[socket.socket] = []
    failure: OSError | None = None
    for family, _, _, _, address in dict.fromkeys(found):
        taken = bound[0].getsockname()[1] if bound else port
        try:
            bound.append(_listen(family, (address[0], taken, *address[2:])))
        except OSError as error:
            failure = error
            if error.errno not in _ABSENT:
                break
    if bound and (failure is None or failure.errno in _ABSENT):
        return bound
    for listening in bound:
        listening.close()
    raise DaemonError(_refusal(where, failure)) from failure


def _listen(family: int, address: tuple[object, ...]) -> socket.socket:
    # asyncio switches Nagle's algorithm off only where the protocol is named; left on, an answer on a kept
    # connection waits 40 ms for the visitor's delayed acknowledgement.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listening.bind(address)
        listening.listen(_BACKLOG)
    except OSError:
        listening.close()
        raise
    return listening


def _refusal(where: str, failure: OSError | None) -> str:
    code = failure.errno if failure else None
    if code == errno.EADDRINUSE:
        return (
            f"The page cannot be served on {where}: another program, perhaps another wirewatch, listens "
            "there; stop it or choose another port"
        )
    if code in {errno.EACCES, errno.EPERM}:
        return f"The page cannot be served on {where}: not permitted; ports below 1024 need privileges"
    if code in _ABSENT:
        return f"The page cannot be served on {where}: this machine has no such address"
    return f"The page cannot be served on {where}: {failure or 'the name has no address'}"
