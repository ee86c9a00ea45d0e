"""The operations → an OpenAPI 3.1 document. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from models.tokens import Scope
from service.web.api.operations import PREFIX, Operation
from service.web.api.parameters import Parameter
from service.web.api.schemas import SCHEMAS, of
from service.web.problems import KINDS, MEDIA_TYPE

_ALWAYS = ("bad-parameter", "unauthorized", "forbidden", "not-acceptable", "too-many-requests", "unavailable")
_WITH_BODY = ("bad-body", "body-too-large", "unsupported-media-type")
_HEADERS: dict[str, Any] = {
    "ETag": {"description": "Send it as If-None-Match to be told 304 while nothing changed.",
             "schema": {"type": "string"}},
    "Link": {"description": "The next page (rel=next), where there is one.", "schema": {"type": "string"}},
    "Location": {"description": "Where it is now.", "schema": {"type": "string"}},
    "RateLimit": {"description": "What is left of the allowance.", "schema": {"type": "string"}},
    "RateLimit-Policy": {"description": "The allowance.", "schema": {"type": "string"}},
    "Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}},
    "WWW-Authenticate": {"description": "How to say who one is.", "schema": {"type": "string"}},
}  # fmt: skip
_TOLD_WITH = {
    "unauthorized": ("WWW-Authenticate",),
    "forbidden": ("WWW-Authenticate",),
    "too-many-requests": ("Retry-After", "RateLimit", "RateLimit-Policy"),
    "unavailable": ("Retry-After",),
}
_INTRODUCTION = (
    "Articles with their topics and evidence, counts, sources, verdicts, and a way to follow what changes. "
    "Everything is JSON in UTF-8; times are UTC. Lists come in pages: ask again with `next`. What goes wrong "
    "is told as problem details (RFC 9457)."
)


def document(operations: Sequence[Operation], root: str) -> dict[str, Any]:
    """The whole document; ``root`` is the path that the application is mounted at."""
    paths: dict[str, dict[str, Any]] = {}
    for one in operations:
        paths.setdefault(PREFIX + one.path, {})[one.method.lower()] = _operation(one)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Wirewatch", "version": _version(), "description": _INTRODUCTION},
        "servers": [{"url": root or "/"}],
        "paths": paths,
        "components": {
            "schemas": dict(SCHEMAS),
            "responses": {name: _problem(name) for name in KINDS},
            "headers": _HEADERS,
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "Of 'wirewatch token create', or of the settings.",
                }
            },
        },
    }


def _operation(one: Operation) -> dict[str, Any]:
    found: dict[str, Any] = {
        "operationId": one.name,
        "summary": one.summary,
        "tags": [one.group],
        "parameters": [_parameter(parameter) for parameter in one.parameters],
        "responses": _responses(one),
        # Reading needs a token except on the machine itself.
        "security": [{"token": []}] if one.scope is Scope.WRITE else [{}, {"token": []}],
    }
    if one.description:
        found["description"] = one.description
    if one.body:
        found["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": of(one.body), "example": {"value": 1}}},
        }
    return found


def _parameter(one: Parameter) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": one.name,
        "in": "path" if one.in_path else "query",
        "required": one.in_path,
        "description": one.meaning,
        "schema": dict(one.schema),
    }
    return found if one.example is None else found | {"example": one.example}


def _responses(one: Operation) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status, schema in one.answers.items():
        responses[str(status)] = {
            "description": SCHEMAS[schema]["description"] if schema else "Done.",
            "headers": _headers(one, status),
        }
        if schema:
            responses[str(status)]["content"] = {"application/json": {"schema": of(schema)}}
    if one.method == "GET":
        responses["304"] = {
            "description": "Nothing changed since the ETag that was sent.",
            "headers": {"ETag": _ref("headers", "ETag")},
        }
    by_status: dict[int, list[str]] = {}
    for name in (*_ALWAYS, *(_WITH_BODY if one.body else ()), *one.problems):
        by_status.setdefault(KINDS[name].status, []).append(name)
    for status, names in by_status.items():
        responses[str(status)] = _ref("responses", names[0])
    return dict(sorted(responses.items()))


def _headers(one: Operation, status: int) -> dict[str, Any]:
    names = ["RateLimit", "RateLimit-Policy"]
    if one.method == "GET":
        names += ["ETag", "Link"]
    if status == 201:  # noqa: PLR2004 - Created
        names.append("Location")
    return {name: _ref("headers", name) for name in names}


def _problem(name: str) -> dict[str, Any]:
    names = _TOLD_WITH.get(name, ())
    found: dict[str, Any] = {
        "description": KINDS[name].title,
        "content": {MEDIA_TYPE: {"schema": of("Problem")}},
    }
    return found | ({"headers": {one: _ref("headers", one) for one in names}} if names else {})


def _ref(where: str, name: str) -> dict[str, str]:
    return {"$ref": f"#/components/{where}/{name}"}


def _version() -> str:
    try:
        return version("wirewatch")
    except PackageNotFoundError:
        return "checkout"
