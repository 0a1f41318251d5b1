"""Adjustments: what invoiced periods are still due, or too much, put into the open period with its sign.

All ratings that an adjustment depends on are read before the records are, as everywhere: of two workers at
one adjustment the one that read older records is refused, and starts again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from functions.rate.closing import Closer
from functions.rate.inputs import Reading
from functions.rate.rating_writer import Change, Ratings, Writer
from fusion_billing.billing.billed_subscription import BilledSubscription
from fusion_billing.billing.decisions import decide, total
from fusion_billing.billing.groups import check_groups
from fusion_billing.billing.pricing import CurrencyMismatch, Pricing, from_document
from fusion_billing.billing.rating import RatingKey, StoredRating, computed_rating
from fusion_billing.billing.rating_document import (
    Invoiced,
    Span,
    adjustment_document,
    billed_to,
    by_rules_of,
    is_charged,
    rating_document,
)
from fusion_billing.billing_periods.calendar import Period
from fusion_billing.decimals import ZERO
from fusion_billing.dynamodb.markers.changed_pairs import ChangedPair, month_of
from fusion_billing.errors import Unavailable, VersionConflict
from fusion_billing.rating.records import Record
from fusion_billing.rating.result import RatingResult

_ATTEMPTS = 6

Stored = Mapping[RatingKey, StoredRating]


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A charge to be rated afresh in an invoiced period, by `price`.

    `is_due_without_usage` tells that what it costs without any usage is due although it was never rated,
    `is_charged` whether it is charged at all: a charge may have ended before the period was invoiced.
    """

    period: Period
    price: Pricing
    is_due_without_usage: bool = False
    is_charged: bool = True


@dataclass(frozen=True, slots=True)
class _Keys:
    """The ratings that an adjustment depends on: the period's own, later adjustments of it, the open one.

    A period of before the first one seen has none of its own: nothing of it was billed here. `replaced` were
    its own when it started at another instant: an invoice may have come before their lines were at nothing.
    """

    own: RatingKey | None
    replaced: tuple[RatingKey, ...]
    later: tuple[RatingKey, ...]
    open: RatingKey

    @property
    def invoiced(self) -> tuple[RatingKey, ...]:
        """Return those whose periods are invoiced."""
        return (*self.replaced, *self.later) if self.own is None else (*self.replaced, self.own, *self.later)

    @property
    def all(self) -> tuple[RatingKey, ...]:
        """Return every key."""
        return (*self.invoiced, self.open)


