"""Every feed that was collected, read and compared with feedparser's reading of the very same bytes.

By default a third of the real feeds and a fifth of the sequences and conformance samples stand for all, to
keep the suite quick; WIREWATCH_EVERY_FILE=1 takes every file.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from xml.parsers import expat

import feedparser
import pytest

from service.errors import ParseFailure
from service.parse import fast
from service.parse.encoding import decode
from service.parse.envelope import find_root, unpack
from service.parse.feed import parse_feed
from service.parse.jsonfeed import looks_like_json
from service.parse.mapping import to_feed
from service.values import Fetched, ParsedFeed

ROOT = Path(__file__).resolve().parent.parent
URL = "https://news.example/feed.xml"
EVERY_FILE = os.environ.get("WIREWATCH_EVERY_FILE") == "1"
MAX_MEGABYTES = 150  # of a process that reads them all, one after the other

# Files whose entries, ids, links, titles or dates we read otherwise than feedparser, each with the reason;
# service/parse/README.md explains the reasons.
PACKED = "packed with gzip or deflate, which feedparser does not undo"
CUT = "breaks off: an entry that is not whole is no entry"
SCRIPT = "an encoding that nothing declares, told by its script"
DAMAGED = "UTF-8 with bad bytes, not Windows-1252"
WIDE = "UTF-16 without a byte order mark or declaration"
CONTROL = "characters that XML forbids are left out"
NAMELESS = "no version that feedparser knows, but a feed"
STRICT = "read strictly once what stands before or after the document is gone"
PAGE = "a web page around a feed is a web page"
DIFFERENCES = {
    "danmactough_node-feedparser__test__feeds__compressed.xml": PACKED,
    "danmactough_node-feedparser__test__feeds__invalid-characters-gzipped.xml": PACKED,
    "kurtmckee_feedparser__tests__compression__deflate.z": PACKED,
    "kurtmckee_feedparser__tests__compression__gzip.gz": PACKED,
    "kagisearch_fastfeedparser__tests__integration__osm-pl.xml": CUT,
    "rss_incomplete_cdata.xml": CUT,
    **dict.fromkeys(("eucjp.xml", "euckr.xml", "gb2312.xml", "koi8r.xml", "shiftjis.xml"), SCRIPT),
    "feed2imap_ruby-feedparser__test__source__linuxsoft-invalidutf8.xml": DAMAGED,
    "simplepie_simplepie__tests__data__feed-utf16be.xml": WIDE,
    "simplepie_simplepie__tests__data__feed-utf16le.xml": WIDE,
    "rss_channel_item_illegal_char.xml": CONTROL,
    "amp-hex-name.xml": CONTROL,
    "malformed_feed.xml": CONTROL,
    "version_rdf_090.xml": NAMELESS,
    "rss10_invalid_namespace.xml": NAMELESS,
    "rss10_invalid_namespace2.xml": NAMELESS,
    "atom": STRICT,
    "nicolus_picoFeed__tests__fixtures__resorts.xml": STRICT,
    "feedjira_feedjira__spec__sample_feeds__DuplicateContentAtomFeed.xml": PAGE,
}
TEXTS = "texts"
FOLDERS = {True: ("real", "synthetic", "hostile", "html"), False: ("real", "hostile")}
IDENTITY = ("guid", "link", "title", "published", "updated")


def _paths(folder: Path) -> Iterator[Path]:
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    yield from (
        paths if EVERY_FILE or folder.name == "hostile" else paths[:: 3 if folder.name == "real" else 5]
    )


def _reference(body: bytes) -> ParsedFeed | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            result = feedparser.parse(
                io.BytesIO(body),
                response_headers={"content-type": "application/xml"},
                sanitize_html=False,
                resolve_relative_uris=False,
            )
        except Exception:  # noqa: BLE001 - its failures are not ours
            return None
    if not result.entries and not result.get("version"):
        return None
    return to_feed(result.feed, result.entries, URL, version=result.get("version") or "", document="")


def _difference(ours: ParsedFeed, theirs: ParsedFeed) -> str | None:
    if len(ours.entries) != len(theirs.entries):
        return f"{len(ours.entries)} entries, not {len(theirs.entries)}"
    for mine, other in zip(ours.entries, theirs.entries, strict=True):
        for name in IDENTITY:
            if getattr(mine, name) != getattr(other, name):
                return f"{name} {getattr(mine, name)!r}, not {getattr(other, name)!r}"
    return None if ours.entries == theirs.entries else TEXTS


def _well_formed(body: bytes) -> bool:
    try:
        expat.ParserCreate().Parse(body, True)
    except expat.ExpatError:
        return False
    return True


@pytest.fixture(scope="module")
def differences(shared: Path) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for folder in ("real", "synthetic", "sequences", "hostile"):
        found[folder] = {}
        outcome: Counter[str] = Counter()
        for path in _paths(shared / "feeds" / folder):
            body = path.read_bytes()
            name = path.relative_to(shared / "feeds" / folder).as_posix()
            theirs = _reference(body)
            try:
                ours = parse_feed(Fetched(url=URL, final_url=URL, body=body, content_type="application/xml"))
            except ParseFailure as failure:
                outcome["refused"] += 1
                if theirs is not None and theirs.entries:
                    found[folder][name] = f"refused: {failure.detail}"
                continue
            if ours.version.startswith("json"):
                outcome["json"] += 1
            elif theirs is None:
                found[folder][name] = f"{len(ours.entries)} entries, not read"
            elif difference := _difference(ours, theirs):
                found[folder][name] = difference
            else:
                outcome["same"] += 1
        print(folder, dict(outcome), "differ:", len(found[folder]))
    return found


def _explained(name: str) -> bool:
    return Path(name).name in DIFFERENCES or name.rpartition("__")[2] in DIFFERENCES


def test_entries_ids_links_titles_and_dates_are_feedparsers(differences: dict[str, dict[str, str]]) -> None:
    unexplained = {
        f"{folder}/{name}": what
        for folder, names in differences.items()
        for name, what in names.items()
        if what != TEXTS and not _explained(name)
    }
    assert unexplained == {}


def test_texts_differ_only_where_the_document_is_broken(
    differences: dict[str, dict[str, str]], shared: Path
) -> None:
    well_formed = [
        f"{folder}/{name}"
        for folder, names in differences.items()
        for name, what in names.items()
        if what == TEXTS and _well_formed((shared / "feeds" / folder / name).read_bytes())
    ]
    assert well_formed == []


def test_most_are_read_by_the_fast_reader(shared: Path) -> None:
    outcome: Counter[bool] = Counter()
    for path in _paths(shared / "feeds" / "real"):
        text = decode(unpack(path.read_bytes())).text
        root = find_root(text)
        if root is not None and not looks_like_json(text):
            outcome[not root.doctype and fast.read(text[root.start :], URL) is not None] += 1
    print("fast reader, real feeds:", dict(outcome))
    assert outcome[True] / outcome.total() > 0.8


PROGRAM = """
import sys
from pathlib import Path
from service.errors import ParseFailure
from service.parse.feed import parse_feed
from service.values import Fetched
URL = "http://a.example/"
read = refused = 0
for folder in sys.argv[1:]:
    for path in sorted(Path(folder).rglob("*")):
        if path.is_file():
            try:
                parse_feed(Fetched(url=URL, final_url=URL, body=path.read_bytes()))
                read += 1
            except ParseFailure:
                refused += 1
# Not getrusage: what it gives to a child begins with the memory of its parent.
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(read, refused, int(peak.split()[1]) // 1024)
"""


def test_nothing_but_parse_failures_escapes_and_memory_is_bounded(shared: Path) -> None:
    folders = [str(shared / "feeds" / folder) for folder in FOLDERS[EVERY_FILE]]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *folders], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    read, refused, megabytes = map(int, done.stdout.split())
    print(f"{read} read, {refused} refused, at most {megabytes} MB")
    assert read > (6_000 if EVERY_FILE else 800)
    assert megabytes < MAX_MEGABYTES
