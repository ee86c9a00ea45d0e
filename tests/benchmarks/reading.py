"""How quickly questions are answered: ``python -m tests.benchmarks.reading [--articles N] [--database URL]``.

Fills a new database with N articles of two years (100,000 unless said otherwise), in a rate of words as news
has it: 1.8 topics an article, the largest on a fifth of all, a phrase that stands in every thirtieth. Then
asks each question with changing words, topics and times, each time as a program would, from the query's text
to the records, and fails where a promised one takes longer than `LIMIT` at its 95th percentile. What counts
is the process's CPU with SQLite, which other programs do not lengthen, and the clock with PostgreSQL, whose
work is done elsewhere; the clock's 95th percentile stands beside. ``--keep FILE`` keeps SQLite's file, and
fills up and asks an existing one.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from bisect import bisect
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate, islice
from pathlib import Path
from random import Random

from models import articles, catalog, labels, migrate, sources
from models.database import Database, open_database
from models.records import (
    ArticleFilter,
    ArticleWrite,
    EvidenceRecord,
    Order,
    SourceSave,
    SourceSpec,
    TagRecord,
    TopicSpec,
)

LIMIT = 50.0  # milliseconds
NOW = datetime(2026, 3, 14, 12, tzinfo=UTC)
YEARS = 2
SOURCES = 300
TOPICS = {
    "sanctions": 0.21,
    "arms": 0.18,
    "diplomacy": 0.35,
    "trade": 0.5,
    "cyber": 0.05,
    "energy": 0.5,
    "rare": 0.001,
}
PHRASES = ("panel of experts", "asset freeze", "state visit", "artillery shells", "export controls")
SYLLABLES = (
    "ba", "ce", "di", "fo", "gu", "ha", "je", "ki", "lo", "mu", "na", "pe", "ri", "so", "tu", "va", "we",
    "xi", "yo", "za", "bre", "cla", "dro", "fli", "gra", "ste", "tri", "pol",
)  # fmt: skip
SHORT = (
    "the", "of", "to", "and", "in", "a", "for", "on", "that", "is", "with", "by", "as", "at", "from", "said",
    "was", "it", "be", "an", "has",
)  # fmt: skip
VOCABULARY = 60_000
_LONG_TEXT = 1_000_000  # words


class Writer:
    """Articles out of a vocabulary in which the n-th word is n times rarer than the first."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.words = list(self._vocabulary())
        weights = list(accumulate(1 / (n + 5) for n in range(len(self.words))))
        # A long text, of which every article is a stretch: to make each word anew would take longer than
        # to store it.
        self._text = [
            self.words[bisect(weights, self.random.random() * weights[-1])] for _ in range(_LONG_TEXT)
        ]

    def _vocabulary(self) -> Iterator[str]:
        yield from SHORT
        made: set[str] = set()
        while len(made) < VOCABULARY:
            word = "".join(self.random.choices(SYLLABLES, k=self.random.choice((1, 2, 2, 3, 3, 4))))
            word += self.random.choice(("", "", "s", "ed", "ing", "ment"))
            if word not in made:
                made.add(word)
                yield word

    def text(self, length: int) -> list[str]:
        """Words."""
        start = self.random.randrange(_LONG_TEXT - length)
        return self._text[start : start + length]

    def article(self, number: int, count: int) -> ArticleWrite:
        """The n-th article of so many, the oldest first."""
        words = self.text(self.random.choice((60, 120, 200, 300, 600)))
        if self.random.random() < 1 / 6:
            words.insert(self.random.randrange(len(words)), self.random.choice(PHRASES))
        tags = tuple(
            _tag(name, self.random) for name, share in TOPICS.items() if self.random.random() < share
        )
        seconds = YEARS * 365 * 86_400 * (count - number) / count
        return ArticleWrite(
            key=f"guid:{number}",
            title=" ".join(self.text(9)).capitalize(),
            text=" ".join(words),
            content_hash=f"1:{number}",
            seen_at=NOW,
            guid=str(number),
            url=f"https://example.org/{number}",
            language=self.random.choice(("en", "en", "en", "ru", "ko")),
            published_at=NOW - timedelta(seconds=seconds),
            tags=tags,
            taxonomy="rules-1",
        )


