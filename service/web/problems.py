"""What went wrong, as programs are told: problem details (RFC 9457) of a closed list of kinds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from loguru import logger
from starlette.requests import Request
from starlette.responses import Response

from models.errors import NotFound, QueryError, QuerySyntaxError, QueryTimeout, StorageError
from models.fields import dump_json
from service.web.parameters import BadParameter

MEDIA_TYPE = "application/problem+json"
ANCHOR = "problem-"  # of a kind on the page of the documentation


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem: the status of its answers, and what it is called."""

    status: int
    title: str


KINDS: Mapping[str, Kind] = {
    "bad-parameter": Kind(400, "A parameter cannot be used"),
    "bad-query": Kind(400, "The query cannot be answered"),
    "bad-body": Kind(400, "The body cannot be read"),
    "unauthorized": Kind(401, "A token is needed"),
    "forbidden": Kind(403, "The token does not allow this"),
    "not-found": Kind(404, "There is no such thing"),
    "method-not-allowed": Kind(405, "The method is not allowed here"),
    "not-acceptable": Kind(406, "It cannot be given in such a form"),
    "read-only": Kind(409, "Nothing can be written here"),
    "body-too-large": Kind(413, "The body is too large"),
    "address-too-long": Kind(414, "The address is too long"),
    "unsupported-media-type": Kind(415, "The body is of another type"),
    "misdirected": Kind(421, "This server does not answer for that name"),
    "too-many-requests": Kind(429, "Too many requests"),
    "internal": Kind(500, "A fault of Wirewatch"),
    "unavailable": Kind(503, "The database does not answer"),
}
_BY_STATUS = {kind.status: name for name, kind in reversed(list(KINDS.items()))}


class Problem(Exception):
    """Something that the client is to be told. ``more`` are members beside the standard ones."""

    def __init__(
        self,
        kind: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.headers = dict(headers or {})
        self.more = dict(more or {})

    @property
    def status(self) -> int:
        """The status of the answer."""
        return KINDS[self.kind].status


def problem_of(error: Exception, request: Request) -> Problem | None:
    """What an error is to the client; None for one that nobody foresaw."""
    match error:
        case Problem():
            return error
        case BadParameter():
            return Problem("bad-parameter", str(error), more={"parameter": error.name})
        case QuerySyntaxError():
            return Problem(
                "bad-query",
                str(error),
                more={
                    "parameter": "q",
                    "column": error.column,
                    "expected": error.expected,
                    "pointer": error.pointer,
                },
            )
        case QueryTimeout() | QueryError():
            return Problem("bad-query", str(error))
        case NotFound():
            return Problem("not-found", str(error))
        case StorageError():
            logger.error("{} {} had no answer from the database: {}", request.method, request.url.path, error)
            detail = "Please try again in a moment. The log of Wirewatch says more."
            return Problem("unavailable", detail, headers={"Retry-After": "10"})
    return None


def problem_response(problem: Problem, root: str) -> Response:
    """The answer that tells a problem; ``root`` is the path that the application is mounted at."""
    body = {
        "type": f"{root}/api/v1/docs#{ANCHOR}{problem.kind}",
        "title": KINDS[problem.kind].title,
        "status": problem.status,
        "detail": problem.detail,
        **problem.more,
    }
    return Response(
        dump_json(body).encode(), problem.status, media_type=MEDIA_TYPE, headers=dict(problem.headers)
    )


async def answered(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
    """What ``answer`` gives, or the problem that it met; what nobody foresaw is raised."""
    try:
        return await answer(request)
    except Exception as error:
        problem = problem_of(error, request)
        if problem is None:
            raise
        return problem_response(problem, root_of(request))


def error_problem(request: Request, status: int, detail: str) -> Response:
    """What `service.web.templating.Pages.error` is to people."""
    return problem_response(Problem(_BY_STATUS.get(status, "internal"), detail), root_of(request))


def root_of(request: Request) -> str:
    """The path that the application is mounted at, "" as a rule."""
    root: str = request.scope.get("app_root_path", request.scope.get("root_path", ""))
    return root
