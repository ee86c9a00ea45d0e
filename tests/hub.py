"""A hub as WebSub has it, and a page that hubs reach through a proxy: both over real HTTP on loopback.

::

    with one_worker(folder) as workers, push_site(database, folder, workers) as site:
        hub = site.hub
        hub.server.route("/feed", Reply(body=rss("1", hub=hub.url, topic=site.feed)))
        ...
        (asked,) = hub.asked()
        assert hub.verify(asked).text == "challenge"
        hub.deliver(asked, rss("2"))
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from models import sources
from models.database import Database
from models.records import SourceRecord, SourceSpec
from service.application import Application
from service.settings import load_settings
from service.tagging import load_topics
from service.web.app import create_app
from service.web.health import HealthReport
from service.web.hubs import HubCallback
from service.web.server import WebServer
from service.websub.parts import Hubs
from service.websub.signature import sign
from service.workers import Workers
from tests.server import Reply, Request, Server
from tests.web_site import Clock

PUBLIC = "https://wire.example.org/in"  # where hubs reach the page; a proxy takes "/in" away
HOST = "wire.example.org"
CHALLENGE = "a challenge: \u00e4&<b>"
TOPICS = """
format = 1
[[topic]]
name = "sanctions"
description = "Sanctions"
  [[topic.rules]]
  language = "en"
  weight = 6.0
  match = ['sanctions']
"""


def rss(*names: str, hub: str = "", topic: str = "", text: str = "It widened sanctions.") -> bytes:
    """A feed with an item of each name, that names a hub and an address of its own where told to."""
    links = f'<atom:link rel="hub" href="{hub}"/>' if hub else ""
    links += f'<atom:link rel="self" href="{topic}"/>' if topic else ""
    items = "".join(
        f"<item><guid isPermaLink='false'>{name}</guid><title>Council on {name}</title><link>/{name}</link>"
        f"<description>The Council met. {text}</description></item>"
        for name in names
    )
    return (
        '<?xml version="1.0"?><rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom">'
        f"<channel><title>Wire</title>{links}{items}</channel></rss>"
    ).encode()


@dataclass
class Hub:
    """The hub: what it was asked for, and its calls to the callback that it was told."""

    server: Server
    page: str  # where the page really is
    path: str = "/hub"
    client: httpx.Client = field(default_factory=lambda: httpx.Client(trust_env=False, timeout=30))

    def __post_init__(self) -> None:
        self.answer(Reply(202))

    @property
    def url(self) -> str:
        """Its address."""
        return self.server.url(self.path)

    def answer(self, *replies: Reply) -> None:
        """What it answers requests."""
        self.server.route(self.path, *replies)

    def asked(self) -> list[dict[str, str]]:
        """The forms that it got."""
        return [form_of(request) for request in self.server.asked(self.path)]

    def call(
        self, callback: str, method: str = "GET", *, headers: Mapping[str, str] | None = None, **more: Any
    ) -> httpx.Response:
        """Call a callback as it was told, through the proxy that stands before the page."""
        parts = urlsplit(callback)
        path = parts.path.removeprefix(urlsplit(PUBLIC).path)
        sent = {"Host": parts.netloc, **(headers or {})}
        return self.client.request(method, self.page + path, headers=sent, **more)

    def verify(self, form: Mapping[str, str], **other: str) -> httpx.Response:
        """Make sure of a request (section 5.3)."""
        query = {
            "hub.mode": form["hub.mode"],
            "hub.topic": form["hub.topic"],
            "hub.challenge": CHALLENGE,
            "hub.lease_seconds": form.get("hub.lease_seconds", ""),
        }
        return self.call(form["hub.callback"], params=query | {f"hub.{name}": v for name, v in other.items()})

    def deny(self, form: Mapping[str, str], reason: str) -> httpx.Response:
        """Refuse a subscription (section 5.2)."""
        query = {"hub.mode": "denied", "hub.topic": form["hub.topic"], "hub.reason": reason}
        return self.call(form["hub.callback"], params=query)

    def deliver(
        self,
        form: Mapping[str, str],
        body: bytes,
        *,
        method: str = "sha256",
        secret: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Deliver, signed (sections 7 and 8)."""
        signature = sign(body, method, form["hub.secret"] if secret is None else secret)
        sent = {
            "Content-Type": "application/rss+xml",
            "X-Hub-Signature": f"{method}={signature}",
            "Link": f'<{self.url}>; rel="hub", <{form["hub.topic"]}>; rel="self"',
            **(headers or {}),
        }
        return self.call(form["hub.callback"], "POST", content=body, headers=sent)


