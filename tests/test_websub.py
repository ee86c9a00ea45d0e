"""The whole way of WebSub: a feed that names a hub, a hub on loopback, the real parts and the real page."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from models import catalog, sources, websub
from models.database import Database
from models.records import ArticleFilter, SourceKind
from models.websub import SubscriptionState
from service.workers import Workers
from tests.hub import CHALLENGE, PUBLIC, PushSite, form_of, one_worker, push_site, rss
from tests.server import Reply, encoded
from tests.storage import check_index, check_summaries

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workers]:
    with one_worker(tmp_path_factory.mktemp("worker")) as running:
        yield running


@pytest.fixture
def site(database: Database, tmp_path: Path, workers: Workers) -> Iterator[PushSite]:
    with push_site(database, tmp_path, workers) as running:
        yield running


@pytest.fixture
def settled(site: PushSite) -> PushSite:
    """A site whose feed's subscription is verified."""
    site.subscribe()
    return site


only_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def titles() -> list[str]:
    return sorted(one.title for one in catalog.find(ArticleFilter(limit=100, duplicates=True)).articles)


def one(site: PushSite) -> websub.Subscription:
    found = websub.of_source(site.source.id)
    assert found is not None
    return found


def pause_to_next_poll(site: PushSite) -> timedelta:
    due = sources.get(site.source.id).next_poll_at
    assert due is not None
    return due - site.clock.now


def test_from_the_feed_to_its_deliveries(site: PushSite, database: Database) -> None:
    site.publish("one")
    assert site.ask() == []  # nothing is known of a hub before the feed was read
    assert site.poll().new == 1
    (form,) = site.ask()
    known = one(site)
    assert form == {
        "hub.mode": "subscribe",
        "hub.topic": site.feed,
        "hub.callback": f"{PUBLIC}/websub/{known.token}",
        "hub.secret": known.secret,
        "hub.lease_seconds": str(10 * 86_400),
        "hub.verify": "async",
    }
    assert (known.state, known.lease_until) == (SubscriptionState.ASKED, None)
    answer = site.hub.verify(form, lease_seconds="86400")
    assert (answer.status_code, answer.text) == (200, CHALLENGE)
    assert answer.headers["content-type"].startswith("text/plain")
    assert one(site).lease_until == site.clock.now + DAY
    assert site.ask() == []

    assert site.hub.deliver(form, rss("two", "one")).status_code == 202
    assert site.hubs.inbox.settle(30) == 0
    assert titles() == ["Council on one", "Council on two"]
    pushed = next(one for one in catalog.find(ArticleFilter()).articles if one.title == "Council on two")
    assert [tag.topic for tag in pushed.tags] == ["sanctions"]
    assert pushed.url == site.server.url("/two")  # as the feed's own links
    assert (one(site).deliveries, one(site).articles) == (1, 1)

    site.publish("two", "one")
    poll = site.poll()
    assert (poll.new, poll.changed, poll.duplicates, poll.seen) == (0, 0, 0, 2)
    check_summaries(database)
    check_index(database)
    (delivered,) = [one for one in sources.polls(site.source.id) if one.outcome == "pushed"]
    assert (delivered.new, delivered.seen, delivered.bytes) == (1, 2, len(rss("two", "one")))
    counted = site.parts.tally.counted()
    assert counted.polls == {(SourceKind.FEED, "ok"): 2, (SourceKind.FEED, "pushed"): 1}
    assert counted.articles[SourceKind.FEED, "new"] == 2
    assert counted.looks[SourceKind.FEED].count == 2  # a delivery is no look
    assert sources.get(site.source.id).recent == "++."


@only_sqlite
def test_what_is_delivered_and_polled_is_stored_once(settled: PushSite) -> None:
    (form,) = settled.hub.asked()
    for body in (rss("two"), rss("two"), rss("two", "three"), rss("one")):
        assert settled.hub.deliver(form, body).status_code == 202
    settled.publish("three", "two", "one")
    assert settled.hubs.inbox.settle(30) == 0
    assert settled.poll().new == 0
    assert titles() == ["Council on one", "Council on three", "Council on two"]
    assert settled.hub.deliver(form, rss("two", text="It lifted sanctions.")).status_code == 202
    settled.hubs.inbox.settle(30)
    assert one(settled).articles == 3
    assert catalog.get(2).revisions  # an edit is one, whichever way it came


