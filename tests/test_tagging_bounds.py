"""Hostile input: bounded in time, and the right answer still."""

from __future__ import annotations

import time

import pytest

from service.tagging import Tagger, read_topics
from tests.tagging_samples import document, tag, taxonomy

RULES = (
    "arms", "arms NEAR/8 deal", "deal NOT NEAR/3 contract", "arms WITH/sentence sanction*", "*missile*",
    "arms WITH/article talks", "/[0-9]+ warheads?/", "^US NEAR/5 (arms|missile)", "сан*", "zzz NEAR/5 arms",
)  # fmt: skip
MILLION = 1_000_000
CHARACTERS = 300_000


@pytest.fixture(scope="module")
def tagger() -> Tagger:
    return Tagger(
        taxonomy(*RULES, masks=["toy arms", "lending NEAR/2 arms", "/toy (deal|arms)/"]), layer=None
    )


@pytest.mark.parametrize(
    "text",
    [
        "arms deal " * (MILLION // 2),
        "toy arms. Lending arms! " * (CHARACTERS // 8),
        "x" * CHARACTERS,
        "armsdealmissile" * (CHARACTERS // 15),
        "é" * CHARACTERS,
        "a\u0301" * (CHARACTERS // 2),
        "arms\u00ad" * (CHARACTERS // 5),
        "аrms " * (CHARACTERS // 5),
        "аb" * (CHARACTERS // 2),
        "\x00\x07\x1f\x7f" * (CHARACTERS // 4),
        " \n" * (CHARACTERS // 2),
        "-" * CHARACTERS,
        "- " * (CHARACTERS // 2),
        '." ' * (CHARACTERS // 3),
        "\u1100\u1161" * (CHARACTERS // 2),
        "\u0301" * CHARACTERS,
        "arms. " * (CHARACTERS // 6),
        "\ud800" * CHARACTERS,
        "\ufdfa" * 20_000,
    ],
    ids=[
        "a million words", "masks", "no spaces", "phrases without spaces", "no ascii", "decomposed",
        "soft hyphens", "mixed alphabets", "one word of two alphabets", "control characters", "white space",
        "hyphens", "dashes", "quotes", "jamo", "marks", "sentences", "surrogates", "expanding",
    ],
)  # fmt: skip
def test_a_huge_text_takes_bounded_time(tagger: Tagger, text: str) -> None:
    started = time.process_time()

    result = tag(tagger, text, title=text[:1000])

    # About 1 s at most on the slowest of these; a quadratic step would take hours.
    assert time.process_time() - started < 30
    for evidence in result.evidence[:50]:
        assert {"title": text[:1000], "text": text}[evidence.field][
            evidence.start : evidence.end
        ] == evidence.phrase


def test_twice_the_text_takes_no_more_than_a_few_times_as_long(tagger: Tagger) -> None:
    def cost(words: int) -> float:
        text = "arms deal with US missiles, talks on sanctions. " * (words // 8)
        best = 9e9
        for _ in range(3):
            started = time.process_time()
            tag(tagger, text)
            best = min(best, time.process_time() - started)
        return best

    assert cost(80_000) < 20 * cost(10_000)  # 8 times in theory


@pytest.mark.parametrize("text", ["", " ", "\n\n", "\x00", "\u200b", "\u0301", "-", "’", "\ud800", "a"])
@pytest.mark.parametrize("title", ["", " ", "\n\n", "\u00ad", "Arms\n\n", "\ud800"])
def test_nearly_empty_articles(tagger: Tagger, title: str, text: str) -> None:
    result = tag(tagger, text, title=title)

    assert [e.phrase for e in result.evidence] == ["Arms"] * title.startswith("Arms")


def test_ten_thousand_phrases() -> None:
    rules = [f"word{number} phrase{number % 97}" for number in range(10_000)]
    started = time.process_time()
    tagger = Tagger(read_topics(document(*rules)))

    result = tag(tagger, " ".join(f"word{n} phrase{n % 97}s" for n in (5, 500, 9_999)))

    assert time.process_time() - started < 30
    assert [e.rule for e in result.evidence] == [rules[5], rules[500], rules[9_999]]


def test_evidence_is_capped_but_the_score_is_not(tagger: Tagger) -> None:
    few, many = (tag(tagger, "arms. " * count) for count in (20, 200))

    assert len(many.evidence) == len(few.evidence) == 20
    assert many.score > few.score
