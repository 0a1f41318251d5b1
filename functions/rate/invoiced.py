"""Invoiced periods: frozen as they stand; what they are still due goes into the open one, with its sign."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from functions.rate.reading import Reading
from functions.rate.writer import Change, Ratings, Writer
from fusion_billing.billing.customers import Customer
from fusion_billing.billing.decisions import decide
from fusion_billing.billing.documents import Invoiced, Span, adjustment_document, rating_document
from fusion_billing.billing.pricing import CurrencyMismatch, Pricing, from_document
from fusion_billing.billing.ratings import RatingKey, StoredRating, candidate
from fusion_billing.calendar.calendar import Period
from fusion_billing.decimals import ZERO
from fusion_billing.errors import Unavailable
from fusion_billing.store.dirty_pairs import DirtyPair, month_of
from fusion_billing.store.ratings import Outdated

_TRIES = 6


class Invoices:
    """Settles invoiced periods of one run."""

    def __init__(self, reading: Reading, ratings: Ratings, writer: Writer) -> None:
        self._reading = reading
        self._ratings = ratings
        self._writer = writer

    def freeze(self, subscription: str, start: datetime) -> bool:
        """Freeze every rating billed in an invoiced period; tells whether any was not frozen yet."""
        for tried in range(_TRIES):
            waiting = [one for one in self._ratings.in_period(subscription, start) if not one.frozen]
            if not waiting:
                return tried > 0
            for one in waiting:
                try:
                    self._ratings.freeze(one)
                except Outdated:
                    continue  # read again with the rest, as it is now
        raise Unavailable("a rating of an invoiced period keeps being written")

    def settle(self, customer: Customer, period: Period, *, metric: str | None = None) -> None:
        """Freeze an invoiced period and adjust, in the open one, what its usage comes to by now.

        With a `metric`, all charges on it are gone over; without, all that were rated in the period, and
        what the adjustments invoiced with it corrected. A charge that can't be rated is reported.
        """
        self.freeze(customer.id, period.start)
        own = self._ratings.in_period(customer.id, period.start)
        for price, since in self._priced(customer, period, metric, own):
            with self._reading.reported(DirtyPair(customer.id, price.metric.code, month_of(since.start))):
                self._adjusted(customer, since, price)

    def _adjusted(self, customer: Customer, period: Period, price: Pricing) -> None:
        for _ in range(_TRIES):
            try:
                self._adjust(customer, period, price)
            except Outdated:
                continue
            return
        raise Unavailable("others keep adjusting the same charge")

    def _priced(
        self, customer: Customer, period: Period, metric: str | None, own: Sequence[StoredRating]
    ) -> Iterator[tuple[Pricing, Period]]:
        """Yield what to adjust: each charge as it priced the period then, and the period it is about."""
        rated = [one for one in own if one.key.corrects is None]
        if metric is not None:
            priced = [self._price_kept(one) for one in rated if one.doc["metric"] == metric]
            if not priced:
                pair = DirtyPair(customer.id, metric, month_of(period.start))
                priced, _ = self._reading.priced(pair, customer, metric, period)
            for price in priced:
                yield price, period
            return
        for one in rated:
            yield self._price_kept(one), period
        for one in own:
            if one.key.corrects is not None:
                yield self._price_kept(one), customer.calendar.period_holding(one.key.corrects)

    def _price_kept(self, rating: StoredRating) -> Pricing:
        """Return what priced a rating, as its document keeps it."""
        return from_document(rating.doc if rating.parts is None else self._ratings.whole(rating))

    def _adjust(self, customer: Customer, period: Period, price: Pricing) -> None:
        opened = customer.calendar.open
        if not customer.is_rated_in(period):
            return
        code = price.charge.code
        own_key = RatingKey(customer.id, period.start, code)
        later = [
            RatingKey(customer.id, one.start, code, period.start)
            for one in customer.invoiced_after(period.start)
        ]
        key = RatingKey(customer.id, opened.start, code, period.start)
        stored = self._read(customer.id, [own_key, *later, key], frozen=[own_key, *later])
        if not stored and not self._was_used(customer, period, price):
            return  # a fee alone is due when its period is billed, not whenever a period is looked at again
        first = stored.get(own_key)
        if first is None:
            price = next((self._price_kept(stored[one]) for one in later if one in stored), price)
        invoiced = Invoiced(
            first.billed if first is not None else ZERO,
            [(one.period_start, stored[one].billed) for one in later if one in stored and stored[one].billed],
        )
        fresh = self._fresh(customer, period, price)
        doc = adjustment_document(fresh, billed_in=Span(opened.start, opened.end), invoiced=invoiced)
        self._writer.tally.pairs += 1
        adjusting = candidate(key, doc)
        decision = decide(adjusting, stored.get(key), period="open", has_usage=True)
        if decision is not None:
            late = _is_late(doc, [stored[one] for one in (key, *reversed(later), own_key) if one in stored])
            self._writer.write(Change(customer, adjusting, decision, stored.get(key), late))

    def _was_used(self, customer: Customer, period: Period, price: Pricing) -> bool:
        end = customer.rated_end(period)
        used = self._reading.records.between(customer.id, price.metric.code, period.start, end)
        return next(iter(used), None) is not None

    def _read(
        self, subscription: str, keys: Sequence[RatingKey], *, frozen: Sequence[RatingKey]
    ) -> dict[RatingKey, StoredRating]:
        """Return the ratings as they are now, those under `frozen` being frozen first where they are not."""
        stored = self._ratings.get_many(keys)
        loose = [key for key in frozen if key in stored and not stored[key].frozen]
        for key in loose:
            self.freeze(subscription, key.period_start)
        return self._ratings.get_many(keys) if loose else stored

    def _fresh(self, customer: Customer, period: Period, price: Pricing) -> dict[str, Any]:
        charge = price.charge
        if charge.currency != customer.who.currency:
            raise CurrencyMismatch(
                f"charge {charge.code} was billed in {charge.currency}, the subscription is in "
                f"{customer.who.currency}"
            )
        records = self._reading.records.between(
            customer.id, price.metric.code, period.start, customer.rated_end(period)
        )
        rated = price.rate(records, customer.who, period.start, period.end)
        doc = rating_document(price, customer.who, Span(period.start, period.end), rated.as_dict())
        newest = self._reading.prices().newest(charge.code)
        if newest is not None:
            # The product a line is put on may have been mended since; the price stays what it was.
            doc["odoo_product_id"] = newest.odoo_product_id
        return doc


def _is_late(doc: Mapping[str, Any], known: Sequence[StoredRating]) -> bool:
    """Tell whether usage changed since the period was last rated; `known` is the newest rating first.

    An adjustment may as well be made of what was rated in time and never came onto the invoice.
    """
    if not known:
        return True
    before = known[0].doc
    amount = before["corrects"]["amount"] if "corrects" in before else before["amount"]
    return bool((before["units"], amount) != (doc["units"], doc["corrects"]["amount"]))
