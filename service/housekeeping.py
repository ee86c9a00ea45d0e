"""What the daemon does for its data by itself, beside polling: deleting what need not be kept."""

from __future__ import annotations

from loguru import logger

from service.application import Application
from service.care import begin_pruning
from service.retention import Pruning
from service.scheduler import Scheduler

RETENTION, PRUNE = "retention", "prune"
_EVERY = 3600.0  # seconds
_STEP = 1.0  # one batch each time


def schedule_retention(scheduler: Scheduler, application: Application) -> None:
    """Have articles deleted that the settings no longer want, each hour and in small steps.

    Each step goes through the application's one writer. The settings of the time count, also after a reload.
    """

    def begin() -> None:
        pruning = begin_pruning(application.settings, application.clock())
        if pruning is not None:
            scheduler.every(_STEP, PRUNE, lambda: step(pruning))

    def step(pruning: Pruning) -> None:
        if application.writer.submit(lambda: pruning.step(application.clock())).result():
            return
        scheduler.end(PRUNE)
        if pruning.done.deleted:
            logger.info("deleted {} articles by the rules of retention", pruning.done.deleted)

    scheduler.every(_EVERY, RETENTION, begin, first_in=5.0)
