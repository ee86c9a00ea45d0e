"""Large values for spawned processes: whole in each of them, and no wait for one that dies as it starts."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
from multiprocessing.queues import SimpleQueue
from pathlib import Path

from service.handover import Handover

LARGE = 3_000_000  # bytes: more than a pipe or any buffer on the way holds

# What `python` is to the child is a program that ends at once and reads nothing.
_DEAD_CHILD = f"""
import multiprocessing, multiprocessing.spawn
from service.handover import Handover
multiprocessing.spawn.set_executable("/bin/true")
process = multiprocessing.get_context("spawn").Process(target=len, args=(Handover(b"x" * {LARGE}),))
process.start()
process.join()
print("went on")
"""


def test_every_process_has_the_whole_value() -> None:
    handed = Handover(b"x" * LARGE)
    context = multiprocessing.get_context("spawn")
    queue = context.SimpleQueue()
    processes = [context.Process(target=_tell, args=(handed, queue)) for _ in range(2)]
    for process in processes:
        process.start()
    assert [queue.get(), queue.get()] == [LARGE, LARGE]
    for process in processes:
        process.join()
        assert process.exitcode == 0


def _tell(value: bytes, queue: SimpleQueue[int]) -> None:
    queue.put(len(value))


def test_a_process_that_dies_as_it_starts_holds_nobody_up() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _DEAD_CHILD],
        cwd=Path(__file__).resolve().parent.parent,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.stdout == "went on\n", done.stderr
