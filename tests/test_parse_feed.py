"""Feeds of every format, in every state that they come in."""

from __future__ import annotations

import gzip
import json
import zlib
from dataclasses import replace
from pathlib import Path

import pytest

from service.errors import ParseFailure
from service.parse.feed import parse_feed
from service.values import Enclosure, Entry, Fetched, Hints, ParsedFeed, Reason

FEEDS = Path(__file__).parent / "feeds"
URL = "https://news.example/feed.xml"


def parse(body: bytes | str, content_type: str = "", url: str = URL) -> ParsedFeed:
    data = body.encode() if isinstance(body, str) else body
    return parse_feed(Fetched(url=url, final_url=url, body=data, content_type=content_type))


def refusal(body: bytes | str, content_type: str = "") -> ParseFailure:
    with pytest.raises(ParseFailure) as caught:
        parse(body, content_type)
    return caught.value


def rss(items: str, channel: str = "") -> str:
    return f'<?xml version="1.0"?><rss version="2.0"><channel>{channel}{items}</channel></rss>'


# -- golden samples ------------------------------------------------------------------------------------


def _as_json(feed: ParsedFeed) -> dict[str, object]:
    plain = {
        "title": feed.title,
        "site_url": feed.site_url,
        "language": feed.language,
        "hubs": list(feed.hubs) or None,
        "self_url": feed.self_url,
        "version": feed.version,
        "ttl": feed.hints.ttl,
        "entries": [
            {
                name: value
                for name, value in (
                    ("guid", entry.guid),
                    ("link", entry.link),
                    ("title", entry.title),
                    ("title_is_html", entry.title_is_html or None),
                    ("content", entry.content),
                    ("summary", entry.summary),
                    ("published", entry.published),
                    ("updated", entry.updated),
                    ("author", entry.author),
                    ("categories", list(entry.categories) or None),
                    ("enclosures", [[e.url, e.type, e.length] for e in entry.enclosures] or None),
                    ("language", entry.language),
                    ("base_url", entry.base_url),
                )
                if value is not None
            }
            for entry in feed.entries
        ],
    }
    return {name: value for name, value in plain.items() if value is not None}


@pytest.mark.parametrize("expected", sorted(FEEDS.glob("*.expected.json")), ids=lambda path: path.name)
def test_the_golden_samples(expected: Path) -> None:
    body = expected.with_name(expected.name.removesuffix(".expected.json")).read_bytes()
    assert _as_json(parse(body)) == json.loads(expected.read_text(encoding="utf-8"))


# -- what is said, as it is said -----------------------------------------------------------------------


def test_an_entry_without_anything_is_an_entry() -> None:
    (entry,) = parse(rss("<item/>")).entries
    assert entry == Entry(base_url=URL)


def test_a_guid_that_is_no_link_stays_one() -> None:
    (first, second) = parse(
        rss(
            '<item><guid isPermaLink="false">17</guid></item>'
            "<item><guid>https://news.example/17</guid></item>"
        )
    ).entries
    assert (first.guid, first.link) == ("17", None)
    assert (second.guid, second.link) == ("https://news.example/17", "https://news.example/17")


def test_the_fullest_text_is_the_content_whatever_its_element() -> None:
    media = 'xmlns:media="http://search.yahoo.com/mrss/"'
    body = f"""<rss version="2.0" {media}><channel>
    <item><description>The whole long article.</description>
      <media:content url="https://news.example/p.jpg"><media:description>A caption</media:description>
      </media:content></item>
    <item><media:description>Nothing but this</media:description></item>
    </channel></rss>"""
    captioned, only_media = parse(body).entries
    assert (captioned.content, captioned.summary) == (None, "The whole long article.")
    assert (only_media.content, only_media.summary) == (None, "Nothing but this")


def test_content_and_summary_are_told_apart() -> None:
    body = """<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><item>
    <description>Short</description><content:encoded>&lt;p&gt;Long and full&lt;/p&gt;</content:encoded>
    </item></channel></rss>"""
    (entry,) = parse(body).entries
    assert (entry.content, entry.content_is_html) == ("<p>Long and full</p>", True)
    assert entry.summary == "Short"


def test_atom_texts_keep_their_kind() -> None:
    body = """<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="de"><title>F</title><entry>
    <title type="html">A &amp;lt; B &amp;amp; C</title><summary type="text">a &lt; b</summary>
    <content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>Hi <b>you</b></p></div></content>
    <link rel="alternate" type="text/html" href="/1"/><id>tag:x,1</id></entry></feed>"""
    (entry,) = parse(body).entries
    assert entry.title_is_html
    assert (entry.summary, entry.summary_is_html) == ("a < b", False)
    assert (entry.content, entry.content_is_html) == ("<p>Hi <b>you</b></p>", True)
    assert (entry.link, entry.language, entry.base_url) == ("/1", "de", URL)


