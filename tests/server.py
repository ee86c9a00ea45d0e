"""A real HTTP server on loopback, scripted by tables: what it answers, how, how slowly, and how wrongly.

::

    with Server() as server:
        server.route("/feed.xml", Reply(body=RSS, etag='"1"', last_modified=DATE, coding="gzip"))
        server.route("/moves", redirect("/feed.xml", 301), redirect("/feed.xml", 301), Reply(body=RSS))
        server.route("/down", Reply(503, headers=[("Retry-After", "120")]))
        server.route("/asks", lambda request: Reply(body=request.headers.get("user-agent", "").encode()))

        address = server.url("/feed.xml")          # http://127.0.0.1:PORT/feed.xml
        named = server.url("/feed.xml", host="feeds.test")  # with a resolver that knows the name
        ...
        assert [r.path for r in server.requests] == ["/feed.xml"]

A route takes one reply, several (given one after the other, the last again and again), or a function of the
request. A reply with ``etag`` or ``last_modified`` answers 304 by itself where the request's condition holds;
with ``delta`` it answers 226 to ``A-IM: feed`` and another ETag. What is not routed is a 404.

``Server(tls=Authority().for_host("feeds.test"))`` speaks TLS; `Authority` gives out expired certificates as
well, and ``authority.file(tmp_path)`` is what a client has to trust. Any server is a forward proxy, too: it
answers requests with a whole URL from its own routes and tunnels CONNECT to 127.0.0.1, whatever the name;
``requests`` tells both.

The server runs in a thread of its own, so it serves asynchronous and blocking clients and other processes.
"""

from __future__ import annotations

import asyncio
import gzip
import ssl
import sys
import threading
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any

import brotli
import trustme

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class Request:
    """What a client asked. Header names are in lower case; a repeated one is joined with commas."""

    method: str
    target: str  # as it stood in the request line
    headers: dict[str, str]
    body: bytes = b""
    connection: int = 0  # the same number: the same connection

    @property
    def path(self) -> str:
        """The path, without the query."""
        target = self.target
        if "://" in target:
            target = "/" + target.split("://", 1)[1].partition("/")[2]
        return target.partition("?")[0]


@dataclass(frozen=True)
class Reply:
    """One answer. ``coding`` is applied to the body; the other fields say how it goes over the wire."""

    status: int = 200
    body: bytes = b""
    headers: Sequence[tuple[str, str]] = ()
    content_type: str = "application/rss+xml"
    etag: str | None = None
    last_modified: str | None = None
    coding: str = ""  # "gzip", "deflate", "raw-deflate", "br", "zstd", or several: "gzip, br"
    chunked: bool = False
    delta: bytes | None = None  # the body of a 226, for who asks with A-IM: feed
    hang: bool = False  # take the request and never answer
    drip: float | None = None  # seconds between single bytes of the body
    endless: bytes | None = None  # these bytes again and again, behind the body
    cut: int | None = None  # close after so many bytes of the body
    claim: int | None = None  # a Content-Length that is not the body's
    raw: bytes | None = None  # the whole answer, as it is


def redirect(location: str, status: int = 302, *headers: tuple[str, str]) -> Reply:
    """A redirect; ``{port}`` in the location becomes the server's port."""
    return Reply(status, headers=[("Location", location), *headers])


@lru_cache(maxsize=64)
def encoded(body: bytes, coding: str) -> bytes:
    """A body in one or several content codings, the first applied first."""
    for name in filter(None, (part.strip() for part in coding.split(","))):
        body = _CODINGS[name](body)
    return body


def _raw_deflate(body: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(body) + compressor.flush()


_CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "raw-deflate": _raw_deflate,
    "br": brotli.compress,
    "zstd": zstd.compress,
}

Route = Callable[[Request], Reply]


class Authority:
    """A certificate authority of one's own, and the server certificates it gives out."""

    def __init__(self) -> None:
        self._ca = trustme.CA()

    def for_host(self, *names: str, expired: bool = False) -> ssl.SSLContext:
        """What a server of these names speaks TLS with."""
        until = datetime.now(UTC) - timedelta(days=1) if expired else None
        since = datetime.now(UTC) - timedelta(days=30) if expired else None
        certificate = self._ca.issue_cert(*names, not_before=since, not_after=until)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
        return context

    def file(self, folder: Path) -> Path:
        """The authority's own certificate, for a client to trust."""
        path = folder / "authority.pem"
        self._ca.cert_pem.write_to_path(str(path))
        return path


