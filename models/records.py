"""Frozen values that cross the border of the database: rows never leave it lazily.

Times are timezone-aware UTC. Ids are integers given by the database and never reused or changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from models.question_records import (
    ArticleFilter,
    Count,
    DayCount,
    Histogram,
    Order,
    Statistics,
    TopicCounts,
)
from models.source_records import (
    PUSHED,
    Health,
    PollRecord,
    SourceHealth,
    SourceKind,
    SourceRecord,
    SourceSpec,
    SourceState,
    SourceUpdate,
)

__all__ = [
    "PUSHED",
    "ArticleFilter",
    "ArticleRecord",
    "ArticleSummary",
    "ArticleText",
    "ArticleWrite",
    "Count",
    "CutRecord",
    "DayCount",
    "EnclosureRecord",
    "EvidenceRecord",
    "FileRecord",
    "Health",
    "Histogram",
    "Known",
    "Order",
    "Page",
    "PageRecord",
    "PollRecord",
    "Retagged",
    "RevisionRecord",
    "SourceHealth",
    "SourceKind",
    "SourceRecord",
    "SourceSave",
    "SourceSpec",
    "SourceState",
    "SourceUpdate",
    "Statistics",
    "Status",
    "Stored",
    "TagRecord",
    "TopicCounts",
    "TopicRecord",
    "TopicSpec",
    "VerdictRecord",
]


# -- articles ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EvidenceRecord:
    """One matched phrase; ``text[start:end]`` of the field is the phrase, in code points."""

    field: str
    start: int
    end: int
    phrase: str
    rule: str
    contribution: float


@dataclass(frozen=True, slots=True)
class TagRecord:
    """An article's topic. ``verdict`` is +1 or -1 where a person has said so, and then it wins."""

    topic: str
    score: float
    threshold: float
    main: bool = False
    taxonomy: str = ""  # hash of the topics file that gave it
    evidence: tuple[EvidenceRecord, ...] = ()
    verdict: int | None = None
    verdict_by: str | None = None


@dataclass(frozen=True, slots=True)
class EnclosureRecord:
    """A file that an article carries."""

    url: str
    type: str | None = None
    length: int | None = None


@dataclass(frozen=True, slots=True)
class CutRecord:
    """A passage that was taken out of the body."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class PageRecord:
    """What came of the page of a feed's entry that was fetched for its text."""

    said_hash: str  # content hash of what the feed said then
    taken: bool  # the article's text is the page's
    tried_at: datetime
    url: str | None = None  # where the page was, after redirects
    reason: str | None = None  # why the last try failed; None: it did not, or there was none yet
    detail: str | None = None
    attempts: int = 0  # that failed, since the feed said so
    next_try_at: datetime | None = None  # None: it is not tried again


@dataclass(frozen=True, slots=True)
class ArticleWrite:
    """An article to insert (``article_id`` None) or to revise."""

    key: str
    title: str
    text: str
    content_hash: str
    seen_at: datetime
    article_id: int | None = None
    guid: str | None = None
    url: str | None = None
    title_made: bool = False
    published_at: datetime | None = None
    precision: str | None = None
    date_origin: str | None = None
    author: str | None = None
    language: str | None = None
    categories: tuple[str, ...] = ()
    enclosures: tuple[EnclosureRecord, ...] = ()
    cuts: tuple[CutRecord, ...] = ()
    path: str | None = None
    duplicate_of: int | None = None
    tags: tuple[TagRecord, ...] = ()
    taxonomy: str = ""  # hash of the topics file that looked at it, also where it gave no tag
    uncovered: tuple[str, ...] = ()  # topics that have no rules for its language
    page: PageRecord | None = None  # where the entry's page was wanted
    missed: tuple[tuple[str, float], ...] = ()  # topics that scored below their thresholds


@dataclass(frozen=True, slots=True)
class FileRecord:
    """What a folder source remembers of a file: enough to leave it unread while it does not change."""

    path: str  # absolute; undecodable bytes as surrogate escapes
    size: int  # bytes
    mtime_ns: int
    digest: str | None = None  # BLAKE2b-128 of its content, None while it was never read
    reason: str | None = None  # why it could not be read
    detail: str | None = None
    vanished_at: datetime | None = None
    device: int = 0
    inode: int = 0


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of an article that may be the same as one just read."""

    article_id: int
    source_id: int
    key: str
    guid: str | None
    url: str | None
    content_hash: str
    title: str
    path: str | None = None
    deleted: bool = False
    revisions: int = 0  # how often it was rewritten
    vanished: bool = False  # its file is gone
    page: PageRecord | None = None  # where the entry's page was wanted

    @property
    def said_hash(self) -> str | None:
        """The content hash of what the feed said, where the text is that of the entry's page."""
        return self.page.said_hash if self.page is not None and self.page.taken else None


