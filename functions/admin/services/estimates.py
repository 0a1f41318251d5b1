"""Estimate the amount of units, of records, or of a period's stored usage; nothing is stored."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from functions.admin.ports import CatalogReading, Ratings, Subscriptions
from functions.admin.services import charges as charge_service
from functions.admin.services.invoiced_prices import invoiced_prices
from functions.admin.services.subscription_reading import visible
from functions.admin.usage_ports import RatedRecords
from fusion_billing.access.principal import Principal
from fusion_billing.billing.billed_subscription import BilledSubscription, billed_subscription
from fusion_billing.billing.pricing import Pricing
from fusion_billing.billing.spans import price_spans
from fusion_billing.billing_periods.calendar import Period
from fusion_billing.catalog.charge import Charge
from fusion_billing.catalog.levels import LEVEL
from fusion_billing.catalog.metric import Metric
from fusion_billing.catalog.stored_subscription import StoredSubscription
from fusion_billing.catalog.validation import AnyDefinition, parse
from fusion_billing.errors import Fault, Forbidden, NotFound, Refused
from fusion_billing.instants import parse_instant, rfc3339
from fusion_billing.rating import estimate
from fusion_billing.rating.estimate_input import parsed_records
from fusion_billing.rating.price_spans import PriceSpan
from fusion_billing.rating.records import Record

_FIELDS = frozenset(
    {
        "charge",
        "charge_code",
        "metric",
        "units",
        "records",
        "previous_units",
        "subscription",
        "period_start",
    }
)
_GIVEN = ("units", "records", "previous_units")
_STORED = ("subscription", "period_start")
_NOT_OF_A_PERIOD = ("units", "previous_units")

_CHARGE_DEFAULTS = {"code": "estimate", "name": "Estimate", "applies_to": {"all": True}, "odoo_product_id": 1}


@dataclass(frozen=True, slots=True)
class Stores:
    """The stores that an estimate reads."""

    catalog: CatalogReading
    subscriptions: Subscriptions
    usage: RatedRecords
    ratings: Ratings


def of(stores: Stores, principal: Principal, body: Mapping[str, object], now: datetime) -> dict[str, object]:
    """Return the estimate that `body` asks for.

    `charge_code` stands for the charge in force now; for a period of a subscription, for all its versions with the
    subscription's overrides, or for the price that its rating stored if the period is invoiced: as the period itself
    is rated. `records` are priced there instead of the stored ones. Raises `Refused` with every fault, `NotFound`
    for a subscription or a charge that does not exist, and `Forbidden` for the stored usage of a metric that
    is not the source's.
    """
    _check_fields(body)
    if body.get("subscription") is not None:
        return _of_period(stores, principal, body)
    charge, metric = body.get("charge"), body.get("metric")
    if body.get("charge_code") is not None:
        versions = _versions(stores.catalog, body["charge_code"])
        version = charge_service.in_force(versions, now)
        charge = version.as_json()
        metric = metric if metric is not None else _metric(stores.catalog, version.metric).as_json()
    given: dict[str, Any] = {name: body[name] for name in _GIVEN if body.get(name) is not None}
    return estimate(charge, metric=metric, **given)  # type: ignore[arg-type]  # refused where it is no object


def _of_period(stores: Stores, principal: Principal, body: Mapping[str, object]) -> dict[str, Any]:
    at = parse_instant(body["period_start"], "period_start")
    name = body["subscription"]
    if not isinstance(name, str):
        raise Refused([Fault("subscription", "not_a_string", "must be a string")])
    stored = visible(stores.subscriptions, principal, name)
    subscription = billed_subscription(stored)
    _check_metric(principal, body)
    versions, metric = _priced(stores.catalog, body)
    period = _period(stored, at)
    price = _stored_price(stores.ratings, stored.id, period, body) or Pricing(
        _spans(versions, subscription, period, body), metric
    )
    if body.get("metric") is not None:
        price = replace(price, metric=metric)
    # A rating has the metric that it was rated on, which may be another than the charge's is now.
    metric = price.metric
    if not principal.may_use_metric(metric.code):
        raise Forbidden(f"The source of this key may not use the metric {metric.code}", code="metric_not_allowed")
    begin, end = metric.records_from(period.start), max(period.start, subscription.rated_end(period))
    records: Iterable[Record] = stores.usage.between(stored.id, metric.code, begin, end)
    if body.get("records") is not None:
        records = [
            record for record in _given_records(body["records"], period, metric) if begin <= record.window_start < end
        ]
    rated = price.rate(records, subscription.priced_in(period), period.start, period.end)
    return rated.as_estimate() | {
        "subscription": stored.id,
        "period_start": rfc3339(period.start),
        "period_end": rfc3339(period.end),
    }


def _stored_price(ratings: Ratings, subscription: str, period: Period, body: Mapping[str, object]) -> Pricing | None:
    """Return what prices a charge in an invoiced period; None if nothing is stored of it."""
    code = body.get("charge_code")
    if not isinstance(code, str):
        return None
    return invoiced_prices(ratings, subscription, period).by_charge.get(code)


def _spans(
    versions: Sequence[Charge], subscription: BilledSubscription, period: Period, body: Mapping[str, object]
) -> tuple[PriceSpan, ...]:
    if body.get("charge_code") is None:
        return (PriceSpan(period.start, period.end, versions[0]),)
    spans = price_spans(versions, subscription.priced, period.start, period.end, for_everybody=True)
    # The charge names the currency where none of its versions is valid yet.
    return (*spans, PriceSpan(period.end, period.end, versions[0]))


def _given_records(value: object, period: Period, metric: Metric) -> list[Record]:
    """Return the records of the request; one without a window holds throughout the period. Raises `Refused`."""
    faults: list[Fault] = []
    spans = parsed_records(value, faults, windows=metric.aggregation == LEVEL)
    if faults:
        raise Refused(faults)
    return [
        Record(
            span.key, span.start or period.start, span.end or period.end, span.quantity, span.member, span.properties
        )
        for span in spans
    ]


def _check_metric(principal: Principal, body: Mapping[str, object]) -> None:
    """Raise `Forbidden` for a charge in the body on a metric that is not the source's, whether it exists or not."""
    charge = body.get("charge")
    code = charge.get("metric") if isinstance(charge, dict) else None
    if isinstance(code, str) and not principal.may_use_metric(code):
        raise Forbidden("The source of this key may not use the metric of the charge", code="metric_not_allowed")


