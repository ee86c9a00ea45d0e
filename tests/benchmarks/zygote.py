"""Starts ``wirewatch`` commands without the half second that Python takes to import them.

A process that has imported the program and then forks for every command: the child is what the console script
is, with its own session, folder, environment and output. It has one thread, so that forking is safe.

Worker processes, too, are forked and not spawned here, for the same reason: a daemon would else be killed
before its workers have imported what they need, or take seconds for each.

It reads ``start JSON`` and ``wait PID`` from its standard input, and answers each with one line.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]


class Zygote:
    """The process, from outside."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.zygote"],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self, arguments: Sequence[str], *, cwd: Path, environ: Mapping[str, str], log: Path) -> int:
        """Begin a command; its process."""
        order = {"arguments": list(arguments), "cwd": str(cwd), "environ": dict(environ), "log": str(log)}
        return int(self._say(f"start {json.dumps(order)}"))

    def wait(self, pid: int) -> int:
        """Until it has ended; its exit code, below 0 for a signal."""
        return int(self._say(f"wait {pid}"))

    def _say(self, order: str) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(order + "\n")
        self._process.stdin.flush()
        return self._process.stdout.readline()

    def close(self) -> None:
        """End it."""
        self._process.communicate()


def main() -> None:
    """Inside: everything imported, then order after order."""
    import service.application  # noqa: PLC0415
    import service.daemon  # noqa: PLC0415
    import service.web.app  # noqa: PLC0415
    import service.web.server  # noqa: PLC0415
    import service.workers  # noqa: PLC0415

    forking = multiprocessing.get_context("fork")
    setattr(multiprocessing, "get_context", lambda method=None: forking)  # noqa: B010
    setattr(service.workers, "Handover", lambda value: value)  # noqa: B010 - a class, for mypy

    for line in sys.stdin:
        order, _, rest = line.partition(" ")
        if order == "wait":
            _, status = os.waitpid(int(rest), 0)
            print(os.waitstatus_to_exitcode(status), flush=True)
            continue
        pid = os.fork()
        if pid == 0:
            _become(json.loads(rest))
        print(pid, flush=True)


def _become(order: dict[str, object]) -> None:
    """In the child: be the command."""
    code = 70
    try:
        os.setsid()
        os.chdir(str(order["cwd"]))
        environ = order["environ"]
        assert isinstance(environ, dict)
        os.environ.clear()
        os.environ.update(environ)
        log = os.open(str(order["log"]), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((nothing, 0), (log, 1), (log, 2)):
            os.dup2(source, target)
        from service.cli.entry import main as run  # noqa: PLC0415

        arguments = order["arguments"]
        assert isinstance(arguments, list)
        try:
            code = run(arguments)
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else 1
        sys.stdout.flush()
    finally:
        os._exit(code)


if __name__ == "__main__":
    main()
