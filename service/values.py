"""The values that travel, in the order of an article's way: Fetched → Entry → Article → Tag → Decision.

All are frozen, hold no handle to anything, and can be pickled to a worker process.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Reason(StrEnum):
    """Why a look at a source, or the reading of a document, failed: the closed list."""

    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    TIMEOUT = "timeout"
    BROKEN = "broken"  # the connection or the transfer coding broke in the middle
    BLOCKED = "blocked"  # the guard refused the address, scheme or port
    ROBOTS = "robots"  # the site's robots.txt asks programs not to fetch the page
    REDIRECT = "redirect"  # a circle, too many, or to something that is no web address
    TOO_LARGE = "too_large"
    UNAUTHORIZED = "unauthorized"  # 401, 403, 407
    NOT_FOUND = "not_found"  # 404
    GONE = "gone"  # 410
    RATE_LIMITED = "rate_limited"  # 429
    HTTP_4XX = "http_4xx"
    HTTP_5XX = "http_5xx"
    HTTP_OTHER = "http_other"
    EMPTY = "empty"
    NOT_A_FEED = "not_a_feed"  # HTML, an image, a login page
    NOT_TEXT = "not_text"  # a binary file where text is expected
    MALFORMED = "malformed"  # truncated or broken beyond recovery
    TOO_COMPLEX = "too_complex"  # nesting, entities or counts over the limits
    SHORTENED = "shortened"  # a document too long to be read whole: what could be read is stored
    PARSE_TIMEOUT = "parse_timeout"
    PARSE_CRASH = "parse_crash"
    MISSING = "missing"  # a file or folder that is not there
    UNREADABLE = "unreadable"  # permission denied or an I/O error
    UNSUPPORTED = "unsupported"  # a kind of document that nothing here reads
    STORAGE = "storage"  # the database could not take it; tried again later
    INTERNAL = "internal"  # a fault of ours, logged with its traceback


class Precision(StrEnum):
    """How exactly a publication date is known."""

    SECOND = "second"
    MINUTE = "minute"
    DAY = "day"
    MONTH = "month"
    YEAR = "year"


class DateOrigin(StrEnum):
    """Where a publication date was found."""

    FEED = "feed"
    TEXT = "text"  # said in the article: "Published: 18th June 2024"
    METADATA = "metadata"  # HTML meta elements, document properties
    EMAIL = "email"  # a message's Date header
    COLUMN = "column"  # a field of a JSON or CSV record


class CutKind(StrEnum):
    """Why a passage is not part of an article's body."""

    TEASER = "teaser"  # "Read: …", "Also Read:" and its links
    DONATION = "donation"
    SUBSCRIPTION = "subscription"  # newsletters, apps, "follow us"
    SHARING = "sharing"
    READING_TIME = "reading_time"
    DATELINE = "dateline"  # "Published: 18th June 2024": kept as the date
    BYLINE = "byline"
    REPEATED_TITLE = "repeated_title"
    REFERENCES = "references"
    COOKIES = "cookies"
    FURNITURE = "furniture"  # stray numbers, navigation, captions of buttons
    UNREAD = "unread"  # what was too long or broken: named in words, not kept


# -- fetch ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Validators:
    """What a server gave us to ask "has it changed?" with, as it gave it (RFC 9110 section 8.8)."""

    etag: str | None = None
    last_modified: str | None = None
    body_hash: str | None = None  # BLAKE2b-128 of the decoded body, hexadecimal


@dataclass(frozen=True, slots=True)
class FeedTarget:
    """One feed to look at, with what is needed to look politely."""

    url: str
    validators: Validators = Validators()
    headers: tuple[tuple[str, str], ...] = ()
    username: str | None = None
    password: str | None = None
    proxy: str | None = None
    allow_private: bool = False
    accept: str = ""  # media types to ask for; "": those of feeds
    force: bool = False  # ask for the whole body, whatever the validators say


@dataclass(frozen=True, slots=True)
class Hints:
    """Delays that a server or feed wishes for, in seconds; they only ever delay, and are capped."""

    retry_after: int | None = None
    max_age: int | None = None  # Cache-Control max-age or Expires
    ttl: int | None = None  # RSS ttl, sy:updatePeriod
    skip_hours: frozenset[int] = frozenset()  # UTC hours 0 to 23
    skip_days: frozenset[int] = frozenset()  # 0 is Monday


MAX_HUBS = 8  # of those that a feed names, or the headers of its answer


@dataclass(frozen=True, slots=True)
class Fetched:
    """A body: the whole of it, decoded from its transfer and content codings."""

    url: str  # the address asked for
    final_url: str  # the address that answered, after redirects
    body: bytes
    content_type: str = ""
    status: int = 200
    validators: Validators = Validators()
    hints: Hints = Hints()
    permanent_url: str | None = None  # where only 301 and 308 led, if they led anywhere
    hubs: tuple[str, ...] = ()  # rel="hub" of the Link header (WebSub section 4), in their order
    self_url: str | None = None  # rel="self" of the Link header: what the hub knows the feed by
    bytes_on_wire: int = 0
    delta: bool = False  # 226 IM Used: only new entries (RFC 3229)


@dataclass(frozen=True, slots=True)
class NotModified:
    """Nothing new: a 304, or the same body as last time (`same_body`), or at least the same entries."""

    url: str
    validators: Validators = Validators()
    hints: Hints = Hints()
    status: int = 304
    same_body: bool = False
    permanent_url: str | None = None
    same_entries: bool = False  # of another body: the feed's own date may differ