@only_sqlite
def test_polls_become_rare_once_the_hub_has_shown_that_it_delivers(settled: PushSite) -> None:
    (form,) = settled.hub.asked()
    usual = pause_to_next_poll(settled)
    assert usual < 3 * HOUR
    settled.publish("two", "one")
    settled.poll()
    assert pause_to_next_poll(settled) < 3 * HOUR  # verified, but nothing came of it yet
    settled.hub.deliver(form, rss("three"))
    settled.hubs.inbox.settle(30)
    settled.publish("three", "two", "one")
    settled.poll()
    assert 6 * HOUR <= pause_to_next_poll(settled) <= 6 * HOUR * 1.1  # the safety net, and its jitter
    settled.publish("four", "three", "two", "one")
    assert settled.poll().new == 1  # missed by the hub
    assert pause_to_next_poll(settled) < 3 * HOUR
    settled.hub.deliver(form, rss("five"))
    settled.hubs.inbox.settle(30)
    settled.pass_time(10 * DAY)  # the lease has ended
    settled.poll()
    assert not websub.pushes(settled.source.id, settled.clock.now)


@only_sqlite
def test_the_state_of_polling_is_not_the_hubs_to_change(settled: PushSite) -> None:
    (form,) = settled.hub.asked()
    before = sources.get(settled.source.id)
    other = rss("two", hub="https://elsewhere.example/", topic="https://elsewhere.example/feed").replace(
        b"<title>Wire</title>", b"<title>Mine</title><ttl>100000</ttl>"
    )
    settled.hub.deliver(form, other)
    settled.hubs.inbox.settle(30)
    after = sources.get(settled.source.id)
    assert after.article_count == 2
    unchanged = ("title", "etag", "last_modified", "body_hash", "next_poll_at", "full_fetch_at", "entries")
    assert [getattr(after, name) for name in unchanged] == [getattr(before, name) for name in unchanged]
    assert one(settled).hub == settled.hub.url


@only_sqlite
@pytest.mark.parametrize("coding", ["gzip", "br", "zstd", "deflate", "gzip, br"])
def test_deliveries_come_in_every_coding(settled: PushSite, coding: str) -> None:
    (form,) = settled.hub.asked()
    body = encoded(rss("two"), coding)
    assert settled.hub.deliver(form, body, headers={"Content-Encoding": coding}).status_code == 202
    settled.hubs.inbox.settle(30)
    assert titles() == ["Council on one", "Council on two"]


@only_sqlite
def test_a_delivery_that_cannot_be_read_has_the_feed_looked_at(settled: PushSite) -> None:
    (form,) = settled.hub.asked()
    bomb = gzip.compress(bytes(20_000_000))
    for number, (body, headers, said) in enumerate(
        [
            (b"", {}, "empty"),
            (b"<html><body>Log in</body></html>", {}, "not_a_feed"),
            (bomb, {"Content-Encoding": "gzip"}, "too_large"),
            (rss("two"), {"Content-Encoding": "gzip, unknown"}, "malformed"),
            (gzip.compress(rss("two"))[:-20], {"Content-Encoding": "gzip"}, "malformed"),
        ],
        1,
    ):
        assert settled.hub.deliver(form, body, headers=headers).status_code == 202
        settled.hubs.inbox.settle(30)
        assert one(settled).unreadable == number
        assert said in (one(settled).last_error or "")
        newest = sources.polls(settled.source.id)[0]
        assert (newest.outcome, newest.problems) == ("pushed", 1)
        assert said in (newest.detail or "")
    assert sources.get(settled.source.id).last_reason is None
    assert titles() == ["Council on one"]
    assert pause_to_next_poll(settled) > timedelta()  # it was looked at just now
    settled.pass_time(HOUR / 2)
    settled.hub.deliver(form, b"")
    settled.hubs.inbox.settle(30)
    assert pause_to_next_poll(settled) == timedelta()


@only_sqlite
def test_a_paused_source_takes_nothing_in_and_is_unsubscribed(settled: PushSite) -> None:
    (form,) = settled.hub.asked()
    sources.pause(settled.source.id, "for a while", settled.clock.now)
    assert settled.hub.deliver(form, rss("two")).status_code == 410
    settled.pass_time(timedelta(seconds=20))
    (leaving,) = settled.ask()
    assert leaving["hub.mode"] == "unsubscribe"
    assert leaving["hub.callback"] == form["hub.callback"]
    assert "hub.secret" not in leaving
    assert settled.hub.verify(form).status_code == 404  # a subscription is no longer wanted
    answer = settled.hub.verify(leaving)
    assert (answer.status_code, answer.text) == (200, CHALLENGE)
    assert settled.hub.verify(leaving).status_code == 404
    assert titles() == ["Council on one"]
    sources.resume(settled.source.id, settled.clock.now)
    settled.pass_time(timedelta(seconds=20))
    (again,) = settled.ask()
    assert again["hub.mode"] == "subscribe"
    assert settled.hub.verify(again).status_code == 200
    settled.hub.deliver(again, rss("two"))
    settled.hubs.inbox.settle(30)
    assert titles() == ["Council on one", "Council on two"]