def _tag(name: str, random: Random) -> TagRecord:
    evidence = tuple(
        EvidenceRecord("text", 10 * n, 10 * n + 8, f"phrase {n}", f"rule {n}", 1.25)
        for n in range(random.randint(1, 6))
    )
    return TagRecord(name, 0.5 + random.random() / 2, 0.5, taxonomy="rules-1", evidence=evidence)


def fill(database: Database, count: int) -> float:
    """Store what is lacking to so many articles; gives the seconds of CPU that storing one took."""
    labels.sync_topics([TopicSpec(name, "", 0.5) for name in TOPICS], "rules-1", NOW)
    added = sources.add_all(
        [
            (SourceSpec(f"https://s{n}.example/feed", title=f"Source {n}"), f"s{n}.example")
            for n in range(SOURCES)
        ],
        now=NOW,
    )
    ids = [one.source.id for one in added]
    writer = Writer(1)
    spent = 0.0
    first = catalog.newest_id()
    numbers = iter(range(first, count))
    while batch := list(islice(numbers, 1_000)):
        by_source: dict[int, list[ArticleWrite]] = {}
        for number in batch:
            by_source.setdefault(ids[number % SOURCES], []).append(writer.article(number, count))
        saves = [SourceSave(source_id=one, articles=tuple(writes)) for one, writes in by_source.items()]
        start = time.process_time()
        articles.save_all(saves, now=NOW)
        spent += time.process_time() - start
        if batch[-1] % 50_000 == 49_999:
            print(
                f"  {batch[-1] + 1:,} stored, {spent / (batch[-1] + 1 - first) * 1e6:.0f} µs an article",
                flush=True,
            )
    with database.session():
        database.execute("ANALYZE" if database.sqlite else "VACUUM ANALYZE")
    return spent / (count - first)


