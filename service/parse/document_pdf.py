"""A PDF → one entry: its rows of glyphs from PDFium, put together to headings and paragraphs again.

PDFium (the engine of Chromium) gives the text in the order in which the file draws it, with where each
glyph stands; what that means is `service.parse.pdf_layout`'s to tell.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterator
from ctypes import c_double

import pypdfium2
import pypdfium2.raw as pdfium

from service.errors import ParseFailure
from service.parse.pdf_layout import Row, lay_out
from service.values import DateOrigin, Entry, FileProperties, Reason

MAX_PAGES = 5_000
MAX_PAGE_UNITS = 200_000  # UTF-16 code units of one page
MAX_UNITS = 2_200_000  # of a document
_MAX_PROPERTY = 1_000  # characters

# "D:20240618094500+02'00'", all but the year optional (ISO 32000-1 section 7.9.4).
_DATE = re.compile(
    r"(?:D:)?(\d{4})(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d))?)?)?)?)?"
    r"(?:(Z)|([+-])(\d\d)(?:'?(\d\d))?)?.{0,9}",
    re.DOTALL,
)
_HYPHEN = 2  # what PDFium gives for a hyphen at the end of a line, instead of the hyphen and the end
_ROW_ENDS = frozenset((10, 13, _HYPHEN))
_SURROGATES = range(0xD800, 0xDC00)


def read_pdf(body: bytes) -> tuple[Entry, ...]:
    """One entry with the text of at most `MAX_PAGES` pages; what is left out is named in ``unread``.

    :raises ParseFailure: UNSUPPORTED when it needs a password, EMPTY when its pages hold no text,
        MALFORMED when PDFium cannot open it
    """
    try:
        document = pypdfium2.PdfDocument(body)
    except pypdfium2.PdfiumError as error:
        raise _refusal(error) from error
    try:
        count = len(document)
        unread: list[str] = []
        pages = list(_pages(document, min(count, MAX_PAGES), unread))
        if len(pages) < count:
            unread.append(f"pages {len(pages) + 1:,} to {count:,} of {count:,}")
        stated = _properties(document)
    finally:
        document.close()
    laid = lay_out(pages)
    if not laid.html:
        pages_hold = "its page holds" if count == 1 else f"its {count:,} pages hold"
        raise ParseFailure(
            Reason.EMPTY, f"a PDF without text: {pages_hold} at most pictures, and pictures are not read"
        )
    return (
        Entry(
            title=laid.title,
            content=laid.html,
            date_origin=DateOrigin.METADATA,
            properties=FileProperties(
                title=stated.get("Title"),
                author=stated.get("Author"),
                created=iso_date(stated.get("CreationDate", "")),
            ),
            margins=laid.margins,
            unread=tuple(unread),
        ),
    )


def iso_date(written: str) -> str | None:
    """A PDF's date as ISO 8601; None when it is none."""
    match = _DATE.fullmatch(written.strip())
    if match is None:
        return None
    year, month, day, hour, minute, second, _, sign, hours, minutes = match.groups()
    date = "-".join(part for part in (year, month, day) if part)
    if hour is None:
        return date
    zone = f"{sign}{hours}:{minutes or '00'}" if sign else "Z"
    return f"{date}T{hour}:{minute or '00'}:{second or '00'}{zone}"


def _properties(document: pypdfium2.PdfDocument) -> dict[str, str]:
    try:
        stated = document.get_metadata_dict(skip_empty=True)
    except (pypdfium2.PdfiumError, OverflowError, ValueError):
        return {}  # lengths that no memory holds, texts in no encoding
    return {key: value[:_MAX_PROPERTY].replace("\x00", "").strip() for key, value in stated.items()}


def _refusal(error: pypdfium2.PdfiumError) -> ParseFailure:
    code = getattr(error, "err_code", None)
    if code == pdfium.FPDF_ERR_PASSWORD:
        return ParseFailure(Reason.UNSUPPORTED, "an encrypted PDF that opens only with its password")
    if code == pdfium.FPDF_ERR_SECURITY:
        return ParseFailure(Reason.UNSUPPORTED, "a PDF encrypted in a way that is not known here")
    return ParseFailure(Reason.MALFORMED, "a PDF that is broken beyond repair, or breaks off")


def _pages(document: pypdfium2.PdfDocument, count: int, unread: list[str]) -> Iterator[list[Row]]:
    """The rows of each page; a page that PDFium cannot load has none, and is named in ``unread``."""
    units = 0
    for index in range(count):
        try:
            page = document[index]
        except pypdfium2.PdfiumError:
            unread.append(f"page {index + 1:,}, which is broken")
            yield []
            continue
        try:
            text_page = page.get_textpage()
        except pypdfium2.PdfiumError:
            page.close()
            unread.append(f"page {index + 1:,}, whose text is broken")
            yield []
            continue
        length = max(0, pdfium.FPDFText_CountChars(text_page.raw))
        if length > MAX_PAGE_UNITS:
            unread.append(f"what follows the first {MAX_PAGE_UNITS:,} characters of page {index + 1:,}")
            length = MAX_PAGE_UNITS
        yield list(_rows(text_page.raw, length, page.get_height()))
        text_page.close()
        page.close()
        units += length
        if units > MAX_UNITS:
            return


def _rows(text_page: pdfium.FPDF_TEXTPAGE, length: int, height: float) -> Iterator[Row]:
    unicode = pdfium.FPDFText_GetUnicode
    units = [unicode(text_page, index) for index in range(length)]
    start = 0
    for end, unit in enumerate((*units, 10)):
        if unit not in _ROW_ENDS:
            continue
        seen = [index for index in range(start, end) if units[index] > 32]  # noqa: PLR2004 - a glyph
        if seen:
            middle = seen[len(seen) // 2]
            left, bottom = _origin(text_page, seen[0])
            yield Row(
                text=_text(units[start:end]) + ("\xad" if unit == _HYPHEN else ""),
                left=left,
                right=_right(text_page, seen[-1]),
                bottom=bottom,
                size=_size(text_page, middle),
                height=height,
            )
        start = end + 1


def _origin(text_page: pdfium.FPDF_TEXTPAGE, index: int) -> tuple[float, float]:
    """Where a glyph stands on its base line."""
    x, y = c_double(), c_double()
    pdfium.FPDFText_GetCharOrigin(text_page, index, x, y)
    return x.value, y.value


def _right(text_page: pdfium.FPDF_TEXTPAGE, index: int) -> float:
    box = pdfium.FS_RECTF()
    pdfium.FPDFText_GetLooseCharBox(text_page, index, box)
    return max(float(box.left), float(box.right))


def _size(text_page: pdfium.FPDF_TEXTPAGE, index: int) -> float:
    """A glyph's size on the page: its font's, scaled as the page is drawn."""
    matrix = pdfium.FS_MATRIX()
    size = abs(float(pdfium.FPDFText_GetFontSize(text_page, index)))
    if pdfium.FPDFText_GetMatrix(text_page, index, matrix):
        size *= math.sqrt(abs(matrix.a * matrix.d - matrix.b * matrix.c))
    return min(max(size, 1.0), 1_000.0)


def _text(units: list[int]) -> str:
    """UTF-16 code units as text."""
    if any(unit in _SURROGATES for unit in units):
        raw = b"".join(unit.to_bytes(2, "little") for unit in units if unit <= 0xFFFF)  # noqa: PLR2004
        text = raw.decode("utf-16-le", "replace")
    else:
        text = "".join(chr(unit) if unit <= sys.maxunicode else "\ufffd" for unit in units)
    return text.strip()
