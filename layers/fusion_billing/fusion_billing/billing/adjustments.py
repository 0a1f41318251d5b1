"""Plan adjustments: rate an invoiced period again, and put the difference into the open period with its sign."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from fusion_billing.billing.adjustment_document import InvoicedAmounts, adjustment_document, at_invoiced_rules
from fusion_billing.billing.billed_subscription import BilledSubscription
from fusion_billing.billing.decisions import NewVersion, SameVersion, decide, total
from fusion_billing.billing.groups import check_groups
from fusion_billing.billing.period_document import period_document
from fusion_billing.billing.pricing import CurrencyMismatch, Pricing
from fusion_billing.billing.rating import ComputedRating, RatingKey, StoredRating, computed_rating
from fusion_billing.billing.rating_document import RatingDocument
from fusion_billing.billing_periods.calendar import Period
from fusion_billing.decimals import ZERO
from fusion_billing.rating.records import Record
from fusion_billing.rating.result import RatingResult

StoredRatings = Mapping[RatingKey, StoredRating]


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A charge to rate again in an invoiced period, by `price`.

    Attributes:
        period: The invoiced period.
        price: What priced the charge in it.
        is_due_without_usage: Whether a fee without usage is due although the charge was never rated there.
        is_charged: False for a charge that had ended before the period was invoiced: it is rated at zero.
    """

    period: Period
    price: Pricing
    is_due_without_usage: bool = False
    is_charged: bool = True


@dataclass(frozen=True, slots=True)
class AdjustmentKeys:
    """The keys of the ratings that an adjustment depends on.

    Attributes:
        own: The rating of the invoiced period itself; None for a period before the first one known, of which
            nothing was billed here.
        replaced: Ratings of the period under an earlier start. They may have been invoiced before their order
            lines were brought to zero.
        later: Adjustments of the period that were invoiced with later periods.
        open: The adjustment in the open period: the one to plan.
    """

    own: RatingKey | None
    replaced: tuple[RatingKey, ...]
    later: tuple[RatingKey, ...]
    open: RatingKey

    @property
    def invoiced(self) -> tuple[RatingKey, ...]:
        """Return the keys whose periods are invoiced."""
        return (*self.replaced, *self._own, *self.later)

    @property
    def all(self) -> tuple[RatingKey, ...]:
        """Return every key."""
        return (*self.invoiced, self.open)

    @property
    def newest_first(self) -> tuple[RatingKey, ...]:
        """Return the keys of ratings about the period under its present start, the newest first."""
        return (self.open, *reversed(self.later), *self._own)

    @property
    def of_own_line(self) -> tuple[RatingKey, ...]:
        """Return the keys whose order lines billed the period itself."""
        return (*self._own, *self.replaced)

    @property
    def _own(self) -> tuple[RatingKey, ...]:
        return () if self.own is None else (self.own,)


def adjustment_keys(subscription: BilledSubscription, adjustment: Adjustment) -> AdjustmentKeys:
    """Return the keys of the ratings that an adjustment depends on."""
    code, start = adjustment.price.charge.code, adjustment.period.start
    is_known = adjustment.period in subscription.calendar.known
    later = [start_ for period in subscription.invoiced_after(start) for start_ in subscription.starts_of(period)]
    return AdjustmentKeys(
        RatingKey(subscription.id, start, code) if is_known else None,
        tuple(RatingKey(subscription.id, replaced, code) for replaced in subscription.starts_of(adjustment.period)[1:]),
        tuple(RatingKey(subscription.id, billed_in, code, start) for billed_in in later),
        RatingKey(subscription.id, subscription.calendar.open.start, code, start),
    )


