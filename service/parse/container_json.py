"""The records of a JSON document, however large: a list of objects, or an object that holds one.

The document is read as events (ijson); only the record that is being put together is in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

import ijson

from service.errors import ParseFailure
from service.parse.container import Limits, Trouble
from service.parse.records import Record, column, holds_articles, without_articles
from service.values import Reason

MAX_DEPTH = 64  # objects and lists within a record
# Keys of an object whose list is one of articles, and those that wrap such an object.
LISTS = frozenset(
    (
        "articles",
        "items",
        "results",
        "data",
        "entries",
        "docs",
        "documents",
        "hits",
        "news",
        "posts",
        "records",
        "rows",
        "stories",
        "value",
        "values",
        "list",
    )
)
WRAPPERS = frozenset((*LISTS, "response", "result", "feed", "channel", "payload"))


def json_records(file: BinaryIO, limits: Limits) -> Iterator[Record | Trouble]:
    """The records, numbered from 1; an object that is one article itself is record 0.

    :raises ParseFailure: MALFORMED where it breaks, UNSUPPORTED when it holds no list of objects
    """
    reader = _Reader(limits.record)
    # Several values after each other are as good as a list.
    events = ijson.basic_parse(file, use_float=True, multiple_values=True)
    try:
        for event, value in events:
            one = reader.take(event, value)
            if one is not None:
                yield one
    except (ijson.JSONError, ValueError, UnicodeError) as error:
        raise ParseFailure(
            Reason.MALFORMED,
            f"JSON that is broken or breaks off after {reader.number:,} records: {_first_line(error)}",
        ) from error
    alone = reader.alone()
    if alone is not None:
        yield alone
    elif not reader.number:
        raise ParseFailure(Reason.UNSUPPORTED, f"JSON, but {without_articles(reader.top)}")


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".")[:200]


class _Reader:
    """Follows the events down to where the records are, and puts each together."""

    def __init__(self, most: int) -> None:
        self.number = 0
        self.top: dict[str, Any] = {}  # of an object that is no list: what may be one article
        self._most = most
        self._path: list[str] = []  # "[" for a list, else the key that is being read, of all that is open
        self._builder: _Builder | None = None
        self._is_record = False
        self._held: dict[str, Any] | None = None  # an outermost object that is an article, and maybe the only

    def take(self, event: str, value: Any) -> Record | Trouble | None:
        """Follow one event; a record when it is the last of it."""
        if self._builder is not None:
            self._builder.take(event, value)
            return self._ended() if self._builder.done else None
        before = self._before(event)
        if event == "map_key":
            self._path[-1] = value
        elif event in ("end_map", "end_array"):
            self._path.pop()
            if not self._path and holds_articles(self.top):
                self._held, self.top = self.top, {}
        elif event == "start_map" and not (self._path and self._path[-1] == "["):
            self._enter("", event)
        elif event == "start_array" and self._holds_records():
            self._path.append("[")
        else:
            self._begin(event, value)
        return before

    def alone(self) -> Record | None:
        """The last outermost object, where it is an article: number 0 if it is the only one."""
        if self._held is None:
            return None
        return Record(self._held, self.number + 1 if self.number else 0)

    def _before(self, event: str) -> Record | None:
        """The outermost object before this one, where it is an article."""
        if self._held is None or self._path or event not in ("start_map", "start_array"):
            return None
        self.number += 1
        held, self._held = self._held, None
        return Record(held, self.number)

    def _holds_records(self) -> bool:
        """Whether a list that begins here is one of articles."""
        return not self._path or (self._path[-1] in LISTS or column(self._path[-1]) in LISTS)

    def _enter(self, key: str, event: str) -> None:
        if all(name in WRAPPERS for name in self._path):
            self._path.append(key)
        else:
            self._begin(event, None)

    def _begin(self, event: str, value: Any) -> None:
        """Put together what begins here: a record, or a value of the object above."""
        self._is_record = bool(self._path) and self._path[-1] == "["
        self._builder = _Builder(self._most)
        self._builder.take(event, value)
        if self._builder.done:
            self._keep()

    def _ended(self) -> Record | Trouble | None:
        builder, self._builder = self._builder, None
        assert builder is not None
        if not self._is_record:
            self._builder = builder
            self._keep()
            return None
        self.number += 1
        name = f"record {self.number}"
        if builder.too_large:
            return Trouble(name, Reason.TOO_LARGE, f"more than {self._most:,} characters in one record")
        if builder.too_deep:
            return Trouble(name, Reason.TOO_COMPLEX, f"nested more than {MAX_DEPTH} deep")
        if not isinstance(builder.value, dict):
            return Trouble(name, Reason.MALFORMED, "a list, not an object")
        return Record(builder.value, self.number)

    def _keep(self) -> None:
        """Keep a value of the outermost object; a bare value in a list of articles is none."""
        builder, self._builder = self._builder, None
        whole = builder is not None and not builder.too_large and not builder.too_deep
        if builder is not None and whole and self._path and "[" not in self._path:
            self.top.setdefault(self._path[-1], builder.value)


class _Builder:
    """Puts one value together from its events, as far as it stays within bounds."""

    def __init__(self, most: int) -> None:
        self.value: Any = None
        self.done = False
        self.too_large = self.too_deep = False
        self._left = most
        self._open: list[Any] = []
        self._keys: list[str] = []
        self._depth = 0

    def take(self, event: str, value: Any) -> None:
        if event in ("start_map", "start_array"):
            self._depth += 1
            self.too_deep = self.too_deep or self._depth > MAX_DEPTH
            self._add({} if event == "start_map" else [], opens=True)
        elif event in ("end_map", "end_array"):
            self._depth -= 1
            if not (self.too_deep or self.too_large):
                if event == "end_map":
                    self._keys.pop()
                self._open.pop()
            self.done = self._depth == 0
        elif event == "map_key":
            self._left -= len(value)
            if self._keys and not (self.too_deep or self.too_large):
                self._keys[-1] = value
        else:
            self._add(value)
            self.done = self._depth == 0

    def _add(self, value: Any, *, opens: bool = False) -> None:
        self._left -= 8 + (len(value) if isinstance(value, str) else 0)
        self.too_large = self.too_large or self._left < 0
        if self.too_large or self.too_deep:
            return
        if not self._open:
            self.value = value
        elif isinstance(self._open[-1], dict):
            self._open[-1][self._keys[-1]] = value
        else:
            self._open[-1].append(value)
        if opens:
            self._open.append(value)
            if isinstance(value, dict):
                self._keys.append("")
