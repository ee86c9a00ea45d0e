"""What every look at a source has in common, feed or folder: its record, its failure, its line in the log."""

from __future__ import annotations

from datetime import datetime

from loguru import logger

from models.records import PUSHED, PollRecord, SourceRecord, SourceState, SourceUpdate
from service.cadence import ADAPTIVE, Cadence, Outcome, Schedule, next_poll, parse_schedule
from service.errors import UsageError
from service.values import Failed, Reason


def schedule_of(source: SourceRecord) -> Schedule:
    """When a source is to be looked at."""
    try:
        return parse_schedule(source.schedule)
    except UsageError as error:
        # Commands and settings refuse such a schedule; one in the database is no reason to lose the source.
        logger.warning("{}: {}; taken as adaptive", source.location, error)
        return ADAPTIVE


def seed(source: SourceRecord, now: datetime) -> str:
    """What the jitter of a source's next look is drawn from."""
    return f"{source.id} {now.isoformat()}"


def lasts(source: SourceRecord) -> float | None:
    """Seconds that an article usually stays in what a feed shows, as far as its last document told."""
    if not source.entries or source.usual_gap is None:
        return None
    return source.entries * source.usual_gap


def after_failure(
    source: SourceRecord,
    failed: Failed,
    *,
    started_at: datetime,
    ended_at: datetime,
    cadence: Cadence,
    owner: str,
) -> SourceUpdate:
    """The state of a source after a look that failed: its validators stay, its next look is put off."""
    failures = source.failures + 1
    following = next_poll(
        schedule_of(source),
        ended_at,
        outcome=Outcome.FAILED,
        reason=failed.reason,
        failures=failures,
        last_new_at=source.last_new_at,
        interval=source.interval,
        lasts=lasts(source),
        hints=failed.hints,
        cadence=cadence,
        seed=seed(source, ended_at),
    )
    gone = failed.reason is Reason.GONE
    return SourceUpdate(
        source.id,
        following.at,
        etag=source.etag,
        last_modified=source.last_modified,
        body_hash=source.body_hash,
        not_before=following.not_before,
        failures=failures,
        failing_since=source.failing_since or started_at,
        moved_to=source.moved_to,
        moved_count=source.moved_count,
        state=SourceState.PAUSED if gone else None,
        state_reason="the server says it is gone for good (410)" if gone else None,
        lease_owner=owner,
    )


def record(
    source: SourceRecord,
    outcome: str,
    *,
    started_at: datetime,
    ended_at: datetime,
    status: int | None = None,
    detail: str | None = None,
    size: int = 0,
    problems: int = 0,
) -> PollRecord:
    """A look as the log of polls keeps it; what it brought is filled in when that is known."""
    return PollRecord(
        source_id=source.id,
        started_at=started_at,
        duration_ms=max(0, round((ended_at - started_at).total_seconds() * 1000)),
        outcome=str(outcome),
        status=status,
        detail=detail[:1000] if detail else None,
        bytes=size,
        problems=problems,
    )


def log(source: SourceRecord, poll: PollRecord, *, quiet: bool = False) -> None:
    """The one line a look: its source, how it ended, what it brought, how long it took.

    :param quiet: it brought nothing, as nearly all of its kind do: said to those who debug
    """
    bound = logger.bind(
        source_id=source.id,
        outcome=poll.outcome,
        status=poll.status,
        new=poll.new,
        changed=poll.changed,
        duration_ms=poll.duration_ms,
    )
    if poll.outcome in ("ok", "not_modified", PUSHED):
        bound.log(
            "DEBUG" if quiet else "INFO",
            "{}: {}, {} new, {} changed of {}, {} ms",
            source.location,
            poll.outcome,
            poll.new + poll.duplicates,
            poll.changed,
            poll.seen,
            poll.duration_ms,
        )
    else:
        bound.warning(
            "{}: {}: {} ({} ms)", source.location, poll.outcome, poll.detail or "", poll.duration_ms
        )
