"""An article's title: the source's, else the text's own headline, else one made from its first sentence."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from service.clean.boilerplate import is_title
from service.clean.html import strip_markup
from service.clean.text import Line, one_line, shorten, weight

MAX_TITLE = 500  # characters of a source's title; longer ones are texts in the wrong place
MAX_MADE = 100
MIN_MADE = 12
MAX_HEADLINE = 180
MAX_HEADLINE_WORDS = 28

_MARKS = re.compile(r"^(?:#{1,6}\s+|[=*_]{1,3}\s*)|(?:\s+#{1,6}|[=*_]{1,3})$")
# What programs write where a person left the title open: the file's name, or what the program calls it.
_FILLED_IN = re.compile(
    r"(?:microsoft |libreoffice |openoffice )?(?:word|writer|excel|powerpoint|print|publisher) - .*"
    r"|.*\.(?:docx?|odt|rtf|pdf|txt|html?|indd|qxd|tex|dvi|ps|pub|xlsx?|pptx?)"
    r"|(?:untitled|unbenannt|sans titre|sin título|senza titolo|без имени|безымянный|無題|无标题|제목 없음)"
    r"(?:[ -]?(?:document|dokument|\d+))*"
    r"|(?:document|dokument|doc|scan|scanned document|(?:powerpoint )?presentation|template|title)[ _-]?\d*"
    r"|[\w-]*\d{4,}[\w-]*",
    re.IGNORECASE,
)
_UNFINISHED = (",", ";", ":", "：", "、", "，", ".", "。", "-", "–", "—")
_NOTE_MARK = re.compile(r"(?<=[.!?。])(?:\[\d{1,3}\]|\d{1,2})+$")  # of a footnote, behind a sentence
# A full stop that ends no sentence is one of an abbreviation; a title may end with "U.S."
_ABBREVIATION = re.compile(r"(?:\b[A-Z]\.){2,}$|\b(?:Inc|Ltd|Corp|Co|Jr|Sr|Dr|St|vs)\.$")
_FIRST_SENTENCE = re.compile(
    r".{12,}?[.!?。！？؟](?=[\"'”’»)]*(?:\s|$|[\u3040-\u9fff]))[\"'”’»)]*", re.DOTALL
)
_INITIAL = re.compile(
    r"(?:\b[A-Z]|\b(?:U\.S|U\.N|U\.K|Mr|Mrs|Ms|Dr|Prof|Gen|Sen|Rep|Gov|Col|Lt|Sgt|St|No|vs))\.$"
)


@dataclass(frozen=True, slots=True)
class Headline:
    """A title, how many leading lines of the text it took, and whether it was made."""

    title: str
    taken: int = 0
    made: bool = False


def source_title(title: str | None, *, is_html: bool) -> str:
    """A source's title as one line of plain text; empty when it has none worth the name."""
    if not title:
        return ""
    plain = one_line(strip_markup(title[: MAX_TITLE * 8], is_html=is_html))
    return shorten(plain, MAX_TITLE) if any(character.isalnum() for character in plain) else ""


def property_title(title: str | None) -> str:
    """The title that a file's properties give; empty where a program filled it in."""
    plain = source_title(title, is_html=False)
    return "" if _FILLED_IN.fullmatch(plain) else plain


def find_headline(lines: Sequence[Line]) -> Headline | None:
    """The headline that a text begins with, if it does: a short line like a title, followed by a body."""
    if not lines:
        return None
    first = lines[0]
    title = _MARKS.sub("", _MARKS.sub("", first.text)).strip()
    marked = first.heading or first.text.startswith("# ")
    if not title or len(title) > MAX_HEADLINE or len(title.split()) > MAX_HEADLINE_WORDS:
        return None
    if not any(character.isalpha() for character in title):
        return None
    abbreviated = _ABBREVIATION.search(title) is not None
    stopped = _NOTE_MARK.sub("", title).endswith(_UNFINISHED) and not abbreviated
    if not marked and (stopped or not is_title(title[:-1] if abbreviated else title)):
        return None
    rest = [line for line in lines[1:] if line.text]
    longest = max((weight(line.text) for line in rest), default=0)
    if not rest or (not marked and longest < max(60, len(title) // 2)):
        return None
    return Headline(title, taken=1)


def make_title(text: str) -> str:
    """A title out of a text's first sentence, shortened at a word boundary."""
    # A first paragraph without a full stop is a line of its own, unless it is next to nothing.
    paragraphs = text[: MAX_MADE * 10].strip().split("\n\n")
    start = one_line(paragraphs[0])
    if weight(start) < MIN_MADE:
        start = one_line(" ".join(paragraphs[:5]))
    if not start:
        return ""
    position = 0
    while match := _FIRST_SENTENCE.match(start, position):
        sentence = start[: match.end()]
        if not _INITIAL.search(sentence) and len(sentence) <= MAX_MADE:
            # A sentence as title goes without its full stop.
            return sentence[:-1] if sentence.endswith((".", "。")) else sentence
        if len(sentence) > MAX_MADE:
            break
        position = match.end()
    return shorten(start, MAX_MADE)
