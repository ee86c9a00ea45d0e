"""Archives, mailboxes and lists in a folder: each article once, known again, what is broken recorded."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from models import sources
from models.database import Database
from service.parse.container import Limits
from service.tagging import Taxonomy
from service.unpacking import Unpacker
from service.workers import Workers
from tests.document_makers import column, pdf, pdf_of, zipped
from tests.intake_home import FolderHome, working

pytestmark = pytest.mark.long


def text(title: str, more: str = "") -> str:
    said = f"The council discussed the embargo of {title} before the mandate of the panel ran out."
    return f"{title}\n\n{said} {more}\n"


FILES: Mapping[str, bytes | str] = {
    "a.txt": text("First of them"),
    "news/b.txt": text("Second of them"),
    "broken.pdf": b"%PDF-1.7\n1 0 obj\n",
}
MAIL = (
    "From a@x Tue Jun 18 09:45:00 2024\nFrom: Ann\nTo: b@x\nSubject: {0}\nMessage-ID: <{0}@x>\n\n"
    "Text of {0}.\n\n"
)
# Where the engine makes no difference: one is enough.
one_engine = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture(scope="module")
def working_processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Workers, Taxonomy]]:
    with working(tmp_path_factory.mktemp("topics"), deadline=30.0) as found:
        yield found


@pytest.fixture
def home(
    database: Database, working_processes: tuple[Workers, Taxonomy], tmp_path: Path
) -> Iterator[FolderHome]:
    folder = tmp_path / "docs"
    folder.mkdir()
    made = FolderHome(database, *working_processes, folder)
    yield made
    made.close()


def table(*rows: tuple[object, str]) -> str:
    file = io.StringIO()
    csv.writer(file).writerows([("id", "title", "text"), *((key, name, text(name)) for key, name in rows)])
    return file.getvalue()


# -- once, and remembered ------------------------------------------------------------------------------


def test_members_are_articles_and_the_broken_one_is_recorded(home: FolderHome) -> None:
    home.write("press/all.zip", zipped(FILES))
    done: list[int] = []
    taken = home.take(done.append)
    assert sum(done) == 1  # the archive is one file, whatever is in it
    assert home.paths() == {
        "First of them": "press/all.zip!/a.txt",
        "Second of them": "press/all.zip!/news/b.txt",
    }
    assert home.unreadable() == {
        "press/all.zip!/broken.pdf": "malformed: a PDF that is broken beyond repair, or breaks off"
    }
    assert [problem[0] for problem in taken.problems] == [str(home.folder / "press/all.zip!/broken.pdf")]
    assert (taken.kept.new, taken.files) == (2, 1)
    assert home.files()["press/all.zip"].reason is None
    first = home.stored()["First of them"]
    assert first.categories == ("press",)
    assert [tag.topic for tag in first.tags] == ["sanctions"]
    again = home.take()
    assert (again.files, again.unchanged, again.kept.seen) == (0, 1, 0)
    assert len(home.unreadable()) == 1  # and no one takes a member for a file that is gone


def test_a_changed_archive_changes_what_changed_in_it(home: FolderHome) -> None:
    home.write("all.zip", zipped(FILES))
    home.take()
    before = home.stored()
    home.write(
        "all.zip",
        zipped(
            {
                "c.txt": text("Third of them"),
                "a.txt": text("First of them", "And more."),
                "broken.pdf": pdf([column("Mended.")]),
            }
        ),
    )
    taken = home.take()
    after = home.stored()
    assert (taken.kept.new, taken.kept.changed) == (2, 1)
    assert after["First of them"].summary.id == before["First of them"].summary.id
    assert len(after["First of them"].revisions) == 1
    assert after["Second of them"].vanished_at is not None  # it is in the archive no longer
    assert after["First of them"].vanished_at is None
    assert home.unreadable() == {}
    home.write("all.zip", zipped(FILES))
    home.take()
    assert home.stored()["Second of them"].vanished_at is None  # it is back
    assert len(home.unreadable()) == 1


def test_members_go_and_come_back_with_their_archive(home: FolderHome) -> None:
    path = home.write("all.zip", zipped(FILES))
    home.take()
    aside = path.rename(home.folder.parent / "all.zip")
    home.take()
    assert all(one.vanished_at is not None for one in home.stored().values())
    assert home.unreadable() == {}
    aside.rename(path)
    taken = home.take()
    assert taken.files == 0  # nothing of it had to be read
    assert all(one.vanished_at is None for one in home.stored().values())
    assert len(home.unreadable()) == 1


def test_a_moved_archive_keeps_its_articles(home: FolderHome) -> None:
    path = home.write("all.zip", zipped(FILES))
    home.take()
    before = {one.summary.id for one in home.stored().values()}
    (home.folder / "old").mkdir()
    path.rename(home.folder / "old" / "moved.zip")
    taken = home.take()
    assert taken.kept.new == 0
    assert {one.summary.id for one in home.stored().values()} == before
    assert home.paths()["First of them"] == "old/moved.zip!/a.txt"
    assert all(one.vanished_at is None for one in home.stored().values())


def test_a_folder_whose_name_ends_like_an_archive_s_is_a_folder(home: FolderHome) -> None:
    path = home.write("wow!/a.txt", text("First of them"))
    home.write("wow", text("Second of them"))
    home.take()
    path.unlink()
    home.take()
    assert home.stored()["First of them"].vanished_at is not None
    assert home.stored()["Second of them"].vanished_at is None


# -- identity ------------------------------------------------------------------------------------------


def test_rows_are_known_by_their_id(home: FolderHome) -> None:
    home.write("list.csv", table((1, "First of them"), (2, "Second of them")))
    home.write("other.csv", table((1, "Third of them")))  # another list counts from 1, too
    home.take()
    before = home.stored()
    assert home.paths() == {
        "First of them": "list.csv!/1",
        "Second of them": "list.csv!/2",
        "Third of them": "other.csv!/1",
    }
    home.write("list.csv", table((9, "Ninth of them"), (2, "Second, changed"), (1, "First of them")))
    taken = home.take()
    assert (taken.kept.new, taken.kept.changed, taken.kept.same) == (1, 1, 1)
    assert home.stored()["Second, changed"].summary.id == before["Second of them"].summary.id


def test_rows_without_an_id_are_known_by_address_or_text(home: FolderHome) -> None:
    rows = [
        {"title": "First of them", "text": text("First"), "url": "https://example.org/1"},
        {"title": "Second of them", "text": text("Second")},
        {"title": "Third of them", "text": text("Third"), "url": "https://example.org/1"},
    ]
    home.write("list.jsonl", "\n".join(map(json.dumps, rows)))
    home.take()
    before = {title: one.summary.id for title, one in home.stored().items()}
    rows.insert(0, {"title": "New of them", "text": text("New")})
    home.write("list.jsonl", "\n".join(map(json.dumps, rows)))
    taken = home.take()
    assert (taken.kept.new, taken.kept.changed, taken.kept.same) == (1, 0, 3)
    assert {title: home.stored()[title].summary.id for title in before} == before


@one_engine
def test_rows_far_apart_that_share_an_address_are_two_articles(home: FolderHome) -> None:
    """They come in different batches, so that neither is told by the other."""
    rows = [
        {"title": f"Title {n} of it", "text": text(str(n)), "url": "https://example.org/"} for n in (0, 400)
    ]
    between = [{"title": f"Title {n} of it", "text": text(str(n))} for n in range(1, 400)]
    home.write("list.jsonl", "\n".join(map(json.dumps, [rows[0], *between, rows[1]])))
    assert home.take().kept.new == 401
    home.write("list.jsonl", "\n".join(map(json.dumps, [rows[0], *between, rows[1], {"title": "More"}])))
    taken = home.take()
    assert (taken.kept.new, taken.kept.changed, taken.kept.same) == (1, 0, 401)


@one_engine
def test_a_text_of_a_gigabyte_is_named_and_left(home: FolderHome) -> None:
    path = home.write("huge.txt", text("First of them"))
    os.truncate(path, 1 << 30)
    home.write("huge.txt.gz", gzip.compress(bytes(50_000_000)))
    home.take()
    assert home.unreadable() == {
        "huge.txt": "too_large: 1,073,741,824 bytes; at most 20,000,000 are read",
        "huge.txt.gz": "too_complex: more than 20,000,000 bytes, the most that one document may have",
    }


@one_engine
def test_messages_are_known_by_their_message_id_wherever_they_lie(home: FolderHome) -> None:
    home.write("in.mbox", "".join(MAIL.format(name) for name in ("One", "Two", "Three")))
    home.take()
    assert set(home.stored()) == {"One", "Two", "Three"}
    home.write("archive.mbox.gz", gzip.compress(MAIL.format("Two").encode()))
    taken = home.take()
    assert (taken.kept.new, taken.kept.same) == (0, 1)


@one_engine
def test_an_object_by_itself_is_known_by_its_file(home: FolderHome) -> None:
    home.write("one.json", json.dumps({"title": "First of them", "text": text("First")}))
    home.take()
    home.write("one.json", json.dumps({"title": "Second of them", "text": text("Second")}))
    taken = home.take()
    assert (taken.kept.new, taken.kept.changed) == (0, 1)
    assert home.paths() == {"Second of them": "one.json"}


# -- bounds --------------------------------------------------------------------------------------------


@one_engine
def test_a_list_longer_than_a_batch_is_stored_whole(home: FolderHome) -> None:
    rows = [
        {"id": number, "title": f"Title {number} of it", "text": text(str(number))} for number in range(1_500)
    ]
    rows[700] = {"price": 3}
    home.write("list.jsonl", "\n".join(map(json.dumps, rows)))
    taken = home.take()
    assert taken.kept.new == 1_499
    assert list(home.unreadable()) == ["list.jsonl!/record 701"]


@one_engine
def test_a_bomb_is_recorded_and_what_came_before_it_kept(home: FolderHome) -> None:
    home.write("bomb.zip", zipped({"a.txt": text("First of them"), "b.txt": bytes(200 << 20)}))
    home.take(max_bytes=1 << 30)
    assert list(home.stored()) == ["First of them"]
    assert home.unreadable() == {
        "bomb.zip": "too_complex: it unpacks to more than 200 times its own size; the first bytes were read"
    }
    assert home.take().unchanged == 1


@one_engine
@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"max_container_bytes": 100}, "at most 100 are read"),
        ({"max_unpacked_bytes": 1_000}, "more than 1,000 bytes"),
        ({"max_entries": 10}, "more than 10 entries"),
    ],
)
def test_the_settings_bound_a_container(home: FolderHome, rules: dict[str, object], said: str) -> None:
    rows = "\n".join(
        json.dumps({"id": n, "title": f"Title {n} of it", "text": text(str(n))}) for n in range(50)
    )
    home.write("list.jsonl.gz", gzip.compress(rows.encode()))
    home.take(**rules)
    assert said in home.unreadable()["list.jsonl.gz"]


@one_engine
def test_what_is_excluded_is_excluded_inside_archives_too(home: FolderHome) -> None:
    home.write("all.zip", zipped({"a.txt": text("First of them"), "b.py": "print()", ".hidden": "x"}))
    home.take(exclude=("*.py",))
    assert list(home.stored()) == ["First of them"]
    assert home.unreadable() == {}


@one_engine
def test_an_empty_archive_says_so(home: FolderHome) -> None:
    home.write("empty.zip", zipped({}))
    home.write("folders.zip", zipped({"a/": b""}))
    home.take()
    assert home.unreadable() == dict.fromkeys(("empty.zip", "folders.zip"), "empty: it holds no article")


# -- what kills, and what interrupts -------------------------------------------------------------------


def stuck() -> bytes:
    """A PDF that PDFium draws for minutes: a form of ten forms of ten forms, twelve deep."""
    depth = 12
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Count 1 /Kids [4 0 R] >>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 99 99] /Contents 5 0 R "
        b"/Resources << /XObject << /X 6 0 R >> >> >>",
        b"<< /Length 5 >>\nstream\n/X Do\nendstream",
    ]
    drawn = b"BT /F 9 Tf (word) Tj ET " + b"/X Do " * 10
    for level in range(depth):
        inner = b"/XObject << /X %d 0 R >>" % (7 + level) if level < depth - 1 else b""
        objects.append(
            b"<< /Type /XObject /Subtype /Form /BBox [0 0 99 99] /Resources << /Font << /F 3 0 R >> %s >> "
            b"/Length %d >>\nstream\n%s\nendstream" % (inner, len(drawn), drawn)
        )
    return pdf_of(objects, b"")


@one_engine
def test_what_hangs_is_killed_and_the_rest_is_read(database: Database, tmp_path: Path) -> None:
    with working(tmp_path, deadline=4.0) as processes:
        home = FolderHome(database, *processes, tmp_path / "docs")
        try:
            _take_what_hangs(home)
        finally:
            home.close()


def _take_what_hangs(home: FolderHome) -> None:
    home.write(
        "all.zip", zipped({"a.txt": text("First of them"), "b.pdf": stuck(), "c.txt": text("Third of them")})
    )
    home.write("d.txt", text("Fourth of them"))
    home.take()
    assert set(home.stored()) == {"First of them", "Third of them", "Fourth of them"}
    assert home.unreadable() == {"all.zip!/b.pdf": "parse_timeout: not read within 4 s; the worker was ended"}


@one_engine
def test_a_pass_that_is_stopped_goes_on_with_the_next(home: FolderHome) -> None:
    rows = [
        {"id": number, "title": f"Title {number} of it", "text": text(str(number))} for number in range(1_000)
    ]
    home.write("list.jsonl", "\n".join(map(json.dumps, rows)))
    store = home.intake._writer.submit

    def stopping(work, *, patient=False):  # type: ignore[no-untyped-def]
        home.intake.stop()
        return store(work, patient=patient)

    home.intake._writer.submit = stopping  # type: ignore[method-assign]
    home.take()
    home.intake._writer.submit = store  # type: ignore[method-assign]
    home.intake._stopping.clear()
    first = len(home.files())
    assert first == 0  # the list is not remembered: it was not read to its end
    taken = home.take()
    assert taken.kept.new + taken.kept.same == 1_000
    assert taken.kept.same > 0
    assert list(home.files()) == ["list.jsonl"]


@one_engine
def test_a_pass_that_takes_longer_than_its_lease_keeps_its_source(
    database: Database, working_processes: tuple[Workers, Taxonomy], tmp_path: Path
) -> None:
    moment = datetime.now(UTC)

    def clock() -> datetime:
        nonlocal moment
        moment += timedelta(seconds=30)
        return moment

    home = FolderHome(database, *working_processes, tmp_path / "docs", clock)
    try:
        rows = [{"id": n, "title": f"Title {n} of it", "text": text(str(n))} for n in range(500)]
        home.write("list.jsonl", "\n".join(map(json.dumps, rows)))
        (home.source,) = sources.claim_these([home.source.id], moment, owner="me", lease=timedelta(minutes=2))
        home.take()
        assert moment > datetime.now(UTC) + timedelta(minutes=10)
        held = sources.get(home.source.id)
        assert held.lease_owner == "me"
        assert held.lease_until is not None
        assert held.lease_until > moment - timedelta(minutes=1)
    finally:
        home.close()


def test_a_file_that_changes_while_it_is_taken_apart_is_said_to_have(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"title": "One"}\n')
    unpacker = Unpacker(deadline=30.0, memory_limit=1 << 30)
    try:
        found = path.stat()
        state = (found.st_size, found.st_mtime_ns, found.st_ino)
        (batch,) = unpacker.unpack(str(path), state, limits=Limits())
        assert (len(batch.items), batch.ended, batch.changed) == (1, True, False)
        os.utime(path, ns=(1, 1))
        (batch,) = unpacker.unpack(str(path), state, limits=Limits())
        assert batch.changed
        with pytest.raises(FileNotFoundError):
            list(unpacker.unpack(str(tmp_path / "none"), state, limits=Limits()))
    finally:
        unpacker.close()
