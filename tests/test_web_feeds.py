"""Outgoing feeds: valid by their formats' rules, and read back by our own reader without loss. Pure."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from models.records import ArticleRecord, ArticleSummary, EnclosureRecord, TagRecord
from service.clean import clean
from service.clean.headline import source_title
from service.clean.html import html_lines
from service.clean.text import read_lines, write_text
from service.parse.feed import parse_feed
from service.values import Fetched, ParsedFeed
from service.web.feeds_items import Channel, items_of
from service.web.feeds_json import json_feed
from service.web.feeds_xml import atom, rss

WRITERS = {"atom": atom, "rss": rss, "json": json_feed}
ATOM = "{http://www.w3.org/2005/Atom}"
TAG_URI = re.compile(r"tag:[a-z0-9.-]+,\d{4}(-\d\d){0,2}:[A-Za-z0-9;/?:@&=+$._!~*'()%,-]*")
DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def record(
    title: str, text: str, published: datetime | None, *, number: int = 1, url: str | None = None
) -> ArticleRecord:
    """An article as the catalog gives it."""
    seen = datetime(2026, 3, 10, 12, tzinfo=UTC)
    summary = ArticleSummary(
        id=number, title=title, title_made=False, url=url, published_at=published, precision=None,
        seen_at=seen, source_id=1, source="Desk", language="en", tags=(TagRecord("arms", 0.9, 0.5),),
    )  # fmt: skip
    return ArticleRecord(
        summary=summary, text=text, author="A. Writer", guid=None, key="k", content_hash="1:x",
        date_origin=None, categories=("World",), enclosures=(EnclosureRecord("https://a.example/s.mp3"),),
        cuts=(), revisions=(), tags=summary.tags, updated_at=None, vanished_at=None,
    )  # fmt: skip


def written(form: str, *found: ArticleRecord) -> str:
    """A feed of articles."""
    items = items_of(found, "0" * 32, lambda number: f"http://here.example/articles/{number}")
    address = f"http://here.example/feeds/query.{form}"
    channel = Channel(
        "tag:a.example,2026:x", "A & B <C>", "What it is.", address, "http://here.example/", items
    )
    return WRITERS[form](channel)


def read(text: str, form: str) -> ParsedFeed:
    """As another Wirewatch reads it."""
    address = f"http://here.example/feeds/query.{form}"
    return parse_feed(Fetched(address, address, text.encode(), "application/octet-stream"))


# -- valid ---------------------------------------------------------------------------------------------


def check_atom(text: str) -> None:
    """RFC 4287: what a feed and its entries must have, and once."""
    feed = etree.fromstring(text.encode())
    assert feed.tag == f"{ATOM}feed"
    for holder in (feed, *feed.iterfind(f"{ATOM}entry")):
        for name in ("id", "title", "updated"):
            assert len(holder.findall(ATOM + name)) == 1, name
        assert TAG_URI.fullmatch(holder.findtext(f"{ATOM}id"))
        assert DATE.fullmatch(holder.findtext(f"{ATOM}updated"))
        rels = [(one.get("rel"), one.get("type")) for one in holder.iterfind(f"{ATOM}link")]
        assert len({one for one in rels if one[0] == "alternate"}) == 1
    assert feed.find(f"{ATOM}author/{ATOM}name") is not None
    assert feed.find(f"{ATOM}link[@rel='self']").get("href").startswith("http://")
    ids = [one.text for one in feed.iterfind(f"{ATOM}entry/{ATOM}id")]
    assert len(ids) == len(set(ids))
    updated = [one.text for one in feed.iterfind(f"{ATOM}entry/{ATOM}updated")]
    assert feed.findtext(f"{ATOM}updated") == max(updated, default="1970-01-01T00:00:00Z")


def check_rss(text: str) -> None:
    """RSS 2.0 and its best practices."""
    root = etree.fromstring(text.encode())
    assert (root.tag, root.get("version")) == ("rss", "2.0")
    [channel] = root
    for name in ("title", "link", "description", "lastBuildDate"):
        assert len(channel.findall(name)) == 1, name
    assert channel.find(f"{ATOM}link").get("rel") == "self"
    for item in channel.iterfind("item"):
        assert item.find("guid").get("isPermaLink") == "false"
        assert TAG_URI.fullmatch(item.findtext("guid"))
        assert len(item.findall("title")) == len(item.findall("description")) == 1
        assert len(item.findall("enclosure")) <= 1
        for one in item.iterfind("enclosure"):
            assert one.get("url").startswith("http")
            assert one.get("length").isdecimal()
            assert "/" in one.get("type")
    for one in (*root.iter("pubDate"), *root.iter("lastBuildDate")):
        assert re.fullmatch(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT", one.text), one.text
        assert parsedate_to_datetime(one.text).tzinfo is not None


def check_json(text: str) -> None:
    """JSON Feed 1.1."""
    feed = json.loads(text)
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert feed["title"]
    assert feed["feed_url"].startswith("http://")
    assert len({one["id"] for one in feed["items"]}) == len(feed["items"])
    for one in feed["items"]:
        assert TAG_URI.fullmatch(one["id"])
        assert one["content_html"]
        assert all(DATE.fullmatch(one[key]) for key in ("date_published", "date_modified") if key in one)
        assert all(one["url"] and one["mime_type"] for one in one.get("attachments", ()))
        assert all(key.startswith("_") or key in JSON_KEYS for key in one)


JSON_KEYS = {
    "id", "url", "title", "content_html", "date_published", "date_modified", "tags", "authors", "language",
    "attachments",
}  # fmt: skip
CHECKS = {"atom": check_atom, "rss": check_rss, "json": check_json}
anything = st.text(st.characters(), max_size=80)
moments = st.none() | st.datetimes(timezones=st.just(UTC))


@settings(max_examples=40, deadline=None)
@given(found=st.lists(st.tuples(anything, anything, moments, anything), max_size=3))
def test_whatever_is_stored_the_feed_is_valid(
    found: list[tuple[str, str, datetime | None, str]],
) -> None:
    made = [
        record(title, text, published, number=n, url=url)
        for n, (title, text, published, url) in enumerate(found, 1)
    ]
    for form, check in CHECKS.items():
        check(written(form, *made))


# -- read back -----------------------------------------------------------------------------------------

# What our own cleaning leaves of anything: titles and texts as they are stored.
letters = st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Co", "Cn"], exclude_characters="\xa0")
sentences = st.text(letters | st.sampled_from("<>&\"' ;#/ab\n"), min_size=1, max_size=60)
titles = sentences.map(lambda text: source_title(text, is_html=False)).filter(bool)
bodies = st.lists(sentences, min_size=1, max_size=4).map(
    lambda parts: write_text(read_lines("\n\n".join(parts)))
)
seconds = moments.filter(lambda one: one is None or 1900 < one.year < 2026)


def plain(title: str) -> str:
    """A title without what any reader takes for an entity or for text of another encoding."""
    return re.sub(r"&(?=#?\w)|[\x80-\xff]", "", title)


@settings(max_examples=60, deadline=None)
@given(title=titles, text=bodies, published=seconds)
def test_our_own_reader_reads_it_back_without_loss(title: str, text: str, published: datetime | None) -> None:
    published = published.replace(microsecond=0) if published else None
    title = source_title(plain(title), is_html=False) or "Title"
    address = "https://paper.example/a?b=1&c=%C3%A9"
    sent = record(title, text, published, url=address)
    for form in WRITERS:
        [entry] = read(written(form, sent), form).entries
        got = clean(entry, fetched_at=datetime(2026, 6, 1, tzinfo=UTC))
        assert got.title == title, form
        assert got.url == address
        assert got.author == "A. Writer"
        assert entry.guid == f"tag:wirewatch.internal,2026:{'0' * 32}/article/1"
        assert got.categories == ("arms", "World")
        assert [one.url for one in got.enclosures] == ["https://a.example/s.mp3"]
        if published is not None or form == "rss":
            assert got.published_at == published, form
        assert write_text(html_lines(entry.content or entry.summary or "")) == text, form
