"""Upgrades: a database of every schema that there was is kept, and comes up to date with what is in it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from models import articles, catalog, labels, migrate, sources
from models.database import Database, open_database
from models.records import Retagged
from service.backup_archive import DATABASE, opened
from service.cli.exits import Exit
from tests.cli_home import Home, home
from tests.make_schemas import ENGINES, FOLDER, ROWS, build, load
from tests.postgres import Server
from tests.storage import NOW, article, check_index, check_summaries, contents, tag

__all__ = ["home"]

VERSIONS = migrate.known()
# What a migration is to change: articles are labelled again, the full-text index is made anew.
CHANGED = {("article", "taxonomy_id"), ("article", "search")}


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """One of the engines."""
    return str(request.param)


@pytest.fixture
def url(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database without a schema."""
    if engine == "sqlite":
        yield str(tmp_path / "old.db")
        return
    server: Server = request.getfixturevalue("postgres_server")
    address = server.create(template="template0")
    yield address
    server.drop(address)


def test_every_schema_has_its_fixtures() -> None:
    """A migration that was added wants ``python -m tests.make_schemas NAME`` and its two files committed."""
    wanted = {f"{version}.{engine}.sql" for version in VERSIONS for engine in ENGINES}
    assert {path.name for path in FOLDER.iterdir()} == wanted


@pytest.mark.parametrize("version", VERSIONS)
def test_a_database_of_a_schema_comes_up_to_date(version: str, engine: str, url: str) -> None:
    load(url, version, engine)
    database = open_database(url, busy_timeout=5)
    try:
        assert migrate.schema_version(database) == version
        assert migrate.migrate(database) == VERSIONS[VERSIONS.index(version) + 1 :]
        migrate.check(database)
        check_rows(database, version)
        check_index(database)
        check_summaries(database)
        check_use(database)
    finally:
        database.close()


def check_rows(database: Database, version: str) -> None:
    """Every value that the schema had a place for is as it was."""
    with database.session():
        before = stored_columns(version)
        for table, rows in ROWS.items():
            names = sorted(before.get(table, set()) - {name for where, name in CHANGED if where == table})
            if not names:
                continue
            stored = database.rows(f"SELECT {', '.join(names)} FROM {table}")
            found = [dict(zip(names, map(plain, row), strict=True)) for row in stored]
            for row in rows:
                wanted = {name: plain(value) for name, value in row.items() if name in names}
                assert any(wanted.items() <= one.items() for one in found), (table, wanted)
            assert len(found) == len(rows) or table == "article_change", table


def plain(value: Any) -> Any:
    """Numbers of SQLite for booleans, so that both engines compare."""
    return int(value) if isinstance(value, bool) else value


