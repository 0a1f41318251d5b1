"""A subscription's billing periods: where they lie, what closes them, each instant in exactly one."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusion_billing.billing_periods.advance import MAX_STEPS, advance, close_open, first_seen, newly_invoiced
from fusion_billing.billing_periods.calendar import Calendar
from fusion_billing.billing_periods.schedule_terms import Terms
from fusion_billing.billing_periods.subscription_states import NEVER, accepted_until, rated_until, stopped_at

NOW = datetime(2026, 11, 15, tzinfo=UTC)

MONTHLY = Terms(date(2026, 1, 31), date(2026, 11, 30), 1, "month", "America/New_York")

ZONES = [
    "UTC",
    "America/New_York",
    "Europe/Brussels",
    "America/Sao_Paulo",  # midnight itself was skipped
    "Asia/Beirut",
    "Pacific/Apia",  # a whole day was skipped
    "Pacific/Kiritimati",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",  # half an hour of summer time
]

terms = st.builds(
    Terms,
    start_date=st.dates(date(2009, 1, 1), date(2028, 12, 31)),
    next_invoice_date=st.dates(date(2009, 1, 1), date(2028, 12, 31)),
    value=st.integers(1, 6),
    unit=st.sampled_from(["day", "week", "month", "year"]),
    timezone=st.sampled_from(ZONES),
)
instants = st.integers(-7 * 10**14, 4 * 10**14).map(lambda each: NOW + timedelta(microseconds=each))


def local(calendar: Calendar) -> list[tuple[str, str, str]]:
    """The known periods as local days."""
    zone = ZoneInfo(calendar.spec.timezone)
    return [(str(p.start.astimezone(zone).date()), str(p.end.astimezone(zone).date()), p.state) for p in calendar.known]


def settled(calendar: Calendar, wanted: Terms) -> Calendar:
    while (further := advance(calendar, wanted, NOW)) != calendar:
        calendar = further
    return calendar


@pytest.mark.parametrize(
    ("changed", "start", "end"),
    [
        pytest.param({}, "2026-10-31", "2026-11-30", id="a short month of an anchor on the 31st"),
        pytest.param(
            {"start_date": date(2025, 3, 1), "next_invoice_date": date(2026, 11, 1)},
            "2026-10-01",
            "2026-11-01",
            id="the 1st",
        ),
        pytest.param(
            {"start_date": date(2026, 1, 31), "next_invoice_date": date(2026, 2, 28)},
            "2026-01-31",
            "2026-02-28",
            id="the first, short month",
        ),
        pytest.param(
            {"start_date": date(2026, 11, 10), "next_invoice_date": date(2026, 11, 30)},
            "2026-11-10",
            "2026-11-30",
            id="never before the start",
        ),
        pytest.param(
            {"start_date": date(2026, 1, 15), "next_invoice_date": date(2026, 3, 28)},
            "2026-02-28",
            "2026-03-28",
            id="a date off the start's lattice is its own anchor",
        ),
        pytest.param(
            {"start_date": date(2024, 2, 29), "next_invoice_date": date(2027, 2, 28), "unit": "year"},
            "2026-02-28",
            "2027-02-28",
            id="a leap day's year",
        ),
        pytest.param(
            {"start_date": date(2026, 11, 10), "next_invoice_date": date(2026, 11, 10)},
            "2026-11-10",
            "2026-12-10",
            id="invoiced in advance: the date is still the start",
        ),
        pytest.param(
            {"start_date": date(2026, 11, 10), "next_invoice_date": date(2026, 10, 1)},
            "2026-11-10",
            "2026-12-10",
            id="a date before the start tells nothing",
        ),
        pytest.param(
            {
                "start_date": date(2026, 1, 5),
                "next_invoice_date": date(2026, 11, 23),
                "unit": "week",
                "value": 2,
            },
            "2026-11-09",
            "2026-11-23",
            id="two weeks",
        ),
    ],
)
def test_the_first_period_seen(changed: dict[str, Any], start: str, end: str) -> None:
    assert local(first_seen(replace(MONTHLY, **changed))) == [(start, end, "open")]


def test_days_are_as_long_as_they_are() -> None:
    october = first_seen(replace(MONTHLY, start_date=date(2026, 1, 1), next_invoice_date=date(2026, 12, 1))).open
    assert october.end - october.start == timedelta(days=30, hours=1)  # clocks went back on 1 November


@pytest.mark.parametrize(
    ("to", "expected"),
    [
        pytest.param("2026-11-30", [("10-31", "11-30", "open")], id="unchanged"),
        pytest.param("2026-12-31", [("10-31", "11-30", "invoiced"), ("11-30", "12-31", "open")], id="sticky month on"),
        pytest.param(
            "2026-12-30",
            [("10-31", "11-30", "invoiced"), ("11-30", "12-30", "open")],
            id="as Odoo adds a month",
        ),
        pytest.param(
            "2026-12-17",
            [("10-31", "11-30", "invoiced"), ("11-30", "12-17", "open")],
            id="more than half way",
        ),
        pytest.param("2026-12-10", [("10-31", "12-10", "open")], id="postponed"),
        pytest.param("2026-12-01", [("10-31", "12-01", "open")], id="postponed by a day"),
        pytest.param("2026-11-20", [("10-31", "11-20", "open")], id="brought forward"),
        pytest.param("2026-10-31", [("10-31", "11-30", "open")], id="back to the start of the open period"),
        pytest.param("2026-09-30", [("10-31", "11-30", "open")], id="back before it"),
    ],
)
def test_what_a_new_date_means(to: str, expected: list[tuple[str, str, str]]) -> None:
    calendar = first_seen(MONTHLY)
    moved = settled(calendar, replace(MONTHLY, next_invoice_date=date.fromisoformat(to)))
    assert local(moved) == [(f"2026-{start}", f"2026-{end}", state) for start, end, state in expected]


def test_a_jump_invoices_the_periods_between_along_the_lattice() -> None:
    calendar = first_seen(MONTHLY)
    jumped = settled(calendar, replace(MONTHLY, next_invoice_date=date(2027, 3, 31)))
    assert local(jumped) == [
        ("2026-10-31", "2026-11-30", "invoiced"),
        ("2026-11-30", "2026-12-31", "invoiced"),
        ("2026-12-31", "2027-01-31", "invoiced"),
        ("2027-01-31", "2027-02-28", "invoiced"),
        ("2027-02-28", "2027-03-31", "open"),
    ]
    assert newly_invoiced(calendar, jumped) == jumped.known[:-1]
    assert {period.invoiced_at for period in jumped.known[:-1]} == {NOW}


def test_one_advance_closes_no_more_than_a_transaction_holds() -> None:
    calendar = first_seen(MONTHLY)
    far = replace(MONTHLY, next_invoice_date=date(2027, 12, 31))
    once = advance(calendar, far, NOW)
    assert len(newly_invoiced(calendar, once)) == MAX_STEPS
    assert local(settled(once, far))[-1] == ("2027-11-30", "2027-12-31", "open")


def test_the_anchor_sticks_through_short_months() -> None:
    start = Terms(date(2026, 1, 31), date(2026, 2, 28), 1, "month", "UTC")
    march = settled(first_seen(start), replace(start, next_invoice_date=date(2026, 3, 31)))
    assert local(march) == [("2026-01-31", "2026-02-28", "invoiced"), ("2026-02-28", "2026-03-31", "open")]
    april = march.period_holding(datetime(2026, 4, 10, tzinfo=UTC))
    assert (april.start.date(), april.end.date()) == (date(2026, 3, 31), date(2026, 4, 30))


def test_an_anchor_of_its_own_sticks_too() -> None:
    start = Terms(date(2025, 6, 15), date(2026, 1, 30), 1, "month", "UTC")
    february = settled(first_seen(start), replace(start, next_invoice_date=date(2026, 2, 28)))
    march = february.period_holding(datetime(2026, 3, 5, tzinfo=UTC))
    assert (march.start.date(), march.end.date()) == (date(2026, 2, 28), date(2026, 3, 30))


def test_a_plan_changed_with_its_invoice_closes_one_period() -> None:
    to_yearly = replace(MONTHLY, unit="year", next_invoice_date=date(2026, 12, 30))
    assert local(settled(first_seen(MONTHLY), to_yearly))[-2:] == [
        ("2026-10-31", "2026-11-30", "invoiced"),
        ("2026-11-30", "2026-12-30", "open"),
    ]
    yearly = Terms(date(2025, 11, 30), date(2026, 11, 30), 1, "year", "UTC")
    to_monthly = replace(yearly, unit="month", next_invoice_date=date(2026, 12, 30))
    assert local(settled(first_seen(yearly), to_monthly)) == [
        ("2025-11-30", "2026-11-30", "invoiced"),
        ("2026-11-30", "2026-12-30", "open"),
    ]
    kept = replace(yearly, unit="month", next_invoice_date=date(2027, 11, 30))
    assert local(settled(first_seen(yearly), kept))[-1] == ("2026-11-30", "2027-11-30", "open")


def test_a_change_of_plan_alone_leaves_the_open_period() -> None:
    calendar = first_seen(MONTHLY)
    quarterly = settled(calendar, replace(MONTHLY, value=3))
    assert quarterly.known == calendar.known
    after = quarterly.period_holding(datetime(2026, 12, 15, tzinfo=UTC))
    assert after.state == "upcoming"
    assert (after.end - after.start).days > 80


def test_a_change_of_zone_moves_the_open_end_and_nothing_before() -> None:
    calendar = first_seen(MONTHLY)
    moved = settled(calendar, replace(MONTHLY, timezone="Europe/Brussels"))
    assert moved.open.start == calendar.open.start
    assert moved.open.end == datetime(2026, 11, 29, 23, tzinfo=UTC)


def test_what_came_before_stays_cut_as_it_was_first_seen() -> None:
    calendar = first_seen(MONTHLY)
    long_ago = datetime(2026, 5, 15, tzinfo=UTC)
    changed = settled(calendar, replace(MONTHLY, unit="week", timezone="Asia/Tokyo", start_date=date(2020, 1, 1)))
    assert changed.period_holding(long_ago) == calendar.period_holding(long_ago)
    assert calendar.period_holding(long_ago).state == "invoiced"


def test_time_before_the_start_date_is_cut_there() -> None:
    odd = Terms(date(2026, 1, 10), date(2026, 3, 28), 1, "month", "UTC")
    calendar = first_seen(odd)
    before = calendar.period_holding(datetime(2026, 1, 9, 12, tzinfo=UTC))
    after = calendar.period_holding(datetime(2026, 1, 10, tzinfo=UTC))
    assert before.end == after.start == datetime(2026, 1, 10, tzinfo=UTC)


@settings(max_examples=300, deadline=None)
@given(first=terms, later=st.lists(terms, max_size=3), at=instants)
def test_each_instant_falls_in_exactly_one_period(first: Terms, later: list[Terms], at: datetime) -> None:
    calendar = first_seen(first)
    for each in later:
        # From anywhere to anywhere would be many thousand steps of a daily plan.
        calendar = advance(advance(calendar, each, NOW), each, NOW)
    for instant in (at, *(edge for period in calendar.known[-2:] for edge in (period.start, period.end))):
        period = calendar.period_holding(instant)
        assert period.start <= instant < period.end
        assert calendar.period_holding(period.start) == period
        assert calendar.period_holding(period.end - timedelta(microseconds=1)) == period
        assert calendar.period_holding(period.end).start == period.end
        assert calendar.after(period).start == period.end


@settings(max_examples=300, deadline=None)
@given(first=terms, later=st.lists(terms, min_size=1, max_size=4))
def test_known_periods_are_contiguous_and_what_is_invoiced_never_changes(first: Terms, later: list[Terms]) -> None:
    calendar = first_seen(first)
    for each in later:
        before, calendar = calendar, advance(calendar, each, NOW)
        assert calendar.known[: len(before.known) - 1] == before.known[:-1]
        if len(calendar.known) > 1:
            assert calendar.known[len(before.known) - 1].start == before.open.start
    assert [period.state for period in calendar.known] == ["invoiced"] * (len(calendar.known) - 1) + ["open"]
    for left, right in zip(calendar.known, calendar.known[1:], strict=False):
        assert left.start < left.end == right.start
    assert calendar.open.start < calendar.open.end


@settings(max_examples=100, deadline=None)
@given(first=terms, second=terms)
def test_advancing_comes_to_rest_and_stays_there(first: Terms, second: Terms) -> None:
    near = min(second.next_invoice_date, first_seen(first).open.end.date() + timedelta(days=40 * second.value))
    wanted = replace(second, next_invoice_date=near)
    rested = settled(first_seen(first), wanted)
    assert advance(rested, wanted, NOW + timedelta(days=1)) == rested
    end = rested.spec.midnight(near)
    if end > rested.open.start:
        assert rested.open.end == end


@settings(max_examples=100, deadline=None)
@given(first=terms, steps=st.integers(1, 8))
def test_what_was_upcoming_is_what_opens(first: Terms, steps: int) -> None:
    """Usage rated ahead of the invoice stays under its period's start when that one opens."""
    calendar = first_seen(first)
    zone = ZoneInfo(first.timezone)
    for _ in range(steps):
        foreseen = calendar.after(calendar.open)
        day = (foreseen.end + timedelta(hours=2)).astimezone(zone).date()
        previous, calendar = calendar, settled(calendar, replace(first, next_invoice_date=day))
        assert calendar.open.end == foreseen.end
        assert calendar.open.start == previous.open.end == foreseen.start
        assert calendar.known[-2].state == "invoiced"


