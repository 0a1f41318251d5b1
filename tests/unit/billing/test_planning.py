"""Which hours a run covers, and how they are handed out."""

import time
from datetime import UTC, datetime, timedelta, timezone

import pytest

from fusion_billing.billing.planning import (
    closing_hours,
    finished_hours,
    hour_of,
    hour_text,
    hours_until_now,
    parse_hour,
)
from fusion_billing.billing.rating import RatingKey

NOW = datetime(2026, 11, 20, 13, 6, tzinfo=UTC)
SETTLING = timedelta(seconds=300)


def _at(hour: int, day: int = 20) -> datetime:
    return datetime(2026, 11, day, hour, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "watermark", "hours"),
    [
        (NOW, _at(11), [_at(12)]),
        (NOW, _at(12), []),
        (NOW, _at(13), []),
        (_at(13) + timedelta(minutes=4, seconds=59), _at(11), []),
        (_at(13) + timedelta(minutes=5), _at(11), [_at(12)]),
        (NOW, _at(9), [_at(10), _at(11), _at(12)]),
    ],
)
def test_the_hours_that_ended_long_enough_ago_are_planned_after_the_watermark(
    now: datetime, watermark: datetime, hours: list[datetime]
) -> None:
    assert list(finished_hours(watermark, watermark, now, SETTLING)) == hours


def test_no_hour_is_planned_whose_markers_are_gone() -> None:
    hours = finished_hours(datetime(2025, 1, 1, tzinfo=UTC), NOW, NOW, SETTLING)
    assert (hours.first, hours.count) == (_at(13, 6), 14 * 24)


def test_the_first_run_ever_begins_where_markers_began() -> None:
    assert list(finished_hours(None, _at(10) + timedelta(minutes=50), NOW, SETTLING)) == [
        _at(10),
        _at(11),
        _at(12),
    ]


def test_a_run_on_demand_covers_the_hour_under_way() -> None:
    assert list(hours_until_now(_at(11), _at(11), NOW)) == [_at(12), _at(13)]


def test_an_hour_reads_back_as_it_was_written() -> None:
    assert parse_hour(hour_text(NOW)) == _at(13)


@pytest.mark.parametrize(
    ("end", "hours"),
    [
        (_at(0, 22), [_at(22, 21), _at(23, 21)]),
        (_at(15), [_at(13), _at(14)]),
        (_at(14) + timedelta(minutes=30), [_at(13)]),
        (_at(12), []),
        (_at(20, 21), []),
    ],
)
def test_a_subscription_is_marked_for_the_hours_about_the_end_of_its_period(
    end: datetime, hours: list[datetime]
) -> None:
    ahead = timedelta(hours=36) if end.day == 22 else timedelta(hours=30)
    assert closing_hours(end, NOW, ahead) == hours


def test_hours_are_written_in_utc() -> None:
    tokyo = datetime(2026, 11, 20, 8, 30, tzinfo=timezone(timedelta(hours=9)))
    assert (hour_of(tokyo), hour_text(tokyo)) == (_at(23, 19), "2026-11-19T23")
    assert hour_text(datetime(987, 1, 2, 3, tzinfo=UTC)) == "0987-01-02T03"
    with pytest.raises(ValueError, match="unconverted data remains"):
        parse_hour("2026-11-20T13:00")


@pytest.mark.parametrize(
    ("end", "ahead", "hours"),
    [
        (NOW, timedelta(hours=5), []),
        (NOW + timedelta(hours=5), timedelta(hours=5), [_at(16), _at(17)]),
        (NOW + timedelta(hours=5, microseconds=1), timedelta(hours=5), []),
        (NOW + timedelta(microseconds=1), timedelta(hours=5), []),
        (_at(15), timedelta(hours=5), [_at(13), _at(14)]),
    ],
)
def test_the_end_of_a_period_is_ahead_up_to_a_limit(end: datetime, ahead: timedelta, hours: list[datetime]) -> None:
    assert closing_hours(end, NOW, ahead) == hours


def test_hours_are_in_utc_to_the_microsecond_whatever_the_machine_s_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Kolkata")
        time.tzset()
        hour, text = hour_of(NOW.replace(microsecond=7)), hour_text(_at(13))
        line = RatingKey("42", _at(13), "calls").line
    time.tzset()
    assert (hour, text, line) == (_at(13), "2026-11-20T13", "42~20261120T130000Z~calls")


def test_without_a_watermark_the_hours_until_now_start_at_the_earliest_marker() -> None:
    assert list(hours_until_now(None, _at(12), NOW)) == [_at(12), _at(13)]
