"""The background process: start, turn, reload, stop.

Signal handlers only put a word into a queue; everything is done by the main thread, in order. Readiness is
said when the schema is right, the seeds are in and the first tick has ended; the watchdog is pinged only
while ticks end and the database answers.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from loguru import logger

from models import catalog, furniture, migrate
from models import sources as source_store
from models.errors import StorageError
from service import signals
from service.application import Application
from service.care import check_after
from service.descriptors import within_limit
from service.errors import WirewatchError
from service.housekeeping import schedule_retention
from service.lock import DaemonLock
from service.logs import configure
from service.owner import owner_is_dead
from service.relabel import Relabelling
from service.room import Room
from service.scheduler import Scheduler
from service.settings import Settings, load_settings
from service.signals import Words
from service.systemd import Notifier

if TYPE_CHECKING:
    from service.web.health import HealthReport
    from service.web.hubs import HubCallback
    from service.web.metrics import Standing
    from service.web.server import WebServer

TICK, STATUS, TIDY, WATCHDOG, RELABEL, HUBS = "tick", "status", "tidy", "watchdog", "relabel", "hubs"
LEARNED = "learned"
_STATUS_EVERY = 10.0  # seconds
_TIDY_EVERY = 3600.0
_FURNITURE_KEPT = timedelta(days=90)  # paragraphs that no article of a source has had for so long
_LEARNED_EVERY = 5.0
_HUBS_EVERY = 2.0
_RELABEL_EVERY = 0.25  # one batch each time; the rest of it belongs to polling
_STALE_TICK = timedelta(seconds=60)  # a tick that did not end for so long is no progress
_MIGRATION_TIME = 600.0  # seconds asked of the service manager for the start
_STOP_MARGIN = 10.0  # beyond the stop's own deadline: giving leases back, closing the database
_WORDS = {
    signal.SIGTERM: "stop",
    signal.SIGINT: "stop",
    signal.SIGHUP: "reload",
    signal.SIGUSR1: "dump",
}


def run_daemon(
    settings: Settings, *, config_path: Path | None = None, environ: Mapping[str, str] | None = None
) -> int:
    """Run until SIGTERM or SIGINT, and give the exit code: 0 after an orderly stop.

    ``config_path`` is read again at SIGHUP (None: the file is looked for as at the start).

    :raises service.errors.DaemonError: another daemon works on the same SQLite file, or the port is taken
    :raises service.errors.BackupError: the schema has to change, and no backup could be made before
    :raises models.errors.StorageError: the database cannot be opened or migrated, or is damaged
    """
    environ = os.environ if environ is None else environ
    notifier = Notifier(environ)
    lock = DaemonLock(settings.sqlite_path) if settings.sqlite_path else None
    with signals.words(_WORDS) as words:
        if lock:
            lock.acquire()
        orderly = lock is None or not lock.unclean
        try:
            notifier.extend_timeout(_MIGRATION_TIME)
            check_after(settings, unclean=not orderly)
            settings, keep_alive = within_limit(settings)
            with Application.open(settings) as application:
                orderly, application.keep_alive = False, keep_alive
                daemon = _Daemon(application, notifier, config_path, environ)
                code = daemon.run(words)
            orderly = True
        finally:
            if lock:
                lock.release(clean=orderly)
    return code


class _Daemon:
    def __init__(
        self,
        application: Application,
        notifier: Notifier,
        config_path: Path | None,
        environ: Mapping[str, str],
    ) -> None:
        self._application = application
        self._notifier = notifier
        self._config_path = config_path
        self._environ = environ
        self._scheduler = Scheduler(clock_set=self._clock_set)
        self._room = Room(application.settings.sqlite_path, application.settings.storage.reserve)
        self._started_at = datetime.now(UTC)
        self._started = time.monotonic()
        self._ready = threading.Event()  # the first tick has ended
        self._refused: str | None = None  # why the last reload changed nothing
        self._relabelling: Relabelling | None = None  # until nothing is left to label again
        self._relabel_lock = threading.Lock()

    def run(self, words: Words) -> int:
        application = self._application
        self._give_back_dead_leases()
        application.synchronise()
        if application.settings.seeds.import_ and self._room.look() is None:
            imported = application.import_seeds()
            if imported is not None:
                failed = len(imported.failed)
                logger.info("imported the seed articles: {} new, {} failed", imported.new, failed)
        application.watch_folders()
        self._bring_back()
        application.poller.spread_overdue()
        page = self._page()
        self._turn(words)
        try:
            self._listen(words)
        finally:
            self._stop(page)
        return 0

    # -- start ---------------------------------------------------------------------------------------------

    def _give_back_dead_leases(self) -> None:
        for owner in source_store.lease_owners():
            if owner_is_dead(owner):
                count = source_store.release(owner)
                logger.info("took back {} sources that a process which has ended had in hand", count)

    def _page(self) -> WebServer | None:
        web = self._application.settings.web
        if not web.enabled:
            return None
        # Half a second of CPU that a daemon without a page need not spend.
        from service.judging import Judge  # noqa: PLC0415
        from service.web.app import create_app  # noqa: PLC0415
        from service.web.rules import ApiRules, need_password  # noqa: PLC0415
        from service.web.server import WebServer  # noqa: PLC0415

        need_password(web)
        app = create_app(
            self._application.database,
            allowed_hosts=(web.host, *web.allowed_hosts),
            started_at=self._started_at,
            health=self._health,
            metrics=self._standing,
            hubs=self._callback(),
            api=ApiRules.of(self._application.settings),
            password=web.password,
            judge=Judge(lambda: self._application.tagger),
        )
        server = WebServer(app, web.host, web.port)
        server.start()
        return server

    def _callback(self) -> HubCallback | None:
        """What answers hubs, where the settings say how they reach us."""
        hubs = self._application.hubs
        if hubs is None:
            return None
        from service.web.hubs import HubCallback  # noqa: PLC0415

        return HubCallback.of(hubs, self._application.clock)

    def _turn(self, words: Words) -> None:
        poller, settings = self._application.poller, self._application.settings

        def tick() -> None:
            if self._has_room():
                poller.tick()
            if not self._ready.is_set():
                self._ready.set()
                words.put("ready")

        self._scheduler.every(settings.schedule.tick.total_seconds(), TICK, tick)
        self._scheduler.every(_STATUS_EVERY, STATUS, self._report, first_in=_STATUS_EVERY)
        self._scheduler.every(_TIDY_EVERY, TIDY, self._tidy, first_in=60.0)
        self._scheduler.every(
            _LEARNED_EVERY, LEARNED, lambda: self._look_for_learned(words), first_in=_LEARNED_EVERY
        )
        schedule_retention(self._scheduler, self._application)
        if self._notifier.watchdog:
            self._scheduler.every(self._notifier.watchdog / 2, WATCHDOG, self._watch)
        if self._application.hubs is not None:
            if not settings.web.enabled:
                logger.warning("websub.callback_url is set, but this daemon serves no page that could answer")
            step = self._application.hubs.subscriber.step
            self._scheduler.every(_HUBS_EVERY, HUBS, lambda: self._room.lack or step(), first_in=_HUBS_EVERY)
        self._relabel()
        self._scheduler.start()

    def _has_room(self) -> bool:
        """Whether what is found can be stored; where not, hubs are asked to come again, too."""
        lack = self._room.look()
        if self._application.hubs is not None:
            self._application.hubs.inbox.held = lack is not None
        return lack is None

    def _clock_set(self, jump: float) -> None:
        """Somebody set the clock, by so many seconds: what was to be done then is done in its time."""
        logger.warning("the clock was set {} by {:.0f} s", "back" if jump < 0 else "forward", abs(jump))
        if jump < 0:
            try:
                self._bring_back()
            except StorageError as error:
                logger.error("due times that lie in the future could not be brought back: {}", error)

    def _bring_back(self) -> None:
        if count := source_store.bring_back(self._application.clock()):
            logger.warning("{} sources were last looked at in the future: their due times come back", count)

    # -- jobs ----------------------------------------------------------------------------------------------

    def _report(self) -> None:
        self._notifier.status(self._status())

    def _tidy(self) -> None:
        self._application.tidy()
        if self._room.lack:
            return  # forgetting takes room, too
        self._bring_back()
        before = self._application.clock() - self._application.settings.storage.keep_polls
        forgotten = 0
        while count := source_store.forget_polls(before):
            forgotten += count
        if forgotten:
            logger.info("forgot {} polls of before {:%Y-%m-%d}", forgotten, before)
        furniture.forget(self._application.clock() - _FURNITURE_KEPT)

    def _look_for_learned(self, words: Words) -> None:
        """``wirewatch train`` writes its files whole: what it wrote may be taken over without being told."""
        if self._application.learned_changed():
            words.put("learned")

    def _relabel(self) -> None:
        """Begin to label history again where other topics labelled it, if the settings say so."""
        with self._relabel_lock:
            self._scheduler.end(RELABEL)
            self._relabelling = None
            if self._application.settings.topics.relabel:
                self._relabelling = self._application.relabelling()
                self._scheduler.every(_RELABEL_EVERY, RELABEL, self._relabel_step)

    def _relabel_step(self) -> None:
        relabelling = self._relabelling
        if relabelling is None or self._room.lack or relabelling.step():
            return
        with self._relabel_lock:
            if self._relabelling is not relabelling:
                return  # a reload has begun anew in the meantime
            self._scheduler.end(RELABEL)
            self._relabelling = None
        done = relabelling.done
        if done.articles:
            logger.info("labelled {} articles again; {} carry other topics now", done.articles, done.changed)

    def _watch(self) -> None:
        """Ping, but only while ticks end and the database answers: else be killed and started anew."""
        stale = self._stale()
        if stale:
            logger.error("not telling the watchdog that all is well: {}", stale)
            return
        migrate.schema_version(self._application.database)
        self._notifier.ping()

    def _stale(self) -> str | None:
        """What is wrong with the scheduler, or None."""
        since = self._scheduler.since(TICK)
        since = time.monotonic() - self._started if since is None else since
        allowed = max(_STALE_TICK, 10 * self._application.settings.schedule.tick)
        return f"no tick has ended for {since:.0f} s" if since > allowed.total_seconds() else None

    # -- how it stands -------------------------------------------------------------------------------------

    def _status(self) -> str:
        try:
            status = catalog.status(self._application.clock())
        except StorageError as error:
            return f"the database does not answer: {error}"
        parts = [self._room.lack] if self._room.lack else []
        parts += [f"{status.articles:,} articles", f"{status.active} sources"]
        parts += [f"{status.failing} failing"] if status.failing else []
        parts += [f"{self._application.poller.in_hand()} looks in hand", f"{status.backlog} due"]
        parts += [f"the last reload was refused: {self._refused}"] if self._refused else []
        return ", ".join(parts)

    def _health(self) -> HealthReport:
        from service.web.health import HealthReport  # noqa: PLC0415 - asked for by the page only

        reasons = self._unready()
        details: dict[str, str | int | float | bool | None] = {}
        try:
            status = catalog.status(self._application.clock())
        except StorageError as error:
            reasons.append(f"the database does not answer: {error}")
        else:
            details = {
                "articles": status.articles,
                "sources": status.active,
                "failing": status.failing,
                "backlog": status.backlog,
                "schema": status.schema,
            }
        return HealthReport(ready=not reasons, reasons=tuple(reasons), details=details)

    def _unready(self) -> list[str]:
        """Why the daemon does not do its work, as far as it knows without asking the database."""
        reasons = [] if self._ready.is_set() else ["the first tick has not ended yet"]
        troubles = (self._room.lack, self._stale(), self._scheduler.trouble(TICK))
        return reasons + [trouble for trouble in troubles if trouble]

    def _standing(self) -> Standing:
        from service.web.metrics import Standing  # noqa: PLC0415 - asked for by the page only

        application = self._application
        return Standing(
            ready=not self._unready(),
            last_tick=self._scheduler.last(TICK),
            jobs=self._scheduler.jobs(),
            in_hand=application.poller.in_hand(),
            writer_queue=application.writer.depth(),
            workers_queue=application.workers.depth(),
            stall=application.network.loop.stall(),
            deliveries=application.hubs.inbox.depth() if application.hubs else 0,
            counted=application.tally.counted(),
        )

    # -- words from outside --------------------------------------------------------------------------------

    def _listen(self, words: Words) -> None:
        while True:
            match words.get():
                case "stop":
                    return
                case "ready":
                    self._notifier.ready(self._status())
                    logger.info("ready: {}", self._status())
                case "reload":
                    self._reload()
                case "learned":
                    self._take_over_learned()
                case "dump":
                    self._dump()

    def _reload(self) -> None:
        """Take over what the settings and the topics file say now; what is wrong leaves all as it was."""
        self._notifier.reloading()
        try:
            settings = load_settings(self._config_path, self._environ, Path.cwd())
            self._application.reload(settings)
        except (WirewatchError, StorageError) as error:
            logger.error("not reloaded, the daemon goes on as before: {}", error)
            self._refused = str(error)
        else:
            self._refused = None
            configure(settings.log.level, settings.log.json, None, self._environ)
            self._relabel()
            logger.info("reloaded: {}", self._status())
        self._notifier.ready(self._status())

    def _take_over_learned(self) -> None:
        try:
            changed = self._application.reload_topics()
        except (WirewatchError, StorageError) as error:
            logger.error("what was learned is not taken over, the topics stay as they were: {}", error)
        else:
            if changed:
                self._relabel()

    def _dump(self) -> None:
        """Everything there is to know of a daemon that seems stuck, into the log."""
        logger.info("state: {}; last tick {}", self._status(), self._scheduler.last(TICK))
        names = {thread.ident: thread.name for thread in threading.enumerate()}
        for ident, frame in sys._current_frames().items():
            logger.info("thread {}:\n{}", names.get(ident, ident), "".join(traceback.format_stack(frame)))

    # -- stop ----------------------------------------------------------------------------------------------

    def _stop(self, page: WebServer | None) -> None:
        deadline = self._application.settings.schedule.stop_deadline.total_seconds()
        self._notifier.stopping(deadline + _STOP_MARGIN)
        logger.info("stopping: {} looks in hand", self._application.poller.in_hand())
        if not self._scheduler.stop(deadline * 0.3):
            logger.warning("a job did not end in time; what it had not yet stored is done at the next start")
        left = self._application.poller.stop(deadline * 0.4)
        if left:
            logger.warning("{} looks did not end in time; they are begun again at the next start", left)
        hubs = self._application.hubs
        if hubs is not None and hubs.stop(deadline * 0.1):
            logger.warning("some deliveries of hubs were not read; what they bring is found by polling")
        if page:
            page.stop(deadline * 0.15)
        try:
            released = source_store.release(self._application.owner)
        except StorageError as error:
            logger.warning("stopped; the leases could not be given back and run out by themselves: {}", error)
        else:
            logger.info("stopped; {} leases given back", released)
