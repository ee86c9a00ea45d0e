"""When to look again: tables of cases, with the clock and the chance as arguments."""

from __future__ import annotations

import itertools
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.cadence import (
    ADAPTIVE,
    Cadence,
    Move,
    NextPoll,
    Outcome,
    Schedule,
    believe_move,
    needs_full_fetch,
    next_poll,
    parse_schedule,
    spread,
)
from service.rhythm import BACKOFF, DAY, HOUR, after_failure
from service.values import Hints, Reason

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)  # a Tuesday
MINUTE = 60.0
STEADY = Cadence(jitter=0.0)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def every(gap: float, count: int = 10, *, silent_for: float = 0.0) -> list[datetime]:
    """Publication times at a steady pace, the newest ``silent_for`` seconds ago."""
    return [ago(silent_for + index * gap) for index in range(count)]


def delay(schedule: Schedule = ADAPTIVE, **look: Any) -> float:
    """Seconds until the next look."""
    return wait(next_poll(schedule, NOW, **{"outcome": Outcome.NEW, "cadence": STEADY, **look}))


def wait(poll: NextPoll) -> float:
    return (poll.at - NOW).total_seconds()


# -- adaptive ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("look", "seconds"),
    [
        pytest.param({"history": every(HOUR)}, HOUR / 2, id="half the usual time between articles"),
        pytest.param({"history": every(5 * MINUTE + 1)}, 15 * MINUTE, id="never under the floor"),
        pytest.param({"history": every(7 * DAY)}, 6 * HOUR, id="never over the ceiling"),
        pytest.param({"history": every(DAY) * 3}, 6 * HOUR, id="ten articles of one moment are one event"),
        pytest.param({"history": every(HOUR)[::-1]}, HOUR / 2, id="in any order"),
        pytest.param(
            {"history": [*every(HOUR), ago(-5 * DAY)]}, HOUR / 2, id="dates of the future say nothing"
        ),
        pytest.param({"history": [*every(HOUR), ago(9000 * DAY)]}, HOUR / 2, id="nor those long gone"),
        pytest.param({}, HOUR, id="unknown: the start"),
        pytest.param({"history": every(HOUR, 2)}, HOUR, id="one gap is no rhythm"),
        pytest.param({"interval": 2 * HOUR}, 1.2 * HOUR, id="undated and news: faster"),
        pytest.param(
            {"interval": 2 * HOUR, "outcome": Outcome.NOT_MODIFIED}, 2.5 * HOUR, id="undated 304: slower"
        ),
        pytest.param(
            {"interval": HOUR, "outcome": Outcome.NOT_MODIFIED, "last_new_at": ago(2 * HOUR)},
            HOUR,
            id="a 304 within the rhythm",
        ),
        pytest.param(
            {"interval": HOUR, "outcome": Outcome.NOT_MODIFIED, "last_new_at": ago(16 * HOUR)},
            2 * HOUR,
            id="304s lengthen: an eighth of the silence",
        ),
        pytest.param(
            {"history": every(HOUR, silent_for=DAY), "outcome": Outcome.SAME},
            3 * HOUR,
            id="silence of a known one",
        ),
        pytest.param(
            {"history": every(HOUR, silent_for=90 * DAY), "outcome": Outcome.SAME},
            6 * HOUR,
            id="a dead one is looked at all the same",
        ),
        pytest.param(
            {"history": every(2 * HOUR), "overflow": True, "interval": HOUR}, HOUR / 2, id="overflow"
        ),
        pytest.param({"history": every(HOUR), "pushed": True}, 6 * HOUR, id="a hub pushes"),
    ],
)
def test_the_adaptive_interval(look: dict[str, Any], seconds: float) -> None:
    assert delay(**look) == pytest.approx(seconds, rel=1e-6)


