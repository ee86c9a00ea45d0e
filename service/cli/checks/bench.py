"""What a check is, what it works with, and what it gives."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from models.database import Database
from models.errors import StorageError
from service.errors import WirewatchError
from service.settings import Settings


class Level(StrEnum):
    """How much a finding matters."""

    OK = "ok"
    NOTE = "note"  # worth knowing; nothing need be done
    TODO = "to do"  # a person has to do something


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found. ``mend`` says what to do; ``about`` names a few of those that are meant."""

    level: Level
    text: str
    mend: str | None = None
    about: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Bench:
    """What checks work with.

    :param database: open, with the schema of this program; None where it cannot be used
    :param trouble: why it cannot be used
    """

    now: datetime
    settings: Settings
    database: Database | None = None
    trouble: StorageError | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """One function, by name."""

    name: str
    look: Callable[[Bench], Iterable[Finding]]
    needs_database: bool = False
    slow: bool = False  # reads much: left out where one is in a hurry


def examine(bench: Bench, checks: Sequence[Check], *, quick: bool = False) -> Iterator[tuple[str, Finding]]:
    """What the checks find, in order. One that cannot be carried out is a finding, too, and ends no other."""
    for check in checks:
        if check.needs_database and bench.database is None:
            continue  # said once, by the check of the database
        if quick and check.slow:
            yield check.name, Finding(Level.NOTE, "left out (--quick)")
            continue
        try:
            found = list(check.look(bench))
        except (StorageError, WirewatchError, OSError) as error:
            found = [Finding(Level.TODO, f"could not be looked at: {error}")]
        yield from ((check.name, one) for one in found)
