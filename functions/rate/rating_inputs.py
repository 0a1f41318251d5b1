"""Read subscriptions, prices and usage for one message; the catalog and each subscription once."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from functions.rate.failures import Failed, PairFailures
from functions.rate.hourly_pairs import NearingPairs
from functions.rate.ports import ChangeMarkers, UsageRecords
from functions.rate.rating_writer import RunStatistics
from fusion_billing.billing.billed_subscription import BilledSubscription
from fusion_billing.billing.nearing import is_nearing
from fusion_billing.billing.price_book import PriceBook
from fusion_billing.billing.pricing import Pricing
from fusion_billing.billing.rating import Cause
from fusion_billing.billing_periods.calendar import Period
from fusion_billing.catalog.metric import Metric
from fusion_billing.dynamodb.markers.changed_pairs import ChangedPair
from fusion_billing.rating.records import Record
from fusion_billing.rating.result import RatingResult


@dataclass(frozen=True, slots=True)
class Sources:
    """Where rating reads from.

    Attributes:
        subscription: Returns a subscription as rating sees it.
        prices: Returns the metrics and charges.
        records: The usage records.
        markers: The change markers.
        report: Reports a pair that failed.
        created_at: Returns when a charge was created; None if unknown.
        request_invoices: Requests that the relay reads what Odoo invoiced of a period.
    """

    subscription: Callable[[str], BilledSubscription | None]
    prices: Callable[[], PriceBook]
    records: UsageRecords
    markers: ChangeMarkers
    report: Callable[[ChangedPair, Exception], None]
    created_at: Callable[[str], datetime | None] = lambda _: None
    request_invoices: Callable[[str, datetime], None] = lambda _, __: None


class RatingInputs:
    """The sources as one message sees them, at the moment `now`."""

    def __init__(self, sources: Sources, statistics: RunStatistics, now: datetime) -> None:
        self.records = sources.records
        self.statistics = statistics
        self.now = now
        self._sources = sources
        self._book: PriceBook | None = None
        self._subscriptions: dict[str, BilledSubscription | None] = {}
        self._created_at: dict[str, datetime | None] = {}
        self.cause: Cause = "usage"
        """Why the message rates: the history of a rating names it."""
        self.nearing: NearingPairs | None = None
        """Where to note pairs that near a step of their charge, if the rating cadence is longer than an hour."""
        self.failures = PairFailures(statistics, sources.markers, sources.report, now)

    def prices(self) -> PriceBook:
        """Return the metrics and charges."""
        if self._book is None:
            self._book = self._sources.prices()
        return self._book

    def subscription(self, subscription_id: str, *, refresh: bool = False) -> BilledSubscription | None:
        """Return a subscription; `refresh` reads it again."""
        if refresh or subscription_id not in self._subscriptions:
            self._subscriptions[subscription_id] = self._sources.subscription(subscription_id)
        return self._subscriptions[subscription_id]

    def priced(
        self,
        pair: ChangedPair,
        subscription: BilledSubscription,
        metric: str,
        period: Period,
        *,
        only: str | None = None,
    ) -> tuple[list[Pricing], frozenset[str]]:
        """Return the prices of a metric's charges in a period, and the charges that can't be priced.

        Charges that can't be priced are reported, and `pair` is marked again. `only` limits it to one charge.
        """
        book = self.prices()
        priced: list[Pricing] = []
        unpriced = set()
        for charge in book.by_metric.get(metric, ()):
            if only is not None and charge != only:
                continue
            price = self.failures.attempt(
                pair, partial(book.pricing, charge, subscription.priced, period.start, period.end)
            )
            if isinstance(price, Failed):
                unpriced.add(charge)
            elif price is not None:
                priced.append(price)
        return priced, frozenset(unpriced)

    def used(self, subscription: str, metric: str, start: datetime, end: datetime) -> Iterator[Record]:
        """Yield a pair's records that count in `[start, end)`, by the metric's present definition."""
        defined = self.prices().metric(metric)
        if defined is not None:
            yield from self.used_by(subscription, defined, start, end)

    def used_by(self, subscription: str, metric: Metric, start: datetime, end: datetime) -> Iterator[Record]:
        """Yield a pair's records that count in `[start, end)`.

        A record counts by its window's start; the record of a level counts by any part of its window.
        """
        for record in self.records.between(subscription, metric.code, metric.records_from(start), end):
            if record.window_start >= start or record.window_end > start:
                yield record

    def note_steps(self, subscription: str, price: Pricing, result: RatingResult, period: Period) -> None:
        """Note whether a rating nears a step of its charge, if that matters."""
        if self.nearing is None:
            return
        elapsed = self.now - period.start
        near = is_nearing(price.charge, price.metric, result, elapsed=elapsed, ahead=self.nearing.ahead)
        self.nearing.note(subscription, price.metric.code, period.end if near else None)

    def created_at(self, charge: str) -> datetime | None:
        """Return when a charge was created; None if unknown."""
        if charge not in self._created_at:
            self._created_at[charge] = self._sources.created_at(charge)
        return self._created_at[charge]

    def request_invoices(self, subscription: str, start: datetime) -> None:
        """Request that the relay reads what Odoo invoiced of a period; raises `Unavailable`."""
        self._sources.request_invoices(subscription, start)

    def forget_subscriptions(self) -> None:
        """Read every subscription again when it is next needed: a long message must not use old periods."""
        self._subscriptions.clear()
