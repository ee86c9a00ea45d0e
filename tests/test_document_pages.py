"""The main text of real pages, measured beside trafilatura's own on the same pages."""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path

from tests.benchmarks.pages import ours, theirs
from tests.pages import pages

EVERY_FILE = os.environ.get("WIREWATCH_EVERY_FILE") == "1"


def test_pages_are_read_at_least_as_well_as_by_trafilatura(shared: Path) -> None:
    """The stored texts over all pages; in each set what was found, that is, with what was cut on purpose.

    Teasers, datelines and repeated titles stand in some of the texts that people expect; the table is
    `tests.benchmarks.pages`'s. A third of the pages, and one set whole; every page with
    WIREWATCH_EVERY_FILE=1.
    """
    found: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
    for number, page in enumerate(pages(shared)):
        if number % 3 and page.origin != "scrapinghub" and not EVERY_FILE:
            continue
        stored, whole = ours(page)
        scores = page.f1(stored), page.f1(theirs(page)), page.f1(whole)
        for name in (page.origin, "all"):
            found[name].append(scores)
    assert found, "no page that comes with its text"
    means = {
        name: [sum(column) / len(rows) for column in zip(*rows, strict=True)] for name, rows in found.items()
    }
    for name, (own, other, uncut) in means.items():
        print(f"{name}: {len(found[name])} pages, F1 {own:.3f}, trafilatura {other:.3f}, uncut {uncut:.3f}")
    assert len(found["all"]) > (200 if EVERY_FILE else 80)
    assert means["all"][0] >= means["all"][1]
    assert means["all"][0] >= (0.92 if EVERY_FILE else 0.91)
    assert means["scrapinghub"][0] >= 0.98
    assert all(uncut >= other - 0.001 for _, other, uncut in means.values())
    assert all(own >= other - (0.005 if EVERY_FILE else 0.02) for own, other, _ in means.values())
