"""Backups: whole or not there at all, kept as long as they are wanted, put back as they were."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from models import articles, catalog, labels, migrate
from models.database import Database, open_database
from models.errors import AlreadyThere, DatabaseDamaged, DatabaseLocked, DatabaseUnavailable, SchemaMismatch
from models.figures import figures
from service import backup_archive
from service.backup import Besides, back_up, list_backups
from service.backup_rotation import Keep, Kept, expendable
from service.errors import BackupError, DaemonError
from service.lock import DaemonLock
from service.restore import Places, look, restore
from tests.mounts import mount, unmount
from tests.postgres import Server
from tests.storage import (
    NOW,
    TABLES,
    add_source,
    add_topics,
    article,
    check_index,
    check_summaries,
    contents,
    store,
)

KEEP = Keep()
WEIRD = "tab\tback\\slash\nline\r \\. 제재 \U0001f600 \\N"


@pytest.fixture
def filled(database: Database) -> Database:
    """A database with something in most tables, texts that could be mistaken for a format among them."""
    add_topics()
    one, two = add_source("one"), add_source("two")
    store(one, *(article(n, "arms") for n in range(20)), article(30, "sanctions", text=WEIRD, author=WEIRD))
    store(two, article(40), article(1, key="copy", guid=None, duplicate_of=2))
    labels.set_verdict(3, "sanctions", 1, "ann", NOW)
    articles.delete([5, 23], NOW)
    return database


def make(database: Database, folder: Path, now: datetime = NOW, **more: object) -> Path:
    """A backup."""
    arguments = {"besides": Besides(), "keep": KEEP} | more
    return back_up(database, folder, now=now, **arguments).path  # type: ignore[arg-type]


def places(address: str) -> Places:
    """Where to put a backup back."""
    return Places(address, Path(f"{address}.learned"), Path(f"{address}.topics"), Path(f"{address}.weights"))


@pytest.fixture
def elsewhere(database: Database, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a new place on the same engine."""
    if database.sqlite:
        yield str(tmp_path / "elsewhere" / "new.db")
        return
    server: Server = request.getfixturevalue("postgres_server")
    address = server.create(template="template0")
    yield address
    server.drop(address)


def without_note(rows: dict[str, list[tuple[object, ...]]]) -> dict[str, list[tuple[object, ...]]]:
    """Contents without what a backup itself writes: when the last one was made."""
    return rows | {"meta": [row for row in rows["meta"] if row[0] != "last_backup"]}


def test_what_is_restored_is_what_was_there(filled: Database, elsewhere: str, tmp_path: Path) -> None:
    before = contents(filled)
    newest = max(row[0] for row in before["article_change"])
    learned = tmp_path / "learned"
    learned.mkdir()
    (learned / "weights.json").write_text("{}")
    (learned / "phrases.json.new").write_text("half")
    topics = tmp_path / "own.toml"
    topics.write_text("format = 1")
    path = make(filled, tmp_path / "backups", besides=Besides(learned, topics, tmp_path / "none"))

    assert figures(NOW).last_backup == NOW
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert sorted(one.name for one in path.parent.iterdir()) == [".wirewatch-backup.lock", path.name]
    manifest = look(path)
    assert (manifest.engine, manifest.schema) == (filled.engine, migrate.known()[-1])
    assert manifest.rows["article"] == 21
    assert manifest.rows == {name: len(rows) for name, rows in before.items() if name in manifest.rows}
    assert set(manifest.rows) == set(TABLES)

    filled.close()
    to = replace(places(elsewhere), learned=tmp_path / "l", topics=tmp_path / "t")
    done = restore(path, to, now=NOW, fresh=True)
    assert (done.replaced, done.migrated) == (None, False)
    assert [one.read_text() for one in done.written] == ["format = 1", "{}"]
    again = open_database(elsewhere)
    try:
        migrate.check(again)
        assert contents(again) == before
        check_index(again)
        check_summaries(again)
        found = catalog.search('"panel of experts"', limit=50).articles
        assert len(found) == 20
        # Ids are never given twice, also where the last articles had been deleted.
        assert store(add_source("three"), article(50)) == (24,)
        with again.session():
            assert again.value("SELECT max(seq) FROM article_change") == newest + 1
    finally:
        again.close()


