"""Files that hold many articles – archives, mailboxes, lists – as a stream of pieces, within limits.

::

    packed? ─┬─ gzip, bzip2, xz, zstd → what is inside, again
             ├─ ZIP, tar              → each member, again
             ├─ mailbox               → messages
             ├─ JSON, JSON Lines, CSV → records
             └─ anything else         → one document

A container is never held whole: what is in memory is one piece, and one archive within an archive. What
cannot be read of it is a `Trouble` in its place, and the rest goes on. Nothing is ever written to disk.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, BinaryIO, cast

from service.errors import ParseFailure
from service.members import SEPARATOR
from service.parse.container_kinds import NESTING, Packing, what_is
from service.parse.records import Record
from service.values import Reason

HEAD = 64 * 1024  # bytes that kinds are told by


class Form(StrEnum):
    """What a piece is to be read as."""

    DOCUMENT = "document"
    MESSAGE = "message"
    RECORD = "record"


@dataclass(frozen=True, slots=True)
class Piece:
    """One article's worth of a container (a saved feed or page may hold more, or less)."""

    member: str  # where it lies: "folder/a.txt", "inner.zip!/b.eml"; "" for the file itself
    body: bytes = field(default=b"", repr=False)
    form: Form = Form.DOCUMENT
    record: Record | None = None
    label: str = ""  # how messages name it, where ``member`` is not enough: "record 17"

    @property
    def name(self) -> str:
        """What to call it: "folder/a.txt", "list.csv!/record 17", "" for the file itself."""
        return joined(self.member, self.label) if self.label else self.member

    @property
    def size(self) -> int:
        """About how many bytes it takes."""
        return len(self.body) or 1_000 + sum(
            len(value)
            for value in (self.record.values.values() if self.record else ())
            if isinstance(value, str)
        )


@dataclass(frozen=True, slots=True)
class Trouble:
    """A part of a container that cannot be read, and why."""

    member: str
    reason: Reason
    detail: str

    @property
    def name(self) -> str:
        """What to call it."""
        return self.member


@dataclass(frozen=True, slots=True)
class Limits:
    """What reading one container may cost."""

    document: int = 20_000_000  # bytes of one document
    unpacked: int = 4_000_000_000  # bytes of all that is unpacked
    entries: int = 1_000_000  # members, messages and records
    depth: int = 5  # archives and packed files within each other
    ratio: int = 200  # of unpacked to packed, beyond ``free``
    free: int = 100_000_000
    record: int = 8_000_000  # bytes of one record


class Budget:
    """What a container has cost so far; every layer of it draws on the same one."""

    def __init__(self, limits: Limits, size: int) -> None:
        self.limits = limits
        self._most = max(limits.free, limits.ratio * size)
        self._unpacked = 0
        self._entries = 0
        self._exceeded: ParseFailure | None = None

    def unpack(self, count: int) -> None:
        """Note so many bytes as unpacked.

        :raises ParseFailure: TOO_COMPLEX
        """
        self._unpacked += count
        if self._unpacked > self.limits.unpacked:
            self._refuse(f"it unpacks to more than {self.limits.unpacked:,} bytes; the first were read")
        if self._unpacked > self._most:
            self._refuse(
                f"it unpacks to more than {self.limits.ratio} times its own size; the first bytes were read"
            )

    def _refuse(self, detail: str) -> None:
        self._exceeded = ParseFailure(Reason.TOO_COMPLEX, detail)
        raise self._exceeded

    def check(self) -> None:
        """Say again what the whole has exceeded, where it has.

        :raises ParseFailure: TOO_COMPLEX
        """
        if self._exceeded is not None:
            raise self._exceeded

    def enter(self) -> None:
        """Note one more member, message or record.

        :raises ParseFailure: TOO_COMPLEX
        """
        self._entries += 1
        if self._entries > self.limits.entries:
            self._refuse(f"it holds more than {self.limits.entries:,} entries; the first were read")


@dataclass(frozen=True, slots=True)
class Walk:
    """What every layer of a container needs to know."""

    budget: Budget
    wanted: Callable[[str], bool]  # whether a member of this name counts

    @property
    def limits(self) -> Limits:
        """The limits in force."""
        return self.budget.limits


