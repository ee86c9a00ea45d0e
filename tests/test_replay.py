"""Feeds as they change: every item once, edits as edits, nothing lost; through HTTP into both databases."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

from models import sources
from models.database import Database
from service.decide import REWRITE_CAP
from tests.polling import START, polling
from tests.replaying import HEADING, Version, captured, check, replay
from tests.server import Server

HOUR = timedelta(hours=1)
LONG = "It was said at length, in words that stand in no other item, and for longer than a teaser would. " * 3


class Item:
    """An item of a feed; what is None stands not in it."""

    def __init__(
        self,
        name: str,
        *,
        guid: str | None = "",
        link: str | None = "",
        title: str | None = "",
        text: str = "",
        date: str | None = "Mon, 02 Mar 2026 08:00:00 GMT",
    ) -> None:
        self.parts = {
            "guid": f"urn:{name}" if guid == "" else guid,
            "link": f"https://news.example/{name}" if link == "" else link,
            "title": f"What happened at {name}" if title == "" else title,
            "description": text or f"About {name}. {LONG}",
            "pubDate": date,
        }

    def __str__(self) -> str:
        inner = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in self.parts.items() if text)
        return f"<item>{inner}</item>"


def versions(*shown: Sequence[Item]) -> list[Version]:
    """The documents that show these items, an hour apart."""
    head, foot = '<rss version="2.0"><channel><title>Wire</title>', "</channel></rss>"
    return [
        Version(START + number * HOUR, "".join([head, *map(str, one), foot]).encode())
        for number, one in enumerate(shown)
    ]


def items(*names: str) -> list[Item]:
    """Ordinary items."""
    return [Item(name) for name in names]


# What is shown, and how many are stored and edited; "capped" is what polls say in the end.
SCENARIOS: dict[str, tuple[list[Version], int, int]] = {
    "scrolls-off": (versions(*(items(*(f"n{n + k}" for k in range(3))) for n in range(5))), 7, 0),
    "comes-back": (versions(items("a", "b"), items("b"), items("a", "b"), [], items("a")), 2, 0),
    "guids-change": (
        versions(items("a", "b"), [Item("a", guid="new-1"), Item("b", guid="new-2")], items("a", "b")), 2, 0,
    ),
    "one-guid-for-all": (
        versions(
            [Item(name, guid="same") for name in "abcd"],
            [Item(name, guid="same") for name in "bcde"],
            [Item(name, guid="same") for name in "acef"],
        ),
        6,
        0,
    ),
    "guids-come-and-go": (
        versions(items("a"), [Item("a", guid=None), Item("b", guid=None)], items("a", "b")), 2, 0,
    ),
    "links-change": (
        versions(items("a"), [Item("a", link="https://news.example/a?utm_source=rss")],
                 [Item("a", link="https://news.example/moved/a")]),
        1,
        0,
    ),
    "edited-and-back": (
        versions(items("a"), [Item("a", title="What really happened at a")], items("a")), 1, 2,
    ),
    "only-the-date": (
        versions(*([Item("a", date=f"Mon, 02 Mar 2026 0{n}:00:00 GMT")] for n in range(1, 6))), 1, 0,
    ),
    "no-guid-no-link": (
        versions(
            [Item("a", guid=None, link=None), Item("b", guid=None, link=None)],
            [Item("b", guid=None, link=None), Item("c", guid=None, link=None)],
        ),
        3,
        0,
    ),
    "no-guid-edited": (
        versions([Item("a", guid=None)], [Item("a", guid=None, text="Rewritten. " + LONG)]), 1, 1,
    ),
    "flips-between-two-sets": (versions(*(items(*("abc" if n % 2 else "def")) for n in range(6))), 6, 0),
    "twice-in-one": (versions(items("a", "a", "b"), items("a", "b", "b")), 2, 0),
    "changes-at-every-poll": (
        versions(
            *([Item(n, text=f"Version {k}. {LONG}") for n in "ab"] for k in range(REWRITE_CAP + 4))
        ),
        2,
        2 * REWRITE_CAP,
    ),
}  # fmt: skip


def test_feeds_as_they_change(database: Database, tmp_path: Path) -> None:
    with Server() as server, polling(database, tmp_path) as bench:
        for name, (shown, stored, edits) in SCENARIOS.items():
            done = replay(bench, server, name, shown)
            assert (len(done.stored), done.changed) == (stored, edits), name
            check(done)
        (source,) = sources.find([server.url("/changes-at-every-poll")])
        last, *_ = sources.polls(source.id)
    assert last.detail == (
        f"articles rewritten {REWRITE_CAP} times before, and changed again: 2 (only counted now)"
    )


def test_what_does_not_change_is_not_sent_again(database: Database, tmp_path: Path) -> None:
    with Server() as server, polling(database, tmp_path) as bench:
        done = replay(bench, server, "still", versions(*(items("a") for _ in range(5))))
        assert done.polls == {"ok": 1, "not_modified": 4}
        (one,) = versions(items("a"))
        day = [Version(START + timedelta(hours=hours), one.body) for hours in (0, 10, 20, 30)]
        # Servers lie: at least once a day the whole is asked for, whatever the validators say.
        assert replay(bench, server, "day", day).polls == {"ok": 2, "not_modified": 2}


# -- captured feeds ------------------------------------------------------------------------------------

# Counted by hand over the documents (tests/test_decide.py says how).
EXPECTED = {
    "gesab001_headlines__bbc": 262,
    "egfedorov_rss-parser__meduza": 27,
    "evilgodfahim_csis__rss": 8,
    "evilgodfahim_wl__feed__reuters_direct": 524,
    "C4droid_rss__voa": 67,
}
# Two minutes for all; the others with WIREWATCH_EVERY_FILE=1, and in tests/benchmarks/replay.py.
QUICK = (
    "brian14708_wh-briefings__rss",
    "egfedorov_rss-parser__meduza",
    "evilgodfahim_csis__rss",
    "gesab001_headlines__bbc",
    "gesab001_headlines__wsj",
)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_captured_feeds_replayed_in_order(database: Database, tmp_path: Path, shared: Path) -> None:
    folders = sorted((shared / "feeds" / "sequences").iterdir())
    if not os.environ.get("WIREWATCH_EVERY_FILE"):
        folders = [folder for folder in folders if folder.name in QUICK]
    assert folders
    print(f"\n{HEADING}")
    with Server() as server, polling(database, tmp_path) as bench:
        for folder in folders:
            done = replay(bench, server, folder.name, captured(folder))
            print(done.line())
            check(done)
            assert len(done.stored) == EXPECTED.get(folder.name, len(done.stored))
