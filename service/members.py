"""Names of what lies within files: ``archive.zip!/folder/a.txt``, ``articles.csv!/17``. Pure.

The database keeps these names as paths, so that each member is known by its own, and goes with its file.
"""

from __future__ import annotations

SEPARATOR = "!/"


def member_path(path: str, member: str) -> str:
    """The path of a member of a file; the file's own for no member."""
    return f"{path}{SEPARATOR}{member}" if member else path
