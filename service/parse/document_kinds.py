"""What a file seems to be, judged by its first bytes."""

from __future__ import annotations

import codecs
import io
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import PurePath

from service.errors import ParseFailure
from service.parse.encoding import decode
from service.parse.envelope import find_root
from service.parse.jsonfeed import looks_like_json
from service.values import Reason

SAMPLE_BYTES = 64 * 1024

_FEED_ROOTS = frozenset(("rss", "feed", "rdf"))
_FEED_PART = re.compile(r"<(?:[\w-]+:)?(?:channel|item|entry|title|link|id|updated)[\s>/]|</", re.IGNORECASE)
_PAGE_ROOTS = frozenset(("html", "head", "body", "title", "meta", "frameset"))
# Fragments without a frame; a text may begin with "<", so two of them are wanted.
_FRAGMENT = re.compile(
    r"<(?:p|div|article|section|h[1-6]|ul|ol|table|br|span|blockquote|main)\b[^<>]*>", re.IGNORECASE
)
_DOCTYPE = re.compile(r"\s*(?:<!--.*?-->\s*)*<!doctype\s+html", re.IGNORECASE | re.DOTALL)
_PAGE_TAG = re.compile(r"<(?:html|head|body)[\s>]", re.IGNORECASE)
_JSON_FEED = re.compile(r'"version"\s*:\s*"https?:\\?/\\?/jsonfeed\.org')
_HEADER = re.compile(r"[!-9;-~]{1,60}:[ \t]?\S?")
_MAIL_HEADERS = re.compile(
    r"(?:from|to|subject|date|message-id|received|return-path|mime-version|delivered-to|content-type|x-[\w-]+)"
    r"[ \t]*:",
    re.IGNORECASE,
)
_MIN_MAIL_HEADERS = 3  # of the known ones; a memorandum has "From:", "To:" and "Subject:" …
_MAIL_ONLY = re.compile(
    r"(?:message-id|received|return-path|mime-version|delivered-to|x-mailer|dkim-signature)[ \t]*:",
    re.IGNORECASE,
)
_HEADER_END = re.compile(r"\r?\n\r?\n")
_MIME_VERSION = re.compile(r"^mime-version[ \t]*:", re.IGNORECASE | re.MULTILINE)
_RELATED = re.compile(r"^content-type[ \t]*:\s*multipart/related", re.IGNORECASE | re.MULTILINE)
_SAVED = re.compile(r"^(?:snapshot-content-location[ \t]*:|from[ \t]*:.{0,40}\bsaved by\b)", re.I | re.M)
_SENT = re.compile(r"^(?:to|received|message-id|delivered-to)[ \t]*:", re.IGNORECASE | re.MULTILINE)
_PAGE_TYPE = re.compile(r"\btype=\"?text/html", re.IGNORECASE)
_ARCHIVE_NAMES = frozenset((".mht", ".mhtml"))
_XML = re.compile(r"\ufeff?\s*<\?xml\s")
_HTML_NAMES = frozenset((".html", ".htm", ".xhtml"))

_PDF = "a PDF document"
WORD, ODT = "a Word document", "an OpenDocument text"
_RTF = "an RTF document"
_OLE = "an Office document of before 2007"
_ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")  # in the directory of an encrypted one
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_PDF_HEADER = 1024  # bytes in which it has to begin
_PDF_OBJECT = re.compile(rb"[\r\n]\d{1,7} \d{1,5} obj\b")

