"""Logging, set up once: lines for people, JSON on request, the journal's own protocol under systemd.

What reaches a log comes partly from outside, so every output masks secrets and drops control characters,
and no message can pretend to be two: its further lines are indented. Locals are never shown
(``diagnose=False``): they hold passwords and texts.
"""

from __future__ import annotations

import json as json_format
import logging
import os
import re
import socket
import struct
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from datetime import UTC
from typing import TYPE_CHECKING, TextIO

from loguru import logger

from service.masking import mask, plain

if TYPE_CHECKING:
    from loguru import Message, Record

JOURNAL_SOCKET = "/run/systemd/journal/socket"
_MAX_FIELD = 65_536  # characters; one entry must fit a datagram
# syslog(3); loguru's "success" is a notice.
_PRIORITIES = {"TRACE": 7, "DEBUG": 7, "INFO": 6, "SUCCESS": 5, "WARNING": 4, "ERROR": 3, "CRITICAL": 2}
_COLOURS = {"TRACE": "2", "DEBUG": "2", "SUCCESS": "32", "WARNING": "33", "ERROR": "31", "CRITICAL": "1;31"}
_FIELD_NAME = re.compile(r"[^A-Z0-9_]")
# They report every turn of their wheels at "info", Peewee every statement with its texts at "debug".
_CHATTY = ("asyncio", "aiohttp", "charset_normalizer", "peewee")
# `service.scheduler` listens to every missed, failed and overrunning job, and says it once; their own logger
# would say it again at every run, with a traceback.
_SPOKEN_FOR = ("apscheduler",)
_CHATTER = {"TRACE": logging.DEBUG, "DEBUG": logging.INFO}


def configure(
    level: str = "info",
    json: bool = False,
    stream: TextIO | None = None,
    environ: Mapping[str, str] | None = None,
    *,
    journal: str = JOURNAL_SOCKET,
) -> None:
    """Send everything that is logged, the standard library's logging too, to one place.

    ``stream`` is standard error when None. With ``JOURNAL_STREAM`` in ``environ`` naming that very stream,
    entries go to the journal's socket ``journal`` with their fields, or, where it cannot be reached, as lines
    with a ``<N>`` priority (sd-daemon(3)). Calling it again replaces what was set.
    """
    stream = sys.stderr if stream is None else stream
    environ = os.environ if environ is None else environ
    logger.remove()
    logger.add(
        _sink(json, stream, environ, journal),
        level=level.upper(),
        format=lambda _: "",  # the sinks write the record themselves
        backtrace=False,
        diagnose=False,
        colorize=False,
    )
    logging.basicConfig(handlers=[_Intercept()], level=logging.NOTSET, force=True)
    for name in _SPOKEN_FOR:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(_CHATTER.get(level.upper(), logging.WARNING))
    logging.captureWarnings(True)
    threading.excepthook = _thread_died


def _sink(json: bool, stream: TextIO, environ: Mapping[str, str], journal: str) -> _Lines | _Journal:
    if json:
        return _Lines(stream, _as_json)
    if _is_journal(stream, environ.get("JOURNAL_STREAM", "")):
        return _Journal(journal, _Lines(stream, _with_priority))
    coloured = stream.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
    return _Lines(stream, _in_colour if coloured else _for_people)


def _is_journal(stream: TextIO, named: str) -> bool:
    """Whether the stream is the one that the service manager connected to the journal (systemd.exec(5))."""
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return named == f"{status.st_dev}:{status.st_ino}"


class _Lines:
    """Writes records to a stream as lines."""

    def __init__(self, stream: TextIO, write: Callable[[Record], str]) -> None:
        self._stream = stream
        self._write = write

    def write(self, message: Message) -> None:
        try:
            self._stream.write(self._write(message.record) + "\n")
            self._stream.flush()
        except (OSError, ValueError):
            # Nobody listens any more (a closed pipe, a full disk): the work does not depend on being heard.
            return


