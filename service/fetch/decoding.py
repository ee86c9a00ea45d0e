"""Content codings undone while the bytes arrive, with a cap on what comes out (RFC 9110 section 8.4).

A kilobyte of gzip can become a megabyte, one of brotli or zstd a gigabyte: every decoder here is asked for
bounded pieces, so a bomb is noticed when the cap is passed and not when memory is gone.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Generator, Iterator
from typing import Protocol

import brotli

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PIECE = 256 * 1024  # bytes asked of a decoder at a time
MAX_CODINGS = 3
ACCEPT_ENCODING = "gzip, deflate, br, zstd"
_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_FILE = _GZIP_MAGIC + b"\x08"  # 8 is deflate, the only method there is
_ZSTD_WINDOW_LOG = 23  # 8 MiB, all that a decoder for the web need support (RFC 9659)


class DecodingError(Exception):
    """The bytes are not in the coding that was announced, or end in the middle."""


class Oversized(Exception):
    """More came out than the cap allows."""


class _Decoder(Protocol):
    def feed(self, data: bytes) -> Iterator[bytes]:
        """Give what the bytes stand for, in pieces of bounded size."""

    def finish(self) -> None:
        """Check that the stream had come to its end."""


class _Zlib:
    """gzip with any number of members, or deflate with and without its zlib wrapping."""

    def __init__(self, coding: str) -> None:
        self._gzip = coding == "gzip"
        self._inflate: zlib._Decompress | None = None
        self._head = b""
        self._members = 0
        self._over = False  # what follows the last member is ignored, as every other reader does
        self._plain = False  # announced as gzip, but it is not: some servers lie, and no reader need suffer

    def feed(self, data: bytes) -> Iterator[bytes]:
        while data and not self._over:
            if self._plain:
                yield data
                return
            if self._inflate is None:
                data = self._head + data
                if len(data) < 2:  # noqa: PLR2004 - the two bytes that tell the wrappings apart
                    self._head = data
                    return
                self._head = b""
                self._begin(data)
                continue
            data = yield from self._member(self._inflate, data)

    def finish(self) -> None:
        if self._inflate is not None or (self._head and not self._members):
            raise DecodingError("the compressed body ends in the middle")

    def _begin(self, data: bytes) -> None:
        if self._gzip:
            if data.startswith(_GZIP_MAGIC):
                self._inflate = zlib.decompressobj(16 + zlib.MAX_WBITS)
            else:
                self._over = self._members > 0
                self._plain = not self._over
            return
        # RFC 9110 means zlib by deflate, but raw deflate is what some servers send. RFC 1950 section 2.2.
        wrapped = data[0] & 0x0F == zlib.DEFLATED and int.from_bytes(data[:2], "big") % 31 == 0
        self._inflate = zlib.decompressobj(zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS)

    def _member(self, inflate: zlib._Decompress, data: bytes) -> Generator[bytes, None, bytes]:
        """Unpack as far as the input goes, and return what stands behind the end (RFC 1952 section 2.2)."""
        while True:
            try:
                piece = inflate.decompress(data, PIECE)
            except zlib.error as error:
                raise DecodingError(str(error)) from error
            if piece:
                yield piece
            if inflate.eof:
                self._inflate = None
                self._members += 1
                self._over = not self._gzip
                return inflate.unused_data
            data = inflate.unconsumed_tail
            if not data and len(piece) < PIECE:
                return b""


class _Brotli:
    """RFC 7932."""

    def __init__(self) -> None:
        self._decoder = brotli.Decompressor()
        self._started = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        if self._decoder.is_finished():
            return
        self._started = True
        try:
            piece = self._decoder.process(data, output_buffer_limit=PIECE)
            while piece or not self._decoder.can_accept_more_data():
                yield piece
                piece = self._decoder.process(b"", output_buffer_limit=PIECE)
        except brotli.error as error:
            raise DecodingError(f"brotli: {error}") from error

    def finish(self) -> None:
        if self._started and not self._decoder.is_finished():
            raise DecodingError("the compressed body ends in the middle")


class _Zstd:
    """RFC 8878, any number of frames."""

    def __init__(self) -> None:
        self._decoder = self._fresh()
        self._started = False

    @staticmethod
    def _fresh() -> zstd.ZstdDecompressor:
        return zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: _ZSTD_WINDOW_LOG})

    def feed(self, data: bytes) -> Iterator[bytes]:
        try:
            while data or not self._decoder.needs_input:
                self._started = True
                piece = self._decoder.decompress(data, max_length=PIECE)
                data = b""
                if piece:
                    yield piece
                if self._decoder.eof:
                    data = self._decoder.unused_data
                    self._decoder = self._fresh()
                    self._started = False
                    if not data:
                        return
        except zstd.ZstdError as error:
            raise DecodingError(f"zstd: {error}") from error

    def finish(self) -> None:
        if self._started:
            raise DecodingError("the compressed body ends in the middle")


def codings(header: str) -> tuple[str, ...]:
    """The codings of a Content-Encoding header in the order they were applied, ``identity`` left out.

    :raises DecodingError: one that nobody here can undo, or more than anyone needs
    """
    names = []
    for part in header.lower().split(","):
        name = part.strip()
        name = {"x-gzip": "gzip", "x-deflate": "deflate"}.get(name, name)
        if name in ("", "identity", "none", "utf-8"):  # the last two are seen in the wild and mean nothing
            continue
        if name not in ("gzip", "deflate", "br", "zstd"):
            raise DecodingError(f"content coding {name[:40]!r} is not known")
        names.append(name)
    if len(names) > MAX_CODINGS:
        raise DecodingError(f"{len(names)} content codings one over the other")
    return tuple(names)


class BodyReader:
    """Takes the bytes of one body as they arrive, and holds what they stand for.

    A body that is gzip without saying so (a file ``feed.xml.gz`` served as it is) is unpacked as well.
    """

    def __init__(self, content_encoding: str, *, cap: int) -> None:
        """:raises DecodingError: the coding is not known"""
        self._cap = cap
        self._decoders: list[_Decoder] = [_decoder(name) for name in reversed(codings(content_encoding))]
        self._pieces: list[bytes] = []
        self._held = 0
        self._head = b""
        self._sniffed = False

    def feed(self, data: bytes) -> None:
        """Take more of the body.

        :raises DecodingError: it is not in the coding that was announced
        :raises Oversized: what came out passed the cap
        """
        if data:
            self._push(data, 0)

    def finish(self) -> bytes:
        """The whole body.

        :raises DecodingError: it ends in the middle
        """
        for decoder in self._decoders:
            decoder.finish()
        self._keep(self._head)
        return b"".join(self._pieces)

    def _push(self, data: bytes, depth: int) -> None:
        if depth < len(self._decoders):
            for piece in self._decoders[depth].feed(data):
                self._push(piece, depth + 1)
            return
        if not self._sniffed:
            data = self._head + data
            if len(data) < len(_GZIP_FILE):
                self._head = data
                return
            self._head = b""
            self._sniffed = True
            if data.startswith(_GZIP_FILE):
                self._decoders.append(_Zlib("gzip"))
                self._push(data, depth)
                return
        self._keep(data)

    def _keep(self, data: bytes) -> None:
        self._held += len(data)
        if self._held > self._cap:
            raise Oversized
        self._pieces.append(data)


def _decoder(name: str) -> _Decoder:
    if name == "br":
        return _Brotli()
    return _Zstd() if name == "zstd" else _Zlib(name)
