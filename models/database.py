"""The one open database of the process: SQLite or PostgreSQL behind the same four words.

``open_database(url)`` gives a `Database`; every function of ``models`` works on it, inside the caller's
`Database.session` or one of its own. Sessions are cheap (connections are pooled) and belong to a thread.
Every error of Peewee, sqlite3 and psycopg is translated here (`models.failures`), so that nothing else
escapes from ``models`` than `models.errors`.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import peewee
from playhouse.pool import PooledSqliteDatabase

from models.errors import DatabaseLocked, DatabaseUnavailable, QueryTimeout, StorageError
from models.failures import is_timeout, translate

proxy = peewee.DatabaseProxy()
_MAX_CONNECTIONS = 40
_STEPS = 1_000  # of SQLite's machine between two looks at the clock: some 20 µs
_OLDEST_SQLITE = (3, 35)  # RETURNING
_OLDEST_POSTGRESQL = 13_00_00


class Lock(IntEnum):
    """Names of PostgreSQL's advisory locks. SQLite needs none: it has one writer at a time."""

    MIGRATE = 0x5757_0001
    WRITE = 0x5757_0002  # articles, tags and their summaries: one writer, hence no deadlock
    CLAIM = 0x5757_0003  # so that two claims cannot both give the last place of a host


class _Own(threading.local):
    """What belongs to one thread."""

    held: list[tuple[str, list[tuple[int, str, str]]]] | None = None


