"""What holds of every lattice, over random zones, anchors and changes of clocks."""

from calendar import monthrange
from datetime import UTC, datetime, timedelta
from zoneinfo import available_timezones

from hypothesis import given
from hypothesis import strategies as st

from fusion_billing.billing_periods.schedule import BillingSchedule, billing_period

# Anchored where clocks change oddly as often as anywhere else.
ODD = ["Europe/Brussels", "Pacific/Apia", "Australia/Lord_Howe", "America/Sao_Paulo", "Africa/Casablanca"]
ZONES = sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith("posix"))

zones = st.one_of(st.sampled_from(ODD), st.sampled_from(ZONES))
instants = st.one_of(
    st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.datetimes(datetime(2011, 12, 25), datetime(2012, 1, 5), timezones=st.just(UTC)),  # noqa: DTZ001
    st.datetimes(datetime(2026, 10, 24, 23), datetime(2026, 10, 25, 3), timezones=st.just(UTC)),  # noqa: DTZ001
)
values = st.integers(1, 13)
units = st.sampled_from(["day", "week", "month", "year"])
lattices = st.builds(BillingSchedule.of, instants, values, units, zones)
INSTANT = timedelta(microseconds=1)


@given(lattices, instants)
def test_the_period_holds_the_instant_asked_for(schedule: BillingSchedule, at: datetime) -> None:
    start, end = schedule.period(at)
    assert start <= at < end


@given(lattices, instants, st.integers(1, 20))
def test_periods_tile_the_line_without_gap_or_overlap(schedule: BillingSchedule, at: datetime, steps: int) -> None:
    start, end = schedule.period(at)
    for _ in range(steps):
        following = schedule.period(end)
        assert following[0] == end
        assert schedule.period(end - INSTANT) == (start, end)
        assert (schedule.before(end), schedule.after(start)) == (start, end)
        start, end = following


@given(lattices, instants, st.floats(0, 1, exclude_max=True))
def test_every_instant_of_a_period_is_in_that_period_alone(
    schedule: BillingSchedule, at: datetime, share: float
) -> None:
    start, end = schedule.period(at)
    within = min(start + share * (end - start), end - INSTANT)
    assert schedule.period(within) == (start, end)


@given(instants, values, units, zones)
def test_the_anchor_is_a_boundary(anchor: datetime, value: int, unit: str, zone: str) -> None:
    assert billing_period(anchor, value, unit, zone, anchor)[0] == anchor


@given(lattices, st.integers(-50, 50))
def test_boundaries_never_go_back(schedule: BillingSchedule, index: int) -> None:
    assert schedule.boundary(index) <= schedule.boundary(index + 1)


@given(instants, st.integers(1, 30), st.sampled_from(["month", "year"]), instants)
def test_a_month_begins_on_the_anchors_day_or_its_own_last(
    anchor: datetime, value: int, unit: str, at: datetime
) -> None:
    start, _ = billing_period(anchor, value, unit, "UTC", at)
    assert start.day == min(anchor.day, monthrange(start.year, start.month)[1])
    assert start.timetz() == anchor.timetz()
    months = (start.year - anchor.year) * 12 + start.month - anchor.month
    assert months % (value if unit == "month" else 12 * value) == 0
