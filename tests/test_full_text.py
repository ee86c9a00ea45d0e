"""Feeds of summaries get their pages' texts: a real server, real workers, a real database."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from models import catalog, open_database, pages, sources
from models.database import Database, current
from models.records import ArticleFilter, ArticleRecord, PollRecord, SourceSpec
from service import full_text
from service.application import Application
from service.settings import load_settings
from service.tagging import load_topics
from service.workers import Workers
from tests.server import Reply, Server, redirect

START = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SUMMARY = "Delegate {n} told the council that the talks on item {n} had made some progress this week."
BODY = (
    "Delegate {n} told the council on Tuesday that the talks on item {n} had made some progress this week, "
    "after months in which hardly anything had moved.\n\n"
    "The sanctions regime was renewed for a year. The panel of experts reported that the arms embargo had "
    "been broken at least {n} times, and named the ships and companies that took part in it.\n\n"
    "Diplomats said that the ambassador would travel to the capital for further negotiations on a treaty.\n\n"
    "The council takes the matter up again in the spring, its president said after the closed meeting."
)


def rss(*numbers: int, edited: str = "", link: str = "/item/{n}") -> bytes:
    items = "".join(
        f"<item><guid isPermaLink='false'>g{n}</guid><title>Talks on item {n} make progress</title>"
        f"<link>{link.format(n=n)}</link><pubDate>Tue, 24 Nov 2026 0{n % 10}:00:00 GMT</pubDate>"
        f"<description>{SUMMARY.format(n=n)}{edited}</description></item>"
        for n in numbers
    )
    return (
        f"<?xml version='1.0'?><rss version='2.0'><channel><title>F</title>{items}</channel></rss>".encode()
    )


def page(number: int, *, more: str = "") -> Reply:
    paragraphs = "".join(f"<p>{part}</p>" for part in (BODY.format(n=number) + more).split("\n\n"))
    html = (
        f"<!doctype html><html lang=en><head><title>Talks on item {number} make progress</title></head><body>"
        f"<nav><a href=/>Home</a></nav><article><h1>Talks on item {number} make progress</h1>{paragraphs}"
        "</article><footer>Imprint</footer></body></html>"
    )
    return Reply(body=html.encode(), content_type="text/html; charset=utf-8")


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    """One worker process for all tests: to start one takes longer than most of them."""
    with Workers(load_topics(None), processes=1) as running:
        yield running


class World:
    """A feed, its pages, and a Wirewatch that polls it when a test says so."""

    def __init__(
        self,
        workers: Workers,
        server: Server,
        folder: Path,
        environ: Mapping[str, str] | None = None,
        options: Mapping[str, str | bool] | None = None,
    ) -> None:
        self.server = server
        self.now = START
        usual = {"WIREWATCH_HTTP_GAP": "0s", "HOME": str(folder)}
        settings = load_settings(None, usual | dict(environ or {}), folder)
        self.application = Application(settings, current(), clock=lambda: self.now)
        self.application.__dict__["workers"] = workers
        self.application.publish_topics()
        own: dict[str, str | int | float | bool] = {"allow_private": True, "full_text": "auto"}
        spec = SourceSpec(server.url("/feed.xml"), options=own | dict(options or {}))
        self.source = sources.add(spec, host="", now=START)
        server.route("/robots.txt", Reply(404))

    def feed(self, *numbers: int, **more: str) -> None:
        link = self.server.url(more.pop("link", "/item/{n}"))
        self.server.route("/feed.xml", Reply(body=rss(*numbers, link=link, **more)))

    def poll(self, *, after: timedelta = timedelta()) -> PollRecord:
        self.now += after
        self.server.requests.clear()
        (record,) = self.application.poll([str(self.source.id)], force=False)
        return record

    def asked(self) -> list[str]:
        """What the last poll fetched besides the feed and the rules."""
        return sorted(
            one.path for one in self.server.requests if one.path not in ("/feed.xml", "/robots.txt")
        )

    def article(self, number: int) -> ArticleRecord:
        found = catalog.find(ArticleFilter(duplicates=True, limit=200)).articles
        (one,) = [one for one in found if f"item {number} " in one.title]
        return catalog.get(one.id)

    def topics(self, number: int) -> set[str]:
        return {tag.topic for tag in self.article(number).tags}


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.fixture
def sqlite(migrated_sqlite: Path, tmp_path: Path) -> Iterator[Database]:
    """A fresh database; what both engines do is tested with the storage."""
    shutil.copyfile(migrated_sqlite, tmp_path / "wirewatch.db")
    opened = open_database(tmp_path / "wirewatch.db")
    yield opened
    opened.close()


@pytest.fixture
def world(sqlite: Database, workers: Workers, server: Server, tmp_path: Path) -> Iterator[World]:
    one = World(workers, server, tmp_path)
    yield one
    one.application.close()


def test_both_engines_keep_the_text_of_a_page(
    database: Database, workers: Workers, server: Server, tmp_path: Path
) -> None:
    world = World(workers, server, tmp_path)
    try:
        world.feed(1)
        server.route("/item/1", page(1))
        assert world.poll().new == 1
        assert world.poll(after=HOUR).changed == 0
        assert world.article(1).text == BODY.format(n=1)
    finally:
        world.application.close()


def test_new_entries_get_the_text_of_their_pages_once(world: World) -> None:
    world.feed(1, 2)
    for number in (1, 2, 3):
        world.server.route(f"/item/{number}", page(number))
    assert world.poll().new == 2
    assert world.asked() == ["/item/1", "/item/2"]
    agents = {request.headers["user-agent"] for request in world.server.requests}
    assert len(agents) == 1
    assert world.server.requests[-1].headers["accept"].startswith("text/html")

    article = world.article(1)
    assert article.text == BODY.format(n=1)
    assert {"sanctions", "diplomacy"} <= world.topics(1)  # of which the summary says nothing
    looked = pages.get(article.summary.id)
    assert looked is not None
    assert (looked.taken, looked.url) == (True, world.server.url("/item/1"))

    world.feed(1, 2, 3)
    record = world.poll(after=HOUR)
    assert (record.new, record.changed, record.problems) == (1, 0, 0)
    assert world.asked() == ["/item/3"]
    assert not world.article(1).revisions


def test_an_edited_entry_has_its_page_read_again(world: World) -> None:
    world.feed(1)
    world.server.route("/item/1", page(1))
    world.poll()
    world.server.route("/item/1", page(1, more="\n\nCorrection: it was Monday."))
    world.feed(1, edited=" Corrected.")
    assert world.poll(after=2 * HOUR).changed == 1
    article = world.article(1)
    assert article.text.endswith("Correction: it was Monday.")
    assert [one.text for one in article.revisions] == [BODY.format(n=1)]
    assert world.poll(after=2 * HOUR).changed == 0
    assert world.asked() == []


def test_a_page_that_fails_costs_no_entry_and_is_tried_again_where_that_may_help(world: World) -> None:
    world.feed(1, 2, 3)
    world.server.route("/item/1", Reply(503), page(1))
    world.server.route("/item/2", Reply(404))
    world.server.route("/item/3", page(3))
    record = world.poll()
    assert (record.new, record.problems) == (3, 1)
    assert "2 of 3 pages gave no text" in (record.detail or "")
    assert world.article(1).text == SUMMARY.format(n=1)
    assert world.article(2).text == SUMMARY.format(n=2)
    reasons = {n: pages.get(world.article(n).summary.id) for n in (1, 2)}
    assert [one and (one.reason, one.taken) for one in reasons.values()] == [
        ("http_5xx", False), ("not_found", False),
    ]  # fmt: skip

    world.poll(after=HOUR / 2)
    assert world.asked() == []
    assert world.poll(after=HOUR / 2).changed == 1  # the whole feed is read again, for the entry's sake
    assert world.asked() == ["/item/1"]
    assert world.article(1).text == BODY.format(n=1)
    assert "sanctions" in world.topics(1)
    world.poll(after=24 * HOUR)
    assert world.asked() == []


def test_what_the_feed_no_longer_shows_is_given_up(world: World) -> None:
    world.feed(1)
    world.server.route("/item/1", Reply(503))
    world.server.route("/item/2", page(2))
    world.poll()
    world.feed(2)
    world.poll(after=HOUR)
    assert world.asked() == ["/item/2"]
    assert pages.due(world.source.id, world.now) == []


def test_robots_are_honoured(world: World) -> None:
    rules = b"User-agent: *\nDisallow: /item/2\n"
    world.server.route("/robots.txt", Reply(body=rules, content_type="text/plain"))
    world.feed(1, 2)
    world.server.route("/item/1", page(1))
    world.server.route("/item/2", page(2))
    world.poll()
    assert world.asked() == ["/item/1"]
    looked = pages.get(world.article(2).summary.id)
    assert looked is not None
    assert (looked.reason, looked.detail) == (
        "robots", "the site's robots.txt asks programs not to fetch it",
    )  # fmt: skip
    assert world.article(2).text == SUMMARY.format(n=2)


def test_a_poll_takes_so_many_pages_and_the_next_ones_the_rest(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(full_text, "MAX_PAGES", 3)
    numbers = range(1, 9)
    world.feed(*numbers)
    for number in numbers:
        world.server.route(f"/item/{number}", page(number))
    asked = []
    for _ in range(4):
        world.poll(after=HOUR)
        asked.append(world.asked())
    assert [len(one) for one in asked] == [3, 3, 2, 0]
    assert len({path for paths in asked for path in paths}) == 8
    assert all(world.article(n).text == BODY.format(n=n) for n in numbers)


def test_a_host_that_fails_is_not_asked_for_all_its_pages(world: World) -> None:
    numbers = range(1, 10)
    world.feed(*numbers)
    for number in numbers:
        world.server.route(f"/item/{number}", Reply(503))
    assert world.poll().new == 9
    assert 3 <= len(world.asked()) <= 6  # three failures, and what was under way by then


def test_whatever_a_page_is_the_entry_is_kept(world: World) -> None:
    sign_in = b"<!doctype html><title>Sign in</title><form><p>Sign in to continue.</p></form>"
    replies = [
        Reply(body=sign_in, content_type="text/html"),
        Reply(body=b"%PDF-1.4 broken", content_type="application/pdf"),
        Reply(body=b"\x89PNG\r\n\x1a\n" + b"\x00" * 5000, content_type="image/png"),
        redirect("/item/4"),
        Reply(body=b"x" * 100, cut=10),
        Reply(body=rss(*range(5)), content_type="application/rss+xml"),
    ]
    world.feed(*range(1, 7))
    for number, reply in enumerate(replies, 1):
        world.server.route(f"/item/{number}", reply)
    assert world.poll().new == 6
    reasons = []
    for number in range(1, 7):
        article = world.article(number)
        assert article.text == SUMMARY.format(n=number)
        looked = pages.get(article.summary.id)
        assert looked is not None
        assert not looked.taken
        reasons.append(looked.reason)
    assert reasons[0] == "empty"
    assert reasons[2:] == ["not_text", "redirect", "broken", "unsupported"]


def test_a_feed_leads_to_no_place_that_its_source_may_not_reach(
    sqlite: Database, workers: Workers, server: Server, tmp_path: Path
) -> None:
    """Only one address is allowed; a page on another of the same machine is refused by the guard."""
    allowed = {"WIREWATCH_HTTP_ALLOW_PRIVATE_NETWORKS": "127.0.0.1/32"}
    world = World(workers, server, tmp_path, allowed, {"allow_private": False})
    try:
        inside = server.url("/item/1", host="127.0.0.2")
        server.route("/feed.xml", Reply(body=rss(1, link=inside)))
        assert world.poll().new == 1
        looked = pages.get(world.article(1).summary.id)
        assert looked is not None
        assert looked.reason == "blocked"
        assert "127.0.0.2 is loopback" in (looked.detail or "")
    finally:
        world.application.close()


def test_secrets_go_to_the_feeds_own_origin_only(
    sqlite: Database, workers: Workers, server: Server, tmp_path: Path
) -> None:
    password = tmp_path / "password"
    password.write_text("hunter2")
    secrets: dict[str, str | bool] = {"username": "me", "password_file": str(password), "header.X-Key": "1"}
    world = World(workers, server, tmp_path, options=secrets)
    with Server() as other:
        try:
            other.route("/item/2", page(2))
            server.route("/item/1", page(1))
            items = rss(1, link=server.url("/item/1")).replace(b"</channel>", b"")
            more = rss(2, link=other.url("/item/2")).partition(b"<title>F</title>")[2]
            server.route("/feed.xml", Reply(body=items.replace(b"</rss>", b"") + more))
            assert world.poll().new == 2
            (own,) = [one for one in server.requests if one.path == "/item/1"]
            assert own.headers["authorization"].startswith("Basic ")
            assert own.headers["x-key"] == "1"
            assert {one.path for one in other.requests} == {"/robots.txt", "/item/2"}
            for request in other.requests:
                assert not {"authorization", "x-key"} & set(request.headers)
        finally:
            world.application.close()


def test_off_is_off(sqlite: Database, workers: Workers, server: Server, tmp_path: Path) -> None:
    off = World(workers, server, tmp_path, options={"full_text": "off"})
    try:
        off.feed(1)
        off.server.route("/item/1", page(1))
        assert off.poll().new == 1
        assert off.asked() == []
        assert pages.get(off.article(1).summary.id) is None
    finally:
        off.application.close()
