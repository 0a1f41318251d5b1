"""Which price is in force when: versions, plans and dated overrides over one period."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusion_billing.billing.price_book import PriceBook
from fusion_billing.billing.pricing import PricedSubscription, Pricing, pricing_of
from fusion_billing.billing.spans import fitted
from fusion_billing.billing.stored_price import StoredPrice
from fusion_billing.catalog.charge import Charge, ChargeOverride
from fusion_billing.catalog.metric import Metric
from fusion_billing.catalog.subscription_history import PlanChange
from fusion_billing.catalog.validation import parse
from fusion_billing.instants import rfc3339
from fusion_billing.rating.price_spans import PriceSpan
from fusion_billing.rating.records import Record
from tests.rating_documents import document

NOVEMBER, DECEMBER = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
METRIC = parse(Metric, {"name": "calls", "aggregation": "sum"}, code="calls")
WHO = PricedSubscription("42", "Pro", "USD", "UTC", 42, {})


def day(number: float) -> datetime:
    return NOVEMBER + timedelta(days=number - 1)


def _charge(price: str = "1", code: str = "calls", **fields: Any) -> Charge:
    common = {
        "name": code,
        "metric": "calls",
        "applies_to": {"all": True},
        "currency": "USD",
        "odoo_product_id": 7,
        "model": {"type": "per_unit", "unit_amount": price},
    }
    return parse(Charge, common | fields, code=code)


def _override(**fields: Any) -> ChargeOverride:
    return parse(ChargeOverride, fields)


def _half_price(**fields: Any) -> ChargeOverride:
    return _override(model={"type": "per_unit", "unit_amount": "0.5"}, **fields)


def _spans(*versions: Charge, subscription: PricedSubscription = WHO) -> list[tuple[datetime, datetime, Any]]:
    """Return the spans of a charge in November, each with its unit price."""
    price = PriceBook([METRIC], [versions]).pricing("calls", subscription, NOVEMBER, DECEMBER)
    assert price is not None
    return [(span.start, span.end, _unit_price(span.charge)) for span in price.spans]


def _unit_price(charge: Charge | None) -> Any:
    return None if charge is None else getattr(charge.model, "unit_amount", None)


def _amount(book: PriceBook, subscription: PricedSubscription, *used: tuple[float, str]) -> Decimal:
    """Return what units used on days of November come to, by all charges."""
    records = [Record(str(at), day(at), day(at), Decimal(units)) for at, units in used]
    total = Decimal(0)
    for charge in book.by_metric["calls"]:
        price = book.pricing(charge, subscription, NOVEMBER, DECEMBER)
        if price is not None:
            total += price.rate(records, subscription, NOVEMBER, DECEMBER).amount
    return total


BY_PLAN = PriceBook(
    [METRIC],
    [
        [_charge("1", "a", applies_to={"plans": ["A"]})],
        [_charge("3", "b", applies_to={"plans": ["B"]})],
    ],
)
A_B = (PlanChange("A", None), PlanChange("B", day(25)))


@pytest.mark.parametrize(
    ("history", "plan"), [(A_B, "B"), ((*A_B, PlanChange("A", day(28))), "A"), ((*A_B, A_B[0]), "B")]
)
def test_usage_is_priced_by_the_plan_in_force_then(history: tuple[PlanChange, ...], plan: str) -> None:
    subscription = replace(WHO, plan=plan, plan_history=history)
    assert _amount(BY_PLAN, subscription, (3, "10"), (26, "5")) == Decimal("25.00")


def test_a_plan_that_comes_back_is_priced_in_both_its_spans() -> None:
    subscription = replace(WHO, plan="A", plan_history=(*A_B, PlanChange("A", day(28))))
    assert _amount(BY_PLAN, subscription, (3, "10"), (26, "5"), (29, "2")) == Decimal("27.00")


def test_a_change_of_plan_at_the_instant_of_a_version_is_one_change() -> None:
    plans = (PlanChange("A", None), PlanChange("B", day(16)))
    versions = (
        _charge("1", applies_to={"plans": ["A"]}),
        _charge("2", applies_to={"plans": ["B"]}, valid_from=rfc3339(day(16))),
    )
    assert _spans(*versions, subscription=replace(WHO, plan="B", plan_history=plans)) == [
        (NOVEMBER, day(16), 1),
        (day(16), DECEMBER, 2),
    ]


@pytest.mark.parametrize("at", [NOVEMBER, DECEMBER])
def test_a_change_at_the_edge_of_the_period_is_none(at: datetime) -> None:
    plans = (PlanChange("A", None), PlanChange("B", at))
    both = _charge("1", applies_to={"plans": ["A", "B"]})
    later = _charge("2", valid_from=rfc3339(at), applies_to={"plans": ["A", "B"]})
    found = _spans(both, later, subscription=replace(WHO, plan="B", plan_history=plans))
    assert found == [(NOVEMBER, DECEMBER, 2 if at == NOVEMBER else 1)]


def test_a_plan_change_within_what_a_charge_is_for_changes_nothing() -> None:
    subscription = replace(WHO, plan="B", plan_history=A_B)
    assert _spans(_charge(), subscription=subscription) == [(NOVEMBER, DECEMBER, 1)]


def test_the_first_plan_known_was_in_force_before_too() -> None:
    subscription = replace(WHO, plan="B", plan_history=(PlanChange("A", day(5)), PlanChange("B", day(25))))
    assert _spans(_charge(applies_to={"plans": ["A"]}), subscription=subscription) == [
        (NOVEMBER, day(25), 1),
        (day(25), DECEMBER, None),
    ]


def test_of_two_plan_changes_at_one_instant_the_later_one_counts() -> None:
    subscription = replace(WHO, plan="A", plan_history=(*A_B, PlanChange("A", day(25))))
    assert _spans(_charge(applies_to={"plans": ["A"]}), subscription=subscription) == [(NOVEMBER, DECEMBER, 1)]


def test_dated_overrides_follow_each_other_over_all_versions() -> None:
    overrides = (
        _half_price(valid_from="2026-11-05"),
        _override(valid_from="2026-11-20"),  # gives the charge's own price back
    )
    subscription = replace(WHO, overrides={"calls": overrides})
    assert _spans(_charge(), _charge("2", valid_from="2026-11-10"), subscription=subscription) == [
        (NOVEMBER, day(5), Decimal(1)),
        (day(5), day(10), Decimal("0.5")),
        (day(10), day(20), Decimal("0.5")),
        (day(20), DECEMBER, Decimal(2)),
    ]


def test_one_override_may_be_dated_alone() -> None:
    subscription = replace(WHO, overrides={"calls": _half_price(valid_from="2026-11-05T06:00:00Z")})
    assert _spans(_charge(), subscription=subscription) == [
        (NOVEMBER, day(5.25), Decimal(1)),
        (day(5.25), DECEMBER, Decimal("0.5")),
    ]


def test_two_overrides_that_begin_together_somewhere_are_taken_by_the_day() -> None:
    """Two texts for one instant: the day is in force, whatever the order they are given in."""
    overrides = (_half_price(valid_from="2026-11-05"), _override(valid_from="2026-11-05T00:00:00Z"))
    for given_as in (overrides, overrides[::-1]):
        subscription = replace(WHO, overrides={"calls": given_as})
        assert _spans(_charge(), subscription=subscription)[-1] == (day(5), DECEMBER, Decimal("0.5"))
    berlin = replace(WHO, overrides={"calls": overrides}, timezone="Europe/Berlin")
    assert [end for _, end, _ in _spans(_charge(), subscription=berlin)] == [
        day(5) - timedelta(hours=1),
        day(5),
        DECEMBER,
    ]


@pytest.mark.parametrize(
    ("zone", "first"),
    [
        ("Europe/Berlin", "2026-11-30T23:00:00Z"),
        ("UTC", "2026-12-01T00:00:00Z"),
        ("America/New_York", "2026-12-01T05:00:00Z"),
        ("Pacific/Kiritimati", "2026-11-30T10:00:00Z"),
    ],
)
def test_a_day_begins_at_midnight_in_each_subscription_s_zone(zone: str, first: str) -> None:
    book = PriceBook([METRIC], [[_charge("1"), _charge("2", valid_from="2026-12-01")]])
    start, end = datetime(2026, 11, 15, tzinfo=UTC), datetime(2026, 12, 15, tzinfo=UTC)
    price = book.pricing("calls", replace(WHO, timezone=zone), start, end)
    assert price is not None
    assert [rfc3339(span.start) for span in price.spans[1:]] == [first]
    assert [version.as_json()["valid_from"] for version in price.versions[1:]] == ["2026-12-01"]


def test_all_of_the_first_local_day_is_at_the_new_price() -> None:
    local = datetime.fromisoformat("2026-12-01T00:00:00+01:00")
    subscription = replace(WHO, timezone="Europe/Berlin")
    book = PriceBook([METRIC], [[_charge("1"), _charge("2", valid_from="2026-12-01")]])
    start, end = local, datetime.fromisoformat("2027-01-01T00:00:00+01:00")
    price = book.pricing("calls", subscription, start, end)
    assert price is not None
    used = [Record(str(n), local + timedelta(days=n), local, Decimal(1500)) for n in range(2)]
    assert price.rate(used, subscription, start, end).amount == 3000 * 2


def test_days_that_fall_together_in_a_zone_are_taken_by_the_later_one() -> None:
    """Samoa had no 30 December 2011."""
    versions = [_charge("1"), _charge("2", valid_from="2011-12-30"), _charge("3", valid_from="2011-12-31")]
    start, end = datetime(2011, 12, 1, tzinfo=UTC), datetime(2012, 1, 1, tzinfo=UTC)
    for zone, prices in (("Pacific/Apia", [1, 3]), ("UTC", [1, 2, 3])):
        price = PriceBook([METRIC], [versions]).pricing("calls", replace(WHO, timezone=zone), start, end)
        assert price is not None
        assert [_unit_price(span.charge) for span in price.spans] == prices


def test_a_subscription_is_charged_only_for_what_it_lives() -> None:
    ended = replace(WHO, lived_from=day(10), lived_until=day(20))
    book = PriceBook([METRIC], [[_charge(), _charge("5", valid_from="2026-11-25")]])
    assert _amount(book, ended, (5, "7"), (12, "3"), (26, "2")) == 3
    later = PriceBook([METRIC], [[_charge(valid_from="2026-11-25")]])
    assert later.pricing("calls", ended, NOVEMBER, DECEMBER) is None
    assert later.pricing("calls", WHO, NOVEMBER, DECEMBER) is not None


def test_two_customers_of_other_lives_share_a_price_and_not_whether_it_applies() -> None:
    book = PriceBook([METRIC], [[_charge(valid_from="2026-11-25")]])
    ended = replace(WHO, id="43", lived_until=day(20))
    assert book.pricing("calls", WHO, NOVEMBER, DECEMBER) is not None
    assert book.pricing("calls", ended, NOVEMBER, DECEMBER) is None


# --- what a rating keeps -------------------------------------------------------------------------


def _stored(price: Pricing) -> Pricing:
    stored = StoredPrice(NOVEMBER, DECEMBER, price.as_json)
    return pricing_of(StoredPrice.from_json(json.loads(json.dumps(stored.to_json()))))


def _priced(*versions: Charge, subscription: PricedSubscription = WHO) -> Pricing:
    price = PriceBook([METRIC], [versions]).pricing("calls", subscription, NOVEMBER, DECEMBER)
    assert price is not None
    return price


@pytest.mark.parametrize(
    ("versions", "subscription"),
    [
        ([_charge()], WHO),
        ([_charge(), _charge("2", valid_from="2026-11-16T00:00:00Z", included_units="3")], WHO),
        ([_charge("2", valid_from="2026-11-16T00:00:00Z")], WHO),
        ([_charge(), _charge("2", valid_from="2026-11-16")], replace(WHO, timezone="Asia/Tokyo")),
        ([_charge(), _charge(active=False, valid_from="2026-11-16")], WHO),
        ([_charge(applies_to={"plans": ["A"]})], replace(WHO, plan_history=(*A_B, PlanChange("A", day(28))))),
        ([_charge()], replace(WHO, overrides={"calls": (_half_price(valid_from="2026-11-05"),)})),
    ],
)
def test_a_rating_keeps_its_pricing_whole(versions: list[Charge], subscription: PricedSubscription) -> None:
    price = _priced(*versions, subscription=subscription)
    assert _stored(price) == price


def test_what_follows_from_the_versions_is_kept_as_it_always_was() -> None:
    """A document of today's form: no spans, so that its digest stays what it was."""
    one = _priced(_charge(), _charge("2", valid_from="2026-11-16T00:00:00Z"))
    assert set(one.as_json) == {"priced_by", "metric_definition"}


