"""A rule changed, and history labelled again beside a polling daemon: ``python -m tests.benchmarks.retag``.

::

    fill a database with articles, labelled by the packaged topics; people give verdicts on some
    start the daemon; its feeds gain an entry at every look
    change a rule; `wirewatch retag --dry-run`, then `wirewatch retag`, beside the daemon
    change it back, tell the daemon (SIGHUP), kill -9 it in the middle, start it again: it goes on by itself

Printed are what each step gained and lost, what it took, whether the verdicts stand, how late feeds were
looked at and how long a third writer had to wait for the database meanwhile.
"""

from __future__ import annotations

import argparse
import json
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

from models import articles, labels, sources
from models.database import open_database
from models.migrate import migrate
from models.records import ArticleWrite, SourceSave, SourceSpec, TagRecord
from service.application import topic_specs
from service.keeping import tag_record
from service.tagging import Tagger, Taxonomy, load_topics
from tests.benchmarks.tagging import made_articles
from tests.daemon_process import DaemonProcess, environment
from tests.server import Reply, Request, Server
from tests.storage import NOW

FEEDS, EVERY = 10, 10  # how many, seconds between looks: a host is asked once in a second at most
VERDICTS = 500
KINDS = 400  # different texts; each is stored many times under other titles
PROBE_EVERY = 0.05  # seconds
# The changed rule: what buyers of oil agree on speaks for sanctions nearly by itself.
RULE = """
[[topic.rules]]
language = "en"
weight = 4.0
match = ['price cap', 'Russian oil']
"""


def topics_of(home: Path, *, changed: bool) -> Taxonomy:
    """Writes the topics file: the packaged one, or the same with one more rule of sanctions."""
    text = files("service.tagging").joinpath("topics.toml").read_text(encoding="utf-8")
    if changed:
        begin = text.index("[[topic.rules]]", text.index('name = "sanctions"'))
        text = text[:begin] + RULE.lstrip() + "\n" + text[begin:]
    path = home / "topics.toml"
    path.write_text(text, encoding="utf-8")
    return load_topics(path)


def fill(home: Path, count: int) -> None:
    """A database of so many articles with tags and verdicts."""
    tagger = Tagger(topics_of(home, changed=False))
    version = tagger.taxonomy.hash
    kinds: list[tuple[str, str, tuple[TagRecord, ...]]] = []
    for title, text in made_articles(KINDS):
        tags = tuple(tag_record(tag, version) for tag in tagger.tag(title, text, language="en") if tag.holds)
        kinds.append((title, text, tags))
    random = Random(5)
    database = open_database(home / "wirewatch.db")
    try:
        migrate(database)
        labels.sync_topics(topic_specs(tagger.taxonomy), version, NOW)
        added = sources.add_all([(SourceSpec("https://old.example/feed"), "old.example")], now=NOW)
        for start in range(0, count, 1_000):
            batch = tuple(
                _article(number, kinds, version) for number in range(start, min(count, start + 1_000))
            )
            articles.save_all([SourceSave(source_id=added[0].source.id, articles=batch)], now=NOW)
        for number in random.sample(range(1, count + 1), min(count, VERDICTS)):
            labels.set_verdict(
                number, random.choice(("sanctions", "arms")), random.choice((1, -1)), "ann", NOW
            )
    finally:
        database.close()


def _article(
    number: int, kinds: Sequence[tuple[str, str, tuple[TagRecord, ...]]], version: str
) -> ArticleWrite:
    title, text, tags = kinds[number % len(kinds)]
    return ArticleWrite(
        key=f"guid:{number}",
        title=title,
        text=text,
        content_hash=f"1:{number}",
        seen_at=NOW,
        guid=str(number),
        url=f"https://old.example/{number}",
        language="en",
        published_at=NOW,
        tags=tags,
        taxonomy=version,
    )


# -- the world around it -----------------------------------------------------------------------------------


