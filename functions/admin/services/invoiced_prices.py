"""Find what priced an invoiced period: definitions that changed since do not price it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from functions.admin.ports import Ratings
from fusion_billing.billing.pricing import Pricing, pricing_of
from fusion_billing.billing_periods.calendar import Period


@dataclass(frozen=True, slots=True)
class InvoicedPrices:
    """The prices of a period's charges, by code; `is_complete` if no other charge prices the period."""

    by_charge: Mapping[str, Pricing] = field(default_factory=dict)
    is_complete: bool = False


def invoiced_prices(ratings: Ratings, subscription: str, period: Period) -> InvoicedPrices:
    """Return the prices that an invoiced period is adjusted by: those of its ratings and of its closing.

    Of a period that is not invoiced there are none.
    """
    if period.state != "invoiced":
        return InvoicedPrices()
    found = {
        rating.key.charge: pricing_of(ratings.whole(rating).price)
        for rating in ratings.in_period(subscription, period.start)
        if rating.key.corrects is None
    }
    closed = ratings.closed_periods.since(subscription, period.start).get(period.start)
    if closed is None:
        return InvoicedPrices(found)
    found |= {code: pricing_of(price) for code, price in closed.prices.items()}
    for code in closed.ended:
        found.pop(code, None)
    return InvoicedPrices(found, is_complete=not closed.unpriced)
