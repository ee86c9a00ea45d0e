"""What must hold of the topics and weights that come with the program, whatever an article says."""

from __future__ import annotations

import random
import re
import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.tagging import Tagger, load_topics
from service.tagging.model import Model
from service.values import Tag

TOPICS = {"sanctions", "arms", "diplomacy"}
_TAGGER = Tagger(load_topics())
_SENTENCES = (
    "The EU imposed new sanctions on three Russian banks on Monday.",
    "Iran tested a ballistic missile, the Foreign Ministry said.",
    "The US Treasury froze the assets of two shipping firms of North Korea.",
    "Foreign ministers of China and Japan met in Geneva for talks.",
    "Ukraine asked Germany for more air-defence systems.",
    "The lending arm of the bank opened a branch.",
    "A court sanctioned the merger of two brewers.",
    "The brand ambassador smiled, holding a toy gun.",
    "Moscow expelled the British ambassador, a spokesman said.",
    "Export controls on chips hurt the industry, said “one” analyst.",
    "санкции",
    "S-300s and Patriots",
    "They agreed on a cease-fire and a U.N. resolution.",
)
_IDYLL = (
    "Green apples ripen slowly under a warm autumn light.",
    "The bakery on the corner sells bread and cakes.",
    "A choir sang in the park.",
    "Two eggs and a cup of sugar make a cake.",
)
TITLES = st.sampled_from(("", *_SENTENCES))
PARTS = st.lists(
    st.tuples(st.sampled_from((*_SENTENCES, *_IDYLL)), st.sampled_from((" ", "\n", "\n\n"))), max_size=9
)
UNRELATED = st.lists(st.sampled_from(_IDYLL), max_size=6)


def tags(title: str, text: str, tagger: Tagger = _TAGGER) -> dict[str, Tag]:
    return {tag.topic: tag for tag in tagger.tag(title, text, language="en")}


def joined(parts: list[tuple[str, str]]) -> str:
    return "".join(sentence + gap for sentence, gap in parts).strip()


@settings(max_examples=150, deadline=None)
@given(title=TITLES, parts=PARTS)
def test_evidence_points_at_its_phrase(title: str, parts: list[tuple[str, str]]) -> None:
    text = joined(parts)
    for tag in tags(title, text).values():
        for item in tag.evidence:
            source = {"title": title, "text": text}[item.field]
            assert source[item.start : item.end] == item.phrase != ""


@settings(max_examples=150, deadline=None)
@given(title=st.text(max_size=60), text=st.text(max_size=400))
def test_evidence_points_at_its_phrase_in_any_text(title: str, text: str) -> None:
    for tag in _TAGGER.tag(title, text):
        assert 0 <= tag.score <= 1
        for item in tag.evidence:
            source = {"title": title, "text": text}[item.field]
            assert source[item.start : item.end] == item.phrase != ""


@settings(max_examples=100, deadline=None)
@given(title=TITLES, parts=PARTS, space=st.sampled_from(("  ", "\t", "\u00a0", " \n", "\n")))
def test_runs_of_white_space_make_no_difference(title: str, parts: list[tuple[str, str]], space: str) -> None:
    text = joined(parts)
    spaced = "\n\n".join(paragraph.replace(" ", space) for paragraph in re.split(r"\n\n", text))

    one, other = tags(title, text), tags(title.replace(" ", space), spaced)

    assert {name: tag.score for name, tag in one.items()} == {name: tag.score for name, tag in other.items()}


@settings(max_examples=60, deadline=None)
@given(title=TITLES, parts=PARTS, seed=st.integers(0, 2))
def test_the_order_of_the_rules_makes_no_difference(
    title: str, parts: list[tuple[str, str]], seed: int
) -> None:
    text = joined(parts)

    assert tags(title, text, _shuffled(seed)) == tags(title, text)


_SHUFFLED: dict[int, Tagger] = {}


def _shuffled(seed: int) -> Tagger:
    if seed not in _SHUFFLED:
        taxonomy = _TAGGER.taxonomy
        rules = list(taxonomy.rules)
        random.Random(seed).shuffle(rules)
        numbered = tuple(replace(rule, index=number) for number, rule in enumerate(rules))
        _SHUFFLED[seed] = Tagger(replace(taxonomy, rules=numbered))
    return _SHUFFLED[seed]


