"""Articles as plain values for programs: what ``--json``, exports and the HTTP API give. Pure.

Times are ISO 8601 in UTC with "Z", scores have four decimals, passwords in addresses are masked.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from service.masking import mask

if TYPE_CHECKING:
    from models.records import ArticleRecord, ArticleSummary, Histogram


class EvidenceLike(Protocol):
    """`service.values.Evidence` or `models.records.EvidenceRecord`."""

    @property
    def field(self) -> str:
        """ "title" or "text"."""

    @property
    def start(self) -> int:
        """In code points, inclusive."""

    @property
    def end(self) -> int:
        """In code points, exclusive."""

    @property
    def phrase(self) -> str:
        """What matched."""

    @property
    def rule(self) -> str:
        """As the topics file has it."""

    @property
    def contribution(self) -> float:
        """In logits."""


class TagLike(Protocol):
    """`service.values.Tag` or `models.records.TagRecord`."""

    @property
    def topic(self) -> str:
        """Its name."""

    @property
    def score(self) -> float:
        """0 to 1."""

    @property
    def threshold(self) -> float:
        """From which it holds."""

    @property
    def main(self) -> bool:
        """A main subject."""

    @property
    def evidence(self) -> Sequence[EvidenceLike]:
        """Its reasons."""


def moment(time: datetime | None) -> str | None:
    """ISO 8601 in UTC with "Z", to the second."""
    return None if time is None else time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def tag_json(tag: TagLike) -> dict[str, Any]:
    """A tag with its evidence."""
    return {
        "topic": tag.topic,
        "score": round(tag.score, 4),
        "threshold": tag.threshold,
        "holds": tag.score >= tag.threshold,
        "main": tag.main,
        "verdict": getattr(tag, "verdict", None),
        "verdict_by": getattr(tag, "verdict_by", None),
        "evidence": [
            {
                "field": one.field,
                "start": one.start,
                "end": one.end,
                "phrase": one.phrase,
                "rule": one.rule,
                "contribution": round(one.contribution, 4),
            }
            for one in tag.evidence
        ],
    }


def summary_json(article: ArticleSummary) -> dict[str, Any]:
    """An article of a list."""
    snippet = article.snippet
    return {
        "id": article.id,
        "title": article.title,
        "title_made": article.title_made,
        "url": article.url,
        "published_at": moment(article.published_at),
        "precision": article.precision,
        "seen_at": moment(article.seen_at),
        "source": mask(article.source),
        "source_id": article.source_id,
        "language": article.language,
        "not_covered": list(article.uncovered),
        "path": article.path,
        "duplicate_of": article.duplicate_of,
        "duplicates": article.duplicates,
        "vanished_at": moment(article.vanished_at),
        "snippet": None if snippet is None else snippet.replace("\x02", "").replace("\x03", ""),
        "tags": [
            {"topic": tag.topic, "score": round(tag.score, 4), "main": tag.main, "verdict": tag.verdict}
            for tag in article.tags
        ],
    }


def article_json(article: ArticleRecord) -> dict[str, Any]:
    """An article with all that is kept of it."""
    return {
        **summary_json(article.summary),
        "text": article.text,
        "author": article.author,
        "guid": article.guid,
        "date_origin": article.date_origin,
        "categories": list(article.categories),
        "enclosures": [
            {"url": one.url, "type": one.type, "length": one.length} for one in article.enclosures
        ],
        "cuts": [{"kind": cut.kind, "text": cut.text} for cut in article.cuts],
        "revisions": [
            {
                "number": one.number,
                "title": one.title,
                "text": one.text,
                "replaced_at": moment(one.replaced_at),
            }
            for one in article.revisions
        ],
        "updated_at": moment(article.updated_at),
        "tags": [tag_json(tag) for tag in article.tags],
    }


def days_json(found: Histogram) -> dict[str, Any]:
    """Articles by day, and by topic and day."""
    return {
        "articles": [{"day": day.isoformat(), "articles": number} for day, number in found.articles],
        "topics": [
            {"topic": one.topic, "day": one.day.isoformat(), "articles": one.articles} for one in found.topics
        ],
        "complete": found.complete,
    }
