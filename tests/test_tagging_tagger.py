"""From hits to tags: contributions, masks, places, saturation, priors, languages, the layer on top."""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import pytest

from service.tagging import Asked, Reading, Ruling, Tagger, load_topics, read_topics
from service.tagging.tagger import MAX_EVIDENCE, logistic
from service.values import Evidence
from tests.tagging_samples import document, phrases, tag, taxonomy


def test_evidence_says_where_what_and_how_much() -> None:
    text = "Officials “froze  assets”. No sanc\u00adtions."

    result = tag(taxonomy("freeze~ asset", "sanctions", block="weight = 2.0"), text, title="SANCTIONS’ end")

    assert [(e.field, e.start, e.end, e.phrase, e.rule) for e in result.evidence] == [
        ("title", 0, 9, "SANCTIONS", "sanctions"),
        ("text", 11, 24, "froze  assets", "freeze~ asset"),
        ("text", 30, 40, "sanc\u00adtions", "sanctions"),
    ]
    logit = -3.0 + math.fsum(e.contribution for e in result.evidence)
    assert result.score == pytest.approx(logistic(logit))
    # Title counts 2, lead 1.3; log2(1 + count), weight 2.
    assert logit == pytest.approx(-3 + 2 * math.log2(1 + 1.3) + 2 * math.log2(1 + 3.3))


@pytest.mark.parametrize(
    ("saturation", "contribution"),
    [("once", 1.0), ("cap:3", 3.0), ("none", 30.0), ("log", math.log2(31))],
)
def test_repetition_saturates(saturation: str, contribution: float) -> None:
    topics = taxonomy("missile", topic=f'lead = 0\nsaturation = "{saturation}"')

    result = tag(topics, "missile " * 30)

    assert len(result.evidence) == MAX_EVIDENCE
    assert math.fsum(e.contribution for e in result.evidence) == pytest.approx(contribution)


def test_a_block_may_saturate_otherwise_than_its_topic() -> None:
    result = tag(
        taxonomy("missile", topic='saturation = "none"\nlead = 0', block='saturation = "once"'),
        "missile " * 5,
    )

    assert math.fsum(e.contribution for e in result.evidence) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("place", "found"),
    [
        ("any", ["Missile", "missile", "missiles"]),
        ("title", ["Missile"]),
        ("lead", ["missile"]),
        ("title+lead", ["Missile", "missile"]),
        ("text", ["missile", "missiles"]),
    ],
)
def test_a_rule_may_want_its_place(place: str, found: list[str]) -> None:
    text = "A missile. " + "Other words. " * 10 + "More missiles."

    assert phrases("missile", text, title="Missile", topic="lead = 50", block=f'in = "{place}"') == found


def test_long_articles_damp_what_speaks_for_a_topic_only() -> None:
    filler = "other words stand here " * 500
    for weight, damped in ((2.0, True), (-2.0, False)):
        topics = taxonomy("missile", topic="lead = 0\nlength_exponent = 0.5", block=f"weight = {weight}")
        short, long = (tag(topics, "missile. " + more).evidence[0].contribution for more in ("", filler))
        assert (abs(long) < abs(short)) is damped


@pytest.mark.parametrize(
    ("mask", "text", "found"),
    [
        ("lending arms", "Its lending arms and arms.", ["arms"]),
        ('"arms of the law"', "the arms of the law", []),
        ("sanction* by the court", "sanctions sanctioned by the court", ["sanctions"]),
        ("toy NEAR/3 arms", "a toy shop with arms; real arms", ["arms"]),
        ("/(?m)^read: .*$/", "Arms.\n\nRead: arms and sanctions\n\nSanctions", ["Arms", "Sanctions"]),
        ("arms race", "arms", ["arms"]),
    ],
)
def test_a_mask_hides_what_lies_inside(mask: str, text: str, found: list[str]) -> None:
    assert phrases("arms | sanctions | sanctioned", text, masks=[mask]) == found


def test_a_mask_hides_parts_of_compound_rules_but_no_longer_phrase() -> None:
    assert phrases("arms NEAR/5 deal", "lending arms deal", masks=["lending arms"]) == []
    assert phrases("arms of the law deal", "arms of the law deals", masks=['"arms of the law"']) == [
        "arms of the law deals"
    ]


