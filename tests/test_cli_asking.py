"""Asking in the query language on the command line: arguments, order, following, the pager, lines of bars,
figures; on both engines."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from models import articles
from models.database import open_database
from models.records import ArticleWrite
from service.cli.exits import Exit
from service.cli.timeline import bars
from tests.cli_home import NOW, TITLE, Home, home, stored

__all__ = ["home", "stored"]

ROOT = Path(__file__).resolve().parent.parent
MINUTE = 60

QUERIES: list[tuple[list[str], list[int]]] = [
    (["topic:sanctions"], [1]),
    (["topic:arms", "-topic:sanctions"], [3]),
    (["-topic:arms"], [2]),
    (["NOT", "topic:arms"], [2]),
    (["--", "-topic:arms"], [2]),
    (["-panel", "-парки"], [3]),
    (["topic:arms", "score>0.7"], [3]),
    (['"panel of experts"'], [1]),
    (['"panel', 'of experts"'], [1]),
    (["(парки", "OR", "panel)"], [2, 1]),
    (["panel OR сад*", "--language", "ru"], [2]),
    (["lang:en", "until:2023"], [3]),
    (["source:exam*", "--topic", "sanctions"], [1]),
    (["topic:*", "--min-score", "0.9"], [1]),
    (["verdict:none"], [2, 1, 3]),
    (["panel", "--order", "relevance"], [1]),
    (["--match", "topic:arms"], []),
]


def test_a_query_is_asked_with_its_options(stored: Home) -> None:
    for asked, ids in QUERIES:
        result = stored.run("articles", "--json", *asked)
        assert (result.code, result.err) == (Exit.DONE, ""), asked
        assert [one["id"] for one in result.json] == ids, asked


def test_a_wrong_query_points_at_the_place(stored: Home) -> None:
    for command in ("articles", "timeline", "export"):
        result = stored.run(command, "topic:arms", "topik:x")
        assert (result.code, result.out) == (Exit.USAGE, "")
        assert result.err.splitlines() == [
            'wirewatch: column 12: there is no condition "topik:"; expected "topic:", or quotes around it to '
            "find it as text",
            "wirewatch: topic:arms topik:x",
            "wirewatch:            ^",
        ]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["topic:cyber"], Exit.NOT_FOUND, "there is no topic 'cyber'"),
        (["story:1"], Exit.NOT_FOUND, "there is no story 1"),
        (["panel", "--order", "best"], Exit.USAGE, "--order"),
        (["panel", "--order", "relevance", "--watch"], Exit.USAGE, "no --order"),
        (["--tpoic", "x"], Exit.USAGE, "did you mean '--topic'?"),
    ],
)
def test_what_cannot_be_asked(stored: Home, arguments: list[str], code: Exit, said: str) -> None:
    result = stored.run("articles", *arguments)
    assert result.code == code
    assert said in result.complaint


def test_the_help_explains_the_language(home: Home) -> None:
    for command in ("articles", "timeline", "export"):
        text = " ".join(home.run(command, "--help").out.split())
        assert "QUERY is plain words" in text
        assert "topic:sanctions" in text
        assert "[QUERY]..." in text


@contextmanager
def killed_in_the_end(process: subprocess.Popen[str]) -> Iterator[None]:
    """So that a failure is told instead of waited for."""
    try:
        yield
    finally:
        process.kill()


# -- following -----------------------------------------------------------------------------------------


def test_new_articles_are_followed_until_interrupted(stored: Home, database_url: str) -> None:
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    with (
        subprocess.Popen(
            [sys.executable, "-m", "service.cli", "articles", "--watch", "--json", "rockets OR panel"],
            cwd=stored.folder,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # What runs the tests in the background ignores Ctrl-C, and so would the command.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
        ) as process,
        killed_in_the_end(process),
    ):
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["id"] == 1
        database = open_database(database_url)
        old = ArticleWrite(
            key="old", title="Rockets", text="Long ago.", content_hash="1:old", seen_at=NOW,
            published_at=datetime(2001, 1, 1, tzinfo=UTC),
        )  # fmt: skip
        other = ArticleWrite(key="x", title="Weather", text="Rain.", content_hash="1:x", seen_at=NOW)
        articles.save(None, None, [other, old], now=NOW, source_id=1)
        database.close()
        line = json.loads(process.stdout.readline())
        assert (line["title"], line["published_at"]) == ("Rockets", "2001-01-01T00:00:00Z")
        process.send_signal(signal.SIGINT)
        assert process.wait(MINUTE) == Exit.INTERRUPTED
        assert process.stdout.read() == ""


# -- the pager -----------------------------------------------------------------------------------------


def on_a_terminal(home: Home, *arguments: str, **variables: str) -> str:
    """What a command leaves on a terminal of 100 columns."""
    leader, follower = pty.openpty()
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "COLUMNS": "100", **variables}
    said = b""
    with subprocess.Popen(
        [sys.executable, "-m", "service.cli", *arguments], cwd=home.folder, env=environ, stdout=follower
    ) as process:
        os.close(follower)
        try:
            while chunk := os.read(leader, 65_536):
                said += chunk
        except OSError:  # the end of a terminal whose other side has gone
            pass
        os.close(leader)
        assert process.wait(MINUTE) == 0
    return said.decode().replace("\r\n", "\n")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_on_a_terminal_a_list_goes_through_the_pager(stored: Home) -> None:
    script = stored.folder / "pager"
    script.write_text("#!/bin/sh\necho paged with $LESS\nexec cat\n", encoding="utf-8")
    script.chmod(0o755)
    for arguments in (["articles"], ["show", "1"]):
        said = on_a_terminal(stored, *arguments, PAGER=f"'{script}' -x")
        assert said.startswith("paged with FRX\n")
        assert TITLE[:4] in said
    for without in ("cat", "no-such-program"):
        assert "paged" not in on_a_terminal(stored, "articles", PAGER=without)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_leaving_the_pager_early_is_no_failure(stored: Home) -> None:
    assert on_a_terminal(stored, "articles", PAGER="head -n 1").count("\n") == 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_json_is_not_paged(stored: Home) -> None:
    assert on_a_terminal(stored, "articles", "--json", PAGER="echo paged").startswith("[")


# -- timeline, stats -----------------------------------------------------------------------------------


def test_a_timeline_draws_topics_by_day(stored: Home) -> None:
    lines = stored.run("timeline", "since:2024-06-16", "--until", "2024-06-21").out.splitlines()

    assert lines[0].split() == ["TOPIC", "ARTICLES", "BY", "DAY", "PEAK"]
    rows = {line.split()[0]: line for line in lines[1:-1]}
    assert list(rows) == ["arms", "sanctions", "all"]
    assert rows["sanctions"].split() == ["sanctions", "1", "█", "1", "on", "2024-06-18"]
    assert rows["all"].split()[1] == "2"
    place = rows["all"].index("█")
    assert rows["all"][place : place + 3] == "█ █"  # the 18th and the 20th
    assert lines[-1] == "2024-06-18 to 2024-06-21, 4 days"


def test_a_timeline_of_many_years_is_drawn_in_larger_steps(stored: Home) -> None:
    out = stored.run("timeline", "topic:arms", "since:2020").out
    assert "BY WEEK" not in out
    assert "1 in 2024-06" in stored.run("timeline", "topic:arms", "since:2020", "--by", "month").out
    assert "1 in 2024" in stored.run("timeline", "topic:arms", "since:2020", "--by", "year").out
    assert stored.run("timeline", "since:2020", "topic:arms", "--by", "decade").code == Exit.USAGE


def test_a_timeline_for_programs(stored: Home) -> None:
    found = stored.run("timeline", "since:2023", "until:2024-06-19", "topic:arms", "--json").json
    assert found == {
        "first": "2023-12-31",
        "last": "2024-06-18",
        "complete": True,
        "articles": [{"day": "2023-12-31", "articles": 1}, {"day": "2024-06-18", "articles": 1}],
        "topics": [
            {"topic": "arms", "day": "2023-12-31", "articles": 1},
            {"topic": "arms", "day": "2024-06-18", "articles": 1},
        ],
    }
    nothing = stored.run("timeline")  # the last 30 days, and all articles are older
    assert (nothing.code, nothing.out) == (Exit.DONE, "")
    assert "no article fits" in nothing.err
    assert stored.run("timeline", "--json").json["articles"] == []


def test_bars() -> None:
    assert bars([]) == ""
    assert bars([0, 0]) == "  "
    assert bars([0, 1, 1_000]) == " ▁█"
    assert bars([1, 2, 3, 4, 5, 6, 7, 8]) == "▁▂▃▄▅▆▇█"


def test_stats_count_what_is_stored(stored: Home) -> None:
    found = stored.run("stats", "--json").json
    assert (found["articles"], found["tagged"], found["duplicates"]) == (3, 2, 0)
    assert (found["first"], found["last"]) == ("2023-12-31", "2024-06-20")
    assert {one["topic"]: one["articles"] for one in found["topics"]} == {"arms": 2, "sanctions": 1}
    assert found["languages"] == [
        {"language": "en", "articles": 2}, {"language": "ru", "articles": 1},
    ]  # fmt: skip
    assert found["sources"][0] == {"source": "Example", "articles": 2}
    assert found["verdicts"] == {"yes": 0, "no": 0}
    out = stored.run("stats", "--most", "1").out
    assert "3 articles, 2023-12-31 to 2024-06-20; 2 with a topic" in out
    assert "/srv/reports" not in out


def test_stats_of_an_empty_database(home: Home) -> None:
    home.run("migrate")
    assert home.run("stats", "--json").json["articles"] == 0
    assert home.run("stats").out.startswith("0 articles; 0 with a topic")
