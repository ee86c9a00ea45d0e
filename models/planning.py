"""From what a query means to SQL: which indexes are walked, from new to old, and what else must hold.

A conjunction is answered by one walk, on the most selective thing in it that has an index; all else is looked
up for the articles that it meets. An alternative is answered by a walk for each of its sides. Every walk is
bounded by position, so that the next page costs what the first did. What has an index, the most selective
first: a topic of few articles; words; verdicts; stories; topics (the covering index of tags), the rarest of
them; sources; languages. What has none, as in ``-topic:arms``, is found by a walk over all articles.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from models.conditions import Sql, condition, exact, held_by, listed
from models.database import Database
from models.meaning import Every, From, In, Judged, Meaning, Of, Some, Tagged, Text, Within, Without
from models.query import Ruling, all_of
from models.search import fts5
from models.tagging import marks

_MOST_WALKS = 16  # in one question; what would take more is looked for in a walk over all articles
_RARE = 10_000  # matching articles that are read and sorted sooner than the newest are looked through
_FEW = 1_000  # articles that are looked through for words sooner than an index of words
_BY_PEOPLE = {Ruling.YES: " AND value = 1", Ruling.NO: " AND value = -1", Ruling.ANY: ""}


@dataclass(frozen=True, slots=True)
class Walk:
    """An index that gives articles (``a``) by position, and what must hold for each of them."""

    tables: str
    conditions: tuple[Sql, ...]
    position: str = "a.position"
    article: str = "a.id"
    fenced: bool = False  # PostgreSQL is to find all of them by their index before it sorts

    def newest(self, low: int, high: int, limit: int) -> Sql:
        """(position, id) of the newest within positions."""
        inner = self.everything(low, high)
        if self.fenced:
            text = f"SELECT position, id FROM ({inner.text} OFFSET 0) AS hits ORDER BY position DESC LIMIT ?"
        else:
            text = f"{inner.text} ORDER BY {self.position} DESC LIMIT ?"
        return Sql(text, (*inner.parameters, limit))

    def everything(self, low: int, high: int) -> Sql:
        """(position, id) of all within positions, in no order."""
        where = [one.text for one in self.conditions]
        where += [f"{self.position} >= ?", f"{self.position} < ?"]
        parameters = tuple(value for one in self.conditions for value in one.parameters)
        return Sql(
            f"SELECT {self.position} AS position, {self.article} AS id FROM {self.tables} "
            f"WHERE {' AND '.join(where)}",
            (*parameters, low, high),
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """The walks that answer a question, and between which positions they go."""

    walks: tuple[Walk, ...]
    low: int
    high: int

    def newest(self, limit: int) -> Sql:
        """(position, id) of the newest articles, each once, the newest first."""
        if len(self.walks) == 1:
            return self.walks[0].newest(self.low, self.high, limit)
        union = _union(walk.newest(self.low, self.high, limit) for walk in self.walks)
        return Sql(f"{union.text} ORDER BY position DESC LIMIT ?", (*union.parameters, limit))

    def everything(self) -> Sql:
        """(position, id) of all articles, each once, in no order."""
        if len(self.walks) == 1:
            return self.walks[0].everything(self.low, self.high)
        return _union(walk.everything(self.low, self.high) for walk in self.walks)

    def below(self, position: int) -> Plan:
        """The same for the articles that are older than a position."""
        return replace(self, high=min(self.high, position))


def plan(database: Database, meaning: Meaning, *, duplicates: bool = False) -> Plan:
    """How to answer a question, inside a session.

    Articles that another source brought before are left out, unless ``duplicates`` are asked for or the
    question names their source.
    """
    times = [part for part in _flat(meaning) if isinstance(part, Within)]
    low = max([Within().low, *(one.low for one in times)])
    high = min([Within().high, *(one.high for one in times)])
    always = [one for time in times for one in exact(time)]
    if not duplicates:
        always.append(_originals(_sources_in(meaning)))
    walks = _Planner(database).walks(spread_out(meaning), _MOST_WALKS)
    return Plan(tuple(replace(walk, conditions=(*walk.conditions, *always)) for walk in walks), low, high)


def arrivals(database: Database, meaning: Meaning, *, duplicates: bool = False) -> Walk:
    """All articles in the order of their ids, with all that must hold for them."""
    conditions = [condition(database, meaning)]
    if not duplicates:
        conditions.append(_originals(_sources_in(meaning)))
    return Walk("article a", tuple(conditions), position="a.id")


def spread_out(meaning: Meaning) -> list[Meaning]:
    """The parts of a conjunction but for its times."""
    return [part for part in _flat(meaning) if not isinstance(part, Within)]


class _Planner:
    def __init__(self, database: Database) -> None:
        self._database = database

    def walks(self, parts: Sequence[Meaning], room: int) -> list[Walk]:
        """The walks for a conjunction, at most ``room``."""
        return (
            self._by_rare_topic(parts)
            or self._by_words(parts)
            or self._by_sides(parts, room, with_words=True)
            or self._by_people(parts)
            or self._by_story(parts)
            or self._by_topic(parts, room)
            or self._by_source(parts, room)
            or self._by_sides(parts, room, with_words=False)
            or self._by_language(parts, room)
            or [Walk("article a", self._conditions(parts))]
        )

    def _by_rare_topic(self, parts: Sequence[Meaning]) -> list[Walk]:
        named = _topics(parts, 1)
        if not named or not any(map(_has_words, parts)):
            return []
        return self._by_topic(parts, 1) if min(map(self._frequency, named)) <= _FEW else []

    def _conditions(self, parts: Iterable[Meaning], but: Meaning | None = None) -> tuple[Sql, ...]:
        return tuple(condition(self._database, part) for part in parts if part is not but)

    def _by_words(self, parts: Sequence[Meaning]) -> list[Walk]:
        for part in parts:
            if isinstance(part, Text) and (expression := fts5(part.query)) is not None:
                others = self._conditions(parts, part)
                if self._database.sqlite:
                    match = Sql("article_search MATCH ?", (expression,))
                    tables = "article_search JOIN article a ON a.position = article_search.rowid"
                    return [Walk(tables, (match, *others), "article_search.rowid")]
                found = condition(self._database, part)
                return [Walk("article a", (found, *others), fenced=self._is_rare(found))]
        return []

    def _is_rare(self, found: Sql) -> bool:
        """Whether few articles match, asked of PostgreSQL's index: statistics only know frequent words."""
        database = self._database
        database.execute("SET LOCAL enable_seqscan = off")
        hits = database.value(
            f"SELECT count(*) FROM (SELECT 1 FROM article a WHERE {found.text} LIMIT ?) AS hits",
            (*found.parameters, _RARE),
        )
        database.execute("SET LOCAL enable_seqscan = on")
        return int(hits) < _RARE

    def _by_sides(self, parts: Sequence[Meaning], room: int, *, with_words: bool) -> list[Walk]:
        """A walk for each side of an alternative, the rest of the conjunction added to each."""
        for part in parts:
            if isinstance(part, Some) and len(part.parts) <= room and _has_index(part):
                if with_words and not _has_words(part):
                    continue
                others = [one for one in parts if one is not part]
                each = room // len(part.parts)
                return [walk for side in part.parts for walk in self.walks([*_flat(side), *others], each)]
        return []

    def _by_people(self, parts: Sequence[Meaning]) -> list[Walk]:
        """By verdicts: nothing but people gives them, so they are few, and are read before the articles."""
        for part in parts:
            if isinstance(part, Judged):
                said, among = "" if part.value is None else f" AND value = {part.value}", ""
            elif isinstance(part, Tagged) and part.ruling in _BY_PEOPLE:
                said = _BY_PEOPLE[part.ruling]
                among = f" AND topic_id IN ({listed(part.topics)})" if part.topics else ""
            else:
                continue
            standing = f"SELECT DISTINCT article_id FROM verdict WHERE withdrawn_at IS NULL{said}{among}"
            joined = Sql("a.id = judged.article_id")
            return [Walk(f"({standing}) AS judged CROSS JOIN article a", (joined, *self._conditions(parts)))]
        return []

    def _by_story(self, parts: Sequence[Meaning]) -> list[Walk]:
        found = any(isinstance(part, Of) for part in parts)
        return [Walk("article a", self._conditions(parts))] if found else []

    def _by_topic(self, parts: Sequence[Meaning], room: int) -> list[Walk]:
        named = _topics(parts, room)
        if not named:
            return []
        part = named[0] if len(named) == 1 else min(named, key=self._frequency)
        others = self._conditions(parts, part)
        tables = "tag g JOIN article a ON a.id = g.article_id"
        return [
            Walk(
                tables,
                (Sql("g.topic_id = ?", (topic,)), held_by(part, "g"), *others),
                "g.position",
                "g.article_id",
            )
            for topic in part.topics
        ]

    def _frequency(self, part: Tagged) -> int:
        counted = self._database.value(
            f"SELECT COALESCE(sum(count), 0) FROM topic_day WHERE topic_id IN ({marks(len(part.topics))})",
            part.topics,
        )
        return int(counted)

    def _by_source(self, parts: Sequence[Meaning], room: int) -> list[Walk]:
        for part in parts:
            if isinstance(part, From) and 0 < len(part.sources) <= room:
                others = self._conditions(parts, part)
                each = [Sql("a.source_id = ?", (source,)) for source in part.sources]
                return [Walk("article a", (one, *others)) for one in each]
        return []

    def _by_language(self, parts: Sequence[Meaning], room: int) -> list[Walk]:
        for part in parts:
            if isinstance(part, In) and len(part.languages) <= room:
                others = self._conditions(parts, part)
                each = [Sql("a.language = ?", (language,)) for language in part.languages]
                return [Walk("article a", (one, *others)) for one in each]
        return []


