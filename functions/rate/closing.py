"""Closing invoiced periods: their ratings are frozen, and what else prices them is kept.

A charge that was not rated in a period may still be due there: late usage arrives, a worker was killed
between two charges, or Odoo invoiced the period before it was ever rated. So the charges that applied are
kept with the period once, as they were when its invoice was seen. What is defined later never prices it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from functions.rate.inputs import Reading
from functions.rate.ports import Ratings
from fusion_billing.billing.billed_subscription import BilledSubscription
from fusion_billing.billing.closed_periods import ClosedPeriod
from fusion_billing.billing.pricing import Pricing
from fusion_billing.billing.rating import StoredRating
from fusion_billing.billing.rating_document import StoredPrice
from fusion_billing.billing_periods.calendar import Period
from fusion_billing.dynamodb.markers.changed_pairs import EVERY_METRIC, ChangedPair, month_of
from fusion_billing.errors import Unavailable, VersionConflict

_ATTEMPTS = 6

REVIEWED = 13
"""Invoiced periods, the newest ones, that sweeps and subscription jobs go over."""


class Closer:
    """Closes invoiced periods of one run."""

    def __init__(self, reading: Reading, ratings: Ratings) -> None:
        self._reading = reading
        self._ratings = ratings
        self._customer = ""
        self._closings: dict[datetime, ClosedPeriod] = {}

    def freeze(self, subscription: str, start: datetime) -> list[StoredRating]:
        """Freeze every rating billed in an invoiced period, and return them all as they are then."""
        for _ in range(_ATTEMPTS):
            ratings = self._ratings.in_period(subscription, start)
            loose = [rating for rating in ratings if not rating.frozen]
            if not loose:
                return ratings
            for rating in loose:
                try:
                    self._ratings.freeze(rating)
                except VersionConflict:
                    continue  # read again with the rest, as it is now
        raise Unavailable("a rating of an invoiced period keeps being written")

    def of(self, customer: BilledSubscription) -> Mapping[datetime, ClosedPeriod]:
        """Return the closings of a customer's reviewed periods."""
        periods = customer.invoiced(REVIEWED)
        self._customer = customer.id
        self._closings = self._ratings.closings.since(customer.id, periods[-1].start) if periods else {}
        return self._closings

    def close(self, customer: BilledSubscription, period: Period, own: Sequence[StoredRating]) -> ClosedPeriod | None:
        """Return the closing of an invoiced period whose frozen ratings are `own`; made where there is none.

        None for a period of before the subscription was first seen: what was billed in it is not known here.
        """
        if period not in customer.calendar.known:
            return None
        kept = self._closing(customer, period)
        if kept is not None:
            return kept
        closing = self._made(customer, period, [one for one in own if one.key.corrects is None])
        # Before the closing is written: a worker that is killed in between does both again.
        self._reading.request_invoices(customer.id, period.start)
        self._closings[period.start] = self._ratings.closings.put(customer.id, closing)
        return self._closings[period.start]

    def note(self, customer: BilledSubscription, period: Period, digest: str) -> None:
        """Note by what a period was found to be billed."""
        self._ratings.closings.note(customer.id, period.start, digest)

    def _closing(self, customer: BilledSubscription, period: Period) -> ClosedPeriod | None:
        if customer.id != self._customer:
            self.of(customer)
        if period in customer.invoiced(REVIEWED):
            return self._closings.get(period.start)
        return self._ratings.closings.since(customer.id, period.start).get(period.start)

    def _made(self, customer: BilledSubscription, period: Period, own: Sequence[StoredRating]) -> ClosedPeriod:
        """Return the closing with what prices the charges that apply and were never billed.

        A rating that Odoo never had is among them: made while its period was still to come, it may be
        priced by what held before a change that swept open periods alone. So is one that came to nothing
        while the subscription did not run, or its charge did not apply. If it no longer
        applies, it has ended.
        """
        billed = {
            rating.key.charge for rating in own if rating.line.amount is not None and rating.document.is_up_to_date
        }
        prices: dict[str, StoredPrice] = {}
        unpriced, applying = frozenset[str](), set[str]()
        pair = ChangedPair(customer.id, EVERY_METRIC, month_of(period.start))
        # Whatever part of the period it lives: one that is paused goes on as if it had not paused.
        whole = replace(customer, who=replace(customer.who, lived_from=None, lived_until=None))
        for metric in self._reading.prices().by_metric:
            found, failed = self._reading.priced(pair, whole, metric, period)
            unpriced |= failed
            applying |= {price.charge.code for price in found}
            for price in self._that_existed(period, found):
                if price.charge.code not in billed:
                    prices[price.charge.code] = StoredPrice(period.start, period.end, price.as_json)
        rated = {rating.key.charge for rating in own}
        stale = {
            rating.key.charge
            for rating in own
            if not rating.document.is_up_to_date or (rating.line.amount is None and not rating.unresolved)
        }
        ended = stale - applying - unpriced
        return ClosedPeriod(period.start, prices, unpriced - rated, frozenset(ended), fees=period.every_charge)

    def _that_existed(self, period: Period, prices: Sequence[Pricing]) -> Iterator[Pricing]:
        """Yield the prices of charges that were defined when the period was invoiced."""
        for price in prices:
            created_at = self._reading.created_at(price.charge.code) if period.invoiced_at else None
            if period.invoiced_at is None or created_at is None or created_at <= period.invoiced_at:
                yield price
