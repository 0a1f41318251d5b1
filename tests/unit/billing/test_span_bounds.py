"""How the spans of a price are cut, drawn out and merged, one by one."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from fusion_billing.billing.pricing import PricedSubscription
from fusion_billing.billing.spans import fitted, merged, price_spans
from fusion_billing.catalog.subscription_history import PlanChange
from fusion_billing.rating.price_spans import PriceSpan
from tests.unit.rating.conftest import make_charge

WHO = PricedSubscription("42", "B", "USD", "UTC", 42, {})
CHEAP, DEAR = (make_charge({"type": "per_unit", "unit_amount": price}) for price in ("1", "2"))


def day(number: int) -> datetime:
    return datetime(2026, 11, number, tzinfo=UTC)


FIRST, SECOND = PriceSpan(day(1), day(10), CHEAP), PriceSpan(day(10), day(20), DEAR)


@pytest.mark.parametrize("span", [FIRST, SECOND])
def test_a_span_that_only_touches_the_period_is_left_out(span: PriceSpan) -> None:
    assert fitted([FIRST, SECOND], span.start, span.end) == (span,)


@pytest.mark.parametrize(("start", "end"), [(25, 28), (2, 5)])
def test_the_only_span_is_drawn_out_to_a_period_beside_it(start: int, end: int) -> None:
    assert fitted([SECOND], day(start), day(end)) == (PriceSpan(day(start), day(end), DEAR),)


def test_a_price_that_applies_nowhere_in_the_period_still_names_its_charge() -> None:
    spans = [FIRST, SECOND, PriceSpan(day(20), day(28), None)]
    expected = (PriceSpan(day(22), day(25), None), PriceSpan(day(25), day(25), DEAR))
    assert fitted(spans, day(22), day(25)) == expected


def test_empty_spans_are_left_out_and_those_after_them_kept() -> None:
    assert merged([FIRST, PriceSpan(day(10), day(10), None), SECOND]) == (FIRST, SECOND)


def test_neighbors_of_equal_prices_are_one_span() -> None:
    equal = DEAR.model_copy()
    assert merged([SECOND, PriceSpan(day(20), day(25), equal)]) == (PriceSpan(day(10), day(25), DEAR),)


def test_versions_come_into_force_in_the_order_of_their_instants_in_the_zone() -> None:
    of_the_day = make_charge({"type": "per_unit", "unit_amount": "1"}, valid_from="2026-11-10")
    hours_later = make_charge({"type": "per_unit", "unit_amount": "2"}, valid_from="2026-11-09T18:00:00Z")
    tokyo = replace(WHO, timezone="Asia/Tokyo")
    spans = price_spans([hours_later, of_the_day], tokyo, day(1), day(20))
    starts = [(span.start, span.charge) for span in spans]
    assert starts == [
        (day(1), None),
        (datetime(2026, 11, 9, 15, tzinfo=UTC), of_the_day),
        (datetime(2026, 11, 9, 18, tzinfo=UTC), hours_later),
    ]


def test_of_two_plans_in_force_from_the_beginning_the_later_one_counts() -> None:
    of_plan = make_charge({"type": "per_unit", "unit_amount": "1"}, applies_to={"plans": ["B"]})
    both = replace(WHO, plan_history=(PlanChange("A", None), PlanChange("B", None)))
    assert price_spans([of_plan], both, day(1), day(20)) == (PriceSpan(day(1), day(20), of_plan),)


def test_plans_are_in_force_in_the_order_of_their_starts() -> None:
    of_plan = make_charge({"type": "per_unit", "unit_amount": "1"}, applies_to={"plans": ["A"]})
    history = (PlanChange("A", day(10)), PlanChange("B", day(5)), PlanChange("A", None))
    spans = price_spans([of_plan], replace(WHO, plan_history=history), day(1), day(20))
    assert [(span.start, span.charge) for span in spans] == [(day(1), of_plan), (day(5), None), (day(10), of_plan)]
