"""Aggregate and project what a subscription used in a period, from its usage records; nothing is stored."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import localcontext
from typing import NotRequired, TypedDict

from functions.admin.ports import Ratings
from functions.admin.services.invoiced_prices import InvoicedPrices, invoiced_prices
from functions.admin.services.unbilled import UnbilledJson, unbilled
from functions.admin.services.usage_days import DayUsageJson, usage_days
from functions.admin.usage_ports import RatedRecords
from fusion_billing.access.principal import Principal
from fusion_billing.billing.billed_subscription import BilledSubscription
from fusion_billing.billing.decisions import total
from fusion_billing.billing.price_book import PriceBook
from fusion_billing.billing.pricing import CurrencyMismatch, Pricing
from fusion_billing.billing.projection import projected
from fusion_billing.billing_periods.calendar import Period
from fusion_billing.catalog.metric import Metric
from fusion_billing.currencies import with_digits
from fusion_billing.decimals import EXACT, plain
from fusion_billing.errors import Refused
from fusion_billing.instants import rfc3339
from fusion_billing.rating.aggregations import AGGREGATORS
from fusion_billing.rating.aggregations.weighted import cut
from fusion_billing.rating.exact import readable
from fusion_billing.rating.records import Record, in_order
from fusion_billing.rating.result import RatingResult


class SumJson(TypedDict):
    """Units and amount of one or more charges."""

    included_units: str
    overage_units: str
    amount: str
    currency: str


class ProjectionJson(SumJson):
    """What a period comes to if usage goes on as it did."""

    units: str | None


class ChargeUsageJson(SumJson):
    """A charge on a metric."""

    charge: str
    name: str
    units: str
    projection: ProjectionJson


class UnpricedJson(TypedDict):
    """A charge that can't be priced, and the reason."""

    charge: str
    reason: str


class MetricUsageJson(SumJson):
    """A metric's usage in a period."""

    metric: str
    name: str
    unit: str | None
    units: str
    projection: ProjectionJson
    charges: list[ChargeUsageJson]
    days: list[DayUsageJson]
    unpriced: NotRequired[list[UnpricedJson]]
    unbilled: NotRequired[UnbilledJson]


class CurrentUsageJson(TypedDict):
    """A subscription's usage in a period, by metric."""

    subscription: str
    period_start: str
    period_end: str
    state: str
    calculated_at: str
    currency: str
    timezone: str
    metrics: list[MetricUsageJson]


@dataclass(frozen=True, slots=True)
class _Charged:
    price: Pricing
    now: RatingResult
    then: RatingResult


@dataclass(frozen=True, slots=True)
class _View:
    """What all metrics of one response share."""

    subscription: BilledSubscription
    period: Period
    prices: PriceBook
    invoiced: InvoicedPrices
    records: RatedRecords
    now: datetime


def current_usage(
    subscription: BilledSubscription,
    metrics: Mapping[str, Metric],
    prices: PriceBook,
    ratings: Ratings,
    records: RatedRecords,
    *,
    principal: Principal,
    now: datetime,
    at: datetime | None = None,
) -> CurrentUsageJson:
    """Return a period of each metric that is charged or was used, as far as the key may see it.

    It is the open period, or the one that holds the instant `at`. An invoiced period is shown at the prices that it is
    adjusted by.
    """
    period = subscription.calendar.open if at is None else subscription.calendar.period_holding(at)
    view = _View(subscription, period, prices, invoiced_prices(ratings, subscription.id, period), records, now)
    shown = [_metric(view, metric) for code, metric in sorted(metrics.items()) if principal.may_use_metric(code)]
    return {
        "subscription": subscription.id,
        "period_start": rfc3339(period.start),
        "period_end": rfc3339(period.end),
        "state": period.state,
        "calculated_at": rfc3339(now),
        "currency": subscription.priced.currency,
        "timezone": subscription.priced.timezone,
        "metrics": [metric for metric in shown if metric is not None],
    }


