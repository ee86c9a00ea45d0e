"""Opening a database, its sessions and transactions, and what is said when something is wrong with it."""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
from pathlib import Path

import psycopg
import pytest

import models
from models import articles, sources
from models.database import Database, current, open_database
from models.errors import DatabaseFull, DatabaseLocked, DatabaseUnavailable, QueryTimeout, StorageError
from tests.postgres import PASSWORD_USER, Server
from tests.storage import NOW, add_source, article, contents, fail_inside, held


def test_new_sqlite_file_is_private_and_its_folder_is_made(tmp_path: Path) -> None:
    path = tmp_path / "state" / "deep" / "wirewatch.db"
    previous = os.umask(0)
    try:
        database = open_database(path)
    finally:
        os.umask(previous)
    with database.session():
        database.execute("CREATE TABLE anything (id INTEGER)")
        modes = {one.name: stat.S_IMODE(one.stat().st_mode) for one in path.parent.iterdir()}
    database.close()
    assert modes == {"wirewatch.db": 0o600, "wirewatch.db-wal": 0o600, "wirewatch.db-shm": 0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_sqlite_is_set_up_for_several_processes(tmp_path: Path) -> None:
    database = open_database(tmp_path / "one.db", busy_timeout=7)
    with database.session():
        found = {
            name: database.value(f"PRAGMA {name}")
            for name in ("journal_mode", "foreign_keys", "synchronous", "busy_timeout")
        }
    database.close()
    assert found == {"journal_mode": "wal", "foreign_keys": 1, "synchronous": 1, "busy_timeout": 7000}


@pytest.mark.parametrize("form", ["{path}", "sqlite:///{path}"])
def test_a_path_can_be_written_as_a_url(tmp_path: Path, form: str) -> None:
    path = tmp_path / "with space.db"
    database = open_database(form.format(path=path))
    database.close()
    assert database.path == path
    assert path.exists()


def test_a_relative_url_is_relative_to_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    database = open_database("sqlite:///here.db")
    database.close()
    assert (tmp_path / "here.db").exists()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (":memory:", "must be a file"),
        ("sqlite:///:memory:", "must be a file"),
        ("", "must be a file"),
        ("mysql://user:secret@host/name", "no kind of database"),
        ("sqlite://host/path", "names a host"),
        ("postgresql://user:secret@[broken/name", "cannot be read as a URL"),
        ("postgresql://user:secret@localhost:1/name", "nothing listens"),
        ("postgresql://user:secret@host.invalid/name?connect_timeout=2", "not known"),
        ("postgresql://user:secret@localhost/name?nonsense=1", "address or a parameter is wrong"),
    ],
)
def test_what_cannot_be_opened_is_said_without_the_password(url: str, said: str) -> None:
    with pytest.raises(DatabaseUnavailable, match=said) as caught:
        open_database(url, busy_timeout=2)
    assert "secret" not in str(caught.value)


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("These are my notes.\n" * 100)
    with pytest.raises(DatabaseUnavailable, match="is not a SQLite database"):
        open_database(path)
    assert path.read_text() == "These are my notes.\n" * 100


def test_a_folder_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnavailable, match="cannot be opened"):
        open_database(tmp_path)


def test_a_place_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DatabaseUnavailable, match="above it is a file"):
        open_database(tmp_path / "file" / "wirewatch.db")


def test_a_damaged_file_is_told_from_a_foreign_one(tmp_path: Path, migrated_sqlite: Path) -> None:
    whole = migrated_sqlite.read_bytes()
    path = tmp_path / "damaged.db"
    path.write_bytes(whole[:100] + b"\xff" * (len(whole) - 100))
    with pytest.raises(DatabaseUnavailable, match=r"damaged\.db is damaged: restore it from a backup"):
        open_database(path)


def test_a_wrong_password_is_said_and_not_shown(postgres_server: Server) -> None:
    postgres_server.admin.execute(f"CREATE ROLE {PASSWORD_USER} LOGIN PASSWORD 'right'")
    try:
        address = postgres_server.address("postgres").replace("postgres@", f"{PASSWORD_USER}:wrong@")
        with pytest.raises(DatabaseUnavailable, match="refuses the user or the password") as caught:
            open_database(address)
    finally:
        postgres_server.admin.execute(f"DROP ROLE {PASSWORD_USER}")
    assert "wrong" not in str(caught.value)


def test_a_missing_postgresql_database_is_said(postgres_server: Server) -> None:
    with pytest.raises(DatabaseUnavailable, match="does not exist"):
        open_database(postgres_server.address("wirewatch_nowhere"))


def test_the_shown_url_has_no_password(postgres_server: Server) -> None:
    address = postgres_server.create(template="template0")
    database = open_database(address.replace("postgres@", "postgres:secret@") + "&password=other")
    database.close()
    postgres_server.drop(address)
    assert "secret" not in database.url
    assert "other" not in database.url
    assert database.url.startswith("postgresql://")  # also where the server is reached by its socket: no host


def test_without_an_open_database_it_is_said() -> None:
    with pytest.raises(DatabaseUnavailable, match="no database is open"):
        current()


def test_the_package_is_the_door() -> None:
    assert models.open_database is open_database


