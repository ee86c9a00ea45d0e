"""Claiming what is due: a lease that several processes and machines compete for.

Policy: active, of a kind that is polled, due, not leased (a lease that ran out counts as none), the longest
due first, and never more of one registrable domain at a time than asked, leases still held included.
PostgreSQL skips rows that someone else holds (``FOR UPDATE SKIP LOCKED``); SQLite does it in one short
write transaction, and takes no lock at all where nothing is due. What it costs depends on how many are due
and claimed, not on how many sources there are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from models.database import Database, Lock, current
from models.fields import to_micros
from models.records import SourceKind, SourceRecord, SourceState
from models.rows import SOURCE_COLUMNS, stored_source
from models.tables import Source

_CHUNK = 400
_POLLED = (SourceKind.FEED, SourceKind.FOLDER)
_DUE = "state = 'active' AND next_poll_at IS NOT NULL AND next_poll_at <= ?"
_FREE = "(lease_until IS NULL OR lease_until <= ?)"


def claim(
    now: datetime,
    *,
    owner: str,
    lease: timedelta,
    limit: int,
    per_host: int,
    kinds: Collection[SourceKind] = _POLLED,
) -> list[SourceRecord]:
    """Lease up to ``limit`` due sources to ``owner`` until ``now + lease``, the longest due first.

    At most ``per_host`` of one host are leased at a time, over all owners; folders have no host and no limit.
    """
    database = current()
    moment = to_micros(now)
    with database.session():
        if limit < 1 or not kinds or not _anything_due(database, moment):
            return []
        with database.transaction():
            database.lock(Lock.CLAIM)
            chosen = _choose(database, moment, limit, per_host, [str(kind) for kind in kinds])
            return _lease(chosen, owner, now + lease)


def claim_these(
    ids: Sequence[int], now: datetime, *, owner: str, lease: timedelta, per_host: int | None = None
) -> list[SourceRecord]:
    """Lease named sources, due or not, paused or not; those that someone else holds are left out.

    With ``per_host`` the same limit holds as in `claim`; the ids beyond it are left out, too.
    """
    database = current()
    moment = to_micros(now)
    with database.transaction():
        database.lock(Lock.CLAIM)
        busy = _busy_hosts(database, moment) if per_host is not None else Counter[str]()
        chosen: list[int] = []
        for start in range(0, len(ids), _CHUNK):
            chunk = ids[start : start + _CHUNK]
            marks = ", ".join("?" * len(chunk))
            found = database.rows(
                f"SELECT id, host FROM source WHERE id IN ({marks}) AND state <> ? AND {_FREE} "
                f"ORDER BY id{_skip_locked(database)}",
                (*chunk, str(SourceState.REMOVED), moment),
            )
            chosen += _within(found, busy, per_host, len(chunk))
        return _lease(chosen, owner, now + lease)


def lease_owners() -> list[str]:
    """Who holds leases, also those that ran out: a daemon that starts gives back what a dead one left."""
    database = current()
    with database.session():
        rows = database.rows("SELECT DISTINCT lease_owner FROM source WHERE lease_owner IS NOT NULL")
    return [row[0] for row in rows]


def release(owner: str, *, ids: Sequence[int] | None = None) -> int:
    """Give back the leases of an owner, all or those of some sources; gives how many there were."""
    condition = Source.lease_owner == owner
    if ids is not None:
        condition &= Source.id.in_(list(ids))
    with current().transaction():
        return int(Source.update(lease_owner=None, lease_until=None).where(condition).execute())


def renew(source_id: int, owner: str, until: datetime) -> bool:
    """Keep a source that its owner still has in hand; False where the lease was lost to somebody else."""
    held = (Source.id == source_id) & (Source.lease_owner == owner)
    with current().transaction():
        return bool(Source.update(lease_until=until).where(held).execute())


def overdue(now: datetime, *, new: bool = False) -> list[tuple[int, str]]:
    """The feeds that are due and in nobody's hands, as (id, host), the longest due first.

    :param new: only those that were never looked at
    """
    database = current()
    moment = to_micros(now)
    never = "AND last_polled_at IS NULL " if new else ""
    with database.session():
        rows = database.rows(
            f"SELECT id, host FROM source WHERE {_DUE} AND kind = ? AND {_FREE} {never}"
            "ORDER BY next_poll_at, id",
            (moment, str(SourceKind.FEED), moment),
        )
    return [(row[0], row[1]) for row in rows]


def reschedule(times: Mapping[int, datetime], *, now: datetime) -> None:
    """Put off sources to these times, by id, in one transaction; what is claimed by then is left alone."""
    database = current()
    moment = to_micros(now)
    with database.transaction():
        database.lock(Lock.CLAIM)
        database.executemany(
            f"UPDATE source SET next_poll_at = ? WHERE id = ? AND {_DUE} AND {_FREE}",
            [(to_micros(time), source_id, moment, moment) for source_id, time in times.items()],
        )


def bring_back(now: datetime, *, beyond: timedelta = timedelta(minutes=2)) -> int:
    """Mend what a clock that is put back leaves: sources last looked at in the future, and due after that.

    They keep their intervals, counted from now; else nobody would look at them until the clock is there
    again. Gives how many there were.

    :param beyond: what the clocks of several machines may differ by
    """
    database = current()
    moment = to_micros(now)
    with database.session():
        late = moment + beyond // timedelta(microseconds=1)
        if database.value("SELECT 1 FROM source WHERE last_polled_at > ? LIMIT 1", (late,)) is None:
            return 0
        with database.transaction():
            database.lock(Lock.CLAIM)
            changed = database.rows(
                "UPDATE source SET last_polled_at = ?, "
                "next_poll_at = next_poll_at - (last_polled_at - ?), "
                "not_before = not_before - (last_polled_at - ?) "
                "WHERE last_polled_at > ? RETURNING id",
                (moment, moment, moment, late),
            )
    return len(changed)


@dataclass(frozen=True, slots=True)
class Hastened:
    """What became of sources that were to be due at once; the others of them are in someone's hands."""

    due: tuple[int, ...] = ()
    idle: tuple[int, ...] = ()  # paused, removed, or none


