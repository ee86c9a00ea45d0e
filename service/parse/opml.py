"""Subscription lists in and out: OPML 1.0 to 2.0, plain lists of addresses, newsboat's ``urls`` file."""

from __future__ import annotations

import html
import json
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from urllib.parse import urlsplit
from xml.parsers import expat
from xml.sax.saxutils import quoteattr

from service.errors import ParseFailure
from service.parse.encoding import decode
from service.parse.envelope import Root, find_root, refuse_binary, refuse_page, unpack
from service.parse.limits import without_illegal
from service.values import Reason, Subscription

NAMESPACE = "urn:wirewatch:opml:1"
MAX_BYTES = 16 * 1024 * 1024
MAX_SUBSCRIPTIONS = 50_000
MAX_FOLDERS = 32  # within each other; deeper ones are taken as the last
MAX_TEXT = 500
MAX_URL = 4096
_MAX_OUTLINE = 20_000  # characters of one outline element

_OUTLINE = re.compile(r"<outline(?=\s)|</outline(?=\s{0,20}>)|</body", re.IGNORECASE)
# A value goes on until the next attribute or the end: people leave quotation marks in titles as they are.
_ATTRIBUTE = re.compile(r"""([\w:.-]{1,80}) ?= ?(["'])(.*?)\2(?= ?[\w:.-]{1,80} ?=|$)""")
_XML_COMMENT = re.compile(r"<!--(?:(?!-->).){0,100000}-->", re.DOTALL)
_BARE_HOST = re.compile(r"(?:[\w-]{1,63}\.){1,10}[a-z]{2,24}(?:/|$)", re.IGNORECASE)
_ADDRESS = re.compile(r"(?:feed:)?(?:https?|feed)://[^\s\"'<>]+", re.IGNORECASE)
# Options that say how to reach or unlock a source: never part of a list that is handed on.
SECRET_OPTIONS = ("username", "password", "header.", "proxy")


def read_subscriptions(body: bytes, name: str = "") -> tuple[Subscription, ...]:
    """Read a subscription list of any of the known kinds; each address once, folders as groups "a/b".

    What is no web address (newsboat's queries, filters and commands, includes) is left out.

    :param name: the file's name, for messages
    :raises ParseFailure: EMPTY, TOO_LARGE, or NOT_A_FEED when it is no list of subscriptions
    """
    body = unpack(body, limit=MAX_BYTES)
    if not body.strip():
        raise ParseFailure(Reason.EMPTY, f"{name or 'the list'} is empty")
    refuse_binary(body)
    text = decode(body).text
    root = find_root(text) if text.lstrip("\ufeff \t\r\n").startswith("<") else None
    if root is None:
        found: Iterable[Subscription] = _from_lines(text)
    elif root.local_name == "opml" or "<outline" in text:
        found = _from_opml(text, root)
    else:
        refuse_page(text, root)
        raise ParseFailure(
            Reason.NOT_A_FEED, f"{name or 'the file'} begins with <{root.name[:60]}>, it is no OPML list"
        )
    subscriptions = _once(found)
    if not subscriptions and root is None:
        raise ParseFailure(Reason.NOT_A_FEED, f"no address of a feed in {name or 'the list'}")
    return subscriptions


def _once(found: Iterable[Subscription]) -> tuple[Subscription, ...]:
    """Each address once, as it came first."""
    kept: dict[str, Subscription] = {}
    for subscription in found:
        kept.setdefault(subscription.url, subscription)
        if len(kept) >= MAX_SUBSCRIPTIONS:
            break
    return tuple(kept.values())


# -- OPML ----------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Outlines:
    """Collects outlines as they open and close; what has an address is a feed, what has none a folder."""

    found: list[Subscription] = field(default_factory=list)
    groups: list[str | None] = field(default_factory=lambda: [None])  # of what is inside each open outline

    def open(self, attributes: Mapping[str, str]) -> None:
        group = self.groups[-1]
        subscription = _subscription(attributes, group)
        if subscription is None:
            group = _joined(group, _plain(attributes.get("title") or attributes.get("text")) or "")
        elif len(self.found) < MAX_SUBSCRIPTIONS:
            self.found.append(subscription)
        self.groups.append(group)

    def close(self) -> None:
        if len(self.groups) > 1:
            self.groups.pop()


