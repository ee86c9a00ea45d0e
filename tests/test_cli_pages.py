"""``wirewatch show`` says where an article's text came from, where its feed has only a summary."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from models import articles, open_database, pages
from models.records import PageRecord
from tests.cli_home import NOW, Home, home, stored

__all__ = ["home", "stored"]

TAKEN = PageRecord("1:said", taken=True, tried_at=NOW, url="https://me:hunter2@example.org/1")
FAILED = PageRecord(
    "1:first", taken=False, tried_at=NOW, reason="timeout", detail="late", attempts=1,
    next_try_at=NOW + timedelta(hours=1),
)  # fmt: skip


@pytest.mark.parametrize(
    ("page", "said"),
    [
        (TAKEN, "text       of its page, read 2024-06-20 12:00"),
        (
            FAILED,
            "text       the feed's; its page gave none: timeout: late; tried again from 2024-06-20 13:00 on",
        ),
        (replace(FAILED, next_try_at=None), "text       the feed's; its page gave none: timeout: late"),
        (replace(FAILED, reason=None), "text       the feed's; its page is still to be read"),
    ],
)
def test_where_the_text_is_from(stored: Home, database_url: str, page: PageRecord, said: str) -> None:
    database = open_database(database_url)
    pages.write(1, {1: page})
    database.close()
    done = stored.run("show", "1")
    assert done.code == 0
    assert said in done.out.splitlines()


def test_lists_say_that_a_file_is_gone(stored: Home, database_url: str) -> None:
    database = open_database(database_url)
    articles.mark_vanished(2, ["/srv/reports/сады.txt"], NOW)
    database.close()
    done = stored.run("articles", "--limit", "50")
    assert [line for line in done.out.splitlines() if "(its file is gone)" in line] == [
        line for line in done.out.splitlines() if "Сады и парки города" in line
    ]
    assert "(its file is gone)" in done.out
    gone = {one["id"]: one["vanished_at"] for one in stored.run("articles", "--json").json}
    assert gone[2] == "2024-06-20T12:00:00Z"
    assert {one for one, when in gone.items() if when} == {2}


def test_for_programs(stored: Home, database_url: str) -> None:
    database = open_database(database_url)
    pages.write(1, {1: TAKEN})
    database.close()
    shown = stored.run("show", "1", "--json").json["page"]
    assert shown == {
        "taken": True,
        "url": "https://me:***@example.org/1",
        "reason": None,
        "detail": None,
        "attempts": 0,
        "tried_at": "2024-06-20T12:00:00Z",
        "next_try_at": None,
    }
    assert stored.run("show", "2", "--json").json["page"] is None
