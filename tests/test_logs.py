"""What is logged, where it goes, and what never reaches a log."""

from __future__ import annotations

import io
import json
import logging
import os
import pty
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from loguru import logger

from service.logs import configure
from service.masking import mask, plain

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Leave the process's logging as other tests expect it."""
    root = logging.getLogger()
    handlers, level, hook = root.handlers[:], root.level, threading.excepthook
    yield
    logging.captureWarnings(False)
    root.handlers[:], threading.excepthook = handlers, hook
    root.setLevel(level)
    for name in ("apscheduler", "asyncio", "aiohttp", "charset_normalizer", "peewee"):
        logging.getLogger(name).setLevel(logging.NOTSET)
    logger.remove()
    logger.add(sys.stderr)


def fail(message: str) -> None:
    raise ValueError(message)


def lines(level: str = "info", *, json: bool = False) -> io.StringIO:
    """Log into a text from now on."""
    stream = io.StringIO()
    configure(level, json, stream, {})
    return stream


def test_people_get_one_line_with_time_level_message_and_fields() -> None:
    stream = lines()
    logger.bind(source=7, outcome="not modified").info("polled {}", "https://example.org/")

    (line,) = stream.getvalue().splitlines()
    time, level, rest = line.split(None, 2)
    assert time.endswith("Z")
    assert level == "INFO"
    assert rest == 'polled https://example.org/ source=7 outcome="not modified"'


def test_the_level_holds() -> None:
    stream = lines("warning")
    logger.info("no")
    logger.warning("yes")
    assert "no" not in stream.getvalue()
    assert "yes" in stream.getvalue()


def test_json_is_one_object_a_line() -> None:
    stream = lines(json=True)
    logger.bind(source=7, level="own").warning("first\nsecond")
    try:
        fail("broken")
    except ValueError:
        logger.exception("failed")

    first, second = (json.loads(line) for line in stream.getvalue().splitlines())
    assert (first["level"], first["level_"], first["source"]) == ("warning", "own", 7)
    assert first["message"] == "first\nsecond"
    assert second["exception"].splitlines()[-1] == "ValueError: broken"


def test_locals_are_not_shown() -> None:
    stream = lines()

    password = "".join(("hun", "ter2"))
    try:
        fail(f"broken {len(password)}")
    except ValueError:
        logger.exception("failed")
    assert "broken" in stream.getvalue()
    assert "hunter2" not in stream.getvalue()


def test_secrets_and_control_characters_reach_no_output() -> None:
    stream = lines()
    logger.bind(url="https://me:hunter2@example.org/?token=hunter2").error(
        "at postgresql://me:hunter2@db/x: \x1b[31mred\x1b[0m\nINFO forged"
    )
    try:
        fail("at https://me:hunter2@example.org/ \x1b]0;title\x07")
    except ValueError:
        logger.exception("failed")

    said = stream.getvalue()
    assert "hunter2" not in said
    assert "\x1b" not in said
    assert "red\n    INFO forged" in said


def test_the_standard_library_is_heard_with_its_place() -> None:
    stream = lines(json=True)
    logging.getLogger("apscheduler.scheduler").info("chatter")
    logging.getLogger("uvicorn.error").error("cannot %s", "bind")
    logging.getLogger("odd").error("%s %d", "no number", "x")
    logging.getLogger("own").log(35, "between levels")
    entries = [json.loads(line) for line in stream.getvalue().splitlines()]

    assert [entry["logger"] for entry in entries] == ["uvicorn.error", "odd", "own"]
    assert entries[0]["message"] == "cannot bind"


def test_chatter_is_heard_when_debugging() -> None:
    stream = lines("debug")
    logging.getLogger("aiohttp.client").info("chatter")
    assert "chatter" in stream.getvalue()
    logging.getLogger("peewee").debug("INSERT INTO article …")
    assert "INSERT" not in stream.getvalue()


def test_what_our_scheduler_says_once_its_library_does_not_say_again() -> None:
    stream = lines("debug")
    logging.getLogger("apscheduler.executors.default").error("Job raised an exception")
    assert stream.getvalue() == ""


def test_a_thread_that_dies_is_logged() -> None:
    stream = lines()

    thread = threading.Thread(target=fail, args=("broken",), name="worker-7")
    thread.start()
    thread.join()
    assert "CRITICAL the thread worker-7 died" in stream.getvalue()
    assert "ValueError: broken" in stream.getvalue()


def test_a_reader_that_has_gone_costs_nothing() -> None:
    read, write = os.pipe()
    os.close(read)
    stream = os.fdopen(write, "w")
    configure("info", False, stream, {})
    logger.info("unheard")
    os.close(os.dup(write))
    with pytest.raises(BrokenPipeError):
        stream.close()


