"""The API over real HTTP, on both engines: what it answers, page by page, and what it says when it cannot."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from models import articles, labels, sources
from models.database import Database
from models.tokens import Scope
from tests import web_samples as samples
from tests.web_api import API, holder, serving_api
from tests.web_site import Site


@pytest.fixture
def site(database: Database) -> Iterator[Site]:
    with serving_api(database) as running:
        yield running


@pytest.fixture
def ids(database: Database) -> dict[str, int]:
    with database.session():
        return samples.fill()


def ask(site: Site, path: str, **parameters: object) -> Any:
    """What an address of the API gives."""
    answer = site.get(API + path, params=parameters)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


def test_a_query_finds_articles_as_the_page_does(site: Site, ids: dict[str, int]) -> None:
    def found(q: str, **more: object) -> list[int]:
        return [one["id"] for one in ask(site, "/articles", q=q, **more)["articles"]]

    assert found("topic:diplomacy") == [ids["long"], ids["day"]]
    assert found("topic:sanctions", duplicates="true") == [ids["copy"], ids["long"]]
    assert found('"foreign minister" -summit') == []
    [one] = ask(site, "/articles", q="ammunition shed")["articles"]
    assert "ammunition" in one["snippet"]
    assert one["path"] == "/srv/reports/shed-\N{REPLACEMENT CHARACTER}.txt"
    assert one["tags"] == [{"topic": "arms", "score": 0.72, "main": False, "verdict": None}]


@pytest.mark.parametrize("order", ["newest", "relevance"])
def test_pages_follow_each_other(site: Site, database: Database, order: str) -> None:
    with database.session():
        samples.add_topics()
        source = samples.add_source("https://courier.example/feed.xml", "Courier")
        written = [samples.article(f"Summit {n}", "A summit. " * n, hours=n) for n in range(1, 24)]
        samples.store(source, *written)
    seen: list[str] = []
    link = f"{API}/articles?q=summit&order={order}&limit=10"
    lengths = []
    while link:
        answer = site.get(link)
        page = answer.json()
        lengths.append(len(page["articles"]))
        seen += [one["title"] for one in page["articles"]]
        link = answer.links["next"]["url"] if page["next"] else ""
    assert lengths == [10, 10, 3]
    assert len(set(seen)) == 23
    if order == "newest":
        assert seen == [f"Summit {n}" for n in range(1, 24)]


def test_an_article_has_its_evidence(site: Site, ids: dict[str, int]) -> None:
    one = ask(site, f"/articles/{ids['long']}")
    assert [tag["topic"] for tag in one["tags"]] == ["sanctions", "diplomacy", "arms"]
    for tag in one["tags"]:
        for piece in tag["evidence"]:
            assert one[piece["field"]][piece["start"] : piece["end"]] == piece["phrase"]
    assert one["revisions"][0]["title"] == "Eastmark asks council to lift arms embargo"
    assert one["cuts"]
    assert one["enclosures"]


def test_what_changes_is_followed(site: Site, ids: dict[str, int], database: Database) -> None:
    begun = ask(site, "/changes", changed_since="now")
    assert begun["changes"] == []
    assert not begun["more"]
    first = ask(site, "/changes", limit=4)
    assert first["more"]
    rest = ask(site, "/changes", changed_since=first["next"], limit=200, detail="full")
    assert not rest["more"]
    assert sorted(one["id"] for one in first["changes"] + rest["changes"]) == sorted(ids.values())
    assert all(one["article"]["text"] for one in rest["changes"])
    assert rest["next"] == begun["next"]

    labels.set_verdict(ids["plain"], "arms", 1, "ann", samples.NOW)
    articles.delete([ids["rtl"]], samples.NOW)
    changed = ask(site, "/changes", changed_since=begun["next"])
    assert [(one["id"], one["deleted"]) for one in changed["changes"]] == [
        (ids["plain"], False),
        (ids["rtl"], True),
    ]
    assert changed["changes"][0]["article"]["tags"][0]["verdict"] == 1
    assert changed["changes"][1]["article"] is None


def test_figures(site: Site, ids: dict[str, int]) -> None:
    assert ask(site, "/counts", q="topic:arms") == {"articles": 2, "complete": True}
    assert ask(site, "/counts")["articles"] == len(ids) - 1
    line = ask(site, "/timeline", q="topic:diplomacy")
    assert line["articles"] == [{"day": "2026-03-08", "articles": 1}, {"day": "2026-03-10", "articles": 1}]
    topics = ask(site, "/topics")["topics"]
    assert [(one["topic"], one["articles"]) for one in topics] == [
        ("arms", 2), ("diplomacy", 2), ("sanctions", 1),
    ]  # fmt: skip
    one = ask(site, "/topics/arms")
    assert one in topics
    assert site.get(one["feeds"]["atom"]).status_code == 200


def test_sources_with_their_health_and_polls(site: Site, ids: dict[str, int]) -> None:
    first = ask(site, "/sources", limit=4)
    rest = ask(site, "/sources", after=first["next"])
    assert rest["next"] is None
    listed = first["sources"] + rest["sources"]
    assert [one["id"] for one in listed] == sorted(one.id for one in sources.list_sources())
    [broken] = ask(site, "/sources", state="failing")["sources"]
    assert (broken["title"], broken["health"], broken["failures"]) == ("Broken Wire", "failing", 3)
    assert ask(site, f"/sources/{broken['id']}") == broken
    polls = ask(site, f"/sources/{broken['id']}/polls", limit=2)["polls"]
    assert [one["outcome"] for one in polls] == ["http_5xx", "http_5xx"]
    assert [one["kind"] for one in ask(site, "/sources", kind="folder")["sources"]] == ["folder"]


def test_a_verdict_is_given_read_and_withdrawn(site: Site, ids: dict[str, int]) -> None:
    desk = holder(Scope.WRITE, "desk")
    place = f"{API}/articles/{ids['long']}/verdicts/arms"
    assert site.get(place).status_code == 404
    made = site.client.put(place, json={"value": -1}, headers=desk.headers)
    assert made.status_code == 201
    assert made.headers["location"] == site.url + place
    assert made.json() == {
        "article_id": ids["long"], "topic": "arms", "value": -1, "by": "the token desk",
        "at": "2026-03-10T15:30:00Z",
    }  # fmt: skip
    again = site.client.put(place, json={"value": -1}, headers=desk.headers)
    assert (again.status_code, again.json()) == (200, made.json())
    assert len(labels.verdicts(article_id=ids["long"], withdrawn=True)) == 1
    assert site.client.put(place, json={"value": 1}, headers=desk.headers).json()["value"] == 1
    assert ask(site, "/verdicts")["verdicts"] == [site.get(place).json()]
    assert ask(site, f"/articles/{ids['long']}/verdicts")["verdicts"] == [site.get(place).json()]
    tag = next(one for one in ask(site, f"/articles/{ids['long']}")["tags"] if one["topic"] == "arms")
    assert (tag["verdict"], tag["verdict_by"], tag["score"]) == (1, "the token desk", 1)
    gone = site.client.delete(place, headers=desk.headers)
    assert (gone.status_code, gone.content) == (204, b"")
    assert site.client.delete(place, headers=desk.headers).status_code == 404
    assert ask(site, "/verdicts")["verdicts"] == []


def test_verdicts_come_in_pages_of_whole_articles(site: Site, ids: dict[str, int]) -> None:
    for name, topics in (
        ("long", ("arms", "diplomacy", "sanctions")),
        ("day", ("arms",)),
        ("rtl", ("arms",)),
    ):
        for topic in topics:
            labels.set_verdict(ids[name], topic, 1, "ann", samples.NOW)
    pages = []
    after: str | None = "0"
    while after is not None:
        page = ask(site, "/verdicts", limit=2, after=after)
        pages.append([one["article_id"] for one in page["verdicts"]])
        after = page["next"]
    assert pages == [[ids["long"]] * 3, [ids["day"], ids["rtl"]]]


def test_nothing_is_sent_twice(site: Site, ids: dict[str, int]) -> None:
    for path in (f"/articles/{ids['long']}", "/articles?q=embargo", "/topics", "/openapi.json"):
        first = site.get(API + path)
        tag = first.headers["etag"]
        for sent in (tag, tag.removeprefix("W/"), f'"other", {tag}', "*"):
            again = site.get(API + path, headers={"If-None-Match": sent})
            assert (again.status_code, again.content) == (304, b""), (path, sent)
            assert again.headers["etag"] == tag
        assert site.get(API + path, headers={"If-None-Match": '"other"'}).status_code == 200
        head = site.client.head(API + path, headers={"Accept-Encoding": "identity"})
        assert head.content == b""
        assert head.headers["etag"] == tag
        assert int(head.headers["content-length"]) == len(first.content)
    labels.set_verdict(ids["long"], "arms", -1, "ann", samples.NOW)
    path = f"{API}/articles/{ids['long']}"
    assert site.get(path, headers={"If-None-Match": tag}).status_code == 200


def test_a_replica_takes_no_verdicts(database: Database, ids: dict[str, int]) -> None:
    desk = holder(Scope.WRITE)
    with serving_api(database, writable=False) as replica:
        place = f"{API}/articles/{ids['long']}/verdicts/arms"
        for answer in (
            replica.client.put(place, json={"value": 1}, headers=desk.headers),
            replica.client.delete(place, headers=desk.headers),
        ):
            assert (answer.status_code, answer.json()["type"]) == (409, "/api/v1/docs#problem-read-only")
        assert ask(replica, "/verdicts")["verdicts"] == []


def test_the_page_of_documentation_says_all_of_it(site: Site, ids: dict[str, int]) -> None:
    text = site.get(f"{API}/docs").text
    document = ask(site, "/openapi.json")
    for path, operations in document["paths"].items():
        for method, one in operations.items():
            assert f"{method.upper()} {path}</code>" in text
            for parameter in one["parameters"]:
                assert f"<code>{parameter['name']}</code>" in text
    for answer in (site.get(f"{API}/articles?limit=0"), site.get(f"{API}/nothing")):
        anchor = answer.json()["type"].partition("#")[2]
        assert f'id="{anchor}"' in text
    assert "http" not in text.replace("http://127.0.0.1:8077", "").replace("http://www.w3.org", "")
