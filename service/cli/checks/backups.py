"""Backups and retention: whether there is a way back, and what is deleted by itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from models.figures import last_backup
from models.retention import unknown_topics
from service.cli.checks.bench import Bench, Finding, Level
from service.cli.output import ago, count
from service.settings_units import format_duration

_OLD = timedelta(days=2)


def backups(bench: Bench) -> Iterator[Finding]:
    """Whether the last backup is young enough."""
    last = last_backup()
    folder = bench.settings.backup.folder
    if last is None:
        yield Finding(
            Level.NOTE,
            "no backup of this database was made yet",
            "'wirewatch backup' makes one; have a timer or cron call it each night",
        )
    elif bench.now - last > _OLD:
        yield Finding(
            Level.TODO,
            f"the last backup was made {ago(last, bench.now)}",
            f"look at what should make it (systemctl status wirewatch-backup) and at the room in {folder}; "
            "'wirewatch backup' makes one now",
        )
    else:
        yield Finding(Level.OK, f"the last one was made {ago(last, bench.now)}; they go to {folder}")


def retention(bench: Bench) -> Iterator[Finding]:
    """What is deleted by itself, and whether its topics are there."""
    rule = bench.settings.retention
    unknown = unknown_topics(rule.keep_topics)
    if unknown:
        yield Finding(
            Level.TODO,
            f"retention.keep_topics names {unknown[0]!r}, and there is no such topic: nothing is deleted",
            "'wirewatch topics' lists those that there are",
        )
        return
    told = []
    if rule.max_age is not None:
        told.append(f"older than {format_duration(rule.max_age)}")
    if rule.max_articles is not None:
        told.append(f"beyond the last {count(rule.max_articles, 'article')}")
    if not told:
        yield Finding(Level.OK, "every article is kept")
        return
    besides = f", but for {', '.join(rule.keep_topics)}" if rule.keep_topics else ""
    yield Finding(Level.OK, f"deleted is what is {' or '.join(told)}{besides}, unless it has a verdict")