def _metric(view: _View, metric: Metric) -> MetricUsageJson | None:
    subscription, period, records = view.subscription, view.period, view.records
    starts, ends = subscription.rated_start(period), subscription.rated_end(period)
    first = metric.records_from(starts)
    used = [
        record
        for record in records.between(subscription.id, metric.code, first, ends)
        if record.window_start >= starts or record.window_end > starts
    ]
    outside = unbilled(subscription, period, metric, records)
    charged, unpriced = _charged(view, metric, used)
    if not used and not charged and not unpriced and outside is None:
        return None
    # As it is rated: a level's weight is its share of the whole period, however little of that is lived.
    counted = list(cut(used, starts, ends)) if metric.aggregation == "time_weighted" else used
    with localcontext(EXACT):
        units = readable(AGGREGATORS[metric.aggregation].aggregate(in_order(counted), period.start, period.end))
    sums = _summed([each.now for each in charged], subscription.priced.currency)
    shown: MetricUsageJson = {
        "metric": metric.code,
        "name": metric.name,
        "unit": metric.unit,
        "units": plain(units),
        "included_units": sums["included_units"],
        "overage_units": sums["overage_units"],
        "amount": sums["amount"],
        "currency": sums["currency"],
        "projection": _projection([each.then for each in charged], subscription.priced.currency),
        "charges": [_charge(each) for each in charged],
        "days": usage_days(used, metric, subscription.priced.timezone, period.start, period.end),
    }
    if unpriced:
        shown["unpriced"] = unpriced
    if outside is not None:
        shown["unbilled"] = outside
    return shown


def _charged(view: _View, metric: Metric, used: Sequence[Record]) -> tuple[list[_Charged], list[UnpricedJson]]:
    """Return each charge on a metric, now and then, and what can't be priced as things are, and why."""
    subscription, now = view.subscription, view.now
    start, end = view.period.start, view.period.end
    priced = subscription.priced_in(view.period)
    charged: list[_Charged] = []
    unpriced: list[UnpricedJson] = []
    for price in _priced(view, metric, unpriced):
        so_far = price.rate(used, priced, start, end)
        then = projected(price, used, priced, start=start, end=end, until=subscription.rated_until, now=now)
        charged.append(_Charged(price, so_far, then))
    return charged, unpriced


def _priced(view: _View, metric: Metric, unpriced: list[UnpricedJson]) -> Iterator[Pricing]:
    """Yield what prices a metric; add to `unpriced` what can't be priced."""
    invoiced = view.invoiced
    yield from (price for _, price in sorted(invoiced.by_charge.items()) if price.metric.code == metric.code)
    priced = view.subscription.priced_in(view.period)
    for code in () if invoiced.is_complete else view.prices.by_metric.get(metric.code, ()):
        if code in invoiced.by_charge:
            continue
        try:
            price = view.prices.pricing(code, priced, view.period.start, view.period.end)
        except (CurrencyMismatch, Refused) as error:
            unpriced.append({"charge": code, "reason": str(error)})
            continue
        if price is not None:
            yield price


def _charge(charged: _Charged) -> ChargeUsageJson:
    currency = charged.now.currency
    return {
        "charge": charged.price.charge.code,
        "name": charged.price.charge.name,
        "units": plain(charged.now.units),
        **_summed([charged.now], currency),
        "projection": _projection([charged.then], currency),
    }


def _summed(rated: Sequence[RatingResult], currency: str) -> SumJson:
    return {
        "included_units": plain(total(rating.included_units for rating in rated)),
        "overage_units": plain(total(rating.overage_units for rating in rated)),
        "amount": with_digits(total(rating.amount for rating in rated), currency),
        "currency": currency,
    }


def _projection(rated: Sequence[RatingResult], currency: str) -> ProjectionJson:
    # Charges on one metric may convert its units; the first one's stand for the metric.
    return {"units": plain(rated[0].units) if rated else None, **_summed(rated, currency)}
