"""Secrets that let programs in: how they are made, and what is kept of them. Pure but for chance."""

from __future__ import annotations

import hashlib
import re
import secrets

PREFIX = "ww_"  # so that a token that leaked is told for what it is, by people and by scanners
_BYTES = 32
_FORM = re.compile(r"[A-Za-z0-9_-]{32,200}")


def make() -> str:
    """A new token of 256 random bits."""
    return PREFIX + secrets.token_urlsafe(_BYTES)


def digest(token: str) -> str:
    """What is kept of it: SHA-256, hexadecimal. Of 256 random bits nobody finds the token again, so that
    nothing slower is needed."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def looks_right(token: str) -> bool:
    """Whether it could be one: what is none need not be looked up."""
    return _FORM.fullmatch(token) is not None
