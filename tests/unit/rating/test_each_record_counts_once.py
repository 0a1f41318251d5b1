"""A record counts in exactly one period, whatever the zone, the anchor and the clocks."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from fusion_billing.billing_periods.schedule import BillingSchedule
from fusion_billing.catalog.charge import Charge
from fusion_billing.catalog.metric import Metric
from fusion_billing.rating.engine import rate
from fusion_billing.rating.records import Record

ZONES = [
    "UTC",
    "Europe/Brussels",
    "Pacific/Apia",
    "Australia/Lord_Howe",
    "America/Sao_Paulo",
    "Asia/Kathmandu",
]
FIRST, LAST = datetime(2011, 10, 1, tzinfo=UTC), datetime(2012, 4, 15, tzinfo=UTC)
instants = st.datetimes(FIRST.replace(tzinfo=None), LAST.replace(tzinfo=None), timezones=st.just(UTC))
lattices = st.builds(
    BillingSchedule.of,
    instants,
    st.integers(1, 3),
    st.sampled_from(["week", "month"]),
    st.sampled_from(ZONES),
)


@settings(max_examples=50)
@given(schedule=lattices, starts=st.lists(instants, min_size=1, max_size=8), on_boundary=st.booleans())
def test_each_record_counts_in_exactly_one_period(
    *,
    schedule: BillingSchedule,
    starts: list[datetime],
    on_boundary: bool,
    charge: Callable[..., Charge],
    metric: Callable[..., Metric],
) -> None:
    if on_boundary:
        starts = [schedule.period(start)[0] for start in starts]
    records = [
        Record(str(index), start, start + timedelta(days=3), Decimal(2**index)) for index, start in enumerate(starts)
    ]
    each = charge({"type": "per_unit", "unit_amount": "1"})
    start, end = schedule.period(min(starts))
    total = Decimal(0)
    while start <= max(starts):
        total += rate([each], metric(), records, period_start=start, period_end=end).amount
        start, end = end, schedule.after(end)
    assert total == 2 ** len(starts) - 1
