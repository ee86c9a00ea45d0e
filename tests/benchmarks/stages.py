"""Where the CPU goes, stage by stage, in µs an article: ``python -m tests.benchmarks.stages``.

The same feeds as `tests.benchmarks.farm`, in one process, each stage for all of them after the other, the
least of a few rounds. Beside each stage stands what a library needs for the bare work: how far the stage is
from what can be reached. ``--statements`` names the database's dearest statements, ``--json`` keeps the
figures.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import re
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from lxml import etree
from selectolax.lexbor import LexborHTMLParser

from models import labels, migrate, sources
from models.database import Database, open_database
from models.records import SourceSpec
from service.application import topic_specs
from service.clean import clean
from service.fetch.guard import Guard
from service.fetch.http import Fetcher
from service.keeping import decisions_on, keep
from service.parse.feed import parse_feed
from service.reading import Finished, tag
from service.seen import SeenEntries
from service.tagging import Tagger, load_topics
from service.values import Article, Failed, FeedTarget, Fetched, Validators
from service.writer import Writer
from tests.benchmarks.farm_feeds import feed, render
from tests.benchmarks.farm_server import VALIDATORS, serving

NOW = datetime(2026, 11, 24, tzinfo=UTC)
T = TypeVar("T")


class Clock:
    """The least CPU of each stage over the rounds, for so many articles."""

    def __init__(self, articles: int) -> None:
        self.articles = articles
        self.least: dict[str, float] = {}

    def time(self, stage: str, work: Callable[[], T]) -> T:
        """Do it, and note what it cost in µs an article."""
        begun = time.process_time()
        result = work()
        spent = (time.process_time() - begun) * 1e6 / self.articles
        self.least[stage] = min(spent, self.least.get(stage, spent))
        return result


def documents(count: int) -> list[Fetched]:
    """The first feeds of the farm."""
    return [
        Fetched(
            f"https://h{n}.example/f",
            f"https://h{n}.example/f",
            render(feed(1, n, 1000), 0)[0],
            content_type="application/xml",
            validators=Validators(body_hash=str(n)),
        )
        for n in range(count)
    ]


def pure(clock: Clock, bodies: Sequence[Fetched], tagger: Tagger) -> list[list[Finished]]:
    """Parse, clean and tag, each for all."""
    parsed = clock.time("parse", lambda: [parse_feed(one) for one in bodies])

    def cleaned() -> list[list[Article]]:
        return [
            [clean(entry, fetched_at=NOW, source_language=one.language) for entry in one.entries]
            for one in parsed
        ]

    articles = clock.time("clean", cleaned)
    tags = clock.time("tag", lambda: [[tag(tagger, one) for one in each] for each in articles])
    seen = SeenEntries()
    clock.time("seen before?", lambda: [seen.take_apart(one) for one in bodies])
    return [
        [Finished(article, tagged) for article, tagged in zip(*pair, strict=True)]
        for pair in zip(articles, tags, strict=True)
    ]


def stored(clock: Clock, finished: Sequence[Sequence[Finished]], tagger: Tagger) -> None:
    """Decide, store and index into a new database, as the daemon's writer does."""
    with tempfile.TemporaryDirectory() as folder:
        database = open_database(Path(folder) / "stages.db")
        migrate.migrate(database)
        labels.sync_topics(topic_specs(tagger.taxonomy), tagger.taxonomy.hash, NOW)
        specs = [(SourceSpec(f"https://h{n}.example/f"), f"h{n}.example") for n in range(len(finished))]
        ids = [one.source.id for one in sources.add_all(specs, now=NOW)]
        pairs = list(zip(ids, finished, strict=True))
        with database.session():
            clock.time("decide, nothing known", lambda: [decisions_on(*pair) for pair in pairs])
        writer = Writer(database)

        def store() -> None:
            futures = [
                writer.submit(lambda pair=pair: keep(*pair, tagger=tagger, now=NOW))  # type: ignore[misc]
                for pair in pairs
            ]
            for future in futures:
                future.result()

        clock.time("decide, store and index", store)
        with database.session():
            clock.time("decide, all known", lambda: [decisions_on(*pair) for pair in pairs])
        clock.time("keep what is known", store)
        writer.close()
        database.close()


