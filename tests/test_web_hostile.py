"""What a hostile visitor sends: always an answer with a reason, never a 500, never another site's script."""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from loguru import logger

from models import catalog
from models.database import Database
from models.errors import DatabaseUnavailable
from service.web.parameters import NAMES
from service.web.security import HEADERS
from tests import web_samples as samples
from tests.postgres import Server
from tests.web_site import Site, serving


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def library(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """One filled database for the whole module: nothing here writes."""
    if request.param == "sqlite":
        address: Path | str = tmp_path_factory.mktemp("library") / "wirewatch.db"
    else:
        server: Server = request.getfixturevalue("postgres_server")
        address = server.create()
    with samples.library(address) as database:
        yield database


@pytest.fixture(scope="module")
def site(library: Database) -> Iterator[Site]:
    with serving(library) as running:
        yield running


@pytest.fixture
def complaints() -> Iterator[list[str]]:
    """What was logged as an error."""
    found: list[str] = []
    sink = logger.add(lambda message: found.append(str(message)), level="ERROR")
    yield found
    logger.remove(sink)


def assert_no_foreign_script(page: str) -> None:
    """The page brings its own script file and no other script."""
    (own,) = re.findall(r"<script[^>]*>", page)
    assert re.fullmatch(r'<script type="module" src="/static/page\.js\?v=\w+">', own)


@pytest.mark.parametrize(
    ("path", "status", "reason"),
    [
        ("/?limit=100000000000", 400, "from 1 to 200"),
        ("/?limit=-1", 400, "from 1 to 200"),
        ("/?cursor=AAAA", 400, "cursor"),
        ("/?cursor=%00", 400, "control character"),
        ("/?cursor=" + "A" * 1500, 400, "cursor"),
        ("/?cursor=%F0%9F%92%A9", 400, "cursor"),
        ("/?since=99-99-99", 400, "is not a date"),
        ("/?until=9999-12-31", 400, "is not a date"),
        ("/?topic=weather", 400, "there is no topic"),
        ("/?topic=arms%27%20OR%201=1--", 400, "there is no topic"),
        ("/?source=nobody", 404, "no source is called"),
        ("/?source=999999", 404, "no source is called"),
        ("/?source=%27;DROP%20TABLE%20article;--", 404, "no source is called"),
        ("/?min_score=NaN", 400, "number from 0 to 1"),
        ("/?q=" + "a+" * 5_000, 400, "at most"),
        ("/?q=" + "a+" * 10_000, 414, "at most 16,384 are read"),
        ("/?" + "topic=arms&" * 1_000, 400, ""),
        ("/?q=!!!", 400, "no word to find"),
        ("/?q=%00", 400, "control character"),
        ("/?q=topik:arms", 400, "column 1: there is no condition"),
        ("/?q=(artillery", 400, "this parenthesis is not closed"),
        ("/?q=topic:weather", 404, "there is no topic"),
        ("/?q=story:1", 404, "there is no story"),
        ("/?q=source:nobody", 404, "no source is called"),
        ("/?q=" + "(" * 300, 400, "nested too deep"),
        ("/?q=%27%29%20UNION%20SELECT%20*%20FROM%20source--", 400, "nothing before this parenthesis"),
        ("/?sort=asc", 400, "is not a parameter"),
        ("/?order=%3Cscript%3E", 400, "is none of newest, relevance"),
        ("/?was=topic:&q=x", 400, "has no value"),
        ("/?period=forever", 400, "is none of 24h"),
        ("/topics?topic=weather", 400, "there is no topic"),
        ("/topics?threshold=7", 400, "number from 0 to 1"),
        ("/?q=a&q=b", 400, "more than once"),
        ("/articles/0", 404, "this is none"),
        ("/articles/-1", 404, "this is none"),
        ("/articles/99999999999999999999999", 404, "this is none"),
        ("/articles/9223372036854775807", 404, "there is no article"),
        ("/articles/1%00", 404, "this is none"),
        ("/articles/%F0%9F%92%A9", 404, "this is none"),
        ("/articles/1/2", 404, "No page has this address"),
        ("/articles/..%2f..%2fetc%2fpasswd", 404, ""),
        ("/sources/77777", 404, "no source"),
        ("/sources/Gazette", 404, "no source"),
        ("/sources?page=99999999", 400, "from 1 to"),
        ("/sources?state=%3Cscript%3E", 400, "is none of"),
        ("/static/../app.py", 404, ""),
        ("/static/%2e%2e/app.py", 404, ""),
        ("/static/", 404, ""),
        ("/nothing", 404, "No page has this address"),
    ],
)
def test_every_hostile_request_gets_a_reason(
    site: Site, complaints: list[str], path: str, status: int, reason: str
) -> None:
    answer = site.get(path)
    if path.startswith("/?topic=arms&"):
        assert answer.status_code == 200  # said a thousand times, it is still one topic
        return
    assert answer.status_code == status
    assert reason in answer.text.replace("&#39;", "'")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert_no_foreign_script(answer.text)
    assert "Traceback" not in answer.text
    assert complaints == []


@pytest.mark.parametrize(
    "words",
    [
        '"',
        '"unbalanced',
        "NEAR(a b)",
        "title:x",
        "a AND",
        "(a OR",
        "a*",
        "^a",
        "-a",
        "{a b}:c",
        "a:b:c",
        "'; DROP TABLE article; --",
        "% _ \\",
        "a & b | !c <-> d:*",
        "\u202e\u2066",
        "字",
        "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
        "a" * 900,
    ],
)
def test_nothing_typed_is_syntax_of_an_engine(site: Site, complaints: list[str], words: str) -> None:
    answer = site.get("/", params={"q": words})
    assert answer.status_code in {200, 400}
    assert complaints == []


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    query=st.dictionaries(
        st.sampled_from((*NAMES, "page", "state", "threshold")),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
        max_size=4,
    ),
    path=st.sampled_from(("/", "/sources", "/topics", "/articles/1")),
)
def test_no_query_string_breaks_a_page(
    site: Site, complaints: list[str], query: dict[str, str], path: str
) -> None:
    assert site.get(path, params=query).status_code < 500
    assert complaints == []


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"])
@pytest.mark.parametrize("path", ["/", "/articles/1", "/healthz"])
def test_pages_are_only_read(site: Site, method: str, path: str) -> None:
    answer = site.client.request(method, path, content=b"x" * 1_000)
    assert answer.status_code == 405
    assert "can only be read" in answer.text
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}


