"""What a query means in this database: names become ids, times positions, and scores find their topics.

A score, a verdict or ``main:`` speaks of the topics that stand beside it, in the same conjunction or in a
group within it: ``(topic:arms OR topic:sanctions) score>0.9`` wants one of the two with such a score. Where
no topic stands beside it, it speaks of those around its group, and where there is none either, of any topic.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from models.database import Database
from models.errors import NotFound, QueryError
from models.fields import storable, to_micros
from models.labels import topic_id
from models.moments import parse_moment
from models.positions import BITS, HIGHEST, LOWEST, SECONDS_OF_A_DAY, day_of, lowest_of
from models.query import (
    ANY_TOPIC,
    And,
    Language,
    Main,
    Not,
    Or,
    Query,
    Ruling,
    Score,
    Since,
    Source,
    Story,
    Topic,
    Until,
    Verdict,
    all_of,
    any_of,
    literal,
    negated,
    parse,
)
from models.records import ArticleFilter
from models.search import is_text
from models.sources import ids_of

Bound: TypeAlias = Score | Verdict | Main
_DAY = SECONDS_OF_A_DAY << BITS  # in positions


@dataclass(frozen=True, slots=True)
class Text:
    """Articles with words; the query has nothing but words in it."""

    query: Query


@dataclass(frozen=True, slots=True)
class Tagged:
    """Articles that carry one of some topics; no topics: any."""

    topics: tuple[int, ...]
    scores: tuple[Score, ...] = ()
    ruling: Ruling | None = None
    main: bool | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """Articles on which a verdict stands, on whatever topic: a yes (+1), a no (-1), or either (None)."""

    value: int | None


@dataclass(frozen=True, slots=True)
class From:
    """Articles of some sources."""

    sources: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class In:
    """Articles in one of some languages."""

    languages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Of:
    """Articles of a story."""

    story: int


@dataclass(frozen=True, slots=True)
class Within:
    """Articles of a time: positions, the first inclusive, the second exclusive; where a bound lies within a
    second, its microseconds, too."""

    low: int = LOWEST
    high: int = HIGHEST
    since: int | None = None
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Every:
    """Articles for which all of these hold."""

    parts: tuple[Meaning, ...] = ()


@dataclass(frozen=True, slots=True)
class Some:
    """Articles for which one of these holds."""

    parts: tuple[Meaning, ...]


@dataclass(frozen=True, slots=True)
class Without:
    """Articles for which this does not hold."""

    part: Meaning


Meaning: TypeAlias = Text | Tagged | Judged | From | In | Of | Within | Every | Some | Without


def query_of(asked: ArticleFilter) -> Query:
    """All that a filter asks for as one query, but for its times, which are exact already."""
    parts: list[Query] = []
    if asked.topics:
        parts.append(any_of(*map(Topic, dict.fromkeys(asked.topics))))
    parts += [negated(Topic(name)) for name in dict.fromkeys(asked.not_topics)]
    if asked.sources:
        parts.append(any_of(*map(Source, dict.fromkeys(asked.sources))))
    if asked.languages:
        parts.append(any_of(*map(Language, dict.fromkeys(map(storable, asked.languages)))))
    if asked.min_score is not None:
        parts.append(Score(">=", asked.min_score))
    if asked.match is not None:
        parts.append(literal(asked.match))
    if asked.query is not None:
        parts.append(parse(asked.query) if isinstance(asked.query, str) else asked.query)
    return all_of(*parts)


def meaning_of(database: Database, query: Query, now: datetime) -> Meaning:
    """What a query means. Raises NotFound for a topic, source or story that does not exist."""
    return _Reading(database, now).of(query)


class _Reading:
    """``scope``: the topics around a part; ``bounds``: what its topics must meet."""

    def __init__(self, database: Database, now: datetime) -> None:
        self._database = database
        self._now = now
        self._topics: dict[str, int] = {}

    def of(
        self,
        query: Query,
        bounds: tuple[Bound, ...] = (),
        scope: tuple[str, ...] = (),
    ) -> Meaning:
        if bounds and not _topics_in(query):
            return Every((self.of(query, (), scope), self._bounded(scope, bounds)))
        if is_text(query):
            return Text(query)
        match query:
            case And(parts):
                return self._every(parts, bounds, scope)
            case Or(parts):
                return Some(tuple(self.of(part, bounds, scope) for part in parts))
            case Not(part):
                return Without(self.of(part, (), scope))
            case Topic(name):
                return self._tagged((name,), bounds)
            case Score() | Verdict() | Main():
                return self._bounded(scope, (query,))
        return self._leaf(query)

    def _every(self, parts: Sequence[Query], outer: tuple[Bound, ...], scope: tuple[str, ...]) -> Meaning:
        bounds = (*outer, *(part for part in parts if isinstance(part, Bound)))
        others = [part for part in parts if not isinstance(part, Bound)]
        words = [part for part in others if is_text(part)]
        here = _topics_in(And(tuple(others)))
        found: list[Meaning] = [Text(all_of(*words))] if words else []
        for part in others:
            if not is_text(part):
                found.append(self.of(part, bounds if _topics_in(part) else (), here or scope))
        if bounds and not here:
            found.append(self._bounded(scope, bounds))
        return found[0] if len(found) == 1 else Every(tuple(found))

    def _bounded(self, names: Sequence[str], bounds: Sequence[Bound]) -> Meaning:
        """Scores and verdicts of the topics around, or, without any, of whatever topic."""
        if names:
            return self._tagged(names, bounds)
        scores = tuple(one for one in bounds if isinstance(one, Score))
        mains = _mains(bounds)
        parts: list[Meaning] = [
            Tagged((), scores, None, main) for main in mains or ([None] if scores else [])
        ]
        for ruling in [one.ruling for one in bounds if isinstance(one, Verdict)]:
            value = {Ruling.YES: 1, Ruling.NO: -1}.get(ruling)
            judged = Judged(value)
            parts.append(Without(judged) if ruling is Ruling.NONE else judged)
        return parts[0] if len(parts) == 1 else Every(tuple(parts))

    def _tagged(self, names: Sequence[str], bounds: Sequence[Bound]) -> Meaning:
        topics = () if ANY_TOPIC in names else tuple(map(self._topic, names))
        scores = tuple(one for one in bounds if isinstance(one, Score))
        given = dict.fromkeys(one.ruling for one in bounds if isinstance(one, Verdict))
        rulings: list[Ruling | None] = [*given] or [None]
        tagged = [
            Tagged(topics, scores, ruling, main) for ruling in rulings for main in _mains(bounds) or [None]
        ]
        return tagged[0] if len(tagged) == 1 else Every(tuple(tagged))

    def _topic(self, name: str) -> int:
        if name not in self._topics:
            self._topics[name] = topic_id(self._database, name)
        return self._topics[name]

    def _leaf(self, query: Query) -> Meaning:
        match query:
            case Source(name):
                return From(tuple(ids_of([name])))
            case Language(code):
                return In((code,))
            case Story(number):
                if self._database.value("SELECT 1 FROM story WHERE id = ?", (number,)) is None:
                    raise NotFound(f"there is no story {number}")
                return Of(number)
            case Since(time):
                return within(since=self._moment(time, end=False))
            case Until(time):
                return within(until=self._moment(time, end=True))
        message = f"{query!r} is no query"
        raise TypeError(message)

    def _moment(self, time: str, *, end: bool) -> datetime:
        try:
            return parse_moment(time, self._now, end=end)
        except ValueError as error:
            raise QueryError(str(error)) from error


def _mains(bounds: Sequence[Bound]) -> list[bool | None]:
    return [*dict.fromkeys(one.yes for one in bounds if isinstance(one, Main))]


def within(since: datetime | None = None, until: datetime | None = None) -> Within:
    """A time: ``since`` is inclusive, ``until`` exclusive. Raises ValueError for a naive time."""
    low, high, first, last = LOWEST, HIGHEST, None, None
    if since is not None:
        exact = to_micros(since)  # refuses naive times
        low, first = lowest_of(since), exact if since.microsecond else None
    if until is not None:
        exact = to_micros(until)
        high = lowest_of(until) + (1 << 20 if until.microsecond else 0)
        last = exact if until.microsecond else None
    return Within(low, high, first, last)


def whole_days(meaning: Meaning) -> Meaning:
    """The same with its times widened to whole UTC days."""
    match meaning:
        case Within(low, high):
            first = low if low == LOWEST else day_of(low) * _DAY
            last = high if high == HIGHEST else -(-high // _DAY) * _DAY
            return Within(first, last)
        case Every(parts):
            return Every(tuple(map(whole_days, parts)))
        case Some(parts):
            return Some(tuple(map(whole_days, parts)))
        case Without(part):
            return Without(whole_days(part))
    return meaning


def _topics_in(query: Query) -> tuple[str, ...]:
    """The topics that a query asks for, not those that it asks to be absent."""
    match query:
        case Topic(name):
            return (name,)
        case And(parts) | Or(parts):
            return tuple(dict.fromkeys(name for part in parts for name in _topics_in(part)))
    return ()


__all__ = [
    "Every", "From", "In", "Judged", "Meaning", "Of", "Some", "Tagged", "Text", "Within",
    "Without", "meaning_of", "query_of", "whole_days", "within",
]  # fmt: skip
