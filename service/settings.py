"""Settings: ``wirewatch.toml`` below ``WIREWATCH_*`` variables, checked, as one frozen value.

Only ``cli``, ``web``, ``daemon`` and ``application`` read them, and pass values down.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from service.errors import SettingsError
from service.settings_load import SYSTEM_FOLDER, load, source_from
from service.settings_schema import (
    Folders,
    HostLimits,
    Http,
    Log,
    Schedule,
    Seeds,
    Settings,
    SourceSettings,
    Storage,
    Topics,
)
from service.settings_schema_web import Api, Web

if TYPE_CHECKING:
    from models.records import SourceSpec

__all__ = [
    "Api",
    "Folders",
    "HostLimits",
    "Http",
    "Log",
    "Schedule",
    "Seeds",
    "Settings",
    "SettingsError",
    "SourceSettings",
    "Storage",
    "Topics",
    "Web",
    "load_settings",
    "source_from",
    "source_specs",
]


def load_settings(
    path: Path | None, environ: Mapping[str, str], cwd: Path, *, system: Path = SYSTEM_FOLDER
) -> Settings:
    """Settings from a file and variables; pure but for reading files.

    ``path`` is what ``--config`` names; without it the file is looked for (``WIREWATCH_CONFIG``, ``cwd``,
    ``system``), and none is needed. Every path in the result is absolute.

    :raises SettingsError: something is unknown or not allowed; one line for each, with file, key and mend
    """
    return load(path, environ, cwd, system=system)


def source_specs(settings: Settings) -> tuple[SourceSpec, ...]:
    """The declared sources as `models.records.SourceSpec`, in the order of the file."""
    from models.records import SourceKind, SourceSpec  # noqa: PLC0415 - importing models costs the most

    return tuple(
        SourceSpec(
            location=source.location,
            kind=SourceKind.FEED if source.url else SourceKind.FOLDER,
            title=source.title,
            group=source.group,
            schedule=source.schedule or settings.default_schedule(folder=source.url is None),
            options=source.options,
            declared=True,
        )
        for source in settings.sources
    )
