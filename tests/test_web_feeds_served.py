"""Outgoing feeds over real HTTP, and another Wirewatch that follows them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest

from models import catalog, labels
from models.database import Database, open_database
from models.records import ArticleFilter
from service.parse.discovery import find_feeds
from service.web.feeds_names import FORMATS
from tests import web_samples as samples
from tests.daemon_process import ask
from tests.test_web_feeds import CHECKS
from tests.web_api import serving_api
from tests.web_site import Site


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Database]:
    """What is followed."""
    with samples.library(tmp_path / "followed.db") as database:
        yield database


@pytest.fixture
def site(library: Database) -> Iterator[Site]:
    with serving_api(library) as running:
        yield running


@pytest.mark.parametrize("form", FORMATS)
def test_every_topic_and_every_query_is_a_valid_feed(site: Site, form: str) -> None:
    for path in (
        f"/feeds/topic/sanctions.{form}",
        f"/feeds/query.{form}",
        f"/feeds/query.{form}?q={quote('embargo OR topic:arms')}&limit=2",
        f"/feeds/query.{form}?q=zeppelin",
    ):
        answer = site.get(path)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == FORMATS[form]
        CHECKS[form](answer.text)
        assert f"{site.url}{path}".replace("&", "&amp;" if form != "json" else "&") in answer.text.replace(
            "+", "%20"
        )
    whole = site.get(f"/feeds/query.{form}").text
    if form != "json":  # whose titles are plain text
        assert "<script" not in whole
    assert "<img" not in whole
    assert "javascript:" not in whole
    # An article that has no address of its own leads to its page here.
    assert f"{site.url}/articles/" in whole


def test_a_feed_is_not_sent_twice(site: Site, library: Database) -> None:
    path = "/feeds/topic/diplomacy.atom"
    first = site.get(path)
    for headers in (
        {"If-None-Match": first.headers["etag"]},
        {"If-Modified-Since": first.headers["last-modified"]},
        {"If-None-Match": first.headers["etag"], "If-Modified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"},
    ):
        again = site.get(path, headers=headers)
        assert (again.status_code, again.content) == (304, b""), headers
    for headers in (
        {"If-None-Match": '"other"', "If-Modified-Since": first.headers["last-modified"]},
        {"If-Modified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"},
        {"If-Modified-Since": "soon"},
    ):
        assert site.get(path, headers=headers).status_code == 200, headers
    # An old article that gets the topic later is news to who asks by date alone.
    [plain] = catalog.search("timetable").articles
    labels.set_verdict(plain.id, "diplomacy", 1, "ann", samples.NOW + timedelta(hours=1))
    later = site.get(path, headers={"If-Modified-Since": first.headers["last-modified"]})
    assert later.status_code == 200
    assert "Ferry timetable" in later.text


@pytest.mark.parametrize(
    ("path", "status", "reason"),
    [
        ("/feeds/topic/weather.atom", 404, "No topic"),
        ("/feeds/topic/arms.pdf", 404, "ends in .atom"),
        ("/feeds/topic/arms", 404, "No page"),
        ("/feeds/query.atom?q=topik:x", 400, "there is no condition"),
        ("/feeds/query.atom?q=topic:weather", 404, "there is no topic"),
        ("/feeds/query.atom?limit=201", 400, "from 1 to 200"),
        ("/feeds/query.rss?q=%00", 400, "control character"),
        ("/feeds/query.json?since=7d", 400, "is not a parameter"),
        ("/feeds/topic/arms.rss?q=x", 400, "is not a parameter"),
        ("/feeds/query.atom?q=" + "a" * 2_001, 400, "at most 2,000"),
        ("/feeds/", 404, "No page"),
    ],
)
def test_what_is_no_feed_is_told_so(site: Site, path: str, status: int, reason: str) -> None:
    answer = site.get(path)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert reason in answer.json()["detail"]
    if status == 404:
        return
    posted = site.client.post(path.partition("?")[0])
    assert (posted.status_code, posted.headers["allow"]) == (405, "GET, HEAD")


def test_the_list_of_articles_says_where_its_feed_is(site: Site) -> None:
    """So that readers find it by the address of the page, as `service.parse.discovery` does."""
    for query in ("", "?q=topic%3Aarms+-embargo"):
        page = site.get(f"/{query}")
        found = find_feeds(page.text, f"{site.url}/{query}")
        assert [one.url for one in found][:1] == [f"{site.url}/feeds/query.atom{query}"]
        assert site.get(found[0].url).status_code == 200


def test_addresses_are_those_that_people_reach_it_by(library: Database) -> None:
    with serving_api(library, public_url="https://news.example.org/wire/") as site:
        text = site.get("/feeds/topic/arms.atom").text
        assert 'href="https://news.example.org/wire/feeds/topic/arms.atom"' in text
        assert "127.0.0.1" not in text


def test_another_wirewatch_follows_them(site: Site, tmp_path: Path) -> None:
    """By its own commands, in a process of its own, over the network; once more brings nothing new."""
    own = {"WIREWATCH_SCHEDULE_WORKERS": "1", "WIREWATCH_HTTP_GAP": "0s"}
    addresses = [f"{site.url}/feeds/query.{form}?q=topic:diplomacy" for form in FORMATS]
    ask("sources", "add", *addresses, "--allow-private", "--no-check", home=tmp_path, extra=own)
    for new in (6, 0):
        polled = ask("poll", "*", "--force", home=tmp_path, extra=own)
        assert [one["outcome"] for one in polled] == ["ok"] * 3, polled
        assert sum(one["new"] + one["duplicates"] for one in polled) == new, polled
        assert sum(one["changed"] for one in polled) == 0, polled
    sent = catalog.search("topic:diplomacy").articles
    database = open_database(tmp_path / "data" / "wirewatch" / "wirewatch.db")
    try:
        found = list(catalog.stream(ArticleFilter(duplicates=True)))
    finally:
        database.close()
        open_database(tmp_path / "followed.db")
    assert sorted((one.summary.title, one.summary.published_at) for one in found) == sorted(
        (one.title, one.published_at) for one in sent for _ in FORMATS
    )
    for one in found:
        [original] = [other for other in sent if other.title == one.summary.title]
        whole = catalog.get(original.id)
        assert (one.text, one.author) == (whole.text, whole.author)
        assert one.summary.url == original.url or original.url is None
        assert {tag.topic for tag in original.tags} | set(whole.categories) == set(one.categories)
