"""What a rating's document stores of the price, so that the period is rated again by it."""

from datetime import UTC, datetime

from fusion_billing.billing.period_document import period_document
from fusion_billing.billing.pricing import PricedSubscription, Pricing
from fusion_billing.rating.price_spans import PriceSpan
from tests.unit.rating.conftest import make_charge, make_metric

NOVEMBER, MID, DECEMBER = (datetime(2026, *day, tzinfo=UTC) for day in ((11, 1), (11, 16), (12, 1)))
WHO = PricedSubscription("42", "Pro", "USD", "UTC", 42, {})


def test_spans_that_do_not_follow_from_the_versions_are_stored() -> None:
    charge = make_charge({"type": "per_unit", "unit_amount": "1"})
    price = Pricing((PriceSpan(NOVEMBER, MID, charge), PriceSpan(MID, DECEMBER, None)), make_metric())
    result = price.rate([], WHO, NOVEMBER, DECEMBER)
    stored = period_document(price, WHO, NOVEMBER, DECEMBER, result).price_spans
    assert stored == [
        {"start": "2026-11-01T00:00:00Z", "end": "2026-11-16T00:00:00Z", "version": 0},
        {"start": "2026-11-16T00:00:00Z", "end": "2026-12-01T00:00:00Z", "version": None},
    ]
