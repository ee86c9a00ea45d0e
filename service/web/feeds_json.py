"""Feeds as JSON Feed 1.1 (jsonfeed.org/version/1.1). Pure."""

from __future__ import annotations

from typing import Any

from models.fields import dump_json
from service.web.feeds_items import Channel, Item
from service.web.feeds_xml import rfc3339


def json_feed(channel: Channel) -> str:
    """The feed as JSON Feed."""
    return dump_json(
        {
            "version": "https://jsonfeed.org/version/1.1",
            "title": channel.title,
            "description": channel.description,
            "home_page_url": channel.page,
            "feed_url": channel.self_url,
            "items": [_item(one) for one in channel.items],
        }
    )


def _item(item: Item) -> dict[str, Any]:
    found: dict[str, Any] = {
        "id": item.id,
        "url": item.link,
        "title": item.title,
        "content_html": item.html or "<p></p>",  # one content there must be
        "date_modified": rfc3339(item.updated),
        "tags": [*item.topics, *item.categories],
        # An object of our own, as the format allows where its name begins with "_".
        "_wirewatch": {"page": item.page, "source": item.source, "topics": list(item.topics)},
    }
    if item.published is not None:
        found["date_published"] = rfc3339(item.published)
    if item.author:
        found["authors"] = [{"name": item.author}]
    if item.language:
        found["language"] = item.language
    if item.enclosures:
        found["attachments"] = [
            {"url": one.url, "mime_type": one.type or "application/octet-stream"}
            | ({"size_in_bytes": one.length} if one.length else {})
            for one in item.enclosures
        ]
    return found
