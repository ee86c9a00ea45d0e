"""Articles → what the templates show, ready to print. Pure: the time and the colours are arguments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from urllib.parse import urlencode

from models.query import Query, Source, Topic
from models.query import format as written
from models.records import ArticleRecord, ArticleSummary, TagRecord
from service.web.presentation import (
    Link,
    Time,
    clock_of,
    count_of,
    cut_in_words,
    date_note,
    day_of,
    exactly,
    language_of,
    relative_day,
    score_of,
    split_snippet,
    time_of,
    vague_of,
    web_link,
)

MAX_REVISIONS = 20  # wordings shown, the newest
MAX_CUTS = 200
MAX_FILES = 50
LEAD = 240  # characters of a text that stand in lists
Colours = Mapping[str, int]
_EXACT = frozenset((None, "second", "minute"))


@dataclass(frozen=True, slots=True)
class Chip:
    """A topic on an article, as lists show it."""

    topic: str
    colour: int
    score: str
    main: bool
    verdict: int | None
    query: str  # the query string that asks for its articles


@dataclass(frozen=True, slots=True)
class ArticleRow:
    """An article as the list shows it."""

    id: int
    title: str
    title_made: bool
    language: str | None
    chips: tuple[Chip, ...]
    source_id: int
    source: str
    of_source: str  # the query string that asks for its articles
    when: Time
    dated: bool  # else `when` is when it was first seen
    clock: str | None  # the time of day, where it is known
    vague: str  # what is said in its place
    link: Link | None
    duplicates: str | None
    duplicate_of: int | None
    snippet: tuple[tuple[str, bool], ...]
    lead: str  # how its text begins, where there is no snippet


@dataclass(frozen=True, slots=True)
class Day:
    """The articles of one day; without a name: of many, in the order of relevance."""

    name: str
    machine: str
    relative: str | None
    articles: tuple[ArticleRow, ...]


@dataclass(frozen=True, slots=True)
class CutView:
    """A passage that was left out, and why in words."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class RevisionView:
    """An earlier wording."""

    number: int
    title: str
    text: str
    replaced: Time


@dataclass(frozen=True, slots=True)
class FileView:
    """A file that an article carries."""

    url: str
    type: str | None
    link: Link | None


@dataclass(frozen=True, slots=True)
class ArticleView:
    """What the page of one article shows beside its text and its topics."""

    row: ArticleRow
    published: Time | None
    date_note: str
    seen: Time
    updated: Time | None
    vanished: Time | None
    path: str | None
    url: str | None  # as stored; only `ArticleRow.link` is ever linked
    files: tuple[FileView, ...]
    cuts: tuple[CutView, ...]
    cut_count: str
    revisions: tuple[RevisionView, ...]  # the newest first
    revision_count: int  # in all


def asking(query: Query) -> str:
    """The query string of the list of articles that asks a question."""
    return urlencode({"q": written(query)})


def topic_query(topic: str) -> str:
    """The query string that asks for a topic's articles."""
    return asking(Topic(topic))


def holds(tag: TagRecord) -> bool:
    """Whether an article carries the topic: a person's verdict wins over the score."""
    return tag.verdict > 0 if tag.verdict else tag.score >= tag.threshold


def chips(tags: Iterable[TagRecord], colours: Colours) -> tuple[Chip, ...]:
    """The topics that an article carries, the surest first."""
    held = sorted((tag for tag in tags if holds(tag)), key=lambda tag: (-tag.score, tag.topic))
    return tuple(
        Chip(
            tag.topic,
            colours.get(tag.topic, 0),
            score_of(tag.score),
            tag.main,
            tag.verdict,
            topic_query(tag.topic),
        )
        for tag in held
    )


def article_row(article: ArticleSummary, now: datetime, colours: Colours, lead: str = "") -> ArticleRow:
    """An article as the list shows it."""
    published, precision = article.published_at, article.precision
    moment = published or article.seen_at
    exact = published is None or precision in _EXACT
    others = article.duplicates
    return ArticleRow(
        id=article.id,
        title=article.title or "(no title)",
        title_made=article.title_made,
        language=language_of(article.language),
        chips=chips(article.tags, colours),
        source_id=article.source_id,
        source=article.source,
        of_source=asking(Source(str(article.source_id))),
        when=exactly(moment, now, precision if published else None),
        dated=published is not None,
        clock=clock_of(moment) if exact else None,
        vague=vague_of(precision),
        link=web_link(article.url),
        duplicates=f"also from {count_of(others, 'other source')}" if others else None,
        duplicate_of=article.duplicate_of,
        snippet=tuple(split_snippet(article.snippet)) if article.snippet else (),
        lead=_in_words(lead),
    )


def by_day(
    articles: Sequence[ArticleSummary],
    leads: Mapping[int, str],
    now: datetime,
    colours: Colours,
    *,
    mixed: bool = False,
) -> list[Day]:
    """The list in the order given, under its days: of publication, else of being first seen. With ``mixed``
    it goes to and fro in time, and stands under no day."""
    if mixed:
        rows = tuple(article_row(article, now, colours, leads.get(article.id, "")) for article in articles)
        return [Day("", "", None, rows)] if rows else []
    days = []
    for day, group in groupby(articles, key=lambda a: (a.published_at or a.seen_at).date()):
        rows = tuple(article_row(article, now, colours, leads.get(article.id, "")) for article in group)
        days.append(Day(day_of(day), day.isoformat(), relative_day(day, now.date()), rows))
    return days


def _in_words(lead: str) -> str:
    """The beginning of a text in one line, cut between words."""
    line = " ".join(lead.split())
    if len(line) <= LEAD:
        return line
    return f"{line[:LEAD].rpartition(' ')[0] or line[:LEAD]} …"


def article_view(article: ArticleRecord, now: datetime, colours: Colours) -> ArticleView:
    """An article's facts, files, earlier wordings and what was left out of its text."""
    summary = article.summary
    newest = sorted(article.revisions, key=lambda revision: -revision.number)[:MAX_REVISIONS]
    return ArticleView(
        row=article_row(summary, now, colours),
        published=time_of(summary.published_at, now, summary.precision),
        date_note=date_note(summary.precision, article.date_origin),
        seen=exactly(summary.seen_at, now),
        updated=time_of(article.updated_at, now),
        vanished=time_of(article.vanished_at, now),
        path=summary.path,
        url=summary.url,
        files=tuple(FileView(one.url, one.type, web_link(one.url)) for one in article.enclosures[:MAX_FILES]),
        cuts=tuple(CutView(cut_in_words(cut.kind), cut.text) for cut in article.cuts[:MAX_CUTS]),
        cut_count=count_of(len(article.cuts), "passage"),
        revisions=tuple(
            RevisionView(one.number, one.title, one.text, exactly(one.replaced_at, now)) for one in newest
        ),
        revision_count=len(article.revisions),
    )
