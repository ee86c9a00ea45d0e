"""A world of feeds: they publish, edit, fail, move, refuse and die, at times that are settled beforehand.

Hosts are addresses of 127.0.0.0/8, so each is a domain of its own, and one server answers for all.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from random import Random
from typing import Any

from tests.polling import START, Clock
from tests.server import Reply, Request, Server

HOUR, DAY = 3600.0, 86_400.0


@dataclass(frozen=True)
class Trouble:
    """What a feed's server answers instead, for a while (seconds from `START`)."""

    kind: str  # "503", "404", "429", "429 date", "page", "empty", "cut"
    begin: float
    end: float


@dataclass
class Feed:
    """A feed: when it publishes, how much it shows, how its server speaks, and what befalls it."""

    number: int
    host: str
    published: list[float]  # seconds from `START`, ascending; those before it are history
    window: int
    validators: str = "both"  # "etag", "none", "lies": for ever 304
    edits: dict[int, float] = field(default_factory=dict)  # item → when its title changes
    troubles: tuple[Trouble, ...] = ()
    moves: tuple[float, str, float] | None = None  # when, to which host, and when the old address dies
    detour: str | None = None  # a host that it always redirects to, for the time being (302)
    gone: float | None = None
    start: datetime = START  # what all its times count from

    @property
    def path(self) -> str:
        """Its path, on whichever host."""
        return f"/feeds/{self.number}"

    def shown(self, now: float) -> range:
        """The items that it shows at a time."""
        end = bisect.bisect_right(self.published, now)
        return range(max(0, end - self.window), end)

    def trouble(self, now: float) -> Trouble | None:
        """What is wrong with it at a time."""
        return next((one for one in self.troubles if one.begin <= now < one.end), None)

    def answers(self, now: float) -> bool:
        """Whether whoever asks at the right address gets the document."""
        return self.trouble(now) is None and (self.gone is None or now < self.gone)

    def body(self, now: float) -> bytes:
        """The document."""
        items = "".join(self._item(index, now) for index in reversed(self.shown(now)))
        return (
            f'<rss version="2.0"><channel><title>Feed {self.number}</title>{items}</channel></rss>'.encode()
        )

    def version(self, now: float) -> str:
        """What changes exactly when the document does."""
        edited = sum(1 for moment in self.edits.values() if moment <= now)
        return f"{self.number}-{bisect.bisect_right(self.published, now)}-{edited}"

    def _item(self, index: int, now: float) -> str:
        moment = self.start + timedelta(seconds=self.published[index])
        edited = " (corrected)" if self.edits.get(index, now + 1) <= now else ""
        return (
            f"<item><guid>{self.guid(index)}</guid><title>News {index} of feed {self.number}{edited}</title>"
            f"<link>http://{self.host}/{self.number}/{index}</link><pubDate>{format_datetime(moment)}</pubDate>"
            f"<description>Item {index} says what feed {self.number} has to say of an embargo.</description>"
            "</item>"
        )

    def guid(self, index: int) -> str:
        """An item's id."""
        return f"urn:{self.number}:{index}"


@dataclass(frozen=True)
class Asked:
    """A request that came to the server."""

    at: float
    host: str
    number: int
    status: int


class World:
    """All feeds, and the server that answers for them."""

    def __init__(self, feeds: list[Feed], clock: Clock, *, start: datetime = START) -> None:
        self.feeds = feeds
        self.clock = clock
        self.start = start
        self.asked: list[Asked] = []
        self.refused_until: dict[str, float] = {}
        self.too_soon = 0  # requests in spite of a Retry-After

    @property
    def now(self) -> float:
        """Seconds from the start."""
        return (self.clock() - self.start).total_seconds()

    def serve(self, server: Server) -> None:
        """Route every feed."""
        for one in self.feeds:
            server.route(one.path, self._route(one))

    def _route(self, feed: Feed) -> Any:
        def answer(request: Request) -> Reply:
            now = self.now
            host, _, port = request.headers["host"].partition(":")
            reply = self._reply(feed, host, port, now)
            self.asked.append(Asked(now, host, feed.number, reply.status))
            return reply

        return answer

    def _reply(self, feed: Feed, host: str, port: str, now: float) -> Reply:
        date = ("Date", format_datetime(self.clock(), usegmt=True))
        if feed.moves and now >= feed.moves[0] and host == feed.host:
            if now >= feed.moves[2]:
                return Reply(404, headers=[date])
            return Reply(301, headers=[("Location", f"http://{feed.moves[1]}:{port}{feed.path}"), date])
        if feed.detour and host == feed.host:
            return Reply(302, headers=[("Location", f"http://{feed.detour}:{port}{feed.path}"), date])
        if feed.gone is not None and now >= feed.gone:
            return Reply(410, headers=[date])
        trouble = feed.trouble(now)
        if trouble is not None:
            return self._troubled(trouble, feed, now)
        tag = "fixed" if feed.validators == "lies" else feed.version(now)
        return Reply(
            body=feed.body(now),
            etag=f'"{tag}"' if feed.validators != "none" else None,
            last_modified=format_datetime(self.start, usegmt=True) if feed.validators == "lies" else None,
            headers=[date],
        )

    def _troubled(self, trouble: Trouble, feed: Feed, now: float) -> Reply:
        date = ("Date", format_datetime(self.clock(), usegmt=True))
        match trouble.kind:
            case "429" | "429 date":
                key = feed.path
                if now < self.refused_until.get(key, now):
                    self.too_soon += 1
                wait = min(2 * HOUR, max(60.0, trouble.end - now))
                self.refused_until[key] = now + wait
                until = format_datetime(self.clock() + timedelta(seconds=wait), usegmt=True)
                value = until if trouble.kind == "429 date" else str(int(wait))
                return Reply(429, headers=[("Retry-After", value), date])
            case "page":
                return Reply(
                    body=b"<!doctype html><html><body>Log in</body></html>", content_type="text/html"
                )
            case "empty":
                return Reply(body=b"", headers=[date])
            case "cut":
                return Reply(body=feed.body(now), cut=40, claim=10_000, headers=[date])
        return Reply(int(trouble.kind), headers=[date])


