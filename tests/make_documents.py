"""Makes the documents of ``tests/documents`` that no text editor writes.

    python -m tests.make_documents            the ones that are put together byte by byte
    python -m tests.make_documents --office   those of a real office program, too (needs soffice)

What they hold is written here. Their golden files are written by ``WIREWATCH_GOLDEN=write``.
"""

# Texts in many scripts, as long as they are.
# ruff: noqa: E501, RUF001

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from tests.document_makers import PdfRow, column, docx, docx_paragraph, odt, pdf, pdf_of, zipped

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

FOLDER = Path(__file__).parent / "documents"

FIRST = (
    "The council met on Monday to discuss the embargo, and its members could not agree on a text before the "
    "mandate of the panel runs out, diplomats said after the meeting."
)
SECOND = (
    "A vote is expected before the weekend. The presidency passes to another member next month, which has said "
    "that it wants to keep the arms-control measures in place."
)
THIRD = (
    "The panel was set up fifteen years ago. Its reports name ships, banks and companies that broke the embargo, "
    "and its last one asks who is to watch over it from now on."
)
RUSSIAN = (
    "Совет по экспортному контролю утвердил список товаров, для вывоза которых нужна лицензия.",
    "Список вступит в силу в июле, сообщило министерство. В него вошли беспилотники и их части.",
)

# One source for what an office program makes of it in three formats.
OFFICE = """
<html><head><title>Untitled 1</title><meta name="author" content="jsmith"></head><body>
<p>Institute for Trade</p>
<h1>Who supplies the engines?</h1>
<p>By Kim Day</p>
<p>Published: 18th June 2024</p>
<p>{first}</p>
<p>The engines come from <b>four</b> makers, of which <a href="https://maker.example/">one</a> answered our questions
before this report went to press; the others referred us to their lawyers, who said nothing.</p>
<h2>Where they went</h2>
<table border=1><tr><td>Year</td><td>Engines</td></tr><tr><td>2023</td><td>12</td></tr><tr><td>2024</td><td>40</td></tr></table>
<ul><li>ferries and tugs</li><li>drones<ul><li>of the larger kind</li></ul></li></ul>
<p>{second}</p>
<p>Subscribe to our newsletter.</p>
</body></html>
"""


def main() -> None:
    """Write them all."""
    made = {**texts(), **pdfs(), **office_documents(), **rich_texts(), **archives()}
    for name, body in made.items():
        (FOLDER / name).write_bytes(body)
    if "--office" in sys.argv:
        by_an_office_program()
    print(f"{len(made)} documents")


