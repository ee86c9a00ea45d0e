"""Phrases that tell a topic's articles from others, proposed to a person, who accepts or rejects them.

An accepted one becomes a rule of its topic (`learned`); what was decided on is not proposed again.
"""

from __future__ import annotations

import json
import math
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from service.tagging.gold import GoldRow
from service.tagging.tagger import Tagger, logistic
from service.tagging.topics import read_topics

_WORD = re.compile(r"[^\W_]+(?:['’.&-][^\W_]+)*")
_SENTENCE = re.compile(r"(?:[^.!?\n]|\.(?=\w))+[.!?]?")
_PIECE = re.compile(r"[^\w\s'’.&-]+|[-.&'’]+(?!\w)|(?<!\w)[-.&'’]+|_")  # what ends a phrase, in rules, too
_LONGEST = 3  # words
_EXAMPLES = 3
_SHOWN = 240  # characters of an example
_SURE = 1.64  # standard errors; one in twenty by chance
_DOUBT = 0.05  # the least probability of the other answer
_SPANS = 20  # places of a rule
_WEIGHT = 3.0  # logits, at most
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
    language: str
    weight: float  # logits; negative speaks against
    articles_for: int  # verdicts or grades "yes" whose article has it
    articles_against: int
    examples: tuple[str, ...]  # sentences of articles that it speaks for (or, with a weight below 0, against)


def propose_phrases(
    tagger: Tagger,
    rows: Sequence[GoldRow],
    topic: str,
    *,
    others: Sequence[GoldRow] = (),
    limit: int = 20,
    least: int = 3,
    decided: Collection[str] = (),
) -> list[Proposal]:
    """Phrases that no rule of a topic has yet, and that separate its articles from others where the tagger
    does not.

    Ranked by how sure it is that they do: Rao's score test of a rule with the phrase, added to what the
    tagger says by now (Agresti, Categorical Data Analysis, sections 4.5 and 5.2). Each is chosen as if those
    before it were accepted, so that they do not all speak of the same articles. Rows in languages that the
    topic does not cover propose nothing.

    Args:
        tagger: what is known already.
        rows: verdicts, gold or both.
        others: articles that nobody judged: what stands in many of them tells little.
        least: articles with a verdict or grade that must have the phrase.
        decided: phrases that are not to be proposed.
    """
    by_language: dict[str, list[GoldRow]] = defaultdict(list)
    for row in rows:
        if topic in row.grades:
            by_language[row.language or "en"].append(row)
    found: list[tuple[float, Proposal]] = []
    for language, graded in sorted(by_language.items()):
        if any(one.name == topic and one.covers(language) for one in tagger.taxonomy.topics):
            search = _Search(tagger, topic, language)
            for row in graded:
                search.add(row, yes=row.grades[topic] > 0)
            for row in others:
                if (row.language or "en") == language:
                    search.add(row, yes=None)
            found += search.proposals(graded, limit=limit, least=least, decided=decided)
    found.sort(key=lambda item: (-item[0], item[1].phrase))
    return [proposal for _, proposal in found[:limit]]


@dataclass(slots=True)
class _Article:
    logit: float
    yes: bool | None  # None: nobody judged it
    phrases: tuple[str, ...]


@dataclass(slots=True)
class _Holding:
    """The articles that have a phrase: what was said of them against what the tagger expects."""

    yes: int = 0
    no: int = 0
    surprise: float = 0.0  # of said minus expected, summed
    variance: float = 0.0

    def count(self, article: _Article, sign: int = 1) -> None:
        """Take an article in, or (-1) out. No score is taken for quite certain."""
        score = logistic(article.logit)
        self.variance += sign * max(_DOUBT * (1 - _DOUBT), score * (1 - score))
        if article.yes is not None:
            self.surprise += sign * (article.yes - score)
            self.yes += sign * article.yes
            self.no += sign * (not article.yes)

    @property
    def sureness(self) -> float:
        """In standard errors."""
        return abs(self.surprise) / math.sqrt(self.variance)

    @property
    def weight(self) -> float:
        """One Newton step from nothing, one article's worth of doubt added."""
        return round(max(-_WEIGHT, min(_WEIGHT, self.surprise / (self.variance + 1))), 2)


