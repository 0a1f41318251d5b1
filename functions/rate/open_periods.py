"""Periods that are not invoiced: each charge rated from its records and held against what is stored.

What is stored of a rating is read before its records are, and written under the version read. So of two
workers at one pair the one that read older records is always the one that is refused, and it starts again.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from functions.rate.inputs import Reading
from functions.rate.invoiced_periods import Invoices
from functions.rate.rating_writer import Change, Ratings, Writer
from fusion_billing.billing.billed_subscription import BilledSubscription
from fusion_billing.billing.decisions import PeriodState, decide
from fusion_billing.billing.groups import check_groups
from fusion_billing.billing.pricing import Pricing
from fusion_billing.billing.rating import ComputedRating, RatingKey, StoredRating, computed_rating
from fusion_billing.billing.rating_document import (
    Span,
    billed_to,
    no_longer_charged,
    not_rated,
    rating_document,
)
from fusion_billing.billing.thresholds import reached
from fusion_billing.billing_periods.calendar import Period
from fusion_billing.dynamodb.markers.changed_pairs import ChangedPair
from fusion_billing.errors import Unavailable, VersionConflict
from fusion_billing.rating.records import Record

_TRIES = 6


@dataclass(frozen=True, slots=True)
class Task:
    """A metric of a customer in one period that is not invoiced, and the charges on it."""

    pair: ChangedPair
    customer: BilledSubscription
    metric: str
    period: Period
    prices: tuple[Pricing, ...]
    unpriced: frozenset[str] = frozenset()
    """Charges that can't be priced as things are; what is stored of them stays."""

    def rating_keys(self) -> list[RatingKey]:
        """Return the keys of the charges' ratings, in their order."""
        return [RatingKey(self.customer.id, self.period.start, price.charge.code) for price in self.prices]


class OpenPeriods:
    """Rates tasks for one message."""

    def __init__(self, reading: Reading, ratings: Ratings, writer: Writer, invoices: Invoices) -> None:
        self._reading = reading
        self._ratings = ratings
        self._writer = writer
        self._invoices = invoices

    def task(
        self,
        pair: ChangedPair,
        customer: BilledSubscription,
        metric: str,
        period: Period,
        *,
        only: str | None = None,
    ) -> Task:
        """Return what is to rate of a metric in a period: all charges that apply, or `only` one."""
        priced, unpriced = self._reading.priced(pair, customer, metric, period, only=only)
        return Task(pair, customer, metric, period, tuple(priced), unpriced)

    def rate(self, tasks: Sequence[Task], stored: Mapping[RatingKey, StoredRating] | None = None) -> None:
        """Rate tasks, what they change being written together; `stored` are their ratings, if read already.

        A task that can't be rated or written is reported and put back.
        """
        if stored is None:
            stored = self._stored(tasks)
        changes: list[tuple[Task, Change]] = []
        again: dict[int, Task] = {}
        for task in tasks:
            with self._reading.reported(task.pair):
                known = stored if stored is not None else self._ratings.get_many(task.rating_keys())
                try:
                    changes += [(task, change) for change in self._changes(task, known)]
                except VersionConflict:
                    again[id(task)] = task
        written = self._writer.write_all([change for _, change in changes])
        for (task, _), failure in zip(changes, written, strict=True):
            if isinstance(failure, VersionConflict):
                again[id(task)] = task
            elif failure is not None:
                with self._reading.reported(task.pair):
                    raise failure
        for task in again.values():
            with self._reading.reported(task.pair):
                self._rate_anew(task)

    def _stored(self, tasks: Sequence[Task]) -> Mapping[RatingKey, StoredRating] | None:
        """Return the tasks' ratings, read together; None where one of them can't be read for now."""
        try:
            return self._ratings.get_many([key for task in tasks for key in task.rating_keys()])
        except Unavailable:
            return None

    def end(
        self,
        customer: BilledSubscription,
        stored: StoredRating,
        reason: str | None = None,
        *,
        period: Period | None = None,
    ) -> None:
        """Bring a rating to nothing: its charge no longer applies, or for another `reason`.

        It is billed in the open period, or in a `period` to come.
        """
        billed_in = customer.calendar.open if period is None else period
        whole = stored.doc if stored.parts is None else self._ratings.whole(stored)
        doc = no_longer_charged(whole) if reason is None else not_rated(whole, reason)
        doc = billed_to(doc, customer, billed_in, self._reading.now)
        rated = computed_rating(stored.key, doc, cause=self._reading.cause)
        change = self._change(customer, billed_in, rated, stored, has_usage=False)
        if change is not None:
            try:
                self._writer.write(change)
            except VersionConflict:
                # Whoever was faster knows things as they are, or the next sweep does.
                return

    def _rate_anew(self, task: Task) -> None:
        """Rate a task from what is there now, for as long as somebody else is faster."""
        for _ in range(_TRIES):
            customer = self._reading.customer(task.customer.id, anew=True)
            if customer is None:
                return
            period = customer.calendar.period_holding(task.period.start)
            if period.state == "invoiced":
                self._invoices.adjust(customer, period, metric=task.metric)
                return
            now = self.task(task.pair, customer, task.metric, period)
            try:
                for change in self._changes(now, self._ratings.get_many(now.rating_keys())):
                    self._writer.write(change)
            except VersionConflict:
                continue
            return
        raise Unavailable("others keep rating the same pair")

    def _changes(self, task: Task, stored: Mapping[RatingKey, StoredRating]) -> Iterator[Change]:
        if not task.prices:
            return
        customer, period = task.customer, task.period
        end = customer.rated_end(period)
        metric = task.prices[0].metric
        records = list(self._reading.used_by(customer.id, metric, period.start, end))
        self._reading.statistics.pairs += 1
        for price, key in zip(task.prices, task.rating_keys(), strict=True):
            rated: list[ComputedRating] = []
            with self._reading.reported(task.pair):
                rated.append(self._rated(price, customer, period, key, records))
            for one in rated:  # none where it was reported
                change = self._change(customer, period, one, stored.get(key), has_usage=bool(records))
                if change is not None:
                    yield change

    def _rated(
        self,
        price: Pricing,
        customer: BilledSubscription,
        period: Period,
        key: RatingKey,
        records: Sequence[Record],
    ) -> ComputedRating:
        check_groups(price, records)
        who = customer.subscriber_in(period)
        result = price.rate(records, who, period.start, period.end)
        doc = rating_document(price, who, Span(period.start, period.end), result.as_dict())
        doc = billed_to(doc, customer, period, self._reading.now)
        thresholds = reached(
            price.charge.effective_thresholds,
            units=result.units,
            included=result.included_units,
            amount=result.amount,
        )
        return computed_rating(key, doc, thresholds, self._reading.cause)

    def _change(
        self,
        customer: BilledSubscription,
        period: Period,
        rated: ComputedRating,
        stored: StoredRating | None,
        *,
        has_usage: bool,
    ) -> Change | None:
        if stored is not None and stored.frozen:
            raise VersionConflict("the rating was frozen meanwhile")
        state: PeriodState = "open" if customer.bills_now(period, self._reading.now) else "upcoming"
        send_now = self._writer.now if self._writer.line_times.at_once else None
        decision = decide(rated, stored, period=state, has_usage=has_usage, send_now=send_now)
        return Change(customer, rated, decision, stored) if decision is not None else None
