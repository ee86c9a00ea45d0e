"""The file of a backup: a tar archive with a manifest first, then zstd-compressed members.

``tar -xf`` and ``zstd -d`` give the database to anyone without Wirewatch. The manifest has size and SHA-256
of every member and of what it unpacks to, so that a file that is cut off, changed or rotten is told from a
whole one. Nothing of an archive names a path that is written to.
"""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO

import msgspec
from backports import zstd

from service.errors import BackupError

FORMAT = 1
MANIFEST = "manifest.json"
DATABASE = "database.db"  # SQLite's file
TABLE = "tables/"  # PostgreSQL's rows, a member for each table
LEARNED = "learned/"  # the files of topics.learned
TOPICS = "topics.toml"
WEIGHTS = "weights.json"  # of topics.weights
_LEVEL = 1  # half the size at 65 MB/s; level 3 takes 2.5 times as long for a tenth less
_CHUNK = 1 << 20
_MAX_MANIFEST = 1 << 20


class Member(msgspec.Struct, frozen=True):
    """A member as it is in the archive, and what it unpacks to."""

    name: str
    size: int
    sha256: str
    content_size: int
    content_sha256: str
    lines: int


class Manifest(msgspec.Struct, frozen=True):
    """What a backup holds."""

    format: int
    version: str  # of the program that made it
    taken_at: datetime  # the moment that it shows, or just before
    reason: str  # "asked" or "migration"
    engine: str
    schema: str
    instance: str | None
    rows: dict[str, int]
    members: list[Member]
    columns: dict[str, list[str]] = {}
    sequences: dict[str, int] = {}


def stage(pieces: Iterable[bytes], folder: Path, name: str) -> Member:
    """Compress what is to be a member into a file of ``folder``. Raises OSError."""
    packed, content = hashlib.sha256(), hashlib.sha256()
    size = content_size = lines = 0
    compressor = zstd.ZstdCompressor(_LEVEL)
    with _private(_staged(folder, name)) as file:

        def put(data: bytes) -> None:
            nonlocal size
            file.write(data)
            packed.update(data)
            size += len(data)

        for piece in pieces:
            content.update(piece)
            content_size += len(piece)
            lines += piece.count(b"\n")
            put(compressor.compress(piece))
        put(compressor.flush())
    return Member(name, size, packed.hexdigest(), content_size, content.hexdigest(), lines)


def _staged(folder: Path, name: str) -> Path:
    return folder / f"{name.replace('/', '-')}.zst"


