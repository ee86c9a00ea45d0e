"""An e-mail message, or a web page saved as one → one entry (RFC 5322, MIME, MHTML: RFC 2557)."""

from __future__ import annotations

import email
import email.policy
import email.utils
from dataclasses import replace
from email.message import EmailMessage

from service.clean.text import unwrapped
from service.errors import ParseFailure
from service.parse.encoding import decode
from service.values import DateOrigin, Entry, Reason

MAX_PARTS = 200


def read_message(body: bytes) -> tuple[Entry, ...]:
    """One entry: subject, date, sender and the text of a message; its plain text, else its HTML.

    :raises ParseFailure: EMPTY when it has neither subject nor text
    """
    if body.startswith(b"From "):
        body = body.partition(b"\n")[2]
    message = email.message_from_bytes(body, policy=email.policy.default)
    subject = _header(message, "subject")
    text, is_html = _text(message)
    if not subject and not (text or "").strip():
        raise ParseFailure(Reason.EMPTY, "a message with neither a subject nor a text")
    return (
        Entry(
            guid=_header(message, "message-id"),
            title=subject,
            content=text,
            content_is_html=is_html,
            published=_header(message, "date"),
            date_origin=DateOrigin.EMAIL,
            author=_sender(message),
            language=_header(message, "content-language"),
        ),
    )


def read_web_archive(body: bytes) -> tuple[Entry, ...]:
    """One entry for the page that a web archive (MHTML) was saved from.

    The date of the archive is that of the saving, so only what the page says counts.

    :raises ParseFailure: MALFORMED when it holds no page; what `service.parse.document_page` raises
    """
    from service.parse.document_page import read_page  # noqa: PLC0415 - extraction costs 0.4 s to import

    message = email.message_from_bytes(body, policy=email.policy.default)
    root = _root(message)
    if root is None:
        raise ParseFailure(Reason.MALFORMED, "a web archive without a page in it, or one that breaks off")
    payload = root.get_payload(decode=True)
    charset = root.get_content_charset() or ""
    (entry,) = read_page(
        payload if isinstance(payload, bytes) else b"", f"text/html; charset={charset}" if charset else ""
    )
    location = _header(message, "snapshot-content-location") or _header(root, "content-location")
    return (replace(entry, title=entry.title or _header(message, "subject"), link=entry.link or location),)


def _root(message: EmailMessage) -> EmailMessage | None:
    """The page of a web archive: the part that it starts with, else the first that is HTML."""
    pages = [
        part
        for _, part in zip(range(MAX_PARTS), message.walk(), strict=False)
        if part.get_content_type() in ("text/html", "application/xhtml+xml")
    ]
    start = str(message.get_param("start") or "").strip("<>")
    named = (part for part in pages if start and (_header(part, "content-id") or "").strip("<>") == start)
    return next(named, pages[0] if pages else None)


def _header(message: EmailMessage, name: str) -> str | None:
    try:
        value = message.get(name)
    except Exception:  # noqa: BLE001 - the header parser raises whatever its input leads it to
        raw = next((value for key, value in message.raw_items() if key.lower() == name), None)
        value = str(raw) if raw is not None else None
    plain = str(value).strip() if value is not None else ""
    return plain or None


def _sender(message: EmailMessage) -> str | None:
    """Who wrote it, by name where there is one."""
    written = _header(message, "from")
    name, address = email.utils.parseaddr(written or "")
    if not name:
        # "kim@example.org (Kim Day)": the old way, which the header parser takes for a comment.
        raw = next((str(value) for key, value in message.raw_items() if key.lower() == "from"), "")
        name, _ = email.utils.parseaddr(raw) if raw.isascii() and "=?" not in raw else ("", "")
    return name.strip() or address.strip() or written


def _text(message: EmailMessage) -> tuple[str | None, bool]:
    """The best body: plain text unless it is only a note that there is HTML."""
    plain = html = None
    for number, part in enumerate(message.walk()):
        if number >= MAX_PARTS:
            break
        if part.is_multipart() or part.get_content_disposition() == "attachment":
            continue
        kind = part.get_content_type()
        if kind == "text/plain" and plain is None:
            plain = _content(part)
        elif kind == "text/html" and html is None:
            html = _content(part)
    if plain and plain.strip() and (html is None or len(plain) * 10 > _visible(html)):
        return plain, False
    return (html, True) if html else (plain, False)


def _visible(html: str) -> int:
    return html.count(" ") * 2  # a rough measure: markup has few spaces beside its text


def _content(part: EmailMessage) -> str:
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return str(payload or "")
    charset = part.get_content_charset() or ""
    text = decode(payload, f"text/plain; charset={charset}" if charset else "").text
    if part.get_param("format") == "flowed":
        return _unflowed(text)
    return unwrapped(text) if part.get_content_type() == "text/plain" else text


def _unflowed(text: str) -> str:
    """A text whose lines that end in a space go on in the next one (RFC 3676 section 4)."""
    lines: list[str] = []
    open_line = False
    for line in text.splitlines():
        row = line.removeprefix(" ")
        if open_line and lines:
            lines[-1] += row
        else:
            lines.append(row)
        open_line = row.endswith(" ") and row != "-- "
    return "\n".join(lines)
