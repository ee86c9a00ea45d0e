"""Paragraphs that recur in a source: what is cut and what never is, what is remembered and forgotten."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import furniture
from models.database import Database
from models.furniture import FurnitureRecord
from service.clean import content_hash
from service.clean.furniture import (
    ENOUGH,
    MEMORY,
    MOST,
    Counted,
    cut_recurring,
    edges,
    found_together,
    has_edges,
    learn,
    recurring,
)
from service.values import Article, Cut, CutKind
from tests.storage import NOW, add_source

MOTTO = "The Example Gazette, founded 1871"
ADDRESS = "The Example Gazette is published in Springfield by people who love it."
LEAD = "Number {n}: the council met on a day on which nobody had expected it to, and it talked for {n} hours."


def text(n: int, *, top: Sequence[str] = (), end: Sequence[str] = (), body: int = 4) -> str:
    own = [
        LEAD.format(n=n),
        *(f"Paragraph {part} of report {n} says something of its own." for part in range(body)),
    ]
    return "\n\n".join([*top, *own, *end])


def art(words: str) -> Article:
    return Article("Title", words, content_hash("Title", words))


def known(*texts: str) -> frozenset[int]:
    return recurring(learn(Counted(), [edges(one) for one in texts], now=1))


# -- what is cut ---------------------------------------------------------------------------------------


def test_what_recurs_at_the_edges_is_cut_and_kept_with_the_article() -> None:
    found = known(*(text(n, top=[MOTTO], end=[ADDRESS]) for n in range(ENOUGH)))
    assert len(found) == 2
    before = art(text(99, top=[MOTTO], end=[ADDRESS]))
    after = cut_recurring(before, found)
    assert after.text == text(99)
    assert after.cuts == (Cut(CutKind.FURNITURE, MOTTO), Cut(CutKind.FURNITURE, ADDRESS))
    assert after.content_hash == before.content_hash  # the article is the same, cut or not


def test_case_and_spaces_do_not_matter() -> None:
    found = known(*(text(n, end=[ADDRESS]) for n in range(ENOUGH)))
    assert cut_recurring(art(text(1, end=[ADDRESS.upper().replace(" ", "  ")])), found).text == text(1)


def test_too_few_or_too_small_a_share_is_left_alone() -> None:
    assert known(*(text(n, end=[ADDRESS]) for n in range(ENOUGH - 1))) == frozenset()
    many = [text(n) for n in range(30)] + [text(n, end=[ADDRESS]) for n in range(ENOUGH)]
    assert known(*many) == frozenset()
    assert known(*many, *(text(n, end=[ADDRESS]) for n in range(10))) != frozenset()


@pytest.mark.parametrize(
    "paragraph",
    [
        "The Security Council,",
        "The following persons were added to the list:",
        "8. Decides to remain actively seized of the matter.",
        "• Asset freeze",
        "(a) Travel ban",
        "iv. Others",
        "and calls upon all States to cooperate.",
        "“We will not give in,” the minister said.",
        "* * *",
        "2024",
        "A long paragraph that stands in every report but is far too long to be furniture of any house. " * 3,
    ],
)
def test_what_may_be_text_is_never_cut(paragraph: str) -> None:
    texts = [text(n, top=[paragraph], end=[paragraph]) for n in range(3 * ENOUGH)]
    assert known(*texts) == frozenset()


def test_a_sentence_at_the_beginning_is_never_cut() -> None:
    """The first words are what an article says; only a label can stand before them."""
    sentence = "The Security Council met today."
    assert known(*(text(n, top=[sentence]) for n in range(3 * ENOUGH))) == frozenset()
    assert len(known(*(text(n, end=[sentence]) for n in range(3 * ENOUGH)))) == 1


def test_the_middle_of_a_text_is_never_cut() -> None:
    middle = "Background"
    texts = ["\n\n".join([text(n, body=9), middle, text(n + 1000, body=9)]) for n in range(3 * ENOUGH)]
    assert known(*texts) == frozenset()
    found = known(*(text(n, end=[middle]) for n in range(ENOUGH)))
    assert cut_recurring(art(texts[0]), found).text == texts[0]


def test_short_texts_have_no_furniture() -> None:
    short = "\n\n".join(["One.", "Two.", "Three.", ADDRESS])
    assert edges(short) == frozenset()
    assert not has_edges(short)
    found = known(*(text(n, end=[ADDRESS]) for n in range(ENOUGH)))
    assert cut_recurring(art(short), found).text == short


def test_most_of_a_text_is_never_cut() -> None:
    """Notices that differ in a name only: what recurs is nearly all that they say."""
    parts = ["Notice", "It takes effect at once.", "It holds for a year.", "It may be appealed.", "By order."]
    notices = ["\n\n".join([parts[0], f"Person {n}", *parts[1:]]) for n in range(3 * ENOUGH)]
    found = known(*notices)
    assert found
    assert cut_recurring(art(notices[0]), found).text == notices[0]


def test_the_articles_of_one_document_tell_by_themselves() -> None:
    texts = [text(n, end=[ADDRESS]) for n in range(ENOUGH)]
    assert len(found_together([edges(one) for one in texts])) == 1
    assert found_together([edges(one) for one in texts[:3]]) == frozenset()
    assert found_together([]) == frozenset()


# -- what is remembered --------------------------------------------------------------------------------


def test_a_house_that_changes_its_furniture_is_learnt_anew() -> None:
    old, new = "Published by the Gazette since 1871", "Published by the Courier since today"
    counted = learn(Counted(), [edges(text(n, end=[old])) for n in range(MEMORY)], now=1)
    assert counted.articles < MEMORY
    assert len(recurring(counted)) == 1
    for turn in range(2):
        counted = learn(counted, [edges(text(n, end=[new])) for n in range(MEMORY)], now=2 + turn)
    (found,) = recurring(counted)
    assert cut_recurring(art(text(1, end=[new])), {found}).text == text(1)


def test_what_is_remembered_is_bounded_and_keeps_what_recurs() -> None:
    counted = Counted()
    for turn in range(20):
        batch = [edges(text(turn * 50 + n, end=[ADDRESS])) for n in range(50)]
        counted = learn(counted, batch, now=turn)
        assert len(counted.counts) <= MOST
        assert set(counted.counts) == set(counted.seen)
    assert len(recurring(counted)) == 1


paragraphs = st.lists(
    st.sampled_from(
        [MOTTO, ADDRESS, "Own words here", "Other words. Some more.", "", "•", "Ещё слова", "日本語"]
    ),
    max_size=20,
)


@settings(max_examples=200, deadline=None)
@given(st.lists(paragraphs, max_size=20), paragraphs)
def test_nothing_is_lost_whatever_is_cut(others: list[list[str]], parts: list[str]) -> None:
    article = art("\n\n".join(parts))
    found = known(*("\n\n".join(one) for one in others))
    after = cut_recurring(article, found)
    kept = after.text.split("\n\n") if after.text else []
    cut = [one.text for one in after.cuts]
    assert sorted([*kept, *cut]) == sorted(article.text.split("\n\n") if article.text else [])
    assert len(after.text) * 2 >= len(article.text)
    assert all(len(one) <= 200 for one in cut)


# -- where it is kept ----------------------------------------------------------------------------------


def test_counts_are_kept_by_source(database: Database) -> None:
    one, two = add_source("one"), add_source("two")
    assert furniture.counted(one.id) == FurnitureRecord(0, {}, {})
    first = FurnitureRecord(
        9, {5: 3, -(1 << 63): 2, (1 << 63) - 1: 1}, {5: 10, -(1 << 63): 11, (1 << 63) - 1: 12}
    )
    furniture.write(one.id, first, NOW)
    furniture.write(two.id, FurnitureRecord(1, {5: 1}, {5: 1}), NOW)
    assert furniture.counted(one.id) == first
    second = FurnitureRecord(12, {5: 4, 6: 1}, {5: 20, 6: 20})
    furniture.write(one.id, second, NOW)
    assert furniture.counted(one.id) == second
    assert furniture.counted(two.id).counts == {5: 1}


def test_what_was_not_met_for_long_is_forgotten(database: Database) -> None:
    source = add_source()
    moment = round(NOW.timestamp() * 1_000_000)
    furniture.write(source.id, FurnitureRecord(9, {5: 3, 6: 3}, {5: moment, 6: moment - 1}), NOW)
    assert furniture.forget(NOW) == 1
    assert furniture.counted(source.id) == FurnitureRecord(9, {5: 3}, {5: moment})
