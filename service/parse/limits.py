"""What hostile XML may not do: explode by entities, nest without end, bring a million entries, break off.

A document is looked through with expat before feedparser sees it, because feedparser has no limits of its
own. What comes out is a document in one normal form: no document type, no entities of its own.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from xml.parsers import expat

from service.errors import ParseFailure
from service.parse.envelope import Root
from service.values import Reason

MAX_DEPTH = 256  # elements within each other; real feeds reach 30, with whole pages as XHTML content
MAX_ENTRIES = 10_000
CAPPED = f"more than {MAX_ENTRIES:,} entries; the first {MAX_ENTRIES:,} were read"
MAX_CATEGORIES = 2_000  # of one entry: feedparser compares each with all before it
MAX_ENTITIES = 300  # HTML's Latin-1 set, which old RSS declares, has 96
MAX_ENTITY_CHARACTERS = 10_000  # one entity, fully expanded
MAX_EXPANSION = 1_000_000  # characters that all references of a document may add

_ENTITY = re.compile(r"""<!ENTITY\s+([A-Za-z_][\w.-]{0,80})\s+(?:"([^"]*)"|'([^']*)')\s*>""")
_REFERENCE = re.compile(r"&([A-Za-z_][\w.-]{0,80});")
_PREDEFINED = frozenset(("lt", "gt", "amp", "quot", "apos"))
_ENTRY_END = re.compile(r"</(?:[A-Za-z_][\w.-]{0,40}:)?(?:item|entry)\s{0,20}>", re.IGNORECASE)
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_CHARACTER_REFERENCE = re.compile(r"&#(?:[xX]([0-9A-Fa-f]{1,9})|([0-9]{1,9}));")
_DECLARATION = '<?xml version="1.0" encoding="utf-8"?>\n'


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document in normal form, and what was mended to get there."""

    text: str
    warnings: tuple[str, ...] = ()


def prepare(text: str, root: Root) -> Prepared:
    """Bring a feed document into the normal form, within the limits.

    :raises ParseFailure: TOO_COMPLEX over a limit, MALFORMED when it breaks off before one entry is whole
    """
    warnings = []
    document, follows = _without_tail(text[root.start :], root)
    if follows:
        warnings.append("something that is no XML follows the end of the document; it was left out")
    document = _expanded(document, root.doctype)
    scan = _Scan(_DECLARATION + document)
    if scan.error:
        mended = without_illegal(document)
        if mended != document:
            document = mended
            warnings.append("characters that XML forbids were taken out")
            scan = _Scan(_DECLARATION + document)
    if scan.capped or len(_ENTRY_END.findall(document)) > MAX_ENTRIES:
        document = _cut(document, root, scan, at_cap=True)
        warnings.append(CAPPED)
    elif scan.error and f"</{root.name}".lower() not in document[-1000:].lower():
        document = _cut(document, root, scan, at_cap=False)
        warnings.append("the document breaks off in the middle; its whole entries were kept")
    elif scan.error:
        warnings.append(f"not well-formed, read leniently: {scan.error}")
    return Prepared(_DECLARATION + document, tuple(warnings))


# -- entities ------------------------------------------------------------------------------------------


def _expanded(document: str, doctype: str) -> str:
    """The document with the references to its own entities replaced; external ones stay unresolved."""
    if "<!ENTITY" not in doctype:
        return document
    if doctype.count("<!ENTITY") > MAX_ENTITIES:
        raise ParseFailure(Reason.TOO_COMPLEX, f"more than {MAX_ENTITIES} entities declared")
    declared = {match[1]: match[2] or match[3] or "" for match in _ENTITY.finditer(doctype)}
    flat: dict[str, str] = {}
    for name in declared:
        _flatten(name, declared, flat, ())
    added = sum(len(flat[match[1]]) for match in _REFERENCE.finditer(document) if match[1] in flat)
    if added > MAX_EXPANSION:
        raise ParseFailure(Reason.TOO_COMPLEX, f"entities that expand to {added:,} characters")
    # Character references in a declaration are resolved when it is read (XML 1.0 section 4.5).
    values = {name: _CHARACTER_REFERENCE.sub(_character, value) for name, value in flat.items()}
    parts = document.split("<![CDATA[")
    for number, part in enumerate(parts):
        literal, end, rest = part.partition("]]>") if number else ("", "", part)
        parts[number] = literal + end + _REFERENCE.sub(lambda match: values.get(match[1], match[0]), rest)
    return "<![CDATA[".join(parts)


def _character(match: re.Match[str]) -> str:
    code = int(match[1], 16) if match[1] else int(match[2])
    return chr(code) if code <= sys.maxunicode else match[0]


def _flatten(name: str, declared: dict[str, str], flat: dict[str, str], within: tuple[str, ...]) -> str:
    if name in flat:
        return flat[name]
    if name in within:
        raise ParseFailure(Reason.TOO_COMPLEX, f"entity {name} contains itself")
    parts: list[str] = []
    size = position = 0
    for match in _REFERENCE.finditer(declared[name]):
        if match[1] not in declared or match[1] in _PREDEFINED:
            continue
        parts += declared[name][position : match.start()], _flatten(match[1], declared, flat, (*within, name))
        position = match.end()
        size += len(parts[-2]) + len(parts[-1])
        if size > MAX_ENTITY_CHARACTERS:
            break
    parts.append(declared[name][position:])
    value = "".join(parts)
    if len(value) > MAX_ENTITY_CHARACTERS:
        raise ParseFailure(
            Reason.TOO_COMPLEX, f"entity {name} expands to more than {MAX_ENTITY_CHARACTERS:,} characters"
        )
    flat[name] = value
    return value


# -- a first look --------------------------------------------------------------------------------------


class _Enough(Exception):
    pass


_ENDS_EARLY = frozenset(
    (
        expat.errors.codes[expat.errors.XML_ERROR_NO_ELEMENTS],
        expat.errors.codes[expat.errors.XML_ERROR_UNCLOSED_TOKEN],
        expat.errors.codes[expat.errors.XML_ERROR_PARTIAL_CHAR],
        expat.errors.codes[expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION],
    )
)


class _Scan:
    """One look through a document, up to its first error or the last allowed entry."""

    def __init__(self, text: str) -> None:
        self.error = ""
        self.at_end = False  # the error is that the document ends too early
        self.capped = False
        self.last_end = 0  # byte after the end tag of the last whole entry
        self.open_then: tuple[str, ...] = ()  # the elements that were open around it
        self._data = text.encode("utf-8", "replace")
        self._open: list[str] = []
        self._entries = self._inside = self._categories = 0
        self._parser = expat.ParserCreate("utf-8")
        self._parser.StartElementHandler, self._parser.EndElementHandler = self._start, self._end
        try:
            self._parser.Parse(self._data, True)
        except _Enough:
            self.capped = True
        except expat.ExpatError as error:
            self.error = str(error)
            self.at_end = error.code in _ENDS_EARLY

    def _start(self, name: str, _attributes: object) -> None:
        self._open.append(name)
        if len(self._open) > MAX_DEPTH:
            raise ParseFailure(Reason.TOO_COMPLEX, f"elements nested deeper than {MAX_DEPTH}")
        if _is_entry(name):
            self._inside, self._categories = self._inside + 1, 0
        elif name.endswith(("category", "subject", "keywords")):
            self._categories += 1
            if self._categories > MAX_CATEGORIES:
                raise ParseFailure(
                    Reason.TOO_COMPLEX, f"an entry with more than {MAX_CATEGORIES:,} categories"
                )

    def _end(self, name: str) -> None:
        self._open.pop()
        if not _is_entry(name):
            return
        self._inside -= 1
        if self._inside == 0:
            self._entries += 1
            if self._entries > MAX_ENTRIES:
                raise _Enough
            self.last_end = self._data.find(b">", self._parser.CurrentByteIndex) + 1
            self.open_then = tuple(self._open)


def _is_entry(name: str) -> bool:
    return name.rpartition(":")[2].lower() in ("item", "entry")


# -- mending -------------------------------------------------------------------------------------------


def _without_tail(document: str, root: Root) -> tuple[str, bool]:
    """The document without what follows its end (scripts, blank lines), and whether that is odd."""
    end = document.rfind(f"</{root.name}")
    close = document.find(">", end) + 1 if end >= 0 else 0
    if not close:
        return document, False
    tail = document[close:].strip()
    return document[:close], bool(tail) and not tail.startswith(("<!--", "<?"))


def without_illegal(document: str) -> str:
    """Without control characters and references to what is no character of XML (XML 1.0 section 2.2)."""
    return _CHARACTER_REFERENCE.sub(_legal_reference, _CONTROL.sub("", document))


def _legal_reference(match: re.Match[str]) -> str:
    character = _character(match)
    return match[0] if len(character) == 1 and not _CONTROL.match(character) else "\ufffd"


def _cut(document: str, root: Root, scan: _Scan, *, at_cap: bool) -> str:
    """The document up to its last whole (or last allowed) entry, closed again."""
    if scan.capped or scan.at_end:
        data = document.encode("utf-8", "replace")
        whole = data[: max(0, scan.last_end - len(_DECLARATION))].decode("utf-8", "replace")
        still_open = scan.open_then
    else:
        position = 0
        for number, match in enumerate(_ENTRY_END.finditer(document), 1):
            position = match.end()
            if at_cap and number == MAX_ENTRIES:
                break
        whole = document[:position]
        still_open = (root.name, "channel") if root.local_name == "rss" else (root.name,)
    if not whole:
        raise ParseFailure(Reason.MALFORMED, "the document breaks off before its first entry ends")
    return whole + "".join(f"</{name}>" for name in reversed(still_open))
