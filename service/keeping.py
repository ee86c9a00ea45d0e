"""The second half of an article's way: decide what each article is, and store it with its source's state.

Everything here runs in the writer's thread, inside a transaction that the writer holds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from models import articles as store
from models import pages as page_store
from models.records import (
    ArticleWrite,
    CutRecord,
    EnclosureRecord,
    EvidenceRecord,
    FileRecord,
    Known,
    PageRecord,
    PollRecord,
    SourceUpdate,
    TagRecord,
)
from service.decide import REWRITE_CAP, decide, identify
from service.reading import Finished, tag
from service.recurring import learn_furniture
from service.tagging import Tagger
from service.values import Decision, Kind, Tag

WRITTEN = (Kind.NEW, Kind.CHANGED, Kind.DUPLICATE)
_ADDED = (Kind.NEW, Kind.DUPLICATE)


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of the articles of one document or batch."""

    seen: int = 0
    new: int = 0
    changed: int = 0
    same: int = 0
    duplicates: int = 0
    deleted: int = 0
    capped: int = 0
    ids: tuple[int, ...] = ()  # of the new ones

    def __add__(self, other: Kept) -> Kept:
        return Kept(
            self.seen + other.seen,
            self.new + other.new,
            self.changed + other.changed,
            self.same + other.same,
            self.duplicates + other.duplicates,
            self.deleted + other.deleted,
            self.capped + other.capped,
            self.ids + other.ids,
        )


def keep(
    source_id: int,
    finished: Sequence[Finished],
    *,
    tagger: Tagger,
    now: datetime,
    priors: Mapping[str, float] | None = None,
    update: Callable[[Kept], SourceUpdate] | None = None,
    poll: PollRecord | None = None,
    files: Sequence[FileRecord] = (),
    pages: Sequence[PageRecord | None] = (),
) -> tuple[Kept, PollRecord | None]:
    """Decide and store in one transaction: articles, tags, files, the source's state and the poll's record.

    ``update`` is asked for the source's next state once it is known what is new, because the cadence
    depends on it. ``priors`` are the source's, for articles that come without tags. ``pages`` says what came
    of each article's page, where any were wanted.

    :raises models.errors.StorageError: nothing was stored
    """
    decisions = decisions_on(source_id, finished)[0]
    looked = pages or [None] * len(finished)
    kept = _counted(decisions)
    writes = [
        replace(_write(decision, *_tags(decision, one, tagger, priors), now), page=page)
        for decision, one, page in zip(decisions, finished, looked, strict=True)
        if decision.kind in WRITTEN or decision.moved
    ]
    if poll is not None:
        # A folder's earlier batches are counted in it already.
        poll = replace(
            poll,
            seen=poll.seen + kept.seen,
            new=poll.new + kept.new,
            changed=poll.changed + kept.changed,
            duplicates=poll.duplicates + kept.duplicates,
            detail=_told(poll.detail, kept.capped),
        )
    stored = store.save(update(kept) if update else None, poll, writes, files, now=now, source_id=source_id)
    tried = {
        decision.article_id: page
        for decision, page in zip(decisions, looked, strict=True)
        if decision.kind is Kind.SAME and decision.article_id is not None and page is not None
    }
    if tried:
        page_store.write(source_id, tried)
    added = [one for decision, one in zip(decisions, finished, strict=True) if decision.kind in _ADDED]
    learn_furniture(source_id, added, now)
    return replace(kept, ids=stored.new), poll


def _counted(decisions: Sequence[Decision]) -> Kept:
    counts = Counter(decision.kind for decision in decisions)
    return Kept(
        seen=len(decisions),
        new=counts[Kind.NEW],
        changed=counts[Kind.CHANGED],
        same=counts[Kind.SAME],
        duplicates=counts[Kind.DUPLICATE],
        deleted=counts[Kind.DELETED],
        capped=counts[Kind.CAPPED],
    )


def decisions_on(source_id: int, finished: Sequence[Finished]) -> tuple[list[Decision], list[Known]]:
    """What each article is, one decision for each, and what is known that was compared with."""
    found = [one.article for one in finished]
    if not found:
        return [], []
    known = store.known(
        source_id,
        keys=identify(found),
        guids=[article.guid for article in found if article.guid],
        urls=[article.url for article in found if article.url],
        hashes=[article.content_hash for article in found],
    )
    return decide(found, known, source_id=source_id), known


def _told(detail: str | None, capped: int) -> str | None:
    """What a poll says, and that some articles are rewritten without end."""
    if not capped:
        return detail
    said = f"articles rewritten {REWRITE_CAP} times before, and changed again: {capped} (only counted now)"
    return f"{detail}; {said}" if detail else said


def _tags(
    decision: Decision, one: Finished, tagger: Tagger, priors: Mapping[str, float] | None
) -> tuple[Sequence[Tag], str, tuple[str, ...]]:
    """An article's tags, the hash of the topics file that gave them, and the topics that gave none for want
    of rules for its language.

    That file may be another one than the tagger's: a worker finishes what it has after a reload.
    """
    tags = tag(tagger, decision.article, priors) if one.tags is None else one.tags
    taxonomy = one.taxonomy if one.tags is not None and one.taxonomy else tagger.taxonomy.hash
    return tags, taxonomy, tagger.uncovered(tags)


def _write(
    decision: Decision, tags: Sequence[Tag], taxonomy: str, uncovered: tuple[str, ...], now: datetime
) -> ArticleWrite:
    article = decision.article
    return ArticleWrite(
        key=decision.key,
        title=article.title,
        text=article.text,
        content_hash=article.content_hash,
        seen_at=now,
        article_id=decision.article_id,
        guid=article.guid,
        url=article.url,
        title_made=article.title_made,
        published_at=article.published_at,
        precision=article.precision,
        date_origin=article.date_origin,
        author=article.author,
        language=article.language,
        categories=article.categories,
        enclosures=tuple(EnclosureRecord(one.url, one.type, one.length) for one in article.enclosures),
        cuts=tuple(CutRecord(cut.kind, cut.text) for cut in article.cuts),
        path=article.path,
        duplicate_of=decision.duplicate_of,
        tags=tuple(tag_record(tag, taxonomy) for tag in tags if tag.holds),
        taxonomy=taxonomy,
        uncovered=uncovered,
        missed=missed(tags),
    )


def missed(tags: Iterable[Tag]) -> tuple[tuple[str, float], ...]:
    """What topics scored that do not reach their thresholds."""
    return tuple((tag.topic, tag.score) for tag in tags if not tag.holds)


def tag_record(tag: Tag, taxonomy: str) -> TagRecord:
    """A tag as it is stored, with the taxonomy that gave it."""
    return TagRecord(
        topic=tag.topic,
        score=tag.score,
        threshold=tag.threshold,
        main=tag.main,
        taxonomy=taxonomy,
        evidence=tuple(
            EvidenceRecord(one.field, one.start, one.end, one.phrase, one.rule, one.contribution)
            for one in tag.evidence
        ),
    )
