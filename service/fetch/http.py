"""One polite look at a feed over HTTP: a body, "nothing new", or a reason. Nothing a network does is raised.

::

    address → request (conditional) → connect, through the guard → redirects, each hop again → body, unpacked
    under two caps → hash: the same as last time?
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import TracebackType

from aiohttp import ClientResponse, ClientSession
from aiohttp.abc import AbstractResolver

from service.clean.urls import registrable_domain
from service.errors import FetchFailure
from service.fetch import failures, headers
from service.fetch.addresses import BadAddress, WebAddress, basic, web_address
from service.fetch.client import Client, Response
from service.fetch.decoding import ACCEPT_ENCODING, BodyReader, DecodingError, Oversized
from service.fetch.guard import Guard, Zone, zone
from service.fetch.limits import Limits
from service.fetch.politeness import Turn
from service.values import (
    Failed,
    FeedTarget,
    Fetched,
    FetchResult,
    NotModified,
    Reason,
    Validators,
)

ACCEPT = (
    "application/atom+xml, application/rss+xml, application/rdf+xml, application/feed+json, "
    "application/xml;q=0.9, text/xml;q=0.9, application/json;q=0.8, text/html;q=0.5, */*;q=0.4"
)
_PERMANENT = frozenset({301, 308})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_BODIES = frozenset({200, 203, 226})
_NOT_MODIFIED = 304
_IM_USED = 226
_GONE = 410
MAX_CONTENT_TYPE = 200  # characters


def body_hash(body: bytes) -> str:
    """BLAKE2b-128 of an unpacked body, hexadecimal: what tells that nothing changed where servers do not."""
    return blake2b(body, digest_size=16).hexdigest()


def user_agent(contact: str | None) -> str:
    """Who asks, truthfully, and how to reach the person behind it."""
    try:
        number = version("wirewatch")
    except PackageNotFoundError:  # run from a checkout
        number = "0"
    return f"Wirewatch/{number} (+{contact})" if contact else f"Wirewatch/{number}"


@dataclass(slots=True)
class _Journey:
    """Where a fetch stands on its way along the redirects."""

    target: FeedTarget
    now: datetime
    start: WebAddress
    at: WebAddress
    proxy: WebAddress | None
    conditions: dict[str, str]  # the headers that ask "has it changed?"
    permanent: bool = True  # only 301 and 308 so far
    trusted: bool = True  # still where credentials and own headers belong
    secure: bool = True  # never stepped down from https to http
    cookies: bool = False  # someone on the way wanted to set one
    zones: set[Zone] = field(default_factory=set)
    seen: set[str] = field(default_factory=set)

    @property
    def moved(self) -> bool:
        return len(self.seen) > 1

    @property
    def permanent_url(self) -> str | None:
        """Where to ask from now on: never in another zone, less secure, or without the credentials."""
        one_way = self.moved and self.permanent and self.secure and len(self.zones) == 1
        return str(self.at.url) if one_way and self.start.username is None else None


class Fetcher:
    """Looks at feeds; one object serves the whole process, from inside one event loop.

    :param contact: a web or mail address that the User-Agent names
    :param proxy: ``http://[user:password@]host:port`` for sources that name none of their own
    :param ca_file: certificates to trust besides the system's
    :param resolver: what turns names into addresses, instead of the system
    :param connections: how many at once, for all hosts together
    :param keep_alive: whether they stay open for a while for the next request to the same host
    """

    def __init__(
        self,
        *,
        guard: Guard | None = None,
        limits: Limits | None = None,
        contact: str | None = None,
        proxy: str | None = None,
        ca_file: Path | None = None,
        resolver: AbstractResolver | None = None,
        connections: int = 100,
        keep_alive: bool = True,
    ) -> None:
        self.client = Client(
            guard=guard,
            limits=limits,
            ca_file=ca_file,
            resolver=resolver,
            connections=connections,
            keep_alive=keep_alive,
        )
        self.user_agent = user_agent(contact)
        self.proxy = proxy

    async def __aenter__(self) -> Fetcher:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self.client.close()

    async def fetch(self, target: FeedTarget, *, now: datetime, turn: Turn | None = None) -> FetchResult:
        """Look once.

        :param now: aware UTC; what Retry-After and Expires are counted from where the server gives no Date
        :param turn: the caller's place at the domain of the address; it moves along with redirects
        """
        limits = self.client.limits
        journey: _Journey | None = None
        try:
            async with asyncio.timeout(limits.total) as deadline:
                journey = self._prepare(target, now)
                return await self._travel(journey, deadline, turn)
        except Exception as error:  # noqa: BLE001 - a look that fails is a value, whatever the network did
            reason, detail = failures.describe(error, limits)
            if journey and journey.moved and reason is not Reason.REDIRECT:
                detail += f" (redirected to {journey.at.url.raw_host})"
            return Failed(target.url, reason, detail, cause=failures.cause(error, reason))

    def _prepare(self, target: FeedTarget, now: datetime) -> _Journey:
        try:
            start = web_address(target.url)
        except BadAddress as error:
            raise FetchFailure(Reason.BLOCKED, str(error)) from error
        for name, value in target.headers:
            problem = headers.header_problem(name, value)
            if problem:
                raise FetchFailure(Reason.BLOCKED, f"an own header cannot be sent: {problem}")
        proxy = target.proxy or self.proxy
        try:
            through = web_address(proxy) if proxy else None
        except BadAddress as error:
            raise FetchFailure(Reason.BLOCKED, f"the proxy cannot be used: {error}") from error
        conditions = {} if target.force else _conditions(target.validators)
        return _Journey(target, now, start, start, through, conditions, seen={str(start.url)})

    async def _travel(self, journey: _Journey, deadline: asyncio.Timeout, turn: Turn | None) -> FetchResult:
        for _ in range(self.client.limits.redirects + 1):
            session = self._session(journey)
            async with session.get(
                journey.at.url,
                headers=self._headers(journey),
                allow_redirects=False,
                proxy=journey.proxy.url if journey.proxy else None,
                proxy_headers=_tunnel_headers(journey),
            ) as response:
                journey.zones.add(_zone(response, journey))
                journey.cookies |= "Set-Cookie" in response.headers
                if response.status not in _REDIRECTS:
                    return await self._answer(journey, response)
                _turn(journey, response)
            if turn is not None:
                await _move(turn, journey, deadline)
        raise FetchFailure(Reason.REDIRECT, f"more than {self.client.limits.redirects} redirects")

    def _session(self, journey: _Journey) -> ClientSession:
        allow = journey.target.allow_private
        if journey.proxy is None:
            return self.client.session(allow_private=allow)
        scheme, host, port = journey.at.origin
        why = self.client.guard.literal_refusal(scheme, host, port, allow_private=allow)
        if why:
            raise FetchFailure(Reason.BLOCKED, f"the guard refuses {host}: {why}")
        return self.client.session(proxied=True)

    def _headers(self, journey: _Journey) -> dict[str, str]:
        target = journey.target
        sent = {
            "User-Agent": self.user_agent,
            "Accept": target.accept or ACCEPT,
            "Accept-Encoding": ACCEPT_ENCODING,
        }
        sent |= journey.conditions
        if journey.trusted:
            username = target.username if target.username is not None else journey.start.username
            password = target.password if target.username is not None else journey.start.password
            if username is not None:
                sent["Authorization"] = basic(username, password)
            own = {name.lower() for name, _ in target.headers}
            sent = {name: value for name, value in sent.items() if name.lower() not in own}
            sent |= dict(target.headers)
        if (
            journey.proxy is not None
            and journey.proxy.username is not None
            and journey.at.url.scheme == "http"
        ):
            sent["Proxy-Authorization"] = basic(journey.proxy.username, journey.proxy.password)
        return sent

    async def _answer(self, journey: _Journey, response: ClientResponse) -> FetchResult:
        status = response.status
        if status in _BODIES:
            return await self._body(journey, response)
        hints = headers.hints(response.headers, now=journey.now, retry=status >= 400)  # noqa: PLR2004 - errors
        if status == _NOT_MODIFIED and journey.conditions:
            return NotModified(
                journey.target.url,
                headers.validators(response.headers, before=journey.target.validators, body_hash=None),
                hints,
                permanent_url=journey.permanent_url,
            )
        reason, detail = failures.by_status(status, response.reason, response.headers)
        if status == _NOT_MODIFIED:
            detail += ", although it was asked for the whole"
        if status == _GONE and not (journey.permanent and journey.secure):
            reason = Reason.NOT_FOUND  # what a detour leads to is gone: that says nothing of the feed
        if journey.moved:
            detail += f" (redirected to {journey.at.url.raw_host})"
        return Failed(journey.target.url, reason, detail, status, hints)

    async def _body(self, journey: _Journey, response: ClientResponse) -> FetchResult:
        target = journey.target
        body, wire = await self._read(response)
        if not body:
            raise FetchFailure(Reason.EMPTY, f"the server answered {response.status} with an empty body")
        digest = body_hash(body)
        delta = response.status == _IM_USED
        # A delta says nothing of the whole, whose hash stays what it was (RFC 3229 section 10.4.1).
        kept = target.validators.body_hash if delta else digest
        fresh = headers.validators(response.headers, before=target.validators, body_hash=kept or digest)
        hints = headers.hints(response.headers, now=journey.now, retry=False)
        if digest == target.validators.body_hash and not target.force:
            return NotModified(
                target.url, fresh, hints, response.status, same_body=True, permanent_url=journey.permanent_url
            )
        links = response.headers.getall("Link", [])
        return Fetched(
            url=target.url,
            final_url=str(journey.at.url),
            body=body,
            content_type=response.headers.get("Content-Type", "")[:MAX_CONTENT_TYPE],
            status=response.status,
            validators=fresh,
            hints=hints,
            permanent_url=journey.permanent_url,
            hubs=headers.linked(links, "hub", base=journey.at.url),
            self_url=next(iter(headers.linked(links, "self", base=journey.at.url)), None),
            bytes_on_wire=wire,
            delta=delta,
        )

    async def _read(self, response: ClientResponse) -> tuple[bytes, int]:
        """The unpacked body and its size on the wire."""
        limits = self.client.limits
        claimed = response.content_length
        if claimed is not None and claimed > limits.wire_bytes:
            raise FetchFailure(
                Reason.TOO_LARGE, f"{claimed:,} bytes are over the limit of {limits.wire_bytes:,}"
            )
        wire = 0
        try:
            reader = BodyReader(
                ",".join(response.headers.getall("Content-Encoding", [])), cap=limits.body_bytes
            )
            async for piece in response.content.iter_any():
                wire += len(piece)
                if wire > limits.wire_bytes:
                    raise FetchFailure(
                        Reason.TOO_LARGE, f"the body is over the limit of {limits.wire_bytes:,} bytes"
                    )
                reader.feed(piece)
            return reader.finish(), wire
        except Oversized as error:
            detail = f"the body unpacks to more than {limits.body_bytes:,} bytes"
            raise FetchFailure(Reason.TOO_LARGE, detail) from error
        except DecodingError as error:
            raise FetchFailure(Reason.BROKEN, f"the body cannot be unpacked: {error}") from error


async def _move(turn: Turn, journey: _Journey, deadline: asyncio.Timeout) -> None:
    """Wait for a place at the domain that a redirect leads to; the waiting is not the server's."""
    domain = registrable_domain(str(journey.at.url))
    if domain == turn.domain:
        return
    loop = asyncio.get_running_loop()
    left = (deadline.when() or loop.time()) - loop.time()
    deadline.reschedule(None)
    await turn.move(domain)
    deadline.reschedule(loop.time() + left)


