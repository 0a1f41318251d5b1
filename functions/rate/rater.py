"""Rates what changed, pairs by their markers or subscriptions whole: from the records, never by increments.

What is stored of a rating is read before its records are, and written under the version read. So of two
workers at one pair the one that read older records is always the one that is refused, and it starts again.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from botocore.exceptions import BotoCoreError, ClientError

from functions.rate.invoiced import Invoices
from functions.rate.writer import Ratings, Tally, Writer
from fusion_billing.billing.customers import Customer
from fusion_billing.billing.decisions import PeriodState, decide
from fusion_billing.billing.documents import Span, no_longer_charged, rating_document
from fusion_billing.billing.planning import hour_of
from fusion_billing.billing.price_book import PriceBook
from fusion_billing.billing.pricing import Pricing
from fusion_billing.billing.ratings import Candidate, RatingKey, StoredRating, candidate
from fusion_billing.billing.thresholds import reached
from fusion_billing.calendar.calendar import Period
from fusion_billing.errors import Unavailable
from fusion_billing.rating.engine import rate
from fusion_billing.rating.records import Record
from fusion_billing.store import failures
from fusion_billing.store.dirty_pairs import EVERY_METRIC, DirtyPair
from fusion_billing.store.ratings import Outdated

_AT_ONCE = 50
_TRIES = 6
_CHECKED = 2
"""Invoiced periods, the newest ones, that are gone over with a whole subscription."""
_FROZEN = 13
"""Invoiced periods, the newest ones, that are frozen when a subscription's calendar has moved on."""


class Records(Protocol):
    """What is needed of `store.usage_records.UsageRecords`."""

    def between(self, subscription: str, metric: str, start: datetime, end: datetime) -> Iterator[Record]:
        """Yield a pair's records whose windows start in `[start, end)`."""


class Markers(Protocol):
    """What is needed of `store.dirty_pairs.DirtyPairs`."""

    def put(self, pair: DirtyPair, hour: datetime) -> None:
        """Mark a pair in an hour."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What a rater reads: customers by subscription, the catalogue, records, and the markers it puts back."""

    customer: Callable[[str], Customer | None]
    prices: Callable[[], PriceBook]
    records: Records
    markers: Markers
    report: Callable[[DirtyPair, Exception], None]
    """Tells a person of a pair that can't be rated."""


@dataclass(frozen=True, slots=True)
class _Task:
    """A metric of a customer in one period that is not invoiced, and the charges on it."""

    pair: DirtyPair
    customer: Customer
    metric: str
    period: Period
    prices: tuple[Pricing, ...]

    def rating_keys(self) -> list[RatingKey]:
        return [RatingKey(self.customer.id, self.period.start, price.charge.code) for price in self.prices]


