"""Review invoiced periods: freeze them, and adjust what they are still due in the open period."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from zlib import crc32

from functions.rate.adjusting import Adjuster
from functions.rate.closing import REVIEWED, Closer
from functions.rate.period_digests import PeriodDigests
from functions.rate.ports import Ratings
from functions.rate.rating_inputs import RatingInputs
from functions.rate.rating_writer import Writer
from fusion_billing.billing.adjustments import Adjustment
from fusion_billing.billing.billed_subscription import BilledSubscription
from fusion_billing.billing.closed_periods import ClosedPeriod
from fusion_billing.billing.pricing import pricing_of
from fusion_billing.billing.rating import StoredRating
from fusion_billing.billing_periods.calendar import Period
from fusion_billing.dynamodb.markers.changed_pairs import EVERY_METRIC, ChangedPair, month_of

_WITH_RATINGS = 1
"""How many of the newest invoiced periods a sweep reviews each day, with their ratings: Odoo's results may still
arrive. Of the older ones it reviews one a day, each in its turn."""


@dataclass(frozen=True, slots=True)
class _Closed:
    """An invoiced period with its frozen ratings, including those under a start that was corrected since."""

    subscription: BilledSubscription
    period: Period
    ratings: Sequence[StoredRating]
    closed_period: ClosedPeriod | None

    @property
    def rated(self) -> list[StoredRating]:
        """Return the period's own ratings."""
        return [rating for rating in self._own if rating.key.period_start == self.period.start]

    @property
    def replaced(self) -> list[StoredRating]:
        """Return the billed ratings under a start that was corrected since."""
        replaced = [rating for rating in self._own if rating.key.period_start != self.period.start]
        return [rating for rating in replaced if rating.billed or rating.unresolved]

    @property
    def _own(self) -> list[StoredRating]:
        return [rating for rating in self.ratings if rating.key.corrects is None]


@dataclass(frozen=True, slots=True)
class _Known:
    """What a review has read of a period: the closed period, and the digest of its inputs (None: thorough)."""

    closed_period: ClosedPeriod | None
    digest: str | None
    reads_ratings: bool