def test_a_document_without_spans_means_what_it_meant() -> None:
    charge = _charge().as_json()
    later = _charge("2", valid_from="2026-11-16T00:00:00Z").as_json()
    november = {"period_start": "2026-11-01T00:00:00Z", "period_end": "2026-12-01T00:00:00Z"}
    adjustment = document(
        priced_by=[charge, later],
        metric_definition=METRIC.as_json(),
        period_start="2026-12-01T00:00:00Z",  # an adjustment, billed in December
        period_end="2027-01-01T00:00:00Z",
        corrects={**november, "amount": "1.00", "invoiced_amount": "0.00", "steps": []},
    )
    price = pricing_of(adjustment.price)
    spans = [(span.start, span.end, _unit_price(span.charge)) for span in price.spans]
    assert spans == [(NOVEMBER, day(16), 1), (day(16), DECEMBER, 2)]


@pytest.mark.parametrize(
    ("start", "end", "prices"),
    [
        (NOVEMBER, DECEMBER, [1, 2]),
        (day(5), day(40), [1, 2]),
        (day(-10), day(10), [1]),
        (day(20), DECEMBER, [2]),
        (DECEMBER, day(60), [2]),
        (day(-60), NOVEMBER, [1]),
    ],
)
def test_kept_spans_are_fitted_to_the_period_as_it_was_invoiced(
    start: datetime, end: datetime, prices: list[int]
) -> None:
    price = _priced(_charge(), _charge("2", valid_from="2026-11-16"))
    spans = fitted(price.spans, start, end)
    assert [_unit_price(span.charge) for span in spans] == prices
    assert (spans[0].start, spans[-1].end) == (start, end)
    assert all(a.end == b.start for a, b in pairwise(spans))


