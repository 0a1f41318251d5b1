"""The lattice of billing periods: sticky anchors, zones, changes of clocks, and bad input."""

from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import Any

import pytest

from fusion_billing.billing_periods.schedule import BillingSchedule, aware, billing_period, local_midnight, zone_of
from fusion_billing.errors import Fault, Refused


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("anchor", "value", "unit", "at", "start", "end"),
    [
        ("2024-01-31", 1, "month", "2024-02-29", "2024-02-29", "2024-03-31"),
        ("2024-01-31", 1, "month", "2024-02-28", "2024-01-31", "2024-02-29"),
        ("2024-01-31", 1, "month", "2024-04-30", "2024-04-30", "2024-05-31"),
        ("2024-01-31", 1, "month", "2025-02-28", "2025-02-28", "2025-03-31"),
        ("2024-01-31", 1, "month", "2023-02-27", "2023-01-31", "2023-02-28"),
        ("2024-01-31", 3, "month", "2024-05-01", "2024-04-30", "2024-07-31"),
        ("2024-02-29", 1, "year", "2025-02-28", "2025-02-28", "2026-02-28"),
        ("2024-02-29", 1, "year", "2028-02-28", "2027-02-28", "2028-02-29"),
        ("2024-02-29", 1, "year", "2019-12-31", "2019-02-28", "2020-02-29"),
        ("2024-02-29", 4, "year", "2024-02-28", "2020-02-29", "2024-02-29"),
        ("2024-01-03", 1, "week", "2023-12-31", "2023-12-27", "2024-01-03"),
        ("2024-01-03", 2, "week", "2024-01-17", "2024-01-17", "2024-01-31"),
        ("2024-01-03", 10, "day", "2024-01-02", "2023-12-24", "2024-01-03"),
        ("2024-01-03", 1, "day", "2024-03-10", "2024-03-10", "2024-03-11"),
    ],
)
def test_periods_are_counted_from_the_anchor_to_both_sides(
    *, anchor: str, value: int, unit: str, at: str, start: str, end: str
) -> None:
    assert billing_period(utc(anchor), value, unit, "UTC", utc(at)) == (utc(start), utc(end))


@pytest.mark.parametrize(
    ("zone", "at", "start", "end"),
    [
        # the days on which clocks go forward and back are 23 and 25 hours long
        ("Europe/Brussels", "2026-03-29T12:00", "2026-03-28T23:00", "2026-03-29T22:00"),
        ("Europe/Brussels", "2026-10-25T12:00", "2026-10-24T22:00", "2026-10-25T23:00"),
        ("America/New_York", "2026-11-01T12:00", "2026-11-01T04:00", "2026-11-02T05:00"),
        ("Asia/Kolkata", "2026-08-13T14:37", "2026-08-12T18:30", "2026-08-13T18:30"),
        # half an hour of summer time
        ("Australia/Lord_Howe", "2026-04-04T15:00", "2026-04-04T13:00", "2026-04-05T13:30"),
        # midnight itself is skipped: the day begins at one
        ("America/Sao_Paulo", "2018-11-04T12:00", "2018-11-04T03:00", "2018-11-05T02:00"),
        # midnight comes twice: the day begins at the first
        ("America/Havana", "2026-11-01T12:00", "2026-11-01T04:00", "2026-11-02T05:00"),
        # 30 December 2011 was skipped whole
        ("Pacific/Apia", "2011-12-30T09:59", "2011-12-29T10:00", "2011-12-30T10:00"),
        ("Pacific/Apia", "2011-12-30T10:00", "2011-12-30T10:00", "2011-12-31T10:00"),
    ],
)
def test_a_day_is_as_long_as_it_is_in_its_zone(zone: str, at: str, start: str, end: str) -> None:
    assert billing_period(date(2026, 1, 1), 1, "day", zone, utc(at)) == (utc(start), utc(end))


def test_a_wall_time_that_is_skipped_moves_on_by_what_was_skipped() -> None:
    anchor = utc("2026-03-01T01:30")  # 02:30 in Brussels
    start, end = billing_period(anchor, 1, "day", "Europe/Brussels", utc("2026-03-29T12:00"))
    assert (start, end) == (utc("2026-03-29T01:30"), utc("2026-03-30T00:30"))  # 03:30, then 02:30 again


def test_of_a_wall_time_that_comes_twice_the_first_is_meant() -> None:
    anchor = utc("2026-10-01T00:30")  # 02:30 in Brussels
    start, _ = billing_period(anchor, 1, "day", "Europe/Brussels", utc("2026-10-25T12:00"))
    assert start == utc("2026-10-25T00:30")


def test_an_anchor_in_the_second_of_two_equal_hours_is_a_boundary_itself() -> None:
    anchor = utc("2026-10-25T01:30")  # 02:30 in Brussels, for the second time
    start, end = billing_period(anchor, 1, "day", "Europe/Brussels", anchor)
    assert (start, end) == (anchor, utc("2026-10-26T01:30"))
    start, _ = billing_period(anchor, 1, "month", "Europe/Brussels", utc("2026-03-29T12:00"))
    assert start == utc("2026-03-25T01:30")
    start, _ = billing_period(anchor, 1, "day", "Europe/Brussels", utc("2026-03-29T12:00"))
    assert start == utc("2026-03-29T01:30")


