"""``compact``: the room of what was deleted goes back to the disk, and everything else stays."""

from __future__ import annotations

import pytest

from models import articles
from models.compaction import compact
from models.database import Database
from service.cli.exits import Exit
from service.lock import DaemonLock
from tests.cli_home import Home, home
from tests.storage import NOW, add_source, article, check_index, check_summaries, contents, store

__all__ = ["home"]


def test_room_is_given_back_and_nothing_else(database: Database) -> None:
    numbers = store(add_source(), *(article(n, text=f"Word {n} " * 2_000) for n in range(40)))
    articles.delete(numbers[:35], NOW)
    before = contents(database)
    was, now = compact()
    if database.sqlite:
        assert now < was / 2
        assert database.path is not None
        assert database.path.stat().st_size == now
    assert contents(database) == before
    check_index(database)
    check_summaries(database)


@pytest.mark.parametrize("command", ["compact"])
def test_not_under_a_daemon(home: Home, command: str) -> None:
    assert "there is no database" in home.run(command).complaint
    home.run("migrate")
    lock = DaemonLock(home.database)
    lock.acquire()
    assert home.run(command).code == Exit.DAEMON
    lock.release()
    assert home.run(command, "--json").json["after"] > 0
