"""Answers that are not sent twice: entity tags, conditional requests, and what a client can take."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from hashlib import blake2b

from starlette.requests import Request
from starlette.responses import Response

from service.web.problems import Problem

_TAGS = re.compile(r'(?:W/)?"([^"]*)"')
_MAX_HEADER = 4_000  # characters that are looked at


def conditional(
    request: Request,
    body: bytes,
    *,
    media_type: str,
    headers: Mapping[str, str] | None = None,
    modified: datetime | None = None,
) -> Response:
    """The body, or 304 where the client has it already (RFC 9110 section 13).

    The tag is weak, because the body may yet be compressed. ``modified`` counts only for clients that send
    no tag.
    """
    tag = blake2b(body, digest_size=12).hexdigest()
    said = {"ETag": f'W/"{tag}"', **(headers or {})}
    if modified is not None:
        said["Last-Modified"] = format_datetime(modified.astimezone(UTC).replace(microsecond=0), usegmt=True)
    if _has(request, tag, modified):
        return Response(status_code=304, headers=said)
    return Response(body, media_type=media_type, headers=said)


def _has(request: Request, tag: str, modified: datetime | None) -> bool:
    if request.method not in {"GET", "HEAD"}:
        return False
    known = ",".join(request.headers.getlist("if-none-match"))[:_MAX_HEADER]
    if known:
        return known.strip() == "*" or tag in _TAGS.findall(known)
    since = request.headers.get("if-modified-since")
    if since is None or modified is None:
        return False
    try:
        return modified.replace(microsecond=0) <= parsedate_to_datetime(since[:100])
    except (ValueError, TypeError, OverflowError):  # no date, or one without a zone
        return False


def check_accepted(request: Request, media_type: str) -> None:
    """Raise `Problem` where the client says that it cannot take a media type (RFC 9110 section 12.5.1)."""
    header = ",".join(request.headers.getlist("accept"))[:_MAX_HEADER]
    if not header.strip():
        return
    major = media_type.partition("/")[0]
    quality: dict[str, float] = {}
    for part in header.split(","):
        name, _, parameters = part.partition(";")
        quality[name.strip().lower()] = _quality(parameters)
    for pattern in (media_type, f"{major}/*", "*/*"):
        if pattern in quality:
            if quality[pattern] > 0:
                return
            break
    raise Problem("not-acceptable", f"This is given as {media_type}, which the header Accept does not name.")


def _quality(parameters: str) -> float:
    for one in parameters.split(";"):
        name, _, value = one.partition("=")
        if name.strip().lower() == "q":
            try:
                return float(value)
            except ValueError:
                return 1.0
    return 1.0
