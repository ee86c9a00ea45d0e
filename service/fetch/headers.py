"""What the headers of a response say: validators, delays, links. Pure; nothing here raises.

Everything is bounded and read leniently: a header that says nothing sensible says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin

from yarl import URL

from service.fetch.addresses import BadAddress, web_address
from service.values import MAX_HUBS, Hints, Validators

MAX_VALIDATOR = 1024  # characters; longer ones are bombs, and would be sent back at every poll
MAX_SECONDS = 366 * 86400  # a wish for longer is no wish
MAX_LINKS = 64

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# Control characters, and bytes that were no UTF-8 and arrived as surrogate escapes.
_UNSENDABLE = re.compile("[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")
_SECONDS = re.compile(r"[+]?(\d{1,12})(?:\.\d*)?")
# Framing and routing belong to the client: a source may not speak for another host or break the message.
_OURS = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer", "expect"}
)


def header_problem(name: str, value: str) -> str | None:
    """Why a person's own header cannot be sent, or None where it can (RFC 9110 section 5)."""
    if not _TOKEN.fullmatch(name):
        return f"{name[:60]!r} is no header name"
    if name.lower() in _OURS or name.lower().startswith("proxy-"):
        return f"{name} is set by the connection itself"
    if not sendable(value):
        return f"the value of {name} has a line break or another control character in it"
    return None


def sendable(value: str) -> bool:
    """Whether a value can stand in a header of ours, and in a database, as it is."""
    return _UNSENDABLE.search(value) is None


def validators(headers: Mapping[str, str], *, before: Validators, body_hash: str | None) -> Validators:
    """The server's own validators, exactly as it gave them; those it leaves out of a 304 stay as they were.

    :param body_hash: of the body just read, or None for a 304
    """
    etag, modified = _validator(headers, "ETag"), _validator(headers, "Last-Modified")
    if body_hash is None:  # RFC 9111 section 3.2: a 304 updates what it names
        return Validators(etag or before.etag, modified or before.last_modified, before.body_hash)
    return Validators(etag, modified, body_hash)


def _validator(headers: Mapping[str, str], name: str) -> str | None:
    value = headers.get(name, "")
    return value if value and len(value) <= MAX_VALIDATOR and sendable(value) else None


def hints(headers: Mapping[str, str], *, now: datetime, retry: bool) -> Hints:
    """The delays that a response wishes for.

    :param now: when it arrived, aware UTC; times are counted from the server's own clock where it gives it
    :param retry: whether it is one whose Retry-After means "come later" (RFC 9110 section 10.2.3)
    """
    return Hints(retry_after=_retry_after(headers, now) if retry else None, max_age=_max_age(headers, now))


def _retry_after(headers: Mapping[str, str], now: datetime) -> int | None:
    value = headers.get("Retry-After")
    if value is None:
        return None
    seconds = _seconds(value)
    if seconds is not None:
        return seconds
    until = http_date(value)
    return None if until is None else _between(_clock(headers, now), until)


def _max_age(headers: Mapping[str, str], now: datetime) -> int | None:
    """How long the answer stays fresh (RFC 9111 section 4.2.1), less the time it already spent in a cache."""
    directives = _directives(headers.get("Cache-Control", ""))
    if "no-cache" in directives or "no-store" in directives:
        return 0
    if "max-age" in directives:
        age = _seconds(headers.get("Age", "")) or 0
        lifetime = _seconds(directives["max-age"])
        return None if lifetime is None else max(0, lifetime - age)
    value = headers.get("Expires")
    if value is None:
        return None
    expires = http_date(value)
    # "0" and other nonsense mean that it has expired (RFC 9111 section 5.3).
    return 0 if expires is None else _between(_clock(headers, now), expires)


def _directives(header: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in header.split(",")[:MAX_LINKS]:
        name, _, value = part.partition("=")
        found.setdefault(name.strip().lower(), value.strip().strip('"'))
    return found


def _seconds(text: str) -> int | None:
    match = _SECONDS.fullmatch(text.strip())
    return min(int(match[1]), MAX_SECONDS) if match else None


def _clock(headers: Mapping[str, str], now: datetime) -> datetime:
    return http_date(headers.get("Date", "")) or now


def _between(start: datetime, end: datetime) -> int:
    return min(max(0, int((end - start).total_seconds())), MAX_SECONDS)


def http_date(text: str) -> datetime | None:
    """A date in any of the three forms of RFC 9110 section 5.6.7, aware UTC; None where it is none."""
    if not text or len(text) > MAX_LINKS:
        return None
    try:
        read = parsedate_to_datetime(text)
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def linked(links: Sequence[str], relation: str, *, base: URL) -> tuple[str, ...]:
    """The web addresses that the Link headers name for a relation (RFC 8288), absolute, else as written.

    WebSub takes "hub" and "self" from here (section 4): a hub knows a feed by the very letters of its
    address.
    """
    found: dict[str, None] = {}
    for target, relations in _links(links):
        if relation not in relations or not sendable(target):
            continue
        try:
            web_address(target, base=base)
        except BadAddress:
            continue
        found[urljoin(str(base), target.strip())] = None
    return tuple(found)[:MAX_HUBS]


def _links(headers: Sequence[str]) -> list[tuple[str, frozenset[str]]]:
    """Targets and their relation types; read by hand in one pass, which no input can make slow."""
    found: list[tuple[str, frozenset[str]]] = []
    for header in headers:
        rest = header
        while len(found) < MAX_LINKS and (start := rest.find("<")) >= 0:
            end = rest.find(">", start)
            if end < 0:
                break
            target = rest[start + 1 : end]
            parameters, rest = _parameters(rest[end + 1 :])
            found.append((target, frozenset(parameters.get("rel", "").lower().split())))
    return found


def _parameters(text: str) -> tuple[dict[str, str], str]:
    """The ``;name=value`` pairs up to the comma that ends a link, and what follows it."""
    pieces: list[str] = []
    quoted, start, position = False, 0, 0
    while position < len(text):
        character = text[position]
        if quoted and character == "\\":
            position += 1
        elif character == '"':
            quoted = not quoted
        elif character in ";," and not quoted:
            pieces.append(text[start:position])
            start = position + 1
            if character == ",":
                break
        position += 1
    else:
        pieces.append(text[start:])
        start = len(text)
    found: dict[str, str] = {}
    for piece in pieces:
        name, _, value = piece.partition("=")
        found.setdefault(name.strip().lower(), value.strip().strip('"'))
    return found, text[start:]