TWO = """
format = 1
[[masks]]
match = ['"advertisement: arms"']
[[signals]]
language = "en"
group = "shop"
match = ['shop', 'arms']
[[topic]]
name = "one"
[[topic.rules]]
language = "en"
match = ['arms']
[[topic.masks]]
match = ['"toy arms"']
[[topic]]
name = "two"
[[topic.rules]]
language = "en"
match = ['arms', '^NATO']
[[topic.rules]]
language = "ru"
match = ['оружие']
[[topic]]
name = "free"
[[topic.rules]]
match = ['^NATO', '^НАТО']
"""


def test_masks_are_a_topics_own_or_everyones() -> None:
    tagger = Tagger(read_topics(TWO))
    text = "Toy arms in the shop. Advertisement: arms. NATO."

    found = {t.topic: [e.phrase for e in t.evidence] for t in tagger.tag("", text, language="en")}

    assert found == {"one": [], "two": ["arms", "NATO"], "free": ["NATO"]}
    signals = tagger.read("", text, language="en").hits(None)
    assert [(hit.rule.group, text[hit.start : hit.end]) for hit in signals] == [
        ("shop", "arms"),
        ("shop", "shop"),
    ]


@pytest.mark.parametrize(
    ("language", "text", "topics"),
    [
        ("en", "NATO arms", {"one", "two", "free"}),
        ("en-GB", "NATO arms", {"one", "two", "free"}),
        ("EN_us", "NATO arms", {"one", "two", "free"}),
        ("ru", "оружие НАТО", {"two", "free"}),
        ("de", "Waffen der NATO", {"free"}),
        (None, "NATO arms", {"one", "two", "free"}),
        ("und", "оружие НАТО", {"two", "free"}),
        (None, "나토", {"free"}),
        ("", "", {"one", "two", "free"}),
    ],
)
def test_rules_of_the_language_and_free_ones_apply(language: str | None, text: str, topics: set[str]) -> None:
    tagger = Tagger(read_topics(TWO))

    tags = tagger.tag("", text, language=language)

    assert {t.topic for t in tags} == topics
    assert all(t.evidence for t in tags if t.topic == "free" and "НАТО" in text)


def test_a_language_without_rules_is_not_covered() -> None:
    tagger = Tagger(taxonomy("arms"))

    assert tagger.covers("en")
    assert tagger.covers("en-US")
    assert tagger.covers(None)
    assert tagger.covers("und")
    assert not tagger.covers("fr")
    assert tagger.tag("Arms", "arms", language="fr") == ()
    assert tagger.tag("武器", "武器禁运", language=None) == ()
    assert Tagger(read_topics(TWO)).covers("fr")


@pytest.fixture(scope="module")
def packaged() -> Tagger:
    return Tagger(load_topics())


def test_the_packaged_topics_cover_three_languages(packaged: Tagger) -> None:
    languages = ("en", "ru", "ko", "fr", "ar")

    assert [packaged.covers(language) for language in languages] == [True, True, True, False, False]


@pytest.mark.parametrize(
    ("language", "topic", "title", "text"),
    [
        ("ru", "sanctions", "ЕС ввёл новые санкции против Ирана",
         "Совет ЕС принял решение о введении санкций против трёх компаний. Их активы будут заморожены."),
        ("ru", "arms", "Россия передала Сирии зенитные ракетные комплексы",
         "Минобороны сообщило о поставках вооружений и боеприпасов. Ракеты С-300 прибыли в порт."),
        ("ru", "diplomacy", "Лавров провёл переговоры с министром иностранных дел Турции",
         "Министры обсудили двусторонние отношения. Посол прибыл в Анкару с официальным визитом."),
        ("ru", None, "«Спартак» выиграл матч",
         "Команда забила два гола и вышла в полуфинал. Тренер доволен."),
        ("ko", "sanctions", "미국, 북한에 추가 제재",
         "미 재무부는 북한 기관 세 곳에 제재를 부과했다. 대북제재를 강화한다."),
        ("ko", "arms", "북한, 탄도미사일 발사",
         "북한이 탄도미사일을 발사했다고 밝혔다. 핵무기 개발이 계속되고 있다."),
        ("ko", "diplomacy", "한미 정상회담 개최",
         "대통령은 정상회담에서 외교장관 회담 일정을 논의했다."),
        ("ko", None, "축구 대표팀 승리",
         "축구 대표팀이 두 골을 넣어 이겼다. 감독은 만족했다."),
    ],
)  # fmt: skip
def test_russian_and_korean_articles_are_tagged_with_or_without_a_declared_language(
    packaged: Tagger, language: str, topic: str | None, title: str, text: str
) -> None:
    for declared in (language, None):
        held = [tag.topic for tag in packaged.tag(title, text, language=declared) if tag.holds]
        assert held == ([topic] if topic else [])


