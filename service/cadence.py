"""When to look again: pure, its clock an argument, its chance drawn from a seed.

A schedule is ``adaptive`` (the feed's own rhythm, between a floor and a ceiling), ``every 15m``, or a cron
expression of five fields. A failure backs off by its kind and never gives up. What servers and feeds wish
for only delays, and is capped: Retry-After whatever the schedule, the rest (``ttl``, max-age, ``skipHours``)
where nobody chose an interval.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from service.errors import UsageError
from service.rhythm import (
    DAY,
    DEFAULT,
    HOUR,
    UNITS,
    Cadence,
    Look,
    Outcome,
    Rhythm,
    after_failure,
    chance,
    rhythm,
    spell,
)
from service.values import Hints, Reason

__all__ = [
    "ADAPTIVE",
    "Cadence",
    "Move",
    "NextPoll",
    "Outcome",
    "Schedule",
    "ScheduleKind",
    "believe_move",
    "needs_full_fetch",
    "next_poll",
    "parse_schedule",
    "spell",
    "spread",
]


# -- schedules -----------------------------------------------------------------------------------------


class ScheduleKind(StrEnum):
    """The three ways to say when."""

    ADAPTIVE = "adaptive"
    EVERY = "every"
    CRON = "cron"


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule as it was read: ``seconds`` of EVERY, ``cron`` (five fields) and ``zone`` of CRON."""

    kind: ScheduleKind
    seconds: float = 0.0
    cron: str = ""
    zone: str = "UTC"

    def __str__(self) -> str:
        if self.kind is ScheduleKind.EVERY:
            return f"every {spell(self.seconds)}"
        if self.kind is ScheduleKind.CRON:
            return self.cron if self.zone == "UTC" else f"TZ={self.zone} {self.cron}"
        return "adaptive"


ADAPTIVE = Schedule(ScheduleKind.ADAPTIVE)
_MAX_TEXT = 200
_CRON_FIELDS = 5
_PART = re.compile(
    r"(\d{1,9}(?:\.\d{1,3})?)\s*"
    r"(?:(w)(?:eeks?)?|(d)(?:ays?)?|(h)(?:ours?|rs?)?|(m)(?:inutes?|ins?)?|(s)(?:econds?|ecs?)?)"
    r"(?![a-z])\s*",
    re.ASCII,
)
_NICKNAMES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
}
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun")  # cron counts from Sunday, 0 and 7
_FIXED_JITTER = 60.0  # seconds at most, where a person chose the interval
_CRON_JITTER = 30.0  # and where he chose the minute
_SKIP_JITTER = 300.0  # behind an hour that a feed wants to be left alone in
_HELP = 'write "adaptive", "every 15m", "every 2h" or five cron fields such as "*/20 6-22 * * mon-fri"'


def parse_schedule(text: str, *, zone: str = "UTC") -> Schedule:
    """Read a schedule as a person writes it.

    :param zone: IANA name of the zone that cron fields are meant in; ``TZ=Europe/Berlin`` before them wins
    :raises UsageError: it is none; the text says what was found and what can be written
    """
    words = text.strip().lower()
    if len(words) > _MAX_TEXT:
        raise UsageError(f"a schedule of {len(words)} characters: {_HELP}")
    if words == "adaptive":
        return ADAPTIVE
    if words.startswith("every"):
        return Schedule(ScheduleKind.EVERY, seconds=_duration(words.removeprefix("every").strip(), text))
    if words.startswith(("tz=", "cron_tz=")):
        head, _, words = words.partition(" ")
        zone = text.strip()[text.strip().index("=") + 1 : len(head)]
    words = " ".join(_NICKNAMES.get(words.strip(), words).split())
    if len(words.split()) != _CRON_FIELDS:
        raise UsageError(f"{text!r} is no schedule: {_HELP}")
    try:
        trigger = _trigger(words, zone)
    except (ValueError, KeyError, OSError) as error:  # ZoneInfo raises all three
        raise UsageError(f"{text!r} is no schedule: {error}; {_HELP}") from error
    # 2020 to 2028 holds every weekday on every date that there is.
    if trigger.get_next_fire_time(None, datetime(2020, 1, 1, tzinfo=UTC)) is None:
        raise UsageError(f"{text!r} is a date that never comes")
    return Schedule(ScheduleKind.CRON, cron=words, zone=zone)


def _duration(words: str, text: str) -> float:
    seconds, position = 0.0, 0
    words = words if words[:1].isdigit() else f"1{words}"  # "every hour"
    while position < len(words):
        part = _PART.match(words, position)
        if part is None:
            raise UsageError(f"{text!r} is no schedule: {words[position:]!r} is no duration; {_HELP}")
        seconds += float(part[1]) * UNITS[part[part.lastindex or 0]]
        position = part.end()
    if not 1 <= seconds <= 366 * DAY:
        raise UsageError(f"{text!r}: an interval is between 1 second and 366 days")
    return seconds


