"""Articles as files: read back by other programs, safe in spreadsheets, whole or not at all, streamed."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from models import articles, catalog, labels
from models.database import Database, open_database
from models.records import ArticleFilter, ArticleRecord
from service.cli.exits import Exit
from service.errors import UsageError
from service.export import CSV_COLUMNS, FORMATS, safe_cell, write
from tests.cli_home import NOW, TITLE, Home, home, stored
from tests.storage import add_source, add_topics, article, store

__all__ = ["home", "stored"]

ROOT = Path(__file__).resolve().parent.parent
FORMULAS = [
    "=1+1", "+1", "-1+2", "@SUM(A1)", "=cmd|'/c calc'!A1", "\t=1", "\r\n=1", " =1", "\u00a0=1", "\ufeff=1",
    "\u200b=1", "\uff1d1", "\x00=1",
]  # fmt: skip


def exported(home: Home, *arguments: str) -> bytes:
    """What an export writes into a file."""
    target = home.folder / "out"
    result = home.run("export", *arguments, "--output", str(target))
    assert result.code == Exit.DONE, result.err
    return target.read_bytes()


def test_csv_is_read_back(stored: Home) -> None:
    data = exported(stored, "--format", "csv")
    assert data.startswith(b"\xef\xbb\xbfid,published_at")
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    assert list(rows[0]) == [*CSV_COLUMNS, "text"]
    assert [row["id"] for row in rows] == ["2", "1", "3"]
    assert (rows[1]["title"], rows[1]["topics"], rows[1]["scores"]) == (
        TITLE, "sanctions; arms", "0.9700; 0.6000",
    )  # fmt: skip
    assert "panel of experts (text 4-20, +2.50)" in rows[1]["evidence"]
    assert rows[0]["path"] == "/srv/reports/сады.txt"
    assert "hunter2" not in data.decode()
    assert "\x1b" not in data.decode()
    frame = pd.read_csv(stored.folder / "out")
    assert frame.set_index("id").loc[1, "main_topics"] == "sanctions"


def test_lines_of_json_are_read_back(stored: Home) -> None:
    lines = exported(stored, "topic:arms").splitlines()
    first = json.loads(lines[0])
    assert [json.loads(line)["id"] for line in lines] == [1, 3]
    assert first["tags"][0]["evidence"][0]["phrase"] == "panel of experts"
    assert "text" in first
    assert "text" not in json.loads(exported(stored, "topic:sanctions", "--no-text"))
    assert stored.run("export", "topic:cyber").code == Exit.NOT_FOUND
    assert exported(stored, "zeppelin") == b""


def test_parquet_is_read_back(stored: Home) -> None:
    exported(stored, "--format", "parquet")
    table = pq.read_table(stored.folder / "out")
    rows = table.to_pylist()
    assert [row["id"] for row in rows] == [2, 1, 3]
    assert rows[1]["published_at"] == datetime(2024, 6, 18, tzinfo=UTC)
    assert rows[1]["tags"][0]["evidence"][0]["contribution"] == 2.5
    assert rows[0]["text"] == "Сады и парки города открыты весь день."
    exported(stored, "--format", "parquet", "--no-text")
    assert "text" not in pq.read_table(stored.folder / "out").schema.names
    exported(stored, "zeppelin", "--format", "parquet")
    assert pq.read_table(stored.folder / "out").num_rows == 0


def test_the_format_is_told_by_the_name(stored: Home) -> None:
    for name, start in (("a.csv", b"\xef\xbb\xbf"), ("a.jsonl", b"{"), ("a.parquet", b"PAR1"), ("a", b"{")):
        assert stored.run("export", "--output", name).code == Exit.DONE
        assert Path(name).read_bytes().startswith(start)
    assert sorted(path.name for path in stored.folder.iterdir() if path.name.startswith(".a")) == []


def test_a_verdict_is_exported_with_who_gave_it(stored: Home, database_url: str) -> None:
    database = open_database(database_url)
    labels.set_verdict(1, "arms", -1, "ann", NOW)
    database.close()
    row = next(csv.DictReader(io.StringIO(exported(stored, "panel", "--format", "csv").decode("utf-8-sig"))))
    assert (row["topics"], row["verdicts"]) == ("sanctions", "arms: no (ann)")


# -- spreadsheets --------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", FORMULAS)
def test_formulas_are_made_harmless(text: str) -> None:
    assert safe_cell(text)[0] == "'"


@given(st.text())
@example("=1")
@example("\x1b[0m=1")
def test_no_cell_begins_as_a_formula(text: str) -> None:
    cell = safe_cell(text)
    assert cell.lstrip(" \t\r\n\u00a0\u200b\ufeff")[:1] not in {
        "=",
        "+",
        "-",
        "@",
        "\uff1d",
        "\uff0b",
        "\uff0d",
        "\uff20",
    }
    assert cell[:1] not in {"\t", "\r", "\n"}
    if text.isalnum():
        assert cell == text


def test_no_cell_of_a_hostile_article_is_a_formula(database: Database) -> None:
    add_topics()
    for n, formula in enumerate(FORMULAS):
        store(
            add_source(f"s{n}"), article(n, "arms", title=formula, text=formula, author=formula, url=formula)
        )
    stream = io.BytesIO()
    write("csv", stream, catalog.stream(ArticleFilter()))
    rows = list(csv.reader(io.StringIO(stream.getvalue().decode("utf-8-sig"), newline="")))
    assert len(rows) == len(FORMULAS) + 1
    for row in rows:
        for cell in row:
            assert cell.strip(" \t\r\n\u00a0\u200b\ufeff")[:1] not in {"=", "+", "-", "@", "\uff1d"}, cell


# -- large, broken, missing ----------------------------------------------------------------------------


def test_few_articles_are_in_memory_at_a_time(database: Database) -> None:
    source = add_source()
    for start in range(0, 1_000, 200):
        articles.save(
            None, None, [article(n) for n in range(start, start + 200)], now=NOW, source_id=source.id
        )
    alive: list[int] = []

    class Sink(io.RawIOBase):
        """Counts what was read when something is written."""

        def writable(self) -> bool:
            return True

        def write(self, data: object) -> int:
            alive.append(read)
            return len(memoryview(data))  # type: ignore[arg-type]

    read = 0

    def counted() -> Iterator[ArticleRecord]:
        nonlocal read
        for one in catalog.stream(ArticleFilter(limit=200)):
            read += 1
            yield one

    write("jsonl", Sink(), counted())  # type: ignore[arg-type]
    assert alive == list(range(1, 1_001))


def test_a_failure_leaves_the_file_as_it_was(stored: Home) -> None:
    target = stored.folder / "out.csv"
    target.write_text("before", encoding="utf-8")
    assert stored.run("export", "topic:cyber", "--output", str(target)).code == Exit.NOT_FOUND
    assert target.read_text(encoding="utf-8") == "before"
    assert [path.name for path in stored.folder.iterdir() if path.name.startswith(".out")] == []
    missing = stored.run("export", "--output", "no/such/folder.csv")
    assert (missing.code, "there is no folder no/such" in missing.complaint) == (Exit.USAGE, True)
    assert target.stat().st_mode & 0o777 == 0o644


def test_without_pyarrow_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UsageError, match=r"pip install 'wirewatch\[parquet\]'"):
        write("parquet", io.BytesIO(), [])


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_pipe_gets_every_format(stored: Home) -> None:
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    for form in FORMATS:
        done = subprocess.run(
            [sys.executable, "-m", "service.cli", "export", "--format", form],
            cwd=stored.folder, env=environ, capture_output=True, check=True,
        )  # fmt: skip
        assert done.stderr == b""
        assert done.stdout[:4] in {b"\xef\xbb\xbfi", b'{"id', b"PAR1"}