def test_a_backup_in_the_place_of_the_database_keeps_that(
    filled: Database, database_url: str, tmp_path: Path
) -> None:
    path = make(filled, tmp_path / "backups")
    before = contents(filled)
    articles.delete([1, 2, 3, 4], NOW)
    after = contents(filled)
    filled.close()
    done = restore(path, places(database_url), now=NOW, fresh=False)
    again = open_database(database_url)
    try:
        assert without_note(contents(again)) == without_note(before)
        check_index(again)
    finally:
        again.close()
    assert done.replaced is not None
    if filled.sqlite:
        kept = open_database(done.replaced)
        assert contents(kept) == after
        kept.close()
        left = {one.name for one in tmp_path.iterdir()}
        assert left == {"backups", "wirewatch.db", "wirewatch.db.daemon", Path(done.replaced).name}
        assert Path(database_url).stat().st_mode & 0o777 == 0o600
    else:
        with psycopg.connect(database_url) as connection:
            rows = connection.execute(f"SELECT count(*) FROM {done.replaced}.article").fetchone()
            assert rows == (len(after["article"]),)


def test_nothing_is_restored_where_something_is(filled: Database, database_url: str, tmp_path: Path) -> None:
    path = make(filled, tmp_path / "backups")
    before = contents(filled)
    filled.close()
    with pytest.raises((BackupError, AlreadyThere), match="already"):
        restore(path, places(database_url), now=NOW, fresh=True)
    again = open_database(database_url)
    assert contents(again) == before
    again.close()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_daemon_is_not_undone(filled: Database, database_url: str, tmp_path: Path) -> None:
    path = make(filled, tmp_path / "backups")
    inode = Path(database_url).stat().st_ino
    lock = DaemonLock(Path(database_url))
    lock.acquire()
    with pytest.raises(DaemonError, match=f"process {os.getpid()}.*stop it first"):
        restore(path, places(database_url), now=NOW, fresh=False)
    lock.release()
    with filled.session(), pytest.raises(DatabaseLocked, match="in use by another program"):
        restore(path, places(database_url), now=NOW, fresh=False)
    assert Path(database_url).stat().st_ino == inode


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_server_that_others_work_on_is_left_alone(
    filled: Database, database_url: str, tmp_path: Path
) -> None:
    path = make(filled, tmp_path / "backups")
    before = contents(filled)
    with (
        psycopg.connect(database_url, application_name="wirewatch"),
        pytest.raises(DatabaseUnavailable, match="connections of Wirewatch are open"),
    ):
        restore(path, places(database_url), now=NOW, fresh=False)
    again = open_database(database_url)
    assert contents(again) == before
    again.close()


# -- what is no backup, or no longer whole --------------------------------------------------------------


@pytest.fixture
def one(filled: Database, tmp_path: Path) -> Path:
    """A backup."""
    return make(filled, tmp_path / "backups")


