"""What must hold for an article ``a``, as SQL that both engines read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from models.database import Database
from models.meaning import Every, From, In, Judged, Meaning, Of, Some, Tagged, Text, Within, Without
from models.query import And, Not, Or, Query, Ruling
from models.search import fts5, tsquery

_SHOWN = {
    None: "{0}.shown",
    Ruling.NONE: "{0}.shown AND {0}.verdict IS NULL",
    Ruling.YES: "{0}.verdict = 1",
    Ruling.NO: "{0}.verdict = -1",
    Ruling.ANY: "{0}.verdict IS NOT NULL",
}
_STANDING = "EXISTS (SELECT 1 FROM verdict j WHERE j.article_id = a.id AND j.withdrawn_at IS NULL{0})"


@dataclass(frozen=True, slots=True)
class Sql:
    """A piece of a statement with its parameters in order."""

    text: str
    parameters: tuple[Any, ...] = ()


def condition(database: Database, meaning: Meaning) -> Sql:
    """The condition that an article must meet."""
    match meaning:
        case Text(query):
            return _text(database, query)
        case Every(parts):
            return _joined("AND", [condition(database, part) for part in parts])
        case Some(parts):
            return _joined("OR", [condition(database, part) for part in parts])
        case Without(part):
            inner = condition(database, part)
            return Sql(f"NOT ({inner.text})", inner.parameters)
    return _leaf(meaning)


def _leaf(meaning: Tagged | Judged | From | In | Of | Within) -> Sql:
    match meaning:
        case Tagged(topics):
            among = f" AND t.topic_id IN ({listed(topics)})" if topics else ""
            held = held_by(meaning, "t")
            return Sql(
                f"EXISTS (SELECT 1 FROM tag t WHERE t.article_id = a.id{among} AND {held.text})",
                held.parameters,
            )
        case Judged(value):
            return Sql(_STANDING.format("" if value is None else f" AND j.value = {value}"))
        case From(sources):
            return Sql(f"a.source_id IN ({listed(sources)})" if sources else "1 = 0")
        case In(languages):
            marks = ", ".join("?" * len(languages))
            return Sql(f"a.language IN ({marks})", languages)
        case Of(story):
            return Sql("a.story_id = ?", (story,))
        case Within(low, high):
            bounds = Sql("a.position >= ? AND a.position < ?", (low, high))
            return _joined("AND", [bounds, *exact(meaning)])


def held_by(tagged: Tagged, tag: str) -> Sql:
    """What must hold for the row of a tag, besides its topic."""
    # Under a no the shown score is 0; what is asked for is what the rules gave.
    score = f"COALESCE({tag}.rule_score, 0)" if tagged.ruling is Ruling.NO else f"{tag}.score"
    scores = "".join(f" AND {score} {one.comparison} ?" for one in tagged.scores)
    if tagged.main is not None:
        scores += f" AND {'' if tagged.main else 'NOT '}{tag}.main"
    return Sql(_SHOWN[tagged.ruling].format(tag) + scores, tuple(one.value for one in tagged.scores))


def exact(time: Within) -> list[Sql]:
    """The microseconds of a time's bounds, which positions do not have."""
    moment = "COALESCE(a.published_at, a.seen_at)"
    found = [] if time.since is None else [Sql(f"{moment} >= ?", (time.since,))]
    return found if time.until is None else [*found, Sql(f"{moment} < ?", (time.until,))]


def listed(numbers: Iterable[int]) -> str:
    """Ids of ours, and perhaps many of them, as they stand in a statement."""
    return ", ".join(str(int(number)) for number in numbers)


def _text(database: Database, query: Query) -> Sql:
    if not database.sqlite:
        return Sql("a.search @@ CAST(? AS tsquery)", (tsquery(query),))
    expression = fts5(query)
    if expression is not None:
        return Sql(
            "EXISTS (SELECT 1 FROM article_search WHERE article_search MATCH ? "
            "AND article_search.rowid = a.position)",
            (expression,),
        )
    match query:  # what FTS5 cannot say is said around it
        case Not(part):
            inner = _text(database, part)
            return Sql(f"NOT ({inner.text})", inner.parameters)
        case And(parts):
            return _joined("AND", [_text(database, part) for part in parts])
        case Or(parts):
            return _joined("OR", [_text(database, part) for part in parts])
    message = f"{query!r} has more than words in it"
    raise TypeError(message)


def _joined(operator: str, parts: Sequence[Sql]) -> Sql:
    if not parts:
        return Sql("1 = 1")
    text = f" {operator} ".join(f"({part.text})" for part in parts)
    return Sql(f"({text})", tuple(value for part in parts for value in part.parameters))