def _topics(parts: Iterable[Meaning], room: int) -> list[Tagged]:
    """The parts that the index of shown tags answers, with as many walks at most."""
    return [
        part
        for part in parts
        if isinstance(part, Tagged) and 0 < len(part.topics) <= room and part.ruling not in _BY_PEOPLE
    ]


def _union(parts: Iterable[Sql]) -> Sql:
    found = list(parts)
    text = " UNION ".join(f"SELECT position, id FROM ({one.text}) AS walk{n}" for n, one in enumerate(found))
    parameters = tuple(value for one in found for value in one.parameters)
    return Sql(f"SELECT position, id FROM ({text}) AS walks", parameters)


def _flat(meaning: Meaning) -> list[Meaning]:
    """The parts of a conjunction, those of inner ones too, all words in one."""
    if not isinstance(meaning, Every):
        return [_merged(meaning)]
    parts = [inner for part in meaning.parts for inner in _flat(part)]
    words = [part.query for part in parts if isinstance(part, Text)]
    if len(words) < 2:  # noqa: PLR2004 - nothing to put together
        return parts
    return [Text(all_of(*words)), *(part for part in parts if not isinstance(part, Text))]


def _merged(meaning: Meaning) -> Meaning:
    """Any of several sources, languages or topics as one condition."""
    if not isinstance(meaning, Some):
        return meaning
    sources = [part for part in meaning.parts if isinstance(part, From)]
    languages = [part for part in meaning.parts if isinstance(part, In)]
    tagged = [part for part in meaning.parts if isinstance(part, Tagged) and part.topics]
    count = len(meaning.parts)
    if len(sources) == count:
        return From(tuple(dict.fromkeys(one for part in sources for one in part.sources)))
    if len(languages) == count:
        return In(tuple(dict.fromkeys(one for part in languages for one in part.languages)))
    if len(tagged) == count and len({(part.scores, part.ruling, part.main) for part in tagged}) == 1:
        return replace(tagged[0], topics=tuple(dict.fromkeys(one for part in tagged for one in part.topics)))
    return meaning


def _has_index(meaning: Meaning) -> bool:
    match meaning:
        case Text(query):
            return fts5(query) is not None
        case Tagged(topics, _, ruling):
            return bool(topics) or ruling in _BY_PEOPLE
        case Judged() | Of() | From() | In():
            return True
        case Every(parts):
            return any(map(_has_index, parts))
        case Some(parts):
            return all(map(_has_index, parts))
    return False


def _has_words(meaning: Meaning) -> bool:
    match meaning:
        case Text():
            return True
        case Every(parts) | Some(parts):
            return any(map(_has_words, parts))
        case Without(part):
            return _has_words(part)
    return False


def _sources_in(meaning: Meaning) -> tuple[int, ...]:
    """The sources that a question asks for, not those that it asks to be absent."""
    match meaning:
        case From(sources):
            return sources
        case Every(parts) | Some(parts):
            return tuple(dict.fromkeys(one for part in parts for one in _sources_in(part)))
    return ()


def _originals(named: Sequence[int]) -> Sql:
    if not named:
        return Sql("a.duplicate_of IS NULL")
    return Sql(f"(a.duplicate_of IS NULL OR a.source_id IN ({listed(named)}))")
