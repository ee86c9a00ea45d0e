"""Exit codes, and what a person is told of an error: one line that says what to do, never a traceback."""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from collections.abc import Mapping
from datetime import datetime
from enum import IntEnum
from pathlib import Path

from service.errors import DaemonError, SettingsError, TopicsError, UsageError, WirewatchError
from service.masking import mask, plain

REPORT = "wirewatch-error.txt"


class Exit(IntEnum):
    """What an exit code says; the README's table is checked against this."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    NOT_FOUND = 3
    DATABASE = 4
    DAEMON = 5
    DAMAGED = 6
    INTERNAL = 70
    INTERRUPTED = 130
    PIPE = 141

    @property
    def meaning(self) -> str:
        """In words."""
        return _MEANINGS[self]


_MEANINGS = {
    Exit.DONE: "done",
    Exit.FAILED: "some of the work failed: a source, a file; the rest was done (doctor: something is to do)",
    Exit.USAGE: "the command line, the settings or the topics file are wrong; nothing was done",
    Exit.NOT_FOUND: "what was named (an article, a source, a topic) does not exist",
    Exit.DATABASE: "the database cannot be used: missing, locked, full, of another version",
    Exit.DAEMON: "the daemon cannot start or go on",
    Exit.DAMAGED: "the database is damaged: restore a backup",
    Exit.INTERNAL: "a fault of Wirewatch; a report was written",
    Exit.INTERRUPTED: "interrupted by Ctrl-C",
    Exit.PIPE: "the reader of the output went away",
}


def complain(message: str) -> None:
    """Say on standard error what is wrong; each line of the message is one."""
    for line in message.strip().splitlines() or ["failed"]:
        print(f"wirewatch: {plain(mask(line))}", file=sys.stderr)  # noqa: T201 - this is where people read


def exit_code(error: BaseException) -> Exit | None:
    """The code of a foreseen error, None for one that nobody foresaw."""
    match error:
        case SettingsError() | TopicsError() | UsageError():
            return Exit.USAGE
        case DaemonError():
            return Exit.DAEMON
        case WirewatchError():
            return Exit.FAILED
    # Importing models costs more than all the rest; what was never imported cannot have been raised.
    storage = sys.modules.get("models.errors")
    if storage is not None and isinstance(error, storage.StorageError):
        if isinstance(error, storage.NotFound):
            return Exit.NOT_FOUND
        if isinstance(error, storage.DatabaseDamaged):
            return Exit.DAMAGED
        wrong = isinstance(error, storage.QueryError | storage.AlreadyThere)
        return Exit.USAGE if wrong else Exit.DATABASE
    return None


def report(error: BaseException, environ: Mapping[str, str], now: datetime) -> Exit:
    """Write down an error that nobody foresaw, and say where."""
    told = mask("".join(traceback.format_exception(error)))
    text = f"{now.isoformat()}\n{' '.join(sys.argv[:2])}\nPython {sys.version}\n\n{told}"
    summary = " ".join(f"{type(error).__name__}: {error}".split())
    complain(f"an unexpected fault: {summary[:300]}; {_written(text, environ)}")
    return Exit.INTERNAL


def _written(text: str, environ: Mapping[str, str]) -> str:
    from service.settings_load import data_folder  # noqa: PLC0415 - only needed when all else has failed

    for folder in (data_folder(environ)[0], Path(tempfile.gettempdir())):
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            path = folder / REPORT
            # A link that someone else laid in a shared folder is not followed.
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
            with os.fdopen(os.open(path, flags, 0o600), "w", encoding="utf-8", errors="replace") as file:
                file.write(text)
        except OSError:
            continue
        return f"the report to send is {path}"
    return "no report could be written"
