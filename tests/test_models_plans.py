"""Query plans: every declared question has its index, on a database large enough to need one."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from models import articles, catalog, labels, questions, sources
from models.database import Database
from models.records import ArticleFilter, SourceSave
from tests.storage import NOW, TOPICS, add_source, add_topics, article

BIG = ("article", "tag", "poll", "source", "revision", "tombstone", "file", "verdict", "topic_day")
FILTERS = {
    "newest": ArticleFilter(),
    "newest of a topic": ArticleFilter(topics=("arms",)),
    "of several topics": ArticleFilter(topics=("arms", "sanctions")),
    "of a topic by score": ArticleFilter(topics=("arms",), min_score=0.7),
    "of a topic in a month": ArticleFilter(
        topics=("arms",), since=NOW - timedelta(days=30), until=NOW - timedelta(days=1)
    ),
    "of a source": ArticleFilter(sources=("S1",)),
    "of a language": ArticleFilter(languages=("ko",)),
    "of two sources": ArticleFilter(sources=("S1", "S2")),
    "a phrase": ArticleFilter(match='"panel of experts"'),
    "a phrase and a topic": ArticleFilter(match='"panel of experts"', topics=("arms",)),
    "everything": ArticleFilter(
        match="panel", topics=("arms",), not_topics=("sanctions",), sources=("S*",), languages=("en",),
        min_score=0.6, since=NOW - timedelta(days=30), until=NOW,
    ),
}  # fmt: skip


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


def test_finding_walks_an_index(large: Database) -> None:
    explain = "EXPLAIN QUERY PLAN" if large.sqlite else "EXPLAIN"
    with large.session():
        for name, asked in FILTERS.items():
            question = questions.question(large, asked, 51)
            if not large.sqlite:
                # So few texts are rightly read one by one: asked is whether there is another way.
                large.execute(f"SET enable_seqscan = {'on' if asked.match is None else 'off'}")
            rows = large.rows(f"{explain} {question.sql}", question.parameters)
            plan = "\n".join([name, *(str(row[-1]) for row in rows)])
            if large.sqlite:
                _check_sqlite(asked, plan)
            elif asked.match is None:
                # A source's hundred articles are rightly sorted; a topic is walked in order, the page alone.
                assert "Seq Scan on article" not in plan, plan
                assert "Seq Scan on tag" not in plan, plan
                assert len(asked.topics) != 1 or "Sort" not in plan, plan
                assert not asked.topics or "tag_topic" in plan, plan
            elif name.startswith("a phrase"):
                assert "article_search" in plan, plan


def _check_sqlite(asked: ArticleFilter, plan: str) -> None:
    assert scans(plan) == [], plan
    if asked.match is not None:
        assert re.search(r"VIRTUAL TABLE INDEX \d+:.*[<>]", plan), plan  # bounded by position
        return
    assert re.search(r"SEARCH (a|g) USING (COVERING )?INDEX \w+ \(.*position", plan), plan
    assert not asked.topics or "tag_topic" in plan, plan
    assert len(asked.topics) > 1 or len(asked.sources) > 1 or "TEMP B-TREE" not in plan, plan


def test_no_function_reads_a_whole_table(large: Database) -> None:
    works: dict[str, Callable[[], object]] = {
        "known": lambda: articles.known(
            3, keys=["guid:1"], guids=["1"], urls=["https://example.org/1"], hashes=["1:1"]
        ),
        "claim": lambda: sources.claim(NOW, owner="me", lease=timedelta(minutes=1), limit=5, per_host=1),
        "page": lambda: catalog.find(ArticleFilter(match="panel", topics=("arms",))),
        "get": lambda: catalog.get(7),
        "counts": lambda: (catalog.counts(), catalog.timeline(["arms"])),
        "retag": lambda: labels.to_retag("rules-2", limit=10),
        "verdict": lambda: labels.set_verdict(9, "arms", -1, "ann", NOW),
        "delete": lambda: articles.delete([5, 6], NOW),
        "save": lambda: articles.save(
            None, None, [article(9_000, "arms"), article(1, "arms", article_id=21, text="New")],
            source_id=1, now=NOW,
        ),
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
