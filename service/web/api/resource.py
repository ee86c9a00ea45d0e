"""One address of the API: who may, how often, by which method, with what; and what is told when it fails."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from models.fields import dump_json
from models.tokens import Scope as Right
from service.web.access import Access
from service.web.addresses import Linker, linker
from service.web.answers import check_accepted, conditional
from service.web.api.operations import PREFIX, Answer, Call, Operation
from service.web.api.parameters import read_path, read_query
from service.web.problems import Problem, answered, problem_of
from service.web.rules import ApiRules

if TYPE_CHECKING:
    from models.database import Database

MAX_BODY = 4_096  # bytes; a verdict has a dozen
MEDIA_TYPE = "application/json"
_LENGTH = re.compile(r"\d{1,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Parts:
    """What all addresses share."""

    database: Database
    access: Access
    rules: ApiRules
    clock: Callable[[], datetime]
    writable: bool


class Resource:
    """The operations of one address, as an ASGI application."""

    def __init__(self, operations: Sequence[Operation], parts: Parts) -> None:
        self._operations = {one.method: one for one in operations}
        if "GET" in self._operations:
            self._operations["HEAD"] = self._operations["GET"]
        self._parts = parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            response = await answered(request, self._answer)
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        operation = self._operations.get(request.method)
        if operation is None:
            allowed = ", ".join(sorted(self._operations))
            raise Problem(
                "method-not-allowed", f"This takes {allowed}, not this method.", headers={"Allow": allowed}
            )
        body = await _body(request) if operation.body else b""
        return await run_in_threadpool(self._do, operation, request, body)

    def _do(self, operation: Operation, request: Request, body: bytes) -> Response:
        """In a thread: the database is waited for."""
        parts = self._parts
        caller, allowance = parts.access.admit(request, operation.scope)
        headers = dict(allowance.headers) if allowance else {}
        try:
            check_accepted(request, MEDIA_TYPE)
            if operation.scope is Right.WRITE:
                self._check_writable()
            link = linker(request, parts.rules.public_url)
            values = {
                **read_path(operation.parameters, request.path_params),
                **read_query(operation.parameters, request.query_params.multi_items()),
            }
            said = _read(body) if operation.body else None
            with parts.database.session():
                answer = operation.handler(Call(values, caller, parts.clock(), link, said))
        except Exception as error:
            problem = problem_of(error, request)
            if problem is None:
                raise
            problem.headers |= headers
            raise problem from error
        headers |= _links(operation, answer, link)
        return _response(request, operation, answer, headers)

    def _check_writable(self) -> None:
        if not self._parts.writable:
            raise Problem("read-only", "This server only reads: ask the daemon's own.")


def _links(operation: Operation, answer: Answer, link: Linker) -> dict[str, str]:
    headers: dict[str, str] = {}
    if answer.next_page is not None:  # no list has a part in its path
        headers["Link"] = f'<{link(PREFIX + operation.path, answer.next_page)}>; rel="next"'
    if answer.location is not None:
        headers["Location"] = link(PREFIX + quote(answer.location), {})
    return headers


def _response(request: Request, operation: Operation, answer: Answer, headers: dict[str, str]) -> Response:
    if answer.value is None:
        return Response(status_code=answer.status, headers=headers)
    body = dump_json(answer.value).encode()
    if operation.method != "GET":
        return Response(body, answer.status, headers, MEDIA_TYPE)
    return conditional(request, body, media_type=MEDIA_TYPE, headers=headers)


async def _body(request: Request) -> bytes:
    """The body, if it is JSON and small."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != MEDIA_TYPE:
        raise Problem(
            "unsupported-media-type", f"The body is sent as {MEDIA_TYPE}.", headers={"Accept": MEDIA_TYPE}
        )
    too_large = Problem(
        "body-too-large", f"At most {MAX_BODY:,} bytes are taken.", headers={"Connection": "close"}
    )
    claimed = request.headers.get("content-length", "0")
    if not _LENGTH.fullmatch(claimed) or int(claimed) > MAX_BODY:
        raise too_large
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise too_large
    return body


def _read(body: bytes) -> dict[str, Any]:
    try:
        said = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise Problem("bad-body", f"The body is no JSON object: {error}.") from error
    if said.keys() != {"value"} or type(said["value"]) is not int or said["value"] not in {1, -1}:
        raise Problem("bad-body", "The body has one member, “value”, which is 1 (yes) or -1 (no).")
    return said
