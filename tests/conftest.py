"""What every test may ask for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of measured material beside the checkout; tests that need it skip where it is absent."""
    named = os.environ.get("WIREWATCH_SHARED")
    folder = Path(named) if named else Path(__file__).resolve().parents[2] / "shared"
    if not (folder / "feeds").is_dir():
        pytest.skip(f"needs the material folder {folder.name}/ beside the checkout (or WIREWATCH_SHARED)")
    return folder
