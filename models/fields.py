"""Column types that hold what the engines have no exact type for, and the guards on what enters them.

Times are stored as BIGINT microseconds since 1970-01-01 UTC on both engines: sortable, exact, the same
arithmetic everywhere, and no session time zone can shift them.
"""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import peewee

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ESCAPED = re.compile(rb"\\(\\|x[0-9a-f]{2})")


def to_micros(moment: datetime) -> int:
    """Microseconds since the epoch; a naive time is refused, because it could mean any of 26 hours."""
    try:
        since = moment - EPOCH
    except TypeError as error:
        message = f"a time without its zone cannot be stored: {moment.isoformat()}"
        raise ValueError(message) from error
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def from_micros(stored: int) -> datetime:
    """The UTC time of a stored number of microseconds."""
    return EPOCH + timedelta(microseconds=stored)


def optional_micros(moment: datetime | None) -> int | None:
    """`to_micros`, None staying None."""
    return None if moment is None else to_micros(moment)


def optional_moment(stored: int | None) -> datetime | None:
    """`from_micros`, None staying None."""
    return None if stored is None else from_micros(stored)


def storable(text: str) -> str:
    """The text as both engines can hold it.

    PostgreSQL refuses NUL and neither engine takes a lone surrogate, and one such character in one article
    must not lose a whole poll: both become U+FFFD, which keeps every offset.
    """
    if "\x00" in text:
        text = text.replace("\x00", "\ufffd")
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in text)
    return text


def optional_storable(text: str | None) -> str | None:
    """`storable`, None staying None."""
    return None if text is None else storable(text)


def encode_path(path: str) -> str:
    r"""A path as text that both engines hold; bytes that are no UTF-8 become ``\xNN``, a backslash ``\\``."""
    if path.isascii() and "\\" not in path:
        return path
    escaped = os.fsencode(path.replace("\\", "\\\\"))
    return escaped.decode("utf-8", "backslashreplace")


def decode_path(stored: str) -> str:
    """The path that `encode_path` stored, undecodable bytes as surrogate escapes again."""
    if "\\" not in stored:
        return stored

    def plain(match: re.Match[bytes]) -> bytes:
        found = match.group(1)
        return b"\\" if found == b"\\" else bytes([int(found[1:], 16)])

    return os.fsdecode(_ESCAPED.sub(plain, stored.encode()))


def signed64(number: int) -> int:
    """An unsigned 64-bit number (an inode, a device) as the signed one that the engines store."""
    number &= 0xFFFF_FFFF_FFFF_FFFF
    return number - (1 << 64) if number >= 1 << 63 else number


def unsigned64(stored: int) -> int:
    """The number that `signed64` stored."""
    return stored & 0xFFFF_FFFF_FFFF_FFFF


class UtcDateTimeField(peewee.BigIntegerField):
    """An aware time, read back in UTC; naive values are refused with ValueError."""

    def db_value(self, value: datetime | int | None) -> int | None:
        return to_micros(value) if isinstance(value, datetime) else value

    def python_value(self, value: int | None) -> datetime | None:
        return optional_moment(value)


class PathField(peewee.TextField):
    """A file's path, any bytes allowed that a file system allows."""

    def db_value(self, value: str | None) -> str | None:
        return None if value is None else encode_path(value)

    def python_value(self, value: str | None) -> str | None:
        return None if value is None else decode_path(value)


class JsonField(peewee.TextField):
    """Plain values as JSON text, the same on both engines."""

    def db_value(self, value: Any) -> str | None:
        return None if value is None else dump_json(value)

    def python_value(self, value: str | None) -> Any:
        return None if value is None else load_json(value)


def dump_json(value: Any) -> str:
    """Compact JSON of plain values and records; lone surrogates and NUL are replaced as in `storable`."""
    if value == ():
        return "[]"  # what most articles have of most things
    try:
        text = msgspec.json.encode(value).decode()
    except UnicodeEncodeError:
        text = msgspec.json.encode(_storable_inside(msgspec.to_builtins(value))).decode()
    return text


def load_json(stored: str) -> Any:
    """What `dump_json` stored, as plain values."""
    return msgspec.json.decode(stored)


def _storable_inside(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {_storable_inside(key): _storable_inside(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_storable_inside(item) for item in value]
    return value
