"""Frozen values about sources and their polls; `models.records` gives them out with all others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class SourceKind(StrEnum):
    """What a source is."""

    FEED = "feed"
    FOLDER = "folder"
    IMPORT = "import"  # files given by hand once: never polled
    SEEDS = "seeds"  # the first import: never polled


class SourceState(StrEnum):
    """Whether a source is looked at."""

    ACTIVE = "active"
    PAUSED = "paused"  # by a person, by its disappearance from the settings, or by 410
    REMOVED = "removed"  # no longer listed or polled; its articles stay


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """What a person says of a source when adding or declaring it."""

    location: str  # a web address, or an absolute path
    kind: SourceKind = SourceKind.FEED
    title: str | None = None
    group: str | None = None  # "parent/child", as OPML folders nest
    schedule: str = "adaptive"  # "adaptive", "every 15m", or a cron expression of five fields
    options: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    # options: allow_private, username, password_file, header.NAME, proxy, full_text, include, exclude,
    # prior.TOPIC
    declared: bool = False  # comes from wirewatch.toml


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """A source with the state of its polling."""

    id: int
    location: str
    kind: SourceKind
    title: str | None
    group: str | None
    schedule: str
    options: Mapping[str, str | int | float | bool]
    declared: bool
    state: SourceState
    state_reason: str | None
    host: str  # registrable domain, "" for folders
    etag: str | None
    last_modified: str | None
    body_hash: str | None
    full_fetch_at: datetime | None  # when a whole body was last read
    next_poll_at: datetime | None
    not_before: datetime | None  # Retry-After: a manual poll respects it, too
    failures: int  # in a row
    failing_since: datetime | None
    last_reason: str | None
    last_detail: str | None
    last_polled_at: datetime | None
    last_success_at: datetime | None
    last_new_at: datetime | None
    moved_to: str | None  # where permanent redirects point, until it is believed
    moved_count: int
    interval: float | None  # seconds: what the adaptive cadence learnt
    article_count: int
    created_at: datetime
    lease_owner: str | None = None
    lease_until: datetime | None = None
    entries: int | None = None  # in the last document that was read whole; None for folders
    undated: int | None = None  # those of them that say no date
    newest_at: datetime | None = None  # the latest date of publication in it
    usual_gap: float | None = None  # seconds between its articles, as their dates have it
    recent: str = ""  # a mark for each of the last looks, the newest last: "+" news, "." none, "x" failed
    moved_from: str | None = None  # the address that it was added with, where it has another now
    moved_at: datetime | None = None

    @property
    def name(self) -> str:
        """What to call it: its title, else its location."""
        return self.title or self.location


class Health(StrEnum):
    """How a source stands; the first that holds, in the order of `models.health`."""

    REMOVED = "removed"
    GONE = "gone"  # paused, because its server said 410
    PAUSED = "paused"
    IMPORTED = "imported"  # brought in once, never polled
    FAILING = "failing"
    NEW = "new"  # not looked at yet
    EMPTY = "empty"  # what it shows holds no entry
    SILENT = "silent"  # nothing new for long, against its own rhythm
    UNDATED = "undated"  # none of its entries says when it was published
    MOVED = "moved"  # its server sends us to another address, or did so lately
    OK = "ok"


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """A source and how it stands."""

    source: SourceRecord
    health: Health
    quiet_since: datetime | None = None  # when something new last came, as far as that can be told


@dataclass(frozen=True, slots=True)
class SourceUpdate:
    """What one poll changes on its source; written in the transaction that stores the articles."""

    source_id: int
    next_poll_at: datetime | None
    etag: str | None = None
    last_modified: str | None = None
    body_hash: str | None = None
    full_fetch_at: datetime | None = None  # None keeps the stored one
    not_before: datetime | None = None
    failures: int = 0
    failing_since: datetime | None = None
    moved_to: str | None = None
    moved_count: int = 0
    interval: float | None = None  # None keeps the stored one
    title: str | None = None  # the feed's own, taken only where the source has none
    location: str | None = None  # a believed permanent move
    host: str | None = None  # the registrable domain of that location
    state: SourceState | None = None  # 410 pauses
    state_reason: str | None = None
    lease_owner: str | None = None  # whose lease is released
    entries: int | None = None  # None keeps the stored one, here and below
    undated: int | None = None
    newest_at: datetime | None = None
    usual_gap: float | None = None
    moved_at: datetime | None = None  # when a move to ``location`` was believed
    looked_at: datetime | None = None  # a look that brought nothing and stands in no poll's record


PUSHED = "pushed"  # what a hub delivered: kept in the log of polls, and no look


@dataclass(frozen=True, slots=True)
class PollRecord:
    """One look at a source, as the log keeps it; or what its hub delivered."""

    source_id: int
    started_at: datetime
    duration_ms: int
    outcome: str  # "ok", "not_modified", `PUSHED`, or a reason of failure
    status: int | None = None
    detail: str | None = None
    bytes: int = 0
    seen: int = 0  # entries in the document
    new: int = 0
    changed: int = 0
    duplicates: int = 0
    problems: int = 0  # entries or files that could not be read
    id: int | None = None
