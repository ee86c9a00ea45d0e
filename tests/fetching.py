"""Short ways to a look at a test server, and names that lead where a test says."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult

from service.fetch.guard import Guard
from service.fetch.http import Fetcher
from service.values import Failed, FeedTarget, Fetched, FetchResult, NotModified, Reason

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
RSS = b"<rss><channel><title>News</title></channel></rss>"
LOOPBACK = Guard.of(allow=["127.0.0.0/8", "::1"])


class Names(AbstractResolver):
    """A resolver of one's own: each name has its addresses, or several answers, given one after the other."""

    def __init__(self, table: Mapping[str, str | Sequence[str]]) -> None:
        self._table = {name: [ips] if isinstance(ips, str) else list(ips) for name, ips in table.items()}
        self.asked: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        self.asked.append(host)
        answers = self._table.get(host)
        if answers is None:
            raise OSError(socket.EAI_NONAME, "no such name")
        answer = answers[0] if len(answers) == 1 else answers.pop(0)
        return [
            ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0)
            for address in answer.split()
        ]

    async def close(self) -> None:
        """Nothing is held."""


def look(target: FeedTarget | str, **settings: Any) -> FetchResult:
    """One look, with a fetcher of its own that may go to loopback."""
    return looks([target], **settings)[0]


def looks(targets: Sequence[FeedTarget | str], **settings: Any) -> list[FetchResult]:
    """Several looks, one after the other, by the same fetcher."""

    async def run() -> list[FetchResult]:
        async with Fetcher(**{"guard": LOOPBACK, **settings}) as fetcher:
            return [
                await fetcher.fetch(FeedTarget(target) if isinstance(target, str) else target, now=NOW)
                for target in targets
            ]

    return asyncio.run(run())


def fetched(result: FetchResult) -> Fetched:
    """It is a body."""
    assert isinstance(result, Fetched), result
    return result


def not_modified(result: FetchResult) -> NotModified:
    """It is "nothing new"."""
    assert isinstance(result, NotModified), result
    return result


def failed(result: FetchResult, reason: Reason) -> Failed:
    """It failed for this reason."""
    assert isinstance(result, Failed), result
    assert result.reason is reason, result
    return result
