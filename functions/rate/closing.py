"""Close invoiced periods: freeze their ratings, and store the prices of charges that were not billed in them.

A charge that was not rated in a period may still be due there: usage arrives late, a worker was killed
between two charges, or Odoo invoiced the period before it was rated. So the prices of the charges that
applied are stored with the period once, when its invoice is seen. Later definitions never price the period.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from functions.rate.ports import Ratings
from functions.rate.rating_inputs import RatingInputs
from fusion_billing.billing.billed_subscription import BilledSubscription
from fusion_billing.billing.closed_periods import ClosedPeriod
from fusion_billing.billing.pricing import Pricing
from fusion_billing.billing.rating import StoredRating
from fusion_billing.billing.stored_price import StoredPrice
from fusion_billing.billing_periods.calendar import Period
from fusion_billing.dynamodb.markers.changed_pairs import EVERY_METRIC, ChangedPair, month_of
from fusion_billing.errors import Unavailable, VersionConflict
from fusion_billing.retry import VERSION_CONFLICTS

REVIEWED = 13
"""How many of the newest invoiced periods sweeps and subscription jobs review."""


class Closer:
    """Closes invoiced periods for one message."""

    def __init__(self, inputs: RatingInputs, ratings: Ratings) -> None:
        self._inputs = inputs
        self._ratings = ratings
        self._subscription_id = ""
        self._closed_periods: dict[datetime, ClosedPeriod] = {}

    def freeze(self, subscription: str, start: datetime) -> list[StoredRating]:
        """Freeze every rating billed in an invoiced period; return all of them, frozen."""
        for _ in VERSION_CONFLICTS.attempts():
            ratings = self._ratings.in_period(subscription, start)
            unfrozen = [rating for rating in ratings if not rating.frozen]
            if not unfrozen:
                return ratings
            for rating in unfrozen:
                try:
                    self._ratings.freeze(rating)
                except VersionConflict:
                    continue  # the next attempt reads it again
        raise Unavailable("Other workers keep writing a rating of an invoiced period")

    def of(self, subscription: BilledSubscription) -> Mapping[datetime, ClosedPeriod]:
        """Return the closed periods among those that a review covers, by start."""
        periods = subscription.invoiced(REVIEWED)
        self._subscription_id = subscription.id
        self._closed_periods = self._ratings.closed_periods.since(subscription.id, periods[-1].start) if periods else {}
        return self._closed_periods

    def close(
        self, subscription: BilledSubscription, period: Period, own: Sequence[StoredRating]
    ) -> ClosedPeriod | None:
        """Return an invoiced period as it was closed; close it if it is not closed yet.

        Args:
            subscription: The subscription.
            period: The invoiced period.
            own: The period's frozen ratings.

        Returns:
            The closed period, or None for a period before the first one known: what was billed in it is unknown.
        """
        if period not in subscription.calendar.known:
            return None
        stored = self._stored(subscription, period)
        if stored is not None:
            return stored
        closed_period = self._closed(subscription, period, [rating for rating in own if rating.key.corrects is None])
        # Requested before the closed period is stored: a worker killed in between does both again.
        self._inputs.request_invoices(subscription.id, period.start)
        self._closed_periods[period.start] = self._ratings.closed_periods.put(subscription.id, closed_period)
        return self._closed_periods[period.start]

    def note(self, subscription: BilledSubscription, period: Period, digest: str) -> None:
        """Store the digest of what a period was found to be billed by."""
        self._ratings.closed_periods.note(subscription.id, period.start, digest)

    def _stored(self, subscription: BilledSubscription, period: Period) -> ClosedPeriod | None:
        if subscription.id != self._subscription_id:
            self.of(subscription)
        if period in subscription.invoiced(REVIEWED):
            return self._closed_periods.get(period.start)
        return self._ratings.closed_periods.since(subscription.id, period.start).get(period.start)

    def _closed(self, subscription: BilledSubscription, period: Period, own: Sequence[StoredRating]) -> ClosedPeriod:
        """Return the closed period with the prices of charges that apply and were never billed.

        Among them are ratings that never reached Odoo: rated before their period opened, they may have a price
        from before a change that re-rated open periods only. So are ratings at zero of a time when the
        subscription did not run or the charge did not apply. A charge that no longer applies has ended.
        """
        billed = {
            rating.key.charge for rating in own if rating.line.amount is not None and rating.document.is_up_to_date
        }
        prices: dict[str, StoredPrice] = {}
        unpriced, applying = frozenset[str](), set[str]()
        pair = ChangedPair(subscription.id, EVERY_METRIC, month_of(period.start))
        # For the whole period, even if only a part is rated: a paused subscription resumes as if never paused.
        whole = replace(subscription, priced=replace(subscription.priced, lived_from=None, lived_until=None))
        for metric in self._inputs.prices().by_metric:
            found, failed = self._inputs.priced(pair, whole, metric, period)
            unpriced |= failed
            applying |= {price.charge.code for price in found}
            for price in self._defined_by_invoice(period, found):
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

    def _defined_by_invoice(self, period: Period, prices: Sequence[Pricing]) -> Iterator[Pricing]:
        """Yield the prices of charges that were defined when the period was invoiced."""
        for price in prices:
            created_at = self._inputs.created_at(price.charge.code) if period.invoiced_at else None
            if period.invoiced_at is None or created_at is None or created_at <= period.invoiced_at:
                yield price
