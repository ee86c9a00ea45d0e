"""Hubs: whether they reach us, and those that do not deliver."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from models import websub
from models.websub import Subscription, SubscriptionState
from service.cli.checks.bench import Bench, Finding, Level
from service.cli.output import count
from service.masking import mask

_PATIENCE = timedelta(hours=2)  # for a first hub to call back
_NAMED = 5


def hubs(bench: Bench) -> Iterator[Finding]:
    """Whether hubs reach the page, and which of them do not deliver."""
    address = bench.settings.websub.callback_url
    found = websub.subscriptions()
    if address is None:
        said = "hubs are not asked: websub.callback_url is not set"
        left = sum(one.state is SubscriptionState.ACTIVE for one in found)
        yield (
            Finding(Level.NOTE, f"{said}, but {count(left, 'subscription')} still stands")
            if left
            else (Finding(Level.OK, said))
        )
        return
    running = sum(one.runs(bench.now) for one in found)
    if _unreached(found, bench):
        yield Finding(
            Level.TODO,
            f"hubs were asked, but none has called back at {address}",
            "have the proxy in front of the page pass /websub/ on to it, and look whether the address can be "
            "reached from outside",
        )
    else:
        yield Finding(Level.OK, f"{count(running, 'feed')} of {len(found):,} with a hub are delivered by it")
    troubled = websub.troubled(bench.now)
    if troubled:
        yield Finding(
            Level.NOTE,
            f"{count(len(troubled), 'hub subscription')} in trouble; their feeds are polled as usual",
            "'wirewatch sources show' tells more of a source",
            tuple(f"source {one.source_id}, {mask(one.hub)}: {mask(why)}" for one, why in troubled[:_NAMED]),
        )


def _unreached(found: Sequence[Subscription], bench: Bench) -> bool:
    """Whether the hubs that took requests have all failed to call back, for long enough."""
    taken = [one for one in found if one.state is SubscriptionState.ASKED]
    late = any(bench.now - one.created_at > _PATIENCE for one in taken)
    return late and all(one.verified_at is None for one in found)