def growing(name: str) -> Any:
    """A feed that has one entry more at every look."""
    looks = iter(range(1, 1_000_000))

    def answer(_: Request) -> Reply:
        newest = next(looks)
        items = "".join(
            f"<item><guid isPermaLink='false'>{name}-{n}</guid><title>Report {n} of {name}</title>"
            f"<link>http://news.example/{name}/{n}</link><description>The ministers of Iran and Iraq met for "
            f"talks on sanctions and missiles, said delegate {n} of {name}.</description></item>"
            for n in range(max(0, newest - 20), newest)
        )
        text = (
            f'<?xml version="1.0"?><rss version="2.0"><channel><title>{name}</title>{items}</channel></rss>'
        )
        return Reply(body=text.encode())

    return answer


def settings(home: Path, server: Server, *, relabel: bool) -> None:
    """``wirewatch.toml`` with feeds that are looked at every few seconds."""
    text = (
        'database = "wirewatch.db"\n[web]\nport = 0\n[seeds]\nimport = false\n[http]\ngap = "0s"\n'
        '[schedule]\njitter = 0.0\n[topics]\nfile = "topics.toml"\n'
        f"relabel = {str(relabel).lower()}\n"
    )
    for number in range(FEEDS):
        text += f'\n[[sources]]\nurl = "{server.url(f"/feed{number}.xml")}"\nschedule = "every {EVERY}s"\n'
        text += "allow_private = true\n"
    (home / "wirewatch.toml").write_text(text, encoding="utf-8")


class Probe:
    """A third writer: how long it waits for the database, again and again."""

    def __init__(self, home: Path) -> None:
        self._path = home / "wirewatch.db"
        self._stop = threading.Event()
        self.waits: list[float] = []
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        connection = sqlite3.connect(self._path, timeout=60, isolation_level=None)
        while not self._stop.wait(PROBE_EVERY):
            begun = time.perf_counter()
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
            self.waits.append(time.perf_counter() - begun)
        connection.close()

    def __enter__(self) -> Probe:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


def spread(values: Sequence[float]) -> str:
    """Median, 95 of 100 and the largest, in milliseconds."""
    ordered = sorted(values) or [0.0]
    picked = (ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.95)], ordered[-1])
    return " / ".join(f"{value * 1e3:,.0f}" for value in picked) + " ms"


def rows(home: Path, query: str, *parameters: Any) -> list[Any]:
    """An answer of the database."""
    connection = sqlite3.connect(home / "wirewatch.db", timeout=60)
    try:
        return connection.execute(query, parameters).fetchall()
    finally:
        connection.close()


def verdicts(home: Path) -> list[Any]:
    """Every standing verdict, with whether its article carries the topic."""
    return rows(
        home,
        "SELECT v.article_id, v.topic_id, v.value, g.shown FROM verdict v LEFT JOIN tag g "
        "ON g.article_id = v.article_id AND g.topic_id = v.topic_id WHERE v.withdrawn_at IS NULL "
        "ORDER BY v.article_id, v.topic_id",
    )


def left(home: Path, version: str) -> int:
    """How many articles other topics labelled last."""
    query = "SELECT count(*) FROM article WHERE taxonomy_id NOT IN (SELECT id FROM taxonomy WHERE hash = ?)"
    return int(rows(home, query, version)[0][0])


@contextmanager
def watched(home: Path, what: str) -> Iterator[None]:
    """Prints how the daemon's looks and a third writer fared while something was done."""
    begun, from_id = time.time(), rows(home, "SELECT coalesce(max(id), 0) FROM poll")[0][0]
    with Probe(home) as probe:
        yield
    took = time.time() - begun
    looks: dict[int, list[float]] = {}
    query = "SELECT source_id, started_at, new, outcome FROM poll WHERE id > ? ORDER BY id"
    found = rows(home, query, from_id)
    new, failed = sum(row[2] for row in found), sum(row[3] != "ok" for row in found)
    for source, started, _, _ in found:
        looks.setdefault(source, []).append(started / 1e6)
    late = [max(0.0, b - a - EVERY) for times in looks.values() for a, b in pairwise(times)]
    print(
        f"  {what}: {took:,.1f} s; meanwhile {len(found)} looks ({new} new articles, {failed} failed), "
        f"late by {spread(late)}; "
        f"a third writer waited {spread(probe.waits)}",
        flush=True,
    )


