"""Evidence marked in place: overlapping, touching, crossing, lying."""

from __future__ import annotations

import re
import time

from hypothesis import given
from hypothesis import strategies as st

from service.web.highlight import MAX_SPANS, Highlighted, Span, highlight


def span(text: str, start: int, end: int, topic: str = "arms", contribution: float = 1.0) -> Span:
    return Span(start, end, text[start:end], topic, f"rule of {topic}", contribution)


def shown(result: Highlighted) -> list[list[tuple[str, tuple[str, ...]]]]:
    return [
        [(piece.text, tuple(mark.topic for mark in piece.marks)) for piece in paragraph]
        for paragraph in result.paragraphs
    ]


def test_a_text_without_evidence_is_its_paragraphs() -> None:
    assert shown(highlight("one\n\ntwo\nlines\n\n\n \nthree\n\n", [], prefix="t")) == [
        [("one", ())],
        [("two\nlines", ())],
        [("three\n\n".rstrip(), ())],
    ]
    assert highlight("", [], prefix="t").paragraphs == ()
    assert highlight("\n\n\n", [], prefix="t").paragraphs == ()


def test_overlapping_topics_share_the_piece_in_which_they_meet() -> None:
    text = "the arms embargo holds"
    result = highlight(text, [span(text, 4, 16, "sanctions"), span(text, 4, 8, "arms")], prefix="t")
    assert shown(result) == [
        [("the ", ()), ("arms", ("sanctions", "arms")), (" embargo", ("sanctions",)), (" holds", ())]
    ]
    assert result.anchors == {0: "t0", 1: "t0"}


def test_the_same_topic_twice_in_one_place_is_marked_once() -> None:
    text = "artillery shells"
    result = highlight(text, [span(text, 0, 16), span(text, 0, 9)], prefix="t")
    assert shown(result) == [[("artillery", ("arms",)), (" shells", ("arms",))]]


def test_a_phrase_across_a_blank_line_is_marked_on_both_sides() -> None:
    text = "arms\n\nembargo"
    result = highlight(text, [span(text, 0, len(text))], prefix="t")
    assert shown(result) == [[("arms", ("arms",))], [("embargo", ("arms",))]]


def test_what_does_not_fit_the_text_is_left_out_without_an_error() -> None:
    text = "short"
    lies = [
        Span(0, 99, "short", "arms", "r", 1.0),
        Span(-3, 2, "rt", "arms", "r", 1.0),
        Span(2, 2, "", "arms", "r", 1.0),
        Span(0, 5, "other", "arms", "r", 1.0),
    ]
    result = highlight(text, lies, prefix="t")
    assert shown(result) == [[("short", ())]]
    assert result.anchors == {}


def test_what_speaks_against_is_told_apart() -> None:
    text = "board game"
    [[piece]] = highlight(text, [span(text, 0, 10, contribution=-0.8)], prefix="t").paragraphs
    assert piece.marks[0].against
    assert piece.marks[0].tip == "arms: rule of arms (-0.80)"


def test_with_very_many_spans_the_strongest_are_marked_quickly() -> None:
    text = "arms " * 20_000
    spans = [span(text, 5 * n, 5 * n + 4, contribution=n / 20_000) for n in range(20_000)]
    spans += [span(text, 0, len(text) - 1, topic=f"topic {n}") for n in range(50)]
    began = time.process_time()
    result = highlight(text, spans, prefix="t")
    assert time.process_time() - began < 5
    assert len(result.anchors) == MAX_SPANS
    assert 19_999 in result.anchors
    assert 0 not in result.anchors


@st.composite
def texts_with_spans(draw: st.DrawFn) -> tuple[str, list[Span]]:
    text = draw(st.text(alphabet="ab \nэ字", max_size=60))
    places = st.integers(0, len(text))
    pairs = draw(st.lists(st.tuples(places, places, st.sampled_from("xyz")), max_size=12))
    return text, [span(text, min(a, b), max(a, b), topic) for a, b, topic in pairs if a != b]


@given(texts_with_spans())
def test_pieces_are_the_text_and_marks_are_the_spans(given_text: tuple[str, list[Span]]) -> None:
    text, spans = given_text
    result = highlight(text, spans, prefix="t")

    # Nothing is lost but the blank lines between paragraphs.
    whole = ["".join(piece.text for piece in paragraph) for paragraph in result.paragraphs]
    assert whole == [part for part in re.split(r"\n[ ]*(?:\n[ ]*)+", text) if part]

    # A character carries a topic exactly when a span of that topic covers it.
    place = 0
    for paragraph in result.paragraphs:
        place = text.index("".join(piece.text for piece in paragraph), place)
        for piece in paragraph:
            expected = {one.topic for one in spans if one.start <= place < one.end}
            assert {mark.topic for mark in piece.marks} == expected
            place += len(piece.text)
