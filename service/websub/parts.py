"""WebSub in one process: the subscriber, the inbox and what reads it, put together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic

from service.clean.full_text import FullText
from service.full_text import Pages
from service.intake_push import PushIntake
from service.outgoing import Network
from service.tagging import Tagger
from service.tally import Tally
from service.websub.inbox import Bounds, Inbox
from service.websub.subscriber import Callback, Subscriber
from service.workers import Workers
from service.writer import Writer

PATH = "websub/"
_LEAST_ROOM = 64_000_000  # bytes


@dataclass(frozen=True, slots=True)
class HubRules:
    """What the settings say of hubs."""

    address: str  # under which they reach the page
    lease: timedelta
    max_bytes: int  # of a delivery, as it is sent and once unpacked
    floor: timedelta  # the shortest time between two looks
    at_once: int  # deliveries read at a time
    full_text: FullText  # of sources that say nothing else


class Hubs:
    """What asks hubs and what takes in their deliveries."""

    def __init__(
        self,
        rules: HubRules,
        *,
        network: Network,
        workers: Workers,
        writer: Writer,
        tagger: Callable[[], Tagger],
        clock: Callable[[], datetime],
        tally: Tally,
    ) -> None:
        self.rules = rules
        self.subscriber = Subscriber(
            fetcher=network.fetcher,
            politeness=network.politeness,
            loop=network.loop,
            writer=writer,
            callback=Callback(rules.address.rstrip("/") + "/" + PATH, rules.lease),
            clock=clock,
        )
        pages = Pages(
            fetcher=network.fetcher,
            politeness=network.politeness,
            workers=workers,
            clock=clock,
            mode=rules.full_text,
        )
        intake = PushIntake(
            workers=workers,
            writer=writer,
            tagger=tagger,
            pages=pages,
            clock=clock,
            max_bytes=rules.max_bytes,
            floor=rules.floor,
            tally=tally,
        )
        size = max(_LEAST_ROOM, 4 * rules.max_bytes)
        self.inbox = Inbox(intake.take, loop=network.loop, bounds=Bounds(size=size, at_once=rules.at_once))

    def stop(self, deadline: float) -> int:
        """Begin nothing more; gives how many requests and deliveries were left after so many seconds."""
        until = monotonic() + deadline
        left = self.inbox.stop(deadline)
        return left + self.subscriber.stop(max(0.0, until - monotonic()))
