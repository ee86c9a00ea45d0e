"""A query string → the question that it asks, or what is wrong with it. Pure: the time is an argument.

Strict on purpose: a parameter that is not known, is given twice or cannot be read is refused with the
reason, because a filter that is dropped in silence shows articles that were not asked for.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from urllib.parse import urlencode

from models.errors import QuerySyntaxError
from models.moments import parse_moment
from models.query import EVERYTHING, Query, Ruling, parse
from models.query import format as written
from models.records import ArticleFilter, Health, Order
from models.snippets import wanted
from service.web.filters import PERIODS, Fields, added, fields_of, rewritten

Word = TypeVar("Word", bound=str)
MAX_LIMIT = 200
DEFAULT_LIMIT = 50
MAX_TEXT = 1_000  # characters of a search
MAX_VALUE = 2_000  # characters of any other value: the longest location of a source
MAX_SOURCE = 500  # characters of its name
MAX_TOPICS = 50
MAX_PAGE = 10_000
LARGEST_ID = 2**63 - 1
SOURCE_STATES = tuple(map(str, Health))

_FIELDS = ("since", "until", "source", "min_score", "period", "language", "main", "verdict")
_SINGLE = ("q", *_FIELDS, "order", "limit", "cursor", "duplicates", "was")
NAMES = ("topic", *_SINGLE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_DIGITS = re.compile(r"\d{1,19}", re.ASCII)
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{2,8})*")


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

    @property
    def fields(self) -> Fields:
        """What the fields say, unjudged."""
        single = {name: self.get(name) for name in _FIELDS}
        return Fields(topics=self.topics, **single)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as it was understood: the query with all that the form's fields say in it."""

    query: Query = EVERYTHING
    text: str = ""  # of the query: what the search box shows
    order: Order = Order.NEWEST
    duplicates: bool = False
    limit: int = DEFAULT_LIMIT
    cursor: str | None = None

    @property
    def filter(self) -> ArticleFilter:
        """For `models.catalog.find`."""
        query = None if self.query == EVERYTHING else self.query
        return ArticleFilter(
            query, self.order, duplicates=self.duplicates, limit=self.limit, cursor=self.cursor
        )

    @property
    def by_relevance(self) -> bool:
        """Whether the list is in the order of relevance: without words, none is more relevant."""
        return self.order is Order.RELEVANCE and bool(wanted(self.query))

    @property
    def narrowed(self) -> bool:
        """Whether anything but the order, the place in the list and the length of a page is asked for."""
        return self.query != EVERYTHING or self.duplicates

    def at(self, cursor: str | None) -> str:
        """The query string of the same question from a cursor on, or from the first page."""
        return self._link(self.text, {"cursor": cursor or ""})

    def with_query(self, query: Query) -> str:
        """The query string of another query in the same order, from the first page on."""
        return self._link(written(query), {})

    def without_duplicates(self) -> str:
        """The query string of the same question without duplicates, from the first page on."""
        return self._link(self.text, {"duplicates": ""})

    def _link(self, text: str, other: Mapping[str, str]) -> str:
        said = {
            "q": text,
            "order": "" if self.order is Order.NEWEST else str(self.order),
            "duplicates": "1" if self.duplicates else "",
            "limit": "" if self.limit == DEFAULT_LIMIT else str(self.limit),
        }
        return urlencode({name: value for name, value in (said | dict(other)).items() if value})


def read_form(pairs: Sequence[tuple[str, str]]) -> Form:
    """What was sent, without judging it; empty values are what a form sends for "any"."""
    values: dict[str, str] = {}
    for name, value in pairs:
        if name in _SINGLE and value.strip():
            values.setdefault(name, value.strip())
    topics = dict.fromkeys(value for name, value in pairs if name == "topic" and value)
    return Form(tuple(topics), values)


