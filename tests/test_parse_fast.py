"""The fast reader gives exactly what feedparser gives, or nothing.

Here on made-up documents and our own samples; tests/test_parse_collected.py does it on collected ones.
"""

from __future__ import annotations

from collections import Counter

import feedparser.api
import feedparser.html
import feedparser.mixin
import feedparser.sanitizer
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.errors import ParseFailure
from service.parse import fast, jsonfeed, reference
from service.parse.encoding import decode
from service.parse.envelope import find_root, refuse_page, unpack
from service.parse.fast_names import HARMLESS, SENSITIVE
from service.parse.fast_text import looks_like_html, mended
from service.parse.vocabulary import HTML_ELEMENTS, NAMESPACES
from service.values import ParsedFeed
from tests.feed_samples import FEEDS, documents

URL = "https://news.example/feed.xml"


def _start(body: bytes) -> str | None:
    """The text of an XML feed from its first element on, or None for other things."""
    try:
        text = decode(unpack(body)).text
        root = None if jsonfeed.looks_like_json(text) else find_root(text)
        if root is None or root.doctype:
            return None
        refuse_page(text, root)
    except ParseFailure:
        return None
    return text[root.start :]


def _both(document: str) -> tuple[ParsedFeed | None, ParsedFeed]:
    return fast.read(document, URL), reference.read(
        '<?xml version="1.0" encoding="utf-8"?>\n' + document, URL
    )


def test_identity_on_our_own_samples() -> None:
    outcome: Counter[bool] = Counter()
    for path in sorted(FEEDS.rglob("*")):
        document = _start(path.read_bytes()) if path.is_file() else None
        if document is not None:
            quick, slow = _both(document)
            assert quick is None or quick == slow, path.name
            outcome[quick is not None] += 1
    assert outcome[True] >= 4, outcome


@pytest.mark.parametrize(
    "item",
    [
        "<title>a</title><title>b</title>",
        "<media:title>m</media:title><title>t</title>",
        "<title>t</title><media:group><media:title>m</media:title></media:group>",
        "<title/><media:title>m</media:title>",
        "<media:group><media:title>m</media:title></media:group>",
        "<title>t</title><source url='u'>S</source><media:title>m</media:title>",
        "<description>a</description><description>b</description>",
        "<content:encoded>c</content:encoded><description>d</description>",
        "<description>d</description><content:encoded>c</content:encoded>",
        "<itunes:summary>i &lt;b&gt;x&lt;/b&gt;</itunes:summary><description>d</description>",
        "<link>http:///a</link><guid>http:///b</guid>",
        "<guid>g</guid><link>l</link>",
        "<link>l</link><guid>g</guid>",
        "<link/><guid>g</guid>",
        "<guid isPermaLink='false'>g</guid><atom:link href='h'/>",
        "<atom:link rel='ALTERNATE' type='Text/HTML' href='h'/><link>a&amp;amp;b&amp;c;d</link>",
        "<atom:link href=''/>",
        "<link url='u' href='h'>t</link>",
        "<enclosure url='u' length='5' type='Audio/MPEG'/><enclosure href='v'/>",
        "<author>ann@x.org (Ann)</author><dc:creator>Bob</dc:creator>",
        "<author>ann@x.org</author>",
        "<author/><dc:creator/>",
        "<atom:author><atom:name>Ann</atom:name><atom:email>a@x.org</atom:email></atom:author>"
        "<atom:author><atom:email>b@x.org</atom:email></atom:author>",
        "<atom:author><atom:uri>u</atom:uri><atom:name>Ann</atom:name></atom:author>",
        "<category>a</category><category domain='d'/><category>b</category>"
        "<category term='t' label='l'>x</category>",
        "<media:keywords>a, b,,c</media:keywords><media:category>x</media:category>"
        "<itunes:keywords>k</itunes:keywords>",
        "<pubDate>p</pubDate><dc:date>d</dc:date><pubDate>q</pubDate><atom:updated>u</atom:updated>",
        "<dcterms:created>c</dcterms:created><dcterms:issued>i</dcterms:issued>",
        "<title>Ã¼ber \x92quoted\x93</title><description>Ã¼ &lt;p&gt;</description>",
        "<title>a &amp;lt;b&amp;gt; &amp;nbsp;</title><description>x</description>",
        "<title>&lt;b&gt;x&lt;/b&gt;</title><x:unknown a='b'><x:deep>t</x:deep></x:unknown>",
        "<title>&lt;unknown&gt;x&lt;/unknown&gt;</title><x:y>z</x:y>",
        "<title xml:lang='fr_CA'>a</title><description lang='de'>b</description>",
        "<title xml:Lang='fr'>a</title><description LANG='de'>b</description>",
        "<title>a</title><guid IsPermaLink='false'>g</guid>",
        "<media:content url='u' type='video/mp4' fileSize='7'><media:description>d</media:description>"
        "<media:thumbnail url='t'/></media:content>",
        "<itunes:image href='x'/><itunes:explicit>yes</itunes:explicit><dc:language>fr</dc:language>",
        "<title>" + "x" * 5 + "<!-- c --><![CDATA[<p>]]></title>",
    ],
)
def test_identity_on_odd_items(item: str) -> None:
    document = (
        '<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom" xmlns:x="urn:x"'
        ' xmlns:media="http://search.yahoo.com/mrss/" xmlns:content="http://purl.org/rss/1.0/modules/content/"'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/"'
        ' xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"><channel><title>f</title>'
        f"<item>{item}</item><item><title>next</title></item></channel></rss>"
    )
    quick, slow = _both(document)
    assert quick == slow


