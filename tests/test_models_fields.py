"""What is stored comes back as it was, and what cannot be stored is refused or replaced."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import articles, sources
from models.database import Database
from models.fields import (
    decode_path,
    dump_json,
    encode_path,
    from_micros,
    load_json,
    signed64,
    storable,
    to_micros,
    unsigned64,
)
from models.records import EvidenceRecord, FileRecord, SourceKind, TagRecord
from models.tables import Source
from tests.storage import NOW, add_source, article, store


@given(st.datetimes(timezones=st.timezones()))
def test_times_come_back_exactly(moment: datetime) -> None:
    again = from_micros(to_micros(moment))
    # Compared in UTC: Python finds a local time that a change of clocks left out unequal to itself.
    assert again == moment.astimezone(UTC)
    assert again.tzinfo is UTC


@given(st.datetimes(timezones=st.just(UTC)), st.datetimes(timezones=st.just(UTC)))
def test_stored_times_sort_as_times(one: datetime, other: datetime) -> None:
    assert (to_micros(one) < to_micros(other)) == (one < other)


def test_naive_times_are_refused(database: Database) -> None:
    naive = datetime(2026, 1, 1)  # noqa: DTZ001
    with pytest.raises(ValueError, match="without its zone"):
        to_micros(naive)
    source = add_source()
    with pytest.raises(ValueError, match="without its zone"), database.transaction():
        Source.update(created_at=naive).where(Source.id == source.id).execute()
    with pytest.raises(ValueError, match="without its zone"):
        store(source, article(1, seen_at=naive))


def test_other_zones_are_stored_as_utc(database: Database) -> None:
    source = add_source()
    local = datetime(2026, 3, 1, 9, 30, 0, 123456, tzinfo=timezone(timedelta(hours=9)))
    sources.resume(source.id, local)
    assert sources.get(source.id).next_poll_at == datetime(2026, 3, 1, 0, 30, 0, 123456, tzinfo=UTC)


@given(st.binary(max_size=40).filter(lambda name: b"\0" not in name))
def test_any_path_comes_back(name: bytes) -> None:
    path = os.fsdecode(name)
    encoded = encode_path(path)
    encoded.encode("utf-8")
    assert decode_path(encoded) == path


@given(st.integers(min_value=0, max_value=2**64 - 1))
def test_inodes_come_back(number: int) -> None:
    assert unsigned64(signed64(number)) == number
    assert -(2**63) <= signed64(number) < 2**63


@given(st.text(alphabet=st.characters(categories=None)))
def test_storable_text_keeps_its_length(text: str) -> None:
    kept = storable(text)
    kept.encode("utf-8")
    assert "\x00" not in kept
    assert len(kept) == len(text)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_json_comes_back(value: object) -> None:
    assert load_json(dump_json(value)) == value


def test_hostile_characters_do_not_lose_a_poll(database: Database) -> None:
    source = add_source("files", kind=SourceKind.FOLDER)
    evidence = (EvidenceRecord("text", 0, 3, "b\x00d", "r\ud800le", 1.0),)
    bad = article(
        1,
        title="nul \x00 and half \ud83d a pair",
        text="b\x00d \udfff text",
        author="\x00",
        guid="g\x00",
        categories=("c\ud800", "\x00"),
        path="/in/\udcff\\x.txt",
        tags=(TagRecord("t\x00pic", 0.9, 0.5, taxonomy="x", evidence=evidence),),
    )
    file = FileRecord("/in/\udcff\\x.txt", 5, -7, reason="unreadable", detail="\ud800", device=2**64 - 1)
    stored = articles.save(None, None, [bad, article(2)], [file], source_id=source.id, now=NOW)
    assert len(stored.new) == 2
    assert articles.files(source.id)[file.path].device == 2**64 - 1
    assert articles.known(source.id, keys=["guid:1"])[0].path == "/in/\udcff\\x.txt"
    assert articles.known(source.id, guids=["g\x00"])[0].title == "nul \ufffd and half \ufffd a pair"
