"""``wirewatch password``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from service.cli.exits import Exit, complain
from service.cli.output import hint, say
from service.cli.state import State, define


@define(
    "password",
    examples="""
    wirewatch password --output /etc/wirewatch/page-password    then set web.password_file to that
    pass show wirewatch | wirewatch password > page-password
    """,
)
@click.option(
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write it into a new file that only its owner can read.",
)
def command(state: State, output: Path | None) -> int:  # noqa: ARG001 - the signature of all commands
    """Make what is kept of a password that people sign in to the page with.

    It is asked for twice, or read from the first line of standard input; never from the command line, where
    others could see it. What is printed goes into web.password_file (a file or a systemd credential): it lets
    nobody find the password again. Who signed in is signed out by another password.
    """
    from service import passwords  # noqa: PLC0415

    if sys.stdin.isatty():
        typed = click.prompt("Password", hide_input=True, confirmation_prompt="Once more", err=True)
    else:
        typed = sys.stdin.readline().rstrip("\r\n")
    try:
        kept = passwords.keep(typed)
    except ValueError as error:
        complain(str(error))
        return Exit.USAGE
    if output is None:
        say(kept)
        return Exit.DONE
    try:
        descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        complain(f"{output}: cannot be written: {error.strerror}")
        return Exit.USAGE
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(kept + "\n")
    hint(f"wrote {output}; set web.password_file to it, and start Wirewatch again")
    return Exit.DONE
