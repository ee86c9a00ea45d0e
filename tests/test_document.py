"""Files of every kind as entries: the kind told by content, the encoding found, bad input named."""

from __future__ import annotations

import gzip
import random
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.clean import clean
from service.errors import ParseFailure
from service.parse.document import KINDS, parse_document
from service.parse.document_kinds import take_sample
from service.values import DateOrigin, Entry, Reason

SAMPLES = Path(__file__).parent / "documents"
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
TEXT = "The council could not agree on a text before the mandate of the panel runs out.\n"


def read(body: bytes, name: str = "file", **options: str) -> Entry:
    (entry,) = parse_document(body, name, **options)
    return entry


def refused(body: bytes, name: str = "file") -> ParseFailure:
    with pytest.raises(ParseFailure) as caught:
        parse_document(body, name)
    return caught.value


def kind_of(body: bytes, name: str = "file", content_type: str = "") -> str:
    sample = take_sample(body, name, content_type)
    return next((kind.name for kind in KINDS if kind.sniff(sample)), "none")


# -- kinds ---------------------------------------------------------------------------------------------

RSS = b"<?xml version='1.0'?><rss version='2.0'><channel><item><title>One</title></item></channel></rss>"
ATOM = b"<feed xmlns='http://www.w3.org/2005/Atom'><title>T</title><entry><id>1</id><title>One</title></entry></feed>"
JSON_FEED = (
    b'{"version": "https://jsonfeed.org/version/1.1", "title": "T", "items": [{"id": "1", "title": "One"}]}'
)
PAGE = b"<!DOCTYPE html><html><head><title>One</title></head><body><p>Text of the page.</p></body></html>"
MAIL = b"From: a@example.org\nTo: b@example.org\nSubject: One\nMessage-ID: <1@x>\n\nText.\n"


@pytest.mark.parametrize(
    ("body", "name", "kind"),
    [
        (RSS, "feed.txt", "a feed"),
        (ATOM, "page.html", "a feed"),
        (JSON_FEED, "x.json", "a feed"),
        (b"\xef\xbb\xbf\n" + RSS, "feed.xml", "a feed"),
        (PAGE, "article.txt", "a web page"),
        (PAGE, "feed.xml", "a web page"),
        (b"<p>One</p><p>Two</p>", "x", "a web page"),
        (b"<html><body>x", "x.pdf", "a web page"),
        (b"One line with <b>bold</b> and <p>a paragraph.", "x.html", "a web page"),
        (MAIL, "letter.txt", "an e-mail"),
        (MAIL, "letter.eml", "an e-mail"),
        (b"From a@b Mon Jun 17 10:00:00 2024\n" + MAIL, "x", "an e-mail"),
        (b"From: the minister\nTo: all staff\nSubject: sanctions\n\nRead this.\n", "memo.txt", "a text"),
        (b"To: nobody\n\nA letter that was never sent.\n", "x.eml", "a text"),
        (b"Note: this is a text.\nAnother: line of it.\n\nMore.\n", "x", "a text"),
        (b"<3 is what she wrote to him.\n", "x.txt", "a text"),
        (b"The <rss> element of a feed " + b"is explained here in many words. " * 20, "x.txt", "a text"),
        (b"BM is short for ballistic missile.\n", "x.txt", "a text"),
        (b"MZ is a zone.\n", "x.txt", "a text"),
        (TEXT.encode(), "wrong.pdf", "a text"),
        (TEXT.encode("utf-16"), "x", "a text"),
        (TEXT.encode("utf-16-le"), "x", "a text"),
        (TEXT.encode("utf-16-be"), "x", "a text"),
    ],
)
def test_the_kind_is_told_by_content(body: bytes, name: str, kind: str) -> None:
    assert kind_of(body, name) == kind
    assert parse_document(body, name)


def test_a_declared_type_helps_where_the_content_is_open() -> None:
    body = b"One line with <b>bold</b> and <p>a paragraph."
    assert kind_of(body) == "a text"
    assert kind_of(body, content_type="text/html; charset=utf-8") == "a web page"


def test_a_packed_file_is_unpacked() -> None:
    assert read(gzip.compress(TEXT.encode()), "a.txt.gz").content == TEXT


# -- encodings -----------------------------------------------------------------------------------------

