"""Characters that cannot be seen, lines that a program broke, paragraphs."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.clean.html import html_lines
from service.clean.text import clean_characters, one_line, read_lines, shorten, write_text

UNSEEN = {
    "zero-width space": "\u200b",
    "word joiner": "\u2060",
    "byte order mark": "\ufeff",
    "soft hyphen": "\u00ad",
    "bell": "\x07",
    "null": "\x00",
    "delete": "\x7f",
    "right-to-left override": "\u202e",
    "right-to-left isolate": "\u2067",
    "pop directional": "\u202c",
    "left-to-right mark": "\u200e",
    "Arabic letter mark": "\u061c",
    "tag": "\U000e0041",
    "non-character": "\uffff",
    "lone surrogate": "\ud83d",
    "joiner between Latin letters": "\u200d",
}


@pytest.mark.parametrize("character", UNSEEN.values(), ids=UNSEEN)
def test_what_has_no_glyph_is_dropped(character: str) -> None:
    assert clean_characters(f"sanc{character}tions") == "sanctions"
    assert one_line(f"sanc{character}tions") == "sanctions"


@pytest.mark.parametrize(
    "text",
    [
        "می‌خواهد",  # Persian: the joiner parts a prefix from its word
        "क्‍ष",  # Hindi: it asks for a half form
        "👩‍👩‍👧",  # a family, glued
        "🏳️‍🌈",
        "naïve café – “quoted” … 東京 서울 Москва",
    ],
)
def test_what_belongs_to_the_writing_stays(text: str) -> None:
    assert clean_characters(text) == unicodedata.normalize("NFC", text)


def test_words_are_composed_so_that_they_have_one_spelling() -> None:
    assert clean_characters("Pyo\u0306ngyang cafe\u0301") == "Py\u014fngyang caf\u00e9"


@pytest.mark.parametrize("end", ["\r\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\u2029"])
def test_every_line_end_is_one(end: str) -> None:
    assert clean_characters(f"one{end}two") == "one\ntwo"


def test_stacked_marks_are_bounded_and_cost_no_quadratic_time() -> None:
    started = time.process_time()
    cleaned = clean_characters("a" + "\u0315\u0300" * 100_000)
    assert time.process_time() - started < 2.0
    assert len(cleaned) < 10


def test_a_title_is_one_line() -> None:
    assert one_line("  Kim\u00a0and\u3000Putin \n\t meet ") == "Kim and Putin meet"


def test_lines_are_paragraphs_where_nothing_was_wrapped() -> None:
    text = (
        "A headline\nThe first paragraph, which is quite a long one and goes on for more than a line.\nShort."
    )
    assert write_text(read_lines(text)) == text.replace("\n", "\n\n")


WRAPPED = """\
The Security Council met on Monday to discuss the embargo,
and its members could not agree on a text before the
mandate of the panel runs out at the end of the month.