def command(home: Path, *arguments: str) -> Any:
    """A command's answer as JSON."""
    done = subprocess.run(
        [sys.executable, "-m", "service.cli", *arguments, "--json"],
        cwd=home,
        env=environment(home) | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{arguments}: exit {done.returncode}\n{done.stderr}")
    return json.loads(done.stdout)


def tell(done: dict[str, Any]) -> None:
    """Prints what a run of ``wirewatch retag`` came to."""
    topics = ", ".join(f"{name} +{one['gained']} -{one['lost']}" for name, one in done["topics"].items())
    print(
        f"    {done['articles']:,} articles, {done['changed']:,} with other topics: {topics}; "
        f"{done['verdicts_kept']} verdicts stand against the rules; {done['left']} left"
    )


# -- the three ways ----------------------------------------------------------------------------------------


def beside_the_daemon(home: Path, server: Server, dry: int) -> None:
    """`wirewatch retag` while the daemon polls and leaves history alone."""
    settings(home, server, relabel=False)
    with DaemonProcess(home) as daemon:
        daemon.wait_ready()
        with watched(home, "polling alone"):
            time.sleep(30)
        stood = verdicts(home)
        version = topics_of(home, changed=True).hash
        with watched(home, f"retag --dry-run --limit {dry}"):
            tell(command(home, "retag", "--dry-run", "--limit", str(dry)))
        daemon.signal(signal.SIGHUP)  # new articles are labelled by the changed rule from now on
        daemon.wait_line("reloaded")
        with watched(home, "retag"):
            tell(command(home, "retag"))
        print(f"    verdicts intact: {verdicts(home) == stood} ({len(stood)}); left: {left(home, version)}")
        daemon.stop()


def in_the_background(home: Path, server: Server, *, changed: bool) -> None:
    """The daemon does it by itself after SIGHUP, is killed in the middle, and goes on."""
    settings(home, server, relabel=True)
    stood = verdicts(home)
    topics_of(home, changed=not changed)
    with DaemonProcess(home) as daemon:
        daemon.wait_ready()
        version = topics_of(home, changed=changed).hash
        total = left(home, version)
        begun = time.time()
        daemon.signal(signal.SIGHUP)
        with watched(home, "the daemon by itself, until killed"):
            while (now := left(home, version)) > total / 2:
                time.sleep(1)
        daemon.kill()
    after = left(home, version)
    print(f"    killed with {now:,} of {total:,} left; {after:,} after the kill")
    with DaemonProcess(home) as daemon:
        daemon.wait_ready()
        with watched(home, "started again, to the end"):
            while left(home, version):
                time.sleep(1)
        daemon.stop()
    print(
        f"    {time.time() - begun:,.0f} s in all; verdicts intact: {verdicts(home) == stood} ({len(stood)})"
    )


def main() -> None:
    """Fills, labels again, prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--articles", type=int, default=100_000)
    parser.add_argument("--dry", type=int, default=10_000, help="articles of the dry run")
    parser.add_argument("--background", action="store_true", help="only what the daemon does by itself")
    parser.add_argument("--home", type=Path, help="where (default: a temporary folder)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary, Server() as server:
        home = options.home or Path(temporary)
        home.mkdir(parents=True, exist_ok=True)
        for number in range(FEEDS):
            server.route(f"/feed{number}.xml", growing(f"feed{number}"))
        begun = time.time()
        if not (home / "wirewatch.db").exists():
            fill(home, options.articles)
        size = (home / "wirewatch.db").stat().st_size >> 20
        print(
            f"{options.articles:,} articles of 500 words, {size:,} MB, filled in {time.time() - begun:,.0f} s"
        )
        if not options.background:
            beside_the_daemon(home, server, options.dry)
        in_the_background(home, server, changed=options.background)


if __name__ == "__main__":
    main()