RUSSIAN = "Совет не смог согласовать текст до истечения мандата группы экспертов, сообщили дипломаты. " * 3
KOREAN = "이사회는 전문가 패널의 임기가 이달 말 끝나기 전에 문안에 합의하지 못했다고 외교관들이 말했다. " * 3
JAPANESE = "理事会は、専門家パネルの任期が月末に切れる前に文案について合意することができなかった。" * 3
CHINESE = "安理会未能在专家小组任期本月底到期之前就案文达成一致，外交官说。表决将在周末前举行。" * 3
FRENCH = "Le conseil s’est réuni à Genève, où il n’a pas trouvé d’accord, a déclaré l’envoyé spécial. " * 3


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (RUSSIAN, "utf-8"),
        (RUSSIAN, "utf-8-sig"),
        (RUSSIAN, "utf-16"),
        (RUSSIAN, "utf-16-le"),
        (RUSSIAN, "utf-16-be"),
        (RUSSIAN, "utf-32"),
        (RUSSIAN, "windows-1251"),
        (RUSSIAN, "koi8-r"),
        (KOREAN, "euc-kr"),
        (JAPANESE, "shift_jis"),
        (JAPANESE, "euc-jp"),
        (CHINESE, "gb18030"),
        (FRENCH, "windows-1252"),
    ],
)
def test_the_encoding_of_a_text_is_found(text: str, encoding: str) -> None:
    assert read(text.encode(encoding), "a.txt").content == text


@pytest.mark.parametrize("encoding", ["windows-1251", "koi8-r", "utf-8", "utf-16"])
def test_the_encoding_of_a_page_is_found_or_declared(encoding: str) -> None:
    page = (
        f'<html><head><meta charset="{encoding}"><title>T</title></head><body><p>{RUSSIAN}</p></body></html>'
    )
    article = clean(read(page.encode(encoding), "a.html"), fetched_at=NOW)
    assert article.text == RUSSIAN.strip()


def test_a_text_with_a_few_broken_bytes_is_still_read() -> None:
    body = RUSSIAN.encode() + b"\xff\xfe cut \xd0" + RUSSIAN.encode()
    content = read(body, "a.txt").content or ""
    assert content.count("дипломаты") == 6


# -- bad input -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body", [b"", b"   \n\t\r\n", b"\xef\xbb\xbf", b"\xff\xfe", b"\x00\x00\x00", b"\xef\xbb\xbf \n"]
)
def test_an_empty_file_says_so(body: bytes) -> None:
    failure = refused(body)
    assert failure.reason is Reason.EMPTY
    assert "empty" in failure.detail or "blanks" in failure.detail


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "a PNG image"),
        (b"\xff\xd8\xff\xe0" + bytes(100), "a JPEG image"),
        (b"\x7fELF\x02\x01\x01" + bytes(30), "a program"),
        (b"MZ\x90\x00" + bytes(30), "a Windows program"),
        (b"BM\x36\x00\x00\x00" + bytes(30), "a BMP image"),
        (b"SQLite format 3\x00" + bytes(30), "an SQLite database"),
        (b"\x00\x00\x00\x18ftypmp42" + bytes(30), "a video"),
        (b"\x1aE\xdf\xa3" + bytes(30), "a Matroska video"),
        (bytes(257) + b"ustar" + bytes(300), "a tar archive"),
        (b"text" + bytes(500), "binary data"),
        (random.Random(7).randbytes(5000), "binary data"),
        (b"\x01\x02\x03\x04" * 100, "binary data"),
    ],
)
def test_a_binary_file_says_what_it_seems_to_be(body: bytes, what: str) -> None:
    for name in ("file.txt", "file"):
        failure = refused(body, name)
        assert failure.reason is Reason.NOT_TEXT
        assert what in failure.detail
        assert "not a text" in failure.detail


def _nested_message(depth: int) -> bytes:
    """A message within a message within a message …"""
    head = b"From: a@x\nTo: b@x\nSubject: One\nMessage-ID: <1>\nMIME-Version: 1.0\n"
    part = b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n'
    return head + b"".join(part % (number, number) for number in range(depth))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<html><body><script>only()</script></body></html>", Reason.EMPTY),
        (b"Subject: \nFrom: a@x\nTo: b@x\nMessage-ID: <1>\n\n", Reason.EMPTY),
        (b"<?xml version='1.0'?><rss version='2.0'><channel><title>T</title></channel></rss>", Reason.EMPTY),
        (b"<?xml version='1.0'?><rss version='2.0'><channel><item><title>cut", Reason.MALFORMED),
        (gzip.compress(TEXT.encode(), mtime=0)[:12] + b"broken", Reason.MALFORMED),
        (gzip.compress(b"", mtime=0), Reason.EMPTY),
        (gzip.compress(bytes(70 << 20), mtime=0), Reason.TOO_LARGE),
        (b"<html><body>" + b"<div>" * 100_000 + b"deep", Reason.TOO_COMPLEX),
        (_nested_message(2000), Reason.TOO_COMPLEX),
    ],
)
def test_what_cannot_be_read_says_why(body: bytes, reason: Reason) -> None:
    assert refused(body).reason is reason


