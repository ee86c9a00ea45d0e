"""The console script: run one command, and turn whatever happens into one line and an exit code."""

from __future__ import annotations

import errno
import os
import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

import click

from service.cli.exits import Exit, complain, exit_code, report
from service.cli.group import wirewatch

# Of a write to an open stream; what concerns a file names it.
_OUTPUT = frozenset((errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EIO))
_GUESS = re.compile(r"\. Did you mean (.*)\?$")  # click's own sentence, to be part of ours


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``wirewatch`` with ``arguments`` (those of the process when None); gives the exit code."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character must not end the command.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = _run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        _forget_output()
        return Exit.PIPE
    except OSError as error:
        complain(f"the output cannot be written: {error.strerror or error}")
        _forget_output()
        return Exit.FAILED
    return code


def _forget_output() -> None:
    """What is still buffered would be written, and fail again, when the interpreter ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(arguments: Sequence[str] | None) -> int:
    try:
        result = wirewatch.main(
            args=None if arguments is None else list(arguments),
            prog_name="wirewatch",
            standalone_mode=False,
        )
    except (click.Abort, KeyboardInterrupt):
        complain("interrupted")
        return Exit.INTERRUPTED
    except click.ClickException as error:
        complain(_usage(error))
        return Exit.USAGE
    except Exception as error:
        if isinstance(error, OSError) and error.filename is None and error.errno in _OUTPUT:
            raise
        code = exit_code(error)
        if code is None:
            return report(error, os.environ, datetime.now(UTC))
        # A query that cannot be read points at the place.
        complain("\n".join(filter(None, (str(error), getattr(error, "pointer", "")))))
        return code
    return int(result) if isinstance(result, int) else Exit.DONE


def _usage(error: click.ClickException) -> str:
    """A wrong command line in one line, with where to read on."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "wirewatch"
    message = " ".join(error.format_message().split()).rstrip(".")
    message = _GUESS.sub(r" (did you mean \1?)", message)
    return f"{message[:1].lower()}{message[1:]}; see '{path} --help'"