@only_sqlite
def test_a_feed_that_moves_to_another_hub(settled: PushSite) -> None:
    settled.server.route("/other", Reply(202))
    settled.pass_time(DAY)
    settled.publish("one", "two", hub=settled.server.url("/other"))
    settled.poll()
    assert settled.ask() == []  # the old hub is asked nothing yet
    assert len(settled.server.asked("/other")) == 1
    settled.pass_time(timedelta(minutes=11))
    (leaving,) = settled.ask()
    assert leaving["hub.mode"] == "unsubscribe"


@only_sqlite
def test_of_several_hubs_the_next_one_is_asked_where_one_refuses(site: PushSite) -> None:
    hubs = ("ftp://hub.example/", site.hub.url, site.server.url("/other"))
    site.server.route("/other", Reply(202))
    link = ", ".join(f'<{hub}>; rel="hub"' for hub in hubs)
    site.server.route("/feed", Reply(body=rss("one"), headers=[("Link", link)]))
    site.poll()
    (form,) = site.ask()  # the first that is believed
    assert site.hub.deny(form, "not for you").status_code == 200
    site.poll()
    assert site.ask() == []  # a day long: it may be a machine out of step
    site.pass_time(DAY)
    site.poll()
    site.ask()
    (other,) = site.server.asked("/other")
    assert site.hub.verify(form_of(other)).status_code == 200  # whoever calls: the path is the secret
    site.pass_time(DAY)
    site.poll()
    assert one(site).hub == site.server.url("/other")  # and there it stays


@only_sqlite
@pytest.mark.parametrize(
    ("links", "headers"),
    [
        ({"hub": ""}, []),
        ({"topic": "https://victim.example/feed"}, []),
        ({"hub": "ftp://hub.example/"}, []),
        ({}, [("Link", '<https://victim.example/>; rel="self"')]),
    ],
)
def test_feeds_that_offer_nothing_to_believe(
    site: PushSite, links: dict[str, str], headers: list[tuple[str, str]]
) -> None:
    body = rss("one", **{"hub": site.hub.url, "topic": site.feed, **links})
    site.server.route("/feed", Reply(body=body, headers=headers))
    assert site.poll().new == 1
    assert site.ask() == []
    assert websub.subscriptions() == []


@only_sqlite
def test_headers_go_before_what_the_feed_says(site: PushSite) -> None:
    link = f'<{site.hub.url}>; rel="hub", <{site.feed}?canonical>; rel="self"'
    body = rss("one", hub="https://elsewhere.example/", topic=site.feed)
    site.server.route("/feed", Reply(body=body, headers=[("Link", link)]))
    site.poll()
    (form,) = site.ask()
    assert form["hub.topic"] == site.feed + "?canonical"


@only_sqlite
def test_without_a_public_address_there_are_no_hubs(
    database: Database, tmp_path: Path, workers: Workers
) -> None:
    with push_site(database, tmp_path, workers) as site:
        site.parts.settings.websub.__dict__["callback_url"] = None
        del site.parts.__dict__["hubs"]
        site.publish("one")
        assert site.poll().new == 1
        assert site.parts.hubs is None
    assert websub.subscriptions() == []


@only_sqlite
def test_a_delivery_of_a_summary_gets_its_page(database: Database, tmp_path: Path, workers: Workers) -> None:
    said = "The Council met on Tuesday. " * 40
    page = f"<html><head><title>x</title></head><body><article><p>{said}</p></article></body></html>"
    with push_site(database, tmp_path, workers, WIREWATCH_FEEDS_FULL_TEXT="on") as site:
        for name in ("one", "two"):
            site.server.route(f"/{name}", Reply(body=page.encode(), content_type="text/html"))
        form = site.subscribe()
        site.hub.deliver(form, rss("two"))
        assert site.hubs.inbox.settle(30) == 0
        assert catalog.get(2).text.count("on Tuesday") == 40
        assert len(site.server.asked("/two")) == 1
        site.publish("two", "one")
        assert site.poll().changed == 0
        assert len(site.server.asked("/two")) == 1