@settings(max_examples=250, deadline=None)
@given(title=TITLES, parts=PARTS, before=UNRELATED, after=UNRELATED)
def test_unrelated_text_never_raises_a_score_above_the_threshold(
    title: str, parts: list[tuple[str, str]], before: list[str], after: list[str]
) -> None:
    text = joined(parts)
    alone = tags(title, text)

    among = tags(title, "\n\n".join(part for part in (" ".join(before), text, " ".join(after)) if part))

    for name, tag in among.items():
        assert alone[name].holds or not tag.holds, (name, alone[name].score, tag.score, tag.threshold)
        assert tag.score <= alone[name].score + 1e-12


def test_nothing_in_the_lead_speaks_against_a_topic() -> None:
    layer = _TAGGER.taxonomy.layer

    assert isinstance(layer, Model)
    for weights in layer.file.topics.values():
        assert min(weights.leads.values()) >= 0


@settings(max_examples=60, deadline=None)
@given(title=st.sampled_from(("", "Apples")), text=UNRELATED)
def test_text_about_nothing_is_never_tagged(title: str, text: list[str]) -> None:
    assert not any(tag.holds for tag in tags(title, "\n\n".join(text)).values())


# -- hostile texts -----------------------------------------------------------------------------------------

_STORY = "The EU imposed sanctions on Russian banks. Iran tested a ballistic missile. Ministers met in Rome. "
_MILLION = 1_000_000


@pytest.mark.parametrize(
    "text",
    [
        _STORY * (_MILLION // 16),
        "sanctions " * _MILLION,
        "missile" * 150_000,
        "sanc\u00adtions on Iran. " * 30_000,
        "sаnсtiоns on Irаn. " * 30_000,
        "\x00\x07sanctions\x1b[31m " * 30_000,
        "санкции 제재 sanctions عقوبات 制裁 " * 20_000,
        ". " * 500_000,
        "\n\n" * 500_000,
    ],
    ids=[
        "a million words", "one word a million times", "no spaces", "soft hyphens", "look-alikes",
        "control characters", "mixed scripts", "full stops", "blank lines",
    ],
)  # fmt: skip
def test_a_hostile_text_takes_bounded_time(text: str) -> None:
    """The slowest take some ten seconds; a quadratic step would take hours."""
    started = time.process_time()

    found = tags(text[:500], text)

    assert time.process_time() - started < 120
    assert set(found) == TOPICS
    for tag in found.values():
        assert len(tag.evidence) <= 60
        for item in tag.evidence:
            assert {"title": text[:500], "text": text}[item.field][item.start : item.end] == item.phrase


@pytest.mark.parametrize("text", ["", " ", "\n\n", "\x00", "\u00ad", "\ud800", ".", "a"])
@pytest.mark.parametrize("title", ["", "\ufeff", "Sanctions"])
def test_an_article_of_nearly_nothing_has_an_answer(title: str, text: str) -> None:
    found = _TAGGER.tag(title, text, language="en")

    assert {tag.topic for tag in found} == TOPICS
    assert not any(tag.holds for tag in found if tag.topic != "sanctions" or not title.strip("\ufeff"))


@pytest.mark.parametrize("joiner", ["\u00ad", "\u200b", "\u2060", "\ufeff"])
def test_words_are_found_through_what_is_put_into_them(joiner: str) -> None:
    plain = tags("", _STORY)

    hidden = tags("", re.sub(r"(?<=\w)(?=\w)", joiner, _STORY))

    assert {name: tag.score for name, tag in hidden.items()} == {
        name: tag.score for name, tag in plain.items()
    }
    assert any(joiner in item.phrase for item in hidden["sanctions"].evidence)


def test_words_are_found_through_letters_that_look_alike() -> None:
    plain, forged = (tags("", text) for text in (_STORY, _STORY.replace("sanctions", "sаnсtiоns")))

    assert forged["sanctions"].score == plain["sanctions"].score
