"""Sources: added once, found by any name, paused and resumed, kept in line with the settings."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from models import sources
from models.database import Database
from models.errors import NotFound
from models.records import SourceKind, SourceSpec, SourceState
from tests.storage import NOW, add_source, article, poll, store, update

LATER = NOW + timedelta(hours=1)


def test_a_source_keeps_what_was_said_of_it(database: Database) -> None:
    spec = SourceSpec(
        "https://one.example/feed",
        title="Один",
        group="press/wires",
        schedule="every 15m",
        options={"allow_private": True, "prior.arms": 0.5, "header.X-Test": "ü", "retries": 3},
        declared=True,
    )
    made = sources.add(spec, host="one.example", now=NOW)
    assert (made.location, made.title, made.group, made.schedule) == (
        spec.location, "Один", "press/wires", "every 15m",
    )  # fmt: skip
    assert made.options == spec.options
    assert (made.declared, made.state, made.host) == (True, SourceState.ACTIVE, "one.example")
    assert (made.created_at, made.next_poll_at) == (NOW, NOW)
    assert (made.failures, made.article_count, made.etag, made.lease_owner) == (0, 0, None, None)
    assert sources.get(made.id) == made


def test_imports_are_never_due(database: Database) -> None:
    assert add_source("seeds", kind=SourceKind.SEEDS).next_poll_at is None


def test_adding_again_gives_what_is_there(database: Database) -> None:
    first = add_source("one")
    [again] = sources.add_all([(SourceSpec(first.location, title="Another"), "one.example")], now=LATER)
    assert again == sources.Added(first, new=False, revived=False)


def test_adding_a_removed_one_revives_it_with_its_articles(database: Database) -> None:
    first = add_source("one")
    ids = store(first, article(1))
    sources.remove(first.id, NOW)
    assert sources.list_sources() == []
    spec = SourceSpec(first.location, title="New name", schedule="every 5m")
    [again] = sources.add_all([(spec, "one.example")], now=LATER)
    assert (again.new, again.revived) == (False, True)
    assert (again.source.id, again.source.title, again.source.schedule) == (first.id, "New name", "every 5m")
    assert (again.source.state, again.source.next_poll_at) == (SourceState.ACTIVE, LATER)
    assert (again.source.article_count, again.source.created_at) == (len(ids), NOW)


def test_one_location_twice_in_one_call_is_one_source(database: Database) -> None:
    spec = SourceSpec("https://one.example/feed")
    first, second = sources.add_all([(spec, "one.example"), (spec, "one.example")], now=NOW)
    assert first.source == second.source
    assert len(sources.list_sources()) == 1


def test_ten_thousand_sources_are_added_at_once(database: Database) -> None:
    specs = [(SourceSpec(f"https://h{n}.example/"), f"h{n}.example") for n in range(10_000)]
    added = sources.add_all(specs, now=NOW)
    assert len({one.source.id for one in added}) == 10_000
    assert [one.source.location for one in added] == [spec.location for spec, _ in specs]


@pytest.mark.parametrize(
    ("ref", "expected"),
    [
        ("https://yonhap.example/feed", ["Yonhap News"]),
        ("yonhap news", ["Yonhap News"]),
        ("YONHAP*", ["Yonhap News", "Yonhap Sport"]),
        ("*sport", ["Yonhap Sport"]),
        ("*.example/*", ["Yonhap News", "Yonhap Sport", "РИА Новости", "100% _real_"]),
        ("риа*", ["РИА Новости"]),
        ("РИА НОВОСТИ", ["РИА Новости"]),
        ("100% _real_", ["100% _real_"]),
        ("%*", []),
        ("_*", []),
        ("*\\*", []),
    ],
)
def test_finding_by_any_name(database: Database, ref: str, expected: list[str]) -> None:
    for n, title in enumerate(("Yonhap News", "Yonhap Sport", "РИА Новости", "100% _real_")):
        place = "yonhap" if n == 0 else f"host{n}"
        sources.add(SourceSpec(f"https://{place}.example/feed", title=title), host="h", now=NOW)
    if not expected:
        with pytest.raises(NotFound, match="no source is called"):
            sources.find([ref])
        return
    assert [one.title for one in sources.find([ref])] == expected


def test_finding_by_id_and_several_at_once(database: Database) -> None:
    one, two = add_source("one"), add_source("two")
    assert sources.get(one.id) == one
    assert sources.get(str(two.id)) == two
    assert sources.find([str(two.id), "One", "o*", "*"]) == [two, one]
    with pytest.raises(NotFound, match=r"names 2 sources: .*give the id of one"):
        sources.get("*")


def test_what_is_not_found_is_guessed_at(database: Database) -> None:
    add_source("reuters")
    with pytest.raises(NotFound, match="did you mean 'Reuters'"):
        sources.get("Reutters")
    with pytest.raises(NotFound):
        sources.get("9" * 30)
    for change in (sources.remove, sources.resume):
        with pytest.raises(NotFound, match="no source 77"):
            change(77, NOW)
    with pytest.raises(NotFound, match="no source 77"):
        sources.pause(77, "why", NOW)


def test_listing_by_state_and_kind(database: Database) -> None:
    feed, folder = add_source("feed"), add_source("folder", kind=SourceKind.FOLDER)
    paused, removed = add_source("paused"), add_source("removed")
    sources.pause(paused.id, "by hand", NOW)
    sources.remove(removed.id, NOW)
    assert [one.id for one in sources.list_sources()] == [feed.id, folder.id, paused.id]
    assert [one.id for one in sources.list_sources(states=[SourceState.REMOVED])] == [removed.id]
    assert [one.id for one in sources.list_sources(kinds=[SourceKind.FOLDER])] == [folder.id]


def test_names_for_a_choice(database: Database) -> None:
    add_source("beta")
    gone = add_source("gone")
    sources.add(SourceSpec("https://alpha.example/"), host="alpha.example", now=NOW)
    sources.add(SourceSpec("https://other.example/", title="Beta"), host="other.example", now=NOW)
    sources.remove(gone.id, NOW)
    assert sources.names(10) == ["Beta", "https://alpha.example/"]
    assert sources.names(1) == ["Beta"]


def test_pausing_and_resuming(database: Database) -> None:
    source = add_source("one")
    sources.record_unchanged(
        [update(source.id, failures=4, failing_since=NOW)], [poll(source.id, "timeout", detail="slow")]
    )
    paused = sources.pause(source.id, "too noisy", NOW)
    assert (paused.state, paused.state_reason) == (SourceState.PAUSED, "too noisy (2026-03-14)")
    resumed = sources.resume(source.id, LATER)
    assert (resumed.state, resumed.state_reason) == (SourceState.ACTIVE, None)
    assert (resumed.next_poll_at, resumed.failures, resumed.failing_since) == (LATER, 0, None)


def declared(name: str, **more: object) -> tuple[SourceSpec, str]:
    spec = SourceSpec(f"https://{name}.example/feed", declared=True)
    return replace(spec, **more), f"{name}.example"  # type: ignore[arg-type]


def test_synchronising_with_the_settings(database: Database) -> None:
    by_hand = add_source("hand")
    first = sources.synchronise([declared("one"), declared("two")], now=NOW)
    assert first == sources.Synchronised(added=("https://one.example/feed", "https://two.example/feed"))
    assert sources.synchronise([declared("one"), declared("two")], now=NOW) == sources.Synchronised()

    changed = declared("two", schedule="every 5m", title="Two", options={"full_text": "on"})
    second = sources.synchronise([changed], now=NOW)
    assert second == sources.Synchronised(
        updated=("https://two.example/feed",), paused=("https://one.example/feed",)
    )
    two = sources.get("https://two.example/feed")
    assert (two.schedule, two.title, two.options) == ("every 5m", "Two", {"full_text": "on"})
    one = sources.get("https://one.example/feed")
    assert (one.state, one.state_reason) == (SourceState.PAUSED, "no longer in the settings (2026-03-14)")

    third = sources.synchronise([declared("one"), changed], now=LATER)
    assert third == sources.Synchronised(resumed=("https://one.example/feed",))
    assert sources.get("https://one.example/feed").next_poll_at == LATER
    assert sources.get(by_hand.id) == by_hand


def test_what_a_person_paused_stays_paused(database: Database) -> None:
    sources.synchronise([declared("one")], now=NOW)
    one = sources.get("https://one.example/feed")
    sources.pause(one.id, "by hand", NOW)
    assert sources.synchronise([declared("one")], now=NOW) == sources.Synchronised()
    assert sources.get(one.id).state == SourceState.PAUSED


def test_a_source_added_by_hand_becomes_declared(database: Database) -> None:
    source = add_source("one")
    assert sources.synchronise([declared("one")], now=NOW).updated == (source.location,)
    assert sources.get(source.id).declared
    assert sources.get(source.id).title == "One"


def test_recording_polls_without_articles(database: Database) -> None:
    one, two, three = add_source("one"), add_source("two"), add_source("three")
    sources.record_unchanged(
        [
            update(three.id, failures=1, failing_since=NOW, not_before=LATER),
            update(one.id, etag='"e"', last_modified="Sat", body_hash="b", interval=900.0, full_fetch_at=NOW),
            update(two.id, title="Its own", moved_to="https://new.example/", moved_count=1),
        ],
        [
            poll(three.id, "timeout", detail="x" * 5_000),
            poll(one.id, "not_modified", status=304, bytes=120),
            poll(two.id, status=200, seen=7),
        ],
    )
    kept = sources.get(one.id)
    assert (kept.etag, kept.last_modified, kept.body_hash) == ('"e"', "Sat", "b")
    assert (kept.interval, kept.full_fetch_at, kept.last_success_at) == (900.0, NOW, NOW)
    sources.record_unchanged([update(one.id)], [poll(one.id)])
    kept = sources.get(one.id)
    assert (kept.etag, kept.interval, kept.full_fetch_at) == (None, 900.0, NOW)
    moved = sources.get(two.id)
    assert (moved.title, moved.moved_to, moved.moved_count) == ("Two", "https://new.example/", 1)
    failed = sources.get(three.id)
    assert (failed.failures, failed.failing_since, failed.not_before) == (1, NOW, LATER)
    assert (failed.last_reason, len(failed.last_detail or "")) == ("timeout", 2_000)
    assert (failed.last_polled_at, failed.last_success_at) == (NOW, None)
    newest, oldest = sources.polls(one.id)
    assert (newest.outcome, oldest.outcome, oldest.status, oldest.bytes) == ("ok", "not_modified", 304, 120)
    assert sources.polls(one.id, limit=1) == [newest]


def test_a_feeds_own_title_fills_an_empty_one(database: Database) -> None:
    source = sources.add(SourceSpec("https://one.example/"), host="one.example", now=NOW)
    sources.record_unchanged([update(source.id, title="Its own")], [])
    assert sources.get(source.id).title == "Its own"


def test_a_believed_move_changes_the_location_unless_taken(database: Database) -> None:
    one, two = add_source("one"), add_source("two")
    counted = {"moved_to": "https://new.example/", "moved_count": 3, "moved_at": NOW}
    sources.record_unchanged(
        [update(one.id, location="https://new.example/", host="new.example", **counted)], []
    )
    moved = sources.get(one.id)
    assert (moved.location, moved.host) == ("https://new.example/", "new.example")
    assert (moved.moved_from, moved.moved_at, moved.moved_to, moved.moved_count) == (
        one.location, NOW, None, 0,
    )  # fmt: skip
    taken = {"location": two.location, "moved_to": two.location, "moved_count": 3}
    sources.record_unchanged([update(one.id, **taken)], [])
    stays = sources.get(one.id)
    assert (stays.location, stays.moved_to, stays.moved_count) == ("https://new.example/", two.location, 3)
    sources.record_unchanged([update(one.id, location="https://third.example/", moved_at=LATER)], [])
    assert sources.get(one.id).moved_from == one.location
    sources.record_unchanged([update(one.id, location=one.location, moved_at=LATER)], [])
    back = sources.get(one.id)
    assert (back.location, back.moved_from) == (one.location, None)


def test_a_moved_source_is_known_by_the_address_it_was_added_with(database: Database) -> None:
    """Else a declared feed that moves would be paused at the next start, and its old address begun anew."""
    sources.synchronise([declared("old"), declared("other")], now=NOW)
    old = sources.get("https://old.example/feed")
    sources.record_unchanged(
        [update(old.id, location="https://new.example/", host="new.example", moved_at=NOW)], []
    )
    assert sources.synchronise([declared("old"), declared("other")], now=LATER) == sources.Synchronised()
    [again] = sources.add_all([declared("old")], now=LATER)
    assert (again.source.id, again.source.location, again.new) == (old.id, "https://new.example/", False)
    assert sources.get("https://old.example/feed").id == old.id
    assert sources.synchronise([declared("old", schedule="every 5m"), declared("other")], now=LATER) == (
        sources.Synchronised(updated=("https://old.example/feed",))
    )
    both = (SourceSpec("https://new.example/", declared=True, schedule="every 1h"), "new.example")
    for _ in range(2):
        sources.synchronise([declared("old", schedule="every 5m"), declared("other"), both], now=LATER)
        assert sources.get(old.id).schedule == "every 1h"
    assert sources.synchronise([declared("other")], now=LATER).paused == ("https://new.example/",)
    assert sources.synchronise([declared("old"), declared("other")], now=LATER).resumed == (
        "https://old.example/feed",
    )
    sources.remove(old.id, LATER)
    [revived] = sources.add_all([declared("old")], now=LATER)
    assert (revived.source.id, revived.source.location, revived.revived) == (old.id, old.location, True)
    assert revived.source.moved_from is None


def test_the_last_looks_are_kept_as_marks(database: Database) -> None:
    source = add_source("one")
    for outcome, more in (("ok", {"new": 2}), ("ok", {}), ("not_modified", {}), ("timeout", {})):
        sources.record_unchanged([], [poll(source.id, outcome, **more)])
    assert sources.get(source.id).recent == "+..x"
    sources.record_unchanged([], [poll(source.id, "not_modified") for _ in range(8)])
    assert sources.get(source.id).recent == ".x" + 8 * "."


def test_a_quiet_look_is_noted_and_not_logged(database: Database) -> None:
    source = add_source("one")
    sources.record_unchanged([], [poll(source.id, "missing", detail="gone")])
    sources.record_unchanged([update(source.id, looked_at=LATER, entries=3, undated=1)], [])
    seen = sources.get(source.id)
    assert (seen.last_polled_at, seen.last_success_at, seen.last_reason) == (LATER, LATER, None)
    assert (seen.entries, seen.undated, seen.recent) == (3, 1, "x")
    assert len(sources.polls(source.id)) == 1
    sources.record_unchanged([update(source.id)], [])
    assert (sources.get(source.id).entries, sources.get(source.id).undated) == (3, 1)


def test_gone_pauses_an_active_source_only(database: Database) -> None:
    one, two = add_source("one"), add_source("two")
    sources.remove(two.id, NOW)
    gone = {"state": SourceState.PAUSED, "state_reason": "410 Gone"}
    sources.record_unchanged([update(one.id, **gone), update(two.id, **gone)], [])
    assert (sources.get(one.id).state, sources.get(one.id).state_reason) == (SourceState.PAUSED, "410 Gone")
    [removed] = sources.list_sources(states=[SourceState.REMOVED])
    assert removed.state_reason == "removed 2026-03-14"


def test_the_log_is_forgotten_in_steps(database: Database) -> None:
    source = add_source("one")
    old = [poll(source.id, started_at=NOW - timedelta(days=n)) for n in range(10)]
    sources.record_unchanged([], old)
    before = NOW - timedelta(days=4)
    assert [sources.forget_polls(before, limit=3) for _ in range(3)] == [3, 2, 0]
    assert {one.started_at for one in sources.polls(source.id)} == {NOW - timedelta(days=n) for n in range(5)}