def _joined(group: str | None, folder: str) -> str | None:
    """A group within a group. A folder called "UI / UX" is two: a slash has one meaning."""
    above = group.split("/") if group else []
    parts = [part.strip() for part in folder.split("/") if part.strip()]
    return "/".join((above + parts)[:MAX_FOLDERS]) or None


def _from_opml(text: str, root: Root) -> list[Subscription]:
    outlines = _Outlines()
    try:
        _strictly(text[root.start :], outlines)
    except expat.ExpatError:
        outlines = _Outlines()
        _leniently(text, outlines)
    return outlines.found


def _strictly(document: str, outlines: _Outlines) -> None:
    parser = expat.ParserCreate("utf-8", namespace_separator=" ")
    parser.buffer_text = True

    def start(name: str, attributes: dict[str, str]) -> None:
        if name.lower() == "outline":
            own = {key.lower().replace(f"{NAMESPACE} ", "ww:"): value for key, value in attributes.items()}
            outlines.open(own)

    def end(name: str) -> None:
        if name.lower() == "outline":
            outlines.close()

    parser.StartElementHandler, parser.EndElementHandler = start, end
    # The document type stayed behind with the prolog: without it, no entity but the five of XML exists.
    parser.Parse(without_illegal(document).encode("utf-8", "replace"), True)


def _leniently(text: str, outlines: _Outlines) -> None:
    """Broken XML: bare ampersands, tags inside values, prefixes that nobody declared, a missing end."""
    text = _XML_COMMENT.sub("", text)
    tags = list(_OUTLINE.finditer(text))
    for tag, following in zip_longest(tags, tags[1:]):
        if tag[0].startswith("</"):
            outlines.close()
            continue
        end = min(following.start() if following else len(text), tag.end() + _MAX_OUTLINE)
        inside = text[tag.end() : end].rpartition(">")[0]
        written = " ".join(inside.rstrip("/").split())
        outlines.open({name.lower(): html.unescape(value) for name, _, value in _ATTRIBUTE.findall(written)})
        if inside.endswith("/"):
            outlines.close()


def _subscription(attributes: Mapping[str, str], group: str | None) -> Subscription | None:
    kind = attributes.get("type", "").lower()
    address = attributes.get("xmlurl") or attributes.get("feedurl")
    if not address and kind in ("rss", "atom", "rdf", "feed", "json"):
        address = attributes.get("url")
    url = web_address(address)
    if url is None:
        return None
    text = attributes.get("text", "")
    return Subscription(
        url=url,
        title=_plain(attributes.get("title")) or (_plain(text) if web_address(text) != url else None),
        site_url=web_address(attributes.get("htmlurl")),
        group=group,
        schedule=_plain(attributes.get("ww:schedule")),
        topics=tuple(filter(None, map(_plain, attributes.get("ww:topics", "").split(",")))),
        options=_options(attributes.get("ww:options", "")),
    )


def _plain(text: str | None) -> str | None:
    return " ".join(without_illegal(text or "").split())[:MAX_TEXT].strip() or None


def web_address(text: str | None) -> str | None:
    """An address of http or https, ``feed:`` understood as one; None for commands, queries and all else."""
    address = "".join(without_illegal(text or "").split())
    lowered = address[:12].lower()
    if lowered.startswith(("feed:http://", "feed:https:/")):
        address = address[5:]
    elif lowered.startswith("feed://"):
        address = "http" + address[4:]
    elif _BARE_HOST.match(address):
        address = "http://" + address
    if len(address) > MAX_URL or not address.lower().startswith(("http://", "https://")):
        return None
    try:
        return address if urlsplit(address).hostname else None
    except ValueError:
        return None


