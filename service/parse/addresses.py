"""What links of a feed are relative to."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit


def absolute(link: str | None, base: str) -> str | None:
    """A web address, resolved; None for anything else."""
    if not link:
        return None
    try:
        resolved = urljoin(base, link.strip())
        parts = urlsplit(resolved)
    except ValueError:
        return None
    return resolved if parts.scheme in ("http", "https") and parts.netloc else None


def base_of(feed_url: str, site_url: str | None, *, atom: bool) -> str:
    """What relative links are relative to: the feed's address (RFC 4287, RFC 3986 section 5.1.3).

    RSS has no rule. Served from another host than its site's (FeedBurner), its links mean the site.
    """
    if atom or site_url is None or _host(site_url) == _host(feed_url):
        return feed_url
    return site_url


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
