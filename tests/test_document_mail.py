"""E-mail messages and web pages saved as such: which is which, and what is read of either."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest

from service.clean import clean
from service.errors import ParseFailure
from service.parse.document import KINDS, parse_document
from service.parse.document_kinds import take_sample
from service.values import Entry, Reason

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
RUSSIAN = "Совет не смог согласовать текст до истечения мандата группы экспертов, сообщили дипломаты. " * 3


def read(body: bytes, name: str = "file") -> Entry:
    (entry,) = parse_document(body, name)
    return entry


def refused(body: bytes, name: str = "file") -> ParseFailure:
    with pytest.raises(ParseFailure) as caught:
        parse_document(body, name)
    return caught.value


def kind_of(body: bytes, name: str) -> str:
    sample = take_sample(body, name, "")
    return next((kind.name for kind in KINDS if kind.sniff(sample)), "none")


# -- messages ------------------------------------------------------------------------------------------


def test_a_message_of_html_only() -> None:
    body = (
        b"From: a@example.org\nTo: b@example.org\nSubject: One\nMessage-ID: <1@x>\nMIME-Version: 1.0\n"
        b"Content-Type: text/html; charset=utf-8\n\n<p>One &amp; two</p>"
    )
    entry = read(body, "a.eml")
    assert entry.content_is_html
    assert clean(entry, fetched_at=NOW).text == "One & two"


def test_a_message_s_attachments_are_not_its_text() -> None:
    body = (
        b"From: a@example.org\nTo: b@example.org\nSubject: One\nMessage-ID: <1@x>\nMIME-Version: 1.0\n"
        b'Content-Type: multipart/mixed; boundary="b"\n\n--b\nContent-Type: text/plain\n'
        b"Content-Disposition: attachment; filename=a.txt\n\nattached\n--b\n"
        b"Content-Type: text/plain\n\nbody\n--b--"
    )
    assert (read(body, "a.eml").content or "").strip() == "body"


@pytest.mark.parametrize(
    "header",
    [
        b"Subject: =?utf-8?B?broken",
        b"Subject: \xff\xfe",
        b"Date: \x00\x01",
        b"From: <<<>>>@@@",
        b"Message-ID: <a\x00>",
    ],
)
def test_broken_headers_do_no_harm(header: bytes) -> None:
    body = header + b"\nTo: b@example.org\nMIME-Version: 1.0\nReceived: by x\n\nText of the message.\n"
    assert "Text of the message." in (read(body, "a.eml").content or "")


# -- web archives --------------------------------------------------------------------------------------


def web_archive(head: str, *, related: str = 'multipart/related; type="text/html"; boundary="b"') -> bytes:
    page = (
        f"<html><head><title>Council meets</title></head><body><p>{RUSSIAN}</p><p>{RUSSIAN}</p></body></html>"
    )
    packed = base64.encodebytes(page.encode("windows-1251")).decode()
    return (
        f"{head}MIME-Version: 1.0\nContent-Type: {related}\n\n"
        "--b\nContent-Type: text/html\nContent-ID: <other@x>\n\n<p>A frame of it.</p><p>No more.</p>\n"
        "--b\nContent-Type: text/html; charset=windows-1251\nContent-ID: <page@x>\n"
        "Content-Transfer-Encoding: base64\nContent-Location: https://example.org/page\n\n"
        f"{packed}\n--b\nContent-Type: image/png\nContent-Transfer-Encoding: base64\n\niVBORw0KGgo=\n--b--\n"
    ).encode()


@pytest.mark.parametrize(
    "head",
    [
        "From: <Saved by Blink>\nSnapshot-Content-Location: https://example.org/saved\nSubject: S\n"
        "Date: Tue, 18 Jun 2024 07:45:00 -0000\n",
        'From: "Saved by Windows Internet Explorer 8"\nSubject: S\n',
        "",
    ],
    ids=["chrome", "explorer", "word"],
)
def test_a_web_archive_is_read_as_its_page(head: str) -> None:
    related = 'multipart/related; type="text/html"; start="<page@x>"; boundary="b"'
    entry = read(web_archive(head, related=related), "file.txt")
    assert entry.title == "Council meets"
    assert entry.link == ("https://example.org/saved" if "Snapshot" in head else "https://example.org/page")
    assert entry.published is None  # the date is that of the saving
    assert "дипломаты" in clean(entry, fetched_at=NOW).text


def test_a_letter_with_pictures_is_no_web_archive() -> None:
    body = web_archive("From: a@example.org\nTo: b@example.org\nSubject: One\nMessage-ID: <1@x>\n")
    assert kind_of(body, "letter.eml") == "an e-mail"
    assert read(body, "letter.eml").title == "One"


def test_a_web_archive_without_a_page_says_so() -> None:
    body = (
        b'From: <Saved by Blink>\nMIME-Version: 1.0\nContent-Type: multipart/related; boundary="b"\n\n--b\n'
    )
    failure = refused(body, "x.mhtml")
    assert failure.reason is Reason.MALFORMED
    assert failure.detail == "a web archive without a page in it, or one that breaks off"