def pieces(
    file: BinaryIO,
    name: str,
    *,
    limits: Limits | None = None,
    size: int | None = None,
    wanted: Callable[[str], bool] = lambda _: True,
) -> Iterator[Piece | Trouble]:
    """All pieces of a file, in its order; a file that is no container is one piece, its own.

    ``file`` is open for reading bytes and can seek; ``name`` is its name, a hint.

    :raises ParseFailure: nothing (more) of it can be read; what was given before stands
    """
    if size is None:
        size = file.seek(0, io.SEEK_END)
        file.seek(0)
    walk = Walk(Budget(limits or Limits(), size), wanted)
    try:
        yield from open_layer(file, name, "", walk, 0)
    except RecursionError as error:
        raise ParseFailure(Reason.TOO_COMPLEX, "it is nested too deeply to be read") from error


def open_layer(file: BinaryIO, name: str, member: str, walk: Walk, depth: int) -> Iterator[Piece | Trouble]:
    """What is in a stream, which need not be able to seek; the way of the module's picture."""
    head = read_fully(file, HEAD)
    whole = cast("BinaryIO", io.BufferedReader(Rest(head, file), HEAD))
    kind = what_is(head, name)
    if kind in NESTING and depth >= walk.limits.depth:
        raise ParseFailure(
            Reason.TOO_COMPLEX, f"containers within containers, more than {walk.limits.depth} deep"
        )
    match kind:
        case Packing.GZIP | Packing.BZIP2 | Packing.XZ | Packing.ZSTD:
            from service.parse.container_packed import unpacked  # noqa: PLC0415 - with those that need it

            inner = unpacked(whole, kind, walk.budget)
            yield from open_layer(inner, without_suffix(name), member, walk, depth + 1)
        case Packing.ZIP:
            from service.parse.container_archive import zip_members  # noqa: PLC0415 - zipfile costs 25 ms

            yield from zip_members(seekable(file, whole, walk), member, walk, depth)
        case Packing.TAR:
            from service.parse.container_archive import tar_members  # noqa: PLC0415 - tarfile costs 20 ms

            yield from tar_members(whole, member, walk, depth)
        case Packing.MAILBOX:
            from service.parse.container_lists import messages  # noqa: PLC0415 - with the others

            yield from messages(whole, member, walk)
        case Packing.JSON_LINES | Packing.JSON | Packing.TABLE:
            from service.parse.container_lists import records  # noqa: PLC0415 - with the others

            yield from records(whole, head, kind, member, walk)
        case None:
            yield document(whole, member, walk)


def document(file: BinaryIO, member: str, walk: Walk) -> Piece:
    """A stream as one document.

    :raises ParseFailure: TOO_LARGE
    """
    body = read_fully(file, walk.limits.document + 1)
    if len(body) > walk.limits.document:
        raise ParseFailure(
            Reason.TOO_LARGE, f"more than {walk.limits.document:,} bytes, the most that one document may have"
        )
    walk.budget.enter()
    return Piece(member, body)


def joined(member: str, name: str) -> str:
    """The name of what lies within a member."""
    return f"{member}{SEPARATOR}{name}" if member else name


def without_suffix(name: str) -> str:
    """A packed file's name as it was before: "a.txt.gz" → "a.txt", "a.tgz" → "a.tar"."""
    for suffix, before in ((".tgz", ".tar"), (".tbz2", ".tar"), (".tbz", ".tar"), (".txz", ".tar")):
        if name.lower().endswith(suffix):
            return name[: -len(suffix)] + before
    for suffix in (".gz", ".bz2", ".xz", ".zst", ".z"):
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    return name


def read_fully(file: BinaryIO, most: int) -> bytes:
    """So many bytes of a stream, fewer only at its end."""
    parts: list[bytes] = []
    left = most
    while left > 0 and (part := file.read(min(left, 1 << 20))):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def seekable(file: BinaryIO, whole: BinaryIO, walk: Walk) -> BinaryIO:
    """A stream that can seek: itself, or what it holds, where that is little enough to hold.

    :raises ParseFailure: TOO_LARGE
    """
    if file.seekable():
        file.seek(0)
        return file
    most = 4 * walk.limits.document
    body = read_fully(whole, most + 1)
    if len(body) > most:
        raise ParseFailure(Reason.TOO_LARGE, f"an archive within another, of more than {most:,} bytes")
    return io.BytesIO(body)


class Rest(io.RawIOBase):
    """A stream whose beginning was read already, from its beginning again."""

    def __init__(self, head: bytes, file: BinaryIO) -> None:
        super().__init__()
        self._head = memoryview(head)
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        target = memoryview(buffer).cast("B")
        if self._head:
            count = min(len(self._head), len(target))
            target[:count] = self._head[:count]
            self._head = self._head[count:]
            return count
        part = self._file.read(len(target))
        target[: len(part)] = part
        return len(part)
