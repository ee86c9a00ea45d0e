"""The application: its routes, the order of its middleware, and what becomes of an error."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING

import anyio.to_thread
from loguru import logger
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from models.errors import NotFound, QueryError, StorageError
from service.web import feeds
from service.web.access import Access
from service.web.api.resource import Parts
from service.web.api.routes import routes as api_routes
from service.web.health import HealthPages, HealthReport
from service.web.hubs import PREFIX, HubCallback
from service.web.login import Login, LoginGate, user_of
from service.web.metrics import MetricsPage, Standing
from service.web.pages import Judge, ReadingPages
from service.web.parameters import BadParameter
from service.web.problems import error_problem
from service.web.rules import ApiRules
from service.web.security import ErrorPage, HostCheck, QueryLimit, SecurityHeaders
from service.web.templating import Pages
from service.web.verdicts import Tokens, VerdictForm

if TYPE_CHECKING:
    from models.database import Database

# Each may hold one database connection; the rest of the pool is the daemon's own work.
_THREADS = 8
_FOREVER = "public, max-age=31536000, immutable"


def create_app(
    database: Database,
    *,
    allowed_hosts: Sequence[str],
    started_at: datetime,
    health: Callable[[], HealthReport],
    metrics: Callable[[], Standing] | None = None,
    verdicts: bool = True,
    hubs: HubCallback | None = None,
    judge: Judge | None = None,
    api: ApiRules | None = None,
    password: str | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Starlette:
    """The whole page as an ASGI application.

    ``allowed_hosts`` are the names and addresses, without ports, that it answers for besides this machine's
    own (`HostCheck`).
    ``health`` and ``metrics`` may block: they are called in the thread pool, as every question to the
    database is. Without ``metrics`` there is no ``/metrics``, without ``verdicts`` none are
    asked for or taken, without ``hubs`` none of those is answered, and without ``judge`` an article does not
    say why it carries no other topics. ``api`` says which programs and feed readers are answered; without it,
    those on this machine. ``password``, as `service.passwords` keeps it, has people sign in first.
    """
    templates = Pages()
    tokens = Tokens()
    reading = ReadingPages(database, templates, clock, tokens=tokens if verdicts else None, judge=judge)
    form = VerdictForm(database, tokens, clock) if verdicts else None
    checks = HealthPages(health, started_at=started_at, clock=clock)
    rules = api or ApiRules()
    login = Login(password, templates, clock) if password else None
    access = Access(rules, clock=clock, ticks=time.monotonic, signed_in=_signed_in, writable=verdicts)
    parts = Parts(database, access, rules, clock, writable=verdicts)
    measured = MetricsPage(metrics, started_at=started_at, clock=clock) if metrics else None
    return Starlette(
        routes=[
            *_pages(reading, form),
            *(_ways_in(login) if login else []),
            Route("/healthz", checks.live, name="healthz"),
            Route("/readyz", checks.ready, name="readyz"),
            *([Route("/metrics", measured.answer, name="metrics")] if measured else []),
            *([Route(PREFIX + "{token}", hubs.answer, methods=["GET", "POST"])] if hubs else []),
            *api_routes(parts, templates),
            *feeds.routes(parts),
            Mount("/static", _Static(packages=[("service.web", "static")]), name="static"),
        ],
        middleware=[
            *_middleware(templates, allowed_hosts, {PREFIX: hubs.host} if hubs else {}),
            *([Middleware(LoginGate, login=login, may_measure=access.may_read)] if login else []),
        ],
        exception_handlers=_handlers(templates),
        lifespan=_lifespan,
    )


def _pages(reading: ReadingPages, form: VerdictForm | None) -> list[Route]:
    # Starlette runs handlers that are no coroutines in its thread pool: the loop never waits for the database
    # or for a template.
    found = [
        Route("/", reading.articles, name="articles"),
        Route("/articles/{id}", reading.article, name="article"),
        Route("/sources", reading.sources, name="sources"),
        Route("/sources/{id}", reading.source, name="source"),
        Route("/topics", reading.topics, name="topics"),
    ]
    if form:
        found.append(Route("/articles/{id}/verdict", form.submit, name="verdict", methods=["POST"]))
    return found


def _ways_in(login: Login) -> list[Route]:
    return [
        Route("/login", login.form, name="login"),
        Route("/login", login.submit, methods=["POST"]),
        Route("/logout", login.out, name="logout", methods=["POST"]),
    ]


def _signed_in(request: Request) -> str | None:
    name = user_of(request)
    return None if name is None else name or "somebody"


def _middleware(
    templates: Pages, allowed_hosts: Sequence[str], only_below: Mapping[str, str]
) -> list[Middleware]:
    tell = _teller(templates)
    return [
        Middleware(SecurityHeaders),
        Middleware(_Unexpected, tell=tell),
        Middleware(HostCheck, allowed=allowed_hosts, only_below=only_below, error_page=tell),
        Middleware(QueryLimit, error_page=tell),
        Middleware(GZipMiddleware, minimum_size=1_000, compresslevel=5),
    ]


@asynccontextmanager
async def _lifespan(_app: Starlette) -> AsyncIterator[None]:
    anyio.to_thread.current_default_thread_limiter().total_tokens = _THREADS
    yield


class _Static(StaticFiles):
    """Files whose address changes with their content, and may therefore be kept for good."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if response.status_code in {HTTPStatus.OK, HTTPStatus.NOT_MODIFIED} and scope["query_string"]:
            response.headers["Cache-Control"] = _FOREVER
        return response


class _Unexpected:
    """The last resort: whatever was not foreseen is logged with its traceback and becomes a plain 500."""

    def __init__(self, app: ASGIApp, *, tell: ErrorPage) -> None:
        self._app = app
        self._tell = tell

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception:
            if scope["type"] != "http":
                raise
            logger.exception("{} {} failed", scope["method"], scope["path"])
            if started:
                raise  # half an answer is out: the connection must break, or it would look whole
            problem = "That was a fault of Wirewatch, not yours. Its log says more."
            page = self._tell(Request(scope, receive), 500, problem)
            await page(scope, receive, send)


def _teller(templates: Pages) -> ErrorPage:
    """What tells people of an error by a page, and programs by a problem."""

    def tell(request: Request, status: int, problem: str) -> Response:
        for_programs = request.scope["path"].startswith(_FOR_PROGRAMS)
        return (error_problem if for_programs else templates.error)(request, status, problem)

    return tell


def _handlers(
    templates: Pages,
) -> dict[int | type[Exception], Callable[[Request, Exception], Response]]:
    tell = _teller(templates)

    def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        problem = _PROBLEMS.get(error.status_code, error.detail)
        if (error.headers or {}).get("Allow") == "POST":
            problem = "This address only takes what a form sends (POST)."
        page = tell(request, error.status_code, problem)
        page.headers.update(error.headers or {})
        return page

    def bad(request: Request, error: Exception) -> Response:
        return tell(request, 400, str(error))

    def missing(request: Request, error: Exception) -> Response:
        return tell(request, 404, str(error))

    def unavailable(request: Request, error: Exception) -> Response:
        logger.error("{} {} had no answer from the database: {}", request.method, request.url.path, error)
        page = tell(request, 503, "Please try again in a moment. The log of Wirewatch says more.")
        page.headers["Retry-After"] = "10"
        return page

    return {
        HTTPException: http,
        BadParameter: bad,
        QueryError: bad,
        NotFound: missing,
        StorageError: unavailable,
    }


_FOR_PROGRAMS = ("/api/", "/feeds/")
_PROBLEMS = {
    404: "No page has this address.",
    405: "Pages here can only be read (GET), not written to.",
}