def hasten(ids: Sequence[int], now: datetime) -> Hastened:
    """Have sources due now, where they are active and in nobody's hands."""
    database = current()
    moment = to_micros(now)
    due: list[int] = []
    held: set[int] = set()
    with database.transaction():
        database.lock(Lock.CLAIM)
        for start in range(0, len(ids), _CHUNK):
            chunk = ids[start : start + _CHUNK]
            marks = ", ".join("?" * len(chunk))
            rows = database.rows(
                f"SELECT id, COALESCE(lease_until, 0) FROM source WHERE id IN ({marks}) AND state = 'active'",
                chunk,
            )
            held.update(source_id for source_id, until in rows if until > moment)
            due += [source_id for source_id, until in rows if until <= moment]
            database.execute(
                f"UPDATE source SET next_poll_at = ? WHERE id IN ({marks}) AND state = 'active' "
                f"AND next_poll_at > ? AND {_FREE}",
                (moment, *chunk, moment, moment),
            )
    return Hastened(tuple(due), tuple(one for one in ids if one not in held and one not in set(due)))


def _anything_due(database: Database, moment: int) -> bool:
    question = f"SELECT 1 FROM source WHERE {_DUE} AND {_FREE} LIMIT 1"
    return database.value(question, (moment, moment)) is not None


def _busy_hosts(database: Database, moment: int) -> Counter[str]:
    held = database.rows(
        "SELECT host, count(*) FROM source WHERE lease_until IS NOT NULL AND lease_until > ? GROUP BY host",
        (moment,),
    )
    return Counter(dict(held))


def _choose(database: Database, moment: int, limit: int, per_host: int, kinds: Sequence[str]) -> list[int]:
    """Walk the index of due times, in chunks, past the hosts that have no place left."""
    busy = _busy_hosts(database, moment)
    chosen: list[int] = []
    after = (-(1 << 62), 0)
    size = max(64, 2 * limit)
    marks = ", ".join("?" * len(kinds))
    while len(chosen) < limit:
        full = [host for host, count in busy.items() if host and count >= per_host][:_CHUNK]
        unlike = f"AND host NOT IN ({', '.join('?' * len(full))})" if full else ""
        found = database.rows(
            f"SELECT id, host, next_poll_at FROM source WHERE {_DUE} AND (next_poll_at, id) > (?, ?) "
            f"AND kind IN ({marks}) AND {_FREE} {unlike} "
            f"ORDER BY next_poll_at, id LIMIT ?{_skip_locked(database)}",
            (moment, *after, *kinds, moment, *full, size),
        )
        chosen += _within([row[:2] for row in found], busy, per_host, limit - len(chosen))
        if len(found) < size:
            break
        after = (found[-1][2], found[-1][0])
    return chosen


def _within(
    found: Sequence[tuple[int, str]], busy: Counter[str], per_host: int | None, limit: int
) -> list[int]:
    """The first that their hosts have places for; ``busy`` counts them."""
    chosen: list[int] = []
    for source_id, host in found:
        if len(chosen) == limit:
            break
        if host and per_host is not None and busy[host] >= per_host:
            continue
        busy[host] += 1
        chosen.append(source_id)
    return chosen


def _lease(ids: Sequence[int], owner: str, until: datetime) -> list[SourceRecord]:
    database = current()
    leased: dict[int, SourceRecord] = {}
    for start in range(0, len(ids), _CHUNK):
        chunk = ids[start : start + _CHUNK]
        rows = database.rows(
            "UPDATE source SET lease_owner = ?, lease_until = ? "
            f"WHERE id IN ({', '.join('?' * len(chunk))}) RETURNING {SOURCE_COLUMNS}",
            (owner, to_micros(until), *chunk),
        )
        leased.update((record.id, record) for record in map(stored_source, rows))
    return [leased[source_id] for source_id in ids]


def _skip_locked(database: Database) -> str:
    return "" if database.sqlite else " FOR UPDATE SKIP LOCKED"
