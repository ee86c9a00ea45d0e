"""PDFs as entries: paragraphs, titles, dates and furniture told by where the glyphs stand; bad ones named."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from service.clean import clean
from service.errors import ParseFailure
from service.parse.document import parse_document
from service.parse.document_pdf import MAX_PAGES, iso_date
from service.values import Article, CutKind, DateOrigin, Precision, Reason
from tests.document_makers import PdfRow, column, pdf, pdf_of

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
FIRST = (
    "The council met on Monday to discuss the embargo, and its members could not agree on a text before the "
    "mandate of the panel runs out, diplomats said after the meeting."
)
SECOND = (
    "A vote is expected before the weekend. The presidency passes to another member next month, which has "
    "said that it wants to keep the arms-control measures in place."
)


def read(body: bytes) -> Article:
    (entry,) = parse_document(body, "file.pdf")
    return clean(entry, fetched_at=NOW)


def refused(body: bytes) -> ParseFailure:
    with pytest.raises(ParseFailure) as caught:
        parse_document(body, "file.pdf")
    return caught.value


def page(*parts: list[PdfRow]) -> list[PdfRow]:
    return [row for part in parts for row in part]


def test_rows_become_paragraphs() -> None:
    article = read(pdf([column(f"{FIRST}\n{SECOND}")]))
    assert article.text.split("\n\n") == [FIRST, SECOND]


def test_a_paragraph_goes_on_on_the_next_page() -> None:
    rows = column(f"{FIRST}\n{SECOND}")
    article = read(pdf([rows[:-1], [(70, 760, 11, rows[-1][3])]]))
    assert article.text.split("\n\n") == [FIRST, SECOND]


def test_paragraphs_that_are_told_by_an_indent() -> None:
    first = column(FIRST)
    second = column(SECOND, top=first[-1][1] - 14)
    second[0] = (90, *second[0][1:])
    assert read(pdf([page(first, second)])).text.split("\n\n") == [FIRST, SECOND]


def test_words_that_were_broken_at_the_end_of_a_row_are_whole_again() -> None:
    rows: list[PdfRow] = [
        (70, 760, 11, "The members of the council could not agree on the emb-"),
        (70, 746, 11, "argo before the mandate runs out, and said so. On the arms-"),
        (70, 732, 11, "control measures they did; the arms-control talks go on in May."),
    ]
    assert read(pdf([rows])).text == (
        "The members of the council could not agree on the embargo before the mandate runs out, and said so. "
        "On the arms-control measures they did; the arms-control talks go on in May."
    )


def test_the_largest_type_of_the_first_page_is_the_title() -> None:
    rows = page(
        [(70, 790, 12, "Ministry of Trade")],
        [(70, 740, 22, "Council cannot agree"), (120, 714, 22, "on the embargo")],
        column(f"{FIRST}\n{SECOND}", top=680),
    )
    article = read(pdf([rows], {"Title": "Microsoft Word - draft7.docx"}))
    assert article.title == "Council cannot agree on the embargo"
    assert not article.title_made
    assert [(cut.kind, cut.text) for cut in article.cuts] == [
        (CutKind.REPEATED_TITLE, "Council cannot agree on the embargo")
    ]


@pytest.mark.parametrize(
    ("stated", "title", "made"),
    [
        ("Council cannot agree on the embargo", "Council cannot agree on the embargo", False),
        ("Microsoft Word - draft7.docx", "A vote is expected before the weekend", True),
        ("report_20240618", "A vote is expected before the weekend", True),
        ("untitled", "A vote is expected before the weekend", True),
        ("", "A vote is expected before the weekend", True),
    ],
)
def test_the_title_of_the_properties_counts_where_a_person_wrote_it(
    stated: str, title: str, made: bool
) -> None:
    article = read(pdf([column(SECOND)], {"Title": stated}))
    assert (article.title, article.title_made) == (title, made)


def test_running_heads_and_page_numbers_are_cut_and_kept() -> None:
    pages = [
        page(
            [(70, 810, 9, f"Courier of Trade, issue 7, page {number}")],
            column(f"{FIRST} This is page {number}.\n{SECOND}"),
            [(290, 30, 9, f"- {number} -")],
        )
        for number in range(1, 5)
    ]
    article = read(pdf(pages))
    assert "Courier" not in article.text
    assert article.text.count("A vote is expected") == 4
    assert [(cut.kind, cut.text) for cut in article.cuts] == [
        (CutKind.FURNITURE, "Courier of Trade, issue 7, page 1"),
        (CutKind.FURNITURE, "- 1 - · - 2 - · - 3 - · - 4 -"),
    ]


def test_footnotes_do_not_break_the_text() -> None:
    rows = column(f"{FIRST}\n{SECOND}")
    first = page(rows[:-1], [(70, 60, 8, "1 See the annual report of the panel.")])
    article = read(pdf([first, [(70, 760, 11, rows[-1][3])]]))
    assert article.text.split("\n\n") == [FIRST, SECOND, "1 See the annual report of the panel."]


def test_two_columns_are_read_one_after_the_other() -> None:
    left = column(FIRST, width=38)
    right = column(SECOND, left=320, width=38)
    assert read(pdf([page(left, right)])).text.split("\n\n") == [FIRST, SECOND]


def test_the_date_that_the_text_states_goes_before_the_file_s() -> None:
    properties = {"CreationDate": "D:20250102030405+01'00'", "Author": "jsmith"}
    dated = read(pdf([column(f"Council meets on the embargo\nPublished: 18 June 2024\n{FIRST}")], properties))
    assert (dated.published_at, dated.precision, dated.date_origin) == (
        datetime(2024, 6, 18, tzinfo=UTC),
        Precision.DAY,
        DateOrigin.TEXT,
    )
    undated = read(pdf([column(FIRST)], properties))
    assert (undated.published_at, undated.precision, undated.date_origin) == (
        datetime(2025, 1, 2, 2, 4, 5, tzinfo=UTC),
        Precision.SECOND,
        DateOrigin.METADATA,
    )
    assert undated.author == "jsmith"


def test_the_byline_goes_before_the_file_s_author() -> None:
    text = f"Council meets on the embargo\nBy Ann Lee\n{FIRST}"
    assert read(pdf([column(text)], {"Author": "jsmith"})).author == "Ann Lee"


@pytest.mark.parametrize(
    ("written", "date"),
    [
        ("D:20240618094500+02'00'", "2024-06-18T09:45:00+02:00"),
        ("D:20240618094500Z", "2024-06-18T09:45:00Z"),
        ("D:20240618094500Z00'00'", "2024-06-18T09:45:00Z"),
        ("D:20240618094500-0500", "2024-06-18T09:45:00-05:00"),
        ("20240618094500", "2024-06-18T09:45:00Z"),
        ("D:202406", "2024-06"),
        ("D:2024", "2024"),
        ("18 June 2024", None),
        ("", None),
        ("D:" + "9" * 400, None),
    ],
)
def test_dates_as_pdf_writes_them(written: str, date: str | None) -> None:
    assert iso_date(written) == date


# -- bad ones ------------------------------------------------------------------------------------------

# A security handler of revision 2 whose user password is not the empty one.
_ENCRYPTED = (
    b"/Info 4 0 R /ID [<00> <00>] /Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O (%s) /U (%s) >>"
    % (
        b"o" * 32,
        b"u" * 32,
    )
)


def _objects(count: int = 1, kids: bytes = b"5 0 R") -> list[bytes]:
    return [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Count %d /Kids [%s] >>" % (count, kids),
        b"<< >>",
        b"<< >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>",
    ]


def test_an_encrypted_pdf_says_so() -> None:
    failure = refused(pdf_of(_objects(), _ENCRYPTED))
    assert failure.reason is Reason.UNSUPPORTED
    assert "password" in failure.detail


def test_a_pdf_without_text_says_so() -> None:
    failure = refused(pdf_of(_objects()))
    assert failure.reason is Reason.EMPTY
    assert failure.detail == "a PDF without text: its page holds at most pictures, and pictures are not read"
    assert "its 3 pages hold" in refused(pdf([[], [], []])).detail


@pytest.mark.parametrize(
    "body",
    [
        b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
        pdf([column(FIRST)])[:200],
        b"%PDF-1.4\n" + b"1 0 obj\n<< /Type /Catalog /Pages 1 0 R >>\nendobj\ntrailer << /Root 1 0 R >>\n",
    ],
)
def test_a_broken_pdf_says_so(body: bytes) -> None:
    failure = refused(body)
    assert failure.reason in (Reason.MALFORMED, Reason.EMPTY)
    assert "PDF" in failure.detail


def test_a_pdf_whose_table_is_gone_is_mended() -> None:
    body = pdf([column(f"{FIRST}\n{SECOND}")])
    assert read(body[: body.rindex(b"xref")]).text.split("\n\n") == [FIRST, SECOND]


@pytest.mark.parametrize(
    "objects",
    [
        _objects(1_000_000, b"5 0 R"),  # a million pages, it claims
        _objects(1, b"2 0 R"),  # pages that are their own child
        _objects(50_000, b"5 0 R " * 50_000),  # one page again and again
    ],
    ids=["claims", "itself", "repeated"],
)
def test_hostile_page_trees_end_soon(objects: list[bytes]) -> None:
    assert refused(pdf_of(objects)).reason in (Reason.EMPTY, Reason.MALFORMED)


def test_what_of_a_pdf_is_not_read_is_said() -> None:
    objects = _objects(MAX_PAGES + 3, b"6 0 R 5 0 R 7 0 R " + b"5 0 R " * MAX_PAGES)
    text = b"BT /F1 11 Tf 70 700 Td (The council met on Monday.) Tj ET"
    objects += [
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 8 0 R /Resources "
        b"<< /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>",
        b"<< /Type /Nothing >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(text), text),
    ]
    article = read(pdf_of(objects))
    assert article.text == "The council met on Monday."
    unread = [cut.text for cut in article.cuts if cut.kind is CutKind.UNREAD]
    assert unread[-1] == "pages 5,001 to 5,003 of 5,003"


def test_a_page_without_end_is_read_to_a_limit_and_that_is_said() -> None:
    rows = [(70.0, 800.0 - number % 700, 1.0, "Embargo " * 400) for number in range(70)]
    (entry,) = parse_document(pdf([rows, column(FIRST)]), "long.pdf")
    assert entry.unread == ("what follows the first 200,000 characters of page 1",)
    assert FIRST[:40] in (entry.content or "")


def test_glyphs_beyond_unicode_and_properties_without_end_do_no_harm() -> None:
    body = pdf([column(FIRST)], {"Title": "x" * 2_000_000, "Author": "\\000" * 10, "CreationDate": "D:9"})
    assert read(body).text == FIRST


def test_a_pdf_is_told_by_its_content() -> None:
    body = b"\x00\x01 some bytes before it \xff\xfe\x00\x00" + pdf([column(FIRST)])
    (entry,) = parse_document(body, "letter.txt")
    assert clean(entry, fetched_at=NOW).text == FIRST
    (entry,) = parse_document(b"A text that begins with %PDF-1.7 is still a text.\n" * 3, "notes.pdf")
    assert entry.content_is_html is False
