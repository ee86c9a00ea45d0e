"""Sources: declared and added, listed, paused; the claiming of what is due is `models.claims`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from peewee import SQL, NodeList, fn

from models.claims import (
    bring_back,
    claim,
    claim_these,
    hasten,
    lease_owners,
    overdue,
    release,
    renew,
    reschedule,
)
from models.database import current
from models.errors import NotFound
from models.fields import storable
from models.polls import forget_polls, polls, record_unchanged
from models.records import SourceKind, SourceRecord, SourceSpec, SourceState
from models.rows import SOURCE_COLUMNS, source_record, stored_source
from models.tables import Source

__all__ = [
    "Added",
    "Synchronised",
    "add",
    "add_all",
    "bring_back",
    "claim",
    "claim_these",
    "find",
    "forget_polls",
    "get",
    "hasten",
    "ids_of",
    "lease_owners",
    "list_sources",
    "named",
    "names",
    "overdue",
    "pause",
    "polls",
    "record_unchanged",
    "release",
    "remove",
    "renew",
    "reschedule",
    "resume",
    "synchronise",
]

_CHUNK = 5_000  # names in one question: far below both engines' limits on parameters
_MOST_NAMED = 30_000  # sources that one pattern names: SQLite's limit on parameters is a little above
_LONGEST_ID = 18  # digits that surely fit 64 bits
_UNDECLARED = "no longer in the settings"


@dataclass(frozen=True, slots=True)
class Added:
    """What adding a source did."""

    source: SourceRecord
    new: bool  # it was not known before
    revived: bool  # it had been removed, and is active again


@dataclass(frozen=True, slots=True)
class Synchronised:
    """What bringing the declared sources in line with the settings changed, as locations."""

    added: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    resumed: tuple[str, ...] = ()
    paused: tuple[str, ...] = ()


def add(spec: SourceSpec, *, host: str, now: datetime) -> SourceRecord:
    """Add a source; a removed one is revived, an existing one is given back as it is.

    ``host`` is the registrable domain, "" for folders. Use `add_all` to learn which of these happened.
    """
    return add_all([(spec, host)], now=now)[0].source


def add_all(specs: Sequence[tuple[SourceSpec, str]], *, now: datetime) -> list[Added]:
    """Add sources with their hosts in one transaction; the answers are in the order of the question.

    One that has moved is known by the address that it was added with, too.
    """
    with current().transaction():
        before = _by_address([spec.location for spec, _ in specs])
        _insert([_row(spec, host, now) for spec, host in specs if spec.location not in before])
        revived = set()
        for spec, host in specs:
            known = before.get(spec.location)
            if known is not None and known.state == SourceState.REMOVED and spec.location not in revived:
                _update([known.id], **_row(spec, host, now, created=False), moved_from=None, moved_to=None)
                revived.add(spec.location)
        after = _by_address([spec.location for spec, _ in specs])
    return [
        Added(
            source_record(after[spec.location]),
            new=spec.location not in before,
            revived=spec.location in revived,
        )
        for spec, _ in specs
    ]


def get(ref: int | str) -> SourceRecord:
    """One source by id, location or title. Raises NotFound, also where a title names several."""
    found = find([str(ref)])
    if len(found) != 1:
        names = ", ".join(f"{one.id} ({one.location})" for one in found[:5])
        raise NotFound(f"{ref!r} names {len(found)} sources: {names}; give the id of one")
    return found[0]


def find(refs: Iterable[str], *, removed: bool = False) -> list[SourceRecord]:
    """The sources that the references name: an id, a location, a title, or a pattern with ``*``.

    Case does not matter in titles and patterns. Raises NotFound for a reference that names nothing.
    """
    with current().session():
        found: dict[int, SourceRecord] = {}
        for ref in refs:
            named_by = named(ref, removed=removed)
            if not named_by:
                raise NotFound(_unknown(ref))
            found.update((row.id, source_record(row)) for row in named_by)
    return list(found.values())


def named(ref: str, *, removed: bool = False) -> list[Source]:
    """The rows that one reference names, perhaps none."""
    ref = storable(ref)
    scope = (Source.state != SourceState.REMOVED) if not removed else True
    if ref.isascii() and ref.isdigit() and len(ref) <= _LONGEST_ID:
        by_id = list(Source.select().where(Source.id == int(ref), scope))
        if by_id:
            return by_id
    for address in (Source.location, Source.moved_from):
        exact = list(Source.select().where((address == ref) & scope))
        if exact:
            return exact
    if ref.isascii():
        pattern = _like(ref)
        condition = _matches(Source.title, pattern)
        if "*" in ref:
            condition |= _matches(Source.location, pattern)
    else:
        # Neither engine surely knows the small letters of every script; Python does.
        condition = Source.id.in_(_ids_in_any_script(ref))
    return list(Source.select().where(condition & scope).order_by(Source.id))


def ids_of(refs: Iterable[str]) -> list[int]:
    """The ids of the sources that references name, removed ones too: their articles stay."""
    return [one.id for one in find(refs, removed=True)]


def list_sources(
    *,
    states: Collection[SourceState] = (SourceState.ACTIVE, SourceState.PAUSED),
    kinds: Collection[SourceKind] = (),
) -> list[SourceRecord]:
    """Sources by state and kind (no kinds: all), by group, then name."""
    wanted, chosen = [str(state) for state in states], [str(kind) for kind in kinds]
    sql = f"SELECT {SOURCE_COLUMNS} FROM source WHERE state IN ({', '.join('?' * len(wanted))})"
    if chosen:
        sql += f" AND kind IN ({', '.join('?' * len(chosen))})"
    with current().session():
        found = [stored_source(row) for row in current().rows(sql, (*wanted, *chosen))]
    return sorted(found, key=lambda one: (one.group or "", one.name.casefold(), one.id))


def names(limit: int) -> list[str]:
    """What the listed sources are called (title, else location), each once, by name; at most ``limit``."""
    query = "SELECT DISTINCT COALESCE(title, location) FROM source WHERE state <> ?"
    with current().session():
        found = [row[0] for row in current().rows(query, (str(SourceState.REMOVED),))]
    return sorted(found, key=lambda name: (name.casefold(), name))[:limit]


def remove(source_id: int, now: datetime) -> SourceRecord:
    """Take a source off the list and out of polling; its articles stay. ``now`` is when."""
    return _change(
        source_id, state=SourceState.REMOVED, state_reason=f"removed {now:%Y-%m-%d}", declared=False
    )


def pause(source_id: int, reason: str, now: datetime) -> SourceRecord:
    """Stop polling a source, for a reason that lists show. ``now`` is when."""
    return _change(source_id, state=SourceState.PAUSED, state_reason=f"{reason} ({now:%Y-%m-%d})")


def resume(source_id: int, now: datetime) -> SourceRecord:
    """Poll a paused source again, from now on; its past failures are forgotten."""
    return _change(
        source_id,
        state=SourceState.ACTIVE,
        state_reason=None,
        next_poll_at=now,
        failures=0,
        failing_since=None,
    )


def synchronise(specs: Sequence[tuple[SourceSpec, str]], *, now: datetime) -> Synchronised:
    """Bring the declared sources in line with the settings, in one transaction.

    A declared source that is gone from ``specs`` is paused, never deleted; one that comes back is resumed;
    one that a person paused stays paused. Sources added by hand are left alone, unless now declared, too.
    One that has moved is known by the address that the settings still have, and keeps the new one.
    """
    wanted = {spec.location: (spec, host) for spec, host in specs}
    with current().transaction():
        known = _by_address(list(wanted))
        missing = [location for location in wanted if location not in known]
        add_all([wanted[location] for location in missing], now=now)
        updated, resumed = [], []
        for location, row in known.items():
            if row.location != location and row.location in wanted:
                continue  # declared by both its addresses
            spec, host = wanted[location]
            changes = _differences(row, spec, host)
            if row.state == SourceState.REMOVED or (
                row.state == SourceState.PAUSED and (row.state_reason or "").startswith(_UNDECLARED)
            ):
                changes |= {"state": SourceState.ACTIVE, "state_reason": None, "next_poll_at": now}
                resumed.append(location)
            elif changes:
                updated.append(location)
            if changes:
                _update([row.id], **changes)
        gone = [
            row
            for row in Source.select().where(Source.declared & (Source.state == SourceState.ACTIVE))
            if row.location not in wanted and row.moved_from not in wanted
        ]
        for start in range(0, len(gone), _CHUNK):
            _update(
                [row.id for row in gone[start : start + _CHUNK]],
                state=SourceState.PAUSED,
                state_reason=f"{_UNDECLARED} ({now:%Y-%m-%d})",
            )
    return Synchronised(tuple(missing), tuple(updated), tuple(resumed), tuple(row.location for row in gone))


def _row(spec: SourceSpec, host: str, now: datetime, *, created: bool = True) -> dict[str, Any]:
    polled = spec.kind in {SourceKind.FEED, SourceKind.FOLDER}
    row: dict[str, Any] = {
        "location": spec.location,
        "kind": str(spec.kind),
        "title": spec.title,
        "folder": spec.group,
        "schedule": spec.schedule,
        "options": dict(spec.options),
        "declared": spec.declared,
        "state": str(SourceState.ACTIVE),
        "state_reason": None,
        "host": host,
        "next_poll_at": now if polled else None,
    }
    return row | {"created_at": now} if created else row


def _insert(rows: Sequence[dict[str, Any]]) -> None:
    if not rows:
        return
    columns = [Source._meta.columns[name] for name in rows[0]]
    names = ", ".join(column.column_name for column in columns)
    current().executemany(
        f"INSERT INTO source ({names}) VALUES ({', '.join('?' * len(columns))}) "
        "ON CONFLICT (location) DO NOTHING",
        [[column.db_value(row[column.name]) for column in columns] for row in rows],
    )


def _differences(row: Source, spec: SourceSpec, host: str) -> dict[str, Any]:
    wanted: dict[str, Any] = {
        "kind": str(spec.kind),
        "folder": spec.group,
        "schedule": spec.schedule,
        "options": dict(spec.options),
        "declared": spec.declared,
        "host": host if row.location == spec.location else row.host,
    }
    if spec.title is not None:
        wanted["title"] = spec.title
    return {name: value for name, value in wanted.items() if getattr(row, name) != value}


def _by_address(locations: Sequence[str]) -> dict[str, Source]:
    """Sources by these addresses: the one they have now, else the one they were added with."""
    found: dict[str, Source] = {}
    for address in (Source.moved_from, Source.location):
        for start in range(0, len(locations), _CHUNK):
            chunk = locations[start : start + _CHUNK]
            rows = Source.select().where(address.in_(chunk))
            found.update((getattr(row, address.name), row) for row in rows)
    return found


def _update(ids: Sequence[int], **changes: Any) -> int:
    return int(Source.update(**changes).where(Source.id.in_(ids)).execute())


def _change(source_id: int, **changes: Any) -> SourceRecord:
    with current().transaction():
        if not _update([source_id], **changes):
            raise NotFound(f"there is no source {source_id}")
        return source_record(Source.get_by_id(source_id))


def _like(ref: str) -> str:
    escaped = ref.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return escaped.replace("*", "%").lower()


def _matches(column: Any, pattern: str) -> Any:
    # Spelled out, because Peewee's own LIKE is SQLite's GLOB.
    return NodeList((fn.LOWER(column), SQL("LIKE"), pattern, SQL("ESCAPE '\\'")))


def _ids_in_any_script(ref: str) -> list[int]:
    pattern = re.compile(".*".join(map(re.escape, ref.casefold().split("*"))), re.DOTALL)
    rows = current().rows("SELECT id, title, location FROM source")
    found = [
        source_id
        for source_id, title, location in rows
        if (title and pattern.fullmatch(title.casefold()))
        or ("*" in ref and pattern.fullmatch(location.casefold()))
    ]
    return found[:_MOST_NAMED]


def _unknown(ref: str) -> str:
    names = [
        name
        for row in Source.select(Source.location, Source.title).limit(5_000)
        for name in (row.title, row.location)
        if name
    ]
    close = difflib.get_close_matches(ref, names, n=3, cutoff=0.5)
    hint = f"; did you mean {', '.join(map(repr, close))}?" if close else ""
    return f"no source is called {ref!r} (an id, a location, a title, or a pattern with *){hint}"