# (bytes, offset, what it is)
_MAGIC: tuple[tuple[bytes, int, str], ...] = (
    (b"%PDF-", 0, _PDF),
    (b"PK\x03\x04", 0, "a ZIP archive"),
    (b"PK\x05\x06", 0, "an empty ZIP archive"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0, _OLE),
    (b"{\\rtf", 0, _RTF),
    (b"\x89PNG", 0, "a PNG image"),
    (b"\xff\xd8\xff", 0, "a JPEG image"),
    (b"GIF8", 0, "a GIF image"),
    (b"II*\x00", 0, "a TIFF image"),
    (b"MM\x00*", 0, "a TIFF image"),
    (b"BM", 0, "a BMP image"),
    (b"RIFF", 0, "a WebP image or a sound"),
    (b"\x00\x00\x01\x00", 0, "an icon"),
    (b"ftyp", 4, "a video or an HEIF image"),
    (b"\x1aE\xdf\xa3", 0, "a Matroska video"),
    (b"ID3", 0, "an MP3 sound"),
    (b"OggS", 0, "an Ogg sound"),
    (b"fLaC", 0, "a FLAC sound"),
    (b"\x1f\x8b", 0, "a gzip file"),
    (b"BZh", 0, "a bzip2 file"),
    (b"\xfd7zXZ", 0, "an xz file"),
    (b"\x28\xb5\x2f\xfd", 0, "a zstd file"),
    (b"7z\xbc\xaf\x27\x1c", 0, "a 7-Zip archive"),
    (b"Rar!", 0, "a RAR archive"),
    (b"ustar", 257, "a tar archive"),
    (b"\x7fELF", 0, "a program"),
    (b"MZ", 0, "a Windows program"),
    (b"\xca\xfe\xba\xbe", 0, "a program"),
    (b"SQLite format 3\x00", 0, "an SQLite database"),
    (b"\x00asm", 0, "a WebAssembly program"),
    (b"wOF", 0, "a font"),
    (b"\x00\x01\x00\x00", 0, "a font"),
)
# Two letters and a line of prose may follow them: those need a second sign.
_WEAK = frozenset((b"BM", b"MZ"))
_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)
_MIN_WIDE = 8  # bytes
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r\x0b\x0c\x1b\x1a\x00"))


@dataclass(frozen=True, slots=True)
class Sample:
    """The beginning of a file, as bytes and as text."""

    head: bytes
    text: str  # "" when it is not text
    suffix: str  # of its name, in lower case
    content_type: str
    magic: str = ""  # what its first bytes say that it is
    package: str = ""  # what kind of document a ZIP archive is

    @property
    def is_text(self) -> bool:
        """Whether it can be read as text at all."""
        return bool(self.text)

    @property
    def is_feed(self) -> bool:
        """Whether it is an RSS, RDF, Atom or JSON feed."""
        if not self.text:
            return False
        if looks_like_json(self.text):
            return _JSON_FEED.search(self.text[:4096]) is not None
        root = find_root(self.text)
        if root is None or root.local_name not in _FEED_ROOTS:
            return False
        # A text that speaks of "<rss>" in its first lines is none.
        return _FEED_PART.search(self.text, root.start + len(root.name)) is not None


def take_sample(body: bytes, name: str, content_type: str) -> Sample:
    """Look at the first 64 KiB of a file.

    :raises ParseFailure: MALFORMED or TOO_COMPLEX when it is a ZIP archive that cannot be opened
    """
    head = body[:SAMPLE_BYTES]
    magic = next(
        (what for mark, at, what in _MAGIC if head[at : at + len(mark)] == mark and _strong(mark, head)), ""
    )
    wide = wide_encoding(head)
    if magic or _is_binary(head):
        text = ""
    else:
        text = head.decode(wide, "replace") if wide else decode(head, content_type).text
    package = _package(body) if body.startswith(_ZIP) else ""
    if magic == _OLE and _ENCRYPTED_PACKAGE in body:
        package = "an Office document that opens only with its password"
    return Sample(head, text, PurePath(name).suffix.lower(), content_type.lower(), magic, package)


def _package(body: bytes) -> str:
    from service.parse.package import open_archive, package_kind  # noqa: PLC0415 - zipfile costs 25 ms

    return package_kind(open_archive(io.BytesIO(body)))


def refuse(sample: Sample) -> ParseFailure:
    """The failure for a file of a kind that nothing here reads: UNSUPPORTED documents, else NOT_TEXT."""
    if sample.package:
        return ParseFailure(Reason.UNSUPPORTED, f"{sample.package}; of office documents only texts are read")
    if sample.magic == _OLE:
        return ParseFailure(
            Reason.UNSUPPORTED, f"{_OLE} (.doc, .xls, .ppt); saved as DOCX, ODT or PDF it can be read"
        )
    return ParseFailure(Reason.NOT_TEXT, _describe_binary(sample))


def _describe_binary(sample: Sample) -> str:
    if sample.magic:
        return f"{sample.magic}, not a text"
    if not sample.head.strip(b"\x00"):
        return "nothing but zero bytes"
    zeros = sample.head.count(0)
    return f"binary data ({zeros:,} zero bytes in the first {len(sample.head):,}), not a text"