MID_NOVEMBER = Terms(date(2026, 11, 15), date(2026, 12, 1), 1, "month", "UTC")


def test_the_first_period_follows_a_start_that_is_corrected_before_any_invoice() -> None:
    calendar = first_seen(MID_NOVEMBER)
    assert local(calendar) == [("2026-11-15", "2026-12-01", "open")]
    earlier = settled(calendar, replace(MID_NOVEMBER, start_date=date(2026, 11, 1)))
    assert local(earlier) == [("2026-11-01", "2026-12-01", "open")]
    assert earlier.replaced == (datetime(2026, 11, 15, tzinfo=UTC),)
    later = settled(earlier, replace(MID_NOVEMBER, start_date=date(2026, 11, 20)))
    assert local(later) == [("2026-11-20", "2026-12-01", "open")]
    assert later.replaced == (datetime(2026, 11, 15, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC))


def test_a_start_moved_there_and_back_leaves_only_the_other_one_replaced() -> None:
    calendar = first_seen(MID_NOVEMBER)
    there = settled(calendar, replace(MID_NOVEMBER, start_date=date(2026, 11, 1)))
    back = settled(there, MID_NOVEMBER)
    assert back == replace(calendar, replaced=(datetime(2026, 11, 1, tzinfo=UTC),))


