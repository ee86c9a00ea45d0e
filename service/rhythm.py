"""How often a source is worth a look: its own rhythm while it answers, a back-off by kind while it does not.

Pure arithmetic in seconds; `service.cadence` makes times of it.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import blake2b
from statistics import median

from service.values import Hints, Reason

HOUR = 3600.0
DAY = 24 * HOUR
UNITS = {"w": 7 * DAY, "d": DAY, "h": HOUR, "m": 60.0, "s": 1.0}


def spell(seconds: float) -> str:
    """A duration in a person's words: ``2h``, ``1h 30m``, ``45s``."""
    rest, words = round(seconds), []
    for unit in ("d", "h", "m", "s"):
        count, rest = divmod(rest, int(UNITS[unit]))
        if count:
            words.append(f"{count}{unit}")
    return " ".join(words[:2]) or "0s"


def chance(seed: str | int) -> float:
    """A number in [0, 1) that is the same for the same seed, in every process."""
    return (
        int.from_bytes(blake2b(str(seed).encode("utf-8", "replace"), digest_size=6).digest(), "big") / 2**48
    )


class Outcome(StrEnum):
    """How a look ended, as far as the cadence cares."""

    NEW = "new"  # at least one article that was not known
    SAME = "same"  # a body that holds nothing new, or the same body as last time
    NOT_MODIFIED = "not_modified"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Cadence:
    """The bounds, in seconds; ``jitter`` is a fraction."""

    floor: float = 15 * 60.0  # the shortest adaptive interval
    ceiling: float = (
        6 * HOUR
    )  # the longest, and the longest wait after a failure where the schedule is shorter
    start: float = HOUR  # of a source whose rhythm is not known yet
    jitter: float = 0.1
    wish_cap: float = 4 * HOUR  # of ttl and max-age: many feeds promise an hour's news for a day
    retry_cap: float = DAY  # of Retry-After, skipHours and skipDays
    pushed: float = 6 * HOUR  # the safety net under a hub that pushes (WebSub)
    full_fetch: float = DAY  # how often the whole body is asked for, whatever the validators say


DEFAULT = Cadence()


@dataclass(frozen=True, slots=True)
class Look:
    """A look that has ended, with what is known of its source, as `service.cadence.next_poll` has it."""

    now: datetime
    outcome: Outcome
    reason: Reason | None = None
    failures: int = 0
    history: tuple[datetime, ...] = ()
    last_new_at: datetime | None = None
    interval: float | None = None
    overflow: bool = False
    pushed: bool = False
    hints: Hints = Hints()
    lasts: float | None = None


@dataclass(frozen=True, slots=True)
class Rhythm:
    """The interval to remember, the one that applies now, and why."""

    learnt: float
    wanted: float
    why: str


@dataclass(frozen=True, slots=True)
class Backoff:
    first: float
    cap: float
    soon: bool = False  # may come before the next regular look: it will have passed by then


# By kind of failure, doubling from the first to the cap; every reason has its row.
_SOON = Backoff(5 * 60.0, 6 * HOUR, soon=True)
_BUSY = Backoff(10 * 60.0, 12 * HOUR)
_UNREADABLE = Backoff(30 * 60.0, 12 * HOUR)
_REFUSED = Backoff(HOUR, DAY)
_OURS = Backoff(60.0, HOUR, soon=True)
BACKOFF: dict[Reason, Backoff] = {
    **dict.fromkeys((Reason.DNS, Reason.CONNECT, Reason.TIMEOUT, Reason.BROKEN), _SOON),
    **dict.fromkeys((Reason.HTTP_5XX, Reason.EMPTY, Reason.TLS), _BUSY),
    **dict.fromkeys(
        (
            Reason.NOT_A_FEED,
            Reason.NOT_TEXT,
            Reason.MALFORMED,
            Reason.TOO_COMPLEX,
            Reason.TOO_LARGE,
            Reason.PARSE_TIMEOUT,
            Reason.PARSE_CRASH,
            Reason.UNSUPPORTED,
            Reason.SHORTENED,
        ),
        _UNREADABLE,
    ),
    **dict.fromkeys(
        (
            Reason.RATE_LIMITED,
            Reason.NOT_FOUND,
            Reason.HTTP_4XX,
            Reason.HTTP_OTHER,
            Reason.REDIRECT,
            Reason.BLOCKED,
            Reason.ROBOTS,
        ),
        _REFUSED,
    ),
    Reason.UNAUTHORIZED: Backoff(2 * HOUR, DAY),
    Reason.GONE: Backoff(DAY, DAY),
    **dict.fromkeys((Reason.STORAGE, Reason.INTERNAL, Reason.MISSING, Reason.UNREADABLE), _OURS),
}

