"""The real page over real HTTP on loopback, and a Chromium to look at it with."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from models.database import Database
from service.web.app import create_app
from service.web.health import HealthReport
from service.web.server import WebServer
from tests.web_samples import NOW

CHROMIUM_OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass
class Clock:
    """A clock that stands where it is put."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@dataclass(frozen=True)
class Site:
    """A running page."""

    url: str  # without a slash at the end
    client: httpx.Client
    clock: Clock

    def get(self, path: str, **more: object) -> httpx.Response:
        """One request; redirects are not followed."""
        return self.client.get(path, **more)  # type: ignore[arg-type]


def ready() -> HealthReport:
    """A report without a complaint."""
    return HealthReport(ready=True)


@contextmanager
def serving(
    database: Database,
    *,
    health: Callable[[], HealthReport] = ready,
    allowed_hosts: tuple[str, ...] = (),
    **more: Any,
) -> Iterator[Site]:
    """The application over HTTP on a free port of 127.0.0.1."""
    clock = Clock()
    app = create_app(
        database,
        allowed_hosts=allowed_hosts,
        started_at=NOW - timedelta(hours=3),
        health=health,
        clock=clock,
        **more,
    )
    server = WebServer(app, "127.0.0.1", 0)
    server.start()
    try:
        url = server.url.rstrip("/")
        with httpx.Client(base_url=url, trust_env=False, timeout=30) as client:
            yield Site(url, client, clock)
    finally:
        server.stop(5)


def chromium_path() -> str:
    """Where a Chromium is; without one the test skips, except in CI, where it must be there."""
    named = os.environ.get("WIREWATCH_CHROMIUM")
    if found := named or shutil.which("chromium") or shutil.which("chromium-browser"):
        return found
    reason = "needs a Chromium (apt-get install chromium, or WIREWATCH_CHROMIUM)"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
