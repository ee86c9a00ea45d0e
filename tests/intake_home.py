"""A folder taken in for real: worker processes, the writer, a database."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from models import articles, catalog, sources
from models.database import Database
from models.records import ArticleFilter, ArticleRecord, FileRecord, SourceKind, SourceSpec
from service.cadence import Cadence
from service.intake_folder import FolderIntake, FolderRules, Taken
from service.tagging import Tagger, Taxonomy, load_topics
from service.workers import Workers
from service.writer import Writer

TOPICS = """
format = 1
[[topic]]
name = "sanctions"
description = "Sanctions"
  [[topic.rules]]
  language = "en"
  weight = 6.0
  match = ['sanctions', 'embargo']
"""


@contextmanager
def working(
    folder: Path, *, deadline: float = 60.0, processes: int = 1
) -> Iterator[tuple[Workers, Taxonomy]]:
    """Worker processes with few rules: starting them takes longer than what most tests do."""
    path = folder / "topics.toml"
    path.write_text(TOPICS, encoding="utf-8")
    taxonomy = load_topics(path)
    workers = Workers(taxonomy, processes=processes, deadline=deadline)
    try:
        yield workers, taxonomy
    finally:
        workers.close(wait=False)


class FolderHome:
    """A folder as a source, and what is stored of it."""

    def __init__(
        self,
        database: Database,
        workers: Workers,
        taxonomy: Taxonomy,
        folder: Path,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        self.folder = folder
        self._database = database
        self._writer = Writer(database)
        self._tagger = Tagger(taxonomy)
        self.source = sources.add(SourceSpec(str(folder), SourceKind.FOLDER), host="", now=_now())
        self.intake = FolderIntake(
            workers=workers,
            writer=self._writer,
            tagger=lambda: self._tagger,
            cadence=Cadence(),
            rules=FolderRules(still_for=timedelta(0)),
            clock=clock or _now,
            owner="test",
        )

    def close(self) -> None:
        self._writer.close()

    def write(self, name: str, body: bytes | str) -> Path:
        """Write a file, with a time that no earlier one had."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body if isinstance(body, bytes) else body.encode())
        return path

    def take(self, progress: Callable[[int], None] | None = None, /, **rules: object) -> Taken:
        """Look through the folder once."""
        known = articles.files(self.source.id)
        wanted = replace(self.intake.rules, **rules)  # type: ignore[arg-type]
        return self.intake.take(self.source, self.folder, known, rules=wanted, progress=progress)

    def stored(self) -> dict[str, ArticleRecord]:
        """The stored articles by title."""
        with self._database.session():
            page = catalog.find(ArticleFilter(duplicates=True, limit=200))
            found = [catalog.get(one.id) for one in page.articles]
        return {one.summary.title: one for one in found}

    def paths(self) -> dict[str, str]:
        """The paths of the stored articles, below the folder, by title."""
        return {title: self.below(one.summary.path or "") for title, one in self.stored().items()}

    def unreadable(self) -> dict[str, str]:
        """What could not be read, and why."""
        return {self.below(one.path): f"{one.reason}: {one.detail}" for one in articles.unreadable()}

    def files(self) -> dict[str, FileRecord]:
        """What is remembered of files."""
        return {self.below(path): record for path, record in articles.files(self.source.id).items()}

    def below(self, path: str) -> str:
        return os.path.relpath(path, self.folder) if path else ""


def _now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)
