"""Adjust invoiced periods: load what is stored, plan the adjustment, write it into the open period.

The ratings that an adjustment depends on are read before the usage records: of two workers at one adjustment,
the one that read older records gets a version conflict and starts again.
"""

from collections.abc import Sequence
from functools import partial

from functions.rate.closing import Closer
from functions.rate.ports import Ratings
from functions.rate.rating_inputs import RatingInputs
from functions.rate.rating_writer import Change, Writer
from fusion_billing.billing.adjustments import (
    Adjustment,
    AdjustmentKeys,
    AdjustmentState,
    StoredRatings,
    adjustment_keys,
    plan_adjustment,
)
from fusion_billing.billing.billed_subscription import BilledSubscription
from fusion_billing.billing.pricing import Pricing, pricing_of
from fusion_billing.billing.rating import StoredRating
from fusion_billing.billing_periods.calendar import Period
from fusion_billing.dynamodb.markers.changed_pairs import ChangedPair, month_of
from fusion_billing.errors import Unavailable, VersionConflict
from fusion_billing.rating.records import Record
from fusion_billing.retry import VERSION_CONFLICTS

_ReadRecords = dict[tuple[str, Period], list[Record]]
"""The usage records read so far, by metric and period."""


class Adjuster:
    """Adjusts charges for one message."""

    def __init__(self, inputs: RatingInputs, ratings: Ratings, writer: Writer, closer: Closer) -> None:
        self._inputs = inputs
        self._ratings = ratings
        self._writer = writer
        self._closer = closer

    def of(self, rating: StoredRating, period: Period) -> Adjustment:
        """Return the adjustment of a rating's charge in an invoiced period, by the price that it stores."""
        return Adjustment(period, self.stored_price(rating), is_charged=rating.document.is_charged)

    def stored_price(self, rating: StoredRating) -> Pricing:
        """Return what priced a rating, from its document."""
        return pricing_of(self._ratings.whole(rating).price)

    def adjust(self, subscription: BilledSubscription, adjustments: Sequence[Adjustment]) -> bool:
        """Adjust each of the charges; return whether all of them are up to date.

        A charge that fails is reported, and the others are adjusted.
        """
        keys = [adjustment_keys(subscription, adjustment) for adjustment in adjustments]
        stored = self._read(subscription.id, keys)
        records: _ReadRecords = {}
        is_complete = True
        for adjustment, own in zip(adjustments, keys, strict=True):
            pair = ChangedPair(subscription.id, adjustment.price.metric.code, month_of(adjustment.period.start))
            work = partial(self._adjust_one, subscription, adjustment, own, stored, records)
            is_complete &= self._inputs.failures.attempt(pair, work) is True
        return is_complete

    def _adjust_one(
        self,
        subscription: BilledSubscription,
        adjustment: Adjustment,
        keys: AdjustmentKeys,
        stored: StoredRatings,
        read: _ReadRecords,
    ) -> bool:
        """Adjust one charge; return False while the result of a call to Odoo is unknown."""
        pair = adjustment.price.metric.code, adjustment.period
        if pair not in read:
            read[pair] = self._records(subscription, adjustment)
        try:
            return self._write(AdjustmentState(subscription, adjustment, keys, stored, read[pair]))
        except VersionConflict:
            return self._adjust_again(subscription, adjustment, keys)

    def _adjust_again(self, subscription: BilledSubscription, adjustment: Adjustment, keys: AdjustmentKeys) -> bool:
        for _ in VERSION_CONFLICTS.attempts():
            stored = self._read(subscription.id, [keys])
            records = self._records(subscription, adjustment)
            try:
                return self._write(AdjustmentState(subscription, adjustment, keys, stored, records))
            except VersionConflict:
                continue
        raise Unavailable("Other workers keep adjusting the same charge")

    def _read(self, subscription: str, keys: Sequence[AdjustmentKeys]) -> StoredRatings:
        """Read the current ratings, and freeze those of invoiced periods first."""
        every = [key for each in keys for key in each.all]
        stored = self._ratings.get_many(every)
        invoiced = {key for each in keys for key in each.invoiced}
        unfrozen = {key.period_start for key in invoiced if key in stored and not stored[key].frozen}
        for start in unfrozen:
            self._closer.freeze(subscription, start)
        return self._ratings.get_many(every) if unfrozen else stored

    def _records(self, subscription: BilledSubscription, adjustment: Adjustment) -> list[Record]:
        start, end = adjustment.period.start, subscription.rated_end(adjustment.period)
        return list(self._inputs.used_by(subscription.id, adjustment.price.metric, start, end))

    def _write(self, state: AdjustmentState) -> bool:
        """Plan an adjustment and write it; return False while the result of a call to Odoo is unknown."""
        if state.is_unresolved:
            return False
        if state.is_settled:
            return True
        price = self._price(state)
        newest = self._inputs.prices().newest(price.charge.code)
        product = None if newest is None else newest.odoo_product_id
        plan = plan_adjustment(state, price, product, self._inputs.now)
        self._writer.statistics.evaluated += 1
        if plan.decision is not None:
            self._writer.write(Change(state.subscription, plan.computed, plan.decision, state.stored, plan.is_late))
        return True

    def _price(self, state: AdjustmentState) -> Pricing:
        """Return what prices the period: if it was never rated itself, what priced its first adjustment."""
        first = state.first_adjustment
        return state.adjustment.price if first is None else self.stored_price(first)
