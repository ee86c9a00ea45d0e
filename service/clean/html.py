"""HTML → lines of plain text: what a reader would see, in the order of the source.

The tree is lexbor's (the parsing algorithm of the HTML standard); scripts, styles, controls and what is
hidden are left out; nothing is executed, loaded or resolved.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import unescape

from selectolax.lexbor import LexborHTMLParser, LexborNode

from service.clean.text import MAX_CHARACTERS, TOO_LONG, Line, one_line, read_lines

MAX_MARKUP = 8_000_000  # characters of markup that are read
MAX_DEPTH = 500  # lexbor takes quadratic time over elements nested in each other without end
MAX_NODES = 400_000


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_DROPPED = _names(
    """
    script style template noscript noframes iframe frame object embed applet svg canvas audio video map head
    title meta link base button select option datalist input textarea progress meter nav dialog menu
    """
)
_BLOCKS = _names(
    """
    address article aside blockquote body center dd details dir div dl dt fieldset figcaption figure footer
    form h1 h2 h3 h4 h5 h6 header hgroup hr html legend li main ol optgroup p pre search section summary
    table tbody td tfoot th thead tr ul caption
    """
)
_HEADINGS = _names("h1 h2 h3 h4 h5 h6")
_LISTS = _names("ul ol dir")
_CELLS = _names("td th")
_LAYOUT = "p, div, ul, ol, h1, h2, h3, h4, blockquote, article, section"  # in cells that are no data
# Elements whose end is implied, so that many open ones are no nesting.
_UNNESTED = _names(
    """
    area base br col embed hr img input link meta source track wbr p li dt dd option tr td th thead tbody
    tfoot colgroup
    """
)
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9:-]*)[^<>]*?(/?)>")
_ANY_TAG = re.compile(r"<[^<>]*>|<!--.*?-->", re.DOTALL)
_HIDDEN = re.compile(
    r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|font-size\s*:\s*0(?![.\d])"
    r"|opacity\s*:\s*0(?:\.0*)?\s*(?:;|$|!))",
    re.IGNORECASE,
)
_ESCAPED_MARKUP = re.compile(r"</(?:p|div|a|strong|em|b|i|span|ul|li|h[1-6]|blockquote)\s*>", re.IGNORECASE)
_SPACE = re.compile(r"[ \t\n\r\f\xa0]+")
_ENTITY = re.compile(r"&(?:#\d{2,7}|#[xX][0-9a-fA-F]{2,6}|[A-Za-z]{2,31}\d{0,2});")


def html_lines(markup: str, unread: list[str] | None = None) -> list[Line]:
    """The lines of an HTML fragment or page, in reading order.

    What is left out of one that is too long is named in ``unread``.
    """
    unread = [] if unread is None else unread
    if len(markup) > MAX_MARKUP:
        unread.append(f"what follows the first {MAX_MARKUP:,} characters of its markup")
    lines = _read(markup[:MAX_MARKUP].replace("\x00", ""), unread)
    if len(lines) == 1 and _ESCAPED_MARKUP.search(lines[0].text):
        # Escaped twice by its maker: what should be markup is the text.
        return _read(lines[0].text, unread) or lines
    return lines


def strip_markup(title: str, *, is_html: bool) -> str:
    """A title without markup; entities that a feed escaped once too often are resolved."""
    if is_html and ("<" in title or "&" in title):
        title = " ".join(line.text for line in html_lines(title))
    return unescape(title) if _ENTITY.search(title) else title


def _read(markup: str, unread: list[str]) -> list[Line]:
    if "<" not in markup:
        return read_lines(unescape(markup), unread)
    if nesting(markup) > MAX_DEPTH:
        # Nobody writes such a thing to be read; its words are still worth keeping.
        return read_lines(unescape(_ANY_TAG.sub("\n\n", markup)), unread)
    return _walk(markup, unread)


def nesting(markup: str) -> int:
    """How deep elements are nested, as far as their tags tell; reads every tag once."""
    depth = deepest = 0
    for close, name, empty in _TAG.findall(markup):
        if name.lower() in _UNNESTED:
            continue
        if close:
            depth = max(0, depth - 1)
        elif not empty:
            depth += 1
            deepest = max(deepest, depth)
    return deepest


@dataclass(slots=True)
class _Writer:
    """Gathers lines while the tree is walked."""

    lines: list[Line] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    linked: int = 0  # characters of the current line inside links
    paragraph: int = 0
    block: int = 0
    size: int = 0
    depth_of_links: int = 0
    heading: bool = False
    prefix: str = ""
    too_long: bool = False

    def text(self, text: str, *, raw: bool) -> None:
        if raw:
            rows = text.split("\n")
            for row in rows[:-1]:
                self.parts.append(row)
                self.end_line()
            text = rows[-1]
        self.parts.append(text)
        if self.depth_of_links:
            self.linked += len(text.strip())

    def end_line(self) -> None:
        text = one_line("".join(self.parts)) if self.parts else ""
        self.too_long |= bool(text) and self.size >= MAX_CHARACTERS
        if text and not self.too_long:
            link = self.linked >= len(text) - 2
            self.lines.append(Line(self.prefix + text, self.paragraph, self.block, self.heading, link))
            self.size += len(text)
            self.prefix = ""
        self.parts.clear()
        self.linked = 0

    def end_paragraph(self, *, same_block: bool = False) -> None:
        self.end_line()
        self.paragraph += 1
        if not same_block:
            self.block += 1


def _walk(markup: str, unread: list[str]) -> list[Line]:
    root = LexborHTMLParser(markup).root
    writer = _Writer()
    if root is None:
        return []
    walker = _Walker(writer)
    node: LexborNode | None = root
    seen = 0
    while node is not None and seen < MAX_NODES:
        seen += 1
        child = node.first_child if walker.enter(node) else None
        if child is not None:
            node = child
            continue
        walker.leave(node)
        node = walker.following(node)
    writer.end_paragraph()
    if writer.too_long:
        unread.append(TOO_LONG)
    if node is not None:
        unread.append(f"what follows its first {MAX_NODES:,} elements")
    return writer.lines


class _Walker:
    """What entering and leaving an element means."""

    def __init__(self, writer: _Writer) -> None:
        self.writer = writer
        self.raw = 0
        self.lists: list[int] = []  # the number of the next item, 0 for bullets
        self.tables: list[bool] = []  # whether a table holds data, not the page's layout
        self.cells = 0

    def enter(self, node: LexborNode) -> bool:
        """Begin a node; whether its children are to be read."""
        tag = node.tag or ""
        writer = self.writer
        if tag == "-text":
            text = node.text_content or ""
            writer.text(text if self.raw else _SPACE.sub(" ", text), raw=bool(self.raw))
            return False
        if tag.startswith(("-", "!")) and tag not in ("-document", "-undef"):
            return tag == "-document"
        if tag in _DROPPED or _is_hidden(node):
            return False
        if tag == "br":
            self._break()
        elif tag == "a":
            writer.depth_of_links += 1
        elif tag == "q":
            writer.text("“", raw=False)
        elif tag in _BLOCKS:
            self._enter_block(tag, node)
        return True

    def leave(self, node: LexborNode) -> None:
        """End a node."""
        tag = node.tag or ""
        writer = self.writer
        if tag in _DROPPED or tag.startswith("-"):
            return
        if tag == "a":
            writer.depth_of_links = max(0, writer.depth_of_links - 1)
        elif tag == "q":
            writer.text("”", raw=False)
        elif tag in _BLOCKS and not _is_hidden(node):
            self._leave_block(tag)

    def following(self, node: LexborNode) -> LexborNode | None:
        """The next node in reading order after all of ``node``, leaving its ancestors where they end."""
        here: LexborNode | None = node
        while here is not None:
            if here.next is not None:
                return here.next
            here = here.parent
            if here is not None:
                self.leave(here)
        return None

    def _break(self) -> None:
        # One break is a new line, two or more a new paragraph.
        writer = self.writer
        if "".join(writer.parts).strip():
            writer.end_line()
        elif writer.lines and not self._in_data():
            writer.end_paragraph(same_block=True)

    def _in_data(self) -> bool:
        return bool(self.tables and self.tables[-1])

    def _enter_block(self, tag: str, node: LexborNode) -> None:
        writer = self.writer
        if self._in_data() and tag != "table":
            if tag == "tr":
                writer.end_line()
                self.cells = 0
            elif tag in _CELLS:
                if self.cells and "".join(writer.parts).strip():
                    writer.text(" | ", raw=False)
                self.cells += 1
            return
        if tag == "li":
            writer.end_line()
            self._item()
            return
        self._end(tag)
        writer.heading = tag in _HEADINGS
        if tag in _LISTS:
            self.lists.append(1 if tag == "ol" else 0)
        elif tag == "pre":
            self.raw += 1
        elif tag == "table":
            nested = len(node.css("table")) > 1  # the table itself is one
            self.tables.append(not nested and node.css_first(_LAYOUT) is None)

    def _item(self) -> None:
        number = self.lists[-1] if self.lists else 0
        self.writer.prefix = f"{number}. " if number else "• "
        if number:
            self.lists[-1] += 1

    def _leave_block(self, tag: str) -> None:
        writer = self.writer
        if self._in_data() and tag != "table":
            return
        if tag == "li":
            writer.end_line()
            writer.prefix = ""
            return
        if tag in _LISTS and self.lists:
            self.lists.pop()
        elif tag == "pre":
            self.raw = max(0, self.raw - 1)
        elif tag == "table" and self.tables:
            self.tables.pop()
        self._end(tag)
        writer.heading = False

    def _end(self, tag: str) -> None:
        """The end of a paragraph; inside a list only of a line, so that a list stays together."""
        if self.lists and tag != "table":
            self.writer.end_line()
        else:
            self.writer.end_paragraph()


def _is_hidden(node: LexborNode) -> bool:
    attributes = node.attributes
    if not attributes:
        return False
    if "hidden" in attributes or attributes.get("aria-hidden") == "true":
        return True
    style = attributes.get("style")
    return bool(style) and _HIDDEN.search(style or "") is not None