def texts() -> dict[str, bytes]:
    """Texts, pages, mail and tables in encodings of their own."""
    japanese = (
        "安保理、武器禁輸を協議\n2024年6月18日 09時30分\n\n"
        "国連安全保障理事会は月曜日、武器禁輸の拡大について協議したが、文案の合意には至らなかったと外交官が述べた。\n\n"
        "関連記事：専門家パネルが報告書\n\n採決は週末までに行われる見通しだ。\n"
    )
    chinese = (
        "安理会讨论武器禁运\n\n发布时间：2024年6月18日\n\n"
        "安理会周一开会讨论扩大武器禁运，但未能就案文达成一致，外交官说。预计周末前表决。\n"
    )
    korean = (
        "<html><head><title>안보리, 금수 조치 논의</title></head><body><h1>안보리, 금수 조치 논의</h1>"
        "<p>입력 2024-06-18 09:30</p><p>안전보장이사회는 월요일 금수 조치를 논의하기 위해 회의를 열었으나 문안에 합의하지 못했다고 "
        "외교관들이 말했다. 표결은 주말 전에 있을 것으로 예상된다.</p>"
        "<p>의장국은 다음 달 다른 이사국으로 넘어간다. 새 의장국은 조치를 유지하겠다고 밝혔다.</p></body></html>"
    )
    page = (
        '<html><head><meta charset="windows-1251"><title>Список товаров | Вестник</title></head><body>'
        f"<h1>Список товаров</h1><p>Опубликовано: 18.06.2024</p><p>{RUSSIAN[0]}</p><p>{RUSSIAN[1]}</p>"
        "<p>Читайте также: Кто делает двигатели</p></body></html>"
    )
    mail = (
        "Message-ID: <41@export.example>\r\nDate: Tue, 18 Jun 2024 09:00:00 +0300\r\n"
        "From: =?koi8-r?B?{}?= <press@export.example>\r\nTo: desk@example.org\r\n"
        "Subject: =?koi8-r?Q?{}?=\r\nMIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=koi8-r\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    ).format("8NLF09Mt08zV1sLB", "=F3=D0=C9=D3=CF=CB_=D4=CF=D7=C1=D2=CF=D7")
    rows = [
        "Название;Title;Text;Date",
        *(f"{n};Новость {n};{text};{17 + n}.06.2024" for n, text in enumerate(RUSSIAN, 1)),
    ]
    return {
        "shift-jis.txt": japanese.encode("shift_jis"),
        "gb18030.txt": chinese.encode("gb18030"),
        "euckr.html": korean.encode("euc-kr"),
        "windows1251.html": page.encode("windows-1251"),
        "koi8r.eml": mail.encode() + "\r\n\r\n".join(RUSSIAN).encode("koi8-r"),
        "windows1251.csv": "\r\n".join(rows).encode("windows-1251"),
        "utf16.tsv": "\r\n".join(row.replace(";", "\t") for row in rows).encode("utf-16"),
        "saved.mhtml": web_archive(),
    }


def web_archive() -> bytes:
    """A page as Chromium saves one."""
    page = f"""<html lang=3D"en"><head><title>Council cannot agree | Courier</title></head><body>
<nav><a href=3D"/">Home</a></nav><article><h1>Council cannot agree</h1><p>June 18, 2024</p><p>{FIRST}</p>
<p>{SECOND}</p><p>Share this article</p></article></body></html>"""
    return (
        "From: <Saved by Blink>\r\nSnapshot-Content-Location: https://courier.example/agree?utm_source=3Dx\r\n"
        "Subject: Council cannot agree\r\nDate: Wed, 19 Jun 2024 10:00:00 -0000\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/related;\r\n\ttype="text/html";\r\n\tboundary="----b"\r\n\r\n'
        "------b\r\nContent-Type: text/html\r\nContent-ID: <frame@blink>\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\nContent-Location: https://courier.example/agree\r\n\r\n"
        + page.replace("\n", "=\r\n")
        + "\r\n------b\r\nContent-Type: image/gif\r\nContent-Transfer-Encoding: base64\r\n"
        "Content-Location: https://courier.example/x.gif\r\n\r\nR0lGODlhAQABAAAAACw=\r\n------b--\r\n"
    ).encode()


def pdfs() -> dict[str, bytes]:
    """PDFs of several layouts, and two that hold nothing to read."""
    head: list[PdfRow] = [(70, 780, 20, "Council cannot agree on"), (70, 756, 20, "the embargo")]
    lead = column("By Ann Lee\nPublished: 18 June 2024", top=728)
    report = [
        [
            (70, 812, 8, f"Institute for Trade – Report 41 – {number}"),
            *column(f"{text}\n{THIRD if number % 2 else SECOND}", top=760),
            (70, 60, 8, f"{number} See page {number * 10} of the last report."),
            (290, 30, 9, f"Page {number} of 4"),
        ]
        for number, text in enumerate((FIRST, SECOND, THIRD, FIRST), 1)
    ]
    encrypted = b"/ID [<00> <00>] /Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O (%s) /U (%s) >>"
    blank = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>",
    ]
    return {
        "article.pdf": pdf(
            [[*head, *lead, *column(f"{FIRST}\n{SECOND}\n{THIRD}", top=670)]],
            {
                "Title": "Microsoft Word - draft7.docx",
                "Author": "jsmith",
                "CreationDate": "D:20250301120000Z",
            },
        ),
        "columns.pdf": pdf(
            [[*head, *column(FIRST, top=700, width=38), *column(SECOND, left=320, top=700, width=38)]],
            {"CreationDate": "D:20240619080000+02'00'"},
        ),
        "report.pdf": pdf(
            report, {"Title": "Who watches over the embargo?", "Author": "Institute for Trade"}
        ),
        "scan.pdf": pdf_of(blank, b""),
        "locked.pdf": pdf_of(blank, encrypted % (b"o" * 32, b"u" * 32)),
        "cut-off.pdf": pdf([column(FIRST)])[:180],
    }