# -- making a world ------------------------------------------------------------------------------------


def make_world(count: int, days: float, clock: Clock, *, seed: int = 1) -> World:
    """Feeds of every kind, in proportions like those of real lists."""
    random = Random(seed)
    hosts = [f"127.0.{n // 200 + 1}.{n % 200 + 1}" for n in range(max(3, count // 4))]
    return World([_feed(number, random, hosts, days) for number in range(count)], clock)


def _feed(number: int, random: Random, hosts: list[str], days: float) -> Feed:
    # A few hosts have many feeds, as the world's do.
    host = hosts[min(int(random.expovariate(6 / len(hosts))), len(hosts) - 1)]
    rate = random.choice((0.1, 0.3, 0.5, 1, 1, 2, 2, 4, 8, 24))  # items a day
    window = random.choice((10, 15, 20, 25, 40))
    feed = Feed(number, host, _published(random, rate, window, days), window)
    feed.validators = random.choice(("both", "both", "etag", "etag", "none", "lies" if rate < 5 else "both"))
    for index in range(len(feed.published)):
        if random.random() < 0.03:
            feed.edits[index] = feed.published[index] + random.expovariate(1 / (4 * HOUR))
    troubles = []
    for kind, chance, longest in (
        ("503", 0.3, 1.5), ("404", 0.05, 1), ("429", 0.1, 0.5), ("429 date", 0.05, 0.3), ("page", 0.05, 1),
        ("empty", 0.05, 0.5), ("cut", 0.1, 0.3),
    ):  # fmt: skip
        if random.random() < chance:
            begin = random.uniform(0.1, 0.9) * days * DAY
            troubles.append(Trouble(kind, begin, begin + random.uniform(0.02, longest) * DAY))
    feed.troubles = tuple(troubles)
    fate = random.random()
    if fate < 0.03:
        moved = random.uniform(0.2, 0.5) * days * DAY
        feed.moves = (moved, random.choice(hosts), moved + 0.4 * days * DAY)
        feed.moves = feed.moves if feed.moves[1] != host else None
    elif fate < 0.06:
        feed.detour = hosts[0] if host != hosts[0] else None
    elif fate < 0.08:
        feed.gone = random.uniform(0.3, 0.9) * days * DAY
    return feed


def _published(random: Random, rate: float, window: int, days: float) -> list[float]:
    """A history that fills the window, then so many a day: steadily, in batches, or with a long holiday."""
    moments = sorted(-random.uniform(0, 1.3 * window / rate * DAY) for _ in range(window))
    habit = random.random()
    if habit < 0.1:
        return moments + list(_batches(random, rate, window, days))
    holiday = (0.3 * days * DAY, 0.6 * days * DAY) if habit < 0.15 else (0.0, 0.0)
    now = 0.0
    while (now := now + random.expovariate(rate * 1.6 / DAY)) < days * DAY:
        by_day = 6 <= (now / HOUR) % 24 < 22
        if random.random() < (0.9 if by_day else 0.25) and not holiday[0] <= now < holiday[1]:
            moments.append(now)
    return moments


def _batches(random: Random, rate: float, window: int, days: float) -> Iterator[float]:
    """Half a window at once, as newsletters and registers do."""
    size = max(1, window // 2)
    now = 0.0
    while (now := now + random.expovariate(rate / size / DAY)) < days * DAY:
        yield from (now + 0.001 * index for index in range(size))