def _period(stored: StoredSubscription, at: datetime) -> Period:
    try:
        return stored.calendar.period_holding(at)
    except Refused as refused:
        raise Refused([Fault("period_start", fault.code, fault.message) for fault in refused.faults]) from None


def _priced(catalog: CatalogReading, body: Mapping[str, object]) -> tuple[Sequence[Charge], Metric]:
    faults: list[Fault] = []
    versions: Sequence[Charge] = ()
    if body.get("charge_code") is not None:
        versions = _versions(catalog, body["charge_code"])
    else:
        charge = _parsed(Charge, body["charge"], _CHARGE_DEFAULTS, "charge", faults)
        # The price is estimated whenever it is valid.
        versions = [charge.model_copy(update={"valid_from": None})] if charge is not None else []
    raw = body.get("metric")
    metric = None
    if raw is not None:
        defaults = {"code": versions[0].metric, "name": "Estimate"} if versions else {}
        metric = _parsed(Metric, raw, defaults, "metric", faults)
    elif versions:
        metric = catalog.metric(versions[0].metric)
        if metric is None:
            faults.append(Fault("charge.metric", "unknown_metric", f"No such metric: {versions[0].metric}"))
    if faults or metric is None:
        raise Refused(faults)
    return versions, metric


def _check_fields(body: Mapping[str, object]) -> None:
    faults = [Fault(name, "unknown_field", "Unknown field") for name in sorted(set(body) - _FIELDS)]
    has = {name for name in _FIELDS if body.get(name) is not None}
    if not has & {"charge", "charge_code"}:
        faults.append(Fault("charge", "missing", "is required, or charge_code"))
    elif {"charge", "charge_code"} <= has:
        faults.append(Fault("charge", "mutually_exclusive", "can't be combined with charge_code"))
    if has & set(_STORED):
        faults += [
            Fault(name, "missing", "is required: subscription and period_start go together")
            for name in _STORED
            if name not in has
        ]
        faults += [
            Fault(name, "mutually_exclusive", "can't be combined with a subscription's stored usage")
            for name in _NOT_OF_A_PERIOD
            if name in has
        ]
    if faults:
        raise Refused(faults)


def _versions(catalog: CatalogReading, code: object) -> list[Charge]:
    if not isinstance(code, str):
        raise Refused([Fault("charge_code", "not_a_string", "must be a string")])
    versions = catalog.charge(code)
    if not versions:
        raise Refused([Fault("charge_code", "unknown_charge", f"No such charge: {code}")])
    return versions


def _metric(catalog: CatalogReading, code: str) -> Metric:
    metric = catalog.metric(code)
    if metric is None:
        raise NotFound(f"No such metric: {code}")
    return metric


def _parsed(
    model: type[AnyDefinition], value: object, defaults: dict[str, Any], field: str, faults: list[Fault]
) -> AnyDefinition | None:
    try:
        return parse(model, {**defaults, **value} if isinstance(value, dict) else value)
    except Refused as refused:
        faults += [fault.under(field) for fault in refused.faults]
        return None
