"""Word documents and OpenDocument texts → one entry each.

mammoth and odfdo know what the formats mean – lists, notes, tables, insertions and deletions that were
tracked – and write HTML and Markdown of it. What the documents say of themselves is read here.
"""

from __future__ import annotations

import html
import io
import re
from dataclasses import replace

from lxml import etree

from service.errors import ParseFailure
from service.parse.document_kinds import ODT, WORD
from service.parse.package import Package, open_package
from service.values import DateOrigin, Entry, FileProperties, Reason

_LONG = 8_000  # paragraphs from which mammoth takes too long (1 ms each)
_TOO_LONG = f"its notes, and its lists and tables as such: it has over {_LONG:,} paragraphs"
_MAX_PROPERTY = 1_000  # characters
_STYLES = """
p[style-name='Title'] => p.title:fresh
p[style-name='Subtitle'] => p:fresh
"""
_TITLE = re.compile(r'<p class="title">(.{1,4000}?)</p>', re.DOTALL)
_HEADING = re.compile(r"<h1>(.{1,4000}?)</h1>", re.DOTALL)
_TAG = re.compile(r"<[^<>]*>")
_BACK = re.compile(r'\s*<a href="#(?:footnote|endnote)-ref-\d+">↑</a>')  # from a note to its place
_BLOCK = re.compile(r"<(?:p|h[1-6]|li|table)[ >]")
_TOP = 5  # blocks before a heading that is the title: a letterhead, a date
_CELL = re.compile(r"(<t[dh][^<>]*>)<p>((?:[^<]|<(?!/?p>))*)</p>(</t[dh]>)")
_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_STYLE = "{urn:oasis:names:tc:opendocument:xmlns:style:1.0}"
_NAMES = {  # of properties, by their names without namespaces
    "title": "title",
    "creator": "author",
    "initial-creator": "author",
    "created": "created",
    "creation-date": "created",
    "language": "language",
}


def read_word(body: bytes) -> tuple[Entry, ...]:
    """One entry with the text of a Word document (DOCX), as it is when all tracked changes are accepted.

    :raises ParseFailure: MALFORMED, EMPTY, TOO_COMPLEX, UNSUPPORTED when it is encrypted
    """
    package = open_package(body)
    main = _main_part(package)
    is_long = main.count(b"<w:p>") + main.count(b"<w:p ") > _LONG
    content = "" if is_long else _by_mammoth(body)
    if not _has_words(content):
        content = _plainly(main)  # what mammoth leaves out: text with its pronunciation above it
    styled = _TITLE.search(content)
    title = styled[1] if styled else _heading(content)
    entry = _entry(package.part("docProps/core.xml"), content, title, WORD)
    return (replace(entry, unread=(_TOO_LONG,) if is_long else ()),)


def read_odt(body: bytes) -> tuple[Entry, ...]:
    """One entry with the text of an OpenDocument text (ODT).

    :raises ParseFailure: MALFORMED, EMPTY, TOO_COMPLEX, UNSUPPORTED when it is encrypted
    """
    package = open_package(body)
    if b"encryption-data" in (package.part("META-INF/manifest.xml") or b""):
        raise ParseFailure(Reason.UNSUPPORTED, f"{ODT} that is encrypted and opens only with its password")
    content = _by_odfdo(body)
    title = _styled_title(package.part("content.xml") or b"") or _heading(content)
    return (_entry(package.part("meta.xml"), content, title, ODT),)


def _has_words(content: str) -> bool:
    return bool(_TAG.sub("", content).strip())


def _entry(properties: bytes | None, content: str, title: str | None, kind: str) -> Entry:
    if not _has_words(content):
        raise ParseFailure(Reason.EMPTY, f"{kind} without text")
    stated = _properties(properties)
    return Entry(
        title=title,
        title_is_html=True,
        content=content,
        date_origin=DateOrigin.METADATA,
        language=stated.get("language"),
        properties=FileProperties(
            title=stated.get("title"), author=stated.get("author"), created=stated.get("created")
        ),
    )


