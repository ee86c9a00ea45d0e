"""What the pages say of topics that an article does not carry, of thresholds, of time and of polls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

import pytest

from models import articles, catalog, sources
from models.database import Database
from models.records import ArticleRecord, PollRecord, SourceUpdate, TagRecord
from service.judging import LONGEST, Judge
from service.tagging import Tagger, load_topics
from tests import web_samples as samples
from tests.test_web_app import first, hrefs, page, texts
from tests.web_site import Site, serving


def judge(article: ArticleRecord) -> Sequence[TagRecord]:
    """The rules of the samples: half a point a phrase."""
    summary = article.summary
    found = {name: samples.evidence(summary.title, article.text, name) for name in samples.THRESHOLDS}
    return [
        TagRecord(name, min(0.2 + 0.05 * len(places), 0.5), samples.THRESHOLDS[name], evidence=places)
        for name, places in found.items()
    ]


@pytest.fixture
def site(database: Database) -> Iterator[Site]:
    with serving(database, judge=judge) as running:
        yield running


@pytest.fixture
def ids(database: Database) -> dict[str, int]:
    with database.session():
        return samples.fill()


def test_an_article_says_why_not(site: Site, ids: dict[str, int]) -> None:
    tree = page(site, f"/articles/{ids['day']}")
    assert texts(tree, ".panel h3") == ["diplomacy", "arms not given", "sanctions not given"]
    assert texts(tree, ".panel.missed .figures") == ["0.20 threshold 0.60"] * 2
    assert texts(tree, ".why-not") == ["No rule of it found anything here."] * 2

    made = page(site, f"/articles/{ids['made']}")
    assert texts(made, ".panel h3")[0] == "arms"  # as it is stored, not as it would be judged now
    plain = catalog.get(ids["plain"])
    articles.save(
        None,
        None,
        [
            samples.article(
                plain.summary.title, "Arms came. A board game.", key=plain.key, article_id=ids["plain"]
            )
        ],
        source_id=plain.summary.source_id,
        now=samples.NOW,
    )
    tree = page(site, f"/articles/{ids['plain']}")
    assert texts(tree, ".panel h3")[0] == "arms not given"
    assert texts(tree, ".why-not")[0] == "A weight of about 1.3 is missing."
    assert texts(tree, ".panel:first-of-type summary") == ["Why not: 2 reasons"]
    assert texts(tree, ".text mark.weak") == ["Arms", "board game"]
    assert hrefs(tree, ".panel:first-of-type .places a")


def test_the_rules_in_force_judge_what_is_stored(database: Database, ids: dict[str, int]) -> None:
    tagger = Tagger(load_topics())
    article = catalog.get(ids["long"])
    with database.session():
        judged = Judge(lambda: tagger)(article)
        assert {tag.topic for tag in judged} == {"arms", "diplomacy", "sanctions"}
        assert all(tag.taxonomy == tagger.taxonomy.hash for tag in judged)
        long = catalog.get(ids["plain"])
        object.__setattr__(long, "text", "x" * (LONGEST + 1))
        assert Judge(lambda: tagger)(long) == ()


def test_another_threshold_is_tried_out_without_scripts(site: Site, ids: dict[str, int]) -> None:
    source = samples.add_source("https://near.example/feed", "Near")
    near = [samples.article(f"Near {n}", "x", missed=(("arms", n / 10),)) for n in range(1, 6)]
    samples.store(source, *near)
    tree = page(site, "/topics?topic=arms&threshold=0.3")
    assert texts(tree, "output") == [
        "0.30: 3 more, 0 fewer",
        "0.55: 0 more, 0 fewer",
        "0.60: 0 more, 0 fewer",
    ]
    assert texts(page(site, "/topics?topic=arms&threshold=0.65"), "output")[0] == "0.65: 0 more, 1 fewer"
    form = first(tree, ".threshold")
    gained = (form.attributes["data-gained"] or "").split()
    assert (len(gained), gained[30], gained[31], gained[60]) == (101, "3", "2", "0")
    assert first(tree, ".threshold input[type=range]").attributes["value"] == "0.3"
    assert "5 articles below the threshold of 0.60, 2 at or above it" in (
        first(tree, ".scores").attributes["aria-label"] or ""
    )


def test_the_timeline_is_drawn_and_leads_to_its_days(site: Site, ids: dict[str, int]) -> None:
    tree = page(site, "/")
    assert texts(tree, ".lanes li") == ["all articles 6", "arms 2", "diplomacy 2", "sanctions 1"]
    assert hrefs(tree, ".bin") == [
        f"/?q=since%3A2026-03-{day:02}+until%3A2026-03-{day:02}" for day in (7, 8, 9, 10)
    ]
    assert texts(tree, ".summary") == ["6 articles, newest first"]
    shown = page(site, hrefs(tree, ".bin")[-1])
    assert texts(shown, ".summary") == ["2 articles, newest first"]
    assert shown.css(".timeline") == []  # a single day compares nothing
    week = page(site, "/?q=topic:diplomacy+since:7d")
    assert len(week.css(".bin")) == 8
    assert texts(week, ".lanes li") == ["diplomacy 2"]
    assert page(site, "/?q=ammunition+since:2026-03-01+until:2026-03-10").css(".timeline")
    assert page(site, "/?q=zeppelin").css(".timeline") == []


def test_the_most_relevant_come_first_where_it_is_asked_for(site: Site, ids: dict[str, int]) -> None:
    tree = page(site, "/?q=summit&order=relevance")
    assert texts(tree, ".item h3")[0] == "Summit date set"
    assert texts(tree, ".summary") == ["2 articles, the most relevant first"]
    assert tree.css(".day h2") == []
    assert first(tree, "#order option[selected]").attributes["value"] == "relevance"
    assert texts(page(site, "/?order=relevance"), ".day h2")  # without words there is none


def test_a_list_says_how_its_articles_begin(site: Site, ids: dict[str, int]) -> None:
    assert texts(page(site, "/"), ".snippet")[1].startswith("Inspectors found ammunition in a shed")


def test_a_source_s_last_polls_are_drawn(site: Site, ids: dict[str, int]) -> None:
    [gazette] = sources.find(["Gazette"])
    for n, outcome in enumerate(("not_modified", "timeout", "ok")):
        poll = PollRecord(gazette.id, samples.NOW - timedelta(minutes=9 - n), 10, outcome, new=4 * (n == 2))
        sources.record_unchanged([SourceUpdate(gazette.id, samples.NOW)], [poll])
    tree = page(site, f"/sources/{gazette.id}")
    bars = [
        (node.attributes["class"], float(node.attributes["height"] or 0)) for node in tree.css(".looks rect")
    ]
    assert [name for name, _ in bars[-3:]] == ["quiet", "failed", "news"]
    assert bars[-1][1] == 20.0
    assert bars[0] == ("news", 11.5)
    assert "4 new" in texts(tree, ".looks rect:last-child title")[0]
    label = first(page(site, "/sources"), f"tr:has(a[href='/sources/{gazette.id}']) .looks").attributes[
        "aria-label"
    ]
    assert label == "Of the last 8 polls, 6 brought news, 1 brought none, 1 failed"


def test_the_theme_that_was_chosen_is_kept(site: Site) -> None:
    assert 'data-theme="dark"' in site.get("/", headers={"Cookie": "theme=dark"}).text
    for cookie in ("theme=x", 'theme="><script>', ""):
        assert "data-theme" not in site.get("/", headers={"Cookie": cookie}).text
