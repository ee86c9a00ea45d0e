"""Mailboxes, JSON, JSON Lines and tables as streams of messages and records."""

from __future__ import annotations

import codecs
import csv
import io
import json
from collections.abc import Iterator
from typing import Any, BinaryIO, TextIO, cast

from service.errors import ParseFailure
from service.parse.container import Form, Piece, Trouble, Walk, joined
from service.parse.container_kinds import SEPARATOR, Packing, header_of
from service.parse.document_kinds import wide_encoding
from service.parse.encoding import decode
from service.parse.records import Record, holds_articles, without_articles
from service.values import Reason

MAX_LINE = 1024 * 1024  # bytes of a mailbox that are looked at together
MAX_COLUMNS = 1_000
MAX_BROKEN = 1_000  # in a row: no list of articles any more


# -- mailboxes -----------------------------------------------------------------------------------------


def messages(file: BinaryIO, member: str, walk: Walk) -> Iterator[Piece | Trouble]:
    """The messages of a mailbox (mbox): each begins with a "From " line behind a blank one (RFC 4155)."""
    most = walk.limits.document
    parts: list[bytes] = []
    size = number = 0
    after_blank = True
    for line in iter(lambda: file.readline(MAX_LINE), b""):
        if after_blank and line.startswith(b"From ") and SEPARATOR.match(line):
            if number:
                yield _message(parts, size, number, member, walk)
            parts, size, number = [], 0, number + 1
        else:
            size += len(line)
            if size <= most:
                # A quoted separator (mboxrd): one ">" was put before it.
                parts.append(
                    line[1:] if line.startswith(b">") and line.lstrip(b">").startswith(b"From ") else line
                )
        after_blank = line in (b"\n", b"\r\n")
    if number:
        yield _message(parts, size, number, member, walk)


def _message(parts: list[bytes], size: int, number: int, member: str, walk: Walk) -> Piece | Trouble:
    walk.budget.enter()
    label = f"message {number}"
    if size > walk.limits.document:
        return Trouble(
            joined(member, label),
            Reason.TOO_LARGE,
            f"{size:,} bytes; at most {walk.limits.document:,} are read",
        )
    return Piece(member, b"".join(parts), Form.MESSAGE, label=label)


# -- records -------------------------------------------------------------------------------------------


def records(file: BinaryIO, head: bytes, kind: Packing, member: str, walk: Walk) -> Iterator[Piece | Trouble]:
    """The records of a list.

    :raises ParseFailure: MALFORMED when it breaks off, UNSUPPORTED when it is no list of articles
    """
    encoding = _encoding(head)
    match kind:
        case Packing.JSON:
            from service.parse.container_json import json_records  # noqa: PLC0415 - with ijson

            found = json_records(
                file if encoding in ("utf-8", "ascii") else _recoded(file, encoding), walk.limits
            )
        case Packing.JSON_LINES:
            found = _lines(_text(file, encoding), walk.limits.record)
        case _:
            found = _rows(_text(file, encoding), walk.limits.record)
    for one in found:
        walk.budget.enter()
        if isinstance(one, Record):
            yield Piece(
                member, form=Form.RECORD, record=one, label=f"record {one.number}" if one.number else ""
            )
        else:
            yield Trouble(joined(member, one.member), one.reason, one.detail)


def _encoding(head: bytes) -> str:
    """The encoding of a list, told by its beginning up to the last whole line."""
    whole = head[: head.rfind(b"\n") + 1] or head
    wide = wide_encoding(whole)
    if wide:
        return wide
    for mark, encoding in ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16")):
        if head.startswith(mark):
            return encoding
    return decode(whole).encoding


def _text(file: BinaryIO, encoding: str) -> TextIO:
    buffered = file if isinstance(file, io.BufferedReader) else io.BufferedReader(cast("Any", file))
    return io.TextIOWrapper(buffered, encoding, errors="replace", newline="")


