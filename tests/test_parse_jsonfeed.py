"""JSON Feed 1.0 and 1.1."""

from __future__ import annotations

import json
from typing import Any

import pytest

from service.errors import ParseFailure
from service.parse.feed import parse_feed
from service.parse.limits import MAX_ENTRIES
from service.values import Enclosure, Fetched, ParsedFeed, Reason

URL = "https://news.example/feed.json"


def parse(document: Any) -> ParsedFeed:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return parse_feed(Fetched(url=URL, final_url=URL, body=body, content_type="application/feed+json"))


def refusal(document: Any) -> Reason:
    with pytest.raises(ParseFailure) as caught:
        parse(document)
    return caught.value.reason


FEED: dict[str, Any] = {
    "version": "https://jsonfeed.org/version/1.1",
    "title": "News",
    "home_page_url": "https://news.example/",
    "feed_url": URL,
    "language": "en",
    "hubs": [{"type": "WebSub", "url": "https://hub.example/"}],
    "authors": [{"name": "The desk"}],
    "items": [
        {
            "id": 17,
            "url": "/17",
            "title": "A title",
            "content_html": "<p>Hello</p>",
            "content_text": "Hello",
            "summary": "Hi",
            "date_published": "2024-01-01T10:00:00Z",
            "date_modified": "2024-01-02T10:00:00Z",
            "authors": [{"name": "Ann"}, {"url": "https://bob.example/"}],
            "tags": ["arms", " ", 5, "arms"],
            "attachments": [
                {"url": "https://news.example/17.mp3", "mime_type": "audio/mpeg", "size_in_bytes": 9}
            ],
            "language": "fr",
        },
        {"id": "18", "external_url": "https://other.example/", "content_text": "a < b"},
        "no item at all",
    ],
}


def test_every_field() -> None:
    feed = parse(FEED)
    assert (feed.title, feed.site_url, feed.language) == ("News", "https://news.example/", "en")
    assert (feed.hubs, feed.self_url, feed.version) == (("https://hub.example/",), URL, "json11")
    first, second = feed.entries
    assert (first.guid, first.link, first.title) == ("17", "/17", "A title")
    assert (first.content, first.content_is_html) == ("<p>Hello</p>", True)
    assert (first.summary, first.summary_is_html) == ("Hi", False)
    assert (first.published, first.updated) == ("2024-01-01T10:00:00Z", "2024-01-02T10:00:00Z")
    assert (first.author, first.categories, first.language) == ("Ann", ("arms",), "fr")
    assert first.enclosures == (Enclosure("https://news.example/17.mp3", "audio/mpeg", 9),)
    assert first.base_url == URL
    assert (second.link, second.content, second.content_is_html) == ("https://other.example/", "a < b", False)
    assert (second.author, second.language) == ("The desk", "en")


@pytest.mark.parametrize(
    ("hubs", "hub"),
    [
        ([{"type": "rssCloud", "url": "https://cloud.example/"}], None),
        (
            [{"type": "rssCloud", "url": "https://cloud.example/"}, {"type": "WEBSUB", "url": "/hub"}],
            "https://news.example/hub",
        ),
        ([{"type": "PubSubHubbub", "url": "https://hub.example/"}], "https://hub.example/"),
        ([{"url": "https://hub.example/"}], "https://hub.example/"),
        ([7, {"type": "WebSub"}, {"type": 7, "url": "https://hub.example/"}], None),
        ([{"type": "x", "url": "https://hub.example/"}] * 10_000, None),
    ],
)
def test_only_hubs_that_speak_websub_count(hubs: list[Any], hub: str | None) -> None:
    assert parse(FEED | {"hubs": hubs}).hubs == ((hub,) if hub else ())


def test_version_one_had_one_author() -> None:
    feed = parse(
        FEED | {"version": "https://jsonfeed.org/version/1", "authors": None, "author": {"name": "Eve"}}
    )
    assert feed.version == "json1"
    assert feed.entries[1].author == "Eve"


def test_a_feed_that_does_not_say_so_is_read_with_a_warning() -> None:
    document = {name: value for name, value in FEED.items() if name != "version"}
    document["items"] = document["items"][:2]
    assert parse(document).warnings == ("a JSON Feed that does not state its version",)
    assert len(parse(document).entries) == 2


def test_what_breaks_off_keeps_its_whole_items() -> None:
    whole = json.dumps(FEED).encode()
    feed = parse(whole[: whole.index(b'"18"')])
    assert [entry.guid for entry in feed.entries] == ["17"]
    assert feed.title == "News"
    assert "whole entries" in feed.warnings[0]


def test_other_json_is_refused() -> None:
    assert refusal({"items": []}) == Reason.NOT_A_FEED
    assert refusal([1, 2]) == Reason.NOT_A_FEED
    assert refusal(FEED | {"items": {"a": 1}}) == Reason.MALFORMED
    assert refusal(b'{"version": "https://jsonfeed.org/version/1", ') == Reason.MALFORMED
    assert refusal(b"[" * 100_000) == Reason.TOO_COMPLEX
    assert (
        refusal(b'{"version":"https://jsonfeed.org/version/1","items":[' + b"[" * 100_000)
        == Reason.TOO_COMPLEX
    )


def test_many_items_are_capped() -> None:
    feed = parse(FEED | {"items": [{"id": str(number)} for number in range(MAX_ENTRIES + 5)]})
    assert len(feed.entries) == MAX_ENTRIES
    assert "more than" in feed.warnings[0]


def test_values_of_wrong_kinds_are_nothing() -> None:
    odd = {key: {"x": [1]} for key in FEED["items"][0]}
    (entry,) = parse(FEED | {"items": [odd], "authors": "x", "hubs": {"url": 1}, "title": ["x"]}).entries
    assert (entry.guid, entry.link, entry.title, entry.content, entry.categories) == (None,) * 4 + ((),)