def test_a_start_put_off_past_the_open_period_is_no_invoice() -> None:
    put_off = replace(MID_NOVEMBER, start_date=date(2027, 2, 1), next_invoice_date=date(2027, 3, 1))
    moved = settled(first_seen(MID_NOVEMBER), put_off)
    assert local(moved) == [("2027-02-01", "2027-03-01", "open")]


def test_an_invoiced_period_keeps_its_start_and_what_it_was_rated_from() -> None:
    calendar = first_seen(MID_NOVEMBER)
    began = datetime(2026, 11, 20, tzinfo=UTC)
    january = replace(MID_NOVEMBER, next_invoice_date=date(2027, 1, 1))
    closed = advance(calendar, january, NOW, rated_from=began)
    assert closed.known[0].rated_from == began
    moved = settled(closed, replace(january, start_date=date(2026, 11, 1)))
    assert moved.known == closed.known
    assert advance(calendar, january, NOW, rated_from=calendar.open.start).known[0].rated_from is None


def test_what_was_stored_without_the_first_end_follows_a_corrected_start_too() -> None:
    calendar = first_seen(MID_NOVEMBER)
    old = replace(calendar, past=replace(calendar.past, first_end=None))
    assert advance(old, MID_NOVEMBER, NOW) == old
    earlier = settled(old, replace(MID_NOVEMBER, start_date=date(2026, 11, 1)))
    assert local(earlier) == [("2026-11-01", "2026-12-01", "open")]