def _recoded(file: BinaryIO, encoding: str) -> BinaryIO:
    return cast("BinaryIO", io.BufferedReader(_Recoded(_text(file, encoding))))


class _Recoded(io.RawIOBase):
    """A text's stream as UTF-8, whatever it was in."""

    def __init__(self, text: TextIO) -> None:
        super().__init__()
        self._text = text
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        target = memoryview(buffer).cast("B")
        if not self._left:
            self._left = self._text.read(64 * 1024).encode("utf-8", "replace")
        part, self._left = self._left[: len(target)], self._left[len(target) :]
        target[: len(part)] = part
        return len(part)


def _bounded_lines(text: TextIO, most: int) -> Iterator[tuple[str, bool]]:
    """Lines of a text, and whether each is whole; what is too long comes cut, once."""
    while line := text.readline(most + 1):
        whole = len(line) <= most
        yield line[:most], whole
        while not whole and not line.endswith("\n") and (line := text.readline(most)):
            pass


def _lines(text: TextIO, most: int) -> Iterator[Record | Trouble]:
    """The records of JSON Lines: a broken line costs nothing but itself."""
    number = broken = 0
    for line, whole in _bounded_lines(text, most):
        stripped = line.strip("\ufeff \t\r\n\x00")
        if not stripped:
            continue
        number += 1
        one = _parsed(stripped, number) if whole else _too_long(number, most)
        broken = 0 if isinstance(one, Record) else broken + 1
        yield one
        if broken >= MAX_BROKEN:
            raise ParseFailure(
                Reason.MALFORMED, f"{broken:,} lines in a row are no records; the rest is left"
            )


def _parsed(line: str, number: int) -> Record | Trouble:
    try:
        values = json.loads(line)
    except (ValueError, RecursionError) as error:
        return Trouble(f"record {number}", Reason.MALFORMED, f"not JSON: {error}"[:300])
    if not isinstance(values, dict):
        return Trouble(f"record {number}", Reason.MALFORMED, f"{type(values).__name__}, not an object")
    return Record(values, number)


def _too_long(number: int, most: int) -> Trouble:
    return Trouble(f"record {number}", Reason.TOO_LARGE, f"more than {most:,} characters in one record")


def _rows(text: TextIO, most: int) -> Iterator[Record | Trouble]:
    """The records of a table with its columns' names in the first row (RFC 4180, with any delimiter).

    :raises ParseFailure: UNSUPPORTED when no column has a title or text
    """
    lines = (line for line, _ in _bounded_lines(text, most))
    first = next((line for line in lines if line.strip("\ufeff \r\n")), "")
    delimiter, _ = header_of(first.strip("\ufeff\r\n"))
    csv.field_size_limit(most)
    names = next(csv.reader([first.lstrip("\ufeff")], delimiter=delimiter or ","), [])[:MAX_COLUMNS]
    names = [name.strip() for name in names]
    if not holds_articles(names):
        raise ParseFailure(Reason.UNSUPPORTED, f"a table, but {without_articles(names)}")
    reader = csv.reader(lines, delimiter=delimiter or ",")
    number = broken = 0
    while True:
        try:
            row = next(reader, None)
            if row is None:
                return
            one: Record | Trouble | None = _row(names, row, number + 1)
        except csv.Error as error:
            one = Trouble(f"record {number + 1}", Reason.MALFORMED, f"a broken row: {error}")
        if one is None:
            continue
        number += 1
        broken = 0 if isinstance(one, Record) else broken + 1
        yield one
        if broken >= MAX_BROKEN:
            raise ParseFailure(Reason.MALFORMED, f"{broken:,} rows in a row are broken; the rest is left")


def _row(names: list[str], row: list[str], number: int) -> Record | Trouble | None:
    if not any(cell.strip() for cell in row):
        return None
    if len(row) > len(names) and any(cell.strip() for cell in row[len(names) :]):
        return Trouble(f"record {number}", Reason.MALFORMED, f"{len(row)} cells under {len(names)} columns")
    return Record(dict(zip(names, row, strict=False)), number)
