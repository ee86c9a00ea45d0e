"""Makes the fixtures of a schema anew: ``python -m tests.make_schemas 0009_name`` (pg_dump is needed).

A fixture is a dump of a database that the migrations up to one version made, with the rows of `ROWS` in it,
as far as that version had a place for them. Those of released schemas are kept as they are: what is migrated
in tests is what is out there.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from models import migrate
from models.database import Database, open_database
from models.search import add_to_index, vector
from models.words import VERSION
from tests import postgres

FOLDER = Path(__file__).resolve().parent / "schemas"
ENGINES = ("sqlite", "postgresql")
_TITLES = ("Panel of experts on ammunition", "제재를 받은 선박", "A copy of the panel's report")
_TEXTS = (
    "The panel of experts reported shells.\n\nIt's a 'quoted' line; with\ttabs \\ and back\\slashes.",
    "선박은 제재를 받았다. \U0001f6a2",
    "The panel of experts reported shells again.",
)
_TIME = 1_710_000_000_000_000
_DAY = 1_710_000_000 // 86_400


def _article(number: int, **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "source_id": 1,
        "position": (1_710_000_000 + number) << 20,
        "key": f"guid:{number}",
        "title": _TITLES[number - 1],
        "title_made": False,
        "url": f"https://example.org/{number}?a=%20b",
        "published_at": _TIME + number * 1_000_000,
        "precision": "minute",
        "date_origin": "feed",
        "seen_at": _TIME + 60_000_000,
        "language": "en",
        "author": "A. Writer",
        "guid": str(number),
        "content_hash": f"1:{number}",
        "taxonomy_id": 1,
        "categories": '["world"]',
        "enclosures": "[]",
        "cuts": "[]",
        "text": _TEXTS[number - 1],
        "uncovered": "[]",
        **more,
    }


def _tag(article: int, topic: int, score: float, **more: Any) -> dict[str, Any]:
    return {
        "article_id": article,
        "topic_id": topic,
        "position": (1_710_000_000 + article) << 20,
        "score": score,
        "shown": True,
        "rule_score": score,
        "threshold": 0.5,
        "main": True,
        "taxonomy": "rules-1",
        "evidence": '[{"field":"title","start":0,"end":5,"phrase":"Panel","rule":"p","contribution":1.5}]',
        **more,
    }


# By table, in the order of references; columns and tables that a version did not have yet are left out.
ROWS: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "source": [
        {
            "id": 1,
            "location": "https://example.org/feed.xml",
            "kind": "feed",
            "title": "Example",
            "folder": "press",
            "schedule": "adaptive",
            "options": '{"allow_private":true}',
            "declared": False,
            "state": "active",
            "host": "example.org",
            "etag": '"3"',
            "next_poll_at": _TIME,
            "article_count": 3,
            "created_at": _TIME,
        },
        {
            "id": 2,
            "location": "/srv/reports",
            "kind": "folder",
            "schedule": "every 30s",
            "options": "{}",
            "declared": True,
            "state": "paused",
            "host": "",
            "created_at": _TIME,
        },
    ],
    "poll": [
        {
            "id": 1, "source_id": 1, "started_at": _TIME, "duration_ms": 12, "outcome": "ok", "status": 200,
            "bytes": 1000, "seen": 3, "new": 2, "changed": 0, "duplicates": 1, "problems": 0,
        }
    ],
    "file": [{"source_id": 2, "path": "/srv/reports/x.pdf", "size": 9, "mtime_ns": 1, "reason": "empty"}],
    "taxonomy": [{"id": 1, "hash": "rules-1", "since": _TIME}],
    "topic": [
        {"id": 1, "name": "arms", "description": "Arms", "threshold": 0.5, "active": True},
        {"id": 2, "name": "sanctions", "description": "Sanctions", "threshold": 0.5, "active": True},
    ],
    "article": [_article(1), _article(2, language="ko"), _article(3, duplicate_of=1)],
    "revision": [
        {
            "article_id": 1, "number": 1, "replaced_at": _TIME, "content_hash": "0", "title": "Old",
            "text": "Old",
        }
    ],
    "tombstone": [
        {
            "article_id": 4, "source_id": 1, "key": "guid:4", "guid": "4", "content_hash": "1:4",
            "title": "Deleted", "deleted_at": _TIME,
        }
    ],
    "tag": [
        _tag(1, 1, 0.9),
        _tag(1, 2, 0.0, shown=False, rule_score=0.7, verdict=-1, verdict_by="ann"),
        _tag(2, 2, 1.0, rule_score=None, verdict=1, verdict_by="ann"),
        _tag(3, 1, 0.8),
    ],
    "verdict": [
        {"id": 1, "article_id": 1, "topic_id": 2, "value": -1, "given_by": "ann", "given_at": _TIME},
        {"id": 2, "article_id": 2, "topic_id": 2, "value": 1, "given_by": "ann", "given_at": _TIME},
    ],
    "topic_day": [
        {"topic_id": 1, "day": _DAY, "count": 1},
        {"topic_id": 2, "day": _DAY, "count": 1},
    ],
    "article_day": [{"day": _DAY, "articles": 2, "tagged": 2}],
    "websub_subscription": [
        {
            "id": 1, "source_id": 1, "hub": "https://hub.example/", "topic": "https://example.org/feed.xml",
            "feed_url": "https://example.org/feed.xml", "token": "t", "secret": "s", "state": "active",
            "created_at": _TIME,
        }
    ],
    "article_page": [
        {
            "article_id": 1, "source_id": 1, "said_hash": "1:said", "taken": True, "attempts": 1,
            "tried_at": _TIME,
        }
    ],
    "furniture": [{"source_id": 1, "hash": 7, "count": 2, "seen_at": _TIME}],
    "near_miss": [{"article_id": 3, "topic_id": 2, "score": 0.25}],
    "article_change": [
        {"seq": number, "article_id": article, "changed_at": _TIME}
        for number, article in enumerate((1, 2, 3, 4), 1)
    ],
    "token": [
        {
            "id": 1, "name": "desk", "digest": "f" * 64, "scope": "read", "created_at": _TIME,
        }
    ],
}  # fmt: skip


def load(url: str, version: str, engine: str) -> None:
    """Make the empty database at ``url`` the fixture of a version."""
    script = path_of(version, engine).read_text(encoding="utf-8")
    if engine == "sqlite":
        with closing(sqlite3.connect(url, isolation_level=None)) as connection:
            connection.executescript(script)
        return
    import psycopg  # noqa: PLC0415

    with psycopg.connect(url, autocommit=True) as server:
        server.execute(script.encode())


def path_of(version: str, engine: str) -> Path:
    """Where the fixture of a version lies."""
    return FOLDER / f"{version}.{engine}.sql"


def build(url: str, version: str) -> None:
    """Make the empty database at ``url`` one of a version, with the rows in it."""
    database = open_database(url)
    try:
        with database.transaction():
            migrate.make(database, version)
            words = _has_words(version)
            for table, rows in ROWS.items():
                _insert(database, table, rows, words=words)
            if database.sqlite:
                _index(database, words=words)
                database.execute("UPDATE sqlite_sequence SET seq = 4 WHERE name = 'article'")
            else:
                _raise_sequences(database)
            if words:
                database.execute("INSERT INTO meta (key, value) VALUES ('search', ?)", (VERSION,))
            database.execute("UPDATE meta SET value = ? WHERE key = 'instance'", ("1" * 32,))
            database.execute("UPDATE schema_migration SET applied = '2026-01-01 00:00:00'")
    finally:
        database.close()


def _has_words(version: str) -> bool:
    """Whether its full-text index holds the words of `models.words`, as those do since 0004."""
    return version >= "0004"


def _insert(database: Database, table: str, rows: Iterable[Mapping[str, Any]], *, words: bool) -> None:
    if table not in database.backend.get_tables():
        return
    there = {column.name for column in database.backend.get_columns(table)}
    for row in rows:
        kept = {name: value for name, value in row.items() if name in there}
        values = ["?"] * len(kept)
        if "search" in there:
            made = vector(row["title"], row["text"]) if words else f"{row['title']} {row['text']}"
            kept["search"] = made
            values.append("CAST(? AS tsvector)" if words else "to_tsvector('wirewatch', ?)")
        database.execute(
            f"INSERT INTO {table} ({', '.join(kept)}) VALUES ({', '.join(values)})", tuple(kept.values())
        )


def _index(database: Database, *, words: bool) -> None:
    rows = database.rows("SELECT position, title, text FROM article ORDER BY position")
    if words:
        add_to_index(database, rows)
    else:
        database.executemany("INSERT INTO article_search (rowid, title, text) VALUES (?, ?, ?)", rows)


def _raise_sequences(database: Database) -> None:
    """As if the rows had been given their ids by the server."""
    for table, column in (*((table, "id") for table in ROWS), ("article_change", "seq")):
        columns = database.backend.get_columns(table) if table in database.backend.get_tables() else ()
        if any(one.name == column for one in columns):
            database.execute(
                f"SELECT setval(pg_get_serial_sequence('{table}', '{column}'), max({column})) FROM {table}"
            )
    database.execute("SELECT setval(pg_get_serial_sequence('article', 'id'), 4)")


def _dump_sqlite(version: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "made.db")
        build(path, version)
        with closing(sqlite3.connect(path)) as connection:
            return "\n".join(_statements(connection)) + "\n"


def _statements(connection: sqlite3.Connection) -> Iterator[str]:
    """A dump that can be read back also where a full-text index has no content of its own."""
    objects = connection.execute(
        "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type = 'index', rowid"
    ).fetchall()
    yield "BEGIN;"
    for kind, name, sql in objects:
        if name.startswith("article_search_"):
            yield f"DELETE FROM {name};"  # the virtual table has made it
        elif name == "sqlite_sequence":
            continue
        else:
            yield f"{sql};"
        if kind == "table" and not sql.upper().startswith("CREATE VIRTUAL"):
            yield from _rows(connection, name)
    yield "DELETE FROM sqlite_sequence;"  # the rows above have begun it
    yield from _rows(connection, "sqlite_sequence")
    yield "COMMIT;"


def _rows(connection: sqlite3.Connection, table: str) -> Iterator[str]:
    columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    quoted = " || ', ' || ".join(f"quote({column})" for column in columns)
    for (values,) in connection.execute(f"SELECT {quoted} FROM {table}"):
        yield f"INSERT INTO {table} VALUES ({values});"


def _dump_postgresql(version: str, server: postgres.Server) -> str:
    program = shutil.which("pg_dump")
    assert program, "needs pg_dump"
    address = server.create(template="template0")
    build(address, version)
    done = subprocess.run(
        [program, "--inserts", "--no-owner", "--no-privileges", "--no-comments", address],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PGTZ": "UTC"},
    )
    server.drop(address)
    noise = re.compile(r"--|\\|SET |SELECT pg_catalog.set_config")  # also what versions differ in
    lines = [line for line in done.stdout.splitlines() if not noise.match(line)]
    return "\n".join(lines) + "\n"


def main(versions: Sequence[str]) -> None:
    """Write the fixtures of some versions."""
    FOLDER.mkdir(exist_ok=True)
    with postgres.server() as server:
        for version in versions:
            path_of(version, "sqlite").write_text(_dump_sqlite(version), encoding="utf-8")
            path_of(version, "postgresql").write_text(_dump_postgresql(version, server), encoding="utf-8")
            print(f"made {version}")


if __name__ == "__main__":
    main(sys.argv[1:] or migrate.known())
