"""``/websub/{token}``: where hubs make sure of subscriptions, and deliver (WebSub sections 5 and 7).

The one address here that strangers call, from any browser's or program's point of view: no cookie, no login
and no token of a form would help. What protects it is that the path cannot be guessed, that only what was
asked for is confirmed, and that only what is signed with the secret of the one subscription is read.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from loguru import logger
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response

from models import websub
from models.errors import StorageError
from service.masking import plain
from service.websub import lease
from service.websub.inbox import Delivery
from service.websub.signature import signed

if TYPE_CHECKING:
    from models.websub import Subscription
    from service.websub.inbox import Inbox, Place
    from service.websub.parts import Hubs

PREFIX = "/websub/"
MAX_CHALLENGE = 4_096  # characters
READ_SECONDS = 30.0  # for a whole delivery
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_MAX_REASON = 300
_AGAIN = {"Retry-After": "60"}


class HubCallback:
    """Answers hubs.

    :param host: the name that hubs reach us by: the page answers for it here, and nowhere else
    :param wanted: the lease that was asked for, where a hub states none
    :param max_bytes: of a delivery as it is sent
    """

    def __init__(
        self,
        inbox: Inbox,
        *,
        host: str,
        wanted: timedelta,
        max_bytes: int,
        clock: Callable[[], datetime],
    ) -> None:
        self.host = host
        self._inbox = inbox
        self._wanted = wanted
        self._max_bytes = max_bytes
        self._clock = clock

    @classmethod
    def of(cls, hubs: Hubs, clock: Callable[[], datetime]) -> HubCallback:
        """By what was made of the settings."""
        rules = hubs.rules
        host = urlsplit(rules.address).hostname or ""
        return cls(hubs.inbox, host=host, wanted=rules.lease, max_bytes=rules.max_bytes, clock=clock)

    async def answer(self, request: Request) -> Response:
        """One request of a hub, or of someone who says so."""
        token = request.path_params["token"]
        if not _TOKEN.fullmatch(token):
            return _text(404, "No hub was given this address.")
        try:
            if request.method == "GET":
                asked = request.query_params.multi_items()
                return await run_in_threadpool(self._confirm, token, asked)
            if request.method == "POST":
                return await self._receive(token, request)
        except StorageError as error:
            # Not left to the handler of all: it logs the path, which is a secret.
            logger.error("a hub had no answer from the database: {}", error)
            return _text(503, "Please try again in a moment.", _AGAIN)
        return _text(405, "Hubs ask by GET and deliver by POST.", {"Allow": "GET, POST"})

    # -- is this what you want? ----------------------------------------------------------------------------

    def _confirm(self, token: str, asked: Iterable[tuple[str, str]]) -> Response:
        pairs = [(name, value) for name, value in asked if name.startswith("hub.")]
        fields = dict(pairs)
        mode, topic = fields.get("hub.mode", ""), fields.get("hub.topic", "")
        if len(pairs) != len(fields) or not topic:
            return _text(400, "The request names no topic, or something twice.")
        if mode == "denied":
            return self._denied(token, topic, fields.get("hub.reason", ""))
        challenge = fields.get("hub.challenge", "")
        if not 0 < len(challenge) <= MAX_CHALLENGE:
            return _text(400, "The request has no challenge, or one beyond all need.")
        now = self._clock()
        granted = lease.granted(fields.get("hub.lease_seconds"), self._wanted)
        until = now + granted
        due = lease.renewal(now, granted)
        if not websub.verify(token, mode, topic, lease_until=until, next_at=due, now=now):
            return _text(404, "Nobody here asked for that.")
        logger.info("a hub has verified the request to {} {}", mode, plain(topic))
        return _text(200, challenge)

    def _denied(self, token: str, topic: str, reason: str) -> Response:
        now = self._clock()
        why = plain(reason)[:_MAX_REASON] or "it gives no reason"
        if not websub.deny(token, topic, why, next_at=now + lease.AGAIN_AFTER_DENIAL, now=now):
            return _text(404, "Nobody here asked for that.")
        logger.warning("a hub refuses the subscription to {}: {}", plain(topic), why)
        return _text(200, "")

    # -- here is news --------------------------------------------------------------------------------------

    async def _receive(self, token: str, request: Request) -> Response:
        subscription = await run_in_threadpool(websub.receiver, token)
        if subscription is None:
            return _text(410, "There is no such subscription any more.")  # section 7: the hub may end it
        if _claimed(request) > self._max_bytes:
            return self._too_large()
        place = self._inbox.enter(subscription.id)
        if place is None:
            return _text(503, "There is no room for more at present.", _AGAIN)
        handed = False
        try:
            body = await self._body(request, place)
            if isinstance(body, Response):
                return body
            problem = await run_in_threadpool(_problem, body, request, subscription)
            if problem:
                # A success all the same: whoever guesses signatures learns nothing (section 8).
                await run_in_threadpool(self._refuse, subscription, problem)
            else:
                handed = True
                self._inbox.put(place, self._delivery(subscription, body, request))
            return _text(202, "")
        finally:
            if not handed:
                place.leave()

    async def _body(self, request: Request, place: Place) -> bytes | Response:
        pieces, size = [], 0
        try:
            async with asyncio.timeout(READ_SECONDS):
                async for piece in request.stream():
                    size += len(piece)
                    if size > self._max_bytes:
                        return self._too_large()
                    if not place.grow(len(piece)):
                        return _text(503, "There is no room for more at present.", _AGAIN)
                    pieces.append(piece)
        except TimeoutError:
            return _text(408, "The delivery took too long.", {"Connection": "close"})
        except ClientDisconnect:
            return _text(400, "The delivery broke off.")
        return b"".join(pieces)

    def _refuse(self, subscription: Subscription, problem: str) -> None:
        websub.refuse(subscription.id, f"a delivery was ignored: {problem}", self._clock())
        logger.warning("a delivery for {} was ignored: {}", plain(subscription.topic), problem)

    def _delivery(self, subscription: Subscription, body: bytes, request: Request) -> Delivery:
        return Delivery(
            subscription,
            body,
            content_type=request.headers.get("content-type", ""),
            content_encoding=",".join(request.headers.getlist("content-encoding")),
            received_at=self._clock(),
        )

    def _too_large(self) -> Response:
        return _text(413, f"At most {self._max_bytes:,} bytes are taken.", {"Connection": "close"})


def _problem(body: bytes, request: Request, subscription: Subscription) -> str | None:
    return signed(body, ",".join(request.headers.getlist("x-hub-signature")), subscription.secret)


def _claimed(request: Request) -> int:
    text = request.headers.get("content-length", "")
    return int(text[:20]) if text.isascii() and text.isdecimal() else 0


def _text(status: int, text: str, headers: dict[str, str] | None = None) -> Response:
    """Plain text: what a stranger wrote is never markup here."""
    return PlainTextResponse(text, status, headers)
