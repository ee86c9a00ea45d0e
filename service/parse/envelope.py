"""What kind of thing a body is, before anyone parses it: packed, empty, an image, a web page, XML, JSON."""

from __future__ import annotations

import html
import re
import zlib
from dataclasses import dataclass

from service.errors import ParseFailure
from service.values import Reason

MAX_BYTES = 32 * 1024 * 1024  # of one feed document, unpacked; the largest real one seen has 4 MB

_GZIP = b"\x1f\x8b\x08"
_BINARY = (
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"RIFF", "a WebP image or a sound"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive or an Office document"),
    (b"\x1f\x8b", "a gzip file of an unknown kind"),
    (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ", "an xz file"),
    (b"\x28\xb5\x2f\xfd", "a zstd file"),
    (b"ID3", "an MP3 sound"),
    (b"OggS", "an Ogg sound"),
    (b"\x00\x00\x01\x00", "an icon"),
    (b"\x7fELF", "a program"),
    (b"SQLite format 3", "a database"),
)
_FEED_ROOT = re.compile(r"<(?:[A-Za-z_][\w.-]{0,40}:)?(?:rss|feed|rdf|channel)[\s>]", re.IGNORECASE)
_TAG_NAME = re.compile(r"<([A-Za-z_][^\s/>]{0,100})")
_HTML_TITLE = re.compile(r"<title[^>]{0,200}>([^<]{0,2000})", re.IGNORECASE)
_FEED_NAMES = frozenset(("rss", "feed", "rdf", "channel", "entry", "item"))
_PAGE_NAMES = frozenset(("html", "head", "body", "title", "meta", "script", "style", "link", "frameset"))
# What servers print in front of a feed (warnings of a broken plug-in), as opposed to a whole page.
_FRAGMENT_NAMES = frozenset(
    ("br", "b", "p", "div", "pre", "font", "table", "h1", "h2", "span", "center", "a")
)
_LOOK_AHEAD = 64 * 1024  # characters in which a feed must begin


@dataclass(frozen=True, slots=True)
class Root:
    """The first element of an XML document: its qualified name, where it starts, and what stands before."""

    name: str
    start: int
    doctype: str = ""  # the whole <!DOCTYPE …>, empty when there is none

    @property
    def local_name(self) -> str:
        """The name without its prefix, in lower case."""
        return self.name.rpartition(":")[2].lower()


def unpack(body: bytes, *, limit: int = MAX_BYTES) -> bytes:
    """Undo a gzip or zlib coding that the server did not own up to.

    :raises ParseFailure: the unpacked body would exceed ``limit`` bytes, or nothing could be unpacked
    """
    if len(body) > limit:
        raise ParseFailure(Reason.TOO_LARGE, f"{len(body):,} bytes; at most {limit:,} are read")
    zlib_header = body[:1] == b"\x78" and len(body) > 1 and (body[0] * 256 + body[1]) % 31 == 0
    if not body.startswith(_GZIP) and not zlib_header:
        return body
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 32)  # either header
    try:
        unpacked = unpacker.decompress(body, limit + 1)
    except zlib.error as error:
        if zlib_header:
            return body  # a text may begin with "x"
        raise ParseFailure(Reason.MALFORMED, f"packed with gzip, but broken: {error}") from error
    if len(unpacked) > limit:
        raise ParseFailure(Reason.TOO_LARGE, f"more than {limit:,} bytes when unpacked")
    return unpacked


def refuse_binary(body: bytes) -> None:
    """Refuse a body that is plainly no text.

    :raises ParseFailure: with what it is instead
    """
    for magic, name in _BINARY:
        if body.startswith(magic):
            raise ParseFailure(Reason.NOT_A_FEED, f"{name}, not a feed")


def find_root(text: str) -> Root | None:
    """The first element after declaration, comments and document type; None when there is no markup.

    Text in front of it (a byte order mark read as letters, output of a broken plug-in) is skipped when a
    feed begins soon after.
    """
    position, doctype = 0, ""
    while True:
        position = _skip_space(text, position)
        if text.startswith("<!--", position):
            position = _after(text, "-->", position)
        elif text.startswith("<?", position):
            position = _after(text, "?>", position)
        elif text[position : position + 9].upper() == "<!DOCTYPE":
            end = _doctype_end(text, position)
            doctype, position = text[position:end], end
        else:
            break
    match = _TAG_NAME.match(text, position)
    if match is None or match[1].lower() in _FRAGMENT_NAMES:
        feed = _FEED_ROOT.search(text, position, position + _LOOK_AHEAD)
        if feed is not None:
            match, position = _TAG_NAME.match(text, feed.start()), feed.start()
    return Root(match[1], position, doctype) if match else None


def refuse_page(text: str, root: Root) -> None:
    """Refuse what is XML or HTML but no feed.

    :raises ParseFailure: with the page's title, or the name of the element that it begins with
    """
    if root.local_name in _FEED_NAMES:
        return
    page = root.local_name in _PAGE_NAMES or root.doctype[9:].strip().lower().startswith("html")
    if page or root.local_name in _FRAGMENT_NAMES:
        raise ParseFailure(Reason.NOT_A_FEED, f"a web page{page_title(text)}, not a feed")


def refuse_unknown(root: Root) -> ParseFailure:
    """The failure for an XML document without entries whose root no feed format has."""
    known = {
        "opml": "an OPML list of subscriptions: import it instead",
        "urlset": "a sitemap",
        "sitemapindex": "a sitemap index",
        "svg": "an SVG image",
        "error": "an error message in XML",
        "opensearchdescription": "an OpenSearch description",
    }
    what = known.get(root.local_name, f"an XML document that begins with <{root.name[:60]}>")
    return ParseFailure(Reason.NOT_A_FEED, f"{what}, not a feed")


def page_title(text: str) -> str:
    """`` titled "…"`` for a message, or nothing."""
    match = _HTML_TITLE.search(text[:_LOOK_AHEAD])
    title = " ".join(html.unescape(match[1]).split())[:120] if match else ""
    return f' titled "{title}"' if title else ""


def _skip_space(text: str, position: int) -> int:
    while position < len(text) and (text[position] in " \t\r\n\ufeff\x00\x0b\x0c\xa0"):
        position += 1
    return position


def _after(text: str, mark: str, position: int) -> int:
    found = text.find(mark, position)
    return len(text) if found < 0 else found + len(mark)


def _doctype_end(text: str, position: int) -> int:
    subset, close = text.find("[", position), text.find(">", position)
    if 0 <= subset < close:
        end_of_subset = text.find("]", subset)
        close = text.find(">", end_of_subset) if end_of_subset >= 0 else -1
    return len(text) if close < 0 else close + 1
