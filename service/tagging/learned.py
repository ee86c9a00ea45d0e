"""What an installation has learned: a folder with its weights, and with the phrases that people decided on.

::

    weights.json            the layer's weights as verdicts moved them (`improve`)
    weights.json.previous   those before them, for `learn.revert`
    phrases.json            phrases that people accepted or rejected; the accepted ones are rules

Files are written whole or not at all, so that a daemon may read them at any time.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

import msgspec

from service.errors import TopicsError
from service.tagging.rules import parse_rule
from service.tagging.tree import Phrases, RuleError

WEIGHTS = "weights.json"
PHRASES = "phrases.json"
FORMAT = 1
MAX_FILE = 4 << 20  # bytes
MAX_PHRASE = 200  # characters
MAX_WEIGHT = 20.0  # logits, as in a topics file
GROUP = "accepted"  # of the rules that accepted phrases become
_WORDS = re.compile(r"[^\W_]+(?:['’.&-][^\W_]+)*(?: [^\W_]+(?:['’.&-][^\W_]+)*)*")
_LANGUAGE = re.compile(r"[a-z]{2,3}|any")


class Phrase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A phrase that a person accepted as a rule of a topic, or does not want to be asked about again."""

    topic: str
    phrase: str  # words in lower case with a space between
    accepted: bool
    weight: float  # logits; negative speaks against the topic
    language: str  # ISO 639-1, or "any"
    by: str  # who decided
    at: str  # when, ISO 8601

    @property
    def rule(self) -> str:
        """As the topics file would have it: exactly these words."""
        return f'"{self.phrase}"'


class _File(msgspec.Struct, forbid_unknown_fields=True):
    format: int
    phrases: list[Phrase]


def read_phrases(folder: Path) -> tuple[Phrase, ...]:
    """The phrases that were decided on, in the order of deciding; none where there is no such file.

    Raises:
        TopicsError: the file cannot be read or holds something else; the text says what and where.
    """
    path = folder / PHRASES
    if not present(path):
        return ()
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_FILE + 1)
    except OSError as error:
        raise TopicsError(f"{path}: cannot be read: {error.strerror or error}") from error
    if len(content) > MAX_FILE:
        raise TopicsError(f"{path}: larger than {MAX_FILE >> 20} MB")
    try:
        file = msgspec.json.decode(content, type=_File)
    except msgspec.DecodeError as error:
        raise TopicsError(f"{path}: no list of phrases: {error}") from error
    if file.format != FORMAT:
        raise TopicsError(f"{path}: of format {file.format}, this program reads {FORMAT}")
    for phrase in file.phrases:
        try:
            check_phrase(phrase)
        except RuleError as error:
            raise TopicsError(f'{path}: topic "{phrase.topic}": phrase {phrase.phrase!r}: {error}') from error
    return tuple(file.phrases)


def write_phrases(folder: Path, phrases: Iterable[Phrase]) -> None:
    """Write the phrases that were decided on; the folder is made where there is none. Raises `OSError`."""
    kept = list(phrases)
    for phrase in kept:
        check_phrase(phrase)
    content = msgspec.json.format(msgspec.json.encode(_File(FORMAT, kept)), indent=1) + b"\n"
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / f"{PHRASES}.new"
    with fresh.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    fresh.replace(folder / PHRASES)


def check_phrase(phrase: Phrase) -> None:
    """Raises `RuleError` where a phrase cannot be a rule: no plain words, or a weight out of range."""
    if not _WORDS.fullmatch(phrase.phrase) or len(phrase.phrase) > MAX_PHRASE:
        raise RuleError(f"a phrase is one or more words with a space between, {MAX_PHRASE} letters at most")
    if not -MAX_WEIGHT <= phrase.weight <= MAX_WEIGHT:  # NaN is out of range, too
        raise RuleError(f"weight {phrase.weight}: it must be from -{MAX_WEIGHT:g} to {MAX_WEIGHT:g}")
    if not _LANGUAGE.fullmatch(phrase.language):
        raise RuleError(f"language {phrase.language!r}: it must be a code of ISO 639-1")
    parse_rule(phrase.rule, _no_list)


def _no_list(name: str) -> Phrases:
    raise RuleError(f"there is no list {{{name}}}")


def present(path: Path) -> bool:
    """Whether a file is there. Raises `TopicsError` where that cannot be told."""
    try:
        return path.is_file()
    except OSError as error:
        raise TopicsError(f"{path}: cannot be read: {error.strerror or error}") from error


def decided(phrases: Iterable[Phrase], more: Iterable[Phrase]) -> tuple[Phrase, ...]:
    """Phrases with further decisions, which stand in place of earlier ones on the same."""
    made = {_named(one): one for one in phrases}
    for one in more:
        made.pop(_named(one), None)
        made[_named(one)] = one
    return tuple(made.values())


def _named(phrase: Phrase) -> tuple[str, str, str]:
    return phrase.topic, phrase.language, phrase.phrase


def signature(folder: Path) -> tuple[object, ...]:
    """What tells whether the files of a folder are still those that were read."""
    made: list[object] = []
    for name in (WEIGHTS, PHRASES):
        try:
            found = (folder / name).stat()
        except OSError:
            made.append(None)
        else:
            made.append((found.st_mtime_ns, found.st_size, found.st_ino))
    return tuple(made)