def test_links_prefer_the_alternate() -> None:
    body = """<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>1</id>
    <link rel="self" href="https://news.example/1.atom"/>
    <link rel="enclosure" type="audio/mpeg" length="12" href="https://news.example/1.mp3"/>
    <link rel="replies" type="text/html" href="https://news.example/1#comments"/>
    <link href="https://news.example/1"/></entry>
    <entry><id>2</id><link type="application/pdf" rel="alternate" href="https://news.example/2.pdf"/></entry>
    </feed>"""
    first, second = parse(body).entries
    assert first.link == "https://news.example/1"
    assert first.enclosures == (Enclosure("https://news.example/1.mp3", "audio/mpeg", 12),)
    assert second.link == "2", "feedparser takes an id for the link of an entry that has none"


def test_the_base_of_relative_links() -> None:
    atom = """<feed xmlns="http://www.w3.org/2005/Atom" xml:base="/blog/"><entry>
    <link href="1.html"/><summary>x</summary></entry></feed>"""
    assert parse(atom).entries[0].base_url == "https://news.example/blog/"
    item = "<item><description>x</description></item>"
    same_host = rss(item, "<link>https://news.example/section/</link>")
    assert parse(same_host).entries[0].base_url == URL
    elsewhere = rss(item, "<link>https://paper.example/</link>")
    assert parse(elsewhere).entries[0].base_url == "https://paper.example/", "a feed served by FeedBurner"


def test_authors_and_categories() -> None:
    body = """<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel>
    <item><author>ann@news.example (Ann Smith)</author><category domain="d">Arms</category>
    <category>Arms</category><dc:subject>Trade</dc:subject></item>
    <item><dc:creator>Ann</dc:creator><dc:creator>Bob</dc:creator></item></channel></rss>"""
    first, second = parse(body).entries
    assert (first.author, first.categories) == ("Ann Smith", ("Arms", "Trade"))
    assert second.author == "Ann, Bob"


def test_what_a_feed_wishes() -> None:
    body = """<rss version="2.0" xmlns:sy="http://purl.org/rss/1.0/modules/syndication/"
    xmlns:atom="http://www.w3.org/2005/Atom"><channel><title>A &amp;amp; B</title>
    <link>https://news.example/</link><language>en-gb</language>%s
    <atom:link rel="hub" href="https://hub.example/"/>
    <atom:link rel="hub" href="/hub"/><atom:link rel="hub" href="https://hub.example/"/>
    <atom:link rel="hub" href="ftp://hub.example/"/>
    <atom:link rel="self" href="/feed.xml" type="application/rss+xml"/>
    <skipHours><hour>24</hour><hour>3</hour><hour>x</hour></skipHours>
    <skipDays><day>Sunday</day><day>Blursday</day></skipDays></channel></rss>"""
    period = "<sy:updatePeriod>hourly</sy:updatePeriod><sy:updateFrequency>2</sy:updateFrequency>"
    feed = parse(body % f"<ttl> 60 </ttl>{period}")
    assert feed.hints == Hints(ttl=3600, skip_hours=frozenset({0, 3}), skip_days=frozenset({6}))
    assert (feed.title, feed.site_url, feed.language) == ("A & B", "https://news.example/", "en-gb")
    assert (feed.hubs, feed.self_url) == (("https://hub.example/", "https://news.example/hub"), URL)
    assert parse(body % period).hints.ttl == 1800
    for nonsense in ("-5", "soon", "1e999", "nan", ""):
        assert parse(body % f"<ttl>{nonsense}</ttl>").hints.ttl is None
    assert parse(body % "<ttl>99999999</ttl>").hints.ttl == 31 * 86_400
    never = "".join(f"<hour>{hour}</hour>" for hour in range(24))
    assert parse(rss("", f"<skipHours>{never}</skipHours>")).hints.skip_hours == frozenset()


# -- other clothes -------------------------------------------------------------------------------------

