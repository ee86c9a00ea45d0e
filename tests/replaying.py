"""Successive versions of feeds, replayed in order through a real server and the real stages into a database;
and what must hold of the outcome, whatever the feed: nothing lost, nothing twice, edits as edits."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from pathlib import Path

from models.database import Database
from models.records import PollRecord
from service.clean import clean
from service.decide import REWRITE_CAP
from service.parse.feed import parse_feed
from service.values import Article, Entry, Fetched
from tests.polling import Bench
from tests.server import Reply, Request, Server


@dataclass(frozen=True)
class Version:
    """What a feed showed from some time on."""

    at: datetime
    body: bytes


@dataclass(frozen=True)
class Row:
    """An article as it is stored, with the hashes of all its wordings."""

    id: int
    guid: str | None
    url: str | None
    title: str
    content_hash: str
    revisions: int
    hashes: frozenset[str]


@dataclass
class Replay:
    """What came of one feed."""

    name: str
    versions: int = 0
    shown: list[tuple[Article, ...]] = field(default_factory=list)  # what each version held
    polls: Counter[str] = field(default_factory=Counter)
    new: int = 0
    changed: int = 0
    duplicates: int = 0
    stored: list[Row] = field(default_factory=list)

    def line(self) -> str:
        """The counts, under `HEADING`."""
        entries = [one for version in self.shown for one in version]
        columns = (
            self.versions,
            self.polls["ok"],
            self.polls["not_modified"],
            len(entries),
            len({one.guid for one in entries if one.guid}),
            len({(one.url, one.title) for one in entries}),
            len(self.stored),
            self.changed,
            self.duplicates,
            sum(row.revisions for row in self.stored),
        )
        return f"{self.name:48}" + "".join(f"{number:>9,}" for number in columns)


HEADING = f"{'feed':48}" + "".join(
    f"{name:>9}"
    for name in (
        "versions", "read", "304", "entries", "guids", "link+tit", "stored", "edits", "elsewh.", "revised",
    )
)  # fmt: skip


def captured(folder: Path) -> list[Version]:
    """The versions of a folder of captures, whose names say when: ``000_2026-08-21T075821.xml``."""
    return [
        Version(datetime.strptime(f"{file.stem[4:]}+0000", "%Y-%m-%dT%H%M%S%z"), file.read_bytes())
        for file in sorted(folder.iterdir())
    ]


def replay(bench: Bench, server: Server, name: str, versions: Sequence[Version]) -> Replay:
    """Serve each version in its turn, look, and gather what came of it."""
    path = f"/{name}"
    current = versions[0]

    def answer(_: Request) -> Reply:
        tag = blake2b(current.body, digest_size=8).hexdigest()
        return Reply(body=current.body, etag=f'"{tag}"', content_type="application/xml", coding="gzip")

    server.route(path, answer)
    done = Replay(name)
    cleaned: dict[Entry, Article] = {}  # most entries are there again at every look
    source = None
    for version in versions:
        current = version
        bench.at(version.at)
        source = source or bench.add(server.url(path))
        _count(done, bench.look(source))
        feed = parse_feed(Fetched(url=server.url(path), final_url=server.url(path), body=version.body))
        for entry in feed.entries:
            if entry not in cleaned:
                cleaned[entry] = clean(entry, fetched_at=version.at, source_language=feed.language)
        done.shown.append(tuple(cleaned[entry] for entry in feed.entries))
        done.versions += 1
    assert source is not None
    done.stored = _stored(bench.application.database, source)
    return done


def _count(done: Replay, poll: PollRecord) -> None:
    done.polls[poll.outcome] += 1
    done.new += poll.new
    done.changed += poll.changed
    done.duplicates += poll.duplicates


def _stored(database: Database, source: int) -> list[Row]:
    with database.session():
        rows = database.rows(
            "SELECT id, guid, url, title, content_hash, revisions FROM article WHERE source_id = ?", (source,)
        )
        old = defaultdict(set)
        for article, content_hash in database.rows(
            "SELECT r.article_id, r.content_hash FROM revision r JOIN article a ON a.id = r.article_id "
            "WHERE a.source_id = ?",
            (source,),
        ):
            old[article].add(content_hash)
    return [Row(*(*row, frozenset({row[4], *old[row[0]]}))) for row in rows]


def check(done: Replay) -> None:
    """What must hold of every feed."""
    assert set(done.polls) <= {"ok", "not_modified"}, done.polls
    assert done.new + done.duplicates == len(done.stored)
    _nothing_is_lost(done)
    _nothing_is_twice(done)
    _edits_are_edits(done)


def _nothing_is_lost(done: Replay) -> None:
    """Every wording that any version showed is stored, as it stands or as an earlier one."""
    hashes = {one for row in done.stored for one in row.hashes}
    capped = {row.title for row in done.stored if row.revisions >= REWRITE_CAP}
    lost = [
        one
        for version in done.shown
        for one in version
        if one.content_hash not in hashes and one.title not in capped
    ]
    assert not lost, (done.name, len(lost), lost[0])


def _nothing_is_twice(done: Replay) -> None:
    """No address and title, no guid of one article, and no wording without either, is stored twice."""
    named = Counter((row.url, row.title) for row in done.stored if row.url)
    single = _single_guids(done.shown)
    guids = Counter(row.guid for row in done.stored if row.guid in single)
    bare = Counter(row.content_hash for row in done.stored if not row.url and not row.guid)
    for counted in (named, guids, bare):
        twice = [name for name, number in counted.items() if number > 1]
        assert not twice, (done.name, twice[:3])


def _edits_are_edits(done: Replay) -> None:
    """What changed under a guid that stands for one article is a revision of the article, not another one."""
    wordings = defaultdict(set)
    for version in done.shown:
        for one in version:
            wordings[one.guid].add(one.content_hash)
    by_guid = {row.guid: row for row in done.stored}
    for guid in _single_guids(done.shown):
        row = by_guid.get(guid)
        if row is not None and row.revisions < REWRITE_CAP:
            assert wordings[guid] <= row.hashes, (done.name, guid)


def _single_guids(shown: Sequence[Sequence[Article]]) -> set[str]:
    """The guids that stand for one article: never twice in a version, and always with the same address."""
    places, shared = defaultdict(set), set()
    for version in shown:
        for guid, number in Counter(one.guid for one in version).items():
            if number > 1:
                shared.add(guid)
        for one in version:
            places[one.guid].add(one.url)
    return {guid for guid, urls in places.items() if guid and guid not in shared and len(urls) == 1}
