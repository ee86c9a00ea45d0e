"""Small documents of the formats that no text editor writes, made byte by byte: a PDF, a Word document, …"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence

PdfRow = tuple[float, float, float, str]  # left, base line, size, text


def pdf(pages: Sequence[Sequence[PdfRow]], properties: Mapping[str, str] | None = None) -> bytes:
    """A PDF with rows of Helvetica at places, on pages of A4."""
    count = len(pages)
    objects: list[bytes] = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Count %d /Kids [%s] >>"
        % (count, b" ".join(b"%d 0 R" % (5 + 2 * number) for number in range(count))),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        b"<< %s >>"
        % b" ".join(b"/%s (%s)" % (k.encode(), _escaped(v)) for k, v in (properties or {}).items()),
    ]
    for number, rows in enumerate(pages):
        shown = b"\n".join(
            b"BT /F1 %g Tf 1 0 0 1 %g %g Tm (%s) Tj ET" % (size, left, bottom, _escaped(text))
            for left, bottom, size, text in rows
        )
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R "
            b"/Resources << /Font << /F1 3 0 R >> >> >>" % (6 + 2 * number)
        )
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(shown), shown))
    return pdf_of(objects)


def pdf_of(objects: Sequence[bytes], trailer: bytes = b"/Info 4 0 R") -> bytes:
    """A PDF of numbered objects, the first of which is its catalogue."""
    body, offsets = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"), []
    for number, one in enumerate(objects, 1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    start = len(body)
    body += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    body += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    body += b"trailer << /Size %d /Root 1 0 R %s >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1,
        trailer,
        start,
    )
    return bytes(body)


def _escaped(text: str) -> bytes:
    raw = text.encode("cp1252")
    return raw.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")


def column(
    text: str, *, left: float = 70, top: float = 760, size: float = 11, leading: float = 14, width: int = 80
) -> list[PdfRow]:
    """A text as rows under each other, broken at ``width`` characters; a blank line is a gap."""
    rows: list[PdfRow] = []
    bottom = top
    for paragraph in text.split("\n"):
        line = ""
        for word in [*paragraph.split(), ""]:
            if not word or len(line) + len(word) >= width:
                rows.append((left, bottom, size, line))
                bottom -= leading
                line = word
            else:
                line = f"{line} {word}".strip()
        bottom -= leading * 0.7
    return [row for row in rows if row[3]]


def zipped(members: Mapping[str, bytes | str], *, stored: bool = False) -> bytes:
    """A ZIP archive."""
    file = io.BytesIO()
    kind = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            how = zipfile.ZIP_STORED if name == "mimetype" else kind  # as OpenDocument wants it
            archive.writestr(zipfile.ZipInfo(name, (2024, 6, 18, 9, 45, 0)), content, how)
    return file.getvalue()


def docx(
    body: str, *, properties: str = "", notes: str = "", more: Mapping[str, bytes | str] | None = None
) -> bytes:
    """A Word document with this inside ``w:body``, ``properties`` inside its core properties."""
    office = "application/vnd.openxmlformats-officedocument.wordprocessingml"
    relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    return zipped(
        {
            "[Content_Types].xml": f"""<?xml version="1.0" encoding="UTF-8"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
<Default Extension="xml" ContentType="application/xml"/>
<Override PartName="/word/document.xml" ContentType="{office}.document.main+xml"/>
<Override PartName="/word/styles.xml" ContentType="{office}.styles+xml"/>
<Override PartName="/word/footnotes.xml" ContentType="{office}.footnotes+xml"/>
</Types>""",
            "_rels/.rels": f"""<?xml version="1.0" encoding="UTF-8"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
<Relationship Id="r1" Type="{relations}/officeDocument" Target="word/document.xml"/>
</Relationships>""",
            "word/_rels/document.xml.rels": f"""<?xml version="1.0" encoding="UTF-8"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
<Relationship Id="r2" Type="{relations}/styles" Target="styles.xml"/>
<Relationship Id="r3" Type="{relations}/footnotes" Target="footnotes.xml"/>
</Relationships>""",
            "word/styles.xml": f"""<w:styles {_W}>
<w:style w:type="paragraph" w:styleId="Titel"><w:name w:val="Title"/></w:style>
<w:style w:type="paragraph" w:styleId="berschrift1"><w:name w:val="heading 1"/></w:style>
</w:styles>""",
            "word/footnotes.xml": f"<w:footnotes {_W}>{notes}</w:footnotes>",
            "word/document.xml": f"<w:document {_W}><w:body>{body}</w:body></w:document>",
            "docProps/core.xml": (
                '<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/'
                'core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/" '
                'xmlns:dcterms="http://purl.org/dc/terms/">'
                f"{properties}</cp:coreProperties>"
            ),
            **(more or {}),
        }
    )


_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def docx_paragraph(text: str, style: str = "") -> str:
    """A paragraph of a Word document."""
    styled = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f'<w:p>{styled}<w:r><w:t xml:space="preserve">{text}</w:t></w:r></w:p>'


def odt(
    body: str, *, properties: str = "", styles: str = "", more: Mapping[str, bytes | str] | None = None
) -> bytes:
    """An OpenDocument text with this inside ``office:text``, ``properties`` inside ``office:meta``."""
    names = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "text", "table", "style", "meta")
    )
    names += ' xmlns:dc="http://purl.org/dc/elements/1.1/"'
    return zipped(
        {
            "mimetype": "application/vnd.oasis.opendocument.text",
            "content.xml": (
                f'<office:document-content {names} office:version="1.3"><office:automatic-styles>{styles}'
                f"</office:automatic-styles><office:body><office:text>{body}</office:text></office:body>"
                "</office:document-content>"
            ),
            "meta.xml": f"<office:document-meta {names}><office:meta>{properties}</office:meta>"
            "</office:document-meta>",
            "styles.xml": f"<office:document-styles {names}><office:styles/></office:document-styles>",
            "META-INF/manifest.xml": (
                '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
                '<manifest:file-entry manifest:full-path="/" '
                'manifest:media-type="application/vnd.oasis.opendocument.text"/>'
                '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/>'
                "</manifest:manifest>"
            ),
            **(more or {}),
        }
    )
