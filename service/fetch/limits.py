"""How much a fetch may cost."""

from __future__ import annotations

from dataclasses import dataclass

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Times in seconds, sizes in bytes.

    The 99th percentile of real feeds has 2 MB; the defaults leave room for the longest podcast.
    """

    connect: float = 10.0  # TCP and TLS, of one address
    read: float = 20.0  # between two pieces of an answer
    total: float = 60.0  # everything: names, redirects, the last byte
    wire_bytes: int = 16 * MEBIBYTE  # of a body as it is sent
    body_bytes: int = 32 * MEBIBYTE  # of a body once unpacked
    redirects: int = 8
    header_bytes: int = 32 * 1024  # of one header line; content security policies grow long
    header_count: int = 256
