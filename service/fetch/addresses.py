"""Web addresses as they are sent: what a person or a server wrote, its meaning unchanged.

A path and query go out as they were written, only what may not stand in a request line is percent-encoded:
some servers compare signatures over the very bytes. Hosts become lower case and IDNA (RFC 5891), user
information is taken out (it is sent as a header, to one origin only), fragments are dropped.
"""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass
from ipaddress import IPv4Address
from urllib.parse import quote, unquote, urljoin, urlsplit

from yarl import URL

MAX_LENGTH = 8192
_DEFAULT_PORTS = {"http": 80, "https": 443}
# Everything printable in ASCII but space and what RFC 3986 allows nowhere: " < > \ ^ ` { | }
_AS_WRITTEN = "!#$%&'()*+,-./:;=?@[]_~"
_PLAIN = re.compile(r"[a-z0-9._-]+", re.ASCII)  # most hosts need no IDNA
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*", re.IGNORECASE | re.ASCII)


class BadAddress(ValueError):
    """Not a web address; the text says why. ``scheme`` is set where it is an address of another kind."""

    def __init__(self, why: str, *, scheme: str | None = None) -> None:
        super().__init__(why)
        self.scheme = scheme


@dataclass(frozen=True, slots=True)
class WebAddress:
    """An http or https address, with the user information that stood in it."""

    url: URL  # without user information and fragment
    username: str | None = None
    password: str | None = None

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port (RFC 6454): what credentials belong to."""
        return self.url.scheme, self.url.raw_host or "", self.url.port or 0

    def trusts(self, other: WebAddress) -> bool:
        """Whether what is meant for this origin may go to the other: the same, or its step up to https."""
        if other.origin == self.origin:
            return True
        scheme, host, port = self.origin
        return (scheme, port) == ("http", 80) and other.origin == ("https", host, 443)


def web_address(text: str, *, base: URL | None = None) -> WebAddress:
    """Read an address, relative to ``base`` where one is given.

    Bytes of a header that were no UTF-8 arrive as surrogate escapes and go out as the bytes they were.

    :raises BadAddress: it is none, or one of another kind than http and https
    """
    text = text.strip(" \t\r\n\f\x00")
    if not text:
        raise BadAddress("the address is empty")
    if len(text) > MAX_LENGTH:
        raise BadAddress(f"the address is longer than {MAX_LENGTH} characters")
    try:
        parts = urlsplit(urljoin(str(base), text) if base else text)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise BadAddress(f"not a web address: {error}") from error
    scheme = parts.scheme.lower()
    if scheme not in _DEFAULT_PORTS:
        if not scheme:
            raise BadAddress(f"{text[:100]!r} does not begin with http:// or https://")
        raise BadAddress(f"{scheme}: is not http or https", scheme=scheme)
    if port == 0:
        raise BadAddress("port 0 cannot be connected to")
    netloc = _host(host)
    if port is not None and port != _DEFAULT_PORTS[scheme]:
        netloc = f"{netloc}:{port}"
    path = _quoted(parts.path) or "/"
    query = f"?{_quoted(parts.query)}" if parts.query else ""
    return WebAddress(
        URL(f"{scheme}://{netloc}{path}{query}", encoded=True),
        unquote(parts.username) if parts.username else None,
        unquote(parts.password) if parts.password else None,
    )


def basic(username: str, password: str | None) -> str:
    """The value of an Authorization header (RFC 7617), in UTF-8."""
    return "Basic " + b64encode(f"{username}:{password or ''}".encode()).decode("ascii")


def _host(host: str | None) -> str:
    if not host:
        raise BadAddress("the address names no host")
    encoded = host if _PLAIN.fullmatch(host) else _idna(host)
    if ":" in encoded:
        return f"[{encoded}]"
    if _NUMBER.fullmatch(encoded.rstrip(".").rpartition(".")[2]) and not _is_ipv4(encoded):
        # A resolver reads "2130706433", "0x7f.1" and "127.1" as 127.0.0.1; nobody honest writes them.
        raise BadAddress(f"{encoded[:100]!r} is a number, but not an IPv4 address as one is written")
    labels = encoded.rstrip(".").split(".")
    # RFC 1035 section 2.3.4; getaddrinfo raises a UnicodeError for these, which is no answer of a network.
    if len(encoded) > 253 or any(not 1 <= len(label) <= 63 for label in labels):  # noqa: PLR2004
        raise BadAddress(f"{encoded[:100]!r} is no host name: a part of it is empty or too long")
    return encoded


def _is_ipv4(host: str) -> bool:
    try:
        IPv4Address(host)
    except ValueError:
        return False
    return True


def _idna(host: str) -> str:
    try:
        return URL.build(scheme="http", host=host).raw_host or ""
    except (ValueError, UnicodeError) as error:
        raise BadAddress(f"{host[:100]!r} is no host name: {error}") from error


def _quoted(text: str) -> str:
    return quote(text, safe=_AS_WRITTEN, errors="surrogateescape")
