"""WebSub's pure parts: whose topic is believed, which signature is right, when a hub is asked again."""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.values import Failed, Hints, Reason
from service.websub import lease
from service.websub.signature import METHODS, sign, signed
from service.websub.topic import MAX_LENGTH, Offer, Refusal, offers_of
from tests.fetching import NOW

URL, HUB = "https://news.example/feed.xml", "https://hub.example/"
LATER = "https://feeds.cdn.example/news"


@pytest.mark.parametrize(
    ("location", "final_url", "hub", "self_url", "offer"),
    [
        pytest.param(URL, URL, None, URL, None, id="no hub"),
        pytest.param(URL, URL, HUB, URL, Offer(HUB, URL), id="its own address"),
        pytest.param(URL, URL, HUB, None, Offer(HUB, URL), id="no address of its own"),
        pytest.param(URL, LATER, HUB, None, Offer(HUB, LATER), id="where redirects led"),
        pytest.param(URL, LATER, HUB, LATER + "?x", Offer(HUB, LATER + "?x"), id="on the redirects' domain"),
        pytest.param(
            URL,
            URL,
            HUB,
            "https://WWW.news.example/Feed",
            Offer(HUB, "https://WWW.news.example/Feed"),
            id="on the same domain, as written",
        ),
        pytest.param(
            "http://news.example/",
            "http://news.example/",
            "http://hub.example/",
            None,
            Offer("http://hub.example/", "http://news.example/"),
            id="no TLS anywhere",
        ),
        pytest.param(URL, URL, "http://hub.example:80/a?b", URL, Offer(HUB + "a?b", URL), id="hub with TLS"),
        pytest.param(
            URL,
            URL,
            HUB,
            URL.replace("https", "http"),
            Offer(HUB, URL.replace("https", "http")),
            id="a topic that its publisher still calls http",
        ),
    ],
)
def test_what_a_feed_offers(
    location: str, final_url: str, hub: str | None, self_url: str | None, offer: Offer | None
) -> None:
    offers = offers_of(location, final_url, hubs=(hub,) if hub else (), self_url=self_url)
    assert offers == ((offer,) if offer else ())


@pytest.mark.parametrize(
    ("location", "hub", "self_url", "why"),
    [
        (URL, HUB, "https://victim.example/feed.xml", "somebody else's feed"),
        (URL, HUB, "https://news.example.evil.example/", "somebody else's feed"),
        ("https://ann.github.io/feed", HUB, "https://bob.github.io/feed", "somebody else's feed"),
        ("http://192.0.2.1/feed", HUB, "http://192.0.2.2/feed", "somebody else's feed"),
        (URL, "http://hub.example:8080/", URL, "no TLS"),
        (URL, "ftp://hub.example/", URL, "the hub that it names is no web address"),
        (URL, "https:///x", URL, "the hub that it names is no web address"),
        (URL, "https://[x/", URL, "the hub that it names is no web address"),
        (URL, "https://hub.example:99999/", URL, "the hub that it names is no web address"),
        (URL, HUB + "a\r\nb", URL, "the hub that it names is no web address"),
        (URL, HUB + "x" * MAX_LENGTH, URL, "the hub that it names is no web address"),
        (URL, HUB, "javascript:alert(1)", "the address of its own that it names is no web address"),
        (URL, HUB, URL + "x" * MAX_LENGTH, "the address of its own that it names is no web address"),
    ],
)
def test_what_is_not_believed(location: str, hub: str, self_url: str, why: str) -> None:
    refused = offers_of(location, location, hubs=(hub,), self_url=self_url)
    assert isinstance(refused, Refusal)
    assert why in refused.why


@given(st.text(max_size=80), st.text(max_size=80), st.text(max_size=80))
def test_no_address_breaks_the_choice(final_url: str, hub: str, self_url: str) -> None:
    found = offers_of(URL, final_url, hubs=(hub, hub + "x"), self_url=self_url)
    for offer in () if isinstance(found, Refusal) else found:
        assert offer.hub.startswith("http")
        assert offer.topic.lower().startswith("http")


