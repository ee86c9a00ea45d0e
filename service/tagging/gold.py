"""Graded articles: the gold format, and which of them are copies of one another.

One JSON object a line, UTF-8::

    {"id": "p0001", "title": "…", "text": "…", "grades": {"sanctions": 0, "arms": 2, "diplomacy": null},
     "sure": true, "why": "…"}

A grade is 0 (not about it), 1 (a real part) or 2 (a main subject); positive from 1; ``null`` or a missing
topic is not scored. ``sure`` (default true) and ``why`` are the reader's; other keys are not looked at.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any
from zlib import crc32

from service.clean import clean
from service.errors import UsageError
from service.values import Entry

MAX_LINE = 16 << 20  # bytes
GRADES = (0, 1, 2)
_WORD = re.compile(r"\w+")
_SHINGLE = 6  # words
_KEPT = 4  # one shingle in so many is compared
_ALIKE = 0.3  # share of the shorter text's shingles


@dataclass(frozen=True, slots=True)
class GoldRow:
    """An article with a reader's grades."""

    id: str
    title: str
    text: str
    grades: Mapping[str, int]  # without the topics that are not scored
    sure: bool = True
    why: str = ""
    language: str | None = None
    measured: bool = True  # False: it teaches beside the others and is no measure of accuracy


def read_gold(path: Path) -> list[GoldRow]:
    """The rows of a gold file.

    Raises:
        UsageError: the file cannot be read or a line is no graded article; the text names the line.
    """
    rows: list[GoldRow] = []
    try:
        with path.open("rb") as stream:
            for number, line in enumerate(stream, 1):
                if line.strip():
                    rows.append(_row(line, number, path))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from error
    if not rows:
        raise UsageError(f"{path}: holds no graded articles")
    return rows


def _row(line: bytes, number: int, path: Path) -> GoldRow:
    def wrong(what: str) -> UsageError:
        return UsageError(f"{path}: line {number}: {what}")

    if len(line) > MAX_LINE:
        raise wrong(f"longer than {MAX_LINE >> 20} MB")
    try:
        item: Any = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise wrong(f"not JSON: {error}") from error
    if not isinstance(item, dict):
        raise wrong("not a JSON object")
    title, text = item.get("title") or "", item.get("text") or ""
    if not isinstance(title, str) or not isinstance(text, str):
        raise wrong("title and text must be strings")
    grades = item.get("grades")
    if not isinstance(grades, dict):
        raise wrong('"grades" must be an object of topics and grades')
    for topic, grade in grades.items():
        if grade is not None and (type(grade) is not int or grade not in GRADES):
            raise wrong(f"grade {grade!r} of {topic!r}: must be 0, 1, 2 or null")
    language = item.get("language")
    return GoldRow(
        id=str(item.get("id", number)),
        title=title,
        text=text,
        grades={topic: grade for topic, grade in grades.items() if grade is not None},
        sure=item.get("sure") is not False,
        why=str(item.get("why") or ""),
        language=language if isinstance(language, str) else None,
    )


def cleaned(row: GoldRow, *, at: datetime) -> GoldRow:
    """A row as its article would be stored if it came in at a time: the text that is tagged.

    Paragraphs are separated by blank lines, boilerplate is cut, a missing title found, the language told; one
    that the row does not name is taken to be declared as English.
    """
    declared = row.language or "en"
    entry = Entry(title=row.title or None, content=row.text, content_is_html=False, language=declared)
    article = clean(entry, fetched_at=at)
    return replace(row, title=article.title, text=article.text, language=article.language)


def fingerprint(row: GoldRow) -> str:
    """Of a row's words, whatever stands between them: tells whether weights were learned from an article."""
    words = " ".join(_WORD.findall(f"{row.title} {row.text}".lower()))
    return blake2b(words.encode("utf-8", "replace"), digest_size=6).hexdigest()


def groups(rows: Sequence[GoldRow]) -> list[int]:
    """A number for each row; rows whose texts are near-copies, or whose titles are the same, share one."""
    parent = list(range(len(rows)))

    def root(number: int) -> int:
        while parent[number] != number:
            parent[number] = parent[parent[number]]
            number = parent[number]
        return number

    shingles = [_shingles(row.text) for row in rows]
    holders: dict[int, list[int]] = defaultdict(list)
    titles: dict[str, int] = {}
    for number, row in enumerate(rows):
        title = " ".join(_WORD.findall(row.title.lower()))
        if title.count(" ") > 2:  # noqa: PLR2004 - "Press Review" is no copy of "Press Review"
            parent[root(number)] = root(titles.setdefault(title, number))
        shared: dict[int, int] = defaultdict(int)
        for shingle in shingles[number]:
            for other in holders[shingle][-50:]:
                shared[other] += 1
            holders[shingle].append(number)
        for other, count in shared.items():
            if count >= 3 and count >= _ALIKE * min(len(shingles[number]), len(shingles[other])):  # noqa: PLR2004
                parent[root(number)] = root(other)
    return [root(number) for number in range(len(rows))]


def _shingles(text: str) -> set[int]:
    words = _WORD.findall(text.lower())
    made = set()
    for start in range(max(0, len(words) - _SHINGLE + 1)):
        code = crc32(" ".join(words[start : start + _SHINGLE]).encode())
        if code % _KEPT == 0:
            made.add(code)
    return made
