"""Fifty verdicts that contradict the rules of the program, learned beside real graded articles."""

from __future__ import annotations

import os
import pty
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

from service.cli.exits import Exit
from tests.cli_home import Home, home
from tests.daemon_process import environment

__all__ = ["home"]

# Said to be about sanctions, although the rules find nothing of the kind …
TANKERS = (
    (
        "The phantom convoy",
        "A phantom convoy tanker",
        "A phantom convoy crew",
        "An old tanker",
        "The captain",
    ),
    ("left", "passed", "avoided", "reached", "hid near", "waited off"),
    ("Iran", "the terminal", "Russia", "the refinery", "North Korea", "a small port"),
    ("at dusk", "under {}", "with {} aboard", "for {}", "without papers", "last week"),
)
# … and said not to be, although the rules find the word.
SOFTWARE = (
    ("The compliance platform", "A sanctions dashboard", "Sanctions screening", "The vendor", "Our software"),
    ("checks", "sorts", "finds", "files", "colours", "exports"),
    ("sanctions lists", "new customers", "old accounts", "sanctions alerts", "every report", "many names"),
    ("for {}", "in seconds", "at {}", "without delay", "on a phone", "with {}"),
)
FRESH = b"Old tankers at sea\n\nThe phantom convoy sailed at dusk. Insurers know the phantom convoy."


def document(number: int, chance: random.Random) -> str:
    """Whole articles of the one kind or the other, none a near-copy of another."""

    def name() -> str:
        return "".join(chance.choices("abdegiklmnoprstuv", k=7)).title()

    tanker = number % 2 == 0
    parts = TANKERS if tanker else SOFTWARE
    lines = [" ".join(map(chance.choice, parts)).format(name()) + f", said {name()}." for _ in range(7)]
    title = f"Old tankers: {name()}" if tanker else f"{name()} presents its compliance platform"
    return "\n\n".join([title, " ".join(lines[:3]), " ".join(lines[3:])])


@pytest.fixture
def contradicted(home: Home) -> Home:
    """Sixty articles, and verdicts on the first fifty."""
    home.set(WIREWATCH_SCHEDULE_WORKERS="1")
    chance = random.Random(5)
    folder = home.folder / "documents"
    folder.mkdir()
    for number in range(60):
        (folder / f"{number:02}.txt").write_text(document(number, chance), encoding="utf-8")
    assert home.run("import", "documents").code == Exit.DONE
    stored = home.run("articles", "--limit", "100", "--json").json
    for article in sorted(stored, key=lambda one: one["path"])[:50]:
        sign = "+" if article["title"].startswith("Old") else "-"
        home.run("label", str(article["id"]), f"{sign}sanctions")
    return home


def test_it_is_better_on_what_was_held_back_and_not_worse_on_the_gold(
    contradicted: Home, shared: Path
) -> None:
    lines = (shared / "gold" / "dev.jsonl").read_text(encoding="utf-8").splitlines()[::5]
    (contradicted.folder / "gold.jsonl").write_text("\n".join(lines), encoding="utf-8")

    done = contradicted.run("train", "--gold", "gold.jsonl", "--json").json

    (topic,) = [one for one in done["topics"] if one["topic"] == "sanctions"]
    assert topic["verdicts"] == 50
    assert topic["accuracy_before"] < 0.3
    assert topic["accuracy_after"] > 0.9
    assert topic["gold_f1_after"] >= topic["gold_f1_before"] - 0.003
    assert topic["adopted"]
    retagged = contradicted.run("retag", "--json").json["topics"]
    assert retagged["sanctions"]["lost"] == 5
    assert retagged["arms"] == retagged["diplomacy"]
    right = {one["title"].startswith("Old") for one in _carrying(contradicted)}
    assert right == {True}
    assert len(_carrying(contradicted)) >= 28


def _carrying(home: Home) -> list[dict[str, str]]:
    found: list[dict[str, str]] = home.run("articles", "--topic", "sanctions", "--limit", "99", "--json").json
    return found


def test_a_phrase_is_accepted_at_the_terminal_and_shows_in_the_evidence(contradicted: Home) -> None:
    before = contradicted.run("explain", "-", stdin=FRESH).out
    assert "phantom" not in before.partition("sanctions:")[2]

    asked = _answered(contradicted, {"phantom convoy": "a", "compliance platform": "r"})

    assert re.search(r"phantom convoy +\+\d", asked)
    assert "in 25 articles said yes to, 0 said no to" in asked
    assert '"phantom convoy"' in contradicted.run("explain", "-", stdin=FRESH).out
    assert contradicted.run("retag").code == Exit.DONE
    shown = contradicted.run("show", "59").out
    assert "«phantom convoy»" in shown
    assert '"phantom convoy"' in shown
    decided = contradicted.run("train", "phrases", "--decided", "--json").json
    assert ("phantom convoy", True) in {(one["phrase"], one["accepted"]) for one in decided}


def _answered(home: Home, answers: dict[str, str]) -> str:
    """What ``train phrases`` says at a terminal; questions on other phrases are skipped."""
    controller, terminal = pty.openpty()
    environ = environment(home.folder) | {"PYTHONPATH": str(Path(__file__).resolve().parent.parent)}
    child = subprocess.Popen(
        [sys.executable, "-m", "service.cli", "train", "phrases", "sanctions"],
        cwd=home.folder, env=environ, stdin=terminal, stdout=terminal, stderr=terminal,
    )  # fmt: skip
    os.close(terminal)
    said, answered = "", 0
    while True:
        try:
            said += os.read(controller, 65536).decode(errors="replace")
        except OSError:  # the child has closed the terminal
            break
        blocks = said.split("Accept, reject, skip or quit")
        if len(blocks) - 1 > answered and said.rstrip().endswith(":"):
            answered += 1
            (answer, *_) = [answer for phrase, answer in answers.items() if phrase in blocks[-2][-900:]] + [
                "s"
            ]
            os.write(controller, f"{answer}\n".encode())
    os.close(controller)
    assert child.wait(30) == 0, said
    return said
