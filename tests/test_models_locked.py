"""Every writing function while another program holds the database: a clear error, nothing half-written."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from models import articles, furniture, labels, pages, retention, sources, tokens, websub
from models.database import Database
from models.errors import DatabaseLocked
from models.records import FileRecord, PageRecord, Retagged, SourceKind, SourceSave, SourceSpec, TopicSpec
from tests.storage import NOW, add_source, add_topics, article, contents, held, poll, store, tag, update

LEASE = timedelta(minutes=1)
PAGE = PageRecord("1:said", taken=True, tried_at=NOW, next_try_at=NOW)
SPEC = SourceSpec("https://new.example/", declared=True)
FEED = {"hub": "https://hub.example/", "topic": "https://topic.example/", "feed_url": "https://feed.example/"}
US = "https://us.example/websub/"
LATER = NOW + timedelta(days=30)


def hub_of(source_id: int) -> websub.Subscription:
    """A source's subscription: 1 is verified and delivers, 3 was asked for and not answered yet."""
    found = websub.of_source(source_id)
    assert found is not None
    return found


WRITING: dict[str, Callable[[], object]] = {
    "sources.add": lambda: sources.add(SPEC, host="new.example", now=NOW),
    "sources.add_all": lambda: sources.add_all([(SPEC, "new.example")], now=NOW),
    "sources.remove": lambda: sources.remove(1, NOW),
    "sources.pause": lambda: sources.pause(1, "why", NOW),
    "sources.resume": lambda: sources.resume(1, NOW + timedelta(hours=1)),
    "sources.synchronise": lambda: sources.synchronise([(SPEC, "new.example")], now=NOW),
    "sources.claim": lambda: sources.claim(NOW, owner="me", lease=LEASE, limit=5, per_host=5),
    "sources.claim_these": lambda: sources.claim_these([1], NOW, owner="me", lease=LEASE),
    "sources.reschedule": lambda: sources.reschedule({1: NOW + timedelta(hours=1)}, now=NOW),
    "sources.bring_back": lambda: sources.bring_back(NOW - timedelta(days=1)),
    "sources.hasten": lambda: sources.hasten([1], NOW - timedelta(minutes=1)),
    "sources.renew": lambda: sources.renew(3, "other", NOW + timedelta(hours=1)),
    "sources.release": lambda: sources.release("other"),
    "sources.record_unchanged": lambda: sources.record_unchanged([update(1, etag="x")], [poll(1)]),
    "sources.forget_polls": lambda: sources.forget_polls(NOW + timedelta(days=1)),
    "articles.save": lambda: articles.save(
        update(1, etag="x"),
        poll(1),
        [article(5, "arms"), article(1, "sanctions", article_id=1, text="Changed")],
        [FileRecord("/in/b", 1, 1)],
        now=NOW,
    ),
    "articles.save_all": lambda: articles.save_all(
        [SourceSave(update=update(1)), SourceSave(source_id=2, articles=(article(6),))], now=NOW
    ),
    "articles.delete": lambda: articles.delete([1, 2], NOW),
    "articles.mark_vanished": lambda: articles.mark_vanished(2, ["/in/a"], NOW),
    "articles.forget_unreadable": lambda: articles.forget_unreadable(2, ["/in/x.zip"]),
    "retention.prune": lambda: retention.prune(retention.Rule(before=LATER), NOW, after_id=0, limit=5),
    "pages.write": lambda: pages.write(1, {1: PAGE}),
    "pages.give_up": lambda: pages.give_up([2]),
    "furniture.write": lambda: furniture.write(1, furniture.FurnitureRecord(2, {7: 2}, {7: 1}), NOW),
    "furniture.forget": lambda: furniture.forget(NOW + timedelta(days=1)),
    "labels.sync_topics": lambda: labels.sync_topics([TopicSpec("new", "", 0.5)], "rules-2", NOW),
    "labels.set_verdict": lambda: labels.set_verdict(1, "arms", -1, "ann", NOW),
    "labels.withdraw_verdict": lambda: labels.withdraw_verdict(2, "sanctions", "ann", NOW),
    "labels.undo_verdict": lambda: labels.undo_verdict(2, "sanctions", "ann", NOW),
    "labels.replace_tags": lambda: labels.replace_tags(
        [Retagged(1, "1:1", (tag("sanctions"),))], taxonomy="rules-2", now=NOW
    ),
    "tokens.create": lambda: tokens.create("new", "0" * 64, tokens.Scope.READ, now=NOW),
    "tokens.revoke": lambda: tokens.revoke("desk", NOW),
    "tokens.used": lambda: tokens.used(1, LATER),
    "websub.discover": lambda: websub.discover(2, **FEED, now=NOW),
    "websub.withdraw": lambda: websub.withdraw(1, LATER),
    "websub.reconcile": lambda: websub.reconcile("https://elsewhere.example/", NOW),
    "websub.claim": lambda: websub.claim(US, LATER, hold=LEASE, limit=5),
    "websub.accepted": lambda: websub.accepted(hub_of(3).id, next_at=LATER),
    "websub.failed": lambda: websub.failed(hub_of(3).id, "why", next_at=LATER, now=NOW),
    "websub.verify": lambda: verify(3),
    "websub.deny": lambda: websub.deny(hub_of(1).token, FEED["topic"], "why", next_at=LATER, now=NOW),
    "websub.refuse": lambda: websub.refuse(hub_of(1).id, "why", NOW),
    "websub.delivered": lambda: websub.delivered(hub_of(1).id, 1, NOW),
    "websub.unread": lambda: websub.unread(hub_of(1).id, "why", NOW),
    "websub.missed": lambda: websub.missed(1, NOW),
}


