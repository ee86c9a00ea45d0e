"""A question as a tree of frozen values, and as the text that people type. Pure.

`parse` reads the text, `format` writes it: ``parse(format(query)) == query``. The language is described in
models/README.md. Build trees with `all_of`, `any_of` and `negated`, which keep them as `parse` makes them:
no conjunction directly in a conjunction, no group of one, no double negation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

__all__ = [
    "EVERYTHING", "And", "Field", "Language", "Main", "Not", "Or", "Query", "Ruling", "Score", "Since",
    "Source", "Story", "Topic", "Until", "Verdict", "Words", "all_of", "any_of", "format", "leaves",
    "literal", "negated", "parse",
]  # fmt: skip

FIELDS = {
    "topic": 'topic:sanctions, topic:"arms control", or topic:* for any',
    "title": 'title:visit or title:"state visit"',
    "text": 'text:visit or text:"state visit"',
    "source": 'source:yonhap*, source:"The Gazette" or source:12',
    "since": "since:7d, since:2024-06-18 or since:yesterday",
    "until": "until:2024-06-18, until:2024-06 or until:24h",
    "lang": "lang:en",
    "score": "score>0.7",
    "main": "main:yes or main:no",
    "verdict": "verdict:none, verdict:yes, verdict:no or verdict:any",
    "story": "story:12",
}
ANY_TOPIC = "*"
COMPARISONS = (">=", "<=", ">", "<")


class Field(StrEnum):
    """Where words are looked for."""

    ANYWHERE = ""
    TITLE = "title"
    TEXT = "text"


class Ruling(StrEnum):
    """What people said of a topic on an article."""

    NONE = "none"
    YES = "yes"
    NO = "no"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Words:
    """A word, or several that stand next to each other in this order; with ``prefix`` the last may go on."""

    text: str
    prefix: bool = False
    field: Field = Field.ANYWHERE


@dataclass(frozen=True, slots=True)
class Topic:
    """Articles that carry a topic; `ANY_TOPIC` is any."""

    name: str


@dataclass(frozen=True, slots=True)
class Source:
    """Articles of the sources that a name means: an id, a location, a title, or a pattern with ``*``."""

    name: str


@dataclass(frozen=True, slots=True)
class Since:
    """Published from a time on (`models.moments`), else first seen then."""

    time: str


@dataclass(frozen=True, slots=True)
class Until:
    """Published until a time; a day, month or year counts to its end."""

    time: str


@dataclass(frozen=True, slots=True)
class Language:
    """Articles in a language, by its ISO 639-1 code."""

    code: str


@dataclass(frozen=True, slots=True)
class Score:
    """How high the topics beside it are to score; where none is beside it, some topic."""

    comparison: str  # one of `COMPARISONS`
    value: float  # 0 to 1


@dataclass(frozen=True, slots=True)
class Main:
    """Whether the topics beside it are main subjects of the article; where none is beside it, some topic."""

    yes: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """What people said of the topics beside it; where none is beside it, of some topic."""

    ruling: Ruling


@dataclass(frozen=True, slots=True)
class Story:
    """Articles of a story."""

    number: int


@dataclass(frozen=True, slots=True)
class Not:
    """Articles that a query does not find."""

    part: Query


@dataclass(frozen=True, slots=True)
class And:
    """Articles that all parts find; without parts, every article."""

    parts: tuple[Query, ...] = ()


@dataclass(frozen=True, slots=True)
class Or:
    """Articles that one of the parts finds."""

    parts: tuple[Query, ...]


Query: TypeAlias = (
    Words | Topic | Source | Since | Until | Language | Score | Main | Verdict | Story | Not | And | Or
)
EVERYTHING = And()


def all_of(*parts: Query) -> Query:
    """What all of them find."""
    flat = [inner for part in parts for inner in (part.parts if isinstance(part, And) else (part,))]
    return flat[0] if len(flat) == 1 else And(tuple(flat))


def any_of(first: Query, *others: Query) -> Query:
    """What any of them finds."""
    flat = [inner for part in (first, *others) for inner in (part.parts if isinstance(part, Or) else (part,))]
    if EVERYTHING in flat:
        return EVERYTHING
    return flat[0] if len(flat) == 1 else Or(tuple(flat))


def negated(part: Query) -> Query:
    """What it does not find. Raises ValueError for `EVERYTHING`, whose contrary has no words."""
    if part == EVERYTHING:
        message = "nothing cannot be asked for"
        raise ValueError(message)
    return part.part if isinstance(part, Not) else Not(part)


def leaves(query: Query) -> Iterator[Query]:
    """Everything in it that is no group and no negation, from left to right."""
    if isinstance(query, And | Or):
        for part in query.parts:
            yield from leaves(part)
    elif isinstance(query, Not):
        yield from leaves(query.part)
    else:
        yield query


def literal(typed: str) -> Query:
    """Plain words and "phrases" that all are to be found, nothing in them meaning anything else.

    Raises QueryError where there is no word in it, or too much.
    """
    from models.query_text import read_literal  # noqa: PLC0415 - the reader needs the values above

    return read_literal(typed)


def parse(text: str) -> Query:
    """The query that a person typed. Raises QuerySyntaxError, which says where and what was expected."""
    from models.query_text import read  # noqa: PLC0415

    return read(text)


def format(query: Query) -> str:
    """The text of a query, which `parse` reads back."""
    return _written(query, inside="")


def _written(query: Query, inside: str) -> str:
    """``inside`` is the operator around it, which decides on parentheses."""
    match query:
        case And(parts):
            text = " ".join(_written(part, "and") for part in parts)
            return f"({text})" if inside == "not" else text
        case Or(parts):
            text = " OR ".join(_written(part, "or") for part in parts)
            return f"({text})" if inside else text
        case Not(part):
            return f"-{_written(part, 'not')}"
        case Words(text, prefix, place):
            star = "*" if prefix else ""
            typed = text if _is_plain_word(text) else ""
            field = f"{place}:" if place else ""
            return f"{field}{typed}{star}" if typed else f"{field}{_quoted(text + star)}"
        case Score(comparison, value):
            return f"score{comparison}{value!r}"
    return _LEAVES[type(query)](query)


_LEAVES: dict[type, Callable[..., str]] = {
    Topic: lambda leaf: f"topic:{_value(leaf.name)}",
    Source: lambda leaf: f"source:{_value(leaf.name)}",
    Since: lambda leaf: f"since:{_value(leaf.time)}",
    Until: lambda leaf: f"until:{_value(leaf.time)}",
    Language: lambda leaf: f"lang:{_value(leaf.code)}",
    Main: lambda leaf: f"main:{'yes' if leaf.yes else 'no'}",
    Verdict: lambda leaf: f"verdict:{leaf.ruling}",
    Story: lambda leaf: f"story:{leaf.number}",
}
# Letters and digits of any script, and what may stand between them without meaning anything.
_PLAIN_WORD = re.compile(r"[^\W_]+(?:[-.,/'’&@_+#]+[^\W_]+)*")
_OPERATORS = ("AND", "OR", "NOT")


def _is_plain_word(text: str) -> bool:
    return bool(_PLAIN_WORD.fullmatch(text)) and text not in _OPERATORS


def _value(text: str) -> str:
    plain = re.fullmatch(r"[^\W_][\w*.:/@+-]*|\*", text)
    return text if plain else _quoted(text)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
