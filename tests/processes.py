"""Real processes for tests: a function of a module, run by fresh interpreters that start together."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_START = """
import importlib, json, sys
module, name, arguments = sys.argv[1:4]
work = getattr(importlib.import_module(module), name)
print("ready", flush=True)
sys.stdin.readline()
print(json.dumps(work(*json.loads(arguments))), flush=True)
"""


def start(module: str, name: str, arguments: str) -> subprocess.Popen[str]:
    """A process that has imported the function and waits for a line before it calls it.

    ``arguments`` is a JSON list. What the function gives is printed as JSON.
    """
    process = subprocess.Popen(
        [sys.executable, "-c", _START, module, name, arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    return process


def go(processes: Sequence[subprocess.Popen[str]]) -> None:
    """Wait until all are ready, then let them all begin."""
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()


def finish(processes: Sequence[subprocess.Popen[str]], *, timeout: float = 60) -> list[str]:
    """What each printed last; every one must have ended well."""
    printed = []
    for process in processes:
        out, _ = process.communicate(timeout=timeout)
        assert process.returncode == 0, out
        printed.append(out.splitlines()[-1])
    return printed
