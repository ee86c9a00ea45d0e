"""A field of a section of the settings: its kind, default and meaning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any, TypeVar

from service.settings_kinds import Kind

T = TypeVar("T")
NOTHING: Mapping[str, Any] = {}


def setting(kind: Kind[T], default: T, meaning: str, *, secret: bool = False, example: object = None) -> T:
    """A field of a section. Secrets are masked wherever settings are shown, and may come from a file.

    ``example`` is a value as it would be written, for those that are unset by default.
    """
    metadata = {"kind": kind, "meaning": meaning, "secret": secret, "example": example}
    if default is NOTHING:
        return field(default_factory=dict, repr=not secret, metadata=metadata)  # type: ignore[return-value]
    return field(default=default, repr=not secret, metadata=metadata)
