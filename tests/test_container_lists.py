"""Mailboxes, JSON, JSON Lines and tables as streams: each record once, whatever its encoding."""

from __future__ import annotations

import io
import json
import tracemalloc
from collections.abc import Iterator
from typing import Any, BinaryIO, cast

import pytest

from service.errors import ParseFailure
from service.parse.container import Form, Limits, Piece, Trouble, pieces
from service.parse.container_kinds import Packing, is_container, what_is
from service.parse.document import parse_piece
from service.values import Reason

MAIL = b"From: a@example.org\nTo: b@example.org\nSubject: %s\nMessage-ID: <%s@x>\nMIME-Version: 1.0\n\n%s\n"
RUSSIAN = "Совет не смог согласовать текст до истечения мандата группы экспертов."
KOREAN = "이사회는 전문가 패널의 임기가 이달 말 끝나기 전에 문안에 합의하지 못했다고 외교관들이 말했다."
RECORDS = [{"id": n, "title": f"Title {n}", "text": f"The council met on day {n}."} for n in range(1, 4)]
# What text the records have, by any of the ways to write them down.
WANTED = [(f"Title {n}", f"The council met on day {n}.") for n in range(1, 4)]


def taken(body: bytes, name: str = "file", **limits: int) -> list[Piece | Trouble]:
    return list(pieces(io.BytesIO(body), name, limits=Limits(**limits)))


def read(body: bytes, name: str = "file") -> list[tuple[str | None, str | None]]:
    found = []
    for one in taken(body, name):
        assert isinstance(one, Piece), one
        found += [(entry.title, (entry.content or "").strip() or None) for entry in parse_piece(one, name)]
    return found


def kinds(found: list[Piece | Trouble]) -> list[str]:
    return [one.detail if isinstance(one, Trouble) else "" for one in found]


def mailbox(*messages: bytes) -> bytes:
    return b"\n".join(b"From a@example.org Tue Jun 18 09:45:00 2024\n" + message for message in messages)


# -- kinds ---------------------------------------------------------------------------------------------

CSV = b"id,title,text\n1,Title 1,The council met.\n"


@pytest.mark.parametrize(
    ("body", "name", "kind"),
    [
        (mailbox(MAIL % (b"One", b"1", b"Text")), "x", Packing.MAILBOX),
        (b"From the minister we heard on 18 June 2024 at 9:45\nthat it is over.\n", "x.mbox", None),
        (MAIL % (b"One", b"1", b"Text"), "x.mbox", None),
        (b'[{"title": "T"}]', "x", Packing.JSON),
        (b'\xef\xbb\xbf {"articles": [{"title": "T"}]}', "x.txt", Packing.JSON),
        ('[{"title": "T"}]'.encode("utf-16"), "x", Packing.JSON),
        (b'{"title": "T"}\n{"title": "U"}\n', "x", Packing.JSON_LINES),
        (b'{"title": "T"}\n', "x.jsonl", Packing.JSON_LINES),
        (b'{"title": "T"}\n', "x.json", Packing.JSON),
        (b'{"title": "T",\n"text": "U"}\n', "x.jsonl", Packing.JSON),
        (b'{"version": "https://jsonfeed.org/version/1.1", "items": []}', "x.json", None),
        (b"[1] See the report.\n[2] And this one.\n", "x.txt", None),
        (b"{An aside in braces} and a text.\n", "x.txt", None),
        (CSV, "x", Packing.TABLE),
        (CSV.replace(b",", b";"), "x.txt", Packing.TABLE),
        (CSV.replace(b",", b"\t"), "x", Packing.TABLE),
        (CSV.decode().encode("utf-16"), "x", Packing.TABLE),
        (b"foo,bar\n1,2\n", "x.csv", Packing.TABLE),
        (b"foo,bar\n1,2\n", "x", None),
        (b"Title, text and date of the article are missing, he said.\nThat is all.\n", "x.txt", None),
        (b"title,text\n", "x", None),
        (b"A text.\n", "x.json", None),
        (b"", "x.csv", Packing.TABLE),
    ],
)
def test_the_kind_of_list_is_told_by_content(body: bytes, name: str, kind: Packing | None) -> None:
    assert what_is(body, name) is kind
    assert is_container(body, name) is (kind is not None)


# -- the ways to write a list --------------------------------------------------------------------------


