"""How a source's hub stands, in words for people and as JSON; neither tells a secret."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from service.cli.output import ago, count, moment
from service.masking import mask

if TYPE_CHECKING:
    from datetime import datetime

    from models.websub import Subscription


def hubs_of(source_ids: Sequence[int]) -> dict[int, Subscription]:
    """The subscriptions that are wanted for these sources."""
    from models.websub import SubscriptionState, subscriptions  # noqa: PLC0415 - not for --help

    found = subscriptions(source_ids)
    return {one.source_id: one for one in found if one.state is not SubscriptionState.LEAVING}


def hub_in_words(one: Subscription, now: datetime) -> str:
    """Its hub, and what came of it."""
    trouble = one.trouble(now)
    hub = mask(one.hub)
    if trouble:
        return f"{hub}: {mask(trouble)}"
    match str(one.state):
        case "active":
            brought = f"{count(one.deliveries, 'delivery', 'deliveries')}, {count(one.articles, 'article')}"
            refused = f", {one.refused:,} ignored" if one.refused else ""
            return f"{hub} delivers until {one.lease_until:%Y-%m-%d %H:%M}: {brought}{refused}"
        case "asked":
            return f"{hub} was asked {ago(one.asked_at, now)}, and has not called back yet"
        case "resting":
            return f"{hub} is asked again when the source is polled again"
    failed = f"; the last time {ago(one.asked_at, now)}: {mask(one.last_error)}" if one.last_error else ""
    return f"{hub} is to be asked{failed}"


def hub_json(one: Subscription | None, now: datetime) -> dict[str, Any] | None:
    """The same for programs."""
    if one is None:
        return None
    return {
        "hub": mask(one.hub),
        "topic": mask(one.topic),
        "state": str(one.state),
        "delivers": one.runs(now),
        "lease_until": moment(one.lease_until),
        "next_at": moment(one.next_at),
        "deliveries": one.deliveries,
        "articles": one.articles,
        "refused": one.refused,
        "unreadable": one.unreadable,
        "delivered_at": moment(one.delivered_at),
        "missed_at": moment(one.missed_at),
        "last_error": None if one.last_error is None else mask(one.last_error),
        "error_at": moment(one.error_at),
    }
