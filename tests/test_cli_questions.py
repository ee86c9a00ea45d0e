"""The questions: articles, show, topics, status; on both engines."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from models.moments import parse_moment
from service.cli.exits import Exit
from tests.cli_home import TEXT, TITLE, Home, home, stored

__all__ = ["home", "stored"]

ROOT = Path(__file__).resolve().parent.parent


# -- articles ------------------------------------------------------------------------------------------


QUESTIONS: list[tuple[list[str], list[int]]] = [
    ([], [2, 1, 3]),  # an article without a date counts from when it was seen
    (["--topic", "sanctions"], [1]),
    (["--topic", "arms"], [1, 3]),
    (["--topic", "arms", "--topic", "sanctions"], [1, 3]),
    (["--topic", "arms", "--min-score", "0.7"], [3]),
    (["--not-topic", "arms"], [2]),
    (["--match", '"panel of experts"'], [1]),
    (["--match", "парки"], [2]),
    (["--topic", "sanctions", "--match", "panel of experts"], [1]),
    (["--source", "Example"], [1, 3]),
    (["--source", "2"], [2]),
    (["--since", "2024-06-18", "--until", "2024-06-18"], [1]),
    (["--until", "2023"], [3]),
    (["--until", "2023-12-31T23:00"], []),
    (["--since", "2024-06-18T00:00:01Z"], [2]),
    (["--language", "ru"], [2]),
    (["--limit", "1"], [2]),
]


def test_articles_answers_with_one_array(stored: Home) -> None:
    for asked, ids in QUESTIONS:
        result = stored.run("articles", *asked, "--json")
        assert (result.code, result.err) == (Exit.DONE, ""), asked
        assert [one["id"] for one in result.json] == ids, asked


def test_an_article_for_programs_has_the_promised_fields(stored: Home) -> None:
    first, second = (stored.run("articles", "--source", ref, "--json").json[0] for ref in ("Example", "2"))

    assert first["title"] == TITLE
    assert first["url"] == "https://example.org/first"
    assert first["published_at"] == "2024-06-18T00:00:00Z"
    assert first["source"] == "Example"
    assert [(tag["topic"], tag["score"]) for tag in first["tags"]] == [("sanctions", 0.97), ("arms", 0.6)]
    assert (second["published_at"], second["url"], second["tags"]) == (None, None, [])
    assert second["path"] == "/srv/reports/сады.txt"


def test_more_than_a_page_of_articles_can_be_asked_for(stored: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.cli.articles._PAGE", 1)
    assert [one["id"] for one in stored.run("articles", "--json", "--limit", "1000").json] == [2, 1, 3]


def test_a_table_in_a_pipe_is_whole_and_without_colours(stored: Home) -> None:
    result = stored.run("articles")

    lines = result.out.splitlines()
    assert lines[0].split() == ["ID", "DATE", "TOPICS", "TITLE", "SOURCE"]
    assert lines[2].split(None, 2)[:2] == ["1", "2024-06-18"]
    assert "sanctions 0.97, arms 0.60" in lines[2]
    assert TITLE in lines[2]
    assert "\x1b" not in result.out
    assert all(line == line.rstrip() for line in lines)


def test_outside_text_steers_no_terminal(stored: Home) -> None:
    for arguments in (["articles"], ["articles", "--json"], ["show", "3"], ["show", "3", "--json"]):
        out = stored.run(*arguments).out
        assert "red" in out
        assert "[bold]markup[/bold]" in out
        assert not {"\x1b", "\x07", "\u202e", "\x9b"} & set(out)


def test_nothing_found_is_an_answer(stored: Home) -> None:
    table = stored.run("articles", "--match", "absent")
    assert (table.code, table.out) == (Exit.DONE, "")
    assert "no article fits" in table.err
    assert stored.run("articles", "--match", "absent", "--json").json == []


WRONG: list[tuple[list[str], Exit, str]] = [
    (["--topic", "cyber"], Exit.NOT_FOUND, "there is no topic 'cyber'"),
    (["--source", "Exmaple"], Exit.NOT_FOUND, "Example"),
    (["--match", '"'], Exit.USAGE, "no word to find"),
    (["--since", "last week"], Exit.USAGE, "'last week' is no time"),
    (["--min-score", "2"], Exit.USAGE, "--min-score"),
    (["--limit", "0"], Exit.USAGE, "--limit"),
    (["--tpoic", "x"], Exit.USAGE, "did you mean '--topic'?"),
]


def test_a_wrong_question_says_what_is_wrong(stored: Home) -> None:
    for arguments, code, said in WRONG:
        result = stored.run("articles", *arguments)
        assert result.code == code, arguments
        assert said in result.complaint, arguments


# -- show ----------------------------------------------------------------------------------------------


def test_show_marks_the_evidence_and_says_why(stored: Home) -> None:
    out = stored.run("show", "1").out

    assert "New «sanctions» on shipping" in out
    assert "The «panel of experts» reported.\n\nIt named «ships», not the «-arms of the law-»." in out
    assert "sanctions: a main subject; its score 0.97 reaches the threshold 0.50" in out
    rows = [line.split() for line in out.splitlines()]
    assert ["panel", "of", "experts", "panel", "of", "experts", "+2.50", "1", "text"] in rows
    assert ["sanctions", "sanction*", "+2.00", "1", "title"] in rows
    assert "-0.50" in out
    assert "published  2024-06-18 (found in its text)" in out
    assert "left out   2 teaser" in out


def test_show_for_programs_has_everything(stored: Home) -> None:
    article = stored.run("show", "1", "--json").json

    assert article["text"] == TEXT
    sanctions, arms = article["tags"]
    for one in [*sanctions["evidence"], *arms["evidence"]]:
        field = TITLE if one["field"] == "title" else TEXT
        assert field[one["start"] : one["end"]] == one["phrase"]
    assert sanctions["holds"] is True
    assert [cut["kind"] for cut in article["cuts"]] == ["teaser", "teaser"]


def test_show_without_topics_says_so(stored: Home) -> None:
    out = stored.run("show", "2").out
    assert "It carries no topic." in out
    assert "published  not said" in out
    assert "its title was made from the text" in out


def test_a_verdict_is_shown_with_who_gave_it(stored: Home, database_url: str) -> None:
    from models import labels  # noqa: PLC0415
    from models.database import open_database  # noqa: PLC0415
    from tests.cli_home import NOW  # noqa: PLC0415

    database = open_database(database_url)
    labels.set_verdict(1, "arms", -1, "ann", NOW)
    database.close()

    assert "arms: no, says ann" in stored.run("show", "1").out
    assert [tag["topic"] for tag in stored.run("articles", "--json").json[1]["tags"]] == ["sanctions"]


def test_show_of_what_is_not_there(stored: Home) -> None:
    result = stored.run("show", "99")
    assert result.code == Exit.NOT_FOUND
    assert result.complaint == "there is no article 99"


def test_on_a_terminal_evidence_is_coloured(stored: Home) -> None:
    leader, follower = pty.openpty()
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "COLUMNS": "80"}
    environ.pop("NO_COLOR", None)
    with subprocess.Popen(
        [sys.executable, "-m", "service.cli", "show", "3"], cwd=stored.folder, env=environ, stdout=follower
    ) as process:
        os.close(follower)
        said = b""
        try:
            while chunk := os.read(leader, 65_536):
                said += chunk
        except OSError:  # the end of a terminal whose other side has gone
            pass
        os.close(leader)
        assert process.wait(60) == 0
    assert b"\x1b[1m" in said  # the title is bold; that is ours
    assert b"\x1b[31m" not in said  # the article's own red is not there
    assert b"\x1b]0" not in said
    assert b"\x1b[2J" not in said


# -- topics, status ------------------------------------------------------------------------------------


def test_topics_come_from_the_file_with_counts_from_the_database(stored: Home) -> None:
    topics = {one["topic"]: one for one in stored.run("topics", "--json").json}

    assert {"sanctions", "arms", "diplomacy"} <= set(topics)
    assert (topics["sanctions"]["articles"], topics["arms"]["articles"], topics["diplomacy"]["articles"]) == (
        1,
        2,
        0,
    )
    assert topics["sanctions"]["description"] in stored.run("topics").out


def test_topics_need_no_database(home: Home) -> None:
    assert {one["articles"] for one in home.run("topics", "--json").json} == {0}
    assert not home.database.exists()


def test_a_wrong_topics_file_is_refused(home: Home) -> None:
    (home.folder / "own.toml").write_text("[[topics]\n", encoding="utf-8")
    home.set(WIREWATCH_TOPICS_FILE="own.toml")
    result = home.run("topics")
    assert result.code == Exit.USAGE
    assert "own.toml" in result.complaint


def test_status_counts(stored: Home) -> None:
    status = stored.run("status", "--json").json

    assert (status["articles"], status["sources"], status["active"], status["backlog"]) == (3, 2, 2, 2)
    assert status["recent"][0]["outcome"] == "ok"
    out = stored.run("status").out
    assert "3, 2 of them with a topic" in out
    assert "hunter2" not in out


# -- times ---------------------------------------------------------------------------------------------

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "since", "until"),
    [
        ("2024-02-29", datetime(2024, 2, 29, tzinfo=UTC), datetime(2024, 3, 1, tzinfo=UTC)),
        ("2024-12", datetime(2024, 12, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)),
        ("2024-02", datetime(2024, 2, 1, tzinfo=UTC), datetime(2024, 3, 1, tzinfo=UTC)),
        ("2024", datetime(2024, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)),
        ("Yesterday", datetime(2024, 2, 29, tzinfo=UTC), NOON.replace(hour=0)),
        ("today", NOON.replace(hour=0), datetime(2024, 3, 2, tzinfo=UTC)),
        ("now", NOON, NOON),
        ("7d", NOON - timedelta(days=7), NOON - timedelta(days=7)),
        ("1h30m", NOON - timedelta(minutes=90), NOON - timedelta(minutes=90)),
        (
            "2024-02-29T10:00+02:00",
            datetime(2024, 2, 29, 8, tzinfo=UTC),
            datetime(2024, 2, 29, 8, tzinfo=UTC),
        ),
        ("2024-02-29 10:00", datetime(2024, 2, 29, 10, tzinfo=UTC), datetime(2024, 2, 29, 10, tzinfo=UTC)),
    ],
)
def test_times_are_read_as_people_type_them(text: str, since: datetime, until: datetime) -> None:
    assert parse_moment(text, NOON) == since
    assert parse_moment(text, NOON, end=True) == until


@pytest.mark.parametrize(
    "text", ["", "2024-13", "2023-02-29", "0000", "9999", "12", "99999999w", "soon", "1e9d", "٢٠٢٤"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no time"):
        parse_moment(text, NOON, end=True)
