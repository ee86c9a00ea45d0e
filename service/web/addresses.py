"""Addresses of our own, as others are told them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request

from service.web.problems import root_of

Linker = Callable[[str, Mapping[str, Any]], str]


def linker(request: Request, public_url: str | None) -> Linker:
    """Makes addresses of paths of this application: below ``public_url``, else as we were asked."""
    base = (public_url or f"{request.url.scheme}://{request.url.netloc}{root_of(request)}").rstrip("/")

    def link(path: str, parameters: Mapping[str, Any]) -> str:
        said = {
            name: str(value).lower() if isinstance(value, bool) else value
            for name, value in parameters.items()
            if value is not None and value is not False
        }
        return f"{base}{path}{'?' if said else ''}{urlencode(said)}"

    return link
