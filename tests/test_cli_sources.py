"""``wirewatch sources``: adding, listing, pausing, removing; on both engines where the database decides."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.cli.exits import Exit
from tests.cli_home import Home, home, stored

__all__ = ["home", "stored"]

FEED = "https://example.org/feed.xml"


def test_a_first_source_makes_the_database(home: Home) -> None:
    (home.folder / "reports").mkdir()
    result = home.run("sources", "add", "--no-check", FEED, "reports")

    assert (result.code, result.err) == (Exit.DONE, "")
    assert home.database.stat().st_mode & 0o077 == 0
    feed, folder = sorted(home.run("sources", "list", "--json").json, key=lambda one: int(one["id"]))
    assert (feed["location"], feed["kind"], feed["schedule"], feed["state"]) == (
        FEED,
        "feed",
        "adaptive",
        "active",
    )
    assert (folder["location"], folder["kind"]) == (str(home.folder / "reports"), "folder")
    assert folder["schedule"] == "every 30s"


def test_adding_says_whether_it_was_new(home: Home) -> None:
    assert "feed 1: Example added" in home.run("sources", "add", "--no-check", FEED, "--title", "Example").out
    assert "is known already" in home.run("sources", "add", "--no-check", FEED).out
    home.run("sources", "remove", "1")
    assert "is listed again" in home.run("sources", "add", "--no-check", FEED).out
    (again,) = home.run("sources", "add", "--no-check", FEED, "--json").json
    assert (again["id"], again["new"], again["revived"]) == (1, False, False)


def test_options_are_kept_and_secrets_are_not_shown(home: Home) -> None:
    (home.folder / "secret").write_text("hunter2\n", encoding="utf-8")
    home.run(
        "sources", "add", "--no-check", FEED, "--title", "Example", "--group", "press/wire",
        "--schedule", "every 15m", "--username", "me", "--password-file", "secret",
        "--header", "X-Key: hunter2", "--proxy", "http://me:hunter2@proxy:3128",
        "--allow-private", "--month-first",
    )  # fmt: skip
    result = home.run("sources", "list", "--json")
    (source,) = result.json

    assert "hunter2" not in result.out
    assert b"hunter2\n" not in home.database.read_bytes()
    assert source["group"] == "press/wire"
    assert source["options"] == {
        "allow_private": True,
        "username": "me",
        "password_file": str(home.folder / "secret"),
        "header.X-Key": "***",
        "proxy": "http://me:***@proxy:3128",
        "day_first": False,
    }


def test_a_folder_has_patterns(home: Home) -> None:
    (home.folder / "reports").mkdir()
    home.run("sources", "add", "reports", "--include", "*.txt", "--include", "*.md", "--exclude", "tmp/**")
    (source,) = home.run("sources", "list", "--json").json
    assert source["options"] == {"include": "*.txt\n*.md", "exclude": "tmp/**"}


def test_the_default_schedules_are_those_of_the_settings(home: Home) -> None:
    home.set(WIREWATCH_SCHEDULE_FEEDS="every 2h", WIREWATCH_SCHEDULE_RESCAN="5m")
    home.run("sources", "add", "--no-check", FEED, str(home.folder))
    schedules = {one["kind"]: one["schedule"] for one in home.run("sources", "list", "--json").json}
    assert schedules == {"feed": "every 2h", "folder": "every 5m"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["ftp://example.org/"],
            "url cannot be 'ftp://example.org/'; it takes an http:// or https:// address",
        ),
        (["https:///feed"], "url cannot be"),
        (["example.org/feed"], "for a feed write https://example.org/feed"),
        (["absent"], "'absent' is no folder here"),
        (["file.txt"], "'file.txt' is a file; only folders are watched: 'wirewatch import file.txt'"),
        ([FEED, "--schedule", "hourly"], "schedule cannot be 'hourly'; it takes \"adaptive\""),
        ([FEED, "--schedule", "0 6 * * 9"], "schedule cannot be '0 6 * * 9'"),
        ([FEED, "--include", "*"], "include means nothing for a feed"),
        ([".", "--username", "me"], "username means nothing for a folder"),
        ([FEED, "--password-file", "file.txt"], "password_file needs a username"),
        ([FEED, "--password-file", "absent"], "'absent' does not exist"),
        ([FEED, "--header", "X-Key"], "--header takes NAME:VALUE"),
        ([FEED, "https://b.example/", "--title", "x"], "--title names one source"),
        ([], "missing argument 'URL|PATH...'"),
    ],
)
def test_what_is_no_source_is_refused(home: Home, arguments: list[str], said: str) -> None:
    (home.folder / "file.txt").write_text("x", encoding="utf-8")
    result = home.run("sources", "add", *arguments)

    assert result.code == Exit.USAGE
    assert said in result.complaint
    assert not home.database.exists()


def test_sources_are_listed_with_their_state(stored: Home) -> None:
    result = stored.run("sources", "list")
    lines = result.out.splitlines()

    assert lines[0].split() == [
        "ID", "KIND", "STATE", "POLLS", "SCHEDULE", "LAST", "POLL", "NEXT", "ARTICLES", "NAME",
    ]  # fmt: skip
    assert lines[1].split()[:3] == ["2", "folder", "new"]
    assert lines[2].split()[:4] == ["1", "feed", "silent", "for"]  # its last article is of 2024
    assert lines[2].endswith("press/Example")
    assert "hunter2" not in stored.run("sources", "list", "--json").out


def test_pause_and_resume(stored: Home) -> None:
    assert stored.run("sources", "pause", "Example", "--reason", "rebuilt").code == Exit.DONE
    (paused,) = [one for one in stored.run("sources", "list", "--json").json if one["id"] == 1]
    assert paused["state"] == "paused"
    assert paused["state_reason"].startswith("rebuilt")
    assert "paused: rebuilt" in stored.run("sources", "list").out
    assert "feed 1: Example resumed" in stored.run("sources", "resume", "1").out


def test_removed_sources_are_listed_when_asked_for(stored: Home) -> None:
    stored.run("sources", "remove", "/srv/reports")
    assert [one["id"] for one in stored.run("sources", "list", "--json").json] == [1]
    assert {one["id"] for one in stored.run("sources", "list", "--removed", "--json").json} == {1, 2}
    assert len(stored.run("articles", "--json").json) == 3


def test_a_pattern_that_names_several_needs_a_yes(stored: Home) -> None:
    refused = stored.run("sources", "remove", "*")
    assert refused.code == Exit.USAGE
    assert "this names 2 sources" in refused.complaint
    assert "add --yes" in refused.complaint
    assert len(stored.run("sources", "list", "--json").json) == 2

    assert stored.run("sources", "remove", "*", "--yes").code == Exit.DONE
    assert stored.run("sources", "list", "--json").json == []


@pytest.mark.parametrize("verb", ["remove", "pause", "resume"])
def test_a_name_that_nothing_has(stored: Home, verb: str) -> None:
    result = stored.run("sources", verb, "Exmaple")
    assert result.code == Exit.NOT_FOUND
    assert "did you mean 'Example'?" in result.complaint


def test_a_declared_source_that_is_removed_would_come_back(home: Home) -> None:
    home.run("sources", "add", "--no-check", FEED)
    (home.folder / "wirewatch.toml").write_text(f'[[sources]]\nurl = "{FEED}"\n', encoding="utf-8")
    result = home.run("sources", "remove", "1")
    assert result.code == Exit.DONE
    assert f"is declared in {home.folder / 'wirewatch.toml'}: take it out there, too" in result.err


def test_failing_sources_alone(home: Home, tmp_path: Path) -> None:
    home.run("sources", "add", "--no-check", FEED)
    assert home.run("sources", "list", "--failing", "--json").json == []
    assert "no source is failing" in home.run("sources", "list", "--failing").err


def test_reading_makes_no_database(home: Home) -> None:
    for arguments in (
        ["sources", "list"],
        ["articles"],
        ["status"],
        ["show", "1"],
        ["sources", "pause", "1"],
    ):
        result = home.run(*arguments)
        assert result.code == Exit.DATABASE
        assert "wirewatch run" in result.complaint
    assert not home.database.exists()
