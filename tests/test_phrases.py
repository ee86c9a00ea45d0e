"""Phrases: proposed where the labels miss what people say, accepted as rules, remembered."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs

from service.errors import TopicsError
from service.tagging import Tagger, load_topics, read_topics
from service.tagging.gold import GoldRow
from service.tagging.learn import Recipe, save, train
from service.tagging.learned import (
    PHRASES,
    WEIGHTS,
    Phrase,
    decided,
    read_phrases,
    signature,
    write_phrases,
)
from service.tagging.model import Model
from service.tagging.phrases import propose_phrases
from service.tagging.tree import RuleError
from tests.graded_samples import TOPICS, contrary, rows

STEAMER = Phrase("ships", "paddle steamer", True, 2.5, "en", "ann", "2024-06-20T12:00:00Z")


@pytest.fixture(scope="module")
def tagger() -> Tagger:
    return Tagger(read_topics(TOPICS), layer=None)


@pytest.fixture(scope="module")
def model(tagger: Tagger) -> Model:
    return train(tagger, rows(), recipe=Recipe(least_word=2, folds=3))


# -- proposals -----------------------------------------------------------------------------------------------


def test_what_the_labels_miss_is_proposed_with_sentences(tagger: Tagger, model: Model) -> None:
    judge = Tagger(tagger.taxonomy, layer=model)

    proposals = propose_phrases(judge, contrary(), "ships", limit=5)

    first = proposals[0]
    assert first.weight < -1
    assert (first.articles_for, first.language) == (0, "en")
    assert first.articles_against >= 20
    for proposal in proposals:
        assert proposal.articles_for + proposal.articles_against >= 3
        assert proposal.examples
        rule = read_topics(TOPICS, accepted=[_accepted(proposal.phrase, proposal.weight)])
        for example in proposal.examples:
            (tag,) = Tagger(rule, layer=None).tag("", example, language="en")
            assert any(item.rule == f'"{proposal.phrase}"' for item in tag.evidence), proposal


def _accepted(phrase: str, weight: float) -> Phrase:
    return structs.replace(STEAMER, phrase=phrase, weight=weight)


def test_each_speaks_of_articles_that_those_before_it_leave(tagger: Tagger) -> None:
    said = [
        *(
            GoldRow(f"a{n}", "", f"Red lanterns and blue lamps hung in street {n}.", {"ships": 1})
            for n in range(9)
        ),
        *(GoldRow(f"b{n}", "", f"Green barges waited in row {n}.", {"ships": 1}) for n in range(5)),
        *(GoldRow(f"c{n}", "", f"A market opened in square {n}.", {"ships": 0}) for n in range(9)),
    ]

    first, second = propose_phrases(tagger, said, "ships")[:2]

    assert {first.articles_for, second.articles_for} == {9, 5}


def test_what_was_decided_or_is_known_is_not_proposed(tagger: Tagger) -> None:
    said = contrary()
    found = propose_phrases(tagger, said, "ships", limit=5)

    again = propose_phrases(tagger, said, "ships", limit=5, decided=[one.phrase for one in found[:2]])

    assert found
    assert not {one.phrase for one in found[:2]} & {one.phrase for one in again}
    assert not any(word in one.phrase.split() for one in found for word in ("ship", "harbour", "sail"))


def test_where_the_labels_are_right_nothing_is_proposed(tagger: Tagger, model: Model) -> None:
    assert propose_phrases(Tagger(tagger.taxonomy, layer=model), rows(), "ships") == []


def test_punctuation_ends_a_phrase(tagger: Tagger) -> None:
    said = [
        GoldRow(f"a{n}", "", f"Red, lanterns hung (blue lamps) in street {n}.", {"ships": n % 2})
        for n in range(20)
    ]
    for row in propose_phrases(tagger, [replace(row, grades={"ships": 1}) for row in said], "ships"):
        assert row.phrase not in ("red lanterns", "hung blue")


def test_common_words_of_articles_that_nobody_judged_tell_little(tagger: Tagger) -> None:
    said = [GoldRow(f"a{n}", "", f"Yesterday lanterns hung in street {n}.", {"ships": 1}) for n in range(9)]
    others = [GoldRow(f"o{n}", "", f"Yesterday a market opened in square {n}.", {}) for n in range(300)]

    phrases = [one.phrase for one in propose_phrases(tagger, said, "ships", others=others)]

    assert any("lanterns" in phrase for phrase in phrases)
    assert "yesterday" not in phrases


# -- accepted phrases ----------------------------------------------------------------------------------------


def test_an_accepted_phrase_is_a_rule_and_shows_in_the_evidence(tmp_path: Path, model: Model) -> None:
    topics = tmp_path / "topics.toml"
    topics.write_text(TOPICS, encoding="utf-8")
    learned = tmp_path / "learned"
    before = load_topics(topics, learned=learned)
    save(model, _folder(learned) / WEIGHTS)
    write_phrases(learned, [STEAMER])

    taxonomy = load_topics(topics, learned=learned)

    (tag,) = Tagger(taxonomy).tag("", "A Paddle-steamer burned; paddle steamers did.", language="en")
    found = [(item.phrase, item.rule) for item in tag.evidence if item.rule == '"paddle steamer"']
    assert found == [("Paddle-steamer", '"paddle steamer"')]
    assert len({before.hash, taxonomy.hash, load_topics(topics).hash}) == 2
    assert before.hash == load_topics(topics).hash
    assert topics.read_text(encoding="utf-8") == TOPICS  # nobody's file is written to


def _folder(path: Path) -> Path:
    path.mkdir(exist_ok=True)
    return path


def test_what_was_rejected_or_has_no_topic_or_language_changes_nothing() -> None:
    plain = read_topics(TOPICS)
    idle = [
        structs.replace(STEAMER, accepted=False),
        structs.replace(STEAMER, topic="trains"),
        structs.replace(STEAMER, language="fr"),
        structs.replace(STEAMER, language="any"),
    ]

    taxonomy = read_topics(TOPICS, accepted=idle)

    assert taxonomy.hash == plain.hash
    assert taxonomy.topics[0].languages == {"en"}


def test_a_phrase_that_stands_in_the_file_already_is_no_second_rule() -> None:
    written = TOPICS.replace("'sail~']", "'sail~', '\"paddle steamer\"']")

    assert read_topics(written, accepted=[STEAMER]).hash == read_topics(written).hash


def test_a_topic_for_every_language_stays_one() -> None:
    free = TOPICS.replace('  language = "en"\n', "")

    taxonomy = read_topics(free, accepted=[STEAMER])

    assert taxonomy.topics[0].languages == frozenset()
    assert Tagger(taxonomy).tag("", "Le paddle steamer", language="fr")[0].evidence


def test_decisions_are_kept_and_later_ones_win(tmp_path: Path) -> None:
    assert read_phrases(tmp_path / "nowhere") == ()
    folder = tmp_path / "deep" / "learned"
    rejected = structs.replace(STEAMER, accepted=False, by="bob")
    other = structs.replace(STEAMER, phrase="o'brien’s at&t".replace("’", "'"))

    write_phrases(folder, decided([STEAMER, other], [rejected]))

    assert read_phrases(folder) == (other, rejected)
    assert [path.name for path in folder.iterdir()] == [PHRASES]


def test_a_change_of_the_folder_is_seen(tmp_path: Path) -> None:
    first = signature(tmp_path)
    write_phrases(tmp_path, [STEAMER])
    second = signature(tmp_path)
    write_phrases(tmp_path, [STEAMER])

    assert len({first, second, signature(tmp_path)}) == 3


@pytest.mark.parametrize(
    "changes",
    [
        {"phrase": ""},
        {"phrase": "a  b"},
        {"phrase": "(arms"},
        {"phrase": 'say "no"'},
        {"phrase": "a NEAR/5 b"},
        {"phrase": "{place}"},
        {"phrase": "word " * 50 + "word"},
        {"weight": float("nan")},
        {"weight": 21.0},
        {"language": "English"},
    ],
)
def test_what_cannot_be_a_rule_is_refused(tmp_path: Path, changes: dict[str, object]) -> None:
    with pytest.raises(RuleError):
        write_phrases(tmp_path, [structs.replace(STEAMER, **changes)])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no list of phrases"),
        (b'{"format": 1, "phrases": [{"topic": "ships"}]}', "no list of phrases"),
        (b'{"format": 2, "phrases": []}', "of format 2"),
        (
            b'{"format": 1, "phrases": [{"topic": "ships", "phrase": "(x", "accepted": true, "weight": 1,'
            b' "language": "en", "by": "a", "at": "b"}]}',
            "topic \"ships\": phrase '\\(x'",
        ),
        (b" " * (5 << 20), "larger than"),
    ],
)
def test_a_broken_file_of_phrases_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / PHRASES).write_bytes(content)

    with pytest.raises(TopicsError, match=reason):
        load_topics(learned=tmp_path)


def test_learned_weights_that_know_no_topic_leave_the_others_in_force(tmp_path: Path, model: Model) -> None:
    save(model, tmp_path / WEIGHTS)  # of ships

    assert load_topics(learned=tmp_path).hash == load_topics().hash
