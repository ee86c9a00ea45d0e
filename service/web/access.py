"""Who asks: a token's holder, someone who signed in on the page, or a program on this machine.

Without a token only this machine's own programs are answered, only to read, and only as long as the page
listens on a loopback address. A request that came through a proxy, or that names another host than this
machine, is nobody's of this machine, wherever its connection comes from.
"""

from __future__ import annotations

import base64
import hmac
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address

from loguru import logger
from starlette.requests import Request

from models import tokens
from models.errors import StorageError
from models.tokens import Scope, TokenRecord
from service.settings_schema_web import EXAMPLE_TOKEN
from service.tokens import digest, looks_right
from service.web.problems import Problem
from service.web.rates import Allowance, Rates
from service.web.rules import ApiRules, is_loopback

USED_EVERY = timedelta(hours=1)  # how exactly a token's last use is kept
_MAX_HEADER = 1_000  # characters
_THROUGH_A_PROXY = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
_CHALLENGE = 'Bearer realm="wirewatch"'


@dataclass(frozen=True, slots=True)
class Caller:
    """Someone who asks: what they are called, what they may do, and what their requests are counted by."""

    name: str
    scope: Scope
    counted_by: str


class Access:
    """Tells callers, and counts their requests.

    :param signed_in: gives the name of who signed in on the page, or None
    :param writable: whether the last use of a token can be written down
    :param ticks: a clock that only goes forward, seconds
    """

    def __init__(
        self,
        rules: ApiRules,
        *,
        clock: Callable[[], datetime],
        ticks: Callable[[], float],
        signed_in: Callable[[Request], str | None] = lambda _: None,
        writable: bool = True,
    ) -> None:
        self._rules = rules
        self._clock = clock
        self._ticks = ticks
        self._signed_in = signed_in
        self._writable = writable
        self._rates = Rates(rules.rate) if rules.rate else None
        self._set = dict(_set_tokens(rules))
        self._used: dict[int, datetime] = {}
        self._lock = threading.Lock()

    def admit(self, request: Request, wanted: Scope) -> tuple[Caller, Allowance | None]:
        """Who asks, after counting the request. Asks the database where there is a token.

        :raises Problem: unauthorized, forbidden, too-many-requests
        """
        address = f"address {_client(request)}"
        try:
            caller = self.caller(request, wanted)
        except Problem as problem:
            # What is refused counts, too: else tokens could be guessed as fast as one likes.
            allowance = self._count(address)
            problem.headers |= allowance.headers if allowance else {}
            raise
        return caller, self._count(caller.counted_by)

    def caller(self, request: Request, wanted: Scope) -> Caller:
        """Who asks, if they may do what they want to."""
        given = _token_of(request, wanted)
        if given is not None:
            caller = self._holder(given)
            if caller is None:
                raise _unauthorized("This token is not known, has run out or was revoked.", "invalid_token")
        elif name := self._signed_in(request):
            caller = Caller(name, Scope.READ, f"user {name}")
        elif self._is_of_this_machine(request):
            caller = Caller("this machine", Scope.READ, f"address {_client(request)}")
        else:
            raise _unauthorized("A token is needed: 'wirewatch token create' makes one.")
        if not caller.scope.includes(wanted):
            if given is None:
                raise _unauthorized(f"A token of the scope “{wanted}” is needed for this.")
            raise Problem(
                "forbidden",
                f"This token is of the scope “{caller.scope}”; this takes “{wanted}”.",
                headers={"WWW-Authenticate": f'{_CHALLENGE}, error="insufficient_scope", scope="{wanted}"'},
            )
        return caller

    def may_read(self, request: Request) -> bool:
        """Whether who asks may read: for what is no part of the API and tells no problems."""
        try:
            self.caller(request, Scope.READ)
        except Problem:
            return False
        return True

    def _count(self, client: str) -> Allowance | None:
        if self._rates is None:
            return None
        allowance = self._rates.take(client, self._ticks())
        if allowance.retry_after is not None:
            raise Problem(
                "too-many-requests",
                f"At most {allowance.limit:,} requests a minute are answered; "
                f"ask again in {allowance.retry_after} s.",
                headers=allowance.headers,
            )
        return allowance

    def _holder(self, token: str) -> Caller | None:
        if not looks_right(token):
            return None
        hashed = digest(token)
        for kept, scope in self._set.items():
            if hmac.compare_digest(kept, hashed):
                return Caller(f"the token api.{scope}_token", scope, f"setting {scope}")
        found = tokens.find(hashed)
        if found is None:
            return None
        record, kept = found
        now = self._clock()
        if not hmac.compare_digest(kept, hashed) or not record.stands(now):
            return None
        self._note(record, now)
        return Caller(f"the token {record.name}", record.scope, f"token {record.id}")

    def _note(self, record: TokenRecord, now: datetime) -> None:
        """Keep when a token was last used, to the hour: reading must not cost a write."""
        with self._lock:
            last = self._used.get(record.id) or record.used_at
            if not self._writable or (last is not None and now - last < USED_EVERY):
                return
            self._used[record.id] = now
        try:
            tokens.used(record.id, now)
        except StorageError as error:
            logger.warning("when the token {} was last used could not be kept: {}", record.name, error)

    def _is_of_this_machine(self, request: Request) -> bool:
        if not self._rules.open or any(name in request.headers for name in _THROUGH_A_PROXY):
            return False
        host = request.url.hostname or ""
        return is_loopback(_client(request)) and is_loopback(host)


def _set_tokens(rules: ApiRules) -> list[tuple[str, Scope]]:
    """The digests of the tokens that the settings hold."""
    found = []
    for token, scope in ((rules.read_token, Scope.READ), (rules.write_token, Scope.WRITE)):
        if token == EXAMPLE_TOKEN:
            logger.warning("api.{}_token is still the example: nobody is let in by it", scope)
        elif token is not None:
            found.append((digest(token), scope))
    return found


def _token_of(request: Request, wanted: Scope) -> str | None:
    """The token that a request carries: a bearer (RFC 6750), the password of basic authentication (RFC 7617,
    which feed readers know), or for feeds, whose readers often send no headers, ``?token=``."""
    header = request.headers.get("authorization")
    if header is not None:
        kind, _, value = header[:_MAX_HEADER].partition(" ")
        if kind.lower() == "bearer":
            return value.strip()
        if kind.lower() == "basic":
            return _password(value.strip())
        return ""  # another way in, which nobody here knows
    if wanted is Scope.FEED:
        return request.query_params.get("token")
    return None


def _password(encoded: str) -> str:
    try:
        pair = base64.b64decode(encoded, validate=True).decode()
    except ValueError:
        return ""
    return pair.partition(":")[2]


def _client(request: Request) -> str:
    """The address of who connected; of IPv6 the network, in which a client has as many as it likes."""
    host = request.client.host if request.client else "unknown"
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if isinstance(address, IPv6Address) and not address.is_loopback:
        return str(address.ipv4_mapped or IPv6Address(int(address) >> 64 << 64))
    return str(address)


def _unauthorized(detail: str, error: str | None = None) -> Problem:
    headers: Mapping[str, str] = {"WWW-Authenticate": _CHALLENGE + (f', error="{error}"' if error else "")}
    return Problem("unauthorized", detail, headers=headers)
