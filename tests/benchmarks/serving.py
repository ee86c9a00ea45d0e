"""How fast the page, the API and the feeds answer while the daemon imports: a real daemon, many clients.

    python -m tests.benchmarks.serving [--requests 10000] [--clients 50] [--files 5000]

A daemon is started in a folder of its own and told to import a folder of articles; as soon as some are
stored, the clients ask, each one request after the other on a connection of its own, as browsers, programs
and feed readers do. Latency is from sending a request until the first byte of the answer; whatever is no 200
or 304 is an error. Ends with 1 where there was any.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import random
import re
import signal
import statistics
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp

from tests.daemon_process import DaemonProcess

TEXT = """
    council minister embargo sanctions shipment artillery shells summit visit talks border panel of experts
    said that on the for with against after before agreement trade oil vessels list measures freeze assets
    statement capital region army missile launch test range report inspectors harbour people market weather
"""
QUERIES = (
    "topic:sanctions", "topic:arms since:30d", '"panel of experts"', "artillery shells", "embargo -summit",
    "topic:diplomacy OR topic:arms", "title:visit", "missile launch topic:arms",
)  # fmt: skip
SETTINGS = {
    "WIREWATCH_WEB_PORT": "0",
    "WIREWATCH_API_RATE": "0",  # all clients have one address
    "WIREWATCH_SCHEDULE_WORKERS": "1",
    "WIREWATCH_FOLDERS_STILL_FOR": "0s",
    "WIREWATCH_SEEDS_IMPORT": "false",
}
START_SECONDS = 180.0  # that a crowded machine may take
BEGIN_AT = 200  # articles stored before the clients begin
START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Measured:
    """What came back."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))  # to the first byte
    whole: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)


def write_articles(folder: Path, count: int) -> None:
    """Text files that are articles, each another."""
    folder.mkdir()
    chance, words = random.Random(7), TEXT.split()
    for number in range(count):
        when = START - timedelta(minutes=30 * number)
        sentences = [
            " ".join(chance.choices(words, k=chance.randint(8, 20))).capitalize() + "." for _ in range(12)
        ]
        title = " ".join(chance.choices(words, k=7)).capitalize()
        text = f"{title} {number}\n\n{when:%d %B %Y}\n\n" + "\n\n".join(
            " ".join(sentences[start : start + 3]) for start in range(0, 12, 3)
        )
        (folder / f"{number:06}.txt").write_text(text, encoding="utf-8")


def addresses(chance: random.Random, newest: int) -> Iterator[tuple[str, str]]:
    """(kind, path) of one request after the other, without end."""
    while True:
        query, number = chance.choice(QUERIES), chance.randint(1, newest)
        yield from chance.sample(
            [
                ("page: list", "/"),
                ("page: query", f"/?q={query}"),
                ("page: article", f"/articles/{number}"),
                ("page: sources", "/sources"),
                ("api: newest", "/api/v1/articles?limit=50"),
                ("api: query", f"/api/v1/articles?q={query}&limit=50"),
                ("api: relevance", "/api/v1/articles?q=artillery+border&order=relevance&limit=20"),
                ("api: article", f"/api/v1/articles/{number}"),
                ("api: counts", f"/api/v1/counts?q={query}"),
                ("api: timeline", "/api/v1/timeline?q=topic:arms"),
                ("api: changes", "/api/v1/changes?limit=100"),
                ("api: topics", "/api/v1/topics"),
                ("feed: topic", "/feeds/topic/sanctions.atom"),
            ],
            k=13,
        )


async def client(base: str, share: Sequence[int], newest: int, measured: Measured) -> None:
    """One client: its share of the requests, one after the other."""
    paths = addresses(random.Random(share[0]), newest)
    timeout = aiohttp.ClientTimeout(total=60)
    async with aiohttp.ClientSession(base, timeout=timeout) as session:
        for kind, path in itertools.islice(paths, len(share)):
            begun = time.perf_counter()
            try:
                async with session.get(path.replace(" ", "+")) as answer:
                    measured.seconds[kind].append(time.perf_counter() - begun)
                    await answer.read()
                    measured.whole.append(time.perf_counter() - begun)
                    if answer.status not in {200, 304}:
                        measured.errors[f"{answer.status} {path}"] += 1
            except (aiohttp.ClientError, TimeoutError) as error:
                measured.errors[f"{type(error).__name__} {path}"] += 1


async def ask_all(base: str, requests: int, clients: int, newest: int) -> tuple[Measured, float]:
    """All requests by all clients; gives what came back, and how long it took."""
    measured = Measured()
    begun = time.perf_counter()
    shares = [range(number, requests, clients) for number in range(clients)]
    await asyncio.gather(*(client(base, share, newest, measured) for share in shares))
    return measured, time.perf_counter() - begun


async def stored(base: str) -> int:
    """How many articles there are."""
    async with aiohttp.ClientSession(base) as session, session.get("/api/v1/counts") as answer:
        return int((await answer.json())["articles"])


def address_of(daemon: DaemonProcess) -> str:
    """Where the daemon serves, once it does."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and daemon.process.poll() is None:
        for line in daemon.lines:
            if "serving the page" in line and (found := re.search(r"http://\S+", line)):
                return found[0]
        time.sleep(0.1)
    raise AssertionError("the daemon did not start; it said:\n" + "".join(daemon.lines))


def wait_for(base: str, count: int) -> int:
    """Wait until so many articles are stored; gives how many."""
    while (found := asyncio.run(stored(base))) < count:
        time.sleep(0.2)
    return found


def row(kind: str, seconds: Sequence[float]) -> str:
    """A line of the table, milliseconds."""
    cuts = statistics.quantiles(seconds, n=100, method="inclusive") if len(seconds) > 1 else [*seconds] * 99
    p50, p95, p99 = (cuts[at] * 1000 for at in (49, 94, 98))
    return f"{kind:<16} {len(seconds):>7} {p50:>8.1f} {p95:>8.1f} {p99:>8.1f} {max(seconds) * 1000:>8.1f}"


def main() -> int:
    """Run it, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--files", type=int, default=5_000)
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the daemon ends with it
    with tempfile.TemporaryDirectory() as place:
        home = Path(place)
        write_articles(home / "articles", asked.files)
        (home / "wirewatch.toml").write_text(
            f'[[sources]]\npath = "{home / "articles"}"\nschedule = "every 1h"\n', encoding="utf-8"
        )
        with DaemonProcess(home, extra=SETTINGS) as daemon:
            base = address_of(daemon)
            before = wait_for(base, min(BEGIN_AT, asked.files))
            measured, took = asyncio.run(ask_all(base, asked.requests, asked.clients, before))
            after = asyncio.run(stored(base))
            daemon.stop()
    print(
        f"{sum(map(len, measured.seconds.values())):,} requests by {asked.clients} clients in {took:.1f} s "
        f"({asked.requests / took:.0f} a second); {before:,} articles at first, {after:,} at last; "
        f"load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors"
    )
    print(f"{'first byte, ms':<16} {'count':>7} {'p50':>8} {'p95':>8} {'p99':>8} {'max':>8}")
    for kind, seconds in sorted(measured.seconds.items()):
        print(row(kind, seconds))
    print(row("all", [one for seconds in measured.seconds.values() for one in seconds]))
    print(row("all, whole", measured.whole))
    for problem, count in measured.errors.most_common(10):
        print(f"ERROR {count} times: {problem}")
    print(f"{measured.errors.total()} errors")
    return 1 if measured.errors else 0


if __name__ == "__main__":
    sys.exit(main())
