"""Schedules as people write them, and cron's own meaning of five fields."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.cadence import Cadence, Outcome, Schedule, ScheduleKind, next_poll, parse_schedule, spell
from service.errors import UsageError
from service.rhythm import DAY, HOUR

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)  # a Tuesday
MINUTE = 60.0
STEADY = Cadence(jitter=0.0)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("every 15m", 15 * MINUTE),
        ("every 2h", 2 * HOUR),
        ("EVERY 1h30m", 1.5 * HOUR),
        ("every 1 h 30 min", 1.5 * HOUR),
        ("every 90 seconds", 90),
        ("every hour", HOUR),
        ("every day", DAY),
        ("every 1.5h", 1.5 * HOUR),
        ("every 2w", 14 * DAY),
        ("every 1s", 1),
    ],
)
def test_intervals_are_read_as_people_write_them(text: str, seconds: float) -> None:
    read = parse_schedule(text)

    assert read == Schedule(ScheduleKind.EVERY, seconds=seconds)
    assert parse_schedule(str(read)) == read


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("0 6 * * *", "2026-11-25T06:00"),
        ("*/20 * * * *", "2026-11-24T12:20"),
        ("0 9 * * 1", "2026-11-30T09:00"),  # cron's 1 is Monday
        ("0 9 * * 0", "2026-11-29T09:00"),  # 0 and 7 are Sunday
        ("0 9 * * 7", "2026-11-29T09:00"),
        ("0 9 * * 5-7", "2026-11-27T09:00"),
        ("0 9 * * fri-sun", "2026-11-27T09:00"),
        ("0 9 * * 1-5", "2026-11-25T09:00"),
        ("0 9 * * */3", "2026-11-25T09:00"),  # Sunday, Wednesday, Saturday
        ("0 9 * * sat,thu", "2026-11-26T09:00"),
        ("0 0 13 * fri", "2026-11-27T00:00"),  # the 13th or a Friday, as cron has it
        ("0 0 25 * fri", "2026-11-25T00:00"),
        ("0 9 29 2 *", "2028-02-29T09:00"),
        ("0 9 1 jan *", "2027-01-01T09:00"),
        ("@daily", "2026-11-25T00:00"),
        ("@weekly", "2026-11-29T00:00"),
        ("TZ=Europe/Berlin 0 6 * * *", "2026-11-25T05:00"),
        ("CRON_TZ=America/New_York 0 6 * * *", "2026-11-25T11:00"),
    ],
)
def test_cron_schedules_come_when_cron_would(text: str, first: str) -> None:
    schedule = parse_schedule(text)

    poll = next_poll(schedule, NOW, outcome=Outcome.SAME, cadence=STEADY)

    assert poll.at == datetime.fromisoformat(first).replace(tzinfo=UTC)
    assert parse_schedule(str(schedule)) == schedule


def test_a_cron_schedule_keeps_local_time_over_the_change_of_clocks() -> None:
    schedule = parse_schedule("0 6 * * *", zone="Europe/Berlin")
    summer = datetime(2026, 7, 1, 12, tzinfo=UTC)

    assert next_poll(schedule, summer, outcome=Outcome.SAME, cadence=STEADY).at.hour == 4
    assert next_poll(schedule, NOW, outcome=Outcome.SAME, cadence=STEADY).at.hour == 5


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sometimes",
        "every",
        "every month",
        "every 15",
        "every 15x",
        "every -5m",
        "every 0s",
        "every 500d",
        "every 15m and then some",
        "60 * * * *",
        "* * * *",
        "* * * * * *",
        "0 0 30 2 *",
        "0 0 * * 9",
        "0 0 * * sun-",
        "0 0 * * 5-2",
        "0 0 * * */0",
        "0 0 * * noday",
        "TZ=Nowhere/Land 0 6 * * *",
        "TZ=../etc/passwd 0 6 * * *",
        "TZ=",
        "9" * 1000,
    ],
)
def test_what_is_no_schedule_is_refused_with_what_can_be_written(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_schedule(text)

    assert text.strip()[:20] in str(refused.value) or "characters" in str(refused.value)


@given(st.text(max_size=40))
def test_any_text_is_a_schedule_or_refused(text: str) -> None:
    try:
        schedule = parse_schedule(text)
    except UsageError:
        return
    assert parse_schedule(str(schedule)) == schedule


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0s"), (45, "45s"), (5400, "1h 30m"), (86400, "1d"), (90061, "1d 1h"), (7200, "2h")],
)
def test_durations_are_spelt_briefly(seconds: float, words: str) -> None:
    assert spell(seconds) == words
