"""Deletes what need not be kept, a batch at a time: in the background of the daemon, or by a command."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from models import retention
from models.retention import Rule

BATCH = 100  # articles of one transaction


@dataclass(slots=True)
class Pruned:
    """What a run came to."""

    deleted: int = 0
    kept: int = 0  # that a verdict, a watch or a topic keeps, though the rule would not
    last_id: int = 0


class Pruning:
    """One way through the articles, oldest first, as far as the rule reaches."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.done = Pruned()

    def step(self, now: datetime) -> bool:
        """Delete one batch; False when nothing is left.

        :raises models.errors.StorageError: the batches before are gone, a later run does the rest
        """
        batch = retention.prune(self.rule, now, after_id=self.done.last_id, limit=BATCH)
        self._count(batch)
        return not batch.ended

    def rehearse(self) -> None:
        """Count what would be deleted; nothing is."""
        ended = False
        while not ended:
            batch = retention.examine(
                self.rule, after_id=self.done.last_id, limit=10 * BATCH, deleted=self.done.deleted
            )
            self._count(batch)
            ended = batch.ended

    def run(self, now: Callable[[], datetime], *, pause: float, progress: Callable[[int], None]) -> None:
        """Delete until nothing is left, with ``pause`` seconds between two batches for other writers."""
        before = 0
        while self.step(now()):
            progress(self.done.deleted - before)
            before = self.done.deleted
            time.sleep(pause)
        progress(self.done.deleted - before)

    def _count(self, batch: retention.Batch) -> None:
        self.done.deleted += len(batch.expendable)
        self.done.kept += batch.kept
        self.done.last_id = batch.last_id
