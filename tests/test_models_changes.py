"""Following what changes: nothing is missed, nothing needs a clock, and a cursor of elsewhere is refused."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models import articles, changes, labels
from models.database import Database
from models.errors import QueryError
from models.fields import to_micros
from models.records import ArticleRecord, FileRecord, Retagged, SourceKind, SourceRecord
from tests.storage import NOW, TAXONOMY, add_source, add_topics, article, store, tag

LATER = NOW + timedelta(hours=1)


def told(cursor: str | None = None) -> list[int]:
    """The articles that changed behind a cursor."""
    return [one.article_id for one in changes.since(cursor).changes]


def test_storing_rewording_labelling_judging_and_deleting_are_told(database: Database) -> None:
    add_topics()
    source = add_source()
    one, two, three = store(source, article(1, "arms"), article(2), article(3))
    assert told() == [one, two, three]

    cursor = changes.latest()
    assert told(cursor) == []
    articles.save(
        None, None, [article(2, article_id=two, text="Other words.")], source_id=source.id, now=LATER
    )
    assert told(cursor) == [two]
    labels.set_verdict(one, "arms", -1, "ann", LATER)
    assert told(cursor) == [two, one]
    labels.replace_tags([Retagged(three, "1:3", (tag("arms"),))], taxonomy="rules-2", now=LATER)
    labels.withdraw_verdict(one, "arms", "ann", LATER)
    assert told(cursor) == [two, three, one]
    articles.delete([two], LATER)
    found = changes.since(cursor)
    assert [(change.article_id, change.article is None) for change in found.changes] == [
        (three, False),
        (one, False),
        (two, True),
    ]
    assert told(found.cursor) == []
    assert not found.more
    assert changes.last_changed([one, three]) == LATER
    assert changes.last_changed([]) is None


def test_the_heir_of_a_deleted_article_is_told(database: Database) -> None:
    [first] = store(add_source("one"), article(1))
    [copy] = store(add_source("two"), article(1, key="copy", duplicate_of=first))
    cursor = changes.latest()
    articles.delete([first], LATER)
    assert told(cursor) == [first, copy]


def test_files_that_vanish_and_come_back_are_told(database: Database) -> None:
    folder = add_source("two", kind=SourceKind.FOLDER)
    files = [FileRecord("/in/a", 1, 1), FileRecord("/in/x.zip", 1, 1)]
    written = [article(1, path="/in/a"), article(2, path="/in/x.zip!/b"), article(3, path="/in/c")]
    stored = articles.save(None, None, written, files, source_id=folder.id, now=NOW)
    cursor = changes.latest()
    articles.mark_vanished(folder.id, ["/in/a", "/in/x.zip"], LATER)
    gone = changes.since(cursor)
    assert [one.article_id for one in gone.changes] == list(stored.new[:2])
    articles.save(None, None, [], files, source_id=folder.id, now=LATER)
    assert sorted(told(gone.cursor)) == list(stored.new[:2])
    articles.save(None, None, [], files, source_id=folder.id, now=LATER)
    assert told(changes.latest()) == []


def test_pages_follow_each_other_and_give_whole_articles_where_asked(database: Database) -> None:
    add_topics()
    ids = store(add_source(), *(article(number, "arms") for number in range(7)))
    cursor, seen = None, list[int]()
    while True:
        page = changes.since(cursor, limit=3, whole=True)
        for one in page.changes:
            assert isinstance(one.article, ArticleRecord)
            assert one.article.tags[0].evidence
            seen.append(one.article_id)
        cursor = page.cursor
        if not page.more:
            break
    assert seen == list(ids)


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "AAAA", "💩", "A" * 5_000, "AQAAAAAAAAAAAAAA", "=", "a b"],
)
def test_what_is_no_cursor_is_refused(database: Database, cursor: str) -> None:
    with pytest.raises(QueryError, match="start again without one"):
        changes.since(cursor)


def test_a_cursor_of_elsewhere_or_of_the_future_is_refused(database: Database) -> None:
    store(add_source(), article(1), article(2))
    ahead = changes.latest()
    with database.transaction():
        database.execute("DELETE FROM article_change WHERE seq = (SELECT max(seq) FROM article_change)")
    with pytest.raises(QueryError, match="older backup"):
        changes.since(ahead)
    cursor, instance = changes.latest(), changes.instance()
    with database.transaction():
        database.execute("UPDATE meta SET value = ? WHERE key = 'instance'", ("0" * 32,))
    with pytest.raises(QueryError, match="another database"):
        changes.since(cursor)
    # Restored, and by now as many changes came again: the numbers are the same, the changes others.
    with database.transaction():
        database.execute("UPDATE meta SET value = ? WHERE key = 'instance'", (instance,))
    assert told(cursor) == []
    with database.transaction():
        seq = database.value("SELECT max(seq) FROM article_change")
        database.execute("DELETE FROM article_change WHERE seq = ?", (seq,))
        database.execute(
            "INSERT INTO article_change (seq, article_id, changed_at) VALUES (?, 77, ?)",
            (seq, to_micros(LATER)),
        )
    with pytest.raises(QueryError, match="older backup"):
        changes.since(cursor)
    flipped = bytearray(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    flipped[-4] ^= 1
    with pytest.raises(QueryError, match="not given by Wirewatch"):
        changes.since(base64.urlsafe_b64encode(bytes(flipped)).decode())
    with pytest.raises(QueryError, match="1 to 1000"):
        changes.since(None, limit=0)


STEPS = ("new", "reword", "judge", "retag", "delete", "read")


class Follower:
    """A copy of the articles, kept by following alone."""

    def __init__(self, limit: int) -> None:
        self.copy: dict[int, object] = {}
        self._limit = limit
        self._cursor: str | None = None

    def read(self) -> bool:
        """One page; whether there are more."""
        page = changes.since(self._cursor, limit=self._limit, whole=True)
        for one in page.changes:
            self.copy[one.article_id] = one.article
            if one.article is None:
                del self.copy[one.article_id]
        self._cursor = page.cursor
        return page.more


def change(source: SourceRecord, step: str, chosen: int, number: int) -> None:
    """Do one thing to an article."""
    if step == "reword":
        write = article(number, key=f"again:{chosen}", article_id=chosen, text=f"Words {number}.")
        articles.save(None, None, [write], source_id=source.id, now=LATER)
    elif step == "judge":
        labels.set_verdict(chosen, "arms", 1 if number % 2 else -1, "ann", LATER)
    elif step == "retag":
        [text] = labels.texts([chosen])
        new = (tag("sanctions", 0.5 + number / 100),)
        labels.replace_tags([Retagged(chosen, text.content_hash, new)], taxonomy=TAXONOMY, now=LATER)
    elif step == "delete":
        articles.delete([chosen], LATER)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 30)), max_size=25),
    limit=st.integers(1, 4),
)
def test_a_follower_has_what_the_database_has(
    database: Database, steps: list[tuple[str, int]], limit: int
) -> None:
    """Whatever happens between its pages: at the end its copy is the stored articles, as they are."""
    with database.transaction():
        for table in ("verdict", "tag", "article", "article_change", "tombstone", "source"):
            database.execute(f"DELETE FROM {table}")
    add_topics()
    source = add_source()
    follower = Follower(limit)
    live: list[int] = []
    for number, (step, which) in enumerate(steps):
        if step == "new":
            live += store(source, article(1_000 + number, "arms"))
        elif step == "read":
            follower.read()
        elif live:
            chosen = live[which % len(live)]
            change(source, step, chosen, which)
            if step == "delete":
                live.remove(chosen)
    while follower.read():
        pass
    everything = changes.since(None, limit=1_000, whole=True).changes
    assert follower.copy == {one.article_id: one.article for one in everything if one.article is not None}
    assert sorted(follower.copy) == sorted(live)
