"""A small library of articles for the tests of the page: written for them, none of it real."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from models import articles, labels, migrate, sources
from models.database import Database, open_database
from models.records import (
    ArticleWrite,
    CutRecord,
    EnclosureRecord,
    EvidenceRecord,
    PollRecord,
    SourceKind,
    SourceSpec,
    SourceState,
    SourceUpdate,
    TagRecord,
    TopicSpec,
)

NOW = datetime(2026, 3, 10, 15, 30, tzinfo=UTC)
TAXONOMY = "t" * 32
TOPICS = (
    TopicSpec("arms", "Weapons, ammunition and their trade, transfer and testing.", 0.6),
    TopicSpec("diplomacy", "States that talk, visit, recognise or break with each other.", 0.55),
    TopicSpec("sanctions", "Embargoes, asset freezes, travel bans and their enforcement.", 0.6),
)
THRESHOLDS = {topic.name: topic.threshold for topic in TOPICS}

# The rules of the samples: phrase as a regular expression, topic, rule, contribution.
RULES = (
    (r"arms embargo", "sanctions", "arms embargo", 1.4),
    (r"arms", "arms", "arms", 0.6),
    (r"embargo(?:es)?", "sanctions", "embargo*", 0.7),
    (r"artillery shells", "arms", "artillery shell*", 1.3),
    (r"ammunition", "arms", "ammunition", 0.9),
    (r"foreign minister", "diplomacy", "foreign minister", 0.8),
    (r"summit", "diplomacy", "summit", 1.1),
    (r"asset freeze", "sanctions", "asset freez*", 1.2),
    (r"board game", "arms", "board game (against)", -0.8),
)

LONG = (
    "The foreign minister of Eastmark asked the council on Monday to lift the arms embargo on his country, "
    "and offered a summit in return.\n\n"
    "The embargo, in force since the border war, stops the sale of ammunition and artillery shells; an asset "
    "freeze on eleven officials came later. Inspectors counted artillery shells in four harbours last year."
    "\n\n"
    "“We have kept our word,” the foreign minister said. His critics answered that the country treats the "
    "arms embargo like a board game.\n\n"
    "A vote is expected before the summit in June."
)


def evidence(title: str, text: str, topic: str) -> tuple[EvidenceRecord, ...]:
    """What `RULES` find for one topic."""
    return tuple(
        EvidenceRecord(field, match.start(), match.end(), match.group(), rule, contribution)
        for field, content in (("title", title), ("text", text))
        for pattern, named, rule, contribution in RULES
        if named == topic
        for match in re.finditer(pattern, content, re.IGNORECASE)
    )


def tags(title: str, text: str, **scores: float) -> tuple[TagRecord, ...]:
    """Tags with the evidence that `RULES` find."""
    return tuple(
        TagRecord(
            topic,
            score,
            THRESHOLDS[topic],
            main=score > 0.9,
            taxonomy=TAXONOMY,
            evidence=evidence(title, text, topic),
        )
        for topic, score in scores.items()
    )


def article(
    title: str, text: str, *, key: str | None = None, hours: float = 1, **more: object
) -> ArticleWrite:
    """An article published ``hours`` before `NOW`; ``scores`` gives its tags."""
    scores = more.pop("scores", {})
    assert isinstance(scores, dict)
    moment = NOW - timedelta(hours=hours)
    values: dict[str, object] = {
        "published_at": moment,
        "precision": "second",
        "date_origin": "feed",
        "language": "en",
        "seen_at": moment + timedelta(minutes=7),
    }
    values |= more
    made = ArticleWrite(
        key=key or f"guid:{title}:{text[:60]}",
        title=title,
        text=text,
        content_hash=f"1:{hash((title, text)) & (2**64 - 1):016x}",
        tags=tags(title, text, **scores),
        **values,  # type: ignore[arg-type]
    )
    return made


def add_topics() -> None:
    """The three topics."""
    labels.sync_topics(TOPICS, TAXONOMY, NOW)


def add_source(location: str, title: str | None = None, kind: SourceKind = SourceKind.FEED) -> int:
    """A source; gives its id."""
    spec = SourceSpec(location, kind, title)
    return sources.add(spec, host="example.org", now=NOW - timedelta(days=40)).id


def store(source_id: int, *written: ArticleWrite, outcome: str = "ok", hours: float = 0.2) -> tuple[int, ...]:
    """Articles as one poll of a source brings them; gives their ids."""
    started = NOW - timedelta(hours=hours)
    poll = PollRecord(
        source_id, started, 420, outcome, 200, seen=len(written), new=len(written), bytes=18_000
    )
    update = SourceUpdate(source_id, NOW + timedelta(minutes=25))
    stored = articles.save(update, poll, written, now=started)
    return stored.new + stored.changed


def fail(source_id: int, reason: str, detail: str, *, times: int = 3, status: int | None = None) -> None:
    """A source that failed several times in a row."""
    for n in range(times, 0, -1):
        started = NOW - timedelta(hours=n)
        update = SourceUpdate(
            source_id,
            NOW + timedelta(hours=2),
            failures=times - n + 1,
            failing_since=NOW - timedelta(hours=times),
        )
        poll = PollRecord(source_id, started, 30_000, reason, status, detail)
        articles.save(update, poll, (), now=started)


@contextmanager
def library(address: Path | str) -> Iterator[Database]:
    """A new database at this address, open, with all of `fill` in it."""
    database = open_database(address)
    migrate.migrate(database)
    fill()
    yield database
    database.close()


def fill() -> dict[str, int]:
    """Sources in every state and an article of every kind; gives the articles' ids by a short name."""
    add_topics()
    courier = add_source("https://courier.example/feed.xml", "The Harbour Courier")
    gazette = add_source("https://gazette.example/rss", "Gazette")
    reports = add_source("/srv/reports", "Reports", SourceKind.FOLDER)
    broken = add_source("https://broken.example/feed", "Broken Wire")
    paused = add_source("https://old.example/feed")
    add_source("https://fresh.example/feed", "Fresh Desk")

    ids = {}
    [ids["long"]] = store(
        courier,
        article(
            "Eastmark asks council to lift arms embargo",
            LONG,
            hours=1.5,
            url="https://courier.example/2026/eastmark?a=1&b=2",
            author="R. Vane",
            guid="courier-1",
            key="guid:courier-1",
            categories=("World", "Security"),
            enclosures=(EnclosureRecord("https://courier.example/a.mp3", "audio/mpeg", 1_000),),
            cuts=(
                CutRecord("teaser", "Read: Ten harbours in pictures"),
                CutRecord("donation", "Help support the Courier with a small donation."),
            ),
            scores={"sanctions": 0.97, "diplomacy": 0.81, "arms": 0.64},
        ),
    )
    [ids["copy"]] = store(
        gazette,
        article(
            "Eastmark asks council to lift arms embargo",
            LONG,
            hours=1,
            key="guid:gazette-1",
            duplicate_of=ids["long"],
            scores={"sanctions": 0.97},
        ),
    )
    [ids["made"]] = store(
        reports,
        article(
            "Inspectors found ammunition in a shed near the old ferry",
            "Inspectors found ammunition in a shed near the old ferry. Nobody claimed it.",
            hours=3,
            title_made=True,
            published_at=None,
            precision=None,
            date_origin=None,
            path="/srv/reports/shed-\udce9.txt",  # a file name that is not UTF-8
            scores={"arms": 0.72},
        ),
    )
    [ids["day"]] = store(
        gazette,
        article(
            "Summit date set",
            "The foreign minister set a date for the summit.",
            published_at=datetime(2026, 3, 8, tzinfo=UTC),
            precision="day",
            date_origin="text",
            seen_at=NOW - timedelta(hours=30),
            scores={"diplomacy": 0.88},
        ),
    )
    [ids["rtl"]] = store(
        gazette,
        article("وزير الخارجية يصل إلى القمة", "وصل وزير الخارجية إلى القمة اليوم.", hours=50, language="ar"),
    )
    [ids["plain"]] = store(gazette, article("Ferry timetable for spring", "Ferries leave hourly.", hours=60))
    hostile = '<script>alert(1)</script> & "quotes" \u202e reversed'
    [ids["hostile"]] = store(
        gazette,
        article(hostile, "<img src=x onerror=alert(2)>\n\n{{ 7*7 }}", hours=70, url="javascript:alert(3)"),
    )
    store(
        courier,
        article(
            "Eastmark asks council to lift arms embargo, again",
            LONG + "\n\nThe vote was moved to July.",
            hours=1.5,
            key="guid:courier-1",
            article_id=ids["long"],
            url="https://courier.example/2026/eastmark?a=1&b=2",
            author="R. Vane",
            guid="courier-1",
            categories=("World", "Security"),
            enclosures=(EnclosureRecord("https://courier.example/a.mp3", "audio/mpeg", 1_000),),
            cuts=(
                CutRecord("teaser", "Read: Ten harbours in pictures"),
                CutRecord("donation", "Help support the Courier with a small donation."),
            ),
            scores={"sanctions": 0.97, "diplomacy": 0.81, "arms": 0.64},
        ),
        hours=0.1,
    )
    fail(broken, "http_5xx", "502 Bad Gateway", status=502)
    sources.pause(paused, "the feed is gone for good (410)", NOW - timedelta(days=2))
    assert sources.get(paused).state is SourceState.PAUSED
    return ids
