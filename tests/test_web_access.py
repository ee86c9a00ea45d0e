"""Who is let in, and how often they may ask: over real HTTP, and the pure rules by themselves."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from loguru import logger

from models import catalog, labels, tokens
from models.database import Database
from models.tokens import Scope
from service.settings_schema_web import EXAMPLE_TOKEN
from service.web.rates import MAX_CLIENTS, WINDOW, Rates
from service.web.rules import is_loopback
from tests import web_samples as samples
from tests.web_api import API, Holder, holder, serving_api
from tests.web_site import Site

READING = (
    f"{API}/articles",
    f"{API}/changes",
    f"{API}/topics",
    "/feeds/topic/arms.atom",
    "/feeds/query.json",
)
LONG = "x" * 40


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """One filled database for the module; how tokens are kept is held on both engines elsewhere."""
    with samples.library(tmp_path_factory.mktemp("library") / "wirewatch.db") as database:
        yield database


@pytest.fixture
def number(library: Database) -> int:
    [page] = catalog.search("topic:sanctions").articles
    return page.id


@pytest.fixture(scope="module")
def site(library: Database) -> Iterator[Site]:
    with serving_api(library) as running:
        yield running


@pytest.fixture(scope="module")
def elsewhere(library: Database) -> Iterator[Site]:
    """One that does not listen on loopback, as far as it knows."""
    with serving_api(library, open=False, read_token="r" * 40, write_token=EXAMPLE_TOKEN) as running:
        yield running


@pytest.fixture
def closed(elsewhere: Site) -> Site:
    elsewhere.clock.now = samples.NOW
    return elsewhere


def refused(answer: httpx.Response, status: int, kind: str, challenge: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == f"/api/v1/docs#problem-{kind}"
    assert answer.headers["www-authenticate"].startswith('Bearer realm="wirewatch"')
    assert challenge in answer.headers["www-authenticate"]
    assert "Eastmark" not in answer.text


def test_this_machine_reads_without_a_token_and_nobody_else(site: Site) -> None:
    for path in READING:
        assert site.get(path).status_code == 200, path
        for headers in (
            {"Host": "desk.example"},
            {"X-Forwarded-For": "127.0.0.1"},
            {"Forwarded": "for=127.0.0.1"},
            {"Via": "1.1 proxy"},
        ):
            refused(site.get(path, headers=headers), 401, "unauthorized", "Bearer")


def test_elsewhere_a_token_is_needed(closed: Site) -> None:
    for path in READING:
        refused(closed.get(path), 401, "unauthorized", "Bearer")
        assert closed.get(path, headers={"Authorization": "Bearer " + "r" * 40}).status_code == 200
    assert closed.get("/healthz").status_code == 200


def test_what_is_no_token_lets_nobody_in(site: Site, closed: Site) -> None:
    """Not even where nothing would have been needed: who sends a token means it."""
    for header in (
        "Bearer nonsense", "Bearer", "Bearer " + "A" * 5_000, f"Bearer {LONG}", f"Bearer {EXAMPLE_TOKEN}",
        "Basic !!!", "Basic " + base64.b64encode(b"no colon").decode(), "Digest a=b", "",
        f"Bearer {LONG}' OR 1=1 --",
    ):  # fmt: skip
        for one in (site, closed):
            answer = one.get(READING[0], headers={"Authorization": header})
            refused(answer, 401, "unauthorized", "invalid_token")


def test_a_token_ends_when_it_runs_out_or_is_revoked(closed: Site) -> None:
    short, other = holder(Scope.READ, days=1), holder(Scope.READ, "other")
    for one in (short, other):
        assert closed.get(READING[0], headers=one.headers).status_code == 200
    closed.clock.now += timedelta(days=1)
    refused(closed.get(READING[0], headers=short.headers), 401, "unauthorized", "invalid_token")
    tokens.revoke("other", closed.clock.now)
    refused(closed.get(READING[0], headers=other.headers), 401, "unauthorized", "invalid_token")


def put(site: Site, number: int, given: Holder | None) -> httpx.Response:
    place = f"{API}/articles/{number}/verdicts/arms"
    return site.client.put(place, json={"value": -1}, headers=given.headers if given else {})


def test_who_may_only_read_writes_nothing(site: Site, number: int) -> None:
    place = f"{API}/articles/{number}/verdicts/arms"
    refused(put(site, number, None), 401, "unauthorized", "Bearer")
    for scope in (Scope.READ, Scope.FEED):
        refused(put(site, number, holder(scope)), 403, "forbidden", 'scope="write"')
        answer = site.client.delete(place, headers=holder(scope).headers)
        refused(answer, 403, "forbidden", "insufficient_scope")
    assert labels.verdicts(withdrawn=True) == []
    writer = holder(Scope.WRITE)
    assert put(site, number, writer).status_code == 201
    assert site.client.delete(place, headers=writer.headers).status_code == 204


def test_a_token_for_feeds_opens_feeds_alone(closed: Site) -> None:
    reader = holder(Scope.FEED)
    refused(closed.get(READING[0], headers=reader.headers), 403, "forbidden", 'scope="read"')
    login = httpx.BasicAuth("anyone", reader.secret)
    for path in READING[3:]:
        assert closed.get(path, headers=reader.headers).status_code == 200
        assert closed.get(path, auth=login).status_code == 200
        answer = closed.get(path, params={"token": reader.secret})
        assert answer.status_code == 200
        assert reader.secret not in answer.text
        refused(closed.get(path, params={"token": LONG}), 401, "unauthorized", "invalid_token")
    # Addresses get into logs and histories: the API takes no token from one.
    reading = holder(Scope.READ)
    refused(closed.get(READING[0], params={"token": reading.secret}), 401, "unauthorized", "Bearer")


def test_the_last_use_is_kept_to_the_hour(closed: Site) -> None:
    one = holder(Scope.READ, "hourly")

    def used() -> object:
        closed.get(READING[0], headers=one.headers)
        return {token.name: token.used_at for token in tokens.list_tokens()}["hourly"]

    start = closed.clock.now
    assert used() == start
    closed.clock.now += timedelta(minutes=59)
    assert used() == start
    closed.clock.now += timedelta(minutes=1)
    assert used() == start + timedelta(hours=1)


def test_no_token_gets_into_the_log(closed: Site) -> None:
    lines: list[str] = []
    sink = logger.add(lambda line: lines.append(str(line)), level=0)
    reader = holder(Scope.FEED)
    for path in READING:
        closed.get(path, params={"token": reader.secret})
        closed.get(path, headers=reader.headers)
    logger.remove(sink)
    assert not [line for line in lines if reader.secret in line]


# -- how often -----------------------------------------------------------------------------------------


def test_too_many_requests_are_refused_until_time_has_passed(library: Database) -> None:
    with serving_api(library, rate=5) as site:
        answers = [site.get(READING[0]) for _ in range(6)]
        assert [one.status_code for one in answers] == [200] * 5 + [429]
        assert [one.headers["ratelimit"].partition(";t")[0] for one in answers[:5]] == [
            f'"default";r={left}' for left in (4, 3, 2, 1, 0)
        ]
        last = answers[-1]
        assert last.json()["type"] == "/api/v1/docs#problem-too-many-requests"
        assert 1 <= int(last.headers["retry-after"]) <= 12
        assert last.headers["ratelimit-policy"] == '"default";q=5;w=60'
        assert site.get("/feeds/topic/arms.rss").status_code == 429
        # Another client has its own allowance, and the page none.
        assert site.get(READING[0], headers=holder(Scope.READ).headers).status_code == 200
        assert site.get("/healthz").status_code == 200
        assert site.get("/").status_code == 200


def test_tokens_cannot_be_guessed_without_end(library: Database) -> None:
    with serving_api(library, rate=3) as site:
        guess = {"Authorization": f"Bearer {LONG}"}
        assert [site.get(READING[0], headers=guess).status_code for _ in range(4)] == [401] * 3 + [429]


@given(
    limit=st.integers(1, 1_000),
    gaps=st.lists(st.floats(0, 100, allow_nan=False), min_size=1, max_size=200),
)
def test_an_allowance_is_never_exceeded(limit: int, gaps: list[float]) -> None:
    rates, now, admitted = Rates(limit), 0.0, list[float]()
    for gap in gaps:
        now += gap
        told = rates.take("one", now)
        assert told.limit == limit
        assert 0 <= told.remaining < limit
        if told.retry_after is None:
            admitted.append(now)
            # A bucket that was full at once, and what came back since.
            assert sum(at > now - WINDOW for at in admitted) <= 2 * limit
        else:
            assert rates.take("one", now + told.retry_after).retry_after is None
            now += told.retry_after
            admitted.append(now)


def test_what_is_remembered_of_clients_is_bounded() -> None:
    rates = Rates(1)
    for number in range(MAX_CLIENTS + 10):
        assert rates.take(str(number), 0.0).retry_after is None
    assert len(rates._full_at) == MAX_CLIENTS
    assert rates.take(str(MAX_CLIENTS), 0.0).retry_after == WINDOW


# -- other sites, and where we listen ------------------------------------------------------------------


def test_other_sites_pages_are_answered_only_where_it_is_set(library: Database) -> None:
    origin = "https://desk.example.org"
    asked = {"Origin": origin, "Access-Control-Request-Method": "PUT",
             "Access-Control-Request-Headers": "authorization"}  # fmt: skip
    with serving_api(library) as site:
        answer = site.get(READING[0], headers={"Origin": origin})
        assert "access-control-allow-origin" not in answer.headers
        assert site.client.options(READING[0], headers=asked).status_code == 405
    with serving_api(library, cors_origins=(origin,)) as site:
        for path in (READING[0], "/feeds/topic/arms.json"):
            answer = site.get(path, headers={"Origin": origin})
            assert answer.headers["access-control-allow-origin"] == origin
            assert "access-control-allow-credentials" not in answer.headers
            assert "origin" in answer.headers["vary"].lower()
            other = site.get(path, headers={"Origin": "https://evil.example"})
            assert "access-control-allow-origin" not in other.headers
        before = site.client.options(READING[0], headers=asked)
        assert before.status_code == 200
        assert "PUT" in before.headers["access-control-allow-methods"]
        assert "access-control-allow-origin" not in site.get("/", headers={"Origin": origin}).headers


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("[::1]", True), ("localhost", True),
        ("LOCALHOST.", True), ("0.0.0.0", False), ("::", False), ("192.168.1.5", False), ("desk", False),
        ("localhost.example", False), ("", False),
    ],
)  # fmt: skip
def test_what_is_loopback(host: str, local: bool) -> None:
    assert is_loopback(host) is local
