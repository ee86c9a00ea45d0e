"""Records – objects of JSON, rows of tables – as entries: what a column means, what is an identity."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from service.clean import clean
from service.errors import ParseFailure
from service.parse.records import COLUMNS, Record, column, read_record
from service.values import DateOrigin, Entry, Reason

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
TEXT = "The council could not agree on a text before the mandate of the panel runs out."


def read(**values: Any) -> Entry:
    (entry,) = read_record(Record(values, 1))
    return entry


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("Title", "title"),
        (" pubDate ", "pub_date"),
        ("Published At", "published_at"),
        ("article-url", "article_url"),
        ("webPublicationDate", "web_publication_date"),
        ("CONTENT_HTML", "content_html"),
        ("日付", ""),
    ],
)
def test_a_column_is_known_whatever_its_case_and_punctuation(written: str, name: str) -> None:
    assert column(written) == name


@pytest.mark.parametrize("name", sorted({name for names in COLUMNS.values() for name in names}))
def test_every_documented_column_is_read(name: str) -> None:
    values: dict[str, Any] = {name: "2024-06-18"}
    if name not in (*COLUMNS["title"], *COLUMNS["text"], *COLUMNS["html"], *COLUMNS["summary"]):
        values["title"] = "Council meets"
    entry = read(**values)
    shown = (
        entry.title,
        entry.content,
        entry.summary,
        entry.published,
        entry.updated,
        entry.link,
        entry.author,
        entry.member,
        entry.language,
        *entry.categories,
    )
    assert "2024-06-18" in shown


def test_the_first_name_that_has_a_value_counts() -> None:
    entry = read(body="", content=TEXT, headline="Second", title="First", pubDate=None, date="2024-06-18")
    assert (entry.title, entry.content, entry.published) == ("First", TEXT, "2024-06-18")


def test_a_record_becomes_an_article() -> None:
    entry = read(
        Title="Council meets",
        text=TEXT,
        published="18 June 2024 09:45",
        url="https://example.org/a?utm_source=x",
        authors=[{"name": "Ann Lee"}, "Joe Park"],
        tags="sanctions; arms",
        lang="en",
    )
    article = clean(entry, fetched_at=NOW, path="/docs/list.json")
    assert (article.title, article.text, article.author) == ("Council meets", TEXT, "Ann Lee, Joe Park")
    assert article.published_at == datetime(2024, 6, 18, 9, 45, tzinfo=UTC)
    assert article.date_origin is DateOrigin.COLUMN
    assert article.url == "https://example.org/a"
    assert article.categories == ("sanctions", "arms")
    assert article.listed
    assert article.path == "/docs/list.json"


@pytest.mark.parametrize(
    ("name", "guid", "member"),
    [
        (17, None, "17"),
        ("A-17", None, "A-17"),
        ("https://example.org/17", "https://example.org/17", None),
        ("urn:x:17", "urn:x:17", None),
        ("0f8fad5b-d9cb-469f-a165-70867728950e", "0f8fad5b-d9cb-469f-a165-70867728950e", None),
        ("d41d8cd98f00b204e9800998ecf8427e", "d41d8cd98f00b204e9800998ecf8427e", None),
        (None, None, None),
    ],
)
def test_an_id_is_worldwide_or_a_name_within_the_list(
    name: object, guid: str | None, member: str | None
) -> None:
    entry = read(id=name, title="Council meets")
    assert (entry.guid, entry.member) == (guid, member)
    article = clean(entry, fetched_at=NOW, path="/docs/list.csv")
    assert article.path == (f"/docs/list.csv!/{member}" if member else "/docs/list.csv")
    assert article.listed is (member is None)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"content": f"<p>{TEXT}</p><p>One &amp; two</p>"}, f"{TEXT}\n\nOne & two"),
        ({"content": "1 < 2 and 3 > 2, he said."}, "1 < 2 and 3 > 2, he said."),
        ({"text": [TEXT, "Second."]}, f"{TEXT}\n\nSecond."),
        ({"content": {"rendered": f"<p>{TEXT}</p>"}}, TEXT),
        ({"html": f"<p>{TEXT}</p>", "text": "Short."}, TEXT),
        ({"_id": "7", "_source": {"title": "T", "text": TEXT}}, TEXT),
    ],
)
def test_texts_in_the_shapes_that_they_come_in(values: dict[str, Any], text: str) -> None:
    assert clean(read(**values), fetched_at=NOW).text == text


@pytest.mark.parametrize(
    ("value", "published"),
    [(1718700300, "1718700300"), (1718700300.0, "1718700300"), (True, None), ([], None), ({"a": 1}, None)],
)
def test_values_that_are_no_text(value: object, published: str | None) -> None:
    assert read(title="T", date=value).published == published


@pytest.mark.parametrize(
    ("values", "reason", "said"),
    [
        ({"title": " ", "text": None}, Reason.EMPTY, "neither a title nor a text"),
        ({"price": 3, "colour": "red"}, Reason.UNSUPPORTED, "(price, colour)"),
        ({}, Reason.UNSUPPORTED, "(there are none)"),
        ({"id": 3, "date": "2024"}, Reason.UNSUPPORTED, "no column is known to hold a title or a text"),
    ],
)
def test_what_is_no_article_says_so(values: dict[str, Any], reason: Reason, said: str) -> None:
    with pytest.raises(ParseFailure) as caught:
        read(**values)
    assert caught.value.reason is reason
    assert said in caught.value.detail


def test_the_documentation_lists_every_column() -> None:
    readme = Path(__file__).parent.parent / "service" / "parse" / "README.md"
    rows = [line.split(" | ")[0] for line in readme.read_text(encoding="utf-8").splitlines()]
    documented = {tuple(re.findall(r"`([a-z_]+)`", row)) for row in rows if row.startswith("| `")}
    assert set(COLUMNS.values()) <= documented
