"""Migrations: applied once by whoever comes first, the schema that Peewee expects, a newer one refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from models import migrate
from models.database import Database, open_database
from models.errors import SchemaMismatch, StorageError
from models.tables import ALL
from tests.postgres import Server
from tests.processes import finish, go, start
from tests.storage import TABLES, add_source, check_index, contents


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
