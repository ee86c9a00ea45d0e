"""Migrations: applied once by whoever comes first, the schema that Peewee expects, a newer one refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from models import catalog, migrate
from models.database import Database, open_database
from models.errors import SchemaMismatch, StorageError
from models.tables import ALL
from tests.postgres import Server
from tests.processes import finish, go, start
from tests.storage import TABLES, add_source, article, check_index, contents, store


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database without a schema."""
    if request.param == "sqlite":
        yield str(tmp_path / "empty.db")
        return
    server: Server = request.getfixturevalue("postgres_server")
    address = server.create(template="template0")
    yield address
    server.drop(address)


def migrate_once(url: str) -> list[str]:
    """What a starting process does; called in processes of its own."""
    database = open_database(url, busy_timeout=30)
    applied = migrate.migrate(database)
    migrate.check(database)
    database.close()
    return applied


def test_three_processes_migrating_at_once(empty_url: str) -> None:
    processes = [
        start("tests.test_models_migrate", "migrate_once", json.dumps([empty_url])) for _ in range(3)
    ]
    go(processes)
    applied = [json.loads(line) for line in finish(processes)]
    assert sorted(applied) == [[], [], migrate.known()]


def test_migrating_twice_changes_nothing(empty_url: str) -> None:
    database = open_database(empty_url)
    assert migrate.schema_version(database) == ""
    with pytest.raises(SchemaMismatch, match="has no schema yet: run 'wirewatch migrate'"):
        migrate.check(database)
    assert migrate.migrate(database) == migrate.known()
    assert migrate.migrate(database) == []
    assert migrate.schema_version(database) == migrate.known()[-1]
    migrate.check(database)
    database.close()


def test_a_newer_schema_is_refused(database: Database) -> None:
    with database.transaction():
        database.execute(
            "INSERT INTO schema_migration (name, applied) VALUES ('9999_future', '2030-01-01 00:00:00')"
        )
    for refuse in (migrate.migrate, migrate.check):
        with pytest.raises(
            SchemaMismatch, match=r"newer Wirewatch.*9999_future.*install that version"
        ) as caught:
            refuse(database)
        assert migrate.known()[-1] in str(caught.value)


def test_what_is_pending_is_named(
    database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in migrate.known():
        (tmp_path / f"{name}.py").write_text("def up(migrator, db): pass\n")
    (tmp_path / "0777_more.py").write_text(
        "def up(migrator, db): db.execute_sql('CREATE TABLE more (id INT)')\n"
    )
    monkeypatch.setattr(migrate, "_directory", lambda: tmp_path)
    with pytest.raises(SchemaMismatch, match="lacks 0777_more"):
        migrate.check(database)
    assert migrate.migrate(database) == ["0777_more"]


def test_a_migration_that_fails_leaves_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    add_source("one")
    before = contents(database)
    for name in migrate.known():
        (tmp_path / f"{name}.py").write_text("def up(migrator, db): pass\n")
    (tmp_path / "0777_bad.py").write_text(
        "def up(migrator, db):\n"
        "    db.execute_sql('CREATE TABLE half (id INT)')\n"
        "    db.execute_sql('DELETE FROM source')\n"
        "    db.execute_sql('SELECT nonsense')\n"
    )
    monkeypatch.setattr(migrate, "_directory", lambda: tmp_path)
    with pytest.raises(StorageError, match="nonsense"):
        migrate.migrate(database)
    assert contents(database) == before
    assert not database_has(database, "half")
    with database.session():
        assert not database.sqlite or database.value("PRAGMA foreign_keys") == 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_migration_that_breaks_references_is_undone(
    database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    source = add_source("one")
    before = contents(database)
    for name in migrate.known():
        (tmp_path / f"{name}.py").write_text("def up(migrator, db): pass\n")
    (tmp_path / "0777_bad.py").write_text(
        'def up(migrator, db):\n    db.execute_sql("INSERT INTO file (source_id, path, size, mtime_ns) '
        f"VALUES ({source.id + 1}, 'x', 1, 1)\")\n"
    )
    monkeypatch.setattr(migrate, "_directory", lambda: tmp_path)
    with pytest.raises(StorageError, match="nothing was changed"):
        migrate.migrate(database)
    assert contents(database) == before
    check_index(database)


def test_an_index_of_another_version_is_refused_and_made_anew(database: Database) -> None:
    numbers = store(add_source(), *(article(n) for n in range(1_200)))
    with database.transaction():
        # As another version would have left it: other words, none where there should be some.
        if database.sqlite:
            database.execute("INSERT INTO article_search (article_search) VALUES ('delete-all')")
            database.execute("INSERT INTO article_search (rowid, title, text) VALUES (1, 'panel', 'panel')")
        else:
            database.execute("UPDATE article SET search = to_tsvector('simple', 'other')")
        database.execute("UPDATE meta SET value = '0 old' WHERE key = 'search'")
    with pytest.raises(SchemaMismatch, match="full-text index of another version: run 'wirewatch migrate'"):
        migrate.check(database)
    assert catalog.search("panel", limit=1).articles == ()
    assert migrate.migrate(database) == []
    migrate.check(database)
    check_index(database)
    assert len(catalog.search("panel", limit=1_000).articles) == 1_000 < len(numbers)


def test_a_database_of_the_first_schema_comes_up_to_date(
    empty_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With the articles that it holds; they are found as new ones are."""
    first = migrate.known()[0]
    shutil.copy(migrate._directory() / f"{first}.py", tmp_path)
    database = open_database(empty_url)
    with monkeypatch.context() as patch:
        patch.setattr(migrate, "_directory", lambda: tmp_path)
        patch.setattr(migrate, "is_stale", lambda database: False)
        assert migrate.migrate(database) == [first]
    vector = "" if database.sqlite else ", search"
    value = "" if database.sqlite else ", to_tsvector('wirewatch', 'panel')"
    with database.transaction():
        database.execute(
            "INSERT INTO source (location, kind, schedule, options, declared, state, host, created_at) "
            "VALUES ('x', 'feed', 'adaptive', '{}', FALSE, 'active', '', 0)"
        )
        database.execute(
            "INSERT INTO article (source_id, position, key, title, title_made, seen_at, content_hash, "
            f"categories, enclosures, cuts, text{vector}) VALUES (1, 5, 'k', 'Panels', FALSE, 0, 'h', "
            f"'[]', '[]', '[]', '제재를'{value})"
        )
        if database.sqlite:
            database.execute("INSERT INTO article_search (rowid, title, text) VALUES (5, 'Panels', '제재를')")
    with pytest.raises(SchemaMismatch, match="lacks"):
        migrate.check(database)
    assert migrate.migrate(database) == migrate.known()[1:]
    migrate.check(database)
    check_index(database)
    assert [one.title for one in catalog.search("panel 제재").articles] == ["Panels"]
    database.close()


def test_the_tables_are_those_of_the_schema(database: Database) -> None:
    with database.session():
        expected = {model._meta.table_name: model for model in ALL}
        assert set(expected) == set(TABLES)
        for name, model in expected.items():
            stored = {column.name: column for column in database.backend.get_columns(name)}
            stored.pop("search", None)  # PostgreSQL's vector, which Peewee need not see
            assert set(stored) == set(model._meta.columns), name
            for column, field in model._meta.columns.items():
                assert field.primary_key or stored[column].null == field.null, (name, column)


def database_has(database: Database, table: str) -> bool:
    """Whether there is such a table."""
    with database.session():
        return table in database.backend.get_tables()
