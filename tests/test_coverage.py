"""Languages for which a topic has no rules: said wherever an article or a topic is shown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from models import articles, catalog, labels, migrate
from models.database import Database, open_database
from models.records import Retagged, TopicSpec
from service.cli.exits import Exit
from service.tagging import Tagger, read_topics
from tests.cli_home import Home, home
from tests.storage import NOW, TAXONOMY, add_source, article, store
from tests.web_site import Site, serving

__all__ = ["home"]

FRENCH = """Le conseil a décidé de nouvelles mesures contre les banques du pays

Les ministres se sont réunis jeudi à Bruxelles. Ils ont parlé des sanctions et des armes pendant deux heures,
puis ils ont publié une déclaration commune sur la situation dans la région.
"""
RUSSIAN = """Министры обсудили новые санкции

Совет министров ввёл санкции против трёх банков страны. Экспорт оружия запрещён, сообщили в министерстве.
"""
TOPICS = """
format = 1
[[topic]]
name = "banks"
[[topic.rules]]
language = "fr"
weight = 9
match = ["banque*"]
[[topic]]
name = "ministers"
[[topic.rules]]
language = "ru"
weight = 9
match = ["министр"]
[[topic]]
name = "numbers"
[[topic.rules]]
weight = 9
match = ["42"]
"""


# -- stored with the article -------------------------------------------------------------------------------


@pytest.fixture
def ids(database: Database) -> tuple[int, int]:
    """One article that a topic does not cover, and one that all do."""
    specs = [TopicSpec("arms", "Arms", 0.5, ("en", "ru")), TopicSpec("sanctions", "Sanctions", 0.5)]
    labels.sync_topics(specs, TAXONOMY, NOW)
    foreign = article(1, language="fr", uncovered=("arms",))
    first, second = store(add_source(), foreign, article(2, "arms"))
    return first, second


def test_it_is_stored_counted_and_follows_the_labels(database: Database, ids: tuple[int, int]) -> None:
    first, second = ids
    assert catalog.get(first).summary.uncovered == ("arms",)
    assert catalog.get(second).summary.uncovered == ()
    assert [one.languages for one in labels.topics()] == [("en", "ru"), ()]
    assert catalog.status(NOW).uncovered == 1

    labels.replace_tags(
        [Retagged(first, "1:1", ()), Retagged(second, "1:2", (), ("arms",))], taxonomy="b", now=NOW
    )

    assert catalog.get(first).summary.uncovered == ()
    assert catalog.get(second).summary.uncovered == ("arms",)
    revised = article(
        2, article_id=second, text="Other", content_hash="1:other", uncovered=("arms", "sanctions")
    )
    articles.save(None, None, [revised], now=NOW, source_id=1)
    assert catalog.get(second).summary.uncovered == ("arms", "sanctions")
    assert catalog.status(NOW).uncovered == 1


def test_what_was_stored_before_is_labelled_again(tmp_path: Path) -> None:
    database = open_database(tmp_path / "old.db")
    migrate.migrate(database)
    labels.sync_topics([TopicSpec("arms", "Arms", 0.5)], TAXONOMY, NOW)
    store(add_source(), *(article(n, language=code) for n, code in enumerate(("en", "fr", None))))
    with database.transaction():
        for statement in (
            "DROP INDEX article_uncovered",
            "ALTER TABLE article DROP COLUMN uncovered",
            "ALTER TABLE topic DROP COLUMN languages",
            "DELETE FROM schema_migration WHERE name = '0006_coverage'",
        ):
            database.execute(statement)

    assert migrate.migrate(database) == ["0006_coverage"]

    assert [one.language for one in labels.to_retag(TAXONOMY)] == ["fr", None]
    database.close()


# -- told to people ----------------------------------------------------------------------------------------


@pytest.fixture
def foreign(home: Home) -> Home:
    """A home with an article in French and one in Russian."""
    home.set(WIREWATCH_SCHEDULE_WORKERS="1")
    (home.folder / "fr.txt").write_text(FRENCH, encoding="utf-8")
    (home.folder / "ru.txt").write_text(RUSSIAN, encoding="utf-8")
    assert home.run("import", "fr.txt", "ru.txt").code == Exit.DONE
    return home


def test_every_command_says_that_a_language_is_not_covered(foreign: Home) -> None:
    listed = {one["language"]: one for one in foreign.run("articles", "--json").json}
    assert listed["fr"]["not_covered"] == ["sanctions", "arms", "diplomacy"]
    assert listed["ru"]["not_covered"] == []
    assert {tag["topic"] for tag in listed["ru"]["tags"]} >= {"sanctions"}
    number = str(listed["fr"]["id"])
    assert foreign.run("show", number, "--json").json["not_covered"] == ["sanctions", "arms", "diplomacy"]
    said = "not covered: there are no rules for language 'fr' of sanctions, arms, diplomacy"
    shown = foreign.run("show", number).out
    assert said in shown
    assert "carries no topic" not in shown
    assert said in foreign.run("explain", "fr.txt").out
    assert "not covered" not in foreign.run("explain", "ru.txt").out
    (explained,) = foreign.run("explain", "fr.txt", "--json").json
    assert (explained["not_covered"], explained["tags"]) == (["sanctions", "arms", "diplomacy"], [])
    assert re.search(
        r"articles +2, 1 of them with a topic, 1 in languages without rules", foreign.run("status").out
    )
    assert foreign.run("status", "--json").json["not_covered"] == 1
    assert re.search(r"^sanctions .* en, ko, ru ", foreign.run("topics").out, re.MULTILINE)
    assert foreign.run("topics", "--json").json[0]["languages"] == ["en", "ko", "ru"]


def test_topics_differ_in_their_languages_and_history_follows(foreign: Home) -> None:
    (foreign.folder / "topics.toml").write_text(TOPICS, encoding="utf-8")
    foreign.set(WIREWATCH_TOPICS_FILE="topics.toml")
    assert foreign.run("retag").code == Exit.DONE

    listed = {one["language"]: one for one in foreign.run("articles", "--json").json}

    assert listed["fr"]["not_covered"] == ["ministers"]
    assert listed["ru"]["not_covered"] == ["banks"]
    assert [tag["topic"] for tag in listed["fr"]["tags"]] == ["banks"]
    assert foreign.run("status", "--json").json["not_covered"] == 2
    assert [one["languages"] for one in foreign.run("topics", "--json").json] == [["fr"], ["ru"], []]
    assert "all" in foreign.run("topics").out.splitlines()[3]


def test_the_tagger_says_which_topics_cannot_judge() -> None:
    tagger = Tagger(read_topics(TOPICS))

    assert tagger.uncovered(tagger.tag("", "La banque", language="fr")) == ("ministers",)
    assert tagger.uncovered(tagger.tag("", "Die Bank", language="de")) == ("banks", "ministers")
    assert tagger.uncovered(tagger.tag("", "Министр сказал", language=None)) == ("banks",)


# -- on the page -------------------------------------------------------------------------------------------


@pytest.fixture
def site(database: Database) -> Iterator[Site]:
    with serving(database) as running:
        yield running


def test_the_page_says_it_too(site: Site, ids: tuple[int, int]) -> None:
    first, second = ids
    told = " ".join(re.sub(r"<[^>]+>", "", site.get(f"/articles/{first}").text).split())
    assert "arms not covered There are no rules for the language “fr”: nobody has judged this article" in told
    assert "No topic reaches its threshold" not in told
    assert "not covered" not in site.get(f"/articles/{second}").text
    cards = site.get("/topics").text
    assert "<dt>Languages</dt><dd>en, ru</dd>" in cards
    assert "<dt>Languages</dt><dd>all</dd>" in cards


def test_an_article_of_unknown_language(database: Database, site: Site, ids: tuple[int, int]) -> None:
    with database.session():
        (number,) = store(
            add_source("two"), replace(article(7), language=None, uncovered=("arms", "sanctions"))
        )
    told = " ".join(re.sub(r"<[^>]+>", "", site.get(f"/articles/{number}").text).split())
    for topic in ("arms", "sanctions"):
        assert f"{topic} not covered There are no rules for a text whose language is not known" in told