def test_the_anchor_may_be_a_day_an_instant_or_their_text() -> None:
    at = utc("2026-11-22T12:00")
    expected = (utc("2026-10-31T23:00"), utc("2026-11-30T23:00"))
    anchors: list[datetime | date | str] = [
        date(2026, 1, 1),
        "2026-01-01",
        "2026-01-01T00:00:00+01:00",
        datetime(2025, 12, 31, 23, tzinfo=UTC),
        datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=1))),
    ]
    for anchor in anchors:
        assert billing_period(anchor, 1, "month", "Europe/Brussels", at) == expected
    assert billing_period(anchors[0], 1, "month", "Europe/Brussels", "2026-11-22T12:00:00Z") == expected


@pytest.mark.parametrize(
    ("unit", "start", "end"),
    [
        ("day", "2026-08-12T18:30", "2026-08-13T18:30"),
        ("week", "2026-08-09T18:30", "2026-08-16T18:30"),
        ("month", "2026-07-31T18:30", "2026-08-31T18:30"),
        ("year", "2025-12-31T18:30", "2026-12-31T18:30"),
    ],
)
def test_without_an_anchor_periods_are_the_calendars(unit: str, start: str, end: str) -> None:
    at = utc("2026-08-13T14:37")
    assert billing_period(None, 1, unit, "Asia/Kolkata", at) == (utc(start), utc(end))


def test_an_instant_on_the_boundary_is_in_the_period_it_begins() -> None:
    start, end = billing_period("2026-01-15", 1, "month", "Asia/Tokyo", utc("2026-06-01"))
    assert billing_period("2026-01-15", 1, "month", "Asia/Tokyo", end)[0] == end
    just_before = end - timedelta(microseconds=1)
    assert billing_period("2026-01-15", 1, "month", "Asia/Tokyo", just_before) == (start, end)


def test_answers_are_in_utc() -> None:
    start, end = billing_period("2026-01-15", 1, "month", "Asia/Tokyo", utc("2026-06-01"))
    assert (start.tzinfo, end.tzinfo) == (UTC, UTC)


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"timezone": "Mars/Olympus"}, "timezone", "unknown_timezone"),
        ({"timezone": ""}, "timezone", "unknown_timezone"),
        ({"timezone": "../../etc/passwd"}, "timezone", "unknown_timezone"),
        ({"timezone": "/etc/localtime"}, "timezone", "unknown_timezone"),
        ({"timezone": "Europe"}, "timezone", "unknown_timezone"),
        ({"timezone": None}, "timezone", "unknown_timezone"),
        ({"timezone": "localtime"}, "timezone", "unknown_timezone"),
        ({"timezone": "right/Europe/Brussels"}, "timezone", "unknown_timezone"),
        ({"timezone": "posixrules"}, "timezone", "unknown_timezone"),
        ({"value": 0}, "value", "not_positive"),
        ({"value": -1}, "value", "not_positive"),
        ({"value": True}, "value", "not_positive"),
        ({"value": "1"}, "value", "not_positive"),
        ({"unit": "fortnight"}, "unit", "unknown_value"),
        ({"at": datetime(2026, 1, 1)}, "at", "missing_offset"),  # noqa: DTZ001  what is refused
        ({"at": "2026-01-01"}, "at", "not_an_instant"),
        ({"anchor": datetime(2026, 1, 1)}, "anchor", "missing_offset"),  # noqa: DTZ001
        ({"anchor": "2026-02-30"}, "anchor", "not_an_instant"),
        ({"anchor": 5}, "anchor", "not_an_instant"),
        ({"value": 20_000, "unit": "year"}, "at", "out_of_range"),
        ({"value": 10**30, "unit": "day"}, "at", "out_of_range"),
        ({"at": datetime.max.replace(tzinfo=UTC)}, "at", "out_of_range"),
        ({"at": datetime.min.replace(tzinfo=UTC), "timezone": "America/New_York"}, "at", "out_of_range"),
    ],
)
def test_bad_input_is_refused_by_name(change: dict[str, Any], field: str, code: str) -> None:
    good: dict[str, Any] = {
        "anchor": "2026-01-01",
        "value": 1,
        "unit": "month",
        "timezone": "UTC",
        "at": utc("2026-06-01"),
    }
    with pytest.raises(Refused) as refusal:
        billing_period(**(good | change))
    assert [(fault.field, fault.code) for fault in refusal.value.faults] == [(field, code)]


def test_a_lattice_steps_from_boundary_to_boundary() -> None:
    schedule = BillingSchedule.of("2024-01-31", 1, "month", "Europe/Brussels")
    boundary = schedule.boundary(0)
    for expected in ("2024-02-28T23:00", "2024-03-30T23:00", "2024-04-29T22:00"):
        boundary = schedule.after(boundary)
        assert boundary == utc(expected)
    assert schedule.before(boundary) == utc("2024-03-30T23:00")
    assert schedule.index(boundary) == 3


