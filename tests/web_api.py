"""The API over real HTTP for tests: a library that is filled once, and the server that answers for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import httpx

from models import tokens
from models.database import Database
from models.tokens import Scope
from service import tokens as secrets
from service.web.app import create_app
from service.web.rules import ApiRules
from service.web.server import WebServer
from tests.web_samples import NOW
from tests.web_site import Clock, Site, ready

API = "/api/v1"


@dataclass(frozen=True)
class Holder:
    """A token and who holds it."""

    name: str
    secret: str

    @property
    def headers(self) -> dict[str, str]:
        """As programs send it."""
        return {"Authorization": f"Bearer {self.secret}"}


def holder(scope: Scope, name: str | None = None, *, days: float | None = None) -> Holder:
    """Make a token as the command does."""
    secret = secrets.make()
    expires = None if days is None else NOW + timedelta(days=days)
    named = name or f"{scope}-{secret[-6:]}"
    tokens.create(named, secrets.digest(secret), scope, now=NOW, expires_at=expires)
    return Holder(named, secret)


@contextmanager
def serving_api(database: Database, *, writable: bool = True, **rules: object) -> Iterator[Site]:
    """The application on a free port of 127.0.0.1, by these rules; any number of requests a minute unless
    ``rate`` says how many."""
    clock = Clock()
    app = create_app(
        database,
        allowed_hosts=("desk.example",),
        started_at=NOW,
        health=ready,
        verdicts=writable,
        api=ApiRules(**({"rate": 0} | rules)),  # type: ignore[arg-type]
        clock=clock,
    )
    server = WebServer(app, "127.0.0.1", 0)
    server.start()
    try:
        url = server.url.rstrip("/")
        with httpx.Client(base_url=url, trust_env=False, timeout=30) as client:
            yield Site(url, client, clock)
    finally:
        server.stop(5)
