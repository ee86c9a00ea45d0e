"""Which backups of a folder are kept: pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Kept:
    """A backup in the folder."""

    name: str
    taken_at: datetime
    migration: bool = False  # made before a migration


@dataclass(frozen=True, slots=True)
class Keep:
    """How many are kept: the newest of each of so many days, weeks and months that have one."""

    daily: int = 7
    weekly: int = 4
    monthly: int = 6
    newest: int | None = None  # only so many, whenever they were made


def expendable(found: Sequence[Kept], keep: Keep) -> list[Kept]:
    """Those that need not be kept, oldest first. Never the newest, or the newest made before a migration."""
    ordered = sorted(found, key=lambda one: (one.taken_at, one.name), reverse=True)
    wanted = {one.name for one in ordered[:1]} | {one.name for one in [x for x in ordered if x.migration][:1]}
    if keep.newest is not None:
        wanted |= {one.name for one in ordered[: keep.newest]}
    else:
        for number, period in ((keep.daily, _day), (keep.weekly, _week), (keep.monthly, _month)):
            wanted |= {one.name for one in _newest_of_each(ordered, period)[:number]}
    return [one for one in reversed(ordered) if one.name not in wanted]


def _newest_of_each(ordered: Sequence[Kept], period: Callable[[datetime], tuple[int, ...]]) -> list[Kept]:
    newest: dict[tuple[int, ...], Kept] = {}
    for one in ordered:
        newest.setdefault(period(one.taken_at), one)
    return list(newest.values())


def _day(moment: datetime) -> tuple[int, ...]:
    return (moment.year, moment.month, moment.day)


def _week(moment: datetime) -> tuple[int, ...]:
    return tuple(moment.isocalendar()[:2])


def _month(moment: datetime) -> tuple[int, ...]:
    return (moment.year, moment.month)
