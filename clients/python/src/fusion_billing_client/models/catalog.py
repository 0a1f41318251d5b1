"""Definitions of metrics, charges and subscriptions, and the result of a dry run.

What a `put` takes is a plain mapping of the API's fields, typed by `MetricDefinition`, `ChargeDefinition` and
`SubscriptionDefinition`. What the service returns is a model; its `raw` may be changed and put again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypedDict

from fusion_billing_client.decoding import Model

Number = Decimal | int | str


class _MetricRequired(TypedDict):
    name: str
    aggregation: str


class MetricDefinition(_MetricRequired, total=False):
    """The body of `metrics.put`."""

    unit: str
    rounding: Mapping[str, Any]
    idempotency: str
    version: int


class _ChargeRequired(TypedDict):
    name: str
    metric: str
    applies_to: Mapping[str, Any]
    currency: str
    odoo_product_id: int
    model: Mapping[str, Any]


class ChargeDefinition(_ChargeRequired, total=False):
    """The body of `charges.put`."""

    names: Mapping[str, str]
    included_units: Number
    active: bool
    valid_from: str | date | datetime
    minimum_amount: Number
    maximum_amount: Number
    unit_conversion: Mapping[str, Any]
    filters: Sequence[Mapping[str, Any]]
    group_by: Sequence[str]
    thresholds: Mapping[str, Any]
    prorate: bool
    tax_behavior: str
    analytic_distribution: Mapping[str, Any]
    version: int


class _SubscriptionRequired(TypedDict):
    odoo_order_id: int
    name: str
    customer_name: str
    plan: str
    state: str
    currency: str
    timezone: str
    start_date: str | date
    billing_period: Mapping[str, Any]
    next_invoice_date: str | date


class SubscriptionDefinition(_SubscriptionRequired, total=False):
    """The body of `subscriptions.put`."""

    end_date: str | date
    lang: str
    overrides: Mapping[str, Any]
    aliases: Sequence[str]
    billed_from: str | date | datetime
    version: int


@dataclass(frozen=True, kw_only=True)
class Change(Model):
    """One change of a definition."""

    version: int
    changed_at: datetime
    actor: str
    cause: str
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class Metric(Model):
    """A metric."""

    code: str
    name: str
    aggregation: str
    version: int
    unit: str | None = None
    rounding: Mapping[str, Any] | None = None
    idempotency: str | None = None
    history: tuple[Change, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Charge(Model):
    """A charge: its version in force, and all of its versions."""

    code: str
    name: str
    metric: str
    applies_to: Mapping[str, Any]
    currency: str
    odoo_product_id: int
    model: Mapping[str, Any]
    version: int
    included_units: Decimal = Decimal(0)
    active: bool = True
    valid_from: str | None = None
    minimum_amount: Decimal | None = None
    maximum_amount: Decimal | None = None
    versions: tuple[Mapping[str, Any], ...] = ()
    history: tuple[Change, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Subscription(Model):
    """A subscription."""

    id: str
    odoo_order_id: int
    name: str
    plan: str
    state: str
    currency: str
    timezone: str
    start_date: date
    next_invoice_date: date
    version: int
    customer_name: Any = None
    billing_period: Mapping[str, Any] = field(default_factory=dict)
    end_date: date | None = None
    overrides: Mapping[str, Any] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    orders: tuple[Mapping[str, Any], ...] = ()
    plan_history: tuple[Mapping[str, Any], ...] = ()
    open_period: Mapping[str, str] | None = None
    origin: str | None = None
    history: tuple[Change, ...] = ()


@dataclass(frozen=True, kw_only=True)
class DryRunFigures(Model):
    """The units and amount of a charge in an open period; `error` is why it can't be rated."""

    period_start: datetime
    period_end: datetime
    units: Decimal
    amount: Decimal
    currency: str
    error: str | None = None


@dataclass(frozen=True, kw_only=True)
class DryRunRating(Model):
    """One rating that a change would change; None where the charge does not apply."""

    subscription: str
    charge: str
    before: DryRunFigures | None = None
    after: DryRunFigures | None = None


@dataclass(frozen=True, kw_only=True)
class DryRunTotal(Model):
    """The amounts of all ratings in one currency."""

    currency: str
    before: Decimal
    after: Decimal
    difference: Decimal


@dataclass(frozen=True, kw_only=True)
class DryRun(Model):
    """What a `put` would change; `confirm` are the values that it must have in `confirm`."""

    outcome: str
    changed_fields: tuple[str, ...] = ()
    confirm: tuple[str, ...] = ()
    charges: tuple[str, ...] = ()
    subscriptions: tuple[DryRunRating, ...] = ()
    totals: tuple[DryRunTotal, ...] = ()
    evaluated: int = 0
    changed_subscriptions: int = 0
    truncated: bool = False
