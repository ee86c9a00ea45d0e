"""What the engines say, in Wirewatch's words: the most specific error first, the cause kept by the caller."""

from __future__ import annotations

import errno

from models.errors import DatabaseDamaged, DatabaseFull, DatabaseLocked, DatabaseUnavailable, StorageError

_LOCKED = "is locked: another process has been writing to it for longer than the busy timeout"
_FULL = "is full: free some room on its disk (or raise its quota); nothing was half-written"
_SQLITE: dict[str, tuple[type[StorageError], str]] = {
    "SQLITE_BUSY": (DatabaseLocked, _LOCKED),
    "SQLITE_LOCKED": (DatabaseLocked, _LOCKED),
    "SQLITE_FULL": (DatabaseFull, _FULL),
    "SQLITE_NOTADB": (
        DatabaseUnavailable,
        "is not a SQLite database: name another file, or move this one away",
    ),
    "SQLITE_CORRUPT": (DatabaseDamaged, "is damaged: restore it from a backup"),
    "SQLITE_CANTOPEN": (
        DatabaseUnavailable,
        "cannot be opened: is it a file, and may this user read and write it and its folder?",
    ),
    "SQLITE_READONLY": (
        DatabaseUnavailable,
        "cannot be written: this user may not write it or its folder, or the disk is mounted read-only",
    ),
    "SQLITE_PERM": (DatabaseUnavailable, "may not be read by this user"),
    "SQLITE_IOERR": (DatabaseUnavailable, "gives I/O errors: look at its disk"),
    "SQLITE_NOMEM": (DatabaseUnavailable, "needs more memory than there is"),
}
_POSTGRESQL: tuple[tuple[str, type[StorageError], str], ...] = (  # by SQLSTATE, the most specific first
    ("55P03", DatabaseLocked, _LOCKED),
    ("40P01", DatabaseLocked, "undid a transaction to end a deadlock; try again"),
    ("40001", DatabaseLocked, "undid a transaction that crossed another one; try again"),
    ("53100", DatabaseFull, _FULL),
    ("53300", DatabaseUnavailable, "has too many connections"),
    ("53", DatabaseUnavailable, "has too few resources"),
    ("28", DatabaseUnavailable, "refuses the user or the password"),
    ("3D000", DatabaseUnavailable, "does not exist: create it (createdb) or name another"),
    ("42501", DatabaseUnavailable, "does not give this user the rights it needs"),
    ("25006", DatabaseUnavailable, "is read-only"),
    ("57P", DatabaseUnavailable, "is starting up or shutting down"),
    ("08", DatabaseUnavailable, "does not answer"),
    ("58", DatabaseUnavailable, "has trouble with its disk"),
)
_UNREACHABLE: tuple[tuple[str, str], ...] = (  # libpq gives no SQLSTATE while connecting
    ("password authentication failed", "refuses the user or the password"),
    ("no password supplied", "asks for a password, and none was given"),
    ("authentication failed", "refuses the user or the password"),
    ("does not exist", "does not exist, or its user does not"),
    ("too many clients", "has too many connections"),
    ("starting up", "is starting up or shutting down"),
    ("translate host name", "is on a host that is not known"),
    ("name or service not known", "is on a host that is not known"),
    ("connection refused", "cannot be reached: nothing listens there"),
    ("no such file", "cannot be reached: nothing listens there"),
    ("timeout", "cannot be reached: it does not answer in time"),
)


def translate(error: Exception, place: str) -> StorageError:
    """The error of ours that says what happened at ``place``; it never contains a password."""
    foreign = getattr(error, "orig", error)
    if isinstance(foreign, StorageError):
        return foreign
    if isinstance(foreign, OSError) and not hasattr(foreign, "sqlstate"):
        return _of_system(foreign, place)
    name = getattr(foreign, "sqlite_errorname", None)
    if name is not None:
        return _of_sqlite(str(name), foreign, place)
    if type(foreign).__name__ == "MaxConnectionsExceeded":
        return DatabaseUnavailable(f"{place}: every pooled connection stayed in use")
    if hasattr(foreign, "sqlstate"):
        return _of_postgresql(foreign, place)
    return StorageError(f"{place}: the database refused a statement: {_first_line(foreign)}")


def is_timeout(error: Exception) -> bool:
    """Whether a statement was given up because it took too long (`models.database.Database.deadline`)."""
    foreign = getattr(error, "orig", error)
    interrupted = getattr(foreign, "sqlite_errorname", None) == "SQLITE_INTERRUPT"
    return interrupted or getattr(foreign, "sqlstate", None) == "57014"


def _of_system(error: OSError, place: str) -> StorageError:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return DatabaseFull(f"{place} {_FULL}")
    return DatabaseUnavailable(f"{place} cannot be opened: {error.strerror or error}")


def _of_sqlite(name: str, error: Exception, place: str) -> StorageError:
    for start, (kind, words) in _SQLITE.items():
        if name == start or name.startswith(f"{start}_"):
            return kind(f"{place} {words}")
    return StorageError(f"{place}: SQLite refused a statement: {_first_line(error)} ({name})")


def _of_postgresql(error: Exception, place: str) -> StorageError:
    state = getattr(error, "sqlstate", None)
    if state is not None:
        for start, kind, words in _POSTGRESQL:
            if state.startswith(start):
                return kind(f"{place} {words}")
        return StorageError(f"{place}: PostgreSQL refused a statement: {_first_line(error)} ({state})")
    said = str(error).lower()
    for part, words in _UNREACHABLE:
        if part in said:
            return DatabaseUnavailable(f"{place} {words}")
    if type(error).__name__ in {"OperationalError", "InterfaceError"}:
        return DatabaseUnavailable(f"{place} does not answer: the connection was lost or never made")
    if type(error).__name__ == "ProgrammingError":
        # Such as an address that cannot be parsed: libpq repeats it, and it may hold a password.
        return DatabaseUnavailable(f"{place} cannot be used: its address or a parameter is wrong")
    return StorageError(f"{place}: the database driver failed: {_first_line(error)}")


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
