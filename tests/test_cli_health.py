"""The state of a source in a few words."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from models.database import Database
from service.cli.sources import health
from tests.storage import NOW, add_source

HOUR = 3600.0


@pytest.mark.parametrize(
    ("days", "interval", "moved_to", "said"),
    [
        (1, HOUR, None, "ok"),
        (6, HOUR, None, "ok"),
        (8, HOUR, None, "silent for 8 d"),
        (8, 24 * HOUR, None, "ok"),
        (21, 24 * HOUR, None, "silent for 21 d"),
        (400, None, None, "ok"),
        (8, HOUR, "https://new.example/", "ok, moving to https://new.example/"),
    ],
)
def test_silence_is_told_against_its_own_rhythm(
    database: Database, days: int, interval: float | None, moved_to: str | None, said: str
) -> None:
    source = add_source()
    assert health(source, NOW) == "new"
    polled = replace(
        source,
        last_polled_at=NOW,
        last_new_at=NOW - timedelta(days=days),
        interval=interval,
        moved_to=moved_to,
    )
    assert health(polled, NOW) == said
