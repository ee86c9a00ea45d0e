"""Verdicts over real HTTP, on both engines: what a reader's form does, and what a stranger's cannot."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest
from selectolax.lexbor import LexborHTMLParser

from models import catalog, labels
from models.database import Database
from models.records import ArticleFilter
from tests import web_samples as samples
from tests.storage import check_summaries
from tests.web_site import Site, serving


@pytest.fixture
def site(database: Database) -> Iterator[Site]:
    with serving(database) as running:
        yield running


@pytest.fixture
def number(database: Database) -> int:
    with database.session():
        return samples.fill()["long"]


def form_of(site: Site, number: int, topic: str) -> tuple[str, dict[str, str], list[str]]:
    """The form for a topic on the article's page: where it goes, what it sends, and its buttons."""
    tree = LexborHTMLParser(site.get(f"/articles/{number}").text)
    for form in tree.css(".panel .verdict-form"):
        fields = {str(one.attributes["name"]): str(one.attributes["value"]) for one in form.css("input")}
        if fields["topic"] == topic:
            buttons = [str(one.attributes["value"]) for one in form.css("button[name=verdict]")]
            assert form.attributes["method"] == "post"
            return str(form.attributes["action"]), fields, buttons
    raise AssertionError(f"no form for {topic}")


def send(site: Site, number: int, topic: str, verdict: str, **more: object) -> httpx.Response:
    """What a browser sends when a button is pressed."""
    action, fields, _ = form_of(site, number, topic)
    values: dict[str, object] = {
        "data": fields | {"verdict": verdict},
        "headers": {"Origin": site.url, "Sec-Fetch-Site": "same-origin"},
    }
    return site.client.post(action, **(values | more))  # type: ignore[arg-type]


def test_yes_no_and_withdraw(site: Site, number: int, database: Database) -> None:
    assert form_of(site, number, "arms")[2] == ["yes", "no"]
    answer = send(site, number, "arms", "no")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/articles/{number}#why")
    (given,) = labels.verdicts()
    assert (given.article_id, given.topic, given.value, given.by) == (
        number,
        "arms",
        -1,
        "the page (127.0.0.1)",
    )
    assert given.at == site.clock.now
    assert "refused by" in site.get(f"/articles/{number}").text
    assert form_of(site, number, "arms")[2] == ["yes", "no", "withdraw"]

    assert send(site, number, "arms", "yes").status_code == 303
    assert [one.value for one in labels.verdicts()] == [1]
    for _ in range(2):  # a second click does no harm
        assert send(site, number, "arms", "withdraw").status_code == 303
    assert labels.verdicts() == []
    assert {tag.topic: tag.verdict for tag in catalog.get(number).tags}["arms"] is None
    check_summaries(database)


def test_the_last_verdict_is_undone_and_all_are_remembered(site: Site, number: int) -> None:
    def undo() -> str:
        tree = LexborHTMLParser(site.get(f"/articles/{number}").text)
        form = tree.css_first(".undo")
        assert form is not None
        fields = {str(one.attributes["name"]): str(one.attributes["value"]) for one in form.css("input")}
        sent = {"data": fields | {"verdict": "undo"}, "headers": {"Origin": site.url}}
        answer = site.client.post(str(form.attributes["action"]), **sent)  # type: ignore[arg-type]
        assert answer.status_code == 303
        return said()

    def said() -> str:
        tree = LexborHTMLParser(site.get(f"/articles/{number}").text)
        done = tree.css_first("#done")
        return " ".join(done.text().split()) if done else ""

    assert said() == ""
    send(site, number, "arms", "no")
    site.clock.now += timedelta(minutes=5)
    assert said() == "the page (127.0.0.1) said no to arms, 5 min ago."
    send(site, number, "sanctions", "yes")
    assert said().startswith("the page (127.0.0.1) said yes to sanctions")
    assert undo() == "the page (127.0.0.1) took the yes back to sanctions, just now."
    assert [(one.topic, one.value) for one in labels.verdicts()] == [("arms", -1)]
    site.clock.now += timedelta(minutes=1)
    assert undo() == "the page (127.0.0.1) said yes to sanctions, just now."  # undone twice, all is as it was
    site.clock.now += timedelta(minutes=1)
    send(site, number, "arms", "yes")
    assert undo().startswith("the page (127.0.0.1) said no to arms")  # what it had replaced stands again
    assert {one.topic: one.value for one in labels.verdicts()} == {"arms": -1, "sanctions": 1}
    history = LexborHTMLParser(site.get(f"/articles/{number}").text).css(".history li")
    assert len(history) == 6


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://["},
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_what_another_site_sends_is_refused(site: Site, number: int, headers: dict[str, str]) -> None:
    answer = send(site, number, "arms", "no", headers=headers)
    assert answer.status_code == 403
    assert labels.verdicts(withdrawn=True) == []


@pytest.mark.parametrize("headers", [("Origin",), ("Sec-Fetch-Site",)])
def test_either_word_of_the_browser_is_enough(site: Site, number: int, headers: tuple[str, ...]) -> None:
    said = {"Origin": site.url, "Sec-Fetch-Site": "same-origin"}
    answer = send(site, number, "arms", "no", headers={name: said[name] for name in headers})
    assert answer.status_code == 303


@pytest.mark.parametrize(
    ("data", "status", "reason"),
    [
        ({"token": "0" * 64}, 403, "too old"),
        ({"token": "é"}, 403, "too old"),
        ({"token": ""}, 403, "too old"),
        ({"verdict": "maybe"}, 400, "none of yes, no, withdraw, undo"),
        ({"topic": "weather"}, 404, "there is no topic"),
        ({"verdict": "undo"}, 404, "nobody has given a verdict"),
        ({"topic": "\0"}, 404, "there is no topic"),
        ({"topic": ["arms", "sanctions"]}, 400, "each once"),
        ({"more": "1"}, 400, "each once"),
        ({"topic": "x" * 5_000}, 413, "at most"),
    ],
)
def test_a_wrong_form_gets_a_reason_and_changes_nothing(
    site: Site, number: int, data: dict[str, object], status: int, reason: str
) -> None:
    fields = form_of(site, number, "arms")[1] | {"verdict": "no"} | data
    answer = send(site, number, "arms", "no", data=fields)
    assert answer.status_code == status
    assert reason in answer.text
    assert labels.verdicts(withdrawn=True) == []


def test_a_token_is_good_for_its_own_article_only(site: Site, number: int) -> None:
    other = next(one.id for one in catalog.find(ArticleFilter()).articles if one.id != number)
    fields = form_of(site, number, "arms")[1] | {"verdict": "no"}
    answer = site.client.post(f"/articles/{other}/verdict", data=fields, headers={"Origin": site.url})
    assert answer.status_code == 403
    for missing in ("0", "x", "99999999999999999999"):
        answer = site.client.post(f"/articles/{missing}/verdict", data=fields, headers={"Origin": site.url})
        assert answer.status_code == 404


def test_only_forms_are_taken(site: Site, number: int) -> None:
    path = f"/articles/{number}/verdict"
    answer = site.client.post(path, json={"verdict": "no"}, headers={"Origin": site.url})
    assert answer.status_code == 415
    read = site.get(path)
    assert (read.status_code, read.headers["allow"]) == (405, "POST")
    assert "takes what a form sends" in read.text
