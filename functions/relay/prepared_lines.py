"""A due line made ready for Odoo: read, shaped, and looked at for what speaks against it."""

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
class ComputedRating:
    """A due line, what it owes, and the line that Odoo shall hold for it (in English)."""

    line: StoredLine
    line_item: LineItem
    made: OrderLine
    digest: str
    precision: Precision

    @property
    def order(self) -> int:
        """The sales order that the next call is about: the former one, until nothing is left of it there."""
        there = self.line.order_it_may_be_on
        return there if there is not None else self.line_item.order

    @property
    def is_elsewhere(self) -> bool:
        """Tell whether it stands, or may stand, on another order than the one that will invoice it."""
        return self.order != self.line_item.order

    @property
    def identity(self) -> str:
        """What Odoo knows it by."""
        return self.made.external_id

    @property
    def attempt_count(self) -> int:
        """How often it was put off."""
        return self.line.attempt_count

    def fault(self, order: Order | None) -> PermanentError | None:
        """Return what speaks against putting it onto `order`: another currency."""
        if order is not None and order.currency and order.currency != self.line_item.currency:
            return CurrencyDiffers(
                f"the order {order.name} is in {order.currency}, the charge in {self.line_item.currency}",
                name="currency",
            )
        return None

    def wanted(self, language: str) -> RequestedLine:
        """Return it as the writer takes it, in the customer's language."""
        line = self._to_order_line(language)
        return RequestedLine(
            line,
            self._to_order_line(language, plainly=True) if line.kind != "nothing" else None,
            known_id=self.line.odoo_id,
            lookup_orders=frozenset({self.order} if self.line.is_unresolved else ()),
            uses_fallback=self.line.is_plain,
            acknowledged=self.line.sent_amount,
        )

    def _to_order_line(self, language: str, *, plainly: bool = False) -> OrderLine:
        return to_order_line(
            self.line_item,
            self.precision,
            language=language,
            plainly=plainly,
            suffix=self.line.suffix,
        )


class CurrencyDiffers(LineMismatch):
    """The order is in another currency than the charge."""

    code = "currency_differs"


def computed_rating(line: StoredLine, precision: Precision) -> ComputedRating:
    """Return the line made ready; raises `UnreadableDocument` or `Unrepresentable` where it can't be."""
    line_item = read(line.document, line.key.subscription)
    made = to_order_line(line_item, precision, suffix=line.suffix)
    return ComputedRating(line, line_item, made, _digest(made, line_item), precision)


def needs_no_call(one: ComputedRating) -> bool:
    """Tell whether Odoo is known to hold just this already, or to have nothing to hold."""
    if one.line.is_unresolved:
        return False  # what was acknowledged last proves nothing
    if one.made.kind == "nothing" and one.line.odoo_id is None:
        return True
    return one.line.odoo_id is not None and one.line.digest == one.digest


def _digest(made: OrderLine, line_item: LineItem) -> str:
    """Return the digest of all that the line is made of: the row, and the names it may be written under."""
    # False keeps the digests of lines that were sent before: it said that the line is not a rolling one.
    told = [made.row(), False, sorted(line_item.names.items())]
    if made.with_taxes:
        told.append("with taxes")
    if made.analytic:
        told.append(made.analytic)
    return hashlib.sha256(json.dumps(told, ensure_ascii=False).encode()).hexdigest()[:32]
