"""The traps, one line each: what it is, the right answer, the result: ``python -m tests.trap_table``."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import Any

from service.tagging import Tagger, load_topics

_WIDTH = 62


def traps() -> list[dict[str, Any]]:
    """Title, text (may be missing) and the topics that hold."""
    content = (Path(__file__).parent / "traps.toml").read_text(encoding="utf-8")
    found: list[dict[str, Any]] = tomllib.loads(content)["trap"]
    return found


def answer(tagger: Tagger, trap: dict[str, Any]) -> set[str]:
    """The topics that a trap is given."""
    return {tag.topic for tag in tagger.tag(trap["title"], trap.get("text", ""), language="en") if tag.holds}


def main() -> int:
    """Prints the table; gives 1 where an answer is wrong."""
    tagger = Tagger(load_topics())
    wrong = 0
    print(f"{'TRAP':{_WIDTH}}  {'RIGHT ANSWER':28}RESULT")
    for trap in traps():
        given = answer(tagger, trap)
        right = given == set(trap["holds"])
        wrong += not right
        title = trap["title"] if len(trap["title"]) <= _WIDTH else trap["title"][: _WIDTH - 1] + "…"
        wanted = ", ".join(sorted(trap["holds"])) or "none"
        print(f"{title:{_WIDTH}}  {wanted:28}{'right' if right else 'WRONG: ' + ', '.join(sorted(given))}")
    print(f"{len(traps()) - wrong} of {len(traps())} right")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
