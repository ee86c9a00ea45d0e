"""Topics follow their file, a person's verdict always wins, and history is labelled again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from models import articles, catalog, labels
from models.database import Database
from models.errors import NotFound
from models.records import ArticleFilter, ArticleText, Retagged, TopicRecord, TopicSpec, VerdictRecord
from tests.storage import NOW, TAXONOMY, add_source, add_topics, article, check_summaries, store, tag

LATER = NOW + timedelta(hours=1)


def shown(topic: str) -> list[int]:
    return [one.id for one in catalog.find(ArticleFilter(topics=(topic,))).articles]


def test_topics_follow_their_file(database: Database) -> None:
    assert labels.topics() == []
    assert labels.taxonomy_in_force() is None
    labels.sync_topics([TopicSpec("b", "Bee", 0.4), TopicSpec("a", "Ay", 0.5)], "one", NOW)
    store(add_source(), article(1, "b"))
    assert labels.topics() == [TopicRecord("a", "Ay", 0.5, 0), TopicRecord("b", "Bee", 0.4, 1)]
    labels.sync_topics([TopicSpec("a", "Changed", 0.7)], "two", LATER)
    assert labels.topics() == [TopicRecord("a", "Changed", 0.7, 0)]
    assert labels.topics(inactive=True)[1] == TopicRecord("b", "Bee", 0.4, 1, active=False)
    assert labels.taxonomy_in_force() == "two"
    labels.sync_topics([TopicSpec("b", "Bee", 0.4)], "three", LATER)
    assert [one.name for one in labels.topics()] == ["b"]


def test_a_no_hides_the_topic_everywhere(database: Database) -> None:
    add_topics()
    first, second = store(add_source(), article(1, "arms"), article(2, "arms"))
    given = labels.set_verdict(first, "arms", -1, "ann", NOW)
    assert (given.topic, given.score, given.verdict, given.verdict_by) == ("arms", 0.0, -1, "ann")
    assert given.evidence == tag("arms").evidence
    assert shown("arms") == [second]
    assert catalog.get(first).summary.tags == ()
    assert catalog.get(first).tags == (given,)
    assert catalog.find(ArticleFilter(not_topics=("arms",))).articles[0].id == first
    assert catalog.counts()["arms"] == 1
    assert catalog.find(ArticleFilter(min_score=0.1)).articles[0].id == second
    check_summaries(database)


def test_a_yes_gives_the_topic_with_score_one(database: Database) -> None:
    add_topics()
    first, second = store(add_source(), article(1), article(2, "arms"))
    given = labels.set_verdict(first, "arms", 1, "ann", NOW)
    assert (given.score, given.threshold, given.verdict, given.evidence) == (1.0, 0.5, 1, ())
    assert labels.set_verdict(second, "arms", 1, "ann", NOW).score == 1.0
    assert shown("arms") == [first, second]
    assert [one.id for one in catalog.find(ArticleFilter(topics=("arms",), min_score=0.95)).articles] == [
        first,
        second,
    ]
    assert catalog.counts()["arms"] == 2
    check_summaries(database)


def test_withdrawing_gives_the_decision_back_to_the_rules(database: Database) -> None:
    add_topics()
    first, second = store(add_source(), article(1, "arms"), article(2))
    labels.set_verdict(first, "arms", -1, "ann", NOW)
    labels.set_verdict(second, "arms", 1, "ann", NOW)
    assert labels.withdraw_verdict(first, "arms", "bob", LATER) == tag("arms")
    assert labels.withdraw_verdict(second, "arms", "bob", LATER) is None
    assert shown("arms") == [first]
    with pytest.raises(NotFound, match="nobody's verdict on 'arms' stands on article 1"):
        labels.withdraw_verdict(first, "arms", "bob", LATER)
    assert labels.verdicts() == []
    assert labels.verdicts(withdrawn=True, article_id=first) == [
        VerdictRecord(first, "arms", -1, "ann", NOW, "bob", LATER)
    ]
    check_summaries(database)


def test_the_last_verdict_stands_and_the_others_are_kept(database: Database) -> None:
    add_topics()
    [number] = store(add_source(), article(1, "arms"))
    labels.set_verdict(number, "arms", -1, "ann", NOW)
    labels.set_verdict(number, "arms", 1, "bob", LATER)
    assert labels.verdicts() == [VerdictRecord(number, "arms", 1, "bob", LATER)]
    assert labels.verdicts(withdrawn=True) == [
        VerdictRecord(number, "arms", -1, "ann", NOW, "bob", LATER),
        VerdictRecord(number, "arms", 1, "bob", LATER),
    ]
    assert labels.verdicts(after_id=number) == []


def test_a_verdict_needs_an_article_a_topic_and_a_side(database: Database) -> None:
    add_topics()
    [number] = store(add_source(), article(1))
    with pytest.raises(NotFound, match="no article 77"):
        labels.set_verdict(77, "arms", 1, "ann", NOW)
    with pytest.raises(NotFound, match="no topic 'Arms': the topics are arms, diplomacy, sanctions"):
        labels.set_verdict(number, "Arms", 1, "ann", NOW)
    with pytest.raises(ValueError, match=r"\+1 or -1, not 0"):
        labels.set_verdict(number, "arms", 0, "ann", NOW)
    assert labels.verdicts(withdrawn=True) == []


def test_history_is_labelled_again_in_steps(database: Database) -> None:
    source = add_source()
    add_topics()
    ids = store(source, *(article(n, "arms") for n in range(7)))
    assert labels.to_retag(TAXONOMY) == []
    labels.set_verdict(ids[0], "arms", 1, "ann", NOW)
    labels.set_verdict(ids[1], "sanctions", -1, "ann", NOW)
    labels.sync_topics([TopicSpec("sanctions", "", 0.5), TopicSpec("arms", "", 0.5)], "rules-2", LATER)
    done: list[int] = []
    while batch := labels.to_retag("rules-2", after_id=done[-1] if done else 0, limit=3):
        assert batch[0] == ArticleText(
            ids[len(done)], source.id, f"Word {len(done)}", article(len(done)).text, "en", f"1:{len(done)}"
        )
        again = [Retagged(one.article_id, one.content_hash, (tag("sanctions"),)) for one in batch]
        assert labels.replace_tags(again, taxonomy="rules-2", now=LATER) == len(batch)
        done += [one.article_id for one in batch]
    assert tuple(done) == ids
    assert shown("arms") == [ids[0]]
    assert shown("sanctions") == [ids[0], *ids[2:]]
    assert labels.to_retag("rules-2") == []
    check_summaries(database)


def test_articles_that_no_rules_saw_are_labelled_again_too(database: Database) -> None:
    add_topics()
    first, second = store(add_source(), article(1, taxonomy=""), article(2))
    assert [one.article_id for one in labels.to_retag(TAXONOMY)] == [first]
    assert [one.article_id for one in labels.to_retag("rules-2")] == [first, second]
    assert [one.article_id for one in labels.to_retag("rules-2", after_id=first)] == [second]


def test_what_changed_in_the_meantime_is_left_alone(database: Database) -> None:
    source = add_source()
    add_topics()
    first, second, third = store(source, article(1, "arms"), article(2, "arms"), article(3, "arms"))
    batch = labels.to_retag("rules-2")
    change = article(1, "arms", article_id=first, text="Other", content_hash="1:other")
    articles.save(None, None, [change], now=LATER, source_id=source.id)
    articles.delete([second], LATER)
    again = [Retagged(one.article_id, one.content_hash, ()) for one in batch]
    assert labels.replace_tags(again, taxonomy="rules-2", now=LATER) == 1
    assert shown("arms") == [first]
    assert catalog.get(third).tags == ()
    assert [one.article_id for one in labels.to_retag("rules-2")] == [first]
    check_summaries(database)


def test_what_learning_reads(database: Database) -> None:
    add_topics()
    source = add_source()
    ids = store(source, *(article(number, language="ru" if number == 3 else "en") for number in range(5)))
    copy = article(9, duplicate_of=ids[0])
    (duplicate,) = store(add_source("two"), copy)
    labels.set_verdict(ids[1], "arms", 1, "ann", NOW)
    labels.set_verdict(ids[2], "arms", 1, "ann", NOW)
    labels.withdraw_verdict(ids[2], "arms", "ann", NOW)

    assert [one.article_id for one in labels.texts([duplicate, ids[3], ids[1], ids[1], 999])] == [
        ids[1],
        ids[3],
        duplicate,
    ]
    assert [one.article_id for one in labels.unjudged("en", 10)] == [ids[0], ids[2], ids[4]]
    assert [one.article_id for one in labels.unjudged("en", 1)] == [ids[0]]
    assert labels.unjudged("ru", 10) == labels.texts([ids[3]])
    assert labels.unjudged("ko", 10) == []


def test_the_last_change_of_a_verdict_can_be_undone(database: Database) -> None:
    add_topics()
    (one,) = store(add_source(), article(1, "arms"))

    def standing() -> list[tuple[int, str]]:
        return [(verdict.value, verdict.by) for verdict in labels.verdicts(article_id=one)]

    with pytest.raises(NotFound, match="nobody has given a verdict on 'arms'"):
        labels.undo_verdict(one, "arms", "ann", NOW)
    labels.set_verdict(one, "arms", 1, "ann", NOW)
    labels.set_verdict(one, "arms", -1, "bob", LATER)
    assert shown("arms") == []
    again = labels.undo_verdict(one, "arms", "bob", LATER + timedelta(minutes=1))
    assert again is not None
    assert (again.verdict, again.verdict_by) == (1, "ann")
    assert (standing(), shown("arms")) == ([(1, "ann")], [one])
    labels.undo_verdict(one, "arms", "bob", LATER + timedelta(minutes=2))  # redone
    assert (standing(), shown("arms")) == ([(-1, "bob")], [])
    labels.withdraw_verdict(one, "arms", "cleo", LATER + timedelta(minutes=3))
    assert standing() == []
    labels.undo_verdict(one, "arms", "cleo", LATER + timedelta(minutes=4))  # the withdrawal
    assert standing() == [(-1, "bob")]
    labels.withdraw_verdict(one, "arms", "cleo", LATER + timedelta(minutes=5))
    labels.set_verdict(one, "arms", 1, "dan", LATER + timedelta(minutes=6))
    labels.undo_verdict(one, "arms", "dan", LATER + timedelta(minutes=7))
    assert standing() == []  # nothing stood before that
    assert shown("arms") == [one]  # as the rules say
    check_summaries(database)
