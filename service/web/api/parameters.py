"""Parameters that say what they take, as JSON Schema and in words, and read it. Pure.

Strict as those of the page are: what is not known, given twice or out of bounds is refused with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from models.errors import NotFound
from service.web.parameters import LARGEST_ID, BadParameter, read_id

MAX_QUERY = 2_000  # characters, as the language has it
MAX_CURSOR = 200
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
NO_CONTROLS = r"^[^\x00-\x1f\x7f]*$"
_NUMBER = re.compile(r"\d{1,19}", re.ASCII)
_SHOWN = 60  # characters of a wrong value that are repeated


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a query string, or a part of a path."""

    name: str
    meaning: str
    schema: Mapping[str, Any]
    read: Callable[[str, str], Any] = field(repr=False)  # (name, text) → value; raises BadParameter, NotFound
    default: Any = None
    in_path: bool = False
    example: Any = None

    @property
    def takes(self) -> str:
        """In words."""
        kind, words = self.schema["type"], self.schema.get("enum")
        if words:
            said = ", ".join(words)
        elif kind == "integer" and self.schema["maximum"] == LARGEST_ID:
            said = "a number"
        elif kind == "integer":
            said = f"{self.schema['minimum']:,} to {self.schema['maximum']:,}"
        else:
            said = {"boolean": "true, false"}.get(kind, "text")
        return said if self.default is None else f"{said}; else {str(self.default).lower()}"


def read_query(parameters: Sequence[Parameter], pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """The values of a query string by name, defaults for those that are absent. Raises BadParameter."""
    known = {one.name: one for one in parameters if not one.in_path}
    values = {name: one.default for name, one in known.items()}
    seen: set[str] = set()
    for name, text in pairs:
        if name not in known:
            there = f"there are {', '.join(known)}" if known else "there is none here"
            raise BadParameter(_short(name), f"is not a parameter; {there}")
        if name in seen:
            raise BadParameter(name, "is given more than once")
        seen.add(name)
        values[name] = known[name].read(name, text)
    return values


def read_path(parameters: Sequence[Parameter], parts: Mapping[str, str]) -> dict[str, Any]:
    """The values of the parts of a path. Raises NotFound."""
    return {one.name: one.read(one.name, parts[one.name]) for one in parameters if one.in_path}


def integer(name: str, meaning: str, least: int, most: int, default: int) -> Parameter:
    """A whole number within bounds, both allowed."""

    def read(name: str, text: str) -> int:
        if not _NUMBER.fullmatch(text) or not least <= int(text) <= most:
            raise BadParameter(name, f"“{_short(text)}” is not a whole number from {least} to {most:,}")
        return int(text)

    schema = {"type": "integer", "minimum": least, "maximum": most, "default": default}
    return Parameter(name, meaning, schema, read, default)


def choice(name: str, meaning: str, words: Sequence[str], default: str | None = None) -> Parameter:
    """One word of a few."""

    def read(name: str, text: str) -> str:
        if text not in words:
            raise BadParameter(name, f"“{_short(text)}” is none of {', '.join(words)}")
        return text

    schema: dict[str, Any] = {"type": "string", "enum": list(words)}
    return Parameter(name, meaning, schema | ({"default": default} if default else {}), read, default)


def flag(name: str, meaning: str) -> Parameter:
    """True or false."""

    def read(name: str, text: str) -> bool:
        if text not in {"true", "false"}:
            raise BadParameter(name, f"“{_short(text)}” is neither true nor false")
        return text == "true"

    return Parameter(name, meaning, {"type": "boolean", "default": False}, read, default=False)


def text(
    name: str, meaning: str, longest: int, *, form: str | None = None, example: str | None = None
) -> Parameter:
    """One line of text; ``form`` names what it is written in."""

    def read(name: str, text: str) -> str | None:
        if len(text) > longest:
            raise BadParameter(name, f"{len(text):,} characters, where at most {longest:,} are read")
        if _CONTROL.search(text):
            raise BadParameter(name, "holds a control character")
        return text or None

    schema = {"type": "string", "maxLength": longest, "pattern": NO_CONTROLS}
    return Parameter(name, meaning, schema | ({"format": form} if form else {}), read, example=example)


def number(name: str, meaning: str, what: str) -> Parameter:
    """An id in a path; what is none is not found, because nothing can be there."""

    def read(_: str, text: str) -> int:
        found = read_id(text)
        if found is None:
            raise NotFound(f"{what} have numbers, and this is none.")
        return found

    schema = {"type": "integer", "minimum": 1, "maximum": LARGEST_ID}
    return Parameter(name, meaning, schema, read, in_path=True, example=3)


def topic_name() -> Parameter:
    """A topic in a path."""

    def read(_: str, text: str) -> str:
        if _CONTROL.search(text):
            raise NotFound("No topic is called so.")
        return text

    schema = {"type": "string", "minLength": 1, "maxLength": 200}
    return Parameter("topic", "The name of a topic.", schema, read, in_path=True, example="sanctions")


QUERY = text(
    "q",
    'What to look for, in the query language: words, "phrases", `topic:`, `source:`, `since:`, `lang:`, '
    "`score>`, `verdict:` …; all articles where it is left out.",
    MAX_QUERY,
    form="wirewatch-query",
    example='topic:sanctions "panel of experts" since:2024',
)
DUPLICATES = flag("duplicates", "Whether what another source brought before is given, too.")


def cursor(name: str, meaning: str) -> Parameter:
    """Where a page begins, as the one before said."""
    return text(name, meaning, MAX_CURSOR, form="wirewatch-cursor")


def page_size(most: int, default: int) -> Parameter:
    """How many a page has at most."""
    return integer("limit", "How many a page has at most.", 1, most, default)


def _short(value: str) -> str:
    shown = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", value)
    return shown if len(shown) <= _SHOWN else shown[: _SHOWN - 1] + "…"
