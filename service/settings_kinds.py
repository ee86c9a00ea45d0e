"""How single settings are written, read and shown: whole numbers, durations ("15m"), sizes ("10MB") …

A kind turns what a TOML file or an environment variable holds into a checked value, or raises ValueError;
``allowed`` says in words what would have been right, so that a refusal can tell. Plain classes: building
data classes would be most of what importing the settings costs.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Generic, TypeVar

from service.settings_units import format_duration, format_size, parse_duration, parse_size

T = TypeVar("T")
Shown = str | int | float | bool | list[str] | dict[str, str] | None

_TRUE = frozenset(("true", "yes", "on", "1"))
_FALSE = frozenset(("false", "no", "off", "0"))
_MAX_TEXT = 4_096
_MAX_ITEMS = 10_000


class NotAllowed(ValueError):
    """A value that the setting does not take; the loader says which and what it takes."""


class Kind(ABC, Generic[T]):
    """One way of writing a setting; ``allowed`` ends the sentence "allowed is …"."""

    def __init__(self, allowed: str) -> None:
        self.allowed = allowed

    @abstractmethod
    def read(self, raw: object) -> T:
        """The value that a TOML file holds, checked. Raises ValueError."""

    def read_text(self, text: str) -> T:
        """The value that an environment variable holds, checked. Raises ValueError."""
        return self.read(text)

    def show(self, value: T) -> Shown:
        """The value as a person would write it into the file."""
        return str(value)


def _text(raw: object) -> str:
    if not isinstance(raw, str) or len(raw) > _MAX_TEXT or not raw.isprintable():
        raise NotAllowed("no text")
    return raw


def _items(raw: object) -> list[object]:
    items = raw if isinstance(raw, list) else [raw]
    if len(items) > _MAX_ITEMS:
        raise NotAllowed("too many")
    return items


def _between_commas(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]


class Text(Kind[str]):
    """One line of text, not empty."""

    def __init__(self, allowed: str = "text of one line") -> None:
        super().__init__(allowed)

    def read(self, raw: object) -> str:
        """A printable line."""
        text = _text(raw).strip()
        if not text:
            raise NotAllowed("empty")
        return text


class Checked(Kind[str]):
    """Text that a function accepts: it gives the text to keep, or raises ValueError."""

    def __init__(self, allowed: str, check: Callable[[str], str]) -> None:
        super().__init__(allowed)
        self._check = check

    def read(self, raw: object) -> str:
        """What the check gives back."""
        return self._check(_text(raw).strip())


class Choice(Kind[str]):
    """One word of a few, in any case."""

    def __init__(self, *words: str) -> None:
        super().__init__("one of " + ", ".join(words))
        self.words = words

    def read(self, raw: object) -> str:
        """The word in lower case."""
        word = _text(raw).strip().lower()
        if word not in self.words:
            raise NotAllowed("no such word")
        return word


class Boolean(Kind[bool]):
    """True or false."""

    def __init__(self) -> None:
        super().__init__("true or false")

    def read(self, raw: object) -> bool:
        """A TOML boolean."""
        if not isinstance(raw, bool):
            raise NotAllowed("no boolean")
        return raw

    def read_text(self, text: str) -> bool:
        """Also the words and digits that people put into environment variables."""
        word = text.strip().lower()
        if word not in _TRUE | _FALSE:
            raise NotAllowed("no boolean")
        return word in _TRUE

    def show(self, value: bool) -> bool:
        """The boolean itself."""
        return value


class Integer(Kind[int]):
    """A whole number within bounds, both allowed."""

    def __init__(self, least: int, most: int) -> None:
        super().__init__(f"a whole number from {least} to {most}")
        self._least, self._most = least, most

    def read(self, raw: object) -> int:
        """A TOML integer."""
        if isinstance(raw, bool) or not isinstance(raw, int) or not self._least <= raw <= self._most:
            raise NotAllowed("out of bounds")
        return raw

    def read_text(self, text: str) -> int:
        """Decimal digits."""
        return self.read(int(text))

    def show(self, value: int) -> int:
        """The number itself."""
        return value


class Decimal(Kind[float]):
    """A number within bounds, both allowed."""

    def __init__(self, least: float, most: float) -> None:
        super().__init__(f"a number from {least:g} to {most:g}")
        self._least, self._most = least, most

    def read(self, raw: object) -> float:
        """A TOML number; NaN is within no bounds."""
        if isinstance(raw, bool) or not isinstance(raw, int | float) or not self._least <= raw <= self._most:
            raise NotAllowed("out of bounds")
        return float(raw)

    def read_text(self, text: str) -> float:
        """A decimal number."""
        return self.read(float(text))

    def show(self, value: float) -> float:
        """The number itself."""
        return value


class Duration(Kind[timedelta]):
    """A length of time: "90s", "15m", "1h30m", "7d"; within bounds, both allowed."""

    def __init__(self, least: str, most: str) -> None:
        super().__init__(f'a duration such as "90s", "15m", "24h" or "7d", from {least} to {most}')
        self._least, self._most = parse_duration(least), parse_duration(most)

    def read(self, raw: object) -> timedelta:
        """A text with units; a bare number would leave open what it counts."""
        value = parse_duration(_text(raw))
        if not self._least <= value <= self._most:
            raise NotAllowed("out of bounds")
        return value

    def show(self, value: timedelta) -> str:
        """As it is written."""
        return format_duration(value)


class Size(Kind[int]):
    """A number of bytes: "500KB", "10MB", "1GiB"; within bounds, both allowed."""

    def __init__(self, least: str, most: str) -> None:
        super().__init__(f'a size such as "500KB", "10MB" or "1GiB", from {least} to {most}')
        self._least, self._most = parse_size(least), parse_size(most)

    def read(self, raw: object) -> int:
        """A text with a unit."""
        value = parse_size(_text(raw))
        if not self._least <= value <= self._most:
            raise NotAllowed("out of bounds")
        return value

    def show(self, value: int) -> str:
        """As it is written."""
        return format_size(value)


class FilePath(Kind[Path]):
    """A path; the loader makes a relative one absolute, from the place where it was written."""

    def __init__(self, allowed: str = "a path") -> None:
        super().__init__(allowed)

    def read(self, raw: object) -> Path:
        """A path, "~" expanded."""
        text = _text(raw)
        if not text.strip():
            raise NotAllowed("empty")
        try:
            return Path(text).expanduser()
        except RuntimeError as error:  # a "~user" that nobody knows
            raise NotAllowed("no such user") from error


class Texts(Kind[tuple[str, ...]]):
    """Several texts: a list in a file, separated by commas in a variable."""

    def __init__(self, of: str, one: Kind[str] | None = None) -> None:
        super().__init__(f"a list of {of} (in a variable: separated by commas)")
        self._one = Text() if one is None else one

    def read(self, raw: object) -> tuple[str, ...]:
        """A list; one text alone stands for a list of one."""
        return tuple(self._one.read(item) for item in _items(raw))

    def read_text(self, text: str) -> tuple[str, ...]:
        """Texts between commas."""
        return self.read(_between_commas(text))

    def show(self, value: tuple[str, ...]) -> list[str]:
        """The list."""
        return list(value)


class Networks(Kind[bool | tuple[str, ...]]):
    """IP networks; ``true`` stands for every private one, ``false`` for none."""

    def __init__(self) -> None:
        super().__init__('true, false, or a list of networks such as "192.168.0.0/16" or "fd00::/8"')

    def read(self, raw: object) -> bool | tuple[str, ...]:
        """A boolean or a list."""
        from ipaddress import ip_network  # noqa: PLC0415 - few settings need it

        return raw if isinstance(raw, bool) else tuple(str(ip_network(_text(one))) for one in _items(raw))

    def read_text(self, text: str) -> bool | tuple[str, ...]:
        """A boolean's word, or networks between commas."""
        word = text.strip().lower()
        return self.read(word in _TRUE if word in _TRUE | _FALSE else list(_between_commas(text)))

    def show(self, value: bool | tuple[str, ...]) -> Shown:
        """The boolean or the list."""
        return value if isinstance(value, bool) else list(value)


