"""Archives and packed files as streams: each member once, bombs refused, names harmless."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import stat
import sys
import tarfile
import zipfile
from collections.abc import Callable, Mapping

import pytest

from service.errors import ParseFailure
from service.parse.container import Limits, Piece, Trouble, pieces
from service.parse.container_archive import shown_name
from service.parse.document import parse_piece
from service.values import Reason
from tests.document_makers import docx, docx_paragraph, odt, zipped

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

TEXT = b"The council could not agree on a text before the mandate of the panel runs out.\n"
FILES: Mapping[str, bytes | str] = {"a.txt": TEXT, "news/b.txt": TEXT}


def taken(body: bytes, name: str = "file", limits: Limits | None = None) -> list[Piece | Trouble]:
    return list(pieces(io.BytesIO(body), name, limits=limits))


def members(body: bytes, name: str = "file", limits: Limits | None = None) -> dict[str, bytes | str]:
    """What was taken: the content of each member, or why there is none."""
    return {
        one.name: one.detail if isinstance(one, Trouble) else one.body for one in taken(body, name, limits)
    }


def tarred(files: Mapping[str, bytes | str], mode: str = "w", **more: tarfile.TarInfo) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as archive:  # type: ignore[call-overload]
        for info in more.values():
            archive.addfile(info)
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            raw = content if isinstance(content, bytes) else content.encode()
            info.size = len(raw)
            archive.addfile(info, io.BytesIO(raw))
    return file.getvalue()


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstd.compress,
}


# -- what is in them -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        zipped(FILES),
        zipped(FILES, stored=True),
        tarred(FILES),
        *(pack(tarred(FILES)) for pack in PACKERS.values()),
        zipped({"empty/": b"", **FILES}),
    ],
    ids=["zip", "stored", "tar", *PACKERS, "folder"],
)
def test_an_archive_gives_its_members(body: bytes) -> None:
    assert members(body) == {"a.txt": TEXT, "news/b.txt": TEXT}


@pytest.mark.parametrize("kind", PACKERS)
def test_a_packed_text_is_itself(kind: str) -> None:
    (piece,) = taken(PACKERS[kind](TEXT), f"a.txt.{kind}")
    assert isinstance(piece, Piece)
    assert (piece.member, piece.body) == ("", TEXT)
    assert parse_piece(piece, f"a.md.{kind}")[0].content_is_html  # Markdown, as its name says


@pytest.mark.parametrize("kind", PACKERS)
def test_packed_streams_follow_each_other(kind: str) -> None:
    pack = PACKERS[kind]
    (piece,) = taken(pack(TEXT) + pack(TEXT))
    assert isinstance(piece, Piece)
    assert piece.body == TEXT * 2


def test_archives_mailboxes_and_lists_within_each_other() -> None:
    lines = b'{"id": 7, "title": "Two"}\n{"title": "Three"}\n'
    mail = b"From a@x Tue Jun 18 09:45:00 2024\nFrom: a@x\nTo: b@x\nSubject: One\nMessage-ID: <1>\n\nText\n"
    inner = zipped({"in.mbox": mail, "list.jsonl.gz": gzip.compress(lines)})
    found = taken(tarred({"news/inner.zip": inner}, "w:gz"), "all.tgz")
    assert [one.name for one in found] == [
        "news/inner.zip!/in.mbox!/message 1",
        "news/inner.zip!/list.jsonl.gz!/record 1",
        "news/inner.zip!/list.jsonl.gz!/record 2",
    ]
    read = [parse_piece(one, "all.tgz")[0] for one in found if isinstance(one, Piece)]
    assert [(entry.title, entry.member) for entry in read] == [("One", None), ("Two", "7"), ("Three", None)]


@pytest.mark.parametrize(
    "body", [docx(docx_paragraph("Words of a document.")), odt("<text:p>Words of a document.</text:p>")]
)
def test_office_documents_are_documents_wherever_they_lie(body: bytes) -> None:
    for whole in (body, gzip.compress(body), zipped({"x.bin": body}), tarred({"x.bin": body})):
        (piece,) = taken(whole)
        assert isinstance(piece, Piece)
        assert "Words of a document." in (parse_piece(piece, "x")[0].content or "")


def test_what_archivers_add_and_what_is_not_wanted_is_left_out() -> None:
    link = tarfile.TarInfo("link.txt")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    device = tarfile.TarInfo("device.txt")
    device.type = tarfile.CHRTYPE
    body = tarred(
        {"__MACOSX/._a.txt": b"x", ".DS_Store": b"x", "a.py": b"x", **FILES}, link=link, device=device
    )
    found = pieces(io.BytesIO(body), "a.tar", wanted=lambda name: not name.endswith(".py"))
    assert [one.name for one in found] == ["a.txt", "news/b.txt"]
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        info = zipfile.ZipInfo("link.txt")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
        archive.writestr("a.txt", TEXT)
    assert members(file.getvalue()) == {"a.txt": TEXT}


# -- names ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a/b.txt", "a/b.txt"),
        ("../../etc/passwd", "etc/passwd"),
        ("/etc/passwd", "etc/passwd"),
        ("C:\\Windows\\a.txt", "C/Windows/a.txt"),
        ("a/./b/../c.txt", "a/b/c.txt"),
        ("a\x00b\x1b[31m\n.txt", "ab .txt"),
        ("report\u202etxt.exe", "reporttxt.exe"),
        ("x.zip!/y.txt", "x.zip/y.txt"),
        ("", "unnamed"),
        ("..", "unnamed"),
        ("n" * 5_000, "n" * 299 + "…"),
    ],
)
def test_names_are_shown_without_tricks(name: str, shown: str) -> None:
    assert shown_name(name) == shown


def test_names_that_lead_outside_lead_nowhere() -> None:
    names = {"../../outside.txt": TEXT, "/absolute.txt": TEXT, "a.txt": TEXT}
    wanted = {"outside.txt": TEXT, "absolute.txt": TEXT, "a.txt": TEXT}
    assert members(zipped(names)) == wanted
    assert members(tarred(names)) == wanted


def test_members_of_one_name_are_told_apart() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.txt", b"One.")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("a.txt", b"Two.")
    assert members(file.getvalue()) == {"a.txt": b"One.", "a.txt (2)": b"Two."}


@pytest.mark.parametrize("encoding", ["cp866", "utf-8"])
def test_names_in_old_encodings(encoding: str) -> None:
    name = "Совет не смог согласовать текст.txt"
    body = zipped({"X" * len(name.encode(encoding)): TEXT}).replace(
        b"X" * len(name.encode(encoding)), name.encode(encoding)
    )
    assert list(members(body)) == [name]


# -- bombs ---------------------------------------------------------------------------------------------


def told(body: bytes, limits: Limits | None = None) -> ParseFailure:
    with pytest.raises(ParseFailure) as caught:
        taken(body, "file", limits)
    return caught.value


@pytest.mark.parametrize(
    "body",
    [
        gzip.compress(bytes(30_000_000)),
        bz2.compress(bytes(30_000_000)),
        lzma.compress(bytes(30_000_000)),
        zstd.compress(bytes(30_000_000)),
        zipped({"a.txt": TEXT, "b.txt": bytes(30_000_000)}),
        zipped({f"{n}.txt": bytes(3_000_000) for n in range(10)}),
        gzip.compress(tarred({"b.txt": bytes(30_000_000)})),
        zipped({"inner.zip": zipped({"a.txt": bytes(30_000_000)})}),
    ],
    ids=["gz", "bz2", "xz", "zst", "zip", "many", "tar", "nested"],
)
def test_a_bomb_is_told_by_its_ratio(body: bytes) -> None:
    failure = told(body, Limits(document=100_000_000, free=10_000_000, ratio=20))
    assert failure.reason is Reason.TOO_COMPLEX
    assert "more than 20 times its own size" in failure.detail


def test_what_came_before_a_bomb_is_kept() -> None:
    body = zipped({"a.txt": TEXT, "b.txt": bytes(30_000_000), "c.txt": TEXT})
    found = pieces(io.BytesIO(body), "x", limits=Limits(document=100_000_000, free=10_000_000, ratio=20))
    assert next(found).name == "a.txt"
    with pytest.raises(ParseFailure, match="times its own size"):
        next(found)


def test_the_whole_is_bounded_too() -> None:
    parts = {f"{n}.txt": random.Random(n).randbytes(100_000) for n in range(10)}
    failure = told(zipped(parts), Limits(unpacked=500_000))
    assert failure.reason is Reason.TOO_COMPLEX
    assert "more than 500,000 bytes" in failure.detail


def test_a_member_that_is_too_large_costs_nothing_but_itself() -> None:
    files = {"a.txt": TEXT, "b.txt": b"word " * 100_000, "c.txt": TEXT}
    for body in (zipped(files), tarred(files), gzip.compress(tarred(files))):
        found = members(body, limits=Limits(document=100_000))
        assert found == {
            "a.txt": TEXT,
            "b.txt": "more than 100,000 bytes, the most that one document may have",
            "c.txt": TEXT,
        }


def test_a_large_text_is_no_container_and_too_large() -> None:
    failure = told(b"word " * 100_000, Limits(document=100_000))
    assert failure.reason is Reason.TOO_LARGE


def test_more_members_than_allowed() -> None:
    many = {f"{n}.txt": b"x" for n in range(50)}
    assert "at most 20" in told(zipped(many), Limits(entries=20)).detail
    assert "more than 20 entries" in told(tarred(many), Limits(entries=20)).detail


def test_containers_within_containers_end() -> None:
    body = zipped({"a.txt": TEXT})
    for number in range(10):
        body = zipped({f"{number}.zip": body, "beside.txt": TEXT})
    found = members(body)
    assert found["9.zip!/8.zip!/7.zip!/6.zip!/beside.txt"] == TEXT
    assert found["9.zip!/8.zip!/7.zip!/6.zip!/5.zip"] == "containers within containers, more than 5 deep"
    packed = TEXT
    for _ in range(10):
        packed = gzip.compress(packed)
    assert "more than 5 deep" in told(packed).detail


def test_an_archive_within_another_that_is_too_large_to_hold() -> None:
    inner = zipped({"a.bin": random.Random(1).randbytes(500_000)}, stored=True)
    found = members(tarred({"inner.zip": inner, "a.txt": TEXT}), limits=Limits(document=100_000))
    assert found == {"inner.zip": "an archive within another, of more than 400,000 bytes", "a.txt": TEXT}


def test_a_table_of_contents_that_fills_the_memory_is_not_read() -> None:
    body = zipped({"a.txt": TEXT}) + bytes(20_000_000)
    end = b"PK\x05\x06" + bytes(8) + (20_000_000).to_bytes(4, "little") + bytes(6)
    failure = told(body + end)
    assert failure.reason is Reason.TOO_COMPLEX
    assert "table of contents of 20,000,000 bytes" in failure.detail


def test_a_dictionary_that_fills_the_memory_is_not_made() -> None:
    """A header of xz that asks for a dictionary of 1.5 GB (the block header's checksum is right)."""
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 20}]
    body = bytearray(lzma.compress(TEXT, filters=filters))
    at = bytes(body).index(b"\x21\x01", 12)  # the filter's number and the size of its property
    body[at + 2] = 39  # 3 GB
    start, length = 12, (body[12] + 1) * 4
    import zlib  # noqa: PLC0415 - for this one checksum

    body[start + length - 4 : start + length] = zlib.crc32(body[start : start + length - 4]).to_bytes(
        4, "little"
    )
    assert "emory" in told(bytes(body)).detail


