"""Redirects by hand: limits, circles, permanence, and who gets to see credentials."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from service.fetch.guard import Guard
from service.fetch.limits import Limits
from service.values import FeedTarget, Reason, Validators
from tests.fetching import RSS, Names, failed, fetched, look, not_modified
from tests.server import Reply, Request, Server, redirect

NAMES = {"a.test": "127.0.0.1", "b.test": "127.0.0.1", "other.test": "127.0.0.2"}


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        running.route("/feed", Reply(body=RSS, etag='"1"'))
        yield running


@pytest.mark.parametrize(
    ("statuses", "permanent"),
    [
        ([301], True),
        ([308], True),
        ([301, 308, 301], True),
        ([302], False),
        ([303], False),
        ([307], False),
        ([301, 302], False),
        ([307, 301], False),
        ([], False),
    ],
)
def test_only_301_and_308_all_the_way_are_a_permanent_move(
    server: Server, statuses: list[int], permanent: bool
) -> None:
    for number, status in enumerate(statuses):
        following = f"/{number + 1}" if number + 1 < len(statuses) else "/feed"
        server.route(f"/{number}", redirect(following, status))
    start = server.url("/0" if statuses else "/feed")

    body = fetched(look(start))
    unchanged = not_modified(look(FeedTarget(start, Validators('"1"'))))

    assert (body.url, body.final_url) == (start, server.url("/feed"))
    expected = server.url("/feed") if permanent else None
    assert (body.permanent_url, unchanged.permanent_url) == (expected, expected)


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ("/feed", "/feed"),
        ("feed", "/feed"),
        ("?page=2", "/moved?page=2"),
        ("//127.0.0.1:{port}/feed", "/feed"),
        ("  http://127.0.0.1:{port}/feed#top  ", "/feed"),
        ("/köln feed", "/k%C3%B6ln%20feed"),
        ("/k\udcf6ln", "/k%F6ln"),  # Latin-1 in the header goes out as it came in
        ("/signed?a=%2f%7e&b=x+y", "/signed?a=%2f%7e&b=x+y"),
        ("HTTP://127.0.0.1:{port}/feed", "/feed"),
    ],
)
def test_where_a_location_leads(server: Server, location: str, path: str) -> None:
    def answer(request: Request) -> Reply:
        return redirect(location) if request.target == "/moved" else Reply(body=RSS)

    for name in {"/moved", path.partition("?")[0]}:
        server.route(name, answer)

    fetched(look(server.url("/moved")))

    assert server.requests[-1].target == path


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("/moved", "circle"),
        ("http://127.0.0.1:{port}/moved#again", "circle"),
        ("file:///etc/passwd", "file: is not http or https"),
        ("ftp://a.test/", "ftp: is not"),
        ("javascript:alert(1)", "javascript: is not"),
        ("data:text/xml,<rss/>", "data: is not"),
        ("https://", "names no host"),
        ("http://[::1", "not a web address"),
        ("http://2130706433/", "is a number"),
        ("", "without a Location"),
    ],
)
def test_a_redirect_to_nowhere_is_a_failure_of_its_own(server: Server, location: str, words: str) -> None:
    server.route("/moved", redirect(location))

    assert words in failed(look(server.url("/moved")), Reason.REDIRECT).detail


def test_a_circle_is_seen_however_long_and_says_when_a_cookie_is_wanted(server: Server) -> None:
    server.route("/one", redirect("/two", 302, ("Set-Cookie", "seen=1")))
    server.route("/two", redirect("/three"))
    server.route("/three", redirect("/one"))

    assert "wants a cookie" in failed(look(server.url("/one")), Reason.REDIRECT).detail
    assert len(server.requests) == 3


def test_there_is_an_end_to_redirects(server: Server) -> None:
    for number in range(30):
        server.route(f"/{number}", redirect(f"/{number + 1}"))

    assert "more than 8" in failed(look(server.url("/0")), Reason.REDIRECT).detail
    assert len(server.requests) == 9
    failed(look(server.url("/0"), limits=Limits(redirects=0)), Reason.REDIRECT)


def test_a_redirect_that_drips_its_body_is_not_waited_for(server: Server) -> None:
    server.route("/moved", Reply(301, endless=b"x" * 1000, chunked=True, headers=[("Location", "/feed")]))

    fetched(look(server.url("/moved")))


@pytest.mark.parametrize(("statuses", "reason"), [([301], Reason.GONE), ([302], Reason.NOT_FOUND)])
def test_only_the_feeds_own_410_means_gone(server: Server, statuses: list[int], reason: Reason) -> None:
    server.route("/moved", redirect("/gone", statuses[0]))
    server.route("/gone", Reply(410))

    assert failed(look(server.url("/moved")), reason).status == 410
    failed(look(server.url("/gone")), Reason.GONE)


# -- zones ---------------------------------------------------------------------------------------------


def test_a_permanent_move_into_another_zone_is_followed_but_not_offered(server: Server) -> None:
    """127.0.0.1 plays the public server here: the guard lets it through, its zone is what it is."""
    with Server(address="::1") as other:
        other.route("/feed", Reply(body=RSS))
        server.route("/moved", redirect(other.url("/feed"), 301))
        assert fetched(look(server.url("/moved"))).permanent_url == other.url("/feed")  # loopback both

    with Server(address="0.0.0.0") as everywhere:
        address = own_address()
        everywhere.route("/feed", Reply(body=RSS))
        server.route("/moved", redirect(everywhere.url("/feed", host=address), 301))
        moved = fetched(look(server.url("/moved"), guard=Guard.of(allow=["0.0.0.0/0"])))

    assert moved.final_url == everywhere.url("/feed", host=address)
    assert moved.permanent_url is None


def own_address() -> str:
    """An address of this machine that is not loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine has no address but loopback")
        return str(probe.getsockname()[0])