def test_what_was_learnt_outlives_a_silence_and_a_failure() -> None:
    silent = next_poll(
        ADAPTIVE, NOW, outcome=Outcome.NOT_MODIFIED, interval=HOUR, last_new_at=ago(30 * HOUR), cadence=STEADY
    )
    failed = next_poll(ADAPTIVE, NOW, outcome=Outcome.FAILED, reason=Reason.DNS, failures=1, interval=HOUR)

    assert silent.interval == HOUR
    assert failed.interval == HOUR
    assert "silent for 1d 6h" in silent.why


def test_304s_in_a_row_lengthen_up_to_the_ceiling_and_news_brings_it_back() -> None:
    interval: float | None = None
    seen = []
    for _ in range(20):
        poll = next_poll(ADAPTIVE, NOW, outcome=Outcome.NOT_MODIFIED, interval=interval, cadence=STEADY)
        interval = poll.interval
        seen.append(wait(poll))

    assert seen == sorted(seen)
    assert seen[-1] == STEADY.ceiling
    assert delay(outcome=Outcome.NEW, interval=interval) < STEADY.ceiling


# -- hints ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hints", "seconds"),
    [
        (Hints(ttl=2 * 3600), 2 * HOUR),
        (Hints(ttl=60), HOUR / 2),  # a wish for more often is none
        (Hints(ttl=10**9), 4 * HOUR),
        (Hints(max_age=3600), HOUR),
        (Hints(max_age=10**9), 4 * HOUR),
        (Hints(max_age=0), HOUR / 2),
        (Hints(retry_after=2 * 3600), 2 * HOUR),
        (Hints(retry_after=60), HOUR / 2),
        (Hints(retry_after=10**9), DAY),
        (Hints(skip_hours=frozenset({12, 13, 14})), 3 * HOUR),
        (Hints(skip_hours=frozenset(range(24))), DAY + HOUR / 2),  # never is no answer
        (Hints(skip_days=frozenset({1})), 12 * HOUR),  # Tuesday
        (Hints(skip_days=frozenset(range(7))), DAY + HOUR / 2),
    ],
)
def test_hints_only_delay_and_are_capped(hints: Hints, seconds: float) -> None:
    assert delay(history=every(HOUR), hints=hints) == pytest.approx(seconds)


def test_an_interval_that_a_person_chose_yields_to_retry_after_alone() -> None:
    fixed = parse_schedule("every 15m")
    wishes = Hints(ttl=86400, max_age=86400, skip_hours=frozenset({12}))

    assert delay(fixed, hints=wishes) == 15 * MINUTE
    assert delay(fixed, hints=Hints(retry_after=3600)) == HOUR
    assert delay(parse_schedule("*/5 * * * *"), hints=Hints(retry_after=3600)) == HOUR


def test_retry_after_binds_a_poll_by_hand_as_well() -> None:
    poll = next_poll(
        ADAPTIVE,
        NOW,
        outcome=Outcome.FAILED,
        reason=Reason.RATE_LIMITED,
        failures=1,
        hints=Hints(retry_after=7200),
    )

    assert poll.not_before == NOW + timedelta(hours=2)
    assert poll.at >= poll.not_before
    assert "Retry-After 2h" in poll.why
    assert next_poll(ADAPTIVE, NOW, outcome=Outcome.NEW).not_before is None


# -- failures ------------------------------------------------------------------------------------------


def test_every_reason_has_its_back_off() -> None:
    assert set(BACKOFF) == set(Reason)


@pytest.mark.parametrize(
    ("reason", "waits"),
    [
        (Reason.DNS, [5, 10, 20, 40, 80, 160, 320, 360, 360]),
        (Reason.TIMEOUT, [5, 10, 20, 40, 80, 160, 320, 360, 360]),
        (Reason.HTTP_5XX, [15, 20, 40, 80, 160, 320, 360]),
        (Reason.NOT_A_FEED, [30, 60, 120, 240, 360, 360]),
        (Reason.NOT_FOUND, [60, 120, 240, 360, 360]),
        (Reason.UNAUTHORIZED, [120, 240, 360]),
        (Reason.STORAGE, [1, 2, 4, 8, 16, 32, 60, 60]),
    ],
)
def test_failures_back_off_by_kind(reason: Reason, waits: list[float]) -> None:
    found = [
        delay(outcome=Outcome.FAILED, reason=reason, failures=count, interval=15 * MINUTE) / MINUTE
        for count in range(1, len(waits) + 1)
    ]

    assert found == waits


