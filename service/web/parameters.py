"""A query string → an `ArticleFilter`, or what is wrong with it. Pure: the time is an argument.

Strict on purpose: a parameter that is not known, is given twice or cannot be read is refused with the
reason, because a filter that is dropped in silence shows articles that were not asked for.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from urllib.parse import urlencode

from models.errors import QuerySyntaxError
from models.query import Query, parse
from models.records import ArticleFilter, Health

MAX_LIMIT = 200
DEFAULT_LIMIT = 50
MAX_TEXT = 1_000  # characters of a search
MAX_VALUE = 2_000  # characters of any other value: the longest location of a source
MAX_TOPICS = 50
MAX_PAGE = 10_000
LARGEST_ID = 2**63 - 1
SOURCE_STATES = tuple(map(str, Health))

_SINGLE = ("q", "since", "until", "source", "min_score", "limit", "cursor", "duplicates")
NAMES = ("topic", *_SINGLE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_RELATIVE = re.compile(r"(\d{1,5})([hdw])", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_DIGITS = re.compile(r"\d{1,19}", re.ASCII)
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


class BadParameter(Exception):
    """A parameter that cannot be used; the text is meant for the person who sent it."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"{name}: {problem}")
        self.name = name
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Form:
    """What was sent, as it was sent: the form shows it again, also when it is wrong."""

    topics: tuple[str, ...]
    values: Mapping[str, str]  # without empty ones

    def get(self, name: str) -> str:
        """A single value, "" when it was not given."""
        return self.values.get(name, "")

    def without(self, name: str, value: str | None = None) -> str:
        """The query string less one parameter (or one topic), from the first page on."""
        topics = [t for t in self.topics if name != "topic" or (value is not None and t != value)]
        pairs = [("topic", topic) for topic in topics]
        pairs += [(key, text) for key, text in self.values.items() if key not in {name, "cursor"}]
        return urlencode(pairs)

    def at(self, cursor: str | None) -> str:
        """The same question from a cursor on, or from the first page."""
        query = self.without("cursor")
        if cursor is None:
            return query
        return f"{query}&{urlencode({'cursor': cursor})}" if query else urlencode({"cursor": cursor})

    @property
    def names(self) -> frozenset[str]:
        """The names of the parameters that were given a value."""
        return frozenset(self.values) | (frozenset(("topic",)) if self.topics else frozenset())

    @property
    def narrowed(self) -> bool:
        """Whether anything but the place in the list and the length of a page is asked for."""
        return bool(self.names - {"cursor", "limit"})


def read_form(pairs: Sequence[tuple[str, str]]) -> Form:
    """What was sent, without judging it; empty values are what a form sends for "any"."""
    values: dict[str, str] = {}
    for name, value in pairs:
        if name in _SINGLE and value.strip():
            values.setdefault(name, value.strip())
    topics = dict.fromkeys(value for name, value in pairs if name == "topic" and value)
    return Form(tuple(topics), values)


def read_filter(
    pairs: Sequence[tuple[str, str]], *, now: datetime, known_topics: Collection[str]
) -> ArticleFilter:
    """The question for articles that a query string asks.

    ``since`` and ``until`` are days (``2024-06-18``, whole and inclusive), times (ISO 8601, UTC unless they
    say otherwise) or spans back from ``now`` (``36h``, ``7d``, ``2w``). Raises `BadParameter`.
    """
    _refuse_unknown(pairs)
    form = read_form(pairs)
    for name, value in form.values.items():
        if name != "q" and len(value) > MAX_VALUE:
            raise BadParameter(name, f"{len(value):,} characters, where at most {MAX_VALUE:,} are read")
    since = _moment("since", form.get("since"), now)
    until = _moment("until", form.get("until"), now, end_of_day=True)
    if since and until and since >= until:
        raise BadParameter("until", "ends before “since” begins, so that nothing can be found")
    source = form.get("source")
    return ArticleFilter(
        topics=_topics(form.topics, known_topics),
        since=since,
        until=until,
        sources=(_source(source),) if source else (),
        query=_query(form.get("q")),
        min_score=_score(form.get("min_score")),
        duplicates=_flag("duplicates", form.get("duplicates")),
        limit=_limit(form.get("limit")),
        cursor=_plain("cursor", form.get("cursor")) or None,
    )


