"""Tables in a pipe: what rich would print, without what it costs."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from rich.table import Table
from rich.text import Text

from service.cli.output import print_json, print_table, stream_json
from service.masking import plain

COLUMNS: list[str | tuple[str, str]] = ["ID", ("COUNT", "right"), ("NAME", "wrap"), "STATE"]
ROWS: list[list[str | None]] = [
    ["1", "12,345", "Ordinary", "ok"],
    ["22", "1", "\x1b[31mred\x1b[0m\nand\ttabbed", None],
    ["", "999", "日本語の題", "moved"],
    ["4", "", "e\u0301 combining \u202e reversed", "a long state that ends the line"],
    ["5", "0", "x" * 300, ""],
]


def by_rich(columns: list[str | tuple[str, str]], rows: list[list[str | None]]) -> list[str]:
    """The same table by rich, as wide as it wants."""
    console = Console(file=io.StringIO(), width=100_000, highlight=False, emoji=False, markup=False)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=any(columns))
    for column in columns:
        heading, style = (column, "") if isinstance(column, str) else column
        table.add_column(heading, justify="right" if style == "right" else "left", no_wrap=True)
    for row in rows:
        table.add_row(*(Text(plain(cell or "")) for cell in row))
    with console.capture() as captured:
        console.print(table)
    return [line.rstrip() for line in captured.get().splitlines()]


@pytest.mark.parametrize("rows", [ROWS, [], ROWS[:1]])
@pytest.mark.parametrize("columns", [COLUMNS, ["", "", "", ""]])
def test_a_table_in_a_pipe_is_richs(
    capsys: pytest.CaptureFixture[str],
    columns: list[str | tuple[str, str]],
    rows: list[list[str | None]],
) -> None:
    print_table(columns, rows)
    assert capsys.readouterr().out.splitlines() == by_rich(columns, rows)


@pytest.mark.parametrize("values", [[], [{"a": 1}], [{"a": ["\x9b31m", "ü"], "b": {}}, 2, None, [1, [2]]]])
def test_streamed_json_is_what_is_printed_at_once(
    capsys: pytest.CaptureFixture[str], values: list[object]
) -> None:
    print_json(values)
    printed = capsys.readouterr().out
    stream_json(iter(values))
    assert capsys.readouterr().out == printed
    assert "\x9b" not in printed
