"""Takes what is no part of an article out of its lines, by kind, and keeps it.

Conservative by design: a cut needs a whole line, or a whole run of lines, that is nothing but boilerplate.
A sentence of the article next to it is left alone, and so is every line in which somebody is quoted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from service.clean.boilerplate_rules import (
    ATTRIBUTED,
    BYLINE,
    CREDITS,
    DATE_LEAD,
    FURNITURE,
    NETWORKS,
    PROMPTS,
    READING_TIME,
    REFERENCES,
    TEASER_LEAD,
    UPDATED,
)
from service.clean.dates import parse_date
from service.clean.text import Line
from service.values import Cut, CutKind, Precision

MAX_PROMPT = 700  # characters; longer lines are text
MAX_TEASER = 220
MAX_DATELINE = 160
MAX_LIST = 15  # links under one "Also Read:"
MAX_STRAY_NUMBERS = 3  # more are data

_TOP = 6  # lines in which a date, a byline or the repeated title may stand
_SENTENCE_END = re.compile(r"[.。!?！？؟…][\"'”’»)\]]*$")
_FULL_STOP = re.compile(r"[.。۔][\"'”’»)\]]*$")
_SENTENCES = re.compile(r"(?<=[.!?。！？])[\"”’)]*\s+")
_BULLET = re.compile(r"^(?:[•‣◦▪●∙·*>»→–—-]|\(?\d{1,3}[.)\]]|\[\d{1,3}\])\s*")
_DIGIT = re.compile(r"\d")
_NUMBER = re.compile(r"\d{1,6}")
_YEAR = re.compile(r"(?:1[89]|20)\d\d")
_COLON = re.compile(r"\s*[:：]\s*|\s+[–—|»>→-]\s+")
_PARTS = re.compile(r"\s+[|•·/]\s+|\s{2,}")
_DATE_SHAPE = re.compile(r"\d\s*[./年월-]\s*\d|[^\W\d_]")
# Two or more captions of buttons; one alone may be a word of the text.
_BUTTONS = re.compile(
    rf"(?:(?:share(?: on| via)?|tweet|e-?mail|print|copy link|link|more|post|pin|save|bookmark|{NETWORKS})"
    r"(?:[\s|•·,/]+|$)){2,}",
    re.IGNORECASE,
)
_REFERENCE = re.compile(
    r"^(?:[•‣▪●*–-]|\[\d{1,3}\]|\(?\d{1,3}[.)\]]|\^)\s*\S"
    r"|\((?:\w+\.? )?(?:19|20)\d\d[a-z]?(?:,[^()]{1,30})?\)"
    r"|https?://|\bdoi\b|\bretrieved\b|\baccessed\b|\bisbn\b|\bpp?\. \d",
    re.IGNORECASE,
)
# What a feed puts at the end of a cut text.
_TAIL = re.compile(
    r"(?P<kept>.*[.!?…\]\"”’。])\s*(?P<cut>"
    r"\[?(?:read (?:more|on|full (?:story|article|post)|the (?:full|rest|whole)(?: \w+){0,4})"
    r"|continue reading|full story|читать (?:далее|полностью)|weiterlesen|lire la suite|leer más|leia mais"
    r"|leggi tutto)"
    r"(?: (?:on|at|in|no|na|auf|bei|sur|en|su|на|в) [^.!?]{1,40})?[\s!]*(?:…|\.\.\.|»|→|>+)?\]?"
    r"|\[(?:more|mehr|…|\.\.\.|\+\d{1,7} chars)\]|(?:more|mehr)\s*(?:…|\.\.\.|»|→|>+))",
    re.IGNORECASE | re.DOTALL,
)
_WORD = re.compile(r"[^\W\d_][\w'’-]+")
_MARK = re.compile(r"[\W_]+")


@dataclass(slots=True)
class Body:
    """An article's lines without boilerplate, and what the boilerplate said."""

    lines: list[Line]
    cuts: list[Cut] = field(default_factory=list)
    dated: tuple[datetime, Precision] | None = None
    byline: str | None = None


def cut_boilerplate(
    lines: Sequence[Line],
    *,
    title: str = "",
    day_first: bool | None = None,
    not_after: datetime | None = None,
) -> Body:
    """Cut boilerplate out of an article's lines.

    ``title`` is what repeated titles repeat; a date after ``not_after`` is none. The cuts are in the
    order of the source.
    """
    kinds: list[CutKind | None] = [None] * len(lines)
    reader = _Reader(lines, kinds, title, day_first, not_after)
    reader.mark_single_lines()
    reader.mark_lists()
    reader.mark_references()
    body = Body([], dated=reader.published or reader.updated, byline=reader.byline)
    before: CutKind | None = None
    for line, kind in zip(lines, kinds, strict=True):
        if kind is None:
            body.lines.append(line)
        elif kind is before and kind in (CutKind.TEASER, CutKind.REFERENCES):
            body.cuts[-1] = Cut(kind, f"{body.cuts[-1].text}\n{line.text}")
        else:
            body.cuts.append(Cut(kind, line.text))
        before = kind
    _cut_tail(body)
    return body