@dataclass(frozen=True, slots=True)
class AdjustmentState:
    """What is stored about an adjustment: the ratings under its keys, and the period's usage records.

    The ratings are read before the records: of two workers at one adjustment, the one that read older records
    gets a version conflict.
    """

    subscription: BilledSubscription
    adjustment: Adjustment
    keys: AdjustmentKeys
    ratings: StoredRatings
    records: Sequence[Record]

    @property
    def is_unresolved(self) -> bool:
        """Return whether the result of a call to Odoo is unknown, so that what was invoiced is unknown too."""
        return any(rating.unresolved for rating in self._invoiced)

    @property
    def is_settled(self) -> bool:
        """Return whether nothing can be due: nothing was rated, used or billed.

        A fee alone is due when its period is billed, not whenever the period is rated again.
        """
        is_billed = any(rating.billed for rating in self._invoiced)
        is_due = self.records or is_billed or self.adjustment.is_due_without_usage
        return not self.known and not is_due

    @property
    def known(self) -> list[StoredRating]:
        """Return the ratings about the period, the newest first."""
        return self._stored(self.keys.newest_first)

    @property
    def first_adjustment(self) -> StoredRating | None:
        """Return the rating that keeps the price of a period that was never rated itself, if there is one."""
        if self.keys.own is not None and self.keys.own in self.ratings:
            return None
        return next(iter(self._stored((*self.keys.later, self.keys.open))), None)

    @property
    def stored(self) -> StoredRating | None:
        """Return the stored adjustment in the open period."""
        return self.ratings.get(self.keys.open)

    def invoiced(self) -> InvoicedAmounts:
        """Return what invoices hold of the period: by its own order line, and by later adjustments."""
        return InvoicedAmounts(
            total(rating.billed for rating in self._stored(self.keys.of_own_line)),
            [(rating.key.period_start, rating.billed) for rating in self._stored(self.keys.later) if rating.billed],
        )

    @property
    def _invoiced(self) -> list[StoredRating]:
        return self._stored(self.keys.invoiced)

    def _stored(self, keys: Sequence[RatingKey]) -> list[StoredRating]:
        return [self.ratings[key] for key in keys if key in self.ratings]


@dataclass(frozen=True, slots=True)
class AdjustmentPlan:
    """The adjustment computed, and what to write of it (None: nothing); `is_late` if late usage made it."""

    computed: ComputedRating
    decision: NewVersion | SameVersion | None
    is_late: bool


def plan_adjustment(state: AdjustmentState, price: Pricing, product: int | None, now: datetime) -> AdjustmentPlan:
    """Plan the adjustment of an invoiced period, which is billed in the open one.

    Args:
        state: What is stored about the invoiced period and its adjustments.
        price: The pricing of the invoiced period.
        product: The Odoo product that the charge's order lines have today; None keeps that of `price`.
        now: The present instant.

    Raises:
        CurrencyMismatch: The charge was billed in another currency than the subscription's.
        TooManyGroups: The usage makes more groups than a rating may have.
    """
    opened, known = state.subscription.calendar.open, state.known
    current = at_invoiced_rules(known[0].document if known else None, _rated_again(state, price, product))
    document = adjustment_document(current, billed_in=opened, invoiced=state.invoiced())
    document = state.subscription.bill(document, opened, now)
    is_late = _is_late(document, state)
    computed = computed_rating(state.keys.open, document, cause="usage" if is_late else "invoice")
    decision = decide(computed, state.stored, period="open", has_usage=True)
    return AdjustmentPlan(computed, decision, is_late)


def _rated_again(state: AdjustmentState, price: Pricing, product: int | None) -> RatingDocument:
    """Return the invoiced period's rating document as all its usage records make it now."""
    subscription, charge, period = state.subscription, price.charge, state.adjustment.period
    currency = subscription.priced.currency
    if charge.currency != currency:
        raise CurrencyMismatch(
            f"Charge {charge.code} was billed in {charge.currency}, but the subscription is in {currency}"
        )
    priced = subscription.priced_in(period)
    is_charged = state.adjustment.is_charged
    result = RatingResult(ZERO, ZERO, ZERO, ZERO, ZERO, charge.currency, ())
    if is_charged and subscription.is_rated_in(period):
        check_groups(price, state.records)
        result = price.rate(state.records, priced, period.start, period.end)
    document = period_document(price, priced, period.start, period.end, result)
    if product is not None:
        document = replace(document, odoo_product_id=product)  # it may have been corrected; the price stays
    return document if is_charged else replace(document, charge_applies=False)


def _is_late(document: RatingDocument, state: AdjustmentState) -> bool:
    """Return whether usage changed since the period was last rated.

    An adjustment may also come from a rating that was in time but missed the invoice, or from a fee that was
    not rated at all.
    """
    if not state.known:
        return bool(state.records)
    previous = state.known[0].document
    return (previous.units, previous.rated_amount) != (document.units, document.rated_amount)