class InvoicedPeriods:
    """Adjusts invoiced periods for one message."""

    def __init__(self, inputs: RatingInputs, ratings: Ratings, writer: Writer) -> None:
        self._inputs = inputs
        self._ratings = ratings
        self._closer = Closer(inputs, ratings)
        self._adjuster = Adjuster(inputs, ratings, writer, self._closer)
        self._digests = PeriodDigests(inputs)
        self._reviewed: tuple[str, Sequence[Period]] = "", ()

    def review(self, subscription: BilledSubscription, *, thorough: bool) -> Mapping[datetime, ClosedPeriod]:
        """Adjust what the newest invoiced periods are still due: late usage, and charges never rated there.

        Unless `thorough`, only periods whose turn it is are reviewed, and of them a period in which nothing changed
        since its last review is skipped. Returns the newest invoiced periods as they were closed, by start.
        """
        closed_periods = self._closer.of(subscription)
        periods = subscription.invoiced(REVIEWED)
        if not thorough:
            periods = _in_turn(subscription, periods, closed_periods, self._inputs.now)
        self._reviewed = subscription.id, periods
        digests = {} if thorough else self._digests.of(subscription, periods)
        for index, period in enumerate(periods):
            known = _Known(
                closed_periods.get(period.start), digests.get(period.start), reads_ratings=index < _WITH_RATINGS
            )
            pair = ChangedPair(subscription.id, EVERY_METRIC, month_of(period.start))
            self._inputs.failures.attempt(pair, partial(self._review, subscription, period, known))
        return closed_periods

    def has_reviewed(self, subscription: str, period: Period) -> bool:
        """Return whether the review of this subscription just now covered a period."""
        return self._reviewed[0] == subscription and period in self._reviewed[1]

    def _review(self, subscription: BilledSubscription, period: Period, known: _Known) -> None:
        digest = known.digest
        if digest is not None and known.reads_ratings:
            digest = self._digests.with_ratings(digest, self._ratings, subscription, period)
        if digest is not None and known.closed_period is not None and known.closed_period.digest == digest:
            return
        if self.adjust(subscription, period) and digest is not None:
            self._closer.note(subscription, period, digest)

    def adjust(self, subscription: BilledSubscription, period: Period, *, metric: str | None = None) -> bool:
        """Freeze an invoiced period, and adjust in the open one what its usage amounts to now.

        All charges that applied in it are adjusted, or only those on a `metric`. Without a metric, this includes
        what the adjustments invoiced with it correct, if that is older than a review covers. A charge that
        fails is reported. Returns whether everything is up to date.
        """
        # A period before the first one known was not billed here. Ratings under its start are from a start date
        # that was corrected; they are rated again if the subscription starts then after all.
        is_known = period in subscription.calendar.known
        starts = subscription.starts_of(period) if is_known else ()
        ratings = [rating for start in starts for rating in self._closer.freeze(subscription.id, start)]
        own = [rating for rating in ratings if rating.key.period_start == period.start]
        closed = _Closed(subscription, period, ratings, self._closer.close(subscription, period, own))
        adjustments = list(self._adjustments(closed, metric))
        complete = self._adjuster.adjust(subscription, adjustments)
        return complete and not (closed.closed_period is not None and closed.closed_period.unpriced)

    def _adjustments(self, closed: _Closed, metric: str | None) -> Iterator[Adjustment]:
        """Yield what to adjust: each charge with its price then, and the period that it adjusts."""
        on_metric = [rating for rating in closed.rated if metric in {None, rating.document.metric}]
        for rating in on_metric:
            yield self._of(closed, rating)
        if closed.closed_period is not None:
            yield from self._never_rated(closed, closed.closed_period, metric)
            yield from self._replaced(closed, closed.closed_period, metric)
        elif metric is not None and not on_metric:
            now = list(self._by_present_prices(closed, metric))
            yield from now
            yield from self._adjusted(closed, metric, frozenset(each.price.charge.code for each in now))
        if metric is None:
            yield from self._carried(closed)

    def _of(self, closed: _Closed, rating: StoredRating) -> Adjustment:
        """Return the adjustment of a rated charge, priced as stored with its period if it was never billed."""
        price = None if closed.closed_period is None else closed.closed_period.prices.get(rating.key.charge)
        if price is not None:
            return Adjustment(closed.period, pricing_of(price))
        if closed.closed_period is not None and rating.key.charge in closed.closed_period.ended:
            return replace(self._adjuster.of(rating, closed.period), is_charged=False)
        return self._adjuster.of(rating, closed.period)

    def _never_rated(self, closed: _Closed, closed_period: ClosedPeriod, metric: str | None) -> Iterator[Adjustment]:
        rated = {rating.key.charge for rating in closed.rated}
        for code, stored_price in closed_period.prices.items():
            price = pricing_of(stored_price)
            if code not in rated and metric in {None, price.metric.code}:
                yield Adjustment(closed.period, price, is_due_without_usage=closed_period.fees)
        for code in self._inputs.prices().by_metric if metric is None else [metric]:
            if closed_period.unpriced:
                for adjustment in self._by_present_prices(closed, code):
                    if adjustment.price.charge.code in closed_period.unpriced - rated:
                        yield adjustment

    def _replaced(self, closed: _Closed, closed_period: ClosedPeriod, metric: str | None) -> Iterator[Adjustment]:
        """Yield what is billed under a corrected start, of charges that no longer apply."""
        beside = {rating.key.charge for rating in closed.rated} | {*closed_period.prices} | closed_period.unpriced
        for rating in closed.replaced:
            if rating.key.charge not in beside and metric in {None, rating.document.metric}:
                beside.add(rating.key.charge)
                yield replace(self._adjuster.of(rating, closed.period), is_charged=False)

    def _by_present_prices(self, closed: _Closed, metric: str) -> Iterator[Adjustment]:
        pair = ChangedPair(closed.subscription.id, metric, month_of(closed.period.start))
        prices, _ = self._inputs.priced(pair, closed.subscription, metric, closed.period)
        for price in prices:
            yield Adjustment(closed.period, price)

    def _adjusted(self, closed: _Closed, metric: str, beside: frozenset[str]) -> Iterator[Adjustment]:
        """Yield what the open period adjusts of this one already, except by the charges `beside` that apply now.

        The subscription may start later now, or the charge may be gone: the adjustment follows the usage still.
        """
        subscription = closed.subscription
        for rating in self._ratings.in_period(subscription.id, subscription.calendar.open.start):
            is_of_it = rating.key.corrects == closed.period.start and rating.document.metric == metric
            if is_of_it and rating.key.charge not in beside:
                yield self._adjuster.of(rating, closed.period)

    def _carried(self, closed: _Closed) -> Iterator[Adjustment]:
        """Yield what was adjusted in this period and is older than the periods that a review covers."""
        calendar, reviewed = closed.subscription.calendar, closed.subscription.invoiced(REVIEWED)
        for rating in closed.ratings:
            if rating.key.corrects is not None:
                corrected = calendar.period_holding(rating.key.corrects)
                if corrected not in reviewed:
                    yield self._adjuster.of(rating, corrected)


def _in_turn(
    subscription: BilledSubscription,
    periods: Sequence[Period],
    closed_periods: Mapping[datetime, ClosedPeriod],
    now: datetime,
) -> list[Period]:
    """Return the periods, newest first, that a sweep reviews today: the newest, one older one, and any unfinished.

    A period is unfinished until a review has found that nothing remains to be adjusted. Subscriptions take their
    turns on different days.
    """
    older = max(len(periods) - _WITH_RATINGS, 1)
    turn = _WITH_RATINGS + (now.toordinal() + crc32(subscription.id.encode())) % older
    due = []
    for index, period in enumerate(periods):
        closed = closed_periods.get(period.start)
        if index < _WITH_RATINGS or index == turn or closed is None or closed.digest is None:
            due.append(period)
    return due
