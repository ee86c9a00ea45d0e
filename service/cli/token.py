"""``wirewatch token …``: whom the HTTP API and the feeds let in."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from service.cli.output import ago, hint, moment, print_json, print_table, say
from service.cli.state import State, define, json_option

if TYPE_CHECKING:
    from datetime import datetime

    from models.tokens import TokenRecord

_SCOPES = ("feed", "read", "write")
_NAME = re.compile(r"[\w][\w .@-]{0,79}")
_LEAST, _MOST = timedelta(minutes=1), timedelta(days=3650)


@click.group(
    "token",
    epilog="\b\nExamples:\n  wirewatch token create desk --scope read --expires 90d\n  wirewatch token list",
)
def command() -> None:
    """Make, list and revoke tokens for the HTTP API and the feeds."""


@define(
    "create",
    examples="""
    wirewatch token create desk --scope read --expires 90d
    (umask 077; wirewatch token create desk --scope write > desk.token)
    """,
)
@click.argument("name")
@click.option(
    "--scope",
    type=click.Choice(_SCOPES),
    required=True,
    help="feed: reading feeds; read: reading all; write: giving verdicts, too.",
)
@click.option(
    "--expires", metavar="DURATION", help="How long it is good for: 12h, 90d; unset: until revoked."
)
@json_option
def create(state: State, name: str, scope: str, expires: str | None, as_json: bool) -> None:
    """Make a token, and print it.

    It is printed this once: what is kept does not let anybody find it again. Send it as the header
    "Authorization: Bearer …"; feed readers take it as a password, with any user name.
    """
    if not _NAME.fullmatch(name):
        raise click.BadParameter("1 to 80 letters, digits, spaces and .@_-", param_hint="NAME")
    from models import tokens  # noqa: PLC0415 - importing models costs Peewee
    from service.tokens import digest, make  # noqa: PLC0415

    now = state.now
    until = None if expires is None else now + _duration(expires)
    secret = make()
    with state.database():
        made = tokens.create(name, digest(secret), tokens.Scope(scope), now=now, expires_at=until)
    if as_json:
        print_json({"token": secret, **_as_json(made, now)})
        return
    say(secret)
    ends = f"until {made.expires_at:%Y-%m-%d %H:%M}" if made.expires_at else "until it is revoked"
    hint(f"the token {name!r} is good for the scope {scope!r} {ends}; it is not shown again")


@define(
    "list",
    examples="""
    wirewatch token list
    wirewatch token list --json | jq '.[] | select(.state == "good") | .name'
    """,
)
@json_option
def list_command(state: State, as_json: bool) -> None:
    """List the tokens: what they are good for, until when, and when they were last used.

    The last use is kept to the hour. Tokens that the settings hold are not listed.
    """
    with state.database():
        from models import tokens  # noqa: PLC0415

        found = tokens.list_tokens()
    now = state.now
    if as_json:
        print_json([_as_json(one, now) for one in found])
    elif found:
        print_table(
            ["NAME", "SCOPE", "STATE", "CREATED", "EXPIRES", "LAST USED"],
            [
                [
                    one.name,
                    str(one.scope),
                    _state(one, now),
                    f"{one.created_at:%Y-%m-%d}",
                    f"{one.expires_at:%Y-%m-%d}" if one.expires_at else "never",
                    ago(one.used_at, now),
                ]
                for one in found
            ],
        )
    else:
        hint("there are no tokens: 'wirewatch token create NAME --scope read' makes one")


@define(
    "revoke",
    examples="""
    wirewatch token revoke desk
    """,
)
@click.argument("name")
@json_option
def revoke(state: State, name: str, as_json: bool) -> None:
    """Let nobody in by a token from now on."""
    with state.database():
        from models import tokens  # noqa: PLC0415

        revoked = tokens.revoke(name, state.now)
    if as_json:
        print_json(_as_json(revoked, state.now))
    else:
        say(f"the token {name!r} lets nobody in any more")


def _duration(text: str) -> timedelta:
    from service.settings_units import parse_duration  # noqa: PLC0415

    try:
        length = parse_duration(text)
    except ValueError:
        length = timedelta()
    if not _LEAST <= length <= _MOST:
        raise click.BadParameter(
            f"{text!r} is no duration from 1m to 3650d, such as 12h or 90d", param_hint="--expires"
        )
    return length


def _state(one: TokenRecord, now: datetime) -> str:
    if one.revoked_at is not None:
        return "revoked"
    return "good" if one.stands(now) else "expired"


def _as_json(one: TokenRecord, now: datetime) -> dict[str, Any]:
    return {
        "name": one.name,
        "scope": str(one.scope),
        "state": _state(one, now),
        "created_at": moment(one.created_at),
        "expires_at": moment(one.expires_at),
        "revoked_at": moment(one.revoked_at),
        "used_at": moment(one.used_at),
    }


for one_command in (create, list_command, revoke):
    command.add_command(one_command)
