"""Jinja2, set to escape everything and to fail on what is not there; pages as finished answers."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

_HEADINGS = {
    400: "This cannot be read",
    403: "This was not taken",
    404: "Nothing is here",
    405: "This is not possible here",
    413: "This is too much",
    414: "This address is too long",
    421: "Another name than ours",
    500: "Something went wrong here",
    503: "The database does not answer",
}


class Pages:
    """Renders the templates of this package for a request."""

    def __init__(self) -> None:
        self._environment = Environment(
            loader=PackageLoader("service.web"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )

    def render(self, request: Request, template: str, status: int = 200, /, **context: Any) -> HTMLResponse:
        """A finished page. What UTF-8 cannot carry (half a surrogate pair in a file name) becomes ``?``."""
        root: str = request.scope.get("app_root_path", request.scope.get("root_path", ""))

        def path(name: str, /, **parameters: Any) -> str:
            return root + str(request.app.url_path_for(name, **parameters))

        def static(name: str) -> str:
            return f"{path('static', path=name)}?v={_version(name)}"

        text = self._environment.get_template(template).render(
            path=path,
            static=static,
            theme=_theme(request),
            signed_in="wirewatch.user" in request.scope,
            **context,
        )
        return HTMLResponse(text.encode("utf-8", errors="replace"), status_code=status)

    def error(self, request: Request, status: int, problem: str) -> Response:
        """The page of an error: what, and where to go from here. Asks the database nothing."""
        heading = _HEADINGS.get(status, "This did not work")
        return self.render(
            request, "error.html", status, section=None, status=status, heading=heading, problem=problem
        )


def _theme(request: Request) -> str | None:
    """Light or dark, where the visitor has chosen (page.js keeps it in a cookie)."""
    chosen = request.cookies.get("theme")
    return chosen if chosen in {"light", "dark"} else None


@cache
def _version(name: str) -> str:
    """A few digits of a static file's hash, so that it can be kept for good under its address."""
    content = resources.files("service.web").joinpath("static", name).read_bytes()
    return hashlib.blake2b(content, digest_size=5).hexdigest()
