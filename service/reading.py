"""From bytes to finished articles: parse → clean → tag, as one pure function for each kind of source.

This is the seam that runs in worker processes, that the property tests drive, and that a distributed
engine could be handed: it takes values, gives values, and touches nothing. What is known of the source
comes in as ``skip``, the content hashes of articles that need no tags because they have not changed, and as
``furniture``, the hashes of paragraphs that recur in its articles (None: what recurs stays).
"""

from __future__ import annotations

import io
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from service.clean import clean
from service.clean.furniture import cut_recurring, edges, found_together
from service.clean.text import shorten
from service.errors import ParseFailure
from service.members import member_path
from service.parse.container import HEAD, Piece, Trouble, pieces
from service.parse.container_kinds import is_container
from service.parse.document import MAX_ENTRIES, parse_document, parse_piece
from service.parse.feed import parse_feed
from service.tagging import Tagger
from service.values import Article, CutKind, Entry, Fetched, Hints, ParsedFeed, Reason, Tag


@dataclass(frozen=True, slots=True)
class Finished:
    """An article with its tags; ``tags`` is None where ``skip`` said that it is known."""

    article: Article
    tags: tuple[Tag, ...] | None
    taxonomy: str = ""  # hash of the topics file that gave the tags; "": the one in force
    edges: frozenset[int] = frozenset()  # paragraphs that may be the source's furniture, by their hashes


@dataclass(frozen=True, slots=True)
class Timing:
    """How long a document took a worker, in seconds: the whole, and each article that was tagged."""

    whole: float
    tagging: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """All that one document gave."""

    finished: tuple[Finished, ...]
    title: str | None = None
    site_url: str | None = None
    hints: Hints = Hints()
    hubs: tuple[str, ...] = ()  # as the headers name them, else the feed
    self_url: str | None = None  # likewise
    warnings: tuple[str, ...] = ()  # what was mended, and entries that could not be read
    failed: int = 0  # entries that could not be read by a fault of ours
    refused: tuple[Trouble, ...] = ()  # pieces of a container that could not be read
    timing: Timing | None = field(default=None, compare=False)  # filled in by the worker, who has a clock

    @property
    def shortened(self) -> tuple[str, ...]:
        """What was not read of articles that are too long, or broken in places, in words."""
        return tuple(
            f"not read of {shorten(one.article.title, 80)!r}: {cut.text}"
            for one in self.finished
            for cut in one.article.cuts
            if cut.kind is CutKind.UNREAD
        )


def read_feed(
    fetched: Fetched,
    *,
    tagger: Tagger,
    fetched_at: datetime,
    skip: Collection[str] = (),
    priors: Mapping[str, float] | None = None,
    day_first: bool | None = None,
    furniture: Collection[int] | None = (),
) -> Reading:
    """Read a feed document.

    :raises service.errors.ParseFailure: it is no feed, or nothing of it can be read
    """
    feed: ParsedFeed = parse_feed(fetched)
    finished, problems = _finish(
        feed.entries,
        tagger=tagger,
        fetched_at=fetched_at,
        skip=skip,
        priors=priors,
        day_first=day_first,
        furniture=furniture,
        language=feed.language,
    )
    return Reading(
        finished=finished,
        title=feed.title,
        site_url=feed.site_url,
        hints=feed.hints,
        hubs=fetched.hubs or feed.hubs,
        self_url=fetched.self_url or feed.self_url,
        warnings=(*feed.warnings, *problems),
        failed=len(problems),
    )


def read_document(
    body: bytes,
    name: str,
    *,
    tagger: Tagger,
    fetched_at: datetime,
    path: str | None = None,
    content_type: str = "",
    skip: Collection[str] = (),
    priors: Mapping[str, float] | None = None,
    day_first: bool | None = None,
    furniture: Collection[int] | None = (),
) -> Reading:
    """Read a file of any kind that documents come in; ``path`` is where it lies, absolute.

    Of an archive, mailbox or list the first articles are read, as many as a feed may have; what
    streams are for is `read_piece`.

    :raises service.errors.ParseFailure: it is empty, binary, or of a kind that nothing here reads
    """
    if is_container(body[:HEAD], name):
        read = partial(
            read_piece,
            name=name,
            tagger=tagger,
            fetched_at=fetched_at,
            path=path,
            skip=skip,
            priors=priors,
            day_first=day_first,
            furniture=furniture,
        )
        return _read_container(body, name, read)
    finished, problems = _finish(
        parse_document(body, name, content_type=content_type),
        tagger=tagger,
        fetched_at=fetched_at,
        skip=skip,
        priors=priors,
        day_first=day_first,
        furniture=furniture,
        path=path,
    )
    return Reading(finished=finished, warnings=problems)