def office_documents() -> dict[str, bytes]:
    """Word documents and OpenDocument texts."""
    changed = (
        '<w:p><w:r><w:t xml:space="preserve">The licence was </w:t></w:r><w:del w:id="1" w:author="x"><w:r>'
        '<w:delText>granted</w:delText></w:r></w:del><w:ins w:id="2" w:author="x"><w:r><w:t>refused</w:t></w:r>'
        "</w:ins><w:r><w:t>, the ministry said.</w:t></w:r><w:r><w:footnoteReference w:id='1'/></w:r></w:p>"
    )
    core = "<dc:title>Licence refused</dc:title><dc:creator>Kim Day</dc:creator>"
    core += "<dcterms:created>2024-06-18T07:45:00Z</dcterms:created><dc:language>en-GB</dc:language>"
    meta = "<dc:title>Licence refused</dc:title><meta:initial-creator>Kim Day</meta:initial-creator>"
    meta += "<meta:creation-date>2024-06-18T07:45:00</meta:creation-date>"
    note = f"<w:footnote w:id='1'>{docx_paragraph('Letter of 11 June.')}</w:footnote>"
    titled = docx_paragraph("Ministry of Trade") + docx_paragraph("Council cannot agree", "Titel")
    return {
        "changes.docx": docx(changed + docx_paragraph(THIRD), properties=core, notes=note),
        "titled.docx": docx(
            titled + "".join(map(docx_paragraph, ("18 June 2024", FIRST, SECOND, "Also read: Engines")))
        ),
        "russian.docx": docx(
            docx_paragraph("Список товаров", "berschrift1") + "".join(map(docx_paragraph, RUSSIAN))
        ),
        "empty.docx": docx(docx_paragraph("")),
        "properties.odt": odt(f"<text:p>{FIRST}</text:p><text:p>{THIRD}</text:p>", properties=meta),
        "notes.odt": odt(
            "<text:h text:outline-level='1'>Licence refused</text:h><text:p>By Joe Park</text:p><text:p>The licence "
            "was refused.<text:note text:note-class='footnote'><text:note-citation>1</text:note-citation>"
            "<text:note-body><text:p>Letter of 11 June.</text:p></text:note-body></text:note></text:p>"
            f"<text:p>{SECOND}</text:p>"
        ),
    }


def rich_texts() -> dict[str, bytes]:
    """RTF in two code pages."""
    escaped = ["".join(f"\\'{byte:02x}" for byte in text.encode("cp1251")) for text in RUSSIAN]
    info = (
        r"{\info{\title Who watches over the embargo?}{\author Ann Lee}{\creatim\yr2024\mo6\dy18\hr9\min45}}"
    )
    return {
        "russian.rtf": (r"{\rtf1\ansi\ansicpg1251\pard " + r"\par ".join(escaped) + r"\par}").encode(),
        "table.rtf": (
            r"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Times;}}" + info + rf"\pard {FIRST}\par"
            r"\trowd Year\cell Ships\cell\row\trowd 2024\cell 61\cell\row\pard " + THIRD + r"\par}"
        ).encode(),
    }


def archives() -> dict[str, bytes]:
    """Archives and packed files of what the others hold."""
    text = f"Council cannot agree\n\nPublished: 18 June 2024\n\n{FIRST}\n\n{SECOND}\n"
    page = f"<html><head><title>Engines</title></head><body><p>{SECOND}</p><p>{THIRD}</p></body></html>"
    inner = zipped({"deep/third.txt": f"Third of them\n\n{THIRD}\n", "readme.md": f"# Engines\n\n{SECOND}\n"})
    mixed: dict[str, bytes | str] = {
        "text.txt": text,
        "pages/engines.html": page,
        "more/inner.zip": inner,
        "../../outside.txt": f"Outside of it\n\n{THIRD}\n",
        "picture.png": b"\x89PNG\r\n\x1a\n" + bytes(20),
        "__MACOSX/._text.txt": b"\x00\x05\x16\x07",
    }
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        for name, content in mixed.items():
            info = tarfile.TarInfo(name)
            body = content.encode() if isinstance(content, str) else content
            info.size = len(body)
            archive.addfile(info, io.BytesIO(body))
    lines = (
        '{"id": 1, "title": "First line", "text": "A text about arms."}\n'
        '{"id": 2, "title": "Second line", "text": "A text about ships."}\n'
    )
    locked = bytearray(zipped({"locked.txt": text, "open.txt": text}))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        locked[bytes(locked).index(mark) + at] |= 1
    return {
        "mixed.zip": zipped(mixed),
        "mixed.tar": tar.getvalue(),
        "mixed.tgz": gzip.compress(tar.getvalue(), mtime=0),
        "mixed.tar.xz": lzma.compress(tar.getvalue()),
        "locked.zip": bytes(locked),
        "packed.txt.gz": gzip.compress(text.encode(), mtime=0),
        "packed.html.bz2": bz2.compress(page.encode()),
        "packed.md.zst": zstd.compress(f"# Engines\n\n{SECOND}\n".encode()),
        "lines.jsonl.xz": lzma.compress(lines.encode()),
    }


def by_an_office_program() -> None:
    """A Word document, an OpenDocument text, an RTF and a PDF, as LibreOffice writes them."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "office.html"
        source.write_text(OFFICE.format(first=FIRST, second=SECOND), encoding="utf-8")
        program = shutil.which("soffice")
        assert program, "needs LibreOffice's soffice"
        convert = [program, "--headless", "--convert-to"]
        subprocess.run(
            [*convert, "odt:writer8", "--infilter=HTML (StarWriter)", source.name], cwd=folder, check=True
        )
        for kind in ("docx", "rtf", "pdf"):
            subprocess.run([*convert, kind, "office.odt"], cwd=folder, check=True)
        for kind in ("odt", "docx", "rtf", "pdf"):
            shutil.copy(Path(folder) / f"office.{kind}", FOLDER)


if __name__ == "__main__":
    main()
