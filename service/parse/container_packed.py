"""Packed streams, unpacked a little at a time: gzip, bzip2, xz, zstd."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sys
import zlib
from typing import Any, BinaryIO, Protocol, cast

from service.errors import ParseFailure
from service.parse.container import Budget
from service.parse.container_kinds import Packing
from service.values import Reason

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_STEP = 256 * 1024  # bytes
_XZ_MEMORY = 256 * 1024 * 1024  # bytes that a dictionary may take; xz -9 takes 65 MB
_ERRORS = (zlib.error, lzma.LZMAError, zstd.ZstdError, OSError, EOFError, ValueError)


class _Unpacker(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


def unpacked(file: BinaryIO, kind: Packing, budget: Budget) -> BinaryIO:
    """What a packed stream holds; reading it draws on the budget."""
    return cast("BinaryIO", io.BufferedReader(_Unpacked(file, kind, budget), _STEP))


class _Unpacked(io.RawIOBase):
    """Reads through a packed stream; one that breaks off gives what it held, then fails."""

    def __init__(self, file: BinaryIO, kind: Packing, budget: Budget) -> None:
        super().__init__()
        self._file = file
        self._kind = kind
        self._budget = budget
        self._gzip = gzip.GzipFile(fileobj=file) if kind is Packing.GZIP else None
        self._unpacker = self._new()
        self._left = b""

    def _new(self) -> _Unpacker | None:
        match self._kind:
            case Packing.BZIP2:
                return cast("_Unpacker", bz2.BZ2Decompressor())
            case Packing.XZ:
                return cast("_Unpacker", lzma.LZMADecompressor(memlimit=_XZ_MEMORY))
            case Packing.ZSTD:
                return cast("_Unpacker", zstd.ZstdDecompressor())
        return None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        target = memoryview(buffer).cast("B")
        try:
            part = self._gzip.read(len(target)) if self._gzip else self._next(len(target))
        except _ERRORS as error:
            raise ParseFailure(
                Reason.MALFORMED, f"{self._kind} that is broken, or breaks off: {error}"
            ) from error
        self._budget.unpack(len(part))
        target[: len(part)] = part
        return len(part)

    def _next(self, most: int) -> bytes:
        assert self._unpacker is not None
        while True:
            if self._unpacker.eof:
                # Several packed streams may follow each other.
                self._left = self._unpacker.unused_data or self._file.read(_STEP)
                if not self._left.strip(b"\x00"):
                    return b""
                self._unpacker = self._new()
                assert self._unpacker is not None
            if self._unpacker.needs_input and not self._left:
                self._left = self._file.read(_STEP)
                if not self._left:
                    raise EOFError("it ends before its end")
            part = self._unpacker.decompress(self._left, most)
            self._left = b""
            if part:
                return part