def stored_columns(version: str) -> dict[str, set[str]]:
    """The tables and columns of a version, from its SQLite fixture."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript((FOLDER / f"{version}.sqlite.sql").read_text(encoding="utf-8"))
        names = [
            name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        return {
            name: {row[1] for row in connection.execute(f"PRAGMA table_info({name})")}
            for name in names
            if not name.startswith("article_search")
        }


def check_use(database: Database) -> None:
    """It answers, takes new articles, labels the old ones again, and what people said of them stands."""
    assert [one.id for one in catalog.search('"panel of experts" ammunition').articles] == [1]
    assert [one.id for one in catalog.search("제재").articles] == [2]
    first = catalog.get(1)
    assert (first.summary.title, len(first.revisions)) == (ROWS["article"][0]["title"], 1)
    assert catalog.get(3).summary.duplicate_of == 1
    labels.replace_tags(
        [Retagged(1, "1:1", (tag("arms"), tag("sanctions"))), Retagged(2, "1:2", ())], taxonomy="new", now=NOW
    )
    assert {one.topic for one in catalog.get(1).summary.tags} == {"arms"}
    assert {one.topic for one in catalog.get(2).summary.tags} == {"sanctions"}
    known = articles.known(1, keys=["guid:4", "guid:1"])
    assert {(one.key, one.deleted) for one in known} == {("guid:4", True), ("guid:1", False)}
    assert sources.get(1).etag == '"3"'
    new = article(9, "arms")
    assert articles.save(None, None, [new], source_id=1, now=NOW).new == (5,)  # 4 was deleted
    check_index(database)
    check_summaries(database)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_released_migration_stays_as_it_was(version: str, engine: str, url: str, tmp_path: Path) -> None:
    """What the migrations make today is what they made when the fixture was dumped."""
    load(url, version, engine)
    made = open_database(url)
    before = schema(made)
    made.close()
    if engine == "sqlite":
        build(str(tmp_path / "new.db"), version)
        again = open_database(tmp_path / "new.db")
    else:
        again = open_database(url)
        with again.transaction():
            again.execute("DROP SCHEMA public CASCADE")
            again.execute("CREATE SCHEMA public")
        again.close()
        build(url, version)
        again = open_database(url)
    assert schema(again) == before
    again.close()


def schema(database: Database) -> list[tuple[Any, ...]]:
    """Tables, columns and indexes as the engine tells them."""
    with database.session():
        if database.sqlite:
            found = database.rows("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name")
            return [
                (name, " ".join(sql.replace('"', "").split()))
                for name, sql in found
                if "_search_" not in name
            ]
        return database.rows(
            "SELECT table_name, column_name, data_type, is_nullable, column_default, is_identity "
            "FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2"
        ) + database.rows("SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1")


def test_the_way_back_is_made_before_the_schema_changes(home: Home, engine: str, url: str) -> None:
    """``migrate`` makes a backup of the database as the older program knows it, and that can be put back."""
    load(url, VERSIONS[0], engine)
    home.set(WIREWATCH_DATABASE=url, BACKUPS_DIRECTORY=str(home.folder / "kept"))
    database = open_database(url)
    with database.session():
        rows = {
            table: database.rows(f"SELECT * FROM {table} ORDER BY 1, 2")
            for table in ("article", "tag", "verdict")
        }
    database.close()
    done = home.run("migrate", "--json")
    assert done.code == Exit.DONE, done.err
    assert done.json["applied"] == VERSIONS[1:]
    (listed,) = home.run("backup", "--list", "--json").json
    assert (listed["path"], listed["schema"], listed["reason"]) == (
        done.json["backup"],
        VERSIONS[0],
        "migration",
    )
    with opened(Path(listed["path"])) as archive:
        if engine == "sqlite":
            old = home.folder / "unpacked.db"
            old.write_bytes(b"".join(archive.content(DATABASE)))
            with closing(sqlite3.connect(old)) as connection:
                for table, before in rows.items():
                    assert connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall() == before
        else:
            assert archive.manifest.rows["article"] == len(rows["article"])
    assert home.run("migrate", "--json").json["backup"] is None
    assert home.run("restore", listed["path"], "--yes", "--json").json["migrated"]
    assert len(home.run("articles", "--duplicates", "--json").json) == 3


def test_without_a_backup_the_schema_stays(home: Home) -> None:
    home.database.parent.mkdir(parents=True)
    load(str(home.database), VERSIONS[0], "sqlite")
    (home.folder / "file").write_text("")
    home.set(BACKUPS_DIRECTORY=str(home.folder / "file" / "below"))
    for command in (["migrate"], ["poll"]):
        refused = home.run(*command)
        assert refused.code == Exit.FAILED
        assert "could not be: the folder" in refused.complaint
        assert "migrate --no-backup" in refused.complaint
    assert home.run("migrate", "--pending", "--json").json["schema"] == VERSIONS[0]
    assert home.run("migrate", "--no-backup").code == Exit.DONE
    database = open_database(home.database)
    assert len(contents(database)["article"]) == 3
    database.close()
