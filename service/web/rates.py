"""How many requests each client may still make: the generic cell rate algorithm, one number a client.

A client may make as many at once as in a minute, and gets them back one by one. Pure: the time is an
argument.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from dataclasses import dataclass

WINDOW = 60.0  # seconds
MAX_CLIENTS = 10_000  # that are remembered; beyond them the one not seen for longest is forgotten


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a client has left. ``retry_after`` (seconds) says that this request was one too many."""

    limit: int
    remaining: int
    reset: int  # seconds until all of it is back
    retry_after: int | None = None

    @property
    def headers(self) -> dict[str, str]:
        """For the answer: draft-ietf-httpapi-ratelimit-headers-10, and RFC 9110 section 10.2.3."""
        headers = {
            "RateLimit-Policy": f'"default";q={self.limit};w={WINDOW:.0f}',
            "RateLimit": f'"default";r={self.remaining};t={self.reset}',
        }
        return headers if self.retry_after is None else headers | {"Retry-After": str(self.retry_after)}


class Rates:
    """Counts requests by client; several threads may ask."""

    def __init__(self, limit: int) -> None:
        """``limit``: requests a minute."""
        self._limit = limit
        self._each = WINDOW / limit
        self._full_at = OrderedDict[str, float]()  # when a client has all of its allowance again
        self._lock = threading.Lock()

    def take(self, client: str, now: float) -> Allowance:
        """Count a request at a time (seconds of a clock that only goes forward)."""
        with self._lock:
            full_at = max(now, self._full_at.get(client, now))
            debt = full_at - now
            if debt > WINDOW - self._each + 1e-9:
                wait = math.ceil(debt - (WINDOW - self._each))
                return Allowance(self._limit, 0, math.ceil(debt), max(1, wait))
            self._full_at[client] = full_at + self._each
            self._full_at.move_to_end(client)
            while len(self._full_at) > MAX_CLIENTS:
                self._full_at.popitem(last=False)
        debt += self._each
        return Allowance(self._limit, int((WINDOW - debt) / self._each + 1e-9), math.ceil(debt))
