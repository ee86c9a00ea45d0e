"""The callback that hubs call, over real HTTP: what is confirmed and taken, and what strangers can do."""

from __future__ import annotations

import asyncio
import http.client
import socket
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlsplit

import httpx
import pytest
from loguru import logger

from models import websub
from models.database import Database
from models.websub import Subscription, SubscriptionState
from service.event_loop import EventLoop
from service.web import hubs as callback_module
from service.web.app import create_app
from service.web.health import HealthReport
from service.web.hubs import MAX_CHALLENGE, HubCallback
from service.web.server import WebServer
from service.websub.inbox import Bounds, Delivery, Inbox
from service.websub.signature import METHODS, sign
from tests.hub import HOST
from tests.storage import NOW, add_source, held
from tests.web_site import Clock

HUB, TOPIC = "https://hub.example/", "https://one.example/feed"
LEASE, MAX = timedelta(days=10), 100_000
DELIVERY = b"<rss/>"


@dataclass
class Door:
    """The callback on a running page; deliveries are kept instead of read, and wait while it is ``shut``."""

    inbox: Inbox
    clock: Clock
    taken: list[Delivery] = field(default_factory=list)
    port: int = 0
    client: httpx.Client = field(default_factory=lambda: httpx.Client(trust_env=False, timeout=30))

    def call(self, path: str, method: str = "GET", *, host: str = HOST, **more: object) -> httpx.Response:
        headers = {"Host": host, **more.pop("headers", {})}  # type: ignore[dict-item]
        url = f"http://127.0.0.1:{self.port}{path}"
        return self.client.request(method, url, headers=headers, **more)  # type: ignore[arg-type]

    def verify(self, subscription: Subscription, **other: str) -> httpx.Response:
        query = {"mode": "subscribe", "topic": TOPIC, "challenge": "abc", "lease_seconds": "3600"} | other
        params = {f"hub.{name}": value for name, value in query.items()}
        return self.call(f"/websub/{subscription.token}", params=params)

    def deliver(
        self,
        subscription: Subscription,
        body: bytes = DELIVERY,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        signature = f"sha256={sign(body, 'sha256', subscription.secret)}"
        sent = {"X-Hub-Signature": signature, **(headers or {})}
        path = f"/websub/{subscription.token}"
        return self.call(path, "POST", content=body, headers={name: v for name, v in sent.items() if v})


@contextmanager
def opened(
    database: Database, bounds: Bounds | None = None, gate: Future[None] | None = None
) -> Iterator[Door]:
    """A page with the callback; ``gate`` is waited for before a delivery is done with."""
    taken: list[Delivery] = []

    async def take(delivery: Delivery) -> None:
        if gate is not None:
            await asyncio.wrap_future(gate)
        taken.append(delivery)

    loop, clock = EventLoop(), Clock(NOW)
    inbox = Inbox(take, loop=loop, bounds=bounds or Bounds())
    hubs = HubCallback(inbox, host=HOST, wanted=LEASE, max_bytes=MAX, clock=clock)
    app = create_app(
        database,
        allowed_hosts=("page.example",),
        started_at=NOW,
        health=lambda: HealthReport(ready=True),
        hubs=hubs,
        clock=clock,
    )
    server = WebServer(app, "127.0.0.1", 0)
    server.start()
    door = Door(inbox, clock, taken, server.port)
    try:
        with door.client:
            yield door
    finally:
        server.stop(5)
        loop.close()


@pytest.fixture
def door(database: Database) -> Iterator[Door]:
    with opened(database) as running:
        yield running


@pytest.fixture
def asked(database: Database) -> Subscription:
    """A subscription that was asked for."""
    return ask(add_source().id)


def ask(source_id: int) -> Subscription:
    websub.discover(source_id, hub=HUB, topic=TOPIC, feed_url=TOPIC, now=NOW)
    websub.claim("https://us.example/", NOW, hold=LEASE, limit=5)
    return one(source_id)


def one(source_id: int) -> Subscription:
    found = websub.of_source(source_id)
    assert found is not None
    return found


only_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

# -- verification --------------------------------------------------------------------------------------


def test_what_was_asked_for_is_confirmed(door: Door, asked: Subscription) -> None:
    answer = door.verify(asked, challenge="<script>ä</script>")
    assert (answer.status_code, answer.text) == (200, "<script>ä</script>")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    known = one(asked.source_id)
    assert (known.state, known.lease_until) == (SubscriptionState.ACTIVE, NOW + timedelta(hours=1))
    assert known.next_at == NOW + timedelta(minutes=48)


@only_sqlite
@pytest.mark.parametrize(
    ("other", "status"),
    [
        ({"topic": TOPIC + "/"}, 404),
        ({"topic": ""}, 400),
        ({"mode": "unsubscribe"}, 404),
        ({"mode": "publish"}, 404),
        ({"mode": ""}, 404),
        ({"challenge": ""}, 400),
        ({"challenge": "x" * (MAX_CHALLENGE + 1)}, 400),
        ({"challenge": "x" * 20_000}, 414),
    ],
)
def test_what_was_not_asked_for_is_not(
    door: Door, asked: Subscription, other: dict[str, str], status: int
) -> None:
    answer = door.verify(asked, **other)
    assert answer.status_code == status
    assert "abc" not in answer.text
    assert one(asked.source_id) == asked


@only_sqlite
@pytest.mark.parametrize(
    "query",
    ["", "hub.mode=subscribe", f"hub.mode=subscribe&hub.topic={TOPIC}&hub.topic={TOPIC}&hub.challenge=x"],
)
def test_questions_that_say_nothing_or_something_twice(door: Door, asked: Subscription, query: str) -> None:
    assert door.call(f"/websub/{asked.token}?{query}").status_code == 400


@only_sqlite
@pytest.mark.parametrize(
    ("lease", "days"), [("", 10.0), ("0", 10.0), ("nonsense", 10.0), ("9" * 99, 366.0), ("86400", 1.0)]
)
def test_the_lease_is_the_hubs_within_reason(
    door: Door, asked: Subscription, lease: str, days: float
) -> None:
    assert door.verify(asked, lease_seconds=lease).status_code == 200
    assert one(asked.source_id).lease_until == NOW + timedelta(days=days)


@only_sqlite
def test_a_denial_is_noted_with_its_reason(door: Door, asked: Subscription) -> None:
    path = f"/websub/{asked.token}"
    denial = {"hub.mode": "denied", "hub.topic": TOPIC, "hub.reason": "no\x1b[31m\u202e " + "x" * 5_000}
    assert door.call(path, params=denial | {"hub.topic": "other"}).status_code == 404
    assert one(asked.source_id).state is SubscriptionState.WANTED
    assert door.call(path, params=denial).status_code == 200
    denied = one(asked.source_id)
    assert (denied.state, denied.next_at) == (SubscriptionState.DENIED, NOW + timedelta(days=7))
    assert denied.last_error == "no " + "x" * 297
    assert door.deliver(asked).status_code == 410


@only_sqlite
@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/websub/", 404),
        ("/websub/short", 404),
        ("/websub/" + "a" * 43, 404),
        ("/websub/" + "a" * 44, 404),
        ("/websub/" + "a" * 42 + "%0A", 404),
        ("/websub/" + "%00" * 43, 404),
        ("/websub/../websub/" + "a" * 43, 404),
        ("/websub/" + "a" * 43 + "/more", 404),
    ],
)
def test_addresses_that_no_hub_was_given(door: Door, asked: Subscription, path: str, status: int) -> None:
    query = f"?hub.mode=subscribe&hub.topic={TOPIC}&hub.challenge=abc"
    assert door.call(path + query).status_code == status
    posted = door.call(path, "POST", content=DELIVERY)
    assert posted.status_code in {404, 410}
    assert door.taken == []


