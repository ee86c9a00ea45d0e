"""Subscriptions at hubs (WebSub, https://www.w3.org/TR/websub/): what is wanted, asked for and granted.

A source has at most one subscription that is wanted, and perhaps others that are being given up. What is to
be done next stands in ``next_at``, so that several processes share the work as they share polls::

    WANTED → ASKED → ACTIVE (→ asked again before the lease ends)
       ↑        └──→ DENIED  (the hub said no; asked again much later)
    RESTING ← LEAVING        (the source is paused or removed, or its feed names another hub)

What a hub says is believed only as far as it answers what was asked: see `verify`.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any

from models.database import Database, Lock, current
from models.fields import optional_moment, storable, to_micros
from models.websub_records import Subscription, SubscriptionState

LAST_GOODBYE = 3  # times that a hub is told to stop; then its deliveries are answered with "gone"
SETTLED = timedelta(days=1)  # a feed that names now this hub, now that, is followed once a day
GRACE = timedelta(minutes=10)  # a hub that did not get our answer may ask the same again
_ERROR = 500  # characters kept
_CHUNK = 400
_NEVER_VERIFIED = "the hub took the request, and never came back to verify it"


_TABLE = "websub_subscription"
_NAMES = tuple(one.name for one in fields(Subscription))
_COLUMNS = ", ".join(f"s.{name}" for name in _NAMES)
_MOMENTS = frozenset(name for name in _NAMES if name.endswith("_at") or name == "lease_until")
_POLLED = "EXISTS (SELECT 1 FROM source WHERE source.id = source_id AND source.state = 'active')"
_WANTED = "state NOT IN ('leaving', 'resting')"


# -- questions -----------------------------------------------------------------------------------------


def subscriptions(source_ids: Collection[int] | None = None) -> list[Subscription]:
    """The subscriptions of some sources, or all; those that are being given up, too."""
    if source_ids is None:
        return _read("ORDER BY s.id", ())
    wanted, found = list(source_ids), list[Subscription]()
    for start in range(0, len(wanted), _CHUNK):
        chunk = wanted[start : start + _CHUNK]
        found += _read(f"WHERE s.source_id IN ({', '.join('?' * len(chunk))}) ORDER BY s.id", chunk)
    return found


def of_source(source_id: int) -> Subscription | None:
    """The subscription that is wanted for a source."""
    return next(iter(_read("WHERE s.source_id = ? AND s.state <> 'leaving'", (source_id,))), None)


def pushes(source_id: int, now: datetime) -> bool:
    """Whether a hub is known to deliver what a source brings."""
    found = of_source(source_id)
    return found is not None and found.pushes(now)


def receiver(token: str) -> Subscription | None:
    """The subscription that a delivery to this callback is for, if any is to be taken."""
    condition = f"WHERE s.token = ? AND s.state IN ('active', 'leaving') AND {_POLLED}"
    return next(iter(_read(condition, (token,))), None)


def troubled(now: datetime, *, limit: int = 100) -> list[tuple[Subscription, str]]:
    """The subscriptions that something is wrong with, and what (`Subscription.trouble`)."""
    suspects = _read(
        f"WHERE s.{_WANTED} AND (s.state <> 'active' OR s.lease_until <= ? OR s.refused > 0) ORDER BY s.id",
        (to_micros(now),),
    )
    found = ((one, one.trouble(now)) for one in suspects)
    return [(one, why) for one, why in found if why is not None][:limit]


# -- what is wanted ------------------------------------------------------------------------------------


def discover(source_id: int, *, hub: str, topic: str, feed_url: str, now: datetime) -> bool:
    """Want a source's feed from a hub, as the feed says now; whether that is news.

    Another hub or topic than before is asked first, and the old one told to stop a little later. Within a
    day of the last such change it is left alone.
    """
    wanted = (storable(hub), storable(topic), storable(feed_url))
    known = of_source(source_id)
    if known is not None and (known.hub, known.topic, known.feed_url) == wanted:
        return False
    database = current()
    with database.transaction():
        if known is not None and (known.hub, known.topic) == wanted[:2]:
            database.execute(f"UPDATE {_TABLE} SET feed_url = ? WHERE id = ?", (wanted[2], known.id))
            return False
        if known is not None:
            if known.state is not SubscriptionState.RESTING and now - known.created_at < SETTLED:
                return False
            _leave(database, "id = ?", (known.id,), now + GRACE)
        moment = to_micros(now)
        inserted = database.execute(
            f"INSERT INTO {_TABLE} (source_id, hub, topic, feed_url, token, secret, state, created_at, "
            "next_at) VALUES (?, ?, ?, ?, ?, ?, 'wanted', ?, ?) "
            "ON CONFLICT (source_id) WHERE state <> 'leaving' DO NOTHING",
            (source_id, *wanted, secrets.token_urlsafe(32), secrets.token_urlsafe(48), moment, moment),
        )
    return bool(inserted.rowcount > 0)


def withdraw(source_id: int, now: datetime) -> bool:
    """Give up a source's subscription, because its feed names no hub; whether that is news.

    One that is younger than a day is left alone: some sites answer from several machines, not all alike.
    """
    known = of_source(source_id)
    if known is None or known.state is SubscriptionState.RESTING or now - known.created_at < SETTLED:
        return False
    database = current()
    with database.transaction():
        _leave(database, "id = ?", (known.id,), now)
    return True


def reconcile(callback: str, now: datetime) -> int:
    """Bring subscriptions in line with their sources and the callback's address; gives how many changed.

    Sources that are no longer polled are given up, those that are polled again are asked for again, and so
    are those whose hub knows another callback (without its token).
    """
    database = current()
    moment = to_micros(now)
    abandoned = f"{_WANTED} AND NOT {_POLLED}"
    revived = f"state = 'resting' AND {_POLLED}"
    moved = f"{_WANTED} AND callback <> ? AND next_at > ?"
    anything = f"SELECT 1 FROM {_TABLE} WHERE ({abandoned}) OR ({revived}) OR ({moved}) LIMIT 1"
    with database.session():
        if database.value(anything, (callback, moment)) is None:
            return 0
        with database.transaction():
            database.lock(Lock.WRITE)  # many rows: two such changes must not wait for each other
            changed = _leave(database, abandoned, (), now)
            again = database.execute(
                f"UPDATE {_TABLE} SET state = 'wanted', attempts = 0, next_at = ? WHERE {revived}", (moment,)
            )
            told = database.execute(
                f"UPDATE {_TABLE} SET attempts = 0, next_at = ? WHERE {moved}", (moment, callback, moment)
            )
    return changed + int(again.rowcount) + int(told.rowcount)


def _leave(database: Database, condition: str, parameters: Sequence[Any], at: datetime) -> int:
    """Give up those that a condition names, telling the hub from a time on; what no hub knows is dropped."""
    unknown = "(asked_at IS NULL OR state IN ('denied', 'resting'))"
    dropped = database.execute(f"DELETE FROM {_TABLE} WHERE {unknown} AND ({condition})", tuple(parameters))
    left = database.execute(
        f"UPDATE {_TABLE} SET state = 'leaving', pending = NULL, attempts = 0, next_at = ? "
        f"WHERE ({condition})",
        (to_micros(at), *parameters),
    )
    return int(dropped.rowcount) + int(left.rowcount)


# -- asking --------------------------------------------------------------------------------------------


def claim(callback: str, now: datetime, *, hold: timedelta, limit: int) -> list[Subscription]:
    """Take up to ``limit`` subscriptions that something is due about; nobody else does before ``hold`` ends.

    From now on the hub's verification of what is asked for is expected (``pending``): it may come before the
    request is answered. ``callback`` is noted, but for those that are being given up: they are known to their
    hub by the old one.
    """
    database = current()
    moment = to_micros(now)
    due = f"FROM {_TABLE} WHERE next_at IS NOT NULL AND next_at <= ?"
    with database.session():
        if limit < 1 or database.value(f"SELECT 1 {due} LIMIT 1", (moment,)) is None:
            return []
        with database.transaction():
            skip = "" if database.sqlite else " FOR UPDATE SKIP LOCKED"
            rows = database.rows(f"SELECT id {due} ORDER BY next_at, id LIMIT ?{skip}", (moment, limit))
            ids = [row[0] for row in rows]
            if not ids:
                return []  # someone else was quicker
            marks = ", ".join("?" * len(ids))
            database.execute(
                f"""
                UPDATE {_TABLE} SET asked_at = ?, next_at = ?, attempts = attempts + 1,
                    pending = CASE WHEN state = 'leaving' THEN 'unsubscribe' ELSE 'subscribe' END,
                    callback = CASE WHEN state = 'leaving' THEN callback ELSE ? END,
                    last_error = CASE WHEN state = 'asked' THEN ? ELSE last_error END,
                    error_at = CASE WHEN state = 'asked' THEN ? ELSE error_at END
                WHERE id IN ({marks})
                """,
                (moment, to_micros(now + hold), callback, _NEVER_VERIFIED, moment, *ids),
            )
            return _read(f"WHERE s.id IN ({marks}) ORDER BY s.asked_at, s.id", ids)


def accepted(subscription_id: int, *, next_at: datetime) -> None:
    """The hub took a request and is to verify it; else it is asked again at ``next_at``.

    Nothing is changed where the verification has come already.
    """
    _change(
        "UPDATE {table} SET state = CASE WHEN state IN ('wanted', 'denied') THEN 'asked' ELSE state END, "
        "next_at = ? WHERE id = ? AND pending IS NOT NULL",
        (to_micros(next_at), subscription_id),
    )


def failed(subscription_id: int, error: str, *, next_at: datetime, now: datetime) -> None:
    """A request came to nothing; it is asked again at ``next_at``.

    A hub that is to be left is told so a few times, and then forgotten.
    """
    database = current()
    with database.transaction():
        database.execute(
            f"UPDATE {_TABLE} SET last_error = ?, error_at = ?, next_at = ? "
            "WHERE id = ? AND pending IS NOT NULL",
            (_short(error), to_micros(now), to_micros(next_at), subscription_id),
        )
        tired = database.rows(
            f"SELECT id, source_id FROM {_TABLE} WHERE id = ? AND state = 'leaving' AND attempts >= ?",
            (subscription_id, LAST_GOODBYE),
        )
        for row in tired:
            _end(database, *row)


# -- what a hub says -----------------------------------------------------------------------------------


def verify(
    token: str, mode: str, topic: str, *, lease_until: datetime, next_at: datetime, now: datetime
) -> bool:
    """Whether we asked for what a hub wants to be sure of (section 5.3), and note that it is sure now.

    It must name the topic of the subscription whose callback it called, and the mode that is pending there;
    the same mode again within ten minutes is confirmed, too. ``next_at`` is when to ask for a longer lease.
    """
    database = current()
    with database.transaction():
        if mode == "unsubscribe":
            rows = database.rows(
                f"SELECT id, source_id FROM {_TABLE} WHERE token = ? AND topic = ? AND state = 'leaving' "
                "AND pending = 'unsubscribe'",
                (storable(token), storable(topic)),
            )
            for row in rows:
                _end(database, *row)
            return bool(rows)
        if mode != "subscribe":
            return False
        cursor = database.execute(
            f"UPDATE {_TABLE} SET state = 'active', pending = NULL, verified_at = ?, lease_until = ?, "
            "next_at = ?, attempts = 0, last_error = NULL, error_at = NULL "
            f"WHERE token = ? AND topic = ? AND {_WANTED} AND (pending = 'subscribe' OR verified_at >= ?) "
            f"AND {_POLLED}",
            (
                to_micros(now),
                to_micros(lease_until),
                to_micros(next_at),
                storable(token),
                storable(topic),
                to_micros(now - GRACE),
            ),
        )
        return int(cursor.rowcount) == 1


def deny(token: str, topic: str, reason: str, *, next_at: datetime, now: datetime) -> bool:
    """A hub refuses, or ends, a subscription (section 5.2); whether it is one of ours."""
    database = current()
    names = (storable(token), storable(topic))
    with database.transaction():
        cursor = database.execute(
            f"UPDATE {_TABLE} SET state = 'denied', pending = NULL, lease_until = NULL, last_error = ?, "
            f"error_at = ?, next_at = ? WHERE token = ? AND topic = ? AND {_WANTED}",
            (_short(reason), to_micros(now), to_micros(next_at), *names),
        )
        if cursor.rowcount == 1:
            return True
        rows = database.rows(
            f"SELECT id, source_id FROM {_TABLE} WHERE token = ? AND topic = ? AND state = 'leaving'", names
        )
        for row in rows:
            _end(database, *row)
    return bool(rows)


def refuse(subscription_id: int, error: str, now: datetime) -> None:
    """Count a delivery that was not signed as agreed."""
    _change(
        "UPDATE {table} SET refused = refused + 1, last_error = ?, error_at = ? WHERE id = ?",
        (_short(error), to_micros(now), subscription_id),
    )


def delivered(subscription_id: int, articles: int, now: datetime) -> None:
    """Count a delivery that was read, and the articles that it brought or changed."""
    _change(
        "UPDATE {table} SET deliveries = deliveries + 1, articles = articles + ?, delivered_at = ? "
        "WHERE id = ?",
        (articles, to_micros(now), subscription_id),
    )


def unread(subscription_id: int, error: str, now: datetime) -> None:
    """Count a delivery that could not be read."""
    _change(
        "UPDATE {table} SET unreadable = unreadable + 1, last_error = ?, error_at = ? WHERE id = ?",
        (_short(error), to_micros(now), subscription_id),
    )


def missed(source_id: int, now: datetime) -> None:
    """A poll found what no delivery had brought: until the next one, the hub is not relied on."""
    if pushes(source_id, now):
        _change(
            "UPDATE {table} SET missed_at = ? WHERE source_id = ? AND state = 'active'",
            (to_micros(now), source_id),
        )


# -- inside --------------------------------------------------------------------------------------------


def _end(database: Database, subscription_id: int, source_id: int) -> None:
    """What has been left is gone; it is remembered where its source may be polled again."""
    polled = (
        "SELECT 1 FROM source WHERE id = ? AND state = 'active' UNION ALL "
        f"SELECT 1 FROM {_TABLE} WHERE source_id = ? AND state <> 'leaving'"
    )
    if database.value(polled, (source_id, source_id)) is not None:
        database.execute(f"DELETE FROM {_TABLE} WHERE id = ?", (subscription_id,))
        return
    database.execute(
        f"UPDATE {_TABLE} SET state = 'resting', pending = NULL, attempts = 0, next_at = NULL, "
        "verified_at = NULL, lease_until = NULL WHERE id = ?",
        (subscription_id,),
    )


def _change(sql: str, parameters: Sequence[Any]) -> None:
    with current().transaction():
        current().execute(sql.format(table=_TABLE), tuple(parameters))


def _read(rest: str, parameters: Sequence[Any]) -> list[Subscription]:
    with current().session():
        rows = current().rows(f"SELECT {_COLUMNS} FROM {_TABLE} AS s {rest}", tuple(parameters))
    return [_record(row) for row in rows]


def _record(row: Sequence[Any]) -> Subscription:
    values: dict[str, Any] = {
        name: optional_moment(value) if name in _MOMENTS else value
        for name, value in zip(_NAMES, row, strict=True)
    }
    return Subscription(**values | {"state": SubscriptionState(values["state"])})


def _short(text: str) -> str:
    return storable(text[:_ERROR])


__all__ = [
    "GRACE", "LAST_GOODBYE", "SETTLED", "Subscription", "SubscriptionState", "accepted", "claim", "delivered",
    "deny", "discover", "failed", "missed", "of_source", "pushes", "receiver", "reconcile", "refuse",
    "subscriptions", "troubled", "unread", "verify", "withdraw",
]  # fmt: skip
