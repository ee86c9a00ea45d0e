"""Real pages with the text that people expect of them, and how near a text comes to it."""

from __future__ import annotations

import html
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_WORD = re.compile(r"\w+")
_BEGINNING = 300  # characters: what is shorter is only how a text begins
_TAG = re.compile(r"<[^<>]*>")


@dataclass(frozen=True)
class Page:
    """A page of somebody's test set: the whole text that is wanted, or passages that are and that are not."""

    origin: str  # the set: "scrapinghub", "flairNLP" …
    name: str
    body: bytes
    text: str | None = None
    wanted: tuple[str, ...] = ()
    unwanted: tuple[str, ...] = ()

    def score(self, text: str) -> tuple[float, float, float]:
        """What is right, too much and missing of a text: words with their counts, or passages."""
        if self.text is not None:
            got, want = Counter(_WORD.findall(text.lower())), Counter(_WORD.findall(self.text.lower()))
            both = (got & want).total()
            return both, got.total() - both, want.total() - both
        flat = " ".join(text.split())
        found = sum(passage in flat for passage in self.wanted)
        return found, sum(passage in flat for passage in self.unwanted), len(self.wanted) - found

    def f1(self, text: str) -> float:
        """Harmonic mean of precision and recall."""
        right, too_much, missing = self.score(text)
        return 2 * right / (2 * right + too_much + missing) if right else 0.0


def pages(folder: Path) -> Iterator[Page]:
    """The pages of the material folder that come with an expectation."""
    for path in sorted((folder / "feeds" / "html" / "expected").glob("*.json")):
        expected = json.loads(path.read_text(encoding="utf-8"))["expected"]
        origin = path.name.partition("_")[0]
        body = (folder / "feeds" / "html" / path.name.removesuffix(".json")).read_bytes()
        if "with" in expected:
            passages = (tuple(" ".join(one.split()) for one in expected[key]) for key in ("with", "without"))
            yield Page(origin, path.name, body, None, *passages)
            continue
        text = _text(expected, body)
        if text is None or text.isupper():
            continue  # a remark of somebody who compared, in the place of a text
        if len(text) < _BEGINNING:
            yield Page(origin, path.name, body, None, (" ".join(text.split()),))
        else:
            yield Page(origin, path.name, body, text)


def _text(expected: dict[str, Any], body: bytes) -> str | None:
    """The text that is expected, in the words of each set."""
    if "expected" in expected:  # goose3
        expected = expected["expected"]
    if (
        "_all" in expected
    ):  # fundus: a page for each version of a site's layout; which one this is, its title tells
        shown = " ".join(html.unescape(body.decode("utf-8", "replace")).split())
        versions = list(expected["_all"].values())
        page = next((one for one in versions if " ".join(one["title"].split()) in shown), versions[0])["body"]
        parts = list(page.get("summary", ()))
        for section in page.get("sections", ()):
            parts += [*section.get("headline", ()), *section.get("paragraphs", ())]
        return "\n\n".join(parts) or None
    if "expected_html" in expected:  # readability
        return html.unescape(_TAG.sub(" ", expected["expected_html"])).strip() or None
    found = (expected.get(key) for key in ("articleBody", "text", "cleaned_text"))
    return next((text for text in found if isinstance(text, str) and text.strip()), None)
