"""Dates, numbers, links and snippets as people read them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from service.values import CutKind, DateOrigin, Precision, Reason
from service.web import presentation as show

NOON = datetime(2024, 6, 18, 12, 5, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("precision", "text", "machine"),
    [
        (None, "18 June 2024, 12:05 UTC", "2024-06-18T12:05:09Z"),
        ("second", "18 June 2024, 12:05 UTC", "2024-06-18T12:05:09Z"),
        ("minute", "18 June 2024, 12:05 UTC", "2024-06-18T12:05:09Z"),
        ("day", "18 June 2024", "2024-06-18"),
        ("month", "June 2024", "2024-06"),
        ("year", "2024", "2024"),
    ],
)
def test_a_date_is_no_more_exact_than_it_is_known(precision: str | None, text: str, machine: str) -> None:
    assert show.moment_of(NOON, precision) == text
    assert show.machine_time(NOON, precision) == machine


def test_how_a_date_is_known() -> None:
    assert show.date_note("day", "text") == "as the text says; the hour is not known"
    assert show.date_note("second", "feed") == "as the feed says"
    assert show.date_note(None, None) == ""
    assert all(show.date_note(None, origin) for origin in DateOrigin)
    vague = {Precision.DAY, Precision.MONTH, Precision.YEAR}
    assert {precision for precision in Precision if show.date_note(precision, None)} == vague


@pytest.mark.parametrize(
    ("before", "text"),
    [
        (timedelta(seconds=5), "just now"),
        (timedelta(minutes=5), "5 min ago"),
        (timedelta(hours=47), "47 h ago"),
        (timedelta(days=12), "12 days ago"),
        (timedelta(days=400), "13 months ago"),
        (-timedelta(seconds=5), "at once"),
        (-timedelta(minutes=90), "in 1 h"),
    ],
)
def test_how_long_ago(before: timedelta, text: str) -> None:
    assert show.ago(NOON - before, NOON) == text


def test_days_near_today() -> None:
    today = date(2024, 3, 1)
    assert show.relative_day(today, today) == "Today"
    assert show.relative_day(date(2024, 2, 29), today) == "Yesterday"
    assert show.relative_day(date(2024, 2, 28), today) is None


@pytest.mark.parametrize(
    ("score", "text"),
    [(1.0, "1.00"), (0.999, "0.99"), (0.5999, "0.59"), (0.6, "0.60"), (0.29, "0.29"), (0, "0.00")],
)
def test_a_score_is_never_rounded_up_over_a_threshold(score: float, text: str) -> None:
    assert show.score_of(score) == text


def test_numbers() -> None:
    assert show.count_of(1, "article") == "1 article"
    assert show.count_of(12_345, "article") == "12,345 articles"
    assert show.count_of(2, "entry", "entries") == "2 entries"
    assert show.signed(1.325) in {"+1.32", "+1.33"}
    assert show.signed(-0.4) == "\N{MINUS SIGN}0.40"


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        " javascript:alert(1)",
        "java\nscript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "//example.org/x",
        "/local",
        "http://",
        "http://[",
        "https://exa mple.org/",
        "https://example.org/\n",
        "ftp://example.org/",
    ],
)
def test_what_is_never_linked(url: str | None) -> None:
    assert show.web_link(url) is None


def test_what_is_linked() -> None:
    assert show.web_link("https://www.example.org/a?b=1") == show.Link(
        "https://www.example.org/a?b=1", "example.org"
    )
    link = show.web_link("http://user@good.example@evil.example/")
    assert link is not None
    assert link.host == "evil.example"


@pytest.mark.parametrize(
    ("snippet", "pieces"),
    [
        ("a \x02b\x03 c", [("a ", False), ("b", True), (" c", False)]),
        ("\x02b\x03", [("b", True)]),
        ("a \x02b", [("a ", False), ("b", False)]),  # cut in the middle
        ("a\x03 b", [("a b", False)]),
        ("", []),
    ],
)
def test_matches_in_a_snippet(snippet: str, pieces: list[tuple[str, bool]]) -> None:
    assert show.split_snippet(snippet) == pieces


def test_every_reason_and_every_cut_has_words() -> None:
    for reason in Reason:
        words = show.reason_in_words(reason.value)
        assert words
        assert words != reason.value
    for kind in CutKind:
        assert show.cut_in_words(kind.value) != kind.value or kind.value == "references"
    assert show.reason_in_words("new_reason") == "new_reason"
    assert show.reason_in_words(None) is None


def test_languages_that_may_stand_in_an_attribute() -> None:
    assert show.language_of("en") == "en"
    for code in (None, "", "und", 'en" onload="x', "EN", "english"):
        assert show.language_of(code) is None


def test_topics_have_colours_of_their_own_while_the_palette_lasts() -> None:
    names = [f"topic {n}" for n in range(show.PALETTE)]
    assert sorted(show.colours(names).values()) == list(range(show.PALETTE))
    assert show.colours(["b", "a", "b"]) == {"a": 0, "b": 1}
