"""People's verdicts from the article page: the one thing here that writes.

Whether or not people sign in, what a stranger's page could make a visitor's browser do must be told from
what the visitor did: the browser's own word on where the request comes from (Fetch Metadata, RFC 6454
Origin), and a token that only someone who can read the article's page has.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from models import labels
from models.errors import NotFound
from service.web.forms import check_origin, read_form
from service.web.login import user_of
from service.web.parameters import BadParameter, read_id

if TYPE_CHECKING:
    from models.database import Database

VALUES: Mapping[str, int | None] = {"yes": 1, "no": -1, "withdraw": 0, "undo": None}
_FIELDS = frozenset(("token", "topic", "verdict"))


class Tokens:
    """Tokens for the forms of articles, good as long as this process lives."""

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(32)

    def give(self, article_id: int) -> str:
        """The token of an article's forms."""
        return hmac.new(self._secret, f"verdict {article_id}".encode(), hashlib.sha256).hexdigest()

    def right(self, article_id: int, token: str) -> bool:
        """Whether a token is that of the article."""
        return hmac.compare_digest(self.give(article_id).encode(), token.encode())


class VerdictForm:
    """``POST /articles/{id}/verdict``: topic, verdict (yes, no, withdraw, undo), token."""

    def __init__(self, database: Database, tokens: Tokens, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._tokens = tokens
        self._clock = clock

    async def submit(self, request: Request) -> Response:
        """Give, withdraw or undo a verdict, then send the browser back to the article (303)."""
        check_origin(request)
        number = read_id(request.path_params["id"])
        if number is None:
            raise NotFound("Articles have numbers, and this is none.")
        form = await read_form(request, _FIELDS)
        if not self._tokens.right(number, form["token"]):
            raise HTTPException(403, "This page was too old to be sent. Go back, load it again, and repeat.")
        if form["verdict"] not in VALUES:
            raise BadParameter("verdict", f"it is none of {', '.join(VALUES)}")
        value = VALUES[form["verdict"]]
        await run_in_threadpool(self._write, number, form["topic"], value, _name_of(request))
        path = str(request.app.url_path_for("article", id=number))
        return RedirectResponse(request.scope.get("root_path", "") + path + "#why", 303)

    def _write(self, article_id: int, topic: str, value: int | None, by: str) -> None:
        with self._database.transaction():
            if value is None:
                labels.undo_verdict(article_id, topic, by, self._clock())
            elif value:
                labels.set_verdict(article_id, topic, value, by, self._clock())
            elif any(one.topic == topic for one in labels.verdicts(article_id=article_id)):
                labels.withdraw_verdict(article_id, topic, by, self._clock())
            # Withdrawn already, as by a second click: what was wanted is so.


def _name_of(request: Request) -> str:
    """Who says so: the name that they signed in with, else where they are."""
    client = request.client.host if request.client else "unknown"
    return user_of(request) or f"the page ({client})"
