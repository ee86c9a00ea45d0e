"""The main text of real pages, measured beside trafilatura's own on the same pages."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import trafilatura

from service.clean import clean
from service.parse.document import parse_document

NOW = datetime(2026, 10, 1, tzinfo=UTC)
WORD = re.compile(r"\w+")


def token_f1(got: str, wanted: str) -> float:
    """Harmonic mean of precision and recall over words with their counts."""
    one, other = Counter(WORD.findall(got.lower())), Counter(WORD.findall(wanted.lower()))
    both = (one & other).total()
    return 2 * both / (one.total() + other.total()) if both else 0.0


def test_pages_are_read_at_least_as_well_as_by_trafilatura(shared: Path) -> None:
    pages = shared / "feeds" / "html"
    ours, theirs = [], []
    for path in sorted((pages / "expected").glob("scrapinghub_*.json")):
        wanted = json.loads(path.read_text(encoding="utf-8"))["expected"]["articleBody"]
        body = (pages / path.name.removesuffix(".json")).read_bytes()
        (entry,) = parse_document(body, path.name)
        ours.append(token_f1(clean(entry, fetched_at=NOW).text, wanted))
        theirs.append(token_f1(trafilatura.extract(body, include_comments=False) or "", wanted))
    assert ours, "no page that comes with its text"
    mean, their_mean = sum(ours) / len(ours), sum(theirs) / len(theirs)
    print(f"{len(ours)} pages: token F1 {mean:.3f}, trafilatura {their_mean:.3f}")
    assert mean >= their_mean
    assert mean >= 0.97
