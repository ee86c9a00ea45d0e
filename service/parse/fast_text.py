"""Feedparser's rules for single texts, as the fast reader needs them: the same results, on plain strings."""

from __future__ import annotations

import contextlib
import html.entities
import re

from service.parse.vocabulary import HTML_ELEMENTS

_CLOSING_TAG = re.compile(r"</\w+>")
_ANY_REFERENCE = re.compile(r"&#?\w+;")
_TAG_NAME = re.compile(r"</?(\w+)")
_NAMED_REFERENCE = re.compile(r"&(\w+);")
_MANY_SLASHES = re.compile(r"^([A-Za-z][A-Za-z0-9+-.]*://)/*")
# The Windows-1252 letters at the places of C1 control characters; five places are empty.
_WINDOWS = {
    code: bytes((code,)).decode("cp1252") for code in range(0x80, 0xA0) if code not in b"\x81\x8d\x8f\x90\x9d"
}
_CONTROL = re.compile("[\x80-\x9f]")
_EMAIL = re.compile(
    r"([a-zA-Z0-9_\-.+]+)@((\[[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.)|(([a-zA-Z0-9\-]+\.)+))"
    r"([a-zA-Z]{2,4}|[0-9]{1,3})(\]?)(\?subject=\S+)?"
)


def looks_like_html(text: str) -> bool:
    """Whether a text that claims to be plain is HTML: known tags only, a closing one or a reference."""
    if "<" not in text and "&" not in text:
        return False
    if not (_CLOSING_TAG.search(text) or _ANY_REFERENCE.search(text)):
        return False
    if any(name.lower() not in HTML_ELEMENTS for name in _TAG_NAME.findall(text)):
        return False
    return all(name in html.entities.entitydefs for name in _NAMED_REFERENCE.findall(text))


def mended(text: str) -> str:
    """A text whose UTF-8 was taken for Latin-1, or that holds Windows-1252 codes, set right."""
    if text.isascii():
        return text
    with contextlib.suppress(UnicodeError):
        text = text.encode("iso-8859-1").decode("utf-8")
    return text.translate(_WINDOWS) if _CONTROL.search(text) else text


def fix_address(address: str) -> str:
    """``http:///host`` with its slashes set right."""
    return _MANY_SLASHES.sub(r"\1", address) if ":///" in address else address


def email_in(author: str) -> tuple[str, str | None]:
    """An author's name and e-mail address, taken apart: "ann@example.org (Ann)"."""
    match = _EMAIL.search(author) if "@" in author else None
    if match is None:
        return author, None
    for part in (match[0], "()", "<>", "&lt;&gt;"):
        author = author.replace(part, "")
    author = author.strip()
    return author.removeprefix("(").removesuffix(")").strip(), match[0]
