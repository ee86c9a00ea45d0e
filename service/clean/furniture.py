"""Paragraphs that a source hangs on its articles again and again, told by their number. Pure.

What `service.clean.boilerplate` knows by its wording is gone before this looks. What is left at the beginning
or the end of article after article, word for word the same, is a house's own: its motto, its address, who
supports it, what to read next. Such a paragraph is cut where

- it is short, and stands among the first or the last few of a text that has more than those;
- it has been counted in enough of the source's articles, and in a good share of them;
- it is no part of a list, of a sentence that goes on, or of what somebody says; at the beginning, no sentence
  at all: formulas such as "The Security Council," and the first words of a report are text;
- the greater part of the text remains.

What was cut stays with the article, and the content hash is that of the whole text: an article does not
change because its source has become better known.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b

from service.values import Article, Cut, CutKind

TOP, END = 3, 6  # paragraphs in which furniture may stand
FEWEST = 5  # paragraphs of a text that has any
LONGEST = 200  # characters of such a paragraph
ENOUGH = 8  # articles that have it
SHARE = 0.3  # of the articles that were looked at
KEPT = 0.5  # of a text's characters, at least, are left
MEMORY = 400  # articles, after which what was counted weighs half: houses change their furniture
MOST = 200  # paragraphs that are remembered of a source

_SENTENCE = re.compile(r"[.!?…。！？؟۔][\"'”’»)\]]*$")
_GOES_ON = re.compile(r"[,;:–—、，：-]$")
_LISTED = re.compile(r"[•‣◦▪●∙·*–—-]\s|\(?(?:\d{1,3}|[a-z]|[ivxlc]{1,5})[.)]\s|\[\d{1,3}\]", re.IGNORECASE)
_SPOKEN = re.compile(r"[\"“”„«»「『]")
_LETTER = re.compile(r"[^\W\d_]")


@dataclass(frozen=True, slots=True)
class Counted:
    """What was counted of a source: articles looked at, and by paragraph those that have it.

    ``seen`` of a paragraph orders them: of those that are counted least, the ones that were met longest ago
    are forgotten first.
    """

    articles: int = 0
    counts: Mapping[int, int] = field(default_factory=dict)
    seen: Mapping[int, int] = field(default_factory=dict)


def edges(text: str) -> frozenset[int]:
    """The hashes (64 bits, signed, never 0) of the paragraphs of a text that may be furniture."""
    paragraphs = text.split("\n\n")
    return frozenset(_hash(paragraphs[at]) for at in _places(paragraphs))


def has_edges(text: str) -> bool:
    """Whether a text is long enough to have any."""
    return text.count("\n\n") >= FEWEST - 1


def recurring(counted: Counted) -> frozenset[int]:
    """The paragraphs that are furniture, by what was counted."""
    enough = max(ENOUGH, counted.articles * SHARE)
    return frozenset(one for one, count in counted.counts.items() if count >= enough)


def found_together(found: Collection[Collection[int]]) -> frozenset[int]:
    """The paragraphs that are furniture by the articles of one document alone."""
    return recurring(Counted(len(found), Counter(one for some in found for one in some)))


def cut_recurring(article: Article, furniture: Collection[int]) -> Article:
    """An article without the paragraphs that are furniture; they are among its cuts."""
    if not furniture:
        return article
    paragraphs = article.text.split("\n\n")
    places = [at for at in _places(paragraphs) if _hash(paragraphs[at]) in furniture]
    if not places:
        return article
    left = "\n\n".join(text for at, text in enumerate(paragraphs) if at not in set(places))
    if len(left) < len(article.text) * KEPT:
        return article
    cuts = (Cut(CutKind.FURNITURE, paragraphs[at]) for at in places)
    return replace(article, text=left, cuts=(*article.cuts, *cuts))


def learn(before: Counted, found: Iterable[Collection[int]], *, now: int) -> Counted:
    """What was counted before and the edges of further articles together; ``now`` is when they were met."""
    articles, counts, seen = before.articles, dict(before.counts), dict(before.seen)
    for some in found:
        articles += 1
        for one in some:
            counts[one] = counts.get(one, 0) + 1
            seen[one] = now
    while articles >= MEMORY:
        articles //= 2
        counts = {one: count // 2 for one, count in counts.items() if count > 1}
    if len(counts) > MOST:
        ranked = sorted(counts, key=lambda one: (counts[one], seen.get(one, 0)), reverse=True)
        counts = {one: counts[one] for one in ranked[:MOST]}
    return Counted(articles, counts, {one: seen[one] for one in counts})


def _places(paragraphs: list[str]) -> list[int]:
    """Where in a text furniture may stand."""
    count = len(paragraphs)
    if count < FEWEST:
        return []
    top = range(min(TOP, count - END) if count > END else 0)
    end = range(max(count - END, 1), count)
    found = [at for at in top if _may_be(paragraphs[at]) and not _SENTENCE.search(paragraphs[at])]
    return found + [at for at in end if _may_be(paragraphs[at])]


def _may_be(paragraph: str) -> bool:
    if len(paragraph) > LONGEST or not _LETTER.search(paragraph):
        return False
    if _GOES_ON.search(paragraph) or _LISTED.match(paragraph) or paragraph[0].islower():
        return False
    return _SPOKEN.search(paragraph) is None


def _hash(paragraph: str) -> int:
    words = " ".join(paragraph.casefold().split()).encode("utf-8", "replace")
    return int.from_bytes(blake2b(words, digest_size=8).digest(), "big", signed=True) or 1
