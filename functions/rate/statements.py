"""Make a statement of each invoiced period, once what was invoiced is known; each chained to the previous one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from functions.rate.ports import Ratings, Statements
from functions.rate.rating_inputs import RatingInputs
from fusion_billing.billing.billed_subscription import BilledSubscription
from fusion_billing.billing.closed_periods import ClosedPeriod
from fusion_billing.billing.pricing import metric_of
from fusion_billing.billing.rating import StoredRating
from fusion_billing.billing_periods.calendar import Period
from fusion_billing.decimals import ZERO
from fusion_billing.dynamodb.ratings.statements import AlreadyClosed
from fusion_billing.statements.statement import InvoicedFrom, StatementLine, UsageCount, statement_document
from fusion_billing.statements.statement import Period as StatementPeriod
from fusion_billing.statements.usage_count import usage_count
from fusion_billing.webhooks.publishing import EventPublisher

GRACE = timedelta(days=7)
"""How long a statement waits for Odoo's invoice to be read. Then it shows what Odoo acknowledged."""


@dataclass(frozen=True, slots=True)
class StatementMaker:
    """Makes statements for one message."""

    inputs: RatingInputs
    ratings: Ratings
    statements: Statements
    outbox: EventPublisher

    def make(
        self,
        subscription: BilledSubscription,
        closed_periods: Mapping[datetime, ClosedPeriod],
        periods: Sequence[Period],
    ) -> int:
        """Make the statements of invoiced periods that can be made; return how many.

        Args:
            subscription: The subscription.
            closed_periods: The periods as they were closed, by start.
            periods: Invoiced periods, in any order.

        A period waits for the one before it, so that the chain has no gap.

        Raises:
            TamperedStatement: The statement to chain to is not as it was written.
            Unavailable: A store is throttled.
        """
        made = 0
        for period in sorted(periods, key=lambda period: period.start):
            closed_period = closed_periods.get(period.start)
            if closed_period is not None and closed_period.has_statement:
                continue
            starts = subscription.starts_of(period) if closed_period is not None else ()
            ratings = [rating for start in starts for rating in self.ratings.in_period(subscription.id, start)]
            if closed_period is None or not self._is_known(period, ratings):
                break
            self._make(subscription, period, ratings)
            made += 1
        return made

    def _is_known(self, period: Period, ratings: Sequence[StoredRating]) -> bool:
        """Return whether what was invoiced of a period is known, or the wait for it is over."""
        if not all(rating.frozen and not rating.unresolved for rating in ratings):
            return False
        if period.invoiced_at is None or self.inputs.now >= period.invoiced_at + GRACE:
            return True
        return all(rating.line.billed is not None for rating in ratings if rating.line.version is not None)

    def _make(self, subscription: BilledSubscription, period: Period, ratings: Sequence[StoredRating]) -> None:
        previous = self.statements.latest(subscription.id)
        lines = list(self._lines(subscription, period, ratings))
        document = statement_document(
            _period(subscription, period, ratings),
            lines,
            previous_hash=None if previous is None else previous["hash"],
            closed_at=self.inputs.now,
        )
        prepared = self.outbox.prepare(
            "statement.closed",
            subscription=subscription.id,
            plan=document["plan"],
            metric=None,
            data={
                "period_start": document["period_start"],
                "period_end": document["period_end"],
                **document["totals"],
                "currency": document["currency"],
                "hash": document["hash"],
            },
            now=self.inputs.now,
        )
        noted = self.ratings.closed_periods.statement_made(subscription.id, period.start)
        try:
            self.statements.put(document, [noted, *prepared.writes])
        except AlreadyClosed:
            return  # another worker was faster
        self.outbox.wake_up(prepared)

    def _lines(
        self, subscription: BilledSubscription, period: Period, ratings: Sequence[StoredRating]
    ) -> Iterator[StatementLine]:
        """Yield what was rated and invoiced; under a corrected start, only what an invoice holds."""
        counts: dict[tuple[str, datetime], UsageCount] = {}
        for rating in ratings:
            document = rating.document
            start = rating.key.corrects or rating.key.period_start
            counted = (document.metric, start)
            is_replaced = rating.key.period_start != period.start
            if is_replaced and not rating.billed:
                continue
            if is_replaced and rating.key.corrects is None:
                counts[counted] = UsageCount()  # it is counted under the present start
            elif counted not in counts:
                counts[counted] = self._count(subscription, rating, start)
            yield StatementLine(
                line=rating.key.line,
                charge=rating.key.charge,
                charge_name=document.charge_name,
                metric=document.metric,
                units=document.units,
                rated=rating.amount,
                invoiced=rating.billed,
                invoiced_from=_invoiced_from(rating),
                usage=counts[counted],
                corrects=rating.key.corrects,
            )

    def _count(self, subscription: BilledSubscription, rating: StoredRating, start: datetime) -> UsageCount:
        period = subscription.calendar.period_holding(start)
        first, end = subscription.rated_start(period), subscription.rated_end(period)
        if end <= first:
            return UsageCount()
        metric = metric_of(self.ratings.whole(rating).price)
        records = self.inputs.used_by(subscription.id, metric, first, end)
        return usage_count(records, start=first, end=end, timezone=subscription.priced.timezone)


def _invoiced_from(rating: StoredRating) -> InvoicedFrom:
    if rating.line.billed is not None:
        return "order_line" if rating.line.by_order_line else "invoice"
    return "none" if rating.billed == ZERO and rating.line.version is None else "acknowledged"


def _order(subscription: BilledSubscription, period: Period, ratings: Sequence[StoredRating]) -> int:
    """Return the order that the period's order lines are on: a renewal may have moved them."""
    orders = {rating.document.odoo_order_id for rating in ratings if rating.line.version is not None}
    return orders.pop() if len(orders) == 1 else subscription.order_for(period)


def _period(subscription: BilledSubscription, period: Period, ratings: Sequence[StoredRating]) -> StatementPeriod:
    history = subscription.priced.plan_history
    plans = [change.plan for change in history if change.start is None or change.start < period.end]
    return StatementPeriod(
        subscription=subscription.id,
        customer_name=subscription.customer_name,
        plan=plans[-1] if plans else subscription.priced.plan,
        currency=subscription.priced.currency,
        timezone=subscription.priced.timezone,
        odoo_order_id=_order(subscription, period, ratings),
        start=period.start,
        end=period.end,
        invoiced_at=period.invoiced_at,
    )
