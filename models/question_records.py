"""Frozen values that questions are asked with, and answered in figures; `models.records` gives them all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from models.query import Query


class Order(StrEnum):
    """What comes first in a list."""

    NEWEST = "newest"
    RELEVANCE = "relevance"  # how well the words fit; without words to find, the newest


@dataclass(frozen=True, slots=True)
class ArticleFilter:
    """A question for articles; all parts must hold, those of ``query`` beside the others."""

    query: Query | str | None = None  # as `models.query.parse` reads it
    order: Order = Order.NEWEST
    topics: tuple[str, ...] = ()  # any of them
    not_topics: tuple[str, ...] = ()
    since: datetime | None = None  # inclusive
    until: datetime | None = None  # exclusive
    sources: tuple[str, ...] = ()  # id, location, title, or a title pattern with *
    match: str | None = None  # words and "phrases" to find in title or text
    min_score: float | None = None
    languages: tuple[str, ...] = ()
    duplicates: bool = False  # show what another source brought before, too
    limit: int = 50
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class DayCount:
    """How many articles of one UTC day carry a topic, duplicates left out."""

    topic: str
    day: date
    articles: int


@dataclass(frozen=True, slots=True)
class Count:
    """How many articles a question finds; where it was given up counting, so many at least."""

    articles: int
    complete: bool = True


@dataclass(frozen=True, slots=True)
class TopicCounts:
    """How many articles carry a topic, duplicates left out: of today, of 7 and 30 days, and all."""

    topic: str
    day: int
    week: int
    month: int
    articles: int


@dataclass(frozen=True, slots=True)
class Statistics:
    """What is stored, in figures. Duplicates are counted by source and language only."""

    articles: int
    tagged: int
    duplicates: int
    first: date | None  # UTC days
    last: date | None
    topics: tuple[TopicCounts, ...]
    sources: tuple[tuple[str, int], ...]  # those with most articles
    languages: tuple[tuple[str | None, int], ...]
    yes: int  # standing verdicts
    no: int


@dataclass(frozen=True, slots=True)
class Histogram:
    """The articles that a question finds by UTC day, days without any left out, the oldest first."""

    articles: tuple[tuple[date, int], ...]
    topics: tuple[DayCount, ...]  # those of the question, else all active ones
    complete: bool = True  # False: of so many articles, only the newest were counted