def test_local_midnight_is_the_first_instant_of_the_day() -> None:
    assert local_midnight(date(2026, 7, 1), "Europe/Brussels") == utc("2026-06-30T22:00")
    assert local_midnight(date(2018, 11, 4), "America/Sao_Paulo") == utc("2018-11-04T03:00")


MESSAGES = {
    "unknown_timezone": "must be an IANA time zone such as Europe/Brussels",
    "not_positive": "must be an integer greater than zero",
    "unknown_value": "must be one of day, week, month, year",
    "missing_offset": "must have a UTC offset",
    "out_of_range": "must have a period within the years 1 to 9999",
}


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"timezone": "Mars/Olympus"}, "timezone", "unknown_timezone"),
        ({"timezone": None}, "timezone", "unknown_timezone"),
        ({"timezone": "Factory"}, "timezone", "unknown_timezone"),
        ({"timezone": "posix/Europe/Brussels"}, "timezone", "unknown_timezone"),
        ({"value": 0}, "value", "not_positive"),
        ({"unit": "fortnight"}, "unit", "unknown_value"),
        ({"anchor": datetime(2026, 1, 1)}, "anchor", "missing_offset"),  # noqa: DTZ001
        ({"at": datetime(2026, 1, 1)}, "at", "missing_offset"),  # noqa: DTZ001
        ({"value": 20_000, "unit": "year"}, "at", "out_of_range"),
        ({"value": 10**30}, "at", "out_of_range"),
        ({"value": 10**30, "unit": "day"}, "at", "out_of_range"),
        ({"at": datetime.min.replace(tzinfo=UTC), "timezone": "America/New_York"}, "at", "out_of_range"),
    ],
)
def test_the_message_says_what_was_expected(change: dict[str, Any], field: str, code: str) -> None:
    good: dict[str, Any] = {"anchor": None, "value": 1, "unit": "month", "timezone": "UTC", "at": utc("2026-06-01")}
    with pytest.raises(Refused) as refusal:
        billing_period(**(good | change))
    assert refusal.value.faults == (Fault(field, code, MESSAGES[code]),)


def test_periods_reach_the_first_and_the_last_year() -> None:
    assert billing_period(None, 1, "year", "UTC", utc("0001-06-01")) == (utc("0001-01-01"), utc("0002-01-01"))
    assert billing_period(None, 1, "year", "UTC", utc("9998-06-01")) == (utc("9998-01-01"), utc("9999-01-01"))


def test_a_time_zone_is_refused_at_the_field_that_names_it() -> None:
    with pytest.raises(Refused) as refusal:
        zone_of("Mars/Olympus", "customer.timezone")
    assert [fault.field for fault in refusal.value.faults] == ["customer.timezone"]
    assert str(zone_of("Europe/Brussels")) == "Europe/Brussels"


def test_an_instant_after_a_midnight_that_the_clocks_went_back_over_is_in_the_new_day() -> None:
    days = BillingSchedule.of("2010-11-01", 1, "day", "America/Goose_Bay")  # back from 00:01 to 23:01
    assert days.index(utc("2010-11-07T03:30:00")) == 6


def test_the_boundary_before_an_instant_just_after_one_is_that_one() -> None:
    days = BillingSchedule.of("2026-11-01", 1, "day", "UTC")
    boundary = utc("2026-11-05")
    assert days.before(boundary + timedelta(microseconds=1)) == boundary
    assert days.before(boundary) == utc("2026-11-04")


def test_a_boundary_is_in_utc_in_a_skipped_hour_too() -> None:
    schedule = BillingSchedule.of(utc("2026-10-25T01:30:00"), 154, "day", "Europe/Brussels")
    skipped = schedule.boundary(1)
    assert (skipped, skipped.tzinfo is UTC) == (utc("2027-03-28T01:30:00"), True)
    assert schedule.boundary(0).tzinfo is UTC


class _NoOffset(tzinfo):
    def utcoffset(self, dt: datetime | None) -> None:
        return None

    def dst(self, dt: datetime | None) -> None:
        return None

    def tzname(self, dt: datetime | None) -> None:
        return None


def test_an_instant_is_read_in_utc_and_refused_without_an_offset() -> None:
    assert aware(utc("2026-11-01").astimezone(timezone(timedelta(hours=2))), "at").tzinfo is UTC
    for naive in (datetime(2026, 11, 1), datetime(2026, 11, 1, tzinfo=_NoOffset())):  # noqa: DTZ001
        with pytest.raises(Refused) as refusal:
            aware(naive, "at")
        assert [fault.code for fault in refusal.value.faults] == ["missing_offset"]


@pytest.mark.parametrize(
    ("at", "start", "end"), [("0001-02-15", "0001-01-31", "0001-02-28"), ("9999-11-15", "9999-10-31", "9999-11-30")]
)
def test_the_first_and_the_last_periods_of_time_are_found(at: str, start: str, end: str) -> None:
    assert billing_period("2024-01-31", 1, "month", "UTC", utc(at)) == (utc(start), utc(end))
