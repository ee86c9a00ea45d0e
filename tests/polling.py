"""The real thing on a database, its time set by the test: fetch, worker process, decide, store.

::

    with Server() as server, polling(database, tmp_path) as bench:
        source = bench.add(server.url("/feed"))
        bench.at(NOW)
        poll = bench.look(source)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from models import sources
from models.database import Database
from models.records import PollRecord, SourceRecord, SourceSpec
from service.application import Application
from service.settings import Settings, load_settings

START = datetime(2026, 3, 2, tzinfo=UTC)
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


class Clock:
    """The time, as the test has it."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def settings_for(folder: Path, more: Mapping[str, str] | None = None) -> Settings:
    """Loopback allowed; no pauses, one worker process and few topics: tests have no time for more."""
    (folder / "few.toml").write_text(TOPICS, encoding="utf-8")
    environ = {
        "HOME": str(folder),
        "WIREWATCH_HTTP_ALLOW_PRIVATE_NETWORKS": "127.0.0.0/8",
        "WIREWATCH_HTTP_GAP": "0s",
        "WIREWATCH_SCHEDULE_WORKERS": "1",
        "WIREWATCH_TOPICS_FILE": "few.toml",
        **(more or {}),
    }
    return load_settings(None, environ, folder)


class Bench:
    """An application with a clock of its own."""

    def __init__(self, application: Application, clock: Clock) -> None:
        self.application = application
        self.clock = clock

    def at(self, now: datetime) -> None:
        """Set the time."""
        self.clock.now = now

    def add(self, location: str, **spec: object) -> int:
        """A feed; its id."""
        made = SourceSpec(location, **spec)  # type: ignore[arg-type]
        return self.application.add_source(made).source.id

    def look(self, source: int, *, force: bool = False) -> PollRecord:
        """Look at a source now, and give what was recorded."""
        (poll,) = self.application.poll([str(source)], force=force)
        return poll

    def source(self, number: int) -> SourceRecord:
        """A source as it stands."""
        return sources.get(number)


@contextmanager
def polling(
    database: Database,
    folder: Path,
    *,
    now: datetime = START,
    settings: Mapping[str, str] | None = None,
    kind: type[Application] = Application,
) -> Iterator[Bench]:
    """A bench on an open, migrated database."""
    clock = Clock(now)
    application = kind(settings_for(folder, settings), database, clock=clock)
    application.publish_topics()
    try:
        yield Bench(application, clock)
    finally:
        application.close()
