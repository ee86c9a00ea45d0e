"""Why an article carries its topics: its record → scores, reasons and text with the evidence marked. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from models.records import ArticleRecord, EvidenceRecord, TagRecord, VerdictRecord
from service.web.highlight import Highlighted, Piece, Span, highlight
from service.web.presentation import Time, exactly, score_of, signed
from service.web.views import Colours, holds

MAX_REASONS = 40  # rows of one topic's table
MAX_PLACES = 8  # links to the places of one reason


@dataclass(frozen=True, slots=True)
class Reason:
    """One phrase under one rule, wherever it was found."""

    phrase: str
    rule: str
    contribution: str  # of all its places together
    against: bool
    bar: float  # 0 to 100: its size beside the topic's largest
    times: int
    places: tuple[str, ...]  # anchors in the text, the first few
    in_title: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """A person's verdict that stands."""

    yes: bool
    by: str
    at: Time


@dataclass(frozen=True, slots=True)
class Said:
    """What a person said, or took back, and when: one line of an article's history."""

    topic: str
    text: str
    by: str
    at: Time


@dataclass(frozen=True, slots=True)
class TopicPanel:
    """One topic of an article: how sure, and why."""

    topic: str
    colour: int
    score: str
    threshold: str
    score_percent: float
    threshold_percent: float
    holds: bool
    main: bool
    standing: Standing | None  # what a person said, where that stands
    gap: str | None  # the weight that is missing, where the article does not carry it
    judged_now: bool  # by the rules as they are now, because nothing is stored of what misses its threshold
    reasons: tuple[Reason, ...]
    more: int  # reasons left out because they are the weakest of very many
    places: int


@dataclass(frozen=True, slots=True)
class Explained:
    """An article's title and text with the evidence marked, and its topics."""

    title: tuple[Piece, ...]
    paragraphs: tuple[tuple[Piece, ...], ...]
    panels: tuple[TopicPanel, ...]
    history: tuple[Said, ...]  # of verdicts, the newest first


def explain(
    article: ArticleRecord,
    colours: Colours,
    *,
    judged: Sequence[TagRecord] = (),
    verdicts: Sequence[VerdictRecord] = (),
    now: datetime,
) -> Explained:
    """Mark the evidence in place and say, topic by topic, what spoke for and against it.

    ``judged`` is what the rules as they are now say of all topics: of those that are not stored with the
    article it tells why not. ``verdicts`` are those that were given on it.
    """
    stored = {tag.topic for tag in article.tags}
    missed = [tag for tag in judged if tag.topic not in stored]
    tags = sorted((*article.tags, *missed), key=lambda tag: (not holds(tag), -tag.score, tag.topic))
    found = [(tag, evidence) for tag in tags for evidence in tag.evidence]
    title, title_anchors = _marked(article.summary.title or "(no title)", found, "title", "h")
    text, text_anchors = _marked(article.text, found, "text", "t")
    anchors = title_anchors | text_anchors
    standing = {
        one.topic: Standing(one.value > 0, one.by, exactly(one.at, now))
        for one in verdicts
        if one.withdrawn_at is None
    }

    panels = []
    first = 0
    for tag in tags:
        last = first + len(tag.evidence)
        places = [anchors.get(place) for place in range(first, last)]
        panels.append(
            _panel(tag, places, colours, standing.get(tag.topic), judged_now=tag.topic not in stored)
        )
        first = last
    pieces = tuple(piece for paragraph in title.paragraphs for piece in paragraph)
    return Explained(pieces, text.paragraphs, tuple(panels), tuple(_history(verdicts, now)))


def _history(verdicts: Sequence[VerdictRecord], now: datetime) -> list[Said]:
    """What was said and taken back, the newest first."""
    said = []
    for one in verdicts:
        word = "yes" if one.value > 0 else "no"
        said.append((one.at, Said(one.topic, f"said {word}", one.by, exactly(one.at, now))))
        replaced = any(
            other.topic == one.topic and other.at == one.withdrawn_at and other is not one
            for other in verdicts
        )
        if one.withdrawn_at is not None and not replaced:
            at = exactly(one.withdrawn_at, now)
            line = Said(one.topic, f"took the {word} back", one.withdrawn_by or "somebody", at)
            said.append((one.withdrawn_at, line))
    return [
        line
        for _, (_, line) in sorted(enumerate(said), key=lambda entry: (entry[1][0], entry[0]), reverse=True)
    ]


def _marked(
    text: str, found: Sequence[tuple[TagRecord, EvidenceRecord]], field: str, prefix: str
) -> tuple[Highlighted, dict[int, str]]:
    """One field with its evidence marked, and the anchors by place among all evidence."""
    places = [place for place, (_, evidence) in enumerate(found) if evidence.field == field]
    spans = [_span(*found[place]) for place in places]
    marked = highlight(text, spans, prefix=prefix)
    return marked, {places[i]: anchor for i, anchor in marked.anchors.items()}


def _span(tag: TagRecord, evidence: EvidenceRecord) -> Span:
    return Span(
        evidence.start,
        evidence.end,
        evidence.phrase,
        tag.topic,
        evidence.rule,
        evidence.contribution,
        weak=not holds(tag),
    )


def _panel(
    tag: TagRecord,
    anchors: Sequence[str | None],
    colours: Colours,
    standing: Standing | None,
    *,
    judged_now: bool,
) -> TopicPanel:
    reasons = _reasons(tag.evidence, anchors)
    return TopicPanel(
        topic=tag.topic,
        colour=colours.get(tag.topic, 0),
        score=score_of(tag.score),
        threshold=score_of(tag.threshold),
        score_percent=_percent(tag.score),
        threshold_percent=_percent(tag.threshold),
        holds=holds(tag),
        main=tag.main,
        standing=standing,
        gap=_gap(tag),
        judged_now=judged_now,
        reasons=tuple(reasons[:MAX_REASONS]),
        more=max(0, len(reasons) - MAX_REASONS),
        places=len(tag.evidence),
    )


def _gap(tag: TagRecord) -> str | None:
    """The weight that would carry a score over its threshold: the distance of the two as log odds."""
    if tag.score >= tag.threshold:
        return None
    score, threshold = (min(max(share, 1e-6), 1 - 1e-6) for share in (tag.score, tag.threshold))
    return f"{math.log(threshold / (1 - threshold)) - math.log(score / (1 - score)):.1f}"


def _reasons(evidence: Sequence[EvidenceRecord], anchors: Sequence[str | None]) -> list[Reason]:
    """Evidence by rule and phrase, the weightiest first."""
    groups: dict[tuple[str, str], list[tuple[EvidenceRecord, str | None]]] = {}
    for one, anchor in zip(evidence, anchors, strict=True):
        groups.setdefault((one.rule, one.phrase.casefold()), []).append((one, anchor))
    sums = {key: sum(one.contribution for one, _ in group) for key, group in groups.items()}
    largest = max((abs(total) for total in sums.values()), default=0.0)
    reasons = []
    for key, group in sorted(groups.items(), key=lambda item: -abs(sums[item[0]])):
        first = group[0][0]
        reasons.append(
            Reason(
                phrase=first.phrase,
                rule=first.rule,
                contribution=signed(sums[key]),
                against=sums[key] < 0,
                bar=round(100 * abs(sums[key]) / largest, 1) if largest else 0.0,
                times=len(group),
                places=tuple(dict.fromkeys(anchor for _, anchor in group if anchor))[:MAX_PLACES],
                in_title=any(one.field == "title" for one, _ in group),
            )
        )
    return reasons


def _percent(share: float) -> float:
    return round(100 * min(max(share, 0.0), 1.0), 1)
