"""Plain text and Markdown → one entry."""

from __future__ import annotations

import re

from service.errors import ParseFailure
from service.parse.document_kinds import wide_encoding
from service.parse.encoding import decode
from service.values import DateOrigin, Entry, Reason

_MARKDOWN = (".md", ".markdown", ".mkd")
# Metadata before the text, as static site generators write it (Jekyll, Hugo, Pandoc).
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.{0,4000}?)\n(?:---|\.\.\.)[ \t]*\n", re.DOTALL)
_FRONT_FIELD = re.compile(r"^([A-Za-z_-]{1,30})[ \t]*:[ \t]*(.{0,1000})$", re.MULTILINE)


def read_text(body: bytes, name: str, content_type: str = "") -> tuple[Entry, ...]:
    """One entry with the whole text; Markdown keeps its words and loses its marks."""
    text = _decode(body, content_type)
    if not text.strip():
        raise ParseFailure(Reason.EMPTY, "the file holds only blanks")
    if not name.lower().endswith(_MARKDOWN):
        return (Entry(content=text, content_is_html=False),)
    return (_markdown(text),)


def _decode(body: bytes, content_type: str) -> str:
    wide = wide_encoding(body)
    return body.decode(wide, "replace") if wide else decode(body, content_type).text


def _markdown(text: str) -> Entry:
    from markdown_it import MarkdownIt  # noqa: PLC0415 - only for the files that are Markdown

    text = text.replace("\r\n", "\n")
    fields: dict[str, str] = {}
    front = _FRONT_MATTER.match(text)
    if front:
        fields = {key.lower(): value.strip(" \"'") for key, value in _FRONT_FIELD.findall(front[1])}
        text = text[front.end() :]
    # CommonMark, with HTML inside it escaped or kept as it would be shown; nested at most 20 deep.
    html = MarkdownIt("commonmark", {"maxNesting": 20}).enable("table").render(text)
    return Entry(
        title=fields.get("title") or None,
        content=html,
        link=fields.get("url") or fields.get("link") or fields.get("source") or None,
        published=fields.get("date") or fields.get("published") or None,
        date_origin=DateOrigin.METADATA,
        author=fields.get("author") or None,
        language=fields.get("lang") or fields.get("language") or None,
    )
