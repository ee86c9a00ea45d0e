"""Signing in: one password for all who read, a session in a cookie, and a name beside what one says.

A session is signed, not stored: it holds until it runs out, the password changes, or somebody signs out of
it (which this process remembers). Guesses are counted by address, and are checked one at a time, each for a
tenth of a second.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote

from loguru import logger
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from service import passwords
from service.web.forms import check_origin, read_form
from service.web.rates import Rates
from service.web.templating import Pages

COOKIE = "wirewatch_session"
LASTS = timedelta(days=14)
TRIES = 6  # a minute, of one address
LONGEST_NAME = 60  # characters
USER = "wirewatch.user"  # the key in the scope of a request: who signed in, "" without a name
# Answered without signing in: what asks for a token itself, and what tells nothing.
OPEN = ("/login", "/static/", "/healthz", "/readyz", "/websub/", "/api/", "/feeds/")
_FIELDS = frozenset(("password", "name", "next"))
_REMEMBERED = 10_000  # sessions that somebody signed out of
_LONGEST_NEXT = 2_000


@dataclass(frozen=True, slots=True)
class Session:
    """Who signed in, and until when that holds."""

    name: str
    nonce: str
    until: int  # seconds since 1970


class Sessions:
    """Gives sessions and knows them again. The key follows from the password that is kept."""

    def __init__(self, kept: str) -> None:
        self._key = hmac.new(kept.encode(), b"wirewatch session", hashlib.sha256).digest()
        self._ended = OrderedDict[str, None]()
        self._lock = threading.Lock()

    def give(self, name: str, now: datetime) -> str:
        """The cookie of a new session."""
        until = int((now + LASTS).timestamp())
        text = f"{until}.{secrets.token_urlsafe(12)}.{base64.urlsafe_b64encode(name.encode()).decode()}"
        return f"{text}.{self._sign(text)}"

    def read(self, cookie: str, now: datetime) -> Session | None:
        """The session of a cookie, where it holds."""
        text, _, signature = cookie.rpartition(".")
        if not text.isascii() or not hmac.compare_digest(self._sign(text).encode(), signature.encode()):
            return None
        until, nonce, name = text.split(".")
        if int(until) <= now.timestamp() or nonce in self._ended:
            return None
        return Session(base64.urlsafe_b64decode(name).decode(), nonce, int(until))

    def end(self, session: Session) -> None:
        """Sign out."""
        with self._lock:
            self._ended[session.nonce] = None
            while len(self._ended) > _REMEMBERED:
                self._ended.popitem(last=False)

    def _sign(self, text: str) -> str:
        made = hmac.new(self._key, text.encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(made).decode().rstrip("=")


class Login:
    """``/login`` and ``/logout``."""

    def __init__(self, kept: str, templates: Pages, clock: Callable[[], datetime]) -> None:
        """:param kept: what `service.passwords.keep` gave of the password"""
        self.sessions = Sessions(kept)
        self._kept = kept
        self._templates = templates
        self._clock = clock
        self._rates = Rates(TRIES)
        self._guessing = threading.Lock()  # 32 MiB and a core for one guess at a time, not for each

    def of(self, request: Request) -> Session | None:
        """The session that a request belongs to."""
        cookie = request.cookies.get(COOKIE)
        return self.sessions.read(cookie, self._clock()) if cookie else None

    def form(self, request: Request) -> Response:
        """``GET /login``."""
        return self._page(request, 200, None, request.query_params.get("next", ""))

    async def submit(self, request: Request) -> Response:
        """``POST /login``: into the page that was asked for (303), or the form again with the reason."""
        check_origin(request)
        form = await read_form(request, _FIELDS)
        client = request.client.host if request.client else "unknown"
        allowance = self._rates.take(client, time.monotonic())
        if allowance.retry_after is not None:
            problem = f"That was tried too often. Try again in {allowance.retry_after} seconds."
            page = self._page(request, 429, problem, form["next"], form["name"])
            page.headers["Retry-After"] = str(allowance.retry_after)
            return page
        if not await run_in_threadpool(self._is_right, form["password"]):
            logger.warning("a wrong password for the page from {}", client)
            return self._page(request, 401, "That is not the password.", form["next"], form["name"])
        name = "".join(one for one in form["name"] if one.isprintable()).strip()[:LONGEST_NAME]
        logger.info("{} signed in from {}", name or "somebody", client)
        root = request.scope.get("root_path", "")
        answer = RedirectResponse(root + _local(form["next"]), 303)
        answer.set_cookie(
            COOKIE,
            self.sessions.give(name, self._clock()),
            max_age=int(LASTS.total_seconds()),
            httponly=True,
            samesite="lax",
            secure=_is_https(request),
        )
        return answer

    async def out(self, request: Request) -> Response:
        """``POST /logout``."""
        check_origin(request)
        if session := self.of(request):
            self.sessions.end(session)
        answer = RedirectResponse(request.scope.get("root_path", "") + "/login", 303)
        answer.delete_cookie(COOKIE, httponly=True, samesite="lax", secure=_is_https(request))
        return answer

    def _is_right(self, password: str) -> bool:
        with self._guessing:
            return passwords.matches(password, self._kept)

    def _page(
        self, request: Request, status: int, problem: str | None, following: str, name: str = ""
    ) -> Response:
        return self._templates.render(
            request,
            "login.html",
            status,
            section=None,
            problem=problem,
            following=_local(following),
            name=name,
        )


class LoginGate:
    """Lets those in who have signed in; sends others to the form, and programs away (401)."""

    def __init__(self, app: ASGIApp, *, login: Login, may_measure: Callable[[Request], bool]) -> None:
        """:param may_measure: whether a request without a session may read ``/metrics``; it may block"""
        self._app = app
        self._login = login
        self._may_measure = may_measure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        session = self._login.of(request)
        if session is not None:
            scope[USER] = session.name
        elif not await self._is_open(request):
            await self._refusal(request)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    async def _is_open(self, request: Request) -> bool:
        path: str = request.scope["path"]
        if path == "/metrics":
            return await run_in_threadpool(self._may_measure, request)
        return path.startswith(OPEN)

    def _refusal(self, request: Request) -> Response:
        root, path = request.scope.get("root_path", ""), request.scope["path"]
        if request.method in {"GET", "HEAD"} and path != "/metrics":
            query = request.scope["query_string"].decode("latin-1")
            wanted = path + (f"?{query}" if query else "")
            return RedirectResponse(f"{root}/login?next={quote(wanted[:_LONGEST_NEXT])}", 303)
        return Response(
            "Sign in, or send a token: 'wirewatch token create' makes one.\n",
            401,
            {"WWW-Authenticate": 'Bearer realm="wirewatch"'},
            "text/plain",
        )


def user_of(request: Request) -> str | None:
    """The name of who signed in; "" where they gave none, None where nobody did."""
    found: str | None = request.scope.get(USER)
    return found


def _local(following: str) -> str:
    """Where to go on: a path of ours, else the first page. What a browser could read as a host is none."""
    if (
        following.startswith("/")
        and not following.startswith(("//", "/\\", "/login", "/logout"))
        and following.isascii()
        and following.isprintable()
        and "\\" not in following
        and len(following) <= _LONGEST_NEXT
    ):
        return following
    return "/"


def _is_https(request: Request) -> bool:
    """Also where a proxy in front says so: believed wrongly, the cookie is only kept from plain http."""
    return request.url.scheme == "https" or request.headers.get("x-forwarded-proto", "").startswith("https")
