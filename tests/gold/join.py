"""Puts `open_grades.jsonl` and the texts together: ``python -m tests.gold.join ARTICLES > graded.jsonl``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

GRADES = Path(__file__).with_name("open_grades.jsonl")


def join(articles: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Graded articles in the order of ``articles``, each with its text; those without grades are left out."""
    with GRADES.open(encoding="utf-8") as lines:
        grades = {row["origin"]: row for row in map(json.loads, lines)}
    for article in articles:
        row = grades.get(article["origin"])
        if row is not None:
            yield {**row, "title": article["title"], "text": article["text"]}


def main() -> int:
    """Join, and say on standard error how many had a text."""
    with Path(sys.argv[1]).open(encoding="utf-8") as lines:
        count = 0
        for row in join(map(json.loads, lines)):
            print(json.dumps(row, ensure_ascii=False))
            count += 1
    print(f"{count} graded articles", file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
