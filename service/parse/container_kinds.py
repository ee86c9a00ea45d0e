"""Which kind of container a file is, by its first bytes; None where it is one document."""

from __future__ import annotations

import json
import re
from enum import StrEnum
from pathlib import PurePath

from service.parse.encoding import decode
from service.parse.jsonfeed import looks_like_json
from service.parse.records import holds_articles, known_columns


class Packing(StrEnum):
    """The kinds of containers."""

    GZIP = "a gzip file"
    BZIP2 = "a bzip2 file"
    XZ = "an xz file"
    ZSTD = "a zstd file"
    ZIP = "a ZIP archive"
    TAR = "a tar archive"
    MAILBOX = "a mailbox"
    JSON_LINES = "JSON Lines"
    JSON = "JSON"
    TABLE = "a table"


NESTING = frozenset((Packing.GZIP, Packing.BZIP2, Packing.XZ, Packing.ZSTD, Packing.ZIP, Packing.TAR))
_MAGIC: tuple[tuple[bytes, int, Packing], ...] = (
    (b"\x1f\x8b\x08", 0, Packing.GZIP),
    (b"BZh", 0, Packing.BZIP2),
    (b"\xfd7zXZ\x00", 0, Packing.XZ),
    (b"\x28\xb5\x2f\xfd", 0, Packing.ZSTD),
    (b"PK\x03\x04", 0, Packing.ZIP),
    (b"PK\x05\x06", 0, Packing.ZIP),
    (b"ustar", 257, Packing.TAR),
)
# The first member of an office document's archive: those are documents, whatever else they are.
_OFFICE = re.compile(
    rb"PK\x03\x04.{26}(?:\[Content_Types\]\.xml|_rels/\.rels|docProps/|word/|customXml/|mimetypeapplication/)",
    re.DOTALL,
)
_BZIP2_BLOCK = b"1AY&SY"
_JSON_FEED = re.compile(r'"version"\s*:\s*"https?:\\?/\\?/jsonfeed\.org')
_OBJECTS = re.compile(r"\s*(?:\{\s*[\"}]|\[\s*[{\]])")
# "From sender Tue Jun 18 09:45:00 2024", or what some programs write instead of the time (RFC 4155).
SEPARATOR = re.compile(
    rb"From (?:\S.{0,200}?\d\d?:\d\d(?::\d\d)?\b.{0,60}?\b(?:19|20)\d\d\b|- |\?\?\?@\?\?\?)"
)
_HEADER = re.compile(rb"[!-9;-~]{1,60}:")
_LINES = frozenset((".jsonl", ".ndjson", ".jsonlines"))
_TABLES = frozenset((".csv", ".tsv"))
DELIMITERS = (",", ";", "\t", "|")
_ROWS = 4096  # bytes
_MAX_CELL = 60  # characters of a column's name
_MIN_KNOWN = 2  # columns that make a table of a text


def what_is(head: bytes, name: str) -> Packing | None:
    """The kind of container that a file with these first bytes is."""
    for mark, at, kind in _MAGIC:
        if head[at : at + len(mark)] == mark:
            if kind is Packing.ZIP and _OFFICE.match(head):
                return None
            if kind is Packing.BZIP2 and _BZIP2_BLOCK not in head[:10]:
                continue
            return kind
    if _is_mailbox(head):
        return Packing.MAILBOX
    start = head[:4096].lstrip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n")[:1]
    suffix = PurePath(name).suffix.lower()
    if start not in (b"{", b"[") and suffix not in _TABLES and not _may_be_table(head):
        return None
    # Guessing an encoding takes time: a table shows in its first rows.
    text = decode(head if start in (b"{", b"[") else head[:_ROWS]).text
    if looks_like_json(text) and _OBJECTS.match(text):
        if _JSON_FEED.search(text[:4096]):
            return None
        return Packing.JSON_LINES if _is_lines(text, suffix) else Packing.JSON
    return Packing.TABLE if _is_table(text, suffix) else None


def is_container(head: bytes, name: str) -> bool:
    """Whether a file with these first bytes may hold many articles, and is to be read as a stream."""
    return what_is(head, name) is not None


def header_of(line: str) -> tuple[str, list[str]]:
    """The delimiter of a table, and its columns' names, as its first line tells."""
    best = "", [line]
    for delimiter in DELIMITERS:
        cells = [cell.strip().strip("\"'").strip() for cell in line.lstrip("\ufeff").split(delimiter)]
        if (len(known_columns(cells)), len(cells)) > (len(known_columns(best[1])), len(best[1])):
            best = delimiter, cells
    return best


def _is_mailbox(head: bytes) -> bool:
    if not SEPARATOR.match(head):
        return False
    following = head.partition(b"\n")[2]
    return _HEADER.match(following) is not None or following.startswith(b">From ")


def _is_lines(text: str, suffix: str) -> bool:
    """Whether each line is an object of its own."""
    lines = text.lstrip("\ufeff \t\r\n").split("\n", 2)
    first = lines[0].strip()
    following = lines[1].strip() if len(lines) > 1 else None
    named = suffix in _LINES
    if not first.startswith("{"):
        return False
    begins = bool(following) and str(following).startswith("{")
    try:
        json.loads(first)
    except (ValueError, RecursionError):
        # Longer than what was looked at, or broken: then its name decides.
        return named and len(first) > 1 and (begins or not following)
    return named or begins


def _may_be_table(head: bytes) -> bool:
    """A cheap first look: a short first line with delimiters."""
    line = head[:2048].replace(b"\x00", b"").split(b"\n", 1)[0]
    return any(delimiter.encode() in line for delimiter in DELIMITERS) and b". " not in line


def _is_table(text: str, suffix: str) -> bool:
    lines = text.lstrip("\ufeff\r\n").split("\n", 1)
    _, cells = header_of(lines[0].strip())
    if suffix in _TABLES:
        return True
    named = all(0 < len(cell) <= _MAX_CELL for cell in cells)
    return (
        named
        and bool(lines[1:] and lines[1].strip())
        and len(cells) > 1
        and len(known_columns(cells)) >= _MIN_KNOWN
        and holds_articles(cells)
    )