@pytest.mark.parametrize(
    "path", ["/", "/articles/1", "/nothing", "/?limit=0", "/healthz", "/readyz", "/static/style.css"]
)
def test_every_answer_carries_the_headers(site: Site, path: str) -> None:
    answer = site.get(path)
    for name, value in HEADERS.items():
        assert answer.headers[name] == value
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "server" not in answer.headers
    assert site.client.head(path).headers["content-security-policy"] == policy


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1", 200),
        ("127.0.0.1:8077", 200),
        ("localhost", 200),
        ("LOCALHOST.:1", 200),
        ("evil.example", 421),
        ("localhost.evil.example", 421),
        ("evil.example:8077", 421),
        ("127.0.0.1.evil.example", 421),
        ("[::2]", 421),
        ("127.0.0.1@evil.example", 421),
        ("127.0.0.1, evil.example", 421),
        ("a/b", 421),
        ("", 421),
    ],
)
def test_only_our_own_names_are_answered(site: Site, host: str, status: int) -> None:
    answer = site.get("/", headers={"Host": host})
    assert answer.status_code == status
    if status == 421:
        assert "Eastmark" not in answer.text
        assert "Host" in answer.text or "name" in answer.text


def test_the_names_that_are_answered_can_be_widened(library: Database) -> None:
    names = ("[fd00::1]", "*.news.example", "Desk.Example")
    with serving(library, allowed_hosts=names) as site:
        for host in (
            "[::1]:8077",
            "localhost",
            "127.0.0.1",
            "[FD00::1]",
            "a.news.example",
            "desk.example:80",
        ):
            assert site.get("/healthz", headers={"Host": host}).status_code == 200
        for host in ("news.example", "xnews.example", "10.0.0.1", "[::2]"):
            assert site.get("/healthz", headers={"Host": host}).status_code == 421
    with serving(library, allowed_hosts=("*",)) as site:
        assert site.get("/healthz", headers={"Host": "any.example"}).status_code == 200


def raw(site: Site, request: bytes) -> bytes:
    host, port = site.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(request)
        answer = b""
        while chunk := connection.recv(65_536):
            answer += chunk
    return answer


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET / HTTP/1.0\r\n\r\n", b" 421 "),  # no Host at all
        (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n\r\n", b" 400 "),
        (
            b"GET /?q=" + b"a+" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
            b" 414 ",
        ),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b" 400 "),  # TLS spoken to a plain port
        (b"GET /\xff\xfe HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", b" 400 "),
        (b"GET http://evil.example/ HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n", b" 404 "),
        (b"GET /?q=%ff%fe%80 HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n", b" 400 "),
    ],
)
def test_malformed_requests_are_refused(site: Site, request_bytes: bytes, status: bytes) -> None:
    answer = raw(site, request_bytes)
    assert status in answer.split(b"\r\n", 1)[0] + b" "
    assert site.get("/healthz").status_code == 200


def test_an_endless_request_is_cut_off(site: Site) -> None:
    with contextlib.suppress(ConnectionError):  # the answer may be lost with what was still unread
        answer = raw(site, b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 2_000_000)
        assert b" 400 " in answer.split(b"\r\n", 1)[0]
    assert site.get("/healthz").status_code == 200


def test_a_database_that_does_not_answer_is_said_and_logged(
    site: Site, complaints: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unavailable(_: int) -> None:
        raise DatabaseUnavailable("/secret/path.db is locked")

    monkeypatch.setattr(catalog, "get", unavailable)
    answer = site.get("/articles/1")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "10"
    assert "secret" not in answer.text
    assert any("/secret/path.db is locked" in line for line in complaints)


def test_a_fault_of_ours_is_logged_with_its_traceback_and_told_plainly(
    site: Site, complaints: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def faulty(_: int) -> None:
        message = "the hidden detail"
        raise RuntimeError(message)

    monkeypatch.setattr(catalog, "get", faulty)
    answer = site.get("/articles/1")
    assert answer.status_code == 500
    assert "hidden detail" not in answer.text
    assert "fault of Wirewatch" in answer.text
    assert answer.headers["content-security-policy"]
    assert len(complaints) == 1
    assert "GET /articles/1 failed" in complaints[0]
    assert "the hidden detail" in complaints[0]
