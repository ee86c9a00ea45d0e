"""Asking hubs, with a hub on loopback and a clock that is put forward: leases, refusals, failures, limits."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from models import sources, websub
from models.database import Database
from models.records import SourceSpec
from models.websub import Subscription, SubscriptionState
from service.websub.subscriber import IN_HAND
from service.workers import Workers
from tests.hub import PushSite, form_of, one_worker, push_site
from tests.server import Reply, Request, redirect
from tests.storage import held

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
LEASE = timedelta(days=10)

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workers]:
    with one_worker(tmp_path_factory.mktemp("worker")) as running:
        yield running


@pytest.fixture
def site(database: Database, tmp_path: Path, workers: Workers) -> Iterator[PushSite]:
    with push_site(database, tmp_path, workers) as running:
        yield running


def want(site: PushSite, *, hub: str | None = None) -> None:
    """Want the feed from its hub, as a look would."""
    websub.discover(
        site.source.id, hub=hub or site.hub.url, topic=site.feed, feed_url=site.feed, now=site.clock.now
    )


def one(site: PushSite) -> Subscription:
    found = websub.of_source(site.source.id)
    assert found is not None
    return found


def pause(site: PushSite) -> timedelta:
    """Until the hub is asked again."""
    due = one(site).next_at
    assert due is not None
    return due - site.clock.now


def test_a_lease_is_renewed_before_it_ends(site: PushSite) -> None:
    want(site)
    (form,) = site.ask()
    assert site.hub.verify(form).status_code == 200
    first = one(site)
    assert first.lease_until == site.clock.now + LEASE
    site.pass_time(LEASE - DAY - MINUTE)
    assert site.ask() == []
    site.pass_time(MINUTE)
    (again,) = site.ask()
    assert again == form  # the same callback and secret: deliveries go on in between
    assert one(site).runs(site.clock.now)
    assert site.hub.deliver(form, b"").status_code == 202
    assert site.hub.verify(again).status_code == 200
    assert one(site).lease_until == site.clock.now + LEASE
    assert site.ask() == []


def test_a_hub_that_is_gone_when_the_lease_ends(site: PushSite) -> None:
    want(site)
    (form,) = site.ask()
    site.hub.verify(form)
    site.hub.answer(Reply(503))
    site.pass_time(LEASE - DAY)
    for _ in range(20):
        site.ask()
        site.pass_time(pause(site))
    known = one(site)
    assert known.state is SubscriptionState.ACTIVE
    assert not known.runs(site.clock.now)
    assert "its lease has ended and was not renewed: http_5xx" in (known.trouble(site.clock.now) or "")
    assert pause(site) == timedelta()
    site.hub.answer(Reply(202))
    (again,) = site.ask()
    site.hub.verify(again)
    assert one(site).runs(site.clock.now)


def test_a_failure_is_tried_again_later_and_later(site: PushSite) -> None:
    want(site)
    site.hub.answer(
        Reply(503, headers=[("Retry-After", "1800")]),
        Reply(503),
        Reply(422, b"bad callback", content_type="text/plain"),
        Reply(202),
    )
    site.ask()
    assert pause(site) == HOUR / 2
    site.pass_time(29 * MINUTE)
    assert site.ask() == []
    site.pass_time(MINUTE)
    site.ask()
    assert 10 * MINUTE <= pause(site) <= 11 * MINUTE
    site.pass_time(11 * MINUTE)
    site.ask()
    assert one(site).last_error == "http_4xx: the server answered 422 Unprocessable Entity: bad callback"
    assert pause(site) >= 4 * HOUR
    site.pass_time(5 * HOUR)
    site.ask()
    assert one(site).state is SubscriptionState.ASKED


def test_a_request_that_is_never_verified_is_made_again(site: PushSite) -> None:
    want(site)
    site.ask()
    assert pause(site) == HOUR
    site.pass_time(HOUR)
    (form,) = site.ask()
    assert pause(site) == 2 * HOUR
    assert "never came back to verify" in (one(site).last_error or "")
    site.hub.verify(form)
    assert (one(site).last_error, one(site).attempts) == (None, 0)


def test_a_hub_that_verifies_before_it_answers(site: PushSite) -> None:
    """As hubs of the time before the Recommendation do."""
    answers: list[int] = []

    def verifying(request: Request) -> Reply:
        answers.append(site.hub.verify(form_of(request)).status_code)
        return Reply(204)

    site.server.route("/hub", verifying)
    want(site)
    site.ask()
    assert answers == [200]
    assert one(site).runs(site.clock.now)


def test_a_denial_is_respected_for_a_week(site: PushSite) -> None:
    want(site)
    (form,) = site.ask()
    assert site.hub.deny(form, "you are no member").status_code == 200
    assert (one(site).state, pause(site)) == (SubscriptionState.DENIED, timedelta(days=7))
    assert websub.troubled(site.clock.now) == [(one(site), "the hub refuses it: you are no member")]
    site.pass_time(timedelta(days=7))
    (again,) = site.ask()
    assert site.hub.verify(again).status_code == 200
    assert websub.troubled(site.clock.now) == []


@pytest.mark.parametrize(
    "hub", ["http://127.0.0.2:{port}/hub", "http://10.0.0.1/", "http://169.254.169.254/"]
)
def test_a_hub_at_another_private_address_is_refused(site: PushSite, hub: str) -> None:
    want(site, hub=hub.replace("{port}", str(site.server.port)))
    site.ask()
    assert (one(site).last_error or "").startswith("blocked: the guard refuses")
    assert site.server.requests == []


def test_a_hub_that_has_moved_is_followed(site: PushSite) -> None:
    site.hub.answer(redirect("/new", 308))
    site.server.route("/new", Reply(202))
    want(site)
    site.ask()
    assert one(site).state is SubscriptionState.ASKED
    assert len(site.server.asked("/new")) == 1


def test_a_feed_behind_a_login_is_offered_to_no_hub(site: PushSite) -> None:
    secret = SourceSpec(
        site.server.url("/secret"), options={"allow_private": True, "header.X-Key": "hunter2"}
    )
    source = sources.add(secret, host="127.0.0.1", now=site.clock.now)
    site.publish("one")
    site.server.route("/secret", redirect("/feed", 302))
    (poll,) = site.parts.poll([str(source.id)])
    assert poll.outcome == "ok"
    assert websub.subscriptions() == []


def test_few_are_asked_at_a_time(site: PushSite) -> None:
    specs = [(SourceSpec(f"https://n{n}.example/feed"), f"n{n}.example") for n in range(12)]
    for added in sources.add_all(specs, now=site.clock.now):
        url = added.source.location
        websub.discover(added.source.id, hub=site.hub.url, topic=url, feed_url=url, now=site.clock.now)
    # None of them may reach a private address, so that each request ends at the guard.
    first = site.hubs.subscriber.step()
    assert len(first) == IN_HAND
    for request in first:
        request.result(30)
    assert len(site.hubs.subscriber.step()) == 12 - IN_HAND
    assert site.hubs.subscriber.stop(30) == 0
    assert site.hubs.subscriber.step() == []


def test_what_could_not_be_stored_is_asked_again(
    site: PushSite, database: Database, database_url: str
) -> None:
    locked = threading.Event()

    def late(_: Request) -> Reply:
        assert locked.wait(10)
        return Reply(202)

    site.server.route("/hub", late)
    want(site)
    (request,) = site.hubs.subscriber.step()
    with held(database, database_url):
        locked.set()
        request.result(30)
    assert one(site).state is SubscriptionState.WANTED
    site.hub.answer(Reply(202))
    site.pass_time(11 * MINUTE)
    site.ask()
    assert one(site).state is SubscriptionState.ASKED