class _Search:
    """Looks for the phrases of one topic in articles of one language."""

    def __init__(self, tagger: Tagger, topic: str, language: str) -> None:
        self._tagger = tagger
        self._topic = topic
        self._language = language
        self._articles: list[_Article] = []
        self._holding: dict[str, _Holding] = {}
        self._holders: dict[str, list[_Article]] = defaultdict(list)

    def add(self, row: GoldRow, *, yes: bool | None) -> None:
        """Take an article in; those that were judged come first."""
        reading = self._tagger.read(row.title, row.text, language=self._language)
        (logit,) = [one.logit for one in self._tagger.judge(reading, {}) if one.topic.name == self._topic]
        covered = {
            reading.folded.text[start:end]
            for _, spans in reading.found(self._topic)
            for start, end in spans[:_SPANS]
        }
        phrases = _phrases(f"{row.title}.\n{row.text}")
        if yes is None:
            phrases &= self._holding.keys()
        free = sorted(one for one in phrases if not any(_overlap(one, known) for known in covered))
        article = _Article(logit, yes, tuple(free))
        for phrase in article.phrases:
            self._holders[phrase].append(article)
            self._holding.setdefault(phrase, _Holding()).count(article)

    def proposals(
        self, rows: Sequence[GoldRow], *, limit: int, least: int, decided: Collection[str]
    ) -> list[tuple[float, Proposal]]:
        """The phrases that separate beyond chance, each with how sure that is."""
        chosen: list[tuple[float, Proposal]] = []
        taken = list(decided)
        open_ = {phrase for phrase, held in self._holding.items() if held.yes + held.no >= least}
        while open_ and len(chosen) < limit:
            phrase = min(open_, key=lambda one: (-self._holding[one].sureness, -len(one), one))
            held = self._holding[phrase]
            if held.sureness < _SURE:
                break
            open_.discard(phrase)
            if any(_overlap(phrase, other) for other in taken):
                continue
            examples = _examples(self._topic, phrase, self._language, rows, positive=held.weight > 0)
            if examples:
                proposal = Proposal(
                    self._topic, phrase, self._language, held.weight, held.yes, held.no, examples
                )
                chosen.append((held.sureness, proposal))
                taken.append(phrase)
                self._accept(phrase, held.weight)
        return chosen

    def _accept(self, phrase: str, weight: float) -> None:
        """Go on as if a phrase were a rule."""
        for article in self._holders[phrase]:
            for other in article.phrases:
                self._holding[other].count(article, -1)
            article.logit += weight
            for other in article.phrases:
                self._holding[other].count(article)


def _overlap(one: str, other: str) -> bool:
    """Whether one phrase is part of another."""
    return f" {one} " in f" {other} " or f" {other} " in f" {one} "


def _phrases(text: str) -> set[str]:
    made: set[str] = set()
    for sentence in _SENTENCE.findall(text):
        for piece in _PIECE.split(sentence):
            words = _words(piece)
            for size in range(1, _LONGEST + 1):
                for start in range(len(words) - size + 1):
                    part = words[start : start + size]
                    if _may_stand(part):
                        made.add(" ".join(part))
    return made


def _words(text: str) -> list[str]:
    return [word.lower().replace("’", "'") for word in _WORD.findall(text)]


def _may_stand(words: Sequence[str]) -> bool:
    """Whether words are worth proposing: no numbers, nothing common at either end."""
    return (
        words[0] not in _COMMON
        and words[-1] not in _COMMON
        and len(words[0]) > 2  # noqa: PLR2004 - "mr", "de"
        and not any(character.isdigit() for word in words for character in word)
    )


def _examples(
    topic: str, phrase: str, language: str, rows: Iterable[GoldRow], *, positive: bool
) -> tuple[str, ...]:
    """Sentences in which a rule with a phrase finds it; none where it would find none."""
    rule = json.dumps(f'"{phrase}"')  # a JSON string is one of TOML, too
    document = (
        f'format = 1\n[[topic]]\nname = "t"\n[[topic.rules]]\nlanguage = "{language}"\nmatch = [{rule}]\n'
    )
    finder = Tagger(read_topics(document), layer=None)
    first = phrase.split(maxsplit=1)[0]
    sentences: list[str] = []
    for row in rows:
        if (row.grades[topic] > 0) != positive:
            continue
        for sentence in _SENTENCE.findall(f"{row.title}.\n{row.text}"):
            if first in sentence.lower().replace("’", "'") and finder.read(
                "", sentence, language=language
            ).found("t"):
                sentences.append(" ".join(sentence.split())[:_SHOWN])
                break
        if len(sentences) == _EXAMPLES:
            break
    return tuple(sentences)
