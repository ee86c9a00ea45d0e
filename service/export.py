"""Articles as files for other programs: CSV for spreadsheets, JSON Lines, Parquet; written as they come.

Each writer gets a binary stream and articles one by one, and keeps few of them in memory.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import IO, TYPE_CHECKING, Any

from service.article_json import article_json, moment
from service.errors import UsageError
from service.masking import mask, plain

if TYPE_CHECKING:
    from models.records import ArticleRecord, TagRecord

FORMATS = ("csv", "jsonl", "parquet")
CSV_COLUMNS = (
    "id", "published_at", "precision", "seen_at", "title", "url", "source", "language", "author", "topics",
    "scores", "main_topics", "verdicts", "evidence", "duplicate_of", "path",
)  # fmt: skip
_MOST_EVIDENCE = 100  # phrases of a topic in a cell
_BATCH = 500  # articles of a row group of Parquet
# What a spreadsheet takes for a formula: https://owasp.org/www-community/attacks/CSV_Injection, with the
# full-width signs that some of them read alike, also behind blanks that they pass over.
_FORMULA = re.compile("^[\\s\u200b-\u200f\u2060\ufeff\x00-\x1f]*[=+\\-@\uff1d\uff0b\uff0d\uff20]|^[\t\r\n]")
_LONE = re.compile("[\ud800-\udfff]")


def write(form: str, stream: IO[bytes], articles: Iterable[ArticleRecord], *, text: bool = True) -> None:
    """Write articles to a stream in one of `FORMATS`; without ``text`` all but their texts.

    Raises UsageError where Parquet is asked for and pyarrow is not installed.
    """
    _WRITERS[form](stream, articles, text)


def safe_cell(value: str) -> str:
    """A text that no spreadsheet runs: what would be a formula begins with an apostrophe, which they hide.

    Control characters are left out.
    """
    shown = plain(value, lines=True)
    return f"'{shown}" if _FORMULA.match(shown) else shown


def _write_csv(stream: IO[bytes], articles: Iterable[ArticleRecord], text: bool) -> None:
    """RFC 4180, UTF-8 with the mark by which spreadsheets know it."""
    wrapper = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="", write_through=True)
    writer = csv.writer(wrapper)
    writer.writerow((*CSV_COLUMNS, "text") if text else CSV_COLUMNS)
    for article in articles:
        row = [_cell(value) for value in _csv_row(article)]
        writer.writerow([*row, safe_cell(article.text)] if text else row)
    wrapper.flush()
    wrapper.detach()


def _cell(value: str | int | None) -> str | int:
    return safe_cell(value) if isinstance(value, str) else "" if value is None else value


def _csv_row(article: ArticleRecord) -> Iterator[str | int | None]:
    summary = article.summary
    shown = [tag for tag in article.tags if tag.verdict != -1]
    yield from (summary.id, moment(summary.published_at), summary.precision, moment(summary.seen_at))
    yield from (summary.title, summary.url, mask(summary.source), summary.language, article.author)
    yield "; ".join(tag.topic for tag in shown)
    yield "; ".join(f"{tag.score:.4f}" for tag in shown)
    yield "; ".join(tag.topic for tag in shown if tag.main)
    yield "; ".join(
        f"{tag.topic}: {'yes' if tag.verdict > 0 else 'no'} ({tag.verdict_by or 'someone'})"
        for tag in article.tags
        if tag.verdict
    )
    yield "; ".join(map(_evidence, article.tags))
    yield from (summary.duplicate_of, summary.path)


def _evidence(tag: TagRecord) -> str:
    found = [
        f"{one.phrase} ({one.field} {one.start}-{one.end}, {one.contribution:+.2f})"
        for one in tag.evidence[:_MOST_EVIDENCE]
    ]
    if len(tag.evidence) > _MOST_EVIDENCE:
        found.append(f"{len(tag.evidence) - _MOST_EVIDENCE} more")
    return f"{tag.topic}: {', '.join(found)}" if found else f"{tag.topic}: no evidence"


def _write_jsonl(stream: IO[bytes], articles: Iterable[ArticleRecord], text: bool) -> None:
    """One JSON object a line, ASCII, with all that is kept."""
    for article in articles:
        stream.write(json.dumps(_values(article, text)).encode("ascii") + b"\n")


def _values(article: ArticleRecord, text: bool) -> dict[str, Any]:
    values = article_json(article)
    del values["snippet"]
    if not text:
        del values["text"], values["revisions"], values["cuts"]
    return values


def _write_parquet(stream: IO[bytes], articles: Iterable[ArticleRecord], text: bool) -> None:
    """Typed columns, tags with their evidence as lists of structures; Zstandard, a row group at a time."""
    try:
        import pyarrow  # noqa: PLC0415 - an extra, and heavy
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError as error:
        raise UsageError(
            "writing Parquet needs pyarrow: pip install 'wirewatch[parquet]', or take --format jsonl"
        ) from error
    schema = _schema(pyarrow, text)
    each = iter(articles)
    with parquet.ParquetWriter(stream, schema, compression="zstd") as writer:
        while rows := [_parquet_row(one, text) for one in islice(each, _BATCH)]:
            writer.write_table(pyarrow.Table.from_pylist(rows, schema=schema))


def _schema(arrow: Any, text: bool) -> Any:
    string, time = arrow.string(), arrow.timestamp("us", tz="UTC")
    evidence = arrow.struct(
        [
            ("field", string), ("start", arrow.int32()), ("end", arrow.int32()), ("phrase", string),
            ("rule", string), ("contribution", arrow.float64()),
        ]
    )  # fmt: skip
    tag = arrow.struct(
        [
            ("topic", string), ("score", arrow.float64()), ("threshold", arrow.float64()),
            ("holds", arrow.bool_()), ("main", arrow.bool_()), ("verdict", arrow.int8()),
            ("verdict_by", string), ("evidence", arrow.list_(evidence)),
        ]
    )  # fmt: skip
    fields = [
        ("id", arrow.int64()), ("title", string), ("url", string), ("published_at", time),
        ("precision", string), ("seen_at", time), ("updated_at", time), ("source", string),
        ("source_id", arrow.int64()), ("language", string), ("author", string),
        ("categories", arrow.list_(string)), ("path", string), ("duplicate_of", arrow.int64()),
        ("tags", arrow.list_(tag)),
    ]  # fmt: skip
    return arrow.schema([*fields, ("text", string)] if text else fields)


def _parquet_row(article: ArticleRecord, text: bool) -> dict[str, Any]:
    summary = article.summary
    times: dict[str, datetime | None] = {
        "published_at": summary.published_at,
        "seen_at": summary.seen_at,
        "updated_at": article.updated_at,
    }
    row = {**_values(article, text=True), **times}
    if not text:
        del row["text"]
    return {name: _storable(value) for name, value in row.items()}


def _storable(value: Any) -> Any:
    """Without halves of surrogate pairs (a path may have them), which UTF-8 does not know."""
    return _LONE.sub("\ufffd", value) if isinstance(value, str) else value


_WRITERS: dict[str, Callable[[IO[bytes], Iterable[ArticleRecord], bool], None]] = {
    "csv": _write_csv,
    "jsonl": _write_jsonl,
    "parquet": _write_parquet,
}
