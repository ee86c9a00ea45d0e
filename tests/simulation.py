"""The real program in simulated time, polling the feeds of `tests.world`; and what came of it.

Nothing waits: the clock jumps to where something happens. A turn at a host, its gap and the time that an
answer takes pass in simulated time; connections, parsing and the database are real.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import threading
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Protocol

from models import sources
from models.database import Database
from models.records import SourceSpec
from service.application import Application
from service.fetch.politeness import Allowance, Politeness, Turn, _Domain
from service.outgoing import Network
from service.writer import Writer
from tests.polling import START, Clock, settings_for
from tests.server import Server
from tests.world import DAY, Feed, World

GAP, PARALLEL = 1.0, 2  # what a host bears: seconds between two requests, and so many at a time
_PATIENCE = 1800.0  # real seconds without progress that mean a fault, and not a busy machine
_ANSWERS = (0.1, 0.2, 0.3, 0.5, 0.8, 1.5, 4.0)  # seconds that an answer takes, one after the other


class Sleeper:
    """Sleeping in simulated time, from inside the event loop of the program."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._counter = itertools.count()
        self._heap: list[tuple[datetime, int, asyncio.Future[None]]] = []
        self.changed = threading.Condition(self._lock)
        self.idle = 0  # looks that sleep, or wait for a place at a host

    async def sleep(self, seconds: float) -> None:
        """Until the time has come."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        with self.changed:
            until = self._clock() + timedelta(seconds=seconds)
            heapq.heappush(self._heap, (until, next(self._counter), future))
        self.rest(1)
        await future

    def rest(self, more: int) -> None:
        """So many more looks do nothing until time passes or somebody hands them a place."""
        with self.changed:
            self.idle += more
            self.changed.notify_all()

    def next(self) -> datetime | None:
        """When the first one wakes."""
        with self._lock:
            return self._heap[0][0] if self._heap else None

    def wake(self, now: datetime) -> None:
        """Wake those whose time has come."""
        with self._lock:
            while self._heap and self._heap[0][0] <= now:
                future = heapq.heappop(self._heap)[2]
                self.idle -= 1
                future.get_loop().call_soon_threadsafe(_settle, future)


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


class Watched(Politeness):
    """The politeness of the program, with answers that take their time, and somebody who counts."""

    def __init__(self, usual: Politeness, world: World, sleeper: Sleeper) -> None:
        super().__init__(usual.allowance(""), clock=lambda: world.now, sleep=sleeper.sleep)
        self._sleeper = sleeper
        self._takes = itertools.cycle(_ANSWERS)
        self._there: Counter[str] = Counter()
        self.most_at_a_time: Counter[str] = Counter()

    @asynccontextmanager
    async def turn(self, domain: str) -> AsyncIterator[Turn]:
        """As the program's; the turn is held while the simulated answer is on its way."""
        async with super().turn(domain) as turn:
            yield turn
            await self._sleeper.sleep(next(self._takes))

    async def _enter(self, state: _Domain, allowance: Allowance) -> None:
        if state.running >= allowance.parallel or state.waiting:
            self._sleeper.rest(1)
        await super()._enter(state, allowance)

    def _hand_over(self, state: _Domain) -> None:
        before = state.running
        super()._hand_over(state)
        if state.running == before:
            self._sleeper.rest(-1)

    async def _take(self, domain: str) -> None:
        await super()._take(domain)
        self._there[domain] += 1
        self.most_at_a_time[domain] = max(self.most_at_a_time[domain], self._there[domain])

    def _leave(self, domain: str) -> None:
        self._there[domain] -= 1
        super()._leave(domain)


class Prompt(Writer):
    """The writer of the program, that waits for nobody: what is announced may sleep in simulated time."""

    @contextmanager
    def announced(self) -> Iterator[None]:
        """As the program's, and nothing is waited for."""
        yield


class Simulated(Application):
    """The program, its pauses in simulated time."""

    world: World
    sleeper: Sleeper

    @cached_property
    def writer(self) -> Writer:
        """As the program's, but prompt."""
        writer = Prompt(self.database)
        self._closing.callback(writer.close)
        return writer

    @cached_property
    def network(self) -> Network:
        """As the program's, but that time passes as the simulation has it."""
        usual = super().network
        return replace(usual, politeness=Watched(usual.politeness, self.world, self.sleeper))