def rows(delimiter: str) -> str:
    lines = [delimiter.join(("id", "title", "text"))]
    return "\r\n".join([*lines, *(delimiter.join(map(str, one.values())) for one in RECORDS)]) + "\r\n"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (json.dumps(RECORDS), "a.json"),
        (json.dumps({"status": "ok", "total": 3, "articles": RECORDS}, indent=1), "a.json"),
        (json.dumps({"response": {"total": 3, "docs": RECORDS}}), "a.json"),
        (json.dumps({"hits": {"hits": [{"_id": n["id"], "_source": n} for n in RECORDS]}}), "a.json"),
        ("\n".join(json.dumps(one) for one in RECORDS), "a.jsonl"),
        ("\n\n".join(json.dumps(one) for one in RECORDS) + "\n", "a.ndjson"),
        ("".join(json.dumps(one, indent=1) for one in RECORDS), "a.json"),
        (rows(","), "a.csv"),
        (rows(";"), "a.csv"),
        (rows("\t"), "a.tsv"),
        (rows("|"), "a.csv"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_a_list_gives_its_records(text: str, name: str, encoding: str) -> None:
    assert read(text.encode(encoding), name) == WANTED


@pytest.mark.parametrize(
    ("words", "encoding"), [(RUSSIAN, "windows-1251"), (RUSSIAN, "koi8-r"), (KOREAN, "euc-kr")]
)
def test_a_list_in_an_encoding_of_its_own(words: str, encoding: str) -> None:
    table = f"title,text\n{words},{words}\n" + f"{words},{words}\n" * 20
    assert read(table.encode(encoding), "a.csv") == [(words, words)] * 21
    lines = (json.dumps({"title": words, "text": words}, ensure_ascii=False) + "\n") * 20
    assert read(lines.encode(encoding), "a.jsonl") == [(words, words)] * 20
    array = json.dumps([{"title": words, "text": words}] * 20, ensure_ascii=False)
    assert read(array.encode(encoding), "a.json") == [(words, words)] * 20


def test_a_single_object_is_one_article() -> None:
    body = json.dumps({"title": "One", "text": "Words.", "author": {"name": "Ann"}, "more": [[1], {"a": 2}]})
    (piece,) = taken(body.encode(), "a.json")
    assert isinstance(piece, Piece)
    (entry,) = parse_piece(piece, "a.json")
    assert (entry.title, entry.content, entry.author, piece.name) == ("One", "Words.", "Ann", "")


def test_cells_with_line_breaks_quotes_and_blank_rows() -> None:
    body = b'title,text\n"One, ""two""","First.\n\nSecond."\n,\n\n"T","U"\n'
    assert read(body, "a.csv") == [('One, "two"', "First.\n\nSecond."), ("T", "U")]


# -- mailboxes -----------------------------------------------------------------------------------------


def test_a_mailbox_gives_its_messages() -> None:
    quoted = b"Text\n\n>From here on it is quoted.\n>>From there, too.\n\nFrom our correspondent: more.\n"
    body = mailbox(MAIL % (b"One", b"1", quoted), MAIL % (b"Two", b"2", b"Words"))
    found = [parse_piece(one, "x")[0] for one in taken(body, "in.mbox") if isinstance(one, Piece)]
    assert [(entry.title, entry.guid, entry.listed) for entry in found] == [
        ("One", "<1@x>", True),
        ("Two", "<2@x>", True),
    ]
    assert (found[0].content or "").strip() == (
        "Text\n\nFrom here on it is quoted.\n>From there, too.\n\nFrom our correspondent: more."
    )


def test_a_message_that_is_too_large_costs_nothing_but_itself() -> None:
    large = MAIL % (b"Two", b"2", b"Words of it\n" * 10_000)
    body = mailbox(MAIL % (b"One", b"1", b"Text"), large, MAIL % (b"Three", b"3", b"Text"))
    found = taken(body, document=50_000)
    assert [isinstance(one, Piece) for one in found] == [True, False, True]
    assert found[1].name == "message 2"
    assert "at most 50,000 are read" in kinds(found)[1]


# -- broken and hostile --------------------------------------------------------------------------------


def test_a_broken_line_costs_nothing_but_itself() -> None:
    deep = '{"title": ' + "[" * 100_000
    lines = ['{"title": "One"}', '{"title": "Two"', "[1, 2]", deep, "nonsense", '{"title": "Six"}']
    found = taken("\n".join(lines).encode(), "a.jsonl")
    assert [one.name for one in found] == [f"record {n}" for n in range(1, 7)]
    assert [isinstance(one, Piece) for one in found] == [True, False, False, False, False, True]
    assert "not JSON" in kinds(found)[1]
    assert kinds(found)[2] == "list, not an object"


def test_a_record_that_is_too_large_costs_nothing_but_itself() -> None:
    records = [{"title": "One"}, {"title": "Two", "text": "x" * 5_000}, {"title": "Three"}]
    for body, name in (
        ("\n".join(map(json.dumps, records)), "a.jsonl"),
        (json.dumps(records), "a.json"),
        (json.dumps({"articles": records}), "a.json"),
    ):
        found = taken(body.encode(), name, record=1_000)
        assert [isinstance(one, Piece) for one in found] == [True, False, True], name
        assert kinds(found)[1] == "more than 1,000 characters in one record"


def test_a_record_nested_without_end_costs_nothing_but_itself() -> None:
    deep = '{"title": "Two", "text": ' + "[" * 50_000 + "]" * 50_000 + "}"
    found = taken(f'[{{"title": "One"}}, {deep}, 3, [4], {{"title": "Three"}}]'.encode(), "a.json")
    assert [one.name for one in found] == [f"record {n}" for n in range(1, 5)]
    assert kinds(found) == ["", "nested more than 64 deep", "a list, not an object", ""]


def test_a_table_with_broken_rows() -> None:
    body = b"title,text\nOne,A\nTwo,B,C,D\n" + b"Three," + b"x" * 3_000 + b"\nFour,D\n"
    found = taken(body, "a.csv", record=1_000)
    assert [one.name for one in found] == [f"record {n}" for n in range(1, 5)]
    assert kinds(found)[1] == "4 cells under 2 columns"
    assert "larger than field limit" in kinds(found)[2] or isinstance(found[2], Piece)
    assert isinstance(found[3], Piece)


def test_an_open_quotation_mark_does_not_swallow_the_table() -> None:
    body = b'title,text\nOne,A\nTwo,"B\n' + b"Three,C\n" * 2_000
    found = taken(body, "a.csv", record=1_000)
    assert sum(isinstance(one, Piece) for one in found) > 1_000
    assert any("larger than field limit" in said for said in kinds(found))


@pytest.mark.parametrize(
    ("body", "name", "reason", "said"),
    [
        (b'[{"title": "One"}, {"title": "Tw', "a.json", Reason.MALFORMED, "after 1 records"),
        (b'[{"title": "One"}] and more', "a.json", Reason.MALFORMED, "after 1 records"),
        (b'{"price": 3}', "a.json", Reason.UNSUPPORTED, "JSON, but no column is known to hold a title"),
        (b"[]", "a.json", Reason.UNSUPPORTED, "(there are none)"),
        (b"foo,bar\n1,2\n", "a.csv", Reason.UNSUPPORTED, "a table, but no column is known"),
        (b"x\n" * 3, "a.csv", Reason.UNSUPPORTED, "(x)"),
        (b'{"title": "One"}\n' + b"broken\n" * 2_000, "a.jsonl", Reason.MALFORMED, "1,000 lines in a row"),
        (b"title,text\n" + b"a,b,c\n" * 2_000, "a.csv", Reason.MALFORMED, "1,000 rows in a row"),
    ],
)
def test_a_list_that_cannot_be_read_on_says_why(body: bytes, name: str, reason: Reason, said: str) -> None:
    with pytest.raises(ParseFailure) as caught:
        taken(body, name)
    assert caught.value.reason is reason
    assert said in caught.value.detail


def test_more_entries_than_allowed_end_the_list() -> None:
    found = pieces(io.BytesIO(b'{"title": "One"}\n' * 100), "a.jsonl", limits=Limits(entries=10))
    assert len([next(found) for _ in range(10)]) == 10
    with pytest.raises(ParseFailure, match="more than 10 entries"):
        next(found)


class Endless(io.RawIOBase):
    """A file that is made while it is read."""

    def __init__(self, head: bytes, repeated: bytes, count: int) -> None:
        super().__init__()
        self._parts = self._made(head, repeated, count)
        self._left = b""

    def _made(self, head: bytes, repeated: bytes, count: int) -> Iterator[bytes]:
        yield head
        for _ in range(count // 1_000):
            yield repeated * 1_000

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        target = memoryview(buffer).cast("B")
        while not self._left:
            part = next(self._parts, None)
            if part is None:
                return 0
            self._left = part
        count = min(len(target), len(self._left))
        target[:count], self._left = self._left[:count], self._left[count:]
        return count


@pytest.mark.parametrize(
    ("head", "repeated", "name"),
    [
        (b"", b'{"title": "One", "text": "%s"}\n' % (b"words " * 60), "a.jsonl"),
        (b"[", b'{"title": "One", "text": "%s"},' % (b"words " * 60), "a.json"),
        (b"title,text\n", b"One,%s\n" % (b"words " * 60), "a.csv"),
        (b"", mailbox(MAIL % (b"One", b"1", b"words " * 60)) + b"\n", "a.mbox"),
    ],
)
def test_a_list_of_any_length_is_read_in_little_memory(head: bytes, repeated: bytes, name: str) -> None:
    """8 MB, of which never more than one step is held."""
    count = 8_000_000 // len(repeated) // 1_000 * 1_000
    file = cast("BinaryIO", Endless(head, repeated, count))
    tracemalloc.start()
    try:
        found = 0
        try:
            for one in pieces(file, name, size=0):
                found += isinstance(one, Piece)
        except ParseFailure as failure:
            assert name == "a.json"  # its list is never closed
            assert failure.reason is Reason.MALFORMED  # noqa: PT017
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found == count
    assert peak < 4_000_000


def test_forms() -> None:
    (piece,) = taken(CSV, "a.csv")
    assert isinstance(piece, Piece)
    assert piece.form is Form.RECORD
    assert piece.size > 0