# Whoever asks for fewer visits gets them, whatever is lost by it.
_REFUSALS = frozenset({Reason.RATE_LIMITED, Reason.UNAUTHORIZED, Reason.BLOCKED, Reason.GONE})
_LOOKS_A_LIFE = 16  # tries in the time that an article stays
_MAX_EVENTS = 30
_USUAL_EVENTS = 11
_SAME_EVENT = 300.0  # seconds: articles published in one go
_MEMORY = 90 * DAY
_PATIENCE = 8  # a silence is looked into every eighth of its length
_SLOWER, _FASTER = 1.25, 0.6


def rhythm(look: Look, cadence: Cadence) -> Rhythm:
    """Half the usual time between articles; a silence is looked into every eighth of its length."""
    events = _events(look.history, look.now)
    gaps = [(later - earlier).total_seconds() for earlier, later in itertools.pairwise(events)]
    if len(gaps) >= 2:  # noqa: PLR2004 - one gap is no rhythm
        typical = median(gaps)
        learnt, why = typical / 2, f"its own rhythm: an article every {spell(typical)}"
    elif look.interval is None:
        learnt, why = cadence.start, "its rhythm is not known yet"
    else:
        learnt = look.interval * (_FASTER if look.outcome is Outcome.NEW else 1)
        why = "what was learnt of its rhythm"
    if look.overflow:
        learnt = min(learnt, (look.interval or learnt) / 2)
        why = "all it showed was new: some may have been missed"
    if look.outcome in (Outcome.SAME, Outcome.NOT_MODIFIED):
        newest = max((time for time in (*events[-1:], look.last_new_at) if time), default=None)
        if newest is None:
            learnt *= _SLOWER
        else:
            silence = (look.now - newest).total_seconds()
            if silence / _PATIENCE > learnt:
                return Rhythm(_clamp(learnt, cadence), silence / _PATIENCE, f"silent for {spell(silence)}")
    learnt = _clamp(learnt, cadence)
    return Rhythm(learnt, learnt, why)


def usual_gap(history: Sequence[datetime], now: datetime) -> float | None:
    """Seconds between articles, as their dates have it however old they are; None where there are too few.

    What a silence is measured against: the rhythm above is clamped, and forgets what is older than a season.
    """
    events = _events(history, now, memory=None)[-_USUAL_EVENTS:]
    gaps = [(later - earlier).total_seconds() for earlier, later in itertools.pairwise(events)]
    return median(gaps) if len(gaps) >= 2 else None  # noqa: PLR2004 - one gap is no rhythm


def _events(history: Sequence[datetime], now: datetime, memory: float | None = _MEMORY) -> list[datetime]:
    """When something was published, oldest first: the last ones, those of one moment as one."""
    since = None if memory is None else now - timedelta(seconds=memory)
    recent = sorted(time for time in history if time <= now and (since is None or time >= since))
    events: list[datetime] = []
    for time in recent:
        if not events or (time - events[-1]).total_seconds() > _SAME_EVENT:
            events.append(time)
    return events[-_MAX_EVENTS:]


def _clamp(seconds: float, cadence: Cadence) -> float:
    return min(max(seconds, cadence.floor), cadence.ceiling)


def after_failure(
    reason: Reason, failures: int, regular: float, cadence: Cadence, lasts: float | None = None
) -> float:
    """Seconds until the next try: doubling from the kind's first wait to its cap, for ever.

    :param regular: the interval of the source in good days; most failures never make it come sooner
    :param lasts: how long an article usually stays in what the source shows. Where it does not refuse us, the
        waits stay well below: what it published while it was away is gone from it otherwise when we come
    """
    kind = BACKOFF[reason]
    first = min(kind.first, regular) if kind.soon else kind.first
    cap = min(kind.cap, max(cadence.ceiling, regular))
    if lasts is not None and reason not in _REFUSALS:
        cap = max(first, min(cap, max(2 * regular, lasts / _LOOKS_A_LIFE)))
    delay = min(cap, first * 2.0 ** min(max(failures - 1, 0), 30))
    return delay if kind.soon else max(delay, regular)
