"""Where outgoing feeds are, and what they are made of."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

PREFIX = "/feeds"
QUERY = f"{PREFIX}/query"
# What a feed's address ends in → its media type.
FORMATS: Mapping[str, str] = {
    "atom": "application/atom+xml",
    "rss": "application/rss+xml",
    "json": "application/feed+json",
}


def topic_path(topic: str, form: str) -> str:
    """The path of a topic's feed."""
    return f"{PREFIX}/topic/{quote(topic, safe='')}.{form}"


def query_path(form: str) -> str:
    """The path of a query's feed; the query is its parameter ``q``."""
    return f"{QUERY}.{form}"
