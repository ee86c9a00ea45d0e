"""The settings of what takes care of the data: backups, and what is kept for how long."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from service.settings_field import setting
from service.settings_kinds import Boolean, Duration, FilePath, Integer, Maybe, Text, Texts


@dataclass(frozen=True, kw_only=True)
class Backup:
    """Backups, as 'wirewatch backup' makes them."""

    folder: Path | None = setting(
        Maybe(FilePath()),
        None,
        "where backups go; unset: $BACKUPS_DIRECTORY (as the units have it), else beside the database, "
        "ending in .backups",
        example="/var/backups/wirewatch",
    )
    keep_daily: int = setting(Integer(0, 1000), 7, "of how many days the newest backup is kept")
    keep_weekly: int = setting(Integer(0, 1000), 4, "of how many weeks the newest backup is kept")
    keep_monthly: int = setting(Integer(0, 1000), 6, "of how many months the newest backup is kept")
    before_migration: bool = setting(
        Boolean(), True, "whether a backup is made before an upgrade changes the database's schema"
    )


@dataclass(frozen=True, kw_only=True)
class Retention:
    """What is deleted by itself; nothing, unless one of these says so. What has a verdict always stays."""

    max_age: timedelta | None = setting(
        Maybe(Duration("1d", "36500d")),
        None,
        "for how long articles are kept, from when they were first seen; unset: for ever",
        example="730d",
    )
    max_articles: int | None = setting(
        Maybe(Integer(1, 1_000_000_000)),
        None,
        "how many articles are kept, the last seen ones; unset: any number",
        example=1_000_000,
    )
    keep_topics: tuple[str, ...] = setting(
        Texts("topics", Text()), (), "articles that carry one of these topics are always kept"
    )
