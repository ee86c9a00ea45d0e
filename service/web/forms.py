"""Forms that are sent to us: from which page they come, and what they say."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request

from service.web.parameters import BadParameter

MAX_BODY = 4_096  # bytes; what people type here is a few hundred
_FORM = "application/x-www-form-urlencoded"


def check_origin(request: Request) -> None:
    """Refuse what another site's page sent (403). A browser's form brings at least one of the two headers."""
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    host = request.headers.get("host", "")
    # Only the name is compared: a proxy in front of us may speak https where we speak http.
    same = origin is not None and origin.partition("://")[2].lower() == host.lower() and bool(host)
    if (site is not None and site != "same-origin") or (origin is not None and not same):
        raise HTTPException(403, "Forms are taken from this site's own pages only.")
    if site is None and origin is None:
        raise HTTPException(403, "The request does not say which page it comes from (Origin).")


async def read_form(request: Request, fields: Collection[str]) -> dict[str, str]:
    """What a form says: exactly these fields, each once. Raises HTTPException (413, 415) and BadParameter."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise HTTPException(415, f"This is sent as a form ({_FORM}).")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise HTTPException(413, f"A form has at most {MAX_BODY:,} bytes.")
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=10, errors="strict")
    except ValueError as error:
        raise BadParameter("form", "it cannot be read") from error
    form = dict(pairs)
    if len(pairs) != len(form) or form.keys() != set(fields):
        raise BadParameter("form", f"it has {', '.join(sorted(fields))}, each once")
    return form
