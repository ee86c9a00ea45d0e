"""A subscription at a hub as it crosses the border of the database; `models.websub` gives it out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

_IN_VAIN = 3  # requests after which a person is told


class SubscriptionState(StrEnum):
    """Where a subscription stands."""

    WANTED = "wanted"  # to be asked for, or asked for in vain so far
    ASKED = "asked"  # the hub took the request, and is to verify it
    ACTIVE = "active"  # verified, until its lease ends
    DENIED = "denied"
    LEAVING = "leaving"  # the hub is to be told that it is over
    RESTING = "resting"  # given up as long as its source is not polled


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription; ``token`` is the secret part of its callback, ``secret`` what deliveries are signed
    with."""

    id: int
    source_id: int
    hub: str
    topic: str
    feed_url: str  # where the feed was when it named the hub: what its relative links are relative to
    token: str = field(repr=False)
    secret: str = field(repr=False)
    state: SubscriptionState
    pending: str | None  # the mode that was asked for and not yet verified
    callback: str | None  # the address, without the token, that the hub was told last
    created_at: datetime
    asked_at: datetime | None
    verified_at: datetime | None
    lease_until: datetime | None
    next_at: datetime | None  # when something is to be done about it
    attempts: int  # requests since it last went well
    last_error: str | None
    error_at: datetime | None
    deliveries: int
    articles: int  # new or changed ones that deliveries brought
    refused: int  # deliveries whose signature was missing or wrong
    unreadable: int
    delivered_at: datetime | None
    missed_at: datetime | None  # when a poll last found what no delivery had brought

    def runs(self, now: datetime) -> bool:
        """Whether the hub is bound to deliver now."""
        leased = self.lease_until is not None and self.lease_until > now
        return self.state is SubscriptionState.ACTIVE and leased

    def pushes(self, now: datetime) -> bool:
        """Whether the hub has shown that it delivers: only then may polls become rare."""
        proven = self.delivered_at is not None and (
            self.missed_at is None or self.missed_at < self.delivered_at
        )
        return self.runs(now) and proven

    def trouble(self, now: datetime) -> str | None:
        """What is wrong with it, for a person; None where nothing is, or where it passes by itself."""
        said = f": {self.last_error}" if self.last_error else ""
        match self.state:
            case SubscriptionState.DENIED:
                return f"the hub refuses it{said}"
            case SubscriptionState.WANTED | SubscriptionState.ASKED if self.attempts >= _IN_VAIN:
                return f"asked for {self.attempts} times in vain{said}"
            case SubscriptionState.ACTIVE if not self.runs(now):
                return f"its lease has ended and was not renewed{said}"
            case SubscriptionState.ACTIVE if self.refused and not self.deliveries:
                return f"none of its {self.refused} deliveries is signed as agreed"
        return None
