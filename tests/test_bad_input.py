"""Bad texts and bad topics files, as the commands and the daemon meet them."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from service.cli.exits import Exit
from tests.cli_home import Home, home
from tests.daemon_process import DaemonProcess, ask
from tests.test_daemon import settings

__all__ = ["home"]

GOOD = """format = 1
[[topic]]
name = "weather"
[[topic.rules]]
weight = 5.0
match = ["rain", '/rain(bow)?s/']
"""


def regex(pattern: str) -> str:
    """A topics file with another expression."""
    return GOOD.replace("/rain(bow)?s/", pattern)


TWICE = GOOD + GOOD[GOOD.index("[[topic]]") :]
BROKEN = {
    "a syntax error": (GOOD.replace('["rain"', '["rain'), "not valid TOML"),
    "duplicate names": (TWICE, 'line 7: topic "weather": the name stands already'),
    "an empty rule": (GOOD.replace('"rain"', '""'), "line 6: topic \"weather\": rule '': the rule is empty"),
    "a rule that is no rule": (GOOD.replace('"rain"', '"(rain"'), "a parenthesis is never closed"),
    "look-behind": (regex("/(?<=a)b/"), "regular expression: "),
    "a back-reference": (regex(r"/(a)\1/"), "regular expression: "),
    "an expression that explodes": (regex("/((a{99}){99}){99}/"), "regular expression: "),
    "an unknown key": (GOOD.replace("weight =", "wait ="), "unknown key 'wait'"),
    "a weight that is none": (GOOD.replace("5.0", "nan"), "weight: Expected"),
    "another format": (GOOD.replace("format = 1", "format = 9"), "line 1: format"),
    "nothing": ("", "`format`"),
    "no text at all": ("\x00\x01\x02", "not valid TOML"),
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_a_broken_topics_file_is_refused_with_its_line_and_reason(
    home: Home, content: tuple[str, str]
) -> None:
    (home.folder / "topics.toml").write_text(content[0], encoding="utf-8")
    home.set(WIREWATCH_TOPICS_FILE="topics.toml")

    for command in (["topics"], ["explain", "-"], ["retag", "--dry-run"]):
        result = home.run(*command, stdin=b"It will rain.")
        assert result.code == Exit.USAGE
        assert "topics.toml: " in result.complaint
        assert content[1] in result.complaint


def test_an_expression_that_hangs_other_engines_is_harmless(home: Home) -> None:
    (home.folder / "topics.toml").write_text(regex("/(a+)+(a|aa)+b/"), encoding="utf-8")
    home.set(WIREWATCH_TOPICS_FILE="topics.toml")

    result = home.run("explain", "-", "--json", stdin=b"It will rain. " + b"a" * 200_000)

    assert result.code == Exit.DONE
    assert result.json[0]["tags"][0]["evidence"][0]["phrase"] == "rain"


def test_ten_thousand_phrases_are_a_topics_file_like_any_other(home: Home) -> None:
    phrases = json.dumps([f"word{number} phrase{number % 97}" for number in range(10_000)])
    (home.folder / "topics.toml").write_text(GOOD.replace('["rain", ', phrases[:-1] + ", "), encoding="utf-8")
    home.set(WIREWATCH_TOPICS_FILE="topics.toml")

    result = home.run("explain", "-", "--json", stdin=b"Word9999 phrase8 and rainbows.")

    (tag,) = result.json[0]["tags"]
    assert {item["phrase"] for item in tag["evidence"]} == {"Word9999 phrase8", "rainbows"}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"", Exit.FAILED),
        (b" \n\t \n", Exit.FAILED),
        (b"sanctions " * 1_000_000, Exit.DONE),
        (b"sanctions" * 100_000, Exit.DONE),
        ("sanc\u00adtions on Ir\u0430n and Rus\u200bsia, санкции 제재 制裁.\n".encode() * 2_000, Exit.DONE),
        (
            b"New sanctions\n\n\x07\x1b[31mThe council\x0b imposed sanctions on banks of Iran.\x1b[0m",
            Exit.DONE,
        ),
    ],
    ids=["empty", "blank", "a million words", "no spaces", "mixed scripts and hidden characters", "controls"],
)
def test_a_text_of_any_kind_has_an_answer(home: Home, text: bytes, code: Exit) -> None:
    result = home.run("explain", "-", "--json", stdin=text)

    assert result.code == code
    if code == Exit.FAILED:
        assert "empty" in result.complaint
        return
    (one,) = result.json
    for tag in one["tags"]:
        for item in tag["evidence"]:
            assert one[item["field"]][item["start"] : item["end"]] == item["phrase"]


def test_hidden_and_look_alike_letters_do_not_hide_a_topic(home: Home) -> None:
    plain = "The council imposed new sanctions on banks of Iran. Sanctions on Russia were widened, too.\n"
    forged = plain.replace("sanctions", "s\u00adan\u200bctions").replace("Iran", "Ir\u0430n")

    scores = []
    for text in (plain, forged):
        (one,) = home.run("explain", "-", "--json", stdin=text.encode()).json
        scores.append({tag["topic"]: tag["score"] for tag in one["tags"]})

    assert scores[0] == scores[1]
    assert scores[0]["sanctions"] > 0.5


def test_a_daemon_keeps_its_last_good_topics_whatever_becomes_of_the_file(tmp_path: Path) -> None:
    topics = tmp_path / "topics.toml"
    topics.write_text(GOOD, encoding="utf-8")
    folder = tmp_path / "inbox"
    folder.mkdir()
    settings(
        tmp_path,
        f'path = "{folder}"\nschedule = "every 1s"',
        extra=f'[seeds]\nimport = false\n[topics]\nfile = "{topics}"\n',
    )
    with DaemonProcess(tmp_path) as daemon:
        daemon.wait_ready()
        for content, reason in BROKEN.values():
            topics.write_text(content, encoding="utf-8")
            daemon.signal(signal.SIGHUP)
            assert reason in daemon.wait_line("not reloaded")
            assert "refused" in daemon.wait_ready()
        topics.unlink()
        daemon.signal(signal.SIGHUP)
        assert "cannot be read" in daemon.wait_line("not reloaded")
        (folder / "weather.txt").write_text("Rain in the North\n\nIt will rain until May, they said.\n")
        daemon.wait_line("inbox: ok, 1 new")
        topics.write_text(GOOD.replace("rain", "snow").replace("weather", "snow"), encoding="utf-8")
        daemon.signal(signal.SIGHUP)
        daemon.wait_line("reloaded: ")
        (folder / "winter.txt").write_text("Snow in the North\n\nIt will snow until May, they said.\n")
        daemon.wait_line("inbox: ok, 1 new")
        assert daemon.stop() == 0
    found = {one["title"]: [tag["topic"] for tag in one["tags"]] for one in ask("articles", home=tmp_path)}
    assert found["Snow in the North"] == ["snow"]
