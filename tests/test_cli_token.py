"""``wirewatch token``: shown once, kept as a digest, listed, revoked."""

from __future__ import annotations

import re

import pytest

from models import tokens
from models.database import open_database
from service.cli.exits import Exit
from service.tokens import digest
from tests.cli_home import Home, home

__all__ = ["home"]


@pytest.fixture
def made(home: Home) -> Home:
    assert home.run("migrate").code == 0
    return home


def test_a_token_is_shown_once_and_kept_as_its_digest(made: Home) -> None:
    done = made.run("token", "create", "desk", "--scope", "read", "--expires", "90d")
    secret = done.out.strip()
    assert re.fullmatch(r"ww_[A-Za-z0-9_-]{43}", secret)
    assert "not shown again" in done.err
    assert secret not in done.err
    assert secret.encode() not in made.database.read_bytes()
    database = open_database(made.database)
    found = tokens.find(digest(secret))
    database.close()
    assert found is not None
    assert (found[0].name, str(found[0].scope)) == ("desk", "read")
    assert secret not in made.run("token", "list").out
    [listed] = made.run("token", "list", "--json").json
    assert (listed["state"], listed["used_at"]) == ("good", None)
    assert listed["expires_at"] > listed["created_at"]


def test_a_name_is_taken_until_its_token_is_revoked(made: Home) -> None:
    first = made.run("token", "create", "desk", "--scope", "write", "--json").json
    again = made.run("token", "create", "desk", "--scope", "write")
    assert again.code == Exit.USAGE
    assert "there is a token 'desk' already" in again.complaint
    assert made.run("token", "revoke", "desk").code == 0
    [listed] = made.run("token", "list", "--json").json
    assert listed["state"] == "revoked"
    second = made.run("token", "create", "desk", "--scope", "feed", "--json").json
    assert second["token"] != first["token"]
    assert [one["scope"] for one in made.run("token", "list", "--json").json] == ["feed"]


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        (("create", "desk"), Exit.USAGE, "--scope"),
        (("create", "desk", "--scope", "root"), Exit.USAGE, "'root' is not one of"),
        (("create", "desk", "--scope", "read", "--expires", "soon"), Exit.USAGE, "no duration"),
        (("create", "desk", "--scope", "read", "--expires", "0"), Exit.USAGE, "from 1m to 3650d"),
        (("create", "", "--scope", "read"), Exit.USAGE, "1 to 80 letters"),
        (("create", "a\nb", "--scope", "read"), Exit.USAGE, "1 to 80 letters"),
        (("revoke", "nobody"), Exit.NOT_FOUND, "there is no token 'nobody'"),
    ],
)
def test_what_is_wrong_is_said(made: Home, arguments: tuple[str, ...], code: Exit, reason: str) -> None:
    done = made.run("token", *arguments)
    assert done.code == code
    assert reason in done.err
    assert made.run("token", "list", "--json").json == []


def test_no_token_is_said_to_people_alone(made: Home) -> None:
    done = made.run("token", "list")
    assert (done.code, done.out) == (0, "")
    assert "token create" in done.err