def read_piece(
    piece: Piece,
    *,
    name: str,
    tagger: Tagger,
    fetched_at: datetime,
    path: str | None = None,
    skip: Collection[str] = (),
    priors: Mapping[str, float] | None = None,
    day_first: bool | None = None,
    furniture: Collection[int] | None = (),
) -> Reading:
    """Read a piece of a container; ``name`` and ``path`` are the container's.

    :raises service.errors.ParseFailure: as `read_document`
    """
    finished, problems = _finish(
        parse_piece(piece, name),
        tagger=tagger,
        fetched_at=fetched_at,
        skip=skip,
        priors=priors,
        day_first=day_first,
        furniture=furniture,
        path=member_path(path, piece.member) if path is not None else None,
    )
    return Reading(finished=finished, warnings=problems)


def read_pieces(
    pieces: Iterable[Piece],
    *,
    name: str,
    tagger: Tagger,
    fetched_at: datetime,
    path: str | None = None,
    priors: Mapping[str, float] | None = None,
    day_first: bool | None = None,
    furniture: Collection[int] | None = (),
) -> Reading:
    """Read pieces of a container, each for itself: what cannot be read is ``refused`` with its reason."""
    finished: list[Finished] = []
    refused: list[Trouble] = []
    for piece in pieces:
        try:
            reading = read_piece(
                piece,
                name=name,
                tagger=tagger,
                fetched_at=fetched_at,
                path=path,
                priors=priors,
                day_first=day_first,
                furniture=furniture,
            )
        except ParseFailure as failure:
            refused.append(Trouble(piece.name, failure.reason, failure.detail))
            continue
        finished += reading.finished
        told = reading.warnings or reading.shortened
        if told:
            reason = Reason.INTERNAL if reading.warnings else Reason.SHORTENED
            refused.append(Trouble(piece.name, reason, "; ".join(told)[:1000]))
    return Reading(finished=tuple(finished), refused=tuple(refused))


def _read_container(body: bytes, name: str, read: Callable[[Piece], Reading]) -> Reading:
    finished: list[Finished] = []
    problems: list[str] = []
    failures: list[ParseFailure] = []

    def note(named: str, failure: ParseFailure) -> None:
        failures.append(failure)
        problems.append(f"{named or name}: {failure.reason}: {failure.detail}")

    try:
        for one in pieces(io.BytesIO(body), name, size=len(body)):
            if isinstance(one, Trouble):
                note(one.name, ParseFailure(one.reason, one.detail))
                continue
            try:
                reading = read(one)
            except ParseFailure as error:
                note(one.name, error)
                continue
            finished += reading.finished
            problems += (*reading.warnings, *reading.shortened)
            if len(finished) >= MAX_ENTRIES:
                problems.append(f"the first {MAX_ENTRIES:,} articles were read")
                break
    except ParseFailure as error:
        note(name, error)
    if not finished:
        nothing = ParseFailure(Reason.EMPTY, "an archive, mailbox or list without any article in it")
        raise failures[-1] if failures else nothing
    return Reading(finished=tuple(finished), warnings=tuple(problems))


def _finish(
    entries: Iterable[Entry],
    *,
    tagger: Tagger,
    fetched_at: datetime,
    skip: Collection[str],
    priors: Mapping[str, float] | None,
    day_first: bool | None,
    furniture: Collection[int] | None,
    language: str | None = None,
    path: str | None = None,
) -> tuple[tuple[Finished, ...], tuple[str, ...]]:
    finished: list[Finished] = []
    problems: list[str] = []
    articles: list[tuple[str, Article, frozenset[int]]] = []

    def note(name: str, error: Exception) -> None:
        problems.append(f"{name}: {type(error).__name__}: {error}"[:500])

    for number, entry in enumerate(entries, 1):
        name = f"entry {number} ({(entry.title or entry.link or entry.guid or 'without a name')[:80]})"
        try:
            article = clean(
                entry, fetched_at=fetched_at, source_language=language, day_first=day_first, path=path
            )
            articles.append((name, article, edges(article.text)))
        except Exception as error:  # noqa: BLE001 - one entry that we cannot read must not cost the others
            note(name, error)
    together = [found for _, _, found in articles]
    recurring = frozenset[int]() if furniture is None else found_together(together).union(furniture)
    for name, article, found in articles:
        try:
            bare = cut_recurring(article, recurring)
            tags = None if article.content_hash in skip else tag(tagger, bare, priors)
            finished.append(Finished(bare, tags, tagger.taxonomy.hash, found))
        except Exception as error:  # noqa: BLE001 - as above
            note(name, error)
    return tuple(finished), tuple(problems)


def tag(tagger: Tagger, article: Article, priors: Mapping[str, float] | None = None) -> tuple[Tag, ...]:
    """Every topic's score on an article, those that hold first."""
    return tagger.tag(article.title, article.text, language=article.language, priors=priors or {})
