"""Dates as sources write them: every form that was met, and what must not be guessed."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.clean.date_names import DATE_LABELS, FILLERS, MONTHS, WEEKDAYS, ZONES, fold
from service.clean.dates import labelled_date, parse_date
from service.values import Precision

SECOND, MINUTE, DAY, MONTH, YEAR = Precision


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


CASES = [
    # RFC 822 and its slips
    ("Thu, 26 Feb 2026 10:00:00 +0000", "2026-02-26T10:00:00", SECOND),
    ("Thu, 26 Feb 26 10:00:00 GMT", "2026-02-26T10:00:00", SECOND),
    ("26 Feb 1999 10:00 -0500", "1999-02-26T15:00", MINUTE),
    ("Sat, 01 Jan 99 10:00:00 GMT", "1999-01-01T10:00:00", SECOND),
    ("Thu,28 Jul 2022 4:35:5 GMT+9", "2022-07-27T19:35:05", SECOND),
    ("Thu , \t 09  Feb\t2006  23:59:45\t +0000", "2006-02-09T23:59:45", SECOND),
    ("Tue, 31 Dec 2024 23:59:60 +0000", "2024-12-31T23:59:59", SECOND),
    ("Mon Jan  5 10:00:00 2024", "2024-01-05T10:00:00", SECOND),
    ("Wed Oct 07 08:00:07 UTC 2009", "2009-10-07T08:00:07", SECOND),
    ("Fri Feb 27 2026 10:00:00 GMT+0100 (Central European Standard Time)", "2026-02-27T09:00", SECOND),
    ("Thu, 26 Feb 2026 10:00:00 (CET)", "2026-02-26T09:00:00", SECOND),
    # zones that feedparser reads as UTC, or cannot read
    ("Fri, 17 May 2019 06:00:00 BST", "2019-05-17T05:00:00", SECOND),
    ("Mon, 01 Jan 2024 10:00:00 KST", "2024-01-01T01:00:00", SECOND),
    ("Mon, 01 Jul 2024 10:00:00 CEST", "2024-07-01T08:00:00", SECOND),
    ("Mon, 01 Jan 2024 10:00:00 MSK", "2024-01-01T07:00:00", SECOND),
    ("Mon, 01 Jan 2024 10:00:00 IST", "2024-01-01T04:30:00", SECOND),
    ("Mon, 01 Jan 2024 10:00:00 UTC+3", "2024-01-01T07:00:00", SECOND),
    ("Mon, 01 Jan 2024 10:00:00 GMT-05:00", "2024-01-01T15:00:00", SECOND),
    ("Jun 18, 2024, 10:20 AM ET", "2024-06-18T14:20", MINUTE),
    ("Jan 18, 2024, 10:20 AM ET", "2024-01-18T15:20", MINUTE),
    ("18 June 2024 10:20 Eastern Daylight Time", "2024-06-18T14:20", MINUTE),
    ("2024-06-18 10:20 Europe/Berlin", "2024-06-18T08:20", MINUTE),
    ("2024-06-18T10:20:30 America/New_York", "2024-06-18T14:20:30", SECOND),
    ("Mon, 1 Jan 2024 10:00:00 XYZ", "2024-01-01T10:00:00", DAY),  # nobody knows how late
    ("10:20 CET, 18 January 2024", "2024-01-18T09:20", MINUTE),  # "cet" is also a Croatian Thursday
    ("10:20 Sat 20 January 2024", "2024-01-20T10:20", MINUTE),
    # halves of the day
    ("Friday, January 29, 2021 04:42 PM", "2021-01-29T16:42", MINUTE),
    ("Sat, Dec 16 2023 02:02:33 PM", "2023-12-16T14:02:33", SECOND),
    ("Sun, 20 Apr 2014 8:19 pm CEST", "2014-04-20T18:19", MINUTE),
    ("June 18, 2024 at 12:05 a.m. EDT", "2024-06-18T04:05", MINUTE),
    ("18 June 2024, 12 p. m.", "2024-06-18T12:00", MINUTE),
    ("18 June 2024 15:30 PM", "2024-06-18T15:30", MINUTE),
    # ISO 8601
    ("2003-12-31T10:14:55-08:00", "2003-12-31T18:14:55", SECOND),
    ("2024-06-18T10:20:30.123+0200", "2024-06-18T08:20:30", SECOND),
    ("2024-06-18 10:20", "2024-06-18T10:20", MINUTE),
    ("2024-06-18T24:00:00Z", "2024-06-19T00:00:00", SECOND),
    ("2002-12-31T192030+01:00", "2002-12-31T18:20:30", SECOND),
    ("20240618T102030Z", "2024-06-18T10:20:30", SECOND),
    ("20240618", "2024-06-18", DAY),
    ("2024-06", "2024-06-01", MONTH),
    ("2024", "2024-01-01", YEAR),
    # Unix time
    ("1518478934", "2018-02-12T23:42:14", SECOND),
    ("1700000000000", "2023-11-14T22:13:20", SECOND),
    ("1700000000.5", "2023-11-14T22:13:20", SECOND),
    ("/Date(1700000000000+0100)/", "2023-11-14T22:13:20", SECOND),
    # numbers in other orders
    ("2020/1/10 14:33:00", "2020-01-10T14:33:00", SECOND),
    ("07.02.2025", "2025-02-07", DAY),
    ("22.11.2022 12:16:00", "2022-11-22T12:16:00", SECOND),
    ("22.11.2022 12:16", "2022-11-22T12:16", MINUTE),
    ("10:20, 18.06.2024", "2024-06-18T10:20", MINUTE),
    ("Fri, 05/03/2019 - 15:21", "2019-05-03T15:21", MINUTE),  # a Friday only as May 3
    ("Mon, 04/15/2019 - 16:46", "2019-04-15T16:46", MINUTE),
    ("6/17/2024", "2024-06-17", DAY),
    ("18/06/24", "2024-06-18", DAY),
    ("18-06-2024", "2024-06-18", DAY),
    ("5/5/2024", "2024-05-05", DAY),
    ("2024. 6. 18. 10:20", "2024-06-18T10:20", MINUTE),
    # words
    ("18th June 2024", "2024-06-18", DAY),
    ("June 18, 2024", "2024-06-18", DAY),
    ("18-Jun-2024 10:20", "2024-06-18T10:20", MINUTE),
    ("Tuesday 18 June 2024", "2024-06-18", DAY),
    ("Tue 18 Jun 2024 10.20 BST", "2024-06-18T09:20", MINUTE),
    ("10:20 GMT, 18 June 2024", "2024-06-18T10:20", MINUTE),
    ("June 2024", "2024-06-01", MONTH),
    # languages
    ("Sex, 03 Jan 2025 21:45:00 -0300", "2025-01-04T00:45:00", SECOND),
    ("Seg, 24 Set 2018 19:18:49 -0300", "2018-09-24T22:18:49", SECOND),
    ("5 de maio de 2024 às 10h20", "2024-05-05T10:20", MINUTE),
    ("mer, 14 sep 2005 10:00:00 +0200", "2005-09-14T08:00:00", SECOND),
    ("mar, 14 mar 2006 10:00:00 +0100", "2006-03-14T09:00:00", SECOND),  # a Tuesday in March
    ("1er mai 2024", "2024-05-01", DAY),
    ("jeudi 5 décembre 2024 à 18h00", "2024-12-05T18:00", MINUTE),
    ("3. März 2024, 15:30 Uhr", "2024-03-03T15:30", MINUTE),
    ("Samstag, 5. Oktober 2024 um 10:20 MESZ", "2024-10-05T08:20", MINUTE),
    ("5 de mayo de 2024", "2024-05-05", DAY),
    ("12 июня 2024 г., 10:20 MSK", "2024-06-12T07:20", MINUTE),
    ("18 червня 2024", "2024-06-18", DAY),
    ("sobota, 5 října 2024", "2024-10-05", DAY),
    ("18 Ιουνίου 2024", "2024-06-18", DAY),
    ("18 Haziran 2024", "2024-06-18", DAY),
    ("2026년 5월 1일", "2026-05-01", DAY),
    ("2026년 5월 1일 (금) 오후 3:20", "2026-05-01T15:20", MINUTE),
    ("2026年5月1日15时20分", "2026-05-01T15:20", MINUTE),
    ("2026年5月1日 下午3点20分", "2026-05-01T15:20", MINUTE),
    ("2026年5月1日(金)", "2026-05-01", DAY),
    ("ngày 5 tháng 6 năm 2024", "2024-06-05", DAY),
    ("18 มิถุนายน 2567", "2024-06-18", DAY),  # the Buddhist year
    ("१८ जून २०२४", "2024-06-18", DAY),
    ("٥ مايو ٢٠٢٤", "2024-05-05", DAY),
]


@pytest.mark.parametrize(("text", "instant", "precision"), CASES, ids=[case[0] for case in CASES])
def test_a_date_is_read(text: str, instant: str, precision: Precision) -> None:
    assert parse_date(text) == (_utc(instant), precision)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2 hours ago",
        "May 5",
        "18–20 June 2024",
        "June/July 2024",
        "31 Feb 2024",
        "2024-13-01",
        "2003-07-01T25:51:30-05:00",
        "Mon, 01 Jan 0001 00:00:00 +0000",
        "Thu, 04 Jul 1776 18:30:02 GMT",
        "0103-12-13T18:30:02Z",
        "Thu, 01 Jan 1970 00:00:00 GMT",  # an unset clock
        "0",
        "-62135596800",
        "03-12-31",  # three readings
        "5/3/2019",  # two
        "1/2/2024 02:02:33 PM",
        "18 June 2024 by Ann Smith",
        "Version 1.2.2024 of the law",
        "12345",
        "June 18th",
        "x" * 10_000,
        "1" * 10_000,
    ],
)
def test_what_is_no_date_or_two_is_none(text: str) -> None:
    assert parse_date(text) is None


def test_the_caller_decides_what_the_text_does_not() -> None:
    assert parse_date("5/3/2019", day_first=True) == (_utc("2019-03-05"), DAY)
    assert parse_date("5/3/2019", day_first=False) == (_utc("2019-05-03"), DAY)
    assert parse_date("Fri, 05/03/2019", day_first=True) == (_utc("2019-05-03"), DAY), (
        "the weekday knows better"
    )
    assert parse_date("17/6/2024", day_first=False) == (_utc("2024-06-17"), DAY)
    assert parse_date("7.2.2025", day_first=False) == (_utc("2025-07-02"), DAY)


@pytest.mark.parametrize(
    ("line", "instant", "precision"),
    [
        ("Published: 18th June 2024", "2024-06-18", DAY),
        ("Published: 6/17/2024", "2024-06-17", DAY),
        ("Updated on 5 May 2024", "2024-05-05", DAY),
        ("LAST UPDATED — June 18, 2024 10:20 AM", "2024-06-18T10:20", MINUTE),
        ("Date: June 18, 2024.", "2024-06-18", DAY),
        ("(Published 18 June 2024)", "2024-06-18", DAY),
        ("Published 18 June 2024 | Updated 19 June 2024 10:20 BST", "2024-06-18", DAY),
        ("Publié le 5 mai 2024 à 18h05 - Mis à jour le 6 mai 2024", "2024-05-05T18:05", MINUTE),
        ("Stand: 5.10.2024 10:20 Uhr", "2024-10-05T10:20", MINUTE),
        ("Опубликовано: 12 июня 2024", "2024-06-12", DAY),
        ("입력 2024.06.18 10:20", "2024-06-18T10:20", MINUTE),
        ("发布时间:2024年6月18日", "2024-06-18", DAY),
    ],
)
def test_a_line_that_is_a_date_line(line: str, instant: str, precision: Precision) -> None:
    assert labelled_date(line) == (_utc(instant), precision)


@pytest.mark.parametrize(
    "line",
    [
        "18 June 2024",  # no label
        "Data breach 2024",
        "Data 2024",  # a heading
        "Published by Ann Smith on 5 May 2024",
        "The report was published on 18 June 2024 in Vienna.",
        "Updated",
        "Dated: Friday",
        "Release 5/3/2019",
        "Date 1518478934",
        "Stand by 2024",
        "",
    ],
)
def test_a_line_that_says_more_is_no_date_line(line: str) -> None:
    assert labelled_date(line) is None


def test_labels_obey_day_first() -> None:
    assert labelled_date("Published: 5/3/2019", day_first=True) == (_utc("2019-03-05"), DAY)


def test_the_tables_are_in_the_form_that_texts_are_brought_into() -> None:
    for table in (MONTHS, WEEKDAYS, FILLERS, ZONES, DATE_LABELS):
        assert [word for word in table if fold(word) != word] == []


def test_hostile_texts_cost_little() -> None:
    began = time.process_time()
    for text in ("1:" * 60, "(" * 120, "1 " * 60, "a" * 120, "jan " * 30, "+" * 120, ", " * 60, "١" * 119):
        parse_date(text)
        labelled_date("Published: " + text)
    assert time.process_time() - began < 0.5


@settings(deadline=None)
@given(st.text(max_size=130))
def test_no_text_makes_it_fail(text: str) -> None:
    for day_first in (None, True, False):
        dated = parse_date(text, day_first=day_first)
        assert dated is None or (dated[0].tzinfo is UTC and 1899 <= dated[0].year <= 2201)
    labelled_date(text)


@settings(deadline=None)
@given(st.datetimes(min_value=datetime(1971, 1, 1), max_value=datetime(2099, 12, 31)))  # noqa: DTZ001
def test_what_python_writes_is_read_back(moment: datetime) -> None:
    moment = moment.replace(microsecond=0, tzinfo=UTC)
    for form in (
        "%a, %d %b %Y %H:%M:%S +0000",
        "%Y-%m-%dT%H:%M:%SZ",
        "%d %B %Y %H:%M:%S",
        "%d.%m.%Y %H:%M:%S",
    ):
        assert parse_date(moment.strftime(form)) == (moment, SECOND)
    assert parse_date(moment.strftime("%A, %B %d, %Y %I:%M %p")) == (moment.replace(second=0), MINUTE)
