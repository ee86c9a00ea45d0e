"""Why an article carries its topics: its record → scores, reasons and text with the evidence marked. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from models.records import ArticleRecord, EvidenceRecord, TagRecord
from service.web.highlight import Highlighted, Piece, Span, highlight
from service.web.presentation import score_of, signed
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
    verdict: int | None
    verdict_by: str | None
    reasons: tuple[Reason, ...]
    more: int  # reasons left out because they are the weakest of very many
    places: int


@dataclass(frozen=True, slots=True)
class Explained:
    """An article's title and text with the evidence marked, and its topics."""

    title: tuple[Piece, ...]
    paragraphs: tuple[tuple[Piece, ...], ...]
    panels: tuple[TopicPanel, ...]


def explain(article: ArticleRecord, colours: Colours) -> Explained:
    """Mark the evidence in place and say, topic by topic, what spoke for and against it."""
    tags = sorted(article.tags, key=lambda tag: (not holds(tag), -tag.score, tag.topic))
    found = [(tag, evidence) for tag in tags for evidence in tag.evidence]
    title, title_anchors = _marked(article.summary.title or "(no title)", found, "title", "h")
    text, text_anchors = _marked(article.text, found, "text", "t")
    anchors = title_anchors | text_anchors

    panels = []
    first = 0
    for tag in tags:
        last = first + len(tag.evidence)
        places = [anchors.get(place) for place in range(first, last)]
        panels.append(_panel(tag, places, colours))
        first = last
    pieces = tuple(piece for paragraph in title.paragraphs for piece in paragraph)
    return Explained(pieces, text.paragraphs, tuple(panels))


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
        evidence.start, evidence.end, evidence.phrase, tag.topic, evidence.rule, evidence.contribution
    )


def _panel(tag: TagRecord, anchors: Sequence[str | None], colours: Colours) -> TopicPanel:
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
        verdict=tag.verdict,
        verdict_by=tag.verdict_by,
        reasons=tuple(reasons[:MAX_REASONS]),
        more=max(0, len(reasons) - MAX_REASONS),
        places=len(tag.evidence),
    )


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