@settings(max_examples=300, deadline=None)
@given(
    first=terms,
    starts=st.lists(st.dates(date(2009, 1, 1), date(2028, 12, 31)), min_size=1, max_size=4),
)
def test_a_start_corrected_before_any_invoice_is_as_if_it_had_been_known_from_the_first(
    first: Terms, starts: list[date]
) -> None:
    calendar = first_seen(first)
    for start in starts:
        calendar = settled(calendar, replace(first, start_date=start))
    anew = first_seen(replace(first, start_date=starts[-1]))
    assert (calendar.known, calendar.spec) == (anew.known, anew.spec)
    assert calendar.open.start not in calendar.replaced


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (["3_progress"], None),
        (["1_draft"], NEVER),
        (["6_churn"], NEVER),
        (["3_progress", "4_paused"], NOW + timedelta(days=1)),
        (["3_progress", "4_paused", "6_churn"], NOW + timedelta(days=1)),
        (["3_progress", "4_paused", "3_progress"], None),
        (["1_draft", "3_progress", "5_renewed"], NOW + timedelta(days=2)),
    ],
)
def test_until_when_a_subscription_is_rated(states: list[str], expected: datetime | None) -> None:
    stopped: datetime | None = None
    previous: str | None = None
    for day, state in enumerate(states):
        stopped = stopped_at(state, previous, stopped, NOW + timedelta(days=day))
        previous = state
    assert rated_until(states[-1], stopped, None) == expected