def test_a_sparse_member_is_counted_by_what_it_gives() -> None:
    headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "holes.txt"}
    headers["GNU.sparse.realsize"] = str(10_000_000_000)
    info = tarfile.TarInfo("holes.txt")
    info.pax_headers = headers
    info.size = 512
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(info, io.BytesIO(b"1\n10000000000\n0\n".ljust(512, b"\x00")))
    found = members(file.getvalue(), limits=Limits(document=1_000_000))
    assert list(found.values()) in (
        [f"more than {1_000_000:,} bytes, the most that one document may have"],
        [b""],
    )


# -- broken and locked ---------------------------------------------------------------------------------


def test_an_encrypted_member_says_so_and_the_rest_is_read() -> None:
    body = bytearray(zipped(FILES))
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        body[bytes(body).index(mark) + flags] |= 1
    found = taken(bytes(body))
    assert isinstance(found[0], Trouble)
    assert found[0].reason is Reason.UNSUPPORTED
    assert found[0].detail == "encrypted: it opens only with a password"
    assert found[1].name == "news/b.txt"


def test_a_broken_member_says_so_and_the_rest_is_read() -> None:
    body = bytearray(zipped({"a.txt": TEXT, "b.txt": TEXT}, stored=True))
    body[bytes(body).index(TEXT) + 5] ^= 0xFF
    found = taken(bytes(body))
    assert isinstance(found[0], Trouble)
    assert found[0].reason is Reason.MALFORMED
    assert found[0].detail == "broken in its archive: Bad CRC-32 for file 'a.txt'"
    assert isinstance(found[1], Piece)


