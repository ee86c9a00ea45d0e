"""From text to indexed words: folding, stems, pairs of letters, places."""

# ruff: noqa: RUF001 - letters that look alike are what this is about

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from models import words
from models.words import Sought, fold, indexed, located, sought


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The panel's experts met.", "the panel expert met"),
        ("THE PANEL’S", "the panel"),
        ("O'Brien said 'ships'", "o brien said ship"),
        ("S-400, 9M729 and alpha_beta", "s 400 9m729 and alpha beta"),
        ("Sanctioned sanctions sanctioning", "sanction sanction sanction"),
        ("naïve Café Señor Łódź Ångström İstanbul ırak", "naiv cafe senor lodz angstrom istanbul irak"),
        ("Straße STRASSE œuvre", "strass strass oeuvr"),
        ("ﬁnance ＵＮ x² ½", "financ un x2 1 2"),
        ("Κυρώσεις ΚΥΡΩΣΕΙΣ", "κυρωσεισ κυρωσεισ"),
        ("Ёлка ёлка йод за́мок", "елк елк йод замок"),
        ("санкции санкциями САНКЦИЙ", "санкц санкц санкц"),
        ("عُقوبات أمريكا", "عقوبات امريكا"),
        ("हिन्दी में", "हिन्दी में"),
        ("제재를 한", "제재 재를 를 한"),
        ("制裁措施。5月", "制裁 裁措 措施 施 5 月"),
        ("ﾐｻｲﾙ ミサイル", "ミサ サイ イル ル ミサ サイ イル ル"),
        ("x" * 100, "x" * 64),
        ("", ""),
        ("— … !", ""),
    ],
)
def test_what_is_indexed(text: str, expected: str) -> None:
    assert " ".join(indexed(text).split()) == expected


@pytest.mark.parametrize(
    ("typed", "prefix", "expected"),
    [
        ("Sanctioned", False, Sought(("sanction",))),
        ("Sanctioned", True, Sought(("sanction",), ("sanctioned",))),
        ("panel of expert", True, Sought(("panel", "of", "expert"), ("panel", "of", "expert"))),
        ("S-400", False, Sought(("s", "400"))),
        ("제재", False, Sought(("제재",))),
        ("제", False, Sought(begun=("제",))),
        ("대북 제재", False, Sought(("대북", "북", "제재"))),
        ("5月", False, Sought(begun=("5", "月"))),
        ("!!", False, None),
    ],
)
def test_what_is_looked_for(typed: str, prefix: bool, expected: Sought | None) -> None:
    assert sought(typed, prefix=prefix) == expected


scripts = st.text(alphabet=st.sampled_from("aB'’s_-. ñéЁяß제재制裁ｶﾞดำहिعُ5²ﬁ\u00ad\u0301\n"), max_size=40)


@given(scripts | st.text(max_size=60))
@example("ﾞ")
@example("ㅤ")
@example("\u0345")
def test_places_are_those_of_what_is_indexed(text: str) -> None:
    found = list(located(text))
    assert [word.text for word in found] == indexed(text).split()
    for word in found:
        assert 0 <= word.start < word.end <= len(text)
        assert word.text
        assert not any(char.isspace() or char in "'\"\\" for char in word.text)
        assert len(word.text) <= words.LONGEST_WORD
    starts = [word.start for word in found]
    assert starts == sorted(starts)


@given(scripts | st.text(max_size=60))
def test_what_is_typed_is_found_where_it_stands(text: str) -> None:
    """Any stretch of whole words is looked for as words that stand in the text in this order."""
    found = list(located(text))
    wanted = sought(text)
    assert (wanted is None) == (not found)
    if wanted is not None and wanted.whole:
        assert wanted.whole == tuple(word.text for word in found)[: len(wanted.whole)]


@given(st.text(max_size=100))
def test_folding_twice_changes_nothing_more(text: str) -> None:
    assert fold(fold(text)) == fold(text)


def test_what_is_remembered_stays_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "_REMEMBERED", 10)
    remembered = words._Remembered()
    monkeypatch.setattr(words, "_remembered", remembered)
    for number in range(100):
        assert indexed(f"word{number} 制裁{number} {'y' * 60}{number}").startswith(f"word{number} 制裁 裁")
        assert len(remembered) <= 10
    assert all(chunk.startswith("word") for chunk in remembered)
