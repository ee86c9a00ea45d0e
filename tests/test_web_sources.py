"""The page's list of sources: how each stands, in pages, with what to do; no secret is shown."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from models import sources
from models.database import Database
from models.records import Health, PollRecord, SourceSpec, SourceState, SourceUpdate
from service.web.pages import SOURCES_PER_PAGE
from service.web.source_views import STATES
from tests.test_web_app import hrefs, page, texts
from tests.web_samples import NOW
from tests.web_site import Site, serving

DAY = timedelta(days=1)


@pytest.fixture
def site(database: Database) -> Iterator[Site]:
    with serving(database) as running:
        yield running


def add(name: str, **looked: Any) -> int:
    """A source that was looked at once, as it says."""
    source = sources.add(SourceSpec(f"https://{name}.example/".lower(), title=name), host=name, now=NOW - DAY)
    reason = looked.pop("reason", "ok")
    update = SourceUpdate(source.id, NOW + DAY, **looked)
    sources.record_unchanged([update], [PollRecord(source.id, NOW - DAY, 90, reason)])
    return source.id


def test_every_state_has_its_words() -> None:
    assert set(STATES) == set(Health)


def test_states_are_told_with_their_reason_and_mend(site: Site, database: Database) -> None:
    gone = add(
        "Gone", failures=1, failing_since=NOW, state=SourceState.PAUSED, state_reason="410", reason="gone"
    )
    empty = add("Empty", entries=0)
    undated = add("Undated", entries=4, undated=4)
    moving = add("Moving", moved_to="https://me:hunter2@new.example/", moved_count=1)
    tree = page(site, "/sources")
    assert texts(tree, ".tabs li") == ["all 4", "gone 1", "empty 1", "undated 1", "moved 1"]
    assert texts(tree, "th[scope=row] a") == ["Gone", "Empty", "Undated", "Moving"]
    for number, note, mend in (
        (gone, "410", "gone for good"),
        (empty, "It answers, but shows no entry", "find its new address"),
        (undated, "None of its entries says when it was published", "nothing need be done"),
        (moving, "To https://me:***@new.example/", "write the new address"),
    ):
        shown = page(site, f"/sources/{number}")
        (notice,) = texts(shown, ".notice")
        assert notice.startswith(note)
        assert mend in notice
    assert texts(page(site, "/sources?state=empty"), "th[scope=row] a") == ["Empty"]


def test_ten_thousand_sources_are_paged(site: Site, database: Database) -> None:
    count = 10_000
    sources.add_all([(SourceSpec(f"https://h{n}.example/"), "h") for n in range(count)], now=NOW)
    add("Broken", failures=3, failing_since=NOW - DAY, reason="dns")
    tree = page(site, "/sources")
    names = texts(tree, "th[scope=row] a")
    assert (len(names), names[0]) == (SOURCES_PER_PAGE, "Broken")
    assert texts(tree, ".tabs li") == ["all 10,001", "failing 1", "not polled yet 10,000"]
    (following,) = hrefs(tree, "a[rel=next]")
    assert following.endswith("/sources?page=2")
    last = page(site, f"/sources?page={count // SOURCES_PER_PAGE + 1}")
    assert len(texts(last, "th[scope=row] a")) == 1
    assert hrefs(last, "a[rel=next]") == []


def test_a_password_in_an_address_is_not_shown(site: Site, database: Database) -> None:
    spec = SourceSpec("https://me:hunter2@secret.example/feed")
    source = sources.add(spec, host="secret.example", now=NOW)
    for path in ("/sources", f"/sources/{source.id}"):
        assert "hunter2" not in site.get(path).text
    assert "https://secret.example/feed" in hrefs(page(site, f"/sources/{source.id}"), "a.out")
