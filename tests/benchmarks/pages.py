"""The main text of real pages beside trafilatura's own: token F1 by the set that each page comes from.

    python -m tests.benchmarks.pages ../shared [-v]

Ours is the text as it is stored. What the issue wants cut – teasers, datelines, repeated titles – stands in
some of the texts that people expect; "with cuts" counts it as well, for it is kept beside the text: that is
what finding the main text is worth. ``-v`` names the pages on which we are worse, the worst first.
"""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import trafilatura

from service.clean import clean
from service.errors import ParseFailure
from service.parse.document import parse_document
from tests.pages import Page, pages

NOW = datetime(2026, 10, 1, tzinfo=UTC)


def ours(page: Page) -> tuple[str, str]:
    """The text as it would be stored, and together with what was cut of it and is kept."""
    try:
        (entry,) = parse_document(page.body, page.name.removesuffix(".json"))
    except ParseFailure:
        return "", ""
    article = clean(entry, fetched_at=NOW)
    return article.text, "\n\n".join((article.text, *(cut.text for cut in article.cuts)))


def theirs(page: Page) -> str:
    """What trafilatura gives by itself."""
    found = trafilatura.extract(page.body, include_comments=False)
    return found if isinstance(found, str) else ""


def main() -> None:
    """Print the table."""
    scores: dict[str, list[tuple[float, float, float, str]]] = defaultdict(list)
    spent = [0.0, 0.0]
    for page in pages(Path(sys.argv[1])):
        begun = time.process_time()
        own, whole = ours(page)
        between = time.process_time()
        other = page.f1(theirs(page))
        spent[0] += between - begun
        spent[1] += time.process_time() - between
        for name in (page.origin, "all"):
            scores[name].append((page.f1(own), other, page.f1(whole), page.name))
    print(
        f"{'set':<16} {'pages':>5} {'ours':>7} {'trafilatura':>12} {'better':>7} {'worse':>6} "
        f"{'with cuts':>10}"
    )
    for name, found in sorted(scores.items(), key=lambda item: item[0] == "all"):
        count = len(found)
        print(
            f"{name:<16} {count:>5} {sum(one[0] for one in found) / count:>7.3f} "
            f"{sum(one[1] for one in found) / count:>12.3f} {sum(a > b + 0.005 for a, b, *_ in found):>7} "
            f"{sum(a < b - 0.005 for a, b, *_ in found):>6} {sum(one[2] for one in found) / count:>10.3f}"
        )
    total = len(scores["all"])
    print(f"CPU a page: {spent[0] / total * 1000:.0f} ms, trafilatura {spent[1] / total * 1000:.0f} ms")
    if "-v" in sys.argv:
        for stored, theirs_, uncut, name in sorted(scores["all"], key=lambda one: one[0] - one[1])[:25]:
            print(f"{stored:.3f} {theirs_:.3f} {uncut:.3f} {name}")


if __name__ == "__main__":
    main()
