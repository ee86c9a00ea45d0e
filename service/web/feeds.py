"""``/feeds/``: every topic and every query as a feed, for any reader and for another Wirewatch.

Readers often send no headers of one's choice: besides as a bearer a token is taken as the password of a
login, and of the address (``?token=…``); one of the scope "feed" opens nothing else. Addresses in the feed
never repeat it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Send
from starlette.types import Scope as ASGIScope

from models import catalog, changes
from models.errors import NotFound
from models.labels import topics
from models.query import Topic, format, parse
from models.records import ArticleFilter
from models.tokens import Scope
from service.web.addresses import Linker, linker
from service.web.answers import conditional
from service.web.api.operations import PATIENCE
from service.web.api.parameters import QUERY as Q
from service.web.api.parameters import page_size, read_query, text
from service.web.api.resource import Parts
from service.web.api.routes import shared
from service.web.feeds_items import Channel, items_of, tag_uri
from service.web.feeds_json import json_feed
from service.web.feeds_names import FORMATS, PREFIX, QUERY, query_path, topic_path
from service.web.feeds_xml import atom, rss
from service.web.problems import Problem, answered

if TYPE_CHECKING:
    from models.query import Query

_WRITERS: Mapping[str, Callable[[Channel], str]] = {"atom": atom, "rss": rss, "json": json_feed}
_TOKEN = text("token", "A token, where a reader can send no headers.", 300)
_LIMIT = page_size(200, 50)
_READING = ("GET", "HEAD")


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What a feed is of."""

    query: Query
    title: str
    path: str
    name: str  # in its id
    parameters: Mapping[str, str]  # of its own address
    page: Mapping[str, str]  # of the list of articles that shows the same


class Feed:
    """One kind of feed, as an ASGI application; its work is done in a thread: it asks the database."""

    def __init__(self, parts: Parts, wanted_by: Callable[[Request, str], _Wanted], *, asks: bool) -> None:
        self._parts = parts
        self._wanted_by = wanted_by
        self._parameters = (*((Q,) if asks else ()), _LIMIT, _TOKEN)

    async def __call__(self, scope: ASGIScope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        response = await answered(request, lambda asked: run_in_threadpool(self._answer, asked))
        await response(scope, receive, send)

    def _answer(self, request: Request) -> Response:
        if request.method not in _READING:
            allowed = ", ".join(_READING)
            raise Problem("method-not-allowed", "Feeds can only be read.", headers={"Allow": allowed})
        parts = self._parts
        _, allowance = parts.access.admit(request, Scope.FEED)
        headers = dict(allowance.headers) if allowance else {}
        form = _form(request)
        values = read_query(self._parameters, request.query_params.multi_items())
        link = linker(request, parts.rules.public_url)
        with parts.database.snapshot():
            wanted = self._wanted_by(request, values.get("q") or "")
            channel, modified = _channel(wanted, values["limit"], parts.clock(), link)
        body = _WRITERS[form](channel).encode("utf-8", "replace")
        return conditional(request, body, media_type=FORMATS[form], headers=headers, modified=modified)


def routes(parts: Parts) -> list[BaseRoute]:
    """All addresses of feeds."""
    by_topic, by_query = Feed(parts, _of_topic, asks=False), Feed(parts, _of_query, asks=True)
    return [
        Route(PREFIX + "/topic/{topic}.{form}", shared(by_topic, parts), name="topic-feed"),
        Route(QUERY + ".{form}", shared(by_query, parts), name="query-feed"),
    ]


def _form(request: Request) -> str:
    form: str = request.path_params["form"]
    if form not in FORMATS:
        raise NotFound(f"A feed ends in {', '.join(f'.{one}' for one in FORMATS)}.")
    return form


def _of_topic(request: Request, _: str) -> _Wanted:
    name, form = request.path_params["topic"], request.path_params["form"]
    if all(one.name != name for one in topics(inactive=True)):
        raise NotFound("No topic is called so.")
    return _Wanted(
        Topic(name),
        f"Wirewatch: {name}",
        topic_path(name, form),
        f"topic/{blake2b(name.encode(), digest_size=8).hexdigest()}",
        {},
        {"q": format(Topic(name))},
    )


def _of_query(request: Request, asked: str) -> _Wanted:
    query = parse(asked)
    said = format(query)
    return _Wanted(
        query,
        f"Wirewatch: {said}" if said else "Wirewatch: all articles",
        query_path(request.path_params["form"]),
        f"query/{blake2b(said.encode(), digest_size=8).hexdigest()}",
        {"q": said} if said else {},
        {"q": said} if said else {},
    )


def _channel(wanted: _Wanted, limit: int, now: datetime, link: Linker) -> tuple[Channel, datetime | None]:
    """The feed, and when any article in it changed last."""
    page = catalog.find(ArticleFilter(query=wanted.query, limit=limit), now=now, patience=PATIENCE)
    ids = [one.id for one in page.articles]
    instance = changes.instance()
    channel = Channel(
        id=tag_uri(instance, *wanted.name.split("/", 1)),
        title=wanted.title,
        description="Articles that Wirewatch labelled, the newest first.",
        self_url=link(
            wanted.path, {**wanted.parameters, "limit": limit if limit != _LIMIT.default else None}
        ),
        page=link("/", wanted.page),
        items=items_of(catalog.read(ids), instance, lambda number: link(f"/articles/{number}", {})),
    )
    return channel, changes.last_changed(ids)