def test_every_file_that_is_cut_off_is_told(one: Path, elsewhere: str, tmp_path: Path) -> None:
    whole = one.read_bytes()
    for share in (0, 100, 511, 512, 900, 4_000, len(whole) // 2, len(whole) - 10_240):
        cut = tmp_path / "cut.tar"
        cut.write_bytes(whole[:share])
        with pytest.raises(BackupError, match=r"cut off|is no backup|not whole"):
            restore(cut, places(elsewhere), now=NOW, fresh=True)
    assert not Path(elsewhere).exists()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_every_byte_of_a_member_counts(one: Path, elsewhere: str, tmp_path: Path) -> None:
    whole = one.read_bytes()
    with tarfile.open(one) as archive:
        first = archive.getmembers()[1]
    for place in (0, 5, first.size // 2, first.size - 1):
        changed = bytearray(whole)
        changed[first.offset_data + place] ^= 0x40
        rotten = tmp_path / "rotten.tar"
        rotten.write_bytes(changed)
        with pytest.raises(BackupError, match=r"damaged"):
            restore(rotten, places(elsewhere), now=NOW, fresh=True)
    assert not Path(elsewhere).exists()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_others_files_and_newer_ones_are_told(one: Path, elsewhere: str, tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="there is no file"):
        look(tmp_path / "none.tar")
    foreign = tmp_path / "foreign.tar"
    with tarfile.open(foreign, "w") as archive:
        archive.add(__file__, "test.py")
    for text in (b"words", b"\0" * 20_000, foreign.read_bytes()):
        foreign.write_bytes(text)
        with pytest.raises(BackupError, match="is no backup of Wirewatch"):
            look(foreign)
    newest = migrate.known()[-1].encode()
    newer = tmp_path / "newer.tar"
    newer.write_bytes(one.read_bytes().replace(newest, b"9999" + newest[4:], 1))
    with pytest.raises(SchemaMismatch, match=r"made by a newer Wirewatch.*install that version"):
        restore(newer, places(elsewhere), now=NOW, fresh=True)
    newer.write_bytes(one.read_bytes().replace(b'"format": 1', b'"format": 2', 1))
    with pytest.raises(BackupError, match=r"newer Wirewatch .format 2"):
        look(newer)
    with pytest.raises(BackupError, match="name a path with --into"):
        restore(one, places("postgresql://me@nowhere/x"), now=NOW, fresh=True)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_anyone_can_unpack_it_without_us(one: Path, tmp_path: Path) -> None:
    if shutil.which("zstd") is None:
        pytest.skip("needs zstd (apt-get install zstd)")
    subprocess.run(["tar", "-xf", one, "-C", tmp_path, "database.db.zst"], check=True)
    subprocess.run(["zstd", "-q", "-d", tmp_path / "database.db.zst"], check=True)
    with sqlite3.connect(tmp_path / "database.db") as connection:
        assert connection.execute("SELECT count(*) FROM article").fetchone() == (21,)
    connection.close()


# -- making one fails -----------------------------------------------------------------------------------


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_damaged_database_is_not_backed_up(filled: Database, database_url: str, tmp_path: Path) -> None:
    good = make(filled, tmp_path / "backups")
    filled.close()
    with Path(database_url).open("rb+") as file:
        file.seek(4096 * 12)
        file.write(b"\xff" * 4096 * 4)
    again = open_database(database_url)
    with pytest.raises(DatabaseDamaged, match="damaged"):
        make(again, good.parent, NOW + timedelta(days=400))
    again.close()
    assert [found.path for found in list_backups(good.parent)] == [good]
    assert len(list(good.parent.iterdir())) == 2


def fill(database: Database, folder: Path) -> None:
    """Make backups until something stops it."""
    for number in range(50):
        make(database, folder, NOW + timedelta(minutes=number), keep=None)


def test_a_full_disk_leaves_no_half_backup(filled: Database, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mount("tmpfs", small, "size=420k")
    try:
        with pytest.raises((BackupError, DatabaseUnavailable), match=r"no room|is full"):
            fill(filled, small)
        found = list_backups(small)
        assert all(one.manifest for one in found)
        left = {one.name for one in small.iterdir()}
        assert left == {".wirewatch-backup.lock", *(one.path.name for one in found)}
    finally:
        unmount(small)


def test_two_at_a_time_are_refused_and_what_was_killed_is_removed(filled: Database, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    left = folder / ".wirewatch-backup-killed"
    left.mkdir(parents=True)
    (left / "database.db").write_text("half")

    def meanwhile(what: str, share: float) -> None:
        assert not left.exists()
        with pytest.raises(BackupError, match="another backup is being made"):
            make(filled, folder)

    make(filled, folder, progress=meanwhile)
    assert len(list_backups(folder)) == 1


# -- how many are kept ----------------------------------------------------------------------------------


def test_days_weeks_and_months_are_kept() -> None:
    days = [datetime(2026, 3, 14, 2, tzinfo=UTC) - timedelta(days=n) for n in range(400)]
    found = [Kept(f"{day:%Y-%m-%d}{half}", day + timedelta(hours=half)) for day in days for half in (0, 9)]
    gone = {one.name for one in expendable(found, Keep(3, 3, 3))}
    assert [one.name for one in sorted(found, key=lambda one: one.taken_at) if one.name not in gone] == [
        "2026-01-319", "2026-02-289", "2026-03-019", "2026-03-089", "2026-03-129", "2026-03-139",
        "2026-03-149",
    ]  # fmt: skip
    assert len(expendable(found, Keep(newest=2))) == 798
    migration = Kept("old", datetime(2020, 1, 1, tzinfo=UTC), migration=True)
    assert "old" not in {one.name for one in expendable([*found, migration], Keep(0, 0, 0))}
    assert len(expendable([*found, migration], Keep(0, 0, 0))) == 799  # the newest stays whatever is said


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_older_backups_go_only_where_they_are_ours(filled: Database, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    old = make(filled, folder, NOW)
    with filled.transaction():
        filled.execute("UPDATE meta SET value = 'another' WHERE key = 'instance'")
    other = make(filled, folder, NOW + timedelta(minutes=1), keep=Keep(newest=1))
    assert old.exists()
    (folder / "wirewatch-20200101T000000Z.tar").write_text("broken")
    (folder / "notes.txt").write_text("mine")
    third = back_up(filled, folder, besides=Besides(), keep=Keep(newest=1), now=NOW + timedelta(minutes=2))
    assert third.removed == (other,)
    assert len(list_backups(folder)) == 3
    assert (folder / "notes.txt").exists()
    assert make(filled, folder, NOW).name == f"{old.stem}-2.tar"


def test_the_archive_names_no_paths(one: Path) -> None:
    with backup_archive.opened(one) as opened:
        assert all(".." not in name and not name.startswith("/") for name in opened.names())
