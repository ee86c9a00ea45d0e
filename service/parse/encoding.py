"""Bytes → text: which character encoding a feed or document is really in.

Declarations are often wrong, so evidence comes first: a byte order mark; then bytes that *are* valid UTF-8
beyond ASCII (by chance that happens to other encodings practically never); only then what the HTTP header
and the XML declaration claim (RFC 7303 section 3: header first); at last a statistical guess.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

_BOMS = (
    # UTF-32 before UTF-16: the little-endian mark of the one begins with that of the other.
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
)
# The first characters of an XML, HTML or JSON document without a mark (XML 1.0 appendix F).
_PATTERNS = (
    (re.compile(rb"\x00\x00\x00[<{\[]"), "utf-32-be"),
    (re.compile(rb"[<{\[]\x00\x00\x00"), "utf-32-le"),
    (re.compile(rb"\x00[<{\[]\x00[^\x00]"), "utf-16-be"),
    (re.compile(rb"[<{\[]\x00[^\x00]\x00"), "utf-16-le"),
    (re.compile(rb"\x4c\x6f\xa7\x94"), "cp037"),
)
_XML_DECLARATION = re.compile(rb"\s{0,64}<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9._:-]{1,40})[\"']")
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9._:-]{1,40})", re.IGNORECASE)
_CHARSET_PARAMETER = re.compile(r";\s*charset\s*=\s*[\"']?([A-Za-z0-9._:-]{1,40})", re.IGNORECASE)

# Supersets of the named ones, which is what pages so labelled really hold (WHATWG Encoding, section 4.2).
_SUPERSETS = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
    "big5": "big5hkscs",
}
_LATIN = (
    *(
        "ascii",
        "utf_8",
        "cp1250",
        "cp1252",
        "cp1254",
        "cp1257",
        "latin",
        "iso8859_1",
        "iso8859_2",
        "iso8859_3",
    ),
    *(
        "iso8859_4",
        "iso8859_9",
        "mac_",
        "cp437",
        "cp775",
        "cp85",
        "cp86",
        "hp_roman8",
        "cp500",
        "cp037",
        "cp1140",
    ),
)
_LANGUAGE = re.compile(rb"(?:<(?:dc:)?language>|lang=[\"'])\s{0,9}([A-Za-z]{2})")
_LATIN_BY_LANGUAGE = {
    **dict.fromkeys(("cs", "pl", "sk", "hu", "sl", "hr", "ro", "bs", "sq"), "cp1250"),
    **dict.fromkeys(("lt", "lv", "et"), "cp1257"),
    "tr": "cp1254",
}
_SAMPLE = 64 * 1024  # bytes shown to the statistical guess
_GOOD_PER_BAD = 10  # whole multi-byte characters for each broken one that show a damaged UTF-8


@dataclass(frozen=True, slots=True)
class Decoded:
    """Text without its byte order mark, the encoding it was read with, and what had to be mended."""

    text: str
    encoding: str
    warnings: tuple[str, ...] = ()


def decode(body: bytes, content_type: str = "") -> Decoded:
    """Decode a document that came with an HTTP ``Content-Type`` (may be empty). Never fails."""
    wide = _by_mark(body) or _by_pattern(body)
    if wide is not None:
        encoding, skip = wide
        return _lenient(body[skip:], encoding)
    claims = [claim for claim in (_claim(content_type), _declared(body)) if claim]
    encodings = [encoding for encoding in map(_known, claims) if encoding]
    if body.isascii():
        # Japanese and Chinese mail encodings hide behind ASCII bytes; everything else is just ASCII.
        encodings = [encoding for encoding in encodings if encoding.startswith(("iso2022", "hz"))]
    else:
        utf8 = _as_utf8(body, claimed="utf-8" in map(str.lower, claims))
        if utf8 is not None:
            return utf8
    for encoding in encodings:
        try:
            return Decoded(body.decode(encoding), encoding)
        except UnicodeError:
            continue
    return Decoded(body.decode("ascii"), "utf-8") if body.isascii() else _guessed(body, claims)


def _by_mark(body: bytes) -> tuple[str, int] | None:
    for mark, encoding in _BOMS:
        if body.startswith(mark):
            return encoding, len(mark)
    return None


def _by_pattern(body: bytes) -> tuple[str, int] | None:
    start = body[:64].lstrip(b" \t\r\n")[:4]
    for pattern, encoding in _PATTERNS:
        if pattern.match(start):
            return encoding, 0
    return None


def _lenient(body: bytes, encoding: str) -> Decoded:
    try:
        return Decoded(body.decode(encoding), encoding)
    except UnicodeDecodeError as error:
        text = body.decode(encoding, "replace")
        return Decoded(text, encoding, (f"not valid {encoding} at byte {error.start}",))


def _as_utf8(body: bytes, *, claimed: bool) -> Decoded | None:
    """The text when the bytes are UTF-8, perhaps with a few bad ones (a cut character, one pasted line)."""
    try:
        return Decoded(body.decode("utf-8"), "utf-8")
    except UnicodeDecodeError:
        text = body.decode("utf-8", "replace")
    bad = text.count("\ufffd")
    good = len(text) - len(text.encode("ascii", "ignore")) - bad
    if good < bad * (1 if claimed else _GOOD_PER_BAD):
        return None
    return Decoded(text, "utf-8", (f"{bad} characters are not valid UTF-8",))


def _claim(content_type: str) -> str | None:
    match = _CHARSET_PARAMETER.search(content_type)
    return match[1] if match else None


def _declared(body: bytes) -> str | None:
    match = _XML_DECLARATION.match(body) or _META_CHARSET.search(body[:2048])
    return match[1].decode("ascii") if match else None


def _known(claim: str) -> str | None:
    """The codec for a claimed name, or None: unknown, no text encoding, or refuted by the bytes."""
    try:
        codec = codecs.lookup(claim)
    except (LookupError, ValueError):
        return None
    if not getattr(codec, "_is_text_encoding", True):
        return None  # "base64", "zlib" and their like are no character encodings
    name = codec.name
    if name.startswith("utf"):
        return (
            None  # the wide ones would have shown themselves, UTF-8 is judged by the bytes, UTF-7 is unsafe
        )
    return _SUPERSETS.get(name, name)


def _guessed(body: bytes, claims: list[str]) -> Decoded:
    from charset_normalizer import from_bytes  # noqa: PLC0415 - 40 ms that only wrong declarations cost

    best = from_bytes(body[:_SAMPLE]).best()
    encoding = best.encoding if best is not None else "cp1252"
    if encoding.startswith(_LATIN):
        # Statistics tell scripts apart, but not the Latin encodings of which each letter is valid in all.
        language = _LANGUAGE.search(body[: 4 * 1024])
        encoding = _LATIN_BY_LANGUAGE.get(language[1].decode().lower() if language else "", "cp1252")
    said = f"declared as {claims[0]}" if claims else "no encoding declared"
    return Decoded(body.decode(encoding, "replace"), encoding, (f"{said}, read as {encoding}",))
