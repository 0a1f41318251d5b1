"""Rate periods that are not invoiced: each charge from its usage records, compared with the stored rating.

A rating is read before its usage records, and written under the version read. So of two workers at one pair,
the one that read older records always gets a version conflict, and starts again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from functions.rate.failures import Failed
from functions.rate.invoiced_periods import InvoicedPeriods
from functions.rate.ports import Ratings
from functions.rate.rating_inputs import RatingInputs
from functions.rate.rating_writer import Change, Writer
from fusion_billing.billing.billed_subscription import BilledSubscription
from fusion_billing.billing.decisions import PeriodState, decide
from fusion_billing.billing.groups import check_groups
from fusion_billing.billing.period_document import period_document
from fusion_billing.billing.pricing import Pricing
from fusion_billing.billing.rating import ComputedRating, RatingKey, StoredRating, computed_rating
from fusion_billing.billing.thresholds import reached
from fusion_billing.billing_periods.calendar import Period
from fusion_billing.dynamodb.markers.changed_pairs import ChangedPair
from fusion_billing.errors import Unavailable, VersionConflict
from fusion_billing.rating.records import Record
from fusion_billing.retry import VERSION_CONFLICTS


@dataclass(frozen=True, slots=True)
class Task:
    """A metric of a subscription in one period that is not invoiced, and the charges on it."""

    pair: ChangedPair
    subscription: BilledSubscription
    metric: str
    period: Period
    prices: tuple[Pricing, ...]
    unpriced: frozenset[str] = frozenset()
    """Charges that can't be priced now; their stored ratings stay."""

    def rating_keys(self) -> list[RatingKey]:
        """Return the keys of the charges' ratings, in their order."""
        return [RatingKey(self.subscription.id, self.period.start, price.charge.code) for price in self.prices]


@dataclass(frozen=True, slots=True)
class _Computed:
    """The changes that a task makes, or that it has to be rated again: one of its ratings was frozen meanwhile."""

    task: Task
    changes: Sequence[Change] = ()
    has_conflict: bool = False