def _private(path: Path) -> IO[bytes]:
    """A new file that its owner alone may read, whatever the umask."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb")


def read_file(path: Path) -> Iterator[bytes]:
    """A file in pieces. Raises OSError."""
    with path.open("rb") as file:
        while piece := file.read(_CHUNK):
            yield piece


def assemble(target: Path, manifest: Manifest, folder: Path) -> None:
    """Put staged members together, and sync the archive to the disk. Raises OSError."""
    with _private(target) as file:
        with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
            told = msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n"
            archive.addfile(_entry(MANIFEST, len(told), manifest), io.BytesIO(told))
            for member in manifest.members:
                place = _staged(folder, member.name)
                with place.open("rb") as part:
                    archive.addfile(_entry(f"{member.name}.zst", member.size, manifest), part)
                place.unlink()
        file.flush()
        os.fsync(file.fileno())


def _entry(name: str, size: int, manifest: Manifest) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode, entry.mtime = size, 0o600, int(manifest.taken_at.timestamp())
    return entry


class Archive:
    """A backup that is open for reading; made by `opened`."""

    def __init__(self, path: Path, manifest: Manifest, parts: Mapping[str, tuple[int, int]], file: IO[bytes]):
        """Parts are (offset, size) by name."""
        self.path = path
        self.manifest = manifest
        self._parts = parts
        self._file = file
        self._members = {member.name: member for member in manifest.members}

    def names(self) -> Sequence[str]:
        """The members, in order."""
        return list(self._members)

    def content(self, name: str) -> Iterator[bytes]:
        """What a member unpacks to, in pieces; at its end it is known to be whole.

        :raises BackupError: it is not what was written, or cannot be read
        """
        member = self._members[name]
        offset, size = self._parts.get(f"{name}.zst", (0, -1))
        if size != member.size:
            raise BackupError(f"{self.path} is not whole: {name} is missing or has another size")
        packed, content, length, lines = _Part(self._file, offset, size), hashlib.sha256(), 0, 0
        try:
            with zstd.ZstdFile(packed) as unpacked:
                while piece := unpacked.read(_CHUNK):
                    content.update(piece)
                    length += len(piece)
                    lines += piece.count(b"\n")
                    if length > member.content_size:
                        break
                    yield piece
        except (zstd.ZstdError, EOFError) as error:
            raise BackupError(f"{self.path} is damaged: {name} cannot be unpacked") from error
        except OSError as error:
            raise BackupError(f"{self.path} cannot be read: {error.strerror or error}") from error
        told = (length, lines, content.hexdigest(), packed.digest())
        if told != (member.content_size, member.lines, member.content_sha256, member.sha256):
            raise BackupError(f"{self.path} is damaged: {name} is not what was written")

    def verify(self) -> None:
        """Read all of it.

        :raises BackupError: something is not what was written
        """
        for member in self.manifest.members:
            for _ in self.content(member.name):
                pass
            table = member.name.removeprefix(TABLE)
            if table != member.name and member.lines != self.manifest.rows[table]:
                raise BackupError(f"{self.path}: {table} has {member.lines:,} rows, not as many as it had")


class _Part(io.RawIOBase):
    """A stretch of a file, hashed as it is read."""

    def __init__(self, file: IO[bytes], offset: int, size: int) -> None:
        super().__init__()
        file.seek(offset)
        self._file, self._left, self._hash = file, size, hashlib.sha256()

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        data = self._file.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(data)
        self._hash.update(data)
        return data

    def digest(self) -> str:
        return self._hash.hexdigest()


@contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """Open a backup and read its manifest; its members are only looked at when they are asked for.

    :raises BackupError: it is no backup, is cut off, or of a format that a newer program made
    """
    try:
        with path.open("rb") as file:
            manifest, parts = _contents(path, file)
            yield Archive(path, manifest, parts, file)
    except FileNotFoundError as error:
        raise BackupError(f"there is no file {path}") from error
    except OSError as error:
        raise BackupError(f"{path} cannot be read: {error.strerror or error}") from error


def _contents(path: Path, file: IO[bytes]) -> tuple[Manifest, dict[str, tuple[int, int]]]:
    cut = BackupError(f"{path} is cut off: copy it again, or take another one")
    end = os.fstat(file.fileno()).st_size
    try:
        with tarfile.open(fileobj=file, mode="r:") as archive:
            first = archive.next()
            if first is None or first.name != MANIFEST or not 0 < first.size <= _MAX_MANIFEST:
                raise BackupError(f"{path} is no backup of Wirewatch")
            told = archive.extractfile(first)
            assert told is not None
            manifest = _manifest(path, told.read())
            parts = {}
            for _ in manifest.members:
                entry = archive.next()
                if entry is None or entry.offset_data + entry.size > end:
                    raise cut
                parts[entry.name] = (entry.offset_data, entry.size)
    except tarfile.TarError as error:
        if end > 0 and file.seek(0) == 0 and file.read(len(MANIFEST)) == MANIFEST.encode():
            raise cut from error
        raise BackupError(f"{path} is no backup of Wirewatch") from error
    return manifest, parts


def _manifest(path: Path, told: bytes) -> Manifest:
    class Head(msgspec.Struct):
        format: int

    try:
        if (made := msgspec.json.decode(told, type=Head).format) > FORMAT:
            raise BackupError(
                f"{path} was made by a newer Wirewatch (format {made}; this program reads {FORMAT}): "
                "install that version first"
            )
        return msgspec.json.decode(told, type=Manifest)
    except msgspec.DecodeError as error:
        raise BackupError(f"{path} is no backup of Wirewatch: its manifest cannot be read") from error
