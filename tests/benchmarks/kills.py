"""kill -9 at random moments: ``python -m tests.benchmarks.kills [--kills 1000] [--lanes 3] [--postgres]``.

Each lane has a database, feeds that publish, a hub, folders, and a process that works on them: the daemon, or
``poll``, ``import``, ``retag``, ``backup``, ``migrate``. It is killed at a random time (0.05 to 3 s after its
start), or after a random number of its commits; the seed can be given. After every kill the database must be
whole; every article there once; a feed's validators not ahead of its articles; a file's record not ahead of
its article; counts, full-text index and summaries equal to the articles; every backup in its place readable.
Then the next begins, on what was left.
At the end of a lane everything is looked at once more: nothing that was published is missing, and what a
hub's delivery was accepted for is there. Prints the kills by phase. The databases lie in /dev/shm where there
is one: a killed process leaves what it wrote to the kernel, wherever that keeps it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import nullcontext
from pathlib import Path

from loguru import logger

from tests.benchmarks.kills_lane import PHASES, Lane
from tests.postgres import server as postgres_server

_ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    """Run all lanes, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--lanes", type=int, default=3, help="databases that are worked on at a time")
    parser.add_argument("--minutes", type=float, default=600.0, help="begin no further turn after so long")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--lane", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.lane is not None:
        run_lane(options)
        return
    share = -(-options.kills // options.lanes)
    arguments = ["--kills", str(share), "--seed", str(options.seed), "--minutes", str(options.minutes)]
    arguments += ["--postgres"] if options.postgres else []
    lanes = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.kills", *arguments, "--lane", str(number)],
            cwd=_ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(options.lanes)
    ]
    told = [lane.communicate()[0] for lane in lanes]
    codes = [lane.returncode for lane in lanes]
    _print(told)
    sys.exit(max(map(abs, codes)))


def run_lane(options: argparse.Namespace) -> None:
    """One lane; prints what it counted as one JSON line, and a word to stderr now and then."""
    logger.remove()
    until = time.monotonic() + 60 * options.minutes
    quick = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with (
        tempfile.TemporaryDirectory(dir=quick) as home,
        postgres_server() if options.postgres else nullcontext() as postgres,
        Lane(Path(home), seed=options.seed * 1000 + options.lane, postgres=postgres) as lane,
    ):
        for number in range(options.kills):
            if time.monotonic() > until:
                break
            lane.turn()
            if number % 25 == 24:
                lane.look_deep()
                print(f"lane {options.lane}: {number + 1} kills, {lane.stored():,} articles", file=sys.stderr)
                print(json.dumps(lane.counted), file=sys.stderr)
        lane.finish()
        print(json.dumps(lane.counted), flush=True)


def _print(told: list[str]) -> None:
    total = Counter[str]()
    for text in told:
        for line in text.splitlines():
            total.update(json.loads(line))
    heading = ("phase", "started", "killed", "had ended", "failed")
    print("".join(f"{name:>15}" for name in heading))
    for phase in PHASES:
        cells = (phase, *(total[f"{phase} {what}"] for what in ("started", "killed", "ended", "failed")))
        print("".join(f"{cell:>15,}" if isinstance(cell, int) else f"{cell:>15}" for cell in cells))
    print(f"{'together':>15}" + "".join(
        f"{sum(total[f'{phase} {what}'] for phase in PHASES):>15,}"
        for what in ("started", "killed", "ended", "failed")
    ))  # fmt: skip
    print("\nafter the kills")
    for name, count in sorted(total.items()):
        if name.startswith("= "):
            print(f"  {name[2:]:60}{count:>10,}")


if __name__ == "__main__":
    main()
