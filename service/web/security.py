"""Which Host may ask, how long a question may be, and the headers that every answer carries."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_QUERY_BYTES = 16_384

# What is not named here falls under default-src 'none'.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",  # for what does not read frame-ancestors
    # Publishers do not learn what is being read, or where; our own forms still say where they come from
    # (under no-referrer a form's Origin is "null").
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}

_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?", re.ASCII | re.IGNORECASE)

# No stranger's page can have these for its own name, so they are always answered for.
OWN_NAMES = ("localhost", "127.0.0.1", "::1")

ErrorPage = Callable[[Request, int, str], Response]


class SecurityHeaders:
    """Puts `HEADERS` on every answer, and keeps pages (not files) out of shared caches."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "private, no-cache")
            await send(message)

        await self._app(scope, receive, with_headers)


class HostCheck:
    """Refuses requests that name another host than ours: the defence against DNS rebinding.

    A page of a stranger can point its own name at 127.0.0.1 and then read us with the visitor's browser;
    only the Host header tells. Besides `OWN_NAMES`, ``allowed`` holds names and addresses without a port;
    ``*.example.org`` means every name below it, ``*`` switches the check off. ``only_below`` holds names that
    are answered for only where a path begins as said.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        allowed: Iterable[str],
        error_page: ErrorPage,
        only_below: Mapping[str, str] = {},
    ) -> None:
        self._app = app
        self._error_page = error_page
        self._only_below = {prefix: _normal(name) for prefix, name in only_below.items()}
        names = {_normal(name) for name in (*OWN_NAMES, *allowed)}
        self._any = "*" in names
        self._names = frozenset(name for name in names if not name.startswith("*"))
        self._suffixes = tuple(name[1:] for name in names if name.startswith("*."))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self._any:
            request = Request(scope, receive)
            problem = self._problem(request.headers.getlist("host"), scope["path"])
            if problem:
                # RFC 9110 section 15.5.20: 421, this server does not answer for that name.
                await self._error_page(request, 421, problem)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _problem(self, hosts: list[str], path: str) -> str | None:
        if len(hosts) != 1:
            return "The request names no host, or more than one."
        match = _HOST.fullmatch(hosts[0])
        if match is None:
            return "The request's Host header is malformed."
        name = _normal(match[1])
        if name in self._names or name.endswith(self._suffixes):
            return None
        if any(name == one and path.startswith(prefix) for prefix, one in self._only_below.items()):
            return None
        return (
            f"This server does not answer for the name “{name[:100]}”. If it should, add the name to "
            "allowed_hosts under [web] in wirewatch.toml and restart."
        )


class QueryLimit:
    """Refuses a query string that no honest question needs, before anything is parsed (414)."""

    def __init__(self, app: ASGIApp, *, error_page: ErrorPage) -> None:
        self._app = app
        self._error_page = error_page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and len(scope["query_string"]) > MAX_QUERY_BYTES:
            problem = (
                f"The address has a query of {len(scope['query_string']):,} bytes; "
                f"at most {MAX_QUERY_BYTES:,} are read."
            )
            await self._error_page(Request(scope, receive), 414, problem)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _normal(name: str) -> str:
    return name.strip().lower().strip("[]").removesuffix(".")
