"""How sources stand, in the order of the rules, and their lists: counted, paged, ordered; on both engines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest

from models import articles, health, sources
from models.database import Database
from models.records import Health, SourceHealth, SourceKind, SourceSpec, SourceState
from tests.storage import NOW, add_source, article, poll, store, update
from tests.test_models_plans import Recorder

DAY = timedelta(days=1)
GONE = {"state": SourceState.PAUSED, "state_reason": "the server says it is gone for good (410)"}


def look(days: float = 0, **more: Any) -> Callable[[int], None]:
    """A look that went well, so many days after NOW; what it found is in ``more``."""

    def work(number: int) -> None:
        started = NOW + days * DAY
        sources.record_unchanged([update(number, **more)], [poll(number, started_at=started)])

    return work


def failure(reason: str, **more: Any) -> Callable[[int], None]:
    """A look that failed."""

    def work(number: int) -> None:
        failed = {"failures": 1, "failing_since": NOW, **more}
        sources.record_unchanged([update(number, **failed)], [poll(number, reason)])

    return work


def news(days: float) -> Callable[[int], None]:
    """An article that came so many days after NOW."""

    def work(number: int) -> None:
        articles.save(None, None, [article(number)], source_id=number, now=NOW + days * DAY)

    return work


HOUR = 3600.0
# What happened, and how it stands 100 days after it was added.
CASES: Mapping[str, tuple[list[Callable[[int], object]], Health]] = {
    "never looked at": ([], Health.NEW),
    "all is well": ([look(100, entries=5, undated=0), news(99)], Health.OK),
    "nobody knows how many entries": ([look(100)], Health.OK),
    "failed": ([look(99, entries=0), failure("timeout")], Health.FAILING),
    "failed and mended": ([failure("timeout"), look(99, entries=5, undated=0)], Health.OK),
    "gone": ([failure("gone", **GONE)], Health.GONE),
    "gone, then paused by hand": (
        [failure("gone", **GONE), lambda n: sources.pause(n, "by hand", NOW)], Health.GONE,
    ),
    "gone, then resumed and paused": (
        [
            failure("gone", **GONE),
            lambda n: sources.resume(n, NOW),
            lambda n: sources.pause(n, "by hand", NOW),
        ],
        Health.PAUSED,
    ),
    "paused": ([lambda n: sources.pause(n, "by hand", NOW)], Health.PAUSED),
    "removed": ([lambda n: sources.remove(n, NOW)], Health.REMOVED),
    "without entries": ([look(100, entries=0, undated=0)], Health.EMPTY),
    "without dates": ([look(100, entries=3, undated=3), news(99)], Health.UNDATED),
    "one date of three": ([look(100, entries=3, undated=2), news(99)], Health.OK),
    "silent a week at an article an hour": (
        [look(92, entries=3, undated=0, usual_gap=HOUR), news(92.7)], Health.SILENT,
    ),
    "not yet": ([look(92, entries=3, undated=0, usual_gap=HOUR), news(93.1)], Health.OK),
    "three weeks are nothing for a monthly": (
        [look(92, entries=3, undated=0, usual_gap=30 * 24 * HOUR), news(78)], Health.OK,
    ),
    "silent a season, its rhythm unknown": ([look(100, entries=1, undated=0), news(9)], Health.SILENT),
    "dead when it was added": (
        [
            look(0, entries=9, undated=0, usual_gap=HOUR, newest_at=NOW - 300 * DAY),
            news(0),
        ],
        Health.SILENT,
    ),
    "old dates, but new articles": (
        [look(99, entries=9, undated=0, usual_gap=HOUR, newest_at=NOW - 300 * DAY), news(99)], Health.OK,
    ),
    "moving": ([look(99, moved_to="https://new.example/", moved_count=1), news(99)], Health.MOVED),
    "moved lately": (
        [look(99, location="https://new.example/", moved_at=NOW + 80 * DAY), news(99)], Health.MOVED,
    ),
    "moved long ago": (
        [look(99, location="https://new.example/", moved_at=NOW + 10 * DAY), news(99)], Health.OK,
    ),
}  # fmt: skip


def stands(number: int) -> SourceHealth:
    """How a source stands 100 days later."""
    (one,) = health.read([number], NOW + 100 * DAY)
    return one


@pytest.mark.parametrize("name", CASES)
def test_how_a_source_stands(database: Database, name: str) -> None:
    happened, wanted = CASES[name]
    source = add_source("one")
    for work in happened:
        work(source.id)
    assert stands(source.id).health is wanted
    assert health.ids(NOW + 100 * DAY, states=[wanted]) == [source.id]
    assert health.counts(NOW + 100 * DAY) == {wanted: 1}
    others = [one for one in Health if one is not wanted]
    assert health.ids(NOW + 100 * DAY, states=others) == []


def test_every_state_has_its_urgency() -> None:
    assert sorted(health.URGENCY) == sorted(Health)
    assert {wanted for _, wanted in CASES.values()} == set(Health) - {Health.IMPORTED}


def test_quiet_since_when(database: Database) -> None:
    old, fresh = add_source("old"), add_source("fresh")
    for source, newest in ((old, NOW - 300 * DAY), (fresh, NOW + DAY)):
        look(0, entries=1, undated=0, newest_at=newest)(source.id)
        store(source, article(source.id))
    assert stands(old.id).quiet_since == NOW - 300 * DAY
    assert stands(fresh.id).quiet_since == NOW
    assert stands(add_source("third").id).quiet_since is None


def test_folders_and_imports(database: Database) -> None:
    folder, seeds = add_source("in", kind=SourceKind.FOLDER), add_source("seeds", kind=SourceKind.SEEDS)
    look()(folder.id)
    assert stands(folder.id).health is Health.OK
    assert stands(seeds.id).health is Health.IMPORTED


def test_lists_are_in_order_and_paged(database: Database) -> None:
    for title, group in (("beta", "b"), ("Alpha", "b"), ("gamma", None), ("Émile", "b"), ("Beta", "a")):
        spec = SourceSpec(f"https://{title}.{group}/".lower(), title=title, group=group)
        sources.add(spec, host="h", now=NOW)
    removed = add_source("removed")
    sources.remove(removed.id, NOW)
    named = {one.id: one.name for one in sources.find(["*"])}
    order = [named[number] for number in health.ids(NOW)]
    assert order == ["gamma", "Beta", "Alpha", "beta", "Émile"]
    pages = [health.ids(NOW, limit=2, offset=offset) for offset in (0, 2, 4, 6)]
    assert [named[number] for page in pages for number in page] == order
    assert health.ids(NOW, removed=True) == [*health.ids(NOW, limit=1), removed.id, *health.ids(NOW)[1:]]
    assert [one.source.name for one in health.read(health.ids(NOW), NOW)] == order
    assert list(health.read([removed.id, 999], NOW)) == [
        SourceHealth(sources.find([str(removed.id)], removed=True)[0], Health.REMOVED)
    ]
    assert health.names([removed.id, 999]) == {removed.id: "Removed"}


def test_the_urgent_come_first(database: Database) -> None:
    well, broken, empty, folder = (
        add_source("a"), add_source("c"), add_source("b"), add_source("d", kind=SourceKind.FOLDER)
    )  # fmt: skip
    look(entries=3, undated=0)(well.id)
    failure("dns")(broken.id)
    look(entries=0)(empty.id)
    assert health.ids(NOW, urgent=True) == [broken.id, empty.id, folder.id, well.id]
    assert list(health.counts(NOW)) == [Health.FAILING, Health.EMPTY, Health.NEW, Health.OK]
    assert health.ids(NOW, kinds=[SourceKind.FOLDER]) == [folder.id]


def test_the_first_page_walks_its_index(database: Database) -> None:
    """With ten thousand sources a page must not cost their sorting."""
    specs = [(SourceSpec(f"https://h{n}.example/", group=f"g{n % 7}"), "h") for n in range(3_000)]
    sources.add_all(specs, now=NOW)
    with database.session():
        database.execute("ANALYZE source")
        recorder = Recorder(database)
        database.backend.query_hooks.append(recorder)
        first = health.ids(NOW, limit=50)
        assert len(list(health.read(first, NOW))) == 50
    plans = recorder.plans()
    assert "source_listed" in plans[0], plans[0]
    assert "TEMP B-TREE" not in plans[0], plans[0]
    assert "Sort" not in plans[0], plans[0]
    for plan in plans[1:]:
        assert "SCAN source" not in plan, plan
        assert "Seq Scan on source" not in plan, plan


def test_no_question_reads_polls_or_articles(database: Database) -> None:
    add_source("one")
    with database.session():
        recorder = Recorder(database)
        database.backend.query_hooks.append(recorder)
        health.counts(NOW)
        list(health.read(health.ids(NOW, states=[Health.NEW], urgent=True), NOW))
    said = " ".join(sql for sql, _ in recorder.statements)
    recorder.plans()
    assert "poll " not in said
    assert "article " not in said
