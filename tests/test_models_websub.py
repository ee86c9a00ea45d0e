"""Subscriptions at hubs, on both engines: what is wanted, claimed, verified, refused and given up."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from models import sources, websub
from models.database import Database, open_database
from models.websub import Subscription, SubscriptionState
from tests.processes import finish, go, start
from tests.storage import NOW, add_source

HUB, TOPIC, URL = "https://hub.example/", "https://one.example/feed", "https://one.example/feed.xml"
US = "https://us.example/websub/"
HOLD = timedelta(minutes=5)
DAY = timedelta(days=1)
LEASE = timedelta(days=10)


def want(source_id: int, *, hub: str = HUB, topic: str = TOPIC, now: datetime = NOW) -> bool:
    return websub.discover(source_id, hub=hub, topic=topic, feed_url=URL, now=now)


def claim(now: datetime = NOW, *, callback: str = US, limit: int = 10) -> list[Subscription]:
    return websub.claim(callback, now, hold=HOLD, limit=limit)


def one(source_id: int) -> Subscription:
    found = websub.of_source(source_id)
    assert found is not None
    return found


def confirm(subscription: Subscription, mode: str = "subscribe", **more: Any) -> bool:
    now = more.get("now", NOW)
    values = {
        "token": subscription.token,
        "topic": subscription.topic,
        "lease_until": now + LEASE,
        "next_at": now + LEASE - DAY,
        "now": now,
    }
    return websub.verify(**values | {"mode": mode} | more)


def active(source_id: int, *, now: datetime = NOW) -> Subscription:
    """A subscription that its hub has verified."""
    want(source_id, now=now)
    claim(now)
    assert confirm(one(source_id), now=now)
    return one(source_id)


# -- what is wanted ------------------------------------------------------------------------------------


def test_a_hub_is_wanted_once(database: Database) -> None:
    source = add_source()
    assert want(source.id)
    assert not want(source.id)
    first = one(source.id)
    assert (first.hub, first.topic, first.feed_url) == (HUB, TOPIC, URL)
    assert (first.state, first.next_at, first.callback) == (SubscriptionState.WANTED, NOW, None)
    assert min(len(first.token), len(first.secret)) >= 43  # 256 bits
    assert len(first.secret.encode()) < 200  # WebSub section 5.1
    assert first.token not in repr(first)
    assert first.secret not in repr(first)
    assert not websub.discover(source.id, hub=HUB, topic=TOPIC, feed_url=URL + "2", now=NOW)
    assert one(source.id).feed_url == URL + "2"


def test_another_hub_is_asked_before_the_old_one_is_left(database: Database) -> None:
    source = add_source()
    old = active(source.id)
    other = "https://other.example/"
    assert not want(source.id, hub=other, now=NOW + timedelta(hours=23))  # it may be a machine out of step
    later = NOW + DAY
    assert want(source.id, hub=other, now=later)
    new, left = one(source.id), websub.subscriptions()[0]
    assert (new.hub, new.state) == (other, SubscriptionState.WANTED)
    assert new.token != old.token
    assert (left.id, left.state, left.next_at) == (old.id, SubscriptionState.LEAVING, later + websub.GRACE)
    assert websub.receiver(old.token) is not None  # nothing is lost in between
    (asked,) = claim(later)
    assert asked.hub == other
    websub.accepted(asked.id, next_at=later + DAY)
    (claimed,) = claim(later + websub.GRACE)
    assert (claimed.id, claimed.pending) == (old.id, "unsubscribe")
    assert confirm(old, "unsubscribe", now=later + websub.GRACE)
    assert [one.id for one in websub.subscriptions()] == [new.id]
    assert websub.receiver(old.token) is None


def test_what_no_hub_knows_is_dropped_at_once(database: Database) -> None:
    source = add_source()
    want(source.id)
    assert not websub.withdraw(source.id, NOW)
    assert websub.withdraw(source.id, NOW + DAY)
    assert websub.subscriptions() == []
    assert not websub.withdraw(source.id, NOW + DAY)


def test_a_feed_that_names_no_hub_any_more_is_left(database: Database) -> None:
    source = add_source()
    known = active(source.id)
    assert websub.withdraw(source.id, NOW + DAY)
    assert websub.of_source(source.id) is None
    (left,) = websub.subscriptions([source.id])
    assert (left.id, left.state) == (known.id, SubscriptionState.LEAVING)


@pytest.mark.parametrize("how", ["pause", "remove"])
def test_a_source_that_is_not_polled_is_left_and_wanted_again_later(database: Database, how: str) -> None:
    source = add_source()
    known = active(source.id)
    assert websub.reconcile(US, NOW) == 0
    if how == "pause":
        sources.pause(source.id, "why", NOW)
    else:
        sources.remove(source.id, NOW)
    assert websub.receiver(known.token) is None  # from that moment on
    assert not confirm(known)
    assert websub.reconcile(US, NOW) == 1
    (leaving,) = claim()
    assert (leaving.state, leaving.pending) == (SubscriptionState.LEAVING, "unsubscribe")
    assert not confirm(leaving)  # not what was asked for
    assert confirm(leaving, "unsubscribe")
    resting = one(source.id)
    assert (resting.state, resting.next_at, resting.lease_until) == (SubscriptionState.RESTING, None, None)
    assert websub.reconcile(US, NOW) == 0
    sources.resume(source.id, NOW)
    assert websub.reconcile(US, NOW) == 1
    assert [(again.id, again.pending) for again in claim()] == [(known.id, "subscribe")]


def test_a_source_resumed_before_its_hub_was_told(database: Database) -> None:
    source = add_source()
    active(source.id)
    sources.pause(source.id, "why", NOW)
    websub.reconcile(US, NOW)
    sources.resume(source.id, NOW)
    want(source.id)  # its feed was read again
    claim()
    leaving, wanted = websub.subscriptions()
    assert confirm(leaving, "unsubscribe")
    assert [one.id for one in websub.subscriptions()] == [wanted.id]


def test_a_hub_that_knows_another_callback_is_asked_again(database: Database) -> None:
    source = add_source()
    known = active(source.id)
    moved = "https://moved.example/websub/"
    assert websub.reconcile(moved, NOW) == 1
    assert websub.receiver(known.token) is not None
    (again,) = claim(callback=moved)
    assert (again.callback, again.token, again.state) == (moved, known.token, SubscriptionState.ACTIVE)
    assert websub.reconcile(moved, NOW) == 0


# -- asking --------------------------------------------------------------------------------------------


def test_the_longest_due_are_claimed_and_held(database: Database) -> None:
    ids = [add_source(name).id for name in ("one", "two", "three")]
    for number, source_id in enumerate(reversed(ids)):
        want(source_id, now=NOW + timedelta(seconds=number))
    assert claim(NOW - timedelta(seconds=1)) == []
    now = NOW + timedelta(seconds=5)
    assert claim(now, limit=0) == []
    assert [one.source_id for one in claim(now, limit=2)] == [ids[2], ids[1]]
    assert [one.source_id for one in claim(now)] == [ids[0]]
    assert claim(now) == []
    again = claim(now + HOLD)
    assert {one.attempts for one in again} == {2}
    assert {(one.pending, one.callback, one.asked_at) for one in again} == {("subscribe", US, now + HOLD)}


def claim_ten(url: str) -> list[int]:
    """What one of several daemons takes; called in processes of its own."""
    database = open_database(url, busy_timeout=30)
    taken = [one.id for _ in range(10) for one in claim(NOW, limit=1)]
    database.close()
    return taken


def test_two_processes_never_claim_the_same(database: Database, database_url: str) -> None:
    for number in range(12):
        want(add_source(f"n{number}").id)
    processes = [start("tests.test_models_websub", "claim_ten", json.dumps([database_url])) for _ in range(2)]
    go(processes)
    taken = [one for line in finish(processes) for one in json.loads(line)]
    assert sorted(taken) == [one.id for one in websub.subscriptions()]


def test_an_accepted_request_waits_for_its_verification(database: Database) -> None:
    source = add_source()
    want(source.id)
    (asked,) = claim()
    websub.accepted(asked.id, next_at=NOW + timedelta(hours=1))
    assert (one(source.id).state, one(source.id).next_at) == (
        SubscriptionState.ASKED,
        NOW + timedelta(hours=1),
    )
    (again,) = claim(NOW + timedelta(hours=1))
    assert "never came back to verify" in (again.last_error or "")


def test_a_verification_that_comes_before_the_answer_stands(database: Database) -> None:
    source = add_source()
    want(source.id)
    (asked,) = claim()
    assert confirm(asked)
    websub.accepted(asked.id, next_at=NOW)
    websub.failed(asked.id, "the answer was lost", next_at=NOW, now=NOW)
    after = one(source.id)
    assert (after.state, after.next_at) == (SubscriptionState.ACTIVE, NOW + LEASE - DAY)
    assert (after.attempts, after.last_error) == (0, None)


def test_a_failure_is_kept_with_its_time(database: Database) -> None:
    source = add_source()
    want(source.id)
    (asked,) = claim()
    websub.failed(asked.id, "no connection\x00" * 200, next_at=NOW + DAY, now=NOW)
    after = one(source.id)
    assert (after.state, after.next_at, after.error_at) == (SubscriptionState.WANTED, NOW + DAY, NOW)
    assert after.last_error is not None
    assert after.last_error.startswith("no connection\ufffd")
    assert len(after.last_error) == 500


def test_a_hub_that_cannot_be_told_is_forgotten(database: Database) -> None:
    source = add_source()
    active(source.id)
    websub.withdraw(source.id, NOW + DAY)
    for _ in range(websub.LAST_GOODBYE):
        (leaving,) = claim(NOW + DAY)
        websub.failed(leaving.id, "away", next_at=NOW + DAY, now=NOW)
    assert websub.subscriptions() == []


# -- what a hub says -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        {"token": "x" * 43},
        {"token": ""},
        {"topic": TOPIC + "/"},
        {"topic": "\ud800"},
        {"mode": "unsubscribe"},
        {"mode": "denied"},
        {"mode": ""},
    ],
)
def test_only_what_was_asked_for_is_confirmed(database: Database, wrong: dict[str, str]) -> None:
    source = add_source()
    want(source.id)
    assert not confirm(one(source.id))  # nothing was asked yet
    (asked,) = claim()
    assert not confirm(asked, **{"mode": "subscribe", **wrong})
    assert one(source.id) == asked
    assert confirm(asked)


def test_the_same_question_is_answered_alike_for_a_while(database: Database) -> None:
    known = active(add_source().id)
    assert confirm(known, now=NOW + timedelta(minutes=9))
    assert not confirm(known, now=NOW + timedelta(minutes=20))


def test_a_renewal_moves_the_lease(database: Database) -> None:
    source = add_source()
    known = active(source.id)
    assert known.runs(NOW + LEASE - DAY)
    assert not known.runs(NOW + LEASE)
    later = NOW + LEASE - DAY
    (again,) = claim(later)
    assert (again.state, again.lease_until) == (SubscriptionState.ACTIVE, NOW + LEASE)
    assert confirm(again, now=later)
    assert one(source.id).lease_until == later + LEASE


def test_a_denial_is_believed_for_the_right_topic(database: Database) -> None:
    source = add_source()
    known = active(source.id)
    later = {"next_at": NOW + DAY, "now": NOW}
    assert not websub.deny(known.token, TOPIC + "x", "no", **later)
    assert not websub.deny("x", TOPIC, "no", **later)
    assert websub.deny(known.token, TOPIC, "not from you", **later)
    denied = one(source.id)
    assert (denied.state, denied.next_at) == (SubscriptionState.DENIED, NOW + DAY)
    assert denied.trouble(NOW) == "the hub refuses it: not from you"
    assert websub.receiver(known.token) is None
    (again,) = claim(NOW + DAY)
    assert again.pending == "subscribe"
    assert confirm(again, now=NOW + DAY)


def test_a_denial_ends_what_is_being_left(database: Database) -> None:
    known = active(add_source().id)
    websub.withdraw(known.source_id, NOW + DAY)
    assert websub.deny(known.token, TOPIC, "bye", next_at=NOW, now=NOW)
    assert websub.subscriptions() == []


# -- how far it is relied on ---------------------------------------------------------------------------


def test_a_hub_is_relied_on_once_it_delivered_and_until_it_missed(database: Database) -> None:
    source = add_source()
    known = active(source.id)
    assert not websub.pushes(source.id, NOW)
    websub.delivered(known.id, 3, NOW)
    assert websub.pushes(source.id, NOW)
    assert not websub.pushes(source.id, NOW + LEASE)  # the lease has ended
    assert not websub.pushes(add_source("two").id, NOW)
    websub.missed(source.id, NOW + DAY)
    assert not websub.pushes(source.id, NOW + DAY)
    websub.delivered(known.id, 0, NOW + DAY + DAY)
    assert websub.pushes(source.id, NOW + DAY + DAY)
    after = one(source.id)
    assert (after.deliveries, after.articles, after.delivered_at) == (2, 3, NOW + DAY + DAY)


def test_what_is_wrong_is_said(database: Database) -> None:
    ids = [add_source(name).id for name in ("one", "two", "three", "four")]
    assert websub.troubled(NOW) == []
    for source_id in ids:
        want(source_id)
    claimed = claim()
    for subscription in claimed[:3]:
        confirm(subscription)
    websub.refuse(claimed[0].id, "a delivery without a signature", NOW)
    websub.unread(claimed[1].id, "no feed", NOW)
    websub.delivered(claimed[2].id, 1, NOW)
    assert (one(ids[1]).unreadable, one(ids[1]).last_error) == (1, "no feed")
    for _ in range(2):
        websub.failed(claimed[3].id, "no connection", next_at=NOW, now=NOW)
        claim()
    said = {subscription.source_id: why for subscription, why in websub.troubled(NOW)}
    assert said == {
        ids[0]: "none of its 1 deliveries is signed as agreed",
        ids[3]: "asked for 3 times in vain: no connection",
    }
    late = {subscription.source_id: why for subscription, why in websub.troubled(NOW + LEASE)}
    assert late[ids[2]] == "its lease has ended and was not renewed"
    assert len(websub.troubled(NOW + LEASE, limit=1)) == 1
