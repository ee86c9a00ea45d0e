"""``wirewatch sources add`` with the address of a site: its feeds are found, over a real server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from service.cli.exits import Exit
from tests.cli_home import Home, home
from tests.server import Reply, Server, redirect

__all__ = ["home"]

RSS = (
    b'<rss version="2.0"><channel><title>Wire</title><item><title>One</title><guid>1</guid></item>'
    b"</channel></rss>"
)
LINK = '<link rel="alternate" type="application/rss+xml" href="{}" title="{}">'


def page(*feeds: str, body: str = "<p>Welcome.</p>") -> Reply:
    """A page that declares feeds."""
    links = "".join(LINK.format(href, f"Feed {href}") for href in feeds)
    html = f"<!doctype html><html><head><title>Site</title>{links}</head><body>{body}</body></html>"
    return Reply(body=html.encode(), content_type="text/html; charset=utf-8")


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        running.route("/feed", Reply(body=RSS))
        running.route("/news.xml", Reply(body=RSS))
        yield running


def locations(home: Home) -> list[str]:
    """What is watched."""
    return [one["location"] for one in home.run("sources", "list", "--json").json]


def add(home: Home, *arguments: str) -> tuple[int, str, str]:
    """Add from a private address; gives the code and what was said."""
    result = home.run("sources", "add", "--allow-private", *arguments)
    return result.code, result.out, result.err


def test_a_feed_is_added_as_it_is(home: Home, server: Server) -> None:
    assert add(home, server.url("/feed"))[::2] == (Exit.DONE, "")
    assert locations(home) == [server.url("/feed")]
    assert len(server.requests) == 1


def test_the_only_feed_of_a_page_is_taken(home: Home, server: Server) -> None:
    server.route("/", page("/news.xml", "/comments/feed"))
    code, _, err = add(home, server.url("/"))
    assert code == Exit.DONE
    assert f"the feed of {server.url('/')} is {server.url('/news.xml')}" in err
    assert locations(home) == [server.url("/news.xml")]
    assert [one.path for one in server.requests] == ["/"]


def test_of_several_feeds_one_has_to_be_chosen(home: Home, server: Server) -> None:
    server.route("/", page("/news.xml", "/feed"))
    code, _, err = add(home, server.url("/"))
    assert code == Exit.USAGE
    assert server.url("/news.xml") in err
    assert server.url("/feed") in err
    assert "name one of them, or --first the likeliest" in err
    assert not home.database.exists()

    assert add(home, server.url("/"), "--first")[0] == Exit.DONE
    assert locations(home) == [server.url("/news.xml")]


def test_a_link_on_the_page_is_asked_before_it_is_believed(home: Home, server: Server) -> None:
    server.route("/", page(body='<a href="/rss/gone">RSS</a> <a href="/news/rss.xml">RSS</a>'))
    server.route("/news/rss.xml", Reply(body=RSS))
    assert add(home, server.url("/"))[0] == Exit.DONE
    assert locations(home) == [server.url("/news/rss.xml")]


def test_then_the_places_where_feeds_usually_are(home: Home, server: Server) -> None:
    server.route("/blog", page())
    assert add(home, server.url("/blog"))[0] == Exit.DONE
    assert locations(home) == [server.url("/feed")]
    assert len(server.requests) <= 13


def test_a_site_without_feeds(home: Home) -> None:
    with Server() as server:
        server.route("/", page())
        code, _, err = add(home, server.url("/"))
        assert code == Exit.USAGE
        assert "no feed was found at" in err
        assert len(server.requests) <= 13
        assert not home.database.exists()
        assert add(home, server.url("/"), "--no-check")[0] == Exit.DONE
        assert locations(home) == [server.url("/")]


@pytest.mark.parametrize(("status", "reason"), [(503, "http_5xx"), (404, "not_found")])
def test_what_does_not_answer_is_added_with_a_warning(
    home: Home, server: Server, status: int, reason: str
) -> None:
    server.route("/down", Reply(status))
    code, _, err = add(home, server.url("/down"))
    assert code == Exit.DONE
    assert f"does not answer now: {reason}" in err
    assert locations(home) == [server.url("/down")]


def test_no_network_is_no_reason_to_refuse(home: Home) -> None:
    with Server() as ended:
        address = ended.url("/feed")
    code, _, err = add(home, address)
    assert code == Exit.DONE
    assert "does not answer now: connect" in err
    assert locations(home) == [address]


def test_no_check_asks_nothing(home: Home, server: Server) -> None:
    assert add(home, server.url("/"), "--no-check")[0] == Exit.DONE
    assert server.requests == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "192.168.1.5", "[::1]", "2130706433"])
@pytest.mark.parametrize("check", [[], ["--no-check"]])
def test_a_private_address_needs_a_word(home: Home, host: str, check: list[str]) -> None:
    result = home.run("sources", "add", f"http://{host}:8080/feed", *check)
    assert result.code == Exit.USAGE
    assert "--allow-private allows it" in result.complaint
    assert not home.database.exists()


def test_a_setting_can_be_that_word(home: Home) -> None:
    home.set(WIREWATCH_HTTP_ALLOW_PRIVATE_NETWORKS="true")
    assert home.run("sources", "add", "http://192.168.1.5/feed", "--no-check").code == Exit.DONE


def test_the_clouds_secrets_stay_out_of_reach(home: Home, server: Server) -> None:
    server.route("/", page("http://169.254.169.254/latest/meta-data"))
    code, _, err = add(home, server.url("/"))
    assert code == Exit.USAGE
    assert "169.254.169.254" in err
    assert not home.database.exists()
    server.route("/moved", redirect("http://169.254.169.254/latest"))
    assert "--no-check" in add(home, server.url("/moved"))[2]


def test_credentials_go_to_no_other_origin(home: Home, server: Server) -> None:
    with Server() as other:
        other.route("/feed", Reply(body=RSS))
        server.route("/", page(other.url("/feed"), "/news.xml"))
        code, _, _ = add(home, server.url("/"), "--header", "X-Key: hunter2")
        assert code == Exit.DONE
        assert other.requests == []
    assert locations(home) == [server.url("/news.xml")]


def test_an_own_header_is_sent_when_looking(home: Home, server: Server) -> None:
    add(home, server.url("/feed"), "--header", "X-Key: hunter2")
    assert [one.headers.get("x-key") for one in server.requests] == ["hunter2"]
