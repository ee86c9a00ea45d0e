"""Tokens as they are kept."""

from __future__ import annotations

from datetime import timedelta

import pytest

from models import tokens
from models.database import Database
from models.errors import AlreadyThere, NotFound
from models.tokens import Scope
from tests.storage import NOW

DAY = timedelta(days=1)


def test_a_token_is_found_by_its_digest_alone(database: Database) -> None:
    made = tokens.create("desk", "a" * 64, Scope.READ, now=NOW, expires_at=NOW + DAY)
    assert tokens.find("a" * 64) == (made, "a" * 64)
    assert tokens.find("b" * 64) is None
    assert tokens.find("desk") is None
    assert made.stands(NOW)
    assert not made.stands(NOW + DAY)
    assert "a" * 64 not in repr(tokens.list_tokens())


def test_a_name_is_taken_while_its_token_stands(database: Database) -> None:
    tokens.create("desk", "a" * 64, Scope.READ, now=NOW, expires_at=NOW + DAY)
    with pytest.raises(AlreadyThere, match="revoke it first"):
        tokens.create("desk", "b" * 64, Scope.READ, now=NOW)
    later = tokens.create("desk", "b" * 64, Scope.WRITE, now=NOW + DAY)
    assert [one.scope for one in tokens.list_tokens()] == [Scope.WRITE]
    assert tokens.find("a" * 64) is None
    revoked = tokens.revoke("desk", NOW + DAY)
    assert revoked.id == later.id
    assert not revoked.stands(NOW + DAY)
    assert tokens.revoke("desk", NOW + 2 * DAY).revoked_at == NOW + DAY
    tokens.used(revoked.id, NOW + DAY)
    assert tokens.list_tokens()[0].used_at == NOW + DAY
    with pytest.raises(NotFound, match="no token 'nobody'"):
        tokens.revoke("nobody", NOW)


def test_a_scope_includes_those_before_it() -> None:
    assert Scope.WRITE.includes(Scope.READ)
    assert Scope.READ.includes(Scope.FEED)
    assert not Scope.READ.includes(Scope.WRITE)
    assert not Scope.FEED.includes(Scope.READ)
