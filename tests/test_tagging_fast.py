"""What was made fast gives what the plain way gives: words and sentences of a folded text."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from service.tagging.features import words_of
from service.tagging.nodes import Layout
from service.tagging.normalise import fold

_WORD = re.compile(r"[^\W\d_]+(?:['.&][^\W_]+)*")
_SENTENCE_END = re.compile(
    r"[.!?。！？][\"')\]]*[ ](?=[\"'(\[]*[A-ZА-ЯЁ0-9가-힣À-ÖØ-Þ])|\n\n|[。！？](?=[^\s.!?])"
)
_ABBREVIATION = re.compile(
    r"(?:^|[\s(\"'])(?:[A-Z]|[A-Za-z](?:\.[A-Za-z])+|Mr|Mrs|Ms|Dr|Prof|Gen|Lt|Col|Maj|Capt|Sgt|Adm|Sen|Rep|Gov|"
    r"Pres|St|No|Nos|vs|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sep|Sept|Oct|Nov|Dec|Inc|Co|Corp|Ltd|Brig|Cmdr|Rev|Hon|"
    r"им|г|гг|ст|тыс|млн|млрд|руб|см|др)\.$"
)
_PIECES = """
    U.S. u.s.2 AT&T don't 'quoted' S-300 Covid19 a.'b .& e.g. Gen. Sept. Prof. млрд. Минск naïve 제재 制裁。
    No. end.Next
    talks. (Arms) "Yes." ?! 3.5 under_score — … x.y.z. Capt. Admiral. A. Ö. é.é «да». 。
"""
TEXTS = st.lists(
    st.tuples(st.sampled_from(_PIECES.split()), st.sampled_from([" ", " ", " ", "\n\n", "", "\n"])),
    max_size=30,
).map(lambda parts: "".join(piece + gap for piece, gap in parts))


@settings(max_examples=300, deadline=None)
@given(text=TEXTS | st.text(max_size=80))
def test_words_are_those_of_the_expression(text: str) -> None:
    folded = fold(text).text

    assert words_of(folded) == set(_WORD.findall(folded))


@settings(max_examples=300, deadline=None)
@given(text=TEXTS | st.text(max_size=80))
def test_sentences_end_where_the_plain_expression_says(text: str) -> None:
    folded = fold(f"\n\n{text}\n\n")
    cased = folded.cased
    ends = [
        match.end()
        for match in _SENTENCE_END.finditer(cased)
        if cased[match.start()] != "."
        or not _ABBREVIATION.search(cased, max(0, match.start() - 12), match.start() + 1)
    ]

    assert Layout(folded.text, cased).sentences == [0, *ends]
