"""The inbox: those of one source in order, the others beside them, and what an end or a fault costs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import Future

import pytest

from models.errors import DatabaseLocked
from models.websub import Subscription, SubscriptionState
from service.event_loop import EventLoop
from service.websub.inbox import Bounds, Delivery, Inbox
from tests.storage import NOW


@pytest.fixture
def loop() -> Iterator[EventLoop]:
    running = EventLoop()
    yield running
    running.close()


def delivery(source_id: int, name: str) -> Delivery:
    known = Subscription(
        id=source_id,
        source_id=source_id,
        hub="https://hub.example/",
        topic="https://one.example/",
        feed_url="https://one.example/",
        token="t",
        secret="s",
        state=SubscriptionState.ACTIVE,
        pending=None,
        callback=None,
        created_at=NOW,
        asked_at=NOW,
        verified_at=NOW,
        lease_until=NOW,
        next_at=NOW,
        attempts=0,
        last_error=None,
        error_at=None,
        deliveries=0,
        articles=0,
        refused=0,
        unreadable=0,
        delivered_at=None,
        missed_at=None,
    )
    return Delivery(known, name.encode(), "", "", NOW)


def put(inbox: Inbox, source_id: int, name: str) -> Future[None]:
    place = inbox.enter(source_id)
    assert place is not None
    assert place.grow(len(name))
    return inbox.put(place, delivery(source_id, name))


def test_those_of_one_source_are_read_in_order_and_hold_up_no_other(loop: EventLoop) -> None:
    gates: dict[bytes, Future[None]] = {name: Future() for name in (b"1a", b"1b", b"2a")}
    begun: list[bytes] = []
    ended: list[bytes] = []

    async def take(one: Delivery) -> None:
        begun.append(one.body)
        await asyncio.wrap_future(gates[one.body])
        ended.append(one.body)

    inbox = Inbox(take, loop=loop, bounds=Bounds(at_once=2))
    first, second = put(inbox, 1, "1a"), put(inbox, 1, "1b")
    other = put(inbox, 2, "2a")
    gates[b"2a"].set_result(None)
    other.result(10)
    assert begun == [b"1a", b"2a"]
    gates[b"1b"].set_result(None)
    gates[b"1a"].set_result(None)
    first.result(10)
    second.result(10)
    assert ended == [b"2a", b"1a", b"1b"]
    assert inbox.settle(10) == 0
    assert inbox.depth() == 0
    assert inbox._turns == {}


def test_no_more_are_read_at_a_time_than_said(loop: EventLoop) -> None:
    running = most = 0

    async def take(_: Delivery) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1

    inbox = Inbox(take, loop=loop, bounds=Bounds(at_once=3))
    for number in range(30):
        put(inbox, number, "x")
    assert inbox.settle(10) == 0
    assert most == 3


@pytest.mark.parametrize("error", [DatabaseLocked("locked"), ValueError("nobody foresaw it")])
def test_a_fault_costs_one_delivery(loop: EventLoop, error: Exception) -> None:
    read: list[bytes] = []

    async def take(one: Delivery) -> None:
        if one.body == b"bad":
            raise error
        read.append(one.body)

    inbox = Inbox(take, loop=loop, bounds=Bounds())
    for name in ("a", "bad", "b"):
        put(inbox, 1, name)
    assert inbox.settle(10) == 0
    assert (read, inbox.depth()) == ([b"a", b"b"], 0)


def test_an_end_takes_nothing_more_and_says_what_is_left(loop: EventLoop) -> None:
    gate: Future[None] = Future()

    async def take(_: Delivery) -> None:
        await asyncio.wrap_future(gate)

    inbox = Inbox(take, loop=loop, bounds=Bounds())
    put(inbox, 1, "a")
    assert inbox.stop(0.0) == 1
    assert inbox.enter(1) is None
    gate.set_result(None)
    assert inbox.settle(10) == 0


def test_room_is_given_back_once(loop: EventLoop) -> None:
    async def take(_: Delivery) -> None:
        raise AssertionError

    inbox = Inbox(take, loop=loop, bounds=Bounds(places=2, of_one=1, size=10))
    place = inbox.enter(1)
    assert place is not None
    assert inbox.enter(1) is None
    assert place.grow(10)
    assert not place.grow(1)
    place.leave()
    place.leave()
    assert inbox.depth() == 0
    again = inbox.enter(1)
    assert again is not None
    assert again.grow(10)