@pytest.mark.parametrize("reason", list(Reason))
def test_no_failure_is_given_up(reason: Reason) -> None:
    waits = [after_failure(reason, count, HOUR, STEADY) for count in (*range(1, 40), 10**6)]

    assert waits == sorted(waits)
    assert waits[-1] <= STEADY.ceiling


def test_a_failure_never_makes_a_slow_source_be_asked_more_often_unless_it_could_not_be_reached() -> None:
    daily = parse_schedule("every 1d")

    assert delay(daily, outcome=Outcome.FAILED, reason=Reason.NOT_FOUND, failures=1) == DAY
    assert delay(daily, outcome=Outcome.FAILED, reason=Reason.HTTP_5XX, failures=1) == DAY
    assert delay(daily, outcome=Outcome.FAILED, reason=Reason.DNS, failures=1) == 5 * MINUTE


def test_a_quick_source_backs_off_from_its_own_pace() -> None:
    quick = parse_schedule("every 10s")

    assert [
        delay(quick, outcome=Outcome.FAILED, reason=Reason.CONNECT, failures=count) for count in (1, 2, 3)
    ] == [10, 20, 40]


@pytest.mark.parametrize(
    ("reason", "lasts", "hours"),
    [
        (Reason.HTTP_5XX, None, 6.0),
        (Reason.HTTP_5XX, 12 * HOUR, 12 / 16),  # twelve hours stay in what it shows
        (Reason.NOT_FOUND, 12 * HOUR, 1.0),  # never below the first wait of its kind
        (Reason.HTTP_5XX, 2 * HOUR, 0.5),  # nor below twice its own pace
        (Reason.HTTP_5XX, 30 * DAY, 6.0),
        (Reason.RATE_LIMITED, 12 * HOUR, 6.0),  # it asked for fewer visits
        (Reason.UNAUTHORIZED, 12 * HOUR, 6.0),
    ],
)
def test_a_quick_feed_is_not_left_alone_for_longer_than_its_articles_stay(
    reason: Reason, lasts: float | None, hours: float
) -> None:
    found = delay(outcome=Outcome.FAILED, reason=reason, failures=50, interval=HOUR / 4, lasts=lasts)

    assert found == hours * HOUR


def test_a_cron_source_that_fails_is_tried_before_its_next_time() -> None:
    daily = parse_schedule("0 12 * * *")

    assert delay(daily, outcome=Outcome.FAILED, reason=Reason.TIMEOUT, failures=1) == 5 * MINUTE
    assert delay(daily, outcome=Outcome.FAILED, reason=Reason.NOT_FOUND, failures=1) == DAY
    often = parse_schedule("* * * * *")
    assert delay(often, outcome=Outcome.FAILED, reason=Reason.NOT_FOUND, failures=3) == 4 * HOUR


# -- chance --------------------------------------------------------------------------------------------


def test_jitter_comes_from_the_seed_and_keeps_the_bounds() -> None:
    polls = [
        next_poll(ADAPTIVE, NOW, outcome=Outcome.NEW, history=every(HOUR), seed=f"{source} {NOW}")
        for source in range(500)
    ]
    again = next_poll(ADAPTIVE, NOW, outcome=Outcome.NEW, history=every(HOUR), seed=f"7 {NOW}")

    assert polls[7] == again
    waits = [wait(poll) for poll in polls]
    assert min(waits) >= HOUR / 2
    assert max(waits) <= HOUR / 2 * 1.1
    tenths = Counter(int((seconds - HOUR / 2) / (HOUR / 200)) for seconds in waits)
    assert len(tenths) == 10
    assert max(tenths.values()) < 90


