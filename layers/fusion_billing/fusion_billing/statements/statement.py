"""A statement: one closed billing period of one subscription, written once and never changed.

It names for every order line of the period what was rated, what Odoo's invoice says, and the usage behind it.
Its hash covers the whole document and the hash of the subscription's statement before it, so that no
statement can be changed, removed or put in between without every later one disagreeing
(`statements.chain`).
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal, NotRequired, TypedDict, get_args

from fusion_billing.billing.decisions import total
from fusion_billing.currencies import with_digits
from fusion_billing.decimals import EXACT
from fusion_billing.instants import rfc3339

FORMAT = 1
"""The version of the document format; readers reject unknown versions."""

InvoicedFrom = Literal["invoice", "order_line", "acknowledged", "none"]
"""Where the invoiced amount was read: Odoo's invoice lines; the order line (the key may not read invoices, or
the line is still to be invoiced); what Odoo last acknowledged (nothing was read in time);
nowhere: no line was ever sent."""

SOURCES: tuple[str, ...] = get_args(InvoicedFrom)


@dataclass(frozen=True, slots=True)
class UsageCount:
    """The usage that a line counts: stored records, their revisions, and the days without any.

    A missing day is a local day of the period in which no counted window lies, for a metric that has records
    on other days of it: a counter that an application may have failed to push.
    """

    records: int = 0
    revisions: int = 0
    missing_days: tuple[date, ...] = ()


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One order line of the period; `corrects` is the start of the period that an adjustment corrects."""

    line: str
    charge: str
    charge_name: str
    metric: str
    units: str
    rated: Decimal
    invoiced: Decimal
    invoiced_from: InvoicedFrom
    usage: UsageCount = UsageCount()
    corrects: datetime | None = None

    @property
    def difference(self) -> Decimal:
        """Return what was rated and is not on the invoice (negative: invoiced and not rated)."""
        return EXACT.subtract(self.rated, self.invoiced)


@dataclass(frozen=True, slots=True)
class Period:
    """Whose period it is: the subscription, its customer, the bounds (aware UTC) and when it was invoiced."""

    subscription: str
    customer_name: str
    plan: str
    currency: str
    timezone: str
    odoo_order_id: int
    start: datetime
    end: datetime
    invoiced_at: datetime | None


class StatementLineJson(TypedDict):
    """One order line of a statement; amounts have their currency's digits."""

    line: str
    charge: str
    charge_name: str
    metric: str
    units: str
    rated: str
    invoiced: str
    difference: str
    invoiced_from: InvoicedFrom
    records: int
    revisions: int
    missing_days: list[str]
    corrects: NotRequired[str]


class StatementJson(TypedDict):
    """A statement as it is stored, hashed and shown."""

    format: int
    subscription: str
    customer_name: str
    plan: str
    currency: str
    timezone: str
    odoo_order_id: int
    period_start: str
    period_end: str
    invoiced_at: str | None
    closed_at: str
    lines: list[StatementLineJson]
    totals: dict[str, str]
    previous_hash: str | None
    hash: NotRequired[str]


def statement_document(
    period: Period, lines: Sequence[StatementLine], *, previous_hash: str | None, closed_at: datetime
) -> StatementJson:
    """Return a statement as JSON, its `hash` last.

    Args:
        period: The closed period.
        lines: Its order lines, adjustments included, in any order.
        previous_hash: The hash of the subscription's statement before this one; None for its first.
        closed_at: When the statement is made.

    Returns:
        The document: instants RFC 3339, amounts with their currency's digits.
    """
    currency = period.currency
    document: StatementJson = {
        "format": FORMAT,
        "subscription": period.subscription,
        "customer_name": period.customer_name,
        "plan": period.plan,
        "currency": currency,
        "timezone": period.timezone,
        "odoo_order_id": period.odoo_order_id,
        "period_start": rfc3339(period.start),
        "period_end": rfc3339(period.end),
        "invoiced_at": None if period.invoiced_at is None else rfc3339(period.invoiced_at),
        "closed_at": rfc3339(closed_at),
        "lines": [_line(line, currency) for line in sorted(lines, key=lambda line: line.line)],
        "totals": _totals(lines, currency),
        "previous_hash": previous_hash,
    }
    document["hash"] = hash_of(document)
    return document


def hash_of(document: Mapping[str, object]) -> str:
    """Return the SHA-256 (hex) of a statement without its `hash`.

    The hashed text is the document as JSON in UTF-8: keys sorted, no white space, no escapes but JSON's own.
    """
    hashed = {name: value for name, value in document.items() if name != "hash"}
    text = json.dumps(hashed, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _line(line: StatementLine, currency: str) -> StatementLineJson:
    document: StatementLineJson = {
        "line": line.line,
        "charge": line.charge,
        "charge_name": line.charge_name,
        "metric": line.metric,
        "units": line.units,
        "rated": with_digits(line.rated, currency),
        "invoiced": with_digits(line.invoiced, currency),
        "difference": with_digits(line.difference, currency),
        "invoiced_from": line.invoiced_from,
        "records": line.usage.records,
        "revisions": line.usage.revisions,
        "missing_days": [day.isoformat() for day in line.usage.missing_days],
    }
    if line.corrects is not None:
        document["corrects"] = rfc3339(line.corrects)
    return document


def _totals(lines: Sequence[StatementLine], currency: str) -> dict[str, str]:
    """Return the sums: `rated` of the period's own ratings, `adjusted` of adjustments, `invoiced` of both."""
    own = [line.rated for line in lines if line.corrects is None]
    adjusted = [line.rated for line in lines if line.corrects is not None]
    sums = {
        "rated": total(own),
        "adjusted": total(adjusted),
        "invoiced": total(line.invoiced for line in lines),
        "difference": total(line.difference for line in lines),
    }
    return {name: with_digits(amount, currency) for name, amount in sums.items()}