def same_words(one: str, other: str) -> bool:
    """Whether two titles differ in nothing but case, spaces and punctuation."""
    return _MARK.sub("", one).casefold() == _MARK.sub("", other).casefold()


def is_sentence(text: str) -> bool:
    """Whether a line ends as a sentence does."""
    return _SENTENCE_END.search(text) is not None


class _Reader:
    """Marks every line with why it is to be cut."""

    def __init__(
        self,
        lines: Sequence[Line],
        kinds: list[CutKind | None],
        title: str,
        day_first: bool | None,
        not_after: datetime | None,
    ) -> None:
        self.lines = lines
        self.kinds = kinds
        self.title = title
        self.day_first = day_first
        self.not_after = not_after
        self.published: tuple[datetime, Precision] | None = None
        self.updated: tuple[datetime, Precision] | None = None
        self.byline: str | None = None

    # -- lines by themselves ---------------------------------------------------------------------------

    def mark_single_lines(self) -> None:
        """Mark the lines that are boilerplate whatever stands around them."""
        numbers = sum(_NUMBER.fullmatch(line.text) is not None for line in self.lines)
        kept = 0  # lines of the article before this one
        for index, line in enumerate(self.lines):
            if len(line.text) > MAX_PROMPT:
                kept += 1
                continue
            near_end = index >= len(self.lines) - _TOP
            kind = self._kind(line, top=kept < _TOP, near_end=near_end)
            if kind is None and numbers <= MAX_STRAY_NUMBERS and _NUMBER.fullmatch(line.text):
                # A year between paragraphs is the heading of a time line.
                kind = None if kept and _YEAR.fullmatch(line.text) else CutKind.FURNITURE
            self.kinds[index] = kind
            kept += kind is None

    def _kind(self, line: Line, *, top: bool, near_end: bool) -> CutKind | None:
        text = _BULLET.sub("", line.text).strip() or line.text
        if self.title and top and same_words(text, self.title):
            return CutKind.REPEATED_TITLE
        if READING_TIME.fullmatch(text):
            return CutKind.READING_TIME
        if self._is_dateline(text, top=top, near_end=near_end):
            return CutKind.DATELINE
        if top and self._is_byline(text):
            return CutKind.BYLINE
        if CREDITS.fullmatch(text):
            return CutKind.BYLINE
        if FURNITURE.fullmatch(text):
            return CutKind.FURNITURE
        if _BUTTONS.fullmatch(text):
            return CutKind.SHARING
        if _is_teaser(text, line):
            return CutKind.TEASER
        return _prompt(text)

    def _is_dateline(self, text: str, *, top: bool, near_end: bool) -> bool:
        """Whether a line holds nothing but a date, with what usually stands beside it."""
        if len(text) > MAX_DATELINE or not _DIGIT.search(text):
            return False
        parts = [part for part in _PARTS.split(text) if part]
        if len(parts) == 1:
            return self._take_date(text, bare=top)
        if top and self._take_date(" ".join(parts), bare=True):
            return True  # "June 18, 2024 | 07:45 GMT"
        dated = [self._take_date(part, bare=top) for part in parts]
        return (
            any(dated)
            and all(
                is_date or READING_TIME.fullmatch(part) or self._is_byline(part) or FURNITURE.fullmatch(part)
                for part, is_date in zip(parts, dated, strict=True)
            )
            and (top or near_end)
        )

    def _take_date(self, text: str, *, bare: bool) -> bool:
        lead = DATE_LEAD.match(text)
        rest = text[lead.end() :].strip(" :：,–—-") if lead else text
        if lead is None and not (bare and _DATE_SHAPE.search(text)):
            return False
        found = parse_date(rest, day_first=self.day_first)
        if found is None or (lead is None and found[1] in (Precision.MONTH, Precision.YEAR)):
            return False
        if self.not_after is not None and found[0] > self.not_after:
            return False
        if lead and UPDATED.search(lead[0]):
            self.updated = self.updated or found
        else:
            self.published = self.published or found
        return True

    def _is_byline(self, text: str) -> bool:
        match = BYLINE.fullmatch(text) if len(text) <= MAX_DATELINE else None
        if match is None:
            return False
        self.byline = self.byline or match["names"]
        beside = text[match.end("names") :].strip(" ,|–—-")
        if _DIGIT.search(beside):
            self._take_date(beside, bare=True)
        return True

    # -- runs of lines ---------------------------------------------------------------------------------

    def mark_lists(self) -> None:
        """Mark the links under a heading such as "Also Read:"."""
        for index, kind in enumerate(self.kinds):
            if kind is CutKind.TEASER and _is_list_heading(self.lines[index].text):
                self._mark_list(index + 1)

    def _mark_list(self, start: int) -> None:
        end = min(len(self.lines), start + MAX_LIST)
        last = start
        while last < end and self._is_link_title(last):
            last += 1
        if last == start:
            return
        # All that is left: no article goes on after the list. Else only what the source keeps together.
        rest_is_short = all(
            self._is_link_title(index) or self.kinds[index] for index in range(last, len(self.lines))
        )
        if not rest_is_short:
            block = self.lines[start].block
            linked = start
            while linked < last and (self.lines[linked].block == block or self.lines[linked].link):
                linked += 1
            last = linked
            alone = last - start == 1 and not self.lines[start].link
            if alone or self.lines[start].heading:
                return
        for index in range(start, last):
            self.kinds[index] = CutKind.TEASER

    def _is_link_title(self, index: int) -> bool:
        line = self.lines[index]
        text = _BULLET.sub("", line.text)
        if self.kinds[index] not in (None, CutKind.TEASER) or len(text) > MAX_TEASER:
            return False
        return line.link or _FULL_STOP.search(text) is None

    def mark_references(self) -> None:
        """Mark the list of references that ends a text, from its heading on."""
        for index in range(len(self.lines) - 1, 0, -1):
            text = self.lines[index].text.strip(" :：#=*_")
            if self.kinds[index] is not None or not REFERENCES.fullmatch(text):
                continue
            before = sum(kind is None for kind in self.kinds[:index])
            last = index + 1
            while last < len(self.lines) and (self.kinds[last] or _is_reference(self.lines[last].text)):
                last += 1
            count = sum(self.kinds[one] is None for one in range(index + 1, last))
            after = sum(kind is None for kind in self.kinds[last:])
            if before and count and not after:
                for one in range(index, last):
                    self.kinds[one] = self.kinds[one] or CutKind.REFERENCES
                return


