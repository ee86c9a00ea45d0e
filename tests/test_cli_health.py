"""How sources stand, in words, in lists and one by one, with what to do about it."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from models import health, migrate, sources
from models.database import Database, open_database
from models.records import Health, PollRecord, SourceHealth, SourceSpec, SourceState, SourceUpdate
from service import advice
from service.cli.exits import Exit
from service.cli.source_words import STATES, in_words
from service.values import Reason
from tests.cli_home import Home, home
from tests.storage import NOW, add_source

__all__ = ["home"]

ROOT = Path(__file__).resolve().parent.parent
WEEK = timedelta(days=7)


def test_the_states_are_those_that_there_are() -> None:
    assert set(STATES) == set(map(str, Health))
    assert tuple(map(str, health.URGENCY)) == STATES


def test_every_state_and_reason_has_its_mend() -> None:
    assert set(advice.SOURCE_MENDS) == set(Reason)
    well = {Health.OK, Health.NEW, Health.IMPORTED, Health.REMOVED}
    for state in Health:
        said = advice.for_source(state, "timeout")
        assert (said is None) == (state in well), state
    assert advice.for_source(Health.FAILING, "not a reason") == advice.SOURCE_MENDS[Reason.INTERNAL]
    assert advice.for_file("unsupported") == advice.FILE_MENDS[Reason.UNSUPPORTED]
    assert advice.for_file("dns") == advice.FILE_MENDS[Reason.INTERNAL]
    assert set(Reason) >= advice.PATIENT


@pytest.mark.parametrize(
    ("state", "more", "quiet_since", "said"),
    [
        ("ok", {}, None, "ok"),
        ("new", {}, None, "new"),
        ("failing", {"failing_since": NOW - WEEK, "last_reason": "dns"}, None, "failing for 7 d: dns"),
        ("gone", {"state_reason": "410"}, None, "gone: 410"),
        ("paused", {"state_reason": "by hand"}, None, "paused: by hand"),
        ("removed", {}, None, "removed"),
        ("silent", {}, NOW - 3 * WEEK, "silent for 21 d"),
        ("empty", {}, None, "empty: no entries"),
        ("undated", {}, None, "undated: no entry says when"),
        ("moved", {"moved_to": "https://me:pw@new.example/"}, None, "moving to https://me:***@new.example/"),
        (
            "moved",
            {"moved_from": "https://old.example/", "moved_at": NOW - WEEK},
            None,
            "moved 7 d ago, from https://old.example/",
        ),
        ("imported", {}, None, "imported"),
    ],
)
def test_states_in_words(
    database: Database, state: str, more: dict[str, Any], quiet_since: datetime | None, said: str
) -> None:
    source = replace(add_source(), **more)
    assert in_words(SourceHealth(source, Health(state), quiet_since), NOW) == said


@pytest.fixture
def watched(home: Home, database_url: str) -> Home:
    """One that is well, one that fails, one that is gone, one that shows nothing."""
    home.set(WIREWATCH_DATABASE=database_url)
    now = datetime.now(UTC)
    opened = open_database(database_url)
    migrate.migrate(opened)
    names = ("Well", "Broken", "Gone", "Empty")
    well, broken, gone, empty = (
        sources.add(SourceSpec(f"https://{name}.example/".lower(), title=name), host=name, now=now).id
        for name in names
    )
    later = now + timedelta(hours=1)
    sources.record_unchanged(
        [
            SourceUpdate(well, later, entries=20, undated=0, usual_gap=7200.0, newest_at=now),
            SourceUpdate(broken, later, failures=2, failing_since=now - WEEK),
            SourceUpdate(
                gone, later, failures=1, failing_since=now, state=SourceState.PAUSED, state_reason="410"
            ),
            SourceUpdate(empty, later, entries=0),
        ],
        [
            PollRecord(well, now - WEEK, 90, "ok", 200, new=3),
            PollRecord(well, now, 90, "not_modified", 304),
            PollRecord(broken, now - WEEK, 90, "ok", 200),
            PollRecord(broken, now, 90, "not_found", 404, "the server answered 404 Not Found"),
            PollRecord(gone, now, 90, "gone", 410),
            PollRecord(empty, now, 90, "ok", 200),
        ],
    )
    opened.close()
    return home


def test_the_list_says_how_each_stands(watched: Home) -> None:
    rows = {line.split()[-1]: line for line in watched.run("sources", "list").out.splitlines()[1:]}
    assert "failing for 7 d: not_found" in rows["Broken"]
    assert " .x " in rows["Broken"]
    assert " +. " in rows["Well"]
    assert "gone: 410" in rows["Gone"]
    assert "empty: no entries" in rows["Empty"]
    by_name = {one["title"]: one for one in watched.run("sources", "list", "--json").json}
    assert {name: one["health"] for name, one in by_name.items()} == {
        "Well": "ok", "Broken": "failing", "Gone": "gone", "Empty": "empty",
    }  # fmt: skip
    assert (by_name["Gone"]["state"], by_name["Well"]["recent"], by_name["Well"]["entries"]) == (
        "paused", "+.", 20,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        (["--failing"], ["Broken"]),
        (["--state", "gone", "--state", "empty"], ["Empty", "Gone"]),
        (["--state", "silent"], []),
        (["--limit", "2"], ["Broken", "Empty"]),
    ],
)
def test_lists_are_narrowed(watched: Home, asked: list[str], names: list[str]) -> None:
    assert [one["title"] for one in watched.run("sources", "list", *asked, "--json").json] == names
    result = watched.run("sources", "list", *asked)
    assert [line.split()[-1] for line in result.out.splitlines()[1:]] == names
    if not names:
        assert "no source is silent" in result.err
    assert ("--limit shows more" in result.err) == ("--limit" in asked)


def many(path: Path, number: int) -> None:
    """A database with so many sources."""
    opened = open_database(path)
    migrate.migrate(opened)
    specs = [(SourceSpec(f"https://h{n}.example/"), "h") for n in range(number)]
    sources.add_all(specs, now=datetime.now(UTC))
    opened.close()


def on_a_terminal(*arguments: str) -> tuple[bytes, str]:
    """What a command prints to a terminal, and to standard error."""
    ours, theirs = pty.openpty()
    program = "import sys; from service.cli import main; sys.exit(main())"
    with subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdout=theirs,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "dumb"},
        text=True,
    ) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                piece = os.read(ours, 65_536)
            except OSError:  # what Linux says when the other end is closed
                break
            if not piece:
                break
            shown += piece
        os.close(ours)
        assert process.stderr is not None
        said = process.stderr.read()
    assert process.returncode == 0, said
    return shown, said


def test_a_terminal_gets_the_first_page_and_a_pipe_everything(home: Home) -> None:
    home.set(WIREWATCH_DATABASE=str(home.folder / "many.db"))
    many(home.folder / "many.db", 300)
    result = home.run("sources", "list")
    assert (len(result.out.splitlines()), result.err) == (301, "")
    assert len(home.run("sources", "list", "--json").json) == 300
    shown, said = on_a_terminal("sources", "list")
    assert shown.count(b"https://h") == 200
    assert "the first 200 sources" in said


def test_one_source_is_shown_with_its_polls_and_what_to_do(watched: Home) -> None:
    out = watched.run("sources", "show", "Broken").out
    facts = {line[:10].strip(): line[10:].strip() for line in out.split("\n\n")[0].splitlines()}
    assert facts["state"] == "failing for 7 d: not_found"
    assert facts["detail"] == "the server answered 404 Not Found"
    assert facts["what to do"] == advice.SOURCE_MENDS[Reason.NOT_FOUND]
    assert len(out.split("\n\n")[1].splitlines()) == 3
    well = watched.run("sources", "show", "Well", "--polls", "1", "--json").json
    assert (well["health"], well["mend"], [one["outcome"] for one in well["polls"]]) == (
        "ok", None, ["not_modified"],
    )  # fmt: skip
    assert "one every 2 h" in watched.run("sources", "show", "Well", "--polls", "0").out
    assert watched.run("sources", "show", "Missing").code == Exit.NOT_FOUND
    assert "give the id of one" in watched.run("sources", "show", "*").complaint


def test_the_status_names_those_that_fail(watched: Home) -> None:
    status = watched.run("status", "--json").json
    assert [one["title"] for one in status["failing_sources"]] == ["Broken"]
    assert "the server answered 404 Not Found" in watched.run("status").out
