"""On which line of a TOML document each value stands, which `tomllib` does not tell.

The document has been read by `tomllib` before, so this scanner may trust its form: it only follows headers,
keys, brackets and strings (TOML 1.0.0, https://toml.io/en/v1.0.0).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeAlias

TomlPath: TypeAlias = tuple[str | int, ...]

_TOKEN = re.compile(
    r'''
    (?P<space>[ \t\r]+|\#[^\n]*)
  | (?P<newline>\n)
  | (?P<string>"""(?:[^\\]|\\.)*?"""(?:"{0,2})|\'\'\'.*?\'\'\'(?:'{0,2})|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')
  | (?P<mark>[\[\]{}=,])
  | (?P<bare>[^\s\#"'\[\]{}=,]+)
    ''',
    re.VERBOSE | re.DOTALL,
)


def toml_lines(document: str) -> Mapping[TomlPath, int]:
    """The line (from 1) of every key, table and array element, by its path: ``("topic", 0, "rules", 2)``."""
    return _Scanner(document).scan()


def line_of(lines: Mapping[TomlPath, int], path: TomlPath) -> int:
    """The line of a value, or of what holds it where the value itself has none."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


class _Scanner:
    def __init__(self, document: str) -> None:
        self._tokens = [
            (str(match.lastgroup), match.group()) for match in _TOKEN.finditer(document.replace("\r\n", "\n"))
        ]
        self._line = 1
        self._lines: dict[TomlPath, int] = {}
        self._counts: dict[TomlPath, int] = {}  # tables in each array of tables
        self._table: TomlPath = ()
        self._stack: list[tuple[str, TomlPath]] = []  # open "[" arrays and "{" tables with their paths
        self._index: list[int] = []  # the next element of each open array
        self._key: list[str] = []
        self._value: TomlPath | None = None  # where the next value goes; None while a key is read

    def scan(self) -> dict[TomlPath, int]:
        position = 0
        while position < len(self._tokens):
            kind, text = self._tokens[position]
            if kind == "mark" and text == "[" and self._value is None and not self._stack and not self._key:
                position = self._header(position)
                continue
            self._step(kind, text)
            self._line += text.count("\n")
            position += 1
        return self._lines

    def _header(self, position: int) -> int:
        """A ``[table]`` or ``[[table]]`` line; returns the position after it."""
        names: list[str] = []
        depth = doubled = 0
        while True:
            kind, text = self._tokens[position]
            position += 1
            if text == "[":
                depth += 1
                doubled = max(doubled, depth)
            elif text == "]":
                depth -= 1
                if depth == 0:
                    break
            elif kind in ("bare", "string"):
                names += _names(kind, text)
        self._table = self._resolve(tuple(names), new=doubled > 1)
        self._lines.setdefault(self._table, self._line)
        return position

    def _resolve(self, names: tuple[str, ...], *, new: bool) -> TomlPath:
        """The path of a header's names, with the place in every array of tables on the way."""
        path: TomlPath = ()
        for position, name in enumerate(names):
            path = (*path, name)
            if new and position == len(names) - 1:
                self._lines.setdefault(path, self._line)
                self._counts[path] = self._counts.get(path, 0) + 1
            if path in self._counts:
                path = (*path, self._counts[path] - 1)
        return path

    def _step(self, kind: str, text: str) -> None:
        if kind in ("space", "newline"):
            return
        if kind == "mark":
            self._mark(text)
        elif self._value is None:
            self._key += _names(kind, text)
        else:
            self._place()
            if not self._stack or self._stack[-1][0] == "{":
                self._value = None

    def _mark(self, mark: str) -> None:
        if mark == "=":
            parent = self._stack[-1][1] if self._stack else self._table
            self._value = (*parent, *self._key)
            for length in range(len(parent) + 1, len(self._value) + 1):
                self._lines.setdefault(self._value[:length], self._line)
            self._key = []
        elif mark in "[{":
            self._stack.append((mark, self._place()))
            self._index.append(0)
            self._value = (*self._stack[-1][1], 0) if mark == "[" else None
        elif mark in "]}":
            self._stack.pop()
            self._index.pop()
            self._value = None
            if self._stack and self._stack[-1][0] == "[":
                self._value = (*self._stack[-1][1], self._index[-1])
        elif self._stack and self._stack[-1][0] == "[":  # a comma between the elements of an array
            self._index[-1] += 1
            self._value = (*self._stack[-1][1], self._index[-1])

    def _place(self) -> TomlPath:
        assert self._value is not None
        self._lines.setdefault(self._value, self._line)
        return self._value


def _names(kind: str, text: str) -> list[str]:
    return [text[1:-1]] if kind == "string" else [name for name in text.split(".") if name]
