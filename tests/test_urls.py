"""Canonical addresses and registrable domains."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.clean.urls import MAX_LENGTH, canonical_url, registrable_domain


@pytest.mark.parametrize(
    ("link", "base", "canonical"),
    [
        ("HTTP://WWW.Example.ORG:80/a/../b?utm_source=x&id=2#part", None, "http://www.example.org/b?id=2"),
        ("https://example.org:443", None, "https://example.org/"),
        ("https://example.org:8443/x", None, "https://example.org:8443/x"),
        ("//cdn.example.org/a", "http://example.org/", "http://cdn.example.org/a"),
        ("//cdn.example.org/a", None, "https://cdn.example.org/a"),
        ("/news/1", "https://example.org/blog/feed.xml", "https://example.org/news/1"),
        ("1.html", "https://example.org/blog/feed.xml", "https://example.org/blog/1.html"),
        ("?p=5", "https://example.org/blog/", "https://example.org/blog/?p=5"),
        ("www.example.com/a", "https://example.org/", "https://www.example.com/a"),
        ("  http://example.org/a\n b ", None, "http://example.org/a%20b"),
        ("http://example.org/a?x=1&amp;y=2", None, "http://example.org/a?x=1&y=2"),
        ("http:\\\\example.org\\a", None, "http://example.org/a"),
        ("http://user:secret@example.org/", None, "http://example.org/"),
        ("http://example.org./a", None, "http://example.org/a"),
        ("http://bücher.example/ä?ö=ü", None, "http://xn--bcher-kva.example/%C3%A4?%C3%B6=%C3%BC"),
        ("http://example.org/%7euser/%e9?q=50%", None, "http://example.org/~user/%E9?q=50%25"),
        ("http://[2001:DB8::1]:80/", None, "http://[2001:db8::1]/"),
        ("https://example.org/#!/article/5", None, "https://example.org/#!/article/5"),
        ("https://example.org/a?fbclid=1&gclid=2&mc_cid=3&ref=x", None, "https://example.org/a?ref=x"),
        ("https://example.org/a?UTM_Source=1", None, "https://example.org/a"),
        ("https://example.org/?at=5&source=feed", None, "https://example.org/?at=5&source=feed"),
        (
            "https://www.google.com/url?rct=j&sa=t&url=https://example.org/a%3Fid%3D1%26utm_medium%3Dx&ct=ga",
            None,
            "https://example.org/a?id=1",
        ),
        (
            "http://www.bing.com/news/apiclick.aspx?url=https%3a%2f%2fexample.org%2fx",
            None,
            "https://example.org/x",
        ),
        # not a known redirector, or no address behind it: left as it is
        (
            "https://example.org/url?url=https://other.org/",
            None,
            "https://example.org/url?url=https://other.org/",
        ),
        (
            "https://notgoogle.com/url?url=https://other.org/",
            None,
            "https://notgoogle.com/url?url=https://other.org/",
        ),
        ("https://www.google.com/url?q=javascript:x", None, "https://www.google.com/url?q=javascript:x"),
    ],
)
def test_the_canonical_form(link: str, base: str | None, canonical: str) -> None:
    assert canonical_url(link, base) == canonical
    assert canonical_url(canonical) == canonical, "canonical is canonical"


@pytest.mark.parametrize(
    "link",
    [
        None,
        "",
        "mailto:ann@example.org",
        "javascript:alert(1)",
        "data:text/html,x",
        "ftp://example.org/",
        "tag:example.org,2024:1",
        "/relative/without/base",
        "http://",
        "http://example.org:99999/",
        "http://[::1",
        "http://exa mple.org/",
        "http://" + "a" * 300 + ".org/",
        "http://example.org/" + "a" * MAX_LENGTH,
        "http://xn--\u2603\u0338.example/" + "\udcff",
    ],
)
def test_what_is_no_web_address_is_none(link: str | None) -> None:
    assert canonical_url(link) is None


def test_redirectors_in_a_circle_end() -> None:
    nested = "https://example.org/"
    for _ in range(10):
        nested = "https://www.google.com/url?q=" + nested.replace("&", "%26").replace("?", "%3F").replace(
            "=", "%3D"
        )
    assert canonical_url(nested) is not None


@pytest.mark.parametrize(
    ("url", "domain"),
    [
        ("https://news.bbc.co.uk/x", "bbc.co.uk"),
        ("bbc.co.uk", "bbc.co.uk"),
        ("http://EXAMPLE.org.:8080/", "example.org"),
        ("https://ann.github.io/", "ann.github.io"),
        ("http://a.b.рф/", "b.xn--p1ai"),
        ("http://127.0.0.1:8000/", "127.0.0.1"),
        ("http://[::1]:8000/feed", "::1"),
        ("http://localhost:8000/feed", "localhost"),
        ("co.uk", "co.uk"),
        ("https://feeds.internal.unknowntld/", "internal.unknowntld"),
        ("no address at all", "no address at all"),
    ],
)
def test_the_registrable_domain(url: str, domain: str) -> None:
    assert registrable_domain(url) == domain


@settings(deadline=None)
@given(st.text(max_size=60), st.none() | st.just("https://example.org/a/b"))
def test_no_text_makes_it_fail(link: str, base: str | None) -> None:
    url = canonical_url(link, base)
    assert url is None or (url.isascii() and canonical_url(url) == url)
    registrable_domain(link)


@settings(deadline=None)
@given(
    st.builds(
        "http://{}.example.org{}/{}?{}#{}".format,
        st.text("abcDEF-", min_size=1, max_size=8).map(lambda host: f"a{host}z"),
        st.sampled_from(["", ":80", ":8080"]),
        st.text(max_size=30),
        st.text(max_size=30),
        st.text(max_size=10),
    )
)
def test_canonical_addresses_are_stable(link: str) -> None:
    url = canonical_url(link)
    assert url is None or canonical_url(url) == url
