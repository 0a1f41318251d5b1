"""The write test: write a line of every product to a test order, through all changes that a real line has.

A salesperson can't delete an order. So it is cancelled and emptied at the end, kept, and taken again by the
next test.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from fusion_billing.currencies import DIGITS
from fusion_billing.odoo import precision
from fusion_billing.odoo.bulk_load import Loader
from fusion_billing.odoo.check.finding import SALES, Finding
from fusion_billing.odoo.check.products import ChargedProduct
from fusion_billing.odoo.client import Odoo
from fusion_billing.odoo.errors import OdooError, PermanentError
from fusion_billing.odoo.order_line_reading import decimal
from fusion_billing.odoo.orders import many2one
from fusion_billing.odoo.write_and_verify import RequestedLine, Writer, WrittenLine
from fusion_billing.odoo_lines.line_item import LineItem, Step
from fusion_billing.odoo_lines.order_line import to_order_line
from fusion_billing.odoo_lines.quantity_and_price import Precision, Unrepresentable

REFERENCE = "Fusion Billing write test"
_STEPS = (
    ("created", Step(Decimal(250), Decimal("0.04"), Decimal("10.00"))),
    ("changed", Step(Decimal(250), Decimal("0.0404"), Decimal("10.10"))),
    ("corrected", Step(Decimal("3.333"), Decimal("3.7"), Decimal("12.3321"))),
)
_AMOUNTS = {0: ("10", "10", "12"), 2: ("10.00", "10.10", "12.33"), 3: ("10.000", "10.100", "12.332")}


@dataclass(frozen=True, slots=True)
class _Test:
    """One order under test, in a currency of so many digits."""

    odoo: Odoo
    order: int
    currency: str
    stored: Precision
    writer: Writer


def write_test(odoo: Odoo, products: Sequence[ChargedProduct], pause: Callable[[float], None]) -> Iterator[Finding]:
    """Yield what became of the lines; the order is emptied and cancelled at the end in every case."""
    if not products:
        yield Finding("warning", "No line was written: name a product", "Name a product: --product 7")
        return
    order: int | None = None
    try:
        order = _order(odoo)
        row = odoo.read("sale.order", [order], ["currency_id"])[0]
        currency = (many2one(row.get("currency_id")) or (0, "USD"))[1]
        writer = Writer(odoo, Loader(odoo, lambda: odoo.seconds, pause))
        test = _Test(odoo, order, currency, precision.read(odoo), writer)
        for product in products:
            yield from _of_product(test, product)
    except PermanentError as error:
        yield Finding("error", f"Odoo rejected the write test: {error.message.splitlines()[0]}", SALES)
    finally:
        left = _clean_up(odoo, order) if order is not None else None
    if left is not None:
        yield Finding("error", f"Order {order} could not be cleaned up: {left}", f"Cancel order {order} manually")
    elif order is not None:
        yield Finding("ok", f"Order {order} of the write test was emptied and cancelled")


def _order(odoo: Odoo) -> int:
    """Return a confirmed order for the company's own contact: that of the last test, or a new one."""
    user = odoo.call("res.users", "context_get")["uid"]
    domain = [["client_order_ref", "=", REFERENCE], ["user_id", "=", user], ["state", "=", "cancel"]]
    found = odoo.search_read("sale.order", domain, ["id"], limit=1)
    if found:
        order = int(found[0]["id"])
        odoo.call("sale.order", "action_draft", ids=[order])
    else:
        values = {"partner_id": _own_contact(odoo, user), "client_order_ref": REFERENCE}
        order = int(odoo.call("sale.order", "create", vals_list=[values])[0])
    odoo.call("sale.order", "action_confirm", ids=[order])
    if odoo.read("sale.order", [order], ["locked"])[0].get("locked"):
        # By the setting that locks confirmed orders, which is named apart; a locked order can't be cancelled.
        odoo.call("sale.order", "action_unlock", ids=[order])
    return order


def _own_contact(odoo: Odoo, user: int) -> int:
    [about] = odoo.read("res.users", [user], ["company_id"])
    company = many2one(about.get("company_id")) or (0, "")
    [row] = odoo.read("res.company", [company[0]], ["partner_id"])
    return (many2one(row.get("partner_id")) or (0, ""))[0]


def _clean_up(odoo: Odoo, order: int) -> str | None:
    """Cancel the order and remove its lines; return the error if that fails."""
    try:
        odoo.call("sale.order", "action_cancel", ids=[order])
        lines = [row["id"] for row in odoo.search_read("sale.order.line", [["order_id", "=", order]], ["id"])]
        if lines:
            odoo.call("sale.order.line", "unlink", ids=lines)
    except OdooError as error:
        return error.message.splitlines()[0]
    return None


def _of_product(test: _Test, product: ChargedProduct) -> Iterator[Finding]:
    known: int | None = None
    amounts = _AMOUNTS.get(DIGITS.get(test.currency, 2), _AMOUNTS[2])
    steps = [*zip(_STEPS, amounts, strict=True), (("taken back to 0", None), "0")]
    for (step, priced), amount in steps:
        fault, known = _step(test, _line_item(test, product, amount, () if priced is None else (priced,)), known)
        if fault is not None:
            yield Finding(
                "error",
                f"A line of product {product.id}{product.why} could not be {step}: {fault}",
                f"See in Odoo why a line of product {product.id} does not come to {amount} {test.currency}",
            )
            return
    words = "created, changed, corrected and set to 0"
    yield Finding("ok", f"A line of product {product.id}{product.why} was {words}, and verified each time")


def _line_item(test: _Test, product: ChargedProduct, amount: str, steps: tuple[Step, ...]) -> LineItem:
    return LineItem(
        subscription=f"check{test.order}",
        charge=f"check_{product.id}_{'in' if product.inclusive else 'ex'}",
        order=test.order,
        product=product.id,
        name=REFERENCE,
        currency=test.currency,
        amount=Decimal(amount),
        period_start=datetime(2000, 1, 1, tzinfo=UTC),
        period_end=datetime(2000, 2, 1, tzinfo=UTC),
        timezone="UTC",
        steps=steps,
        with_taxes=product.inclusive,
    )


def _step(test: _Test, line_item: LineItem, known: int | None) -> tuple[str | None, int | None]:
    """Write one state of the line; return what is wrong with it, and the line's id."""
    try:
        line = to_order_line(line_item, test.stored)
        plainly = to_order_line(line_item, test.stored, plainly=True) if line_item.amount else None
        requested = [RequestedLine(line, plainly, known)]
        [outcome] = test.writer.write(requested, test.writer.read(requested))
    except (Unrepresentable, PermanentError) as error:
        return error.message.splitlines()[0], known
    if not isinstance(outcome, WrittenLine):
        return outcome.error.message.splitlines()[0], known
    rows = test.odoo.read("sale.order.line", [outcome.id], ["product_uom_qty", "qty_to_invoice"])
    row: dict[str, Any] = rows[0]
    if decimal(row.get("qty_to_invoice")) != decimal(row.get("product_uom_qty")):
        return "Odoo would not invoice it (quantity to invoice)", outcome.id
    return None, outcome.id