def test_of_several_hubs_those_that_are_not_believed_are_passed_over() -> None:
    hubs = ("ftp://hub.example/", "http://hub.example:8080/", HUB, "http://hub.example/", HUB + "2")
    assert offers_of(URL, URL, hubs=hubs, self_url=None) == (Offer(HUB, URL), Offer(HUB + "2", URL))


# -- signatures ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_every_method_of_the_recommendation(method: str) -> None:
    digest = hmac.new(b"secret", b"body", getattr(hashlib, method)).hexdigest()
    assert sign(b"body", method, "secret") == digest
    assert signed(b"body", f"{method}={digest}", "secret") is None
    assert signed(b"body", f" {method.upper()} = {digest.upper()} ", "secret") is None
    assert signed(b"body!", f"{method}={digest}", "secret") == "its signature is wrong"
    assert signed(b"body", f"{method}={digest}", "Secret") == "its signature is wrong"
    assert signed(b"body", f"{method}={digest[:-1]}", "secret") == (
        "its signature is wrong" if method != "sha1" else "its signature cannot be read"
    )


@pytest.mark.parametrize(
    ("header", "why"),
    [
        (None, "it is not signed"),
        ("", "it is not signed"),
        ("sha1=", "cannot be read"),
        ("a" * 40, "cannot be read"),
        ("sha1=" + "g" * 40, "cannot be read"),
        ("sha1=" + "\u0661" * 40, "cannot be read"),
        ("sha224=" + "a" * 56, "made by sha224"),
        ("md5=" + "a" * 40, "cannot be read"),
        ("sha1=" + "a" * 40 + "," + "sha1=" + "b" * 40, "cannot be read"),
        ("sha256=" + hashlib.sha256(b"body").hexdigest(), "is wrong"),
        ("sha1" * 100_000, "cannot be read"),
    ],
)
def test_what_is_no_signature(header: str | None, why: str) -> None:
    assert why in (signed(b"body", header, "secret") or "")


# -- leases --------------------------------------------------------------------------------------------

WANTED = timedelta(days=10)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("3600", 3600),
        (" 60 ", 60),
        (None, WANTED.total_seconds()),
        ("", WANTED.total_seconds()),
        ("0", WANTED.total_seconds()),
        ("-5", WANTED.total_seconds()),
        ("1e9", WANTED.total_seconds()),
        ("\u0664\u0662", WANTED.total_seconds()),
        ("9" * 400, lease.LONGEST),
    ],
)
def test_leases_are_bounded(text: str | None, seconds: float) -> None:
    assert lease.granted(text, WANTED).total_seconds() == seconds


@pytest.mark.parametrize(
    ("granted", "after"),
    [
        (timedelta(days=10), timedelta(days=9)),
        (timedelta(days=1), timedelta(hours=19, minutes=12)),
        (timedelta(hours=1), timedelta(minutes=48)),
        (timedelta(minutes=5), timedelta(minutes=5)),
        (timedelta(seconds=1), timedelta(minutes=5)),  # a hub cannot have us ask every second
    ],
)
def test_a_lease_is_renewed_before_its_end(granted: timedelta, after: timedelta) -> None:
    assert lease.renewal(NOW, granted) == NOW + after


def test_failures_are_tried_again_later_and_later() -> None:
    def pause(reason: Reason, attempts: int, retry_after: int | None = None) -> float:
        failed = Failed(HUB, reason, "", hints=Hints(retry_after=retry_after))
        return (lease.after_failure(NOW, failed, attempts, seed="1") - NOW).total_seconds()

    assert 300 <= pause(Reason.TIMEOUT, 1) <= 330
    assert 600 <= pause(Reason.TIMEOUT, 2) <= 660
    assert pause(Reason.TIMEOUT, 1_000_000) == 86_400
    assert 3600 <= pause(Reason.NOT_FOUND, 1) <= 3960
    assert pause(Reason.HTTP_5XX, 1, retry_after=1800) == 1800
    assert pause(Reason.HTTP_5XX, 1, retry_after=10**9) == 86_400
    waits = [(lease.unverified(NOW, attempts) - NOW).total_seconds() for attempts in (1, 2, 3, 99)]
    assert waits == [3600, 7200, 14_400, 86_400]
