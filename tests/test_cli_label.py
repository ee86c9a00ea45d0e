"""``label``: verdicts from the command line, on both engines and as a real process."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from models import labels
from models.database import open_database
from service.cli.exits import Exit
from tests.cli_home import Home, fill, home, stored
from tests.daemon_process import ask, wirewatch

__all__ = ["home", "stored"]


def topics(home: Home, article: int = 1) -> dict[str, int | None]:
    """The topics of an article that hold, with their verdicts."""
    return {tag["topic"]: tag["verdict"] for tag in home.run("show", str(article), "--json").json["tags"]}


def test_a_verdict_wins_is_shown_and_can_be_taken_back(stored: Home, database_url: str) -> None:
    given = stored.run("label", "1", "+sanctions", "-arms", "--by", "Ann B.")
    assert (given.code, given.err) == (Exit.DONE, "")
    assert "sanctions: yes, says Ann B." in given.out
    assert "arms: no, says Ann B." in given.out
    assert "arms: no, says Ann B." in stored.run("show", "1").out
    assert topics(stored) == {"sanctions": 1, "arms": -1}
    assert [one["id"] for one in stored.run("articles", "--topic", "arms", "--json").json] == [3]

    taken = stored.run("label", "1", "~arms", "--withdraw", "sanctions", "--by", "bob", "--json").json
    assert taken["verdicts"] == []
    assert {name: tag["verdict"] for name, tag in taken["changed"].items()} == {
        "arms": None,
        "sanctions": None,
    }
    assert topics(stored) == {"sanctions": None, "arms": None}
    database = open_database(database_url)
    try:
        kept = [(one.topic, one.value, one.by, one.withdrawn_by) for one in labels.verdicts(withdrawn=True)]
    finally:
        database.close()
    assert kept == [("sanctions", 1, "Ann B.", "bob"), ("arms", -1, "Ann B.", "bob")]


def test_a_topic_that_no_rule_gave_can_be_given_and_withdrawn(stored: Home) -> None:
    assert "arms: yes, says " in stored.run("label", "2", "+arms").out
    assert topics(stored, 2) == {"arms": 1}
    assert stored.run("label", "2", "~arms").out == "arms: no; the rules do not give it\n"
    assert topics(stored, 2) == {}


def test_the_last_change_is_undone(stored: Home) -> None:
    stored.run("label", "1", "+arms", "--by", "ann")
    stored.run("label", "1", "-arms", "--by", "bob")
    assert "arms: yes, says ann" in stored.run("label", "1", "--undo", "arms", "--by", "bob").out
    assert topics(stored) == {"sanctions": None, "arms": 1}
    assert "arms: no, says bob" in stored.run("label", "1", "--undo", "arms").out
    stored.run("label", "1", "~arms")
    assert topics(stored) == {"sanctions": None, "arms": None}
    assert "arms: no, says bob" in stored.run("label", "1", "--undo", "arms", "+sanctions").out
    assert topics(stored) == {"sanctions": 1, "arms": -1}


def test_without_a_verdict_it_shows_those_that_stand(stored: Home) -> None:
    assert stored.run("label", "1").out == "nobody has given a verdict on this article\n"
    stored.run("label", "1", "-arms", "--by", "ann")
    assert stored.run("label", "1").out.startswith("arms: no, said ann at 20")
    (one,) = stored.run("label", "1", "--json").json["verdicts"]
    assert (one["topic"], one["verdict"], one["by"]) == ("arms", -1, "ann")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["99", "+arms"], Exit.NOT_FOUND, "there is no article 99"),
        (["1", "+weather"], Exit.NOT_FOUND, "there is no topic 'weather': the topics are arms, sanctions"),
        (["1", "-arms", "-harvest"], Exit.NOT_FOUND, "there is no topic 'harvest'"),
        (["1", "~arms"], Exit.NOT_FOUND, "nobody's verdict on 'arms' stands on article 1"),
        (["1", "arms"], Exit.USAGE, "'arms' is no verdict: write +TOPIC"),
        (["1", "+"], Exit.USAGE, "'+' is no verdict"),
        (["1", "--undo", "arms"], Exit.NOT_FOUND, "nobody has given a verdict on 'arms' of article 1"),
        (["1", "+arms", "--undo", "arms"], Exit.USAGE, "two different verdicts on 'arms'"),
        (["1", "+arms", "-arms"], Exit.USAGE, "two different verdicts on 'arms'"),
        (["1", "+arms", "--by", "a\nb"], Exit.USAGE, "--by takes a name"),
        (["1", "+arms", "--by", " "], Exit.USAGE, "--by takes a name"),
        (["+arms"], Exit.USAGE, "'ID'"),
        (["0", "+arms"], Exit.USAGE, "'ID'"),
        (["1", "+arms", "--yes"], Exit.USAGE, "no such option"),
    ],
)
def test_what_cannot_be_said_changes_nothing(
    stored: Home, arguments: list[str], code: Exit, said: str
) -> None:
    result = stored.run("label", *arguments)
    assert result.code == code
    assert said in result.complaint
    assert topics(stored) == {"sanctions": None, "arms": None}


def test_a_real_process_signs_with_the_user_of_the_system(tmp_path: Path) -> None:
    extra = {"WIREWATCH_DATABASE": str(tmp_path / "own.db"), "USER": "mallory", "LOGNAME": "mallory"}
    fill(extra["WIREWATCH_DATABASE"])
    (one,) = ask("label", "1", "-arms", home=tmp_path, extra=extra)["verdicts"]
    assert one["by"] == pwd.getpwuid(os.getuid()).pw_name
    gone = wirewatch("label", "77", "-arms", home=tmp_path, extra=extra)
    assert (gone.returncode, gone.stdout, gone.stderr) == (3, "", "wirewatch: there is no article 77\n")
