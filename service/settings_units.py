"""Durations, sizes, schedules and addresses as people write them in settings and commands. Pure."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import unquote, urlsplit

from service import passwords

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|[smhdw])")
_BYTES = {"B": 1, "KB": 1000, "MB": 1000**2, "GB": 1000**3, "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30}
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([kKmMgG]?[iI]?[bB])")
_MILLISECONDS = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1))
_SIZES = (
    ("GB", 1000**3),
    ("GiB", 1 << 30),
    ("MB", 1000**2),
    ("MiB", 1 << 20),
    ("KB", 1000),
    ("KiB", 1 << 10),
)
_TOKEN = re.compile(r"[A-Za-z0-9_-]{32,200}")


def parse_duration(text: str) -> timedelta:
    """Read "90s", "15m", "1h30m", "7d", "2w", "500ms" or "0". Raises ValueError."""
    text = text.strip()
    if text == "0":
        return timedelta()
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"{text!r} is no duration")
    try:
        return timedelta(seconds=sum(float(number) * _UNITS[unit] for number, unit in parts))
    except OverflowError as error:
        raise ValueError(f"{text!r} is too long") from error


def format_duration(value: timedelta) -> str:
    """Write a duration so that `parse_duration` gives it back: "1h30m", "500ms"."""
    milliseconds = round(value.total_seconds() * 1000)
    if not milliseconds:
        return "0s"
    parts = []
    for unit, size in _MILLISECONDS:
        count, milliseconds = divmod(milliseconds, size)
        if count:
            parts.append(f"{count}{unit}")
    # "1d" alone reads better as "24h": the words people use for schedules.
    return "24h" if parts == ["1d"] else "".join(parts)


def parse_size(text: str) -> int:
    """Read "500KB", "10MB", "1GiB" (decimal and binary units) as bytes. Raises ValueError."""
    found = _SIZE.fullmatch(text.strip())
    if not found:
        raise ValueError(f"{text!r} is no size")
    number, unit = found.groups()
    if unit.upper() not in _BYTES:
        raise ValueError(f"{text!r} is no size")
    return round(float(number) * _BYTES[unit.upper()])


def format_size(value: int) -> str:
    """Write a size so that `parse_size` gives it back exactly."""
    for unit, size in _SIZES:
        if value and value % size == 0:
            return f"{value // size}{unit}"
    return f"{value}B"


def web_address(text: str) -> str:
    """An http or https address with a host. Raises ValueError."""
    parts = urlsplit(text)
    if parts.scheme.lower() not in {"http", "https"} or not parts.hostname or any(map(str.isspace, text)):
        raise ValueError("no web address")
    _ = parts.port  # raises where it is no port
    return text


def public_address(text: str) -> str:
    """An address that others are told, and append a path to. Raises ValueError."""
    parts = urlsplit(web_address(text))
    if parts.query or parts.fragment or parts.username is not None:
        raise ValueError("an address to append a path to has no query, fragment or user name")
    return text


def kept_password(text: str) -> str:
    """A password as it is kept, not the password itself. Raises ValueError."""
    if not passwords.is_kept(text):
        raise ValueError("this is no password as 'wirewatch password' prints it")
    return text


def web_origin(text: str) -> str:
    """Scheme, host and perhaps a port, as browsers send it (RFC 6454 section 6.2). Raises ValueError."""
    parts = urlsplit(public_address(text))
    if parts.path not in {"", "/"}:
        raise ValueError("an origin has no path")
    return f"{parts.scheme}://{parts.netloc}".lower()


def secret_token(text: str) -> str:
    """A token long enough not to be guessed, of characters that travel everywhere. Raises ValueError."""
    if not _TOKEN.fullmatch(text):
        raise ValueError("no such token")
    return text


def schedule(text: str) -> str:
    """ "adaptive", "every 15m", or five cron fields, as `service.cadence` reads them. Raises ValueError."""
    from service.cadence import parse_schedule  # noqa: PLC0415 - most settings name no schedule
    from service.errors import UsageError  # noqa: PLC0415

    try:
        parse_schedule(text)
    except UsageError as error:
        raise ValueError(str(error)) from error
    return " ".join(text.split())


def database_address(text: str) -> str:
    """A path, or a PostgreSQL address; ``sqlite:///path`` becomes the path. Raises ValueError."""
    scheme, separator, rest = text.partition("://")
    if not separator:
        if text in {"", ":memory:"} or text.startswith("file:"):
            raise ValueError("several processes share the database: it must be a file")
        return text
    if scheme == "sqlite" and rest.startswith("/") and len(rest) > 1:
        return unquote(rest[1:])
    if scheme in {"postgresql", "postgres"} and rest:
        return f"postgresql://{rest}"
    raise ValueError("no such kind of database")
