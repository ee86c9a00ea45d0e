"""The API as routes of the application."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import groupby

from starlette.concurrency import run_in_threadpool
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from models.fields import dump_json
from service.web.answers import conditional
from service.web.api import articles, changes, figures, index, sources, verdicts
from service.web.api.openapi import document
from service.web.api.operations import PREFIX, Operation
from service.web.api.resource import MEDIA_TYPE, Parts, Resource
from service.web.problems import KINDS, Problem, problem_response, root_of
from service.web.templating import Pages

OPERATIONS: Sequence[Operation] = (
    *index.OPERATIONS,
    *articles.OPERATIONS,
    *changes.OPERATIONS,
    *figures.OPERATIONS,
    *sources.OPERATIONS,
    *verdicts.OPERATIONS,
)
_EXPOSED = ("ETag", "Link", "Location", "RateLimit", "RateLimit-Policy", "Retry-After", "WWW-Authenticate")
_METHODS = ("GET", "HEAD", "PUT", "DELETE")
_LEARNT_FOR = 600  # seconds that a browser keeps what it was told of other sites' pages


def routes(parts: Parts, templates: Pages) -> list[BaseRoute]:
    """All addresses below `PREFIX`; what is none of them is told so as a problem."""
    by_path = sorted(OPERATIONS, key=lambda one: one.path)
    resources = [
        Route(PREFIX + path, shared(Resource(list(group), parts), parts))
        for path, group in groupby(by_path, key=lambda one: one.path)
    ]

    def openapi(request: Request) -> Response:
        return conditional(request, _openapi(root_of(request)), media_type=MEDIA_TYPE)

    def docs(request: Request) -> Response:
        groups = {
            one.group: [other for other in OPERATIONS if other.group == one.group] for one in OPERATIONS
        }
        return templates.render(request, "api.html", section="api", groups=groups, kinds=KINDS, prefix=PREFIX)

    return [
        Route(f"{PREFIX}/openapi.json", _Read(openapi), name="openapi"),
        Route(f"{PREFIX}/docs", _Read(docs), name="api"),
        *resources,
        Route("/api/{rest:path}", _Nothing(), name="api-nothing"),
    ]


@lru_cache(4)  # the root does not change while a process lives
def _openapi(root: str) -> bytes:
    return dump_json(document(OPERATIONS, root)).encode()


class _Read:
    """What is only read, and by everybody: it says nothing of what is stored."""

    def __init__(self, answer: Callable[[Request], Response]) -> None:
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        if request.method in {"GET", "HEAD"}:
            response = await run_in_threadpool(self._answer, request)
        else:
            allowed = {"Allow": "GET, HEAD"}
            problem = Problem("method-not-allowed", "This can only be read.", headers=allowed)
            response = problem_response(problem, root_of(request))
        await response(scope, receive, send)


class _Nothing:
    """What is told at addresses that are none of the API's, whatever the method."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        problem = Problem("not-found", f"The API has no such address; {PREFIX}/docs lists them.")
        root = root_of(Request(scope, receive))
        await problem_response(problem, root)(scope, receive, send)


def shared(app: ASGIApp, parts: Parts) -> ASGIApp:
    """The application, to be called by the pages of other sites where the settings name them."""
    if not parts.rules.cors_origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=parts.rules.cors_origins,
        allow_methods=_METHODS,
        allow_headers=("Authorization", "Content-Type", "If-None-Match"),
        allow_credentials=False,
        expose_headers=_EXPOSED,
        max_age=_LEARNT_FOR,
    )
