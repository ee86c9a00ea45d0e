"""Turns at a domain, with a clock that only moves when somebody sleeps on it."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections import defaultdict
from collections.abc import Iterable

import pytest

from service.fetch.http import Fetcher
from service.fetch.limits import Limits
from service.fetch.politeness import Allowance, Politeness
from service.values import FeedTarget, FetchResult
from tests.fetching import LOOPBACK, NOW, RSS, fetched
from tests.server import Reply, Server, redirect


class Clock:
    """Simulated seconds: the earliest sleeper wakes when nobody else has anything to do."""

    def __init__(self) -> None:
        self.now = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        future = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.now + seconds, next(self._order), future))
        await future

    async def run(self, tasks: Iterable[asyncio.Task[None]]) -> None:
        """Turn the clock until all tasks are done."""
        waiting = set(tasks)
        while waiting:
            for _ in range(5):  # whoever can go on does so before time passes
                await asyncio.sleep(0)
            waiting = {task for task in waiting if not task.done()}
            if waiting and self._sleepers:
                self.now, _, future = heapq.heappop(self._sleepers)
                if not future.done():
                    future.set_result(None)


def starts(
    politeness: Politeness, clock: Clock, domains: list[str], *, takes: float
) -> dict[str, list[tuple[float, float]]]:
    """When requests to these domains, all wanted at once, started and ended."""
    spans: dict[str, list[tuple[float, float]]] = defaultdict(list)

    async def request(domain: str) -> None:
        async with politeness.turn(domain):
            began = clock.now
            await clock.sleep(takes)
            spans[domain].append((began, clock.now))

    async def run() -> None:
        await clock.run([asyncio.create_task(request(domain)) for domain in domains])

    asyncio.run(run())
    return spans


@pytest.mark.parametrize(
    ("parallel", "gap", "takes"), [(1, 1.0, 0.1), (2, 1.0, 10.0), (3, 0.5, 2.0), (2, 0.0, 1.0)]
)
def test_no_domain_is_asked_more_often_or_by_more_than_it_bears(
    parallel: int, gap: float, takes: float
) -> None:
    clock = Clock()
    politeness = Politeness(Allowance(parallel, gap), clock=clock, sleep=clock.sleep)

    spans = starts(politeness, clock, ["a.test"] * 20 + ["b.test"] * 5, takes=takes)

    assert {domain: len(times) for domain, times in spans.items()} == {"a.test": 20, "b.test": 5}
    for times in spans.values():
        began = sorted(start for start, _ in times)
        assert all(later - earlier >= gap - 1e-9 for earlier, later in itertools.pairwise(began))
        for start, _ in times:
            assert sum(other <= start < end for other, end in times) <= parallel


def test_domains_do_not_wait_for_each_other() -> None:
    clock = Clock()
    politeness = Politeness(Allowance(1, 60.0), clock=clock, sleep=clock.sleep)

    spans = starts(politeness, clock, [f"{number}.test" for number in range(100)], takes=1.0)

    assert {start for times in spans.values() for start, _ in times} == {0.0}


def test_a_domain_has_its_own_allowance() -> None:
    clock = Clock()
    politeness = Politeness(
        Allowance(1, 10.0), overrides={"quick.test": Allowance(4, 0.0)}, clock=clock, sleep=clock.sleep
    )

    spans = starts(politeness, clock, ["quick.test"] * 4 + ["slow.test"] * 2, takes=1.0)

    assert [start for start, _ in spans["quick.test"]] == [0.0] * 4
    assert [start for start, _ in spans["slow.test"]] == [0.0, 10.0]


def test_a_rest_holds_for_every_feed_of_a_domain() -> None:
    clock = Clock()
    politeness = Politeness(Allowance(2, 1.0), clock=clock, sleep=clock.sleep)
    politeness.rest("busy.test", 120.0)

    assert politeness.wait("busy.test") == 120.0
    assert politeness.wait("other.test") == 0.0
    spans = starts(politeness, clock, ["busy.test", "busy.test"], takes=0.0)

    assert [start for start, _ in spans["busy.test"]] == [120.0, 121.0]


@pytest.mark.parametrize("given_up", [(0, 1), (1, 0), (1,), (2, 0, 1)])
def test_turns_are_given_in_order_and_whoever_gives_up_blocks_nobody(given_up: tuple[int, ...]) -> None:
    clock = Clock()
    politeness = Politeness(Allowance(1, 0.0), clock=clock, sleep=clock.sleep)
    order: list[str] = []

    async def request(name: str) -> None:
        async with politeness.turn("a.test"):
            order.append(name)
            await clock.sleep(1.0)

    async def run() -> None:
        tasks = [asyncio.create_task(request(name)) for name in "abcde"]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        for number in given_up:
            tasks[number].cancel()
        await clock.run(tasks)
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(run())

    assert order == ["a", *(name for number, name in enumerate("abcde") if number and number not in given_up)]
    assert politeness.forget_idle() == 0


def test_one_who_gives_up_in_the_moment_of_his_turn_hands_it_on() -> None:
    clock = Clock()
    politeness = Politeness(Allowance(1, 0.0), clock=clock, sleep=clock.sleep)
    order: list[str] = []

    async def request(name: str) -> None:
        async with politeness.turn("a.test"):
            order.append(name)

    async def run() -> None:
        async with politeness.turn("a.test"):
            tasks = [asyncio.create_task(request(name)) for name in "ab"]
            await asyncio.sleep(0)
        tasks[0].cancel()  # its future is set, but it has not run yet
        await clock.run(tasks)
        with pytest.raises(asyncio.CancelledError):
            await tasks[0]

    asyncio.run(run())

    assert order == ["b"]


def test_what_is_idle_is_forgotten_so_that_a_hundred_thousand_domains_cost_nothing() -> None:
    clock = Clock()
    politeness = Politeness(Allowance(1, 5.0), clock=clock, sleep=clock.sleep)
    starts(politeness, clock, [f"{number}.test" for number in range(50)], takes=1.0)

    assert politeness.forget_idle() == 50  # their gap is not over
    clock.now += 5.0

    assert politeness.forget_idle() == 0


def test_a_folder_never_waits() -> None:
    clock = Clock()
    politeness = Politeness(Allowance(1, 99.0), clock=clock, sleep=clock.sleep)
    politeness.rest("", 99.0)

    assert [start for start, _ in starts(politeness, clock, [""] * 3, takes=1.0)[""]] == [0.0] * 3


# -- turns that move along with redirects --------------------------------------------------------------


def test_where_many_redirects_lead_is_asked_no_more_often_than_it_bears() -> None:
    clock = Clock()
    politeness = Politeness(Allowance(2, 1.0), clock=clock, sleep=clock.sleep)
    spans: list[tuple[float, float]] = []

    async def request(domain: str) -> None:
        async with politeness.turn(domain) as turn:
            await turn.move("service.test")
            assert turn.domain == "service.test"
            began = clock.now
            await clock.sleep(3.0)
            spans.append((began, clock.now))

    async def run() -> None:
        await clock.run([asyncio.create_task(request(f"{number}.test")) for number in range(10)])

    asyncio.run(run())
    began = sorted(start for start, _ in spans)
    assert len(spans) == 10
    assert all(later - earlier >= 1.0 for earlier, later in itertools.pairwise(began))
    for start, _ in spans:
        assert sum(other <= start < end for other, end in spans) <= 2
    clock.now += 1.0
    assert politeness.forget_idle() == 0


def test_two_domains_that_redirect_to_each_other_do_not_wait_for_ever() -> None:
    clock = Clock()
    politeness = Politeness(Allowance(1, 0.0), clock=clock, sleep=clock.sleep)
    done: list[str] = []

    async def request(first: str, second: str) -> None:
        async with politeness.turn(first) as turn:
            await clock.sleep(1.0)
            await turn.move(second)
            await turn.move(second)  # already there
            await clock.sleep(1.0)
            done.append(first)

    async def run() -> None:
        pairs = [("a.test", "b.test"), ("b.test", "a.test")] * 3
        await clock.run([asyncio.create_task(request(*pair)) for pair in pairs])

    asyncio.run(run())
    assert sorted(done) == ["a.test"] * 3 + ["b.test"] * 3
    assert politeness.forget_idle() == 0


def test_a_wait_that_is_given_up_leaves_no_place_behind() -> None:
    clock = Clock()
    politeness = Politeness(Allowance(1, 60.0), clock=clock, sleep=clock.sleep)
    politeness.rest("slow.test", 100.0)

    async def request() -> None:
        async with politeness.turn("a.test") as turn:
            await turn.move("slow.test")

    async def run() -> None:
        task = asyncio.create_task(request())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        clock.now += 300.0
        assert politeness.forget_idle() == 0
        async with politeness.turn("slow.test") as turn:
            assert turn.domain == "slow.test"

    asyncio.run(run())


def test_a_redirect_to_another_domain_waits_for_a_place_there() -> None:
    waited: list[float] = []
    now = 0.0

    async def sleep(seconds: float) -> None:
        nonlocal now
        waited.append(seconds)
        now += seconds

    async def run(start: str, limit: float) -> FetchResult:
        politeness = Politeness(Allowance(1, 5.0), clock=lambda: now, sleep=sleep)
        politeness.rest("127.0.0.2", 30.0)
        async with (
            Fetcher(guard=LOOPBACK, limits=Limits(total=limit)) as fetcher,
            politeness.turn("127.0.0.1") as turn,
        ):
            result = await fetcher.fetch(FeedTarget(start), now=NOW, turn=turn)
            assert turn.domain == "127.0.0.2"
            return result

    with Server() as here, Server(address="127.0.0.2") as there:
        there.route("/feed", Reply(body=RSS))
        here.route("/a", redirect("/b"))
        here.route("/b", redirect(there.url("/feed")))
        result = asyncio.run(run(here.url("/a"), 10.0))
    assert fetched(result).final_url == there.url("/feed")
    assert waited == [30.0]
