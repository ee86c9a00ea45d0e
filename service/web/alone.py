"""The page without the daemon: a process that only reads, beside a daemon or on a replica of its database."""

from __future__ import annotations

import os
import queue
import signal
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache

from loguru import logger

from models import catalog, migrate
from models.database import Database, open_database
from models.errors import StorageError
from service import signals
from service.application import topics_of
from service.judging import Judge
from service.settings import Settings
from service.systemd import Notifier, inherited_sockets
from service.tagging import Tagger
from service.web.app import create_app
from service.web.health import HealthReport
from service.web.metrics import Standing
from service.web.rules import ApiRules, need_password
from service.web.server import WebServer

_WORDS = {signal.SIGTERM: "stop", signal.SIGINT: "stop", signal.SIGHUP: "reload"}
_STATUS_EVERY = 10.0  # seconds
_TURN_WITHIN = 5.0  # an event loop that takes longer does not answer anybody
_DRAIN = 5.0  # for the last requests


def run_page(settings: Settings, *, environ: Mapping[str, str] | None = None) -> int:
    """Serve the page until SIGTERM or SIGINT; gives the exit code. Nothing is polled, and nothing written.

    Listens on the socket that the service manager hands over (sd_listen_fds(3)), else on ``web.host``.

    :raises service.errors.DaemonError: the port is taken
    :raises models.errors.StorageError: there is no database, or its schema is not this version's
    """
    environ = os.environ if environ is None else environ
    notifier = Notifier(environ)
    started_at = datetime.now(UTC)
    with signals.words(_WORDS) as words:
        timeout = settings.storage.busy_timeout.total_seconds()
        database = open_database(settings.database, busy_timeout=timeout, read_only=True)
        try:
            migrate.check(database)
            sockets = inherited_sockets(environ)
            need_password(settings.web, sockets)
            app = create_app(
                database,
                allowed_hosts=(settings.web.host, *settings.web.allowed_hosts),
                started_at=started_at,
                health=lambda: _health(database),
                metrics=lambda: Standing(ready=True),
                verdicts=False,
                api=ApiRules.of(settings),
                password=settings.web.password,
                judge=Judge(cache(lambda: Tagger(topics_of(settings)))),
            )
            server = WebServer(app, settings.web.host, settings.web.port, sockets=sockets)
            server.start()
            try:
                _serve(server, notifier, words)
            finally:
                notifier.stopping(_DRAIN + 5.0)
                server.stop(_DRAIN)
        finally:
            database.close()
    return 0


def _serve(server: WebServer, notifier: Notifier, words: signals.Words) -> None:
    every = min(_STATUS_EVERY, (notifier.watchdog or _STATUS_EVERY * 2) / 2)
    notifier.ready(_status())
    logger.info("ready: {}", _status())
    while True:
        try:
            word = words.get(timeout=every)
        except queue.Empty:
            _report(server, notifier)
            continue
        if word == "stop":
            logger.info("stopping")
            return
        notifier.reloading()
        logger.info("the page reads topics and sources from the database; other settings need a restart")
        notifier.ready(_status())


def _report(server: WebServer, notifier: Notifier) -> None:
    """Say how it stands; the watchdog hears of it only while the event loop turns.

    A database that is away is no reason to be killed: it comes back without our doing.
    """
    notifier.status(_status())
    if server.turns(_TURN_WITHIN):
        notifier.ping()
    else:
        logger.error("not telling the watchdog that all is well: the event loop does not turn")


def _status() -> str:
    try:
        status = catalog.status(datetime.now(UTC), recent=0)
    except StorageError as error:
        return f"the database does not answer: {error}"
    return f"serving {status.articles:,} articles of {status.sources:,} sources, read only"


def _health(database: Database) -> HealthReport:
    try:
        migrate.check(database)
        status = catalog.status(datetime.now(UTC), recent=0)
    except StorageError as error:
        return HealthReport(ready=False, reasons=(f"the database does not answer: {error}",))
    return HealthReport(
        ready=True,
        details={"articles": status.articles, "sources": status.sources, "schema": status.schema},
    )