def _options(text: str) -> tuple[tuple[str, str | int | float | bool], ...]:
    try:
        given = json.loads(text[: 10 * MAX_TEXT]) if text else {}
    except (ValueError, RecursionError):
        return ()
    if not isinstance(given, dict):
        return ()
    return tuple(
        (name, value)
        for name, value in given.items()
        if isinstance(value, str | int | float | bool) and not is_secret(name)
    )


def is_secret(option: str) -> bool:
    """Whether an option of a source is kept out of lists."""
    return option.startswith(SECRET_OPTIONS)


# -- lines ---------------------------------------------------------------------------------------------


def _from_lines(text: str) -> Iterator[Subscription]:
    """Lists with one address a line, in newsboat's form, or with a title in front of the address."""
    for raw in text.splitlines():
        line = raw.strip()
        if not line or line.startswith(("#", "//", ";")):
            continue
        match = _ADDRESS.search(line)
        if match is None or line.startswith(('"query:', "query:", '"filter:', "filter:", "exec:", '"exec:')):
            continue
        url = web_address(match[0].rstrip(",;"))
        if url is None:
            continue
        before = line[: match.start()].strip(" \t-*:,;|\"'<([")
        words = _words(line[match.end() :])
        title = next((word[1:] for word in words if word.startswith("~")), before)
        tags = [word for word in words if not word.startswith(("~", "!"))]
        yield Subscription(
            url=url,
            title=_plain(title),
            group=_joined(None, _plain(tags[0]) or "") if tags and not before else None,
        )


def _words(text: str) -> list[str]:
    """The words after an address, quoted ones whole."""
    text = text.lstrip("\"'>)],;")[:MAX_TEXT]
    try:
        return shlex.split(text, comments=True)
    except ValueError:
        return []


# -- out -----------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Folder:
    folders: dict[str, _Folder] = field(default_factory=dict)
    subscriptions: list[Subscription] = field(default_factory=list)


def write_opml(subscriptions: Iterable[Subscription], *, title: str = "Wirewatch subscriptions") -> bytes:
    """An OPML 2.0 document that `read_subscriptions` reads back without loss; groups become folders."""
    top = _Folder()
    for subscription in subscriptions:
        folder = top
        for part in (subscription.group or "").split("/"):
            if part.strip():
                folder = folder.folders.setdefault(part.strip(), _Folder())
        folder.subscriptions.append(subscription)
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<opml version="2.0" xmlns:ww="{NAMESPACE}">',
        f"  <head><title>{html.escape(title, quote=False)}</title></head>",
        "  <body>",
        *_written(top, "    "),
        "  </body>",
        "</opml>",
    ]
    return without_illegal("\n".join(lines) + "\n").encode("utf-8", "replace")


def _written(folder: _Folder, indent: str) -> Iterator[str]:
    for subscription in folder.subscriptions:
        attributes = " ".join(f"{name}={quoteattr(value)}" for name, value in _attributes(subscription))
        yield f"{indent}<outline {attributes}/>"
    for name, inner in folder.folders.items():
        yield f"{indent}<outline text={quoteattr(name)} title={quoteattr(name)}>"
        yield from _written(inner, indent + "  ")
        yield f"{indent}</outline>"


def _attributes(subscription: Subscription) -> Iterator[tuple[str, str]]:
    yield "type", "rss"
    yield "text", subscription.title or subscription.url
    if subscription.title:
        yield "title", subscription.title
    yield "xmlUrl", subscription.url
    if subscription.site_url:
        yield "htmlUrl", subscription.site_url
    if subscription.schedule:
        yield "ww:schedule", subscription.schedule
    if subscription.topics:
        yield "ww:topics", ",".join(subscription.topics)
    options = {name: value for name, value in subscription.options if not is_secret(name)}
    if options:
        yield "ww:options", json.dumps(options, ensure_ascii=False)
