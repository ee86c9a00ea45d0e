"""The HTTP sessions that every outgoing call goes through: guarded, without cookies or surprises.

Nothing is taken from the environment, no cookie is kept, no redirect is followed and no body is unpacked
behind our back. All sessions share one TLS context, because reading the CA bundle costs 35 ms of CPU, and
one pool of threads for names, because a dead name server must not hold up the rest of the process.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from contextlib import suppress
from pathlib import Path

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from service.fetch.guard import Guard
from service.fetch.limits import Limits

DNS_THREADS = 64  # a lookup that hangs holds one for half a minute


class Response(aiohttp.ClientResponse):
    """A response that remembers the address it came from, even when its connection is back in the pool."""

    peer: str | None = None

    async def start(self, connection: aiohttp.connector.Connection) -> aiohttp.ClientResponse:
        """Note the peer, then read status and headers."""
        transport = connection.transport
        place = transport.get_extra_info("peername") if transport is not None else None
        self.peer = place[0] if place else None
        return await super().start(connection)


class ThreadResolver(AbstractResolver):
    """The system's own resolver (``/etc/hosts`` and all), in threads of its own.

    The loop's default executor has few threads and serves everything else, too, and the interpreter waits for
    an executor's threads before it ends; a lookup can hang for half a minute. So each has a thread that
    nobody waits for.
    """

    def __init__(self, threads: int = DNS_THREADS) -> None:
        self._slots = asyncio.Semaphore(threads)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """All addresses of a name.

        :raises OSError: there are none, or nobody could be asked
        """
        await self._slots.acquire()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[list[ResolveResult]] = loop.create_future()

        def settle(found: list[ResolveResult] | OSError) -> None:
            self._slots.release()
            if answer.done():  # given up in the meantime
                return
            if isinstance(found, OSError):
                answer.set_exception(found)
            else:
                answer.set_result(found)

        def work() -> None:
            found = _lookup(host, port, family)
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(settle, found)

        threading.Thread(target=work, name=f"dns {host}", daemon=True).start()
        return await answer

    async def close(self) -> None:
        """Nothing is held; a lookup that still hangs is nobody's business."""


def _lookup(host: str, port: int, family: int) -> list[ResolveResult] | OSError:
    """Addresses, or why there are none: what happens in a thread is a value."""
    try:
        infos = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    except OSError as error:
        return error
    except UnicodeError as error:
        return OSError(None, f"not a host name: {error}")
    return [
        ResolveResult(
            hostname=host,
            host=str(place[0]),
            port=port,
            family=found,
            proto=protocol,
            flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
        )
        for found, _, protocol, _, place in infos
    ] or OSError(None, "the name has no address")


class Client:
    """Sessions by what they may reach, made when first needed, in the loop that needs them.

    A connection made for a source that may reach private addresses must never serve one that may not, so each
    kind has its own pool.
    """

    def __init__(
        self,
        *,
        guard: Guard | None = None,
        limits: Limits | None = None,
        ca_file: Path | None = None,
        resolver: AbstractResolver | None = None,
        connections: int = 100,
        keep_alive: bool = True,
    ) -> None:
        self.guard = guard or Guard()
        self.limits = limits or Limits()
        self._ca_file = ca_file
        self._resolver = resolver
        self._own_resolver = resolver is None
        self._connections = connections
        self._keep_alive = keep_alive
        self._sessions: dict[tuple[bool, bool], aiohttp.ClientSession] = {}
        self._context: ssl.SSLContext | None = None

    def session(self, *, allow_private: bool = False, proxied: bool = False) -> aiohttp.ClientSession:
        """The session for a call; call it inside the running loop.

        :param proxied: for calls that name a proxy, and for no others: this session connects anywhere
        """
        key = (allow_private and not proxied, proxied)
        session = self._sessions.get(key)
        if session is None:
            session = self._sessions[key] = self._make(allow_private=allow_private, proxied=proxied)
        return session

    async def close(self) -> None:
        """Close every connection; a closed client may be used again and starts afresh."""
        sessions, self._sessions = list(self._sessions.values()), {}
        for session in sessions:
            await session.close()
        if self._own_resolver and self._resolver is not None:
            await self._resolver.close()
            self._resolver = None

    def _make(self, *, allow_private: bool, proxied: bool) -> aiohttp.ClientSession:
        if self._resolver is None:
            self._resolver = ThreadResolver()
        if self._ca_file is not None and self._context is None:
            self._context = _tls_context(self._ca_file)
        limits = self.limits
        return aiohttp.ClientSession(
            connector=self.guard.connector(
                # Without a CA of one's own, aiohttp's: made once, when it is imported.
                ssl_context=self._context or True,
                allow_private=allow_private,
                resolver=self._resolver,
                limit=self._connections,
                keep_alive=self._keep_alive,
                guarded=not proxied,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=limits.connect, sock_read=limits.read),
            auto_decompress=False,
            trust_env=False,
            max_line_size=limits.header_bytes,
            max_field_size=limits.header_bytes,
            max_headers=limits.header_count,
            response_class=Response,
        )


def _tls_context(ca_file: Path) -> ssl.SSLContext:
    """The system's CAs, and one more where a private network has its own."""
    context = ssl.create_default_context()
    context.load_verify_locations(cafile=ca_file)
    context.set_alpn_protocols(["http/1.1"])
    return context
