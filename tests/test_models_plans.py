"""Query plans: every declared question has its index, on a database large enough to need one."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from models import articles, catalog, changes, labels, questions, sources
from models.database import Database
from models.records import ArticleFilter, SourceSave
from tests.storage import NOW, TOPICS, add_source, add_topics, article

BIG = ("article", "tag", "poll", "source", "revision", "tombstone", "file", "verdict", "topic_day",
       "article_change")  # fmt: skip
QUERIES = (
    "", "topic:arms", "topic:arms OR topic:sanctions", "topic:arms score>0.7", "topic:arms topic:sanctions",
    "topic:arms since:30d until:1d", "source:s1", "source:s1 OR source:s2", "lang:ko", "lang:ko OR lang:ru",
    "-topic:arms", "-panel", "score>0.7", '"panel of experts"', "panel topic:arms", "pan*",
    "title:panel -met",
    "topic:arms -panel", "topic:arms (panel OR source:s1)", "panel OR topic:arms", "verdict:any",
    "topic:arms verdict:no", "topic:arms main:yes", "verdict:none",
    "source:s1 OR verdict:yes OR (panel lang:en) OR lang:ru",
    "panel topic:arms -topic:sanctions source:s* lang:en score>0.6 since:30d until:1d",
)  # fmt: skip


class Recorder:
    """The plan of every statement that a function runs."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.statements: list[tuple[str, tuple[object, ...]]] = []

    def __call__(self, event: Any) -> None:
        self.statements.append((event.sql, tuple(event.params or ())))

    def plans(self) -> list[str]:
        """One text a statement, that begins with the statement."""
        self.database.backend.query_hooks.remove(self)
        explain = "EXPLAIN QUERY PLAN" if self.database.sqlite else "EXPLAIN"
        found = []
        with self.database.session():
            if not self.database.sqlite:
                # A table of a few pages is rightly read whole: asked is whether there is another way.
                self.database.execute("SET enable_seqscan = off")
            for sql, parameters in self.statements:
                if re.match(r"\s*(SELECT|WITH|UPDATE|DELETE)", sql):
                    rows = self.database.backend.execute_sql(f"{explain} {sql}", parameters).fetchall()
                    found.append("\n".join([sql, *(str(row[-1]) for row in rows)]))
            if not self.database.sqlite:
                self.database.execute("RESET enable_seqscan")
        return found


