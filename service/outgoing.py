"""What everything shares that goes out of this process: where it may go, how much, how often."""

from __future__ import annotations

from dataclasses import dataclass

from service.event_loop import EventLoop
from service.fetch.guard import Guard
from service.fetch.http import Fetcher
from service.fetch.limits import Limits
from service.fetch.politeness import Allowance, Politeness
from service.settings_schema import Settings


@dataclass(frozen=True, slots=True)
class Network:
    """One event loop, and what works inside it."""

    loop: EventLoop
    fetcher: Fetcher
    politeness: Politeness

    @classmethod
    def of(cls, settings: Settings, *, keep_alive: bool = True) -> Network:
        """By the settings; to be closed. ``keep_alive``: connections are kept for the next request."""
        loop = EventLoop()
        fetcher = loop.submit(fetcher_of(settings, keep_alive=keep_alive)).result()
        return cls(loop, fetcher, politeness_of(settings))

    def forget_idle(self) -> int:
        """Drop what is known of hosts that nobody asks now; how many are left."""

        async def forget() -> int:  # inside the loop, whose own the turns are
            return self.politeness.forget_idle()

        return self.loop.submit(forget()).result()

    def close(self) -> None:
        """End every connection, then the loop."""
        self.loop.submit(self.fetcher.close()).result()
        self.loop.close()


def guard_of(settings: Settings) -> Guard:
    """Where outgoing connections may go by the settings."""
    http = settings.http
    allowed = http.allow_private_networks
    return Guard.of(
        allow=() if isinstance(allowed, bool) else allowed,
        ports=http.allowed_ports,
        allow_private=allowed is True,
    )


async def fetcher_of(settings: Settings, *, keep_alive: bool = True) -> Fetcher:
    """What fetches by the settings, made inside the loop that it works in; to be closed there."""
    http = settings.http
    return Fetcher(
        guard=guard_of(settings),
        limits=Limits(
            connect=http.connect_timeout.total_seconds(),
            read=http.read_timeout.total_seconds(),
            total=http.timeout.total_seconds(),
            wire_bytes=http.max_size,
            body_bytes=http.max_size,
        ),
        contact=http.contact,
        proxy=http.proxy,
        connections=settings.schedule.fetches,
        keep_alive=keep_alive,
    )


def politeness_of(settings: Settings) -> Politeness:
    """How often one registrable domain is asked by the settings."""
    http = settings.http
    default = Allowance(http.per_host, http.gap.total_seconds())
    overrides = {
        host: Allowance(
            limits.per_host or default.parallel,
            default.gap if limits.gap is None else limits.gap.total_seconds(),
        )
        for host, limits in http.hosts.items()
    }
    return Politeness(default, overrides=overrides)