def read_id(text: str) -> int | None:
    """An id out of a path, or None when no database could hold it."""
    return int(text) if _DIGITS.fullmatch(text) and 0 < int(text) <= LARGEST_ID else None


def read_sources_query(pairs: Sequence[tuple[str, str]]) -> tuple[str | None, int]:
    """The state ("" and None: all but removed ones) and the page, from 1, of the list of sources."""
    _refuse_unknown(pairs, ("state", "page"))
    given = {name: value for name, value in pairs if value}
    state = given.get("state")
    if state is not None and state not in SOURCE_STATES:
        raise BadParameter("state", f"“{_short(state)}” is none of {', '.join(SOURCE_STATES)}")
    page = given.get("page", "1")
    if not _DIGITS.fullmatch(page) or not 1 <= int(page) <= MAX_PAGE:
        raise BadParameter("page", f"“{_short(page)}” is not a whole number from 1 to {MAX_PAGE:,}")
    return state, int(page)


def _refuse_unknown(pairs: Iterable[tuple[str, str]], names: Sequence[str] = NAMES) -> None:
    seen: set[str] = set()
    for name, _ in pairs:
        if name not in names:
            raise BadParameter(_short(name), f"is not a parameter; there are {', '.join(names)}")
        if name in seen and name != "topic":
            raise BadParameter(name, "is given more than once")
        seen.add(name)


def _topics(asked: tuple[str, ...], known: Collection[str]) -> tuple[str, ...]:
    if len(asked) > MAX_TOPICS:
        raise BadParameter("topic", f"{len(asked):,} topics, where at most {MAX_TOPICS} are read")
    for topic in asked:
        if topic not in known:
            there = ", ".join(sorted(known)[:MAX_TOPICS]) or "none yet"
            raise BadParameter("topic", f"there is no topic “{_short(topic)}”; there are: {there}")
    return asked


def _query(text: str) -> Query | None:
    """The question in the search box, in the query language (models/README.md)."""
    if len(text) > MAX_TEXT:
        raise BadParameter("q", f"{len(text):,} characters, where at most {MAX_TEXT:,} are read")
    if not _plain("q", text):
        return None
    try:
        return parse(text)
    except QuerySyntaxError as error:
        raise BadParameter("q", str(error)) from error


def _plain(name: str, text: str) -> str:
    if _CONTROL.search(text):
        raise BadParameter(name, "holds a control character")
    return text


def _source(text: str) -> str:
    if _DIGITS.fullmatch(text) and int(text) > LARGEST_ID:
        raise BadParameter("source", f"there is no source {text}")
    return _plain("source", text)


def _score(text: str) -> float | None:
    if not text:
        return None
    try:
        score = float(text)
    except ValueError:
        score = math.nan
    if not 0 <= score <= 1:  # false for nan, too
        raise BadParameter("min_score", f"“{_short(text)}” is not a number from 0 to 1, such as 0.7")
    return score


def _limit(text: str) -> int:
    if not text:
        return DEFAULT_LIMIT
    if not _DIGITS.fullmatch(text) or not 1 <= int(text) <= MAX_LIMIT:
        raise BadParameter("limit", f"“{_short(text)}” is not a whole number from 1 to {MAX_LIMIT}")
    return int(text)


def _flag(name: str, text: str) -> bool:
    if text not in {"", "0", "1"}:
        raise BadParameter(name, f"“{_short(text)}” is neither 1 nor 0")
    return text == "1"


def _moment(name: str, text: str, now: datetime, *, end_of_day: bool = False) -> datetime | None:
    if not text:
        return None
    try:
        if relative := _RELATIVE.fullmatch(text):
            return now - int(relative[1]) * _UNITS[relative[2]]
        moment = datetime.fromisoformat(text)
        if _DATE.fullmatch(text):
            moment = datetime.combine(moment.date(), time(), UTC)
            return moment + timedelta(days=1) if end_of_day else moment
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise BadParameter(
            name, f"“{_short(text)}” is not a date; write 2024-06-18, 2024-06-18T14:00 or 7d (7 days back)"
        ) from None


def _short(text: str) -> str:
    shown = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)
    return shown if len(shown) <= 60 else shown[:59] + "…"  # noqa: PLR2004
