"""Text made safe to show: without secrets, and without what would steer a terminal. Pure."""

from __future__ import annotations

import re

MASK = "***"

# scheme://user:password@host (RFC 3986 section 3.2.1); the password ends at the last "@" of the authority.
_USERINFO = re.compile(r"(?P<start>\b[a-zA-Z][a-zA-Z0-9+.-]{1,20}://[^\s/?#:@]*:)[^\s/?#]*(?=@)")
# Parameters that hold secrets, in addresses and libpq's connection strings.
_PARAMETER = re.compile(
    r"(?P<start>\b(?:password|passwd|pwd|secret|token|access_token|auth|api_?key|apikey|signature)=)"
    r"(?:'[^']*'|[^\s&#;,'\"]+)",
    re.IGNORECASE,
)
_HEADER = re.compile(r"(?P<start>\b(?:basic|bearer)\s+)[A-Za-z0-9+/=._~-]{8,}", re.IGNORECASE)

# C0 and C1 controls (an ESC or CSI begins a sequence), marks that reorder what stands around them
# (Unicode TR36, "trojan source"), the line separators, and halves of surrogate pairs.
_CONTROLS = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"  # OSC, DCS: title, link
    r"|\x1b[ -/]*[0-~]"
)


def mask(text: str) -> str:
    """The text with passwords in addresses, secret parameters and authorization values masked."""
    if "://" in text:
        text = _USERINFO.sub(rf"\g<start>{MASK}", text)
    if "=" in text:
        text = _PARAMETER.sub(rf"\g<start>{MASK}", text)
    return _HEADER.sub(rf"\g<start>{MASK}", text)


def plain(text: str, *, lines: bool = False) -> str:
    """The text without escape sequences, controls and marks that reorder text.

    Line breaks and tabs become spaces unless ``lines`` keeps them.
    """
    if not text.isprintable():
        text = _CONTROLS.sub("", _SEQUENCE.sub("", text))
        if not lines:
            text = " ".join(text.split())
    return text
