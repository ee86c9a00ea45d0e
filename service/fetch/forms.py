"""A form sent to a stranger's server, through the same guard and within the same limits as a look.

Redirects that keep the method (307, 308: RFC 9110 section 15.4) are followed, each through the guard again,
and never from https to http, because a form may hold a secret. Nothing a network does is raised.
"""

from __future__ import annotations

import asyncio
import codecs
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from aiohttp import ClientResponse, ClientSession

from service.errors import FetchFailure
from service.fetch import failures, headers
from service.fetch.addresses import BadAddress, WebAddress, basic, web_address
from service.fetch.http import Fetcher
from service.values import Failed, Reason

MAX_REDIRECTS = 3
MAX_TEXT = 300  # characters of what a server says
_MAX_ANSWER = 4096  # bytes
_KEPT = frozenset({307, 308})
_TYPE = "application/x-www-form-urlencoded; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Form:
    """Fields to send to an address, in UTF-8."""

    url: str
    fields: tuple[tuple[str, str], ...]
    allow_private: bool = False  # on this host alone, wherever redirects lead
    proxy: str | None = None  # instead of the fetcher's


@dataclass(frozen=True, slots=True)
class Taken:
    """The server's success."""

    status: int  # 200 to 299
    url: str  # who answered in the end


async def send_form(fetcher: Fetcher, form: Form, *, now: datetime) -> Taken | Failed:
    """POST a form, and say whether it was taken.

    :param now: aware UTC; what a Retry-After date is counted from where the server gives no Date
    """
    limits = fetcher.client.limits
    try:
        async with asyncio.timeout(limits.total):
            return await _travel(fetcher, form, now)
    except Exception as error:  # noqa: BLE001 - a request that fails is a value, whatever the network did
        reason, detail = failures.describe(error, limits)
        return Failed(form.url, reason, detail, cause=failures.cause(error, reason))


async def _travel(fetcher: Fetcher, form: Form, now: datetime) -> Taken | Failed:
    start, through = _addresses(fetcher, form)
    at = start
    body = urlencode(form.fields, encoding="utf-8", errors="replace").encode("ascii")
    for _ in range(MAX_REDIRECTS + 1):
        private = form.allow_private and at.url.raw_host == start.url.raw_host
        session = _session(fetcher, at, through, allow_private=private)
        async with session.post(
            at.url,
            data=body,
            headers=_headers(fetcher, at, through),
            allow_redirects=False,
            proxy=through.url if through else None,
            proxy_headers=_tunnel(at, through),
        ) as response:
            if response.status not in _KEPT:
                return await _answer(form, at, response, now)
            at = _next(at, response)
    raise FetchFailure(Reason.REDIRECT, f"more than {MAX_REDIRECTS} redirects")


def _addresses(fetcher: Fetcher, form: Form) -> tuple[WebAddress, WebAddress | None]:
    try:
        proxy = form.proxy or fetcher.proxy
        return web_address(form.url), web_address(proxy) if proxy else None
    except BadAddress as error:
        raise FetchFailure(Reason.BLOCKED, str(error)) from error


def _session(
    fetcher: Fetcher, at: WebAddress, through: WebAddress | None, *, allow_private: bool
) -> ClientSession:
    if through is None:
        return fetcher.client.session(allow_private=allow_private)
    scheme, host, port = at.origin
    why = fetcher.client.guard.literal_refusal(scheme, host, port, allow_private=allow_private)
    if why:
        raise FetchFailure(Reason.BLOCKED, f"the guard refuses {host}: {why}")
    return fetcher.client.session(proxied=True)


def _headers(fetcher: Fetcher, at: WebAddress, through: WebAddress | None) -> dict[str, str]:
    sent = {
        "User-Agent": fetcher.user_agent,
        "Content-Type": _TYPE,
        "Accept": "*/*",
        "Accept-Encoding": "identity",
    }
    if at.username is not None:
        sent["Authorization"] = basic(at.username, at.password)
    if through is not None and through.username is not None and at.url.scheme == "http":
        sent["Proxy-Authorization"] = basic(through.username, through.password)
    return sent


def _tunnel(at: WebAddress, through: WebAddress | None) -> dict[str, str] | None:
    if through is None or through.username is None or at.url.scheme != "https":
        return None
    return {"Proxy-Authorization": basic(through.username, through.password)}


def _next(at: WebAddress, response: ClientResponse) -> WebAddress:
    location = response.headers.get("Location")
    if not location:
        raise FetchFailure(Reason.REDIRECT, f"{response.status} without a Location")
    try:
        following = web_address(location, base=at.url)
    except BadAddress as error:
        raise FetchFailure(Reason.REDIRECT, f"redirected to what is no web address: {error}") from error
    if at.url.scheme == "https" and following.url.scheme == "http":
        raise FetchFailure(Reason.REDIRECT, f"redirected from https to http at {following.url.raw_host}")
    return following


async def _answer(form: Form, at: WebAddress, response: ClientResponse, now: datetime) -> Taken | Failed:
    if 200 <= response.status < 300:  # noqa: PLR2004 - the class of successes
        return Taken(response.status, str(at.url))
    reason, detail = failures.by_status(response.status, response.reason, response.headers)
    said = await _said(response)
    if said:
        detail = f"{detail}: {said}"
    hints = headers.hints(response.headers, now=now, retry=True)
    return Failed(form.url, reason, detail, response.status, hints)


async def _said(response: ClientResponse) -> str:
    """What a server says of its refusal, where that is plain text (WebSub section 5.1.2)."""
    if not response.headers.get("Content-Type", "").lower().startswith("text/plain"):
        return ""
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        return ""
    body = b""
    async for piece in response.content.iter_any():
        body += piece
        if len(body) >= _MAX_ANSWER:
            break
    text = codecs.decode(body[:_MAX_ANSWER], "utf-8", "replace")
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())[:MAX_TEXT]
