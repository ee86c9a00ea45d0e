"""The Python of the documents runs as it stands there, on the database that the seeds make."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from models import catalog, query
from service.cli.exits import Exit
from tests.cli_home import Home, home

__all__ = ["home"]

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = (ROOT / "models" / "README.md").read_text(encoding="utf-8")
PIECES = re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)


def test_the_python_of_the_document_runs(home: Home) -> None:
    home.set(WIREWATCH_SCHEDULE_WORKERS="1")
    assert home.run("import", "--seeds").code == Exit.DONE
    assert len(PIECES) == 3
    for piece in PIECES:
        assert len(piece.strip().splitlines()) <= 14
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", piece],
            cwd=home.database.parent, env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert "sanctions" in done.stdout, piece


def test_every_function_that_the_document_names_exists() -> None:
    for module, name in re.findall(r"`(catalog|query)\.(\w+)\(", DOCUMENT):
        assert callable(getattr({"catalog": catalog, "query": query}[module], name)), name


@pytest.mark.parametrize("row", re.findall(r"^\| (`.*?) \|", DOCUMENT, re.MULTILINE))
def test_every_query_of_the_document_can_be_read(row: str) -> None:
    for text in re.findall(r"`([^`]+)`", row):
        if not re.match(r"[a-z]+\.\w+\(", text):  # a function of another table
            parsed = query.parse(text)
            assert query.parse(query.format(parsed)) == parsed


def test_every_condition_stands_in_the_document() -> None:
    for name in query.FIELDS:
        assert re.search(rf"^\| `{name}[:>]", DOCUMENT, re.MULTILINE) or f"`{name}:" in DOCUMENT, name
