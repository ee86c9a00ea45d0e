"""Sources and polls → what the templates show, ready to print. Pure: the time is an argument."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from models.records import PollRecord, SourceKind, SourceRecord, SourceState, Status
from service.web.presentation import (
    Link,
    Time,
    count_of,
    exactly,
    number_of,
    reason_in_words,
    time_of,
    web_link,
)


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A source as the list of sources shows it."""

    id: int
    name: str
    location: str
    link: Link | None
    kind: str
    group: str | None
    state: str  # a key of `STATES`: the class of its badge, too
    state_label: str
    note: str | None  # why it is in that state, in words
    detail: str | None
    polled: Time | None
    next_poll: Time | None
    due: bool  # its time has come, and nothing polls it yet
    newest: Time | None
    failing_since: Time | None
    failures: int
    schedule: str
    articles: str
    declared: bool


@dataclass(frozen=True, slots=True)
class PollRow:
    """One look at a source, as the log shows it."""

    source_id: int
    source: str | None
    started: Time
    duration: str
    ok: bool
    outcome: str
    detail: str | None
    status: int | None
    counts: str


@dataclass(frozen=True, slots=True)
class Tab:
    """A way to narrow the list of sources, with how many there are."""

    state: str | None
    label: str
    count: str


def source_row(source: SourceRecord, now: datetime) -> SourceRow:
    """A source as the list of sources shows it."""
    state = state_of(source)
    failing = source.failures > 0
    planned = source.next_poll_at if source.state is SourceState.ACTIVE else None
    return SourceRow(
        id=source.id,
        name=source.name,
        location=source.location,
        link=web_link(source.location) if source.kind is SourceKind.FEED else None,
        kind=_KINDS[source.kind],
        group=source.group,
        state=state,
        state_label=STATES[state],
        note=source.state_reason or (reason_in_words(source.last_reason) if failing else None),
        detail=source.last_detail if failing else None,
        polled=time_of(source.last_polled_at, now),
        next_poll=time_of(planned, now),
        due=planned is not None and planned <= now,
        newest=time_of(source.last_new_at, now),
        failing_since=time_of(source.failing_since, now) if failing else None,
        failures=source.failures,
        schedule=source.schedule,
        articles=number_of(source.article_count),
        declared=source.declared,
    )


def by_urgency(sources: Iterable[SourceRecord]) -> list[SourceRecord]:
    """Sources with those that need a person first, then by name."""
    return sorted(sources, key=lambda one: (_URGENCY[state_of(one)], one.name.casefold(), one.id))


def poll_row(poll: PollRecord, now: datetime, source: str | None = None) -> PollRow:
    """One look at a source, as the log shows it."""
    ok = poll.outcome in _OUTCOMES
    counts = [f"{number_of(poll.new)} new"] if ok else []
    counts += [f"{number_of(poll.changed)} changed"] if poll.changed else []
    counts += [count_of(poll.duplicates, "duplicate")] if poll.duplicates else []
    counts += [count_of(poll.problems, "unreadable entry", "unreadable entries")] if poll.problems else []
    return PollRow(
        source_id=poll.source_id,
        source=source,
        started=exactly(poll.started_at, now),
        duration=f"{poll.duration_ms / 1000:.1f} s",
        ok=ok,
        outcome=_OUTCOMES.get(poll.outcome) or reason_in_words(poll.outcome) or poll.outcome,
        detail=poll.detail,
        status=poll.status,
        counts=", ".join(counts),
    )


_KINDS = {
    SourceKind.FEED: "feed",
    SourceKind.FOLDER: "folder",
    SourceKind.IMPORT: "imported by hand",
    SourceKind.SEEDS: "seeds",
}
_OUTCOMES = {"ok": "Read", "not_modified": "Nothing new"}
_URGENCY = {"failing": 0, "works": 1, "waiting": 1, "paused": 2, "kept": 3, "removed": 4}


def state_of(source: SourceRecord) -> str:
    """The key of `STATES` that a source is in."""
    if source.state is not SourceState.ACTIVE:
        return source.state.value
    if source.kind in {SourceKind.IMPORT, SourceKind.SEEDS}:
        return "kept"
    if source.failures:
        return "failing"
    return "works" if source.last_polled_at else "waiting"


def source_tabs(sources: Iterable[SourceRecord]) -> list[Tab]:
    """The states that occur, the urgent ones first, after all that are not removed."""
    counts = Counter(map(state_of, sources))
    here = counts.total() - counts["removed"]
    return [
        Tab(None, "all", number_of(here)),
        *(Tab(state, label, number_of(counts[state])) for state, label in STATES.items() if counts[state]),
    ]


def sources_summary(standing: Status, listed: int) -> str:
    """How polling goes, in a line."""
    polls = count_of(standing.polls_24h, "poll")
    failed = f", {number_of(standing.failures_24h)} failed" if standing.failures_24h else ""
    return f"{count_of(listed, 'source')}; {polls} in the last 24 hours{failed}"


STATES = {
    "failing": "failing",
    "works": "works",
    "waiting": "not polled yet",
    "paused": "paused",
    "kept": "imported once",
    "removed": "removed",
}
