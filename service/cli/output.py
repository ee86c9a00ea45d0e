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

from service.masking import plain

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
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
    print(_UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text))  # noqa: T201


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


def print_table(
    columns: Sequence[str | tuple[str, str]], rows: Iterable[Sequence[RenderableType | None]]
) -> None:
    """A table; a column is its heading, or (heading, "right" or "wrap"). The texts are made safe here."""
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    screen = console()
    terminal = screen.width != _UNLIMITED
    table = Table(
        box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold", show_header=any(columns)
    )
    for column in columns:
        heading, style = (column, "") if isinstance(column, str) else column
        table.add_column(
            heading,
            justify="right" if style == "right" else "left",
            no_wrap=not terminal or style != "wrap",
            overflow="fold" if style == "wrap" else "ellipsis",
        )
    for row in rows:
        cells = [Text(plain(cell)) if isinstance(cell, str) else cell or "" for cell in row]
        table.add_row(*cells)
    with screen.capture() as captured:
        screen.print(table)
    for line in captured.get().splitlines():
        print(line.rstrip())  # noqa: T201 - rich fills lines up to the widest cell


@contextmanager
def progress() -> Iterator[Progress]:
    """A progress display on standard error; nothing where that is no terminal."""
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    screen = Console(stderr=True)
    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=screen,
        disable=not screen.is_terminal,
        transient=True,
    ) as display:
        yield display


def moment(time: datetime | None) -> str | None:
    """ISO 8601 in UTC with "Z", to the second."""
    return None if time is None else time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


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
