"""Every error of the storage side, in one tree.

::

    StorageError               a message for a person: what, where, and the mend
    ├── DatabaseUnavailable    cannot be opened or reached, is locked, is full, is no database
    │   ├── DatabaseLocked     another process holds it longer than we wait
    │   ├── DatabaseFull       the disk or the quota is full
    │   └── DatabaseDamaged    what is stored is broken
    ├── SchemaMismatch         the schema is newer than the program, or was never made
    ├── QueryError             a question that cannot be asked
    │   ├── QuerySyntaxError   a query that cannot be read: says where, and what was expected
    │   └── QueryTimeout       a question that took longer than whoever asks would wait
    ├── AlreadyThere           a name that is taken
    └── NotFound               no such source, article, topic …
"""

from __future__ import annotations

import unicodedata

_AROUND = 40  # characters shown before and after the place of an error


class StorageError(Exception):
    """The root: its text is meant to be shown to a person as it is."""


class DatabaseUnavailable(StorageError):
    """The database cannot be opened or does not answer."""


class DatabaseLocked(DatabaseUnavailable):
    """Another process held the database for longer than the busy timeout."""


class DatabaseFull(DatabaseUnavailable):
    """No room: the disk, the quota or the database's own limit."""


class DatabaseDamaged(DatabaseUnavailable):
    """What is stored is broken: a backup has to be restored."""


class SchemaMismatch(StorageError):
    """The stored schema and the program do not fit together."""


class QueryError(StorageError):
    """A question that cannot be asked."""


class QuerySyntaxError(QueryError):
    """A query that cannot be read. Its text is one line; `pointer` shows the place."""

    def __init__(self, query: str, start: int, problem: str, expected: str) -> None:
        super().__init__(f"column {start + 1}: {problem}; expected {expected}")
        self.query = query
        self.start = start  # of what is wrong, in code points
        self.problem = problem
        self.expected = expected

    @property
    def column(self) -> int:
        """The place in the query, from 1."""
        return self.start + 1

    @property
    def pointer(self) -> str:
        """The query around the place, and below it a caret; for letters of one width."""
        first = max(0, self.start - _AROUND)
        shown = "".join(
            char if char.isprintable() else " " for char in self.query[first : self.start + _AROUND]
        )
        before, after = "…" if first else "", "…" if len(self.query) > self.start + _AROUND else ""
        width = sum(_width(char) for char in (before + shown)[: len(before) + self.start - first])
        return f"{before}{shown}{after}\n{' ' * width}^"


class QueryTimeout(QueryError):
    """A question that took longer to answer than whoever asks would wait."""


def _width(char: str) -> int:
    """The columns that a letter takes in a terminal."""
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


class AlreadyThere(StorageError):
    """What was to be made is there already."""


class NotFound(StorageError):
    """What was named does not exist."""