@only_sqlite
@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_do_nothing(door: Door, asked: Subscription, method: str) -> None:
    params = {"hub.mode": "subscribe", "hub.topic": TOPIC, "hub.challenge": "abc"}
    assert door.call(f"/websub/{asked.token}", method, params=params).status_code == 405
    assert one(asked.source_id) == asked


# -- deliveries ----------------------------------------------------------------------------------------


@pytest.fixture
def active(door: Door, asked: Subscription) -> Subscription:
    door.verify(asked)
    return one(asked.source_id)


@pytest.mark.parametrize("method", METHODS)
def test_a_signed_delivery_is_taken(door: Door, active: Subscription, method: str) -> None:
    body = bytes(range(256)) * 40
    signature = f"{method}={sign(body, method, active.secret)}"
    headers = {"Content-Type": "application/atom+xml", "Content-Encoding": "gzip"}
    answer = door.deliver(active, body, headers | {"X-Hub-Signature": signature})
    assert (answer.status_code, answer.text) == (202, "")
    assert door.inbox.settle(10) == 0
    (taken,) = door.taken
    assert (taken.body, taken.content_type, taken.content_encoding) == (body, "application/atom+xml", "gzip")
    assert (taken.subscription.id, taken.received_at) == (active.id, NOW)
    assert door.inbox.depth() == 0


