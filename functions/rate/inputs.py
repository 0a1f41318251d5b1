"""What rating reads for one message: customers and the catalogue, each once; and what it can't rate."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from functions.rate.failures import Failed, PairFailures
from functions.rate.ports import ChangeMarkers, UsageRecords
from functions.rate.rating_writer import RunStatistics
from fusion_billing.billing.billed_subscription import BilledSubscription
from fusion_billing.billing.price_book import PriceBook
from fusion_billing.billing.pricing import Pricing
from fusion_billing.billing.rating import Cause
from fusion_billing.billing_periods.calendar import Period
from fusion_billing.catalog.metric import Metric
from fusion_billing.dynamodb.markers.changed_pairs import ChangedPair
from fusion_billing.rating.records import Record


@dataclass(frozen=True, slots=True)
class Sources:
    """Where it is read from; `report` tells a person of a pair that can't be rated.

    `created_at` tells when a charge was first defined (None: that is not known), `request_invoices` has the
    relay read what Odoo invoiced of a period.
    """

    customer: Callable[[str], BilledSubscription | None]
    prices: Callable[[], PriceBook]
    records: UsageRecords
    markers: ChangeMarkers
    report: Callable[[ChangedPair, Exception], None]
    created_at: Callable[[str], datetime | None] = lambda _: None
    request_invoices: Callable[[str, datetime], None] = lambda _, __: None


class Reading:
    """The sources as one message sees them, at one moment `now`."""

    def __init__(self, sources: Sources, statistics: RunStatistics, now: datetime) -> None:
        self.records = sources.records
        self.statistics = statistics
        self.now = now
        self._sources = sources
        self._book: PriceBook | None = None
        self._customers: dict[str, BilledSubscription | None] = {}
        self._created_at: dict[str, datetime | None] = {}
        self.cause: Cause = "usage"
        """What the message is for: ratings name it in their history."""
        self.failures = PairFailures(statistics, sources.markers, sources.report, now)

    def prices(self) -> PriceBook:
        """Return the catalogue."""
        if self._book is None:
            self._book = self._sources.prices()
        return self._book

    def customer(self, subscription: str, *, anew: bool = False) -> BilledSubscription | None:
        """Return a customer, as it is now if `anew`."""
        if anew or subscription not in self._customers:
            self._customers[subscription] = self._sources.customer(subscription)
        return self._customers[subscription]

    def priced(
        self,
        pair: ChangedPair,
        customer: BilledSubscription,
        metric: str,
        period: Period,
        *,
        only: str | None = None,
    ) -> tuple[list[Pricing], frozenset[str]]:
        """Return what prices a metric in a period, charge by charge, and the charges that can't be priced.

        The latter are reported, and `pair` put back for them. `only` one charge is looked at, if given.
        """
        book = self.prices()
        priced: list[Pricing] = []
        unpriced = set()
        for charge in book.by_metric.get(metric, ()):
            if only is not None and charge != only:
                continue
            price = self.failures.attempt(pair, partial(book.pricing, charge, customer.who, period.start, period.end))
            if isinstance(price, Failed):
                unpriced.add(charge)
            elif price is not None:
                priced.append(price)
        return priced, frozenset(unpriced)

    def used(self, subscription: str, metric: str, start: datetime, end: datetime) -> Iterator[Record]:
        """Yield a pair's records that count in `[start, end)`, by the metric as it is defined now."""
        defined = self.prices().metric(metric)
        if defined is not None:
            yield from self.used_by(subscription, defined, start, end)

    def used_by(self, subscription: str, metric: Metric, start: datetime, end: datetime) -> Iterator[Record]:
        """Yield a pair's records that count in `[start, end)`.

        By their start, or, of a level over time, by any part of their window.
        """
        for record in self.records.between(subscription, metric.code, metric.records_from(start), end):
            if record.window_start >= start or record.window_end > start:
                yield record

    def created_at(self, charge: str) -> datetime | None:
        """Return when a charge was first defined; None where that is not known."""
        if charge not in self._created_at:
            self._created_at[charge] = self._sources.created_at(charge)
        return self._created_at[charge]

    def request_invoices(self, subscription: str, start: datetime) -> None:
        """Have the relay read what Odoo invoiced of a period; raises `Unavailable`."""
        self._sources.request_invoices(subscription, start)

    def forget_customers(self) -> None:
        """Read every customer again when it is next asked for: a long message must not go by old periods."""
        self._customers.clear()
