"""What must be so in an Odoo before the service is let at it: looked at one by one, nothing changed.

Each check yields findings in plain words; one that is not well says what to do.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from fusion_billing.currencies import DIGITS
from fusion_billing.definitions.subscription import Subscription
from fusion_billing.definitions.validation import parse
from fusion_billing.errors import Refused
from fusion_billing.odoo import precision
from fusion_billing.odoo.client import Odoo
from fusion_billing.odoo.errors import NoRights, OdooError
from fusion_billing.odoo.orders import many2one
from fusion_billing.odoo.subscriptions import Reader, key_days_left

Level = Literal["well", "look", "wrong"]

_ALL_DOCUMENTS = "sales_team.group_sale_salesman_all_leads"
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
_PRODUCT_FIELDS = ("active", "sale_ok", "invoice_policy", "recurring_invoice")
_MOST_NAMED = 20
_FEW_DIGITS = 4
_SOON_DAYS = 14


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found, and what to do about it (empty where it is well)."""

    level: Level
    text: str
    advice: str = ""


def all_checks(odoo: Odoo, *, products: Sequence[int], rolling: bool, now: datetime) -> Iterator[Finding]:
    """Yield every finding. Raises the `OdooError` that makes looking further pointless."""
    yield from _key(odoo, now)
    yield from _rights(odoo)
    yield from _fields(odoo)
    yield from _precision(odoo)
    yield from _zones(odoo)
    yield from _currencies(odoo)
    yield from _subscriptions(odoo)
    for product in products:
        yield from _product(odoo, product)
    if not products:
        yield Finding("look", "No product was looked at", "Name the products that charges bill: --product 7")
    if rolling:
        yield from _external_ids(odoo)


def _key(odoo: Odoo, now: datetime) -> Iterator[Finding]:
    odoo.call("res.users", "context_get")
    yield Finding("well", "Odoo answers, and accepts the key for this database")
    days = key_days_left(odoo, now)
    if days is None:
        yield Finding("well", "Odoo names no day on which the key expires")
    elif days < _SOON_DAYS:
        yield Finding(
            "look",
            f"The key expires in {int(days)} days",
            "Make a new key for the same user and put it into the secret in front of the old one: "
            '{"keys": ["new", "old"]}',
        )
    else:
        yield Finding("well", f"The key is good for {int(days)} days")


def _rights(odoo: Odoo) -> Iterator[Finding]:
    sales = "Give the key's user the right 'Sales: User: All Documents'"
    for model, operations in (("sale.order", ("read",)), ("sale.order.line", ("read", "create", "write"))):
        for operation in operations:
            if _may(odoo, model, operation) is False:
                yield Finding("wrong", f"The key's user may not {operation} {model}", sales)
                return
    if not odoo.search_read("sale.order", [], ["id"], limit=1):
        yield Finding(
            "wrong", "The key's user sees no sales order: there is none, or it may see only its own", sales
        )
        return
    everything = _in_group(odoo, _ALL_DOCUMENTS)
    if everything is False:
        yield Finding(
            "wrong",
            "The key's user sees its own sales orders only; Odoo leaves out the others without a word",
            sales,
        )
    else:
        yield Finding("well", "The key's user may read orders and write lines")


def _fields(odoo: Odoo) -> Iterator[Finding]:
    missing = [
        f"{model}.{name}"
        for model, names in (("sale.order", _ORDER_FIELDS), ("sale.order.line", _LINE_FIELDS))
        for name in sorted(set(names) - set(odoo.fields(model, names)))
    ]
    if missing:
        yield Finding(
            "wrong", f"Fields are missing: {', '.join(missing)}", "Odoo 17 or later with Sales is needed"
        )
    absent = sorted(set(_SUBSCRIPTION_FIELDS) - set(odoo.fields("sale.order", _SUBSCRIPTION_FIELDS)))
    if absent:
        yield Finding(
            "wrong",
            f"Sales orders are no subscriptions here: {', '.join(absent)} are missing",
            "Install Subscriptions (sale_subscription), or put subscriptions in by the API",
        )
    if not missing and not absent:
        yield Finding("well", "Orders, lines and subscriptions have every field that is used")


def _precision(odoo: Odoo) -> Iterator[Finding]:
    held = precision.read(odoo)
    yield Finding("well", f"Quantities are kept to {held.quantity} digits")
    if held.price is None:
        yield Finding("well", "Prices are kept as they come")
    elif held.price < _FEW_DIGITS:
        yield Finding(
            "look",
            f"Prices are rounded to {held.price} digits: finer ones become quantity 1 at the amount",
            "To see units and prices on the lines, raise the precision 'Product Price' "
            "(Settings, Technical, Decimal Accuracy)",
        )
    else:
        yield Finding("well", f"Prices are kept to {held.price} digits")


