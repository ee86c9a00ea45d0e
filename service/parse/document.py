"""A file → the entries that it holds; its kind is told by its content, its name is only a hint.

::

    empty? → packed? → sniff (first that recognises it) → reader → entries

``KINDS`` is the table: each row is a name, a sniffer over the `Sample`, and a reader. A further format is a
further row, before the rows that it must not be mistaken for. Readers import what they need when they run.
Names of the table's rows are what failures call a document.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from service.errors import ParseFailure
from service.parse.container import Form, Piece, without_suffix
from service.parse.document_kinds import (
    ODT,
    WORD,
    Sample,
    looks_like_mail,
    looks_like_page,
    looks_like_pdf,
    looks_like_rtf,
    looks_like_web_archive,
    looks_like_xml,
    refuse,
    take_sample,
)
from service.parse.envelope import find_root, unpack
from service.values import Entry, Fetched, Reason

Sniffer = Callable[[Sample], bool]
Reader = Callable[["Document"], tuple[Entry, ...]]

# A text that unpacks to more is no article; the size of the file itself is its fetcher's to limit.
MAX_UNPACKED = 64 * 1024 * 1024
_BLANK = b" \t\r\n\x0b\x0c\x00\xef\xbb\xbf\xfe\xff"
MAX_ENTRIES = 10_000


@dataclass(frozen=True, slots=True)
class Document:
    """A file's content on its way to a reader."""

    body: bytes
    name: str
    content_type: str = ""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of document: what it is called, how it is recognised, who reads it."""

    name: str
    sniff: Sniffer
    read: Reader


def parse_document(body: bytes, name: str, *, content_type: str = "") -> tuple[Entry, ...]:
    """The entries that a file holds: one for a text, page or message, many for a saved feed.

    ``name`` is the file's name or path, ``content_type`` what a server or message called it; both may be
    wrong. Entries of a text, page or message have no title of the file's making: where the document states
    none, `service.clean` finds or makes one.

    :raises ParseFailure: EMPTY, NOT_TEXT with what it seems to be, UNSUPPORTED (a kind that is not read, or
        a password that is needed), MALFORMED, TOO_COMPLEX,
        TOO_LARGE
    """
    if not body.strip(_BLANK):
        raise ParseFailure(Reason.EMPTY, "the file is empty" if not body else "the file holds only blanks")
    body = unpack(body, limit=max(MAX_UNPACKED, len(body)))
    if not body.strip(_BLANK):
        raise ParseFailure(Reason.EMPTY, "the packed file is empty, or breaks off before its text")
    sample = take_sample(body, name, content_type)
    for kind in KINDS:
        if kind.sniff(sample):
            try:
                entries = kind.read(Document(body, name, content_type))
            except RecursionError as error:
                raise ParseFailure(Reason.TOO_COMPLEX, f"{kind.name} nested too deeply to be read") from error
            if not entries:
                raise ParseFailure(Reason.EMPTY, f"{kind.name} without any article in it")
            return entries[:MAX_ENTRIES]
    raise refuse(sample)


def parse_piece(piece: Piece, name: str) -> tuple[Entry, ...]:
    """The entries of a piece of a container (`service.parse.container.pieces`); ``name`` is the container's.

    :raises ParseFailure: as `parse_document`
    """
    match piece.form:
        case Form.RECORD:
            from service.parse.records import read_record  # noqa: PLC0415 - with those that need it

            assert piece.record is not None
            return read_record(piece.record)
        case Form.MESSAGE:
            return tuple(replace(entry, listed=True) for entry in _read_mail(Document(piece.body, name)))
    return parse_document(piece.body, piece.member.rsplit("/", 1)[-1] or without_suffix(name))


# -- readers -------------------------------------------------------------------------------------------


def _read_feed(document: Document) -> tuple[Entry, ...]:
    from service.parse.feed import parse_feed  # noqa: PLC0415 - feeds are rare among files

    location = document.name
    return parse_feed(
        Fetched(url=location, final_url=location, body=document.body, content_type=document.content_type)
    ).entries


def _read_mail(document: Document) -> tuple[Entry, ...]:
    from service.parse.document_mail import read_message  # noqa: PLC0415 - the email package costs 30 ms

    return read_message(document.body)


def _read_web_archive(document: Document) -> tuple[Entry, ...]:
    from service.parse.document_mail import read_web_archive  # noqa: PLC0415 - as a page costs

    return read_web_archive(document.body)


def _read_page(document: Document) -> tuple[Entry, ...]:
    from service.parse.document_page import read_page  # noqa: PLC0415 - extraction costs 0.4 s to import

    return read_page(document.body, document.content_type)


def _read_pdf(document: Document) -> tuple[Entry, ...]:
    from service.parse.document_pdf import read_pdf  # noqa: PLC0415 - PDFium is a library of 7 MB

    return read_pdf(document.body)


def _read_word(document: Document) -> tuple[Entry, ...]:
    from service.parse.document_office import read_word  # noqa: PLC0415 - with mammoth and lxml

    return read_word(document.body)


def _read_odt(document: Document) -> tuple[Entry, ...]:
    from service.parse.document_office import read_odt  # noqa: PLC0415 - with odfdo and lxml

    return read_odt(document.body)


def _read_rtf(document: Document) -> tuple[Entry, ...]:
    from service.parse.document_rtf import read_rtf  # noqa: PLC0415 - with the others

    return read_rtf(document.body)


def _refuse_xml(document: Document) -> tuple[Entry, ...]:
    root = find_root(take_sample(document.body, document.name, document.content_type).text)
    begins = f" that begins with <{root.name[:60]}>" if root is not None else ""
    raise ParseFailure(Reason.UNSUPPORTED, f"an XML document{begins}, neither a feed nor a page")


def _read_text(document: Document) -> tuple[Entry, ...]:
    from service.parse.document_text import read_text  # noqa: PLC0415 - with the others

    return read_text(document.body, document.name, document.content_type)


KINDS: tuple[Kind, ...] = (
    Kind("a PDF", looks_like_pdf, _read_pdf),
    Kind("a Word document", lambda sample: sample.package == WORD, _read_word),
    Kind("an OpenDocument text", lambda sample: sample.package == ODT, _read_odt),
    Kind("an RTF document", looks_like_rtf, _read_rtf),
    Kind("a feed", lambda sample: sample.is_feed, _read_feed),
    Kind("a web page", looks_like_page, _read_page),
    Kind("a web archive", looks_like_web_archive, _read_web_archive),
    Kind("an e-mail", looks_like_mail, _read_mail),
    Kind("an XML document", looks_like_xml, _refuse_xml),
    Kind("a text", lambda sample: sample.is_text, _read_text),
)
