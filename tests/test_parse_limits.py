"""Hostile feeds end within the limits, with a reason, in little time."""

from __future__ import annotations

import gzip
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from service.errors import ParseFailure
from service.parse.envelope import MAX_BYTES
from service.parse.feed import MAX_FALLBACK_CHARACTERS, parse_feed
from service.parse.limits import MAX_CATEGORIES, MAX_DEPTH, MAX_ENTRIES
from service.values import Fetched, ParsedFeed, Reason

URL = "https://news.example/feed.xml"


def parse(body: bytes | str) -> ParsedFeed:
    data = body.encode() if isinstance(body, str) else body
    return parse_feed(Fetched(url=URL, final_url=URL, body=data))


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """CPU time, with room for a busy machine."""
    began = time.process_time()
    yield
    assert time.process_time() - began < seconds


def refusal(body: bytes | str) -> Reason:
    with pytest.raises(ParseFailure) as caught:
        parse(body)
    assert len(caught.value.detail) < 500
    return caught.value.reason


def rss(items: str, doctype: str = "", head: str = "") -> str:
    return f'<?xml version="1.0"?>{doctype}<rss version="2.0"><channel>{head}{items}</channel></rss>'


ITEM = "<item><guid>1</guid><title>&x;</title></item>"


def test_entity_bombs_are_refused() -> None:
    laughs = '<!ENTITY a0 "ha">' + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    quadratic = f'<!ENTITY x "{"a" * 9_000}">'
    with within(3):
        assert refusal(rss(ITEM.replace("&x;", "&a9;"), f"<!DOCTYPE rss [{laughs}]>")) == Reason.TOO_COMPLEX
        assert refusal(rss(ITEM * 2_000, f"<!DOCTYPE rss [{quadratic}]>")) == Reason.TOO_COMPLEX
        big = f'<!DOCTYPE rss [<!ENTITY x "{"a" * 20_000}">]>'
        assert refusal(rss(ITEM, big)) == Reason.TOO_COMPLEX
        many = "<!DOCTYPE rss [" + "".join(f'<!ENTITY e{n} "x">' for n in range(1000)) + "]>"
        assert refusal(rss(ITEM, many)) == Reason.TOO_COMPLEX
        circle = '<!DOCTYPE rss [<!ENTITY x "&y;"><!ENTITY y "&x;">]>'
        assert refusal(rss(ITEM, circle)) == Reason.TOO_COMPLEX
        chain = "".join(f'<!ENTITY c{n} "&c{n + 1};">' for n in range(290))
        assert parse(rss(ITEM, f"<!DOCTYPE rss [{chain}]>")).entries


def test_harmless_entities_work_and_files_are_never_opened() -> None:
    doctype = (
        "<!DOCTYPE rss [<!ENTITY org 'Acme'><!ENTITY x \"&org; &#38;#38; Co\">"
        '<!ENTITY file SYSTEM "file:///etc/hostname"><!ENTITY % p SYSTEM "http://127.0.0.1:9/p">]>'
    )
    assert parse(rss(ITEM, doctype)).entries[0].title == "Acme & Co"
    outside = parse(rss(ITEM.replace("&x;", "a &file; b"), doctype)).entries[0].title
    assert outside is not None
    assert outside.replace("&file;", "").split() == ["a", "b"]


def test_nesting_is_limited() -> None:
    deep = "<a>" * (MAX_DEPTH + 1) + "</a>" * (MAX_DEPTH + 1)
    assert refusal(rss(f"<item>{deep}</item>")) == Reason.TOO_COMPLEX
    assert refusal(rss(f"<item><description>{deep}</description></item>")) == Reason.TOO_COMPLEX
    with within(5):
        # Broken before the depth is known: the lenient reader needs no stack.
        parse(rss(f"<item><title>a & b</title>{'<a>' * 50_000}</item>"))


def test_a_million_entries_are_capped() -> None:
    items = "".join(f"<item><guid>{number}</guid></item>" for number in range(MAX_ENTRIES + 5))
    with within(10):
        feed = parse(rss(items))
        assert len(feed.entries) == MAX_ENTRIES
        assert feed.entries[-1].guid == str(MAX_ENTRIES - 1)
        assert "more than 10,000 entries" in feed.warnings[0]
    with within(60):
        broken = parse(rss("<item><guid>&bad;</guid></item>" + items))
        assert len(broken.entries) == MAX_ENTRIES
    with within(20):
        million = b"<rss version='2.0'><channel>" + b"<item/>" * 1_000_000 + b"</channel></rss>"
        assert len(parse(million).entries) == MAX_ENTRIES


def test_too_many_categories_of_one_entry() -> None:
    many = "".join(f"<category>{number}</category>" for number in range(MAX_CATEGORIES + 1))
    with within(5):
        assert refusal(rss(f"<item>{many}</item>")) == Reason.TOO_COMPLEX
    assert (
        len(parse(rss("<item><category>a</category></item>" * (MAX_CATEGORIES + 1))).entries) > MAX_CATEGORIES
    )


def test_bodies_that_unpack_without_end() -> None:
    zeros = bytes(MAX_BYTES + 1)
    with within(5):
        assert refusal(gzip.compress(zeros)) == Reason.TOO_LARGE
        assert refusal(zlib.compress(zeros)) == Reason.TOO_LARGE
        assert refusal(zeros) == Reason.TOO_LARGE
    assert refusal(gzip.compress(b"x")[:-12] + b"\xff" * 20) == Reason.MALFORMED
    large = rss("<item><title>&nbsp;</title></item>", head=" " * MAX_FALLBACK_CHARACTERS)
    assert refusal(large) == Reason.TOO_LARGE


@pytest.mark.parametrize(
    "body",
    [
        "<?xml version='1.0'?>" + "\n" * 200_000 + "<!-- x -->" * 1000 + "<rss version='2.0'/>",
        "<!DOCTYPE rss [" + "<!ENTITY " * 100_000,
        "<!DOCTYPE rss [" + "<!-- " * 100_000 + "]><rss/>",
        "<!--" * 200_000,
        "<?" * 200_000,
        "<rss version='2.0'>" + "</rss" * 100_000,
        "<rss version='2.0'><channel>" + "<skiphours>" * 50_000 + "</channel></rss>",
        rss("<item><title>" + "<" * 2_000 + "</title></item>"),
        rss("<item><description>" + "&lt;p " * 50_000 + "</description></item>"),
        rss("<item><guid>" + "/" * 200_000 + "</guid><link>http://" + "/" * 200_000 + "</link></item>"),
        rss("<item><title>" + "&amp;amp" * 50_000 + "</title></item>"),
        rss("<item><author>" + "a" * 500 + "</author></item>" * 3),
        "<rss version='2.0' " + " ".join(f"a{n}='x'" for n in range(20_000)) + "/>",
        "<rss version='2.0'><channel>" + "".join(f"<e{n}/>" for n in range(20_000)) + "</channel></rss>",
        '{"version": "https://jsonfeed.org/version/1", "items": [' + '{"id": 1},' * 20_000,
        '{"a":' * 200_000,
        "<html>" + "<title>" * 50_000,
        b"\xff\xfe" + b"<\x00" * 100_000,
        b"\x80" * 200_000,
    ],
    ids=range(19),
)
def test_patterns_that_make_regular_expressions_slow(body: bytes | str) -> None:
    with within(8), suppress(ParseFailure):
        parse(body)
