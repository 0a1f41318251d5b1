"""Test calendars whole: every field of their periods, and what bounds an advance."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from fusion_billing.billing_periods.advance import (
    MAX_REPLACED,
    advance,
    close_open,
    first_seen,
    newly_invoiced,
    periods_closed,
)
from fusion_billing.billing_periods.calendar import Calendar, Past, Period
from fusion_billing.billing_periods.schedule_terms import ScheduleSpec, Terms

NOW = datetime(2026, 12, 1, 3, tzinfo=UTC)
MONTHLY = Terms(date(2026, 1, 1), date(2026, 12, 1), 1, "month", "UTC")
SPEC = ScheduleSpec(date(2026, 1, 1), 1, "month", "UTC")
MICROSECOND = timedelta(microseconds=1)


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def invoiced(start: str, end: str, rated_from: str | None = None) -> Period:
    """Return a period closed now, by this release."""
    since = None if rated_from is None else day(rated_from)
    return Period(day(start), day(end), "invoiced", NOW, since, every_charge=True)


def opened(start: str, end: str) -> Period:
    return Period(day(start), day(end), "open")


SEEN = Calendar((opened("2026-11-01", "2026-12-01"),), SPEC, Past(SPEC, day("2026-01-01"), date(2026, 12, 1)))


def to(next_invoice_date: str, **changes: object) -> Terms:
    """Return the monthly terms with another `next_invoice_date`."""
    return replace(MONTHLY, next_invoice_date=date.fromisoformat(next_invoice_date), **changes)  # type: ignore[arg-type]


def test_a_subscription_seen_for_the_first_time_has_one_open_period() -> None:
    assert first_seen(MONTHLY) == SEEN


def test_a_date_that_is_not_after_the_start_opens_the_first_period() -> None:
    terms = replace(MONTHLY, next_invoice_date=date(2026, 1, 1))
    assert first_seen(terms) == Calendar(
        (opened("2026-01-01", "2026-02-01"),), SPEC, Past(SPEC, day("2026-01-01"), date(2026, 1, 1))
    )


def test_an_invoice_closes_the_open_period_and_opens_the_next() -> None:
    assert advance(SEEN, to("2027-01-01"), NOW) == replace(
        SEEN, known=(invoiced("2026-11-01", "2026-12-01"), opened("2026-12-01", "2027-01-01"))
    )


def test_a_jump_is_closed_two_periods_at_a_time() -> None:
    once = advance(SEEN, to("2027-03-01"), NOW)
    assert once == replace(
        SEEN,
        known=(
            invoiced("2026-11-01", "2026-12-01"),
            invoiced("2026-12-01", "2027-01-01"),
            opened("2027-01-01", "2027-02-01"),
        ),
    )
    twice = advance(once, to("2027-03-01"), NOW)
    assert twice.known[2:] == (invoiced("2027-01-01", "2027-02-01"), opened("2027-02-01", "2027-03-01"))
    assert newly_invoiced(SEEN, once) == once.known[:2]
    assert newly_invoiced(once, twice) == (twice.known[2],)
    assert newly_invoiced(twice, twice) == ()


@pytest.mark.parametrize(
    ("rated_from", "recorded"),
    [
        (None, (None, None)),
        ("2026-10-01", (None, None)),
        ("2026-11-01", (None, None)),
        ("2026-11-20", ("2026-11-20", None)),
        ("2026-12-01", ("2026-12-01", None)),
        ("2026-12-20", ("2026-12-01", "2026-12-20")),
        ("2027-02-20", ("2026-12-01", "2027-01-01")),
    ],
)
def test_each_closed_period_records_from_when_on_it_was_rated(
    rated_from: str | None, recorded: tuple[str | None, str | None]
) -> None:
    since = None if rated_from is None else day(rated_from)
    closed = advance(SEEN, to("2027-02-01"), NOW, rated_from=since).known[:-1]
    assert closed == (
        invoiced("2026-11-01", "2026-12-01", recorded[0]),
        invoiced("2026-12-01", "2027-01-01", recorded[1]),
    )


def test_a_final_invoice_closes_the_open_period_as_final() -> None:
    final = replace(invoiced("2026-11-01", "2026-12-01", "2026-11-20"), is_final=True)
    assert close_open(SEEN, NOW, rated_from=day("2026-11-20")) == replace(
        SEEN, known=(final, opened("2026-12-01", "2027-01-01"))
    )
    known = (final, opened("2026-12-01", "2027-01-01"))
    assert close_open(replace(SEEN, known=known), NOW).known[0] == final


@pytest.mark.parametrize(
    ("date", "count"),
    [
        ("2026-11-01", 0),
        ("2026-12-01", 0),
        ("2026-12-02", 0),
        ("2026-12-16", 0),
        ("2026-12-17", 1),
        ("2027-01-01", 1),
        ("2027-02-01", 2),
        ("2027-12-01", 12),
    ],
)
def test_how_many_periods_a_new_date_closes(date: str, count: int) -> None:
    assert periods_closed(SEEN, to(date)) == count


@pytest.mark.parametrize(
    ("unit", "value", "date", "count"),
    [
        ("year", 1, "2027-12-01", 1),
        ("day", 1, "2027-01-01", 1),
        ("month", 3, "2027-03-01", 1),
        ("week", 2, "2026-12-10", 1),
    ],
)
def test_a_plan_changed_with_its_invoice_closes_the_fewest_periods(
    unit: str, value: int, date: str, count: int
) -> None:
    terms = to(date, unit=unit, value=value)
    assert periods_closed(SEEN, terms) == count
    assert [period.state for period in advance(SEEN, terms, NOW).known] == ["invoiced"] * count + ["open"]


def test_half_an_interval_later_is_an_invoice_and_less_a_postponement() -> None:
    two_days = Terms(date(2026, 11, 2), date(2026, 11, 10), 2, "day", "UTC")
    assert periods_closed(first_seen(two_days), replace(two_days, next_invoice_date=date(2026, 11, 11))) == 1
    four_days = replace(two_days, value=4)
    assert periods_closed(first_seen(four_days), replace(four_days, next_invoice_date=date(2026, 11, 11))) == 0
    assert periods_closed(first_seen(four_days), replace(four_days, next_invoice_date=date(2026, 11, 12))) == 1


@pytest.mark.parametrize("start", ["2026-12-01", "2027-02-01"])
def test_a_first_period_that_has_not_begun_is_postponed_and_not_invoiced(start: str) -> None:
    terms = to("2027-03-01", start_date=date.fromisoformat(start))
    assert periods_closed(SEEN, terms) == 0
    assert len(advance(SEEN, terms, NOW).known) == 1


def test_a_later_period_is_invoiced_whatever_the_start_date() -> None:
    second = advance(SEEN, to("2027-01-01"), NOW)
    assert periods_closed(second, to("2027-02-01", start_date=date(2027, 1, 1))) == 1


def test_the_first_start_that_was_corrected_keeps_only_the_newest_replaced_starts() -> None:
    calendar = SEEN
    starts = [date(2026, 11, number) for number in range(2, 2 + MAX_REPLACED + 2)]
    for start in starts:
        calendar = advance(calendar, replace(MONTHLY, start_date=start), NOW)
    midnights = [datetime(start.year, start.month, start.day, tzinfo=UTC) for start in starts]
    assert calendar.replaced == tuple(midnights[-MAX_REPLACED - 1 : -1])
    assert calendar.open_starts == (midnights[-1], *calendar.replaced)


def test_an_invoice_ends_the_replaced_starts_of_the_open_period() -> None:
    moved = advance(SEEN, replace(MONTHLY, start_date=date(2026, 11, 10)), NOW)
    assert moved.open_starts == (day("2026-11-10"), day("2026-11-01"))
    closed = advance(moved, to("2027-01-01", start_date=date(2026, 11, 10)), NOW)
    assert closed.replaced == (day("2026-11-01"),)
    assert closed.open_starts == (day("2026-12-01"),)


def test_a_moved_time_zone_moves_the_start_that_begins_with_the_subscription() -> None:
    terms = Terms(date(2026, 11, 15), date(2026, 12, 1), 1, "month", "UTC")
    moved = advance(first_seen(terms), replace(terms, timezone="Europe/Brussels"), NOW)
    assert moved.open == opened("2026-11-14T23:00", "2026-11-30T23:00")
    assert moved.replaced == (day("2026-11-15"),)


@pytest.mark.parametrize(
    ("at", "period"),
    [
        ("2025-12-31", Period(day("2025-12-01"), day("2026-01-01"), "invoiced")),
        ("2026-10-31", Period(day("2026-10-01"), day("2026-11-01"), "invoiced")),
        ("2026-11-01", invoiced("2026-11-01", "2026-12-01")),
        ("2026-12-01", opened("2026-12-01", "2027-01-01")),
        ("2026-12-31", opened("2026-12-01", "2027-01-01")),
        ("2027-01-01", Period(day("2027-01-01"), day("2027-02-01"), "upcoming")),
    ],
)
def test_the_period_of_an_instant(at: str, period: Period) -> None:
    assert advance(SEEN, to("2027-01-01"), NOW).period_holding(day(at)) == period


def test_the_first_upcoming_period_begins_where_the_open_one_ends() -> None:
    calendar = replace(SEEN, known=(opened("2026-11-01", "2026-12-10"),))
    upcoming = Period(day("2026-12-10"), day("2027-01-01"), "upcoming")
    assert calendar.period_holding(day("2026-12-20")) == upcoming
    assert calendar.after(calendar.open) == upcoming


def test_time_before_the_first_period_is_divided_at_the_start_of_the_subscription() -> None:
    calendar = replace(SEEN, known=(opened("2026-03-20", "2026-04-01"),), past=Past(SPEC, day("2026-03-10")))
    before = Period(day("2026-03-01"), day("2026-03-10"), "invoiced")
    assert calendar.period_holding(day("2026-03-10") - MICROSECOND) == before
    after = Period(day("2026-03-10"), day("2026-03-20"), "invoiced")
    assert calendar.period_holding(day("2026-03-10")) == after
    at_boundary = replace(calendar, past=Past(SPEC, day("2026-03-20")))
    assert at_boundary.period_holding(day("2026-03-05")) == Period(day("2026-03-01"), day("2026-03-20"), "invoiced")


def test_only_the_first_period_can_be_shortened_by_the_start() -> None:
    terms = Terms(date(2026, 11, 15), date(2026, 12, 1), 1, "month", "UTC")
    calendar = advance(first_seen(terms), replace(terms, next_invoice_date=date(2027, 1, 1)), NOW)
    assert calendar.whole_start(calendar.known[0]) == day("2026-11-01")
    assert calendar.whole_start(calendar.open) is None
    assert SEEN.whole_start(SEEN.open) is None
    assert calendar.whole_start(replace(calendar.open, end=day("2026-12-20"))) is None


@pytest.mark.parametrize(
    ("start", "end", "previous", "anchor"),
    [
        ("2026-01-31", "2026-02-28", None, "2026-01-31"),
        ("2026-01-15", "2026-03-28", None, "2026-03-28"),
        ("2026-01-15", "2026-02-28", "2025-12-31", "2025-12-31"),
        ("2026-01-15", "2026-03-28", "2025-12-31", "2026-03-28"),
        ("2026-01-15", "2026-03-15", "2025-12-15", "2026-01-15"),
        ("2026-01-15", "2026-01-15", "2025-12-31", "2026-01-15"),
        ("2026-01-15", "2026-01-10", "2025-12-31", "2026-01-15"),
    ],
)
def test_the_anchor_of_a_schedule(start: str, end: str, previous: str | None, anchor: str) -> None:
    terms = Terms(date.fromisoformat(start), date.fromisoformat(end), 1, "month", "Europe/Brussels")
    before = None if previous is None else date.fromisoformat(previous)
    assert terms.spec(before) == ScheduleSpec(date.fromisoformat(anchor), 1, "month", "Europe/Brussels")


def test_a_calendar_without_the_first_end_takes_the_local_day_of_its_open_end() -> None:
    terms = Terms(date(2026, 11, 15), date(2026, 12, 1), 1, "month", "Europe/Brussels")
    seen = first_seen(terms)
    old = replace(seen, past=replace(seen.past, first_end=None))
    earlier = replace(terms, start_date=date(2026, 10, 1))
    assert advance(old, earlier, NOW).open == first_seen(earlier).open


def test_of_two_intervals_the_one_with_fewer_invoices_closed_the_periods() -> None:
    every_three_weeks = replace(MONTHLY, next_invoice_date=date(2027, 2, 1), value=3, unit="week")
    known = advance(first_seen(MONTHLY), every_three_weeks, NOW).known
    assert known == (
        invoiced("2026-11-01", "2026-12-01"),
        invoiced("2026-12-01", "2027-01-01"),
        opened("2027-01-01", "2027-02-01"),
    )


def test_periods_that_close_in_several_steps_follow_the_schedule_stored() -> None:
    every_six_weeks = replace(MONTHLY, next_invoice_date=date(2027, 4, 1), value=6, unit="week")
    known = advance(first_seen(MONTHLY), every_six_weeks, NOW).known
    assert [period.end for period in known] == [day("2026-12-01"), day("2027-01-01"), day("2027-02-01")]


def test_a_start_corrected_to_after_the_next_invoice_closes_nothing() -> None:
    running = advance(first_seen(MONTHLY), replace(MONTHLY, next_invoice_date=date(2027, 1, 1)), NOW)
    corrected = replace(MONTHLY, start_date=date(2027, 1, 10), next_invoice_date=date(2027, 1, 1))
    once = advance(running, corrected, NOW)
    assert once.open == opened("2026-12-01", "2027-01-01")
    assert advance(once, corrected, NOW) == once
