"""Rates what changed, marked pairs or whole subscriptions: from their records, never by increments."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial

from functions.rate.closing import REVIEWED
from functions.rate.failures import Failed
from functions.rate.inputs import Reading, Sources
from functions.rate.invoiced_periods import Invoices
from functions.rate.open_periods import OpenPeriods, Task
from functions.rate.ports import Ratings, Statements
from functions.rate.rating_writer import RunStatistics, Writer
from functions.rate.statements import StatementMaker
from fusion_billing.billing.billed_subscription import BilledSubscription
from fusion_billing.billing.closed_periods import ClosedPeriod
from fusion_billing.billing.pricing import pricing_of
from fusion_billing.billing.rating import Cause, StoredRating
from fusion_billing.billing_periods.calendar import Period
from fusion_billing.catalog.identifiers import MAX_LEVEL_WINDOW
from fusion_billing.catalog.levels import LEVEL
from fusion_billing.dynamodb.markers.changed_pairs import EVERY_METRIC, ChangedPair, month_of

_AT_ONCE = 50


class Rater:
    """Rates for one message; what it reads of the catalogue and of subscriptions, it reads once."""

    def __init__(
        self, sources: Sources, ratings: Ratings, writer: Writer, statements: Statements | None = None
    ) -> None:
        self._reading = Reading(sources, writer.statistics, writer.now)
        self._failures = self._reading.failures
        self._ratings = ratings
        self._invoices = Invoices(self._reading, ratings, writer)
        self._uninvoiced = OpenPeriods(self._reading, ratings, writer, self._invoices)
        self._statements: StatementMaker | None = None
        if statements is not None:
            self._statements = StatementMaker(self._reading, ratings, statements, writer.outbox)
        self._seen: set[tuple[str, str, datetime]] = set()

    @property
    def statistics(self) -> RunStatistics:
        """Return what was done so far."""
        return self._reading.statistics

    def attempt(self, customer: BilledSubscription, work: Callable[[], None]) -> None:
        """Do `work` about a subscription; if it fails, report that and go on with the next subscription."""
        self._failures.attempt(self._whole(customer.id), work)

    def _whole(self, subscription: str) -> ChangedPair:
        return ChangedPair(subscription, EVERY_METRIC, month_of(self._reading.now))

    def because_of(self, cause: Cause) -> None:
        """Have ratings name a cause in their history from now on; it is `usage` before."""
        self._reading.cause = cause

    def rate_pairs(self, pairs: Sequence[ChangedPair]) -> None:
        """Rate every pair; one that can't be rated is reported, put back, and costs the others nothing.

        Raises what the database raised where nothing can be rated for now.
        """
        self._failures.isolates_throttling = True
        for first in range(0, len(pairs), _AT_ONCE):
            self._reading.forget_customers()
            tasks: list[Task] = []
            for pair in pairs[first : first + _AT_ONCE]:
                if pair.metric == EVERY_METRIC:
                    self.rate_subscription(pair.subscription)
                    continue
                result = self._failures.attempt(pair, partial(self._tasks, pair))
                if not isinstance(result, Failed):
                    tasks += result
            if tasks:
                self._uninvoiced.rate(tasks)

    def _tasks(self, pair: ChangedPair) -> list[Task]:
        """Settle the invoiced periods of a pair, and return what is to rate of the others."""
        customer = self._reading.customer(pair.subscription)
        if customer is None:
            return []
        tasks = []
        for period in self._periods(customer, pair):
            # Marked in several hours, or under two months that one period has days of: it is rated once.
            once = (pair.subscription, pair.metric, period.start)
            if once in self._seen:
                continue
            self._seen.add(once)
            if period.state == "invoiced":
                self._failures.attempt(pair, partial(self._invoices.adjust, customer, period, metric=pair.metric))
            elif customer.is_rated_in(period):
                tasks.append(self._uninvoiced.task(pair, customer, pair.metric, period))
        return tasks

    def _periods(self, customer: BilledSubscription, pair: ChangedPair) -> list[Period]:
        """Return the periods that usage of a pair's month lies in, a level's also those it reaches into."""
        month = _bounds(pair.month)
        if month is None:
            return []
        first, end = month
        metric = self._reading.prices().metric(pair.metric)
        is_level = metric is not None and metric.aggregation == LEVEL
        return customer.periods_within(first, end + MAX_LEVEL_WINDOW if is_level else end)

    def rate_subscription(
        self, subscription: str, *, charge: str | None = None, thorough: bool = False
    ) -> BilledSubscription | None:
        """Rate a subscription whole: what its invoiced periods are still due, and its open period.

        All charges that apply are rated, used or not, or `charge` alone; what no longer applies comes to
        nothing. `thorough` goes over every period that has any usage. Returns the customer, None where
        there is no such subscription.
        """
        self._failures.isolates_throttling = not thorough
        pair = self._whole(subscription)
        customer = self._failures.attempt(pair, partial(self._reading.customer, subscription, anew=True))
        if customer is None or isinstance(customer, Failed):
            return None
        self._failures.attempt(pair, partial(self._rate_whole, customer, charge, thorough=thorough))
        return customer

    def _rate_whole(self, customer: BilledSubscription, charge: str | None, *, thorough: bool) -> None:
        if charge is None:
            self._make_statements(customer, self._invoices.review(customer, thorough=thorough))
            self._end_replaced(customer)
        self._rate_open(customer, charge)
        if thorough:
            self._rate_beyond(customer)

    def _make_statements(self, customer: BilledSubscription, closings: Mapping[datetime, ClosedPeriod]) -> None:
        if self._statements is not None:
            make = partial(self._statements.make, customer, closings, customer.invoiced(REVIEWED))
            self._failures.attempt(self._whole(customer.id), make)

    def _rate_open(self, customer: BilledSubscription, charge: str | None) -> None:
        period = customer.calendar.open
        stored = {rating.key: rating for rating in self._ratings.in_period(customer.id, period.start)}
        month = month_of(period.start)
        tasks = [
            self._uninvoiced.task(ChangedPair(customer.id, metric, month), customer, metric, period, only=charge)
            for metric in (self._reading.prices().by_metric if customer.is_rated_in(period) else ())
        ]
        tasks += self._of_deleted_charges(customer, stored.values(), charge)
        self._uninvoiced.rate(tasks, stored)
        priced = {key for task in tasks for key in task.rating_keys()}
        unpriced = frozenset[str]().union(*(task.unpriced for task in tasks))
        for key, rating in stored.items():
            metric = rating.document.metric
            pair = ChangedPair(customer.id, metric, month)
            if key.corrects is not None:
                if charge is None:
                    self._failures.attempt(pair, partial(self._adjust_older, customer, key.corrects, metric))
            elif key not in priced and key.charge not in unpriced and charge in {None, key.charge}:
                reason = None if customer.is_rated_in(period) else _NOT_LIVED
                self._failures.attempt(pair, partial(self._uninvoiced.end, customer, rating, reason))

    def _of_deleted_charges(
        self, customer: BilledSubscription, stored: Collection[StoredRating], charge: str | None
    ) -> list[Task]:
        """Return what a subscription that ended still owes for charges deleted since, by the prices kept.

        Such a charge may be deleted: it is in use no more. What is left of it takes a final invoice.
        """
        period = customer.calendar.open
        if not customer.has_ended(self._reading.now) or not customer.is_rated_in(period):
            return []
        tasks = []
        for rating in stored:
            key = rating.key
            is_deleted = self._reading.prices().newest(key.charge) is None
            is_asked = key.corrects is None and charge in {None, key.charge}
            if is_deleted and is_asked and rating.document.is_up_to_date:
                price = pricing_of(self._ratings.whole(rating).price)
                metric = rating.document.metric
                pair = ChangedPair(customer.id, metric, month_of(period.start))
                tasks.append(Task(pair, customer, metric, period, (price,)))
        return tasks

    def _end_replaced(self, customer: BilledSubscription) -> None:
        """Bring to nothing what was rated under a start that was corrected: it is rated under the new one."""
        for start in customer.replaced_starts:
            for stored in self._ratings.in_period(customer.id, start):
                if not stored.frozen:
                    pair = ChangedPair(customer.id, stored.document.metric, month_of(start))
                    self._failures.attempt(pair, partial(self._uninvoiced.end, customer, stored, _REPLACED))

    def _adjust_older(self, customer: BilledSubscription, start: datetime, metric: str) -> None:
        """Adjust what an adjustment in the open period is about, unless that was gone over already."""
        corrected = customer.calendar.period_holding(start)
        if corrected not in customer.invoiced(REVIEWED):
            self._invoices.adjust(customer, corrected, metric=metric)

    def _rate_beyond(self, customer: BilledSubscription) -> None:
        """Rate what was used in the period to come, and before the first period seen."""
        following = customer.calendar.after(customer.calendar.open)
        first = customer.calendar.known[0].start
        tasks = []
        for metric in self._reading.prices().by_metric:
            pair = ChangedPair(customer.id, metric, month_of(following.start))
            if customer.is_rated_in(following):
                tasks.append(self._uninvoiced.task(pair, customer, metric, following))
            self._failures.attempt(pair, partial(self._adjust_before, customer, metric, first))
        self._uninvoiced.rate(tasks)
        self._end_upcoming(customer, following, tasks)

    def _end_upcoming(self, customer: BilledSubscription, period: Period, tasks: Sequence[Task]) -> None:
        """Bring to nothing what was rated ahead for charges that no longer apply in the period to come."""
        priced = {key for task in tasks for key in task.rating_keys()}
        unpriced = frozenset[str]().union(*(task.unpriced for task in tasks))
        for stored in self._ratings.in_period(customer.id, period.start):
            if stored.key not in priced and stored.key.charge not in unpriced and not stored.frozen:
                pair = ChangedPair(customer.id, stored.document.metric, month_of(period.start))
                self._failures.attempt(pair, partial(self._uninvoiced.end, customer, stored, period=period))

    def _adjust_before(self, customer: BilledSubscription, metric: str, first: datetime) -> None:
        """Adjust the periods before the `first` one known in which a metric was used."""
        for period in self._used_before(customer, metric, first):
            self._invoices.adjust(customer, period, metric=metric)

    def _used_before(self, customer: BilledSubscription, metric: str, first: datetime) -> list[Period]:
        periods: dict[Period, None] = {}
        since = customer.rated_from or _EVER  # what is used before that is not billed here
        for record in self._reading.records.between(customer.id, metric, since, first):
            periods[customer.calendar.period_holding(record.window_start)] = None
        return list(periods)


_NOT_LIVED = "The subscription does not run in this period"
_REPLACED = "The period starts at another instant now, and is rated from there"
_EVER = datetime(1970, 1, 1, tzinfo=UTC)


_YEARS = range(2000, 2200)
"""Years that usage may lie in. A marker of another one is of an earlier release that took it."""


def _bounds(month: str) -> tuple[datetime, datetime] | None:
    first = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
    if first.year not in _YEARS:
        return None
    following = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
    return first, following