def form_of(request: Request) -> dict[str, str]:
    """The fields of a form."""
    return dict(parse_qsl(request.body.decode("ascii"), keep_blank_values=True, strict_parsing=True))


@dataclass
class PushSite:
    """The parts of a daemon, its page, a hub and a feed."""

    parts: Application
    hubs: Hubs
    hub: Hub
    server: Server
    url: str
    clock: Clock
    source: SourceRecord

    @property
    def feed(self) -> str:
        """The feed's address."""
        return self.server.url("/feed")

    def publish(self, *names: str, **more: str) -> None:
        """What the feed shows from now on, and that it names the hub."""
        body = rss(*names, **{"hub": self.hub.url, "topic": self.feed, **more})
        self.server.route("/feed", Reply(body=body))

    def poll(self) -> Any:
        """Look at the feed; gives the poll."""
        (poll,) = self.parts.poll([str(self.source.id)])
        return poll

    def ask(self) -> list[dict[str, str]]:
        """One step of the subscriber, to the end of all its requests; gives the forms that the hub got."""
        before = len(self.hub.asked())
        for request in self.hubs.subscriber.step():
            request.result(30)
        return self.hub.asked()[before:]

    def subscribe(self) -> dict[str, str]:
        """All that leads to a verified subscription; gives the form that asked for it."""
        self.publish("one")
        assert self.poll().outcome == "ok"
        (form,) = self.ask()
        assert self.hub.verify(form).status_code == 200
        return form

    def pass_time(self, time: timedelta) -> datetime:
        """Put the clock forward."""
        self.clock.now += time
        return self.clock.now


@contextmanager
def one_worker(folder: Path) -> Iterator[Workers]:
    """A worker process for many sites one after the other: it takes seconds to start."""
    path = folder / "topics.toml"
    path.write_text(TOPICS, encoding="utf-8")
    workers = Workers(load_topics(path), processes=1)
    try:
        yield workers
    finally:
        workers.close(wait=False)


@contextmanager
def push_site(database: Database, folder: Path, workers: Workers, **environ: str) -> Iterator[PushSite]:
    """The parts on a database, reached by hubs at `PUBLIC`, with a feed that has been added."""
    (folder / "topics.toml").write_text(TOPICS, encoding="utf-8")
    settings = load_settings(
        None,
        {
            "HOME": str(folder),
            "WIREWATCH_SCHEDULE_WORKERS": "1",
            "WIREWATCH_HTTP_GAP": "0s",
            "WIREWATCH_TOPICS_FILE": str(folder / "topics.toml"),
            "WIREWATCH_WEBSUB_CALLBACK_URL": PUBLIC,
            **environ,
        },
        folder,
    )
    clock = Clock()
    parts = Application(settings, database, clock=clock)
    parts.__dict__["workers"] = workers  # where its cached property keeps its own
    with Server() as server:
        try:
            parts.publish_topics()
            hubs = parts.hubs
            assert hubs is not None
            callback = HubCallback.of(hubs, clock)
            app = create_app(
                database,
                allowed_hosts=(),
                started_at=clock.now,
                health=lambda: HealthReport(ready=True),
                hubs=callback,
                clock=clock,
            )
            page = WebServer(app, "127.0.0.1", 0)
            page.start()
            try:
                hub = Hub(server, page.url.rstrip("/"))
                spec = SourceSpec(server.url("/feed"), options={"allow_private": True})
                source = sources.add(spec, host="127.0.0.1", now=clock.now)
                with hub.client:
                    yield PushSite(parts, hubs, hub, server, page.url.rstrip("/"), clock, source)
            finally:
                page.stop(5)
        finally:
            parts.close()