@dataclass(frozen=True, slots=True)
class Stored:
    """What a transaction wrote."""

    new: tuple[int, ...] = ()  # article ids
    changed: tuple[int, ...] = ()
    lost: int = 0  # articles that someone else had stored first


@dataclass(frozen=True, slots=True)
class RevisionRecord:
    """An earlier wording of an article."""

    number: int
    title: str
    text: str
    replaced_at: datetime


@dataclass(frozen=True, slots=True)
class ArticleSummary:
    """An article as lists show it."""

    id: int
    title: str
    title_made: bool
    url: str | None
    published_at: datetime | None
    precision: str | None
    seen_at: datetime
    source_id: int
    source: str
    language: str | None
    tags: tuple[TagRecord, ...]  # without evidence
    path: str | None = None
    duplicate_of: int | None = None
    duplicates: int = 0  # how many other sources brought the same
    uncovered: tuple[str, ...] = ()  # topics that have no rules for its language: not judged, not refused
    vanished_at: datetime | None = None  # when its file was found to be gone
    snippet: str | None = None  # with matches between \x02 and \x03, when text was asked for


@dataclass(frozen=True, slots=True)
class ArticleRecord:
    """An article with all that is kept of it."""

    summary: ArticleSummary
    text: str
    author: str | None
    guid: str | None
    key: str
    content_hash: str
    date_origin: str | None
    categories: tuple[str, ...]
    enclosures: tuple[EnclosureRecord, ...]
    cuts: tuple[CutRecord, ...]
    revisions: tuple[RevisionRecord, ...]
    tags: tuple[TagRecord, ...]  # with evidence
    updated_at: datetime | None
    vanished_at: datetime | None


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a list, with the cursor of the next one."""

    articles: tuple[ArticleSummary, ...]
    next_cursor: str | None = None
    compared: int | None = None  # by relevance: how many of the newest that fit were compared, if not all


@dataclass(frozen=True, slots=True)
class TopicRecord:
    """A topic with its counts."""

    name: str
    description: str
    threshold: float
    articles: int
    active: bool = True
    languages: tuple[str, ...] = ()  # that it has rules for; () where they hold for all


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """A topic as the topics file has it."""

    name: str
    description: str
    threshold: float
    languages: tuple[str, ...] = ()  # that it has rules for; () where they hold for all


@dataclass(frozen=True, slots=True)
class Status:
    """How the whole stands."""

    articles: int
    tagged: int
    sources: int
    active: int
    paused: int
    failing: int
    backlog: int  # sources that are due and not claimed
    oldest_due: datetime | None
    last_poll_at: datetime | None
    polls_24h: int
    failures_24h: int
    unreadable_files: int
    schema: str
    engine: str
    database_bytes: int
    recent: tuple[PollRecord, ...] = ()
    uncovered: int = 0  # articles in languages for which some topic has no rules


# -- batches -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SourceSave:
    """What one look at a source gave, to be stored whole. The source is told by any of the first three."""

    source_id: int | None = None
    update: SourceUpdate | None = None
    poll: PollRecord | None = None
    articles: tuple[ArticleWrite, ...] = ()
    files: tuple[FileRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class ArticleText:
    """What labelling an article again needs."""

    article_id: int
    source_id: int
    title: str
    text: str
    language: str | None
    content_hash: str


@dataclass(frozen=True, slots=True)
class Retagged:
    """New tags of an article; they are dropped if its text has changed since it was read."""

    article_id: int
    content_hash: str
    tags: tuple[TagRecord, ...]
    uncovered: tuple[str, ...] = ()  # topics that have no rules for its language
    missed: tuple[tuple[str, float], ...] = ()  # topics that scored below their thresholds


@dataclass(frozen=True, slots=True)
class VerdictRecord:
    """What a person said of a topic on an article."""

    article_id: int
    topic: str
    value: int  # +1 or -1
    by: str
    at: datetime
    withdrawn_by: str | None = None
    withdrawn_at: datetime | None = None
