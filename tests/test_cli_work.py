"""``explain``, ``import``, ``poll`` and ``run``: the commands that do the work, on the real thing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from service.cli.exits import Exit
from service.lock import DaemonLock
from tests.cli_home import Home, home
from tests.server import Reply, Server

__all__ = ["home"]

SPEECH = """Council widens sanctions on shipping

The Security Council widened sanctions on Tuesday. The panel of experts had reported arms transfers by sea,
and the foreign minister welcomed the resolution after talks with his counterpart.
"""
TOPICS = """
format = 1
[[topic]]
name = "sanctions"
description = "Sanctions"
  [[topic.rules]]
  language = "en"
  weight = 6.0
  match = ['sanctions', 'panel of experts']
[[topic]]
name = "gardens"
description = "Gardens"
  [[topic.rules]]
  language = "en"
  weight = 6.0
  match = ['garden']
"""
ITEM = (
    "<item><guid>{0}</guid><title>Council widens sanctions {0}</title><link>https://example.org/{0}</link>"
    "<description>The Security Council widened sanctions, an arms embargo and asset freezes.</description>"
    "<pubDate>Tue, 18 Jun 2024 10:00:00 GMT</pubDate></item>"
)


def rss(*names: str) -> bytes:
    """A feed with an item of each name."""
    items = "".join(ITEM.format(name) for name in names)
    return f'<rss version="2.0"><channel><title>Wire</title>{items}</channel></rss>'.encode()


@pytest.fixture(autouse=True)
def quick(home: Home) -> None:
    """One worker process and few rules: starting them takes longer than all that is done here."""
    (home.folder / "topics.toml").write_text(TOPICS, encoding="utf-8")
    home.set(WIREWATCH_SCHEDULE_WORKERS="1", WIREWATCH_TOPICS_FILE="topics.toml")


# -- explain -------------------------------------------------------------------------------------------


def test_explain_says_what_would_be_tagged_and_stores_nothing(home: Home) -> None:
    (home.folder / "speech.txt").write_text(SPEECH, encoding="utf-8")
    (explained,) = home.run("explain", "speech.txt", "--json").json
    tags = {tag["topic"]: tag for tag in explained["tags"]}

    assert {name: tag["holds"] for name, tag in tags.items()} == {"sanctions": True, "gardens": False}
    for tag in tags.values():
        for one in tag["evidence"]:
            field = explained["title" if one["field"] == "title" else "text"]
            assert field[one["start"] : one["end"]] == one["phrase"]
    out = home.run("explain", "speech.txt").out
    assert "«sanctions»" in out
    assert "sanctions: a main subject; its score" in out
    assert "gardens: no; its score" in out
    assert not home.database.exists()


def test_explain_reads_standard_input(home: Home) -> None:
    (text,) = home.run("explain", "-", "--json", stdin=SPEECH.encode()).json
    page = b"<html><head><title>Council widens sanctions</title></head><body><p>It did.</p></body></html>"
    (html,) = home.run("explain", "-", "--json", "--name", "page.html", stdin=page).json
    assert text["title"] == "Council widens sanctions on shipping"
    assert html["title"] == "Council widens sanctions"


def test_explain_of_hostile_text_steers_no_terminal(home: Home) -> None:
    body = SPEECH.replace("sanctions", "\x1b[31msanctions\x1b[0m\u202e").encode()
    for arguments in (["explain", "-"], ["explain", "-", "--json"]):
        result = home.run(*arguments, stdin=body)
        assert result.code == Exit.DONE
        assert not {"\x1b", "\u202e"} & set(result.out)


@pytest.mark.parametrize(
    ("name", "body", "code", "said"),
    [
        ("empty.txt", b"", Exit.FAILED, "empty.txt: empty: "),
        ("program.txt", b"\x7fELF\x02\x01\x01" + bytes(500), Exit.FAILED, "program.txt: not_text: "),
        (
            "large.txt",
            b"x" * 1001,
            Exit.USAGE,
            "large.txt: is larger than folders.max_file_size (1,000 bytes)",
        ),
        ("absent.txt", None, Exit.USAGE, "absent.txt: cannot be read: No such file or directory"),
        (".", None, Exit.USAGE, ".: cannot be read: Is a directory"),
    ],
)
def test_what_cannot_be_explained(home: Home, name: str, body: bytes | None, code: Exit, said: str) -> None:
    if body is not None:
        (home.folder / name).write_bytes(body)
    home.set(WIREWATCH_FOLDERS_MAX_FILE_SIZE="1KB")
    result = home.run("explain", name)
    assert result.code == code
    assert said in result.complaint


# -- import --------------------------------------------------------------------------------------------


def test_import_takes_files_in_once_and_says_what_failed(home: Home) -> None:
    reports = home.folder / "reports"
    reports.mkdir()
    (reports / "speech.txt").write_text(SPEECH, encoding="utf-8")
    (reports / "empty.txt").touch()
    first = home.run("import", "reports", "--json")

    assert first.code == Exit.FAILED
    assert (first.json["files"], first.json["new"]) == (1, 1)
    (failure,) = first.json["failed"]
    assert (failure["path"], failure["reason"]) == (str(reports / "empty.txt"), "empty")
    again = home.run("import", "reports")
    assert "0 new articles" in again.out
    (article,) = home.run("articles", "--topic", "sanctions", "--match", '"panel of experts"', "--json").json
    assert article["path"] == str(reports / "speech.txt")


def test_the_seeds_are_imported_once(home: Home) -> None:
    home.set(WIREWATCH_TOPICS_FILE="")
    first = home.run("import", "--seeds")
    assert (first.code, first.err) == (Exit.DONE, "")
    assert "5 new articles" in first.out
    assert "imported before" in home.run("import", "--seeds").err
    assert len(home.run("articles", "--topic", "sanctions", "--json").json) == 5
    assert "«" in home.run("show", "1").out
    assert home.run("status", "--json").json["articles"] == 5


@pytest.mark.parametrize(
    ("arguments", "said"),
    [([], "name files or folders to import, or --seeds"), (["absent"], "there is no file or folder")],
)
def test_an_import_of_nothing(home: Home, arguments: list[str], said: str) -> None:
    result = home.run("import", *arguments)
    assert result.code == Exit.USAGE
    assert said in result.complaint


# -- poll ----------------------------------------------------------------------------------------------


def test_poll_looks_at_a_feed_and_a_folder(home: Home) -> None:
    reports = home.folder / "reports"
    reports.mkdir()
    (reports / "speech.txt").write_text(SPEECH, encoding="utf-8")
    home.set(WIREWATCH_FOLDERS_STILL_FOR="0s")
    with Server() as server:
        server.route("/feed", Reply(body=rss("one", "two"), etag='"1"'))
        server.route("/down", Reply(503))
        home.run("sources", "add", server.url("/feed"), str(reports), "--allow-private")
        due = home.run("poll", "--json")
        assert due.code == Exit.DONE, due.err
        assert sorted((one["outcome"], one["new"]) for one in due.json) == [("ok", 1), ("ok", 2)]

        assert "nothing is due" in home.run("poll").err
        home.run("sources", "add", server.url("/down"), "--allow-private", "--title", "Down")
        named = home.run("poll", "Wire", "Down")
        assert named.code == Exit.FAILED
        assert "not_modified" in named.out
        assert "http_5xx" in named.out
        (forced,) = home.run("poll", "Wire", "--force", "--json").json
        assert (forced["seen"], forced["new"]) == (2, 0)
    assert len(home.run("articles", "--topic", "sanctions", "--json").json) == 3
    assert [one["title"] for one in home.run("sources", "list", "--failing", "--json").json] == ["Down"]
    assert "http_5xx" in home.run("status").out


def test_a_private_address_needs_a_word(home: Home) -> None:
    with Server() as server:
        server.route("/feed", Reply(body=rss("one")))
        home.run("sources", "import", "-", stdin=server.url("/feed").encode())
        result = home.run("poll")
        assert result.code == Exit.FAILED
        assert "blocked" in result.out
        assert server.requests == []


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["absent"], Exit.NOT_FOUND, "no source is called 'absent'"),
        (["--force"], Exit.USAGE, "--force needs to be told which sources"),
    ],
)
def test_a_poll_of_what_is_not_there(home: Home, arguments: list[str], code: Exit, said: str) -> None:
    result = home.run("poll", *arguments)
    assert result.code == code
    assert said in result.complaint


# -- run -----------------------------------------------------------------------------------------------


def test_a_second_daemon_is_refused(home: Home) -> None:
    home.database.parent.mkdir(parents=True)
    lock = DaemonLock(home.database)
    lock.acquire()
    try:
        result = home.run("run")
    finally:
        lock.release()
    assert result.code == Exit.DAEMON
    assert "another wirewatch daemon" in result.complaint


def test_a_daemon_does_not_start_with_wrong_settings(home: Home) -> None:
    home.set(WIREWATCH_WEB_PORT="x")
    result = home.run("run")
    assert result.code == Exit.USAGE
    assert "WIREWATCH_WEB_PORT" in result.complaint


def test_what_is_logged_can_be_json(home: Home, tmp_path: Path) -> None:
    (tmp_path / "speech.txt").write_text(SPEECH, encoding="utf-8")
    home.set(WIREWATCH_LOG_JSON="true")
    result = home.run("-v", "import", "speech.txt")
    assert result.code == Exit.DONE
    assert result.err
    for line in result.err.splitlines():
        assert {"time", "level", "message", "logger"} <= set(json.loads(line))