# -- credentials ---------------------------------------------------------------------------------------

SECRET = (("X-Token", "s3cret"), ("Cookie", "member=1"))
BASIC = "Basic dXNlcjpww6Rzcw=="  # user:päss


def test_credentials_and_own_headers_are_sent(server: Server) -> None:
    target = FeedTarget(server.url("/feed"), headers=SECRET, username="user", password="päss")

    fetched(look(target))

    asked = server.requests[0].headers
    assert (asked["authorization"], asked["x-token"], asked["cookie"]) == (BASIC, "s3cret", "member=1")


def test_credentials_in_the_address_are_sent_but_not_shown(server: Server) -> None:
    address = server.url("/feed").replace("http://", "http://user:p%C3%A4ss@")

    assert "user" not in fetched(look(address)).final_url

    assert server.requests[0].headers["authorization"] == BASIC
    server.route("/moved", redirect("/feed", 301))
    moved = fetched(look(server.url("/moved").replace("http://", "http://user:x@")))
    assert moved.permanent_url is None  # the new address would have lost them


def test_own_headers_win_over_ours(server: Server) -> None:
    target = FeedTarget(
        server.url("/feed"),
        headers=(("user-agent", "Mozilla"), ("AUTHORIZATION", "Bearer x")),
        username="user",
    )

    fetched(look(target))

    asked = server.requests[0].headers
    assert (asked["user-agent"], asked["authorization"]) == ("Mozilla", "Bearer x")


def test_credentials_stay_within_their_origin(server: Server) -> None:
    with Server() as elsewhere:  # another port is another origin
        elsewhere.route("/feed", Reply(body=RSS))
        elsewhere.route("/back", redirect(server.url("/feed")))
        server.route("/same", redirect("/feed"))
        server.route("/away", redirect(elsewhere.url("/feed")))
        server.route("/return", redirect(elsewhere.url("/back")))
        secrets = {"headers": SECRET, "username": "user", "password": "päss"}

        for path in ("/same", "/away", "/return"):
            fetched(look(FeedTarget(server.url(path), **secrets)))  # type: ignore[arg-type]

        named = ("authorization", "x-token", "cookie")
        same = [all(name in request.headers for name in named) for request in server.requests[:2]]
        assert same == [True, True]
        outside = [*elsewhere.requests, server.requests[-1]]
        assert len(outside) == 3
        assert not any(name in request.headers for request in outside for name in named)


def test_a_name_is_an_origin_not_an_address(server: Server) -> None:
    server.route("/away", redirect(server.url("/feed", host="b.test")))
    target = FeedTarget(server.url("/away", host="a.test"), username="user", password="x")

    fetched(look(target, resolver=Names(NAMES)))

    assert ["authorization" in request.headers for request in server.requests] == [True, False]


def test_user_information_in_a_location_is_not_used(server: Server) -> None:
    server.route("/away", redirect("http://admin:admin@127.0.0.1:{port}/feed"))

    fetched(look(server.url("/away")))

    assert "authorization" not in server.requests[1].headers


@pytest.mark.parametrize(
    "header",
    [
        ("Host", "internal.test"),
        ("content-length", "5"),
        ("Transfer-Encoding", "chunked"),
        ("Proxy-Authorization", "x"),
        ("X-Two", "a\r\nX-Evil: b"),
        ("X-Nul", "a\0b"),
        ("No Name", "x"),
        ("", "x"),
        ("X-Raw", "\udcff"),
    ],
)
def test_an_own_header_that_would_break_the_message_is_refused(
    server: Server, header: tuple[str, str]
) -> None:
    target = FeedTarget(server.url("/feed"), headers=(header,))

    assert "own header" in failed(look(target), Reason.BLOCKED).detail
    assert server.requests == []
