"""What the headers of a response say, and addresses as they are sent: pure, by tables."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from service.fetch import headers
from service.fetch.addresses import BadAddress, web_address
from service.values import MAX_HUBS, Hints
from tests.fetching import NOW

MOON_LANDING = datetime(1969, 7, 20, 20, 17, 40, tzinfo=UTC)


@pytest.mark.parametrize(
    ("fields", "seconds"),
    [
        ({"Cache-Control": "max-age=600"}, 600),
        ({"Cache-Control": "public, MAX-AGE=600, must-revalidate"}, 600),
        ({"Cache-Control": 'max-age="600"'}, 600),
        ({"Cache-Control": "max-age=600", "Age": "100"}, 500),
        ({"Cache-Control": "max-age=600", "Age": "1000"}, 0),
        ({"Cache-Control": "max-age=600, max-age=5"}, 600),
        ({"Cache-Control": "no-cache, max-age=600"}, 0),
        ({"Cache-Control": "no-store"}, 0),
        ({"Cache-Control": "s-maxage=600"}, None),
        ({"Cache-Control": "max-age=much"}, None),
        ({"Cache-Control": "max-age=-1"}, None),
        ({"Cache-Control": "max-age=99999999999"}, headers.MAX_SECONDS),
        ({"Cache-Control": "max-age=" + "9" * 500}, None),
        ({"Cache-Control": "max-age=60", "Expires": "Tue, 24 Nov 2026 13:00:00 GMT"}, 60),
        ({"Expires": "Tue, 24 Nov 2026 13:00:00 GMT"}, 3600),
        ({"Expires": "Tue, 24 Nov 2026 13:00:00 GMT", "Date": "Tue, 24 Nov 2026 12:59:00 GMT"}, 60),
        ({"Expires": "Tue, 24 Nov 2026 11:00:00 GMT"}, 0),
        ({"Expires": "0"}, 0),
        ({"Expires": "-1"}, 0),
        ({}, None),
    ],
)
def test_how_long_an_answer_stays_fresh(fields: dict[str, str], seconds: int | None) -> None:
    assert headers.hints(fields, now=NOW, retry=False) == Hints(max_age=seconds)


@pytest.mark.parametrize(
    "text",
    [
        "Sun, 20 Jul 1969 20:17:40 GMT",
        "Sunday, 20-Jul-69 20:17:40 GMT",
        "Sun Jul 20 20:17:40 1969",
        "Sun, 20 Jul 1969 21:17:40 +0100",
    ],
)
def test_dates_in_all_their_forms(text: str) -> None:
    assert headers.http_date(text) == MOON_LANDING


@pytest.mark.parametrize("text", ["", "0", "soon", "Sun, 99 Jul 1969 20:17:40 GMT", "x" * 10_000])
def test_dates_that_are_none(text: str) -> None:
    assert headers.http_date(text) is None


@given(
    st.dictionaries(st.sampled_from(["Cache-Control", "Age", "Expires", "Date", "Retry-After"]), st.text())
)
def test_no_header_breaks_the_reading(fields: dict[str, str]) -> None:
    found = headers.hints(fields, now=NOW, retry=True)

    assert all(
        value is None or 0 <= value <= headers.MAX_SECONDS for value in (found.max_age, found.retry_after)
    )


@given(st.lists(st.text(alphabet='<>;,="\\ relhub/:x', max_size=60), max_size=4))
def test_no_link_header_breaks_the_reading(links: list[str]) -> None:
    found = headers.linked(links, "hub", base=URL("https://a.test/feed"))

    assert all(one.startswith(("http://", "https://")) for one in found)


def test_a_link_header_of_the_largest_size_is_read_at_once() -> None:
    bomb = '<a>;"' * 6000 + ',<https://hub.test/>;rel="hub"' * 100

    found = headers.linked([bomb] * 5, "hub", base=URL("https://a.test/"))
    assert found in ((), ("https://hub.test/",))


def test_several_links_of_a_relation_are_kept_in_their_order_up_to_a_limit() -> None:
    many = ", ".join(f'<https://hub{number % 20}.test/>; rel="hub"' for number in range(50))

    found = headers.linked([many], "hub", base=URL("https://a.test/"))
    assert found == tuple(f"https://hub{number}.test/" for number in range(MAX_HUBS))


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("http://Example.ORG", "http://example.org/"),
        (" https://example.org:443/a b\n", "https://example.org/a%20b"),
        ("http://example.org:8080/a#frag", "http://example.org:8080/a"),
        ("http://bücher.example/straße?q=ä", "http://xn--bcher-kva.example/stra%C3%9Fe?q=%C3%A4"),
        ("http://xn--bcher-kva.example/", "http://xn--bcher-kva.example/"),
        ("http://user:pw@example.org/", "http://example.org/"),
        ("http://example.org/%7ea/%2F?x=%2b+y&z", "http://example.org/%7ea/%2F?x=%2b+y&z"),
        ('http://example.org/a|b\\c"<>`{}', "http://example.org/a%7Cb%5Cc%22%3C%3E%60%7B%7D"),
        ("http://[2001:DB8::1]:8000/", "http://[2001:db8::1]:8000/"),
        ("http://under_score.example/", "http://under_score.example/"),
        ("http://example.org./", "http://example.org./"),
        ("http://192.0.2.1/", "http://192.0.2.1/"),
        ("http://example.org?q", "http://example.org/?q"),
        ("http://例え.テスト/", "http://xn--r8jz45g.xn--zckzah/"),
    ],
)
def test_addresses_as_they_are_sent(text: str, sent: str) -> None:
    found = web_address(text)

    assert str(found.url) == sent
    assert web_address(sent).url == found.url


def test_user_information_is_taken_out_and_decoded() -> None:
    found = web_address("https://us%40er:p%C3%A4%3Ass@example.org/")

    assert (found.username, found.password) == ("us@er", "pä:ss")
    assert web_address("https://user@example.org/").password is None


@given(st.text(max_size=60), st.booleans())
def test_any_text_is_an_address_or_refused(text: str, relative: bool) -> None:
    try:
        found = web_address(text, base=URL("http://a.test/b") if relative else None)
    except BadAddress:
        return
    assert str(found.url).isascii()
    assert found.url.scheme in ("http", "https")
    assert web_address(str(found.url)).url == found.url


@pytest.mark.parametrize(
    ("start", "other", "trusted"),
    [
        ("http://a.test/x", "http://a.test/y", True),
        ("http://a.test/", "https://a.test/", True),
        ("http://a.test/", "http://A.test:80/", True),
        ("https://a.test/", "http://a.test/", False),
        ("http://a.test/", "https://a.test:8443/", False),
        ("http://a.test:8080/", "https://a.test/", False),
        ("http://a.test/", "http://www.a.test/", False),
        ("http://a.test/", "http://b.test/", False),
    ],
)
def test_whom_an_origin_trusts(start: str, other: str, trusted: bool) -> None:
    assert web_address(start).trusts(web_address(other)) is trusted
