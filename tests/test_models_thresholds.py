"""What moving a threshold would do, from stored scores; on both engines."""

from __future__ import annotations

from dataclasses import replace

from models import articles, labels, thresholds
from models.database import Database
from models.records import Retagged
from tests.storage import NOW, add_source, add_topics, article, store, tag


def arms(*, last: int = 100) -> thresholds.Scores:
    (found,) = [one for one in thresholds.scores(last=last)[1] if one.topic == "arms"]
    return found


def test_scores_above_and_below_the_threshold_say_what_moving_it_would_do(database: Database) -> None:
    assert thresholds.scores() == (0, [])
    add_topics()
    source = add_source()
    carried = [article(n, tags=(tag("arms", score),)) for n, score in enumerate((0.55, 0.6, 0.9))]
    near = [
        article(10 + n, missed=(("arms", score), ("sanctions", 0.2)))
        for n, score in enumerate((0.45, 0.3, 0.04))
    ]
    ids = store(source, *carried, *near)
    looked_at, found = thresholds.scores()
    assert (looked_at, [one.topic for one in found]) == (6, ["arms", "diplomacy", "sanctions"])
    assert (arms().carried, arms().missed) == ((0.55, 0.6, 0.9), (0.3, 0.45))  # 0.04 is as good as none
    assert [arms().gained(at) for at in (0.5, 0.45, 0.31, 0.3)] == [0, 1, 1, 2]
    assert [arms().lost(at) for at in (0.5, 0.55, 0.56, 0.61, 1.0)] == [0, 0, 1, 2, 3]
    assert arms(last=3).carried == ()

    labels.set_verdict(ids[0], "arms", 1, "ann", NOW)
    labels.set_verdict(ids[3], "arms", -1, "ann", NOW)
    assert (arms().carried, arms().missed) == ((0.6, 0.9), (0.3,))  # a person's word moves with no threshold
    labels.withdraw_verdict(ids[0], "arms", "ann", NOW)
    labels.withdraw_verdict(ids[3], "arms", "ann", NOW)
    assert (arms().carried, arms().missed) == ((0.55, 0.6, 0.9), (0.3, 0.45))


def test_new_labels_replace_what_was_missed(database: Database) -> None:
    add_topics()
    source = add_source()
    [first, second] = store(source, article(1, missed=(("arms", 0.4),)), article(2, "arms"))
    again = [
        Retagged(first, "1:1", (tag("arms", 0.7),), missed=(("unheard of", 0.4),)),
        Retagged(second, "1:2", (), missed=(("arms", 0.49),)),
    ]
    labels.replace_tags(again, taxonomy="rules-2", now=NOW)
    assert (arms().carried, arms().missed) == ((0.7,), (0.49,))
    edited = replace(article(2, text="Other"), article_id=second, missed=(("arms", 0.1),))
    articles.save(None, None, [edited], source_id=source.id, now=NOW)
    assert arms().missed == (0.1,)
    articles.delete([second], NOW)
    assert arms().missed == ()
