"""APScheduler's wiring: the recurring jobs of the daemon, and what is said when one is missed or fails.

Single sources have no jobs of their own: their due times live in the database, and one tick claims what is
due. So the number of jobs stays the same with 100,000 sources.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from apscheduler.events import (
    EVENT_JOB_ERROR,
    EVENT_JOB_EXECUTED,
    EVENT_JOB_MAX_INSTANCES,
    EVENT_JOB_MISSED,
    JobExecutionEvent,
    JobSubmissionEvent,
)
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger
from loguru import logger

from models.errors import StorageError

# The default grace of one second drops late jobs in silence (measured: 1,482 of 2,000 lost).
_JOB_DEFAULTS = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
_JUMP = 1.0  # seconds between the clock and what has really passed: more is somebody who set it


class Scheduler:
    """Runs named jobs at fixed intervals, each in a thread, never two of one at a time."""

    def __init__(
        self,
        *,
        threads: int = 4,
        clock: Callable[[], float] = time.time,
        look_at_clock: float = 1.0,
        clock_set: Callable[[float], object] | None = None,
    ) -> None:
        """``clock`` is compared with the time that passes every ``look_at_clock`` seconds; ``clock_set`` is
        called with the seconds by which it was set forward (or, below 0, back)."""
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(max_workers=threads)},
            job_defaults=_JOB_DEFAULTS,
        )
        self._lock = threading.Lock()
        self._idle = threading.Condition(self._lock)
        self._running = 0  # jobs that are being carried out
        self._stopping = False
        self._last: dict[str, datetime] = {}
        self._ended: dict[str, float] = {}  # the same by the clock that nobody sets
        self._clock = clock
        self._clock_set = clock_set
        self._closing = threading.Event()
        self._watch = threading.Thread(
            target=self._watch_clock, args=(look_at_clock,), name="clock", daemon=True
        )
        self._trouble: dict[str, str] = {}  # the message of each job whose last run failed
        self._scheduler.add_listener(self._executed, EVENT_JOB_EXECUTED)
        self._scheduler.add_listener(self._failed, EVENT_JOB_ERROR)
        self._scheduler.add_listener(self._missed, EVENT_JOB_MISSED)
        self._scheduler.add_listener(self._overran, EVENT_JOB_MAX_INSTANCES)

    def every(self, seconds: float, name: str, work: Callable[[], object], *, first_in: float = 0.0) -> None:
        """Run ``work`` every so many seconds, for the first time ``first_in`` seconds from now."""
        self._scheduler.add_job(
            lambda: self._carry_out(work),
            IntervalTrigger(seconds=max(0.05, seconds), timezone=UTC),
            id=name,
            name=name,
            next_run_time=datetime.now(UTC) + timedelta(seconds=first_in),
            replace_existing=True,
        )

    def soon(self, name: str) -> None:
        """Run a job now instead of at its next time."""
        if self._scheduler.get_job(name) is not None:
            self._scheduler.modify_job(name, next_run_time=datetime.now(UTC))

    def end(self, name: str) -> None:
        """Run a job no more, until it is given to `every` again. A job may end itself."""
        with suppress(JobLookupError):
            self._scheduler.remove_job(name)

    def start(self) -> None:
        """Begin to run jobs."""
        self._scheduler.start()
        self._watch.start()

    @property
    def running(self) -> bool:
        """Whether further jobs are started."""
        return bool(self._scheduler.running)

    def stop(self, deadline: float) -> bool:
        """Start no further job, and wait up to ``deadline`` seconds for those that run; whether all ended.

        APScheduler's own waiting holds the lock that a job needs to end itself or another (3.11), so that
        the two would wait for each other for ever; and it knows no deadline.
        """
        with self._lock:
            self._stopping = True
        self._closing.set()
        if self.running:
            self._scheduler.shutdown(wait=False)
        with self._idle:
            return self._idle.wait_for(lambda: self._running == 0, timeout=deadline)

    def _carry_out(self, work: Callable[[], object]) -> None:
        with self._lock:
            if self._stopping:
                return  # it waited for a thread while the stop began
            self._running += 1
        try:
            work()
        finally:
            with self._idle:
                self._running -= 1
                self._idle.notify_all()

    def last(self, name: str) -> datetime | None:
        """When a job last ended well: the proof of progress that the watchdog is tied to."""
        with self._lock:
            return self._last.get(name)

    def since(self, name: str) -> float | None:
        """For how many seconds a job has not ended well, whatever the clock was set to; None: never yet."""
        with self._lock:
            ended = self._ended.get(name)
        return None if ended is None else time.monotonic() - ended

    def _watch_clock(self, every: float) -> None:
        """APScheduler waits until the clock shows a time: one that is put back a day would stop it for a day.

        Put forward, it does by itself what has become due, each job once.
        """
        ahead = self._clock() - time.monotonic()
        while not self._closing.wait(every):
            now = self._clock() - time.monotonic()
            jump, ahead = now - ahead, now
            if abs(jump) <= _JUMP:
                continue
            if jump < 0:
                self._shift(timedelta(seconds=jump))
            if self._clock_set is not None:
                self._clock_set(jump)

    def _shift(self, by: timedelta) -> None:
        for job in self._scheduler.get_jobs():
            with suppress(JobLookupError):  # it has ended itself
                if job.next_run_time is not None:
                    self._scheduler.modify_job(job.id, next_run_time=job.next_run_time + by)

    def trouble(self, name: str) -> str | None:
        """Why a job fails at present, or None."""
        with self._lock:
            return self._trouble.get(name)

    def jobs(self) -> dict[str, bool]:
        """The jobs there are, and whether the last run of each failed."""
        names = [str(job.id) for job in self._scheduler.get_jobs()]
        with self._lock:
            return {name: name in self._trouble for name in names}

    def _executed(self, event: JobExecutionEvent) -> None:
        with self._lock:
            self._last[event.job_id] = datetime.now(UTC)
            self._ended[event.job_id] = time.monotonic()
            recovered = self._trouble.pop(event.job_id, None)
        if recovered is not None:
            logger.info("job {} works again", event.job_id)

    def _failed(self, event: JobExecutionEvent) -> None:
        """Say once that a job fails, and why: a job that runs every second would flood the log."""
        told = str(event.exception)
        with self._lock:
            known = self._trouble.get(event.job_id)
            self._trouble[event.job_id] = told
        if told == known:
            logger.debug("job {} failed again: {}", event.job_id, told)
        elif isinstance(event.exception, StorageError):
            # Where in the program it was met says nothing; the message does.
            logger.error("job {} cannot go on: {}; it is tried again each time", event.job_id, told)
        else:
            logger.opt(exception=event.exception).error("job {} failed: {}", event.job_id, told)

    def _missed(self, event: JobExecutionEvent) -> None:
        logger.warning("job {} was missed at {}", event.job_id, event.scheduled_run_time)

    def _overran(self, event: JobSubmissionEvent) -> None:
        # A tick that waits for the database is no news every second; a job that hangs shows in `last`.
        logger.debug("job {} is still running, its next run is left out", event.job_id)
