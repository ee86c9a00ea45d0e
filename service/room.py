"""Room on the disk: what is kept free, so that what has begun can be stored and the daemon can answer.

SQLite needs room for its write-ahead log before anything is stored, and to fold it into the file. So the
daemon stops to look for news while there is still some left, and goes on by itself when there is more.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from loguru import logger

_ENOUGH = 1.1  # times the reserve: polling does not begin and stop with every few bytes
_MEGABYTE = 1_000_000


class Room:
    """Watches the free bytes where a database's file lies; says once that they are few, once that not."""

    def __init__(self, database: Path | None, reserve: int) -> None:
        """``reserve`` bytes are kept free; with None (a server's database) or 0 there is always room."""
        self._folder = None if database is None else database.parent
        self._reserve = reserve
        self._lack: str | None = None

    def look(self) -> str | None:
        """Why nothing is to be polled now, or None."""
        if self._folder is None or not self._reserve:
            return None
        try:
            free = shutil.disk_usage(self._folder).free
        except OSError:
            return self._lack  # the database says what is wrong with its place
        held = self._lack is not None
        if free >= self._reserve * (_ENOUGH if held else 1):
            self._lack = None
            if held:
                logger.info("there is room again at {}: {}; polling goes on", self._folder, _size(free))
            return None
        self._lack = (
            f"only {_size(free)} are free at {self._folder}, less than storage.reserve "
            f"({_size(self._reserve)}): nothing is polled until there is room"
        )
        if not held:
            logger.error("{}; what is stored can be asked meanwhile", self._lack)
        return self._lack

    @property
    def lack(self) -> str | None:
        """What `look` found last."""
        return self._lack


def _size(count: int) -> str:
    return f"{count / _MEGABYTE:,.1f} MB"
