"""Content codings undone piece by piece, under a cap, whatever the pieces."""

from __future__ import annotations

import contextlib
import gzip
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.fetch.decoding import BodyReader, DecodingError, Oversized, codings
from tests.server import encoded

CODINGS = ["", "gzip", "deflate", "raw-deflate", "br", "zstd", "gzip, br", "zstd, gzip, deflate"]
CAP = 10_000_000


def read(data: bytes, coding: str, *, cap: int = CAP, pieces: int = 1) -> bytes:
    reader = BodyReader(coding.replace("raw-", ""), cap=cap)
    size = max(1, -(-len(data) // pieces))
    for start in range(0, len(data), size):
        reader.feed(data[start : start + size])
    return reader.finish()


@pytest.mark.parametrize("coding", CODINGS)
@given(body=st.binary(max_size=3000), pieces=st.integers(1, 4000))
def test_what_was_packed_comes_out_however_it_is_cut(coding: str, body: bytes, pieces: int) -> None:
    if body.startswith(b"\x1f\x8b\x08"):
        body = b"<" + body  # a file that is gzip itself is another story

    assert read(encoded(body, coding), coding, pieces=pieces) == body


@pytest.mark.parametrize("coding", CODINGS[1:6])
@given(cut=st.integers(1, 200))
def test_a_packed_body_that_ends_early_is_broken(coding: str, cut: int) -> None:
    packed = encoded(bytes(range(256)) * 4, coding)

    with pytest.raises(DecodingError):
        read(packed[: max(1, len(packed) - cut)], coding)


@pytest.mark.parametrize("coding", CODINGS[1:])
@given(noise=st.binary(min_size=3, max_size=2000))
def test_noise_is_refused_or_read_but_never_raises_anything_else(coding: str, noise: bytes) -> None:
    with contextlib.suppress(DecodingError, Oversized):
        read(noise, coding, cap=1_000_000)


@pytest.mark.parametrize("coding", CODINGS[1:])
def test_a_bomb_costs_no_memory(coding: str) -> None:
    bomb = encoded(bytes(20_000_000), coding)
    tracemalloc.start()

    with pytest.raises(Oversized):
        read(bomb, coding, cap=1_000_000)

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4_000_000


def test_members_of_gzip_are_one_body_and_what_follows_is_ignored() -> None:
    members = gzip.compress(b"one ") + gzip.compress(b"two")

    for pieces in (1, 3, len(members)):
        assert read(members, "gzip", pieces=pieces) == b"one two"
        assert read(members + b"\0\0garbage" * 50, "gzip", pieces=pieces) == b"one two"
    assert read(members + b"\x1f", "gzip") == b"one two"
    assert read(zlib.compress(b"one") + b"garbage", "deflate") == b"one"


def test_frames_of_zstd_are_one_body() -> None:
    frames = encoded(b"one ", "zstd") + encoded(b"two", "zstd")

    for pieces in (1, 3, len(frames)):
        assert read(frames, "zstd", pieces=pieces) == b"one two"


def test_a_body_that_is_gzip_without_saying_so_is_unpacked() -> None:
    packed = gzip.compress(b"<rss/>")

    for pieces in (1, len(packed)):
        assert read(packed, "", pieces=pieces) == b"<rss/>"
        assert read(gzip.compress(packed), "gzip", pieces=pieces) == b"<rss/>"
    assert read(b"\x1f\x8b", "") == b"\x1f\x8b"  # too short to tell: as it is


def test_a_body_that_says_gzip_without_being_it_is_read_as_it_is() -> None:
    for pieces in (1, 6):
        assert read(b"<rss/>", "gzip", pieces=pieces) == b"<rss/>"


@pytest.mark.parametrize("coding", CODINGS)
def test_nothing_is_nothing(coding: str) -> None:
    assert read(b"", coding) == b""


@pytest.mark.parametrize(
    ("header", "names"),
    [
        ("", ()),
        ("identity", ()),
        ("GZIP", ("gzip",)),
        ("x-gzip", ("gzip",)),
        ("gzip, identity , br", ("gzip", "br")),
        ("none", ()),
        ("UTF-8", ()),
    ],
)
def test_the_names_of_codings(header: str, names: tuple[str, ...]) -> None:
    assert codings(header) == names


@pytest.mark.parametrize("header", ["compress", "gzip, lzma", "aes128gcm", "gzip, gzip, gzip, gzip"])
def test_codings_that_nobody_can_undo(header: str) -> None:
    with pytest.raises(DecodingError):
        BodyReader(header, cap=CAP)


def test_a_zstd_frame_that_wants_a_huge_window_is_refused() -> None:
    # Magic, a descriptor without single segment, and a window of 2 GiB (RFC 8878 section 3.1.1.1.2).
    frame = b"\x28\xb5\x2f\xfd" + bytes([0x00, (31 - 10) << 3]) + b"\x01\x00\x00"

    with pytest.raises(DecodingError):
        read(frame, "zstd")
