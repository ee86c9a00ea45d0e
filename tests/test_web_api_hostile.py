"""What hostile programs send to the API: always a problem with its reason, never a 500, never a write."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from loguru import logger

from models import labels
from models.database import Database
from models.tokens import Scope
from service.web.api.routes import OPERATIONS
from service.web.security import HEADERS
from tests import web_samples as samples
from tests.postgres import Server
from tests.web_api import API, holder, serving_api
from tests.web_site import Site


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def library(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """One filled database for the whole module: nothing here is to write."""
    if request.param == "sqlite":
        address: Path | str = tmp_path_factory.mktemp("library") / "wirewatch.db"
    else:
        server: Server = request.getfixturevalue("postgres_server")
        address = server.create()
    with samples.library(address) as database:
        yield database


@pytest.fixture(scope="module")
def site(library: Database) -> Iterator[Site]:
    with serving_api(library) as running:
        yield running


@pytest.fixture(scope="module")
def writer(library: Database) -> dict[str, str]:
    return holder(Scope.WRITE, "writer").headers


@pytest.fixture
def complaints(library: Database) -> Iterator[list[str]]:
    """What was logged as an error; at the end nothing was written."""
    found: list[str] = []
    sink = logger.add(lambda message: found.append(str(message)), level="ERROR")
    yield found
    logger.remove(sink)
    assert labels.verdicts(withdrawn=True) == []


@pytest.mark.parametrize(
    ("path", "status", "reason"),
    [
        ("/articles?limit=100000000000", 400, "from 1 to 200"),
        ("/articles?limit=-1", 400, "from 1 to 200"),
        ("/articles?limit=0", 400, "from 1 to 200"),
        ("/articles?limit=1e3", 400, "from 1 to 200"),
        ("/articles?limit=%D9%A3", 400, "from 1 to 200"),
        ("/articles?limit=", 400, "from 1 to 200"),
        ("/articles?after=AAAA", 400, "cursor"),
        ("/articles?after=%00", 400, "control character"),
        ("/articles?after=" + "A" * 201, 400, "at most 200"),
        ("/articles?after=%F0%9F%92%A9", 400, "cursor"),
        ("/articles?q=" + "a+" * 5_000, 400, "at most 2,000"),
        ("/articles?q=" + "a+" * 900, 400, "64"),
        ("/articles?q=" + "a+" * 10_000, 414, "at most 16,384 are read"),
        ("/articles?q=%00", 400, "control character"),
        ("/articles?q=!!!", 400, "no word to find"),
        ("/articles?q=(artillery", 400, "not closed"),
        ("/articles?q=" + "(" * 300, 400, "nested too deep"),
        ("/articles?q=topic:weather", 404, "there is no topic"),
        ("/articles?q=source:nobody", 404, "no source is called"),
        ("/articles?q=story:1", 404, "there is no story"),
        ("/articles?q=%27%29%20UNION%20SELECT%20*%20FROM%20token--", 400, "parenthesis"),
        ("/articles?order=random", 400, "none of newest, relevance"),
        ("/articles?duplicates=1", 400, "neither true nor false"),
        ("/articles?page=-1", 400, "is not a parameter"),
        ("/articles?q=a&q=b", 400, "more than once"),
        ("/articles?%00=1", 400, "is not a parameter"),
        ("/counts?" + "q=a&" * 1_000, 400, "more than once"),
        ("/timeline?q=since:99999", 400, "is no time"),
        ("/changes?changed_since=yesterday", 400, "cursor"),
        ("/changes?changed_since=" + "A" * 200, 400, "cursor"),
        ("/changes?limit=201", 400, "from 1 to 200"),
        ("/changes?detail=all", 400, "none of summary, full"),
        ("/sources?state=%3Cscript%3E", 400, "none of"),
        ("/sources?after=-5", 400, "whole number"),
        ("/sources?after=99999999999999999999", 400, "whole number"),
        ("/sources/0", 404, "this is none"),
        ("/sources/Gazette/polls", 404, "this is none"),
        ("/sources/77777/polls", 404, "no source"),
        ("/articles/0", 404, "this is none"),
        ("/articles/-1", 404, "this is none"),
        ("/articles/99999999999999999999999", 404, "this is none"),
        ("/articles/9223372036854775807", 404, "there is no article"),
        ("/articles/1%00", 404, "this is none"),
        ("/articles/1/verdicts/%00", 404, "No topic"),
        ("/articles/1/verdicts/" + "x" * 5_000, 404, "nobody's verdict"),
        ("/articles/77777/verdicts", 404, "there is no article"),
        ("/topics/%F0%9F%92%A9", 404, "No topic"),
        ("/topics/..%2f..%2fetc", 404, "no such address"),
        ("/verdicts?limit=501", 400, "from 1 to 500"),
        ("/nothing", 404, "no such address"),
        ("/docs/x", 404, "no such address"),
    ],
)
def test_every_hostile_question_gets_a_reason(
    site: Site, complaints: list[str], path: str, status: int, reason: str
) -> None:
    answer = site.get(API + path)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert reason in problem["detail"]
    assert problem["type"].startswith("/api/v1/docs#problem-")
    assert answer.headers["content-security-policy"] == HEADERS["Content-Security-Policy"]
    assert complaints == []


PLACE = f"{API}/articles/1/verdicts/arms"
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    "sent",
    [
        (b"", JSON, 400, "bad-body"),
        (b"value=1", JSON, 400, "bad-body"),
        (b"[]", JSON, 400, "bad-body"),
        (b"null", JSON, 400, "bad-body"),
        (b"[" * 4_000, JSON, 400, "bad-body"),
        (b'{"value": 1, "by": "root"}', JSON, 400, "bad-body"),
        (b'{"value": true}', JSON, 400, "bad-body"),
        (b'{"value": 1.0}', JSON, 400, "bad-body"),
        (b'{"value": 2}', JSON, 400, "bad-body"),
        (b'{"value": 1' + b"0" * 400 + b"}", JSON, 400, "bad-body"),
        (b'{"value": NaN}', JSON, 400, "bad-body"),
        (b"\xff\xfe", JSON, 400, "bad-body"),
        (b'{"value": 1}' + b" " * 5_000, JSON, 413, "body-too-large"),
        (b'{"value": 1}', {"Content-Type": "text/plain"}, 415, "unsupported-media-type"),
        (
            b'{"value": 1}',
            {"Content-Type": "application/x-www-form-urlencoded"},
            415,
            "unsupported-media-type",
        ),
        (b'{"value": 1}', {}, 415, "unsupported-media-type"),
        (b'{"value": 1}', JSON | {"Accept": "text/html"}, 406, "not-acceptable"),
    ],
)
def test_every_hostile_body_gets_a_reason(
    site: Site, complaints: list[str], writer: dict[str, str], sent: tuple[bytes, dict[str, str], int, str]
) -> None:
    body, headers, status, kind = sent
    answer = site.client.put(PLACE, content=body, headers=writer | headers)
    assert answer.status_code == status, answer.text
    assert answer.json()["type"] == f"/api/v1/docs#problem-{kind}"
    assert complaints == []


def test_a_body_without_end_is_cut_off(site: Site, writer: dict[str, str], complaints: list[str]) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(100):
            yield b" " * 1_000

    answer = site.client.put(PLACE, content=endless(), headers=writer | JSON)
    assert answer.status_code == 413
    assert answer.headers["connection"] == "close"
    assert complaints == []


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "application/json;q=0", "*/*;q=0", "x"])
def test_what_a_client_cannot_take_is_not_sent(site: Site, accept: str) -> None:
    answer = site.get(f"{API}/topics", headers={"Accept": accept})
    assert (answer.status_code, answer.headers["content-type"]) == (406, "application/problem+json")


@pytest.mark.parametrize(
    "accept", ["", "*/*", "application/*", "text/html, application/json;q=0.1", "text/html, */*;q=0.1"]
)
def test_what_it_can_take_is(site: Site, accept: str) -> None:
    assert site.get(f"{API}/topics", headers={"Accept": accept}).status_code == 200


def test_no_address_takes_another_method_than_it_says(site: Site, complaints: list[str]) -> None:
    allowed: dict[str, set[str]] = {}
    for one in OPERATIONS:
        allowed.setdefault(one.path, set()).update({one.method, *(("HEAD",) if one.method == "GET" else ())})
    for path, methods in allowed.items():
        address = API + path.format(id=1, topic="arms")
        for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"):
            if method in methods:
                continue
            answer = site.client.request(method, address, content=b"{}")
            assert answer.status_code == 405, (method, address)
            assert set(answer.headers["allow"].split(", ")) == methods
            assert answer.json()["type"] == "/api/v1/docs#problem-method-not-allowed"
    for address in (f"{API}/openapi.json", f"{API}/docs"):
        answer = site.client.post(address)
        assert (answer.status_code, answer.headers["content-type"]) == (405, "application/problem+json")
    assert complaints == []


def test_another_name_than_ours_is_told_as_a_problem(site: Site) -> None:
    answer = site.get(f"{API}/articles", headers={"Host": "evil.example"})
    assert (answer.status_code, answer.json()["type"]) == (421, "/api/v1/docs#problem-misdirected")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    operation=st.sampled_from([one for one in OPERATIONS if one.method == "GET"]),
    query=st.dictionaries(
        st.sampled_from(("q", "limit", "after", "order", "duplicates", "changed_since", "state", "x")),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
        max_size=4,
    ),
    number=st.integers(-1, 10),
)
def test_no_question_breaks_the_service(
    site: Site, complaints: list[str], operation: object, query: dict[str, str], number: int
) -> None:
    path = API + str(operation.path).format(id=number, topic="arms")  # type: ignore[attr-defined]
    answer = site.get(path, params=query)
    assert answer.status_code in {200, 400, 404}
    json.loads(answer.content)
    assert complaints == []
