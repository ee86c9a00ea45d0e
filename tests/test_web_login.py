"""Signing in: who is let in, for how long, and what guessing costs."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from models import labels, tokens
from models.database import Database
from models.tokens import Scope
from service import passwords
from service.errors import DaemonError
from service.settings import Web
from service.tokens import digest, make
from service.web.login import COOKIE, LASTS, TRIES, Sessions
from service.web.metrics import Standing
from service.web.rules import need_password
from tests import web_samples as samples
from tests.web_site import Site, serving

PASSWORD = "correct horse"
KEPT = passwords.keep(PASSWORD)
NOW = datetime(2026, 3, 10, tzinfo=UTC)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with samples.library(tmp_path_factory.mktemp("library") / "wirewatch.db") as database:
        yield database


@pytest.fixture
def site(library: Database) -> Iterator[Site]:
    with serving(library, password=KEPT) as running:
        yield running


def standing() -> Standing:
    """What a daemon says of itself."""
    return Standing(ready=True)


def sign_in(site: Site, password: str = PASSWORD, **more: str) -> httpx.Response:
    """What a browser sends."""
    form = {"password": password, "name": "", "next": "/"} | more
    return site.client.post("/login", data=form, headers={"Origin": site.url})


def test_nothing_is_read_without_signing_in(site: Site) -> None:
    for path in ("/", "/?q=a%20b&order=relevance", "/articles/1", "/sources", "/topics", "/nothing"):
        answer = site.get(path)
        assert answer.status_code == 303
        assert "Eastmark" not in answer.text
        following = httpx.URL(answer.headers["location"])
        assert (following.path, following.params["next"]) == ("/login", path)
    assert site.client.post("/articles/1/verdict", headers={"Origin": site.url}).status_code == 401
    for path in ("/login", "/healthz", "/readyz", "/static/style.css"):
        assert site.get(path).status_code == 200
    assert site.get("/login").text.count("<input") == 3


def test_who_signs_in_comes_to_what_was_asked_for_and_out_again(site: Site) -> None:
    answer = sign_in(site, next="/articles/1?x", name=" Ann\u202e Vane ")
    assert (answer.status_code, answer.headers["location"]) == (303, "/articles/1?x")
    cookie = answer.headers["set-cookie"]
    assert {"HttpOnly", "Path=/", "SameSite=lax", f"Max-Age={int(LASTS.total_seconds())}"} <= set(
        cookie.split("; ")
    )
    assert "Secure" not in cookie
    page = site.get("/articles/1")
    assert page.status_code == 200
    assert "Sign out" in page.text

    token = re.search(r'name="token" value="(\w+)"', page.text)
    assert token
    form = {"token": token[1], "topic": "arms", "verdict": "no"}
    assert site.client.post("/articles/1/verdict", data=form, headers={"Origin": site.url}).status_code == 303
    assert [one.by for one in labels.verdicts()] == ["Ann Vane"]

    kept = site.client.cookies[COOKIE]
    assert site.client.post("/logout", headers={"Origin": "https://evil.example"}).status_code == 403
    assert site.client.post("/logout", headers={"Origin": site.url}).headers["location"] == "/login"
    assert COOKIE not in site.client.cookies
    assert site.get("/", headers={"Cookie": f"{COOKIE}={kept}"}).status_code == 303  # it is over for good


def test_behind_https_the_cookie_is_secure(site: Site) -> None:
    form = {"password": PASSWORD, "name": "", "next": "/"}
    headers = {"Origin": site.url, "X-Forwarded-Proto": "https"}
    assert "Secure" in site.client.post("/login", data=form, headers=headers).headers["set-cookie"]


@pytest.mark.parametrize(
    "following",
    [
        "//evil.example/",
        "https://evil.example",
        "/\\evil.example",
        "/a\\b",
        "/login",
        "/\nb",
        "x",
        "",
        "/é",
        "/" + "a" * 2500,
    ],
)
def test_nobody_is_sent_elsewhere(site: Site, following: str) -> None:
    assert sign_in(site, next=following).headers["location"] == "/"


def test_guessing_is_refused_and_throttled(site: Site) -> None:
    for _ in range(TRIES):
        answer = sign_in(site, "wrong horse")
        assert (answer.status_code, "set-cookie" in answer.headers) == (401, False)
        assert "not the password" in answer.text
    answer = sign_in(site)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 60
    assert site.get("/").status_code == 303


def test_what_another_site_sends_is_refused(site: Site) -> None:
    form = {"password": PASSWORD, "name": "", "next": "/"}
    assert site.client.post("/login", data=form).status_code == 403
    assert (
        site.client.post("/login", data=form, headers={"Origin": "https://evil.example"}).status_code == 403
    )
    for wrong in ({"password": "x"}, form | {"more": "1"}):
        assert site.client.post("/login", data=wrong, headers={"Origin": site.url}).status_code == 400
    assert site.client.post("/login", json=form, headers={"Origin": site.url}).status_code == 415
    long = form | {"password": "x" * 5_000}
    assert site.client.post("/login", data=long, headers={"Origin": site.url}).status_code == 413


@pytest.mark.parametrize("cookie", ["x", "a.b.c.d", "99999999999.x.eA==.", "." * 3, "é" * 9, "1" * 5_000])
def test_a_cookie_that_was_not_given_opens_nothing(site: Site, cookie: str) -> None:
    answer = site.get("/", headers={"Cookie": f"{COOKIE}={cookie}".encode()})
    assert answer.status_code == 303


def test_a_session_runs_out_and_ends_with_the_password() -> None:
    sessions = Sessions(KEPT)
    cookie = sessions.give("Ann", NOW)
    found = sessions.read(cookie, NOW + LASTS - timedelta(seconds=1))
    assert found is not None
    assert found.name == "Ann"
    assert sessions.read(cookie, NOW + LASTS) is None
    assert Sessions(passwords.keep(PASSWORD)).read(cookie, NOW) is None
    head, signature = cookie.rsplit(".", 1)
    assert sessions.read(f"9{head}.{signature}", NOW) is None
    sessions.end(found)
    assert sessions.read(cookie, NOW) is None


def test_programs_come_in_with_a_token(site: Site, library: Database) -> None:
    with serving(library, password=KEPT, metrics=standing) as measured:
        proxied = {"X-Forwarded-For": "192.0.2.1"}
        answer = measured.get("/metrics", headers=proxied)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer realm="wirewatch"')
        assert measured.get("/metrics").status_code == 200  # a program on this machine, as at the API
        secret = make()
        tokens.create("prometheus", digest(secret), Scope.READ, now=NOW)
        assert (
            measured.get("/metrics", headers=proxied | {"Authorization": f"Bearer {secret}"}).status_code
            == 200
        )


def test_the_page_is_not_served_to_other_machines_without_a_password() -> None:
    need_password(Web())
    need_password(Web(host="::1"))
    need_password(Web(host="0.0.0.0", password=KEPT))
    for host in ("0.0.0.0", "::", "192.0.2.7", "news.example.org"):
        with pytest.raises(DaemonError, match=f"served on {re.escape(host)}.*wirewatch password"):
            need_password(Web(host=host))
    with socket.socket() as listening:
        listening.bind(("0.0.0.0", 0))
        with pytest.raises(DaemonError, match="no password is set"):
            need_password(Web(), [listening])
        need_password(replace(Web(), password=KEPT), [listening])


def test_a_password_is_kept_so_that_nobody_finds_it_again() -> None:
    assert passwords.is_kept(KEPT)
    assert passwords.keep(PASSWORD) != KEPT
    assert passwords.matches(PASSWORD, KEPT)
    for wrong in ("", "correct hors", PASSWORD + " ", "\ud800", "x" * 2_000):
        assert not passwords.matches(wrong, KEPT)
    for text in ("", PASSWORD, KEPT[:-1], KEPT.replace(":15:", ":31:"), KEPT.replace("scrypt", "plain")):
        assert not passwords.is_kept(text)
        assert not passwords.matches(PASSWORD, text)
    for wrong in ("", "short", "x" * 1_001):
        with pytest.raises(ValueError, match="8 to 1000 characters"):
            passwords.keep(wrong)
