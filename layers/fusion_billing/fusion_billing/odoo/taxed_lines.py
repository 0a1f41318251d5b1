"""Find the price at which a line with taxes comes to its amount."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from fusion_billing.odoo.orders import Seconds
from fusion_billing.odoo.taxes import TaxReader
from fusion_billing.odoo_lines.order_line import OrderLine
from fusion_billing.odoo_lines.taxes import price_of

_HIDDEN_BELOW = Decimal(100)  # cents


@dataclass
class TaxedLines:
    """Find the prices by the taxes of the lines in Odoo."""

    reader: TaxReader

    def of(self, lines: Mapping[int, tuple[OrderLine, int]], seconds: Seconds) -> dict[int, OrderLine]:
        """Return those of the lines, each with its id in Odoo, that need another price than they have."""
        if not lines:
            return {}
        taxes = self.reader.of_lines(sorted({line_id for _, line_id in lines.values()}), seconds)
        found: dict[int, OrderLine] = {}
        for key, (line, line_id) in lines.items():
            price = None
            if taxes.get(line_id):
                price = price_of(line.amount, taxes[line_id], with_taxes=line.with_taxes, digits=None)
            if price is not None and price not in (line.amount, line.price):
                found[key] = replace(line, quantity=Decimal(1), price=price, kind="amount")
        return found


def may_hide_a_tax(line: OrderLine) -> bool:
    """Return whether an amount is so small that a tax in it may be rounded away on the line.

    Odoo's invoice adds up what it does not show: twelve of 0.01 with 20 % included are 0.10.
    """
    return Decimal(0) < abs(line.amount) < _HIDDEN_BELOW.scaleb(-line.digits)
