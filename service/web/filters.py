"""The fields of the filter form and the query that they are part of, both ways. Pure.

The query in the search box is the whole question. A field is one condition of it, at its top and the only one
of its kind; whatever else the query says has no field and stays as it was typed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from models.moments import parse_moment
from models.query import (
    ANY_TOPIC,
    And,
    Language,
    Main,
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
)
from models.query import format as written
from models.search import is_text

PERIODS = {
    "24h": "last 24 hours",
    "7d": "last 7 days",
    "30d": "last 30 days",
    "90d": "last 90 days",
    "365d": "last year",
}
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


@dataclass(frozen=True, slots=True)
class Fields:
    """What the form's fields say, as texts; empty ones ask for nothing."""

    topics: tuple[str, ...] = ()
    period: str = ""  # one of `PERIODS`
    since: str = ""  # days; other times have no field
    until: str = ""
    source: str = ""
    language: str = ""
    main: str = ""  # "yes" or "no"
    verdict: str = ""  # a `Ruling`
    min_score: str = ""


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of a query in words, and the query without it."""

    label: str
    value: str
    without: Query


def fields_of(query: Query) -> Fields:
    """What the form shows of a query."""
    said = {}
    for name, (read, _) in _KINDS.items():
        found = [value for part in _parts(query) if (value := read(part)) is not None]
        if len(found) == 1:
            said[name] = found[0]
    return replace(Fields(), **said)


def rewritten(query: Query, was: Fields, now: Fields) -> Query:
    """A query with what has changed in the form since it showed ``was``."""
    parts = list(_parts(query))
    if now.since and now.since != was.since:  # of two ways to say when, the new one counts
        now = replace(now, period="")
    elif now.period and now.period != was.period and now.until == was.until:
        now = replace(now, since="", until="")
    for name, (read, make) in _KINDS.items():
        value = getattr(now, name)
        if value == getattr(was, name):
            continue
        places = [place for place, part in enumerate(parts) if read(part) is not None]
        made = [make(value)] if value else []
        if len(places) == 1:
            parts[places[0] : places[0] + 1] = made
        else:
            parts += made
    return all_of(*parts)


def added(query: Query, fields: Fields) -> Query:
    """A query with all that fields say besides."""
    made = [make(value) for name, (_, make) in _KINDS.items() if (value := getattr(fields, name))]
    return all_of(query, *made)


def without_times(query: Query) -> Query:
    """A query without what its top says of when."""
    return all_of(*(part for part in _parts(query) if not isinstance(part, Since | Until)))


def on_days(query: Query, first: date, last: date) -> Query:
    """A query for some days, both inclusive, instead of when it says."""
    return all_of(without_times(query), Since(first.isoformat()), Until(last.isoformat()))


def times_of(query: Query, now: datetime) -> tuple[datetime | None, datetime | None]:
    """From when on, and until when (exclusive), the top of a query asks for articles."""
    parts = list(_parts(query))
    since = [parse_moment(part.time, now) for part in parts if isinstance(part, Since)]
    until = [parse_moment(part.time, now, end=True) for part in parts if isinstance(part, Until)]
    return max(since, default=None), min(until, default=None)


def conditions(query: Query) -> list[Condition]:
    """The conditions of a query one by one, all its words as one."""
    parts = list(_parts(query))
    words = [part for part in parts if is_text(part)]
    found = []
    if words:
        others = [part for part in parts if not is_text(part)]
        found.append(Condition("words", written(all_of(*words)), all_of(*others)))
    for place, part in enumerate(parts):
        if not is_text(part):
            found.append(Condition(*_said(part), all_of(*parts[:place], *parts[place + 1 :])))
    return found


_PLAIN: tuple[tuple[type[Any], str, str], ...] = (
    (Source, "source", "name"),
    (Since, "from", "time"),
    (Until, "to", "time"),
    (Language, "language", "code"),
    (Story, "story", "number"),
)


def _parts(query: Query) -> Iterator[Query]:
    yield from query.parts if isinstance(query, And) else (query,)


def _topics(part: Query) -> tuple[str, ...] | None:
    named = part.parts if isinstance(part, Or) else (part,)
    names = tuple(one.name for one in named if isinstance(one, Topic) and one.name != ANY_TOPIC)
    return names if names and len(names) == len(named) else None


def _text_of(kind: type[Any], field: str) -> Callable[[Query], str | None]:
    return lambda part: getattr(part, field) if isinstance(part, kind) else None


_KINDS: dict[str, tuple[Callable[[Query], Any], Callable[[Any], Query]]] = {
    "topics": (_topics, lambda names: any_of(*map(Topic, names))),
    "period": (lambda part: part.time if isinstance(part, Since) and part.time in PERIODS else None, Since),
    "since": (
        lambda part: part.time if isinstance(part, Since) and _DAY.fullmatch(part.time) else None,
        Since,
    ),
    "until": (
        lambda part: part.time if isinstance(part, Until) and _DAY.fullmatch(part.time) else None,
        Until,
    ),
    "source": (_text_of(Source, "name"), Source),
    "language": (_text_of(Language, "code"), Language),
    "main": (
        lambda part: ("yes" if part.yes else "no") if isinstance(part, Main) else None,
        lambda said: Main(said == "yes"),
    ),
    "verdict": (
        lambda part: str(part.ruling) if isinstance(part, Verdict) else None,
        lambda said: Verdict(Ruling(said)),
    ),
    "min_score": (
        lambda part: f"{part.value:g}" if isinstance(part, Score) and part.comparison == ">=" else None,
        lambda said: Score(">=", float(said)),
    ),
}
_VERDICTS = {
    Ruling.NONE: "nobody has judged it",
    Ruling.YES: "somebody said yes",
    Ruling.NO: "somebody said no",
    Ruling.ANY: "somebody has judged it",
}


def _said(part: Query) -> tuple[str, str]:
    """A condition in words: what it is about, and what it says."""
    if names := _topics(part):
        return "topic", " or ".join(names)
    if isinstance(part, Score):
        bound = {">=": "at least", "<=": "at most", ">": "above", "<": "below"}[part.comparison]
        return "score", f"{bound} {part.value:g}"
    if isinstance(part, Main):
        return "topic is", "a main subject" if part.yes else "no main subject"
    if isinstance(part, Verdict):
        return "verdict", _VERDICTS[part.ruling]
    for kind, label, field in _PLAIN:
        if isinstance(part, kind):
            return label, str(getattr(part, field))
    return "and", written(part)