@pytest.fixture
def large(database: Database) -> Database:
    """Two thousand articles of twenty sources, with statistics as they would be in use."""
    add_topics()
    specs = [add_source(f"s{n}") for n in range(20)]
    for start in range(0, 2_000, 1_000):
        articles.save_all(
            [
                SourceSave(
                    source_id=source.id,
                    articles=tuple(
                        article(
                            n * 20 + number,
                            *(TOPICS[: n % 4]),
                            text="Plain words" if n % 9 else "panel of experts",
                        )
                        for n in range(start // 20, start // 20 + 50)
                    ),
                )
                for number, source in enumerate(specs)
            ],
            now=NOW,
        )
    with database.session():
        database.execute("ANALYZE")
    return database


def scans(plan: str) -> list[str]:
    """The lines in which a whole table is read."""
    lines = plan.splitlines()[1:]
    sqlite = [
        line for line in lines
        for table in (*BIG, "a", "g", "d", "n", "v")
        if re.match(rf"SCAN {table}\b(?!.*(USING|VIRTUAL))", line)
    ]  # fmt: skip
    return sqlite + [line for line in lines if re.search(rf"Seq Scan on ({'|'.join(BIG)})\b", line)]


def plans_of(database: Database, text: str) -> str:
    """The plan of the newest that a query finds."""
    explain = "EXPLAIN QUERY PLAN" if database.sqlite else "EXPLAIN"
    with database.snapshot():
        plan = questions.question(database, ArticleFilter(query=text), NOW).plan
        if not database.sqlite:
            # So few articles are rightly read one by one: asked is whether there is another way.
            database.execute("SET LOCAL enable_seqscan = off")
        sql = plan.newest(51)
        rows = database.rows(f"{explain} {sql.text}", sql.parameters)
    return "\n".join([text, *(str(row[-1]) for row in rows)])


def test_finding_walks_an_index(large: Database) -> None:
    for text in QUERIES:
        plan = plans_of(large, text)
        assert scans(plan) == [], plan
        by_words = re.match(r'"|pan|title', text)
        if not large.sqlite:
            # A month of so few articles is rightly read for the word.
            assert "article_search" in plan or "since" in text or not by_words, plan
        elif by_words:
            assert re.search(r"VIRTUAL TABLE INDEX \d+:.*[<>]", plan), plan  # bounded by position
        elif not text.startswith("verdict:any"):
            assert re.search(r"SEARCH (a|g) USING (COVERING )?INDEX \w+ \(.*position|SEARCH v|v\b", plan), (
                plan
            )


def test_a_topic_is_walked_in_order(large: Database) -> None:
    for text in ("topic:arms", "topic:arms score>0.7", "topic:arms since:30d", "topic:arms -topic:sanctions"):
        plan = plans_of(large, text)
        assert "tag_topic" in plan, plan
        assert "TEMP B-TREE" not in plan, plan
        assert not re.search(r"\bSort\b", plan), plan


def test_the_rarest_topic_is_walked(large: Database) -> None:
    labels.set_verdict(7, "diplomacy", 1, "ann", NOW)
    with large.session():
        found = questions.question(large, ArticleFilter(query="topic:arms topic:sanctions"), NOW)
        rare = large.value("SELECT id FROM topic WHERE name = 'sanctions'")
    assert found.plan.walks[0].conditions[0].parameters == (rare,)


def test_a_rare_topic_is_looked_through_for_words(large: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def walked(text: str) -> bool:
        with large.snapshot():
            found = questions.question(large, ArticleFilter(query=text), NOW).plan
        return found.walks[0].tables.startswith("tag g")

    texts = ("topic:sanctions panel", "topic:sanctions -panel", "topic:sanctions (panel OR met)")
    assert [walked(text) for text in texts] == [True, True, True]
    monkeypatch.setattr("models.planning._FEW", 100)
    assert [walked(text) for text in texts] == [False, True, False]
    assert not walked("topic:sanctions verdict:no panel")


def test_alternatives_are_walked_by_themselves_within_bounds(large: Database) -> None:
    def walks(text: str) -> list[str]:
        with large.snapshot():
            found = questions.question(large, ArticleFilter(query=text), NOW)
        return [walk.tables for walk in found.plan.walks]

    assert len(walks("topic:arms OR topic:sanctions OR source:s1")) == 3
    assert len(walks("(topic:arms OR topic:sanctions) (lang:en OR lang:ru)")) == 2
    assert len(walks("(panel OR topic:arms) (met OR source:s1)")) == 3
    sides = " OR ".join(f"(panel w{n} lang:en)" for n in range(10))
    assert len(walks(f"({sides}) ({sides})")) <= 16
    assert walks(" OR ".join(f"(panel w{n} lang:en)" for n in range(20))) == ["article a"]
    assert walks("-topic:arms OR panel") == ["article a"]


def test_no_function_reads_a_whole_table(large: Database) -> None:
    works: dict[str, Callable[[], object]] = {
        "known": lambda: articles.known(
            3, keys=["guid:1"], guids=["1"], urls=["https://example.org/1"], hashes=["1:1"]
        ),
        "claim": lambda: sources.claim(NOW, owner="me", lease=timedelta(minutes=1), limit=5, per_host=1),
        "page": lambda: catalog.find(ArticleFilter(match="panel", topics=("arms",))),
        "relevant": lambda: catalog.search("panel topic:arms", order="relevance"),
        "stream": lambda: next(catalog.stream(ArticleFilter(topics=("arms",)))),
        "arrivals": lambda: catalog.arrivals(ArticleFilter(query="panel"), after_id=1_900),
        "count": lambda: catalog.count(ArticleFilter(query="topic:arms panel"), now=NOW),
        "histogram": lambda: catalog.histogram(ArticleFilter(query="topic:arms panel"), now=NOW),
        "get": lambda: catalog.get(7),
        "counts": lambda: (catalog.counts(), catalog.timeline(["arms"])),
        "retag": lambda: labels.to_retag("rules-2", limit=10),
        "verdict": lambda: labels.set_verdict(9, "arms", -1, "ann", NOW),
        "delete": lambda: articles.delete([5, 6], NOW),
        "save": lambda: articles.save(
            None, None, [article(9_000, "arms"), article(1, "arms", article_id=21, text="New")],
            source_id=1, now=NOW,
        ),
        "changes": lambda: changes.since(None, limit=10),
        "changed": lambda: changes.last_changed([1, 2]),
        "status": lambda: catalog.status(NOW),
    }  # fmt: skip
    for name, work in works.items():
        recorder = Recorder(large)
        large.backend.query_hooks.append(recorder)
        work()
        # Counting the states of the sources reads them all.
        found = [
            plan
            for plan in recorder.plans()
            if [line for line in scans(plan) if name != "status" or "source" not in line]
        ]
        assert found == [], name
