"""Word documents, OpenDocument texts and RTF as entries; bombs, broken and encrypted ones named."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from service.clean import clean
from service.errors import ParseFailure
from service.parse.document import parse_document
from service.values import Article, CutKind, DateOrigin, Precision, Reason
from tests.document_makers import docx, docx_paragraph, odt, zipped

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
TEXT = "The council could not agree on a text before the mandate of the panel runs out, diplomats said."
MORE = "A vote is expected before the weekend, when the envoy returns from the region with the answers."
CORE = (
    "<dc:title>Document1</dc:title><dc:creator>jsmith</dc:creator><dc:language>en-GB</dc:language>"
    "<dcterms:created>2025-01-02T03:04:05Z</dcterms:created>"
)
META = (
    "<dc:title>Untitled 1</dc:title><meta:initial-creator>jsmith</meta:initial-creator>"
    "<meta:creation-date>2025-01-02T03:04:05.123456789</meta:creation-date><dc:language>en-GB</dc:language>"
)
RTF = (
    r"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Times;}}{\info{\title Document1}{\author jsmith}"
    r"{\creatim\yr2025\mo1\dy2\hr3\min4}}"
)


def read(body: bytes, name: str = "file") -> Article:
    (entry,) = parse_document(body, name)
    return clean(entry, fetched_at=NOW)


def refused(body: bytes, name: str = "file") -> ParseFailure:
    with pytest.raises(ParseFailure) as caught:
        parse_document(body, name)
    return caught.value


def word(*parts: str) -> bytes:
    return docx("".join(parts))


PARAGRAPHS = docx_paragraph(TEXT) + docx_paragraph(MORE)


@pytest.mark.parametrize(
    "body",
    [
        docx(PARAGRAPHS, properties=CORE),
        odt(f"<text:p>{TEXT}</text:p><text:p>{MORE}</text:p>", properties=META),
        (RTF + rf"\pard {TEXT}\par {MORE}\par}}").encode(),
    ],
    ids=["docx", "odt", "rtf"],
)
def test_the_properties_count_where_the_text_says_nothing(body: bytes) -> None:
    article = read(body, "misnamed.txt")
    assert article.text.split("\n\n") == [TEXT, MORE]
    assert article.title_made  # "Document1" and "Untitled 1" are what programs write
    assert article.author == "jsmith"
    assert article.language == "en"
    assert article.published_at is not None
    assert article.published_at.date().isoformat() == "2025-01-02"
    assert article.date_origin is DateOrigin.METADATA


@pytest.mark.parametrize(
    "body",
    [
        docx(
            docx_paragraph("Ministry of Trade")
            + docx_paragraph("Council cannot agree", "Titel")
            + docx_paragraph("By Ann Lee")
            + docx_paragraph("Published: 18 June 2024")
            + PARAGRAPHS,
            properties=CORE,
        ),
        docx(
            docx_paragraph("Ministry of Trade")
            + docx_paragraph("Council cannot agree", "berschrift1")
            + docx_paragraph("By Ann Lee")
            + docx_paragraph("Published: 18 June 2024")
            + PARAGRAPHS,
            properties=CORE,
        ),
        odt(
            "<text:p>Ministry of Trade</text:p><text:p text:style-name='P1'>Council cannot agree</text:p>"
            "<text:p>By Ann Lee</text:p><text:p>Published: 18 June 2024</text:p>"
            f"<text:p>{TEXT}</text:p><text:p>{MORE}</text:p>",
            styles="<style:style style:name='P1' style:family='paragraph' style:parent-style-name='Title'/>",
            properties=META,
        ),
        odt(
            "<text:p>Ministry of Trade</text:p><text:h text:outline-level='1'>Council cannot agree</text:h>"
            "<text:p>By Ann Lee</text:p><text:p>Published: 18 June 2024</text:p>"
            f"<text:p>{TEXT}</text:p><text:p>{MORE}</text:p>",
            properties=META,
        ),
    ],
    ids=["docx title", "docx heading", "odt title", "odt heading"],
)
def test_what_the_text_says_goes_before_the_properties(body: bytes) -> None:
    article = read(body)
    assert (article.title, article.title_made) == ("Council cannot agree", False)
    assert article.author == "Ann Lee"
    assert (article.published_at, article.precision, article.date_origin) == (
        datetime(2024, 6, 18, tzinfo=UTC),
        Precision.DAY,
        DateOrigin.TEXT,
    )
    assert article.text.split("\n\n") == ["Ministry of Trade", TEXT, MORE]
    assert [cut.kind for cut in article.cuts] == [CutKind.REPEATED_TITLE, CutKind.BYLINE, CutKind.DATELINE]


def test_a_word_document_is_read_with_its_changes_accepted() -> None:
    body = word(
        '<w:p><w:r><w:t xml:space="preserve">The vote is </w:t></w:r>'
        "<w:del w:id='1' w:author='x'><w:r><w:delText>today</w:delText></w:r></w:del>"
        "<w:ins w:id='2' w:author='x'><w:r><w:t>tomorrow</w:t></w:r></w:ins>"
        "<w:r><w:t>, it is said.</w:t></w:r></w:p>",
        f"<w:sdt><w:sdtContent>{docx_paragraph(TEXT)}</w:sdtContent></w:sdt>",
    )
    assert read(body).text.split("\n\n") == ["The vote is tomorrow, it is said.", TEXT]


def test_tables_lists_and_notes_of_a_word_document() -> None:
    cells = "".join(f"<w:tc>{docx_paragraph(one)}</w:tc>" for one in ("Year", "Names"))
    numbers = "".join(f"<w:tc>{docx_paragraph(one)}</w:tc>" for one in ("2024", "40"))
    note = f"<w:footnote w:id='1'>{docx_paragraph('See the report of the panel.')}</w:footnote>"
    body = docx(
        docx_paragraph(TEXT)
        + f"<w:tbl><w:tr>{cells}</w:tr><w:tr>{numbers}</w:tr></w:tbl>"
        + "<w:p><w:r><w:t>It takes effect at once.</w:t></w:r>"
        + "<w:r><w:footnoteReference w:id='1'/></w:r></w:p>",
        notes=note,
    )
    assert read(body).text.split("\n\n") == [
        TEXT,
        "Year | Names\n2024 | 40",
        "It takes effect at once.[1]",
        "1. See the report of the panel.",
    ]


def test_comments_deletions_and_notes_of_an_opendocument_text() -> None:
    body = odt(
        "<text:tracked-changes><text:changed-region text:id='c'><text:deletion>"
        "<text:p>Deleted words.</text:p></text:deletion></text:changed-region></text:tracked-changes>"
        f"<text:p>{TEXT}<text:change text:change-id='c'/></text:p>"
        "<text:p>It takes effect at once.<text:note text:note-class='footnote'><text:note-citation>1"
        "</text:note-citation><text:note-body><text:p>See the report.</text:p></text:note-body></text:note>"
        "<office:annotation><dc:creator>Bob</dc:creator><text:p>Is that so?</text:p></office:annotation>"
        "</text:p>"
    )
    assert read(body).text.split("\n\n") == [TEXT, "It takes effect at once.[1]", "1. See the report."]


def test_a_very_long_word_document_is_read_plainly() -> None:
    count = 8_100
    rows = "".join(
        docx_paragraph(f"Paragraph {number} of {count}: {hash(number)}") for number in range(count)
    )
    moved = "<w:p><w:moveFrom w:id='1'><w:r><w:t>Moved away</w:t></w:r></w:moveFrom></w:p>"
    (entry,) = parse_document(docx(rows + moved), "long.docx")
    assert (entry.content or "").count("<p>") == count
    assert "Moved away" not in (entry.content or "")
    assert entry.unread == ("its notes, and its lists and tables as such: it has over 8,000 paragraphs",)


def test_rtf_in_the_encodings_that_it_has() -> None:
    body = (
        r"{\rtf1\ansi\ansicpg1251{\info{\title \'d1\'ee\'e2\'e5\'f2 \'ee\'e1\'f1\'f3\'e4\'e8\'eb "
        r"\'fd\'ec\'e1\'e0\'f0\'e3\'ee}}\pard \'d1\'ee\'e2\'e5\'f2 \u1085?\u1077? "
        r"\'f1\'ec\'ee\'e3 "
        r"\'f1\'ee\'e3\'eb\'e0\'f1\'ee\'e2\'e0\'f2\'fc \'f2\'e5\'ea\'f1\'f2. \u-10179?\u-8704?\par}"
    )
    article = read(body.encode())
    assert article.title == "Совет обсудил эмбарго"
    assert article.text == "Совет не смог согласовать текст. \U0001f600"


def test_tables_of_rtf() -> None:
    body = RTF + rf"\pard {TEXT}\par\trowd Year\cell Names\cell\row\trowd 2024\cell 40\cell\row}}"
    assert read(body.encode()).text.split("\n\n") == [TEXT, "Year | Names", "2024 | 40"]


# -- bad ones ------------------------------------------------------------------------------------------

_ENTITIES = (
    '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9))
    + "]><x>&j;</x>"
)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)


@pytest.mark.parametrize(
    ("body", "reason", "said"),
    [
        (word(PARAGRAPHS)[:900], Reason.MALFORMED, "broken, or breaks off"),
        (word("<w:p>"), Reason.MALFORMED, "a Word document that is broken"),
        (word(docx_paragraph("")), Reason.EMPTY, "a Word document without text"),
        (odt("<text:p>"), Reason.MALFORMED, "an OpenDocument text that is broken"),
        (odt("<text:p/>"), Reason.EMPTY, "an OpenDocument text without text"),
        (b"{\\rtf1\\ansi }", Reason.EMPTY, "an RTF document without text"),
        (b"{\\rtf1" + b"{" * 100_000, Reason.EMPTY, "an RTF document without text"),
        (
            docx(PARAGRAPHS, more={"word/document.xml": _ENTITIES}),
            Reason.TOO_COMPLEX,
            "'word/document.xml' declares entities",
        ),
        (
            docx(PARAGRAPHS, more={"docProps/core.xml": _ENTITIES.encode("utf-16")}),
            Reason.TOO_COMPLEX,
            "'docProps/core.xml' declares entities",
        ),
        (odt("", more={"meta.xml": _ENTITIES}), Reason.TOO_COMPLEX, "'meta.xml' declares entities"),
        (
            docx(PARAGRAPHS, more={"word/document.xml": bytes(40 << 20)}),
            Reason.TOO_COMPLEX,
            "'word/document.xml' unpacks from",
        ),
        (odt("", more={"content.xml": b" " * (40 << 20)}), Reason.TOO_COMPLEX, "'content.xml' unpacks from"),
        (
            word("<w:sdt><w:sdtContent>" * 5_000 + docx_paragraph(TEXT) + "</w:sdtContent></w:sdt>" * 5_000),
            Reason.TOO_COMPLEX,
            "nested too deeply",
        ),
        (
            odt(
                "",
                more={
                    "META-INF/manifest.xml": "<m><file-entry full-path='content.xml'><encryption-data/>"
                    "</file-entry></m>"
                },
            ),
            Reason.UNSUPPORTED,
            "opens only with its password",
        ),
        (
            _OLE + "EncryptedPackage".encode("utf-16-le") + bytes(500),
            Reason.UNSUPPORTED,
            "opens only with its password",
        ),
        (_OLE, Reason.UNSUPPORTED, "before 2007"),
        (
            zipped({"[Content_Types].xml": "", "xl/workbook.xml": ""}),
            Reason.UNSUPPORTED,
            "an Excel workbook",
        ),
        (
            zipped({"[Content_Types].xml": "", "ppt/x.xml": ""}),
            Reason.UNSUPPORTED,
            "a PowerPoint presentation",
        ),
        (zipped({"mimetype": "application/epub+zip"}), Reason.UNSUPPORTED, "an EPUB book"),
        (zipped({"META-INF/MANIFEST.MF": ""}), Reason.UNSUPPORTED, "a Java archive"),
    ],
)
def test_what_cannot_be_read_says_why(body: bytes, reason: Reason, said: str) -> None:
    failure = refused(body)
    assert said in failure.detail
    assert failure.reason is reason


def test_a_document_type_without_entities_is_no_bomb() -> None:
    old = '<?xml version="1.0"?><!DOCTYPE x PUBLIC "-//OpenOffice.org//DTD Manifest 1.0//EN" "x.dtd"><x/>'
    assert read(odt(f"<text:p>{TEXT}</text:p>", more={"meta.xml": old})).text == TEXT


def test_properties_that_are_broken_do_no_harm() -> None:
    body = docx(PARAGRAPHS, more={"docProps/core.xml": "<cp:core><dc:title>One of them</dc:title><a:<b"})
    article = read(body)
    assert article.title == "One of them"
    assert article.text.split("\n\n") == [TEXT, MORE]


def test_an_embedded_style_map_decides_nothing() -> None:
    body = docx(PARAGRAPHS, more={"mammoth/style-map": "p => !"})
    assert read(body).text.split("\n\n") == [TEXT, MORE]
