"""The first import: articles that show a fresh installation what it does, and a starter list of feeds."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path


def folder() -> Path:
    """The folder of the seed articles, as it was installed."""
    # hatchling installs plain files; a zipped package would need a copy first.
    return Path(str(files(__name__)))


def articles() -> list[Path]:
    """The seed articles, in the order of their names."""
    return sorted(folder().glob("*.txt"))


def starter() -> Path:
    """The starter list of feeds on sanctions, arms and diplomacy, as OPML; subscribed only when asked for."""
    return folder() / "starter.opml"
