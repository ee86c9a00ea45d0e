"""Documents that hold only entries read before are not read again; anything else is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from models import migrate, sources
from models.database import open_database
from models.records import SourceRecord, SourceSpec
from service.seen import MAX_ENTRIES, SeenEntries
from service.values import Fetched, Validators
from tests.polling import START, polling
from tests.server import Reply, Server

NOW = datetime(2026, 3, 2, tzinfo=UTC)
ITEMS = tuple(f"<item><guid>{n}</guid><title>Title {n}</title></item>\n" for n in range(3))


def rss(*items: str, date: str = "Mon, 02 Mar 2026 00:00:00 GMT", head: str = "", tail: str = "") -> bytes:
    built = f"<lastBuildDate>{date}</lastBuildDate>"
    return (
        f'<rss version="2.0"><channel><title>Wire</title>{built}{head}{"".join(items)}{tail}</channel></rss>'
    ).encode()


def fetched(body: bytes, **more: Any) -> Fetched:
    made = Fetched("https://a.example/f", "https://a.example/f", body, validators=Validators(body_hash="1"))
    return replace(made, **more)


@pytest.fixture
def source(tmp_path: Path) -> SourceRecord:
    database = open_database(tmp_path / "seen.db")
    migrate.migrate(database)
    added = sources.add(SourceSpec("https://a.example/f"), host="a.example", now=NOW)
    database.close()
    return replace(added, body_hash="1")


OTHER = "<item><guid>1</guid><title>Another title</title></item>\n"
ATOM = (
    b"<feed><updated>2026-03-0%dT00:00:00Z</updated>"
    b"<entry><id>1</id><updated>2026-03-0%dT00:00:00Z</updated></entry></feed>"
)


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        pytest.param(rss(*ITEMS), rss(*ITEMS), True, id="the same"),
        pytest.param(rss(*ITEMS), rss(*ITEMS, date="another"), True, id="only its date"),
        pytest.param(rss(*ITEMS), rss(ITEMS[2], ITEMS[0], date="x"), True, id="fewer, in another order"),
        pytest.param(rss(*ITEMS), rss(*ITEMS, OTHER), False, id="one more"),
        pytest.param(rss(*ITEMS), rss(ITEMS[0], OTHER, ITEMS[2]), False, id="one edited"),
        pytest.param(rss(*ITEMS), rss(*ITEMS, head="<ttl>5</ttl>"), False, id="the feed wishes something"),
        pytest.param(rss(*ITEMS), rss(*ITEMS, tail="<ttl>5</ttl>"), False, id="it wishes at its end"),
        pytest.param(ATOM % (1, 1), ATOM % (2, 1), True, id="Atom, only its date"),
        pytest.param(ATOM % (1, 1), ATOM % (2, 2), False, id="Atom, an entry's date"),
        pytest.param(b'{"items": [1]}', b'{"items": [1]}', False, id="JSON is read as ever"),
        pytest.param(rss(), rss(), False, id="nothing in it"),
        pytest.param(rss(*ITEMS * MAX_ENTRIES), rss(*ITEMS * MAX_ENTRIES), False, id="too many"),
    ],
)
def test_only_the_same_entries_are_nothing_new(
    source: SourceRecord, before: bytes, after: bytes, same: bool
) -> None:
    seen = SeenEntries()
    assert not seen.nothing_new(source, fetched(after))
    seen.remember(source.id, fetched(before))
    assert seen.nothing_new(source, fetched(after)) is same
    seen.forget(source.id)
    assert not seen.nothing_new(source, fetched(after))


def test_the_same_bytes_from_elsewhere_or_after_somebody_else_looked_are_read(source: SourceRecord) -> None:
    seen, body = SeenEntries(), rss(*ITEMS)
    seen.remember(source.id, fetched(body))
    assert seen.nothing_new(source, fetched(body))
    assert not seen.nothing_new(replace(source, body_hash="2"), fetched(body))
    assert not seen.nothing_new(source, fetched(body, final_url="https://b.example/f"))
    assert not seen.nothing_new(source, fetched(body, content_type="text/html"))
    assert not seen.nothing_new(source, fetched(body, delta=True))


def test_through_all_stages(tmp_path: Path) -> None:
    database = open_database(tmp_path / "seen.db")
    migrate.migrate(database)
    with Server() as server, polling(database, tmp_path) as bench:
        newer = (*ITEMS, "<item><guid>9</guid><title>Fresh</title></item>\n")
        bodies = [rss(*ITEMS), rss(*ITEMS, date="two"), rss(*ITEMS, date="three"), rss(*newer, date="four")]
        server.route("/feed", *(Reply(body=body) for body in bodies))
        source = bench.add(server.url("/feed"))
        told = []
        for number in range(4):
            bench.at(START + timedelta(hours=number))
            poll = bench.look(source)
            told.append((poll.outcome, poll.new, poll.detail))
        same = ("not_modified", 0, "the same entries as last time")
        assert told == [("ok", 3, None), same, same, ("ok", 1, None)]
        # By hand and forced, everything is read: what the program has learnt since is to show.
        assert bench.look(source, force=True).outcome == "ok"
        assert bench.source(source).article_count == 4
    database.close()
