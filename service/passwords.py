"""Passwords as they are kept: scrypt (RFC 7914) with a salt, written as ``scrypt:15:8:1:SALT:KEY`` in base64.

The first number is the binary logarithm of the cost; with it 8 and 1 are the parameters that OWASP's Password
Storage Cheat Sheet asks for at least (32 MiB and about a tenth of a second a guess).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets

SHORTEST = 8  # characters of a password
LONGEST = 1_000
_LOG_COST, _BLOCK, _PARALLEL = 15, 8, 1
_KEPT = re.compile(r"scrypt:(1[4-9]|20):(8):(1):([A-Za-z0-9+/]{22}==):([A-Za-z0-9+/]{43}=)")
_MEMORY = 2_000_000_000  # bytes that the largest cost may take


def keep(password: str) -> str:
    """What is kept of a password.

    :raises ValueError: it is too short or too long; the message says so
    """
    if not SHORTEST <= len(password) <= LONGEST:
        message = f"a password has {SHORTEST} to {LONGEST} characters, not {len(password)}"
        raise ValueError(message)
    salt = secrets.token_bytes(16)
    key = _derive(password, salt, _LOG_COST)
    return f"scrypt:{_LOG_COST}:{_BLOCK}:{_PARALLEL}:{_text(salt)}:{_text(key)}"


def is_kept(text: str) -> bool:
    """Whether a text is what `keep` gives, and not a password."""
    return _KEPT.fullmatch(text) is not None


def matches(password: str, kept: str) -> bool:
    """Whether a password is the one that was kept; takes as long whether it is or not."""
    found = _KEPT.fullmatch(kept)
    if found is None or len(password) > LONGEST:
        return False
    key = _derive(password, base64.b64decode(found[4]), int(found[1]))
    return hmac.compare_digest(key, base64.b64decode(found[5]))


def _derive(password: str, salt: bytes, log_cost: int) -> bytes:
    secret = password.encode("utf-8", "surrogatepass")
    return hashlib.scrypt(secret, salt=salt, n=1 << log_cost, r=_BLOCK, p=_PARALLEL, maxmem=_MEMORY, dklen=32)


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
