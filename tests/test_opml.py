"""Subscription lists in and out."""

from __future__ import annotations

import contextlib
import gzip
import time
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.errors import ParseFailure
from service.parse.opml import MAX_SUBSCRIPTIONS, read_subscriptions, write_opml
from service.values import Reason, Subscription

OPML = b"""<?xml version="1.0" encoding="UTF-8"?>
<opml version="2.0" xmlns:ww="urn:wirewatch:opml:1">
  <head><title>mine</title></head>
  <body>
    <outline text="News"><outline title="Asia / Pacific">
      <outline type="rss" text="A &amp; B" xmlUrl="https://a.example/feed" htmlUrl="https://a.example/"
        ww:schedule="every 15m" ww:topics="arms, sanctions"
        ww:options='{"full_text": true, "username": "x"}'/>
    </outline></outline>
    <outline text="B" XMLURL=" feed://b.example/rss " />
    <outline text="again" xmlUrl="https://a.example/feed"/>
    <outline type="link" text="a page" url="https://c.example/"/>
    <outline type="rss" text="no scheme" xmlUrl="www.d.example/rss"/>
    <outline text="a command" xmlUrl="|~/steal.sh"/>
    <!-- <outline text="off" xmlUrl="https://off.example/"/> -->
  </body>
</opml>"""


def _refusal(body: bytes) -> Reason:
    with pytest.raises(ParseFailure) as caught:
        read_subscriptions(body, "list.opml")
    return caught.value.reason


def test_folders_become_groups_and_our_own_namespace_is_kept() -> None:
    assert read_subscriptions(OPML) == (
        Subscription(
            url="https://a.example/feed",
            title="A & B",
            site_url="https://a.example/",
            group="News/Asia/Pacific",
            schedule="every 15m",
            topics=("arms", "sanctions"),
            options=(("full_text", True),),
        ),
        Subscription(url="http://b.example/rss", title="B"),
        Subscription(url="http://www.d.example/rss", title="no scheme"),
    )


@pytest.mark.parametrize(
    "body",
    [
        OPML.replace(b"<opml", b"\xef\xbb\xbf<opml", 1).split(b"?>", 1)[1],
        OPML.decode().encode("utf-16"),
        gzip.compress(OPML, mtime=0),
        OPML.replace(b"</opml>", b""),  # breaks off
        OPML.replace(b'xmlns:ww="urn:wirewatch:opml:1"', b""),  # a prefix that nobody declared
    ],
    ids=["bom", "utf-16", "gzip", "cut", "undeclared prefix"],
)
def test_the_same_list_in_other_clothes(body: bytes) -> None:
    assert read_subscriptions(body) == read_subscriptions(OPML)


def test_broken_attributes_are_read_as_they_were_meant() -> None:
    body = (
        b'<opml><body><outline text="The "Daily" & more" description="<p class="x">Hi</p>" '
        b'xmlUrl="https://a.example/?a=1&b=2" type="rss" /><outline text="F">'
        b'<outline text="in F" xmlUrl="https://b.example/"></outline></outline>'
        b'<outline text="outside" xmlUrl="https://c.example/"/></body></opml>'
    )
    assert read_subscriptions(body) == (
        Subscription(url="https://a.example/?a=1&b=2", title='The "Daily" & more'),
        Subscription(url="https://b.example/", title="in F", group="F"),
        Subscription(url="https://c.example/", title="outside"),
    )


def test_plain_lists_and_newsboats_urls() -> None:
    body = b"""# my feeds
https://a.example/feed "World News/Asia" tag2 "~My own title"
https://b.example/rss ! # hidden
"query:Unread:unread = \\"yes\\""
filter:~/bin/f:https://filtered.example/
exec:~/bin/make-feed
The Guardian\thttps://guardian.example/world/rss
- https://c.example/feed.xml,
feed:https://d.example/atom
not an address
https://a.example/feed
"""
    assert read_subscriptions(body) == (
        Subscription(url="https://a.example/feed", title="My own title", group="World News/Asia"),
        Subscription(url="https://b.example/rss"),
        Subscription(url="https://guardian.example/world/rss", title="The Guardian"),
        Subscription(url="https://c.example/feed.xml"),
        Subscription(url="https://d.example/atom"),
    )


def test_what_is_no_list_says_so() -> None:
    assert _refusal(b" \n") == Reason.EMPTY
    assert _refusal(b"no address here\n") == Reason.NOT_A_FEED
    assert _refusal(b"\x89PNG\r\n\x1a\n" + bytes(50)) == Reason.NOT_A_FEED
    assert _refusal(b"<html><head><title>Log in</title></head></html>") == Reason.NOT_A_FEED
    assert _refusal(b"<rss version='2.0'><channel/></rss>") == Reason.NOT_A_FEED
    assert read_subscriptions(b"<opml><body/></opml>") == ()