# -- a terminal, the journal ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environ", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)]
)
def test_a_terminal_gets_colours_unless_it_does_not_want_them(
    environ: dict[str, str], coloured: bool
) -> None:
    leader, follower = pty.openpty()
    with os.fdopen(leader, "rb", buffering=0) as terminal, os.fdopen(follower, "w") as stream:
        configure("info", False, stream, environ)
        logger.warning("careful")
        said = terminal.read(1000)
    assert (b"\x1b[33m" in said) is coloured
    assert b"careful" in said


@pytest.fixture
def pipe() -> Iterator[tuple[int, io.TextIOWrapper, dict[str, str]]]:
    """The reading end of a pipe, its writing end, and an environment that calls it the journal's."""
    read, write = os.pipe()
    stream = os.fdopen(write, "w")
    status = os.fstat(write)
    yield read, stream, {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}
    stream.close()
    os.close(read)


def test_under_systemd_entries_go_to_the_journal_with_fields(
    tmp_path: Path, pipe: tuple[int, io.TextIOWrapper, dict[str, str]]
) -> None:
    _, stream, environ = pipe
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
        journal.bind(str(tmp_path / "socket"))
        journal.settimeout(5)
        configure("info", False, stream, environ, journal=str(tmp_path / "socket"))
        logger.bind(source_id=7).info("polled")
        simple = journal.recv(200_000)
        try:
            fail("broken")
        except ValueError:
            logger.exception("failed")
        traced = journal.recv(200_000)
        logger.info("{}", "x" * 1_000_000)
        long = journal.recv(200_000)

    fields = dict(line.split("=", 1) for line in simple.decode().splitlines())
    assert fields["MESSAGE"] == "polled"
    assert fields["PRIORITY"] == "6"
    assert fields["SYSLOG_IDENTIFIER"] == "wirewatch"
    assert fields["WIREWATCH_SOURCE_ID"] == "7"
    assert fields["CODE_FUNC"] == "test_under_systemd_entries_go_to_the_journal_with_fields"
    # A field of several lines: name, line break, its length as a 64-bit little-endian number, the data.
    assert traced.startswith(b"MESSAGE\n")
    length = int.from_bytes(traced[8:16], "little")
    text = traced[16 : 16 + length].decode()
    assert text.startswith("failed\nTraceback")
    assert text.endswith("ValueError: broken")
    assert traced[16 + length :].startswith(b"\nPRIORITY=3\n")
    assert long.startswith(b"MESSAGE=xxx")


def test_without_the_journals_socket_every_line_has_its_priority(
    tmp_path: Path, pipe: tuple[int, io.TextIOWrapper, dict[str, str]]
) -> None:
    read, stream, environ = pipe
    configure("info", False, stream, environ, journal=str(tmp_path / "absent"))
    logger.bind(source=7).warning("late")
    try:
        fail("broken")
    except ValueError:
        logger.exception("failed")
    said = os.read(read, 100_000).decode().splitlines()

    assert said[0] == "<4>late source=7"
    assert said[1] == "<3>failed"
    assert all(line.startswith("<3>") for line in said[1:])


def test_a_stream_that_is_not_the_journals_gets_lines_for_people(
    tmp_path: Path, pipe: tuple[int, io.TextIOWrapper, dict[str, str]]
) -> None:
    read, stream, _ = pipe
    configure("info", False, stream, {"JOURNAL_STREAM": "1:1"}, journal=str(tmp_path / "absent"))
    logger.info("hello")
    assert b"Z INFO     hello" in os.read(read, 1000)


def test_pythons_warnings_are_logged() -> None:
    program = (
        "import warnings; from service.logs import configure; configure('info', True)\n"
        "warnings.warn('old ways')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    entry = json.loads(done.stderr)
    assert entry["level"] == "warning"
    assert "old ways" in entry["message"]


# -- masking -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("postgresql://me:secret@db/x", "postgresql://me:***@db/x"),
        ("http://me:se@cr@et@host:80/a@b", "http://me:***@host:80/a@b"),
        ("https://example.org/a:b@c", "https://example.org/a:b@c"),
        ("https://example.org/feed?a=1&token=secret&b=2", "https://example.org/feed?a=1&token=***&b=2"),
        ("host=db password='se cret' user=me", "host=db password=*** user=me"),
        ("Authorization: Bearer abcdefgh12345", "Authorization: Bearer ***"),
        ("the token = of thanks, at 10:30", "the token = of thanks, at 10:30"),
    ],
)
def test_secrets_are_masked_and_nothing_else(text: str, masked: str) -> None:
    assert mask(text) == masked


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]8;;https://evil\x07link\x1b]8;;\x07", "link"),
        ("\x9b2Jgone", "gone"),
        ("\x1bcreset", "reset"),
        ("a\u202eb\u2066c\udcffd", "abcd"),
        ("one\r\ntwo\tthree", "one two three"),
        ("Панель экспертов 제재", "Панель экспертов 제재"),
        ("\x1b]0;never ended", ""),
    ],
)
def test_what_steers_a_terminal_is_dropped(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_lines_can_be_kept() -> None:
    assert plain("one\r\n\n\ttwo\x1b[2J", lines=True) == "one\n\n\ttwo"