def test_a_transaction_is_stored_whole_or_not_at_all(database: Database) -> None:
    with pytest.raises(KeyError):
        fail_inside(database, lambda: add_source("one"), KeyError())
    assert sources.list_sources() == []
    with database.transaction():
        add_source("one")
        with pytest.raises(KeyError):
            fail_inside(database, lambda: add_source("two"), KeyError())
    assert [one.title for one in sources.list_sources()] == ["One"]


@pytest.mark.parametrize(
    "error", [BrokenPipeError("the pager was closed"), ValueError("mine"), KeyError("k")]
)
def test_a_callers_own_error_stays_its_own(database: Database, error: Exception) -> None:
    with pytest.raises(type(error)) as caught:
        fail_inside(database, lambda: add_source("one"), error)
    assert caught.value is error
    assert sources.list_sources() == []


def test_a_snapshot_does_not_see_what_others_write(database: Database) -> None:
    with database.snapshot():
        assert sources.list_sources() == []
        writer = threading.Thread(target=add_source, args=("one",))
        writer.start()
        writer.join()
        assert sources.list_sources() == []
    assert len(sources.list_sources()) == 1


def test_what_takes_too_long_is_given_up_and_the_connection_goes_on(database: Database) -> None:
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"
    late = pytest.raises(QueryTimeout, match=r"took longer than 0\.05 s: narrow it")
    with late, database.snapshot(), database.deadline(0.05):
        database.value(endless)
    with database.snapshot(), database.deadline(60):
        assert database.value("SELECT 1") == 1
    with database.snapshot(), database.deadline(None):
        assert database.value("SELECT 1") == 1
    with database.snapshot():
        with database.deadline(0.05):
            assert database.value("SELECT 1") == 1
        counted = database.value("SELECT count(*) FROM (SELECT 1 FROM meta a, meta b, meta c) AS found")
        assert counted > 0


def test_sessions_of_many_threads_do_not_leave_connections_behind(database: Database) -> None:
    failures: list[Exception] = []

    def work() -> None:
        try:
            for _ in range(5):
                with database.session():
                    sources.list_sources()
        except Exception as error:  # noqa: BLE001 - shown below
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert database.backend._in_use == {}


def test_a_locked_database_is_waited_for_then_named(database: Database, database_url: str) -> None:
    with held(database, database_url), pytest.raises(DatabaseLocked, match="busy timeout"):
        add_source("one")
    add_source("one")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_full_database_keeps_what_it_has(database: Database) -> None:
    source = add_source("one")
    articles.save(None, None, [article(1)], source_id=source.id, now=NOW)
    before = contents(database)
    with database.session():
        pages = database.value("PRAGMA page_count")
        database.execute(f"PRAGMA max_page_count = {pages + 4}")
        big = [article(n, text="word " * 5_000) for n in range(2, 40)]
        with pytest.raises(DatabaseFull, match="free some room"):
            articles.save(None, None, big, source_id=source.id, now=NOW)
        database.execute("PRAGMA max_page_count = 1073741823")
    assert contents(database) == before


@pytest.mark.parametrize(
    ("sqlstate", "expected", "said"),
    [
        ("53100", DatabaseFull, "full"),
        ("55P03", DatabaseLocked, "locked"),
        ("40P01", DatabaseLocked, "deadlock"),
        ("57P01", DatabaseUnavailable, "shutting down"),
        ("42501", DatabaseUnavailable, "rights"),
        ("25006", DatabaseUnavailable, "read-only"),
        ("42703", StorageError, "refused a statement"),
    ],
)
def test_postgresql_errors_by_their_sqlstate(
    postgres_server: Server, sqlstate: str, expected: type[StorageError], said: str
) -> None:
    address = postgres_server.create(template="template0")
    database = open_database(address)
    with pytest.raises(StorageError, match=said) as caught, database.session():
        database.execute(f"DO $$ BEGIN RAISE EXCEPTION 'it' USING ERRCODE = '{sqlstate}'; END $$")
    database.close()
    postgres_server.drop(address)
    assert type(caught.value) is expected


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_server_that_goes_away_is_said_and_come_back_to(database: Database, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as other:
        others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        with database.session():
            database.rows("SELECT 1")
            other.execute(f"SELECT pg_terminate_backend(pid) {others}")
            with pytest.raises(DatabaseUnavailable, match="shutting down"), database.session():
                database.rows("SELECT 1")
    assert sources.list_sources() == []


def test_a_read_only_file_can_be_read(tmp_path: Path, migrated_sqlite: Path) -> None:
    # Root may write everything, so the refusal is asked of SQLite itself.
    path = tmp_path / "one.db"
    path.write_bytes(migrated_sqlite.read_bytes())
    database = open_database(path)
    with database.session():
        database.execute("PRAGMA query_only = 1")
        with pytest.raises(DatabaseUnavailable, match="cannot be written"):
            add_source("one")
        database.execute("PRAGMA query_only = 0")
    assert sources.list_sources() == []
    database.close()


def test_several_first_starts_at_once_agree_on_wal(tmp_path: Path) -> None:
    path = tmp_path / "one.db"
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    opened: list[str] = []

    def start() -> None:
        database = open_database(path, busy_timeout=20)
        with database.session():
            opened.append(database.value("PRAGMA journal_mode"))
        database.backend.close_all()

    threads = [threading.Thread(target=start) for _ in range(3)]
    for thread in threads:
        thread.start()
    holder.execute("COMMIT")
    holder.close()
    for thread in threads:
        thread.join()
    assert opened == ["wal"] * 3
