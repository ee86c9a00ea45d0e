"""Every error of the storage side, in one tree.

::

    StorageError               a message for a person: what, where, and the mend
    ├── DatabaseUnavailable    cannot be opened or reached, is locked, is full, is no database
    │   ├── DatabaseLocked     another process holds it longer than we wait
    │   └── DatabaseFull       the disk or the quota is full
    ├── SchemaMismatch         the schema is newer than the program, or was never made
    ├── QueryError             a question that cannot be asked: says where and what was expected
    └── NotFound               no such source, article, topic …
"""

from __future__ import annotations


class StorageError(Exception):
    """The root: its text is meant to be shown to a person as it is."""


class DatabaseUnavailable(StorageError):
    """The database cannot be opened or does not answer."""


class DatabaseLocked(DatabaseUnavailable):
    """Another process held the database for longer than the busy timeout."""


class DatabaseFull(DatabaseUnavailable):
    """No room: the disk, the quota or the database's own limit."""


class SchemaMismatch(StorageError):
    """The stored schema and the program do not fit together."""


class QueryError(StorageError):
    """A question that cannot be asked; the text points at the place."""


class NotFound(StorageError):
    """What was named does not exist."""
