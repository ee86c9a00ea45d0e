"""A long mutational fuzz run of the parse stage: ``python tests/benchmarks/fuzz_parse.py --minutes 30``.

Takes the samples of tests/feeds (and, beside the checkout, the collected ones), mutates and crosses them, and
feeds them to every reader of bytes. Found is: an exception other than ParseFailure, an input that takes more
CPU than it may, and a difference between the fast reader and feedparser. Findings are written to
tests/feeds/fuzz/, where tests/test_parse_fuzz.py reads them from then on. Exit status 1 when there were any.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from service.clean.dates import labelled_date, parse_date  # noqa: E402 - found by the line before
from service.clean.urls import canonical_url, registrable_domain  # noqa: E402
from service.errors import ParseFailure  # noqa: E402
from service.parse import fast, reference  # noqa: E402
from service.parse.discovery import find_feeds  # noqa: E402
from service.parse.encoding import decode  # noqa: E402
from service.parse.envelope import find_root  # noqa: E402
from service.parse.feed import parse_feed  # noqa: E402
from service.parse.opml import read_subscriptions, write_opml  # noqa: E402
from service.values import Fetched  # noqa: E402

URL = "https://news.example/feed.xml"
FOUND = ROOT / "tests" / "feeds" / "fuzz"
MAX_INPUT = 60_000  # bytes
MAX_SECONDS = 3.0  # CPU for one input of that size, on a busy machine
TOKENS = (
    *(
        b"<",
        b">",
        b"</",
        b"/>",
        b"&",
        b"&amp;",
        b"&lt;",
        b"&#0;",
        b"&#x110000;",
        b"&nbsp;",
        b"<![CDATA[",
        b"]]>",
    ),
    *(b"<!--", b"-->", b"<?xml ", b"?>", b"<!DOCTYPE rss [", b'<!ENTITY x "y">', b"]>", b"\x00", b"\xff\xfe"),
    *(
        b"\xef\xbb\xbf",
        b"\xe9",
        b"\xed\xa0\x80",
        b"<item>",
        b"</item>",
        b"<entry>",
        b"</entry>",
        b"</channel>",
    ),
    *(
        b"<title>",
        b"</title>",
        b"<link>",
        b"<guid>",
        b"<description>",
        b"<div>",
        b' type="xhtml"',
        b' href=""',
    ),
    *(b' xml:base="/"', b' xmlns=""', b' xmlns:x="http://search.yahoo.com/mrss/"', b"<x:title>", b"{", b"}"),
    *(
        b"[",
        b'"items":',
        b"null",
        b"-1",
        b"1e999",
        b"99999999999999999999",
        b"Thu, 99 Xyz 0000 99:99",
        b"\r\n",
    ),
)


def corpus(folders: list[Path]) -> list[bytes]:
    """Every sample that is small enough to be mutated often."""
    bodies = [path.read_bytes() for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
    return [body for body in bodies if 0 < len(body) <= MAX_INPUT]


def mutated(body: bytes, other: bytes, dice: random.Random) -> bytes:
    """A few changes at random places: bits, tokens, cuts, repetitions, a piece of another sample."""
    data = bytearray(body)
    for _ in range(dice.choice((1, 1, 2, 3, 5, 8))):
        place = dice.randrange(len(data) + 1)
        span = min(dice.choice((1, 2, 8, 40, 300)), len(data) - place)
        kind = dice.randrange(7)
        if kind == 0 and place < len(data):
            data[place] ^= 1 << dice.randrange(8)
        elif kind == 1:
            data[place:place] = dice.choice(TOKENS)
        elif kind == 2:
            del data[place : place + span]
        elif kind == 3:
            data[place:place] = bytes(data[place : place + span]) * dice.choice((1, 2, 50))
        elif kind == 4:
            start = dice.randrange(len(other))
            data[place : place + span] = other[start : start + dice.choice((10, 100, 1000))]
        elif kind == 5:
            data[place : place + span] = dice.choice(TOKENS) * dice.choice((1, 3, 200))
        else:
            data = data[:place] if dice.random() < 0.3 else data
    return bytes(data[:MAX_INPUT])


def read_as_feed(body: bytes) -> None:
    """The whole way of a feed, its dates and addresses included."""
    try:
        feed = parse_feed(Fetched(url=URL, final_url=URL, body=body, content_type="application/xml"))
    except ParseFailure:
        return
    for entry in feed.entries[:50]:
        for text in (entry.published, entry.updated):
            if text:
                parse_date(text)
        url = canonical_url(entry.link, entry.base_url)
        if url:
            assert canonical_url(url) == url, url
            registrable_domain(url)
        labelled_date((entry.title or "")[:300])


def read_twice(body: bytes) -> None:
    """What the fast reader reads, feedparser reads alike."""
    text = decode(body).text
    root = find_root(text)
    if root is None or root.doctype:
        return
    document = text[root.start :]
    try:
        quick = fast.read(document, URL)
    except ParseFailure:
        return
    if quick is None:
        return
    try:
        reference.run_feedparser(document)
    except Exception:  # noqa: BLE001 - feedparser's failures are what we must bear, not what we compare with
        read_as_feed(body)
    else:
        slow = reference.read('<?xml version="1.0" encoding="utf-8"?>\n' + document, URL)
        assert quick == slow, "the fast reader and feedparser differ"


def read_as_list(body: bytes) -> None:
    """Subscription lists, and what is written of them."""
    try:
        subscriptions = read_subscriptions(body)
    except ParseFailure:
        return
    assert set(read_subscriptions(write_opml(subscriptions))) == set(subscriptions) or not subscriptions


def read_as_page(body: bytes) -> None:
    """Feeds that a page names."""
    find_feeds(body, URL)


TARGETS: tuple[Callable[[bytes], None], ...] = (read_as_feed, read_twice, read_as_list, read_as_page)


def keep(target: str, body: bytes, why: str) -> None:
    """Write a finding where the tests look for it."""
    FOUND.mkdir(parents=True, exist_ok=True)
    name = f"{target}-{hashlib.blake2b(body, digest_size=6).hexdigest()}"
    (FOUND / name).write_bytes(body)
    print(f"FOUND {name} ({len(body)} bytes): {why}", flush=True)


def main() -> int:
    """Run for so many minutes and say what was found."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--minutes", type=float, default=30)
    arguments.add_argument("--seed", type=int, default=0)
    options = arguments.parse_args()
    shared = Path(os.environ.get("WIREWATCH_SHARED", ROOT.parent / "shared")) / "feeds"
    folders = [
        ROOT / "tests" / "feeds",
        *(shared / name for name in ("real", "synthetic", "hostile", "opml")),
    ]
    bodies = corpus([folder for folder in folders if folder.is_dir()])
    dice = random.Random(options.seed)
    runs: Counter[str] = Counter()
    seen: set[str] = set()
    ends = time.monotonic() + 60 * options.minutes
    while time.monotonic() < ends:
        body = mutated(dice.choice(bodies), dice.choice(bodies), dice)
        for target in TARGETS:
            began = time.process_time()
            why = where = ""
            try:
                target(body)
            except Exception as error:  # noqa: BLE001 - whatever escapes is what is looked for
                last = traceback.extract_tb(error.__traceback__)[-1]
                why, where = f"{type(error).__name__}: {error}"[:200], f"{last.filename}:{last.lineno}"
            if not why and time.process_time() - began > MAX_SECONDS:
                why = where = f"{time.process_time() - began:.1f} s of CPU"
            runs[target.__name__] += 1
            if why and f"{target.__name__} {where}" not in seen:
                seen.add(f"{target.__name__} {where}")
                keep(target.__name__, body, f"{why} at {where}")
    print(f"{len(bodies)} samples, {sum(runs.values()):,} runs {dict(runs)}, {len(seen)} findings")
    return 1 if seen else 0


if __name__ == "__main__":
    sys.exit(main())