@only_sqlite
@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({"X-Hub-Signature": ""}, "it is not signed"),
        ({"X-Hub-Signature": "sha256=" + "0" * 64}, "its signature is wrong"),
        ({"X-Hub-Signature": "sha1=" + sign(DELIVERY, "sha1", "guess")}, "its signature is wrong"),
        ({"X-Hub-Signature": "md5=" + "0" * 40}, "its signature cannot be read"),
        ({"X-Hub-Signature": "x" * 9_000}, "its signature cannot be read"),
    ],
)
def test_a_wrong_signature_is_answered_alike_ignored_and_counted(
    door: Door, active: Subscription, headers: dict[str, str], said: str
) -> None:
    right = door.deliver(active)
    wrong = door.deliver(active, headers=headers)
    assert (wrong.status_code, wrong.text) == (right.status_code, right.text)
    door.inbox.settle(10)
    assert len(door.taken) == 1
    known = one(active.source_id)
    assert (known.refused, known.last_error) == (1, f"a delivery was ignored: {said}")


@only_sqlite
def test_the_secret_of_one_subscription_opens_no_other(door: Door, active: Subscription) -> None:
    other = ask(add_source("two").id)
    door.verify(other)
    signature = f"sha1={sign(DELIVERY, 'sha1', other.secret)}"
    door.deliver(active, headers={"X-Hub-Signature": signature})
    door.inbox.settle(10)
    assert door.taken == []


@only_sqlite
def test_what_is_not_verified_takes_no_delivery(door: Door, asked: Subscription) -> None:
    assert door.deliver(asked).status_code == 410
    door.inbox.settle(10)
    assert door.taken == []


@only_sqlite
@pytest.mark.parametrize("stated", [True, False])
def test_what_is_too_large_is_refused(door: Door, active: Subscription, stated: bool) -> None:
    body = b"x" * (MAX + 1)
    if stated:
        assert door.deliver(active, body).status_code == 413
    else:
        pieces = (body[start : start + 1_000] for start in range(0, len(body), 1_000))
        answer = door.call(f"/websub/{active.token}", "POST", content=pieces)
        assert answer.status_code == 413
    assert door.inbox.depth() == 0
    assert door.deliver(active, b"x" * MAX).status_code == 202


@only_sqlite
@pytest.mark.parametrize(
    ("bounds", "fit"),
    [
        (Bounds(places=2, of_one=9), 2),
        (Bounds(places=9, of_one=2), 2),
        (Bounds(size=2 * len(DELIVERY) + 1), 2),
    ],
)
def test_a_full_inbox_asks_to_come_again(database: Database, bounds: Bounds, fit: int) -> None:
    gate: Future[None] = Future()
    with opened(database, bounds, gate) as door:
        subscription = ask(add_source().id)
        door.verify(subscription)
        assert [door.deliver(subscription).status_code for _ in range(fit)] == [202] * fit
        full = door.deliver(subscription)
        assert (full.status_code, full.headers["retry-after"]) == (503, "60")
        # No room is taken by what is not signed, either, nor by what was refused.
        assert door.inbox.depth() == fit
        gate.set_result(None)
        door.inbox.settle(10)
        assert door.deliver(subscription).status_code == 202
        door.inbox.settle(10)
        assert len(door.taken) == fit + 1
        door.inbox.stop(1)
        assert door.deliver(subscription).status_code == 503


