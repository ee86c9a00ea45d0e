"""Finding the feeds of a page."""

from __future__ import annotations

import time

from hypothesis import given, settings
from hypothesis import strategies as st

from service.parse.discovery import MAX_FEEDS, FeedLink, find_feeds, well_known

PAGE = b"""<!doctype html><html><head><title>News</title><base href="https://news.example/section/">
<link rel="alternate" type="application/rss+xml" title="Comments Feed" href="/comments/feed/">
<link rel="alternate" type="application/rss+xml" title=" All
  news " href="/feed/#top">
<link rel="alternate" type="application/atom+xml; charset=utf-8" href="atom.xml">
<link rel="alternate" type="application/json+oembed" href="/oembed?x">
<link rel="alternate" type="application/json" href="/wp-json/wp/v2/pages/2">
<link rel="alternate" type="application/feed+json" href="feed.json">
<link rel="alternate" hreflang="de" href="/de/">
<link rel="stylesheet" href="/feed.css">
</head><body>
<a href="/feed/">RSS</a> <a href="/world/rss.xml">World</a> <a href="feed:https://news.example/f.atom">Atom</a>
<a href="/feedback">Tell us</a> <a href="/about">About our feeds</a> <a href="javascript:rss()">rss</a>
<a href="/?feed=rss2">old</a> <a href="mailto:rss@news.example">mail</a>
</body></html>"""


def test_declared_feeds_come_first_and_comments_last() -> None:
    assert find_feeds(PAGE, "https://news.example/") == [
        FeedLink("https://news.example/feed/", "All news", "application/rss+xml"),
        FeedLink("https://news.example/section/atom.xml", None, "application/atom+xml"),
        FeedLink("https://news.example/section/feed.json", None, "application/feed+json"),
        FeedLink("https://news.example/world/rss.xml", "World", None, declared=False),
        FeedLink("https://news.example/f.atom", "Atom", None, declared=False),
        FeedLink("https://news.example/?feed=rss2", "old", None, declared=False),
        FeedLink("https://news.example/comments/feed/", "Comments Feed", "application/rss+xml"),
    ]


def test_a_page_without_feeds() -> None:
    assert find_feeds(b"", "https://news.example/") == []
    assert find_feeds(b"<p>nothing", "https://news.example/") == []
    assert (
        find_feeds(b'<link rel="alternate" type="application/rss+xml" href="http://[">', "https://a.example/")
        == []
    )


def test_pages_of_links_are_bounded() -> None:
    page = b"".join(b'<a href="/%d/rss.xml">x</a>' % number for number in range(100_000))
    began = time.process_time()
    assert len(find_feeds(page, "https://news.example/")) == MAX_FEEDS
    find_feeds(b"<div>" * 200_000 + PAGE, "https://news.example/")
    assert time.process_time() - began < 10


@settings(deadline=None)
@given(st.text(max_size=200), st.text(max_size=30))
def test_no_page_makes_it_fail(html: str, url: str) -> None:
    for link in find_feeds(f'<a href="{html}/rss.xml">{html}</a>', url):
        assert link.url.startswith(("http://", "https://"))
    well_known(url)


def test_the_usual_places() -> None:
    places = well_known("https://news.example/world/index.html?x=1#y")
    assert places[0] == "https://news.example/world/feed"
    assert "https://news.example/feed" in places
    assert "https://news.example/rss.xml" in places
    assert len(places) == len(set(places)) < 30
    assert well_known("https://news.example")[0] == "https://news.example/feed"
    assert well_known("https://ann:secret@news.example:8443/")[0] == "https://news.example:8443/feed"
    assert well_known("mailto:ann@news.example") == []
    assert well_known("http://[") == []


def test_hosts_that_keep_feeds_in_one_place() -> None:
    for page, feed in (
        (
            "https://www.youtube.com/channel/UC1_x-2",
            "https://www.youtube.com/feeds/videos.xml?channel_id=UC1_x-2",
        ),
        ("https://www.reddit.com/r/worldnews/top", "https://www.reddit.com/r/worldnews/.rss"),
        ("https://github.com/ann/tool/issues", "https://github.com/ann/tool/releases.atom"),
        ("https://medium.com/@ann/post-1", "https://medium.com/feed/@ann"),
    ):
        assert well_known(page)[0] == feed
