"""ZIP packages that are documents: which kind one is, and its parts within limits.

Office documents are archives of XML. Their readers unpack and parse whatever they find, so each part is
looked at before: how much it unpacks to, and whether it declares entities, which no Office program does.
"""

from __future__ import annotations

import io
import lzma
import zipfile
import zlib
from dataclasses import dataclass
from typing import BinaryIO

from service.errors import ParseFailure
from service.parse.document_kinds import ODT, WORD
from service.values import Reason

MAX_PARTS = 20_000
MAX_PART = 64 * 1024 * 1024  # bytes of one part of XML, unpacked
MAX_RATIO = 200  # of unpacked to packed; repeated paragraphs reach 50
_SMALL = 1024 * 1024  # bytes below which no ratio matters
_MAX_DIRECTORY = 16 * 1024 * 1024  # bytes of an archive's table of contents
# What zipfile lets through of whatever a broken archive leads it to.
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    NotImplementedError,
    OSError,
    RuntimeError,
    EOFError,
    ValueError,
)
_END = b"PK\x05\x06"
_ZIP64 = 0xFFFFFFFF
_END_SIZE = 22  # bytes, and a comment of up to 65,535

_MIMETYPES = {
    "application/vnd.oasis.opendocument.text": ODT,
    "application/vnd.oasis.opendocument.text-template": ODT,
    "application/vnd.oasis.opendocument.text-master": ODT,
    "application/vnd.oasis.opendocument.spreadsheet": "an OpenDocument spreadsheet",
    "application/vnd.oasis.opendocument.presentation": "an OpenDocument presentation",
    "application/vnd.oasis.opendocument.graphics": "an OpenDocument drawing",
    "application/epub+zip": "an EPUB book",
}
# (a member whose name begins so, what the package is then)
_MEMBERS = (
    ("word/", WORD),
    ("xl/", "an Excel workbook"),
    ("ppt/", "a PowerPoint presentation"),
    ("visio/", "a Visio drawing"),
    ("META-INF/MANIFEST.MF", "a Java archive"),
    ("AndroidManifest.xml", "an Android app"),
)
_CONTENT_TYPES = "[Content_Types].xml"


@dataclass(frozen=True, slots=True)
class Package:
    """A document's archive, checked."""

    archive: zipfile.ZipFile

    def part(self, name: str) -> bytes | None:
        """A part's content, None where there is none."""
        try:
            return self.archive.read(name)
        except (KeyError, *_BROKEN):
            return None


def open_archive(file: BinaryIO, *, max_members: int = MAX_PARTS) -> zipfile.ZipFile:
    """Open a ZIP archive whose table of contents is of a bearable size.

    :raises ParseFailure: MALFORMED when it is none, or breaks off; TOO_COMPLEX with too many members
    """
    _refuse_large_directory(file)
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError, UnicodeError) as error:
        raise ParseFailure(
            Reason.MALFORMED, f"a ZIP archive that is broken, or breaks off: {error}"
        ) from error
    if len(archive.filelist) > max_members:
        raise ParseFailure(
            Reason.TOO_COMPLEX, f"an archive of {len(archive.filelist):,} members; at most {max_members:,}"
        )
    return archive


def package_kind(archive: zipfile.ZipFile) -> str:
    """What kind of document an archive is; "" where it is an archive of files."""
    names = archive.NameToInfo
    if "mimetype" in names and names["mimetype"].file_size < 200:  # noqa: PLR2004 - bytes
        stated = Package(archive).part("mimetype") or b""
        kind = _MIMETYPES.get(stated.decode("ascii", "replace").strip())
        if kind:
            return kind
    typed = _CONTENT_TYPES in names
    for begins, kind in _MEMBERS:
        if (
            begins in names
            if not begins.endswith("/")
            else typed and any(n.startswith(begins) for n in names)
        ):
            return kind
    return ""


def open_package(body: bytes) -> Package:
    """Open a document's archive, every part of XML in it checked.

    :raises ParseFailure: MALFORMED, TOO_COMPLEX for bombs of either kind, UNSUPPORTED when it is encrypted
    """
    package = Package(open_archive(io.BytesIO(body)))
    for info in package.archive.filelist:
        if not info.filename.endswith((".xml", ".rels")):
            continue
        if info.flag_bits & 1:
            raise ParseFailure(Reason.UNSUPPORTED, "an encrypted document that opens only with its password")
        if info.file_size > MAX_PART or (
            info.file_size > _SMALL and info.file_size > MAX_RATIO * max(1, info.compress_size)
        ):
            raise ParseFailure(
                Reason.TOO_COMPLEX,
                f"its part {info.filename[:80]!r} unpacks from {info.compress_size:,} bytes to "
                f"{info.file_size:,}",
            )
        if _declares_entities(package.part(info.filename) or b""):
            raise ParseFailure(
                Reason.TOO_COMPLEX,
                f"its part {info.filename[:80]!r} declares entities, as no Office program does",
            )
    return package


def _declares_entities(part: bytes) -> bool:
    if part.startswith((b"\xff\xfe", b"\xfe\xff")) or 0 in part[:4]:
        part = part.replace(b"\x00", b"")
    return b"<!ENTITY" in part


def _refuse_large_directory(file: BinaryIO) -> None:
    """zipfile reads the whole table of contents into memory, however large it says that it is."""
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - _END_SIZE - 65_535))
    tail = file.read()
    at = tail.rfind(_END)
    if at < 0 or len(tail) < at + _END_SIZE:
        return  # zipfile says what is wrong with it
    directory = int.from_bytes(tail[at + 12 : at + 16], "little")
    if directory == _ZIP64:  # it says so elsewhere
        directory = size
    if min(directory, size) > _MAX_DIRECTORY:
        raise ParseFailure(Reason.TOO_COMPLEX, f"an archive with a table of contents of {directory:,} bytes")
