"""From bytes to finished articles, without any I/O; what one entry does never costs another."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from service.errors import ParseFailure
from service.reading import read_document, read_feed
from service.tagging import Tagger, load_topics
from service.values import Fetched, Reason, Tag
from tests.document_makers import zipped

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FEED = b"""<?xml version="1.0"?><rss version="2.0"><channel><title>News</title>
<item><guid>1</guid><title>Council extends arms embargo</title>
<description>The Security Council extended the arms embargo and imposed new sanctions.</description></item>
<item><guid>2</guid><title>Trouble</title><description>Something else.</description></item>
<item><guid>3</guid><title>Rain expected</title><description>Bring an umbrella.</description></item>
</channel></rss>"""


@pytest.fixture(scope="module")
def tagger() -> Tagger:
    return Tagger(load_topics())


class Stumbling(Tagger):
    """A tagger with a fault that shows on one article only."""

    def tag(
        self, title: str, text: str, *, language: str | None = None, priors: Mapping[str, float] | None = None
    ) -> tuple[Tag, ...]:
        if title == "Trouble":
            raise ZeroDivisionError("a fault of ours")
        return super().tag(title, text, language=language, priors=priors)


def fetched(body: bytes) -> Fetched:
    return Fetched("https://news.example/feed", "https://news.example/feed", body)


def test_a_feed_becomes_tagged_articles(tagger: Tagger) -> None:
    reading = read_feed(fetched(FEED), tagger=tagger, fetched_at=NOW)
    assert reading.title == "News"
    held = [[tag.topic for tag in one.tags or () if tag.holds] for one in reading.finished]
    assert set(held[0]) >= {"sanctions", "arms"}
    assert held[2] == []


def test_what_is_known_unchanged_is_not_tagged_again(tagger: Tagger) -> None:
    first = read_feed(fetched(FEED), tagger=tagger, fetched_at=NOW)
    known = {one.article.content_hash for one in first.finished[:2]}
    again = read_feed(fetched(FEED), tagger=tagger, fetched_at=NOW, skip=known)
    assert [one.tags is None for one in again.finished] == [True, True, False]


def test_an_entry_that_cannot_be_read_costs_no_other(tagger: Tagger) -> None:
    reading = read_feed(fetched(FEED), tagger=Stumbling(tagger.taxonomy), fetched_at=NOW)
    assert [one.article.guid for one in reading.finished] == ["1", "3"]
    (warning,) = reading.warnings
    assert "entry 2 (Trouble): ZeroDivisionError: a fault of ours" in warning
    assert reading.failed == 1


def test_a_list_is_read_with_what_cannot_be_read_of_it(tagger: Tagger) -> None:
    body = b'{"id": 1, "title": "Council widens sanctions"}\n{"price": 3}\nbroken\n{"title": "Two"}\n'
    reading = read_document(body, "list.jsonl", tagger=tagger, fetched_at=NOW, path="/in/list.jsonl")
    assert [(one.article.title, one.article.path) for one in reading.finished] == [
        ("Council widens sanctions", "/in/list.jsonl!/1"),
        ("Two", "/in/list.jsonl"),
    ]
    assert [warning.partition(": ")[0] for warning in reading.warnings] == ["record 2", "record 3"]


def test_a_list_of_nothing_to_read_says_why(tagger: Tagger) -> None:
    with pytest.raises(ParseFailure, match="no column is known to hold a title or a text"):
        read_document(b"price,colour\n1,red\n", "list.csv", tagger=tagger, fetched_at=NOW)
    with pytest.raises(ParseFailure, match="without any article"):
        read_document(zipped({}), "empty.zip", tagger=tagger, fetched_at=NOW)


@pytest.mark.parametrize(
    ("body", "reason"),
    [(b"", Reason.EMPTY), (bytes(range(256)) * 40, Reason.NOT_TEXT)],
    ids=["empty", "binary"],
)
def test_a_document_that_is_none_says_why(tagger: Tagger, body: bytes, reason: Reason) -> None:
    with pytest.raises(ParseFailure) as caught:
        read_document(body, "report.txt", tagger=tagger, fetched_at=NOW)
    assert caught.value.reason is reason
