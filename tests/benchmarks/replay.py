"""Captured feeds replayed in order into a database: ``python -m tests.benchmarks.replay FOLDER``.

FOLDER holds one folder a feed, with its successive captures (``000_2026-08-21T075821.xml``). Prints the
counts a feed, and what does not hold of it.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from loguru import logger

from models import migrate
from models.database import open_database
from tests.polling import polling
from tests.replaying import HEADING, captured, check, replay
from tests.server import Server


def main() -> None:
    """Replay and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    logger.remove()
    print(HEADING)
    with tempfile.TemporaryDirectory() as folder:
        database = open_database(Path(folder) / "replay.db")
        migrate.migrate(database)
        with Server() as server, polling(database, Path(folder)) as bench:
            for one in sorted(options.folder.iterdir()):
                done = replay(bench, server, one.name, captured(one))
                print(done.line(), flush=True)
                try:
                    check(done)
                except AssertionError as error:
                    print(f"  does not hold: {error}")
        database.close()


if __name__ == "__main__":
    main()