async def fetched(clock: Clock, count: int, bodies: Sequence[Fetched]) -> None:
    """Every feed from a server on loopback: whole, and 304."""
    with tempfile.TemporaryDirectory() as place, serving(Path(place)) as server:
        for number, one in enumerate(bodies):
            path = server.folder / "www" / f"{number}.xml"
            path.write_bytes(one.body)
            path.with_suffix(".xml.gz").write_bytes(gzip.compress(one.body, 6, mtime=0))
        server.serve(VALIDATORS)
        async with Fetcher(guard=Guard.of(allow=["127.0.0.0/8"])) as fetcher:
            known = [Validators()] * count

            async def all_of() -> float:
                begun = time.process_time()
                for number in range(count):
                    result = await fetcher.fetch(FeedTarget(server.url(number), known[number]), now=NOW)
                    assert not isinstance(result, Failed), result
                    known[number] = result.validators
                return (time.process_time() - begun) * 1e6 / clock.articles

            clock.least["fetch"] = await all_of()
            clock.least["fetch, 304"] = min([await all_of() for _ in range(3)])


def limits(clock: Clock, bodies: Sequence[Fetched], finished: Sequence[Sequence[Finished]]) -> None:
    """The bare work of each stage, by the quickest library at hand."""
    clock.time("libxml2 alone", lambda: [etree.fromstring(one.body) for one in bodies])
    texts = [one.article.text for each in finished for one in each]
    markup = [f"<p>{text}</p>" for text in texts]
    clock.time("lexbor alone", lambda: [LexborHTMLParser(text).text() for text in markup])
    rows = [(n, one.article.title, one.article.text) for n, one in enumerate(_flat(finished))]
    with tempfile.TemporaryDirectory() as folder:
        raw = sqlite3.connect(Path(folder) / "raw.db")
        raw.executescript(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; CREATE TABLE a (id INTEGER PRIMARY KEY, "
            "title, text); CREATE VIRTUAL TABLE s USING fts5 (title, text, content = '', "
            "tokenize = 'porter ascii')"
        )

        def insert(table: str) -> None:
            with raw:
                raw.executemany(f"INSERT INTO {table} VALUES (?, ?, ?)", rows)

        clock.time("raw executemany", lambda: insert("a"))
        clock.time("raw FTS5", lambda: insert("s (rowid, title, text)"))
        raw.close()


def _flat(finished: Iterable[Iterable[Finished]]) -> Iterable[Finished]:
    return (one for each in finished for one in each)


def dearest(articles: int) -> Counter[str]:
    """From now on, count each statement's CPU, in µs an article."""
    spent: Counter[str] = Counter()
    one, many = Database.execute, Database.executemany

    def timed(inner: Callable[..., Any]) -> Callable[..., Any]:
        def run(self: Database, sql: str, rows: Iterable[Sequence[Any]] = ()) -> Any:
            given = list(rows)
            begun = time.process_time()
            result = inner(self, sql, given)
            short = re.sub(r"(\?, )+", "", " ".join(sql.split()))[:90]
            spent[short] += (time.process_time() - begun) * 1e6 / articles  # type: ignore[assignment]
            return result

        return run

    Database.execute = timed(one)  # type: ignore[method-assign]
    Database.executemany = timed(many)  # type: ignore[method-assign]
    return spent


BESIDE = {
    "parse": "libxml2 alone",
    "clean": "lexbor alone",
    "decide, store and index": ("raw executemany", "raw FTS5"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--feeds", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--statements", action="store_true")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args(arguments)
    tagger = Tagger(load_topics())
    bodies = documents(given.feeds)
    count = sum(feed(1, n, 1000).entries for n in range(given.feeds))
    clock = Clock(count)
    pure(Clock(count), bodies[:2], tagger)  # what is compiled when it is first needed
    spent = dearest(count * given.rounds) if given.statements else None
    for _ in range(given.rounds):
        finished = pure(clock, bodies, tagger)
        stored(clock, finished, tagger)
        limits(clock, bodies, finished)
    asyncio.run(fetched(clock, given.feeds, bodies))
    print(f"{given.feeds} feeds, {count} articles; the least of {given.rounds} rounds\n")
    print(f"{'CPU':28}{'µs an article':>14}{'µs a feed':>12}")
    for stage, least in clock.least.items():
        print(f"{stage:28}{least:>14.1f}{least * count / given.feeds:>12.0f}")
    print("\ndistance from the limit:")
    for stage, beside in BESIDE.items():
        bare = sum(clock.least[one] for one in ((beside,) if isinstance(beside, str) else beside))
        print(f"{stage:28}{clock.least[stage] / bare:>14.1f} times {beside}")
    for statement, cost in (spent or Counter[str]()).most_common(20):
        print(f"{cost:>10.1f} µs  {statement}")
    if given.json:
        given.json.write_text(
            json.dumps({"feeds": given.feeds, "articles": count, "µs": clock.least}, indent=1)
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