@given(
    st.sampled_from([Outcome.NEW, Outcome.SAME, Outcome.NOT_MODIFIED]),
    st.lists(st.floats(-10 * DAY, 400 * DAY), max_size=40),
    st.none() | st.floats(0, 1e9),
    st.integers(),
    st.booleans(),
)
def test_without_wishes_the_next_look_lies_between_floor_and_ceiling(
    outcome: Outcome, ages: list[float], interval: float | None, seed: int, overflow: bool
) -> None:
    poll = next_poll(
        ADAPTIVE,
        NOW,
        outcome=outcome,
        history=[ago(age) for age in ages],
        interval=interval,
        overflow=overflow,
        seed=seed,
    )

    bounds = Cadence()
    assert bounds.floor <= wait(poll) <= bounds.ceiling
    assert poll.interval is not None
    assert bounds.floor <= poll.interval <= bounds.ceiling


def test_a_chosen_interval_is_never_cut_and_hardly_stretched() -> None:
    waits = [
        wait(next_poll(parse_schedule("every 2h"), NOW, outcome=Outcome.SAME, seed=seed))
        for seed in range(200)
    ]

    assert min(waits) >= 2 * HOUR
    assert max(waits) <= 2 * HOUR + 60


# -- restarts ------------------------------------------------------------------------------------------


def test_ten_thousand_overdue_sources_are_spread_evenly_and_those_of_a_host_apart() -> None:
    items = [(number, f"host{number % 49}" if number % 2 else f"alone{number}") for number in range(10_000)]

    times = spread(items, NOW, 600.0)

    assert len(times) == 10_000
    histogram = Counter(int((at - NOW).total_seconds() // 60) for at in times.values())
    print("\n" + "\n".join(f"minute {minute}: {histogram[minute]}" for minute in sorted(histogram)))
    assert sorted(histogram) == list(range(10))
    assert max(histogram.values()) - min(histogram.values()) <= 1
    busy = sorted(times[number] for number, host in items if host == "host1")
    gaps = [(later - earlier).total_seconds() for earlier, later in itertools.pairwise(busy)]
    assert min(gaps) > 0.5 * 600 / len(busy)


def test_spreading_nothing_and_one() -> None:
    assert spread([], NOW, 600.0) == {}
    assert spread([(7, "a")], NOW, 600.0) == {7: NOW}


# -- full fetches and moves ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age", "interval", "needed"),
    [
        (None, 0, True),
        (HOUR, HOUR, False),
        (22 * HOUR, HOUR, False),
        (23.5 * HOUR, HOUR, True),  # the next look would come too late
        (25 * HOUR, 0, True),
        (HOUR, 2 * DAY, False),
        (13 * HOUR, 2 * DAY, True),
    ],
)
def test_a_whole_body_is_asked_for_at_least_daily(age: float | None, interval: float, needed: bool) -> None:
    fetched_at = None if age is None else ago(age)

    assert needs_full_fetch(fetched_at, NOW, interval=interval) is needed


A, B = "https://a.test/feed", "https://b.test/feed"


@pytest.mark.parametrize(
    ("answers", "believed"),
    [
        pytest.param([(B, True)] * 3, True, id="three times the same"),
        pytest.param([(B, True)] * 2, False, id="twice is not enough"),
        pytest.param([(B, True), (B, True), ("https://c.test/", True), (B, True)], False, id="not in a row"),
        pytest.param(
            [(B, True), (None, True), (B, True), (B, True)], False, id="it answered itself in between"
        ),
        pytest.param([(B, True), (B, False), (B, True), (B, True)], False, id="a captive page in between"),
        pytest.param([(B, False)] * 5, False, id="never a feed"),
        pytest.param([("http://b.test/feed", True)] * 5, False, id="down to http"),
        pytest.param([(A, True)] * 5, False, id="to itself"),
    ],
)
def test_a_permanent_move_is_believed_after_three_identical_answers_that_are_feeds(
    answers: list[tuple[str | None, bool]], believed: bool
) -> None:
    move = Move()
    for permanent_url, is_feed in answers:
        move = believe_move(A, permanent_url, moved_to=move.to, moved_count=move.count, is_feed=is_feed)

    assert move.believed is believed
    if believed:
        assert move.to == B