SAMPLE = """<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0"><channel><title>Nachrichten für Köln</title><link>https://news.example/</link>
<item><title>Außenpolitik: Übung beendet</title><guid>https://news.example/1</guid>
<pubDate>Mon, 01 Jan 2024 10:00:00 GMT</pubDate><description>Grüße aus Köln</description></item>
<item><title>Zweites Stück</title><guid>https://news.example/2</guid></item>
</channel></rss>"""


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (SAMPLE.encode(), "application/rss+xml"),
        (SAMPLE.encode(), "text/html"),
        (SAMPLE.encode(), "text/xml; charset=us-ascii"),
        (SAMPLE.encode(), "application/xml; charset=iso-8859-1"),  # a server's default, and wrong
        (SAMPLE.encode(), "application/xml; charset=no-such-thing"),
        (b"\xef\xbb\xbf" + SAMPLE.encode(), ""),
        (b"\r\n\t " + SAMPLE.encode(), ""),
        (SAMPLE.encode("utf-16"), ""),
        (SAMPLE.encode("utf-16-be"), ""),
        (SAMPLE.encode("utf-32"), ""),
        (SAMPLE.replace("utf-8", "iso-8859-1").encode("latin-1"), ""),
        (SAMPLE.split("?>", 1)[1].encode("latin-1"), "text/xml; charset=windows-1252"),
        (SAMPLE.split("?>", 1)[1].encode("latin-1"), ""),  # declared nowhere
        (SAMPLE.encode("latin-1"), ""),  # declared wrongly
        (gzip.compress(SAMPLE.encode(), mtime=0), ""),
        (zlib.compress(SAMPLE.encode()), ""),
        (SAMPLE.encode() + b"\n<!-- cached -->\n<script>track()</script>", ""),
        (b"<br />\n<b>Warning</b>: include(x.php) failed<br />\n" + SAMPLE.encode(), ""),
        (SAMPLE.replace("Zweites", "Zweites\x0b").encode(), ""),
        (
            SAMPLE.replace("?>", "?><!DOCTYPE rss [<!ENTITY uuml '&#252;'>]>", 1)
            .replace("ß", "&#223;")
            .encode(),
            "",
        ),
    ],
)
def test_the_same_feed_in_other_clothes(body: bytes, content_type: str) -> None:
    feed = parse(body, content_type)
    plain = parse(SAMPLE)
    assert [entry.title for entry in feed.entries] == ["Außenpolitik: Übung beendet", "Zweites Stück"]
    assert feed.entries == plain.entries
    assert feed.title == "Nachrichten für Köln"


def test_one_broken_character_does_not_spoil_the_others() -> None:
    body = SAMPLE.encode().replace(b"Zweites", b"Zweite\xe4s")
    feed = parse(body)
    assert feed.entries[0].title == "Außenpolitik: Übung beendet"
    assert feed.entries[1].title == "Zweite\ufffds Stück"
    assert feed.warnings == ("1 characters are not valid UTF-8",)


@pytest.mark.parametrize("language", ["cs", "ru"])
def test_undeclared_encodings_are_told_by_script_and_language(language: str) -> None:
    text, encoding = {
        "cs": ("Příliš žluťoučký kůň úpěl ďábelské ódy. " * 5, "cp1250"),
        "ru": ("Министры иностранных дел обсудили новые санкции и поставки оружия. " * 5, "koi8-r"),
    }[language]
    body = rss(f"<item><title>{text}</title></item>", f"<language>{language}</language>").encode(encoding)
    assert parse(body).entries[0].title == text.strip()


def test_broken_markup_is_read_leniently_and_said() -> None:
    body = SAMPLE.replace("Grüße aus", "Grüße &nbsp; aus & <b>nach")
    feed = parse(body)
    assert [entry.guid for entry in feed.entries] == ["https://news.example/1", "https://news.example/2"]
    assert any("leniently" in warning for warning in feed.warnings)


def test_whole_entries_of_a_feed_that_breaks_off_are_kept() -> None:
    for end in range(SAMPLE.index("</item>") + 7, SAMPLE.rindex("</item>") + 7):
        feed = parse(SAMPLE[:end])
        assert [entry.guid for entry in feed.entries] == ["https://news.example/1"], SAMPLE[:end][-30:]
        assert any("breaks off" in warning for warning in feed.warnings)
    assert len(parse(SAMPLE[: SAMPLE.rindex("</channel>")]).entries) == 2
    assert refusal(SAMPLE[: SAMPLE.index("</item>")]).reason == Reason.MALFORMED


def test_what_is_no_feed_says_what_it_is() -> None:
    page = "<!DOCTYPE html><html><head><title>Log in &amp;\n wait</title></head><body>x</body></html>"
    assert refusal(page).detail == 'a web page titled "Log in & wait", not a feed'
    assert refusal(page).reason == Reason.NOT_A_FEED
    for body, words in (
        (b"<opml><body/></opml>", "import it"),
        (b"<urlset><url/></urlset>", "a sitemap"),
        (b"<foo><bar/></foo>", "<foo>"),
        (b"Service unavailable", "Service unavailable"),
        (b'{"error": 1}', "no JSON Feed"),
        (b"\x89PNG\r\n\x1a\n" + bytes(20), "a PNG image"),
        (b"%PDF-1.7 ...", "a PDF document"),
    ):
        failure = refusal(body)
        assert failure.reason == Reason.NOT_A_FEED
        assert words in failure.detail
    for body in (b"", b" \r\n\t", b"\xef\xbb\xbf", bytes(10)):
        assert refusal(body).reason == Reason.EMPTY


def test_a_feed_without_entries_is_one() -> None:
    assert parse(rss("", "<title>New</title>")).entries == ()


def test_the_address_that_answered_counts() -> None:
    fetched = Fetched(
        url="http://old.example/", final_url="https://new.example/feed", body=rss("<item/>").encode()
    )
    assert parse_feed(fetched).entries[0].base_url == "https://new.example/feed"
    assert parse_feed(replace(fetched, final_url="")).entries[0].base_url is None
    site = rss("<item/>", "<link>https://paper.example/</link>").encode()
    assert parse_feed(replace(fetched, body=site, final_url="http://[")).site_url is None
