"""``wirewatch sources test``: what would come in, over a real server; nothing is stored."""

from __future__ import annotations

from service.cli.exits import Exit
from tests.cli_home import Home, home
from tests.server import Reply, Request, Server

__all__ = ["home"]

RSS = (
    b'<rss version="2.0"><channel><title>Wire</title><item><guid>1</guid>'
    b"<title>Council widens sanctions</title><pubDate>Tue, 18 Jun 2024 10:00:00 GMT</pubDate>"
    b"<description>The Security Council widened sanctions, asset freezes and the arms embargo.</description>"
    b"</item></channel></rss>"
)


def test_it_shows_what_would_come_and_stores_nothing(home: Home) -> None:
    with Server() as server:
        server.route("/feed", Reply(body=RSS))
        shown = home.run("sources", "test", server.url("/feed"), "--allow-private")
        result = home.run("sources", "test", server.url("/feed"), "--allow-private", "--json")
    assert shown.code == Exit.DONE
    assert "Council widens sanctions" in shown.out
    assert "1 article, 1 with a topic; nothing was stored" in shown.err
    (article,) = result.json["articles"]
    assert "sanctions" in article["topics"]
    assert article["published_at"] == "2024-06-18T10:00:00Z"
    assert not home.database.exists()


def test_the_feed_of_a_site_is_found(home: Home) -> None:
    links = "".join(
        f'<link rel="alternate" type="application/rss+xml" title="{name}" href="/{name}">'
        for name in ("news", "sport")
    )
    page = Reply(body=f"<html><head>{links}</head><body>A</body></html>".encode(), content_type="text/html")
    with Server() as server:
        server.route("/", page)
        server.route("/news", Reply(body=RSS))
        asked = home.run("sources", "test", server.url("/"), "--allow-private")
        first = home.run("sources", "test", server.url("/"), "--allow-private", "--first", "--json")
    assert asked.code == Exit.USAGE
    assert "has 2 feeds" in asked.err
    assert first.json["location"] == server.url("/news")
    assert first.json["title"] == "Wire"


def test_logins_and_headers_are_sent_as_they_would_be(home: Home) -> None:
    (home.folder / "word").write_text("hunter2\n", encoding="utf-8")

    def guarded(request: Request) -> Reply:
        known = request.headers.get("authorization") == "Basic bWU6aHVudGVyMg=="
        return Reply(body=RSS) if known and request.headers.get("x-key") == "42" else Reply(401)

    with Server() as server:
        server.route("/feed", guarded)
        arguments = ["sources", "test", server.url("/feed"), "--allow-private"]
        refused = home.run(*arguments)
        shown = home.run(*arguments, "--username", "me", "--password-file", "word", "--header", "X-Key: 42")
    assert "unauthorized" in refused.complaint
    assert (shown.code, "hunter2" in shown.out + shown.err) == (Exit.DONE, False)
    assert len(server.asked("/feed")) == 2  # each time once


def test_what_cannot_be_read_says_why(home: Home) -> None:
    with Server() as server:
        server.route("/page", Reply(body=b"<html><body>Log in</body></html>", content_type="text/html"))
        page = home.run("sources", "test", server.url("/page"), "--allow-private")
        absent = home.run("sources", "test", server.url("/absent"), "--allow-private")
        private = home.run("sources", "test", server.url("/page"))
    assert (page.code, absent.code, private.code) == (Exit.FAILED, Exit.FAILED, Exit.USAGE)
    assert "not_a_feed" in page.complaint
    assert "not_found" in absent.complaint
    assert "--allow-private allows it" in private.complaint
