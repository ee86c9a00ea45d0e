"""Members of ZIP and tar archives, each opened in turn; a name is for showing, never a place on disk."""

from __future__ import annotations

import io
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from lzma import LZMAError
from pathlib import PurePosixPath
from typing import Any, BinaryIO, cast

from service.clean.text import one_line, shorten
from service.errors import ParseFailure
from service.parse.container import Budget, Piece, Trouble, Walk, document, joined, open_layer
from service.parse.encoding import decode
from service.parse.package import open_archive, package_kind
from service.values import Reason

MAX_NAME = 300  # characters
_UTF8 = 0x800  # the flag of a name that is UTF-8 (APPNOTE 4.4.4, bit 11)
_ENCRYPTED = 0x1
_BROKEN = (zipfile.BadZipFile, zlib.error, LZMAError, EOFError, OSError, ValueError)
_JUNK = frozenset(("__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini"))


def zip_members(file: BinaryIO, member: str, walk: Walk, depth: int) -> Iterator[Piece | Trouble]:
    """The members of a ZIP archive; an office document is one piece itself."""
    with open_archive(file, max_members=walk.limits.entries) as archive:
        if package_kind(archive):
            file.seek(0)
            yield document(file, member, walk)
            return
        names = _Names(member)
        for info in archive.infolist():
            shown = names.shown(_zip_name(info))
            if info.is_dir() or _is_link(info.external_attr >> 16) or not _counts(shown, walk):
                continue
            if info.flag_bits & _ENCRYPTED:
                yield Trouble(shown, Reason.UNSUPPORTED, "encrypted: it opens only with a password")
                continue
            try:
                with archive.open(info) as opened:
                    yield from _within(_forward(opened, walk.budget), shown, walk, depth)
            except (NotImplementedError, RuntimeError) as error:
                yield Trouble(shown, Reason.UNSUPPORTED, f"packed in a way that is not read: {error}")
            except _BROKEN as error:
                yield Trouble(shown, Reason.MALFORMED, f"broken in its archive: {error}")


def tar_members(file: BinaryIO, member: str, walk: Walk, depth: int) -> Iterator[Piece | Trouble]:
    """The members of a tar archive, read through once.

    :raises ParseFailure: MALFORMED when it breaks off
    """
    names = _Names(member)
    count = 0
    try:
        with tarfile.open(fileobj=file, mode="r|", errorlevel=0) as archive:
            while (info := archive.next()) is not None:
                archive.members = []  # type: ignore[attr-defined]  # it would remember every one
                shown = names.shown(_decoded(info.name.encode("utf-8", "surrogateescape")))
                if not info.isreg() or not _counts(shown, walk):
                    continue
                opened = archive.extractfile(info)
                if opened is not None:
                    count += 1
                    # A sparse file is mostly holes, which take no place in the archive.
                    stream = _forward(opened, walk.budget if info.issparse() else None)
                    yield from _within(stream, shown, walk, depth)
    except (tarfile.TarError, *_BROKEN) as error:
        raise ParseFailure(
            Reason.MALFORMED, f"a tar archive that is broken, or breaks off, after {count:,} members: {error}"
        ) from error


def shown_name(name: str) -> str:
    """A member's name as it may be shown: relative, inside the archive, on one line, without tricks.

    "../../etc/passwd" is "etc/passwd", "C:\\\\a.txt" is "C/a.txt"; characters that turn the direction of a
    text or cannot be seen are gone.
    """
    parts = name.replace("\\", "/").replace("!/", "/").split("/")
    plain = (one_line(part).replace(":", "") for part in parts)
    kept = [part for part in plain if part not in ("", ".", "..")]
    return shorten("/".join(kept), MAX_NAME) or "unnamed"


class _Names:
    """The names of an archive's members, each for one of them only."""

    def __init__(self, member: str) -> None:
        self._member = member
        self._seen: dict[str, int] = {}

    def shown(self, name: str) -> str:
        plain = shown_name(name)
        number = self._seen[plain] = self._seen.get(plain, 0) + 1
        return joined(self._member, plain if number == 1 else f"{plain} ({number})")


def _within(file: BinaryIO, shown: str, walk: Walk, depth: int) -> Iterator[Piece | Trouble]:
    """What one member holds; what is wrong with it is its own trouble, but not what the whole may cost."""
    try:
        yield from open_layer(file, PurePosixPath(shown).name, shown, walk, depth + 1)
    except ParseFailure as failure:
        walk.budget.check()
        yield Trouble(shown, failure.reason, failure.detail)


def _counts(shown: str, walk: Walk) -> bool:
    parts = shown.split("/")
    return not any(part in _JUNK or part.startswith("._") for part in parts) and walk.wanted(parts[-1])


def _is_link(mode: int) -> bool:
    return stat.S_ISLNK(mode)


def _zip_name(info: zipfile.ZipInfo) -> str:
    if info.flag_bits & _UTF8:
        return info.filename
    try:
        return _decoded(info.filename.encode("cp437"))
    except UnicodeEncodeError:
        return info.filename


def _decoded(name: bytes) -> str:
    """A name in whatever encoding its archiver used."""
    return name.decode("ascii") if name.isascii() else decode(name).text


def _forward(file: Any, budget: Budget | None) -> BinaryIO:
    return cast("BinaryIO", io.BufferedReader(_Forward(file, budget)))


class _Forward(io.RawIOBase):
    """A member's stream, read once from its beginning; what is unpacked for it draws on the budget."""

    def __init__(self, file: Any, budget: Budget | None) -> None:
        super().__init__()
        self._file = file
        self._budget = budget

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        target = memoryview(buffer).cast("B")
        part = self._file.read(len(target))
        if self._budget is not None:
            self._budget.unpack(len(part))
        target[: len(part)] = part
        return len(part)