class Ports(Kind[str]):
    """TCP ports and ranges of them, as the guard reads them."""

    def __init__(self) -> None:
        super().__init__('ports and ranges such as "80, 443, 8000-8999", or "any"')

    def read(self, raw: object) -> str:
        """One text, or a list of numbers and texts."""
        from service.fetch.guard import parse_ports  # noqa: PLC0415 - few settings need it

        items = _items(raw)
        if any(isinstance(item, bool) or not isinstance(item, int | str) for item in items):
            raise NotAllowed("no ports")
        text = ", ".join(str(item).strip() for item in items)
        parse_ports(text)
        return text


class Table(Kind[Mapping[str, T]]):
    """A TOML table whose keys are free and whose values are of one kind; it does not fit into a variable."""

    def __init__(self, of: str, kind: Kind[T]) -> None:
        super().__init__(f"a table of {of}")
        self._kind = kind

    def read(self, raw: object) -> Mapping[str, T]:
        """Every value, as its kind reads it."""
        if not isinstance(raw, dict) or len(raw) > _MAX_ITEMS:
            raise NotAllowed("no table")
        return {_text(key): self._kind.read(value) for key, value in raw.items()}

    def show(self, value: Mapping[str, T]) -> dict[str, str]:
        """The table, its values as texts."""
        return {key: str(self._kind.show(one)) for key, one in value.items()}


class Maybe(Kind[T | None]):
    """A setting that can be left out, which means something of its own."""

    def __init__(self, kind: Kind[T]) -> None:
        super().__init__(kind.allowed)
        self.kind = kind

    def read(self, raw: object) -> T | None:
        """As the kind reads it."""
        return self.kind.read(raw)

    def read_text(self, text: str) -> T | None:
        """As the kind reads it."""
        return self.kind.read_text(text)

    def show(self, value: T | None) -> Shown:
        """None, or as the kind shows it."""
        return None if value is None else self.kind.show(value)