@lru_cache(maxsize=1024)
def _trigger(cron: str, zone: str) -> Any:
    """APScheduler's trigger for five cron fields, as cron means them.

    It numbers weekdays from Monday, and asks for day and weekday both where cron asks for either
    (POSIX crontab); so weekdays are handed over as names, and two restricted days as two triggers.
    """
    from apscheduler.triggers.combining import OrTrigger  # noqa: PLC0415 - few sources have a cron schedule
    from apscheduler.triggers.cron import CronTrigger  # noqa: PLC0415

    minute, hour, day, month, weekday = cron.split()
    weekdays = _weekdays(weekday)
    # An impossible date would be looked for until the year 9999.
    common = {"minute": minute, "hour": hour, "month": month, "timezone": ZoneInfo(zone), "year": "2020-2120"}
    if day.startswith("*") or weekday.startswith("*"):
        return CronTrigger(**common, day=day, day_of_week=weekdays)
    return OrTrigger([CronTrigger(**common, day=day), CronTrigger(**common, day_of_week=weekdays)])


def _weekdays(field: str) -> str:
    if field == "*":
        return field
    chosen: set[str] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, dash, last = span.partition("-")
        if span == "*":
            low, high = 0, 6
        else:
            low = _weekday(first)
            high = _weekday(last) if dash else (6 if step else low)
            high += 7 if high == 0 and low > 0 else 0  # "fri-sun"
        if low > high or (step and not (step.isdigit() and int(step) > 0)):
            raise ValueError(f"{part!r} is no range of weekdays")
        chosen.update(_WEEKDAYS[number] for number in range(low, high + 1, int(step or 1)))
    return ",".join(sorted(chosen))


def _weekday(name: str) -> int:
    if name.isdigit() and int(name) < len(_WEEKDAYS):
        return int(name)
    if name in _WEEKDAYS:
        return _WEEKDAYS.index(name)
    raise ValueError(f"{name!r} is no weekday")


# -- the next poll -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NextPoll:
    """When to look again, and why then.

    ``interval`` is what was learnt of the source's rhythm, to be kept for the next decision. Before
    ``not_before`` the server wants no visit, not even one by hand.
    """

    at: datetime
    interval: float | None
    why: str
    not_before: datetime | None = None


def next_poll(
    schedule: Schedule,
    now: datetime,
    *,
    outcome: Outcome,
    reason: Reason | None = None,
    failures: int = 0,
    history: Iterable[datetime] = (),
    last_new_at: datetime | None = None,
    interval: float | None = None,
    lasts: float | None = None,
    overflow: bool = False,
    pushed: bool = False,
    hints: Hints = Hints(),
    cadence: Cadence = DEFAULT,
    seed: str | int = 0,
) -> NextPoll:
    """When to look again after a look that ended at ``now`` (aware UTC).

    :param reason: of a failure
    :param failures: how many in a row, this one included
    :param history: publication times of the source's articles, in any order; none after a 304 will do
    :param last_new_at: when it last brought something new
    :param interval: what the last `NextPoll` learnt
    :param lasts: seconds that an article usually stays in what the source shows, where that is known
    :param overflow: every entry shown was new and it is not the first look, so some may have been missed
    :param pushed: a hub tells us of news
    :param seed: what the jitter is drawn from, such as the source's id with ``now``
    """
    look = Look(
        now, outcome, reason, failures, tuple(history), last_new_at, interval, overflow, pushed, hints, lasts
    )
    luck = chance(seed)
    found = rhythm(look, cadence)
    learnt: float | None = found.learnt
    if outcome is Outcome.FAILED:
        at, why = _after_failure(schedule, look, found.learnt, cadence, luck)
        learnt = interval
    elif schedule.kind is ScheduleKind.CRON:
        first, second = _fires(schedule, now)
        extra = min(cadence.jitter * (second - first).total_seconds(), _CRON_JITTER)
        at, why = first + timedelta(seconds=extra * luck), f"cron {schedule}"
    elif schedule.kind is ScheduleKind.EVERY:
        extra = min(cadence.jitter * schedule.seconds, _FIXED_JITTER)
        at, why = now + timedelta(seconds=schedule.seconds + extra * luck), str(schedule)
    else:
        at, why = _adaptive(look, found, cadence, luck)
    not_before = _not_before(look, cadence)
    if not_before is not None and not_before > at:
        extra = min(cadence.jitter * (not_before - now).total_seconds(), _FIXED_JITTER)
        at = not_before + timedelta(seconds=extra * luck)
        why = f"Retry-After {spell(hints.retry_after or 0)}"
    return NextPoll(at, learnt, why, not_before)


