"""The recurring jobs: run again and again, never two of one, their trouble said once."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator

import pytest
from loguru import logger

from models.errors import DatabaseLocked
from service.scheduler import Scheduler

DAY = 86_400.0
SOON = 10.0  # seconds; only a broken scheduler takes so long


@pytest.fixture
def said() -> Iterator[queue.SimpleQueue[str]]:
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    sink = logger.add(lambda message: lines.put(str(message)), level="INFO", format="{level} {message}")
    yield lines
    logger.remove(sink)


@pytest.fixture
def scheduler() -> Iterator[Scheduler]:
    made = Scheduler()
    made.start()
    yield made
    assert made.stop(SOON)


def test_a_job_runs_again_and_again_and_its_progress_is_known(scheduler: Scheduler) -> None:
    runs = threading.Semaphore(0)
    assert scheduler.last("count") is None
    scheduler.every(0.05, "count", runs.release)
    assert all(runs.acquire(timeout=SOON) for _ in range(3))
    assert scheduler.last("count") is not None


def test_trouble_is_said_once_and_its_end_too(scheduler: Scheduler, said: queue.SimpleQueue[str]) -> None:
    runs, healthy = threading.Semaphore(0), threading.Event()

    def work() -> None:
        runs.release()
        if not healthy.is_set():
            raise DatabaseLocked("wirewatch.db is locked")

    scheduler.every(0.05, "work", work)
    assert all(runs.acquire(timeout=SOON) for _ in range(5))
    assert said.get(timeout=SOON).startswith("ERROR job work cannot go on: wirewatch.db is locked")
    assert scheduler.trouble("work") == "wirewatch.db is locked"
    assert scheduler.last("work") is None
    healthy.set()
    # Five failures gave one line: the next one is that it works again.
    assert said.get(timeout=SOON) == "INFO job work works again\n"
    assert scheduler.trouble("work") is None


def test_a_fault_of_ours_is_logged_with_its_traceback(
    scheduler: Scheduler, said: queue.SimpleQueue[str]
) -> None:
    def work() -> None:
        raise ZeroDivisionError("nobody foresaw this")

    scheduler.every(0.05, "work", work)
    line = said.get(timeout=SOON)
    assert line.startswith("ERROR job work failed: nobody foresaw this")
    assert "Traceback" in line


def test_never_two_of_one_job(scheduler: Scheduler) -> None:
    running, entered, leave = threading.Lock(), threading.Semaphore(0), threading.Event()
    overlapped = threading.Event()

    def work() -> None:
        if not running.acquire(blocking=False):
            overlapped.set()
            return
        entered.release()
        leave.wait(SOON)
        running.release()

    others = threading.Semaphore(0)
    scheduler.every(0.05, "slow", work)
    scheduler.every(0.05, "quick", others.release)
    assert entered.acquire(timeout=SOON)
    assert all(others.acquire(timeout=SOON) for _ in range(4))  # time in which the slow one was due again
    assert not overlapped.is_set()
    leave.set()


def test_a_job_that_has_ended_runs_no_more(scheduler: Scheduler) -> None:
    runs, others = threading.Semaphore(0), threading.Semaphore(0)
    scheduler.every(0.05, "once", runs.release)
    assert runs.acquire(timeout=SOON)
    scheduler.end("once")
    scheduler.every(0.05, "other", others.release)
    assert all(others.acquire(timeout=SOON) for _ in range(4))
    while runs.acquire(blocking=False):
        pass  # a run that was under way
    assert all(others.acquire(timeout=SOON) for _ in range(4))
    assert not runs.acquire(blocking=False)


def test_a_job_that_ends_itself_during_the_stop_does_not_hold_it_up() -> None:
    scheduler = Scheduler()
    begun, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        go_on.wait(SOON)
        scheduler.end("work")
        ended.set()

    scheduler.every(0.05, "work", work)
    scheduler.start()
    assert begun.wait(SOON)
    answers: queue.SimpleQueue[bool] = queue.SimpleQueue()
    threading.Thread(target=lambda: answers.put(scheduler.stop(SOON)), daemon=True).start()
    while scheduler.running:
        threading.Event().wait(0.001)
    go_on.set()
    assert ended.wait(SOON)
    assert answers.get(timeout=SOON)


def test_a_job_that_hangs_does_not_hold_up_the_stop_beyond_its_deadline() -> None:
    scheduler = Scheduler()
    begun, go_on = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        go_on.wait(SOON)

    scheduler.every(0.05, "work", work)
    scheduler.start()
    assert begun.wait(SOON)
    assert not scheduler.stop(0.05)
    go_on.set()
    assert scheduler.stop(SOON)


def test_a_clock_that_is_put_back_stops_nothing() -> None:
    """APScheduler waits until the clock shows a time: after a day back, a day for what was due at once."""
    ahead, jumps, runs = [0.0], queue.SimpleQueue[float](), threading.Semaphore(0)
    made = Scheduler(clock=lambda: time.time() + ahead[0], look_at_clock=0.05, clock_set=jumps.put)
    made.every(3600.0, "hourly", runs.release, first_in=DAY - 60.0)
    made.start()
    ahead[0] = DAY
    assert jumps.get(timeout=SOON) == pytest.approx(DAY, abs=5)
    assert not runs.acquire(blocking=False)  # forward, APScheduler itself sees what is due
    ahead[0] = 0.0
    assert jumps.get(timeout=SOON) == pytest.approx(-DAY, abs=5)
    assert runs.acquire(timeout=SOON)  # what was due in a day less a minute came a day sooner
    since = made.since("hourly")
    assert made.stop(SOON)
    assert since is None or since < SOON
