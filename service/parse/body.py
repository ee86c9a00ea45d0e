"""Which of the texts that an entry carries is the article, and which only leads to it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_TAG = re.compile(r"<[^<>]*>")
HTML_TYPES = frozenset(("text/html", "application/xhtml+xml"))


@dataclass(frozen=True, slots=True)
class Text:
    """One text of an entry with its media type, language and base as declared."""

    value: str
    type: str = "text/html"
    language: str | None = None
    base: str | None = None

    @property
    def is_html(self) -> bool:
        """Whether the value is markup."""
        return self.type in HTML_TYPES

    @property
    def readable(self) -> bool:
        """Whether the value is a text at all, not a picture in base64 or a reference elsewhere."""
        return bool(self.value) and (self.type.startswith("text/") or self.type.endswith(("xml", "html")))


def choose(summary: Text | None, contents: Sequence[Text]) -> tuple[Text | None, Text | None]:
    """``(content, summary)`` of an entry: the fullest text as content unless it is the summary itself.

    Feeds put captions and iTunes blurbs where the content belongs, so the longer text wins, whatever its
    element was. A summary that only repeats the content is dropped.
    """
    fullest = max((text for text in contents if text.readable), key=_length, default=None)
    if summary is not None and not summary.value:
        summary = None
    if fullest is None or summary is None:
        return fullest, summary
    if fullest.value == summary.value:
        return fullest, None
    if len(summary.value) > len(fullest.value) // 2 and _length(summary) > _length(fullest):
        return None, summary
    return fullest, summary


def _length(text: Text) -> int:
    return len(_TAG.sub("", text.value)) if text.is_html else len(text.value)
