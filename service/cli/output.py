"""What commands print: tables for people, JSON for programs; outside text never steers the terminal.

In a pipe nothing is coloured, cut or wrapped, so that ``grep`` and ``cut`` see what there is.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from service.article_json import moment as moment  # noqa: PLC0414 - those who print take it from here
from service.masking import plain

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

_UNLIMITED = 100_000  # columns of a pipe
# What JSON may hold as it is, but a terminal would act on.
_UNSAFE = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_SECONDS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
_SIZES = ((1000**3, "GB"), (1000**2, "MB"), (1000, "kB"))


def print_json(value: Any) -> None:
    """One JSON value, indented; times are to be strings already (`moment`)."""
    utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    text = json.dumps(value, ensure_ascii=not utf8, indent=2)
    print(_escaped(text))  # noqa: T201


def stream_json(values: Iterable[Any]) -> None:
    """One JSON array, as `print_json` would print it, written value by value."""
    utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    opened = False
    for value in values:
        text = json.dumps(value, ensure_ascii=not utf8, indent=2).replace("\n", "\n  ")
        print(",\n  " if opened else "[\n  ", end="")  # noqa: T201
        print(_escaped(text), end="")  # noqa: T201
        opened = True
    print("\n]" if opened else "[]")  # noqa: T201


def _escaped(text: str) -> str:
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def say(text: str) -> None:
    """One line on standard output."""
    print(plain(text))  # noqa: T201


def hint(text: str) -> None:
    """One line on standard error: for people, not part of the answer."""
    print(plain(text), file=sys.stderr)  # noqa: T201


def console() -> Console:
    """Standard output for rich: as wide as the terminal, without limit in a pipe."""
    from rich.console import Console  # noqa: PLC0415 - only what prints tables pays for rich

    width = None if sys.stdout.isatty() else _UNLIMITED
    return Console(file=sys.stdout, width=width, highlight=False, emoji=False, markup=False)


def print_table(columns: Sequence[str | tuple[str, str]], rows: Iterable[Sequence[str | None]]) -> None:
    """A table; a column is its heading, or (heading, "right" or "wrap"). The texts are made safe here."""
    if not sys.stdout.isatty():
        _print_plain(columns, rows)
        return
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    screen = console()
    table = Table(
        box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold", show_header=any(columns)
    )
    for column in columns:
        heading, style = (column, "") if isinstance(column, str) else column
        table.add_column(
            heading,
            justify="right" if style == "right" else "left",
            no_wrap=style != "wrap",
            overflow="fold" if style == "wrap" else "ellipsis",
        )
    for row in rows:
        table.add_row(*(Text(plain(cell or "")) for cell in row))
    with screen.capture() as captured:
        screen.print(table)
    for line in captured.get().splitlines():
        print(line.rstrip())  # noqa: T201 - rich fills lines up to the widest cell


def _print_plain(columns: Sequence[str | tuple[str, str]], rows: Iterable[Sequence[str | None]]) -> None:
    """As rich would in a pipe, where nothing is coloured or wrapped, but not at its cost."""
    right = [not isinstance(column, str) and column[1] == "right" for column in columns]
    headings = [column if isinstance(column, str) else column[0] for column in columns]
    lines = [headings] if any(columns) else []
    lines += [[plain(cell or "") for cell in row] for row in rows]
    widths = [max(map(_width, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        gaps = [" " * (width - _width(cell)) for cell, width in zip(line, widths, strict=True)]
        cells = (
            gap + cell if to_right else cell + gap
            for cell, gap, to_right in zip(line, gaps, right, strict=True)
        )
        print("  ".join(cells).rstrip())  # noqa: T201


def _width(text: str) -> int:
    """The columns that a text takes in a terminal."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # noqa: PLC0415

    return cell_len(text)


@contextmanager
def progress() -> Iterator[Progress]:
    """A progress display on standard error: how much of how much, how fast, and for how long; nothing where
    that is no terminal."""
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text  # noqa: PLC0415

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            speed = task.finished_speed or task.speed
            return Text("" if speed is None else f"{speed:,.0f}/s" if speed >= 10 else f"{speed:.1f}/s")  # noqa: PLR2004

    screen = Console(stderr=True)
    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=screen,
        disable=not screen.is_terminal,
        transient=True,
    ) as display:
        yield display


def date_of(time: datetime | None, precision: str | None) -> str:
    """A publication date, as exactly as it is known."""
    if time is None:
        return "-"
    formats = {"day": "%Y-%m-%d", "month": "%Y-%m", "year": "%Y"}
    return time.astimezone(UTC).strftime(formats.get(precision or "", "%Y-%m-%d %H:%M"))


def ago(time: datetime | None, now: datetime) -> str:
    """ "3 min ago", "in 2 h", "never"."""
    if time is None:
        return "never"
    distance = now - time
    return f"in {span(-distance)}" if distance < timedelta() else f"{span(distance)} ago"


def span(length: timedelta) -> str:
    """A length of time in its largest unit."""
    seconds = int(length.total_seconds())
    for size, unit in _SECONDS:
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return "0 s"


def size(count: int) -> str:
    """A number of bytes for people."""
    for unit, name in _SIZES:
        if count >= unit:
            return f"{count / unit:.1f} {name}"
    return f"{count} B"


def count(number: int, one: str, many: str | None = None) -> str:
    """ "1 article", "3 articles"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