A vote is expected before the weekend, when the presidency
of the council passes to another member, diplomats said.
"""


def test_lines_that_a_program_broke_are_joined() -> None:
    first, second = WRAPPED.strip().split("\n\n")
    assert (
        write_text(read_lines(WRAPPED)) == f"{first.replace(chr(10), ' ')}\n\n{second.replace(chr(10), ' ')}"
    )


def test_short_lines_around_wrapped_paragraphs_stay_as_they_are() -> None:
    text = f"By Ann Lee\n17 June 2024\n\n{WRAPPED}\nRelated:\nFour banks cut off\nShip seized"
    joined = write_text(read_lines(text)).split("\n\n")
    assert joined[:2] == ["By Ann Lee", "17 June 2024"]
    assert joined[-3:] == ["Related:", "Four banks cut off", "Ship seized"]
    assert len(joined) == 7


def test_chinese_lines_are_joined_without_a_space() -> None:
    rows = [
        "安全理事会星期一开会讨论禁运问题，理事国未能就案文达成一致，专家小组的任务期限将于本月底到期，外交官说。"
    ]
    assert write_text(read_lines("\n".join(rows * 5))) == "".join(rows * 5)


def test_chinese_paragraphs_of_different_length_are_not_joined() -> None:
    rows = [
        "安全理事会星期一开会讨论禁运问题，理事国未能就案文达成一致。" * 2,
        "外交官说。",
        "表决将在周末前举行。",
        "会议已结束。",
    ]
    assert write_text(read_lines("\n".join(rows))) == "\n\n".join(rows)


def test_a_list_stays_together_and_is_not_joined() -> None:
    text = "The ships were:\n\n• the first of the three ships\n• the second one\n• the third one\n\nAll left."
    assert write_text(read_lines(text)) == text


def test_a_list_in_wrapped_text_keeps_its_items() -> None:
    text = WRAPPED + "\n- the first of the three ships that had left the harbour\n- the second one\n"
    assert write_text(read_lines(text)).endswith(
        "\n\n- the first of the three ships that had left the harbour\n- the second one"
    )


def test_poems_and_addresses_are_not_joined() -> None:
    text = "Roses are red\nViolets are blue\nThe council has met\nAnd its text is new\nNo word of it true"
    assert write_text(read_lines(text)) == text.replace("\n", "\n\n")


@pytest.mark.parametrize(
    ("text", "limit", "short"),
    [
        ("short", 10, "short"),
        ("exactly ten", 11, "exactly ten"),
        ("The council met on Monday", 20, "The council met on…"),
        ("The council met, and left", 17, "The council met…"),
        ("A" * 30, 10, "A" * 9 + "…"),
        ("東京" * 20, 10, "東京東京東京東京東…"),
    ],
)
def test_shortening_ends_at_a_word(text: str, limit: int, short: str) -> None:
    assert shorten(text, limit) == short


@settings(deadline=None)  # the machine may be busy; endless work has tests of its own
@given(st.text(max_size=300), st.integers(min_value=5, max_value=120))
def test_shortening_keeps_the_limit_and_the_beginning(text: str, limit: int) -> None:
    short = shorten(text, limit)
    assert len(short) <= limit
    assert short == text or text.startswith(short[:-1])


@settings(deadline=None)  # the machine may be busy; endless work has tests of its own
@given(st.text(max_size=400))
def test_text_is_finished_after_one_pass(text: str) -> None:
    once = write_text(read_lines(text))
    assert clean_characters(once) == once
    assert "\n\n\n" not in once
    assert once == once.strip()
    assert one_line(one_line(text)) == one_line(text)


@settings(deadline=None)  # the machine may be busy; endless work has tests of its own
@given(st.text(alphabet=st.sampled_from("ab .-\n•1"), max_size=300))
def test_no_letter_is_lost(text: str) -> None:
    assert [c for c in write_text(read_lines(text)) if c.isalnum()] == [c for c in text if c.isalnum()]


def test_what_is_left_out_of_a_long_text_is_named() -> None:
    for text, is_html, said in (
        ("word " * 400_000, False, []),
        ("word " * 400_001, False, ["what follows its first 2,000,000 characters"]),
        ("<p>" + "word " * 1_000 + "</p>", True, []),
        (f"<p>{'word ' * 1_000}</p>" * 402, True, ["what follows its first 2,000,000 characters"]),
        (
            f"<p>word{' ' * 8_000_000}</p>end",
            True,
            ["what follows the first 8,000,000 characters of its markup"],
        ),
        ("<i>a</i>" * 300_000, True, ["what follows its first 400,000 elements"]),
    ):
        unread: list[str] = []
        lines = html_lines(text, unread) if is_html else read_lines(text, unread)
        assert (bool(lines), unread) == (True, said)


def test_a_long_text_is_bounded() -> None:
    assert len(write_text(read_lines("word " * 1_000_000))) <= 2_000_000