def _heading(content: str) -> str | None:
    """The one heading of the first level, where it stands at the top."""
    headings = list(_HEADING.finditer(content))
    if len(headings) != 1 or len(_BLOCK.findall(content, 0, headings[0].start())) > _TOP:
        return None
    return headings[0][1]


def _parse(part: bytes) -> etree._Element | None:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, recover=True)
    try:
        return etree.fromstring(part, parser)
    except (etree.XMLSyntaxError, ValueError):
        return None


def _properties(part: bytes | None) -> dict[str, str]:
    """A package's properties by our names; the first of each."""
    root = _parse(part) if part else None
    found: dict[str, str] = {}
    for element in root.iter(etree.Element) if root is not None else ():
        # A broken part may have names that lxml refuses to take apart.
        name = _NAMES.get(str(element.tag).rpartition("}")[2].rpartition(":")[2])
        value = (element.text or "").strip()[:_MAX_PROPERTY]
        if name and value:
            found.setdefault(name, value)
    return found


# -- Word ----------------------------------------------------------------------------------------------


def _by_mammoth(body: bytes) -> str:
    import mammoth  # noqa: PLC0415 - with the documents that need it

    try:
        result = mammoth.convert_to_html(
            io.BytesIO(body),
            style_map=_STYLES,
            include_embedded_style_map=False,  # the document does not decide how it is read
            convert_image=mammoth.images.img_element(lambda _: {}),
        )
    except (MemoryError, RecursionError):
        raise
    except Exception as error:  # mammoth has no errors of its own
        raise ParseFailure(
            Reason.MALFORMED, f"{WORD} that is broken: {type(error).__name__}: {error}"[:500]
        ) from error
    # A cell's only paragraph is the cell: with paragraphs in them, tables are taken for the page's layout.
    return _CELL.sub(r"\1\2\3", _BACK.sub("", str(result.value)))


def _main_part(package: Package) -> bytes:
    names = (info.filename for info in package.archive.filelist)
    name = next((name for name in names if name.startswith("word/document") and name.endswith(".xml")), "")
    return package.part(name) or b""


def _plainly(main: bytes) -> str:
    """The paragraphs of a very long document, without lists, tables and notes."""
    root = _parse(main)
    written = []
    for paragraph in root.iter(f"{_W}p") if root is not None else ():
        # Deleted words stand in w:delText; a w:t below w:moveFrom was moved away.
        words = "".join(
            " " if node.tag == f"{_W}tab" else "\n" if node.tag == f"{_W}br" else node.text or ""
            for node in paragraph.iter(f"{_W}t", f"{_W}tab", f"{_W}br")
            if not any(above.tag == f"{_W}moveFrom" for above in node.iterancestors(f"{_W}moveFrom"))
        )
        if words.strip():
            written.append(f"<p>{html.escape(words, quote=False)}</p>")
    return "\n".join(written)


# -- OpenDocument --------------------------------------------------------------------------------------


def _by_odfdo(body: bytes) -> str:
    from markdown_it import MarkdownIt  # noqa: PLC0415 - with the documents that need them
    from odfdo import Document  # noqa: PLC0415

    try:
        markdown = str(Document(io.BytesIO(body)).to_markdown())
    except (MemoryError, RecursionError):
        raise
    except Exception as error:  # odfdo lets lxml's and zipfile's through
        raise ParseFailure(
            Reason.MALFORMED, f"{ODT} that is broken: {type(error).__name__}: {error}"[:500]
        ) from error
    return str(MarkdownIt("commonmark", {"maxNesting": 20}).enable("table").render(markdown))


def _styled_title(content: bytes) -> str | None:
    """The first paragraph in the style "Title", or in a style made of it."""
    root = _parse(content)
    if root is None:
        return None
    styles = {"Title"} | {
        style.get(f"{_STYLE}name", "")
        for style in root.iter(f"{_STYLE}style")
        if style.get(f"{_STYLE}parent-style-name") == "Title"
    }
    for paragraph in root.iter(f"{_TEXT}p", f"{_TEXT}h"):
        if paragraph.get(f"{_TEXT}style-name") in styles:
            words = " ".join("".join(paragraph.itertext()).split())
            if words:
                return html.escape(words, quote=False)
    return None
