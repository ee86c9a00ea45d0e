"""Articles → what a feed tells of them, whatever its format. Pure.

Ids are tag URIs (RFC 4151) of the database that the article is in: they stay when the page moves to another
address, when the title changes, and in every feed that carries the article.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape

from models.records import ArticleRecord, EnclosureRecord

# ".internal" is kept for private use (ICANN, 2024): nobody else makes ids below it, and the database's own
# id tells one installation from another.
AUTHORITY = "wirewatch.internal,2026"
GENERATOR = "Wirewatch"
NEVER = datetime(1970, 1, 1, tzinfo=UTC)  # of a feed that has no entry yet
MAX_ENCLOSURES = 20
# What XML 1.0 forbids (section 2.2), and so cannot be sent in any way.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_WEB = re.compile(r"https?://[^\s<>\"{}|\\^`]+", re.IGNORECASE)
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}")


@dataclass(frozen=True, slots=True)
class Item:
    """An entry of a feed; texts hold nothing that XML forbids."""

    id: str
    title: str  # plain
    link: str  # where it was published, else our page of it
    page: str  # our page of it, with its evidence
    html: str
    published: datetime | None
    updated: datetime
    author: str | None
    source: str
    source_id: str
    language: str | None
    topics: tuple[str, ...]
    categories: tuple[str, ...]  # as the source named them
    enclosures: tuple[EnclosureRecord, ...]


@dataclass(frozen=True, slots=True)
class Channel:
    """A feed."""

    id: str
    title: str
    description: str
    self_url: str
    page: str  # the same as a list for people
    items: tuple[Item, ...]

    @property
    def updated(self) -> datetime:
        """When the newest of its entries changed."""
        return max((one.updated for one in self.items), default=NEVER)


def tag_uri(instance: str, kind: str, name: str) -> str:
    """A name for something in a database that nothing else has, now or later."""
    return f"tag:{AUTHORITY}:{instance}/{kind}/{name}"


def items_of(
    articles: Sequence[ArticleRecord], instance: str, page_of: Callable[[int], str]
) -> tuple[Item, ...]:
    """Entries in the order given; ``page_of`` gives the address of an article's page here."""
    return tuple(_item(one, instance, page_of(one.summary.id)) for one in articles)


def _item(article: ArticleRecord, instance: str, page: str) -> Item:
    summary = article.summary
    return Item(
        id=tag_uri(instance, "article", str(summary.id)),
        title=sendable(summary.title) or "Untitled",
        link=summary.url if summary.url and _WEB.fullmatch(summary.url) else page,
        page=page,
        html=_html(sendable(article.text)),
        published=summary.published_at,
        updated=article.updated_at or summary.seen_at,
        author=sendable(article.author) if article.author else None,
        source=sendable(summary.source),
        source_id=tag_uri(instance, "source", str(summary.source_id)),
        language=summary.language if summary.language and _LANGUAGE.fullmatch(summary.language) else None,
        topics=tuple(sendable(tag.topic) for tag in summary.tags),
        categories=tuple(sendable(one) for one in article.categories),
        enclosures=tuple(one for one in article.enclosures if _WEB.fullmatch(one.url))[:MAX_ENCLOSURES],
    )


def sendable(text: str) -> str:
    """The text without characters that XML forbids."""
    return _FORBIDDEN.sub("", text)


def _html(text: str) -> str:
    """Plain text as paragraphs; nothing in it is markup."""
    paragraphs = (
        "<br>\n".join(escape(line, quote=False) for line in paragraph.split("\n"))
        for paragraph in text.split("\n\n")
        if paragraph.strip()
    )
    return "\n".join(f"<p>{one}</p>" for one in paragraphs)
