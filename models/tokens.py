"""Tokens of programs: only their digests are kept, and what they may do, until when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from models.database import current
from models.errors import AlreadyThere, NotFound
from models.fields import from_micros, optional_micros, optional_moment, storable, to_micros

_COLUMNS = "id, name, scope, created_at, expires_at, revoked_at, used_at"


class Scope(StrEnum):
    """What a token is good for; each includes those before it."""

    FEED = "feed"  # reading outgoing feeds, also by an address that carries the token
    READ = "read"  # reading everything
    WRITE = "write"  # giving and withdrawing verdicts

    def includes(self, other: Scope) -> bool:
        """Whether it is good for the other, too."""
        order = tuple(Scope)
        return order.index(self) >= order.index(other)


@dataclass(frozen=True, slots=True)
class TokenRecord:
    """A token, without what would let anybody in."""

    id: int
    name: str
    scope: Scope
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    used_at: datetime | None = None  # to about an hour

    def stands(self, now: datetime) -> bool:
        """Whether it lets anybody in at a time."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


def create(
    name: str, digest: str, scope: Scope, *, now: datetime, expires_at: datetime | None = None
) -> TokenRecord:
    """Keep a token's digest. Raises AlreadyThere where a token of this name stands.

    A name is free again once its token was revoked or has run out.
    """
    database = current()
    named = storable(name)
    with database.transaction():
        rows = database.rows(f"SELECT {_COLUMNS} FROM token WHERE name = ?", (named,))
        if rows and _record(rows[0]).stands(now):
            raise AlreadyThere(f"there is a token {name!r} already: revoke it first, or choose another name")
        database.execute("DELETE FROM token WHERE name = ?", (named,))
        database.execute(
            "INSERT INTO token (name, digest, scope, created_at, expires_at) VALUES (?, ?, ?, ?, ?)",
            (named, digest, str(scope), to_micros(now), optional_micros(expires_at)),
        )
        [row] = database.rows(f"SELECT {_COLUMNS} FROM token WHERE name = ?", (named,))
    return _record(row)


def list_tokens() -> list[TokenRecord]:
    """All tokens by name, also those that let nobody in any more."""
    with current().session():
        return [_record(row) for row in current().rows(f"SELECT {_COLUMNS} FROM token ORDER BY name")]


def find(digest: str) -> tuple[TokenRecord, str] | None:
    """The token of a digest with the digest as stored, whether it stands or not.

    An index is asked for the digest of 256 random bits: how long that takes tells nobody anything of use.
    """
    with current().session():
        rows = current().rows(f"SELECT {_COLUMNS}, digest FROM token WHERE digest = ?", (digest,))
    return (_record(rows[0]), str(rows[0][-1])) if rows else None


def revoke(name: str, now: datetime) -> TokenRecord:
    """Let nobody in by this token from now on. Raises NotFound."""
    database = current()
    with database.transaction():
        database.execute(
            "UPDATE token SET revoked_at = ? WHERE name = ? AND revoked_at IS NULL",
            (to_micros(now), storable(name)),
        )
        rows = database.rows(f"SELECT {_COLUMNS} FROM token WHERE name = ?", (storable(name),))
    if not rows:
        raise NotFound(f"there is no token {name!r}: 'wirewatch token list' has them")
    return _record(rows[0])


def used(token_id: int, now: datetime) -> None:
    """Note that a token was used."""
    database = current()
    with database.transaction():
        database.execute("UPDATE token SET used_at = ? WHERE id = ?", (to_micros(now), token_id))


def _record(row: tuple[Any, ...]) -> TokenRecord:
    number, name, scope, created, expires, revoked, last = row[:7]
    return TokenRecord(
        number,
        name,
        Scope(scope),
        from_micros(created),
        optional_moment(expires),
        optional_moment(revoked),
        optional_moment(last),
    )