class Database:
    """An open database. ``url`` is shown to people and has no password in it."""

    def __init__(self, backend: Any, *, engine: str, url: str, path: Path | None) -> None:
        self.backend = backend  # Peewee's own, for those who want its queries
        self.engine = engine  # "sqlite" or "postgresql"
        self.url = url
        self.path = path  # None on PostgreSQL
        self._own = _Own()

    @property
    def sqlite(self) -> bool:
        """Whether this is SQLite."""
        return self.engine == "sqlite"

    @property
    def held(self) -> list[tuple[str, list[tuple[int, str, str]]]] | None:
        """What this thread is still to write into the full-text index (`models.search`); None: nothing is
        held back."""
        return self._own.held

    @held.setter
    def held(self, rows: list[tuple[str, list[tuple[int, str, str]]]] | None) -> None:
        self._own.held = rows

    @contextmanager
    def session(self) -> Iterator[None]:
        """This thread's connection for a while; inside another session, that one."""
        with self._translated():
            if not self.backend.is_closed():
                yield
                return
            self.backend.connect()
            try:
                yield
            finally:
                self.backend.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """One write transaction: all of it is stored or nothing; inside another one, a savepoint.

        Raises DatabaseLocked where another process writes for longer than the busy timeout.
        """
        arguments = ("IMMEDIATE",) if self.sqlite else ()
        cause: BaseException | None = None
        before = len(self.held or ())
        with self.session():
            try:
                with self.backend.atomic(*arguments):
                    try:
                        yield
                    except BaseException as error:
                        cause = error
                        if self.held is not None:
                            del self.held[before:]
                        raise
            except peewee.OperationalError as error:
                # A full disk makes SQLite roll back by itself; that Peewee then cannot is no news.
                if cause is not None and error is not cause:
                    raise cause from cause.__cause__
                first = _first(error)
                raise first from first.__cause__

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Several questions answered from one moment of the database; writers are not held up."""
        with self.session():
            if self.backend.in_transaction():
                yield
                return
            arguments = ("DEFERRED",) if self.sqlite else ("REPEATABLE READ",)
            with self.backend.transaction(*arguments):
                yield

    @contextmanager
    def deadline(self, seconds: float | None) -> Iterator[None]:
        """Questions of a `snapshot` are given up after so many seconds; None: never.

        Raises QueryTimeout. SQLite counts the seconds of all of them together, PostgreSQL those of each.
        """
        if seconds is None:
            yield
            return
        end = time.monotonic() + seconds
        if self.sqlite:
            connection = self.backend.connection()
            connection.set_progress_handler(lambda: time.monotonic() > end, _STEPS)
        else:
            self.execute(f"SET LOCAL statement_timeout = {max(1, int(seconds * 1000))}")
        try:
            yield
        except (peewee.PeeweeException, sqlite3.Error) as error:
            if is_timeout(error):
                raise QueryTimeout(
                    f"answering took longer than {seconds:g} s: narrow it by a topic, a source or a time"
                ) from error
            raise
        else:
            if not self.sqlite:
                self.execute("SET LOCAL statement_timeout = 0")
        finally:
            if self.sqlite:
                connection.set_progress_handler(None, 0)

    def close(self) -> None:
        """Close every connection; the database can no longer be used."""
        with self._translated():
            self.backend.close_all()
        if proxy.obj is self.backend:
            proxy.initialize(None)
            _Current.database = None

    # -- for the other modules of models; statements write "?" for a parameter on both engines -----------

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        """Run one statement; gives the DB-API cursor."""
        return self.backend.execute_sql(self._dialect(sql), tuple(parameters))

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of one question."""
        found: list[tuple[Any, ...]] = self.execute(sql, parameters).fetchall()
        return found

    def value(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        """The first column of the first row, None where there is no row."""
        row = self.execute(sql, parameters).fetchone()
        return None if row is None else row[0]

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> int:
        """Run a statement for many rows by the driver's own batch, the cheapest way that both have.

        Gives the number of rows written, where the driver counts it.
        """
        batch = list(rows)
        if not batch:
            return 0
        cursor = self.backend.cursor()
        try:
            cursor.executemany(self._dialect(sql), batch)
            return int(cursor.rowcount)
        finally:
            cursor.close()

    def lock(self, name: Lock) -> None:
        """Hold one of the advisory locks until this transaction ends."""
        if not self.sqlite:
            self.execute("SELECT pg_advisory_xact_lock(?)", (int(name),))

    def _dialect(self, sql: str) -> str:
        return sql if self.sqlite else sql.replace("?", "%s")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except StorageError:
            raise
        except (peewee.PeeweeException, sqlite3.Error) as error:
            raise translate(error, self.url) from error
        except Exception as error:
            if type(error).__module__.partition(".")[0] == "psycopg":
                raise translate(error, self.url) from error
            raise


def _first(error: peewee.OperationalError) -> peewee.OperationalError:
    """Why the commit failed, where the roll-back after it failed as well."""
    first, before = error, error.__context__
    while before is not None:
        if isinstance(before, peewee.OperationalError):
            first = before
        before = before.__context__
    return first


class _Current:
    database: Database | None = None


def current() -> Database:
    """The open database of the process."""
    if _Current.database is None:
        raise DatabaseUnavailable("no database is open: call models.open_database(url) first")
    return _Current.database


def open_database(url: str | Path, *, busy_timeout: float = 30.0, read_only: bool = False) -> Database:
    """Open a database, SQLite by path or ``sqlite:///path``, PostgreSQL by ``postgresql://…``.

    A missing SQLite file is made, readable by its owner alone, and its folder, too. The schema is not
    looked at: `models.migrate.migrate` or `check` does. ``busy_timeout`` is in seconds: how long a
    statement waits for another process's lock. With ``read_only`` the database must be there, every write
    is refused by the engine itself, and a PostgreSQL replica will do. Raises DatabaseUnavailable or a kind of
    it.
    """
    kind, place = _kind(url)
    if kind == "postgresql":
        database = _postgresql(place, busy_timeout, read_only=read_only)
    else:
        database = _sqlite(_sqlite_path(place), busy_timeout, read_only=read_only)
    try:
        with database.session():
            if database.sqlite:
                database.execute("SELECT count(*) FROM sqlite_master")
                if not read_only:
                    _write_ahead(database, busy_timeout)
            else:
                _check_server(database)
    except BaseException:
        database.backend.close_all()
        raise
    proxy.initialize(database.backend)
    _Current.database = database
    return database


def _kind(url: str | Path) -> tuple[str, str]:
    text = str(url)
    scheme, separator, rest = text.partition("://")
    if isinstance(url, Path) or not separator:
        return "sqlite", text
    if scheme in {"postgresql", "postgres"}:
        return "postgresql", f"postgresql://{rest}"
    if scheme == "sqlite":
        if not rest.startswith("/"):
            raise DatabaseUnavailable(f"{text!r} names a host; SQLite is sqlite:///path or a plain path")
        return "sqlite", unquote(rest[1:])
    raise DatabaseUnavailable(
        f"{scheme!r} is no kind of database that Wirewatch knows: give a path, sqlite:///path, "
        "or postgresql://user@host/name"
    )


def _sqlite_path(place: str) -> Path:
    if place in {"", ":memory:"} or place.startswith("file:"):
        raise DatabaseUnavailable(
            f"{place or 'an empty path'!r} cannot be a database: several processes and threads share it, "
            "so it must be a file"
        )
    return Path(place).expanduser().absolute()


def _sqlite(path: Path, busy_timeout: float, *, read_only: bool) -> Database:
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise DatabaseUnavailable(
            f"Python's SQLite is {sqlite3.sqlite_version}; Wirewatch needs 3.35 or newer"
        )
    if read_only and not path.is_file():
        raise DatabaseUnavailable(f"there is no database at {path} yet: 'wirewatch run' makes it")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
    except FileExistsError as error:
        raise DatabaseUnavailable(f"{path} cannot be opened: above it is a file, not a folder") from error
    except OSError as error:
        # A read-only file or folder can still be read: SQLite decides.
        if not path.is_file():
            raise translate(error, str(path)) from error
    backend = PooledSqliteDatabase(
        str(path),
        max_connections=_MAX_CONNECTIONS,
        timeout=busy_timeout,  # of the pool; sqlite3's is set below, Peewee has one name for both
        check_same_thread=False,  # the pool gives a connection to one thread at a time
        autoconnect=False,
        pragmas={
            "busy_timeout": int(busy_timeout * 1000),
            "foreign_keys": 1,
            "synchronous": "NORMAL",  # with WAL: a power cut may undo the last commits, never break the file
            "temp_store": "MEMORY",
            "cache_size": -16_000,  # KiB
            "journal_size_limit": 64 << 20,
            **({"query_only": 1} if read_only else {}),
        },
    )
    return Database(backend, engine="sqlite", url=str(path), path=path)


def _check_server(database: Database) -> None:
    version = int(database.value("SHOW server_version_num"))
    if version < _OLDEST_POSTGRESQL:
        oldest = _OLDEST_POSTGRESQL // 10_000
        raise DatabaseUnavailable(
            f"{database.url} is PostgreSQL {version // 10_000}; Wirewatch needs {oldest} or newer"
        )


def _write_ahead(database: Database, busy_timeout: float) -> None:
    """Switch a new file to WAL; SQLite does not wait for a lock here, so several first starts must."""
    give_up = time.monotonic() + busy_timeout
    while True:
        try:
            mode = str(database.value("PRAGMA journal_mode"))
            if mode != "wal" and os.access(database.url, os.W_OK):
                database.value("PRAGMA journal_mode = WAL")
        except peewee.OperationalError as error:
            translated = translate(error, database.url)
            if not isinstance(translated, DatabaseLocked) or time.monotonic() >= give_up:
                raise translated from error
            time.sleep(0.01)
        else:
            return


def _postgresql(url: str, busy_timeout: float, *, read_only: bool) -> Database:
    from playhouse.postgres_ext import PooledPsycopg3Database  # noqa: PLC0415 - it is heavy

    milliseconds = int(busy_timeout * 1000)
    try:
        shown = _without_password(url)
    except ValueError as error:
        # The address may hold a password: neither it nor the cause is shown.
        raise DatabaseUnavailable("the PostgreSQL address cannot be read as a URL") from error
    settings = {
        "lock_timeout": milliseconds,
        "timezone": "UTC",
        "plan_cache_mode": "force_custom_plan",  # a plan for the words asked, not for words in general
        "jit": "off",  # compiling would take longer than running
        **({"default_transaction_read_only": "on"} if read_only else {}),
    }
    backend = PooledPsycopg3Database(
        url,
        max_connections=_MAX_CONNECTIONS,
        timeout=busy_timeout,
        autoconnect=False,
        connect_timeout=max(2, min(int(busy_timeout), 30)),
        application_name="wirewatch",
        options=" ".join(f"-c {name}={value}" for name, value in settings.items()),
    )
    return Database(backend, engine="postgresql", url=shown, path=None)


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    user, separator, place = parts.netloc.rpartition("@")
    query = "&".join(part for part in parts.query.split("&") if not part.startswith("password="))
    netloc = f"{user.partition(':')[0]}{separator}{place}"
    # urlunsplit would leave out the slashes before an empty host, as of a database reached by its socket.
    return f"{parts.scheme}://{netloc}{parts.path}{'?' if query else ''}{query}"
