"""Why an article carries its topics, in a terminal: the text with the evidence marked, and its reasons.

On a terminal each topic has a colour; elsewhere «evidence for» and «-evidence against-» it are in quotes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from service.article_json import EvidenceLike, TagLike
from service.cli.output import console, print_table, say
from service.masking import plain

_COLOURS = ("cyan", "magenta", "yellow", "green", "blue", "red")
_HEADINGS: tuple[str | tuple[str, str], ...] = (
    "",
    ("PHRASE", "wrap"),
    ("RULE", "wrap"),
    ("CONTRIBUTION", "right"),
    ("TIMES", "right"),
    "IN",
)
_LONGEST_RULE = 160  # characters of a rule in a table
_MAX_SPANS = 5_000  # places that are marked; a text with more says so in its table


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text with the topics that found evidence in it; ``against`` where all of it is that."""

    text: str
    topics: tuple[str, ...] = ()
    against: bool = False


def pieces(text: str, tags: Iterable[TagLike], field: str) -> Iterator[Piece]:
    """A field cut where evidence begins and ends. Spans that do not fit the text are left out."""
    starts: dict[int, list[tuple[str, bool]]] = {}
    ends: dict[int, list[tuple[str, bool]]] = {}
    number = 0
    for tag in tags:
        for one in tag.evidence:
            if one.field == field and 0 <= one.start < one.end <= len(text) and number < _MAX_SPANS:
                mark = (tag.topic, one.contribution < 0)
                starts.setdefault(one.start, []).append(mark)
                ends.setdefault(one.end, []).append(mark)
                number += 1
    active: Counter[tuple[str, bool]] = Counter()
    last = 0
    for place in sorted({*starts, *ends, len(text)}):
        if place > last:
            marks = [mark for mark, times in active.items() if times > 0]
            topics = tuple(dict.fromkeys(topic for topic, _ in marks))
            yield Piece(text[last:place], topics, bool(marks) and all(against for _, against in marks))
        active.subtract(ends.get(place, ()))
        active.update(starts.get(place, ()))
        last = place


def print_marked(title: str, text: str, tags: Sequence[TagLike]) -> None:
    """Title and text, the evidence marked."""
    screen = console()
    coloured = screen.is_terminal and not screen.no_color
    colours = {tag.topic: _COLOURS[number % len(_COLOURS)] for number, tag in enumerate(tags)}
    for field, content, style in (("title", title, "bold"), ("text", text, "")):
        if coloured:
            screen.print(_coloured(pieces(content, tags, field), colours, style))
        else:
            print(_quoted(pieces(content, tags, field)))  # noqa: T201 - may be of many lines, as they are
        say("")


def _coloured(cut: Iterable[Piece], colours: dict[str, str], style: str) -> Any:
    from rich.text import Text  # noqa: PLC0415

    text = Text(style=style)
    for piece in cut:
        marked = ""
        if piece.topics:
            marked = f"{'dim strike' if piece.against else 'bold underline'} {colours[piece.topics[0]]}"
        text.append(plain(piece.text, lines=True), style=marked)
    return text


def _quoted(cut: Iterable[Piece]) -> str:
    """The text with quotes around each run of marked pieces."""
    parts = []
    before = ("", "")
    for piece in cut:
        now = ("", "") if not piece.topics else ("«-", "-»") if piece.against else ("«", "»")
        if now != before:
            parts.append(before[1] + now[0])
            before = now
        parts.append(plain(piece.text, lines=True))
    return "".join([*parts, before[1]])


def reasons(tag: TagLike) -> list[dict[str, Any]]:
    """Evidence by rule and phrase, the weightiest first, with how often and where it was found."""
    groups: dict[tuple[str, str], list[EvidenceLike]] = {}
    for one in tag.evidence:
        groups.setdefault((one.rule, one.phrase.casefold()), []).append(one)
    found = [
        {
            "phrase": group[0].phrase,
            "rule": group[0].rule,
            "contribution": round(sum(one.contribution for one in group), 4),
            "times": len(group),
            "in": sorted({one.field for one in group}, reverse=True),
        }
        for group in groups.values()
    ]
    return sorted(found, key=lambda reason: -abs(reason["contribution"]))


def print_reasons(tags: Sequence[TagLike]) -> None:
    """For each topic its score, and what added to it or spoke against it."""
    for tag in tags:
        say(verdict_of(tag))
        rows = [
            [
                "",
                reason["phrase"],
                _shortened(reason["rule"]),
                f"{reason['contribution']:+.2f}",
                str(reason["times"]),
                ", ".join(reason["in"]),
            ]
            for reason in reasons(tag)
        ]
        if rows:
            print_table(_HEADINGS, rows)
        else:
            say("  nothing speaks for or against it")
        say("")


def verdict_of(tag: TagLike) -> str:
    """One line: does the topic hold, how sure, and who says so."""
    verdict = getattr(tag, "verdict", None)
    if verdict:
        who = getattr(tag, "verdict_by", None) or "someone"
        return f"{tag.topic}: {'yes' if verdict > 0 else 'no'}, says {who} (the rules' score is overruled)"
    holds = tag.score >= tag.threshold
    kind = "a main subject" if tag.main else "yes" if holds else "no"
    relation = "reaches" if holds else "is below"
    return f"{tag.topic}: {kind}; its score {tag.score:.2f} {relation} the threshold {tag.threshold:.2f}"


def not_covered(topics: Sequence[str], language: str | None) -> str:
    """In words: which topics have no rules for an article's language."""
    what = "a text of unknown language" if language in (None, "und") else f"language {language!r}"
    return f"not covered: there are no rules for {what} of {', '.join(topics)}"


def _shortened(rule: str) -> str:
    """A rule that lists a hundred names, as far as a table has room for it; ``--json`` gives it whole."""
    return rule if len(rule) <= _LONGEST_RULE else rule[: _LONGEST_RULE - 1] + "…"
