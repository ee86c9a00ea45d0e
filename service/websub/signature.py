"""Whether a delivery is signed with the secret that only its hub and we know (WebSub section 8). Pure."""

from __future__ import annotations

import hmac
import re

METHODS = ("sha1", "sha256", "sha384", "sha512")
_HEADER = re.compile(r"\s*(sha\d{1,3})\s*=\s*([0-9a-f]{40,128})\s*", re.IGNORECASE | re.ASCII)


def signed(body: bytes, header: str | None, secret: str) -> str | None:
    """What is wrong with the signature of a body as it was sent, or None where it is right.

    :param header: the value of ``X-Hub-Signature``: ``method=hexadecimal digest``
    """
    if not header:
        return "it is not signed"
    match = _HEADER.fullmatch(header[:300])
    if match is None:
        return "its signature cannot be read"
    method = match[1].lower()
    if method not in METHODS:
        return f"its signature is made by {method}, which is not among those agreed on"
    # In constant time: how much of a guess was right must not show.
    if not hmac.compare_digest(sign(body, method, secret), match[2].lower()):
        return "its signature is wrong"
    return None


def sign(body: bytes, method: str, secret: str) -> str:
    """The digest, hexadecimal, that a hub sends with a body."""
    return hmac.new(secret.encode(), body, method).hexdigest()
