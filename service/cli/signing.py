"""Who says so: what people decide is signed."""

from __future__ import annotations

import os
import pwd

import click

MAX_NAME = 100


def signed_name(given: str | None) -> str:
    """The name given with ``--by``, else that of the system's user."""
    if given is not None:
        if not given.strip() or not given.isprintable() or len(given) > MAX_NAME:
            raise click.UsageError(f"--by takes a name of at most {MAX_NAME} characters in one line")
        return given.strip()
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # in a container a user may have a number only
        return f"user {os.getuid()}"
