"""History labelled again: what is gained and lost, verdicts that stand, runs that end anywhere."""

from __future__ import annotations

import pytest

from models import articles, catalog, labels
from models.database import Database
from models.records import ArticleFilter
from service.application import topic_specs
from service.keeping import tag_record
from service.relabel import BATCH, SAMPLES, Relabeller, Write, writer
from service.tagging import Tagger, read_topics
from tests.storage import NOW, add_source, article, check_summaries, contents, store

WORDS = {
    "sanctions": "The council widened sanctions.",
    "arms": "A ship brought artillery.",
    "both": "Sanctions on artillery.",
    "none": "The gardens are open.",
}


def tagger(**rules: str) -> Tagger:
    """Of a topics file with one phrase a topic."""
    return Tagger(read_topics(topics_file(**rules)), layer=None)


def topics_file(**rules: str) -> str:
    """A topics file with one phrase a topic."""
    parts = [
        f'[[topic]]\nname = "{name}"\n[[topic.rules]]\nlanguage = "any"\nweight = 8\nmatch = ["{phrase}"]\n'
        for name, phrase in rules.items()
    ]
    return "format = 1\n" + "".join(parts)


def put_in_force(one: Tagger) -> None:
    labels.sync_topics(topic_specs(one.taxonomy), one.taxonomy.hash, NOW)


@pytest.fixture
def old() -> Tagger:
    return tagger(sanctions="sanctions", arms="missile*")


@pytest.fixture
def new() -> Tagger:
    return tagger(sanctions="council", arms="artillery")


@pytest.fixture
def ids(database: Database, old: Tagger) -> dict[str, int]:
    """One article of each of `WORDS`, labelled by the old topics."""
    put_in_force(old)
    return dict(zip(WORDS, fill(old, *WORDS.values()), strict=True))


def fill(by: Tagger, *texts: str) -> tuple[int, ...]:
    """Articles with these texts."""
    writes = []
    for number, text in enumerate(texts):
        tags = tuple(
            tag_record(one, by.taxonomy.hash) for one in by.tag("", text, language="en") if one.holds
        )
        writes.append(
            article(number, text=text, title=f"Word {number}", tags=tags, taxonomy=by.taxonomy.hash)
        )
    return store(add_source(), *writes)


def stored(relabeller: Relabeller) -> Write:
    return writer(relabeller, lambda: NOW)


def shown(topic: str) -> set[int]:
    return {one.id for one in catalog.find(ArticleFilter(topics=(topic,), limit=200)).articles}


def test_a_dry_run_says_what_would_change_and_changes_nothing(
    database: Database, new: Tagger, ids: dict[str, int]
) -> None:
    before = contents(database)
    done = Relabeller(new).run(None)

    assert (done.articles, done.written, done.changed) == (4, 0, 2)
    sanctions, arms = done.topics["sanctions"], done.topics["arms"]
    assert (sanctions.gained, sanctions.lost, sanctions.lost_samples) == (0, 1, [(ids["both"], "Word 2")])
    assert (arms.gained, arms.gained_samples) == (2, [(ids["arms"], "Word 1"), (ids["both"], "Word 2")])
    assert contents(database) == before


def test_what_the_dry_run_said_is_what_happens(database: Database, new: Tagger, ids: dict[str, int]) -> None:
    expected = Relabeller(new).run(None)
    put_in_force(new)
    relabeller = Relabeller(new)
    done = relabeller.run(stored(relabeller))

    assert done.topics == expected.topics
    assert (done.written, labels.count_to_retag(new.taxonomy.hash)) == (4, 0)
    assert shown("sanctions") == {ids["sanctions"]}
    assert shown("arms") == {ids["arms"], ids["both"]}
    (tag,) = catalog.get(ids["arms"]).tags
    assert tag.taxonomy == new.taxonomy.hash
    assert [one.phrase for one in tag.evidence] == ["artillery"]
    assert relabeller.run(stored(relabeller)).articles == 0
    check_summaries(database)


def test_verdicts_win_and_survive(database: Database, new: Tagger, ids: dict[str, int]) -> None:
    labels.set_verdict(ids["both"], "sanctions", 1, "ann", NOW)
    labels.set_verdict(ids["arms"], "arms", -1, "ann", NOW)
    labels.set_verdict(ids["none"], "arms", 1, "ann", NOW)
    given = labels.verdicts()
    put_in_force(new)
    relabeller = Relabeller(new)
    done = relabeller.run(stored(relabeller))

    assert done.kept == 3  # all three contradict the new rules
    assert (done.topics["sanctions"].lost, done.topics["arms"].gained) == (0, 1)
    assert shown("sanctions") == {ids["sanctions"], ids["both"]}
    assert shown("arms") == {ids["both"], ids["none"]}
    assert labels.verdicts() == given
    labels.withdraw_verdict(ids["arms"], "arms", "ann", NOW)
    assert ids["arms"] in shown("arms")  # what the new rules say was kept beneath the verdict
    check_summaries(database)


def test_a_run_that_ended_anywhere_is_gone_on_with(database: Database, old: Tagger, new: Tagger) -> None:
    put_in_force(old)
    fill(old, *(WORDS["arms"] for _ in range(BATCH + 30)))
    put_in_force(new)
    first = Relabeller(new)
    done: list[int] = []
    assert first.run(stored(first), limit=BATCH + 10, progress=done.append).written == BATCH + 10
    assert done == [BATCH, 10]
    assert labels.count_to_retag(new.taxonomy.hash) == 20
    second = Relabeller(new)
    rest = second.run(stored(second))
    assert (rest.articles, rest.topics["arms"].gained) == (20, 20)
    assert len(rest.topics["arms"].gained_samples) == SAMPLES
    assert catalog.counts()["arms"] == BATCH + 30


def test_an_article_that_changed_meanwhile_is_left_to_who_changed_it(
    database: Database, new: Tagger, ids: dict[str, int]
) -> None:
    relabeller = Relabeller(new)
    write = stored(relabeller)

    def changed_first(batch: object) -> int:
        change = article(9, article_id=ids["arms"], text="Other", content_hash="1:other", taxonomy="other")
        articles.save(None, None, [change], now=NOW, source_id=1)
        return write(batch)  # type: ignore[arg-type]

    done = relabeller.run(changed_first)
    assert (done.articles, done.written) == (4, 3)
    assert catalog.get(ids["arms"]).tags == ()


def test_what_a_source_makes_likelier_counts_again(database: Database, new: Tagger) -> None:
    source = add_source(options={"prior.arms": -15.0})
    store(source, article(1, text=WORDS["arms"], taxonomy="older"))
    assert Relabeller(new).run(None).topics["arms"].gained == 0


def test_a_topic_that_is_gone_from_the_file_is_lost(database: Database, ids: dict[str, int]) -> None:
    only = tagger(arms="artillery")
    put_in_force(only)
    relabeller = Relabeller(only)
    done = relabeller.run(stored(relabeller))
    assert done.topics["sanctions"].lost == 2
    assert catalog.get(ids["sanctions"]).tags == ()