def _begin(door: Door, subscription: Subscription) -> socket.socket:
    """A delivery that has begun and does not go on."""
    sending = socket.create_connection(("127.0.0.1", door.port), timeout=10)
    head = f"POST /websub/{subscription.token} HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 1000\r\n\r\n"
    sending.sendall(head.encode() + b"<rss>")
    return sending


@only_sqlite
def test_a_delivery_that_takes_too_long_gives_its_room_back(
    door: Door, active: Subscription, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callback_module, "READ_SECONDS", 0.2)
    with _begin(door, active) as sending:
        answer = http.client.HTTPResponse(sending)
        answer.begin()
        assert answer.status == 408
    assert door.inbox.depth() == 0


@only_sqlite
def test_a_locked_database_is_a_reason_to_come_again_and_no_secret_is_logged(
    door: Door, active: Subscription, database: Database, database_url: str
) -> None:
    lines: list[str] = []
    sink = logger.add(lines.append, format="{message} {extra}")
    with held(database, database_url):
        answer = door.verify(active)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
        refused = door.deliver(active, headers={"X-Hub-Signature": ""})
        assert refused.status_code == 503
    assert door.inbox.depth() == 0
    assert door.verify(active).status_code == 200
    logger.remove(sink)
    said = "".join(lines)
    assert "no answer from the database" in said
    assert active.token not in said
    assert active.secret not in said


# -- everything else is as protected as before ---------------------------------------------------------


@only_sqlite
@pytest.mark.parametrize("path", ["/", "/articles/1", "/sources", "/readyz", "/static/style.css", "/websub"])
def test_the_public_name_opens_the_callback_alone(door: Door, asked: Subscription, path: str) -> None:
    assert door.call(path).status_code == 421
    assert door.call(f"{path}?x=/websub/").status_code == 421


@only_sqlite
@pytest.mark.parametrize(
    ("host", "status"),
    [
        (HOST, 200),
        (HOST.upper() + ":443", 200),
        ("127.0.0.1", 200),
        ("page.example", 200),
        ("evil.example", 421),
        ("x." + HOST, 421),
        (HOST + ".evil.example", 421),
    ],
)
def test_the_callback_answers_for_its_own_name(
    door: Door, asked: Subscription, host: str, status: int
) -> None:
    params = {"hub.mode": "subscribe", "hub.topic": TOPIC, "hub.challenge": "abc"}
    answer = door.call(f"/websub/{asked.token}", host=host, params=params)
    assert answer.status_code == status


@only_sqlite
def test_verdicts_are_as_protected_as_before(door: Door, asked: Subscription) -> None:
    form = {"topic": "arms", "verdict": "yes", "token": asked.token}
    for path in ("/articles/1/verdict", "/websub/../articles/1/verdict"):
        assert door.call(path, "POST", host="page.example", data=form).status_code in {403, 404}
        assert door.call(path, "POST", data=form).status_code in {404, 421}


def test_without_hubs_there_is_no_callback(database: Database) -> None:
    app = create_app(
        database, allowed_hosts=(), started_at=NOW, health=lambda: HealthReport(ready=True), clock=Clock(NOW)
    )
    server = WebServer(app, "127.0.0.1", 0)
    server.start()
    try:
        with httpx.Client(base_url=server.url, trust_env=False) as client:
            assert client.get("/websub/" + "a" * 43).status_code == 404
            public = client.get("/websub/" + "a" * 43, headers={"Host": urlsplit("https://" + HOST).netloc})
            assert public.status_code == 421
    finally:
        server.stop(5)
