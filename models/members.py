"""What lies within files – members of archives, rows with an id – as far as it goes with its file.

The path of a member is its file's, ``!/`` and its name (`service.members` makes it; the database only needs
to know where it ends). Articles of members have such paths, and so have the records of members that could
not be read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from models.database import Database, Lock, current
from models.fields import decode_path, encode_path
from models.tagging import CHUNK, marks

SEPARATOR = "!/"
_AFTER = "!0"  # the first text after all that begin with the separator: "0" follows "/"


def articles_within(source_id: int, path: str) -> set[str]:
    """The paths of the articles of a file's members, those left out that have vanished already."""
    database = current()
    with database.session():
        rows = database.rows(
            f"SELECT path FROM article WHERE source_id = ? AND {within(database)} AND vanished_at IS NULL",
            (source_id, *_bounds(path)),
        )
    return {decode_path(row[0]) for row in rows}


def forget_unreadable(source_id: int, paths: Sequence[str]) -> None:
    """Forget which members of these files could not be read: they are about to be read again."""
    database = current()
    with database.transaction():
        database.lock(Lock.WRITE)
        database.executemany(
            f"DELETE FROM file WHERE source_id = ? AND {within(database)}",
            [(source_id, *_bounds(path)) for path in paths],
        )


def vanish(database: Database, source_id: int, paths: Iterable[str], moment: int) -> None:
    """Note that the members of files are gone with them; inside the caller's transaction."""
    gone = set(paths)
    rows = [(moment, source_id, *_bounds(path)) for path in containers(database, source_id) if path in gone]
    for table in ("file", "article"):
        database.executemany(
            f"UPDATE {table} SET vanished_at = ? "
            f"WHERE source_id = ? AND {within(database)} AND vanished_at IS NULL",
            rows,
        )


def reappear(database: Database, source_id: int, paths: Sequence[str]) -> set[int]:
    """Note that files are back, and what vanished at the same moment; before their records change.

    Gives the articles of the source that had vanished by then, where any file is back.
    """
    rows = []
    for start in range(0, len(paths), CHUNK):
        chunk = [encode_path(path) for path in paths[start : start + CHUNK]]
        found = database.rows(
            f"SELECT path, vanished_at FROM file WHERE source_id = ? AND path IN ({marks(len(chunk))}) "
            "AND vanished_at IS NOT NULL",
            (source_id, *chunk),
        )
        rows += [(source_id, f"{path}{SEPARATOR}", f"{path}{_AFTER}", moment) for path, moment in found]
    before = vanished(database, source_id) if rows else set()
    for table in ("file", "article"):
        database.executemany(
            f"UPDATE {table} SET vanished_at = NULL "
            f"WHERE source_id = ? AND {within(database)} AND vanished_at = ?",
            rows,
        )
    return before


def vanished(database: Database, source_id: int) -> set[int]:
    """The articles of a source whose files are gone."""
    found = database.rows(
        "SELECT id FROM article WHERE source_id = ? AND vanished_at IS NOT NULL", (source_id,)
    )
    return {row[0] for row in found}


def containers(database: Database, source_id: int) -> set[str]:
    """The files of a source of which members are stored, by one look at its paths."""
    position = "instr(path, '!/')" if database.sqlite else "strpos(path, '!/')"
    found: set[str] = set()
    for table in ("article", "file"):
        rows = database.rows(
            f"SELECT DISTINCT substr(path, 1, {position} - 1) FROM {table} "
            f"WHERE source_id = ? AND path IS NOT NULL AND {position} > 0",
            (source_id,),
        )
        found.update(decode_path(row[0]) for row in rows)
    return found


def within(database: Database) -> str:
    """The condition that a path lies between two bounds, byte by byte on either engine."""
    column = "path" if database.sqlite else 'path COLLATE "C"'
    return f"{column} >= ? AND {column} < ?"


def _bounds(path: str) -> tuple[str, str]:
    stored = encode_path(path)
    return f"{stored}{SEPARATOR}", f"{stored}{_AFTER}"
