"""Folding: what reads the same is the same, and every place leads back to the original."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.tagging.normalise import fold


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Arms", "arms"),
        ("two  words\tand\u00a0a\u2003third\r\nfourth", "two words and a third fourth"),
        ("one\ntwo", "one two"),
        ("one\n\ntwo\n \n\n three", "one\n\ntwo\n\nthree"),
        ("sanc\u00adtions", "sanctions"),
        ("sanc\u200btions \ufeffdeal", "sanctions deal"),
        ("“Iran’s” ‘arms’", "\"iran's\" 'arms'"),
        ("cease-fire cease‐fire cease‑fire US–Iran", "cease fire cease fire cease fire us iran"),
        ("arms - control", "arms \x1f control"),
        ("arms — control", "arms \x1f control"),
        ("arms--control", "arms\x1f\x1fcontrol"),
        ("arms- and legs", "arms\x1f and legs"),
        ("ﬁnance Ｉｒａｎ cafe\u0301", "finance iran café"),
        ("№5 ½", "no5 1⁄2"),
        ("İstanbul", "istanbul"),
        ("sаnсtiоns", "sanctions"),  # Cyrillic a, c and o
        ("Mосква и Pоссия", "москва и россия"),  # Latin M, P
        ("АК-47", "ак 47"),
        ("отчёт", "отчет"),
        ("\u1112\u1161\u11ab\u1100\u1173\u11af", "한글"),
        ("arms²", "arms\x1f"),
        ("Patriot™ missile", "patriot missile"),
        ("a\x00b\x07c", "a b c"),
        ("half \ud83d pair", "half \ufffd pair"),
        ("", ""),
        (" \n\t ", " "),
    ],
)
def test_what_reads_the_same_is_folded_to_the_same(text: str, folded: str) -> None:
    assert fold(text).text == folded


@pytest.mark.parametrize(
    ("text", "word", "there"),
    [
        ("The sanc\u00adtions bite", "sanctions", "sanc\u00adtions"),
        ("a \u200b b  Ｉｒａｎ’s  x", "iran", "Ｉｒａｎ"),
        ("x\n\n\n\n cafe\u0301 y", "café", "cafe\u0301"),
        ("ﬁ ﬁnance", "finance", "ﬁnance"),
        ("two  words", "two words", "two  words"),
        ("\u1112\u1161\u11ab", "한", "\u1112\u1161\u11ab"),
        ("plain arms - deal", "deal", "deal"),
    ],
)
def test_a_place_leads_back_to_the_original(text: str, word: str, there: str) -> None:
    folded = fold(text)
    start = folded.text.index(word)

    begin, end = folded.original(start, start + len(word))

    assert text[begin:end] == there


TEXTS = st.text(
    st.one_of(
        st.sampled_from("arms deal's-\n \t–—’“\u00ad\u200b\u0301ﬁАсeё한ᄒ\u1161İ²Ｉ\u00a0…\ud800"),
        st.characters(),
    ),
    max_size=60,
)


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_every_word_leads_back_to_the_same_word(text: str) -> None:
    folded = fold(text)

    assert len(folded.text) == len(folded.cased)
    last = 0
    for match in re.finditer(r"\w+", folded.text):
        start, end = folded.original(*match.span())
        assert last <= start < end <= len(text)
        last = start
        # The place by itself folds to a text that has the word (a ligature may hold more than the word).
        alone = fold(text[start:end]).text
        assert match.group() in alone or unicodedata.combining(match.group()[0])


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_folding_leaves_one_kind_of_white_space(text: str) -> None:
    folded = fold(text).text

    assert not re.search(r"[\t\r\f\v\u00a0]|  |\n\n\n| \n|\n |(?<!\n)\n(?!\n)", folded)


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_folding_twice_changes_nothing_that_is_matched(text: str) -> None:
    once = fold(text).text

    assert re.findall(r"\w+", fold(once).text) == re.findall(r"\w+", once)