# --- properties ----------------------------------------------------------------------------------

DAYS = st.integers(-5, 40).map(lambda number: (NOVEMBER + timedelta(days=number)).date().isoformat())
INSTANTS = st.integers(-100, 900).map(lambda hours: rfc3339(NOVEMBER + timedelta(hours=hours)))
STARTS = st.one_of(st.none(), DAYS, INSTANTS)
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Apia"])


@given(
    st.lists(st.tuples(STARTS, st.booleans()), min_size=1, max_size=5, unique_by=lambda each: each[0]),
    st.lists(STARTS, max_size=4, unique=True),
    st.lists(st.tuples(st.sampled_from("AB"), st.integers(-100, 900)), max_size=4),
    ZONES,
)
def test_spans_always_tile_the_period_and_are_those_in_force(
    versions: list[tuple[str | None, bool]],
    overrides: list[str | None],
    plans: list[tuple[str, int]],
    zone: str,
) -> None:
    charges = [
        _charge(str(index + 1), applies_to={"plans": ["A"]}, active=active, valid_from=start)
        for index, (start, active) in enumerate(versions)
    ]
    laid_over = tuple(_override(included_units=str(n), valid_from=start) for n, start in enumerate(overrides))
    history = tuple(PlanChange(plan, NOVEMBER + timedelta(hours=hours)) for plan, hours in plans)
    subscription = replace(
        WHO,
        plan="A",
        timezone=zone,
        plan_history=history,
        overrides={"calls": laid_over} if laid_over else {},
    )
    price = PriceBook([METRIC], [charges]).pricing("calls", subscription, NOVEMBER, DECEMBER)
    if price is None:
        return
    spans = price.spans
    assert (spans[0].start, spans[-1].end) == (NOVEMBER, DECEMBER)
    assert all(span.start < span.end for span in spans)
    for before, after in pairwise(spans):
        assert before.end == after.start
        assert before.charge != after.charge
    assert _stored(price) == price
    assert isinstance(spans[0], PriceSpan)
