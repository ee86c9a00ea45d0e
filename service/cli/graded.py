"""Graded articles that a command is given: read, and cleaned as they would be stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from service.cli.output import progress

if TYPE_CHECKING:
    from service.tagging.gold import GoldRow


@dataclass(frozen=True, slots=True)
class Graded:
    """The rows of gold files, as they are written there and as their articles are tagged."""

    original: Sequence[GoldRow]
    rows: Sequence[GoldRow]


def read_graded(paths: Sequence[Path], now: datetime, *, measured: bool = True) -> Graded:
    """The rows of some gold files; not ``measured``, they teach only.

    :raises UsageError: one cannot be read; names the file and the line
    """
    from service.tagging.gold import cleaned, read_gold  # noqa: PLC0415

    original = [row for path in paths for row in read_gold(path)]
    rows = []
    with progress() as display:
        task = display.add_task("cleaning", total=len(original))
        for row in original:
            rows.append(replace(cleaned(row, at=now), measured=measured))
            display.advance(task)
    return Graded(original, rows)