class OpenPeriods:
    """Rates tasks for one message."""

    def __init__(self, inputs: RatingInputs, ratings: Ratings, writer: Writer, invoices: InvoicedPeriods) -> None:
        self._inputs = inputs
        self._failures = inputs.failures
        self._ratings = ratings
        self._writer = writer
        self._invoiced_periods = invoices

    def task(
        self,
        pair: ChangedPair,
        subscription: BilledSubscription,
        metric: str,
        period: Period,
        *,
        only: str | None = None,
    ) -> Task:
        """Return the task of a metric in a period: all charges that apply, or `only` one."""
        priced, unpriced = self._inputs.priced(pair, subscription, metric, period, only=only)
        return Task(pair, subscription, metric, period, tuple(priced), unpriced)

    def rate(self, tasks: Sequence[Task], stored: Mapping[RatingKey, StoredRating] | None = None) -> None:
        """Rate tasks and write what they change together.

        A task that fails is reported and its pair marked again; a task that another worker overtook is rated
        again from what is stored then.

        Args:
            tasks: What to rate.
            stored: The ratings under the tasks' keys, if the caller has read them.
        """
        known = self._stored(tasks) if stored is None else stored
        results = [self._failures.attempt(task.pair, partial(self._compute, task, known)) for task in tasks]
        computed = [result for result in results if not isinstance(result, Failed)]
        conflicting = [result.task for result in computed if result.has_conflict]
        conflicting += self._write([(result.task, change) for result in computed for change in result.changes])
        for task in _distinct(conflicting):
            self._failures.attempt(task.pair, partial(self._rate_again, task))

    def _write(self, changes: Sequence[tuple[Task, Change]]) -> list[Task]:
        """Write changes; return the tasks of those that another worker overtook."""
        errors = self._writer.write_all([change for _, change in changes])
        conflicting = []
        for (task, _), error in zip(changes, errors, strict=True):
            if isinstance(error, VersionConflict):
                conflicting.append(task)
            elif error is not None:
                self._failures.record(task.pair, error)
        return conflicting

    def _stored(self, tasks: Sequence[Task]) -> Mapping[RatingKey, StoredRating] | None:
        """Return the tasks' ratings, read together; None if one of them is throttled."""
        try:
            return self._ratings.get_many([key for task in tasks for key in task.rating_keys()])
        except Unavailable:
            return None

    def end(
        self,
        subscription: BilledSubscription,
        stored: StoredRating,
        reason: str | None = None,
        *,
        period: Period | None = None,
    ) -> None:
        """Bring a rating to zero because its charge no longer applies, or for another `reason`.

        It is billed in the open period, or in an upcoming `period`.
        """
        billed_in = subscription.calendar.open if period is None else period
        whole = self._ratings.whole(stored)
        document = whole.without_charge() if reason is None else whole.not_rated(reason)
        document = subscription.bill(document, billed_in, self._inputs.now)
        rated = computed_rating(stored.key, document, cause=self._inputs.cause)
        if stored.frozen:
            raise VersionConflict("The rating was frozen by another worker")
        change = self._change(subscription, billed_in, rated, stored, has_usage=False)
        if change is not None:
            self._write_each([change])  # after a conflict, the next sweep ends it

    def _rate_again(self, task: Task) -> None:
        """Rate a task from what is stored now, until no other worker overtakes it; raises `Unavailable`."""
        for _ in VERSION_CONFLICTS.attempts():
            subscription = self._inputs.subscription(task.subscription.id, refresh=True)
            if subscription is None:
                return
            period = subscription.calendar.period_holding(task.period.start)
            if period.state == "invoiced":
                self._invoiced_periods.adjust(subscription, period, metric=task.metric)
                return
            computed = self._compute(self.task(task.pair, subscription, task.metric, period), None)
            if not computed.has_conflict and self._write_each(computed.changes):
                return
        raise Unavailable("Other workers keep rating the same pair")

    def _write_each(self, changes: Sequence[Change]) -> bool:
        """Write changes one by one; return False as soon as another worker overtook one."""
        try:
            for change in changes:
                self._writer.write(change)
        except VersionConflict:
            return False
        return True

    def _compute(self, task: Task, stored: Mapping[RatingKey, StoredRating] | None) -> _Computed:
        """Rate a task's charges, and decide what to write over `stored` (None: read it first)."""
        if stored is None:
            stored = self._ratings.get_many(task.rating_keys())
        if not task.prices:
            return _Computed(task)
        subscription, period = task.subscription, task.period
        records = list(
            self._inputs.used_by(subscription.id, task.prices[0].metric, period.start, subscription.rated_end(period))
        )
        self._inputs.statistics.evaluated += 1
        changes = []
        for price, key in zip(task.prices, task.rating_keys(), strict=True):
            rated = self._failures.attempt(task.pair, partial(self._rated, price, subscription, period, key, records))
            if isinstance(rated, Failed):
                continue
            before = stored.get(key)
            if before is not None and before.frozen:
                return _Computed(task, has_conflict=True)
            changes.append(self._change(subscription, period, rated, before, has_usage=bool(records)))
        return _Computed(task, [change for change in changes if change is not None])

    def _rated(
        self,
        price: Pricing,
        subscription: BilledSubscription,
        period: Period,
        key: RatingKey,
        records: Sequence[Record],
    ) -> ComputedRating:
        check_groups(price, records)
        priced = subscription.priced_in(period)
        result = price.rate(records, priced, period.start, period.end)
        self._inputs.note_steps(subscription.id, price, result, period)
        document = period_document(price, priced, period.start, period.end, result)
        document = subscription.bill(document, period, self._inputs.now)
        thresholds = reached(
            price.charge.effective_thresholds,
            units=result.units,
            included=result.included_units,
            amount=result.amount,
        )
        return computed_rating(key, document, thresholds, self._inputs.cause)

    def _change(
        self,
        subscription: BilledSubscription,
        period: Period,
        rated: ComputedRating,
        stored: StoredRating | None,
        *,
        has_usage: bool,
    ) -> Change | None:
        state: PeriodState = "open" if subscription.bills_now(period, self._inputs.now) else "upcoming"
        send_now = self._writer.now if self._writer.line_due_times.at_once else None
        decision = decide(rated, stored, period=state, has_usage=has_usage, send_now=send_now)
        return Change(subscription, rated, decision, stored) if decision is not None else None


def _distinct(tasks: Iterable[Task]) -> list[Task]:
    return list({id(task): task for task in tasks}.values())