@pytest.mark.parametrize(
    ("state", "stopped", "ends", "expected"),
    [
        ("3_progress", None, None, None),
        ("3_progress", None, NOW, NOW),
        ("4_paused", NOW, None, None),
        ("1_draft", None, None, None),
        ("5_renewed", NOW, None, NOW),
        ("6_churn", NOW, NOW - timedelta(days=1), NOW - timedelta(days=1)),
        ("6_churn", None, NOW, NEVER),
    ],
)
def test_until_when_usage_is_accepted(
    state: str, stopped: datetime | None, ends: datetime | None, expected: datetime | None
) -> None:
    assert accepted_until(state, stopped, ends) == expected


def test_an_end_before_the_stop_counts() -> None:
    assert rated_until("6_churn", NOW, NOW - timedelta(days=1)) == NOW - timedelta(days=1)
    assert rated_until("6_churn", NOW, NOW + timedelta(days=1)) == NOW
    assert rated_until("3_progress", None, NOW) == NOW


@given(terms, st.integers(1, 4))
def test_a_final_invoice_closes_the_open_period_and_nothing_moves_it_back(seen: Terms, rounds: int) -> None:
    calendar = first_seen(seen)
    for _ in range(rounds):
        before = calendar
        calendar = close_open(before, NOW)
        (closed,) = newly_invoiced(before, calendar)
        assert closed == replace(before.open, state="invoiced", invoiced_at=NOW, every_charge=True, is_final=True)
        assert calendar.open.start == closed.end
        assert settled(calendar, seen) == calendar


def test_the_invoice_date_that_follows_a_final_invoice_closes_nothing_twice() -> None:
    calendar = close_open(first_seen(MONTHLY), NOW)
    moved_on = replace(MONTHLY, next_invoice_date=date(2026, 12, 31))
    assert settled(calendar, moved_on) == calendar
    following = settled(calendar, replace(MONTHLY, next_invoice_date=date(2027, 1, 31)))
    assert local(following) == [
        ("2026-10-31", "2026-11-30", "invoiced"),
        ("2026-11-30", "2026-12-31", "invoiced"),
        ("2026-12-31", "2027-01-31", "open"),
    ]


def test_a_final_invoice_keeps_from_when_on_its_period_was_rated() -> None:
    since = datetime(2026, 11, 5, tzinfo=UTC)
    assert close_open(first_seen(MONTHLY), NOW, rated_from=since).known[0].rated_from == since