class Adjuster:
    """Adjusts charges of one run."""

    def __init__(self, reading: Reading, ratings: Ratings, writer: Writer, closer: Closer) -> None:
        self._reading = reading
        self._ratings = ratings
        self._writer = writer
        self._closer = closer

    def of(self, rating: StoredRating, period: Period) -> Adjustment:
        """Return the adjustment of a rating's charge in an invoiced period, by the price it keeps."""
        return Adjustment(period, self.price_kept(rating), is_charged=is_charged(rating.doc))

    def price_kept(self, rating: StoredRating) -> Pricing:
        """Return what priced a rating, as its document keeps it."""
        return from_document(rating.doc if rating.parts is None else self._ratings.whole(rating))

    def adjust(self, customer: BilledSubscription, adjustments: Sequence[Adjustment]) -> bool:
        """Adjust each of the charges; return whether nothing is left to do.

        One that can't be rated is reported and costs the others nothing.
        """
        keys = [_keys(customer, adjustment) for adjustment in adjustments]
        stored = self._read(customer.id, keys)
        records: dict[tuple[str, Period], list[Record]] = {}
        is_complete = True
        for adjustment, own in zip(adjustments, keys, strict=True):
            pair = ChangedPair(customer.id, adjustment.price.metric.code, month_of(adjustment.period.start))
            work = partial(self._adjust_one, customer, adjustment, own, stored, records)
            is_complete &= self._reading.failures.attempt(pair, work) is True
        return is_complete

    def _adjust_one(
        self,
        customer: BilledSubscription,
        adjustment: Adjustment,
        keys: _Keys,
        stored: Stored,
        records: dict[tuple[str, Period], list[Record]],
    ) -> bool:
        read = adjustment.price.metric.code, adjustment.period
        if read not in records:
            records[read] = self._records(customer, adjustment)
        try:
            return self._adjust(customer, adjustment, keys, stored, records[read])
        except VersionConflict:
            return self._adjust_anew(customer, adjustment, keys)

    def _adjust_anew(self, customer: BilledSubscription, adjustment: Adjustment, keys: _Keys) -> bool:
        for _ in range(_ATTEMPTS):
            stored = self._read(customer.id, [keys])
            try:
                return self._adjust(customer, adjustment, keys, stored, self._records(customer, adjustment))
            except VersionConflict:
                continue
        raise Unavailable("others keep adjusting the same charge")

    def _read(self, subscription: str, keys: Sequence[_Keys]) -> Stored:
        """Return the ratings as they are now; those of invoiced periods are frozen first."""
        every = [key for each in keys for key in each.all]
        stored = self._ratings.get_many(every)
        invoiced = {key for each in keys for key in each.invoiced}
        loose = {key.period_start for key in invoiced if key in stored and not stored[key].frozen}
        for start in loose:
            self._closer.freeze(subscription, start)
        return self._ratings.get_many(every) if loose else stored

    def _records(self, customer: BilledSubscription, adjustment: Adjustment) -> list[Record]:
        start, end = adjustment.period.start, customer.rated_end(adjustment.period)
        return list(self._reading.used_by(customer.id, adjustment.price.metric, start, end))

    def _adjust(
        self,
        customer: BilledSubscription,
        adjustment: Adjustment,
        keys: _Keys,
        stored: Stored,
        records: list[Record],
    ) -> bool:
        """Adjust one charge; return whether that could be done: False while Odoo's answer is unknown."""
        invoiced = [stored[key] for key in keys.invoiced if key in stored]
        if any(rating.unresolved for rating in invoiced):
            return False
        own = () if keys.own is None else (keys.own,)
        known = [stored[key] for key in (keys.open, *reversed(keys.later), *own) if key in stored]
        is_billed = any(rating.billed for rating in invoiced)
        if not known and not records and not is_billed and not adjustment.is_due_without_usage:
            return True  # a fee alone is due when its period is billed, not whenever it is looked at again
        opened = customer.calendar.open
        fresh = by_rules_of(
            known[0].doc if known else None,
            self._fresh(customer, adjustment, self._price(adjustment, keys, stored), records),
        )
        span, invoiced_so_far = Span(opened.start, opened.end), _invoiced(keys, stored)
        doc = adjustment_document(fresh, billed_in=span, invoiced=invoiced_so_far)
        doc = billed_to(doc, customer, opened, self._reading.now)
        self._writer.statistics.pairs += 1
        late = _is_late(doc, known, records)
        adjusting = computed_rating(keys.open, doc, cause="usage" if late else "invoice")
        decision = decide(adjusting, stored.get(keys.open), period="open", has_usage=True)
        if decision is not None:
            self._writer.write(Change(customer, adjusting, decision, stored.get(keys.open), late))
        return True

    def _price(self, adjustment: Adjustment, keys: _Keys, stored: Stored) -> Pricing:
        """Return what prices the period: what priced it when it was first adjusted, if it was never rated."""
        if keys.own is not None and keys.own in stored:
            return adjustment.price
        first = next((stored[key] for key in (*keys.later, keys.open) if key in stored), None)
        return adjustment.price if first is None else self.price_kept(first)

    def _fresh(
        self, customer: BilledSubscription, adjustment: Adjustment, price: Pricing, records: Sequence[Record]
    ) -> dict[str, Any]:
        charge, period = price.charge, adjustment.period
        if charge.currency != customer.who.currency:
            raise CurrencyMismatch(
                f"charge {charge.code} was billed in {charge.currency}, the subscription is in {customer.who.currency}"
            )
        who = customer.subscriber_in(period)
        rated = _nothing(charge.currency)
        if customer.is_rated_in(period) and adjustment.is_charged:
            check_groups(price, records)
            rated = price.rate(records, who, period.start, period.end)
        doc = rating_document(price, who, Span(period.start, period.end), rated.as_dict())
        newest = self._reading.prices().newest(charge.code)
        if newest is not None:
            # The product a line is put on may have been corrected since; the price stays what it was.
            doc["odoo_product_id"] = newest.odoo_product_id
        return doc if adjustment.is_charged else {**doc, "is_charged": False}


def _nothing(currency: str) -> RatingResult:
    return RatingResult(ZERO, ZERO, ZERO, ZERO, ZERO, currency, ())


def _keys(customer: BilledSubscription, adjustment: Adjustment) -> _Keys:
    code, start = adjustment.price.charge.code, adjustment.period.start
    is_known = adjustment.period in customer.calendar.known
    later = [at for period in customer.invoiced_after(start) for at in customer.starts_of(period)]
    return _Keys(
        RatingKey(customer.id, start, code) if is_known else None,
        tuple(RatingKey(customer.id, at, code) for at in customer.starts_of(adjustment.period)[1:]),
        tuple(RatingKey(customer.id, at, code, start) for at in later),
        RatingKey(customer.id, customer.calendar.open.start, code, start),
    )


def _invoiced(keys: _Keys, stored: Stored) -> Invoiced:
    own = keys.replaced if keys.own is None else (keys.own, *keys.replaced)
    return Invoiced(
        total(stored[key].billed for key in own if key in stored),
        [(key.period_start, stored[key].billed) for key in keys.later if key in stored and stored[key].billed],
    )


def _is_late(doc: Mapping[str, Any], known: Sequence[StoredRating], records: Sequence[Record]) -> bool:
    """Tell whether usage changed since the period was last rated; `known` is the newest rating first.

    An adjustment may as well be made of what was rated in time and never came onto the invoice, or of a
    fee that was not rated at all.
    """
    if not known:
        return bool(records)
    before = known[0].doc
    amount = before["corrects"]["amount"] if "corrects" in before else before["amount"]
    return bool((before["units"], amount) != (doc["units"], doc["corrects"]["amount"]))
