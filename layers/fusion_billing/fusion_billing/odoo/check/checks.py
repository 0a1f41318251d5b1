"""Check the set-up of an Odoo database before the service uses it. Nothing is changed.

Each check yields findings; a finding that is not ok says what to do.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from fusion_billing.billing_periods.subscription_states import IN_PROGRESS
from fusion_billing.catalog.subscription import Subscription
from fusion_billing.catalog.validation import parse
from fusion_billing.currencies import DIGITS
from fusion_billing.decimals import plain
from fusion_billing.errors import Refused
from fusion_billing.odoo import precision
from fusion_billing.odoo.check.finding import SALES, Finding
from fusion_billing.odoo.check.invoicing import (
    chain,
    companies,
    fiscal_positions,
    invoices,
    journals,
    locks,
)
from fusion_billing.odoo.check.products import ChargedProduct, product_findings
from fusion_billing.odoo.check.rights import rights
from fusion_billing.odoo.client import Odoo
from fusion_billing.odoo.errors import AccessDenied, PermanentError
from fusion_billing.odoo.order_line_reading import decimal
from fusion_billing.odoo.orders import many2one
from fusion_billing.odoo.subscriptions import Reader, key_days_left

_ORDER_FIELDS = ("state", "locked", "currency_id", "partner_id", "company_id", "write_date")
_SUBSCRIPTION_FIELDS = (
    "is_subscription",
    "subscription_state",
    "plan_id",
    "start_date",
    "next_invoice_date",
    "end_date",
)
_LINE_FIELDS = (
    "order_id",
    "product_id",
    "product_uom_qty",
    "price_unit",
    "price_subtotal",
    "qty_invoiced",
    "discount",
    "name",
    "state",
)
_PLAN_FIELDS = ("billing_period_value", "billing_period_unit")
_MOST_NAMED = 20
_FEW_DIGITS = 4
_USUAL_DIGITS = 2
_SOON_DAYS = 14


def all_checks(odoo: Odoo, *, products: Sequence[ChargedProduct], now: datetime) -> Iterator[Finding]:
    """Yield every finding. Raises the `OdooError` that makes looking further pointless."""
    yield from _key(odoo, now)
    looks: list[tuple[str, Callable[[Odoo], Iterator[Finding]]]] = [
        ("Rights", rights),
        ("Fields", _fields),
        ("Precision", _precision),
        ("Time zones", _zones),
        ("Currencies", _currencies),
        ("Subscriptions", _subscriptions),
        ("Locked orders", locks),
        ("Renewals", chain),
        ("Companies", companies),
        ("Sales journals", journals),
        (
            "Fiscal positions",
            partial(fiscal_positions, inclusive=any(product.inclusive for product in products)),
        ),
        ("Invoices", invoices),
        *((f"The product {product.id}", partial(product_findings, looked_at=product)) for product in products),
    ]
    for what, look in looks:
        yield from as_far_as_possible(what, look(odoo))
    if not products:
        yield Finding("warning", "No product was checked", "Name the products of your charges: --product 7")


def as_far_as_possible(what: str, findings: Iterator[Finding]) -> Iterator[Finding]:
    """Yield the findings; if Odoo refuses one check, report that and continue with the others."""
    try:
        yield from findings
    except PermanentError as error:
        advice = f"See Odoo's log for the reason: {what}"
        if isinstance(error, AccessDenied):
            advice = SALES if "sale" in error.message else f"Give the API user the right to read this: {what}"
        yield Finding("error", f"{what} could not be checked: {error.message.splitlines()[0]}", advice)


def _key(odoo: Odoo, now: datetime) -> Iterator[Finding]:
    odoo.call("res.users", "context_get")
    yield Finding("ok", "Odoo responds and accepts the API key")
    days = key_days_left(odoo, now)
    if days is None:
        yield Finding("ok", "Odoo reports no expiration date of the API key")
    elif days < _SOON_DAYS:
        yield Finding(
            "warning",
            f"The API key expires in {int(days)} days",
            "Create a new API key for the same user and put it before the old one in the secret: "
            '{"keys": ["new", "old"]}',
        )
    else:
        yield Finding("ok", f"The API key expires in {int(days)} days")


def _fields(odoo: Odoo) -> Iterator[Finding]:
    missing = [
        f"{model}.{name}"
        for model, names in (("sale.order", _ORDER_FIELDS), ("sale.order.line", _LINE_FIELDS))
        for name in sorted(set(names) - set(odoo.fields(model, names)))
    ]
    if missing:
        yield Finding("error", f"Fields are missing: {', '.join(missing)}", "Install Sales of Odoo 17 or later")
    absent = sorted(set(_SUBSCRIPTION_FIELDS) - set(odoo.fields("sale.order", _SUBSCRIPTION_FIELDS)))
    if len(absent) == len(_SUBSCRIPTION_FIELDS):
        yield Finding(
            "warning",
            "Subscriptions (sale_subscription) is not installed",
            "Save subscriptions with the API, and update next_invoice_date after each invoice; or install it",
        )
    elif absent:
        yield Finding(
            "error",
            f"Sales orders lack subscription fields: {', '.join(absent)}",
            "Install Subscriptions (sale_subscription) of Odoo 17 or later",
        )
    elif not _has_plans(odoo):
        absent = ["sale.subscription.plan"]
        yield Finding(
            "error",
            f"Subscriptions have no plans: sale.subscription.plan lacks {' and '.join(_PLAN_FIELDS)}",
            "Install Subscriptions (sale_subscription, Odoo 17 or later), or save subscriptions with the API",
        )
    if not missing and not absent:
        yield Finding("ok", "Orders, lines and subscriptions have all required fields")


def _has_plans(odoo: Odoo) -> bool:
    try:
        return len(odoo.fields("sale.subscription.plan", _PLAN_FIELDS)) == len(_PLAN_FIELDS)
    except AccessDenied:
        return True  # a closed model is reported where subscriptions are read
    except PermanentError:
        return False


def _precision(odoo: Odoo) -> Iterator[Finding]:
    stored = precision.read(odoo)
    if stored.quantity < _USUAL_DIGITS:
        yield Finding(
            "warning",
            f"Quantities are stored with {stored.quantity} digits, so fractional units are billed as quantity 1 "
            "at the amount",
            "To show fractional units on the lines, raise the precision 'Product Unit' "
            "(Settings, Technical, Decimal Accuracy)",
        )
    else:
        yield Finding("ok", f"Quantities are stored with {stored.quantity} digits")
    coarse = [] if stored.price is None else _finer_than(odoo, stored.price)
    if stored.price is None:
        yield Finding("ok", "Prices are stored without rounding")
    elif coarse:
        yield Finding(
            "error",
            f"Prices are rounded to {stored.price} digits, and amounts in {', '.join(coarse)} have more: "
            "lines with such amounts fail",
            "Raise the precision 'Product Price' (Settings, Technical, Decimal Accuracy) to the digits of "
            "these currencies at least",
        )
    elif stored.price < _FEW_DIGITS:
        yield Finding(
            "warning",
            f"Prices are rounded to {stored.price} digits, so prices with more are billed as quantity 1 at the amount",
            "To see units and prices on the lines, raise the precision 'Product Price' "
            "(Settings, Technical, Decimal Accuracy)",
        )
    else:
        yield Finding("ok", f"Prices are stored with {stored.price} digits")


def _zones(odoo: Odoo) -> Iterator[Finding]:
    companies = odoo.search_read("res.company", [], ["name", "partner_id"])
    partners = {found[0] for row in companies if (found := many2one(row.get("partner_id")))}
    zones = {row["id"]: row.get("tz") for row in odoo.read("res.partner", sorted(partners), ["tz"])}
    for company in companies:
        partner = many2one(company.get("partner_id"))
        zone = zones.get(partner[0]) if partner else None
        advice = f"Set the time zone of {company['name']}'s contact: its billing periods start at midnight in that zone"
        if not zone:
            yield Finding("warning", f"{company['name']} has no time zone, so UTC is used", advice)
        elif not _is_zone(zone):
            yield Finding("error", f"{company['name']} has the time zone {zone}, which is unknown", advice)
        else:
            yield Finding("ok", f"{company['name']} bills in {zone}")


def _currencies(odoo: Odoo) -> Iterator[Finding]:
    for row in _active_currencies(odoo):
        digits = DIGITS.get(row["name"])
        if digits is None:
            yield Finding(
                "warning",
                f"The currency {row['name']} is not in ISO 4217, so its orders can't be billed",
                "Bill these orders in another currency",
            )
            continue
        stored, smallest = decimal(row["rounding"]), Decimal(1).scaleb(-digits)
        if stored != smallest:
            yield Finding(
                "error",
                f"{row['name']} is rounded to {plain(stored)} in Odoo, but amounts have the unit {plain(smallest)}",
                f"Set the rounding of {row['name']} to {plain(smallest)}: lines of other amounts would fail",
            )


def _active_currencies(odoo: Odoo) -> list[dict[str, Any]]:
    return odoo.search_read("res.currency", [["active", "=", True]], ["name", "rounding"])


def _finer_than(odoo: Odoo, digits: int) -> list[str]:
    """Return the currencies of orders that have more than `digits` decimal places."""
    finer = [row for row in _active_currencies(odoo) if DIGITS.get(row["name"], 0) > digits]
    return [
        str(row["name"])
        for row in finer
        if odoo.search_read("sale.order", [["currency_id", "=", row["id"]]], ["id"], limit=1)
    ]


def _subscriptions(odoo: Odoo) -> Iterator[Finding]:
    if "is_subscription" not in odoo.fields("sale.order", ["is_subscription"]):
        return
    running = 0
    unread: list[str] = []
    for page in Reader(odoo).pages([["subscription_state", "=", IN_PROGRESS]]):
        for subscription in page:
            running += 1
            try:
                parse(Subscription, subscription.document, id=str(subscription.order))
            except Refused as refused:
                unread.append(f"{subscription.name} ({', '.join(fault.field for fault in refused.faults)})")
    if not running:
        yield Finding(
            "warning",
            "No subscription is in progress",
            "Confirm a subscription in Odoo, or save subscriptions with the API",
        )
    if unread:
        more = f" and {len(unread) - _MOST_NAMED} more" if len(unread) > _MOST_NAMED else ""
        names = ", ".join(unread[:_MOST_NAMED]) + more
        yield Finding(
            "error",
            f"{len(unread)} of {running} subscriptions can't be read: {names}",
            "Fill in the fields in parentheses; until then these subscriptions are not billed",
        )
    elif running:
        yield Finding("ok", f"All {running} subscriptions in progress can be read")


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True
