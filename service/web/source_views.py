"""Sources and polls → what the templates show, ready to print. Pure: the time is an argument."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from models.records import (
    PUSHED,
    Health,
    PollRecord,
    SourceHealth,
    SourceKind,
    SourceState,
    Status,
)
from service.advice import for_source
from service.masking import mask
from service.web.presentation import (
    Link,
    Time,
    count_of,
    day_of,
    exactly,
    number_of,
    reason_in_words,
    time_of,
    web_link,
)


@dataclass(frozen=True, slots=True)
class Look:
    """A bar of a sparkline: one look at a source."""

    outcome: str  # "news", "quiet" or "failed"
    height: float  # 0 to 20
    label: str


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A source as the list of sources shows it."""

    id: int
    name: str
    location: str
    link: Link | None
    kind: str
    group: str | None
    state: str  # one of `Health`: the class of its badge, too
    state_label: str
    note: str | None  # why it is in that state, in words
    detail: str | None
    mend: str | None  # what to do about it
    looks: tuple[Look, ...]  # its last ones, the oldest first
    looks_label: str
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


def source_row(one: SourceHealth, now: datetime) -> SourceRow:
    """A source as the list of sources shows it."""
    source = one.source
    failing = source.failures > 0
    planned = source.next_poll_at if source.state is SourceState.ACTIVE else None
    return SourceRow(
        id=source.id,
        name=mask(source.name),
        location=mask(source.location),
        link=web_link(_without_login(source.location)) if source.kind is SourceKind.FEED else None,
        kind=_KINDS[source.kind],
        group=source.group,
        state=str(one.health),
        state_label=STATES[one.health],
        note=_note(one),
        detail=source.last_detail if failing else None,
        mend=for_source(one.health, source.last_reason),
        looks=tuple(
            Look(_MARKS.get(mark, "quiet"), _LOOK_HEIGHTS.get(mark, 6.0), "") for mark in source.recent
        ),
        looks_label=_looks_label(source.recent),
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


def _note(one: SourceHealth) -> str | None:
    """Why a source stands as it does."""
    source = one.source
    match one.health:
        case Health.FAILING:
            return reason_in_words(source.last_reason)
        case Health.EMPTY:
            return "It answers, but shows no entry"
        case Health.SILENT if one.quiet_since:
            return f"Nothing new since {day_of(one.quiet_since)}"
        case Health.UNDATED:
            return "None of its entries says when it was published"
        case Health.MOVED:
            return (
                f"To {mask(source.moved_to)}" if source.moved_to else f"From {mask(source.moved_from or '')}"
            )
    return source.state_reason


def _without_login(location: str) -> str:
    scheme, separator, rest = location.partition("://")
    place, slash, path = rest.partition("/")
    return f"{scheme}{separator}{place.rpartition('@')[2]}{slash}{path}"


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
_OUTCOMES = {"ok": "Read", "not_modified": "Nothing new", PUSHED: "Delivered by its hub"}


_MARKS = {"+": "news", ".": "quiet", "x": "failed"}
_LOOK_HEIGHTS = {"+": 20.0, ".": 5.0, "x": 12.0}
_TALLEST, _SHORTEST = 20.0, 5.0


def _looks_label(marks: str) -> str:
    """What the sparkline of the last looks shows."""
    told = [
        f"{marks.count(mark)} {words}"
        for mark, words in (("+", "brought news"), (".", "brought none"), ("x", "failed"))
        if mark in marks
    ]
    return f"Of the last {count_of(len(marks), 'poll')}, {', '.join(told)}" if told else "No polls yet"


def poll_bars(polls: Sequence[PollRecord], now: datetime) -> tuple[Look, ...]:
    """The last polls as bars, the oldest first: as high as they brought articles, in a scale of doublings."""
    most = max(map(_brought, polls), default=0)
    bars = []
    for poll in reversed(polls):
        row, brought = poll_row(poll, now), _brought(poll)
        share = math.log2(brought + 1) / math.log2(most + 1) if brought else 0.0
        outcome = "failed" if not row.ok else "news" if brought else "quiet"
        height = _LOOK_HEIGHTS["x"] if not row.ok else _SHORTEST + (_TALLEST - _SHORTEST) * share
        label = f"{row.started.text}: {row.outcome}{', ' if row.counts else ''}{row.counts}"
        bars.append(Look(outcome, round(height, 1), label))
    return tuple(bars)


def _brought(poll: PollRecord) -> int:
    return poll.new + poll.changed + poll.duplicates


def source_tabs(counts: Mapping[Health, int]) -> list[Tab]:
    """The states that occur, in the order given, after all that are not removed."""
    here = sum(count for health, count in counts.items() if health is not Health.REMOVED)
    return [
        Tab(None, "all", number_of(here)),
        *(Tab(str(health), STATES[health], number_of(count)) for health, count in counts.items()),
    ]


def sources_summary(standing: Status, listed: int) -> str:
    """How polling goes, in a line."""
    polls = count_of(standing.polls_24h, "poll")
    failed = f", {number_of(standing.failures_24h)} failed" if standing.failures_24h else ""
    return f"{count_of(listed, 'source')}; {polls} in the last 24 hours{failed}"


STATES = {
    **{health: str(health) for health in Health},
    Health.OK: "works",
    Health.NEW: "not polled yet",
    Health.IMPORTED: "imported once",
}
