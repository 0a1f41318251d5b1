"""A due line prepared for Odoo: its rating document read, and the order line made of it."""

import hashlib
import json
from dataclasses import dataclass

from fusion_billing.dynamodb.ratings.order_line_items import StoredLine
from fusion_billing.odoo.errors import LineMismatch, PermanentError
from fusion_billing.odoo.orders import Order
from fusion_billing.odoo.write_and_verify import RequestedLine
from fusion_billing.odoo_lines.line_item import LineItem, read
from fusion_billing.odoo_lines.order_line import OrderLine, to_order_line
from fusion_billing.odoo_lines.quantity_and_price import Precision


@dataclass(frozen=True, slots=True)
class PreparedLine:
    """A due line, its line item, and the order line to write to Odoo (in English)."""

    stored: StoredLine
    line_item: LineItem
    made: OrderLine
    digest: str
    precision: Precision

    @property
    def order(self) -> int:
        """The sales order that the next call is about: the former one until the line is empty there."""
        there = self.stored.order_it_may_be_on
        return there if there is not None else self.line_item.order

    @property
    def is_elsewhere(self) -> bool:
        """Tell whether the line is, or may be, on another order than the one that will invoice it."""
        return self.order != self.line_item.order

    @property
    def identity(self) -> str:
        """The external ID of the line in Odoo."""
        return self.made.external_id

    @property
    def attempt_count(self) -> int:
        """How often the line was postponed."""
        return self.stored.attempt_count

    def fault(self, order: Order | None) -> PermanentError | None:
        """Return why the line can't be on `order`: the order has another currency."""
        if order is not None and order.currency and order.currency != self.line_item.currency:
            return CurrencyDiffers(
                f"the order {order.name} is in {order.currency}, the charge in {self.line_item.currency}",
                name="currency",
            )
        return None

    def requested(self, language: str) -> RequestedLine:
        """Return the line to request, in the customer's language."""
        line = self._to_order_line(language)
        return RequestedLine(
            line,
            self._to_order_line(language, plainly=True) if line.kind != "nothing" else None,
            known_id=self.stored.odoo_id,
            lookup_orders=frozenset({self.order} if self.stored.is_unresolved else ()),
            uses_fallback=self.stored.is_plain,
            acknowledged=self.stored.sent_amount,
        )

    def _to_order_line(self, language: str, *, plainly: bool = False) -> OrderLine:
        return to_order_line(
            self.line_item,
            self.precision,
            language=language,
            plainly=plainly,
            suffix=self.stored.suffix,
        )


class CurrencyDiffers(LineMismatch):
    """The order is in another currency than the charge."""

    code = "currency_differs"


def prepare(stored: StoredLine, precision: Precision) -> PreparedLine:
    """Return the prepared line; raises `UnreadableDocument` or `Unrepresentable` where it can't be."""
    line_item = read(stored.document, stored.key.subscription)
    made = to_order_line(line_item, precision, suffix=stored.suffix)
    return PreparedLine(stored, line_item, made, _digest(made, line_item), precision)


def needs_no_call(line: PreparedLine) -> bool:
    """Tell whether Odoo has exactly this line already, or needs none."""
    if line.stored.is_unresolved:
        return False  # what was acknowledged last proves nothing
    if line.made.kind == "nothing" and line.stored.odoo_id is None:
        return True
    return line.stored.odoo_id is not None and line.stored.digest == line.digest


def _digest(made: OrderLine, line_item: LineItem) -> str:
    """Return the digest of everything the line is made of: the row, and its names by language."""
    # False keeps the digests of lines that were sent before: it said that the line is not a rolling one.
    content = [made.row(), False, sorted(line_item.names.items())]
    if made.with_taxes:
        content.append("with taxes")
    if made.analytic:
        content.append(made.analytic)
    return hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()[:32]
