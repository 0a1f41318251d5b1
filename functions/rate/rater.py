"""Rate changed pairs and whole subscriptions: from their usage records, never by increments."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache, partial

from functions.rate.closing import REVIEWED
from functions.rate.failures import Failed
from functions.rate.hourly_pairs import NearingPairs
from functions.rate.invoiced_periods import InvoicedPeriods
from functions.rate.open_periods import OpenPeriods, Task
from functions.rate.ports import Ratings, Statements
from functions.rate.rating_inputs import RatingInputs, Sources
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
    """Rates for one message; it reads the catalog and each subscription once."""

    def __init__(
        self, sources: Sources, ratings: Ratings, writer: Writer, statements: Statements | None = None
    ) -> None:
        self._inputs = RatingInputs(sources, writer.statistics, writer.now)
        self._failures = self._inputs.failures
        self._ratings = ratings
        self._invoiced_periods = InvoicedPeriods(self._inputs, ratings, writer)
        self._open_periods = OpenPeriods(self._inputs, ratings, writer, self._invoiced_periods)
        self._statements: StatementMaker | None = None
        if statements is not None:
            self._statements = StatementMaker(self._inputs, ratings, statements, writer.outbox)
        self._seen: set[tuple[str, str, datetime]] = set()

    @property
    def statistics(self) -> RunStatistics:
        """Return the statistics so far."""
        return self._inputs.statistics

    def attempt(self, subscription: BilledSubscription, work: Callable[[], None]) -> None:
        """Do `work` about a subscription; if it fails, report that and go on with the next subscription."""
        self._failures.attempt(self._whole(subscription.id), work)

    def _whole(self, subscription: str) -> ChangedPair:
        return ChangedPair(subscription, EVERY_METRIC, month_of(self._inputs.now))

    def because_of(self, cause: Cause) -> None:
        """Set the cause that ratings name in their history; the default is `usage`."""
        self._inputs.cause = cause

    def note_nearing(self, nearing: NearingPairs) -> None:
        """Note in `nearing` which of the pairs rated from now on near a step of their charge."""
        self._inputs.nearing = nearing

    def rate_pairs(self, pairs: Sequence[ChangedPair]) -> None:
        """Rate every pair; a pair that fails is reported and marked again, and the others are rated.

        Raises the database's error if it concerns every pair.
        """
        self._failures.isolates_throttling = True
        for first in range(0, len(pairs), _AT_ONCE):
            self._inputs.forget_subscriptions()
            tasks: list[Task] = []
            for pair in pairs[first : first + _AT_ONCE]:
                if pair.metric == EVERY_METRIC:
                    self.rate_subscription(pair.subscription)
                    continue
                result = self._failures.attempt(pair, partial(self._tasks, pair))
                if not isinstance(result, Failed):
                    tasks += result
            if tasks:
                self._open_periods.rate(tasks)

    def _tasks(self, pair: ChangedPair) -> list[Task]:
        """Adjust the invoiced periods of a pair, and return the tasks of the others."""
        subscription = self._inputs.subscription(pair.subscription)
        if subscription is None:
            return []
        tasks = []
        for period in self._periods(subscription, pair):
            # A pair may be marked in several hours, or in two months of one period: it is rated once.
            once = (pair.subscription, pair.metric, period.start)
            if once in self._seen:
                continue
            self._seen.add(once)
            if period.state == "invoiced":
                self._failures.attempt(
                    pair, partial(self._invoiced_periods.adjust, subscription, period, metric=pair.metric)
                )
            elif subscription.is_rated_in(period):
                tasks.append(self._open_periods.task(pair, subscription, pair.metric, period))
        return tasks

    def _periods(self, subscription: BilledSubscription, pair: ChangedPair) -> list[Period]:
        """Return the periods that usage of a pair's month counts in; a level counts in every period it overlaps."""
        month = _bounds(pair.month)
        if month is None:
            return []
        first, end = month
        metric = self._inputs.prices().metric(pair.metric)
        is_level = metric is not None and metric.aggregation == LEVEL
        return subscription.periods_within(first, end + MAX_LEVEL_WINDOW if is_level else end)

    def rate_subscription(
        self, subscription_id: str, *, charge: str | None = None, thorough: bool = False
    ) -> BilledSubscription | None:
        """Rate a whole subscription: what its invoiced periods are still due, and its open period.

        Charges that no longer apply are rated at zero.

        Args:
            subscription_id: The subscription's id.
            charge: Rates this charge only.
            thorough: Reviews every period that has any usage.

        Returns:
            The subscription, or None if it does not exist or could not be read.
        """
        self._failures.isolates_throttling = not thorough
        pair = self._whole(subscription_id)
        subscription = self._failures.attempt(pair, partial(self._inputs.subscription, subscription_id, refresh=True))
        if subscription is None or isinstance(subscription, Failed):
            return None
        self._failures.attempt(pair, partial(self._rate_whole, subscription, charge, thorough=thorough))
        return subscription

    def _rate_whole(self, subscription: BilledSubscription, charge: str | None, *, thorough: bool) -> None:
        if charge is None:
            self._make_statements(subscription, self._invoiced_periods.review(subscription, thorough=thorough))
            self._end_replaced(subscription)
        self._rate_open(subscription, charge)
        if thorough:
            self._rate_beyond(subscription)

    def _make_statements(
        self, subscription: BilledSubscription, closed_periods: Mapping[datetime, ClosedPeriod]
    ) -> None:
        if self._statements is not None:
            make = partial(self._statements.make, subscription, closed_periods, subscription.invoiced(REVIEWED))
            self._failures.attempt(self._whole(subscription.id), make)

    def _rate_open(self, subscription: BilledSubscription, charge: str | None) -> None:
        period = subscription.calendar.open
        stored = {rating.key: rating for rating in self._ratings.in_period(subscription.id, period.start)}
        month = month_of(period.start)
        tasks = [
            self._open_periods.task(
                ChangedPair(subscription.id, metric, month), subscription, metric, period, only=charge
            )
            for metric in (self._inputs.prices().by_metric if subscription.is_rated_in(period) else ())
        ]
        tasks += self._of_deleted_charges(subscription, stored.values(), charge)
        self._open_periods.rate(tasks, stored)
        priced = {key for task in tasks for key in task.rating_keys()}
        unpriced = frozenset[str]().union(*(task.unpriced for task in tasks))
        for key, rating in stored.items():
            metric = rating.document.metric
            pair = ChangedPair(subscription.id, metric, month)
            if key.corrects is not None:
                if charge is None:
                    self._failures.attempt(pair, partial(self._adjust_older, subscription, key.corrects, metric))
            elif key not in priced and key.charge not in unpriced and charge in {None, key.charge}:
                reason = None if subscription.is_rated_in(period) else _NOT_LIVED
                self._failures.attempt(pair, partial(self._open_periods.end, subscription, rating, reason))

    def _of_deleted_charges(
        self, subscription: BilledSubscription, stored: Collection[StoredRating], charge: str | None
    ) -> list[Task]:
        """Return tasks for what an ended subscription is still due by deleted charges, at their stored prices.

        A charge that only ended subscriptions use may be deleted. What remains due takes a final invoice.
        """
        period = subscription.calendar.open
        if not subscription.has_ended(self._inputs.now) or not subscription.is_rated_in(period):
            return []
        tasks = []
        for rating in stored:
            key = rating.key
            is_deleted = self._inputs.prices().newest(key.charge) is None
            is_requested = key.corrects is None and charge in {None, key.charge}
            if is_deleted and is_requested and rating.document.is_up_to_date:
                price = pricing_of(self._ratings.whole(rating).price)
                metric = rating.document.metric
                pair = ChangedPair(subscription.id, metric, month_of(period.start))
                tasks.append(Task(pair, subscription, metric, period, (price,)))
        return tasks

    def _end_replaced(self, subscription: BilledSubscription) -> None:
        """Bring ratings under a corrected start to zero: they are rated under the new start."""
        for start in subscription.replaced_starts:
            for stored in self._ratings.in_period(subscription.id, start):
                if not stored.frozen:
                    pair = ChangedPair(subscription.id, stored.document.metric, month_of(start))
                    self._failures.attempt(pair, partial(self._open_periods.end, subscription, stored, _REPLACED))

    def _adjust_older(self, subscription: BilledSubscription, start: datetime, metric: str) -> None:
        """Adjust the period that an adjustment in the open period corrects, unless the review covered it."""
        corrected = subscription.calendar.period_holding(start)
        if not self._invoiced_periods.has_reviewed(subscription.id, corrected):
            self._invoiced_periods.adjust(subscription, corrected, metric=metric)

    def _rate_beyond(self, subscription: BilledSubscription) -> None:
        """Rate the usage of the upcoming period, and of the time before the first period known."""
        following = subscription.calendar.after(subscription.calendar.open)
        first = subscription.calendar.known[0].start
        tasks = []
        for metric in self._inputs.prices().by_metric:
            pair = ChangedPair(subscription.id, metric, month_of(following.start))
            if subscription.is_rated_in(following):
                tasks.append(self._open_periods.task(pair, subscription, metric, following))
            self._failures.attempt(pair, partial(self._adjust_before, subscription, metric, first))
        self._open_periods.rate(tasks)
        self._end_upcoming(subscription, following, tasks)

    def _end_upcoming(self, subscription: BilledSubscription, period: Period, tasks: Sequence[Task]) -> None:
        """Bring ratings of the upcoming period to zero if their charges no longer apply in it."""
        priced = {key for task in tasks for key in task.rating_keys()}
        unpriced = frozenset[str]().union(*(task.unpriced for task in tasks))
        for stored in self._ratings.in_period(subscription.id, period.start):
            if stored.key not in priced and stored.key.charge not in unpriced and not stored.frozen:
                pair = ChangedPair(subscription.id, stored.document.metric, month_of(period.start))
                self._failures.attempt(pair, partial(self._open_periods.end, subscription, stored, period=period))

    def _adjust_before(self, subscription: BilledSubscription, metric: str, first: datetime) -> None:
        """Adjust the periods before the `first` one known in which a metric was used."""
        for period in self._used_before(subscription, metric, first):
            self._invoiced_periods.adjust(subscription, period, metric=metric)

    def _used_before(self, subscription: BilledSubscription, metric: str, first: datetime) -> list[Period]:
        periods: dict[Period, None] = {}
        since = subscription.rated_from or _EVER  # earlier usage is not billed here
        for record in self._inputs.records.between(subscription.id, metric, since, first):
            periods[subscription.calendar.period_holding(record.window_start)] = None
        return list(periods)


_NOT_LIVED = "The subscription does not run in this period"
_REPLACED = "The period starts at another instant now, and is rated from there"
_EVER = datetime(1970, 1, 1, tzinfo=UTC)


_YEARS = range(2000, 2200)
"""Years that usage may be in. Only an earlier release accepted usage of other years."""


@lru_cache(maxsize=64)  # all pairs of an hour are marked in the same month or two
def _bounds(month: str) -> tuple[datetime, datetime] | None:
    first = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
    if first.year not in _YEARS:
        return None
    following = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
    return first, following
