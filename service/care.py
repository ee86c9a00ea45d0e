"""Care of the data put together from settings: where backups go, what is in them, how many are kept."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from models import migrate
from models.database import Database
from models.errors import StorageError
from service.backup import Besides, Made, Progress, back_up
from service.backup_rotation import Keep
from service.errors import BackupError
from service.restore import Places
from service.settings import Settings


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
    except (BackupError, StorageError) as error:
        raise BackupError(
            f"the database's schema has to change, and the backup that is made before could not be: {error}. "
            "Mend that, or run 'wirewatch migrate --no-backup' if there is another way back"
        ) from error
