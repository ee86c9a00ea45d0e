"""When to ask a hub again: before a lease ends, and after it failed or refused. Pure; seconds unless said."""

from __future__ import annotations

from datetime import datetime, timedelta

from service.rhythm import DAY, HOUR, chance
from service.values import Failed, Reason

SHORTEST = 300.0  # a hub that leases for less is not asked more often for it
LONGEST = 366 * DAY
AGAIN_AFTER_DENIAL = timedelta(days=7)
_MAX_DIGITS = 12
_PATIENCE = HOUR  # for the verification of a request that was taken
_SOON, _LATER = 300.0, HOUR  # the first pause after a failure that passes, and after one that does not
_LASTING = frozenset(
    {
        Reason.BLOCKED,
        Reason.REDIRECT,
        Reason.UNAUTHORIZED,
        Reason.NOT_FOUND,
        Reason.GONE,
        Reason.HTTP_4XX,
        Reason.HTTP_OTHER,
        Reason.RATE_LIMITED,
    }
)


def granted(text: str | None, wanted: timedelta) -> timedelta:
    """The lease that a hub states (``hub.lease_seconds``), bounded; what was wanted where it states none."""
    text = (text or "").strip()
    if not (text.isascii() and text.isdecimal()) or not int(text[:_MAX_DIGITS]):
        return wanted
    return timedelta(seconds=min(int(text[:_MAX_DIGITS]), LONGEST))


def renewal(now: datetime, lease: timedelta) -> datetime:
    """When to ask for a longer lease: in its last fifth, at most a day before its end."""
    seconds = lease.total_seconds()
    return now + timedelta(seconds=max(seconds - min(seconds / 5, DAY), SHORTEST))


def unverified(now: datetime, attempts: int) -> datetime:
    """When to ask again, should a hub that took a request not verify it."""
    return now + timedelta(seconds=min(_PATIENCE * 2.0 ** min(attempts - 1, 10), DAY))


def after_failure(now: datetime, failed: Failed, attempts: int, *, seed: str) -> datetime:
    """When to ask again after a request failed, ``attempts`` times in a row: later and later, within a day.

    A wish to come later still (Retry-After) is granted, up to a day as well.
    """
    first = _LATER if failed.reason in _LASTING else _SOON
    pause = first * 2.0 ** min(max(attempts, 1) - 1, 10) * (1 + 0.1 * chance(seed))
    return now + timedelta(seconds=min(max(pause, failed.hints.retry_after or 0), DAY))