class Rater:
    """Rates for one message; what it reads of the catalogue and of subscriptions, it reads once."""

    def __init__(self, sources: Sources, ratings: Ratings, writer: Writer) -> None:
        self._sources = sources
        self._ratings = ratings
        self._writer = writer
        self._invoices = Invoices(sources.records, ratings, writer, self._price_book)
        self._book: PriceBook | None = None
        self._customers: dict[str, Customer | None] = {}
        self._seen: set[DirtyPair] = set()

    @property
    def tally(self) -> Tally:
        """Return what was done so far."""
        return self._writer.tally

    def rate_pairs(self, pairs: Sequence[DirtyPair]) -> None:
        """Rate every pair; one that can't be rated is reported, put back, and costs the others nothing.

        Raises `Unavailable`, or what the database raised, where nothing can be rated for now.
        """
        new = [pair for pair in pairs if pair not in self._seen]
        for first in range(0, len(new), _AT_ONCE):
            self._rate_some(new[first : first + _AT_ONCE])
        self._seen.update(new)

    def rate_subscription(self, subscription: str, *, charge: str | None = None) -> Customer | None:
        """Rate a subscription whole: what its invoiced periods are still due, and its open period.

        All charges that apply are rated, used or not, or `charge` alone; what no longer applies comes to
        nothing. Returns the customer, None where there is no such subscription.
        """
        customer: Customer | None = None
        with self._reported(DirtyPair(subscription, EVERY_METRIC, _month(self._writer.now))):
            customer = self._customer(subscription, anew=True)
            if customer is not None and charge is None:
                self._settle(customer)
            if customer is not None and customer.is_rated_in(customer.calendar.open):
                self._rate_open(customer, charge)
        return customer

    # --- pairs ------------------------------------------------------------------------------------

    def _rate_some(self, pairs: Sequence[DirtyPair]) -> None:
        tasks: list[_Task] = []
        for pair in pairs:
            if pair.metric == EVERY_METRIC:
                self.rate_subscription(pair.subscription)
                continue
            with self._reported(pair):
                tasks += self._tasks(pair)
        stored = self._ratings.get_many([key for task in tasks for key in task.rating_keys()])
        for task in tasks:
            with self._reported(task.pair):
                self._rate(task, stored)

    def _tasks(self, pair: DirtyPair) -> list[_Task]:
        """Settle the invoiced periods of a pair, and return what is to rate of the others."""
        customer = self._customer(pair.subscription)
        if customer is None:
            return []
        tasks = []
        for period in customer.periods_within(*_bounds(pair.month)):
            if period.state == "invoiced":
                self._invoices.settle(customer, period, metric=pair.metric)
            elif customer.is_rated_in(period):
                tasks.append(self._task(pair, customer, pair.metric, period))
        return tasks

    def _task(
        self, pair: DirtyPair, customer: Customer, metric: str, period: Period, *, only: str | None = None
    ) -> _Task:
        prices = self._price_book().applying(metric, customer.who, period.start, period.end)
        priced = tuple(price for price in prices if only is None or price.charge.code == only)
        return _Task(pair, customer, metric, period, priced)

    def _rate(self, task: _Task, stored: Mapping[RatingKey, StoredRating]) -> None:
        """Rate a task, and anew from what is there now for as long as somebody else is faster."""
        for _ in range(_TRIES):
            try:
                self._rate_once(task, stored)
            except Outdated:
                customer = self._customer(task.customer.id, anew=True)
                if customer is None:
                    return
                period = customer.calendar.period_holding(task.period.start)
                if period.state == "invoiced":
                    self._invoices.settle(customer, period, metric=task.metric)
                    return
                task = self._task(task.pair, customer, task.metric, period)
                stored = self._ratings.get_many(task.rating_keys())
            else:
                return
        raise Unavailable("others keep rating the same pair")

    def _rate_once(self, task: _Task, stored: Mapping[RatingKey, StoredRating]) -> None:
        if not task.prices:
            return
        customer, period = task.customer, task.period
        records = list(
            self._sources.records.between(customer.id, task.metric, period.start, customer.rated_end(period))
        )
        self.tally.pairs += 1
        for price, key in zip(task.prices, task.rating_keys(), strict=True):
            rated = _rated(price, customer, period, key, records)
            self._keep(customer, period, rated, stored.get(key), has_usage=bool(records))

    def _keep(
        self,
        customer: Customer,
        period: Period,
        rated: Candidate,
        stored: StoredRating | None,
        *,
        has_usage: bool,
    ) -> None:
        if stored is not None and stored.frozen:
            raise Outdated("the rating was frozen meanwhile")
        state: PeriodState = "open" if period.state == "open" else "upcoming"
        decision = decide(rated, stored, period=state, has_usage=has_usage)
        if decision is not None:
            self._writer.write(customer, rated, decision, stored)

    # --- whole subscriptions ----------------------------------------------------------------------

    def _settle(self, customer: Customer) -> None:
        for index, period in enumerate(customer.invoiced(_FROZEN)):
            pair = DirtyPair(customer.id, EVERY_METRIC, _month(period.start))
            with self._reported(pair):
                fresh = self._invoices.freeze(customer.id, period.start)
                if fresh or index < _CHECKED:
                    self._invoices.settle(customer, period)

    def _rate_open(self, customer: Customer, charge: str | None) -> None:
        period = customer.calendar.open
        stored = {one.key: one for one in self._ratings.in_period(customer.id, period.start)}
        month = _month(period.start)
        charged: set[str] = set()
        for metric in self._price_book().by_metric:
            pair = DirtyPair(customer.id, metric, month)
            with self._reported(pair):
                task = self._task(pair, customer, metric, period, only=charge)
                charged.update(price.charge.code for price in task.prices)
                self._rate(task, stored)
        for one in stored.values():
            pair = DirtyPair(customer.id, one.doc["metric"], month)
            with self._reported(pair):
                if one.key.corrects is not None:
                    corrected = customer.calendar.period_holding(one.key.corrects)
                    if charge is None and corrected not in customer.invoiced(_CHECKED):
                        self._invoices.settle(customer, corrected, metric=one.doc["metric"])
                elif one.key.charge not in charged and charge in {None, one.key.charge}:
                    self._charge_no_longer(customer, period, one)

    def _charge_no_longer(self, customer: Customer, period: Period, stored: StoredRating) -> None:
        rated = candidate(stored.key, no_longer_charged(stored.doc))
        try:
            self._keep(customer, period, rated, stored, has_usage=False)
        except Outdated:
            # Whoever was faster knew the catalogue as it is, or the next sweep does.
            return

    # --- what all of it stands on -------------------------------------------------------------------

    def _price_book(self) -> PriceBook:
        if self._book is None:
            self._book = self._sources.prices()
        return self._book

    def _customer(self, subscription: str, *, anew: bool = False) -> Customer | None:
        if anew or subscription not in self._customers:
            self._customers[subscription] = self._sources.customer(subscription)
        return self._customers[subscription]

    @contextmanager
    def _reported(self, pair: DirtyPair) -> Iterator[None]:
        """Report and put back a pair that can't be rated; what is wrong with the world passes through."""
        try:
            yield
        except Exception as error:
            if isinstance(error, Unavailable | BotoCoreError) or (
                isinstance(error, ClientError) and failures.code_of(error) != "ValidationException"
            ):
                raise
            self.tally.failed += 1
            self._sources.report(pair, error)
            self._sources.markers.put(pair, hour_of(self._writer.now))


def _rated(
    price: Pricing, customer: Customer, period: Period, key: RatingKey, records: Sequence[Record]
) -> Candidate:
    result = rate(price.versions, price.metric, records, period_start=period.start, period_end=period.end)
    doc = rating_document(price, customer.who, Span(period.start, period.end), result.as_dict())
    thresholds = reached(
        price.charge.effective_thresholds,
        units=result.units,
        included=result.included_units,
        amount=result.amount,
    )
    return candidate(key, doc, thresholds)


def _bounds(month: str) -> tuple[datetime, datetime]:
    first = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
    following = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
    return first, following


def _month(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m").zfill(7)
