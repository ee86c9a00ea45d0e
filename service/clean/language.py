"""Which language a text is in: declared where that is plausible, else told by CLD2 (offline, 0.15 ms).

CLD2 was chosen by trial against ELD (as good, but 62 MB and 0.14 s to import), whichlang (17 languages) and
fastText's (which downloads its model): 4 ms to import, 83 languages, and it says when it is not sure.
"""

# Letters of other scripts are what this is about.
from __future__ import annotations

import re

MAX_SAMPLE = 6_000  # characters that are looked at
UNKNOWN = "und"
MIN_LETTERS = 12  # fewer tell nothing, except in a script that only one language has
_MIN_CONFIDENT = 60  # letters from which a sure detection overrules what the source declares

_TAG = re.compile(r"\s*([A-Za-z]{2,3})(?:[-_][A-Za-z0-9]{1,8})*\s*")
_ADDRESS = re.compile(r"(?:https?://|www\.)\S+|\S+@\S+")
_SCRIPTS = (
    (re.compile("[\uac00-\ud7a3]"), "ko"),
    (re.compile("[\u3040-\u30ff]"), "ja"),
    (re.compile("[\u0590-\u05ff]"), "he"),
    (re.compile("[\u0e00-\u0e7f]"), "th"),
    (re.compile("[\u0370-\u03ff]"), "el"),
    (re.compile("[\u0530-\u058f]"), "hy"),
    (re.compile("[\u10a0-\u10ff]"), "ka"),
)
_ANY_SCRIPT = re.compile("[\u0370-\u03ff\u0530-\u05ff\u0e00-\u0e7f\u10a0-\u10ff\u3040-\u30ff\uac00-\ud7a3]")
_CYRILLIC = re.compile("[\u0400-\u052f]")
_TURKIC = re.compile("[ӘәҒғҚқҢңӨөҰұҮүҺһ]")
_SLAVIC = (
    (re.compile("[ЂђЉљЊњЋћЏџ]"), "sr"),
    (re.compile("[ЃѓЌќЅѕ]"), "mk"),
    (re.compile("[Ўў]"), "be"),
    (re.compile("[ЇїЄєҐґІі]"), "uk"),
    (re.compile("[ЫыЭэЁё]"), "ru"),
)
# Three-letter and withdrawn codes → ISO 639-1 (the languages of feeds; ISO 639-2/B and /T).
_CODES = {
    "eng": "en", "rus": "ru", "ukr": "uk", "kor": "ko", "deu": "de", "ger": "de", "fra": "fr", "fre": "fr",
    "spa": "es", "ita": "it", "por": "pt", "pol": "pl", "nld": "nl", "dut": "nl", "zho": "zh", "chi": "zh",
    "cmn": "zh", "jpn": "ja", "ara": "ar", "fas": "fa", "per": "fa", "tur": "tr", "heb": "he", "hin": "hi",
    "swe": "sv", "nob": "no", "nor": "no", "dan": "da", "fin": "fi", "ces": "cs", "cze": "cs", "iw": "he",
    "in": "id", "nb": "no", "nn": "no", "mo": "ro", "sh": "sr", "cn": "zh", "jp": "ja", "kr": "ko",
    "ua": "uk", "gr": "el", "cz": "cs", "zh": "zh", "fil": "tl",
}  # fmt: skip
# Pairs that a detector mistakes for each other more often than a source mistakes itself.
_RELATED = (
    frozenset(("hr", "sr", "bs", "sl")),
    frozenset(("no", "da", "sv")),
    frozenset(("id", "ms")),
    frozenset(("cs", "sk")),
    frozenset(("es", "gl", "ca", "pt")),
    frozenset(("ru", "uk", "be", "bg", "mk", "sr")),
    frozenset(("fa", "ar", "ur", "ps")),
    frozenset(("nl", "af")),
)


def normal_language(tag: str | None) -> str | None:
    """The ISO 639-1 code of a language tag (BCP 47, "en-GB", "en_US", "eng"); None when it is none."""
    match = _TAG.fullmatch(tag or "")
    if match is None:
        return None
    code = match[1].lower()
    code = _CODES.get(code, code)
    return code if len(code) == 2 and code not in ("xx", "zz") else None  # noqa: PLR2004


def choose_language(text: str, *declared: str | None) -> str:
    """The language of a text: the first that is declared and plausible, else the detected one.

    A declaration is often the template's, not the text's: where the detector is sure of another language
    that is not a near relative, it wins. "und" when nothing tells.
    """
    codes = [code for code in map(normal_language, declared) if code]
    sample = text[:MAX_SAMPLE]
    if "@" in sample or "://" in sample or "www." in sample:  # else the pattern tries every word for nothing
        sample = _ADDRESS.sub(" ", sample)
    letters = _letters(sample)
    found, sure = _detect(sample, letters)
    if codes and (not sure or letters < _MIN_CONFIDENT or found in codes or _related(found, codes[0])):
        return found if found in codes and sure else codes[0]
    return found


def detect_language(text: str) -> tuple[str, bool]:
    """The language that a text is in, ISO 639-1 or "und", and whether the detector is sure."""
    sample = text[:MAX_SAMPLE]
    return _detect(sample, _letters(sample))


def _detect(sample: str, letters: int) -> tuple[str, bool]:
    if not letters:
        return UNKNOWN, False
    if not sample.isascii() and _ANY_SCRIPT.search(sample):
        for pattern, code in _SCRIPTS:
            if len(pattern.findall(sample)) * 4 > letters:
                return code, True
    if letters < MIN_LETTERS:
        return UNKNOWN, False
    return _by_cld2(sample)


def _by_cld2(sample: str) -> tuple[str, bool]:
    import pycld2  # noqa: PLC0415 - its tables are mapped only where a text is read

    code, sure = None, False
    for best_effort in (False, True):
        try:
            sure, _, details = pycld2.detect(sample, isPlainText=True, bestEffort=best_effort)
        except (pycld2.error, ValueError):
            break  # it holds what CLD2 takes for binary
        code = normal_language(details[0][1])
        if code is not None and details[0][0] != "Unknown":
            break
        code = None
    letters = _CYRILLIC.findall(sample)
    hesitant = (code is None or best_effort) and not _TURKIC.search(sample)
    if hesitant and letters and len(letters) * 2 > _letters(sample):
        # Over short texts CLD2 hesitates between the Slavic languages; their letters do not.
        told = next((name for pattern, name in _SLAVIC if pattern.search(sample)), code)
        return (told, len(letters) >= _MIN_CONFIDENT) if told else (UNKNOWN, False)
    return (code, sure and not best_effort) if code else (UNKNOWN, False)


def _letters(text: str) -> int:
    return sum(map(str.isalpha, text))


def _related(one: str, other: str) -> bool:
    return any(one in group and other in group for group in _RELATED)
