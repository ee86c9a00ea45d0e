"""What each article is, against what is known: new, changed, the same, a duplicate, deleted, capped. Pure.

**Identity** is within a source, in this order:

1. ``guid:…`` where the document uses the guid for one article only (some feeds give all items one guid);
2. ``path:…`` for an article that is the only one of its file, or has a name of its own within it, as members
   of archives and rows with an id have: editing the file makes a revision, and two files are two articles
   whatever they hold;
3. ``url:…``, the canonical address, where the document uses it for one article only;
4. ``dated:…``, a feed's entry by its title and its date, where the date is known to the minute and the
   document uses the two for one article only;
5. ``hash:…``, the content hash; there an edit cannot be told from another article, and counts as one.

**Recognition.** A stored article is the one just read when the keys are equal; else when it has the same
guid (the link changed), or the same address and title (the guid changed), or the same title and text (both
changed, or the file was moved) – provided that the document does not itself hold the stored one under its
own key and, for a file, that the stored one's file is gone. What was recognised takes the new key where that
is free: the old guid may come to mean another article, another file may come to the old path.

**Change** is a different content hash: title or text. Where the text is that of an entry's page, what the
feed says is compared (``said_hash``): its summary must not undo the page.
A different date alone is no edit, nor is a hash of
another version. An article rewritten ``rewrite_cap`` times is only counted from then on.

**Duplicates**: a new article whose address, or whose title and text, another source, or another file of the
same folder, brought before. It is stored and linked, never dropped.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from typing import Protocol
from urllib.parse import urlsplit

from service.values import Article, Decision, Kind, Precision

REWRITE_CAP = 20
_EXACT = (Precision.MINUTE, Precision.SECOND)
MAX_KEY = 1_000  # bytes; an index of PostgreSQL takes 2,704
MIN_DUPLICATE = 200  # characters of text from which an equal wording is no coincidence


class KnownArticle(Protocol):
    """What has to be known of a stored article (`models.records.Known` is one)."""

    @property
    def article_id(self) -> int: ...
    @property
    def source_id(self) -> int: ...
    @property
    def key(self) -> str: ...
    @property
    def guid(self) -> str | None: ...
    @property
    def url(self) -> str | None: ...
    @property
    def content_hash(self) -> str: ...
    @property
    def said_hash(self) -> str | None: ...
    @property
    def title(self) -> str: ...
    @property
    def path(self) -> str | None: ...
    @property
    def deleted(self) -> bool: ...
    @property
    def revisions(self) -> int: ...
    @property
    def vanished(self) -> bool: ...


def identify(articles: Sequence[Article]) -> list[str]:
    """The key of each article of one document (or of one batch of files), as far as that alone tells.

    Equal keys mean that the document holds one article twice.
    """
    return _keys(articles, _one_each(articles, lambda article: article.guid))


def decide(
    articles: Sequence[Article],
    known: Sequence[KnownArticle],
    *,
    source_id: int,
    rewrite_cap: int = REWRITE_CAP,
    gone: Collection[str] = (),
) -> list[Decision]:
    """One decision for each article, in their order.

    ``known`` is what is stored under any of their keys, guids, addresses or hashes, in this source or
    others. ``gone`` names files that are no longer there although nobody has recorded it yet.
    """
    own = [one for one in known if one.source_id == source_id]
    guids = _one_each(articles, lambda article: article.guid)
    stored = Counter(one.guid for one in own if one.guid)
    # A guid that several stored articles share is no identity, even when a document shows it once.
    guids = {guid for guid in guids if stored[guid] <= 1}
    keys = _keys(articles, guids)
    matcher = _Matcher(own, guids, frozenset(gone))
    matches = matcher.match(articles, keys)
    others = _Others([one for one in known if not one.deleted], source_id)
    decisions: list[Decision] = []
    taken: dict[str, int | None] = {}
    stored_keys = {one.key for one in own}
    for article, key, match in zip(articles, keys, matches, strict=True):
        if key in taken:
            decisions.append(Decision(Kind.SAME, article, key, taken[key]))
        elif match is None:
            if article.listed and key in stored_keys:
                key = _key("hash", article.content_hash)  # noqa: PLW2901 - the address is taken
            duplicate = others.find(article)
            kind = Kind.NEW if duplicate is None else Kind.DUPLICATE
            decisions.append(Decision(kind, article, key, duplicate_of=duplicate))
        else:
            # It has another path now, or is back in a file that was without it.
            moved = article.path is not None and matcher.is_gone(match)
            moved = moved and (article.path != match.path or match.vanished)
            kept = match.key if key in stored_keys else key
            decisions.append(_against(match, article, kept, moved=moved, rewrite_cap=rewrite_cap))
        taken[key] = match.article_id if match else None
    return decisions


def _against(known: KnownArticle, article: Article, key: str, *, moved: bool, rewrite_cap: int) -> Decision:
    if known.deleted:
        return Decision(Kind.DELETED, article, known.key, known.article_id)
    if not _changed(known, article):
        return Decision(Kind.SAME, article, key, known.article_id, moved=moved)
    if known.revisions >= rewrite_cap:
        return Decision(Kind.CAPPED, article, known.key, known.article_id)
    return Decision(Kind.CHANGED, article, key, known.article_id, moved=moved)


def _changed(known: KnownArticle, article: Article) -> bool:
    # A page's text is compared with the text that is stored; a feed's own words with what the feed said then.
    before = known.content_hash if article.said_hash is not None else known.said_hash or known.content_hash
    version, _, _ = article.content_hash.partition(":")
    known_version, _, _ = before.partition(":")
    return version == known_version and article.content_hash != before


# -- keys ----------------------------------------------------------------------------------------------


def _keys(articles: Sequence[Article], guids: Collection[str]) -> list[str]:
    urls = _one_each(articles, lambda article: article.url)
    dated = _dated(articles)
    files = Counter(article.path for article in articles if article.path is not None)
    keys = []
    for article in articles:
        if article.guid and article.guid in guids:
            keys.append(_key("guid", article.guid))
        elif article.path is not None and not article.listed and files[article.path] == 1:
            keys.append(_key("path", article.path))
        elif article.url and article.url in urls:
            keys.append(_key("url", article.url))
        elif (name := _title_and_date(article)) in dated:
            keys.append(_key("dated", name))
        else:
            keys.append(_key("hash", article.content_hash))
    return keys


def _dated(articles: Iterable[Article]) -> set[str]:
    """The titles with dates that stand for one wording each."""
    wordings: dict[str, set[str]] = defaultdict(set)
    for article in articles:
        name = _title_and_date(article)
        if name:
            wordings[name].add(article.content_hash)
    return {name for name, hashes in wordings.items() if len(hashes) == 1}


def _title_and_date(article: Article) -> str:
    """What tells an entry that has neither guid nor address; nothing where it has, or is no feed's.

    A day alone is no identity: some feeds bring a bulletin of one title several times a day.
    """
    exact = article.published_at is not None and article.precision in _EXACT
    if article.guid or article.url or article.path is not None or article.title_made or not exact:
        return ""
    assert article.published_at is not None
    return f"{int(article.published_at.timestamp())} {article.title}"


def _key(kind: str, value: str) -> str:
    """A key that every database can hold and index: without lone surrogates, of bounded length."""
    raw = value.encode("utf-8", "surrogatepass")
    if len(raw) > MAX_KEY:
        return f"{kind}:blake2b-{hashlib.blake2b(raw, digest_size=16).hexdigest()}"
    return f"{kind}:{value.encode('utf-8', 'backslashreplace').decode()}"


def _one_each(articles: Iterable[Article], identity: Callable[[Article], str | None]) -> set[str]:
    """The guids or addresses that stand for one article each: it may be there twice, but not two of them."""
    groups: dict[str, list[Article]] = defaultdict(list)
    for article in articles:
        name = identity(article)
        if name:
            groups[name].append(article)
    return {name for name, group in groups.items() if _is_one(group)}


def _is_one(group: Sequence[Article]) -> bool:
    first = group[0]
    return all(
        other.content_hash == first.content_hash or (other.url == first.url and other.title == first.title)
        for other in group[1:]
    )


# -- recognition ---------------------------------------------------------------------------------------


class _Matcher:
    """Finds for each article the stored one of the same source that it is."""

    def __init__(self, own: Sequence[KnownArticle], guids: Collection[str], gone: frozenset[str]) -> None:
        self._own = own
        self._guids = guids
        self._gone = gone
        self._by_key = _index(own, lambda one: one.key)
        self._by_guid = _index(own, lambda one: one.guid)
        self._by_url = _index(own, lambda one: one.url)
        self._by_hash = _index(own, lambda one: one.content_hash)
        self._claimed: set[int] = set()

    def match(self, articles: Sequence[Article], keys: Sequence[str]) -> list[KnownArticle | None]:
        found: list[KnownArticle | None] = []
        for article, key in zip(articles, keys, strict=True):
            match = next(iter(self._by_key.get(key, ())), None)
            if match is not None and article.listed and key.startswith("url:"):
                # Rows are read in batches: one further on may have the same address and be another article.
                match = match if match.title == article.title else None
            found.append(match)
            if match is not None:
                self._claimed.add(match.article_id)
        urls = _one_each(articles, lambda article: article.url)
        for index, article in enumerate(articles):
            if found[index] is None:
                match = self._otherwise(article, urls)
                found[index] = match
                if match is not None:
                    self._claimed.add(match.article_id)
        return found

    def _otherwise(self, article: Article, urls: Collection[str]) -> KnownArticle | None:
        """A stored article that this one is although the keys differ."""
        if article.guid and article.guid in self._guids:
            same_guid = self._free(self._by_guid, article.guid, article)
            if same_guid:
                return same_guid[0]
        if article.url:
            same_url = self._free(self._by_url, article.url, article)
            for one in same_url:
                if one.title == article.title:
                    return one
            # A feed that begins or ceases to give guids: the address alone must do, and stand for one.
            alone = len(self._by_url[article.url]) == 1 and article.url in urls if same_url else False
            if alone and not (article.guid and same_url[0].guid) and article.path is None:
                return same_url[0]
        for one in self._free(self._by_hash, article.content_hash, article):
            # A short wording is no proof, but for what has no other identity.
            if article.path or len(article.text) >= MIN_DUPLICATE or one.key.startswith(("hash:", "dated:")):
                return one
        return None

    def _free(
        self, index: dict[Hashable, list[KnownArticle]], value: str, article: Article
    ) -> list[KnownArticle]:
        return [
            one
            for one in index.get(value, ())
            if one.article_id not in self._claimed and self._may_be(one, article)
        ]

    def _may_be(self, known: KnownArticle, article: Article) -> bool:
        """Whether an article's file can be the stored one's: the same, or that one is gone."""
        return article.path in (None, known.path) or self.is_gone(known)

    def is_gone(self, known: KnownArticle) -> bool:
        """Whether the file of a stored article is no longer there, or it never had one."""
        return known.path is None or known.vanished or known.path in self._gone


class _Others:
    """What other sources, or other files of the same folder, have brought before."""

    def __init__(self, known: Sequence[KnownArticle], source_id: int) -> None:
        self._source_id = source_id
        self._by_url = _index(known, lambda one: one.url)
        self._by_hash = _index(known, lambda one: one.content_hash)

    def find(self, article: Article) -> int | None:
        """The id of the first article that brought the same, if there is one."""
        if article.url and urlsplit(article.url).path.strip("/"):
            same_url = self._eligible(self._by_url.get(article.url, ()), article)
            titled = [one for one in same_url if one.title == article.title]
            if titled or len(same_url) == 1:
                return (titled or same_url)[0].article_id
        if len(article.text) >= MIN_DUPLICATE:
            same_text = self._eligible(self._by_hash.get(article.content_hash, ()), article)
            if same_text:
                return same_text[0].article_id
        return None

    def _eligible(self, known: Iterable[KnownArticle], article: Article) -> list[KnownArticle]:
        return [
            one
            for one in known
            if one.source_id != self._source_id or (article.path is not None and one.path != article.path)
        ]


def _index(
    known: Iterable[KnownArticle], value: Callable[[KnownArticle], str | None]
) -> dict[Hashable, list[KnownArticle]]:
    index: dict[Hashable, list[KnownArticle]] = defaultdict(list)
    for one in sorted(known, key=lambda one: (one.deleted, one.article_id)):
        name = value(one)
        if name is not None:
            index[name].append(one)
    return dict(index)