def read_question(pairs: Sequence[tuple[str, str]], *, now: datetime, known_topics: Collection[str]) -> Asked:
    """The question for articles that a query string asks: a query in ``q``, and fields that narrow it.

    With ``was``, the query that the form was made for, only the fields that were changed since count, and
    replace what the query says of the same. Times are what the query language reads. Raises `BadParameter`.
    """
    _refuse_unknown(pairs)
    form = read_form(pairs)
    for name, value in form.values.items():
        if name not in {"q", "was"} and len(value) > MAX_VALUE:
            raise BadParameter(name, f"{len(value):,} characters, where at most {MAX_VALUE:,} are read")
    fields = _fields(form, now, known_topics)
    typed = _query("q", form.get("q"))
    if any(name == "was" for name, _ in pairs):
        was = fields_of(_query("was", form.get("was")))
        query = rewritten(typed, was, fields)
    else:
        query = added(typed, fields)
    return Asked(
        query=query,
        text=form.get("q") if query == typed else _short_enough(written(query)),
        order=_one_of("order", form.get("order"), tuple(Order)) or Order.NEWEST,
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


def read_threshold_query(
    pairs: Sequence[tuple[str, str]], known_topics: Collection[str]
) -> tuple[str | None, float | None]:
    """The topic whose threshold is tried out, and at which value; None where none is."""
    _refuse_unknown(pairs, ("topic", "threshold"))
    given = {name: value for name, value in pairs if value}
    if "topic" in given:
        _topics((given["topic"],), known_topics)
    return given.get("topic"), _score("threshold", given.get("threshold", ""))


def _fields(form: Form, now: datetime, known_topics: Collection[str]) -> Fields:
    """The fields, judged."""
    since = _moment("since", form.get("since"), now)
    until = _moment("until", form.get("until"), now, end=True)
    if since and until and since >= until:
        raise BadParameter("until", "ends before “since” begins, so that nothing can be found")
    if (period := form.get("period")) and period not in PERIODS:
        raise BadParameter("period", f"“{_short(period)}” is none of {', '.join(PERIODS)}")
    if (language := form.get("language").lower()) and not _LANGUAGE.fullmatch(language):
        raise BadParameter("language", f"“{_short(language)}” is no code of a language, such as en")
    score = _score("min_score", form.get("min_score"))
    return Fields(
        topics=_topics(form.topics, known_topics),
        period=period,
        since=form.get("since").lower(),
        until=form.get("until").lower(),
        source=_source(form.get("source")),
        language=language,
        main=_one_of("main", form.get("main"), ("yes", "no")) or "",
        verdict=str(_one_of("verdict", form.get("verdict"), tuple(Ruling)) or ""),
        min_score="" if score is None else f"{round(score, 4):g}",
    )


def _refuse_unknown(pairs: Iterable[tuple[str, str]], names: Sequence[str] = NAMES) -> None:
    seen: set[str] = set()
    for name, _ in pairs:
        if name not in names:
            raise BadParameter(_short(name), f"is not a parameter; there are {', '.join(names)}")
        if name in seen and (name != "topic" or names is not NAMES):
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


def _query(name: str, text: str) -> Query:
    """The question in the search box, in the query language (models/README.md)."""
    _short_enough(text)
    if not _plain(name, text):
        return EVERYTHING
    try:
        return parse(text)
    except QuerySyntaxError as error:
        raise BadParameter(name, str(error)) from error


def _short_enough(text: str) -> str:
    if len(text) > MAX_TEXT:
        raise BadParameter("q", f"{len(text):,} characters, where at most {MAX_TEXT:,} are read")
    return text


def _plain(name: str, text: str) -> str:
    if _CONTROL.search(text):
        raise BadParameter(name, "holds a control character")
    return text


def _source(text: str) -> str:
    if _DIGITS.fullmatch(text) and int(text) > LARGEST_ID:
        raise BadParameter("source", f"there is no source {text}")
    if len(text) > MAX_SOURCE:
        raise BadParameter("source", f"{len(text):,} characters, where at most {MAX_SOURCE} are read")
    return " ".join(_plain("source", text).split())


def _score(name: str, text: str) -> float | None:
    if not text:
        return None
    try:
        score = float(text)
    except ValueError:
        score = math.nan
    if not 0 <= score <= 1:  # false for nan, too
        raise BadParameter(name, f"“{_short(text)}” is not a number from 0 to 1, such as 0.7")
    return score


def _limit(text: str) -> int:
    if not text:
        return DEFAULT_LIMIT
    if not _DIGITS.fullmatch(text) or not 1 <= int(text) <= MAX_LIMIT:
        raise BadParameter("limit", f"“{_short(text)}” is not a whole number from 1 to {MAX_LIMIT}")
    return int(text)


def _one_of(name: str, text: str, choices: Collection[Word]) -> Word | None:
    if not text:
        return None
    for choice in choices:
        if text == choice:
            return choice
    raise BadParameter(name, f"“{_short(text)}” is none of {', '.join(choices)}")


def _flag(name: str, text: str) -> bool:
    if text not in {"", "0", "1"}:
        raise BadParameter(name, f"“{_short(text)}” is neither 1 nor 0")
    return text == "1"


def _moment(name: str, text: str, now: datetime, *, end: bool = False) -> datetime | None:
    if not text:
        return None
    try:
        return parse_moment(text, now, end=end)
    except ValueError:
        raise BadParameter(
            name, f"“{_short(text)}” is not a date; write 2024-06-18, 2024-06-18T14:00 or 7d (7 days back)"
        ) from None


def _short(text: str) -> str:
    shown = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)
    return shown if len(shown) <= 60 else shown[:59] + "…"  # noqa: PLR2004
