"""What commands say of hubs: in lists, of one source, and to whom it is the doctor's business."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import pytest

from models import migrate, sources, websub
from models.database import open_database
from models.records import SourceSpec
from models.websub import Subscription
from tests.cli_home import Home, home

__all__ = ["home"]

NOW = datetime.now(UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PUBLIC = "https://wire.example.org"


@pytest.fixture
def at_home(home: Home, database_url: str) -> Home:
    home.set(WIREWATCH_DATABASE=database_url, WIREWATCH_WEBSUB_CALLBACK_URL=PUBLIC)
    return home


def fill(*steps: str, since: timedelta = HOUR) -> list[Subscription]:
    """A source and its subscription for each step that it has come to."""
    opened = open_database(os.environ["WIREWATCH_DATABASE"])
    then = NOW - since
    try:
        migrate.migrate(opened)
        for step in steps:
            source = sources.add(
                SourceSpec(f"https://{step}.example/", title=step.title()), host=step, now=then
            )
            hub = f"https://me:hunter2@hub.{step}.example/"
            websub.discover(source.id, hub=hub, topic=source.location, feed_url=source.location, now=then)
            if step != "wanted":
                go_on(source.id, step, then)
        return websub.subscriptions()
    finally:
        opened.close()


def go_on(source_id: int, step: str, then: datetime) -> None:
    (one,) = websub.claim(PUBLIC, then, hold=DAY, limit=1)
    assert one.source_id == source_id
    if step == "failed":
        websub.failed(one.id, "connect: no connection", next_at=NOW + DAY, now=then)
        return
    websub.accepted(one.id, next_at=NOW + DAY)
    later = {"next_at": NOW + DAY, "now": then}
    if step == "denied":
        websub.deny(one.token, one.topic, "you are no member", **later)
    elif step != "asked":
        assert websub.verify(one.token, "subscribe", one.topic, lease_until=NOW + 9 * DAY, **later)
    if step == "active":
        websub.delivered(one.id, 3, then)
        websub.refuse(one.id, "a delivery was ignored: its signature is wrong", then)


STEPS = ("active", "asked", "denied", "failed", "wanted")


def test_lists_say_which_sources_are_pushed(at_home: Home) -> None:
    known = fill(*STEPS)
    listed = {one["title"]: one["hub"] for one in at_home.run("sources", "list", "--json").json}
    assert listed["Active"] == {
        "hub": "https://me:***@hub.active.example/",
        "topic": "https://active.example/",
        "state": "active",
        "delivers": True,
        "lease_until": listed["Active"]["lease_until"],
        "next_at": listed["Active"]["next_at"],
        "deliveries": 1,
        "articles": 3,
        "refused": 1,
        "unreadable": 0,
        "delivered_at": listed["Active"]["delivered_at"],
        "missed_at": None,
        "last_error": "a delivery was ignored: its signature is wrong",
        "error_at": listed["Active"]["error_at"],
    }
    assert {title: hub["state"] for title, hub in listed.items()} == {
        "Active": "active",
        "Asked": "asked",
        "Denied": "denied",
        "Failed": "wanted",
        "Wanted": "wanted",
    }
    result = at_home.run("sources", "list")
    (line,) = [line for line in result.out.splitlines() if "pushed" in line]
    assert line.split()[-1] == "Active"
    said = result.out + at_home.run("sources", "list", "--json").out
    assert not any(secret in said for one in known for secret in (one.token, one.secret, "hunter2"))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_one_source_says_how_its_hub_stands(at_home: Home) -> None:
    known = fill(*STEPS)
    until = NOW + 9 * DAY
    for step, words in {
        "active": f"delivers until {until:%Y-%m-%d %H:%M}: 1 delivery, 3 articles, 1 ignored",
        "asked": "was asked 1 h ago, and has not called back yet",
        "denied": ": the hub refuses it: you are no member",
        "failed": "is to be asked; the last time 1 h ago: connect: no connection",
        "wanted": "is to be asked",
    }.items():
        out = at_home.run("sources", "show", step.title()).out
        (line,) = [line for line in out.splitlines() if line.startswith("hub")]
        said = line.removeprefix("hub").strip()
        assert said.removeprefix(f"https://me:***@hub.{step}.example/").strip() == words
        assert not any(secret in out for one in known for secret in (one.token, one.secret, "hunter2"))
    at_home.run("sources", "add", "https://plain.example/", "--no-check")
    assert "hub" not in at_home.run("sources", "show", "https://plain.example/").out
    assert at_home.run("sources", "show", "https://plain.example/", "--json").json["hub"] is None


def finding(home: Home) -> list[tuple[str, str, list[str]]]:
    found = home.run("doctor", "--quick", "--json").json["findings"]
    return [(one["level"], one["text"], one["about"]) for one in found if one["check"] == "hubs"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_doctor_knows_of_hubs_in_trouble(at_home: Home) -> None:
    known = fill(*STEPS)
    denied = known[2].source_id
    assert finding(at_home) == [
        ("ok", "1 feed of 5 with a hub are delivered by it", []),
        (
            "note",
            "1 hub subscription in trouble; their feeds are polled as usual",
            [f"source {denied}, https://me:***@hub.denied.example/: the hub refuses it: you are no member"],
        ),
    ]
    at_home.set(WIREWATCH_WEBSUB_CALLBACK_URL="")
    ((level, text, _),) = finding(at_home)
    assert (level, "1 subscription still stands" in text) == ("note", True)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("since", "level"), [(HOUR, "ok"), (3 * HOUR, "to do")])
def test_the_doctor_says_when_no_hub_reaches_us(at_home: Home, since: timedelta, level: str) -> None:
    fill("asked", "wanted", since=since)
    ((found, text, _),) = finding(at_home)
    assert found == level
    assert (f"none has called back at {PUBLIC}" in text) is (level == "to do")
