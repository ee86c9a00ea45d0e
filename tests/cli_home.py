"""A home of its own for commands under test, and articles to ask for. Commands run as they are, in this
process."""

from __future__ import annotations

import io
import json
import logging
import os
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from loguru import logger

from models import articles, labels, migrate, sources
from models.database import open_database
from models.records import (
    ArticleWrite,
    CutRecord,
    EvidenceRecord,
    PollRecord,
    SourceKind,
    SourceSpec,
    TagRecord,
    TopicSpec,
)
from service.cli import main

NOW = datetime(2024, 6, 20, 12, tzinfo=UTC)
TITLE = "New sanctions on shipping"
TEXT = "The panel of experts reported.\n\nIt named ships, not the arms of the law."


@dataclass(frozen=True)
class Result:
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)

    @property
    def complaint(self) -> str:
        """The one line on standard error that says what is wrong."""
        assert self.err.startswith("wirewatch: "), self.err
        assert self.err.count("\n") == 1, self.err
        assert "Traceback" not in self.err
        return self.err.removeprefix("wirewatch: ").rstrip("\n")


class Home:
    """Runs commands in a folder, with an environment that knows nothing of this machine's own Wirewatch."""

    def __init__(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str]
    ) -> None:
        self.folder = folder
        self._patch = monkeypatch
        self._capture = capture
        for name in os.environ:
            if name.startswith("WIREWATCH_"):
                monkeypatch.delenv(name)
        for name in ("STATE_DIRECTORY", "CREDENTIALS_DIRECTORY", "JOURNAL_STREAM", "NOTIFY_SOCKET"):
            monkeypatch.delenv(name, raising=False)
        self.set(HOME=str(folder), XDG_DATA_HOME=str(folder / "data"))
        monkeypatch.chdir(folder)

    @property
    def database(self) -> Path:
        """Where its database lies unless it was told otherwise."""
        return self.folder / "data" / "wirewatch" / "wirewatch.db"

    def set(self, **variables: str) -> None:
        """Set variables for the commands to come."""
        for name, value in variables.items():
            self._patch.setenv(name, value)

    def run(self, *arguments: str, stdin: bytes = b"") -> Result:
        """One command."""
        self._patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
        self._capture.readouterr()
        code = main(arguments)
        out, err = self._capture.readouterr()
        return Result(code, out, err)

    def printed(self) -> str:
        """What the last command printed, where it ended the process."""
        return self._capture.readouterr().out


@pytest.fixture
def home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Home]:
    """A home on this machine's SQLite; logging is left as other tests expect it."""
    root = logging.getLogger()
    handlers, level, hook = root.handlers[:], root.level, threading.excepthook
    yield Home(tmp_path, monkeypatch, capsys)
    logging.captureWarnings(False)
    root.handlers[:], threading.excepthook = handlers, hook
    root.setLevel(level)
    logger.remove()
    logger.add(sys.stderr)


@pytest.fixture
def stored(home: Home, database_url: str) -> Home:
    """A home whose database, on either engine, holds `fill`."""
    home.set(WIREWATCH_DATABASE=database_url)
    fill(database_url)
    return home


def fill(address: str) -> None:
    """Two sources and three articles: 1 with all there is to show, 2 without a date, 3 older and hostile."""
    database = open_database(address)
    try:
        migrate.migrate(database)
        topics = [TopicSpec("sanctions", "Sanctions", 0.5), TopicSpec("arms", "Arms", 0.5)]
        labels.sync_topics(topics, "hash", NOW)
        feed = sources.add(
            SourceSpec("https://me:hunter2@example.org/feed", title="Example", group="press"),
            host="example.org",
            now=NOW,
        )
        folder = sources.add(SourceSpec("/srv/reports", SourceKind.FOLDER), host="", now=NOW)
        poll = PollRecord(feed.id, NOW, 120, "ok", status=200, bytes=1000)
        articles.save(None, poll, [_first()], now=NOW)
        articles.save(None, None, [_second()], now=NOW, source_id=folder.id)
        articles.save(None, None, [_third()], now=NOW, source_id=feed.id)
    finally:
        database.close()


def _first() -> ArticleWrite:
    """Everything there is to show."""
    sanctions = TagRecord(
        "sanctions",
        0.97,
        0.5,
        main=True,
        taxonomy="hash",
        evidence=(
            evidence("text", "panel of experts", "panel of experts", 2.5),
            evidence("title", "sanctions", "sanction*", 2.0),
        ),
    )
    arms = TagRecord(
        "arms",
        0.6,
        0.5,
        taxonomy="hash",
        evidence=(
            evidence("text", "ships", "ship*", 1.0),
            evidence("text", "arms of the law", "not: arms of the law", -0.5),
        ),
    )
    return ArticleWrite(
        key="first",
        title=TITLE,
        text=TEXT,
        content_hash="1:first",
        seen_at=NOW,
        guid="guid-1",
        url="https://example.org/first",
        published_at=datetime(2024, 6, 18, tzinfo=UTC),
        precision="day",
        date_origin="text",
        author="A. Writer",
        language="en",
        cuts=(CutRecord("teaser", "Read: more"), CutRecord("teaser", "Read: most")),
        tags=(sanctions, arms),
        taxonomy="hash",
    )


def _second() -> ArticleWrite:
    """No date, no topic, a title that was made."""
    return ArticleWrite(
        key="second",
        title="Сады и парки города",
        text="Сады и парки города открыты весь день.",
        content_hash="1:second",
        seen_at=NOW,
        title_made=True,
        language="ru",
        path="/srv/reports/сады.txt",
    )


def _third() -> ArticleWrite:
    """Older, and written by someone who means no good."""
    return ArticleWrite(
        key="third",
        title="\x1b[31mred\x1b[0m\u202eevil \x1b]0;owned\x07 [bold]markup[/bold]",
        text="A body with \x1b[2J a clear screen.",
        content_hash="1:third",
        seen_at=NOW,
        url="https://example.org/third",
        published_at=datetime(2023, 12, 31, 23, 30, tzinfo=UTC),
        precision="minute",
        date_origin="feed",
        language="en",
        tags=(TagRecord("arms", 0.8, 0.5, taxonomy="hash"),),
        taxonomy="hash",
    )


def evidence(field: str, phrase: str, rule: str, contribution: float) -> EvidenceRecord:
    """Evidence in the first article."""
    start = (TITLE if field == "title" else TEXT).index(phrase)
    return EvidenceRecord(field, start, start + len(phrase), phrase, rule, contribution)
