"""What is owed: current usage, ratings, statements and estimates."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from fusion_billing_client.decoding import Model
from fusion_billing_client.models.usage import UsageRecord


@dataclass(frozen=True, kw_only=True)
class Step(Model):
    """One step of the calculation of an amount."""

    description: str
    amount: Decimal
    units: Decimal | None = None
    unit_amount: Decimal | None = None


@dataclass(frozen=True, kw_only=True)
class MetricUsage(Model):
    """One metric of a period: its units, the amount so far, and a projection to the period's end."""

    metric: str
    units: Decimal
    name: str | None = None
    unit: str | None = None
    included_units: Decimal | None = None
    overage_units: Decimal | None = None
    amount: Decimal | None = None
    currency: str | None = None
    projection: Mapping[str, str] | None = None
    charges: tuple[Mapping[str, Any], ...] = ()
    unpriced: tuple[Mapping[str, str], ...] = ()
    unbilled: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class CurrentUsage(Model):
    """The usage and amounts of one period of a subscription."""

    subscription: str
    period_start: datetime
    period_end: datetime
    metrics: tuple[MetricUsage, ...]
    state: str | None = None
    calculated_at: datetime | None = None
    currency: str | None = None


@dataclass(frozen=True, kw_only=True)
class OrderLine(Model):
    """The order line of a rating."""

    id: str | None = None
    state: str | None = None
    odoo_line_id: int | None = None
    amount: Decimal | None = None
    version: int | None = None
    error: Any = None


@dataclass(frozen=True, kw_only=True)
class Rating(Model):
    """A rating: the priced usage of a charge in a period."""

    charge: str
    amount: Decimal
    currency: str
    subscription: str | None = None
    customer_name: str | None = None
    charge_name: str | None = None
    metric: str | None = None
    unit: str | None = None
    period_start: datetime | None = None
    period_end: datetime | None = None
    state: str | None = None
    version: int | None = None
    frozen: bool = False
    units: Decimal | None = None
    included_units: Decimal | None = None
    overage_units: Decimal | None = None
    billable_units: Decimal | None = None
    unrounded_amount: Decimal | None = None
    steps: tuple[Step, ...] = ()
    line: OrderLine | None = None
    corrects: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class RatingVersion(Model):
    """One version of a rating."""

    version: int
    amount: Decimal
    units: Decimal | None = None
    rated_at: datetime | None = None
    cause: Any = None


@dataclass(frozen=True, kw_only=True)
class RatingDetail(Rating):
    """A rating with everything behind it; of its usage records one page."""

    history: tuple[RatingVersion, ...] = ()
    price: Mapping[str, Any] = field(default_factory=dict)
    thresholds_reached: tuple[str, ...] = ()
    adjustments: tuple[Rating, ...] = ()
    records: tuple[UsageRecord, ...] = ()
    records_cursor: str | None = None
    steps_total: int | None = None
    steps_next: int | None = None


@dataclass(frozen=True, kw_only=True)
class StatementLine(Model):
    """One charge of a statement."""

    charge: str
    units: Decimal
    rated: Decimal
    invoiced: Decimal
    difference: Decimal
    line: str | None = None
    charge_name: str | None = None
    metric: str | None = None
    invoiced_from: str | None = None
    records: int | None = None
    revisions: int | None = None
    missing_days: tuple[str, ...] = ()
    corrects: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Statement(Model):
    """A closed period: what was rated, what Odoo invoiced, and the hash that chains it to the statement before."""

    subscription: str
    period_start: datetime
    period_end: datetime
    hash: str
    lines: tuple[StatementLine, ...] = ()
    totals: Mapping[str, str] = field(default_factory=dict)
    format: int | None = None
    customer_name: Any = None
    plan: str | None = None
    currency: str | None = None
    timezone: str | None = None
    odoo_order_id: int | None = None
    invoiced_at: datetime | None = None
    closed_at: datetime | None = None
    previous_hash: str | None = None


@dataclass(frozen=True, kw_only=True)
class Estimate(Model):
    """The amount of units, of records, or of a period's stored usage."""

    units: Decimal
    billable_units: Decimal
    amount: Decimal
    unrounded_amount: Decimal
    currency: str
    steps: tuple[Step, ...] = ()
    period_start: datetime | None = None
    period_end: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class OverviewAmount(Model):
    """The amount of the ratings of a plan whose periods end in a month (`2026-11`), in one currency."""

    period_end_month: str
    state: str
    plan: str
    currency: str
    amount: Decimal
    ratings: int = 0
    subscriptions: int = 0


@dataclass(frozen=True, kw_only=True)
class InvoiceDue(Model):
    """What Odoo invoices on a day, by what is rated so far."""

    period_end: str
    currency: str
    amount: Decimal
    subscriptions: int = 0


@dataclass(frozen=True, kw_only=True)
class Overview(Model):
    """What is owed and what needs attention; `raw` has the counts of lines, deliveries and expiring keys.

    `amounts_calculated_at` is None while a part of the amounts was never added up.
    """

    calculated_at: datetime
    amounts_calculated_at: datetime | None = None
    amounts: tuple[OverviewAmount, ...] = ()
    invoices_due: tuple[InvoiceDue, ...] = ()
    failing_endpoints: tuple[str, ...] = ()
    disabled_endpoints: tuple[str, ...] = ()
