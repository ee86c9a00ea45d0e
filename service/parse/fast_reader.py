"""The state of the fast reader: which elements are open, whose text is collected, what is passed over."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from xml.parsers import expat

from service.errors import ParseFailure
from service.parse.fast_names import AUTHOR_PARTS, HARMLESS, SENSITIVE, XML, Namer, Unusual
from service.parse.fast_text import looks_like_html, mended
from service.parse.limits import MAX_DEPTH
from service.values import Reason

TYPES = {"text": "text/plain", "plain": "text/plain", "html": "text/html"}
_LANGUAGE, _BASE = f"{XML} lang xml".lower(), f"{XML} base xml".lower()

Dict = dict[str, Any]
Attributes = dict[str, str]
End = Callable[[], None] | None  # what is to be done when the element ends
# Starts an element, and gives back how it ends.
Handler = Callable[["Reader", Attributes], End]


class Reader:
    """The state of one document. ``handlers`` are those of the place where the reading is."""

    def __init__(self, handlers: Mapping[str, Handler]) -> None:
        self.namer = Namer()
        self.feed: Dict = {}
        self.entries: list[Dict] = []
        self.entry: Dict | None = None  # the one that is open
        self.handlers = handlers
        self.depth = 0
        self.depths: dict[str, int] = {}  # of the elements that gave the open entry its values
        self.title_depth = -1  # of the title that bars further ones as deep or deeper
        self.title_in_doubt = False  # a title was passed over that may have moved the bar
        self.has_content = False
        self.in_author = False
        self.ends: list[End] = []
        self.languages: list[str | None] = [None]
        self.texts: list[list[str]] = []  # of the texts that are open: one, or an author and a part of it
        self.skipping = 0  # depth of the element that is passed over with all inside, 0 for none
        self.allowed: frozenset[str] = frozenset()  # in it
        self.parser = expat.ParserCreate("utf-8", " ")
        self.parser.namespace_prefixes = True
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.characters
        self.parser.StartNamespaceDeclHandler = self.namer.declare

    # -- events ----------------------------------------------------------------------------------------

    def start(self, raw: str, attributes: Attributes) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise ParseFailure(Reason.TOO_COMPLEX, f"elements nested deeper than {MAX_DEPTH}")
        name = self.namer.names.get(raw) or self.namer.name(raw)
        self.languages.append(self._language(name, attributes) if attributes else self.languages[-1])
        if self.skipping:
            if name in SENSITIVE and name not in self.allowed:
                raise Unusual
            self.title_in_doubt |= name == "title"
            self.ends.append(None)
            return
        if self.texts and not (self.in_author and name in AUTHOR_PARTS and len(self.texts) == 1):
            raise Unusual  # markup inside a text
        handler = self.handlers.get(name)
        if handler is not None:
            self.ends.append(handler(self, attributes))
        elif self.depth > 1 and (name in HARMLESS or name not in SENSITIVE):
            self.skip()
            self.ends.append(None)
        else:
            raise Unusual

    def end(self, _raw: str) -> None:
        ending = self.ends.pop()
        if ending is not None:
            ending()
        if self.skipping == self.depth:
            self.skipping = 0
        self.languages.pop()
        self.depth -= 1

    def characters(self, text: str) -> None:
        if self.texts and not self.skipping:
            self.texts[-1].append(text)

    # -- tools -----------------------------------------------------------------------------------------

    @property
    def context(self) -> Dict:
        """What values belong to: the open entry, else the feed."""
        return self.feed if self.entry is None else self.entry

    def _language(self, name: str, attributes: Attributes) -> str | None:
        lowered = {key.lower(): value for key, value in attributes.items()}
        if _BASE in lowered or "base" in lowered:
            raise Unusual
        if any(key.endswith("xmlns") for key in lowered):
            raise Unusual  # "xmLns" declares nothing in XML, and a namespace for feedparser
        language = lowered.get(_LANGUAGE, lowered.get("lang"))
        if language is None:
            language = self.languages[-1]
        if language and name in ("feed", "rss"):
            self.feed["language"] = language.replace("_", "-")
        return language or None

    def skip(self, allowed: frozenset[str] = frozenset()) -> None:
        """Pass over this element with all inside."""
        self.skipping, self.allowed = self.depth, allowed

    def open(self, use: Callable[[str], None]) -> End:
        """Collect the text of this element, and use it stripped when it ends."""
        pieces: list[str] = []
        self.texts.append(pieces)

        def close() -> None:
            self.texts.pop()
            use("".join(pieces).strip())

        return close

    def open_content(self, attributes: Attributes, default: str, use: Callable[[str, Dict], None]) -> End:
        """The same for a text that may be HTML, with what feedparser calls its detail."""
        plain = plain_attributes(attributes) if attributes else attributes
        kind = plain.get("type", default)
        kind = TYPES.get(kind, kind)
        if kind not in ("text/plain", "text/html") or "mode" in plain or "src" in plain:
            raise Unusual
        language = self.languages[-1]

        def close(text: str) -> None:
            value = mended(text)
            atom = self.namer.version.startswith("atom")
            html = kind == "text/html" or (not atom and looks_like_html(text))
            detail: Dict = {"value": value, "type": "text/html" if html else kind}
            detail["language"] = language.replace("_", "-") if language else None
            use(value, detail)

        return self.open(close)

    def store(self, name: str, value: str, detail: Dict | None = None) -> None:
        """A value of the feed, or of the entry when none of it was found higher up in the tree."""
        if self.entry is None:
            self.feed[name] = value
            return
        if self.depth <= self.depths.get(name, self.depth):
            self.depths[name] = self.depth
            self.entry[name] = value
        if detail is not None:
            self.entry[name + "_detail"] = detail


def plain_attributes(attributes: Attributes) -> Dict:
    """Attributes as feedparser names them; those of other namespaces are beyond this reader."""
    plain: Dict = {}
    for key, value in attributes.items():
        if " " not in key:
            name = key.lower()
            plain[name] = value.lower() if name in ("rel", "type") else value
        elif not key.startswith(XML):
            raise Unusual
    return plain
