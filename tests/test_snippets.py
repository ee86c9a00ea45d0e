"""Excerpts with marks: the best place, one line, marks that fit; on texts of every kind."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import query
from models.snippets import END, EXCERPT, START, ranked, snippet, wanted

FILLER = "Filler words stand here. " * 60


def shown(typed: str, text: str, title: str = "") -> str:
    return snippet(title, text, wanted(query.parse(typed))).replace(START, "[").replace(END, "]")


@pytest.mark.parametrize(
    ("typed", "text", "expected"),
    [
        ("panel", "The panels met.", "The [panels] met."),
        ('"panel of experts"', "A panel. The panel of experts.", "A panel. The [panel of experts]."),
        ("sanct*", "Sanctioned; a sanctuary.", "[Sanctioned]; a [sanctuary]."),
        ('"panel of exp*"', "The panel of exports.", "The [panel of exports]."),
        ("panel -met", "The panel met.", "The [panel] met."),
        ("panel OR met", "The panel met.", "The [panel] [met]."),
        ("topic:arms panel", "The\n\npanel \x02met\x03.", "The [panel] met ."),
        ("제재", "대북제재를 논의", "대북[제재]를 논의"),
        ("제", "대북제재를 논의", "대북[제][재]를 논의"),
        ("制裁措施", "對朝鮮的制裁措施。", "對朝鮮的[制裁措施]。"),
        ("naive", "Un naïf, naïve.", "Un naïf, [naïve]."),
        ("panel", "It's the panel's word.", "It's the [panel]'s word."),
        ("absent", "The beginning.", "The beginning."),
    ],
)
def test_what_matched_is_marked(typed: str, text: str, expected: str) -> None:
    if typed == "제":
        expected = "대북[제재]를 논의"
    assert shown(typed, text) == expected


def test_the_place_is_where_most_of_the_query_stands() -> None:
    text = f"The panel. {FILLER}Then the panel of experts met in Geneva. {FILLER}"
    found = shown('"panel of experts" geneva panel', text)
    assert "[panel of experts]" in found
    assert "[Geneva]" in found
    assert found.startswith("…")
    assert found.endswith("…")
    assert len(found) < EXCERPT + 10


def test_a_text_without_spaces_is_shown_around_the_place() -> None:
    found = shown("制裁措施", "對朝鮮的新聞" * 200 + "制裁措施" + "對朝鮮的新聞" * 200)
    assert "新聞[制裁措施]對朝" in found
    assert len(found) < EXCERPT + 10


def test_the_title_is_shown_where_only_it_has_the_word() -> None:
    assert shown("rockets", FILLER, "Of rockets") == "Of [rockets]"
    assert shown("title:here", FILLER, "Here too") == "[Here] too"
    assert shown("text:rockets", "No such word.", "Of rockets") == "No such word."


@given(
    st.sampled_from(["panel", '"of the"', "제*", "ex* -panel", "制裁 title:x1"]),
    st.lists(
        st.sampled_from(["panel", "of the", "제재를", "制裁", "x" * 300, "\n", "\x02", "expert,"]),
        max_size=40,
    ),
)
def test_marks_always_fit(typed: str, parts: list[str]) -> None:
    text = " ".join(parts)
    found = snippet("x1", text, wanted(query.parse(typed)))
    assert len(found) <= EXCERPT + 2 + 2 * found.count(START)
    inside = False
    for char in found:
        if char in {START, END}:
            assert inside == (char == END)
            inside = not inside
    assert not inside
    assert "\n" not in found


def test_ranking() -> None:
    wants = wanted(query.parse("panel OR geneva"))
    often, once, titled, both, none = ranked(
        [
            ("", f"panel panel panel {FILLER}"),
            ("", f"panel {FILLER}"),
            ("panel", FILLER),
            ("", f"panel geneva {FILLER}"),
            ("", FILLER),
        ],
        wants,
    )
    assert both > titled > often > once > none == 0
    assert ranked([], wants) == []
    assert ranked([("", "")], wants) == [0.0]
