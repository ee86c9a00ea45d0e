"""Finding the feeds of a site: what its page says, then where feeds usually are. No request is made here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

MAX_FEEDS = 50
MAX_HTML = 4 * 1024 * 1024  # bytes of a page that are looked at
_MAX_ANCHORS = 5_000
_MAX_TITLE = 200

FEED_TYPES = frozenset(
    (
        "application/rss+xml",
        "application/atom+xml",
        "application/rdf+xml",
        "application/feed+json",
        "application/json",
        "application/xml",
        "text/xml",
        "application/x.atom+xml",
        "application/x-atom+xml",
    )
)
# Types that pages also give to what is no feed: oEmbed, sitemaps, APIs.
_VAGUE_TYPES = frozenset(("application/json", "application/xml", "text/xml"))
_NOT_FEEDS = re.compile(
    r"oembed|wp-json|sitemap|xmlrpc|opensearch|osd\.xml|wlwmanifest|graphql|/api/?$", re.IGNORECASE
)
_FEED_PATH = re.compile(
    r"(?:^|[/._-])(?:rss\d?|atom|feeds?|rdf)(?:\.(?:xml|php|aspx|rss|atom|json|cfm))?/?$"
    r"|\.(?:rss|atom|rdf)$|/(?:rss|feeds?)/[\w./-]+$|[?&](?:feed|format|type|alt)=(?:rss2?|atom|feed)",
    re.IGNORECASE,
)
# Feeds of the comments on one article, or on all, in the languages of the common blog programs.
_COMMENTS = re.compile(
    r"comment|kommentar|comentari|commenti|reacties|komment|комментар|коментар|yorum|评论|評論|댓글|コメント"
    r"|/(?:19|20)\d\d/\d\d?/.+/(?:feed|rss|atom)/?$",
    re.IGNORECASE,
)

_WELL_KNOWN = (
    "feed",
    "rss",
    "rss.xml",
    "feed.xml",
    "atom.xml",
    "index.xml",
    "feed/",
    "feed.json",
    "feeds/posts/default",
    "en/rss.xml",
    "?feed=rss2",
)
# Hosts that keep feeds in one place for every page: (host, pattern of the path, where the feed is).
_KNOWN_HOSTS = (
    (re.compile(r"(?:www\.|m\.)?youtube\.com"), r"/channel/([\w-]+)", "/feeds/videos.xml?channel_id={0}"),
    (re.compile(r"(?:www\.|old\.)?reddit\.com"), r"/r/(\w+)", "/r/{0}/.rss"),
    (re.compile(r"github\.com"), r"/([\w.-]+/[\w.-]+)", "/{0}/releases.atom"),
    (re.compile(r"medium\.com"), r"/(@?[\w.-]+)", "/feed/{0}"),
    (re.compile(r"mastodon\.[\w.]+"), r"/(@\w+)", "/{0}.rss"),
)


@dataclass(frozen=True, slots=True)
class FeedLink:
    """A feed that a page points to; ``declared`` when a link element says so, not only an anchor."""

    url: str
    title: str | None = None
    type: str | None = None
    declared: bool = True


def find_feeds(html: bytes | str, url: str) -> list[FeedLink]:
    """The feeds that an HTML page names, likeliest first: declared ones, then links, comments' feeds last."""
    page = LexborHTMLParser(html[:MAX_HTML])
    base = url
    base_element = page.css_first("base[href]")
    if base_element is not None:
        base = _resolved(base_element.attributes.get("href"), url) or url
    found: dict[str, FeedLink] = {}
    for link in (*_declared(page, base), *_linked(page, base)):
        found.setdefault(link.url, link)
    host = urlsplit(url).hostname
    ranked = sorted(found.values(), key=lambda link: _rank(link, host))
    return ranked[:MAX_FEEDS]


def _declared(page: LexborHTMLParser, base: str) -> Iterator[FeedLink]:
    for node in page.css("link[href]"):
        relations = (node.attributes.get("rel") or "").lower().split()
        kind = (node.attributes.get("type") or "").partition(";")[0].strip().lower()
        if "feed" not in relations and not ("alternate" in relations and kind in FEED_TYPES):
            continue
        href = node.attributes.get("href") or ""
        if kind in _VAGUE_TYPES and _NOT_FEEDS.search(href):
            continue
        address = _resolved(href, base)
        if address:
            yield FeedLink(address, _title(node.attributes.get("title")), kind or None)


def _linked(page: LexborHTMLParser, base: str) -> Iterator[FeedLink]:
    for node in page.css("a[href]")[:_MAX_ANCHORS]:
        href = (node.attributes.get("href") or "").strip()
        kind = (node.attributes.get("type") or "").lower()
        if kind not in FEED_TYPES and not _FEED_PATH.search(href.partition("#")[0]):
            continue
        address = _resolved(href, base)
        if address and not _NOT_FEEDS.search(href):
            yield FeedLink(address, _title(_words(node)), kind or None, declared=False)


def _words(node: LexborNode) -> str:
    return str(node.text(deep=True, separator=" ")) or node.attributes.get("title") or ""


def _rank(link: FeedLink, host: str | None) -> tuple[bool, bool, bool]:
    comments = bool(_COMMENTS.search(link.url) or _COMMENTS.search(link.title or ""))
    return comments, not link.declared, urlsplit(link.url).hostname != host


def _title(text: str | None) -> str | None:
    return " ".join((text or "").split())[:_MAX_TITLE] or None


def _resolved(href: str | None, base: str) -> str | None:
    """An absolute web address without its fragment, or None."""
    href = (href or "").strip()
    if href.lower().startswith("feed:"):
        href = href[5:] if href[5:].startswith("http") else "http:" + href[5:]
    try:
        address = urljoin(base, href).partition("#")[0]
        parts = urlsplit(address)
    except ValueError:
        return None
    return address if parts.scheme in ("http", "https") and parts.hostname else None


def well_known(url: str) -> list[str]:
    """Addresses where a site's feed may be, likeliest first; each has to be asked."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return []
    if parts.scheme not in ("http", "https") or not host:
        return []
    origin = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    found = []
    for pattern, path, feed in _KNOWN_HOSTS:
        match = re.match(path, parts.path)
        if pattern.fullmatch(host) and match:
            found.append(origin + feed.format(match[1]))
    folder = parts.path.rpartition("/")[0] if "." in parts.path.rpartition("/")[2] else parts.path.rstrip("/")
    for place in dict.fromkeys((folder, "")):
        found += [f"{origin}{place}/{name}" for name in _WELL_KNOWN]
    return list(dict.fromkeys(found))
