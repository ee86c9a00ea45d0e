"""CPU of one look at a feed, beside aiohttp alone in the same minute: ``python -m tests.benchmarks.fetch``.

The server runs in a process of its own; what is counted is the CPU of this one, user and system. Ratios hold
from machine to machine, milliseconds do not.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import resource
import statistics
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random

import aiohttp

from service.fetch.client import Client
from service.fetch.guard import Guard
from service.fetch.http import Fetcher, body_hash
from service.values import Failed, FeedTarget, Validators
from tests.server import Authority, Reply, Server

CONCURRENCY = 20
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
GUARD = Guard.of(allow=["127.0.0.0/8"])

Request = Callable[[], Awaitable[None]]


def feed() -> bytes:
    """A feed of 66 kB that packs to about 18 kB, as the median of real ones does."""
    random = Random(1)
    words = ["".join(random.choices("abcdefghijklmnop", k=random.randint(2, 9))) for _ in range(3000)]
    text = " ".join(random.choices(words, k=10_000))
    return f"<rss><channel><title>News</title><item>{text}</item></channel></rss>".encode()


BODY = feed()


def _serve(pipe: Connection, folder: str) -> None:
    authority = Authority()
    authority.file(Path(folder))
    with Server() as plain, Server(tls=authority.for_host("127.0.0.1")) as secure:
        for server in (plain, secure):
            server.route("/feed", Reply(body=BODY, etag='"1"', coding="gzip"))
            server.route("/close", Reply(body=BODY, etag='"1"', headers=[("Connection", "close")]))
        pipe.send((plain.url(), secure.url()))
        pipe.recv()


@contextmanager
def servers() -> Iterator[tuple[str, str, Path]]:
    """A plain and a TLS server in a process of their own, and the folder with their authority."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    with tempfile.TemporaryDirectory() as folder:
        process = context.Process(target=_serve, args=(theirs, folder))
        process.start()
        try:
            plain, secure = ours.recv()
            yield plain, secure, Path(folder) / "authority.pem"
        finally:
            ours.send(None)
            process.join()


def cpu() -> float:
    """Seconds of this process, user and system."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def measure(request: Request, count: int) -> float:
    """Milliseconds of CPU a request, the best of three rounds."""

    async def worker(share: int) -> None:
        for _ in range(share):
            await request()

    rounds = []
    for _ in range(3):
        begun = cpu()
        await asyncio.gather(*(worker(count // CONCURRENCY) for _ in range(CONCURRENCY)))
        rounds.append((cpu() - begun) * 1000 / count)
    return min(rounds)


def ours(fetcher: Fetcher, target: FeedTarget) -> Request:
    """A look by the fetcher."""

    async def request() -> None:
        result = await fetcher.fetch(target, now=NOW)
        assert not isinstance(result, Failed), result

    return request


def bare(session: aiohttp.ClientSession, target: FeedTarget) -> Request:
    """The same request by aiohttp alone, its body read and unpacked by it."""
    headers = {"If-None-Match": target.validators.etag or ""} if target.validators.etag else {}

    async def request() -> None:
        async with session.get(target.url, headers=headers) as response:
            await response.read()

    return request


async def table(plain: str, secure: str, ca_file: Path, count: int) -> list[tuple[str, float, float]]:
    """Rows of what, ours, and aiohttp alone."""
    etag = Validators('"1"')
    cases = [
        ("304, kept connection", FeedTarget(plain + "feed", etag), count),
        ("304, new TCP connection", FeedTarget(plain + "close", etag), count),
        ("304, new TLS connection", FeedTarget(secure + "close", etag), count // 5),
        ("200, 18 kB of gzip", FeedTarget(plain + "feed"), count),
        ("200, the same body", FeedTarget(plain + "feed", Validators(body_hash=body_hash(BODY))), count),
    ]
    rows = []
    async with Fetcher(guard=GUARD, ca_file=ca_file) as fetcher:
        client = Client(guard=GUARD, ca_file=ca_file)
        context = client.session().connector
        assert isinstance(context, aiohttp.TCPConnector)
        async with aiohttp.ClientSession(connector=context, connector_owner=False) as session:
            for name, target, number in cases:
                mine = await measure(ours(fetcher, target), number)
                rows.append((name, mine, await measure(bare(session, target), number)))
        await client.close()
    return rows


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=2000, help="requests a round")
    options = parser.parse_args()
    with servers() as (plain, secure, ca_file):
        rows = asyncio.run(table(plain, secure, ca_file, options.count))
    print(f"{'CPU ms a request':28} {'fetcher':>8} {'aiohttp':>8} {'ratio':>6}")
    for name, mine, theirs in rows:
        print(f"{name:28} {mine:8.3f} {theirs:8.3f} {mine / theirs:6.2f}")
    print(f"{'median ratio':28} {statistics.median(mine / theirs for _, mine, theirs in rows):24.2f}")


if __name__ == "__main__":
    main()
