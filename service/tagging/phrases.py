"""Phrases that tell a topic's articles from others, proposed to a person, and put into a topics file."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from service.tagging.gold import GoldRow
from service.tagging.tagger import Tagger

_WORD = re.compile(r"[^\W_]+(?:['’.&-][^\W_]+)*")
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]?")
_LONGEST = 3  # words
_EXAMPLES = 3
_SHOWN = 240  # characters of an example
_COMMON = frozenset(
    _WORD.findall(
        "a an and are as at be been but by for from had has have he her his i in is it its not of on or she "
        "that the their them they this to was we were which who will with would you said says after before "
        "over into about than more also there when what if all one two out up no new can could may our"
    )
)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A phrase that would tell a topic's articles from others, for a person to accept or reject."""

    topic: str
    phrase: str
    weight: float  # logits; negative speaks against
    articles_for: int  # verdicts or grades "yes" whose article has it
    articles_against: int
    examples: tuple[str, ...]  # sentences


def propose_phrases(
    tagger: Tagger, rows: Sequence[GoldRow], topic: str, *, limit: int = 20, least: int = 3
) -> list[Proposal]:
    """Phrases that separate a topic's articles from others and that no rule of the topic has yet.

    Ranked by how sure it is that they do: the log odds ratio, half an article added to each side, over its
    standard error (Agresti, Categorical Data Analysis, section 3.1).

    Args:
        tagger: whose rules are known already.
        rows: verdicts, gold or both.
        least: articles that must have the phrase.
    """
    graded = [row for row in rows if topic in row.grades]
    holding: dict[str, Counter[bool]] = defaultdict(Counter)
    for row in graded:
        covered = _covered(tagger, row, topic)
        for phrase in _phrases(f"{row.title}. {row.text}"):
            if not any(phrase in found or found in phrase for found in covered):
                holding[phrase][row.grades[topic] > 0] += 1
    totals = Counter(row.grades[topic] > 0 for row in graded)
    ranked = []
    for phrase, counts in holding.items():
        if counts.total() >= least:
            odds, error = _odds(counts[True], counts[False], totals[True], totals[False])
            ranked.append((abs(odds) / error, phrase, odds, counts))
    ranked.sort(key=lambda item: (-item[0], -len(item[1]), item[1]))
    chosen: list[Proposal] = []
    for sureness, phrase, odds, counts in ranked:
        if sureness < 1.64 or len(chosen) == limit:  # noqa: PLR2004 - one in twenty by chance
            break
        if not any(phrase in other.phrase or other.phrase in phrase for other in chosen):
            weight = round(max(-3.0, min(3.0, odds / 2)), 2)
            examples = tuple(_sentences(graded, topic, phrase, positive=odds > 0))
            chosen.append(Proposal(topic, phrase, weight, counts[True], counts[False], examples))
    return chosen


def _odds(yes: int, no: int, all_yes: int, all_no: int) -> tuple[float, float]:
    a, b, c, d = yes + 0.5, no + 0.5, all_yes - yes + 0.5, all_no - no + 0.5
    return math.log(a * d / (b * c)), math.sqrt(1 / a + 1 / b + 1 / c + 1 / d)


def _covered(tagger: Tagger, row: GoldRow, topic: str) -> set[str]:
    """The phrases that the topic's rules find in a row."""
    reading = tagger.read(row.title, row.text, language=row.language or "en")
    return {reading.folded.text[start:end] for _, spans in reading.found(topic) for start, end in spans[:20]}


def _phrases(text: str) -> set[str]:
    made: set[str] = set()
    for sentence in _SENTENCE.findall(text):
        words = _words(sentence)
        for size in range(1, _LONGEST + 1):
            for start in range(len(words) - size + 1):
                part = words[start : start + size]
                if _may_stand(part):
                    made.add(" ".join(part))
    return made


def _words(sentence: str) -> list[str]:
    return [word.lower().replace("’", "'") for word in _WORD.findall(sentence)]


def _may_stand(words: Sequence[str]) -> bool:
    """Whether words are worth proposing: no numbers, nothing common at either end."""
    return (
        words[0] not in _COMMON
        and words[-1] not in _COMMON
        and len(words[0]) > 2  # noqa: PLR2004 - "mr", "de"
        and not any(character.isdigit() for word in words for character in word)
    )


def _sentences(rows: Iterable[GoldRow], topic: str, phrase: str, *, positive: bool) -> Iterable[str]:
    found = 0
    for row in rows:
        if (row.grades[topic] > 0) != positive:
            continue
        for sentence in _SENTENCE.findall(f"{row.title}. {row.text}"):
            if f" {phrase} " in f" {' '.join(_words(sentence))} ":
                yield sentence.strip()[:_SHOWN]
                found += 1
                break
        if found == _EXAMPLES:
            return


# -- accepted phrases in a topics file -----------------------------------------------------------------------

_HEADER = re.compile(r"^\s*\[\[?\s*([a-z]+)\s*\]\]?\s*(#.*)?$")


def with_phrase(document: str, topic: str, phrase: str, weight: float, *, language: str = "en") -> str:
    """A topics file with one more rule at the end of a topic, the rest of it as it was.

    The phrase is quoted: exactly these words. `read_topics` must be asked whether the result holds.

    Raises:
        KeyError: the file has no such topic.
    """
    lines = document.splitlines(keepends=True)
    inside = False
    end = None
    name = re.compile(rf"""^\s*name\s*=\s*["']{re.escape(topic)}["']""")
    for number, line in enumerate(lines):
        header = _HEADER.match(line)
        if header and inside:
            end = number
            break
        if not inside and name.match(line):
            inside = True
    if not inside:
        raise KeyError(topic)
    end = len(lines) if end is None else end
    while end and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#")):
        end -= 1
    escaped = phrase.replace("\\", " ").replace('"', " ")
    block = (
        f'\n  [[topic.rules]]  # accepted\n  language = "{language}"\n  group = "accepted"\n'
        f"  weight = {weight:g}\n  match = ['\"{escaped}\"']\n"
    )
    if "'" in escaped:
        block = block.replace(f"['\"{escaped}\"']", f'["\\"{escaped}\\""]')
    return "".join(lines[:end]) + block + "".join(lines[end:])
