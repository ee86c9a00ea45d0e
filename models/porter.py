"""English stems as SQLite's FTS5 cuts them: Porter's algorithm with its author's later rules.

M. F. Porter, "An algorithm for suffix stripping", Program 14 (1980), with "-logi" and "-bli" as in his
revised program. Ported from ext/fts5/fts5_tokenize.c so that PostgreSQL is given, and excerpts are marked by,
what SQLite makes in C; a test holds the two together. Pure; words are small ASCII letters and digits.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

SHORTEST, LONGEST = 3, 64  # others are left as they are

# Suffixes by the letter before the last, in order: the first that fits decides, whether it is taken or not.
_Rules = dict[str, tuple[tuple[str, str], ...]]
_SECOND: _Rules = {
    "a": (("ational", "ate"), ("tional", "tion")),
    "c": (("enci", "ence"), ("anci", "ance")),
    "e": (("izer", "ize"),),
    "g": (("logi", "log"),),
    "l": (("bli", "ble"), ("alli", "al"), ("entli", "ent"), ("eli", "e"), ("ousli", "ous")),
    "o": (("ization", "ize"), ("ation", "ate"), ("ator", "ate")),
    "s": (("alism", "al"), ("iveness", "ive"), ("fulness", "ful"), ("ousness", "ous")),
    "t": (("aliti", "al"), ("iviti", "ive"), ("biliti", "ble")),
}
_THIRD: _Rules = {
    "a": (("ical", "ic"),),
    "s": (("ness", ""),),
    "t": (("icate", "ic"), ("iciti", "ic")),
    "u": (("ful", ""),),
    "v": (("ative", ""),),
    "z": (("alize", "al"),),
}
_FOURTH: _Rules = {
    "a": (("al", ""),),
    "c": (("ance", ""), ("ence", "")),
    "e": (("er", ""),),
    "i": (("ic", ""),),
    "l": (("able", ""), ("ible", "")),
    "n": (("ant", ""), ("ement", ""), ("ment", ""), ("ent", "")),
    "o": (("ion", ""), ("ou", "")),
    "s": (("ism", ""),),
    "t": (("ate", ""), ("iti", "")),
    "u": (("ous", ""),),
    "v": (("ive", ""),),
    "z": (("ize", ""),),
}


def stem(word: str) -> str:
    """The stem of a word."""
    if not SHORTEST <= len(word) <= LONGEST:
        return word
    word = _past(_plural(word))
    if word[-1] == "y" and _has_vowel(word[:-1]):
        word = f"{word[:-1]}i"
    word = _replaced(word, _SECOND, _more_than_none)
    word = _replaced(word, _THIRD, _more_than_none)
    word = _replaced(word, _FOURTH, _more_than_one)
    if word[-1] == "e":
        root = word[:-1]
        if _measure(root) > 1 or (_measure(root) == 1 and not _is_short(root)):
            word = root
    if word.endswith("ll") and _measure(word[:-1]) > 1:
        word = word[:-1]
    return word


def _plural(word: str) -> str:
    if word[-1] != "s":
        return word
    if word[-2] == "e":
        cut = (len(word) > 4 and word[-4:-2] == "ss") or (len(word) > 3 and word[-3] == "i")  # noqa: PLR2004
        return word[:-2] if cut else word[:-1]
    return word if word[-2] == "s" else word[:-1]


def _past(word: str) -> str:
    if word.endswith("eed") and len(word) > 3:  # noqa: PLR2004
        return word[:-1] if _measure(word[:-3]) else word
    if word.endswith("ed"):
        root = word[:-2]
    elif word.endswith("ing"):
        root = word[:-3]
    else:
        return word
    if not _has_vowel(root):
        return word
    if len(root) > 2 and root.endswith(("at", "bl", "iz")):  # noqa: PLR2004
        return f"{root}e"
    last = root[-1]
    if last not in "aeioulsz" and root[-2:-1] == last:
        return root[:-1]
    return f"{root}e" if _measure(root) == 1 and _is_short(root) else root


def _replaced(word: str, rules: _Rules, allows: Callable[[str, str], bool]) -> str:
    for suffix, ending in rules.get(word[-2:-1], ()):
        if len(word) > len(suffix) and word.endswith(suffix):
            root = word[: -len(suffix)]
            return root + ending if allows(root, suffix) else word
    return word


def _more_than_none(root: str, _: str) -> bool:
    return _measure(root) > 0


def _more_than_one(root: str, suffix: str) -> bool:
    return (suffix != "ion" or root[-1] in "st") and _measure(root) > 1


def _consonants(word: str) -> list[bool]:
    """Which letters are consonants: a "y" is one at the beginning and after a vowel."""
    found = []
    before = False
    for letter in word:
        before = letter not in "aeiou" and not (letter == "y" and before)
        found.append(before)
    return found


def _measure(word: str) -> int:
    """How often a consonant follows a vowel: Porter's m."""
    letters = _consonants(word)
    return sum(after and not before for before, after in pairwise(letters))


def _has_vowel(word: str) -> bool:
    """SQLite takes every "y" but the first letter for a vowel here."""
    return any(letter in "aeiou" for letter in word) or "y" in word[1:]


def _is_short(word: str) -> bool:
    """Whether it ends in consonant, vowel, consonant, the last none of w, x, y: Porter's *o."""
    return word[-1] not in "wxy" and _consonants(word)[-3:] in ([True, False, True],)
