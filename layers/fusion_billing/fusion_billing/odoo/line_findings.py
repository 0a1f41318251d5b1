"""Compare an order line that Odoo acknowledged with the line in Odoo now, and name the differences."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import NotRequired, TypedDict

from fusion_billing.currencies import with_digits
from fusion_billing.decimals import ZERO
from fusion_billing.dynamodb.ratings.order_line_items import StoredLine
from fusion_billing.errors import FusionError
from fusion_billing.instants import rfc3339
from fusion_billing.odoo.order_line_reading import OdooLine
from fusion_billing.odoo_lines.line_item import LineItem, read
from fusion_billing.odoo_lines.order_line import OrderLine, to_order_line
from fusion_billing.odoo_lines.quantity_and_price import Precision

CANCELLED = "cancelled"
COPIED = "copied"
ADDED = "added"

FOUND: Mapping[str, str] = {
    "deleted": "the line was deleted",
    "moved": "it is on another order",
    "product": "it has another product",
    CANCELLED: "its order is cancelled",
    "subtotal": "its amount without taxes differs",
    "total": "its amount with taxes differs",
    "quantity": "its quantity differs",
    "price": "its unit price differs",
    "discount": "its discount differs",
    "tax": "its amount differs because of its taxes",
    "to_invoice": "Odoo would not invoice all of it (check the delivered quantity)",
    COPIED: "a copy of it, without our external id, would be invoiced too",
    ADDED: "a line of its product, without our external id, would be invoiced too",
}
"""Every finding, with its explanation."""


class FindingJson(TypedDict):
    """A line that differs in Odoo: what was `found`, the rated amount and the amount in Odoo.

    `line` and `subscription` are None if nothing is known of them. `repaired` and `reason` say what was done about it.
    """

    line: str | None
    subscription: str | None
    charge: NotRequired[str]
    period_start: NotRequired[str]
    odoo_order_id: int | None
    odoo_line_id: int | None
    amount: str
    odoo_amount: str | None
    currency: NotRequired[str]
    found: list[str]
    repaired: NotRequired[bool]
    reason: NotRequired[str]


@dataclass(frozen=True, slots=True)
class SentLine:
    """A line that Odoo acknowledged, and its line item."""

    stored: StoredLine
    line_item: LineItem
    shapes: tuple[OrderLine, ...]

    @classmethod
    def of(cls, stored: StoredLine, precision: Precision) -> "SentLine":
        """Return the line read; raises `Unreadable`."""
        line_item = read(stored.document, stored.key.subscription)
        shapes = []
        for plainly in (False, True):
            try:
                shapes.append(to_order_line(line_item, precision, plainly=plainly))
            except FusionError:
                continue
        return cls(stored, line_item, tuple(shapes))

    @property
    def order(self) -> int:
        """The order that the line stands on: not yet the one of a renewal, until it was moved."""
        return self.stored.odoo_order or self.line_item.order

    @property
    def amount(self) -> str:
        """What Odoo acknowledged, in the digits of the currency."""
        return with_digits(self.stored.sent_amount or ZERO, self.line_item.currency)

    def is_invoiced(self, odoo_line: OdooLine) -> bool:
        """Return whether Odoo has invoiced the line."""
        return odoo_line.invoiced != ZERO

    def amount_in(self, odoo_line: OdooLine) -> Decimal:
        """Return the amount of the line to compare with the rated one: its subtotal, or its total."""
        return odoo_line.amount(with_taxes=self.line_item.with_taxes)

    def differences(self, odoo_line: OdooLine | None) -> tuple[str, ...]:
        """Return how the line in Odoo differs from what was acknowledged, by the names in `FOUND`."""
        if odoo_line is None:
            return ("deleted",)
        found = []
        if odoo_line.order != self.order:
            found.append("moved")
        is_current = self.stored.sent_version == self.stored.version
        if is_current and odoo_line.product != self.line_item.product:
            found.append("product")
        if odoo_line.state == "cancel":
            found.append(CANCELLED)
        return (*found, *self._figures(odoo_line))

    def _figures(self, odoo_line: OdooLine) -> list[str]:
        is_off = self.stored.sent_amount is not None and not self._agrees(self.amount_in(odoo_line))
        found = ["total" if self.line_item.with_taxes else "subtotal"] if is_off else []
        form = self._form(odoo_line, is_off=is_off)
        found += form
        if is_off and not form and self.stored.form is not None:
            found.append("tax")
        left = odoo_line.quantity - odoo_line.invoiced
        if odoo_line.state == "sale" and odoo_line.to_invoice != left and not self._is_nothing:
            found.append("to_invoice")
        return found

    def _agrees(self, amount: Decimal) -> bool:
        difference = abs(amount - (self.stored.sent_amount or ZERO))
        return difference < Decimal(1).scaleb(-self.line_item.digits - 2)

    @property
    def _is_nothing(self) -> bool:
        return (self.stored.sent_amount or ZERO) == ZERO

    def _form(self, odoo_line: OdooLine, *, is_off: bool) -> list[str]:
        """Return which of quantity, price and discount are other ones than those read back once sent."""
        form = self.stored.form
        if form is not None:
            names = ("quantity", "price", "discount")
            return [name for name, was, now in zip(names, form, odoo_line.form, strict=True) if was != now]
        if not is_off:
            return []
        # Sent by a version that did not note the form: it was one of these.
        found = ["discount"] if odoo_line.discount else []
        if self.stored.sent_version != self.stored.version or not self.shapes:
            return found
        if odoo_line.quantity not in {shape.quantity for shape in self.shapes}:
            found.append("quantity")
        if odoo_line.price not in {shape.price for shape in self.shapes}:
            found.append("price")
        return found

    def about(self, found: tuple[str, ...], odoo_line: OdooLine | None) -> FindingJson:
        """Return a finding as JSON: the line, what differs, the rated amount and the amount in Odoo."""
        key = self.stored.key
        return {
            "line": key.line,
            "subscription": key.subscription,
            "charge": key.charge,
            "period_start": rfc3339(key.period_start),
            "odoo_order_id": self.order,
            "odoo_line_id": self.stored.odoo_id,
            "amount": self.amount,
            "odoo_amount": self.odoo_amount(odoo_line),
            "currency": self.line_item.currency,
            "found": list(found),
        }

    def odoo_amount(self, odoo_line: OdooLine | None) -> str | None:
        """Return the amount of the line in Odoo, None if it was deleted."""
        return None if odoo_line is None else with_digits(self.amount_in(odoo_line), self.line_item.currency)