def test_a_member_packed_in_an_unknown_way_says_so() -> None:
    body = bytearray(zipped(FILES))
    for mark, at in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        body[bytes(body).index(mark) + at] = 97
    found = taken(bytes(body))
    assert isinstance(found[0], Trouble)
    assert found[0].reason is Reason.UNSUPPORTED
    assert "packed in a way that is not read" in found[0].detail


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (zipped(FILES)[:-30], "a ZIP archive that is broken, or breaks off"),
        (b"PK\x03\x04" + bytes(100), "a ZIP archive that is broken, or breaks off"),
        (gzip.compress(TEXT, mtime=0)[:-12], "a gzip file that is broken, or breaks off"),
        (bz2.compress(TEXT)[:-12], "a bzip2 file that is broken, or breaks off"),
        (lzma.compress(TEXT)[:-40], "an xz file that is broken, or breaks off"),
        (zstd.compress(TEXT)[:-4], "a zstd file that is broken, or breaks off"),
        (gzip.compress(tarred(FILES), mtime=0)[:-40], "broken, or breaks off"),
        (tarred(FILES)[:700], "a tar archive that is broken, or breaks off, after 1 members"),
    ],
)
def test_a_broken_container_says_so(body: bytes, said: str) -> None:
    failure = told(body)
    assert failure.reason is Reason.MALFORMED
    assert said in failure.detail


def test_what_came_before_the_break_is_kept() -> None:
    body = gzip.compress(tarred({"a.txt": TEXT, "b.bin": random.Random(1).randbytes(500_000)}))
    found = pieces(io.BytesIO(body[:-1_000]), "a.tgz")
    assert next(found).name == "a.txt"
    second = next(found)
    assert isinstance(second, Trouble)
    assert second.name == "b.bin"
    with pytest.raises(ParseFailure):
        next(found)


@pytest.mark.parametrize("seed", range(30))
def test_a_damaged_container_gives_pieces_or_reasons(seed: int) -> None:
    chance = random.Random(seed)
    whole = [zipped(FILES), tarred(FILES), gzip.compress(tarred(FILES)), lzma.compress(tarred(FILES))]
    body = bytearray(whole[seed % len(whole)])
    for _ in range(chance.randint(1, 12)):
        place = chance.randrange(len(body))
        body[place : place + chance.randint(0, 5)] = chance.randbytes(chance.randint(0, 3))
    try:
        found = taken(bytes(body))
    except ParseFailure as failure:
        assert failure.detail  # noqa: PT017 - either outcome is right
    else:
        assert all(one.name or isinstance(one, Piece) for one in found)