def _adaptive(look: Look, found: Rhythm, cadence: Cadence, luck: float) -> tuple[datetime, str]:
    wanted, why, hints = found.wanted, found.why, look.hints
    if look.pushed and cadence.pushed > wanted:
        wanted, why = cadence.pushed, "a hub pushes its news"
    # The jitter comes on top, and the ceiling holds with it.
    delay = min(max(wanted, cadence.floor), max(cadence.floor, cadence.ceiling / (1 + cadence.jitter)))
    wish = min(max(hints.ttl or 0, hints.max_age or 0), cadence.wish_cap)
    if wish > delay:
        delay, why = wish, "the feed's ttl" if (hints.ttl or 0) >= wish else "the server's max-age"
    at = look.now + timedelta(seconds=delay * (1 + cadence.jitter * luck))
    return _past_skipped(at, hints, cadence, luck, why)


def _past_skipped(
    at: datetime, hints: Hints, cadence: Cadence, luck: float, why: str
) -> tuple[datetime, str]:
    """The first hour that the feed does not ask to be skipped (RSS 2.0), if one comes soon enough."""
    moved, extra = at, min(cadence.jitter * HOUR, _SKIP_JITTER) * luck
    while moved.hour in hints.skip_hours or moved.weekday() in hints.skip_days:
        moved = moved.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1, seconds=extra)
        if (moved - at).total_seconds() > cadence.retry_cap:
            return at + timedelta(seconds=cadence.retry_cap), "skipHours and skipDays, capped"
    return moved, why if moved == at else "skipHours or skipDays of the feed"


def _after_failure(
    schedule: Schedule, look: Look, learnt: float, cadence: Cadence, luck: float
) -> tuple[datetime, str]:
    reason = look.reason or Reason.INTERNAL
    regular = learnt
    if schedule.kind is ScheduleKind.EVERY:
        regular = schedule.seconds
    elif schedule.kind is ScheduleKind.CRON:
        first, second = _fires(schedule, look.now)
        regular = (second - first).total_seconds()
    delay = after_failure(reason, look.failures, regular, cadence, look.lasts)
    times = "once" if look.failures <= 1 else f"{look.failures} times in a row"
    return look.now + timedelta(seconds=delay * (1 + cadence.jitter * luck)), f"back-off: {reason} {times}"


def _fires(schedule: Schedule, now: datetime) -> tuple[datetime, datetime]:
    """The next two times of a cron schedule, UTC."""
    trigger = _trigger(schedule.cron, schedule.zone)
    first = trigger.get_next_fire_time(None, now + timedelta(microseconds=1))
    second = trigger.get_next_fire_time(None, first + timedelta(seconds=1))
    return first.astimezone(UTC), second.astimezone(UTC)


def _not_before(look: Look, cadence: Cadence) -> datetime | None:
    if not look.hints.retry_after:
        return None
    return look.now + timedelta(seconds=min(look.hints.retry_after, cadence.retry_cap))


# -- restarts, full fetches, moves ---------------------------------------------------------------------


def spread(items: Iterable[tuple[int, str]], now: datetime, window: float) -> dict[int, datetime]:
    """Times for many overdue sources at once, as ``(id, host)``: evenly over ``window`` seconds from ``now``.

    The sources of one host lie as far apart as they can, and all together never bunch.
    """
    by_host: dict[str, list[int]] = {}
    for key, host in items:
        by_host.setdefault(host, []).append(key)
    places = []
    for host, keys in by_host.items():
        offset = chance(f"host {host}")
        places += [((index + offset) / len(keys), host, key) for index, key in enumerate(sorted(keys))]
    places.sort()
    step = window / max(len(places), 1)
    return {key: now + timedelta(seconds=index * step) for index, (_, _, key) in enumerate(places)}


def needs_full_fetch(
    full_fetch_at: datetime | None, now: datetime, *, interval: float = 0.0, cadence: Cadence = DEFAULT
) -> bool:
    """Whether this look has to ask for the whole body: servers lie, some say 304 for ever.

    :param interval: seconds to the next look; where that would come too late, this one is it
    """
    if full_fetch_at is None:
        return True
    return (now - full_fetch_at).total_seconds() + min(interval, cadence.full_fetch / 2) > cadence.full_fetch


@dataclass(frozen=True, slots=True)
class Move:
    """What is believed of a permanent redirect: nothing, so many times the same answer, or a new address."""

    to: str | None = None
    count: int = 0
    believed: bool = False


MOVE_ANSWERS = 3


def believe_move(
    location: str, permanent_url: str | None, *, moved_to: str | None, moved_count: int, is_feed: bool
) -> Move:
    """Count one more successful look, and say whether its permanent redirect is believed now.

    Three identical answers in a row that parse as a feed: a login page or a hotel's network never is one.
    `service.fetch.http` offers no move into another guard zone or from https down to http; this holds the
    latter again, because it needs nobody's word. A look that failed does not come here.

    :param moved_to: the address counted so far, ``moved_count`` times
    :param is_feed: the answer parsed as a feed, or was "not modified" to validators of one
    """
    downgrade = location.lower().startswith("https:") and not (permanent_url or "").lower().startswith(
        "https:"
    )
    if not is_feed or not permanent_url or permanent_url == location or downgrade:
        return Move()
    count = moved_count + 1 if permanent_url == moved_to else 1
    return Move(permanent_url, count, believed=count >= MOVE_ANSWERS)
