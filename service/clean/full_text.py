"""Feeds that carry only a summary: which articles are worth their page, and what becomes of the two. Pure.

The feed stays what an article is known by: its title, address and date are the feed's, and so is the hash
that tells an edit (`Article.said_hash`); the page gives the text, and what the feed left open.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from statistics import median

from service.clean.article import content_hash
from service.clean.boilerplate import same_words
from service.errors import ParseFailure
from service.values import Article, Cut, CutKind, Reason

SUMMARY = 700  # characters: a feed whose usual text is shorter carries summaries
SHORT = 1_000  # characters: in such a feed, longer texts are taken for whole ones
_LONGER = 1.2  # times the feed's text, from which a page's text is the fuller one
_MIN_WORDS = 4  # fewer tell nothing of what a page is about
_ALIKE = 0.5  # share of the feed's words that its page has

_ENDS_CUT = re.compile(r"(?:…|\.\.\.|[\[(](?:…|\.\.\.)[\])])[\"'”’»]*\s*$")
_WORD = re.compile(r"[^\W\d_]{4,}")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{2,}")
_MEDIA = ("audio/", "video/")


class FullText(StrEnum):
    """Whether the pages of a feed's entries are fetched for their text."""

    OFF = "off"
    AUTO = "auto"  # where the feed carries summaries, or an entry's text is cut
    ON = "on"  # always


def wanting(mode: FullText, articles: Sequence[Article]) -> list[bool]:
    """Which articles of one document are worth the look at their page.

    With AUTO a feed whose texts are short (the median below `SUMMARY`), or cut in half of the entries, gives
    its short ones; any other feed those that are visibly cut. Never one without an address, one that shares
    it with another entry, or, with AUTO, one that is a sound or a film.
    """
    if mode is FullText.OFF:
        return [False] * len(articles)
    shared = Counter(article.url for article in articles)
    linked = [article.url is not None and shared[article.url] == 1 for article in articles]
    if mode is FullText.ON:
        return linked
    lengths = [len(article.text) for article, has_page in zip(articles, linked, strict=True) if has_page]
    if not lengths:
        return linked
    cut = [ends_cut(article) for article in articles]
    summaries = median(lengths) < SUMMARY or sum(cut) * 2 >= len(cut)
    return [
        has_page and not _is_media(article) and (is_cut or (summaries and len(article.text) < SHORT))
        for article, has_page, is_cut in zip(articles, linked, cut, strict=True)
    ]


def ends_cut(article: Article) -> bool:
    """Whether a text says itself that it goes on elsewhere: by an ellipsis, or a "Read more" that was cut."""
    if _ENDS_CUT.search(article.text):
        return True
    return bool(article.cuts) and article.cuts[-1].kind is CutKind.TEASER and len(article.text) < SHORT


def completed(article: Article, page: Article) -> Article:
    """An article with its page's text, known by what the feed says of it.

    :raises ParseFailure: EMPTY: the page holds no more than the feed, or is about something else
    """
    if len(page.text) < max(len(article.text) * _LONGER, 1):
        raise ParseFailure(Reason.EMPTY, "its page holds no more text than the feed")
    if not is_about(article, page):
        raise ParseFailure(
            Reason.EMPTY,
            "its page says something else than the feed: a login, a consent form or a front page",
        )
    title = page.title if article.title_made and not page.title_made else article.title
    text = _without_title(page.text, title)
    dated = page if article.published_at is None else article
    known = {cut.text for cut in page.cuts}
    return replace(
        article,
        title=title,
        text=text,
        title_made=article.title_made and page.title_made,
        content_hash=content_hash(title, text),
        said_hash=article.content_hash,
        published_at=dated.published_at,
        precision=dated.precision,
        date_origin=dated.date_origin,
        author=article.author or page.author,
        language=page.language if page.language not in (None, "und") else article.language,
        cuts=(*page.cuts, *(cut for cut in _own_cuts(article) if cut.text not in known)),
    )


def is_about(article: Article, page: Article) -> bool:
    """Whether a page has the words of the feed's title and text; too few words prove nothing."""
    said = _words(f"{article.title}\n{article.text}")
    if len(said) < _MIN_WORDS:
        return True
    shown = _words(f"{page.title}\n{page.text}")
    return len(said & shown) >= _ALIKE * len(said)


def _words(text: str) -> set[str]:
    """Words, and pairs of characters where a script has no spaces."""
    folded = text.casefold()
    words = set(_WORD.findall(folded))
    for run in _CJK.findall(folded):
        words.discard(run)
        words.update(run[at : at + 2] for at in range(len(run) - 1))
    return words


def _own_cuts(article: Article) -> Sequence[Cut]:
    """What was cut from the feed's text, without the "Read more" that led to the page."""
    return [cut for cut in article.cuts if cut.kind is not CutKind.TEASER]


def _without_title(text: str, title: str) -> str:
    first, blank, rest = text.partition("\n\n")
    return rest if blank and rest and same_words(first, title) else text


def _is_media(article: Article) -> bool:
    return any((one.type or "").startswith(_MEDIA) for one in article.enclosures)
