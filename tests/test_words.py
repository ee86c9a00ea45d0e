"""From text to indexed words: folding, stems, pairs of letters, places."""

# ruff: noqa: RUF001 - letters that look alike are what this is about

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from models import porter, words
from models.words import fold, indexed, located, prepared, sought


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
        ("x" * 300, "x" * 256),
        ("", ""),
        ("— … !", ""),
    ],
)
def test_what_is_indexed(text: str, expected: str) -> None:
    assert " ".join(indexed(text).split()) == expected


@pytest.mark.parametrize(
    ("typed", "prefix", "expected"),
    [
        ("Sanctioned", False, ["sanction"]),
        ("Sanctioned", True, ["sanction", "sanctioned*"]),
        ("sanctio", True, ["sanctio*"]),
        ("conting", True, ["cont", "conting*"]),
        ("panel of experts", True, ["panel of expert", "panel of experts*"]),
        ("S-400", False, ["s 400"]),
        ("S-400", True, ["s 400*"]),
        ("санкциями", True, ["санкц", "санкциями*"]),
        ("санк", True, ["санк*"]),
        ("제재", False, ["제재"]),
        ("제재", True, ["제재"]),
        ("제", False, ["제*"]),
        ("대북 제재", False, ["대북 북 제재"]),
        ("5月", False, ["5 月*"]),
        ("!!", False, []),
        ("x" * 256, False, []),
    ],
)
def test_what_is_looked_for(typed: str, prefix: bool, expected: list[str]) -> None:
    forms = sought(typed, prefix=prefix)
    assert [f"{' '.join(form.words)}{'*' * form.goes_on}" for form in forms] == expected


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
    """Any text is looked for as the words that stand in it, but for the last letter of pairs."""
    found = tuple(word.text for word in located(text))
    forms = sought(text)
    assert bool(forms) == bool(found)
    for form in forms:
        assert form.words == found[: len(form.words)]
        assert len(found) - len(form.words) <= 1


@pytest.fixture(scope="module")
def fts5() -> Iterator[Callable[[str], list[str]]]:
    """The words that SQLite makes of a text."""
    memory = sqlite3.connect(":memory:")
    memory.execute("CREATE VIRTUAL TABLE made USING fts5 (text, content = '', tokenize = 'porter ascii')")
    memory.execute("CREATE VIRTUAL TABLE words USING fts5vocab (made, instance)")

    def split(text: str) -> list[str]:
        memory.execute("INSERT INTO made (made) VALUES ('delete-all')")
        memory.execute("INSERT INTO made (rowid, text) VALUES (1, ?)", (text,))
        return [word for (word,) in memory.execute("SELECT term FROM words ORDER BY offset")]

    yield split
    memory.close()


ENDINGS = (
    "s", "es", "sses", "ies", "ed", "eed", "ing", "at", "bl", "iz", "y", "e", "ll", "ational", "logi", "bli",
    "ization", "iveness", "ful", "ment", "ion", "ity", "al",
)  # fmt: skip
english = st.tuples(
    st.text("abcdehilorstyz29", min_size=1, max_size=7), st.lists(st.sampled_from(ENDINGS), max_size=3)
)


@given(st.lists(english.map(lambda word: word[0] + "".join(word[1])), max_size=30))
@example(["a" * 64, "b" * 63 + "s", "sses", "eed", "bless", "ing", "2020s", "y", "sky", "is", "gas", "ies"])
def test_stems_are_those_of_sqlite(fts5: Callable[[str], list[str]], found: list[str]) -> None:
    assert [porter.stem(word) for word in found] == fts5(" ".join(found))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(scripts | st.text(max_size=60) | st.text("ab'sS’ _-A9.", max_size=20))
@example("it's's the panel's'S x_'s «naïve’s» d’Orsay’S")
def test_sqlite_makes_the_same_words(fts5: Callable[[str], list[str]], text: str) -> None:
    text = text.replace("\x00", "")
    assert fts5(prepared(text)) == indexed(text).split() == [word.text for word in located(text)]


@given(
    st.text("abcdeilnorsty", min_size=2, max_size=12)
    | st.sampled_from(["conting", "happine", "studie", "controll"])
)
def test_what_goes_on_is_found_by_both_engines_alike(fts5: Callable[[str], list[str]], typed: str) -> None:
    begun = sought(typed, prefix=True)[-1]
    assert begun.goes_on
    assert fts5(begun.typed[-1]) == list(begun.words)
    # One in two hundred words cannot be asked for as it is; then its stem is, which finds more.
    assert begun.words[-1] in {typed, porter.stem(typed)}


@given(st.text(max_size=100))
def test_folding_twice_changes_nothing_more(text: str) -> None:
    assert fold(fold(text)) == fold(text)


def test_what_is_remembered_stays_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "_REMEMBERED", 10)
    remembered = words._Remembered(words._finish_chunk)
    monkeypatch.setattr(words, "_finished", remembered)
    for number in range(100):
        assert indexed(f"word{number} 制裁{number} {'y' * 60}{number}").startswith(f"word{number} 制裁 裁")
        assert len(remembered) <= 10
    assert all(chunk.startswith("word") for chunk in remembered)