def test_hostile_lists_are_bounded() -> None:
    bomb = (
        b'<!DOCTYPE o [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
        + OPML.split(b"?>", 1)[1]
    )
    deep = b"<opml><body>" + b'<outline text="f">' * 20_000 + b'<outline xmlUrl="https://a.example/"/>'
    many = b"<opml><body>" + b"".join(
        b'<outline xmlUrl="https://a.example/%d"/>' % number for number in range(MAX_SUBSCRIPTIONS + 10)
    )
    quotes = b'<opml><body><outline text="' + b'" a="' * 200_000 + b"</body></opml>"
    began = time.process_time()
    assert len(read_subscriptions(bomb)) == 3
    (inner,) = read_subscriptions(deep)
    assert inner.group is not None
    assert inner.group.count("/") == 31
    slashes = b'<opml><body><outline text="' + b"f/" * 200 + b'"><outline xmlUrl="https://a.example/"/>'
    assert [one.group for one in read_subscriptions(slashes)] == [inner.group]
    assert len(read_subscriptions(many + b"</body></opml>")) == MAX_SUBSCRIPTIONS
    assert read_subscriptions(quotes) == ()
    assert _refusal(gzip.compress(bytes(40_000_000))) == Reason.TOO_LARGE
    assert time.process_time() - began < 10


_TEXT = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"], exclude_characters="\ufffe\uffff"),
    min_size=1,
    max_size=20,
)
_NAME = _TEXT.filter(lambda text: "/" not in text)
_SUBSCRIPTIONS = st.lists(
    st.builds(
        Subscription,
        url=st.integers(0, 10**6).map("https://example.org/?a=1&b={}".format),
        title=st.none() | _TEXT,
        site_url=st.none() | st.just("https://example.org/<ü>"),
        group=st.none() | st.lists(_NAME, min_size=1, max_size=4).map("/".join),
        schedule=st.none() | st.sampled_from(["adaptive", "every 15m", "*/5 * * * 1-5"]),
        topics=st.lists(_TEXT.filter(lambda text: "," not in text), max_size=3, unique=True).map(tuple),
        options=st.dictionaries(
            _TEXT.map("prior.{}".format), st.booleans() | st.integers() | _TEXT, max_size=3
        ).map(lambda options: tuple(options.items())),
    ),
    unique_by=lambda subscription: subscription.url,
    max_size=8,
)


@settings(deadline=None)
@given(_SUBSCRIPTIONS)
def test_nothing_is_lost_on_the_way_out_and_in(subscriptions: list[Subscription]) -> None:
    assert set(read_subscriptions(write_opml(subscriptions))) == set(subscriptions)


def test_secrets_stay_at_home() -> None:
    options = (("username", "ann"), ("password_file", "/p"), ("header.Cookie", "x"), ("full_text", True))
    written = write_opml([Subscription(url="https://a.example/", options=options)])
    assert b"ann" not in written
    assert b"Cookie" not in written
    assert read_subscriptions(written)[0].options == (("full_text", True),)


@settings(deadline=None)
@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: ("<opml><body>" + text).encode()))
def test_no_bytes_make_it_fail_otherwise(body: bytes) -> None:
    with contextlib.suppress(ParseFailure):
        read_subscriptions(body)


def test_the_starter_set_is_real_and_in_order() -> None:
    starter = read_subscriptions((files("seeds") / "starter.opml").read_bytes())
    assert len(starter) >= 20
    for subscription in starter:
        assert subscription.title
        assert subscription.group
        assert subscription.url.startswith("https://")
    groups = {(subscription.group or "").partition("/")[0] for subscription in starter}
    assert groups >= {"Sanctions", "Arms", "Diplomacy"}
    assert set(read_subscriptions(write_opml(starter))) == set(starter)


def test_every_list_that_was_collected_is_read(shared: Path) -> None:
    unread = {}
    read = 0
    for path in sorted((shared / "feeds" / "opml").iterdir()):
        try:
            subscriptions = read_subscriptions(path.read_bytes(), path.name)
        except ParseFailure as failure:
            unread[path.name] = failure.reason
            continue
        read += len(subscriptions)
        assert set(read_subscriptions(write_opml(subscriptions))) == set(subscriptions), path.name
    # One is prose that calls itself OPML, one begins with <haha>.
    assert sorted(unread.values()) == [Reason.NOT_A_FEED, Reason.NOT_A_FEED], unread
    assert read > 10_000
