"""Names of what lies within files: ``archive.zip!/folder/a.txt``, ``articles.csv!/17``. Pure.

The database keeps these names as paths, so that each member is known by its own, and goes with its file.
"""

from __future__ import annotations

from collections.abc import Container

SEPARATOR = "!/"


def member_path(path: str, member: str) -> str:
    """The path of a member of a file; the file's own for no member."""
    return f"{path}{SEPARATOR}{member}" if member else path


def file_of(path: str, files: Container[str]) -> str:
    """The one of these files that a path may be a member of, else the path itself.

    A folder's name may end with "!", so that a path alone does not tell.
    """
    at = path.find(SEPARATOR)
    while at >= 0:
        if path[:at] in files:
            return path[:at]
        at = path.find(SEPARATOR, at + 1)
    return path