class _Journal:
    """Writes records to the journal with their fields (systemd.io/JOURNAL_NATIVE_PROTOCOL)."""

    def __init__(self, path: str, otherwise: _Lines) -> None:
        self._path = path
        self._otherwise = otherwise
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)

    def write(self, message: Message) -> None:
        record = message.record
        text = "\n".join(filter(None, (_said(record), _trace(record))))
        fields = {
            "MESSAGE": text,
            "PRIORITY": str(_priority(record)),
            "SYSLOG_IDENTIFIER": "wirewatch",
            "LOGGER": str(record["name"]),
            "CODE_FILE": record["file"].path,
            "CODE_LINE": str(record["line"]),
            "CODE_FUNC": record["function"],
            **{_field_name(name): _shown(value) for name, value in record["extra"].items()},
        }
        try:
            self._socket.sendto(b"".join(_field(*item) for item in fields.items()), self._path)
        except OSError:
            self._otherwise.write(message)

    def stop(self) -> None:
        self._socket.close()


def _field(name: str, value: str) -> bytes:
    data = value[:_MAX_FIELD].encode("utf-8", "replace")
    if b"\n" not in data:
        return b"%s=%s\n" % (name.encode(), data)
    return b"%s\n%s%s\n" % (name.encode(), struct.pack("<Q", len(data)), data)


def _field_name(name: str) -> str:
    # Names that begin with "_" are the journal's own.
    return "WIREWATCH_" + _FIELD_NAME.sub("_", name.upper())


def _priority(record: Record) -> int:
    return _PRIORITIES.get(record["level"].name, 6)


def _said(record: Record) -> str:
    return plain(mask(record["message"]), lines=True).strip()


def _trace(record: Record) -> str:
    error = record["exception"]
    if error is None:
        return ""
    lines = traceback.format_exception(error.type, error.value, error.traceback)
    return plain(mask("".join(lines)), lines=True).rstrip()


def _shown(value: object) -> str:
    return plain(mask(str(value)))


def _one(record: Record, start: str, end: str = "") -> str:
    extra = "".join(f" {name}={_quoted(_shown(value))}" for name, value in record["extra"].items())
    said = _said(record).replace("\n", "\n    ")
    return "\n".join(filter(None, (f"{start}{said}{extra}{end}", _trace(record))))


def _quoted(text: str) -> str:
    return (
        text if text and " " not in text and '"' not in text else json_format.dumps(text, ensure_ascii=False)
    )


def _for_people(record: Record) -> str:
    time = record["time"].astimezone(UTC)
    return _one(record, f"{time:%Y-%m-%dT%H:%M:%SZ} {record['level'].name:<8} ")


def _in_colour(record: Record) -> str:
    colour = _COLOURS.get(record["level"].name)
    time = f"\x1b[2m{record['time'].astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}\x1b[0m "
    if colour is None:
        return _one(record, f"{time}{record['level'].name:<8} ")
    return _one(record, f"{time}\x1b[{colour}m{record['level'].name:<8} ", "\x1b[0m")


def _with_priority(record: Record) -> str:
    start = f"<{_priority(record)}>"
    # Each line of a stream is an entry of its own, and only the marked ones get the priority.
    return "\n".join(start + line for line in _one(record, "").split("\n"))


def _as_json(record: Record) -> str:
    entry: dict[str, object] = {
        "time": record["time"].astimezone(UTC).isoformat(timespec="milliseconds"),
        "level": record["level"].name.lower(),
        "message": _said(record),
        "logger": record["name"],
    }
    for name, value in record["extra"].items():
        known = isinstance(value, bool | int | float) or value is None
        # A field must not stand in for one of ours.
        entry[name if name not in entry else f"{name}_"] = value if known else _shown(value)
    trace = _trace(record)
    if trace:
        entry["exception"] = trace
    return json_format.dumps(entry, ensure_ascii=False)


class _Intercept(logging.Handler):
    """Hands the standard library's records to loguru, with the place that they came from."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            level: str | int = logger.level(record.levelname).name
        except ValueError:
            level = record.levelno
        try:
            said = record.getMessage()
        except Exception:  # noqa: BLE001 - a foreign call with the wrong arguments must not end our work
            said = f"{record.msg} {record.args}"
        caller = {"name": record.name, "function": record.funcName, "line": record.lineno}
        logger.patch(lambda entry: entry.update(caller)).opt(exception=record.exc_info).log(  # type: ignore[typeddict-item]
            level, "{}", said
        )


def _thread_died(arguments: threading.ExceptHookArgs) -> None:
    if arguments.exc_value is not None and not isinstance(arguments.exc_value, SystemExit):
        name = arguments.thread.name if arguments.thread else "unknown"
        logger.opt(exception=arguments.exc_value).critical("the thread {} died", name)