@dataclass(frozen=True, slots=True)
class Failed:
    """A look that failed: a value to record on the source, never an exception that stops a job."""

    url: str
    reason: Reason
    detail: str
    status: int | None = None
    hints: Hints = Hints()
    cause: str = ""  # the exception behind it, as text; with its traceback for INTERNAL


FetchResult = Fetched | NotModified | Failed


# -- parse ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A file that an entry carries, such as a podcast's sound."""

    url: str
    type: str | None = None
    length: int | None = None  # bytes, as the feed claims


@dataclass(frozen=True, slots=True)
class FileProperties:
    """What a file's own properties say: filled in by programs, so whatever its text says goes before them."""

    title: str | None = None
    author: str | None = None
    created: str | None = None  # as written


@dataclass(frozen=True, slots=True)
class Entry:
    """What the source said about one article, nothing guessed."""

    guid: str | None = None
    link: str | None = None
    title: str | None = None
    title_is_html: bool = False
    content: str | None = None  # the fullest text the source gives
    content_is_html: bool = True
    summary: str | None = None
    summary_is_html: bool = True
    published: str | None = None  # as written
    updated: str | None = None  # as written
    date_origin: DateOrigin = DateOrigin.FEED
    author: str | None = None
    categories: tuple[str, ...] = ()
    enclosures: tuple[Enclosure, ...] = ()
    language: str | None = None  # as declared, BCP 47
    base_url: str | None = None  # what relative links are relative to
    properties: FileProperties = FileProperties()
    margins: tuple[str, ...] = ()  # what stands outside the text: running heads, footers, page numbers
    unread: tuple[str, ...] = ()  # what of the document is not here, in words: "pages 5,001 to 6,200"
    member: str | None = None  # its name within its file, where that holds many: the id of a row
    listed: bool = False  # one of many that its file holds, so the file's path is not its identity


@dataclass(frozen=True, slots=True)
class ParsedFeed:
    """A feed document as it was read."""

    entries: tuple[Entry, ...]
    title: str | None = None
    site_url: str | None = None
    language: str | None = None
    hints: Hints = Hints()
    hubs: tuple[str, ...] = ()
    self_url: str | None = None
    version: str = ""  # feedparser's names: rss20, atom10, json11, …
    warnings: tuple[str, ...] = ()  # what was mended to read it


@dataclass(frozen=True, slots=True)
class Subscription:
    """One line of a subscription list: a feed to follow, as OPML and its like tell of it."""

    url: str  # as written, http or https
    title: str | None = None
    site_url: str | None = None
    group: str | None = None  # "parent/child", as folders nest
    schedule: str | None = None  # "adaptive", "every 15m" or a cron expression; None when not said
    topics: tuple[str, ...] = ()
    options: tuple[tuple[str, str | int | float | bool], ...] = ()  # of a source, without its secrets


# -- clean ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cut:
    """A passage that was taken out of a body, kept so that it can be seen."""

    kind: CutKind
    text: str


@dataclass(frozen=True, slots=True)
class Article:
    """A finished article before it is compared with what is known.

    ``text`` is plain, its paragraphs separated by one blank line; ``content_hash`` covers title and text
    and starts with the version of the hash ("1:…"), so that a change of cleaning is no edit.
    """

    title: str
    text: str
    content_hash: str
    said_hash: str | None = None  # of what the feed says, where the text is that of the entry's page
    guid: str | None = None
    url: str | None = None  # canonical: absolute, without tracking parameters
    title_made: bool = False  # made from the text because the source has none
    published_at: datetime | None = None  # UTC; never in the future of the fetch
    precision: Precision | None = None
    date_origin: DateOrigin | None = None
    author: str | None = None
    language: str | None = None  # ISO 639-1, "und" when it cannot be told
    categories: tuple[str, ...] = ()
    enclosures: tuple[Enclosure, ...] = ()
    cuts: tuple[Cut, ...] = ()
    path: str | None = None  # the file it was read from; "archive.zip!/a.txt" within an archive or list
    listed: bool = False  # one of many of its file: its path is not its identity


# -- tag -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why a topic was given: one matched phrase. ``text[start:end]`` of the field is exactly ``phrase``."""

    field: str  # "title" or "text"
    start: int  # code points, inclusive
    end: int  # code points, exclusive
    phrase: str
    rule: str  # the rule as the topics file states it
    contribution: float  # what it added to the score's logit; negative speaks against


@dataclass(frozen=True, slots=True)
class Tag:
    """A topic's score on an article, with its reasons; stored when ``score >= threshold``."""

    topic: str
    score: float  # 0 to 1, calibrated: of tags scored 0.8, about 8 in 10 are right
    threshold: float
    main: bool = False  # a main subject of the article, not one of several
    evidence: tuple[Evidence, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether the article carries the topic."""
        return self.score >= self.threshold


# -- decide --------------------------------------------------------------------------------------------


class Kind(StrEnum):
    """What an article is, against what is known."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    DUPLICATE = "duplicate"  # new here, but another source brought the same text or address before
    DELETED = "deleted"  # a person deleted it: it stays deleted
    CAPPED = "capped"  # changed again, but rewritten so often that it is only counted


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done with one article."""

    kind: Kind
    article: Article
    key: str  # its identity within its source: "guid:…", "path:…", "url:…", "dated:…" or "hash:…"
    article_id: int | None = None  # the known article that it is
    duplicate_of: int | None = None
    tags: tuple[Tag, ...] = field(default=())
    moved: bool = False  # SAME or CHANGED, and its file has another path now: the new one is to be stored
