"""``wirewatch export``: articles with their labels and evidence as a file for other programs."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from service.cli.asking import QueryCommand, filter_of, query_options
from service.cli.output import count, hint, progress
from service.cli.state import State, define

if TYPE_CHECKING:
    from models.records import ArticleFilter, ArticleRecord

_FORMATS = ("csv", "jsonl", "parquet")  # `service.export.FORMATS`; --help does without importing it
_SUFFIXES = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}


@define(
    "export",
    cls=QueryCommand,
    examples="""
    wirewatch export topic:sanctions since:2026-01-01 --output sanctions.csv
    wirewatch export '"panel of experts"' --format jsonl --no-text | jq .title
    wirewatch export --output everything.parquet
    """,
)
@query_options
@click.option("--format", "form", type=click.Choice(_FORMATS), help="Else as the file's name ends, or jsonl.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Into this file.")
@click.option("--no-text", is_flag=True, help="Without the texts of the articles.")
def command(state: State, form: str | None, output: Path | None, no_text: bool, **asked: Any) -> None:
    """Write articles with their topics, scores, evidence and verdicts to a file.

    However many there are, the newest first. CSV is safe to open in a spreadsheet: what would be a formula
    begins with an apostrophe. Parquet needs wirewatch[parquet].
    """
    if form is None:
        form = _SUFFIXES.get("" if output is None else output.suffix.lower(), "jsonl")
    if form == "parquet" and output is None and sys.stdout.isatty():
        raise click.UsageError("Parquet is nothing for a terminal: give --output FILE, or a pipe")
    wanted = filter_of(asked, limit=200)
    with _opened(output) as stream, state.database():
        from service.export import write  # noqa: PLC0415 - Peewee is what importing models costs

        articles = _Counted(wanted, state)
        write(form, stream, articles, text=not no_text)
        stream.flush()
    if output is not None:
        hint(f"wrote {count(articles.number, 'article')} to {output}")


class _Counted:
    """The articles of a question, with a bar that shows how far they are."""

    def __init__(self, wanted: ArticleFilter, state: State) -> None:
        self._wanted = wanted
        self._now = state.now
        self.number = 0

    def __iter__(self) -> Iterator[ArticleRecord]:
        from models import catalog  # noqa: PLC0415

        total = None
        if sys.stderr.isatty():
            counted = catalog.count(self._wanted, now=self._now)
            total = counted.articles if counted.complete else None
        with progress() as display:
            task = display.add_task("writing", total=total)
            for article in catalog.stream(self._wanted, now=self._now):
                yield article
                self.number += 1
                display.advance(task)


@contextmanager
def _opened(output: Path | None) -> Iterator[IO[bytes]]:
    """Standard output, or a file that is there whole or not at all."""
    if output is None:
        yield sys.stdout.buffer
        return
    if not output.parent.is_dir():
        raise click.UsageError(f"there is no folder {output.parent}")
    descriptor, name = tempfile.mkstemp(prefix=f".{output.name}.", dir=output.parent)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            yield stream
        umask = os.umask(0)
        os.umask(umask)
        Path(name).chmod(0o666 & ~umask)
        Path(name).replace(output)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