@dataclass
class Server:
    """The server; a context manager. ``address`` is any loopback address."""

    address: str = "127.0.0.1"
    tls: ssl.SSLContext | None = None
    requests: list[Request] = field(default_factory=list)
    port: int = 0

    def __post_init__(self) -> None:
        self._routes: dict[str, Route] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="test-server", daemon=True)
        self._connections = 0
        self._tasks: set[asyncio.Task[Any]] = set()

    def __enter__(self) -> Server:
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def route(self, path: str, *replies: Reply | Route) -> None:
        """What a path answers: one reply, several in turn (the last for ever), or a function."""
        if len(replies) == 1 and not isinstance(replies[0], Reply):
            self._routes[path] = replies[0]
            return
        script = [reply for reply in replies if isinstance(reply, Reply)]
        for reply in script:
            encoded(reply.body, reply.coding)  # here and once, not while others wait for the server
        turn = iter(script)
        self._routes[path] = lambda _: next(turn, script[-1])

    def url(self, path: str = "/", *, host: str | None = None) -> str:
        """The address of a path."""
        name = host or self.address
        name = f"[{name}]" if ":" in name else name
        return f"{'https' if self.tls else 'http'}://{name}:{self.port}{path}"

    def asked(self, path: str) -> list[Request]:
        """The requests for a path, in order."""
        return [request for request in self.requests if request.path == path]

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._serve, self.address, 0, ssl=self.tls, limit=MEBIBYTE)

    async def _close(self) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._connections += 1
        number = self._connections
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
                while True:
                    try:
                        request = await _read_request(reader, number)
                    except ValueError:  # TLS, or anything else that is not HTTP
                        writer.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
                        break
                    if request is None:
                        break
                    self.requests.append(request)
                    if request.method == "CONNECT":
                        await _tunnel(request, reader, writer)
                        break
                    if not await self._answer(request, writer):
                        break
            writer.close()
        except asyncio.CancelledError:  # the server ends, whatever it was sending
            writer.transport.abort()
        finally:
            self._tasks.discard(task)

    async def _answer(self, request: Request, writer: asyncio.StreamWriter) -> bool:
        """Send a reply; whether the connection goes on."""
        route = self._routes.get(request.path)
        reply = _conditional(request, route(request) if route else Reply(404, body=b"not routed"))
        if reply.hang:
            await asyncio.Event().wait()
        if reply.raw is not None:
            writer.write(reply.raw)
            await writer.drain()
            return False
        body = encoded(reply.body, reply.coding)
        head = _head(reply, body).replace("{port}", str(self.port))
        writer.write(head.encode("utf-8", "surrogateescape"))
        await _send_body(reply, body, writer)
        await writer.drain()
        return reply.cut is None and reply.endless is None and reply.claim is None


async def _read_request(reader: asyncio.StreamReader, connection: int) -> Request | None:
    first = await reader.read(1)
    if not first:
        return None
    if not first.isalpha():  # a TLS handshake may hold no line end to wait for
        raise ValueError(first)
    line = first + await reader.readline()
    method, target, _ = line.decode("latin-1").split(" ", 2)
    headers: dict[str, str] = {}
    while (line := await reader.readline()).strip():
        name, _, value = line.decode("utf-8", "surrogateescape").partition(":")
        key = name.strip().lower()
        headers[key] = f"{headers[key]},{value.strip()}" if key in headers else value.strip()
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(method, target, headers, body, connection)


def _conditional(request: Request, reply: Reply) -> Reply:
    """RFC 9110 section 13.2.2, and RFC 3229 for who asks for it."""
    known = request.headers.get("if-none-match")
    if known is not None:
        unchanged = reply.etag is not None and reply.etag in known
    else:
        since = request.headers.get("if-modified-since")
        unchanged = since is not None and since == reply.last_modified
    validators = {"etag": reply.etag, "last_modified": reply.last_modified}
    if unchanged and reply.status == 200:
        return Reply(304, headers=reply.headers, **validators)  # type: ignore[arg-type]
    if reply.delta is not None and known and "feed" in request.headers.get("a-im", ""):
        return Reply(226, reply.delta, [("IM", "feed"), *reply.headers], **validators)  # type: ignore[arg-type]
    return reply


def _head(reply: Reply, body: bytes) -> str:
    lines = [f"HTTP/1.1 {reply.status} Whatever"]
    named = {name.lower() for name, _ in reply.headers}
    if reply.status != 304 and "content-type" not in named:
        lines.append(f"Content-Type: {reply.content_type}")
    if reply.etag is not None:
        lines.append(f"ETag: {reply.etag}")
    if reply.last_modified is not None:
        lines.append(f"Last-Modified: {reply.last_modified}")
    if reply.coding:
        lines.append(f"Content-Encoding: {reply.coding.replace('raw-', '')}")
    if reply.chunked:
        lines.append("Transfer-Encoding: chunked")
    elif reply.endless is not None:
        lines.append("Connection: close")
    elif reply.status != 304:
        lines.append(f"Content-Length: {len(body) if reply.claim is None else reply.claim}")
    lines += [f"{name}: {value}" for name, value in reply.headers]
    return "\r\n".join(lines) + "\r\n\r\n"


async def _send_body(reply: Reply, body: bytes, writer: asyncio.StreamWriter) -> None:
    if reply.status == 304:
        return
    if reply.cut is not None:
        body = body[: reply.cut]
    pieces = [bytes([byte]) for byte in body] if reply.drip is not None else [body]
    for piece in pieces:
        _write(piece, reply, writer)
        if reply.drip is not None:
            await writer.drain()
            await asyncio.sleep(reply.drip)
    while reply.endless is not None:
        _write(reply.endless, reply, writer)
        await writer.drain()
    if reply.chunked and reply.cut is None:
        writer.write(b"0\r\n\r\n")


def _write(piece: bytes, reply: Reply, writer: asyncio.StreamWriter) -> None:
    if reply.chunked and piece:
        piece = f"{len(piece):x}\r\n".encode() + piece + b"\r\n"
    writer.write(piece)


async def _tunnel(request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """CONNECT (RFC 9110 section 9.3.6); whatever the name, it leads to 127.0.0.1."""
    port = int(request.target.rsplit(":", 1)[1])
    far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
    try:
        await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))
    finally:
        far_writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()
