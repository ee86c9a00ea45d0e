"""What is done with the page of each entry, and what its outcome makes of the article. Pure.

::

    new, or changed                          → its page is tried, where `service.clean.full_text` says so
    changed, and its text is its page's      → the page is read again, at most once an hour; until then, and
                                               while that fails and may yet help, the text stays as it is
    the same, and its page failed            → tried again when its time has come
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, auto

from models.records import Known, PageRecord
from service.clean.full_text import FullText, wanting
from service.reading import Finished
from service.values import Decision, Kind, Reason

_AGAIN = (timedelta(hours=1), timedelta(hours=6))  # after the first and the second failure; then no more
_REFRESH = timedelta(hours=1)
# What may be another thing the next time.
_PASSING = frozenset(
    (
        Reason.DNS, Reason.CONNECT, Reason.TLS, Reason.TIMEOUT, Reason.BROKEN, Reason.RATE_LIMITED,
        Reason.HTTP_5XX, Reason.PARSE_TIMEOUT, Reason.PARSE_CRASH, Reason.INTERNAL,
    )
)  # fmt: skip


class Step(Enum):
    """What is done with an entry's page."""

    LEAVE = auto()  # nothing: the article is as the feed has it
    TRY = auto()
    HOLD = auto()  # the page's text stays although the feed has changed


@dataclass(frozen=True, slots=True)
class Got:
    """What a page gave: a finished article, or why not."""

    finished: Finished | None = None
    url: str | None = None
    reason: Reason | None = None
    detail: str = ""


def steps_for(
    mode: FullText,
    finished: Sequence[Finished],
    decisions: Sequence[Decision],
    before: Sequence[Known | None],
    now: datetime,
) -> list[Step]:
    """What is to be done with each entry's page; ``before`` are the stored articles that they are."""
    wants = wanting(mode, [one.article for one in finished])
    return [
        _step(decision.kind, known.page if known is not None else None, wanted, now)
        for decision, known, wanted in zip(decisions, before, wants, strict=True)
    ]


def _step(kind: Kind, page: PageRecord | None, wanted: bool, now: datetime) -> Step:
    if kind is Kind.CHANGED and page is not None and page.taken:
        at = page.next_try_at if page.reason else page.tried_at + _REFRESH
        return Step.LEAVE if at is None else Step.TRY if at <= now else Step.HOLD
    if kind is Kind.SAME and page is not None and not page.taken:
        return Step.TRY if page.next_try_at is not None and page.next_try_at <= now else Step.LEAVE
    return Step.TRY if wanted and kind in (Kind.NEW, Kind.CHANGED) else Step.LEAVE


def outcome(
    finished: Finished, step: Step, known: Known | None, got: Got | None, now: datetime
) -> tuple[Finished, PageRecord | None]:
    """An article as it is to be stored, and what is to be remembered of its page.

    ``got`` is None where the page was not tried: there was no need, or no time.
    """
    before = known.page if known is not None else None
    said = finished.article.content_hash
    if got is None:
        if step is Step.LEAVE:
            return finished, None
        if known is not None and before is not None and before.taken:
            return _held(finished, known), None
        waiting = before or PageRecord(said, taken=False, tried_at=now)
        return finished, replace(waiting, said_hash=said, next_try_at=now)
    if got.finished is not None:
        return got.finished, PageRecord(said, taken=True, tried_at=now, url=got.url)
    attempts = 1 + (before.attempts if before is not None and before.reason else 0)
    again = got.reason in _PASSING and attempts <= len(_AGAIN)
    failed = PageRecord(
        said,
        taken=False,
        tried_at=now,
        reason=str(got.reason),
        detail=got.detail,
        attempts=attempts,
        next_try_at=now + _AGAIN[attempts - 1] if again else None,
    )
    if again and known is not None and before is not None and before.taken:
        return _held(finished, known), replace(failed, taken=True, said_hash=before.said_hash, url=before.url)
    return finished, failed


def _held(finished: Finished, known: Known) -> Finished:
    """The article as it is stored: to be decided the same."""
    article = finished.article
    held = replace(article, content_hash=known.content_hash, said_hash=article.content_hash)
    return replace(finished, article=held)
