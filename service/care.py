"""Care of the data put together from settings: where backups go, what is in them, how many are kept."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from loguru import logger

from models import migrate, upkeep
from models.database import Database, open_database
from models.errors import DatabaseDamaged, QueryTimeout, StorageError
from models.retention import Rule, unknown_topics
from service.backup import Besides, Made, Progress, back_up, list_backups
from service.backup_rotation import Keep
from service.errors import BackupError
from service.restore import Places
from service.retention import Pruning
from service.settings import Settings

_LONGEST_CHECK = 60.0  # seconds of a start after an unclean stop; some 10 GB


@dataclass(frozen=True, slots=True)
class BackupPlaces:
    """What `service.backup.back_up` is to be called with."""

    folder: Path
    besides: Besides
    keep: Keep

    def keeping(self, newest: int) -> Keep:
        """The rule that keeps so many, whenever they were made."""
        return replace(self.keep, newest=newest)


def backup_places(settings: Settings) -> BackupPlaces:
    """Where backups go, and what they hold."""
    assert settings.backup.folder is not None
    topics = settings.topics
    return BackupPlaces(
        settings.backup.folder,
        Besides(learned=topics.learned, topics=topics.file, weights=topics.weights),
        Keep(settings.backup.keep_daily, settings.backup.keep_weekly, settings.backup.keep_monthly),
    )


def restore_places(settings: Settings, into: str | None) -> Places:
    """Where a backup is put back: where the settings say, or a new database with all the rest beside it."""
    if into is None:
        assert settings.topics.learned is not None
        return Places(
            settings.database, settings.topics.learned, settings.topics.file, settings.topics.weights
        )
    if "://" in into and not into.startswith("sqlite://"):
        beside = Path("wirewatch.db").absolute()
        return Places(into, Path(f"{beside}.learned"), Path(f"{beside}.topics.toml"))
    path = Path(into.removeprefix("sqlite:///")).expanduser().absolute()
    return Places(
        str(path), Path(f"{path}.learned"), Path(f"{path}.topics.toml"), Path(f"{path}.weights.json")
    )


def retention_rule(settings: Settings, now: datetime) -> Rule:
    """What the settings say is to be deleted; nothing where they say nothing."""
    retention = settings.retention
    return Rule(
        before=None if retention.max_age is None else now - retention.max_age,
        most=retention.max_articles,
        keep_topics=retention.keep_topics,
    )


def begin_pruning(settings: Settings, now: datetime) -> Pruning | None:
    """What deletes by the settings; None where they want nothing deleted, or name an unknown topic."""
    rule = retention_rule(settings, now)
    if rule.before is None and rule.most is None:
        return None
    unknown = unknown_topics(rule.keep_topics)
    if unknown:
        logger.error(
            "nothing is deleted: retention.keep_topics names {}, and there is no such topic", unknown[0]
        )
        return None
    return Pruning(rule)


def check_after(settings: Settings, *, unclean: bool) -> None:
    """Look at the file of SQLite after a stop that was not orderly. PostgreSQL looks after itself.

    :raises DatabaseDamaged: it is broken, and nothing should be done with it but put a backup back
    """
    path = settings.sqlite_path
    if not unclean or path is None or not path.exists() or path.stat().st_size == 0:
        return
    try:
        database = open_database(path, busy_timeout=settings.storage.busy_timeout.total_seconds())
        try:
            _look_for_damage(path)
        finally:
            database.close()
    except DatabaseDamaged as error:
        raise DatabaseDamaged(f"{error}. {_way_back(settings)}") from error


def _look_for_damage(path: Path) -> None:
    """Read the file as far as that is done in time. Raises DatabaseDamaged."""
    try:
        broken = upkeep.damage(limit=3, patience=_LONGEST_CHECK)
    except QueryTimeout:
        logger.warning(
            "the last stop was not orderly, and {} is too large to be looked at within {:.0f} s: "
            "'wirewatch doctor' does it whole",
            path,
            _LONGEST_CHECK,
        )
        return
    if broken:
        raise DatabaseDamaged(f"{path} is damaged since the last stop, which was not orderly: {broken[0]}")
    logger.info("the last stop was not orderly; the database was looked at and is whole")


def _way_back(settings: Settings) -> str:
    """What to do about a damaged database."""
    places = backup_places(settings)
    try:
        whole = [one for one in list_backups(places.folder) if one.manifest is not None]
    except BackupError:
        whole = []
    if not whole:
        return (
            f"There is no backup in {places.folder}; much of it can still be read: "
            f"sqlite3 {settings.database} .recover"
        )
    return f"Put the last backup back (what is there is kept): wirewatch restore {whole[0].path}"


def prepare_migration(
    settings: Settings, database: Database, now: datetime, progress: Progress = lambda *_: None
) -> Made | None:
    """Make a backup where the schema is about to change, unless the settings want none.

    :raises BackupError: it cannot be made; the schema is not to be changed then
    """
    if not settings.backup.before_migration or not migrate.pending(database):
        return None
    if not migrate.schema_version(database):
        return None  # a new database: there is nothing in it
    places = backup_places(settings)
    try:
        return back_up(
            database,
            places.folder,
            besides=places.besides,
            keep=None,
            now=now,
            before_migration=True,
            progress=progress,
        )
    except DatabaseDamaged:
        raise
    except (BackupError, StorageError) as error:
        if not migrate.pending(database):
            return None  # another process has done both in the meantime
        raise BackupError(
            f"the database's schema has to change, and the backup that is made before could not be: {error}. "
            "Mend that, or run 'wirewatch migrate --no-backup' if there is another way back"
        ) from error