@settings(deadline=None)
@given(
    st.binary(max_size=400) | st.text(max_size=200).map(str.encode),
    st.sampled_from(["a", "a.html", "a.eml", "a.md"]),
)
def test_any_bytes_give_entries_or_a_reason(body: bytes, name: str) -> None:
    try:
        entries = parse_document(body, name)
    except ParseFailure as failure:
        assert failure.detail  # noqa: PT017 - either outcome is right
    else:
        assert entries
        assert all(clean(entry, fetched_at=NOW).title for entry in entries)


@settings(deadline=None)
@given(
    st.integers(0, 2**32),
    st.sampled_from(
        [
            *("page.html", "message.eml", "saved-feed.xml", "front-matter.md", "saved.mhtml"),
            *("article.pdf", "changes.docx", "notes.odt", "table.rtf"),
        ]
    ),
)
def test_a_damaged_document_gives_entries_or_a_reason(seed: int, name: str) -> None:
    chance = random.Random(seed)
    body = bytearray((SAMPLES / name).read_bytes())
    for _ in range(chance.randint(1, 12)):
        place = chance.randrange(len(body))
        body[place : place + chance.randint(0, 5)] = chance.randbytes(chance.randint(0, 3))
    del body[chance.randint(1, len(body)) :]
    try:
        parse_document(bytes(body), name)
    except ParseFailure as failure:
        assert failure.detail  # noqa: PT017 - either outcome is right


# -- pages ---------------------------------------------------------------------------------------------


def page(head: str = "", body: str = f"<p>{TEXT}</p><p>{TEXT}</p>") -> Entry:
    return read(f"<!DOCTYPE html><html><head>{head}</head><body>{body}</body></html>".encode(), "a.html")


def test_a_page_states_its_metadata() -> None:
    entry = page(
        '<title>Other</title><meta property="og:title" content="Council meets">'
        '<meta property="article:published_time" content="2024-06-18T07:45:00Z">'
        '<meta property="article:modified_time" content="2024-06-19T07:45:00Z">'
        '<meta name="author" content="Ann Lee"><link rel="canonical" href="/a"><base href="https://example.org/">'
    )
    assert (entry.title, entry.author, entry.link, entry.base_url) == (
        "Council meets",
        "Ann Lee",
        "/a",
        "https://example.org/",
    )
    assert (entry.published, entry.updated) == ("2024-06-18T07:45:00Z", "2024-06-19T07:45:00Z")
    assert entry.date_origin is DateOrigin.METADATA


def test_a_page_states_its_metadata_as_json_ld() -> None:
    entry = page(
        '<script type="application/ld+json">{"@graph": [{"@type": "Organization", "name": "No"},'
        '{"@type": ["NewsArticle"], "headline": "Council meets", "datePublished": "2024-06-18",'
        '"author": [{"name": "Ann Lee"}, {"name": "Joe Park"}]}]}</script>'
    )
    assert (entry.title, entry.published, entry.author) == (
        "Council meets",
        "2024-06-18",
        "Ann Lee, Joe Park",
    )


@pytest.mark.parametrize(
    ("title", "heading", "found"),
    [
        ("Council meets | Courier", "Council meets", "Council meets"),
        ("Council meets - and parts - Courier", "Something else", "Council meets - and parts - Courier"),
        ("Council meets – no text | Courier", "Council meets – no text", "Council meets – no text"),
        ("Council meets | Courier", "Courier", "Council meets | Courier"),
        ("Council meets", "Courier", "Council meets"),
    ],
)
def test_the_site_s_name_is_no_part_of_a_page_s_title(title: str, heading: str, found: str) -> None:
    assert page(f"<title>{title}</title>", f"<h1>{heading}</h1><p>{TEXT}</p>").title == found


def test_a_page_with_broken_json_ld_is_read_without_it() -> None:
    nested = "[" * 100_000
    assert page(f'<title>T</title><script type="application/ld+json">{nested}</script>').title == "T"


# -- the material folder -------------------------------------------------------------------------------


def _every(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file())


@pytest.mark.parametrize("kind", ["eml", "html"])
def test_real_documents_are_read(shared: Path, kind: str) -> None:
    read_well = 0
    paths = _every(shared / "feeds" / kind)[::5]
    for path in paths:
        try:
            entries = parse_document(path.read_bytes(), path.name)
        except ParseFailure as failure:
            assert failure.reason is not Reason.INTERNAL  # noqa: PT017 - every one must say why
        else:
            read_well += all(clean(entry, fetched_at=NOW).title for entry in entries)
    assert read_well >= len(paths) * 0.9
