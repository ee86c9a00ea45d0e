"""How sources stand, and their lists: told from columns of their own rows, never from polls or articles.

A list is asked for in two steps, the ids in order and then the sources of a page, so that its cost follows
what is shown: ten thousand sources can be counted, paged and streamed without being held at once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from models.database import Database, current
from models.fields import to_micros
from models.records import Health, SourceHealth, SourceKind, SourceRecord
from models.rows import SOURCE_COLUMNS, stored_source

URGENCY = (
    Health.FAILING, Health.GONE, Health.EMPTY, Health.SILENT, Health.UNDATED, Health.MOVED, Health.PAUSED,
    Health.NEW, Health.OK, Health.IMPORTED, Health.REMOVED,
)  # fmt: skip
_PAGE = 400
# A silence is one beyond a holiday and several of its own usual gaps; where those are not known, a season.
_HOLIDAY, _GAPS, _SEASON = timedelta(days=7), 5, timedelta(days=90)
_NEWS = timedelta(days=30)  # for so long a move is worth telling
_FIRST = timedelta(days=1)
# What the first look brought was new to us only: then the feed's own newest date says more.
_QUIET_SINCE = f"""
    CASE WHEN newest_at < last_new_at AND last_new_at <= created_at + {_FIRST // timedelta(microseconds=1)}
    THEN newest_at ELSE last_new_at END
"""
_IDS = "SELECT id FROM source WHERE {condition} ORDER BY {order}"


def ids(
    now: datetime,
    *,
    states: Collection[Health] = (),
    kinds: Collection[SourceKind] = (),
    removed: bool = False,
    urgent: bool = False,
    limit: int | None = None,
    offset: int = 0,
) -> list[int]:
    """The ids of sources by group and name, for `read`.

    :param states: only those that stand so; none given: all
    :param removed: also those that were removed; naming the state does it, too
    :param urgent: those that need a person first, then by name
    """
    database = current()
    conditions, parameters = [], list[int | str]()
    if not removed and Health.REMOVED not in states:
        conditions.append("state <> 'removed'")
    if states:
        conditions.append(f"{_health(now)} IN ({', '.join('?' * len(states))})")
        parameters += map(str, states)
    if kinds:
        conditions.append(f"kind IN ({', '.join('?' * len(kinds))})")
        parameters += map(str, kinds)
    order = f"{_rank(now)}, {_name(database)}, id" if urgent else f"{_group(database)}, {_name(database)}, id"
    sql = _IDS.format(condition=" AND ".join(conditions) or "1 = 1", order=order)
    if limit is not None:
        sql += " LIMIT ? OFFSET ?"
        parameters += [limit, offset]
    with database.session():
        return [row[0] for row in database.rows(sql, parameters)]


def read(wanted: Sequence[int], now: datetime) -> Iterator[SourceHealth]:
    """The sources of these ids, in this order, a page at a time; those that are no longer there are left out.

    To be used up inside one session.
    """
    database = current()
    for start in range(0, len(wanted), _PAGE):
        page = wanted[start : start + _PAGE]
        marks = ", ".join("?" * len(page))
        with database.session():
            rows = database.rows(
                f"SELECT {_health(now)}, {SOURCE_COLUMNS} FROM source WHERE id IN ({marks})", page
            )
        found = {row[1]: row for row in rows}
        for number in page:
            if number in found:
                health, *values = found[number]
                source = stored_source(values)
                yield SourceHealth(source, Health(health), _quiet_since(source))


def counts(now: datetime) -> dict[Health, int]:
    """How many sources stand how, the urgent ones first; those that were removed, too."""
    database = current()
    with database.session():
        found: dict[str, int] = dict(
            database.rows(f"SELECT {_health(now)} AS health, count(*) FROM source GROUP BY 1")
        )
    return {health: found[health] for health in URGENCY if health in found}


def names(wanted: Iterable[int]) -> dict[int, str]:
    """What sources are called, by id."""
    database = current()
    asked = list(wanted)
    called: dict[int, str] = {}
    with database.session():
        for start in range(0, len(asked), _PAGE):
            page = asked[start : start + _PAGE]
            marks = ", ".join("?" * len(page))
            called |= dict(
                database.rows(f"SELECT id, COALESCE(title, location) FROM source WHERE id IN ({marks})", page)
            )
    return called


def _health(now: datetime) -> str:
    """The state as an expression over a row of ``source``; the first that holds."""
    moment, day = to_micros(now), timedelta(days=1) // timedelta(microseconds=1)
    patience = f"""
        CASE WHEN usual_gap IS NULL THEN {_SEASON.days * day}
        ELSE {_HOLIDAY.days * day} + {_GAPS * 1_000_000} * usual_gap END
    """
    return f"""
        CASE WHEN state = 'removed' THEN '{Health.REMOVED}'
        WHEN state = 'paused' AND failures > 0 AND last_reason = 'gone' THEN '{Health.GONE}'
        WHEN state = 'paused' THEN '{Health.PAUSED}'
        WHEN kind NOT IN ('feed', 'folder') THEN '{Health.IMPORTED}'
        WHEN failures > 0 THEN '{Health.FAILING}'
        WHEN last_polled_at IS NULL THEN '{Health.NEW}'
        WHEN kind = 'folder' THEN '{Health.OK}'
        WHEN entries = 0 THEN '{Health.EMPTY}'
        WHEN {_QUIET_SINCE} < {moment} - ({patience}) THEN '{Health.SILENT}'
        WHEN undated >= entries THEN '{Health.UNDATED}'
        WHEN moved_to IS NOT NULL OR moved_at > {moment - _NEWS.days * day} THEN '{Health.MOVED}'
        ELSE '{Health.OK}' END
    """


def _quiet_since(source: SourceRecord) -> datetime | None:
    """`_QUIET_SINCE` of a source that was read."""
    newest, last = source.newest_at, source.last_new_at
    if newest is not None and last is not None and newest < last <= source.created_at + _FIRST:
        return newest
    return last


def _rank(now: datetime) -> str:
    whens = " ".join(f"WHEN '{health}' THEN {number}" for number, health in enumerate(URGENCY))
    return f"CASE {_health(now)} {whens} END"


def _group(database: Database) -> str:
    """As the index ``source_listed`` has it: sorted by bytes on both engines."""
    return "COALESCE(folder, '')" + _bytes(database)


def _name(database: Database) -> str:
    return "lower(COALESCE(title, location))" + _bytes(database)


def _bytes(database: Database) -> str:
    return "" if database.sqlite else ' COLLATE "C"'