def test_a_sources_prior_shifts_the_logit() -> None:
    tagger = Tagger(taxonomy("arms"), layer=None)

    def logit(**priors: float) -> float:
        score = tagger.tag("", "arms", language="en", priors=priors)[0].score
        return math.log(score / (1 - score))

    assert logit(t=1.5) - logit() == pytest.approx(1.5)
    assert logit(other=1.5) == logit()
    assert logit(t=math.nan) == logit()
    assert logit(t=1e308) - logit() == pytest.approx(20)


def test_main_is_a_score_of_its_own() -> None:
    topics = taxonomy("arms", topic="threshold = 0.3\nmain_threshold = 0.9\nlead = 0", block="weight = 1.0")

    assert [(t.holds, t.main) for t in (tag(topics, "arms " * n) for n in (1, 7, 60))] == [
        (False, False),
        (True, False),
        (True, True),
    ]


def test_the_best_topic_comes_first() -> None:
    topics = read_topics(
        document("arms") + document("arms").removeprefix("format = 1").replace('"t"', '"better"\nbias = 1.0')
    )

    assert [t.topic for t in Tagger(topics).tag("", "arms", language="en")] == ["better", "t"]


def test_rules_are_compiled_when_they_are_first_needed_and_once_by_several_threads() -> None:
    lazy, ready = Tagger(load_topics()), Tagger(load_topics())
    ready.compile()
    texts = [("Sanctions on Iran", "en"), ("Санкции против Ирана", "ru"), ("이란 제재", "ko"), ("", "ja")] * 4

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda one: lazy.tag("", one[0], language=one[1]), texts))

    assert found == [ready.tag("", text, language=language) for text, language in texts]
    assert [lazy.covers(language) for language in ("ru", "ja")] == [True, False]


@dataclass(frozen=True)
class Doubter:
    """A layer that believes half, and shows why: the first word."""

    version: str = "doubter-1"

    def judge(self, reading: Reading, asked: Sequence[Asked]) -> tuple[Ruling, ...]:
        word = reading.words("text")[0]
        why = Evidence(
            "text", word.start, word.end, reading.text[word.start : word.end], "model: first word", -1.0
        )
        return tuple(
            replace(ruling, score=ruling.score / 2, main=False, evidence=(*ruling.evidence, why))
            for ruling in [one.rule() for one in asked]
        )


def test_a_layer_has_the_last_word() -> None:
    topics = taxonomy("arms")
    layered = replace(topics, layer=Doubter())

    plain, doubted, without = (
        tagger.tag("", "“Some arms”", language="en")[0]
        for tagger in (Tagger(topics), Tagger(layered), Tagger(layered, layer=None))
    )

    assert doubted.score == plain.score / 2
    assert doubted.evidence[-1] == Evidence("text", 1, 5, "Some", "model: first word", -1.0)
    assert without == plain


def test_a_reading_gives_hits_words_sentences_and_paragraphs() -> None:
    title = "Gen. Smith’s arms"
    text = "The U.S. sold  arms. It denied “that.” Why?\n\nNo-one knows, Mr. Fox said, at 3.5 km."
    tagger = Tagger(taxonomy("arms", topic="lead = 10"))

    reading = tagger.read(title, text, language="en")

    assert [(h.field, h.start, h.lead, h.rule.text) for h in reading.hits("t")] == [
        ("title", 13, False, "arms"),
        ("text", 15, False, "arms"),
    ]
    assert [w.folded for w in reading.words("title")] == ["gen", "smith's", "arms"]
    for field, source in (("title", title), ("text", text)):
        for word in reading.words(field):
            assert source[word.start : word.end].lower().replace("’", "'") == word.folded
    assert [text[a:b] for a, b in reading.sentences("text")] == [
        "The U.S. sold  arms.",
        "It denied “that.”",
        "Why?",
        "No-one knows, Mr. Fox said, at 3.5 km.",
    ]
    assert [title[a:b] for a, b in reading.sentences("title")] == [title]
    assert [text[a:b][:6] for a, b in reading.paragraphs("text")] == ["The U.", "No-one"]


def test_the_same_reading_serves_words_on_the_fast_and_the_thorough_way() -> None:
    tagger = Tagger(taxonomy("arms"))
    plain = tagger.read("A title", "Some plain words.", language="en")
    odd = tagger.read("A title", "Some  plain words.", language="en")

    assert [w.folded for w in plain.words("text")] == [w.folded for w in odd.words("text")]
    assert [w.start for w in plain.words("text")] == [0, 5, 11]
    assert [w.start for w in odd.words("text")] == [0, 6, 12]