def _turn(journey: _Journey, response: ClientResponse) -> None:
    """Go where a redirect points, or refuse to."""
    location = response.headers.get("Location")
    if not location:
        raise FetchFailure(Reason.REDIRECT, f"{response.status} without a Location")
    try:
        following = web_address(location, base=journey.at.url)
    except BadAddress as error:
        raise FetchFailure(Reason.REDIRECT, f"redirected to what is no web address: {error}") from error
    text = str(following.url)
    if text in journey.seen:
        wants = "; the site wants a cookie, and none is ever kept" if journey.cookies else ""
        raise FetchFailure(Reason.REDIRECT, f"redirected in a circle at {following.url.raw_host}{wants}")
    journey.permanent &= response.status in _PERMANENT
    journey.secure &= not (journey.at.url.scheme == "https" and following.url.scheme == "http")
    # Once left, an origin is not trusted again: whoever answered in between chose where on it this leads.
    journey.trusted &= journey.start.trusts(following)
    journey.seen.add(text)
    journey.at = following


def _conditions(known: Validators) -> dict[str, str]:
    """What to ask "has it changed?" with: the server's own words (RFC 9110 section 13.1)."""
    sent = {}
    if known.etag and headers.sendable(known.etag):
        sent["If-None-Match"] = known.etag
        sent["A-IM"] = "feed"  # only the new entries will do, where a server can tell them (RFC 3229)
    if known.last_modified and headers.sendable(known.last_modified):
        sent["If-Modified-Since"] = known.last_modified
    return sent


def _tunnel_headers(journey: _Journey) -> dict[str, str] | None:
    """What the proxy gets to see of a tunnel; a plain request carries its credentials itself."""
    proxy = journey.proxy
    if proxy is None or proxy.username is None or journey.at.url.scheme != "https":
        return None
    return {"Proxy-Authorization": basic(proxy.username, proxy.password)}


def _zone(response: ClientResponse, journey: _Journey) -> Zone:
    """Where the answer came from. Behind a proxy only an address that stands in the URL is known."""
    if journey.proxy is None:
        return zone(response.peer or "") if isinstance(response, Response) else Zone.RESERVED
    host = journey.at.url.raw_host or ""
    literal = zone(host)
    return literal if literal is not Zone.RESERVED or ":" in host else Zone.PUBLIC
