"""A folder, or files given by hand, through the same stages as a feed (`service.intake`).

The scan opens only what changed; files go to the worker processes a few at a time, and what came back is
stored in batches, each with the records of its files: killed at any point, a file is either stored and
remembered, or neither.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from models import articles as article_store
from models.records import FileRecord, SourceRecord, SourceUpdate
from models.records import PollRecord as Poll
from service import looks
from service.cadence import Cadence, Outcome, ScheduleKind, next_poll
from service.fetch.folder import scan
from service.fetch.folder_again import scan_again
from service.fetch.folder_files import Containers, Observer, Patterns
from service.fetch.folder_thread import Scan, ScanThread
from service.intake_pass import FolderPass, FolderRules, Means, Problem, Taken
from service.keeping import keep
from service.parse.container_kinds import is_container
from service.tagging import Tagger
from service.targets import patterns
from service.values import Failed, Reason
from service.workers import Workers
from service.writer import Writer

__all__ = ["FolderIntake", "FolderRules", "Problem", "Taken"]

if TYPE_CHECKING:
    from service.fetch.watching import Watcher

# Looking for a folder that is missing, or hangs, asks nothing of anybody else's server.
_LONGEST_WAIT = timedelta(minutes=5)
_AWAY = "no file is there, and none is known to be deleted: is a file system not mounted?"
_SHARE = 9  # a folder is left alone nine times as long as walking through it takes


class FolderIntake:
    """Takes folders and files through all the stages; one object serves the whole process."""

    def __init__(
        self,
        *,
        workers: Workers,
        writer: Writer,
        tagger: Callable[[], Tagger],
        cadence: Cadence,
        rules: FolderRules,
        clock: Callable[[], datetime],
        owner: str,
    ) -> None:
        self._writer = writer
        self._tagger = tagger
        self._cadence = cadence
        self.rules = rules
        self._clock = clock
        self._owner = owner
        self._stopping = threading.Event()
        self._means = Means(workers, writer, tagger, clock, self._stopping)
        self._hanging: dict[int, ScanThread] = {}
        self.watcher: Watcher | None = None  # where the daemon watches folders

    def stop(self) -> None:
        """Let passes end after the batch that they have in hand."""
        self._stopping.set()

    def poll(self, source: SourceRecord, *, force: bool = False) -> Poll:
        """Scan a claimed folder once, store what changed, and give the poll as it was recorded.

        A scan that met nothing new is none for the log, which would have one every half minute; only its time
        is kept.

        :raises models.errors.StorageError: the database could not take it; what was stored before stays
        """
        started = self._clock()
        known = {} if force else article_store.files(source.id)
        rules = replace(
            self.rules,
            include=patterns(source, "include") or self.rules.include,
            exclude=patterns(source, "exclude") or self.rules.exclude,
        )
        taken = self.take(
            source, Path(source.location), known, rules=rules, observer=self._arming(source, rules)
        )
        ended = self._clock()
        if self.watcher is not None:
            self.watcher.rest(source.id, taken.walking)
        if taken.failed is not None:
            update = self._after_failure(source, taken.failed, started, ended)
        else:
            update = self._after_success(source, taken, ended)
        # Where files are known and none is there, a mount is away: that is said each time.
        away = _nothing_there(taken) and any(one.vanished_at is None for one in known.values())
        poll = _record(source, taken, started, ended, away=away)
        quiet = taken.quiet and not away and source.failures == 0 and source.last_success_at is not None
        if quiet:
            update = replace(update, looked_at=started)
        kept, tagger = None if quiet else poll, self._tagger()
        self._writer.submit(
            lambda: keep(source.id, (), tagger=tagger, now=ended, update=lambda _: update, poll=kept)
        ).result()
        looks.log(source, poll, quiet=quiet)
        return poll

    def take(
        self,
        source: SourceRecord,
        root: Path,
        known: Mapping[str, FileRecord],
        *,
        rules: FolderRules,
        progress: Callable[[int], None] | None = None,
        observer: Observer | None = None,
    ) -> Taken:
        """Read what changed below ``root`` and store it under ``source``, batch by batch.

        ``progress`` is told of each file that was done with, by how many at once; ``observer`` of the scan's
        way, in the scan's thread.
        """
        return self._pass(
            source,
            lambda way: scan(
                root,
                known,
                include=rules.include,
                exclude=rules.exclude,
                now=self._clock(),
                still_for=rules.still_for,
                max_bytes=rules.max_bytes,
                max_files=rules.max_files,
                observer=way,
                containers=Containers(is_container, rules.max_container_bytes),
            ),
            rules,
            progress,
            observer,
        )

    def take_again(
        self,
        source: SourceRecord,
        paths: Sequence[str],
        known: Mapping[str, FileRecord],
        *,
        rules: FolderRules,
        progress: Callable[[int], None] | None = None,
    ) -> Taken:
        """As `take`, but only these files, and whatever is remembered of them."""
        return self._pass(
            source,
            lambda way: scan_again(
                paths,
                known,
                root=source.location,
                now=self._clock(),
                max_bytes=rules.max_bytes,
                containers=Containers(is_container, rules.max_container_bytes),
                observer=way,
            ),
            rules,
            progress,
            None,
        )

    def _pass(
        self,
        source: SourceRecord,
        scanning: Scan,
        rules: FolderRules,
        progress: Callable[[int], None] | None,
        observer: Observer | None,
    ) -> Taken:
        before = self._hanging.pop(source.id, None)
        if before is not None and before.hangs:
            self._hanging[source.id] = before
            why = "the file system still leaves an earlier scan without an answer"
            return Taken(failed=Failed(source.location, Reason.TIMEOUT, why))
        seen = ScanThread(
            source.location,
            scanning,
            patience=rules.timeout,
            stopping=self._stopping.is_set,
            observer=observer,
        )
        try:
            return FolderPass(self._means, source, rules, progress or (lambda _: None)).run(seen)
        finally:
            seen.close()
            if seen.hangs:
                self._hanging[source.id] = seen

    def _arming(self, source: SourceRecord, rules: FolderRules) -> Observer | None:
        """What has the scan's folders watched; nothing where a person chose the minute of each scan."""
        if self.watcher is None or looks.schedule_of(source).kind is ScheduleKind.CRON:
            return None
        counts = Patterns(rules.include, rules.exclude).counts
        return self.watcher.arm(source.id, source.location, counts)

    def _after_failure(
        self, source: SourceRecord, failed: Failed, started: datetime, ended: datetime
    ) -> SourceUpdate:
        update = looks.after_failure(
            source, failed, started_at=started, ended_at=ended, cadence=self._cadence, owner=self._owner
        )
        if update.next_poll_at is None:
            return update
        return replace(update, next_poll_at=min(update.next_poll_at, ended + _LONGEST_WAIT))

    def _after_success(self, source: SourceRecord, taken: Taken, now: datetime) -> SourceUpdate:
        following = next_poll(
            looks.schedule_of(source),
            now,
            outcome=Outcome.NEW if taken.kept.new else Outcome.SAME,
            last_new_at=now if taken.kept.new else source.last_new_at,
            interval=source.interval,
            cadence=self._cadence,
            seed=looks.seed(source, now),
        )
        rest = timedelta(seconds=max(0.1, _SHARE * taken.walking))
        at = max(following.at, now + rest)
        if taken.more or self._stopping.is_set():
            at = now
        elif taken.settling:
            at = min(at, now + max(self.rules.still_for, rest))
        return SourceUpdate(source.id, at, interval=following.interval, lease_owner=self._owner)


def _nothing_there(taken: Taken) -> bool:
    """Whether a scan met no file, and none was told to be gone."""
    return not (
        taken.failed or taken.unchanged or taken.files or taken.vanished or taken.settling or taken.problems
    )


def _record(source: SourceRecord, taken: Taken, started: datetime, ended: datetime, *, away: bool) -> Poll:
    """A pass as the log of polls keeps it."""
    failed = taken.failed
    told = _AWAY if away else _told(taken)
    record = looks.record(
        source,
        failed.reason if failed else "ok",
        started_at=started,
        ended_at=ended,
        detail=failed.detail if failed else told,
        size=taken.size,
        problems=len(taken.problems),
    )
    return replace(
        record,
        seen=taken.files + taken.unchanged,
        new=taken.kept.new,
        changed=taken.kept.changed,
        duplicates=taken.kept.duplicates,
    )


def _told(taken: Taken) -> str | None:
    """What a person should know of a pass that went well."""
    parts = [f"{path}: {reason}: {detail}" for path, reason, detail in taken.problems[:5]]
    if taken.vanished:
        parts.append(f"{taken.vanished} files are gone; their articles stay")
    return "; ".join(parts) or None
