"""What went wrong, as one of the closed list of reasons with a detail for a person: most specific first."""

from __future__ import annotations

import errno
import os
import socket
import ssl
import traceback
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import aiohttp

from service.errors import FetchFailure
from service.fetch.guard import AddressRefused
from service.fetch.limits import Limits
from service.values import Reason

MAX_DETAIL = 300  # characters
MAX_CAUSE = 4000

_BY_STATUS = {
    401: Reason.UNAUTHORIZED,
    403: Reason.UNAUTHORIZED,
    404: Reason.NOT_FOUND,
    407: Reason.UNAUTHORIZED,
    410: Reason.GONE,
    429: Reason.RATE_LIMITED,
}
_NO_SUCH_NAME = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}


def by_status(status: int, reason_phrase: str | None, headers: Mapping[str, str]) -> tuple[Reason, str]:
    """The failure that a status other than success stands for (RFC 9110 section 15)."""
    if status in _BY_STATUS:
        reason = _BY_STATUS[status]
    elif 400 <= status < 500:  # noqa: PLR2004 - the classes of status codes
        reason = Reason.HTTP_4XX
    else:
        reason = Reason.HTTP_5XX if 500 <= status < 600 else Reason.HTTP_OTHER  # noqa: PLR2004
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = (reason_phrase or "").strip()
    detail = f"the server answered {status} {phrase}".rstrip()
    if "cf-mitigated" in headers or "x-sucuri-block" in headers or "x-datadome" in headers:
        detail += ", from a check against robots that stands before the site"
    elif status == HTTPStatus.UNAUTHORIZED and "WWW-Authenticate" in headers:
        detail += f", it asks for {headers['WWW-Authenticate'].split(None, 1)[0][:30]} credentials"
    return reason, detail[:MAX_DETAIL]


def describe(error: BaseException, limits: Limits) -> tuple[Reason, str]:
    """The reason and the words for an exception that a fetch ended in."""
    reason, detail = _describe(error, limits)
    return reason, detail.encode("utf-8", "replace").decode("utf-8")[:MAX_DETAIL]


def cause(error: BaseException, reason: Reason) -> str:
    """The exception behind a failure, as text; with its traceback where the fault is ours."""
    if reason is Reason.INTERNAL:
        text = "".join(traceback.format_exception(error))
        return text[-MAX_CAUSE:]
    return f"{type(error).__qualname__}: {error}".encode("utf-8", "replace").decode("utf-8")[:MAX_DETAIL]


def _describe(error: BaseException, limits: Limits) -> tuple[Reason, str]:
    if isinstance(error, FetchFailure):
        return error.reason, error.detail
    if isinstance(error, TimeoutError) and not isinstance(error, aiohttp.ClientConnectorError):
        return Reason.TIMEOUT, _timeout(error, limits)
    for kind, judge in _MOST_SPECIFIC_FIRST:
        if isinstance(error, kind):
            return judge(error)
    return Reason.INTERNAL, f"{type(error).__name__}: {error}"


def _connecting(error: aiohttp.ClientConnectorError) -> tuple[Reason, str]:
    place = f"{error.host}:{error.port}"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return Reason.TLS, f"the certificate of {error.host} is not trusted: {_tls(error.certificate_error)}"
    refused = _in_chain(error.os_error, AddressRefused)
    if isinstance(refused, AddressRefused):
        return Reason.BLOCKED, f"the guard refuses {error.host}: {refused.why}"
    if isinstance(error, aiohttp.ClientConnectorSSLError):
        return Reason.TLS, f"no TLS with {place}: {_tls(error.os_error)}"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        if error.os_error.errno in _NO_SUCH_NAME:
            return Reason.DNS, f"there is no host named {error.host}"
        return Reason.DNS, f"the name {error.host} could not be looked up: {_os_error(error.os_error)}"
    if isinstance(error.os_error, ConnectionResetError) and error.os_error.errno is None:
        # What asyncio raises where the other side hangs up in the middle of the handshake.
        return Reason.TLS, f"no TLS with {place}: the connection was closed in the handshake"
    what = "the proxy" if isinstance(error, aiohttp.ClientProxyConnectionError) else "no connection to"
    if isinstance(error.os_error, TimeoutError) or error.os_error.errno == errno.ETIMEDOUT:
        return Reason.TIMEOUT, f"{what} {place}: it does not answer"
    return Reason.CONNECT, f"{what} {place}: {_os_error(error.os_error)}"


def _proxy(error: aiohttp.ClientHttpProxyError) -> tuple[Reason, str]:
    refused = error.status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED
    return (
        Reason.UNAUTHORIZED if refused else Reason.CONNECT,
        f"the proxy answered {error.status} {error.message}",
    )


def _response(error: aiohttp.ClientResponseError) -> tuple[Reason, str]:
    # aiohttp wraps its own error anew on the way: what it was is left in its words only.
    if error.message.startswith(("Got more than", "Too many")):
        words = _first_line(error.message).partition(" when reading")[0]
        return Reason.TOO_LARGE, f"the headers are over the limit: {words}"
    return Reason.BROKEN, f"the answer is not HTTP: {_first_line(error.message)}"


def _broken(error: BaseException) -> tuple[Reason, str]:
    tls = _in_chain(error, ssl.SSLError)
    if tls is not None:
        return Reason.TLS, f"TLS broke: {_tls(tls)}"
    return Reason.BROKEN, f"the connection broke: {_os_error(error)}"


# What a row maps is a subclass of nothing above it.
_MOST_SPECIFIC_FIRST: tuple[tuple[type[BaseException], Callable[[Any], tuple[Reason, str]]], ...] = (
    (aiohttp.ClientConnectorError, _connecting),
    (aiohttp.ClientHttpProxyError, _proxy),
    (aiohttp.ClientResponseError, _response),
    (
        aiohttp.ServerDisconnectedError,
        lambda _: (Reason.BROKEN, "the server closed the connection without an answer"),
    ),
    (
        aiohttp.ClientPayloadError,
        lambda _: (Reason.BROKEN, "the body ends before its end, or is framed wrongly"),
    ),
    (aiohttp.InvalidURL, lambda error: (Reason.BLOCKED, f"not a web address: {_first_line(str(error))}")),
    (aiohttp.ClientError, _broken),
    (ConnectionError, _broken),
)


def _timeout(error: BaseException, limits: Limits) -> str:
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return f"no connection within {limits.connect:g} s"
    if isinstance(error, aiohttp.SocketTimeoutError):
        return f"nothing arrived for {limits.read:g} s"
    return f"not finished within {limits.total:g} s"


def _tls(error: BaseException) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message or error.reason or "it cannot be verified"
    if isinstance(error, ssl.SSLError) and error.reason:
        return str(error.reason).replace("_", " ").lower()
    return _first_line(str(error)) or type(error).__name__


def _os_error(error: BaseException) -> str:
    if isinstance(error, socket.gaierror):
        return str(error.strerror or error)
    number = getattr(error, "errno", None)
    return os.strerror(number).lower() if isinstance(number, int) and number > 0 else _first_line(str(error))


def _in_chain(error: BaseException | None, kind: type[BaseException]) -> BaseException | None:
    depth = 0
    while error is not None and depth < 10:  # noqa: PLR2004 - chains may be circular
        if isinstance(error, kind):
            return error
        error, depth = error.__cause__ or error.__context__, depth + 1
    return None


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0][:200].strip(" :")
