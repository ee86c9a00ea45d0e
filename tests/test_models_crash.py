"""kill -9 at random moments while articles are stored: each one once, the validators never ahead of them."""

from __future__ import annotations

import json
import random
import select
import signal
import subprocess

from models import articles, sources
from models.database import Database, open_database
from tests.processes import start
from tests.storage import (
    NOW,
    add_source,
    add_topics,
    article,
    check_index,
    check_summaries,
    poll,
    update,
)

BATCH = 5
ROUNDS = 8


def poll_for_ever(url: str, source_id: int) -> None:
    """A poller that takes up where the validators say, and is killed some time; in a process of its own."""
    open_database(url, busy_timeout=30)
    while True:
        seen = int(sources.get(source_id).etag or 0)
        batch = [article(n, "arms", text=f"Words {n} " * 200) for n in range(seen, seen + BATCH)]
        known = articles.known(source_id, keys=["guid:0"])
        text = f"Version {seen}"
        more = [article(0, "sanctions", article_id=one.article_id, text=text) for one in known]
        print("before", flush=True)
        articles.save(
            update(source_id, etag=str(seen + BATCH), lease_owner="me"),
            poll(source_id),
            [*batch, *more],
            now=NOW,
        )
        print("after", flush=True)


def test_killed_at_any_moment(database: Database, database_url: str) -> None:
    chance = random.Random(1)
    source = add_source()
    add_topics()
    reached = []
    for _ in range(ROUNDS):
        process = start("tests.test_models_crash", "poll_for_ever", json.dumps([database_url, source.id]))
        _kill_some_time(process, chance)
        reached.append(_check(database, source.id))
    assert reached == sorted(reached)
    assert reached[-1] > ROUNDS, "it was always killed before it stored anything"
    check_index(database)
    check_summaries(database)


def _kill_some_time(process: subprocess.Popen[str], chance: random.Random) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("go\n")
    process.stdin.flush()
    for _ in range(chance.randint(2, 14)):
        process.stdout.readline()
    # Up to ten milliseconds more, so that the end falls into the transaction, the commit and between them.
    select.select([], [], [], chance.random() / 100)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdin.close()
    process.stdout.close()


def _check(database: Database, source_id: int) -> int:
    """Every article that the validators vouch for is there, once, and none beyond; gives how many."""
    # One moment of the database: a server may still be busy with what the dead process had sent.
    with database.snapshot():
        promised = int(sources.get(source_id).etag or 0)
        keys = [key for (key,) in database.rows("SELECT key FROM article")]
        assert sorted(keys) == sorted(f"guid:{n}" for n in range(promised))
        assert database.value("SELECT count(*) FROM poll") == promised // BATCH
        assert database.value("SELECT count(*) FROM tag") == promised
        revisions = database.value("SELECT count(*) FROM revision")
    assert revisions == max(0, promised // BATCH - 1)
    return promised
