"""Read how many digits the database stores of quantities and prices, from the fields themselves.

The setting is called "Product Unit" in Odoo 19 and "Product Unit of Measure" before; the fields say what it
is in every version. A price without digits is kept as it comes.
"""

from collections.abc import Callable
from typing import Any

from fusion_billing.odoo.client import Odoo
from fusion_billing.odoo_lines.quantity_and_price import Precision

_QUANTITY, _PRICE = "product_uom_qty", "price_unit"
_KEPT_SECONDS = 600.0


def read(odoo: Odoo) -> Precision:
    """Return the digits of quantities and prices on a sales order's lines."""
    about = odoo.fields("sale.order.line", [_QUANTITY, _PRICE])
    quantity = _digits(about.get(_QUANTITY))
    return Precision(2 if quantity is None else quantity, _digits(about.get(_PRICE)))


class Cached:
    """A cache of the precision, at most ten minutes old."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._until = float("-inf")
        self._held = Precision()

    def of(self, odoo: Odoo) -> Precision:
        """Return the precision of `odoo`'s database."""
        if self._clock() >= self._until:
            self._held = read(odoo)
            self._until = self._clock() + _KEPT_SECONDS
        return self._held


def _digits(about: dict[str, Any] | None) -> int | None:
    digits = (about or {}).get("digits")
    if isinstance(digits, list | tuple) and len(digits) == 2 and isinstance(digits[1], int):  # noqa: PLR2004
        return digits[1]
    return None