def looks_like_pdf(sample: Sample) -> bool:
    """Whether it is a PDF: its header may stand behind some other bytes (ISO 32000-1, annex H.3.4.1)."""
    header = b"%PDF-" in sample.head[:_PDF_HEADER]
    return header and (sample.magic == _PDF or _PDF_OBJECT.search(sample.head) is not None)


def looks_like_xml(sample: Sample) -> bool:
    """Whether it is XML, and neither a feed nor a page."""
    return _XML.match(sample.text) is not None and not sample.is_feed and not looks_like_page(sample)


def looks_like_rtf(sample: Sample) -> bool:
    """Whether it is RTF."""
    return sample.magic == _RTF


def looks_like_page(sample: Sample) -> bool:
    """Whether it is HTML: a page, or a fragment of one."""
    if not sample.text:
        return False
    if _DOCTYPE.match(sample.text):
        return True
    start = sample.text.lstrip()[:1]
    root = find_root(sample.text) if start in ("<", "\ufeff") else None
    if root is not None and root.local_name in _PAGE_ROOTS:
        return True
    named = sample.suffix in _HTML_NAMES or "html" in sample.content_type
    if named and (_PAGE_TAG.search(sample.text) or _FRAGMENT.search(sample.text)):
        return True
    return start == "<" and len(_FRAGMENT.findall(sample.text[:4096])) > 1


def looks_like_web_archive(sample: Sample) -> bool:
    """Whether it is a web page saved as a message (MHTML), not a letter that carries pictures."""
    if not sample.text:
        return False
    head = _HEADER_END.split(sample.text.lstrip("\ufeff"), maxsplit=1)[0]
    if not _MIME_VERSION.search(head) or not _RELATED.search(head):
        return False
    return _SAVED.search(head) is not None or (
        _SENT.search(head) is None
        and (sample.suffix in _ARCHIVE_NAMES or _PAGE_TYPE.search(head) is not None)
    )


def looks_like_mail(sample: Sample) -> bool:
    """Whether it is a message: header lines, then a blank one (RFC 5322 section 2.1)."""
    if not sample.text:
        return False
    lines = sample.text.lstrip("\ufeff").splitlines()
    if lines and lines[0].startswith("From "):
        lines = lines[1:]  # the separator of an mbox file with one message
    known = only = 0
    for line in lines[:200]:
        if not line.strip():
            break
        if line[0] in " \t":
            continue
        if not _HEADER.match(line):
            return False
        known += _MAIL_HEADERS.match(line) is not None
        only += _MAIL_ONLY.match(line) is not None
    return known >= _MIN_MAIL_HEADERS and (only > 0 or sample.suffix == ".eml")


def _strong(mark: bytes, head: bytes) -> bool:
    return mark not in _WEAK or head.count(0) > 0


def wide_encoding(body: bytes) -> str | None:
    """UTF-16 without a byte order mark: every other byte is one of a few, and the text makes sense."""
    head = body[:4096]
    head = head[: len(head) // 2 * 2]
    if len(head) < _MIN_WIDE or head.startswith(_MARKS):
        return None
    even, odd = (_concentration(head[start::2]) for start in (0, 1))
    if max(even, odd) < 0.9 or 0 not in head:  # noqa: PLR2004 - share of the three most frequent bytes
        return None
    encoding = "utf-16-le" if odd > even else "utf-16-be"
    text = head.decode(encoding, "replace")
    shown = sum(character.isprintable() or character.isspace() for character in text)
    return encoding if shown * 50 >= len(text) * 49 else None


def _concentration(part: bytes) -> float:
    return sum(count for _, count in Counter(part).most_common(3)) / len(part)


def _is_binary(head: bytes) -> bool:
    """Whether bytes are no text in any encoding: zeros that are no wide encoding, many control characters."""
    if head.startswith(_MARKS) or wide_encoding(head):
        return False
    controls = len(head) - len(head.translate(None, _CONTROLS))
    zeros = head.count(0)
    # A stray one is a slip of some program; a picture or a program is full of them.
    if (controls + zeros) * 3 > len(head):
        return True
    return controls > 3 + len(head) // 50 or zeros > 3 + len(head) // 500