def _zones(odoo: Odoo) -> Iterator[Finding]:
    companies = odoo.search_read("res.company", [], ["name", "partner_id"])
    partners = {found[0] for row in companies if (found := many2one(row.get("partner_id")))}
    zones = {row["id"]: row.get("tz") for row in odoo.read("res.partner", sorted(partners), ["tz"])}
    for company in companies:
        partner = many2one(company.get("partner_id"))
        zone = zones.get(partner[0]) if partner else None
        advice = f"Set the time zone of {company['name']}'s contact: its periods begin at midnight there"
        if not zone:
            yield Finding("look", f"{company['name']} has no time zone, so UTC is taken", advice)
        elif not _is_zone(zone):
            yield Finding("wrong", f"{company['name']} has the time zone {zone}, which is unknown", advice)
        else:
            yield Finding("well", f"{company['name']} bills in {zone}")


def _currencies(odoo: Odoo) -> Iterator[Finding]:
    for row in odoo.search_read("res.currency", [["active", "=", True]], ["name", "decimal_places"]):
        digits = DIGITS.get(row["name"])
        if digits is None:
            yield Finding(
                "look",
                f"The currency {row['name']} is not in ISO 4217: orders in it can't be billed",
                "Bill these orders in another currency, or leave them out",
            )
        elif row["decimal_places"] != digits:
            yield Finding(
                "wrong",
                f"{row['name']} has {row['decimal_places']} digits in Odoo and {digits} in ISO 4217",
                f"Set the rounding of {row['name']} to {digits} digits: amounts would differ by parts of it",
            )


def _subscriptions(odoo: Odoo) -> Iterator[Finding]:
    if "is_subscription" not in odoo.fields("sale.order", ["is_subscription"]):
        return
    running = 0
    unread: list[str] = []
    for page in Reader(odoo).pages([["subscription_state", "=", "3_progress"]]):
        for one in page:
            running += 1
            try:
                parse(Subscription, one.document, id=str(one.order))
            except Refused as refused:
                unread.append(f"{one.name} ({', '.join(fault.field for fault in refused.faults)})")
    if not running:
        yield Finding(
            "look", "No subscription is in progress", "Confirm one, or put subscriptions in by the API"
        )
    if unread:
        more = f" and {len(unread) - _MOST_NAMED} more" if len(unread) > _MOST_NAMED else ""
        names = ", ".join(unread[:_MOST_NAMED]) + more
        yield Finding(
            "wrong",
            f"{len(unread)} of {running} subscriptions can't be read: {names}",
            "Fill in what is named behind each, or it will not be billed",
        )
    elif running:
        yield Finding("well", f"All {running} subscriptions in progress can be read")


def _product(odoo: Odoo, product: int) -> Iterator[Finding]:
    about = odoo.fields("product.product", _PRODUCT_FIELDS)
    context = {"active_test": False}
    rows = odoo.call(
        "product.product",
        "search_read",
        domain=[["id", "=", product]],
        fields=["display_name", *sorted(about)],
        context=context,
    )
    if not rows:
        yield Finding(
            "wrong", f"There is no product {product}", "Use the id of the product variant (product.product)"
        )
        return
    row: dict[str, Any] = rows[0]
    name = f"The product {row['display_name']}"
    faults = [
        (not row.get("active", True), "is archived", "Bring it back"),
        (not row.get("sale_ok", True), "can't be sold", "Tick 'Sales' on it"),
        (
            row.get("invoice_policy", "order") != "order",
            "is invoiced by delivered quantity, which nobody delivers",
            "Set its invoicing policy to 'Ordered quantities'",
        ),
        (
            bool(row.get("recurring_invoice")),
            "is a subscription product: each line would be billed again every period",
            "Use a product that is not recurring",
        ),
    ]
    found = [Finding("wrong", f"{name} {text}", advice) for bad, text, advice in faults if bad]
    yield from found or [Finding("well", f"{name} can be billed")]


def _external_ids(odoo: Odoo) -> Iterator[Finding]:
    try:
        odoo.search_read("ir.model.data", [["module", "=", "fusion_billing"]], ["name"], limit=1)
    except OdooError:
        yield Finding(
            "wrong",
            "The key's user may not read external ids, which rolling lines are found by",
            "Give it that right on ir.model.data, or use one line a period",
        )
    else:
        yield Finding("well", "External ids can be read, as rolling lines need")


def _may(odoo: Odoo, model: str, operation: str) -> bool | None:
    """Tell whether the user may, or None where this Odoo does not say."""
    for method, arguments in (
        ("has_access", {"ids": [], "operation": operation}),
        ("check_access_rights", {"operation": operation, "raise_exception": False}),
    ):
        try:
            return bool(odoo.call(model, method, **arguments))
        except NoRights:
            return False
        except OdooError:
            continue
    return None


def _in_group(odoo: Odoo, group: str) -> bool | None:
    try:
        user = odoo.call("res.users", "context_get")["uid"]
    except (OdooError, KeyError, TypeError):
        return None
    for arguments in ({"ids": [user], "group_ext_id": group}, {"group_ext_id": group}):
        try:
            return bool(odoo.call("res.users", "has_group", **arguments))
        except OdooError:
            continue
    return None


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True
