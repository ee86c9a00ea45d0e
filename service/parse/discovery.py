"""Finding the feeds of a site: what its page says, then where feeds usually are. No request is made here."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from urllib.parse import urljoin, urlsplit

from service.parse.encoding import decode

MAX_FEEDS = 50
MAX_HTML = 4 * 1024 * 1024  # bytes of a page that are looked at
_MAX_TAGS = 20_000
_MAX_WORDS = 300  # characters between an anchor and its end
_MAX_TITLE = 200

# No tree is built: one of a hundred thousand open elements takes a minute. The quantifiers are possessive, so
# that a tag which does not end is given up at once.
_TAG = re.compile(
    r"""<(link|base|a)\s((?:[^<>"']++|"[^"]{0,2000}+"|'[^']{0,2000}+'){0,100}+)>""", re.IGNORECASE
)
_ATTRIBUTE = re.compile(
    r"""([a-zA-Z-]{1,40})\s{0,9}=\s{0,9}(?:"([^"]{0,2000})"|'([^']{0,2000})'|([^\s"'<>]{1,2000}))"""
)
_ANY_TAG = re.compile(r"<[^<>]{0,500}>")

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


def find_feeds(page: bytes | str, url: str) -> list[FeedLink]:
    """The feeds that an HTML page names, likeliest first: declared ones, then links, comments' feeds last."""
    text = decode(page[:MAX_HTML]).text if isinstance(page, bytes) else page[:MAX_HTML]
    text = _without_comments(text)
    base = url
    declared: list[tuple[str, dict[str, str]]] = []
    linked: list[tuple[str, dict[str, str]]] = []
    for tag in islice(_TAG.finditer(text), _MAX_TAGS):
        attributes = _attributes(tag[2])
        href = attributes.get("href", "").strip()
        name = tag[1].lower() if href else ""
        if name == "base":
            base = _resolved(href, url) or base
        elif name == "link":
            declared.append((href, attributes))
        elif name == "a" and _is_feed_anchor(href, attributes):
            words = text[tag.end() : tag.end() + _MAX_WORDS].partition("</a")[0]
            attributes["title"] = _ANY_TAG.sub(" ", words).strip() or attributes.get("title", "")
            linked.append((href, attributes))
    found: dict[str, FeedLink] = {}
    for link in (*_links(declared, base, declared=True), *_links(linked, base, declared=False)):
        found.setdefault(link.url, link)
    host = _host(url)
    return sorted(found.values(), key=lambda link: _rank(link, host))[:MAX_FEEDS]


def _without_comments(text: str) -> str:
    """Comments go first, in one pass: a feed that is commented out is none."""
    kept, position = [], 0
    while (start := text.find("<!--", position)) >= 0:
        kept.append(text[position:start])
        end = text.find("-->", start + 4)
        if end < 0:
            return "".join(kept)  # HTML: an open comment goes on to the end
        position = end + 3
    return "".join((*kept, text[position:]))


def _attributes(written: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, double, single, bare in _ATTRIBUTE.findall(written):
        found.setdefault(name.lower(), html.unescape(double or single or bare))
    return found


def _is_feed_anchor(href: str, attributes: dict[str, str]) -> bool:
    if _NOT_FEEDS.search(href):
        return False
    return attributes.get("type", "").lower() in FEED_TYPES or bool(_FEED_PATH.search(href.partition("#")[0]))


def _links(found: list[tuple[str, dict[str, str]]], base: str, *, declared: bool) -> Iterator[FeedLink]:
    for href, attributes in found:
        kind = attributes.get("type", "").partition(";")[0].strip().lower()
        relations = attributes.get("rel", "").lower().split()
        if declared and "feed" not in relations and not ("alternate" in relations and kind in FEED_TYPES):
            continue
        if kind in _VAGUE_TYPES and _NOT_FEEDS.search(href):
            continue
        address = _resolved(href, base)
        if address:
            yield FeedLink(address, _title(attributes.get("title")), kind or None, declared)


def of_comments(link: FeedLink) -> bool:
    """Whether a feed carries comments on articles instead of articles."""
    return bool(_COMMENTS.search(link.url) or _COMMENTS.search(link.title or ""))


def _rank(link: FeedLink, host: str | None) -> tuple[bool, bool, bool]:
    return of_comments(link), not link.declared, _host(link.url) != host


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _title(text: str | None) -> str | None:
    return " ".join(html.unescape(text or "").split())[:_MAX_TITLE] or None


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