class Simulation:
    """The program and the world, in steps."""

    def __init__(self, database: Database, folder: Path, world: World, *, tick: float = 5.0) -> None:
        self.database = database
        self.world = world
        self.clock = world.clock
        self.tick = timedelta(seconds=tick)
        self.sleeper = Sleeper(self.clock)
        self.settings = settings_for(
            folder,
            {
                "WIREWATCH_HTTP_GAP": f"{GAP:g}s",
                "WIREWATCH_HTTP_PER_HOST": str(PARALLEL),
                # Deadlines are in real time, which a busy machine has little of.
                "WIREWATCH_HTTP_TIMEOUT": "1h",
                "WIREWATCH_HTTP_READ_TIMEOUT": "10m",
                "WIREWATCH_SCHEDULE_PARSE_DEADLINE": "1h",
            },
        )
        self.most_at_a_time: int = 0

    def add(self, server: Server) -> None:
        """Add every feed, all at once, as an import does."""
        specs = [(SourceSpec(server.url(one.path, host=one.host)), one.host) for one in self.world.feeds]
        sources.add_all(specs, now=self.clock())

    @contextmanager
    def running(self) -> Iterator[Simulated]:
        """The program from its start to its stop; what is overdue is spread, as the daemon does."""
        application = Simulated(self.settings, self.database, clock=self.clock)
        application.world, application.sleeper = self.world, self.sleeper
        application.publish_topics()
        try:
            application.poller.spread_overdue()
            yield application
        finally:
            self._finish(application)
            watched = application.network.politeness
            assert isinstance(watched, Watched)
            self.most_at_a_time = max(self.most_at_a_time, *watched.most_at_a_time.values(), 0)
            application.close()

    def until(self, application: Simulated, seconds: float) -> None:
        """Let time pass up to so many seconds from `START`."""
        end = START + timedelta(seconds=seconds)
        while self.clock.now < end:
            for future in application.poller.begin_due().values():
                future.add_done_callback(self._changed)
            self._quiet(application)
            tick = min(end, self._following(application))
            while (wake := self.sleeper.next()) is not None and wake <= tick:
                self._pass_to(application, wake)
            self._pass_to(application, tick)

    def _pass_to(self, application: Simulated, moment: datetime) -> None:
        self.clock.now = max(self.clock.now, moment)
        self.sleeper.wake(self.clock.now)
        self._quiet(application)

    def _finish(self, application: Simulated) -> None:
        """Let what is in hand end."""
        while application.poller.in_hand():
            self._pass_to(application, self.sleeper.next() or self.clock.now)

    def _following(self, application: Simulated) -> datetime:
        """The next tick: at once while looks are in hand, else when the first source is due."""
        now = self.clock.now
        if application.poller.in_hand():
            return now + self.tick
        with self.database.session():
            due = self.database.value(
                "SELECT min(next_poll_at) FROM source WHERE state = 'active' AND next_poll_at IS NOT NULL"
            )
        if due is None:
            return now + timedelta(days=1)
        moment = START + timedelta(microseconds=due - int(START.timestamp() * 1_000_000))
        return max(now + self.tick, moment)

    def _changed(self, _: object) -> None:
        with self.sleeper.changed:
            self.sleeper.changed.notify_all()

    def _quiet(self, application: Simulated) -> None:
        """Wait, in real time, until every look has ended or sleeps."""
        with self.sleeper.changed:
            settled = self.sleeper.changed.wait_for(
                lambda: application.poller.in_hand() <= self.sleeper.idle, timeout=_PATIENCE
            )
        assert settled, (application.poller.in_hand(), self.sleeper.idle)


# -- what came of it -----------------------------------------------------------------------------------


@dataclass
class Outcome:
    """What is stored and what is not, and how the hosts were treated."""

    published: int = 0
    stored: int = 0
    waiting: int = 0  # not stored yet, but still shown
    never_shown: int = 0  # by a server that answered
    missed: list[Missed] = field(default_factory=list)
    twice: int = 0
    edits: int = 0  # of items that were shown for a day before and after it
    edits_missed: int = 0
    smallest_gap: float = float("inf")
    most_at_a_time: int = 0
    too_soon: int = 0  # requests in spite of a Retry-After


@dataclass(frozen=True)
class Missed:
    """An item that a server showed, and that is not stored."""

    feed: int
    item: int
    shown: float  # seconds for which a server that answered showed it


class Observed(Protocol):
    """Whoever polled a world into a database."""

    world: World
    database: Database
    most_at_a_time: int


def outcome(simulation: Observed) -> Outcome:
    """Compare the world with the database."""
    world, database = simulation.world, simulation.database
    found = Outcome(too_soon=world.too_soon, most_at_a_time=simulation.most_at_a_time)
    with database.session():
        kept: dict[int, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        for location, guid, revisions in database.rows(
            "SELECT s.location, a.guid, a.revisions FROM article a JOIN source s ON s.id = a.source_id "
            "WHERE s.kind = 'feed'"
        ):
            kept[_number(location)][guid].append(revisions)
    for feed in world.feeds:
        _compare(found, feed, kept[feed.number], world.now)
    by_host: dict[str, list[float]] = defaultdict(list)
    for one in world.asked:
        by_host[one.host].append(one.at)
    gaps = (later - earlier for times in by_host.values() for earlier, later in itertools.pairwise(times))
    found.smallest_gap = min(gaps, default=float("inf"))
    return found


def _number(location: str) -> int:
    return int(location.rsplit("/", 1)[1])


def _compare(found: Outcome, feed: Feed, kept: dict[str, list[int]], now: float) -> None:
    shown_now = feed.shown(now)
    for index in range(len(feed.published)):
        if feed.published[index] > now:
            break
        found.published += 1
        revisions = kept.get(feed.guid(index), [])
        found.stored += len(revisions) > 0
        found.twice += len(revisions) > 1
        edited = feed.edits.get(index)
        if (
            edited is not None
            and min(edited - feed.published[index], _shown_for(feed, index, now, edited)) > DAY
        ):
            found.edits += 1
            found.edits_missed += revisions == [0]
        if revisions:
            continue
        shown = _shown_for(feed, index, now)
        if shown <= 0:
            found.never_shown += 1
        elif index in shown_now:
            found.waiting += 1
        else:
            found.missed.append(Missed(feed.number, index, shown))


def _shown_for(feed: Feed, index: int, now: float, since: float = 0.0) -> float:
    """Seconds for which a server that answered showed an item."""
    begin = max(since, feed.published[index])
    last = index + feed.window
    end = min(now, feed.published[last]) if last < len(feed.published) else now
    end = min(end, feed.gone if feed.gone is not None else end)
    dark = sum(max(0.0, min(end, one.end) - max(begin, one.begin)) for one in feed.troubles)
    return max(0.0, end - begin - dark)
