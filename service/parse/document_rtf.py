"""RTF → one entry: its text by striprtf, and what its info group says (RTF 1.9.1, "Information Group")."""

from __future__ import annotations

import re

from service.errors import ParseFailure
from service.values import DateOrigin, Entry, FileProperties, Reason

_INFO = 64 * 1024  # bytes in which the info group begins
_PROPERTY = re.compile(
    r"\{\\(title|author)\s((?:[^{}\\]|\\'[0-9a-fA-F]{2}|\\u-?\d{1,6} ?\??|\\[{}\\]){1,1000})\}"
)
# The writer's local time, in a zone that RTF does not tell: the day is what is known.
_CREATED = re.compile(r"\{\\creatim\\yr(\d{4})\\mo(\d{1,2})\\dy(\d{1,2})(?!\d)")
_ROW = re.compile(r"^([^\n|]*\|[^\n]*?)\|[ \t]*$", re.MULTILINE)  # a table's, its cells ended by "|"
_STYLE = re.compile(r"\{\\s(\d{1,4})\b[^{}]{0,1000}?\b(?:Title|[Hh]eading 1);\}")
_MAX_HEADING = 4_000  # characters of markup
_TOP = 6  # paragraphs before it
_CODE_PAGE = re.compile(r"\\ansicpg\d{1,5}")


def read_rtf(body: bytes) -> tuple[Entry, ...]:
    """One entry with the text of an RTF document.

    :raises ParseFailure: EMPTY when it holds none, MALFORMED when it cannot be taken apart
    """
    source = body.decode("latin-1")
    text = _text(source)
    if not text.strip():
        raise ParseFailure(Reason.EMPTY, "an RTF document without text")
    head = source[:_INFO]
    page = _CODE_PAGE.search(head)
    stated = {
        name: _text(f"{{\\rtf1\\ansi{page[0] if page else ''} {value}}}").strip()
        for name, value in _PROPERTY.findall(head)
    }
    return (
        Entry(
            title=_heading(source),
            content=text,
            content_is_html=False,
            date_origin=DateOrigin.METADATA,
            properties=FileProperties(stated.get("title"), stated.get("author"), _created(head)),
        ),
    )


def _heading(source: str) -> str | None:
    """The first paragraph in the style of titles or of the first heading, where it stands at the top."""
    styles = _STYLE.findall(source[:_INFO])
    start = source.find("\\pard")
    for style in styles if start >= 0 else ():
        found = re.compile(rf"\\s{style}(?!\d)").search(source, start)
        end = source.find("\\par", found.end()) if found else -1
        if found and 0 <= end - found.start() < _MAX_HEADING and source.count("\\par ", start, end) <= _TOP:
            words = " ".join(_text("{\\rtf1\\ansi" + source[found.start() : end] + "}").split())
            return words or None
    return None


def _text(source: str) -> str:
    from striprtf.striprtf import rtf_to_text  # noqa: PLC0415 - with the documents that need it

    try:
        text = str(rtf_to_text(source, errors="replace"))  # type: ignore[no-untyped-call]
    except (MemoryError, RecursionError):
        raise
    except Exception as error:  # it lets whatever its input leads it to through
        raise ParseFailure(
            Reason.MALFORMED, f"an RTF document that is broken: {type(error).__name__}: {error}"[:500]
        ) from error
    text = _ROW.sub(lambda match: match[1].replace("|", " | "), text)
    # Characters beyond the first 65,536 come as two.
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _created(head: str) -> str | None:
    match = _CREATED.search(head)
    if match is None:
        return None
    year, month, day = match.groups()
    return f"{year}-{month:0>2}-{day:0>2}"
