"""Paragraphs that recur in a source are cut on their way into the database, of feeds and of folders."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from models import catalog, furniture, open_database, sources
from models.database import Database
from models.records import ArticleFilter, ArticleRecord, SourceKind, SourceSpec
from service.application import Application
from service.settings import load_settings
from tests.server import Reply, Server

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
FOOTER = "The Gazette reports on the arms embargo and sanctions thanks to its readers in Springfield."
COUNT = 10


def paragraphs(n: int) -> list[str]:
    own = [
        f"In place {n} there was part {part} of the harvest festival, with music and cake."
        for part in range(5)
    ]
    return [f"The harvest festival of place {n} was opened on Sunday by its oldest inhabitant.", *own]


def feed(count: int) -> bytes:
    items = "".join(
        f"<item><guid isPermaLink='false'>g{n}</guid><title>Harvest festival in place {n}</title>"
        "<description>"
        + "".join(f"&lt;p&gt;{one}&lt;/p&gt;" for one in [*paragraphs(n), FOOTER])
        + "</description></item>"
        for n in range(count)
    )
    head = "<?xml version='1.0'?><rss version='2.0'><channel><title>F</title>"
    return f"{head}{items}</channel></rss>".encode()


@pytest.fixture
def application(migrated_sqlite: Path, tmp_path: Path) -> Iterator[Application]:
    shutil.copyfile(migrated_sqlite, tmp_path / "wirewatch.db")
    database: Database = open_database(tmp_path / "wirewatch.db")
    environ = {"WIREWATCH_SCHEDULE_WORKERS": "1", "WIREWATCH_HTTP_GAP": "0s", "HOME": str(tmp_path)}
    parts = Application(load_settings(None, environ, tmp_path), database, clock=lambda: NOW)
    parts.publish_topics()
    yield parts
    parts.close()
    database.close()


def stored() -> list[ArticleRecord]:
    found = catalog.find(ArticleFilter(duplicates=True, limit=200)).articles
    return [catalog.get(one.id) for one in sorted(found, key=lambda one: one.id)]


def test_a_feeds_furniture_is_cut_labels_nothing_and_makes_no_edit(application: Application) -> None:
    with Server() as server:
        server.route("/feed.xml", Reply(body=feed(COUNT)), Reply(body=feed(COUNT + 1)), Reply(body=feed(1)))
        spec = SourceSpec(server.url("/feed.xml"), options={"allow_private": True})
        source = sources.add(spec, host="", now=NOW)
        kept = SourceSpec(
            server.url("/feed.xml?kept"), options={"allow_private": True, "keep_recurring": True}
        )
        keeping = sources.add(kept, host="", now=NOW)
        polls = [application.poll([str(source.id)], force=True)[0] for _ in range(3)]
        assert [(one.new, one.changed) for one in polls] == [(COUNT, 0), (1, 0), (0, 0)]
        server.route("/feed.xml", Reply(body=feed(COUNT)))
        application.poll([str(keeping.id)], force=True)
    articles = stored()
    for number, one in enumerate(articles[: COUNT + 1]):
        assert one.text.split("\n\n") == paragraphs(number)
        assert [cut.text for cut in one.cuts] == [FOOTER]
        assert one.tags == ()  # the house's own words say nothing of the article
    for one in articles[COUNT + 1 :]:
        assert one.text.endswith(FOOTER)
        assert one.cuts == ()
    assert furniture.counted(source.id).articles == COUNT + 1


def test_a_folders_furniture_is_learnt_from_file_to_file(application: Application, tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    source = sources.add(SourceSpec(str(inbox), SourceKind.FOLDER), host="", now=NOW)

    def write(n: int) -> None:
        text = "\n\n".join([f"Harvest Festival in Place {n}", *paragraphs(n), FOOTER])
        path = inbox / f"{n:03}.txt"
        path.write_text(text)
        os.utime(path, (NOW.timestamp() - 60,) * 2)

    for n in range(COUNT):
        write(n)
    application.import_paths([inbox])
    assert [one.text.endswith(FOOTER) for one in stored()] == [True] * COUNT  # it was not known by then
    for n in range(COUNT, COUNT + 3):
        write(n)
    application.import_paths([inbox])
    late = stored()[COUNT:]
    assert [one.text.split("\n\n") for one in late] == [paragraphs(n) for n in range(COUNT, COUNT + 3)]
    assert all([cut.text for cut in one.cuts] == [FOOTER] for one in late)
    assert furniture.counted(source.id).articles == COUNT + 3
