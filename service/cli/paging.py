"""Long answers through the reader's pager, on a terminal; elsewhere they are written as they are."""

from __future__ import annotations

import io
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, cast

_DEFAULT = "less"
# As git does: leave at once where one screen is enough, keep colours, leave the answer on the screen.
_LESS = {"LESS": "FRX", "LV": "-c"}


@contextmanager
def paged() -> Iterator[None]:
    """What is printed inside goes through ``$PAGER`` (else ``less``), where standard output is a terminal.

    ``PAGER=cat`` does without. Leaving the pager early ends the command as if it had printed everything.
    """
    command = _command()
    if command is None:
        yield
        return
    pager = subprocess.Popen(command, stdin=subprocess.PIPE, env={**_LESS, **os.environ})  # noqa: S603
    assert pager.stdin is not None
    before = sys.stdout
    sys.stdout = _Terminal(pager.stdin, encoding="utf-8", errors="backslashreplace", write_through=True)
    try:
        with suppress(BrokenPipeError):
            yield
    finally:
        with suppress(BrokenPipeError):
            sys.stdout.close()
        sys.stdout = before
        _wait(pager)


class _Terminal(io.TextIOWrapper):
    """A pipe to a pager, which shows what a terminal would."""

    def __init__(self, stream: IO[bytes], **more: object) -> None:
        super().__init__(cast(io.BufferedWriter, stream), **more)  # type: ignore[arg-type]

    def isatty(self) -> bool:
        return True


def _command() -> list[str] | None:
    if not sys.stdout.isatty() or os.environ.get("TERM", "dumb") == "dumb":
        return None
    try:
        command = shlex.split(os.environ.get("PAGER", _DEFAULT))
    except ValueError:
        return None
    if not command or command == ["cat"] or shutil.which(command[0]) is None:
        return None
    return command


def _wait(pager: subprocess.Popen[bytes]) -> None:
    """Until the reader leaves: Ctrl-C is the pager's then."""
    before = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        pager.wait()
    finally:
        signal.signal(signal.SIGINT, before)