class Questions:
    """What is asked, each time a little differently."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.writer = Writer(1)

    def declared(self) -> dict[str, Callable[[], object]]:
        """The questions whose speed is promised."""
        cursors = self._cursors()
        return {
            "newest fifty of a topic": lambda: catalog.search(f"topic:{self._topic()}", now=NOW),
            "phrase, topic and a month": lambda: catalog.search(
                f'"{self._phrase()}" topic:{self._topic()} {self._month()}', now=NOW
            ),
            "counts by topic and day, a year": lambda: catalog.histogram(
                ArticleFilter(query="since:365d"), now=NOW
            ),
            "the same of one topic": lambda: catalog.histogram(
                ArticleFilter(query=f"topic:{self._topic()} since:365d"), now=NOW
            ),
            "page 1,000 by cursor": lambda: catalog.search("", cursor=self.random.choice(cursors), now=NOW),
            "an article with its evidence": lambda: catalog.get(self._id()),
        }

    def others(self) -> dict[str, Callable[[], object]]:
        """More, to know what they cost."""
        return {
            "newest fifty": lambda: catalog.search("", now=NOW),
            "phrase": lambda: catalog.search(f'"{self._phrase()}"', now=NOW),
            "phrase and rare topic": lambda: catalog.search(f'"{self._phrase()}" topic:rare', now=NOW),
            "phrase by relevance": lambda: catalog.search(
                f'"{self._phrase()}"', order=Order.RELEVANCE, now=NOW
            ),
            "a word of the vocabulary": lambda: catalog.search(self._word(), now=NOW),
            "a frequent word": lambda: catalog.search("said", now=NOW),
            "a prefix of three letters": lambda: catalog.search(f"{self._word()[:3]}*", now=NOW),
            "a prefix of five letters": lambda: catalog.search(f"{self._word()[:5]}*", now=NOW),
            "two words, either": lambda: catalog.search(f"{self._word()} OR {self._word()}", now=NOW),
            "topic or phrase": lambda: catalog.search(
                f'topic:{self._topic()} OR "{self._phrase()}"', now=NOW
            ),
            "topic without a word": lambda: catalog.search(f"topic:{self._topic()} -{self._word()}", now=NOW),
            "two topics": lambda: catalog.search(f"topic:{self._topic()} topic:rare", now=NOW),
            "topic by score": lambda: catalog.search(f"topic:{self._topic()} score>0.95", now=NOW),
            "source and topic": lambda: catalog.search(
                f"source:{self.random.randint(1, SOURCES)} topic:{self._topic()}", now=NOW
            ),
            "not a topic": lambda: catalog.search(f"-topic:{self._topic()}", now=NOW),
            "what arrived": lambda: catalog.arrivals(
                ArticleFilter(query=f"topic:{self._topic()}"), after_id=catalog.newest_id() - 200, now=NOW
            ),
            "count of a phrase in a month": lambda: catalog.count(
                ArticleFilter(query=f'"{self._phrase()}" {self._month()}'), now=NOW
            ),
            "days of a phrase in a year": lambda: catalog.histogram(
                ArticleFilter(query=f'"{self._phrase()}" since:365d'), now=NOW
            ),
        }

    def _cursors(self) -> list[str]:
        """Where page 1,000 begins, by reading that far (or to the end), and a few pages on."""
        cursor, cursors = None, []
        for number in range(54):
            limit = 1_000 if number < 50 else 50
            page = catalog.find(ArticleFilter(limit=limit, cursor=cursor))
            if page.next_cursor is None:
                break
            cursor = page.next_cursor
            cursors.append(cursor)
        return cursors[-4:]

    def _topic(self) -> str:
        return self.random.choice([name for name in TOPICS if name != "rare"])

    def _phrase(self) -> str:
        return self.random.choice(PHRASES)

    def _word(self) -> str:
        return self.random.choice(self.writer.words[100:5_000])

    def _month(self) -> str:
        end = NOW - timedelta(days=self.random.randint(0, 600))
        return f"since:{end - timedelta(days=30):%Y-%m-%d} until:{end:%Y-%m-%d}"

    def _id(self) -> int:
        return self.random.randint(1, catalog.newest_id())


def measure(ask: Callable[[], object], rounds: int, budget: float = 30.0) -> list[tuple[float, float]]:
    """Milliseconds of CPU and of the clock each time; fewer rounds where they take longer than the budget."""
    ask()
    times: list[tuple[float, float]] = []
    while len(times) < rounds and sum(clock for _, clock in times) < budget * 1_000:
        start, begun = time.perf_counter(), time.process_time()
        ask()
        times.append(((time.process_time() - begun) * 1_000, (time.perf_counter() - start) * 1_000))
    return times


def report(
    title: str, questions: dict[str, Callable[[], object]], rounds: int, *, by_clock: bool
) -> dict[str, float]:
    """Print a table; gives the 95th percentile of each."""
    kind = "clock" if by_clock else "CPU"
    print(f"\n{title:<34}{f'p50 {kind}':>10}{f'p95 {kind}':>10}{'longest':>9}{'p95 clock':>11}{'times':>7}")
    found = {}
    for name, ask in questions.items():
        measured = measure(ask, rounds)
        clock = [time for _, time in measured]
        counted = clock if by_clock else [time for time, _ in measured]
        found[name] = _p95(counted)
        print(
            f"{name:<34}{statistics.median(counted):>10.2f}{found[name]:>10.2f}{max(counted):>9.2f}"
            f"{_p95(clock):>11.2f}{len(measured):>7}",
            flush=True,
        )
    return found


def _p95(times: Sequence[float]) -> float:
    return statistics.quantiles(times, n=20)[-1] if len(times) > 1 else times[0]


def main(arguments: Sequence[str] | None = None) -> int:
    """Fill, ask, print; 1 where a promise is broken."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--articles", type=int, default=100_000)
    parser.add_argument("--database", help="an empty PostgreSQL database, instead of a file")
    parser.add_argument("--keep", type=Path, help="the file of SQLite, kept; filled up where it exists")
    parser.add_argument("--rounds", type=int, default=200)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        place = given.database or given.keep or Path(folder) / "reading.db"
        database = open_database(place)
        migrate.migrate(database)
        if catalog.newest_id() < given.articles:
            print(f"storing: {fill(database, given.articles) * 1e6:.0f} µs of CPU an article")
        with database.session():
            size = catalog.database_bytes(database)
        print(f"{database.engine}, {catalog.newest_id():,} articles, {size / 1e9:.2f} GB")
        questions = Questions(7)
        by_clock = not database.sqlite
        promised = report("promised", questions.declared(), given.rounds, by_clock=by_clock)
        slow = {name: p95 for name, p95 in promised.items() if p95 > LIMIT}
        report("others", questions.others(), given.rounds, by_clock=by_clock)
        database.close()
    for name, p95 in slow.items():
        print(f"too slow: {name}: {p95:.0f} ms, where at most {LIMIT:.0f} are promised", file=sys.stderr)
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