def verify(source_id: int) -> None:
    """The hub of a source says that it is sure."""
    token, topic = hub_of(source_id).token, FEED["topic"]
    assert websub.verify(token, "subscribe", topic, lease_until=LATER, next_at=LATER, now=NOW)


@pytest.fixture
def used(database: Database) -> Database:
    """A database in which each of the functions has something to write."""
    add_topics()
    one = add_source("one")
    two = add_source("two", kind=SourceKind.FOLDER)
    store(one, article(1, "arms"), article(2, "arms", page=PAGE))
    furniture.write(two.id, furniture.FurnitureRecord(1, {7: 1}, {7: 1}), NOW)
    articles.save(
        None,
        None,
        [article(3, path="/in/a")],
        [FileRecord("/in/a", 1, 1), FileRecord("/in/x.zip!/b", 1, 1, reason="empty")],
        source_id=two.id,
        now=NOW,
    )
    labels.set_verdict(2, "sanctions", 1, "ann", NOW)
    tokens.create("desk", "f" * 64, tokens.Scope.WRITE, now=NOW)
    sources.record_unchanged([], [poll(one.id)])
    leased = add_source("three")
    sources.claim_these([leased.id], NOW, owner="other", lease=LEASE)
    for source_id in (one.id, leased.id):
        websub.discover(source_id, **FEED, now=NOW)
    websub.claim(US, NOW, hold=LEASE, limit=5)
    verify(one.id)
    websub.delivered(hub_of(one.id).id, 1, NOW)
    return database


@pytest.mark.parametrize("name", WRITING)
def test_a_locked_database_is_said_and_left_as_it_was(used: Database, database_url: str, name: str) -> None:
    before = contents(used)
    with used.session():
        used.execute("PRAGMA busy_timeout = 50" if used.sqlite else "SET lock_timeout = 50")
        with held(used, database_url), pytest.raises(DatabaseLocked, match="is locked"):
            WRITING[name]()
        assert contents(used) == before
        WRITING[name]()
    assert contents(used) != before


def test_no_writing_function_is_forgotten() -> None:
    reading = {
        "articles": ("articles_within", "files", "known", "recent_hashes", "unreadable"),
        "labels": (
            "count_to_retag", "stored_tags", "tag_states", "taxonomy_in_force", "texts", "to_retag",
            "topic_id", "topics", "unjudged", "verdicts",
        ),
        "furniture": ("counted",),
        "retention": ("examine", "unknown_topics"),
        "pages": ("due", "get", "read_pages", "write_pages"),
        "sources": (
            "find", "get", "ids_of", "lease_owners", "list_sources", "named", "names", "overdue", "polls",
        ),
        "tokens": ("find", "list_tokens"),
        "websub": ("of_source", "pushes", "receiver", "subscriptions", "troubled"),
    }  # fmt: skip
    names = {f"{module}.{name}" for module, functions in reading.items() for name in functions}
    public = {
        f"{module.__name__.removeprefix('models.')}.{name}"
        for module in (sources, articles, furniture, labels, pages, retention, tokens, websub)
        for name, value in vars(module).items()
        if callable(value)
        and not name.startswith("_")
        and not isinstance(value, type)
        and (value.__module__ == module.__name__ or name in getattr(module, "__all__", ()))
    }
    assert public - names == set(WRITING), "a function that writes needs its line in WRITING"
