"""What must hold for every article, whatever it says."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.tagging import Tagger, load_topics, read_topics
from tests.tagging_samples import document, tag

RULES = (
    "arms", "sanction", "impose~ NEAR/4 sanctions", "(arms|weapons) (deal|sale)", "export WITH/sentence ban",
    "talks NOT AFTER/0 contract", "^US NEAR/3 missile", "missil*", "/S-?[34]00/",
    "treaty WITH/article warhead", "freeze~ (the|their)? asset",
    "minister | ambassador NOT NEAR/2 brand", '"cease fire"',
)  # fmt: skip
# "cease fire" with its hyphen and the phrase "of the law" make masks and phrases meet.
MASKS = ("lending arms", '"arms of the law"', "toy NEAR/2 missile")
_VOCABULARY = """
    arms Arms ARMS’ sanctions sanctioned impose imposed weapons deal deals sale export ban contract talks US
    us missile missiles S-300 s400 treaty warheads froze the their assets minister brand ambassador
    cease-fire lending of law toy and, with. A The for! — “ ” (in) 5 санкции ﬁle re\u00adarm
"""
WORDS = st.sampled_from(_VOCABULARY.split())
GAPS = st.sampled_from([" ", " ", " ", "  ", "\n", "\t ", "\n\n", " \n\n ", "\u00a0"])
TEXTS = st.lists(st.tuples(WORDS, GAPS), max_size=40).map(
    lambda parts: "".join(word + gap for word, gap in parts).strip()
)
_IDYLL = "green apples ripen slowly under warm autumn light . , and bees hum"
UNRELATED = st.lists(st.sampled_from(_IDYLL.split()))

_TOPIC = 'saturation = "log"\nlead = 60\nlength_exponent = 0.3\nlength_reference = 20'
_NEGATIVE = """
[[topic.rules]]
language = "en"
weight = -1.5
match = ["brand ambassador", "toy", "ban NOT WITH/paragraph export"]
"""


def _tagger(rules: tuple[str, ...] = RULES) -> Tagger:
    return Tagger(read_topics(document(*rules, masks=MASKS, topic=_TOPIC, block="weight = 1.2") + _NEGATIVE))


@pytest.fixture(scope="module")
def tagger() -> Tagger:
    return _tagger()


@settings(max_examples=150, deadline=None)
@given(title=TEXTS, text=TEXTS)
def test_evidence_points_at_its_phrase(tagger: Tagger, title: str, text: str) -> None:
    for evidence in tag(tagger, text, title=title).evidence:
        source = {"title": title, "text": text}[evidence.field]
        assert 0 <= evidence.start < evidence.end <= len(source)
        assert source[evidence.start : evidence.end] == evidence.phrase


@settings(max_examples=100, deadline=None)
@given(title=st.text(max_size=50), text=st.text(max_size=300))
def test_evidence_points_at_its_phrase_in_any_text(title: str, text: str) -> None:
    tagger = _WILD
    for evidence in tag(tagger, text, title=title).evidence:
        source = {"title": title, "text": text}[evidence.field]
        assert source[evidence.start : evidence.end] == evidence.phrase != ""


# Finds something in nearly every text.
_WILD = Tagger(
    read_topics(document(*"abcdefgo", "/[a-z][^a-z]/", "/[^ -~]+/", "a NEAR/5 b", "x WITH/sentence e"))
)


@settings(max_examples=150, deadline=None)
@given(title=TEXTS, parts=st.lists(st.tuples(WORDS, GAPS, GAPS), max_size=40))
def test_runs_of_white_space_make_no_difference(
    tagger: Tagger, title: str, parts: list[tuple[str, str, str]]
) -> None:
    def joined(gaps: list[str]) -> str:
        return "".join(word + gap for (word, _, _), gap in zip(parts, gaps, strict=True))

    first = joined([gap for _, gap, _ in parts])
    # A blank line is a paragraph: it stays one, and no other gap becomes one.
    again = joined([gap if "\n\n" in gap else other.replace("\n\n", "\n") for _, gap, other in parts])

    one, other = tag(tagger, first, title=title), tag(tagger, again, title=f" {title}  ")

    assert one.score == other.score
    assert [" ".join(e.phrase.split()) for e in one.evidence] == [
        " ".join(e.phrase.split()) for e in other.evidence
    ]


@settings(max_examples=150, deadline=None)
@given(title=TEXTS, text=TEXTS)
def test_case_makes_no_difference_to_rules_that_do_not_ask_for_it(title: str, text: str) -> None:
    # Rules about sentences look at capitals, and "^" asks for case: they are left out.
    tagger = _CASELESS

    scores = {tag(tagger, change(text), title=change(title)).score for change in (str, str.upper, str.lower)}

    assert len(scores) == 1


_CASELESS = _tagger(tuple(rule for rule in RULES if "^" not in rule and "sentence" not in rule))


@settings(max_examples=60, deadline=None)
@given(title=TEXTS, text=TEXTS, seed=st.integers(0, 10_000))
def test_the_order_of_the_rules_makes_no_difference(tagger: Tagger, title: str, text: str, seed: int) -> None:
    shuffled = list(RULES)
    random.Random(seed).shuffle(shuffled)
    other = _tagger(tuple(shuffled))

    assert other.taxonomy.hash == tagger.taxonomy.hash
    assert tag(other, text, title=title) == tag(tagger, text, title=title)


@settings(max_examples=150, deadline=None)
@given(title=TEXTS, text=TEXTS, before=UNRELATED, after=UNRELATED)
def test_unrelated_text_never_raises_a_score_above_the_threshold(
    tagger: Tagger, title: str, text: str, before: list[str], after: list[str]
) -> None:
    alone = tag(tagger, text, title=title)

    among = tag(tagger, "\n\n".join((" ".join(before), text, " ".join(after))), title=title)

    assert among.holds <= alone.holds
    assert among.score <= alone.score + 1e-12


@settings(max_examples=60, deadline=None)
@given(filler=st.lists(UNRELATED, min_size=1, max_size=30))
def test_text_about_nothing_is_never_tagged(filler: list[list[str]]) -> None:
    text = "\n\n".join(" ".join(words) for words in filler)

    assert not any(tag.holds for tag in _PACKAGED.tag("Green apples", text, language="en"))


_PACKAGED = Tagger(load_topics(), layer=None)


@settings(max_examples=100, deadline=None)
@given(title=TEXTS, text=TEXTS)
def test_soft_hyphens_and_zero_width_characters_make_no_difference(
    tagger: Tagger, title: str, text: str
) -> None:
    def sprinkled(words: str) -> str:
        return re.sub(r"(?<=\w)(?=\w)", "\u200b\u00ad", words)

    assert tag(tagger, sprinkled(text), title=sprinkled(title)).score == tag(tagger, text, title=title).score


_LETTERS = st.sampled_from(["a1", "b1", "c1", "a1b1", "B1", "d1"])
_PLAIN = st.lists(st.lists(_LETTERS, min_size=1, max_size=12), min_size=1, max_size=3)


@settings(max_examples=150, deadline=None)
@given(paragraphs=_PLAIN, phrase=st.lists(_LETTERS, min_size=1, max_size=3))
def test_phrases_are_found_as_a_plain_search_finds_them(
    paragraphs: list[list[str]], phrase: list[str]
) -> None:
    text = "\n\n".join(" ".join(words) for words in paragraphs)
    wanted = re.compile(rf"(?<![^ \n]){' '.join(phrase)}(?![^ \n])", re.IGNORECASE)

    result = tag(Tagger(read_topics(document(f'"{" ".join(phrase)}"'))), text)

    assert [(e.start, e.end) for e in result.evidence] == [match.span() for match in wanted.finditer(text)][
        :20
    ]


@settings(max_examples=150, deadline=None)
@given(
    paragraphs=_PLAIN,
    distance=st.integers(0, 4),
    order=st.sampled_from(["NEAR", "BEFORE", "AFTER", "NOT NEAR", "NOT BEFORE", "NOT AFTER"]),
)
def test_distances_are_counted_as_one_counts_words(
    paragraphs: list[list[str]], distance: int, order: str
) -> None:
    text = "\n\n".join(" ".join(words) for words in paragraphs)

    result = tag(Tagger(read_topics(document(f'"a1" {order}/{distance} "b1"'))), text)

    expected = 0
    for words in paragraphs:
        folded = [word.lower() for word in words]
        for here in (at for at, word in enumerate(folded) if word == "a1"):
            steps = [at - here for at, word in enumerate(folded) if word == "b1"]
            near = [step for step in steps if abs(step) - 1 <= distance]
            if "BEFORE" in order:
                near = [step for step in near if step > 0]
            elif "AFTER" in order:
                near = [step for step in near if step < 0]
            expected += bool(near) is not order.startswith("NOT")
    assert len(result.evidence) == min(expected, 20)