def _is_reference(text: str) -> bool:
    return len(text) <= MAX_PROMPT and _REFERENCE.search(text) is not None


def _is_list_heading(text: str) -> bool:
    lead = TEASER_LEAD.fullmatch(_BULLET.sub("", text).strip(" :：>»→…."))
    return lead is not None


def _is_teaser(text: str, line: Line) -> bool:
    """Whether a line leads to another article: "Read: Title", or the heading of a list of such."""
    if len(text) > MAX_TEASER:
        return False
    if _is_list_heading(text):
        return True
    lead = TEASER_LEAD.match(text)
    if lead is None:
        return False
    # The longest lead is wanted, not the first alternative: it must reach the colon.
    colon = _COLON.search(text)
    if colon is None or not TEASER_LEAD.fullmatch(text[: colon.start()]):
        return line.link and not is_sentence(text)
    is_dash = not colon[0].strip().startswith((":", "："))
    if is_dash and not (text[: colon.start()].isupper() or line.link):
        return False
    return line.link or is_title(text[colon.end() :])


def is_title(text: str) -> bool:
    """Whether a line reads like a title, not like a sentence of a text."""
    text = text.strip()
    words = _WORD.findall(text)
    if not words or len(text) > MAX_TEASER:
        return False
    if _FULL_STOP.search(text) is None:
        return not text.endswith((",", ";"))
    # A title with a full stop is rare: Every Long Word of It Begins with a Capital.
    long = [word for word in words if len(word) > 3]  # noqa: PLR2004
    capitals = sum(word[0].isupper() for word in long)
    listed = "," in text or ATTRIBUTED.search(text) is not None
    return len(words) > 5 and capitals >= len(long) * 0.8 and not listed  # noqa: PLR2004


def _prompt(text: str) -> CutKind | None:
    """The kind of a line in which a publisher speaks to its readers, and does nothing else."""
    found: CutKind | None = None
    for sentence in _SENTENCES.split(text):
        bare = sentence.strip(' .!?…>»→[]()*"“”👉').strip()
        kind = next((kind for kind, pattern in PROMPTS if pattern.fullmatch(bare)), None)
        if kind is None and (found is None or len(bare.split()) > 4):  # noqa: PLR2004 - "Thank you!"
            return None
        found = found or kind
    return None if found and ATTRIBUTED.search(text) else found


def _cut_tail(body: Body) -> None:
    """Cut a "Read more" that hangs on the last sentence."""
    if not body.lines:
        return
    line = body.lines[-1]
    start = max(0, len(line.text) - MAX_TEASER)
    match = _TAIL.fullmatch(line.text, start)
    if match and match["kept"].strip():
        body.lines[-1] = replace(line, text=line.text[:start] + match["kept"].rstrip())
        body.cuts.append(Cut(CutKind.TEASER, match["cut"].strip()))
