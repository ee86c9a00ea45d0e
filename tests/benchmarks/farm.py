"""Polling a farm of feeds, beside other programs: ``python -m tests.benchmarks.farm``.

Builds a farm (1,000 feeds, some 30,000 entries), serves it on loopback, and has every program that is
installed look at it, in turns, with fresh databases in each round:

====  ====================================================================================
W1    the first import of everything
W2    again, all answered 304
W3    again, a twentieth of the feeds have one to three new entries
W4    again, without validators: the same bodies come whole
W4b   again, in every feed only its own date differs
W2s   as W2, over TLS with a new connection for each feed (of ``--tls-feeds`` feeds)
====  ====================================================================================

What counts is CPU a feed, user and system with all children, the least of the rounds, and its ratio to
Wirewatch's. ``WIREWATCH_PEERS_PYTHON`` names an interpreter that has ``reader``, ``requests`` and
``feedparser``; newsboat and sfeed are taken from the PATH.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from tests.benchmarks import farm_feeds
from tests.benchmarks.farm_peers import PEERS, Peer, Run, installed
from tests.benchmarks.farm_server import PLAIN, VALIDATORS, FarmServer, serving

SEED = 1
WORKS = ("W1", "W2", "W3", "W4", "W4b", "W1s", "W2s")

Results = dict[str, dict[str, list[Run]]]  # by peer and work


def write(folder: Path, count: int, generation: int, touched: int, number: int) -> int:
    """Write one feed, plain and packed; gives how many bytes it has."""
    body, changed = farm_feeds.render(farm_feeds.feed(SEED, number, count), generation, touched)
    path = folder / "www" / f"{number}.xml"
    moment = changed.timestamp() - (0 if generation or touched else 86_400)
    for name, content in ((path, body), (path.with_suffix(".xml.gz"), gzip.compress(body, 6, mtime=0))):
        name.write_bytes(content)
        os.utime(name, (moment, moment))
    return len(body)


def build(folder: Path, count: int, generation: int = 0, touched: int = 0, *, changed: bool = False) -> int:
    """Bring the farm to a generation; gives the bytes written.

    :param changed: only the feeds that this generation changes
    """
    numbers: Iterable[int] = range(count)
    if changed:
        numbers = [n for n in numbers if farm_feeds.gained(SEED, n, generation)]
    with get_context("spawn").Pool(2) as pool:
        return sum(pool.imap(partial(write, folder, count, generation, touched), numbers, chunksize=20))


class Farm:
    """The feeds and the server, and what the works do to them."""

    def __init__(self, folder: Path, count: int, server: FarmServer) -> None:
        self.folder, self.count, self.server = folder, count, server

    def works(self) -> dict[str, Callable[[], object]]:
        """How the farm is brought into the state that each work wants, in this order."""
        return {
            "W1": self._fresh,
            "W2": lambda: self.server.serve(VALIDATORS),
            "W3": lambda: build(self.folder, self.count, 1, changed=True),
            "W4": lambda: self.server.serve(PLAIN),
            "W4b": lambda: build(self.folder, self.count, 1, touched=60),
        }

    def _fresh(self) -> None:
        mark = self.folder / "built"
        if not mark.exists() or mark.read_text() != str(self.count):
            size = build(self.folder, self.count)
            print(f"{self.count:,} feeds, {size / 1e6:.0f} MB", flush=True)
        mark.write_text(str(self.count))
        self.server.serve(VALIDATORS)

    def spoilt(self) -> None:
        """The farm is no longer as built: the next first import builds it again."""
        (self.folder / "built").unlink(missing_ok=True)


def measure(farm: Farm, peers: Sequence[type[Peer]], works: Sequence[str], rounds: int) -> Results:
    """Every peer in turns, as many rounds as asked, each with new databases."""
    results: Results = {}
    urls = [farm.server.url(number) for number in range(farm.count)]
    for number in range(rounds):
        with tempfile.TemporaryDirectory(prefix="farm-") as place:
            there = [one(Path(place) / f"{n}", urls, farm.server.bundle) for n, one in enumerate(peers)]
            try:
                for work, prepare in farm.works().items():
                    if work not in works and work != "W1":
                        continue
                    prepare()
                    if work in ("W3", "W4b"):
                        farm.spoilt()
                    _in_turns(farm.server, there, work, results, number)
            finally:
                for peer in there:
                    peer.close()
    return results


def measure_tls(
    server: FarmServer, count: int, peers: Sequence[type[Peer]], rounds: int, results: Results
) -> None:
    """The same feeds over TLS: imported, then all unchanged."""
    urls = [server.url(number, tls=True) for number in range(count)]
    for number in range(rounds):
        with tempfile.TemporaryDirectory(prefix="farm-") as place:
            there = [one(Path(place) / f"{n}", urls, server.bundle) for n, one in enumerate(peers)]
            try:
                for work in ("W1s", "W2s"):
                    _in_turns(server, there, work, results, number)
            finally:
                for peer in there:
                    peer.close()


def _in_turns(server: FarmServer, peers: Sequence[Peer], work: str, results: Results, number: int) -> None:
    for peer in peers:
        server.answers()
        run = peer.run()
        results.setdefault(peer.name, {}).setdefault(work, []).append(run)
        answers = ", ".join(f"{many} of {status}" for status, many in sorted(server.answers().items()))
        count = len(peer.urls)
        print(
            f"round {number + 1} {work:4}{peer.name:16}{run.cpu * 1000 / count:9.3f} ms a feed"
            f"{run.wall:8.1f} s{run.peak:7.0f} MB  {peer.stored():>7,} kept  {answers}",
            flush=True,
        )


def table(results: Results, counts: dict[str, int]) -> str:
    """CPU in ms a feed, least (median), and how many times Wirewatch's least that is."""
    ours = results["wirewatch run"]
    works = [work for work in WORKS if work in ours]
    lines = ["| CPU ms a feed | " + " | ".join(works) + " | peak MB |", "|---" * (len(works) + 2) + "|"]
    for name, by_work in results.items():
        cells = []
        for work in works:
            times = [run.cpu * 1000 / counts[work] for run in by_work[work]]
            least = min(run.cpu * 1000 / counts[work] for run in ours[work])
            ratio = "" if by_work is ours else f" x{min(times) / least:.1f}"
            cells.append(f"{min(times):.2f} ({statistics.median(times):.2f}){ratio}")
        peak = max(run.peak for runs in by_work.values() for run in runs)
        lines.append(f"| {name} | " + " | ".join(cells) + f" | {peak:.0f} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Build, run, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--feeds", type=int, default=1000)
    parser.add_argument("--tls-feeds", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--peers", default=",".join(peer.name for peer in PEERS), help="by name, with commas")
    parser.add_argument("--works", default=",".join(WORKS), help="which of them; W1 comes first in any case")
    parser.add_argument("--folder", type=Path, help="where the farm is kept for another time")
    parser.add_argument("--json", type=Path, help="a file for the results")
    given = parser.parse_args(arguments)
    chosen = [peer for peer in PEERS if peer.name in given.peers.split(",")]
    peers = [peer for peer in chosen if installed(peer)]
    for missing in set(chosen) - set(peers):
        print(f"not installed: {missing.name}", file=sys.stderr)
    works = given.works.split(",")
    with tempfile.TemporaryDirectory(prefix="farm-") as place:
        folder = (given.folder or Path(place)).absolute()
        with serving(folder) as server:
            farm = Farm(folder, given.feeds, server)
            results = measure(farm, peers, works, given.rounds)
            if "W2s" in works:
                server.serve(VALIDATORS)
                measure_tls(server, min(given.tls_feeds, given.feeds), peers, given.rounds, results)
    small = min(given.tls_feeds, given.feeds)
    counts = {work: small if work.endswith("s") else given.feeds for work in WORKS}
    print("\n" + table(results, counts))
    if given.json:
        kept = {
            name: {work: [asdict(run) for run in runs] for work, runs in by.items()}
            for name, by in results.items()
        }
        given.json.write_text(json.dumps({"feeds": counts, "results": kept}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