@settings(deadline=None, max_examples=100)
@given(documents())
def test_identity_on_whatever_can_be_made_of_the_elements(document: str) -> None:
    quick, slow = _both(document)
    assert quick is None or quick == slow


@pytest.mark.parametrize(
    "document",
    [
        "<rss version='2.0'><channel><item><title>a<b>c</b></title></item></channel></rss>",
        "<rss version='2.0' xml:base='http://x.org/'><channel/></rss>",
        "<rss version='2.0'><channel><item><item/></item></channel></rss>",
        "<rss version='2.0'><channel><item><date>x</date></item></channel></rss>",
        "<rss version='2.0'><channel><item><x><title>t</title></x></item></channel></rss>",
        "<feed version='0.3' xmlns='http://purl.org/atom/ns#'/>",
        "<rss version='2.0'><channel></rss>",
        "<opml/>",
        "<rss xmlns:dc='http://search.yahoo.com/mrss/'><channel/></rss>",
    ],
)
def test_what_is_odd_is_left_to_feedparser(document: str) -> None:
    assert fast.read(document, URL) is None


def test_its_tables_are_feedparsers() -> None:
    theirs = {
        uri.lower(): prefix for uri, prefix in feedparser.mixin._FeedParserMixin.namespaces.items() if uri
    }
    assert dict(NAMESPACES) == theirs
    assert feedparser.sanitizer._HTMLSanitizer.acceptable_elements == HTML_ELEMENTS
    handled = {
        name.split("_", 2)[2].lower()
        for name in dir(feedparser.api.StrictFeedParser)
        if name.startswith(("_start_", "_end_"))
    }
    ours = HARMLESS | SENSITIVE
    unknown = {name for name in handled - ours if not name.startswith(("georss", "gml_"))}
    assert unknown == set(), "elements that feedparser handles and the fast reader would pass over unseen"


@settings(deadline=None)
@given(st.text("<>/&;#abpquotn x\x92Ã¼", max_size=30))
def test_its_rules_for_texts_are_feedparsers(text: str) -> None:
    assert looks_like_html(text) == feedparser.mixin._FeedParserMixin.looks_like_html(text)
    try:
        expected = text.encode("iso-8859-1").decode("utf-8")
    except UnicodeError:
        expected = text
    assert mended(text) == expected.translate(feedparser.html._cp1252)
